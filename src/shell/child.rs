//! Runs the programs of others: a `credential_process`, an `mfa_command`, a hook. A child never outlives its time limit
//! nor the task that waits for it, and neither do its own children: the whole process group is killed, or at a terminal
//! everything that stands below it.

use crate::shell::clock;
use crate::shell::family;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use std::ffi::OsString;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::sync::watch;
use zeroize::Zeroizing;

/// Set for every child, so that `credential-process` below it answers from the store and never starts a circle.
pub const CHILD_VARIABLE: &str = "EVERTOKEN_CHILD";
/// The most that is read from a child; what it says beyond that is read and dropped.
pub const MAX_OUTPUT: usize = 64 * 1024;
/// How long output is waited for after the child has ended, should a grandchild hold the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How often followers are looked at: their group's number is theirs for as long as one of them is there.
const A_LOOK: Duration = Duration::from_secs(1);

/// A program to run.
#[derive(Clone, PartialEq, Eq)]
pub struct Child {
    /// The program and its arguments; no shell looks at them.
    pub argv: Vec<String>,
    /// Its whole environment; `EVERTOKEN_CHILD=1` is added.
    pub environment: Vec<(OsString, OsString)>,
    /// When it is killed.
    pub limit: Duration,
}

/// What a child left.
pub struct Output {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// May hold secrets: never quoted.
    pub stdout: Zeroizing<Vec<u8>>,
    /// May hold anything.
    pub stderr: Zeroizing<Vec<u8>>,
}

impl Output {
    /// Whether it ended with exit code 0.
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }

    /// The first line of its stderr that says something, fit to be shown: without control characters, bounded, and with
    /// everything in it that looks like a key replaced by `…`.
    pub fn first_complaint(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.stderr);
        let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
        Some(masked(line))
    }
}

/// Why a child gave no output. Names the program, never its arguments: those may hold secrets.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// There is no program to run.
    #[error("the command is empty")]
    Empty,
    /// It could not be started.
    #[error("{program} cannot be started: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// It ran for longer than it may, and was killed with its children.
    #[error("{program} gave no answer within {} s and was stopped", limit.as_secs_f32())]
    TimedOut {
        /// The program.
        program: String,
        /// The limit.
        limit: Duration,
    },
    /// Nobody wants it to run any more; it was killed with its children, or not started.
    #[error("{program} was stopped, since evertoken is to stop")]
    GivenUp {
        /// The program.
        program: String,
    },
    /// Its end could not be waited for.
    #[error("{program} cannot be waited for: {source}")]
    Wait {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
}

tokio::task_local! {
    /// Of the work that runs a child; without it there is leave for good.
    static WITHDRAWN: watch::Receiver<bool>;
}

/// The leave to run children, until it is withdrawn from all the work that it was given to.
#[derive(Default)]
pub struct Leave(watch::Sender<bool>);

impl Leave {
    /// The work, with this leave.
    pub fn given_to<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        WITHDRAWN.scope(self.0.subscribe(), work)
    }

    /// Children that run are killed, and none is started any more. The work goes on, with [`ChildError::GivenUp`].
    pub fn withdraw(&self) {
        self.0.send_replace(true);
    }
}

/// Waits until the leave of this work is withdrawn.
async fn withdrawn() {
    if let Ok(mut withdrawn) = WITHDRAWN.try_with(Clone::clone)
        && withdrawn.wait_for(|withdrawn| *withdrawn).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

fn is_withdrawn() -> bool {
    WITHDRAWN.try_with(|withdrawn| *withdrawn.borrow()).unwrap_or(false)
}

/// Kills a process group when dropped before its leader was waited for; until then its number cannot be anybody else's.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // Gone already is as good.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// What a child that has ended left running in its process group; killed when this is dropped.
pub struct Followers {
    group: Group,
    limit: Instant,
}

impl Followers {
    /// Waits until the last one has ended, or the time limit of the child is over: then they are killed.
    pub async fn until_the_limit(mut self) {
        while let Some(leader) = self.group.0 {
            if test_kill_process_group(leader).is_err() {
                self.group.0 = None;
                return;
            }
            let left = self.limit.saturating_duration_since(clock::stopwatch());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(A_LOOK)).await;
        }
    }
}

