//! The caches in which AWS tools keep sign-ins: one renewal at a time for each file, by whichever evertoken process, since
//! a refresh token may be good for one use only. One file never waits for another. Knows nothing of what stands in them.
//!
//! The AWS CLI and the SDKs take no lock (botocore 1.44 and aws-config 1.13 have one for the threads of a process at
//! most), so what they do meanwhile is looked for before and after, and never written over.

use super::unreadable;
use crate::engine::failure::Fault;
use crate::shell::files::hold::Hold;
use crate::shell::files::settle::{self, Patience};
use crate::shell::files::whole;
use crate::shell::http::CALL_TIMEOUT;
use crate::shell::own_writes::OwnWrites;
use crate::shell::panics::to_its_end;
use crate::shell::secret_json::SecretJson;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};
use zeroize::Zeroizing;

/// How long another process that renews the same sign-in is waited for: longer than it may take.
const PATIENCE: Duration = CALL_TIMEOUT.saturating_add(Duration::from_secs(5));

/// Reads a sign-in. `None` when nobody has signed in there, or when what stands there is none, also after nobody has written
/// to it for a while: AWS tools cut the file to nothing and write it anew.
///
/// # Errors
/// When it cannot be read, which says nothing about the sign-in.
pub(super) async fn read(cache: &Path) -> Result<Option<SecretJson>, Fault> {
    match whole::read_apart(cache).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(cache, &error)),
        Ok(bytes) => {
            if let Some(json) = SecretJson::parse(&bytes) {
                return Ok(Some(json));
            }
        }
    }
    let path = cache.to_owned();
    let is_sound = |bytes: &[u8]| SecretJson::parse(bytes).is_some();
    let settled = to_its_end(move || settle::read_sound(&path, Patience::default(), &mut { is_sound })).await?;
    settled.map(|bytes| SecretJson::parse(&bytes)).map_err(|error| unreadable(cache, &error))
}

/// Who renews which sign-in now.
#[derive(Debug, Default)]
pub(super) struct Caches {
    queues: StdMutex<BTreeMap<PathBuf, Arc<Queue>>>,
    pub(super) own_writes: OwnWrites,
}

/// Those of this process who want to renew one sign-in.
#[derive(Debug, Default)]
struct Queue {
    /// How the last renewal failed, if it did.
    turn: Arc<Mutex<Option<Fault>>>,
    ended: AtomicU64,
}

impl Caches {
    /// Waits for the right to renew what stands in this file. It is to be read again then: whoever had the right before
    /// has mostly renewed it.
    ///
    /// # Errors
    /// When nobody could look after the lock on it: renewed without, it may be lost.
    pub(super) async fn turn(&self, cache: &Path) -> Result<Turn, Fault> {
        let queue =
            Arc::clone(self.queues.lock().unwrap_or_else(PoisonError::into_inner).entry(cache.to_owned()).or_default());
        let ended = queue.ended.load(Ordering::Relaxed);
        let last = Arc::clone(&queue.turn).lock_owned().await;
        let path = cache.to_owned();
        let failed = last.clone().filter(|_| queue.ended.load(Ordering::Relaxed) != ended);
        // Whoever shares the failure of somebody else renews nothing.
        let hold = match failed {
            Some(_) => None,
            None => Some(to_its_end(move || Hold::take(&path, PATIENCE)).await?),
        };
        Ok(Turn { queue, last, failed, hold: hold.map(Arc::new), path: cache.to_owned() })
    }
}

/// The right to renew one sign-in, until it is dropped.
pub(super) struct Turn {
    queue: Arc<Queue>,
    last: OwnedMutexGuard<Option<Fault>>,
    failed: Option<Fault>,
    hold: Option<Arc<Hold>>,
    path: PathBuf,
}

impl Turn {
    /// How the renewal failed that was under way when this turn was asked for: to ask once more would only add one wait
    /// to another, for everybody behind.
    pub(super) fn failed_meanwhile(&self) -> Option<Fault> {
        self.failed.clone()
    }

    /// Tells those who wait what came of a renewal.
    pub(super) fn tell<T>(&mut self, outcome: &Result<T, Fault>) {
        *self.last = outcome.as_ref().err().cloned();
        self.queue.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Replaces the file whole, so that an AWS tool beside us never reads half of it, while `is_same` says of its content
    /// that it is what was renewed; answers `false` when something else stands there by now, or nothing. A failure is only
    /// told: what was renewed can be used all the same.
    pub(super) async fn save(
        &self,
        bytes: Zeroizing<Vec<u8>>,
        is_same: impl FnOnce(&[u8]) -> bool + Send + 'static,
        own_writes: &OwnWrites,
    ) -> bool {
        let Some(hold) = self.hold.clone() else { return true };
        let (path, own_writes) = (self.path.clone(), own_writes.clone());
        let saving = to_its_end(move || hold.replace(&bytes, is_same, |identity| own_writes.note(&path, identity)));
        let failed = match saving.await {
            Ok(Ok(is_saved)) => return is_saved,
            Ok(Err(error)) => error.to_string(),
            Err(unfinished) => format!("replace it: {unfinished}"),
        };
        tracing::warn!(path = %self.path.display(), "the renewed sign-in could not be saved: failed to {failed}");
        true
    }
}
