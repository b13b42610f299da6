//! One call to STS for a profile, under its refresh lock: whoever makes it holds the lock and looks into the store again, so
//! that many askers, of however many processes, make one call. Never writes the store.

use super::{Locks, Tools, jitter};
use crate::engine::failure::Fault;
use crate::engine::keeper::{AssumeCall, Event};
use crate::engine::names::ProfileName;
use crate::engine::secret::Secret;
use crate::engine::session::{Session, SettingsDigest};
use crate::engine::time::WallTime;
use crate::shell::files::hindrance::hindrance;
use crate::shell::files::lock::LockError;
use crate::shell::files::{FileError, whole};
use crate::shell::locks::RefreshLock;
use crate::shell::mfa;
use crate::shell::panics::to_its_end;
use crate::shell::sts::Failed;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long another evertoken process that refreshes the same profile is waited for: longer than any call takes.
const LOCK_PATIENCE: Duration = Duration::from_secs(20);
/// The same where a person may have to touch a key first.
const LOCK_PATIENCE_WITH_CODE: Duration = mfa::PATIENCE.saturating_add(Duration::from_secs(15));
/// How often it is looked at meanwhile.
const LOOK_AT_HOLDER: Duration = Duration::from_millis(250);

/// How long the refresh lock of a call stays ours when nothing is stored: its session was not believed. A wave is stored
/// sooner.
const UNSTORED: Duration = Duration::from_secs(3);

/// Makes the call, unless another process has made it meanwhile, and tells what came of it.
pub(super) async fn assume(
    tools: Arc<Tools>,
    files: Arc<Mutex<()>>,
    locks: Arc<Locks>,
    call: Arc<AssumeCall>,
) -> Event {
    let (profile, attempt) = (call.entry.profile.clone(), call.attempt);
    let failed = |failed: Failed| Event::AssumeFailed {
        profile: profile.clone(),
        attempt,
        fault: failed.fault,
        skew: failed.skew,
        jitter: jitter(),
    };
    let lock = match lock(&tools, &files, &locks, &call).await {
        Ok(Taken::Free(lock)) => lock,
        Ok(Taken::Needless(session)) => return Event::Adopted { profile, attempt, session: *session },
        Err(fault) => return failed(Failed { fault, skew: None }),
    };
    let code = match code_for(&tools, &call).await {
        Ok(code) => code,
        Err(fault) => return failed(Failed { fault, skew: None }),
    };
    let answer = tools.sts.call(&call, &tools.identity, code.as_ref()).await;
    match answer {
        Ok(reply) => {
            if let Some(lock) = lock {
                locks.until_stored.keep(&profile, attempt, lock);
                let kept_for = profile.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(UNSTORED).await;
                    locks.until_stored.let_go(&kept_for, attempt);
                });
            }
            Event::Assumed { profile, attempt, reply, jitter: jitter() }
        }
        Err(error) => failed(error),
    }
}

/// What came of taking the refresh lock for a call.
enum Taken {
    /// The call is to be made; without the lock where its holder does not come to an end, or its file cannot be used.
    Free(Option<RefreshLock>),
    /// Another process has made it meanwhile.
    Needless(Box<Session>),
}

/// Whoever makes the call for a profile holds its lock and looks into the store again, so that many askers make one
/// call.
async fn lock(
    tools: &Arc<Tools>,
    files: &Arc<Mutex<()>>,
    locks: &Arc<Locks>,
    call: &Arc<AssumeCall>,
) -> Result<Taken, Fault> {
    let profile = &call.entry.profile;
    // Mostly nobody else is at it and nothing has changed: two looks at the file system, for which no other thread is
    // worth waking at each refresh. The lock lies in our own state folder, as `status.json` does, which is written from
    // this thread too; a home that hangs leaves nothing to be done in either place. Whoever has to wait for a lock, or to
    // read a file, does it on another thread. An earlier call may have left the lock to us.
    let lock = match locks.until_stored.take(profile) {
        Some(kept) => Some(kept),
        None => match RefreshLock::try_acquire(tools.stores.places(), profile) {
            Ok(Some(lock)) => {
                locks.unusable.mended(profile);
                Some(lock)
            }
            Ok(None) => wait_for_lock(Arc::clone(tools), Arc::clone(locks), Arc::clone(call)).await?,
            Err(error) => without_lock(locks, profile, &error),
        },
    };
    let nothing_new = || tools.stores.has_none_of_interest(call.entry.store, profile, satisfies(call));
    if nothing_new() {
        return Ok(Taken::Free(lock));
    }
    // A write of our own that is just being finished explains most changes, and is known once it is over: reading the
    // whole file for each call meanwhile would cost more than the calls.
    let turn = Arc::clone(files).lock_owned().await;
    if nothing_new() {
        return Ok(Taken::Free(lock));
    }
    let (owned, call) = (Arc::clone(tools), Arc::clone(call));
    let looked = to_its_end(move || {
        let stored = owned.stores.session_of_interest(call.entry.store, &call.entry.profile, satisfies(&call));
        drop(turn);
        stored
    });
    let stored = looked.await.map_err(Fault::from)?;
    Ok(stored.map_or(Taken::Free(lock), |session| Taken::Needless(Box::new(session))))
}

