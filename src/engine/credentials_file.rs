//! The lossless edit of a credentials file: bytes in, bytes out, and every byte that is not ours as it was.

mod contents;
mod document;
mod edit;
mod field;
mod header;
mod line;
mod mark;
mod observe;
mod patch;
pub mod types;
mod values;

pub use edit::apply;
pub use observe::{find, observe};
pub use types::{Applied, Edit, Malformed, Observation, Outcome, Publication, Reason};

#[cfg(test)]
mod tests;
