//! `evertoken man`: one page with all commands, files, variables, exit codes and signals, so that `man evertoken` is
//! enough.

use crate::commands::cli::Cli;
use crate::commands::ending::{Ending, FINE};
use crate::commands::output::Output;
use clap::{Arg, Command, CommandFactory};
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use std::io::Write;

/// What the page tells beside the commands: a term and what it means.
type Table = &'static [(&'static str, &'static str)];

/// When the texts of the page were last changed.
const DATE: &str = "2026-11-21";

const FILES: Table = &[
    (
        "~/.config/evertoken/config.toml",
        "The config, unless --config, EVERTOKEN_CONFIG or XDG_CONFIG_HOME say otherwise. Never holds a secret.",
    ),
    ("~/.aws/credentials", "The shared credentials file: sources are read here, and sessions are written here."),
    ("~/.aws/credentials.lock", "The lock around each write, beside the file that is really written."),
    ("~/.aws/config", "The AWS config: read for sources, never written."),
    ("~/.aws/sso/cache/", "The tokens of SSO sessions, as the AWS CLI keeps them: read, and renewed."),
    (
        "~/.local/state/evertoken/KEY/",
        "One folder for each credentials file, or below XDG_STATE_HOME: status.json, the private store (credentials), \
         clock.json, instance.lock, and in locks/ one refresh lock for each profile.",
    ),
    ("~/.config/systemd/user/evertoken.service", "The systemd user unit, where it was installed."),
    ("~/Library/LaunchAgents/io.evertoken.agent.plist", "The launchd agent, where it was installed."),
];

const ENVIRONMENT: Table = &[
    ("EVERTOKEN_CONFIG", "The config, where --config does not name one."),
    ("EVERTOKEN_LOG", "A filter for the log, such as evertoken=debug."),
    ("AWS_SHARED_CREDENTIALS_FILE", "The credentials file, where the config does not name one."),
    ("AWS_CONFIG_FILE", "The AWS config, where the config does not name one."),
    ("AWS_CA_BUNDLE", "More certificates to trust, where the config has no ca_bundle."),
    (
        "https_proxy, all_proxy, no_proxy",
        "The proxy, where the config has none, and the hosts that need none. In upper case too; lower case goes before.",
    ),
    ("XDG_CONFIG_HOME, XDG_STATE_HOME", "Where configs and states lie; ~/.config and ~/.local/state by default."),
    ("NO_COLOR", "No colours, where it is set to anything."),
    (
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
        "Sign for roles with credential_source = \"Environment\", and for nothing else.",
    ),
    ("EVERTOKEN_PROFILE, _ROLE_ARN, _EXPIRATION, _STATE, _MESSAGE, _FIX", "What a hook is told, in its environment."),
    (
        "EVERTOKEN_CHILD",
        "Set for every program that evertoken starts. Below it, credential-process answers from what is stored.",
    ),
];

const EXIT_CODES: Table = &[
    ("0", "All is well."),
    ("1", "It is not, or something is missing or cannot be read."),
    ("2", "Wrong usage, or a profile that is not in the config."),
    ("3", "status: the daemon is not running."),
    ("75", "run: another instance keeps this credentials file fresh."),
    ("78", "The config was read and is wrong."),
    ("126, 127", "exec: the command cannot be run, or is not there. Otherwise exec ends as its command does."),
    ("130", "Ctrl-C (after TERM 143, after HUP 129). run: stopped by a second TERM or INT."),
];

const SIGNALS: Table = &[
    ("HUP", "Read the config again; stop, if it was started on a terminal that has gone, and not by nohup (Linux)."),
    ("TERM, INT", "Finish the write that is under way and stop. A second one ends it at once."),
    ("USR1", "Refresh everything now."),
];

const DESCRIPTION: &str = "evertoken reads a list of AWS roles, assumes each of them again ahead of the end of its session, \
                           and writes the fresh keys into the shared credentials file, so that the AWS CLI, the SDKs and \
                           what is built on them find a session that lives. It touches no byte of that file but its own. \
                           Where it cannot go on without a person it says so once, with the command that mends it: in \
                           the log, in `evertoken status`, and by the hooks of the config.";

/// Prints the page.
///
/// # Errors
/// When it cannot be written.
pub fn run<W: Write>(output: &mut Output<W>) -> Result<u8, Ending> {
    output.text(&page())?;
    Ok(FINE)
}

