//! Faults of evertoken's own files and folders, its locks and its state: what keeps them from being used, and what a person
//! does about it.

/// What keeps a file or folder of evertoken's own from being used, with the path that it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hindrance {
    /// A symbolic link stands in its place.
    Link(String),
    /// Something that is no folder stands where one has to be.
    NoFolder(String),
    /// It belongs to another user.
    OfAnother(String),
    /// The system does not let this user do it.
    Denied(String),
    /// The file system is mounted read-only.
    ReadOnly(String),
    /// The file system, or the quota, is full.
    Full(String),
    /// It is missing, and what is above it is missing too or belongs to somebody else.
    Homeless(String),
    /// Anything else.
    Other,
}

impl Hindrance {
    /// What mends it, where that is known.
    pub fn way_out(&self) -> Option<String> {
        Some(match self {
            Self::Link(path) => format!("remove the link: rm {path}"),
            Self::NoFolder(path) => format!("put a folder in its place: mv {path} {path}.old"),
            Self::OfAnother(path) => format!("take it over: sudo chown -R \"$(id -un)\" {path}"),
            Self::Denied(path) => format!("see who may use it, and let this user read and write there: ls -ld {path}"),
            Self::ReadOnly(path) => {
                format!(
                    "mount the file system of {path} for writing, or set XDG_STATE_HOME to a folder that can be written"
                )
            }
            Self::Full(path) => format!("free space on the file system of {path}"),
            Self::Homeless(path) => format!("mount what belongs there, or let this user have the folder above {path}"),
            Self::Other => return None,
        })
    }
}
