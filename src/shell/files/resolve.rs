//! Where a path really leads: symbolic links are followed by hand, so that the file behind them is replaced and the
//! links stay, also those whose file does not exist yet. Never creates or changes anything.

use crate::shell::files::error::FileError;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// As many links as Linux itself follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// The file that `path` stands for: absolute, its folders canonical as far as they exist, and itself no link.
///
/// # Errors
/// A chain of more than 40 links (ELOOP), a folder that cannot be searched, a path that names no file.
pub fn resolve(path: &Path) -> Result<PathBuf, FileError> {
    let at = || FileError::at("resolve", path);
    let mut current = std::path::absolute(path).map_err(at())?;
    for _ in 0..=MOST_LINKS {
        let name = current
            .file_name()
            .map(OsStr::to_owned)
            .ok_or_else(|| at()(io::Error::new(io::ErrorKind::InvalidInput, "this names a folder, not a file")))?;
        let folder = canonical_folder(current.parent().unwrap_or(Path::new("/"))).map_err(at())?;
        let file = folder.join(name);
        match fs::read_link(&file) {
            Ok(link) => current = folder.join(link),
            // EINVAL: it is there and no link. Nothing there: that is where it will be created.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => {
                return Ok(file);
            }
            Err(error) => return Err(at()(error)),
        }
    }
    Err(at()(io::Error::from(rustix::io::Errno::LOOP)))
}

/// `folder` without links and dots as far as it exists; what does not exist is appended as it is written. So the name
/// stays the same when the missing part is created.
fn canonical_folder(folder: &Path) -> io::Result<PathBuf> {
    let mut missing: Vec<Component<'_>> = Vec::new();
    let mut known = folder;
    loop {
        match fs::canonicalize(known) {
            Ok(mut canonical) => {
                for component in missing.iter().rev() {
                    match component {
                        Component::ParentDir => drop(canonical.pop()),
                        other => canonical.push(other),
                    }
                }
                return Ok(canonical);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (Some(last), Some(parent)) = (known.components().next_back(), known.parent()) else {
                    return Err(error);
                };
                missing.push(last);
                known = parent;
            }
            Err(error) => return Err(error),
        }
    }
}
