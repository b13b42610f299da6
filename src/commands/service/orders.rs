//! What is to be done to the machine, as a list that can be shown before it is carried out.

use crate::commands::ending::{Ending, NOT_FINE};
use crate::commands::output::Output;
use crate::commands::run::on_runtime;
use crate::shell::child::{self, Child};
use crate::shell::environment::Environment;
use crate::shell::files::{folder, remove, replace_private};
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// A start waits for READY, which a unit may take a minute for.
const LIMIT: Duration = Duration::from_secs(100);
/// How a service stands is known at once, or its manager hangs.
const LOOK: Duration = Duration::from_secs(10);
/// launchd refuses to load what it is still unloading.
const AGAIN: (u32, Duration) = (10, Duration::from_millis(500));

/// One step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Order {
    /// Write a file, 0600, and the folders above it.
    Write(PathBuf, String),
    /// Remove a file.
    Remove(PathBuf),
    /// Remove a folder, if nothing is in it.
    RemoveFolder(PathBuf),
    /// Run a command of the service manager.
    Run(Vec<String>),
    /// The same; that it fails is told at the end, and keeps the rest from nothing.
    RunOn(Vec<String>),
    /// The same; that it fails is no trouble.
    Try(Vec<String>),
    /// The same; it may have to be said more than once.
    Insist(Vec<String>),
}

/// A command from its words.
pub fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What a command has answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Whether it ended with 0.
    pub fine: bool,
    /// What it printed.
    pub text: String,
    /// The first line of its complaint.
    pub complaint: String,
}

/// Runs a command that only looks.
///
/// # Errors
/// 1 when it cannot be started, or gives no answer within ten seconds.
pub fn ask(environment: &Environment, argv: &[String]) -> Result<Answer, Ending> {
    answer(environment, argv, LOOK)
}

fn answer(environment: &Environment, argv: &[String], limit: Duration) -> Result<Answer, Ending> {
    // Answers in somebody's language and time zone cannot be read.
    let mut variables: Vec<(OsString, OsString)> = environment.variables();
    variables.push(("LC_ALL".into(), "C".into()));
    variables.push(("TZ".into(), "UTC".into()));
    variables.push(("SYSTEMD_PAGER".into(), OsString::new()));
    let child = Child { argv: argv.to_vec(), environment: variables, limit };
    let output = on_runtime(async { child::run(child).await.map_err(|error| Ending::new(NOT_FINE, error)) })?;
    Ok(Answer {
        fine: output.is_success(),
        text: String::from_utf8_lossy(&output.stdout).into_owned(),
        complaint: output.first_complaint().unwrap_or_else(|| format!("exit code {}", output.code.unwrap_or(-1))),
    })
}

/// Carries the orders out one after the other, and tells each.
///
/// # Errors
/// 1 with the first that fails; the rest is not tried, unless the order says so.
pub fn carry_out<W: Write>(environment: &Environment, orders: &[Order], output: &mut Output<W>) -> Result<(), Ending> {
    let mut failed = None;
    for order in orders {
        match order {
            Order::Write(path, text) => {
                if let Some(above) = path.parent().filter(|above| !above.exists()) {
                    folder::ensure_private(above, environment.home().map(folder::Home::at).as_ref())
                        .map_err(Ending::failed)?;
                }
                replace_private(path, text.as_bytes()).map_err(Ending::failed)?;
            }
            Order::Remove(path) => {
                if !remove(path).map_err(Ending::failed)? {
                    continue;
                }
            }
            Order::RemoveFolder(path) => {
                if !folder::remove_empty(path) {
                    continue;
                }
            }
            Order::Run(argv) => run(environment, argv, 1)?,
            Order::Insist(argv) => run(environment, argv, AGAIN.0)?,
            Order::RunOn(argv) => {
                if let Err(ending) = run(environment, argv, 1) {
                    failed.get_or_insert(ending);
                    continue;
                }
            }
            Order::Try(argv) => {
                if !answer(environment, argv, LIMIT)?.fine {
                    continue;
                }
            }
        }
        output.text(&format!("{}\n", told(order, Tense::Done)))?;
    }
    failed.map_or(Ok(()), Err)
}

fn run(environment: &Environment, argv: &[String], times: u32) -> Result<(), Ending> {
    let mut left = times;
    loop {
        let answer = answer(environment, argv, LIMIT)?;
        left = left.saturating_sub(1);
        if answer.fine {
            return Ok(());
        }
        if left == 0 {
            return Err(Ending::new(NOT_FINE, format!("{} failed: {}", argv.join(" "), answer.complaint)));
        }
        on_runtime(async {
            tokio::time::sleep(AGAIN.1).await;
            Ok(())
        })?;
    }
}

/// Whether something was done or only would be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tense {
    /// It was.
    Done,
    /// It would be.
    Planned,
}

/// One line about an order.
pub fn told(order: &Order, tense: Tense) -> String {
    let would = if tense == Tense::Planned { "would " } else { "" };
    let verb = |planned: &str, done: &str| if tense == Tense::Planned { planned.to_owned() } else { done.to_owned() };
    match order {
        Order::Write(path, _) => format!("{would}{} {}", verb("write", "wrote"), path.display()),
        Order::Remove(path) | Order::RemoveFolder(path) => {
            format!("{would}{} {}", verb("remove", "removed"), path.display())
        }
        Order::Run(argv) | Order::RunOn(argv) | Order::Try(argv) | Order::Insist(argv) => {
            format!("{would}{}: {}", verb("run", "ran"), argv.join(" "))
        }
    }
}
