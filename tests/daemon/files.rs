//! A credentials file that cannot be written for a while: the daemon stays up, says the step, and heals.

use crate::workstation::{Workstation, let_pass};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[test]
fn a_file_that_cannot_be_written_is_told_and_written_once_it_can_be() {
    let workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    let old = workstation.key_of("dev");
    // A folder in the place of the write lock stops everybody, the superuser too.
    let lock = workstation.path(".aws/credentials.lock");
    fs::remove_file(&lock).expect("removed");
    fs::create_dir(&lock).expect("a folder");
    let before = workstation.credentials();
    workstation.signal(Signal::USR1);
    workstation.wait("the step to be told", || workstation.logged(&["WARN", "class=store", "credentials.lock"]));
    workstation.wait("a status", || workstation.status_of("dev")["error"]["class"] == "store");
    assert_eq!(workstation.status_of("dev")["state"], "retrying");
    assert_eq!(workstation.credentials(), before);
    fs::remove_dir(&lock).expect("removed");
    workstation.wait("the new session", || workstation.holds("dev") && workstation.key_of("dev") != old);
    workstation.wait("a status", || workstation.status_of("dev")["state"] == "fresh");
    assert_eq!(workstation.granted("dev"), 2, "what is in memory is written, not asked for again");
    assert_eq!(workstation.lines(&["WARN", "class=store"]), 1, "{}", workstation.log());
}

#[test]
fn a_read_only_folder_is_told_and_written_once_it_can_be() {
    let workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    let old = workstation.key_of("dev");
    let folder = workstation.path(".aws");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).expect("read-only");
    workstation.signal(Signal::USR1);
    // The superuser writes all the same; everybody else is told, and keeps what is there.
    if rustix::process::geteuid().is_root() {
        workstation.wait("the new session", || workstation.key_of("dev") != old);
    } else {
        workstation.wait("the step to be told", || workstation.logged(&["WARN", "class=store"]));
        assert_eq!(workstation.key_of("dev"), old);
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("writable");
    workstation.wait("the new session", || workstation.holds("dev") && workstation.key_of("dev") != old);
}

#[test]
fn a_file_that_cannot_be_parsed_is_left_alone_and_the_line_is_named() {
    let workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    let good = workstation.credentials();
    let broken = format!("{good}[half\n");
    workstation.replace_credentials(&broken);
    let line = broken.lines().count().to_string();
    workstation.signal(Signal::USR1);
    workstation.wait("the line to be named", || workstation.logged(&["WARN", "class=store", &format!("line {line}")]));
    assert_eq!(workstation.credentials(), broken);
    workstation.replace_credentials(&good);
    workstation.wait("the new session", || workstation.credentials() != good && workstation.holds("dev"));
    workstation.wait("a status", || workstation.status_of("dev")["state"] == "fresh");
}

#[test]
fn a_file_that_is_deleted_comes_back() {
    let workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    let key = workstation.key_of("dev");
    fs::remove_file(workstation.credentials_path()).expect("removed");
    workstation.wait("the session to be back", || workstation.key_of("dev") == key);
    let mode = fs::metadata(workstation.credentials_path()).expect("the file").permissions().mode() & 0o7777;
    assert_eq!(mode, 0o600);
    let_pass(0.5);
    assert_eq!(workstation.asked("dev"), 1);
}

/// A call too many is better than a session that ends.
#[test]
fn a_state_folder_that_cannot_be_used_stops_no_refresh() {
    let workstation = Workstation::new(600).role("dev").role("ops").start_with(&["dev", "ops"]);
    workstation.wait("a status", || !workstation.state_files("status.json").is_empty());
    let state = workstation.state_files("status.json")[0].parent().expect("a folder").to_owned();
    let file_for_folder = |path: &Path| {
        fs::remove_dir_all(path).expect("removed");
        fs::write(path, "").expect("a file");
    };
    let refreshed = |what: &str| {
        let before = ["dev", "ops"].map(|name| workstation.key_of(name));
        workstation.signal(Signal::USR1);
        workstation.wait(&format!("new sessions with {what}"), || {
            ["dev", "ops"]
                .iter()
                .zip(&before)
                .all(|(name, old)| workstation.holds(name) && workstation.key_of(name) != *old)
        });
        let_pass(1.0);
    };
    // Until the locks of the first wave are not kept any more.
    let_pass(3.5);
    fs::remove_file(state.join("locks/dev.lock")).expect("removed");
    fs::create_dir(state.join("locks/dev.lock")).expect("a folder");
    refreshed("a folder for a lock");
    assert_eq!(workstation.lines(&["WARN", "dev.lock", "going on without"]), 1, "{}", workstation.log());
    file_for_folder(&state.join("locks"));
    refreshed("a file for the locks");
    refreshed("a file for the locks still");
    assert_eq!(workstation.lines(&["WARN", "/locks: ", "going on without"]), 1, "{}", workstation.log());
    file_for_folder(&state);
    refreshed("a file for the state");
    let passed = workstation.evertoken(&["refresh", "--force"]);
    assert_eq!(passed.status.code(), Some(0), "{passed:?}");
}
