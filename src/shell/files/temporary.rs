//! The temporary file that becomes the new one: its name says that it is ours, it is never left behind, and those of a
//! run that was killed are cleaned away by the next. Never touches a file of anybody else.
#![expect(clippy::disallowed_methods, reason = "the shell creates, renames and removes files")]

use crate::shell::files::error::FileError;
use crate::shell::files::folder;
use crate::shell::files::snapshot::{Identity, no_follow};
#[cfg(target_os = "linux")]
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const DIGITS: usize = 16;

/// A file that is removed again unless it is renamed. Once it is exchanged for another one, that one has the temporary
/// name and is removed.
pub(super) struct Temporary {
    path: PathBuf,
    file: File,
    is_named: bool,
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
        Ok(Self { path, file, is_named: true })
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
        self.is_named = false;
        Ok(())
    }

    /// Gives it the name of `target`, which must be free.
    ///
    /// # Errors
    /// [`Errno::EXIST`] when something has that name, and what [`is_unknown`] tells.
    pub(super) fn rename_to_free(&mut self, target: &Path) -> Result<(), Errno> {
        rename_with(&self.path, target, Flag::NoReplace)?;
        self.is_named = false;
        Ok(())
    }

    /// Lets it and `target` change their names in one step.
    ///
    /// # Errors
    /// [`Errno::NOENT`] when there is no such file, and what [`is_unknown`] tells.
    pub(super) fn exchange(&self, target: &Path) -> Result<(), Errno> {
        rename_with(&self.path, target, Flag::Exchange)
    }

    /// Whether the temporary name leads to this very file, in whatever state.
    pub(super) fn leads_to(&self, file: &Identity) -> io::Result<bool> {
        fs::symlink_metadata(&self.path).map(|named| Identity::of(&named).is_same_file(file))
    }

    /// Removes what has the temporary name now, where that was not renamed.
    pub(super) fn remove(&mut self) -> Result<(), FileError> {
        if std::mem::take(&mut self.is_named) {
            return fs::remove_file(&self.path).map_err(FileError::at("remove", &self.path));
        }
        Ok(())
    }

    /// The name alone, where something has it: the new file is not open to be written any more.
    pub(super) fn into_name(mut self) -> Option<Name> {
        std::mem::take(&mut self.is_named).then(|| Name(std::mem::take(&mut self.path)))
    }

    /// Leaves what has the temporary name where it is.
    pub(super) fn keep(&mut self) {
        self.is_named = false;
    }
}

/// A temporary name; what has it is removed when this is dropped.
pub(super) struct Name(PathBuf);

impl Drop for Name {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        let _next_run = fs::remove_file(&self.0);
    }
}

enum Flag {
    NoReplace,
    Exchange,
}

#[cfg(target_os = "linux")]
fn rename_with(path: &Path, target: &Path, flag: Flag) -> Result<(), Errno> {
    let flags = match flag {
        Flag::NoReplace => RenameFlags::NOREPLACE,
        Flag::Exchange => RenameFlags::EXCHANGE,
    };
    renameat_with(CWD, path, CWD, target, flags)
}

/// Only Linux is asked.
#[cfg(not(target_os = "linux"))]
fn rename_with(_path: &Path, _target: &Path, _flag: Flag) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

/// Whether an error says that the system, or this file system, has only the plain rename.
pub(super) fn is_unknown(error: Errno) -> bool {
    matches!(error, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.is_named {
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

/// Whether a name is that of a temporary file beside `target`.
pub(super) fn is_beside(name: &OsStr, target: &Path) -> bool {
    is_ours(name, &prefix(target))
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
