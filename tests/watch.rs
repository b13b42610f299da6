//! `evertoken status --watch` at a terminal: draws at once, draws again what changes, is silent while nothing does, and
//! leaves the terminal as it found it.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a test runs the binary, looks at files and fails loudly"
)]

#[path = "terminal/pair.rs"]
mod pair;

use evertoken::engine::config::parse;
use evertoken::engine::credentials_file::{Edit, Publication};
use evertoken::engine::names::ProfileName;
use evertoken::engine::secret::Secret;
use evertoken::engine::session::{Keys, Session};
use evertoken::engine::time::WallTime;
use evertoken::shell::clock;
use evertoken::shell::environment::Environment;
use evertoken::shell::places::Places;
use evertoken::shell::store::Stores;
use pair::pair;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{read, write};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Far above what anything takes, for a machine that is busy with something else.
const BOUND: Duration = Duration::from_secs(60);
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const CONFIG: &str = "[[role]]\nprofile = \"dev\"\nrole_arn = \"arn:aws:iam::111122223333:role/Developer\"\n\
                      source_profile = \"base\"\n";
const DAY: i64 = 86_400;

/// A terminal with `status --watch` in it.
struct Terminal {
    home: tempfile::TempDir,
    master: OwnedFd,
    slave: OwnedFd,
    child: Child,
    shown: String,
}

impl Terminal {
    fn open() -> Self {
        // Whoever runs this may let others write by default, and evertoken rightly refuses such folders.
        rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
        let home = tempfile::tempdir().expect("a home");
        for folder in [".aws", ".config/evertoken"] {
            fs::create_dir_all(home.path().join(folder)).expect("a folder");
        }
        fs::write(home.path().join(".config/evertoken/config.toml"), CONFIG).expect("a config");
        hold(&home, DAY + 3 * 3_600 + 1_800);
        let (master, slave) = pair();
        resize(&master, 80, 24);
        let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken"));
        command.args(["status", "--watch"]).env_clear().env("HOME", home.path()).env("TZ", "UTC").env("NO_COLOR", "1");
        for_all(&mut command, &slave);
        assert!(echoes(&slave), "a new terminal shows what is typed");
        let child = command.spawn().expect("a run");
        Self { home, master, slave, child, shown: String::new() }
    }

    /// Reads what comes within `limit`; whether anything did.
    fn hear(&mut self, limit: Duration) -> bool {
        let limit = Timespec::try_from(limit).expect("a time");
        let mut ready = [PollFd::new(&self.master, PollFlags::IN)];
        if poll(&mut ready, Some(&limit)).expect("a poll") == 0 {
            return false;
        }
        let mut some = [0; 4096];
        let length = read(&self.master, &mut some).expect("a reading");
        self.shown.push_str(&String::from_utf8_lossy(&some[..length]));
        true
    }

    /// Reads until it shows this.
    fn wait(&mut self, text: &str) {
        let start = Instant::now();
        while !self.shown.contains(text) {
            assert!(start.elapsed() < BOUND, "never showed {text:?} but {:?}", self.shown);
            self.hear(Duration::from_millis(200));
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("the signal is sent");
    }

    /// Its end, after the last words were read.
    fn ended(&mut self) -> ExitStatus {
        self.wait(LEAVE);
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(start.elapsed() < BOUND, "it does not end");
            self.hear(Duration::from_millis(50));
        }
    }

    fn echoes(&self) -> bool {
        echoes(&self.slave)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _gone_already = self.child.wait();
    }
}

fn echoes(terminal: &OwnedFd) -> bool {
    let modes = tcgetattr(terminal).expect("a terminal").local_modes;
    modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
}

fn for_all(command: &mut Command, slave: &OwnedFd) {
    let copy = || Stdio::from(slave.try_clone().expect("a copy"));
    command.stdin(copy()).stdout(copy()).stderr(copy());
}

fn resize(terminal: &OwnedFd, width: u16, height: u16) {
    let size = Winsize { ws_col: width, ws_row: height, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).expect("another size");
}

/// Puts a session where the daemon would, ending `left` seconds from now: in days, so that what is shown stands still.
fn hold(home: &tempfile::TempDir, left: i64) {
    let environment = Environment::from_vars([("HOME", home.path())]);
    let config = parse(CONFIG).expect("a config").config;
    let entry = config.entry("dev").expect("an entry");
    let session = Session {
        keys: Keys {
            access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: Some(Secret::new("token-of-dev")),
        },
        account_id: None,
        issued: clock::now().whole_seconds(),
        expiration: WallTime::from_unix_seconds(clock::now().unix_seconds() + left),
        digest: entry.digest.clone(),
        allowed: None,
    };
    let profile = ProfileName::parse("dev").expect("a name");
    let publication = Publication { profile, session, region: None, adopt: false };
    let stores = Stores::new(Places::find(&environment, None, None).expect("places"), 0o600);
    stores.apply(entry.store, &[Edit::Put(Box::new(publication))]).expect("a written file");
}

