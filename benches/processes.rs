//! What a command costs as a whole process, from its start to its end: the median of its time, and the most memory it ever
//! had. It judges nothing: a slow machine is no mistake. With `aws` in the `PATH`, what `aws sts assume-role` costs beside it.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "runs programs, looks at a clock, prints, and ends when something is missing"
)]

use evertoken::emulator::{Emulator, LongTermKey, Settings};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wait4::Wait4;

const RUNS: usize = 101;
/// A program that takes most of a second needs fewer.
const SLOW_RUNS: usize = 7;
/// The first argument of the process that measures.
const MEASURE: &str = "--measure";

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let Some((MEASURE, [runs, command @ ..])) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return measure(runs.parse().expect("a number"), command);
    }
    let evertoken = env!("CARGO_BIN_EXE_evertoken");
    println!("| command | median | most memory |\n| --- | --- | --- |");
    for roles in [1, 10, 100] {
        let machine = Machine::new(roles);
        assert!(machine.command(evertoken).arg("refresh").output()?.status.success(), "the sessions do not come");
        // A file that was written just now is watched for a moment before it is believed.
        sleep(Duration::from_millis(500));
        for command in ["credential-process role-0", "status", "status --json"] {
            machine.row(
                &format!("`{command}`, {roles} role{}", if roles == 1 { "" } else { "s" }),
                RUNS,
                &format!("{evertoken} {command}"),
            )?;
        }
    }
    let machine = Machine::new(1);
    machine.row("`--version`", RUNS, &format!("{evertoken} --version"))?;
    if machine.command("aws").arg("--version").output().is_err() {
        println!("| `aws sts assume-role`: not in the `PATH` | - | - |");
        return Ok(());
    }
    let role = "--role-arn arn:aws:iam::111122223333:role/role-0 --role-session-name me";
    let command =
        format!("aws sts assume-role --profile base --region eu-west-1 --endpoint-url {} {role}", machine.sts.url());
    machine.row("`aws sts assume-role`, from loopback", SLOW_RUNS, &command)
}

/// Runs a command so many times; prints the median of its time in microseconds, and the most memory in bytes. In a
/// process of its own, because Linux counts the memory of whoever starts a program as that program's: this one is smaller
/// than any that it measures.
fn measure(runs: usize, command: &[String]) -> io::Result<()> {
    let (program, arguments) = command.split_first().expect("a command");
    let (mut times, mut most) = (Vec::new(), 0);
    // The first one warms the caches up.
    for run in 0..=runs {
        let start = Instant::now();
        let child = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let ended = child.wait4()?;
        assert!(matches!(ended.status.code(), Some(0 | 3)), "{command:?}: {:?}", ended.status);
        most = most.max(ended.rusage.maxrss);
        times.extend((run > 0).then(|| start.elapsed()));
    }
    times.sort();
    println!("{} {most}", times[times.len() / 2].as_micros());
    Ok(())
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

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.home.path()).env("HOME", self.home.path()).env("USER", "me");
        command.env("PATH", env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
        command
    }

    fn row(&self, what: &str, runs: usize, line: &str) -> io::Result<()> {
        let measurer = env::current_exe()?;
        let mut command = self.command(&measurer.to_string_lossy());
        let output = command.arg(MEASURE).arg(runs.to_string()).args(line.split(' ')).output()?;
        assert!(output.status.success(), "{output:?}");
        let figures = String::from_utf8_lossy(&output.stdout);
        let (time, memory) = figures.trim().split_once(' ').expect("two figures");
        let (time, memory): (f64, f64) = (time.parse().expect("a time"), memory.parse().expect("a size"));
        println!("| {what} | {:.1} ms | {:.1} MB |", time / 1e3, memory / 1e6);
        Ok(())
    }
}
