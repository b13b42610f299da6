//! What evertoken leaves on a machine besides keys in the credentials file: its state folder. Finds and removes it;
//! never looks outside of the places that are evertoken's own.
#![expect(clippy::disallowed_methods, reason = "the shell removes files, with their path in the error")]

use crate::shell::files::FileError;
use crate::shell::places::Places;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The files of the state folder, then the folder itself; empty when it is not there.
///
/// # Errors
/// When the folder cannot be listed.
pub fn find(places: &Places) -> Result<Vec<PathBuf>, FileError> {
    let folder = places.state();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(FileError::at("list", folder)(error)),
        Ok(entries) => entries,
    };
    let mut found = Vec::new();
    for entry in entries {
        found.push(entry.map_err(FileError::at("list", folder))?.path());
    }
    found.sort();
    found.push(folder.to_owned());
    Ok(found)
}

/// Removes what [`find`] has found, and the folder above when this was the last credentials file that had a state.
///
/// # Errors
/// The first that cannot be removed; the rest stays too.
pub fn remove(places: &Places, found: &[PathBuf]) -> Result<(), FileError> {
    found.iter().try_for_each(|path| remove_one(path))?;
    if let Some(above) = places.state().parent() {
        // Not empty, or not there: both are fine.
        let _stays_for_others = fs::remove_dir(above);
    }
    Ok(())
}

fn remove_one(path: &Path) -> Result<(), FileError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::at("remove", path)(error)),
        _ => Ok(()),
    }
}
