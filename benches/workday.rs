//! What the daemon costs: the real binary in a home of its own, against the STS emulator, and a small table. It judges
//! nothing: a slow machine is no mistake.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "runs the binary, looks at a clock and at files, prints, and ends when something is missing"
)]

use evertoken::emulator::{Emulator, LongTermKey, Settings};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const STARTS: usize = 15;
const RUNS: usize = 21;
const WAVES: u32 = 10;
/// Longer than connections and threads are kept for the next call.
const SETTLE: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(30);
/// How often the file is looked at. A write takes longer, since it waits for the disk.
const LOOK: Duration = Duration::from_micros(200);
const BOUND: Duration = Duration::from_secs(30);
/// What Linux counts processor time in for `/proc`, on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() {
    let one = starts(1);
    row("start to the first role on disk, 1 role, median", &milliseconds(one));
    row("start to the first role on disk, 100 roles, median", &milliseconds(starts(100)));
    for roles in [1, 100] {
        wave(roles);
    }
    let machine = Machine::new(100);
    let daemon = machine.daemon();
    machine.changes_until(100, Instant::now());
    refreshes(&machine, &daemon);
    command(&machine, &["credential-process", "role-7"]);
    command(&machine, &["status"]);
    sleep(SETTLE);
    idleness(&daemon);
}

