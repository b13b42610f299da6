//! The locks that keep evertoken processes apart: one daemon for each credentials file, one call to STS at a time for
//! each profile. Neither outlives its process, and neither protects the credentials file itself.

use crate::engine::names::ProfileName;
use crate::engine::time::WallTime;
use crate::shell::files::FileError;
use crate::shell::files::lock::{self, FileLock, LockError};
use crate::shell::files::snapshot;
use crate::shell::places::Places;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Whoever asks for the holder takes the lock for a moment; a daemon that starts just then must not go away for it.
const INSTANCE_PATIENCE: Duration = Duration::from_millis(500);

/// Held by the daemon of a credentials file as long as it runs.
#[derive(Debug)]
pub struct InstanceLock(#[expect(dead_code, reason = "held, never asked")] FileLock);

impl InstanceLock {
    /// Takes the lock, or says who holds it.
    ///
    /// # Errors
    /// [`LockError::Held`] when a daemon runs for this credentials file.
    pub fn acquire(places: &Places) -> Result<Self, LockError> {
        places.ensure_state()?;
        FileLock::acquire(&places.instance_lock(), INSTANCE_PATIENCE).map(Self)
    }

    /// Whether a daemon runs for this credentials file: `Some` with its process id where that can be read.
    ///
    /// # Errors
    /// When the lock file is there and cannot be opened.
    pub fn holder(places: &Places) -> Result<Option<Option<u32>>, FileError> {
        Ok(lock::holder(&places.instance_lock())?.map(|note| note.holder))
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
