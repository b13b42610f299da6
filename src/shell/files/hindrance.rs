//! What keeps a file or folder of evertoken's own from being used, after an operation on it has failed. Looks, and changes
//! nothing.

use crate::engine::failure::Hindrance;
use crate::shell::files::error::FileError;
use crate::shell::files::folder::our_uid;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Why this operation failed, by what the system said and by what stands there now.
pub fn hindrance(error: &FileError) -> Hindrance {
    let path = error.path.as_path();
    match error.source.kind() {
        ErrorKind::ReadOnlyFilesystem => return Hindrance::ReadOnly(shown(path)),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => return Hindrance::Full(shown(path)),
        _ => {}
    }
    let Some((nearest, metadata)) = nearest(path) else { return Hindrance::Other };
    let is_itself = nearest == path;
    let is_folder = fs::metadata(nearest).is_ok_and(|metadata| metadata.is_dir());
    // A refusal of our own has no number of the system.
    let is_refused = error.source.raw_os_error().is_none();
    match error.source.kind() {
        ErrorKind::PermissionDenied if is_itself && metadata.is_symlink() && is_refused => Hindrance::Link(shown(path)),
        ErrorKind::PermissionDenied if is_itself && metadata.uid() != our_uid() => Hindrance::OfAnother(shown(path)),
        ErrorKind::PermissionDenied if is_refused => Hindrance::Homeless(shown(path)),
        ErrorKind::PermissionDenied => Hindrance::Denied(shown(nearest)),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists if !is_folder => Hindrance::NoFolder(shown(nearest)),
        _ => Hindrance::Other,
    }
}

/// The path itself, or the nearest above it that is there.
fn nearest(path: &Path) -> Option<(&Path, fs::Metadata)> {
    path.ancestors().find_map(|path| Some((path, fs::symlink_metadata(path).ok()?)))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the test puts things in the way")]

    use super::{Hindrance, hindrance, shown};
    use crate::shell::files::FileError;
    use crate::shell::files::folder::{Home, ensure_private};
    use std::fs;
    use std::io::{Error, ErrorKind};
    use std::os::unix::fs::symlink;

    #[test]
    fn what_stands_in_the_way_of_a_folder_is_named() {
        let home = tempfile::tempdir().expect("a home");
        let path = |name: &str| home.path().join(name);
        symlink("elsewhere", path("dangling")).expect("a link");
        symlink(".", path("link")).expect("a link");
        fs::write(path("file"), "").expect("a file");
        let absent = path("absent");
        let why = |name: &str, home: &std::path::Path| {
            hindrance(&ensure_private(&path(name), Some(&Home::at(home))).expect_err("it cannot be used"))
        };
        for name in ["dangling", "link"] {
            assert_eq!(why(name, home.path()), Hindrance::Link(shown(&path(name))));
        }
        for name in ["file", "file/evertoken", "file/evertoken/key"] {
            assert_eq!(why(name, home.path()), Hindrance::NoFolder(shown(&path("file"))), "{name}");
        }
        assert_eq!(why("absent/evertoken", &absent), Hindrance::Homeless(shown(&path("absent/evertoken"))));
        for (kind, expected) in [
            (ErrorKind::ReadOnlyFilesystem, Hindrance::ReadOnly(shown(&absent))),
            (ErrorKind::StorageFull, Hindrance::Full(shown(&absent))),
            (ErrorKind::QuotaExceeded, Hindrance::Full(shown(&absent))),
            (ErrorKind::Interrupted, Hindrance::Other),
        ] {
            assert_eq!(hindrance(&FileError::at("open", &absent)(Error::from(kind))), expected);
        }
        let denied = FileError::at("open", &absent)(Error::from_raw_os_error(13));
        assert_eq!(hindrance(&denied), Hindrance::Denied(shown(home.path())));
    }
}