/// Runs a child to its end, without a terminal. Dropping the future kills it and its children.
///
/// # Errors
/// When it cannot be started or takes too long. A failing exit code is no error here: see [`Output::is_success`].
pub async fn run(child: Child) -> Result<Output, ChildError> {
    let (output, mut followers) = run_at(Seat::Apart, child).await?;
    // A helper may leave an agent behind, for the next time.
    followers.group.0 = None;
    Ok(output)
}

/// The same where nothing that the child has started may outlive its time limit.
///
/// # Errors
/// See [`run`].
pub async fn run_with_followers(child: Child) -> Result<(Output, Followers), ChildError> {
    run_at(Seat::Apart, child).await
}

/// The same for a child that may talk to the person at our terminal: what it says on standard error is seen there and is
/// not in the output, and it can open the terminal. It stays in our process group, since another one could not read from
/// there; to lend the terminal to a group of its own we would have to be a shell in all, and hand Ctrl-C and Ctrl-Z on.
/// So whoever has cut the tie to it outlives its time limit; and Ctrl-C ends it with us.
///
/// # Errors
/// See [`run`].
pub async fn run_on_the_terminal(child: Child) -> Result<Output, ChildError> {
    run_at(Seat::Terminal, child).await.map(|(output, _)| output)
}

/// Where a child sits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seat {
    /// Without a terminal, see [`run`].
    Apart,
    /// Before the person at our terminal, see [`run_on_the_terminal`].
    Terminal,
}

/// Runs a child on this seat.
///
/// # Errors
/// See [`run`].
pub async fn run_on(seat: Seat, child: Child) -> Result<Output, ChildError> {
    match seat {
        Seat::Apart => run(child).await,
        Seat::Terminal => run_on_the_terminal(child).await,
    }
}

