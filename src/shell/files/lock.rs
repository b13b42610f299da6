//! A lock on a file of its own beside what it protects. It is advisory, ends with the process that holds it, and its
//! file tells others who holds it; it is never held across a call over the network by anybody but its refresh lock.
#![expect(clippy::disallowed_methods, reason = "the shell opens and removes lock files")]

use crate::shell::files::error::FileError;
use crate::shell::files::folder;
use crate::shell::files::snapshot::{Identity, no_follow, no_wait};
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

const POLL: Duration = Duration::from_millis(10);

/// The note has one length, so that it is overwritten in place: a full disk cannot blank it.
const NOTE_LENGTH: usize = 160;

/// A lock was not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Its file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Somebody else holds it.
    #[error("lock {}: {} holds it", .path.display(), shown(.holder))]
    Held {
        /// The lock file.
        path: PathBuf,
        /// The process id of the holder, where its note could be read.
        holder: Option<u32>,
    },
}

fn shown(holder: &Option<u32>) -> String {
    holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// What the holder of a lock has left in its file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Note {
    /// The last holder.
    pub holder: Option<u32>,
    /// The protected file as the last holder left it.
    pub left: Option<Identity>,
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct FileLock {
    file: File,
    opened: Identity,
    path: PathBuf,
    note: Note,
}

impl FileLock {
    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// When the lock file cannot be opened or created; `Ok(None)` when somebody holds it.
    pub fn try_acquire(path: &Path) -> Result<Option<Self>, FileError> {
        loop {
            let (file, opened) = open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(FileError::at("lock", path)(error)),
            }
            // `purge` may have removed the file between opening and locking: that lock would protect nothing.
            if is_still(path, &opened)? {
                let left = read_note(&file).left;
                let note = Note { holder: Some(std::process::id()), left };
                let mut lock = Self { file, opened, path: path.to_owned(), note };
                lock.leave(left);
                return Ok(Some(lock));
            }
        }
    }

    /// Takes the lock, waiting for it up to `patience`.
    ///
    /// # Errors
    /// [`LockError::Held`] when somebody held it all the time.
    pub fn acquire(path: &Path, patience: Duration) -> Result<Self, LockError> {
        // Counted in polls, not by a clock: nobody may lose patience because the machine was suspended.
        let polls = patience.as_millis() / POLL.as_millis();
        for _ in 0..polls {
            if let Some(lock) = Self::try_acquire(path)? {
                return Ok(lock);
            }
            std::thread::sleep(POLL);
        }
        match Self::try_acquire(path)? {
            Some(lock) => Ok(lock),
            None => Err(LockError::Held { path: path.to_owned(), holder: peek(path).holder }),
        }
    }

    /// Whether the lock file still has its name: one that was removed keeps nobody from taking a new one.
    ///
    /// # Errors
    /// When nobody can tell.
    pub fn has_its_name(&self) -> Result<bool, FileError> {
        is_still(&self.path, &self.opened)
    }

    /// What the previous holder left.
    pub fn left(&self) -> Option<Identity> {
        self.note.left
    }

    /// Notes what the protected file is now. Only ever spares the next reader a wait, so a failure is no failure.
    pub fn leave(&mut self, left: Option<Identity>) {
        self.note.left = left;
        let _spares_a_wait_only = self.file.write_all_at(self.note.render().as_bytes(), 0);
    }

    /// Removes the lock file while it is held, so that whoever waits for it notices and opens a new one.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn remove(self) -> Result<(), FileError> {
        fs::remove_file(&self.path).map_err(FileError::at("remove", &self.path))
    }
}

/// Whether somebody holds the lock, and who; does not wait and does not create its file.
///
/// # Errors
/// When the lock file is there and cannot be opened, or is no regular file.
pub fn holder(path: &Path) -> Result<Option<Note>, FileError> {
    let Some(file) = open_to_look(path)? else { return Ok(None) };
    // A shared lock: two that ask at the same time do not take each other for the holder.
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(read_note(&file))),
        Err(TryLockError::Error(error)) => Err(FileError::at("lock", path)(error)),
    }
}

/// The note in a lock file, whoever holds it; empty when there is none that can be read.
pub fn peek(path: &Path) -> Note {
    open_to_look(path).ok().flatten().map(|file| read_note(&file)).unwrap_or_default()
}