fn page() -> String {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let version = format!("evertoken {}", env!("CARGO_PKG_VERSION"));
    let mut page = Roff::new();
    page.control("TH", ["EVERTOKEN", "1", DATE, version.as_str(), "User Commands"]);
    page.control("SH", ["NAME"]).text([roman(format!("evertoken - {}", uncapitalised(&about)))]);
    page.control("SH", ["SYNOPSIS"]);
    page.text([bold("evertoken"), roman(" [OPTIONS] "), italic("COMMAND"), roman(" [ARGUMENTS]")]);
    page.control("SH", ["DESCRIPTION"]);
    paragraphs(&mut page, Some(DESCRIPTION));
    page.control("PP", []);
    paragraphs(&mut page, command.get_after_help().map(ToString::to_string).as_deref());
    page.control("SH", ["OPTIONS"]);
    arguments(&mut page, command.get_arguments().filter(|argument| !argument.is_hide_set()));
    page.control("SH", ["COMMANDS"]);
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        section(&mut page, below);
    }
    for (name, table) in
        [("FILES", FILES), ("ENVIRONMENT", ENVIRONMENT), ("EXIT STATUS", EXIT_CODES), ("SIGNALS", SIGNALS)]
    {
        page.control("SH", [name]);
        for (term, meaning) in table {
            page.control("TP", []).text([bold(*term)]).text([roman(*meaning)]);
        }
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([roman("aws(1), systemctl(1), launchctl(1)")]);
    page.to_roff()
}

/// One command: its usage, what it does, its arguments, and what its help adds.
fn section(page: &mut Roff, command: &Command) {
    let usage = command.clone().render_usage().to_string();
    page.control("SS", [usage.trim_start_matches("Usage: ").trim()]);
    what_it_does(page, command);
    // A command with commands of its own.
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help") {
        page.control("TP", []).text([bold(below.get_name())]);
        page.control("RS", []);
        what_it_does(page, below);
        added(page, below);
        page.control("RE", []);
    }
    added(page, command);
}

fn what_it_does(page: &mut Roff, command: &Command) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    page.text([roman(format!("{about}."))]);
    let shown = |argument: &&Arg| {
        !argument.is_hide_set()
            && !argument.is_global_set()
            && !["help", "version"].contains(&argument.get_id().as_str())
    };
    arguments(page, command.get_arguments().filter(shown));
}

/// What the help of a command adds below its options.
fn added(page: &mut Roff, command: &Command) {
    if command.get_after_help().is_some() {
        page.control("PP", []);
        paragraphs(page, command.get_after_help().map(ToString::to_string).as_deref());
    }
}

fn arguments<'a>(page: &mut Roff, all: impl Iterator<Item = &'a Arg>) {
    for argument in all {
        let mut term: Vec<Inline> = Vec::new();
        let names =
            [argument.get_short().map(|c| format!("-{c}")), argument.get_long().map(|long| format!("--{long}"))];
        for name in names.into_iter().flatten() {
            if !term.is_empty() {
                term.push(roman(", "));
            }
            term.push(bold(name));
        }
        let takes_value = argument.get_action().takes_values();
        if let Some(value) = argument.get_value_names().and_then(|names| names.first()).filter(|_| takes_value) {
            if !term.is_empty() {
                term.push(roman(" "));
            }
            term.push(italic(value.to_string()));
        }
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        page.control("TP", []).text(term).text([roman(format!("{help}."))]);
    }
}

/// Text that is filled, and lines that stay as they are: those that are indented.
fn paragraphs(page: &mut Roff, text: Option<&str>) {
    let text = text.unwrap_or_default();
    for (place, paragraph) in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()).enumerate() {
        if place > 0 {
            page.control("PP", []);
        }
        let mut in_example = false;
        for line in paragraph.lines() {
            if line.starts_with(' ') != in_example {
                in_example = !in_example;
                // `RS`/`RE` indent, `nf`/`fi` keep lines.
                let around = if in_example { [("RS", "4"), ("nf", "")] } else { [("fi", ""), ("RE", "")] };
                for (control, argument) in around {
                    page.control(control, (!argument.is_empty()).then_some(argument));
                }
            }
            page.text([roman(line.trim())]);
        }
        if in_example {
            page.control("fi", []).control("RE", []);
        }
    }
}

fn uncapitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::commands::cli::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_page_knows_every_command_and_option_and_nothing_hidden() {
        let page = page().replace("\\-", "-");
        let mut command = Cli::command();
        command.build();
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            let name = below.get_name();
            let (_, rest) = page.split_once(&format!(".SS \"evertoken {name}")).expect(name);
            let section = rest.split("\n.S").next().unwrap_or_default();
            let commands = below.get_subcommands().filter(|command| command.get_name() != "help").chain([below]);
            for argument in commands.flat_map(clap::Command::get_arguments) {
                let shown = !argument.is_hide_set() && !argument.is_global_set();
                if let Some(long) = argument.get_long().filter(|_| shown && argument.get_id() != "help") {
                    assert!(section.contains(&format!("--{long}")), "{name}: --{long}\n{section}");
                }
            }
        }
        assert!(page.contains("A unit that it did not write stays as it is"), "the help of service install");
        assert!(!page.contains("--alarm"));
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "FILES", "ENVIRONMENT", "SIGNALS"] {
            assert!(page.contains(&format!("\n.SH {section}\n")), "{section}");
        }
        for text in ["credentials.lock", "EVERTOKEN_LOG", "instance.lock", "\n.SH \"EXIT STATUS\"\n", "USR1"] {
            assert!(page.contains(text), "{text}");
        }
    }
}
