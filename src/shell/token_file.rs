//! Files with a token of somebody else's, read again for each use because whoever issues them replaces them. Never keeps
//! one.

use crate::engine::failure::{Fault, SourceFault};
use crate::engine::secret::Secret;
use crate::shell::clock;
use crate::shell::environment::expand;
use crate::shell::files::whole;
use crate::shell::panics::to_its_end;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// What a web identity is called in messages.
pub const WEB_IDENTITY: &str = "web identity token";
/// The same for what the container endpoint of EKS asks for.
pub const CONTAINER: &str = "token for the container endpoint";

/// The longest WebIdentityToken that STS takes (STS API reference, AssumeRoleWithWebIdentity); those of EKS are of the same
/// kind.
const MAX_LENGTH: usize = 20_000;

/// How long a file is waited for: one on a network that has gone may never answer, and whoever waits takes the place of a
/// call of others.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whose turn it is, by path. A thread that hangs in a file system cannot be ended: there is one for each file at most.
static TURNS: Mutex<BTreeMap<PathBuf, Turn>> = Mutex::new(BTreeMap::new());

/// Reads the token; `what` is what messages call it.
///
/// # Errors
/// [`SourceFault::Missing`] when it cannot be read, or is no token; [`SourceFault::Unsettled`] when its file system does not
/// answer.
pub async fn read(what: &str, path: &str, home: Option<&Path>) -> Result<Secret, Fault> {
    let path = expand(path, home);
    let missing = |text: String| Fault::Source(SourceFault::Missing(text));
    let unreadable = |error: io::Error| missing(format!("the {what} {} cannot be read: {error}", path.display()));
    let bytes = in_turn(&path, PATIENCE, whole::read).await?.map_err(unreadable)?;
    let token = std::str::from_utf8(&bytes).unwrap_or_default();
    let trimmed = token.trim();
    let fits = (4..=MAX_LENGTH).contains(&trimmed.len()) && trimmed.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits {
        let text = format!("{} holds no {what} (4 to {MAX_LENGTH} printable characters)", path.display());
        return Err(missing(text));
    }
    Ok(Secret::new(trimmed))
}

/// The one who reads a file.
#[derive(Clone, Default)]
struct Turn {
    gate: Arc<tokio::sync::Mutex<()>>,
    /// Since when, while somebody does.
    since: Arc<Mutex<Option<Instant>>>,
}

impl Turn {
    fn of(path: &Path) -> Self {
        locked(&TURNS).entry(path.to_owned()).or_default().clone()
    }

    fn hangs(&self, patience: Duration) -> bool {
        let now = clock::stopwatch();
        locked(&self.since).is_some_and(|since| now.saturating_duration_since(since) >= patience)
    }

    fn begin(&self) -> Reading {
        *locked(&self.since) = Some(clock::stopwatch());
        Reading(Arc::clone(&self.since))
    }
}

/// Until this is dropped somebody reads.
struct Reading(Arc<Mutex<Option<Instant>>>);

impl Drop for Reading {
    fn drop(&mut self) {
        *locked(&self.0) = None;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads away from the tasks, after everybody else who reads this file, and not for ever.
async fn in_turn(
    path: &Path,
    patience: Duration,
    read: impl FnOnce(&Path) -> io::Result<Zeroizing<Vec<u8>>> + Send + 'static,
) -> Result<io::Result<Zeroizing<Vec<u8>>>, Fault> {
    let late = || {
        let why = format!("its file system gave no answer within {} s", patience.as_secs_f32());
        Fault::Source(SourceFault::Unsettled { path: path.display().to_string(), why })
    };
    let turn = Turn::of(path);
    if turn.hangs(patience) {
        return Err(late());
    }
    let path = path.to_owned();
    let reading = async {
        let gate = Arc::clone(&turn.gate).lock_owned().await;
        let work = move || {
            let reading = turn.begin();
            let bytes = read(&path);
            drop(reading);
            drop(gate);
            bytes
        };
        to_its_end(work).await
    };
    match tokio::time::timeout(patience, reading).await {
        Ok(done) => done.map_err(Fault::from),
        Err(_) => Err(late()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, SourceFault, in_turn};
    use std::io;
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::time::Duration;
    use zeroize::Zeroizing;

    const SHORT: Duration = Duration::from_millis(200);
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_file_that_hangs_costs_one_thread_and_no_patience_once_that_is_known() {
        let (release, hangs) = channel::<()>();
        let begun = Arc::new(AtomicUsize::new(0));
        let count = |begun: &Arc<AtomicUsize>| {
            let begun = Arc::clone(begun);
            move || begun.fetch_add(1, Ordering::Relaxed)
        };
        let path = Path::new("/hung/oidc");
        let began = count(&begun);
        let hang = move |_: &Path| {
            began();
            let _released = hangs.recv_timeout(LONG);
            io::Result::Ok(Zeroizing::default())
        };
        let late = |fault: Fault| {
            let told = matches!(&fault, Fault::Source(SourceFault::Unsettled { why, .. }) if why.contains("0.2 s"));
            assert!(told, "{fault:?}");
        };
        late(in_turn(path, SHORT, hang).await.expect_err("it hangs"));
        for _ in 0..20 {
            let began = count(&begun);
            let read = move |_: &Path| {
                began();
                io::Result::Ok(Zeroizing::default())
            };
            late(in_turn(path, SHORT, read).await.expect_err("it still hangs"));
        }
        assert_eq!(begun.load(Ordering::Relaxed), 1);
        let other = in_turn(Path::new("/sound/oidc"), LONG, |_| Ok(Zeroizing::new(b"a.b.c".to_vec()))).await;
        assert_eq!(other.expect("no hang").expect("a token").as_slice(), b"a.b.c");
        release.send(()).expect("it waits");
        while in_turn(path, SHORT, |_| Ok(Zeroizing::default())).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
