//! `evertoken completions SHELL`: the completion script, of what people are meant to type.

use crate::commands::cli::{Cli, CompletionsArgs};
use crate::commands::ending::{Ending, FINE};
use crate::commands::output::Output;
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use std::io::Write;

/// Prints the script.
///
/// # Errors
/// When it cannot be written.
pub fn run<W: Write>(args: &CompletionsArgs, output: &mut Output<W>) -> Result<u8, Ending> {
    output.write_all(&script(args.shell))?;
    output.flush()?;
    Ok(FINE)
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut without_hidden(&Cli::command()), "evertoken", &mut script);
    script
}

/// The generators offer hidden options too, so they get a command that has none. Global options go down by themselves.
fn without_hidden(command: &Command) -> Command {
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    Command::new(command.get_name().to_owned())
        .about(command.get_about().cloned().unwrap_or_default())
        .version(command.get_version().unwrap_or_default().to_owned())
        .disable_version_flag(command.get_version().is_none())
        .args(arguments.cloned())
        .subcommands(below.map(without_hidden))
}

#[cfg(test)]
mod tests {
    use super::script;
    use crate::commands::cli::Cli;
    use clap::{CommandFactory, ValueEnum};
    use clap_complete::Shell;

    #[test]
    fn all_that_is_shown_in_help_is_offered_and_nothing_hidden() {
        let mut command = Cli::command();
        command.build();
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).expect("UTF-8");
            let mut hidden = 0;
            for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
                assert!(script.contains(below.get_name()), "{shell}: {}", below.get_name());
                for argument in below.get_arguments() {
                    let Some(long) = argument.get_long() else { continue };
                    hidden += usize::from(argument.is_hide_set());
                    assert_eq!(script.contains(long), !argument.is_hide_set(), "{shell}: --{long}");
                }
            }
            assert!(hidden > 0, "there is something to hide");
        }
    }
}
