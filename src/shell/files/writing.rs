//! Replacements that the end of the process must not break off: a temporary file with keys would stay, and what a service
//! gives out once only, a refresh token, would be lost.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, TryLockError};
use std::time::Duration;

/// How long a write may take when the process is to end.
const LAST_WRITE: Duration = Duration::from_secs(10);
const A_MOMENT: Duration = Duration::from_millis(10);

/// Held while a file is being replaced.
static WRITES: RwLock<()> = RwLock::new(());

/// To be kept while a file is being replaced. Never given out again after [`finish_writes`].
pub(crate) fn begin_write() -> RwLockReadGuard<'static, ()> {
    WRITES.read().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until no file is being replaced, and lets no replacement begin any more. For a process that is about to end.
pub fn finish_writes() {
    for _ in 0..LAST_WRITE.as_millis() / A_MOMENT.as_millis() {
        match WRITES.try_write() {
            Ok(guard) => return std::mem::forget(guard),
            Err(TryLockError::Poisoned(_)) => return,
            Err(TryLockError::WouldBlock) => std::thread::sleep(A_MOMENT),
        }
    }
}
