//! The keeper on a virtual workstation: stories of what it promises, and long random walks that look for what breaks it.

#![expect(unreachable_pub, clippy::expect_used, clippy::panic, reason = "a test binary, helpers included")]

mod stories;
mod walk;
mod world;
