//! Whether a program is there: by its path, or by its name in the folders of a `PATH`. Starts none.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Whether it is a file that somebody may run.
pub fn can_be_run(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Where a program lies by the `PATH` of whoever asks.
pub fn in_own_path(program: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    let mut folders = std::env::split_paths(path?);
    folders.find_map(|folder| Some(folder.join(program)).filter(|path| path.is_absolute() && can_be_run(path)))
}
