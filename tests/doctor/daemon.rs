//! The environment that the real daemon writes down when it starts, and what `doctor` makes of it.

use crate::case::{folder, read};
use crate::home::Home;
use serde_json::Value;
use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Far above what anything takes.
const BOUND: Duration = Duration::from_secs(60);

/// Ends with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

fn json(home: &Home, arguments: &[&str], proxy: &str) -> Value {
    let output = home.command(arguments).env("HTTPS_PROXY", proxy).output().expect("a run");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn environment(home: &Home) -> Option<Value> {
    let folders = fs::read_dir(home.path(".local/state/evertoken")).ok()?.flatten();
    let files = folders.filter_map(|folder| fs::read(folder.path().join("status.json")).ok());
    files.filter_map(|bytes| serde_json::from_slice::<Value>(&bytes).ok()?.get("environment").cloned()).next()
}

#[test]
fn another_environment_than_that_of_the_daemon_is_noticed() {
    let home = Home::furnish(&read("daemon-is-not-running"), &folder("daemon-is-not-running").join("home"));
    let mut command = home.command(&["run"]);
    command.env("HTTPS_PROXY", "http://me:word@proxy.corp:3128").stdout(Stdio::null()).stderr(Stdio::null());
    let _running = Running(command.spawn().expect("a daemon"));
    let start = Instant::now();
    while environment(&home).is_none() || home.sts.sessions().len() < 3 {
        assert!(start.elapsed() < BOUND, "the daemon wrote down {:?}", environment(&home));
        thread::sleep(Duration::from_millis(25));
    }
    let written = environment(&home).expect("an environment");
    assert_eq!(written["HTTPS_PROXY"], "http://…@proxy.corp:3128", "without the password");

    let about = |proxy: &str| {
        let value = json(&home, &["doctor", "dev", "--json"], proxy);
        let findings = value["findings"].as_array().expect("findings").clone();
        findings.into_iter().find(|finding| finding["cause"] == "daemon-environment")
    };
    assert_eq!(about("http://you:other@proxy.corp:3128"), None, "the same proxy");
    let finding = about("http://other.corp:3128").expect("a finding");
    assert_eq!(finding["mark"], "warning");
    let what = finding["what"].as_str().expect("text");
    assert!(what.contains("HTTPS_PROXY is http://…@proxy.corp:3128 there and http://other.corp:3128 here"), "{what}");

    let status = json(&home, &["status", "--json"], "");
    assert_eq!(status.get("environment"), None, "no part of what `status --json` tells");
}
