//! evertoken keeps the AWS role sessions in a shared credentials file fresh.
//!
//! One direction: main → commands → daemon → shell → engine. `engine` decides and never acts, `shell` acts and never
//! decides. `emulator` is an STS on loopback for the demo and the tests.

pub mod commands;
pub mod daemon;
pub mod emulator;
pub mod engine;
pub mod shell;
