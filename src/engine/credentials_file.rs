//! The lossless edit of a credentials file: bytes in, bytes out, and every byte that is not ours as it was.

pub mod types;

pub use types::{Applied, Edit, Malformed, Observation, Outcome, Publication, Reason};
