//! Runs a program of others that talks to the person at the terminal: it takes the terminal over and is waited for,
//! however long the person takes. Never reads what it prints.
#![expect(
    clippy::disallowed_methods,
    reason = "the child shares the terminal, and Ctrl-C, with us: no group of its own"
)]

use crate::shell::child::CHILD_VARIABLE;
use std::ffi::OsString;
use std::io;
use std::process::{Command, ExitStatus};

/// Runs a program with exactly this environment, and `EVERTOKEN_CHILD=1`.
///
/// # Errors
/// When it cannot be started.
pub fn run(
    program: &str,
    arguments: &[String],
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> io::Result<ExitStatus> {
    Command::new(program).args(arguments).env_clear().envs(environment).env(CHILD_VARIABLE, "1").status()
}