async fn run_at(seat: Seat, child: Child) -> Result<(Output, Followers), ChildError> {
    let limit = clock::stopwatch() + child.limit;
    let Some((program, arguments)) = child.argv.split_first() else { return Err(ChildError::Empty) };
    if is_withdrawn() {
        return Err(ChildError::GivenUp { program: program.clone() });
    }
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(child.environment)
        .env(CHILD_VARIABLE, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(if seat == Seat::Apart { Stdio::piped() } else { Stdio::inherit() })
        .kill_on_drop(true);
    if seat == Seat::Apart {
        command.process_group(0);
    }
    let mut running = command.spawn().map_err(|source| ChildError::Start { program: program.clone(), source })?;
    let started = running.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let group = Group(started.filter(|_| seat == Seat::Apart));
    let (mut stdout, mut stderr) = (Captured::default(), Captured::default());
    let (out, err) = (running.stdout.take(), running.stderr.take());
    let reading = async { tokio::join!(stdout.read(out), stderr.read(err)) };
    let finishing = tokio::time::timeout(child.limit, async {
        tokio::pin!(reading);
        tokio::select! {
            // Both pipes closed first: the usual end of a program that closes them by ending.
            _ = &mut reading => running.wait().await,
            status = running.wait() => {
                let _ = tokio::time::timeout(LAST_WORDS, &mut reading).await;
                status
            }
        }
    });
    let finished = tokio::select! {
        finished = finishing => finished.map_err(|_| ChildError::TimedOut { program: program.clone(), limit: child.limit }),
        () = withdrawn() => Err(ChildError::GivenUp { program: program.clone() }),
    };
    match finished {
        Ok(Ok(status)) => {
            Ok((Output { code: status.code(), stdout: stdout.0, stderr: stderr.0 }, Followers { group, limit }))
        }
        Ok(Err(source)) => Err(ChildError::Wait { program: program.clone(), source }),
        Err(error) => {
            drop(group);
            if let Some(started) = started.filter(|_| seat == Seat::Terminal) {
                family::kill(started).await;
            }
            // It has been told already, but where it could not be seen.
            let _gone = running.start_kill();
            // Only reaps: the signal is on its way, and it cannot be ignored.
            let _ = tokio::time::timeout(LAST_WORDS, running.wait()).await;
            Err(error)
        }
    }
}

#[derive(Default)]
struct Captured(Zeroizing<Vec<u8>>);

impl Captured {
    async fn read(&mut self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(mut pipe) = pipe else { return };
        let mut chunk = Zeroizing::new(vec![0; 4096]);
        // Room for all of it from the start: a vector that grows leaves copies behind that nobody wipes.
        self.0.reserve_exact(MAX_OUTPUT);
        while let Ok(length @ 1..) = pipe.read(&mut chunk).await {
            let room = MAX_OUTPUT - self.0.len();
            self.0.extend_from_slice(&chunk[..length.min(room)]);
        }
    }
}

/// Without control characters, at most 200 characters, and every word that may be a key replaced: 16 and more letters,
/// digits and `/+=_-` in a row that are not plain lower-case text.
fn masked(line: &str) -> String {
    let clean: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    let is_part = |c: char| c.is_ascii_alphanumeric() || "/+=_-".contains(c);
    let mut shown = String::new();
    let mut word = String::new();
    for c in clean.chars().chain([' ']) {
        if is_part(c) {
            word.push(c);
            continue;
        }
        let varied = word.chars().any(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        shown.push_str(if word.len() >= 16 && varied { "…" } else { &word });
        word.clear();
        shown.push(c);
    }
    shown.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Child, ChildError, MAX_OUTPUT, masked, run, run_on_the_terminal};
    use std::time::Duration;

    fn shell(script: &str, limit: Duration) -> Child {
        let path = ("PATH".into(), "/usr/bin:/bin".into());
        Child {
            argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            environment: vec![path, ("GIVEN".into(), "yes".into())],
            limit,
        }
    }

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn gives_output_exit_code_and_exactly_the_environment_asked_for() {
        let output = run(shell("echo $GIVEN $EVERTOKEN_CHILD ${HOME-none}; echo oh >&2; exit 3", LONG)).await;
        let output = output.expect("it ran");
        assert_eq!(output.stdout.as_slice(), b"yes 1 none\n");
        assert_eq!((output.code, output.is_success()), (Some(3), false));
        assert_eq!(output.first_complaint().as_deref(), Some("oh"));
    }

    #[tokio::test]
    async fn much_output_is_cut_and_never_blocks_the_child() {
        let script = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; exit 0";
        let output = run(shell(script, LONG)).await.expect("it ran");
        assert_eq!((output.stdout.len(), output.stderr.len()), (MAX_OUTPUT, MAX_OUTPUT));
        assert!(output.is_success());
    }

    #[tokio::test]
    async fn a_grandchild_that_holds_the_pipe_does_not_hold_us() {
        let output = run(shell("sleep 300 & echo done; kill $! 2>/dev/null & exit 0", LONG)).await.expect("it ran");
        assert_eq!(output.stdout.as_slice(), b"done\n");
    }

    #[tokio::test]
    async fn a_child_on_the_terminal_has_a_time_limit_too() {
        let child = shell("exec sleep 300", Duration::from_millis(300));
        assert!(matches!(run_on_the_terminal(child).await, Err(ChildError::TimedOut { .. })));
    }

    #[tokio::test]
    async fn what_cannot_be_started_is_named() {
        let child = Child { argv: vec!["/no/such/program".to_owned()], environment: Vec::new(), limit: LONG };
        let error = run(child).await.err().expect("an error");
        assert!(error.to_string().contains("/no/such/program"), "{error}");
        let empty = Child { argv: Vec::new(), environment: Vec::new(), limit: LONG };
        assert!(matches!(run(empty).await, Err(ChildError::Empty)));
    }

    #[test]
    fn a_complaint_is_shown_without_keys_and_control_characters() {
        let line = "bad key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY and AKIAIOSFODNN7EXAMPLE in profile dev\u{1b}[31m";
        assert_eq!(masked(line), "bad key … and … in profile dev [31m");
        assert_eq!(masked("internationalisation of everything"), "internationalisation of everything");
        assert!(masked(&"a b ".repeat(500)).chars().count() <= 200);
    }
}
