//! What is known of a source without asking anybody: that nobody has signed in, that a program is not there, that nothing
//! is exported. Starts no program, renews no sign-in and writes nothing; what only AWS knows is taken to be well.

use crate::engine::failure::{Fault, SourceFault};
use crate::engine::time::WallTime;

/// What is known of a sign-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cached {
    /// When its token ends.
    pub(crate) ends: Option<WallTime>,
    /// Whether it can be renewed without a person.
    pub(crate) renewable: bool,
}

pub(super) fn nothing_exported() -> Fault {
    let what = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set in the environment of evertoken";
    Fault::Source(SourceFault::Missing(what.to_owned()))
}
