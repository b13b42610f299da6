//! What evertoken leaves on a machine besides keys in the credentials file: its state folders, and a credentials file
//! that was not there before it. Finds and removes them; never removes what somebody else has made or filled.
#![expect(clippy::disallowed_methods, reason = "the shell removes files, with their path in the error")]

use crate::shell::files::snapshot::{self, Identity};
use crate::shell::files::writers::writer_of;
use crate::shell::files::{FileError, folder, replace_private};
use crate::shell::places::Places;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The refresh locks and their folder, the files of the state folder, then that folder itself; empty when it is not there.
/// What stands behind a link under one of these names is somebody else's: then the link is found, and nothing behind it.
///
/// # Errors
/// When a folder cannot be listed.
pub fn find(places: &Places) -> Result<Vec<PathBuf>, FileError> {
    let (state, locks) = (places.state(), places.refresh_locks());
    let mut found = Vec::new();
    let Some(is_ours) = is_real_folder(state)? else { return Ok(found) };
    if is_ours {
        // What is in a folder goes before it.
        if is_real_folder(&locks)? == Some(true) {
            found.extend(list(&locks)?);
            found.push(locks);
        }
        let rest = list(state)?.into_iter().filter(|path| !found.contains(path)).collect::<Vec<_>>();
        found.extend(rest);
    }
    found.push(state.to_owned());
    Ok(found)
}

/// The refresh locks; nothing behind a link.
///
/// # Errors
/// When their folder cannot be listed.
pub fn refresh_locks(places: &Places) -> Result<Vec<PathBuf>, FileError> {
    let locks = places.refresh_locks();
    let is_ours = is_real_folder(places.state())? == Some(true) && is_real_folder(&locks)? == Some(true);
    let found = if is_ours { list(&locks)? } else { Vec::new() };
    let is_lock = |path: &PathBuf| path.extension() == Some(OsStr::new("lock")) && !path.is_symlink() && path.is_file();
    Ok(found.into_iter().filter(is_lock).collect())
}

/// Whether it is a folder and no link to one; `None` when it is not there.
fn is_real_folder(path: &Path) -> Result<Option<bool>, FileError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata.is_dir())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::at("look at", path)(error)),
    }
}

/// What a folder holds; nothing when it is not there.
fn list(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
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

/// The state folders of other credentials files, in the order of their names.
pub fn siblings(places: &Places) -> Vec<PathBuf> {
    let entries = places.state().parent().and_then(|above| fs::read_dir(above).ok()).into_iter().flatten().flatten();
    // A link here would be somebody else's.
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path());
    let mut found: Vec<PathBuf> = folders.filter(|path| path != places.state()).collect();
    found.sort();
    found
}

/// Writes down that evertoken has made the credentials file, or its folder: `purge` takes them away again.
pub fn note_made(places: &Places, made: &[PathBuf]) {
    let mut all = noted(places);
    all.extend(made.iter().filter(|path| !path.as_os_str().as_bytes().contains(&b'\n')).cloned());
    all.sort();
    all.dedup();
    let lines: Vec<&[u8]> = all.iter().map(|path| path.as_os_str().as_bytes()).collect();
    let _costs_an_empty_file_at_worst =
        places.ensure_state().and_then(|()| replace_private(&places.made_file(), &lines.join(b"\n".as_slice())));
}

fn noted(places: &Places) -> Vec<PathBuf> {
    let bytes = snapshot::read(&places.made_file()).map(|found| found.bytes).unwrap_or_default();
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| PathBuf::from(OsStr::from_bytes(line))).collect()
}

/// The credentials file, where it was evertoken that made it, and then its folder, where nothing else is in it. A file
/// that a link leads to is not among them: somebody has a place for it.
pub fn made(places: &Places) -> Vec<PathBuf> {
    let file = places.resolved_credentials();
    let noted = noted(places);
    if places.credentials().is_symlink() || !file.is_file() || !noted.iter().any(|path| path == file) {
        return Vec::new();
    }
    let mut made = vec![file.to_owned()];
    if let Some(above) = file.parent().filter(|above| noted.iter().any(|path| path == above)) {
        let entries = fs::read_dir(above).into_iter().flatten().flatten();
        let others = entries.map(|entry| entry.path()).filter(|path| path != file && *path != places.write_lock());
        made.extend((others.count() == 0).then(|| above.to_owned()));
    }
    made
}

/// Removes what [`made`] has found, as far as nobody has put anything into it or is about to; answers what is gone. Only
/// under the write lock, and before its file is removed; the folder after that.
///
/// # Errors
/// When the file is there and cannot be removed.
pub fn unmake(path: &Path) -> Result<bool, FileError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(folder::remove_empty(path)),
        Ok(metadata) if metadata.is_file() && is_left_empty(path) => {
            fs::remove_file(path).map_err(FileError::at("remove", path)).map(|()| true)
        }
        _ => Ok(false),
    }
}

/// Whether the file is empty and stays so: a program that has cut it to nothing may be about to write it anew.
fn is_left_empty(path: &Path) -> bool {
    let Some(present) = snapshot::read(path).ok().and_then(|found| found.present) else { return false };
    // Looked at again after that: whoever wrote and closed it meanwhile has it open no more.
    writer_of(path, &present.file).is_none()
        && fs::symlink_metadata(path).is_ok_and(|now| now.len() == 0 && Identity::of(&now) == present.identity)
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

#[cfg(test)]
mod tests {
    use super::unmake;
    use std::fs;

    #[test]
    fn only_what_nobody_has_put_anything_into_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials");
        fs::write(&path, "[mine]\n").expect("a file that was filled since");
        assert!(!unmake(&path).expect("a look") && !unmake(folder.path()).expect("a look"));
        assert_eq!(fs::read_to_string(&path).expect("their file"), "[mine]\n");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_that_a_program_has_cut_to_nothing_to_write_it_anew_is_left_to_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials");
        fs::write(&path, "ours").expect("a file");
        let writer = fs::File::create(&path).expect("the file, empty");
        assert!(!unmake(&path).expect("a look"));
        assert!(path.exists(), "what it writes would be lost");
        drop(writer);
        // A child of another test holds a copy until it runs its program.
        let gone = (0..3000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            unmake(&path).expect("a removal")
        });
        assert!(gone && !path.exists());
    }
}