/// Opens a lock file that is there. A pipe under its name would hold up whoever opens it until somebody writes to it.
fn open_to_look(path: &Path) -> Result<Option<File>, FileError> {
    match OpenOptions::new().read(true).custom_flags(no_follow() | no_wait()).open(path) {
        Ok(file) => regular(file, path).map(|(file, _)| Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::at("open", path)(error)),
    }
}

fn regular(file: File, path: &Path) -> Result<(File, Metadata), FileError> {
    let metadata = file.metadata().map_err(FileError::at("open", path))?;
    if !metadata.is_file() {
        return Err(FileError::refused("open", path, "this is not a regular file"));
    }
    Ok((file, metadata))
}

fn open(path: &Path) -> Result<(File, Identity), FileError> {
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(no_follow() | no_wait())
        .open(path);
    let (file, metadata) = regular(opened.map_err(FileError::at("open", path))?, path)?;
    // Root works in a user's folder (sudo): the user must be able to open the lock afterwards.
    if folder::our_uid() == 0 && metadata.uid() == 0 && metadata.len() == 0 {
        let parent = path.parent().unwrap_or(Path::new("/"));
        let above = fs::metadata(parent).map_err(FileError::at("look at", parent))?;
        if above.uid() != 0 {
            fchown(&file, Some(above.uid()), Some(above.gid())).map_err(FileError::at("set the owner of", path))?;
        }
    }
    Ok((file, Identity::of(&metadata)))
}

fn is_still(path: &Path, opened: &Identity) -> Result<bool, FileError> {
    match fs::symlink_metadata(path) {
        Ok(named) => Ok(Identity::of(&named).is_same_file(opened)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FileError::at("look at", path)(error)),
    }
}

fn read_note(file: &File) -> Note {
    let mut buffer = [0; NOTE_LENGTH];
    let length = file.read_at(&mut buffer, 0).unwrap_or_default();
    Note::parse(&String::from_utf8_lossy(&buffer[..length]))
}

impl Note {
    /// `PID` on the first line, `left DEVICE INODE SIZE MODIFIED CHANGED` on the second.
    fn render(&self) -> String {
        let holder = self.holder.map(|pid| pid.to_string()).unwrap_or_default();
        let left = self.left.map_or_else(String::new, |Identity { device, inode, size, modified, changed }| {
            format!("left {device} {inode} {size} {modified} {changed}")
        });
        format!("{:<width$}\n", format!("{holder}\n{left}"), width = NOTE_LENGTH - 1)
    }

    fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        let holder = lines.next().and_then(|line| line.trim().parse().ok());
        let numbers: Option<Vec<i128>> = lines
            .next()
            .and_then(|line| line.trim().strip_prefix("left "))
            .and_then(|rest| rest.split(' ').map(|number| number.parse().ok()).collect());
        let left = match numbers.as_deref() {
            Some(&[device, inode, size, modified, changed]) => identity(device, inode, size, modified, changed),
            _ => None,
        };
        Self { holder, left }
    }
}

fn identity(device: i128, inode: i128, size: i128, modified: i128, changed: i128) -> Option<Identity> {
    let number = |n: i128| u64::try_from(n).ok();
    Some(Identity { device: number(device)?, inode: number(inode)?, size: number(size)?, modified, changed })
}

#[cfg(test)]
mod tests {
    use super::{Identity, NOTE_LENGTH, Note};

    #[test]
    fn a_note_comes_back_as_it_was_left_and_always_fills_its_place() {
        let most =
            Identity { device: u64::MAX, inode: u64::MAX, size: u64::MAX, modified: -1, changed: i128::from(i64::MAX) };
        for left in [None, Some(most)] {
            let note = Note { holder: Some(u32::MAX), left };
            assert_eq!(note.render().len(), NOTE_LENGTH);
            assert_eq!(Note::parse(&note.render()), note);
        }
        for odd in ["", "x", "1\nleft", "1\nleft 1 2 3 4", "1\nleft 1 2 3 4 x", "1\nleft -1 2 3 4 5"] {
            assert_eq!(Note::parse(odd).left, None, "{odd}");
        }
    }
}
