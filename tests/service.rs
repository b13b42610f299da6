//! What a service manager hears of the daemon: the real binary under one that is played by a datagram socket.
#![expect(
    unreachable_pub,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "a test runs the binary, makes its files and fails loudly"
)]

#[cfg(target_os = "linux")]
#[path = "terminal/pair.rs"]
mod pair;
#[path = "daemon/reader.rs"]
#[expect(dead_code, reason = "shared with the stories of tests/daemon")]
mod reader;
#[path = "daemon/workstation.rs"]
#[expect(dead_code, reason = "shared with the stories of tests/daemon")]
mod workstation;

use evertoken::emulator::{Fault, Outage, Rule};
use rustix::process::Signal;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use workstation::{BOUND, Workstation, arn};

/// A service manager with one service.
struct Manager {
    socket: UnixDatagram,
    heard: Vec<String>,
    desk: Workstation,
    address: TempDir,
}

impl Manager {
    /// The service is still to be launched.
    fn of(desk: Workstation) -> Self {
        let address = tempfile::tempdir().expect("a folder");
        let path = address.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(BOUND)).expect("a bound");
        let desk = desk.env("NOTIFY_SOCKET", path.to_str().expect("UTF-8")).furnish();
        Self { socket, heard: Vec::new(), desk, address }
    }

    fn start(desk: Workstation) -> Self {
        let mut manager = Self::of(desk);
        manager.desk.launch();
        manager
    }

    /// Listens until a message is like this, and gives it out.
    fn hear(&mut self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let mut buffer = [0; 4096];
        loop {
            let Ok(length) = self.socket.recv(&mut buffer) else {
                panic!("never heard {what}, but {:#?}; the log:\n{}", self.heard, self.desk.log());
            };
            let message = String::from_utf8_lossy(&buffer[..length]).trim_end().to_owned();
            self.heard.push(message.clone());
            if is_it(&message) {
                return message;
            }
        }
    }

    fn hear_ready(&mut self) {
        self.hear("READY=1", |message| message == "READY=1");
    }

    /// The status as it stands, once it is like this.
    fn hear_status(&mut self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let last = self.heard.iter().rfind(|message| message.starts_with("STATUS="));
        let is_it = |message: &str| message.strip_prefix("STATUS=").is_some_and(&is_it);
        match last.filter(|message| is_it(message)) {
            Some(message) => message.clone(),
            None => self.hear(what, is_it),
        }
    }

    /// Everything that has come and was not listened to yet.
    fn drain(&mut self) -> Vec<String> {
        self.socket.set_nonblocking(true).expect("a socket");
        let mut buffer = [0; 4096];
        let mut came = Vec::new();
        loop {
            match self.socket.recv(&mut buffer) {
                Ok(length) => came.push(String::from_utf8_lossy(&buffer[..length]).trim_end().to_owned()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        self.socket.set_nonblocking(false).expect("a socket");
        self.heard.extend(came.iter().cloned());
        came
    }

    /// Sends it so much that there is room for nothing more until it listens.
    fn overwhelm(&self) {
        let other = UnixDatagram::unbound().expect("a socket");
        other.set_nonblocking(true).expect("a socket");
        let room = (0..1_000_000).find_map(|_| other.send_to(b"STATUS=busy", self.address.path().join("notify")).err());
        assert_eq!(room.map(|error| error.kind()), Some(ErrorKind::WouldBlock));
    }

    fn reload(&mut self) {
        self.desk.signal(Signal::HUP);
        let reloading = self.hear("the reload", |message| message.starts_with("RELOADING=1"));
        // systemd takes the time stamp only together with the state.
        let stamp = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).expect("a time in it");
        assert!(stamp.parse::<u64>().expect("microseconds") > 0);
        self.hear_ready();
    }
}

/// `HH:MM`
fn is_time(text: &str) -> bool {
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    // The day stands before it when the test runs around midnight.
    text.rsplit(' ').next().and_then(|time| time.split_once(':')).is_some_and(|(h, m)| digits(h) && digits(m))
}

#[test]
fn it_is_ready_once_the_first_sessions_are_stored_and_says_how_things_stand() {
    let mut manager = Manager::of(Workstation::new(3600).role("dev").role("prod"));
    manager.desk.sts.inject(Rule::always(Fault::code("AccessDenied")).role(&arn("prod")));
    manager.desk.launch();
    manager.hear_ready();
    assert!(manager.desk.holds("dev"), "ready, and nothing is there yet: {:?}", manager.heard);

    let status =
        manager.hear_status("the whole status", |status| status.starts_with("1 fresh") && status.contains("prod: a"));
    let rest = status.strip_prefix("STATUS=1 fresh, next refresh ").expect("a time");
    let time = rest.strip_suffix("; prod: access denied").expect("the trouble");
    assert!(is_time(time), "{status}");

    manager.desk.signal(Signal::TERM);
    manager.hear("the farewell", |message| message == "STOPPING=1");
    let (code, log) = manager.desk.ended();
    assert_eq!(code, Some(0), "{log}");
    manager.drain();
    assert_eq!(manager.heard.last().map(String::as_str), Some("STOPPING=1"), "{:?}", manager.heard);
    let ready = manager.heard.iter().filter(|message| *message == "READY=1").count();
    assert_eq!(ready, 1, "{:?}", manager.heard);
    assert!(!manager.heard.iter().any(|message| message.contains("WATCHDOG")), "nobody asked: {:?}", manager.heard);
}

#[test]
fn it_is_ready_in_the_end_though_no_answer_comes() {
    let mut manager = Manager::of(Workstation::new(3600).role("dev"));
    manager.desk.sts.inject(Fault::Hang);
    let start = Instant::now();
    manager.desk.launch();
    manager.hear_ready();
    assert!(start.elapsed() >= Duration::from_secs(9), "ready before anything was answered: {:?}", manager.heard);
    // A call may take 15 s; whoever waits for us does not wait for that. A machine that stood still may have come so far.
    let is_over = manager.desk.logged(&["asked STS"]);
    assert!(!is_over || start.elapsed() >= Duration::from_secs(15), "{}", manager.desk.log());
}

#[test]
fn offline_it_is_up_all_the_same_and_heals() {
    let mut manager = Manager::of(Workstation::new(3600).role("dev"));
    manager.desk.sts.outage(Outage::Refused).expect("an outage");
    manager.desk.launch();
    manager.hear_ready();
    assert!(!manager.desk.holds("dev"));
    manager.hear_status("the trouble", |status| status == "0 fresh; dev: AWS is out of reach");
    manager.desk.sts.outage(Outage::None).expect("no outage");
    manager.hear_status("the session", |status| status.starts_with("1 fresh, next refresh "));
}

#[test]
fn a_start_that_is_hindered_is_up_all_the_same_and_says_what_stands_in_the_way() {
    let network = "[network]\nca_bundle = \"~/corp.pem\"";
    let mut manager = Manager::start(Workstation::new(3600).role("dev").entry(network));
    manager.hear_status("the hindrance", |status| status.starts_with("not up yet: failed to read the CA bundle "));
    // The manager would kill what is never up.
    manager.hear_ready();
    manager.desk.signal(Signal::TERM);
    manager.hear("the farewell", |message| message == "STOPPING=1");
    let (code, log) = manager.desk.ended();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn every_reload_has_an_end_also_of_a_config_that_is_wrong() {
    let mut manager = Manager::start(Workstation::new(3600).role("dev"));
    manager.hear_ready();
    manager.hear_status("the session", |status| status.starts_with("1 fresh"));
    manager.reload();

    fs::write(manager.desk.config_path(), "[[role]]\nprofile = \"dev\"\nrole_arn = \"nonsense\"\n").expect("a config");
    manager.heard.clear();
    manager.reload();
    let told = |message: &String| message.starts_with("STATUS=1 fresh") && message.ends_with("evertoken check");
    assert!(manager.heard.iter().any(told), "{:?}", manager.heard);

    fs::write(manager.desk.config_path(), manager.desk.config()).expect("a config");
    manager.heard.clear();
    manager.reload();
    let status = manager.heard.iter().rfind(|message| message.starts_with("STATUS="));
    assert!(status.is_none_or(|status| !status.contains("evertoken check")), "{:?}", manager.heard);
}

#[test]
fn the_watchdog_hears_of_the_loop_and_of_nothing_else() {
    let mut manager = Manager::start(Workstation::new(3600).role("dev").env("WATCHDOG_USEC", "200000"));
    manager.hear_status("the session", |status| status.starts_with("1 fresh"));
    // The next refresh is half an hour away: only the watchdog can be what wakes it.
    for _ in 0..10 {
        manager.hear("a sign of life", |message| message == "WATCHDOG=1");
    }
    manager.desk.signal(Signal::STOP);
    workstation::let_pass(0.5);
    manager.drain();
    workstation::let_pass(1.0);
    assert_eq!(manager.drain(), Vec::<String>::new(), "it is stopped, and yet it speaks");
    manager.desk.signal(Signal::CONT);
    manager.hear("a sign of life", |message| message == "WATCHDOG=1");
}

#[test]
fn a_manager_that_does_not_read_stops_neither_the_daemon_nor_its_end() {
    let mut manager = Manager::of(Workstation::new(3600).role("dev"));
    manager.overwhelm();
    manager.desk.launch();
    manager.desk.wait("the session", || manager.desk.holds("dev"));
    manager.hear_ready();
    manager.hear_status("the whole status", |status| status.starts_with("1 fresh"));
    manager.overwhelm();
    let (code, log) = manager.desk.stop();
    assert_eq!(code, Some(0), "{log}");
}
