//! `evertoken demo` that is broken off: nothing of it is left behind.
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a test runs the binary, looks at processes and fails loudly"
)]

#[path = "terminal/heed.rs"]
mod heed;

use heed::heed_signals;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Far above what anything takes, for a machine that is busy with something else.
const BOUND: Duration = Duration::from_secs(60);

/// A demo whose daemon is at work, in a process group of its own.
struct Demo {
    child: Child,
    folder: tempfile::TempDir,
    daemon: u32,
}

impl Demo {
    fn start() -> Self {
        heed_signals();
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken"));
        command.arg("demo").env_clear().env("TMPDIR", folder.path()).process_group(0);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a run");
        let mut demo = Self { child, folder, daemon: 0 };
        wait("the daemon", || {
            demo.daemon = demo.daemon_of().unwrap_or(0);
            demo.daemon > 0
        });
        demo
    }

    /// The one child that runs with the home of the demo, once it has listened to signals.
    fn daemon_of(&self) -> Option<u32> {
        let started = self.homes().first()?.join(".local/state/evertoken").exists();
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok().filter(|_| started)
    }

    fn homes(&self) -> Vec<PathBuf> {
        fs::read_dir(self.folder.path()).expect("a folder").flatten().map(|entry| entry.path()).collect()
    }

    fn pid(&self) -> Pid {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id")
    }

    /// Its exit code, once it and its daemon have ended.
    fn ended(&mut self) -> Option<i32> {
        let mut code = None;
        wait("the end of the demo", || {
            let ended = self.child.try_wait().expect("a child");
            code = ended.and_then(|status| status.code());
            ended.is_some()
        });
        let daemon = format!("/proc/{}/stat", self.daemon);
        // One that nobody has waited for yet is a name only.
        wait("the end of the daemon", || fs::read_to_string(&daemon).map_or(true, |stat| stat.contains(") Z ")));
        code
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _gone_already = self.child.wait();
    }
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < BOUND, "waited for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_demo_that_is_broken_off_leaves_no_daemon_and_no_folder() {
    for (signal, expected) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        for group in [false, true] {
            let mut demo = Demo::start();
            let sent = if group { kill_process_group(demo.pid(), signal) } else { kill_process(demo.pid(), signal) };
            sent.expect("the signal is sent");
            assert_eq!(demo.ended(), Some(expected), "{signal:?}");
            assert_eq!(demo.homes(), Vec::<PathBuf>::new(), "{signal:?}, to the group: {group}");
        }
    }
}

#[test]
fn a_daemon_outlives_no_demo_that_is_killed() {
    let mut demo = Demo::start();
    kill_process(demo.pid(), Signal::KILL).expect("the signal is sent");
    assert_eq!(demo.ended(), None);
}
