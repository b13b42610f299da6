//! Files that other programs read and write too: how they are read without believing a half-done rewrite, and replaced
//! without losing a byte of anybody's. What stands in them is the engine's to decide.

pub mod error;
pub mod folder;
pub mod hindrance;
pub mod hold;
pub mod lock;
pub mod replace;
pub mod resolve;
pub mod settle;
pub mod snapshot;
pub mod update;
pub mod whole;
pub mod writing;

mod attributes;
mod parent;
mod temporary;
pub(super) mod writers;

pub use error::FileError;
pub use replace::{create_private, remove, replace_private};
pub use resolve::resolve;
pub use update::{Refusal, Target, UpdateError, Updated, update};
