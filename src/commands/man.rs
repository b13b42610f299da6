//! `evertoken man`: one page with all commands, so that `man evertoken` is enough.

use crate::commands::cli::Cli;
use crate::commands::ending::{Ending, FINE};
use crate::commands::output::Output;
use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::io::Write;

/// Prints the page.
///
/// # Errors
/// When it cannot be written.
pub fn run<W: Write>(output: &mut Output<W>) -> Result<u8, Ending> {
    let mut page = Vec::new();
    render(&mut page)?;
    output.write_all(&page)?;
    output.flush()?;
    Ok(FINE)
}

fn render(page: &mut Vec<u8>) -> std::io::Result<()> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let man = Man::new(command.clone());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    let mut commands = Roff::new();
    commands.control("SH", ["COMMANDS"]);
    for below in command.get_subcommands() {
        let usage = below.clone().render_usage().to_string();
        commands.control("TP", []);
        commands.text([bold(usage.trim_start_matches("Usage: ").to_owned())]);
        commands.text([roman(below.get_about().map(ToString::to_string).unwrap_or_default())]);
        for argument in below.get_arguments().filter(|argument| !argument.is_global_set() && !argument.is_hide_set()) {
            let Some(help) = argument.get_help() else { continue };
            let name = argument.get_long().map_or_else(
                || argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string),
                |long| Some(format!("--{long}")),
            );
            if matches!(name.as_deref(), Some("--help" | "--version")) {
                continue;
            }
            commands.control("br", []);
            commands.text([bold(name.unwrap_or_default()), roman(format!(": {help}"))]);
        }
    }
    commands.to_writer(page)?;
    let mut notes = Roff::new();
    notes.control("SH", ["NOTES"]);
    notes.control("nf", []);
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for line in text.lines() {
        notes.text([roman(line.to_owned())]);
    }
    notes.control("fi", []);
    notes.to_writer(page)
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn the_page_knows_every_command() {
        let mut page = Vec::new();
        render(&mut page).expect("a page");
        let page = String::from_utf8(page).expect("UTF-8");
        for text in
            ["evertoken credential\\-process", "evertoken purge", "\\-\\-min\\-ttl", ".SH COMMANDS", "Examples:"]
        {
            assert!(page.contains(text), "{text} is not in\n{page}");
        }
    }
}
