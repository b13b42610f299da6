//! The temporary file that becomes the new one: its name says that it is ours, it is never left behind, and those of a
//! run that was killed are cleaned away by the next. Never touches a file of anybody else.
#![expect(clippy::disallowed_methods, reason = "the shell creates, renames and removes files")]

use crate::shell::files::error::FileError;
use crate::shell::files::folder;
use crate::shell::files::snapshot::no_follow;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const DIGITS: usize = 16;

/// A file that is removed again unless it is renamed.
pub(super) struct Temporary {
    path: PathBuf,
    file: File,
    renamed: bool,
}

impl Temporary {
    /// Creates `.NAME.evertoken-RANDOM` beside `target`, 0600, and never opens one that is there already.
    pub(super) fn beside(target: &Path) -> Result<Self, FileError> {
        let mut name = prefix(target);
        name.push(format!("{:0DIGITS$x}", fastrand::u64(..)));
        let path = target.with_file_name(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(&path)
            .map_err(FileError::at("create", &path))?;
        Ok(Self { path, file, renamed: false })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in the place of `target`.
    pub(super) fn rename(&mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // What cannot be removed now is removed by the next run.
            let _next_run = fs::remove_file(&self.path);
        }
    }
}

/// Removes what killed runs have left beside `target`. Only under the write lock: then no living run has one. Answers
/// what could not be removed.
pub(super) fn clean(target: &Path) -> Vec<FileError> {
    let prefix = prefix(target);
    // A folder that may be searched but not listed shows nothing to clean.
    let entries = target.parent().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten();
    let stale = entries.flatten().filter(|entry| is_ours(&entry.file_name(), &prefix)).filter(|entry| {
        entry
            .metadata()
            .is_ok_and(|found| found.is_file() && (found.uid() == folder::our_uid() || folder::our_uid() == 0))
    });
    stale
        .filter_map(|entry| {
            let path = entry.path();
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Some(FileError::at("remove", &path)(error)),
                _ => None,
            }
        })
        .collect()
}

fn prefix(target: &Path) -> OsString {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or(OsStr::new("file")));
    name.push(".evertoken-");
    name
}

fn is_ours(name: &OsStr, prefix: &OsStr) -> bool {
    name.as_bytes().strip_prefix(prefix.as_bytes()).is_some_and(|digits| {
        digits.len() == DIGITS && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}
