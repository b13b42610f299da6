//! What `doctor --fix` does, and that it does nothing without being told to.

use crate::case::{folder, read};
use crate::home::Home;
use crate::pair::pair;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

fn furnish(name: &str) -> Home {
    Home::furnish(&read(name), &folder(name).join("home"))
}

#[test]
fn a_mode_is_narrowed_once_somebody_agrees() {
    let home = furnish("wide-mode");
    let mode = || fs::metadata(home.path(".aws/credentials")).expect("a file").permissions().mode() & 0o777;
    let output = home.command(&["doctor", "dev", "--fix"]).output().expect("a run");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("--yes") && said.contains("chmod 600 ~/.aws/credentials"), "{said}");
    assert_eq!(mode(), 0o644, "without a terminal nothing is done");

    let output = home.command(&["doctor", "dev", "--fix", "--yes"]).output().expect("a run");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("chmod 600 ~/.aws/credentials: done\n\nlooking again:\n"), "{said}");
    assert_eq!((mode(), output.status.code()), (0o600, Some(0)), "{said}");
}

/// Runs `doctor dev --fix` at a terminal where `answer` is typed at the first question; what was printed.
fn answered(home: &Home, answer: &str) -> String {
    let (master, slave) = pair();
    let mut command = home.command(&["doctor", "dev", "--fix"]);
    command.stdin(Stdio::from(slave.try_clone().expect("a copy"))).stdout(Stdio::piped()).stderr(slave);
    let child = command.spawn().expect("a run");
    drop(command);
    let mut terminal = File::from(master);
    let mut shown = String::new();
    let mut some = [0; 1024];
    let mut typed = false;
    // The end of the child is an error of the terminal.
    while let Ok(length @ 1..) = terminal.read(&mut some) {
        shown.push_str(&String::from_utf8_lossy(&some[..length]));
        if !typed && shown.contains("[y/N]") {
            terminal.write_all(answer.as_bytes()).expect("typed");
            typed = true;
        }
    }
    assert!(shown.contains("chmod 600 ~/.aws/credentials? [y/N]"), "{shown}");
    String::from_utf8(child.wait_with_output().expect("an end").stdout).expect("text")
}

#[test]
fn a_person_is_asked_and_may_say_no() {
    let home = furnish("wide-mode");
    let mode = || fs::metadata(home.path(".aws/credentials")).expect("a file").permissions().mode() & 0o777;
    assert!(!answered(&home, "n\n").contains("looking again"));
    assert_eq!(mode(), 0o644);
    assert!(answered(&home, "y\n").contains("looking again"));
    assert_eq!(mode(), 0o600);
}

#[test]
fn a_session_that_has_ended_is_refreshed_and_looked_at_again() {
    let home = furnish("daemon-is-not-running");
    let output = home.command(&["doctor", "dev", "--fix", "--yes"]).output().expect("a run");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let (before, after) = said.split_once("looking again:").unwrap_or_else(|| panic!("{said}"));
    assert!(before.contains("✗ ") && before.contains("refresh dev: done"), "{said}");
    assert!(!after.contains('✗') && after.contains("evertoken is not running"), "{said}");
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(home.sts.sessions().len(), 3, "two of the home, and one of the refresh");
}

#[test]
fn what_only_a_person_can_mend_is_left_to_them() {
    let home = furnish("sso-session-over");
    let output = home.command(&["doctor", "dev", "--fix", "--yes"]).output().expect("a run");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.ends_with("there is nothing that can be mended without you\n"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_profile_that_stands_nowhere_is_wrong_usage() {
    let home = furnish("all-is-fresh");
    let output = home.command(&["doctor", "nobody"]).output().expect("a run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("there is no profile nobody") && said.contains("dev"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn where_a_profile_stands_nowhere_those_are_named_that_are_in_no_file_yet() {
    let home = furnish("not-written-and-not-signed-in");
    let output = home.command(&["doctor", "nobody", "--offline"]).output().expect("a run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("there are base, dev, sso"), "{said}");
}

#[test]
fn a_config_of_ours_that_is_wrong_is_told_to_whoever_asks_for_a_profile_in_it() {
    let home = furnish("config-is-wrong");
    let output = home.command(&["doctor", "nobody"]).output().expect("a run");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("config.toml"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1));
}
