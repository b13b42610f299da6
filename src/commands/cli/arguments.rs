//! The arguments of each command, and how those are read that are no plain text. Carries nothing out.

use crate::engine::config::durations;
use crate::engine::names::ProfileName;
use crate::engine::secret::Secret;
use crate::shell::mfa::parse_code;
use clap::{Args, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `run`.
#[derive(Args, Clone, Debug, Default)]
pub struct RunArgs {
    /// Wake by this, for tests: the kernel's timer on the wall clock, or short sleeps as on other platforms.
    #[arg(long, value_enum, value_name = "KIND", hide = true)]
    pub alarm: Option<AlarmKind>,
    /// End with 0 instead of 75 and 78, where starting again would not help: for launchd, which knows no list of codes.
    #[arg(long, hide = true)]
    pub zero_if_final: bool,
    /// Keep the file that standard error leads to small: for launchd, which only ever appends to it.
    #[arg(long, value_name = "PATH", hide = true)]
    pub bounded_log: Option<PathBuf>,
    /// Stop when standard input ends: for whoever starts it as a child, and may die before it.
    #[arg(long, hide = true)]
    pub stop_with_stdin: bool,
}

/// How the daemon wakes; the best that the platform has unless said.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum AlarmKind {
    /// By the kernel's timer on the wall clock.
    Timer,
    /// By short sleeps, after each of which the clock is looked at.
    Capped,
}

/// Arguments of `refresh`.
#[derive(Args, Clone, Debug, Default)]
pub struct RefreshArgs {
    /// The profiles to refresh; all when none is named.
    #[arg(value_name = "PROFILE", value_parser = profile)]
    pub profiles: Vec<ProfileName>,
    /// The life that shall be left afterwards, such as 45m or "1h 30m".
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub min_ttl: Option<Duration>,
    /// Call STS also for sessions that have enough life left.
    #[arg(long)]
    pub force: bool,
    /// Show the calls and the change to the file, and do neither.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `status`.
#[derive(Args, Clone, Debug, Default)]
pub struct StatusArgs {
    /// Print JSON for tools.
    #[arg(long, conflicts_with = "watch")]
    pub json: bool,
    /// Stay on the screen and draw what changes, until q or Ctrl-C.
    #[arg(long)]
    pub watch: bool,
}

/// Arguments of `doctor`.
#[derive(Args, Clone, Debug, Default)]
pub struct DoctorArgs {
    /// The profile to look at; the one that AWS_PROFILE names, or default, when none is named.
    #[arg(value_name = "PROFILE")]
    pub profile: Option<String>,
    /// Print JSON for tools.
    #[arg(long, conflicts_with = "fix")]
    pub json: bool,
    /// Ask nobody over the network.
    #[arg(long)]
    pub offline: bool,
    /// Mend what is safe to mend (refresh the profile, chmod 600), asking first; then look again.
    #[arg(long)]
    pub fix: bool,
    /// With --fix: do not ask.
    #[arg(long, requires = "fix")]
    pub yes: bool,
}

/// Arguments of `init`.
#[derive(Args, Clone, Debug, Default)]
pub struct InitArgs {
    /// Print entries for the profiles that the config does not list yet and what is still to be changed, and write nothing.
    #[arg(long)]
    pub missing: bool,
    /// Let programs ask evertoken through credential_process, and keep the keys out of ~/.aws/credentials.
    #[arg(long)]
    pub process: bool,
}

/// Arguments of `login`.
#[derive(Args, Clone, Debug, Default)]
pub struct LoginArgs {
    /// The profiles to log in for; whatever is due when none is named.
    #[arg(value_name = "PROFILE", value_parser = profile)]
    pub profiles: Vec<ProfileName>,
    /// The MFA code, where exactly one is due; it is asked for otherwise.
    #[arg(long, value_name = "CODE", value_parser = code)]
    pub code: Option<Secret>,
}

/// Arguments of `credential-process`.
#[derive(Args, Clone, Debug)]
pub struct CredentialProcessArgs {
    /// The profile to answer for.
    #[arg(value_name = "PROFILE", value_parser = profile)]
    pub profile: ProfileName,
}

/// Arguments of `exec`.
#[derive(Args, Clone, Debug)]
pub struct ExecArgs {
    /// The profile that the command shall use.
    #[arg(value_name = "PROFILE", value_parser = profile)]
    pub profile: ProfileName,
    /// The life that shall be left when the command starts, such as 45m.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub min_ttl: Option<Duration>,
    /// The command and its arguments.
    #[arg(value_name = "CMD", last = true, required = true)]
    pub command: Vec<OsString>,
}

/// Arguments of `purge`.
#[derive(Args, Clone, Debug, Default)]
pub struct PurgeArgs {
    /// The profiles to remove; everything when none is named.
    #[arg(value_name = "PROFILE", value_parser = profile)]
    pub profiles: Vec<ProfileName>,
    /// Say what would be removed, and remove nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `service`.
#[derive(Args, Clone, Debug)]
pub struct ServiceArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ServiceCommand,
    /// Talk to this one instead of the one of this system, for tests.
    #[arg(long, value_enum, value_name = "KIND", hide = true, global = true)]
    pub manager: Option<ManagerKind>,
}

/// Whom a service is installed with.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ManagerKind {
    /// The systemd of the user.
    Systemd,
    /// The launchd of the user.
    Launchd,
}

/// What to do to the service.
#[derive(Subcommand, Clone, Debug)]
pub enum ServiceCommand {
    /// Install it, start it with your session, and start it now.
    #[command(
        after_help = "Writes the unit with the path of this program and of the config, and with what helpers need \
        of this shell: PATH, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, AWS_CA_BUNDLE, proxies. Do it again after \
        one of them has changed. A unit that it did not write stays as it is; that of a package is enabled."
    )]
    Install(ServiceChangeArgs),
    /// Stop it and take it away again.
    Uninstall(ServiceChangeArgs),
    /// Say whether it is installed, by whom, whether it runs, and where its log is.
    Status,
}

/// Arguments of `service install` and `service uninstall`.
#[derive(Args, Clone, Debug, Default)]
pub struct ServiceChangeArgs {
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `completions`.
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
    /// The shell to complete for.
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: clap_complete::Shell,
}

fn profile(text: &str) -> Result<ProfileName, String> {
    ProfileName::parse(text).map_err(|bad| bad.to_string())
}

fn code(text: &str) -> Result<Secret, String> {
    parse_code(text).ok_or_else(|| "an MFA code has six digits".to_owned())
}

/// As the config reads it.
fn duration(text: &str) -> Result<Duration, String> {
    durations::parse(text).map_err(|bad| bad.to_string())
}
