//! A file that other programs own, held while evertoken renews what stands in it. The lock is on the file itself, so that
//! nothing is left beside it: it keeps other evertokens away and nobody else, and ends with the process.

use crate::shell::clock;
use crate::shell::files::error::FileError;
use crate::shell::files::parent::Parent;
use crate::shell::files::replace::{put_in_place, was_written_to};
use crate::shell::files::resolve::resolve;
use crate::shell::files::snapshot::{self, Identity, no_wait};
use crate::shell::files::temporary::{self, Temporary};
use crate::shell::files::writing::begin_write;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const POLL: Duration = Duration::from_millis(20);

/// A file that no other evertoken renews until this is dropped, where its file system has locks.
#[derive(Debug)]
pub struct Hold {
    path: PathBuf,
    lock: Option<File>,
}

impl Hold {
    /// Waits up to `patience` for whoever holds the file. Without the lock after that: who holds it for so long has been
    /// stopped, and nobody may be locked out of a renewal for ever.
    pub fn take(path: &Path, patience: Duration) -> Self {
        let path = resolve(path).unwrap_or_else(|_| path.to_owned());
        // Counted in polls, not by a clock: nobody may lose patience because the machine was suspended.
        for _ in 0..=patience.as_millis() / POLL.as_millis() {
            match attempt(&path) {
                Attempt::Held(lock) => return Self { path, lock: Some(lock) },
                Attempt::Impossible => break,
                Attempt::Busy => std::thread::sleep(POLL),
            }
        }
        Self { path, lock: None }
    }

    /// Replaces the file whole and durably, 0600, but only while `is_same` says of its content that it is the one to be
    /// replaced; answers whether it was. `note` hears what the new one is before it has the name.
    ///
    /// # Errors
    /// The step that failed; the file is whole, and the old one unless it is the fsync of its folder.
    pub fn replace(
        &self,
        bytes: &[u8],
        is_same: impl FnOnce(&[u8]) -> bool,
        note: impl FnOnce(Identity),
    ) -> Result<bool, FileError> {
        let _writing = begin_write();
        let parent = Parent::of(&self.path)?;
        if self.lock.is_some() {
            // What a killed run has left here. What cannot be removed does not hinder.
            drop(temporary::clean(&self.path));
        }
        let mut temporary = Temporary::beside(&self.path)?;
        let mut file = temporary.file();
        let at = |step| FileError::at(step, temporary.path());
        file.write_all(bytes).map_err(at("write"))?;
        // A time that no write of anybody else bears: those get that of the last tick of the kernel. Where the file system
        // keeps less of it, the inode and the size still tell.
        let _tells_less = file.set_modified(clock::now_to_the_nanosecond());
        file.sync_all().map_err(at("fsync"))?;
        note(Identity::of(&file.metadata().map_err(at("look at"))?));
        // As late as can be: the other programs that write to it take no lock.
        let old = snapshot::read(&self.path)?;
        let Some(identity) = old.identity().filter(|_| is_same(&old.bytes)) else { return Ok(false) };
        if !put_in_place(&mut temporary, &self.path, Some(identity), bytes)
            .map_err(FileError::at("rename", &self.path))?
        {
            return Ok(false);
        }
        // A program that had it open already has written into it in this very moment: then it gets its name back.
        let is_overtaken = old.present.as_ref().is_some_and(|present| was_written_to(present, &old.bytes));
        if is_overtaken && temporary.leads_to(&identity).unwrap_or(false) {
            temporary.exchange(&self.path).map_err(FileError::at("rename", &self.path))?;
            return Ok(false);
        }
        temporary.remove()?;
        parent.sync().map(|()| true)
    }
}

enum Attempt {
    Held(File),
    Busy,
    /// No such file, or a file system without locks.
    Impossible,
}

fn attempt(path: &Path) -> Attempt {
    // Network file systems lock only what is open for writing.
    let open = |writable| OpenOptions::new().read(true).write(writable).custom_flags(no_wait()).open(path);
    let Ok(file) = open(true).or_else(|_| open(false)) else { return Attempt::Impossible };
    match file.try_lock() {
        // Whoever had it may have put a new file in its place.
        Ok(()) if is_still(path, &file).unwrap_or(true) => Attempt::Held(file),
        Ok(()) | Err(TryLockError::WouldBlock) => Attempt::Busy,
        Err(TryLockError::Error(_)) => Attempt::Impossible,
    }
}

fn is_still(path: &Path, file: &File) -> io::Result<bool> {
    Ok(Identity::of(&fs::metadata(path)?).is_same_file(&Identity::of(&file.metadata()?)))
}

#[cfg(test)]
mod tests;
