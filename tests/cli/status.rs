//! What `status` says when no daemon tells it.

use crate::home::{CONFIG, Home};
use evertoken::shell::locks::InstanceLock;

#[test]
fn status_tells_the_truth_without_a_daemon() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    let ended = home.run("status");
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let lines: Vec<&str> = ended.out.lines().collect();
    assert!(
        lines[0].starts_with("vault expired expires=- expires_in_seconds=- next_refresh=- store=private "),
        "{}",
        ended.out
    );
    assert!(lines[1].starts_with("dev fresh expires="), "{}", ended.out);
    assert!(lines[2].starts_with("# daemon: not running: "), "{}", ended.out);

    let json: serde_json::Value = serde_json::from_str(&home.run("status --json").out).expect("JSON");
    assert_eq!(json["version"], 1);
    assert_eq!(json["daemon"]["running"], false);
    assert_eq!(json["profiles"][0]["profile"], "dev");
    assert_eq!(json["profiles"][0]["state"], "fresh");
    assert_eq!(json["profiles"][0]["error"], serde_json::Value::Null);
    let left = json["profiles"][0]["expires_in_seconds"].as_i64();
    assert!(left.is_some_and(|left| (2_900..=3_000).contains(&left)), "{left:?}");
    assert_eq!(home.run("status --watch").code, Some(2));
}

#[test]
fn status_sees_the_daemon_by_its_lock() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    home.hold("vault", 3_000);
    let _running = InstanceLock::acquire(&home.places()).expect("the lock");
    let ended = home.run("status");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.ends_with(&format!("# daemon: running, pid {}\n", std::process::id())), "{}", ended.out);
    home.hold("dev", -1);
    assert_eq!(home.run("status").code, Some(1));
}

/// Looking is no attempt, and nothing is known of when it began.
#[test]
fn a_file_that_cannot_be_read_is_told_without_numbers_that_nobody_has_counted() {
    let home = Home::new(CONFIG);
    home.write(".aws/credentials", "[base]\nregion = eu-west-1\nthis is no line of such a file\n");
    let ended = home.run("status");
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let told = format!("# trouble: dev: store: failed to read {}: line 3: ", home.path(".aws/credentials").display());
    assert!(ended.out.contains(&told), "{}", ended.out);
    let json: serde_json::Value = serde_json::from_str(&home.run("status --json").out).expect("JSON");
    assert_eq!(json["profiles"][0]["error"]["attempts"], 0);
}
