//! What is said of a panic: where it happened, and never its text, for nobody has looked at what that quotes. And work in
//! other threads, which the operating system may deny: then tokio panics.

use crate::engine::failure::Fault;
use crate::shell::clock;
use std::any::Any;
use std::future::poll_fn;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

/// How tokio's panic begins where there is no thread at all; the rest is the error of the system.
const NO_THREAD: &str = "OS can't spawn worker thread";
/// So often at most it is said again that there are no threads: then everything fails all the time.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// Why work came to no end: what a person is told of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unfinished {
    /// A bug.
    #[error("a task of evertoken panicked; please report it")]
    Panicked,
    /// The limit of processes and threads is reached.
    #[error("the operating system gives no more threads; end some processes, or raise the limit (`ulimit -u`)")]
    NoThread,
    /// Nobody wants it done any more.
    #[error("it was broken off")]
    BrokenOff,
}

impl Unfinished {
    fn of(panic: &(dyn Any + Send)) -> Self {
        let is_denied = panic.downcast_ref::<String>().is_some_and(|text| text.starts_with(NO_THREAD));
        if is_denied { Self::NoThread } else { Self::Panicked }
    }
}

impl From<JoinError> for Unfinished {
    fn from(error: JoinError) -> Self {
        error.try_into_panic().map_or(Self::BrokenOff, |panic| Self::of(&*panic))
    }
}

impl From<Unfinished> for Fault {
    fn from(unfinished: Unfinished) -> Self {
        match unfinished {
            Unfinished::NoThread => Self::Denied(unfinished.to_string()),
            Unfinished::Panicked | Unfinished::BrokenOff => Self::Internal(unfinished.to_string()),
        }
    }
}

/// From now on a panic is one line in the log. Ends nothing by itself: that is decided where it is caught.
pub fn log_without_their_text() {
    let said = Mutex::new(None::<Instant>);
    panic::set_hook(Box::new(move |panicked| match Unfinished::of(panicked.payload()) {
        Unfinished::NoThread => {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            let now = clock::stopwatch();
            if said.is_none_or(|last| now.saturating_duration_since(last) >= SAID_EVERY) {
                *said = Some(now);
                tracing::error!("{}", Unfinished::NoThread);
            }
        }
        bug => {
            let place = panicked.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "{bug}");
        }
    }));
}

/// Does the work, and catches its panic. What the work had in its hands is dropped with it.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Unfinished> {
    let mut work = pin!(work);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panic) => Poll::Ready(Err(Unfinished::of(&*panic))),
    })
    .await
}

/// Begins work that may block, in another thread. Gives back what it was to work on when there is no thread; then it is not
/// begun later either.
pub(crate) fn in_thread<S, T>(on: S, work: impl FnOnce(S) -> T + Send + 'static) -> Result<JoinHandle<T>, S>
where
    S: Send + 'static,
    T: Send + 'static,
{
    // tokio keeps what it could not begin in its queue.
    let slot = Arc::new(Mutex::new(Some(on)));
    let take = |slot: &Mutex<Option<S>>| slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    let theirs = Arc::clone(&slot);
    let begin = move || match take(&theirs) {
        Some(on) => work(on),
        None => panic::resume_unwind(Box::new("given up")),
    };
    catch_unwind(AssertUnwindSafe(|| spawn_blocking(begin))).map_err(|panic| {
        match (Unfinished::of(&*panic), take(&slot)) {
            (Unfinished::NoThread, Some(on)) => on,
            _ => panic::resume_unwind(panic),
        }
    })
}

/// The same to its end.
pub(crate) async fn to_its_end<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Unfinished> {
    match in_thread(work, |work| work()) {
        Ok(working) => working.await.map_err(Unfinished::from),
        Err(_) => Err(Unfinished::NoThread),
    }
}

#[cfg(test)]
mod tests {
    use super::{NO_THREAD, Unfinished, caught, in_thread, to_its_end};
    use tokio::runtime::Builder;

    #[tokio::test]
    async fn work_that_panics_after_a_while_is_caught_and_other_work_is_done() {
        let falls = async {
            tokio::task::yield_now().await;
            panic!("on purpose")
        };
        assert_eq!(caught::<()>(falls).await, Err(Unfinished::Panicked));
        let denied = async { panic!("{NO_THREAD}: Resource temporarily unavailable (os error 11)") };
        assert_eq!(caught::<()>(denied).await, Err(Unfinished::NoThread));
        let stands = async {
            tokio::task::yield_now().await;
            7
        };
        assert_eq!(caught(stands).await, Ok(7));
    }

    #[tokio::test]
    async fn work_in_a_thread_that_panics_is_caught_and_other_work_is_done() {
        assert_eq!(to_its_end(|| panic!("on purpose")).await, Err::<(), _>(Unfinished::Panicked));
        assert_eq!(to_its_end(|| 7).await, Ok(7));
    }

    #[test]
    fn where_there_is_no_thread_the_work_is_given_back_and_nothing_panics() {
        // No system has that much room for a stack.
        let runtime = Builder::new_current_thread().thread_stack_size(1 << 50).build().expect("a runtime");
        runtime.block_on(async {
            assert_eq!(in_thread("given", |given| given).expect_err("a thread"), "given");
            assert_eq!(to_its_end(|| 7).await, Err(Unfinished::NoThread));
        });
    }

    #[tokio::test]
    async fn whoever_was_broken_off_did_not_panic() {
        let task = tokio::spawn(std::future::pending::<()>());
        task.abort();
        let broken_off = task.await.expect_err("broken off");
        assert_eq!(Unfinished::from(broken_off), Unfinished::BrokenOff);
    }
}
