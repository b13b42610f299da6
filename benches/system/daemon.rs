//! The daemon as a child, and what the kernel tells of it.

use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Ended at the latest when it is dropped.
pub(crate) struct Daemon {
    child: Child,
    /// The processor time of each thread that was ever seen. Threads that borrow work sleep a second before they end, so
    /// that none ends with work that was not seen.
    threads: BTreeMap<String, Duration>,
}

impl Daemon {
    pub(crate) fn new(child: Child) -> Self {
        Self { child, threads: BTreeMap::new() }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("the signal is sent");
    }

    fn tasks(&self) -> Vec<PathBuf> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        tasks.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    }

    /// A number of `/proc/PID/status`, in KiB where it is a size; `None` where there is no such file.
    pub(crate) fn status(&self, name: &str) -> Option<u64> {
        status_of(self.child.id(), name)
    }

    /// Looks at all threads; called often enough, it sees all the work of each.
    pub(crate) fn sample(&mut self) {
        for task in self.tasks() {
            let Ok(text) = fs::read_to_string(task.join("schedstat")) else { continue };
            let Some(nanos) = text.split_whitespace().next().and_then(|nanos| nanos.parse().ok()) else { continue };
            self.threads.insert(task.display().to_string(), Duration::from_nanos(nanos));
        }
    }

    /// The processor time of all threads so far, ended ones included.
    pub(crate) fn cpu(&mut self) -> Duration {
        self.sample();
        self.threads.values().sum()
    }

    /// Lets time go by without losing sight of its threads.
    pub(crate) fn rest(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.sample();
            sleep(Duration::from_millis(50).min(end.saturating_duration_since(Instant::now())));
        }
    }

    /// The names of its threads, and how often they have gone to sleep by themselves, which they do once for each time
    /// that they are woken.
    pub(crate) fn switches(&self) -> (Vec<String>, u64) {
        let read = |task: PathBuf| {
            let status = fs::read_to_string(task.join("status")).ok()?;
            let name = status.lines().next()?.split_whitespace().nth(1)?.to_owned();
            Some((name, number(&status, "voluntary_ctxt_switches")?))
        };
        let (names, counts): (Vec<String>, Vec<u64>) = self.tasks().into_iter().filter_map(read).unzip();
        (names, counts.iter().sum())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _gone_already = self.child.wait();
    }
}

pub(crate) fn status_of(pid: u32, name: &str) -> Option<u64> {
    number(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, name)
}

fn number(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}