/// Nobody's session may end because the state folder cannot be used (no room, read-only, something else under its name): a
/// call too many is better.
fn without_lock(locks: &Locks, profile: &ProfileName, error: &FileError) -> Option<RefreshLock> {
    if locks.unusable.note(profile, error) {
        let fix = hindrance(error).way_out();
        tracing::warn!(
            fix,
            "failed to {error}; going on without refresh locks, so that STS may be asked more often than needed"
        );
    }
    None
}

/// `None` when one process has held the lock all the time, longer than any call takes, or is stopped (Ctrl-Z, say): a call
/// too many is better than a session that ends. Where one process after the other has it, there is one to wait for.
async fn wait_for_lock(
    tools: Arc<Tools>,
    locks: Arc<Locks>,
    call: Arc<AssumeCall>,
) -> Result<Option<RefreshLock>, Fault> {
    let taken = to_its_end(move || {
        let (places, profile) = (tools.stores.places(), &call.entry.profile);
        // Whoever holds it may wait for somebody's code, and will have a session for us too.
        let mut patience = if call.entry.mfa.is_some() { LOCK_PATIENCE_WITH_CODE } else { LOCK_PATIENCE };
        let taken = RefreshLock::last_taken(places, profile);
        loop {
            // In short pieces: this wait takes the place of another call, and for who is stopped it is in vain.
            match RefreshLock::acquire(places, profile, LOOK_AT_HOLDER) {
                Ok(lock) => return Ok(Some(lock)),
                Err(LockError::File(error)) => return Ok(without_lock(&locks, profile, &error)),
                Err(LockError::Held { holder, .. }) => {
                    patience = patience.saturating_sub(LOOK_AT_HOLDER);
                    let is_new = taken != RefreshLock::last_taken(places, profile);
                    if !holder.is_some_and(is_stopped) {
                        if !patience.is_zero() {
                            continue;
                        }
                        if is_new {
                            return Err(Fault::Contended { holder });
                        }
                    }
                    let profile = profile.as_str();
                    tracing::warn!(
                        profile,
                        holder,
                        "another evertoken holds the refresh lock and does nothing; going on without it"
                    );
                    return Ok(None);
                }
            }
        }
    });
    taken.await.unwrap_or_else(|error| Err(error.into()))
}

/// Whether a process was stopped by a signal or a debugger, where the kernel tells (proc(5)).
fn is_stopped(process: u32) -> bool {
    let stat = whole::read(Path::new(&format!("/proc/{process}/stat"))).unwrap_or_default();
    // The name in parentheses may hold anything.
    let rest = stat.rsplit(|byte| *byte == b')').next().unwrap_or_default();
    matches!(rest, [b' ', b'T' | b't', ..])
}

fn satisfies(call: &AssumeCall) -> impl Fn(&SettingsDigest, WallTime, WallTime) -> bool {
    |digest, issued, expiration| call.satisfied_by_one_of(digest, issued, expiration)
}

async fn code_for(tools: &Arc<Tools>, call: &AssumeCall) -> Result<Option<Secret>, Fault> {
    match &call.entry.mfa {
        Some(mfa) => tools.codes.code(&call.entry.profile, mfa).await.map(Some),
        None => Ok(None),
    }
}
