//! Faults of evertoken's own files and folders, its locks and its state: what keeps them from being used, and what a person
//! does about it.

use crate::engine::invocation::quoted;

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
            Self::Link(path) => format!("remove the link: rm {}", quoted(path)),
            Self::NoFolder(path) => {
                format!("put a folder in its place: mv {} {}", quoted(path), quoted(&format!("{path}.old")))
            }
            Self::OfAnother(path) => format!("take it over: sudo chown -R \"$(id -un)\" {}", quoted(path)),
            Self::Denied(path) => {
                format!("see who may use it, and let this user read and write there: ls -ld {}", quoted(path))
            }
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

#[cfg(test)]
mod tests {
    use super::Hindrance;

    #[test]
    fn a_path_with_a_blank_stays_one_word_of_the_command() {
        let path = "/home/me/my state/evertoken".to_owned();
        for (hindrance, command) in [
            (Hindrance::Link(path.clone()), "rm '/home/me/my state/evertoken'"),
            (Hindrance::NoFolder(path.clone()), "mv '/home/me/my state/evertoken' '/home/me/my state/evertoken.old'"),
            (Hindrance::OfAnother(path.clone()), "sudo chown -R \"$(id -un)\" '/home/me/my state/evertoken'"),
            (Hindrance::Denied(path), "ls -ld '/home/me/my state/evertoken'"),
        ] {
            let way_out = hindrance.way_out().expect("a way out");
            assert!(way_out.ends_with(&format!(": {command}")), "{way_out}");
        }
    }
}
