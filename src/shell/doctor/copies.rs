//! Who copies a file elsewhere: a folder that is synced between machines, or a git repository that tracks it. Looks only at
//! names, markers and the index of git; runs nothing.
#![expect(clippy::disallowed_methods, reason = "looks for the markers of other programs")]

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Folders by whose name, or the start of it, people and programs know what syncs them.
const FOLDERS: [(&str, &str); 9] = [
    ("Dropbox", "Dropbox"),
    ("OneDrive", "OneDrive"),
    ("Google Drive", "Google Drive"),
    ("GoogleDrive", "Google Drive"),
    ("Mobile Documents", "iCloud"),
    ("iCloud", "iCloud"),
    ("Nextcloud", "Nextcloud"),
    ("ownCloud", "ownCloud"),
    ("pCloudDrive", "pCloud"),
];
/// More than an index that is worth looking through.
const LARGEST_INDEX: u64 = 64 * 1024 * 1024;

/// Who copies `file`, whose links have been followed.
pub(super) fn copied_by(file: &Path) -> Option<String> {
    for folder in file.ancestors().skip(1) {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if let Some((_, who)) = FOLDERS.iter().find(|(start, _)| name.starts_with(start)) {
            return Some((*who).to_owned());
        }
        if folder.join(".dropbox").exists() && folder.join(".dropbox.cache").exists() {
            return Some("Dropbox".to_owned());
        }
        if folder.join(".stfolder").exists() {
            return Some("Syncthing".to_owned());
        }
        if folder.join(".git").exists() {
            return is_tracked(folder, file).then(|| "git".to_owned());
        }
    }
    None
}

/// Whether the index of a repository names the file. Paths stand in it whole and in plain bytes (git index format,
/// version 2 and 3; version 4 shortens them, and is not understood).
fn is_tracked(repository: &Path, file: &Path) -> bool {
    let Ok(below) = file.strip_prefix(repository) else { return false };
    let index = repository.join(".git/index");
    if fs::metadata(&index).map_or(true, |metadata| metadata.len() > LARGEST_INDEX) {
        return false;
    }
    let wanted = [below.as_os_str().as_bytes(), b"\0"].concat();
    fs::read(index).is_ok_and(|bytes| bytes.windows(wanted.len()).any(|window| window == wanted))
}
