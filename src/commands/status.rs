//! `evertoken status`: what the daemon has written down, put right by what the credentials files really hold.

pub mod merge;
pub mod render;
