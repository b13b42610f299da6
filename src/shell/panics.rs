//! What is said of a panic: where it happened, and never its text, for nobody has looked at what that quotes.

use std::future::poll_fn;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// What a person is told of a task that panicked.
pub(crate) const STUMBLED: &str = "a task of evertoken panicked; please report it";

/// From now on a panic is one line in the log. Ends nothing by itself: that is decided where it is caught.
pub fn log_without_their_text() {
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "{STUMBLED}");
    }));
}

/// The work has panicked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Panicked;

/// Does the work, and catches its panic. What the work had in its hands is dropped with it.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut work = pin!(work);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(Err(Panicked)),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::{Panicked, caught};

    #[tokio::test]
    async fn work_that_panics_after_a_while_is_caught_and_other_work_is_done() {
        let falls = async {
            tokio::task::yield_now().await;
            panic!("on purpose")
        };
        assert_eq!(caught::<()>(falls).await, Err(Panicked));
        let stands = async {
            tokio::task::yield_now().await;
            7
        };
        assert_eq!(caught(stands).await, Ok(7));
    }
}
