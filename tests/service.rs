//! What a service manager hears of the daemon: the real binary under one that is played by a datagram socket.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "a test runs the binary, makes its files and fails loudly"
)]

use evertoken::emulator::{Emulator, LongTermKey, Settings};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Far above what anything takes, for a machine that is busy with something else.
const BOUND: Duration = Duration::from_secs(60);

/// A service manager with one service.
struct Manager {
    socket: UnixDatagram,
    heard: Vec<String>,
    daemon: Child,
    _sts: Emulator,
    _home: tempfile::TempDir,
}

impl Manager {
    /// Starts the daemon with one role; `watchdog` is what `WatchdogSec=` says, in microseconds.
    fn start(watchdog: Option<u64>) -> Self {
        let home = tempfile::tempdir().expect("a home");
        let sts = Emulator::start(Settings::default()).expect("an emulator");
        for folder in [".aws", ".config/evertoken"] {
            fs::create_dir_all(home.path().join(folder)).expect("a folder");
        }
        let key = LongTermKey::example();
        let secret = key.secret_access_key.expose();
        let keys = format!("[base]\naws_access_key_id = {}\naws_secret_access_key = {secret}\n", key.access_key_id);
        fs::write(home.path().join(".aws/credentials"), keys).expect("source keys");
        let config = format!(
            "[defaults]\nregion = \"eu-west-1\"\nsts_endpoint = \"{}\"\n\n[[role]]\nprofile = \"dev\"\n\
             role_arn = \"arn:aws:iam::111122223333:role/Developer\"\nsource_profile = \"base\"\n",
            sts.url()
        );
        fs::write(home.path().join(".config/evertoken/config.toml"), config).expect("a config");
        let address = home.path().join("notify");
        let socket = UnixDatagram::bind(&address).expect("a socket");
        socket.set_read_timeout(Some(BOUND)).expect("a bound");
        let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken"));
        command.arg("run").env_clear().current_dir(home.path());
        command.env("HOME", home.path()).env("USER", "me").env("PATH", "/usr/bin:/bin").env("NOTIFY_SOCKET", address);
        command.envs(watchdog.map(|micros| ("WATCHDOG_USEC", micros.to_string())));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = command.spawn().expect("evertoken starts");
        Self { socket, heard: Vec::new(), daemon, _sts: sts, _home: home }
    }

    /// Listens until a message is like this, and gives it out.
    fn hear(&mut self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let mut buffer = [0; 4096];
        loop {
            let Ok(length) = self.socket.recv(&mut buffer) else { panic!("never heard {what}, but {:?}", self.heard) };
            let message = String::from_utf8_lossy(&buffer[..length]).trim_end().to_owned();
            self.heard.push(message.clone());
            if is_it(&message) {
                return message;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.daemon.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("the signal is sent");
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _gone_already = self.daemon.kill();
        let _gone_already = self.daemon.wait();
    }
}

#[test]
fn it_says_that_it_is_up_how_things_stand_that_it_reloads_and_that_it_goes() {
    let mut manager = Manager::start(None);
    assert_eq!(manager.hear("anything", |_| true), "READY=1");
    let status = manager.hear("a status", |message| message.starts_with("STATUS=1 fresh"));
    assert!(status.contains("; next at "), "{status}");

    manager.heard.clear();
    manager.signal(Signal::HUP);
    let reloading = manager.hear("the reload", |message| message.starts_with("RELOADING=1"));
    let stamp = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).expect("a time in it");
    assert!(stamp.parse::<u64>().expect("microseconds") > 0);
    manager.hear("the end of the reload", |message| message == "READY=1");

    manager.heard.clear();
    manager.signal(Signal::TERM);
    manager.hear("the farewell", |message| message == "STOPPING=1");
    assert!(manager.daemon.wait().expect("a child").success());
    assert!(!manager.heard.iter().any(|message| message.contains("WATCHDOG")), "nobody asked: {:?}", manager.heard);
}

#[test]
fn it_keeps_telling_the_watchdog_that_it_lives_though_nothing_happens() {
    let mut manager = Manager::start(Some(200_000));
    manager.hear("a status", |message| message.starts_with("STATUS=1 fresh"));
    // The next refresh is half an hour away: only the watchdog can be what wakes it.
    for _ in 0..10 {
        manager.hear("a sign of life", |message| message == "WATCHDOG=1");
    }
}
