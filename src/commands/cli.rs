//! The command line as a value: every command, flag and help text stands here and below, and nowhere else. Carries
//! nothing out.

mod arguments;

pub use arguments::{
    AlarmKind, CompletionsArgs, CredentialProcessArgs, DoctorArgs, ExecArgs, InitArgs, LoginArgs, ManagerKind,
    PurgeArgs, RefreshArgs, RunArgs, ServiceArgs, ServiceChangeArgs, ServiceCommand, StatusArgs,
};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Keeps the AWS role sessions in your shared credentials file fresh.
#[derive(Parser, Clone, Debug)]
#[command(
    name = "evertoken",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "Examples:\n  \
        evertoken demo              watch it work, without an AWS account\n  \
        evertoken check             is my config right?\n  \
        evertoken doctor            why do I get ExpiredToken?\n  \
        evertoken run               keep every session fresh until stopped\n  \
        evertoken status --watch    how does each profile stand?\n\n\
        The config is --config, else $EVERTOKEN_CONFIG, else $XDG_CONFIG_HOME/evertoken/config.toml, \
        else ~/.config/evertoken/config.toml.\n\n\
        Exit codes: 0 fine, 1 not, 2 wrong usage or unknown profile, 3 daemon not running (status), \
        75 another instance is at work, 78 the config is wrong."
)]
pub struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Read this config.
    #[arg(long, global = true, value_name = "PATH", help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// Log more; repeat it for still more.
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Global options")]
    pub verbose: u8,
    /// Log less; repeat it for still less.
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "verbose", help_heading = "Global options")]
    pub quiet: u8,
    /// How log lines look: text or json; $EVERTOKEN_LOG takes a filter such as evertoken=debug.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        hide_possible_values = true,
        help_heading = "Global options"
    )]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogFormat {
    /// One line per event, for people.
    #[default]
    Text,
    /// One JSON object per event, for log collectors.
    Json,
}

