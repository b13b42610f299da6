//! One small file per subcommand, and what they share. Commands talk to people; they decide nothing about sessions.

pub mod check;
pub mod cli;
pub mod completions;
pub mod credential_process;
pub mod demo;
pub mod doctor;
pub mod ending;
pub mod exec;
pub mod fresh;
pub mod held;
pub mod humane;
pub mod init;
pub mod login;
pub mod man;
pub mod output;
pub mod purge;
pub mod refresh;
pub mod run;
pub mod service;
pub mod service_manager;
pub mod setup;
pub mod status;

use crate::engine::invocation::Invocation;
use crate::shell::clock;
use crate::shell::core_dumps;
use crate::shell::environment::Environment;
use crate::shell::logging::{self, Format, Options, Writing};
use crate::shell::panics;
use crate::shell::places::{Caller, config_file, invocation};
use crate::shell::signals;
use clap::Parser;
use cli::{Cli, Command, LogFormat};
use ending::Ending;
use output::Output;
use setup::Setup;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use tracing::level_filters::LevelFilter;

/// Reads the command line and the environment, carries the command out, and says how it ended.
pub fn main() -> ExitCode {
    let environment = Arc::new(Environment::capture());
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and version come this way too. A closed pipe is nobody's mistake.
            let printed = answer.print().err().filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
            let Some(error) = printed else {
                return ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(ending::USAGE));
            };
            let Ending { code, message } = Ending::from(error);
            let _nobody_reads_it = writeln!(io::stderr(), "{message}");
            return ExitCode::from(code);
        }
    };
    if !matches!(cli.command, Command::Exec(_)) {
        core_dumps::refuse();
    }
    let _then_only_such_a_limit_would_end_us = signals::outlive_file_size_limit();
    let log = logging::start(&log_options(&cli, &environment));
    panics::log_without_their_text();
    let invocation = invocation_of(&cli, &environment);
    let ended = carry_out(&cli, &environment, &mut Output::new(io::stdout().lock()).for_callers(invocation.clone()));
    let is_read = log.finish();
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(Ending { code, message }) => {
            if is_read {
                let _nobody_reads_it = Output::new(io::stderr()).for_callers(invocation).say(&format!("{message}\n"));
            }
            ExitCode::from(code)
        }
    }
}

/// How whoever reads the answer has to call evertoken to go by the same config.
fn invocation_of(cli: &Cli, environment: &Environment) -> Invocation {
    let path = cli.global.config.as_deref().and_then(|given| config_file(environment, Some(given)).ok());
    path.map(|path| invocation(environment, &path, Caller::Here)).unwrap_or_default()
}

fn carry_out<W: Write>(cli: &Cli, environment: &Arc<Environment>, output: &mut Output<W>) -> Result<u8, Ending> {
    let load = || Setup::load(environment, cli.global.config.as_deref());
    match &cli.command {
        Command::Run(args) => run::run(environment, cli.global.config.as_deref(), args),
        Command::Refresh(args) => refresh::run(load()?, args, environment, output),
        Command::Demo => demo::run(output),
        Command::Status(args) => status::run(&load()?, args, environment, output),
        Command::Check => check::run(&load()?, environment, output),
        Command::Doctor(args) => doctor::run(args, cli.global.config.as_deref(), environment, output),
        Command::Init(args) => init::run(args, cli.global.config.as_deref(), environment, output),
        Command::Login(args) => login::run(&load()?, args, environment, output),
        Command::CredentialProcess(args) => credential_process::run(load(), args, environment, output),
        Command::Exec(args) => match exec::run(&load()?, args, environment)? {},
        Command::Purge(args) => purge::run(cli.global.config.as_deref(), args, environment, output),
        Command::Service(args) => service::run(args, cli.global.config.as_deref(), environment, output),
        Command::Completions(args) => completions::run(args, output),
        Command::Man => man::run(output),
    }
}

fn log_options(cli: &Cli, environment: &Environment) -> Options {
    let journal = logging::is_journal(environment.text("JOURNAL_STREAM"));
    let format = match cli.global.log_format {
        LogFormat::Json => Format::Json,
        LogFormat::Text if journal => Format::Journal,
        LogFormat::Text => Format::Text { colour: io::stderr().is_terminal() && !environment.wants_plain() },
    };
    // Whoever answers a person has nothing else to do; the daemon keeps sessions fresh, whether its log is read or not.
    let (bounded, writing) = match &cli.command {
        Command::Run(args) => (args.bounded_log.clone(), Writing::Queued),
        _ => (None, Writing::Direct),
    };
    let filter = environment.log_filter().map(str::to_owned);
    Options { level: level(cli), filter, format, clock: clock::now, bounded, writing }
}

/// The daemon tells what it does, commands that answer a person only warn; each `-v` shows one level more, each `-q` one
/// less.
fn level(cli: &Cli) -> LevelFilter {
    let usual = if matches!(cli.command, Command::Run(_)) { 2 } else { 1 };
    match usual + i16::from(cli.global.verbose) - i16::from(cli.global.quiet) {
        ..0 => LevelFilter::OFF,
        0 => LevelFilter::ERROR,
        1 => LevelFilter::WARN,
        2 => LevelFilter::INFO,
        3 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}
