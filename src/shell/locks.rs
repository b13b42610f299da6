//! The locks that keep evertoken processes apart: one daemon for each credentials file, one call to STS at a time for
//! each profile. Neither outlives its process, and neither protects the credentials file itself.

use crate::engine::names::ProfileName;
use crate::engine::time::WallTime;
use crate::shell::files::lock::{self, FileLock, LockError};
use crate::shell::files::snapshot;
use crate::shell::files::writers::keeper_of_removed;
use crate::shell::files::{FileError, resolve};
use crate::shell::leftovers;
use crate::shell::places::Places;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Whoever asks for the holder takes the lock for a moment; a daemon that starts just then must not go away for it.
const INSTANCE_PATIENCE: Duration = Duration::from_millis(500);

/// Held by the daemon of a credentials file as long as it runs.
#[derive(Debug)]
pub struct InstanceLock(FileLock);

/// Whether the one daemon of a credentials file is still found by its lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tenure {
    /// It is.
    Kept,
    /// The lock file had lost its name, and was made anew.
    Regained,
    /// It has lost its name, and a command is looking at the new one just now: to be asked again.
    Unclear,
    /// It had lost its name, and another process has taken the new one since.
    Lost {
        /// Its process id, where that can be read.
        holder: Option<u32>,
    },
}

impl InstanceLock {
    /// Takes the lock, or says who holds it.
    ///
    /// # Errors
    /// [`LockError::Held`] when a daemon runs for this credentials file.
    pub fn acquire(places: &Places) -> Result<Self, LockError> {
        places.ensure_state()?;
        FileLock::acquire(&places.instance_lock(), INSTANCE_PATIENCE).map(Self)
    }

    /// Takes the lock again where its file was removed, with the whole state folder perhaps: others would find no daemon,
    /// and start a second one. Does not wait.
    ///
    /// # Errors
    /// When the lock file or its folder cannot be used.
    pub fn renew(&mut self, places: &Places) -> Result<Tenure, FileError> {
        if self.0.has_its_name()? {
            return Ok(Tenure::Kept);
        }
        places.ensure_state()?;
        let path = places.instance_lock();
        if let Some(lock) = FileLock::try_acquire(&path)? {
            self.0 = lock;
            return Ok(Tenure::Regained);
        }
        Ok(lock::holder(&path)?.map_or(Tenure::Unclear, |note| Tenure::Lost { holder: note.holder }))
    }

    /// Whether a daemon runs for this credentials file: `Some` with its process id where that can be read.
    ///
    /// # Errors
    /// When the lock file is there and cannot be opened.
    pub fn holder(places: &Places) -> Result<Option<Option<u32>>, FileError> {
        Ok(lock::holder(&places.instance_lock())?.map(|note| note.holder))
    }

    /// The same also in the moments after the lock file was removed, until the daemon has made it anew.
    ///
    /// # Errors
    /// As for [`InstanceLock::holder`], and when its folder cannot be looked for.
    pub fn holder_of_any(places: &Places) -> Result<Option<Option<u32>>, FileError> {
        // The removed one first: what is made anew meanwhile is found by its name then.
        let removed = keeper_of_removed(&resolve(&places.instance_lock())?);
        Ok(Self::holder(places)?.or(removed.map(Some)))
    }
}

