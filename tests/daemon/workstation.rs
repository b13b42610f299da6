//! A workstation in a temporary folder: a home, a config, source keys, an STS, and the daemon as a child with a cleared
//! environment. Whatever is started here is stopped here, by its own process id.

#[path = "../terminal/heed.rs"]
mod heed;

#[cfg(target_os = "linux")]
use crate::pair::pair;
use crate::reader::{Sections, parse};
use evertoken::emulator::{Emulator, LongTermKey, Outcome, Settings};
use heed::heed_signals;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Far above what anything takes, for a machine that is busy with something else.
pub const BOUND: Duration = Duration::from_secs(60);

pub const ACCOUNT: &str = "111122223333";
pub const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// The role that a profile of these tests assumes.
pub fn arn(profile: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{profile}")
}

/// A workstation; `start` brings its daemon up.
pub struct Workstation {
    home: TempDir,
    pub sts: Emulator,
    defaults: String,
    entries: String,
    environment: Vec<(String, String)>,
    daemon: Option<Daemon>,
}

/// The daemon as a child, killed at the latest when it is dropped.
pub struct Daemon {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Workstation {
    /// Sessions live so many seconds.
    pub fn new(life: u64) -> Self {
        let settings = Settings { life: Some(Duration::from_secs(life)), ..Settings::default() };
        // Whoever runs this may let others write by default, and evertoken rightly refuses such folders.
        rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
        let home = tempfile::tempdir().expect("a home");
        let workstation = Self {
            home,
            sts: Emulator::start(settings).expect("an emulator"),
            defaults: String::new(),
            entries: String::new(),
            environment: Vec::new(),
            daemon: None,
        };
        for folder in [".aws", ".config/evertoken"] {
            fs::create_dir_all(workstation.path(folder)).expect("a folder");
        }
        let key = LongTermKey::example();
        let secret = key.secret_access_key.expose();
        workstation.create_credentials(&format!(
            "# mine\n[base]\naws_access_key_id = {}\naws_secret_access_key = {secret}\n",
            key.access_key_id
        ));
        workstation
    }

    /// A role of account 111122223333 with the name of its profile, assumed with the keys of `base`.
    pub fn role(self, profile: &str) -> Self {
        self.role_with(profile, "")
    }

    /// The same with more keys.
    pub fn role_with(mut self, profile: &str, more: &str) -> Self {
        let role_arn = arn(profile);
        writeln!(self.entries, "\n[[role]]\nprofile = \"{profile}\"\nrole_arn = \"{role_arn}\"\n{more}").expect("text");
        self
    }

    /// A role on top of another one of the list.
    pub fn chained(self, profile: &str, parent: &str) -> Self {
        self.role_with(profile, &format!("source_profile = \"{parent}\""))
    }

    /// Any text after the `[defaults]`.
    pub fn entry(mut self, text: &str) -> Self {
        writeln!(self.entries, "\n{text}").expect("text");
        self
    }

    /// A line of the `[defaults]`.
    pub fn default(mut self, line: &str) -> Self {
        writeln!(self.defaults, "{line}").expect("text");
        self
    }

    /// A variable of the environment of everything that runs here.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The config as it was built.
    pub fn config(&self) -> String {
        let source = if self.defaults.contains("source_profile") { "" } else { "source_profile = \"base\"\n" };
        format!(
            "[defaults]\n{source}region = \"eu-west-1\"\nsts_endpoint = \"{}\"\n{}{}",
            self.sts.url(),
            self.defaults,
            self.entries
        )
    }

    /// Writes the config.
    pub fn furnish(self) -> Self {
        fs::write(self.config_path(), self.config()).expect("a config");
        self
    }

    /// Writes the config and starts the daemon.
    pub fn start(self) -> Self {
        let mut workstation = self.furnish();
        workstation.launch();
        workstation
    }

    /// Starts the daemon, waits for nothing.
    pub fn launch(&mut self) {
        self.launch_with(&["run"]);
    }

    /// The same with other arguments.
    pub fn launch_with(&mut self, arguments: &[&str]) {
        assert!(self.daemon.is_none(), "one daemon at a time");
        self.daemon = Some(Daemon::spawn(self.command(arguments)));
    }

    /// Starts the daemon as a shell in a terminal of its own would, with a program in front that becomes it (`nohup`); the
    /// terminal is gone when what is answered is dropped.
    #[cfg(target_os = "linux")]
    pub fn launch_on_a_terminal(&mut self, in_front: &[&str]) -> OwnedFd {
        assert!(self.daemon.is_none(), "one daemon at a time");
        let (master, slave) = pair();
        let run = self.command(&["run"]);
        let mut command = Command::new("setsid");
        command.arg("--ctty").args(in_front).arg(run.get_program()).args(run.get_args()).env_clear();
        command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(self.home.path()).stdin(slave);
        self.daemon = Some(Daemon::spawn(command));
        master
    }

    /// Starts the daemon and waits until everything in `profiles` is there.
    pub fn start_with(self, profiles: &[&str]) -> Self {
        let workstation = self.start();
        for profile in profiles {
            workstation.wait(&format!("the session of {profile}"), || workstation.holds(profile));
        }
        workstation
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.home.path().join(below)
    }

    pub fn credentials_path(&self) -> PathBuf {
        self.path(".aws/credentials")
    }

    pub fn config_path(&self) -> PathBuf {
        self.path(".config/evertoken/config.toml")
    }

    fn create_credentials(&self, text: &str) {
        use std::io::Write as _;
        let mut options = fs::OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(self.credentials_path()).expect("open");
        file.write_all(text.as_bytes()).expect("written");
    }

    /// What stands in the credentials file.
    pub fn credentials(&self) -> String {
        fs::read_to_string(self.credentials_path()).unwrap_or_default()
    }