fn row(what: &str, figure: &str) {
    println!("{what:<60} {figure}");
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// From the start of the process until a first session stands in the file.
fn starts(roles: usize) -> Duration {
    let times = (0..STARTS).map(|_| {
        let machine = Machine::new(roles);
        let start = Instant::now();
        let _daemon = machine.daemon();
        machine.changes_until(1, start).0
    });
    median(times.collect())
}

fn wave(roles: usize) {
    let machine = Machine::new(roles);
    let start = Instant::now();
    let _daemon = machine.daemon();
    let (took, writes) = machine.changes_until(roles, start);
    let calls = machine.sts.request_count();
    row(
        &format!("first wave of {roles}, from the start"),
        &format!("{}, {writes} write(s), {calls} call(s) to STS", milliseconds(took)),
    );
}

/// Refreshes everything again and again, as a day does.
fn refreshes(machine: &Machine, daemon: &Daemon) {
    let Some(before) = daemon.cpu() else { return row("processor time for a refresh", "not known on this system") };
    let calls = machine.sts.request_count();
    for _ in 0..WAVES {
        let (inode, asked) = (machine.inode(), machine.sts.request_count());
        daemon.signal(Signal::USR1);
        let start = Instant::now();
        while machine.sts.request_count() < asked + 100 || machine.inode() == inode {
            assert!(start.elapsed() < BOUND, "the wave does not end");
            sleep(LOOK);
        }
        // Reports follow within a second; the next order shall not meet them.
        sleep(Duration::from_millis(1200));
    }
    let calls = u32::try_from(machine.sts.request_count() - calls).expect("a small number");
    let cpu = daemon.cpu().expect("known before") - before;
    row("processor time for a refresh, in waves of 100", &milliseconds(cpu / calls));
}

fn command(machine: &Machine, arguments: &[&str]) {
    let times = (0..RUNS).map(|_| {
        let start = Instant::now();
        let output = machine.command(arguments).output().expect("evertoken runs");
        assert!(output.status.success(), "{output:?}");
        start.elapsed()
    });
    row(&format!("{} with 100 roles, median", arguments[0]), &milliseconds(median(times.collect())));
}

fn idleness(daemon: &Daemon) {
    for (name, what) in [("VmRSS", "resident when idle"), ("RssAnon", "of it not shared with the file of the program")]
    {
        let figure = daemon
            .status(name)
            .map_or("not known on this system".to_owned(), |kib| format!("{:.1} MB", kib as f64 * 1024.0 / 1e6));
        row(what, &figure);
    }
    let before = daemon.switches();
    let cpu = daemon.cpu();
    sleep(IDLE);
    let after = daemon.switches();
    let woken: u64 = after.iter().map(|(id, (_, count))| count - before.get(id).map_or(0, |(_, count)| *count)).sum();
    let names: Vec<&str> = after.values().map(|(name, _)| name.as_str()).collect();
    row(
        &format!("wake-ups in {} s without a refresh", IDLE.as_secs()),
        &format!("{woken}, of {} threads ({})", names.len(), names.join(", ")),
    );
    if let (Some(before), Some(after)) = (cpu, daemon.cpu()) {
        row("processor time meanwhile", &milliseconds(after - before));
    }
}

/// A home with so many roles, and an STS.
struct Machine {
    home: TempDir,
    sts: Emulator,
}

impl Machine {
    fn new(roles: usize) -> Self {
        let home = tempfile::tempdir().expect("a home");
        let sts = Emulator::start(Settings::default()).expect("an emulator");
        for folder in [".aws", ".config/evertoken"] {
            fs::create_dir_all(home.path().join(folder)).expect("a folder");
        }
        let key = LongTermKey::example();
        let secret = key.secret_access_key.expose();
        let keys = format!("[base]\naws_access_key_id = {}\naws_secret_access_key = {secret}\n", key.access_key_id);
        fs::write(home.path().join(".aws/credentials"), keys).expect("source keys");
        // A file that was written just now is watched for a moment before it is believed; a user's file stands still.
        sleep(Duration::from_millis(500));
        let mut config = format!(
            "[defaults]\nregion = \"eu-west-1\"\nsource_profile = \"base\"\nsts_endpoint = \"{}\"\n",
            sts.url()
        );
        for role in 0..roles {
            let arn = format!("arn:aws:iam::111122223333:role/role-{role}");
            writeln!(config, "\n[[role]]\nprofile = \"role-{role}\"\nrole_arn = \"{arn}\"").expect("text");
        }
        fs::write(home.path().join(".config/evertoken/config.toml"), config).expect("a config");
        Self { home, sts }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken"));
        command.args(arguments).env_clear().current_dir(self.home.path());
        command.env("HOME", self.home.path()).env("USER", "me").env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command
    }

    fn daemon(&self) -> Daemon {
        let mut command = self.command(&["run"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Daemon(command.spawn().expect("evertoken starts"))
    }

    fn credentials(&self) -> PathBuf {
        self.home.path().join(".aws/credentials")
    }

    fn inode(&self) -> u64 {
        fs::metadata(self.credentials()).expect("a file").ino()
    }

    /// Looks until so many sessions stand in the file: how long that took since the start, and in how many writes.
    fn changes_until(&self, roles: usize, start: Instant) -> (Duration, usize) {
        let (mut inode, mut writes) = (0, 0);
        loop {
            let now = self.inode();
            if now != inode {
                let sessions =
                    fs::read_to_string(self.credentials()).expect("text").matches("aws_session_token").count();
                // The file as it was before the daemon is the first that is seen, unless it was quicker.
                writes += usize::from(inode != 0 || sessions > 0);
                inode = now;
                if sessions >= roles {
                    return (start.elapsed(), writes);
                }
            }
            assert!(start.elapsed() < BOUND, "the roles do not come");
            sleep(LOOK);
        }
    }
}

/// The daemon as a child, ended at the latest when it is dropped.
struct Daemon(Child);

impl Daemon {
    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("the signal is sent");
    }

    fn proc(&self, below: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{below}", self.0.id()))
    }

    /// A number of `/proc/PID/status`; `None` where there is no such file.
    fn status(&self, name: &str) -> Option<u64> {
        number(&fs::read_to_string(self.proc("status")).ok()?, name)
    }

    /// How often each thread has gone to sleep by itself, which it does once for each time that it is woken.
    fn switches(&self) -> BTreeMap<String, (String, u64)> {
        let threads = fs::read_dir(self.proc("task")).into_iter().flatten().flatten();
        threads
            .filter_map(|thread| {
                let status = fs::read_to_string(thread.path().join("status")).ok()?;
                let name = status.lines().next()?.split_whitespace().nth(1)?.to_owned();
                Some((thread.file_name().display().to_string(), (name, number(&status, "voluntary_ctxt_switches")?)))
            })
            .collect()
    }

    /// The processor time of all threads so far, ended ones included.
    fn cpu(&self) -> Option<Duration> {
        let stat = fs::read_to_string(self.proc("stat")).ok()?;
        // The name of the program stands in brackets and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: f64 = fields.get(11..13)?.iter().filter_map(|field| field.parse::<f64>().ok()).sum();
        Some(Duration::from_secs_f64(ticks / TICKS_PER_SECOND))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _gone_already = self.0.wait();
    }
}

fn number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}