/// Held around the call to STS for one profile. Whoever gets it looks into the store again before calling.
#[derive(Debug)]
pub struct RefreshLock(#[expect(dead_code, reason = "held, never asked")] FileLock);

impl RefreshLock {
    /// Takes the lock if nobody is refreshing the profile.
    ///
    /// # Errors
    /// When the lock file or its folder cannot be used.
    pub fn try_acquire(places: &Places, profile: &ProfileName) -> Result<Option<Self>, FileError> {
        places.ensure_refresh_locks()?;
        Ok(FileLock::try_acquire(&places.refresh_lock(profile))?.map(Self))
    }

    /// Takes the lock, waiting for whoever is refreshing the profile up to `patience`.
    ///
    /// # Errors
    /// [`LockError::Held`] when that took longer.
    pub fn acquire(places: &Places, profile: &ProfileName, patience: Duration) -> Result<Self, LockError> {
        places.ensure_refresh_locks()?;
        FileLock::acquire(&places.refresh_lock(profile), patience).map(Self)
    }

    /// Takes each of these locks that is there, waiting up to `patience` for whoever refreshes a profile just now; all that
    /// there are where no profile is named.
    ///
    /// # Errors
    /// [`LockError::Held`] when that took longer.
    pub fn acquire_all(places: &Places, named: &[ProfileName], patience: Duration) -> Result<Vec<Self>, LockError> {
        let named: Vec<PathBuf> = named.iter().map(|profile| places.refresh_lock(profile)).collect();
        let found = leftovers::refresh_locks(places)?.into_iter();
        let found = found.filter(|path| named.is_empty() || named.contains(path));
        found.map(|path| FileLock::acquire(&path, patience).map(Self)).collect()
    }

    /// When somebody last took it; `None` when nobody has yet, or nobody knows.
    pub fn last_taken(places: &Places, profile: &ProfileName) -> Option<WallTime> {
        snapshot::modified(&places.refresh_lock(profile))
    }
}

/// The refresh locks of calls that have succeeded, until their sessions stand in the store: whoever got the lock before
/// that would look into the store in vain, and call again.
#[derive(Debug, Default)]
pub struct UntilStored(Mutex<BTreeMap<ProfileName, (u64, RefreshLock)>>);

impl UntilStored {
    /// Keeps the lock of a call on.
    pub fn keep(&self, profile: &ProfileName, attempt: u64, lock: RefreshLock) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(profile.clone(), (attempt, lock));
    }

    /// The lock of an earlier call that is still kept, for the next one or to be dropped.
    pub fn take(&self, profile: &ProfileName) -> Option<RefreshLock> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(profile).map(|(_, lock)| lock)
    }

    /// Lets the lock of this very call go, if it is still kept.
    pub fn let_go(&self, profile: &ProfileName, attempt: u64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.get(profile).is_some_and(|(of, _)| *of == attempt) {
            kept.remove(profile);
        }
    }
}

/// The refresh locks that cannot be used, and why: said once for all profiles that share a reason.
#[derive(Debug, Default)]
pub struct Unusable(Mutex<BTreeMap<ProfileName, String>>);

impl Unusable {
    /// Notes a lock that cannot be used. Whether that is news.
    pub fn note(&self, profile: &ProfileName, error: &FileError) -> bool {
        // Without the path, which may be that of one lock of many.
        let reason = error.source.to_string();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = known.values().any(|other| *other == reason);
        known.insert(profile.clone(), reason);
        !is_known
    }

    /// The lock can be used.
    pub fn mended(&self, profile: &ProfileName) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(profile);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the test plays the command that looks at the lock")]

    use super::{InstanceLock, Tenure};
    use crate::shell::environment::Environment;
    use crate::shell::places::Places;
    use std::fs;

    #[test]
    fn a_lock_whose_file_was_removed_is_taken_again_unless_another_daemon_has_it() {
        let home = tempfile::tempdir().expect("a home");
        let environment = Environment::from_vars([("HOME", home.path())]);
        let places = Places::find(&environment, None, None).expect("places");
        let mut ours = InstanceLock::acquire(&places).expect("the lock");
        assert_eq!(ours.renew(&places).expect("a look"), Tenure::Kept);

        fs::remove_dir_all(home.path().join(".local")).expect("removed");
        assert_eq!(ours.renew(&places).expect("a lock"), Tenure::Regained);
        let pid = Some(std::process::id());
        assert_eq!(InstanceLock::holder(&places).expect("a look"), Some(pid));
        assert_eq!(ours.renew(&places).expect("a look"), Tenure::Kept);

        fs::remove_file(places.instance_lock()).expect("removed");
        let theirs = InstanceLock::acquire(&places).expect("a second lock");
        assert_eq!(ours.renew(&places).expect("a look"), Tenure::Lost { holder: pid });
        drop(theirs);
        let asker = fs::File::open(places.instance_lock()).expect("the file");
        // A child of another test may hold a copy of theirs until it runs its program.
        asker.lock_shared().expect("a look");
        assert_eq!(ours.renew(&places).expect("a look"), Tenure::Unclear);
    }
}
