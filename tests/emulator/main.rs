//! The STS on loopback, asked by the real SDK: it must grant, refuse and fail as AWS does, or every other test that
//! leans on it proves nothing.

#![expect(clippy::expect_used, clippy::panic, reason = "what the tests share may fail a test, as the tests do")]

mod faults;
mod operations;
mod sdk;
mod wire;
