//! What is said of a panic: where it happened, and never its text, for nobody has looked at what that quotes.

use std::panic;

/// What a person is told of a task that panicked.
pub(crate) const STUMBLED: &str = "a task of evertoken panicked; please report it";

/// From now on a panic is one line in the log. Ends nothing by itself: that is decided where it is caught.
pub fn log_without_their_text() {
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "{STUMBLED}");
    }));
}