/// What to do.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Keep every session fresh, in the foreground, until stopped.
    #[command(
        after_help = "This is what systemd and launchd start. HUP reloads the config, USR1 refreshes everything \
        now, TERM and INT stop after a write under way.\n\n\
        Exit codes: 0 stopped, 75 another instance holds the file, 78 the config is wrong, 130 stopped twice."
    )]
    Run(RunArgs),
    /// Refresh once what has less life left than its min_ttl.
    #[command(after_help = "Examples:\n  \
        evertoken refresh\n  \
        evertoken refresh --min-ttl 45m prod && terraform apply\n  \
        evertoken refresh --dry-run\n\n\
        Without --min-ttl, what a running daemon was refused is tried again too, however long its session lives.\n\n\
        Exit codes: 0 all fresh, 1 some failed or cannot be granted that much life.")]
    Refresh(RefreshArgs),
    /// Show how each profile stands, what is wrong, and what mends it.
    #[command(after_help = "Examples:\n  \
        evertoken status\n  \
        evertoken status --watch\n  \
        evertoken status --json | jq -r '.profiles[] | select(.state != \"fresh\") | .profile'\n\n\
        In a pipe: one line for each profile, and lines that begin with # for all else.\n\n\
        Exit codes: 0 all fresh, 1 not, 3 the daemon is not running.")]
    Status(StatusArgs),
    /// Find every mistake in the config, offline.
    #[command(
        after_help = "Looks at the config, the AWS files, the modes of files and folders, and whether a service finds the \
        programs that the config names. Asks nobody and changes nothing.\n\n\
        Exit codes: 0 fine (also with warnings), 1 the config is missing or cannot be read, 78 it is wrong."
    )]
    Check,
    /// Find out why a program gets ExpiredToken, and what mends it.
    #[command(after_help = "Looks at everything that AWS error guides tell people to look at: which credentials the \
        tools here pick and why, whether AWS accepts them, what stands behind them, the files, the \
        clock, this platform, and evertoken itself. Needs no config. It asks AWS where your tools \
        would: it follows AWS_ENDPOINT_URL.\n\n\
        Examples:\n  \
        evertoken doctor\n  \
        evertoken doctor prod --fix\n  \
        evertoken doctor --json | jq -r .cause\n\n\
        Exit codes: 0 nothing is wrong (also with warnings), 1 something is, 2 there is no such profile.")]
    Doctor(DoctorArgs),
    /// Write a first config from what ~/.aws/config says.
    #[command(
        after_help = "Lists every role and SSO profile under the name that it has already, and prints the lines of \
        ~/.aws/config to change so that every tool uses the fresh keys. Changes no file but the new config.\n\n\
        Exit codes: 0 written, 1 there is a config already, or nothing to write into one."
    )]
    Init(InitArgs),
    /// Do whatever step is due that only a person can do: log in to SSO, enter an MFA code.
    #[command(
        after_help = "Runs `aws sso login` for each SSO session that is over, and asks for a code for each MFA session \
        that is over or ends within the hour, or that is named. A running daemon goes on by itself.\n\n\
        Examples:\n  \
        evertoken login\n  \
        evertoken login base-mfa --code 123456\n\n\
        Exit codes: 0 done or nothing was due, 1 a step failed."
    )]
    Login(LoginArgs),
    /// Print a profile's session for AWS SDKs, as their credential_process.
    #[command(after_help = "Long-running programs read the credentials file once; with this they renew themselves. \
        In ~/.aws/config, with the absolute path of evertoken:\n\n  \
        [profile prod]\n  \
        credential_process = /home/me/.cargo/bin/evertoken credential-process prod\n  \
        region = eu-west-1")]
    CredentialProcess(CredentialProcessArgs),
    /// Run a command with a profile that is fresh.
    #[command(after_help = "AWS_PROFILE is set, and AWS_* key variables that would shadow it are dropped.\n\n\
        Example:\n  \
        evertoken exec prod --min-ttl 45m -- terraform apply\n\n\
        Exit codes: those of the command; 1 there is no session with that much life, 2 there is no such profile, \
        126 it cannot be run, 127 it is not there.")]
    Exec(ExecArgs),
    /// Remove what evertoken wrote: its keys, private store, state and locks.
    #[command(after_help = "Everything else in the credentials file stays as it is. Stop the daemon first.\n\n\
        Examples:\n  \
        evertoken purge --dry-run\n  \
        evertoken purge old-profile")]
    Purge(PurgeArgs),
    /// Run the daemon as a service of yours: a systemd user unit, or a launchd agent.
    #[command(after_help = "Exit codes: 0 done (status: installed, enabled and running), 1 not.")]
    Service(ServiceArgs),
    /// Watch it work: the real daemon against an STS emulator on loopback.
    #[command(
        after_help = "Needs no AWS account and touches nothing of yours: the daemon is a child with a home of its own \
        and sessions of seconds."
    )]
    Demo,
    /// Print the completion script for a shell.
    #[command(
        after_help = "Example:\n  evertoken completions bash > ~/.local/share/bash-completion/completions/evertoken"
    )]
    Completions(CompletionsArgs),
    /// Print the man page.
    #[command(after_help = "Example:\n  evertoken man | man -l -")]
    Man,
}

#[cfg(test)]
mod tests {
    use super::{Cli, Command};
    use clap::{CommandFactory, Parser};
    use std::time::Duration;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_and_after_the_command() {
        for line in ["--config c.toml -vv status --json", "status --json --config c.toml -v -v"] {
            let cli = Cli::parse_from(std::iter::once("evertoken").chain(line.split(' ')));
            assert_eq!(cli.global.config.as_deref(), Some("c.toml".as_ref()), "{line}");
            assert_eq!(cli.global.verbose, 2, "{line}");
            assert!(matches!(cli.command, Command::Status(args) if args.json), "{line}");
        }
    }

    #[test]
    fn a_command_to_run_keeps_its_own_flags() {
        let cli = Cli::parse_from("evertoken exec prod --min-ttl 45m -- aws -v --config x".split(' '));
        let Command::Exec(args) = cli.command else { panic!("{:?}", cli.command) };
        assert_eq!(args.command, ["aws", "-v", "--config", "x"]);
        assert_eq!(args.min_ttl, Some(Duration::from_secs(45 * 60)));
        assert_eq!(cli.global.verbose, 0);
    }

    #[test]
    fn wrong_usage_ends_with_2() {
        let wrong = [
            "status --json --watch",
            "exec prod aws",
            "refresh --min-ttl 45",
            "refresh --min-ttl 1.5s",
            "refresh --min-ttl -5m",
            "refresh [dev]",
            "credential-process",
            "login --code 12345",
            "status -v -q",
            "frobnicate",
            "",
        ];
        for line in wrong {
            let words = line.split(' ').filter(|word| !word.is_empty());
            let error = Cli::try_parse_from(std::iter::once("evertoken").chain(words)).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
