//! How a command ends: the exit codes that users rely on, and the sentence that goes with an early end.

use crate::shell::signals::Interrupted;
use std::fmt::Display;
use std::io;

/// All is well.
pub const FINE: u8 = 0;
/// It is not, or something was missing or could not be read.
pub const NOT_FINE: u8 = 1;
/// Wrong usage, or a profile that is not in the config.
pub const USAGE: u8 = 2;
/// `status`: the daemon is not running.
pub const NOT_RUNNING: u8 = 3;
/// `run`: another instance keeps the same file fresh (EX_TEMPFAIL of sysexits.h).
pub const BUSY: u8 = 75;
/// The config was read and is wrong (EX_CONFIG of sysexits.h).
pub const CONFIG: u8 = 78;
/// `exec`: the command is there and cannot be run, as in a shell.
pub const CANNOT_RUN: u8 = 126;
/// `exec`: the command is not there, as in a shell.
pub const NOT_FOUND: u8 = 127;
/// A person has typed Ctrl-C, as in a shell.
pub const INTERRUPTED: u8 = 130;

/// The early end of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ending {
    /// The exit code.
    pub code: u8,
    /// What goes to standard error, without a line break at its end.
    pub message: String,
}

impl Ending {
    /// Ends with `code` and `evertoken: MESSAGE`.
    pub fn new(code: u8, message: impl Display) -> Self {
        Self { code, message: format!("evertoken: {message}") }
    }

    /// For `map_err`: ends with 1, reading `evertoken: failed to ERROR`.
    pub fn failed<E: Display>(error: E) -> Self {
        Self::new(NOT_FINE, format!("failed to {error}"))
    }
}

impl From<Interrupted> for Ending {
    fn from(interrupted: Interrupted) -> Self {
        Self::new(interrupted.code(), "interrupted")
    }
}

impl From<io::Error> for Ending {
    /// Standard output could not be written to; a closed pipe never gets here.
    fn from(error: io::Error) -> Self {
        Self::failed(format!("write the answer: {error}"))
    }
}
