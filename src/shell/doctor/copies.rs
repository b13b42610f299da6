//! Who copies a file elsewhere: a folder that is synced between machines, or a git repository that tracks it. Looks only at
//! names, markers and the index of git; runs nothing.

use super::git::{Tracked, tracks};
use crate::engine::doctor::picture::Copier;
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

/// Who copies `file`, whose links have been followed.
pub(super) fn copied_by(file: &Path) -> Option<Copier> {
    let mut is_in_repository = false;
    for folder in file.ancestors().skip(1) {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if let Some((_, who)) = FOLDERS.iter().find(|(start, _)| name.starts_with(start)) {
            return Some(Copier::Program((*who).to_owned()));
        }
        if folder.join(".dropbox").exists() && folder.join(".dropbox.cache").exists() {
            return Some(Copier::Program("Dropbox".to_owned()));
        }
        if folder.join(".stfolder").exists() {
            return Some(Copier::Program("Syncthing".to_owned()));
        }
        // A repository around another one knows nothing of the files of the inner one.
        if !is_in_repository && folder.join(".git").exists() {
            is_in_repository = true;
            match tracks(folder, file) {
                Tracked::Yes => return Some(Copier::Git),
                Tracked::Unknown(reason) => return Some(Copier::PerhapsGit(reason)),
                Tracked::No => {}
            }
        }
    }
    None
}