    /// The same, as a strict reader sees it.
    pub fn sections(&self) -> Sections {
        parse(&self.credentials()).unwrap_or_default()
    }

    /// Replaces the credentials file by rename, as a careful program does.
    pub fn replace_credentials(&self, text: &str) {
        let new = self.path(".aws/credentials.new");
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&new).expect("open");
        std::io::Write::write_all(&mut file, text.as_bytes()).expect("written");
        fs::rename(new, self.credentials_path()).expect("renamed");
    }

    /// A key of a section.
    pub fn value(&self, profile: &str, key: &str) -> Option<String> {
        self.sections().get(profile)?.get(key).cloned()
    }

    /// The access key id in the section of a profile.
    pub fn key_of(&self, profile: &str) -> Option<String> {
        self.value(profile, "aws_access_key_id")
    }

    /// Whether a session of ours that STS has issued and not ended stands in the section of a profile.
    pub fn holds(&self, profile: &str) -> bool {
        let now = self.sts.now();
        self.key_of(profile).is_some_and(|key| {
            self.sts.sessions().iter().any(|session| session.access_key_id == key && session.expiration > now)
        })
    }

    /// How many sessions STS has granted for the role of a profile.
    pub fn granted(&self, profile: &str) -> usize {
        let wanted = arn(profile);
        let requests = self.sts.requests();
        requests
            .iter()
            .filter(|request| request.parameter("RoleArn") == Some(&wanted))
            .filter(|request| matches!(request.outcome, Outcome::Granted { .. }))
            .count()
    }

    /// How many calls STS has seen for the role of a profile.
    pub fn asked(&self, profile: &str) -> usize {
        let wanted = arn(profile);
        self.sts.requests().iter().filter(|request| request.parameter("RoleArn") == Some(&wanted)).count()
    }

    /// evertoken in this home, with nothing of the environment of the tests.
    pub fn command(&self, arguments: &[&str]) -> Command {
        heed_signals();
        let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken"));
        command.args(arguments).env_clear().current_dir(self.home.path()).stdin(Stdio::null());
        command.env("HOME", self.home.path()).env("USER", "me").env("PATH", "/usr/bin:/bin");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub fn evertoken(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("evertoken runs")
    }

    /// `status --json`.
    pub fn status(&self) -> Value {
        let output = self.evertoken(&["status", "--json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// One profile of `status --json`.
    pub fn status_of(&self, profile: &str) -> Value {
        let status = self.status();
        let profiles = status["profiles"].as_array().expect("profiles");
        profiles.iter().find(|found| found["profile"] == profile).unwrap_or_else(|| panic!("{status:#}")).clone()
    }

    /// Everything that the state folder holds under this name, over all credentials files.
    pub fn state_files(&self, name: &str) -> Vec<PathBuf> {
        let folders = fs::read_dir(self.path(".local/state/evertoken")).into_iter().flatten().flatten();
        folders.map(|folder| folder.path().join(name)).filter(|path| path.exists()).collect()
    }

    pub fn log(&self) -> String {
        self.daemon.as_ref().expect("a daemon").log()
    }

    /// Whether one line of the log holds all of these.
    pub fn logged(&self, words: &[&str]) -> bool {
        self.log().lines().any(|line| words.iter().all(|word| line.contains(word)))
    }

    /// How many lines of the log hold all of these.
    pub fn lines(&self, words: &[&str]) -> usize {
        self.log().lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }

    pub fn pid(&self) -> u32 {
        self.daemon.as_ref().expect("a daemon").child.id()
    }

    pub fn signal(&self, signal: Signal) {
        signal_to(self.pid(), signal);
    }

    /// Waits until something is so; fails with the log when it never is.
    pub fn wait(&self, what: &str, is_so: impl FnMut() -> bool) {
        if !within(BOUND, is_so) {
            let log = self.daemon.as_ref().map(Daemon::log).unwrap_or_default();
            let found: Vec<_> = self.sections().into_iter().map(|(name, keys)| (name, keys.len())).collect();
            panic!("waited {} s for {what}; the file holds {found:?}; the log:\n{log}", BOUND.as_secs());
        }
    }

    /// Waits until the daemon has ended by itself: its exit code and its log.
    pub fn ended(&mut self) -> (Option<i32>, String) {
        let mut daemon = self.daemon.take().expect("a daemon");
        let mut code = None;
        let ended = within(BOUND, || {
            code = daemon.child.try_wait().expect("a child");
            code.is_some()
        });
        assert!(ended, "the daemon does not end; its log:\n{}", daemon.log());
        (code.and_then(|code| code.code()), daemon.log())
    }

    /// Stops the daemon as a service manager would.
    pub fn stop(&mut self) -> (Option<i32>, String) {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// What identifies a file that nobody has touched: inode, modification time and bytes.
    pub fn fingerprint(&self) -> (u64, i64, i64, String) {
        let metadata = fs::metadata(self.credentials_path()).expect("a file");
        (metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), self.credentials())
    }
}

impl Daemon {
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("evertoken starts");
        let log = Arc::new(Mutex::new(String::new()));
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let collected = Arc::clone(&log);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = collected.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        Self { child, log }
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _gone_already = self.child.kill();
            let _gone_already = self.child.wait();
        }
    }
}

pub fn signal_to(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, signal).expect("the signal is sent");
}

/// Looks again and again until something is so.
pub fn within(bound: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if is_so() {
            return true;
        }
        if start.elapsed() > bound {
            return false;
        }
        thread::sleep(Duration::from_millis(25));
    }
}

/// For what must not happen: lets so much time go by.
pub fn let_pass(seconds: f64) {
    thread::sleep(Duration::from_secs_f64(seconds));
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