#[test]
fn a_terminal_that_cannot_be_drawn_on_is_not_drawn_on() {
    let home = tempfile::tempdir().expect("a home");
    fs::create_dir_all(home.path().join(".config/evertoken")).expect("a folder");
    fs::write(home.path().join(".config/evertoken/config.toml"), CONFIG).expect("a config");
    let (_master, slave) = pair();
    let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken"));
    command.args(["status", "--watch"]).env_clear().env("HOME", home.path()).env("TERM", "dumb");
    for_all(&mut command, &slave);
    let ended = command.stderr(Stdio::piped()).output().expect("a run");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("needs a terminal that can be drawn on"), "{said}");
}

#[test]
fn it_draws_what_changes_and_is_silent_while_nothing_does() {
    let mut terminal = Terminal::open();
    terminal.wait("evertoken is not running");
    terminal.wait("service install");
    assert!(terminal.shown.starts_with(ENTER), "{:?}", terminal.shown);
    assert!(terminal.shown.contains("fresh  1d 3h"), "{:?}", terminal.shown);

    // What was drawn last may still be on its way; after that three looks and not a byte.
    let start = Instant::now();
    while terminal.hear(Duration::from_secs(3)) {
        assert!(start.elapsed() < BOUND, "it is never silent: {:?}", terminal.shown);
    }
    let before = terminal.shown.len();

    hold(&terminal.home, DAY + 6 * 3_600 + 1_800);
    terminal.wait("fresh  1d 6h");
    let redrawn = &terminal.shown[before..];
    assert!(redrawn.contains("dev") && !redrawn.contains("PROFILE"), "only the row that changed: {redrawn:?}");
}

#[test]
fn another_size_of_the_window_is_taken_up_at_once() {
    let mut terminal = Terminal::open();
    terminal.wait("service install");
    assert!(!terminal.shown.contains("ROLE"), "{:?}", terminal.shown);
    resize(&terminal.master, 120, 24);
    terminal.signal(Signal::WINCH);
    terminal.wait("Developer in 111122223333");
    terminal.shown.clear();
    resize(&terminal.master, 80, 2);
    terminal.signal(Signal::WINCH);
    terminal.wait("\x1b[2J");
    terminal.wait("\x1b[2;1H");
    assert!(!terminal.shown.contains("\x1b[3;1H"), "it does not scroll: {:?}", terminal.shown);
}

#[test]
fn whoever_has_seen_enough_gets_the_terminal_back() {
    type End = fn(&Terminal);
    let ends: [(&str, End); 4] = [
        ("INT", |terminal| terminal.signal(Signal::INT)),
        ("TERM", |terminal| terminal.signal(Signal::TERM)),
        ("q", |terminal| assert_eq!(write(&terminal.master, b"q"), Ok(1))),
        ("INT at once", |terminal| terminal.signal(Signal::INT)),
    ];
    for (name, end) in ends {
        let mut terminal = Terminal::open();
        terminal.wait(if name.ends_with("once") { ENTER } else { "service install" });
        assert!(!terminal.echoes(), "{name}: what is typed does not get between the lines");
        end(&terminal);
        let status = terminal.ended();
        // As `status` ends where no daemon runs.
        assert_eq!((status.code(), status.signal()), (Some(3), None), "{name}");
        assert!(terminal.shown.ends_with(LEAVE), "{name}: {:?}", terminal.shown);
        assert!(terminal.echoes(), "{name}: the terminal is as it was");
    }
}

#[test]
fn a_suspended_one_gives_the_shell_back_and_draws_anew_when_it_goes_on() {
    let mut terminal = Terminal::open();
    terminal.wait("service install");
    terminal.signal(Signal::TSTP);
    terminal.wait(LEAVE);
    let pid = i32::try_from(terminal.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
    let stopped = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::UNTRACED).expect("a child");
    assert!(stopped.is_some_and(|(_, status)| status.stopped()), "{stopped:?}");
    assert!(terminal.echoes());
    terminal.shown.clear();
    terminal.signal(Signal::CONT);
    terminal.wait(ENTER);
    terminal.wait("PROFILE");
    terminal.signal(Signal::INT);
    assert_eq!(terminal.ended().code(), Some(3));
}
