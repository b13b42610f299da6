//! `evertoken completions SHELL`.

use crate::commands::cli::{Cli, CompletionsArgs};
use crate::commands::ending::{Ending, FINE};
use crate::commands::output::Output;
use clap::CommandFactory;
use std::io::Write;

/// Prints the script.
///
/// # Errors
/// When it cannot be written.
pub fn run<W: Write>(args: &CompletionsArgs, output: &mut Output<W>) -> Result<u8, Ending> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "evertoken", &mut script);
    output.write_all(&script)?;
    output.flush()?;
    Ok(FINE)
}
