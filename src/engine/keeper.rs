//! The state machine of every session: one event in, drain the actions, wait until the next wake-up.

pub mod action;
pub mod event;

pub use action::{Action, AssumeCall, Notice, NoticeKind};
pub use event::{Event, Reply, Sighting};
