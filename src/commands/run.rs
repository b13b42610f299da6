//! `evertoken run`: the daemon in the foreground. This file only gets it going.

use crate::commands::cli::{AlarmKind, RunArgs};
use crate::commands::ending::{BUSY, CONFIG, Ending, FINE, NOT_FINE};
use crate::daemon::station::OpenError;
use crate::daemon::{self, RunError};
use crate::shell::clock::Alarm;
use crate::shell::config_file::{LoadError, Loaded, load_at_start};
use crate::shell::environment::Environment;
use crate::shell::files::writing::finish_writes;
use crate::shell::places::config_file;
use crate::shell::signals::{Signals, interrupted, stop_with_stdin, until_interrupted};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// Runs until an order to stop comes.
///
/// # Errors
/// 75 when another daemon holds the file, 78 when the config is wrong, 1 when something cannot be read.
pub fn run(environment: &Arc<Environment>, given: Option<&Path>, args: &RunArgs) -> Result<u8, Ending> {
    let ended = to_its_end(async {
        // Before any file is read: an early signal must not kill us half-way.
        let signals = Signals::install().map_err(|error| Ending::failed(format!("listen to signals: {error}")))?;
        if args.stop_with_stdin {
            stop_with_stdin();
        }
        let alarm = match args.alarm {
            Some(AlarmKind::Capped) => Alarm::capped(),
            Some(AlarmKind::Timer) | None => {
                Alarm::new().map_err(|error| Ending::failed(format!("get a timer: {error}")))?
            }
        };
        let path = config_file(environment, given).map_err(Ending::failed)?;
        let loaded = load_at_start(environment, &path).await.and_then(Loaded::trusted).map_err(unloaded)?;
        daemon::run(Arc::clone(environment), loaded, signals, alarm).await.map_err(ended)?;
        Ok(FINE)
    });
    // A renewed sign-in may be on its way into its file.
    finish_writes();
    match ended {
        Err(Ending { code: BUSY | CONFIG, message }) if args.zero_if_final => Err(Ending { code: FINE, message }),
        other => other,
    }
}

/// Does something on a runtime of its own, until INT, TERM or HUP ends the process. What is left in other threads after
/// that, a name that is being looked up or a lock that is waited for, is not waited for: whoever needs the files finished
/// has waited for them.
///
/// # Errors
/// Those of the work; 1 when the operating system denies a runtime.
pub fn on_runtime<T>(work: impl Future<Output = Result<T, Ending>>) -> Result<T, Ending> {
    let ended = to_its_end(async { until_interrupted(work).await? });
    end_if_interrupted();
    ended
}

/// The same for whoever minds the signals.
fn to_its_end<T>(work: impl Future<Output = Result<T, Ending>>) -> Result<T, Ending> {
    let runtime = runtime()?;
    let ended = runtime.block_on(work);
    runtime.shutdown_background();
    ended
}

/// Ends the process by the signal that has ended the work, if one has. To be called when the runtime is gone, and with it
/// everything that was started: programs are killed then. A file that is being written is finished.
pub fn end_if_interrupted() {
    if let Some(interrupted) = interrupted() {
        finish_writes();
        interrupted.end_the_process();
    }
}

/// One thread for everything; file work and DNS borrow others for a moment.
///
/// # Errors
/// 1 when the operating system denies it.
pub fn runtime() -> Result<Runtime, Ending> {
    let built = Builder::new_current_thread()
        .enable_all()
        // Eight calls may wait for a lock each, and sixteen names be looked up for longer than anybody waits for them; the
        // files must not wait for either. They come and go.
        .max_blocking_threads(32)
        .thread_keep_alive(Duration::from_secs(1))
        .build();
    built.map_err(|error: io::Error| Ending::failed(format!("start the runtime: {error}")))
}

/// The end of a command whose config could not be loaded.
pub fn unloaded(error: LoadError) -> Ending {
    match error {
        LoadError::Wrong { findings, .. } => Ending { code: CONFIG, message: findings.join("\n\n") },
        LoadError::Missing(_) => Ending::new(NOT_FINE, error),
        LoadError::Unreadable(_) | LoadError::Place(_) => Ending::failed(error),
        LoadError::Stumbled(_) => Ending::new(NOT_FINE, error),
    }
}

/// The end of a command that could not open what it needs.
pub fn unopened(error: OpenError) -> Ending {
    let code = if matches!(error, OpenError::Held { .. }) { BUSY } else { NOT_FINE };
    Ending::new(code, error)
}

fn ended(error: RunError) -> Ending {
    match error {
        RunError::Open(error) => unopened(error),
        RunError::Wait(_) => Ending::new(NOT_FINE, error),
    }
}
