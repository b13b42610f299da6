//! The session on standard output and nothing else, or one line that says why not.

use crate::home::{CONFIG, CREDENTIALS, Ended, Home};
use evertoken::emulator::{Emulator, Settings};
use evertoken::engine::time::WallTime;
use evertoken::shell::clock;
use evertoken::shell::locks::InstanceLock;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

#[test]
fn credential_process_prints_the_session_and_nothing_else() {
    let home = Home::new(CONFIG);
    for profile in ["dev", "vault"] {
        home.hold(profile, 3_000);
        let ended = home.run(&format!("credential-process {profile} -vvv"));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let json: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
        let keys: Vec<&str> = json.as_object().expect("an object").keys().map(String::as_str).collect();
        let expected = ["AccessKeyId", "AccountId", "Expiration", "SecretAccessKey", "SessionToken", "Version"];
        assert_eq!(keys, expected);
        assert_eq!(json["Version"], 1);
        assert_eq!(json["SessionToken"], format!("token-of-{profile}"));
        assert!(!ended.err.contains("token-of"), "{}", ended.err);
    }
}

/// Nobody listens where this config calls STS.
#[test]
fn credential_process_and_exec_say_why_there_is_no_session() {
    let home = Home::new(CONFIG);
    home.hold("dev", -10);
    for line in ["credential-process dev", "exec dev -- true"] {
        let ended = home.run(line);
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{line}");
        assert!(ended.err.starts_with("evertoken: no session for profile dev: "), "{line}: {}", ended.err);
        assert!(ended.err.contains("127.0.0.1:1"), "{line}: {}", ended.err);
    }
    // Below another evertoken nobody is called.
    let mut child = home.command("credential-process dev");
    let ended = Ended::from(child.env("EVERTOKEN_CHILD", "1").output().expect("a run"));
    assert!(ended.err.contains("the session of profile dev ended"), "{}", ended.err);
    assert!(ended.err.contains("; fix: ") && ended.err.lines().count() == 1, "{}", ended.err);
    // What starts it depends on whether there is a service to start.
    let advice = |home: &Home| {
        let mut child = home.command("exec dev -- true");
        Ended::from(child.env("EVERTOKEN_CHILD", "1").output().expect("a run")).err
    };
    assert!(
        advice(&home).ends_with("and evertoken is not running\nfix: evertoken service install\n"),
        "{}",
        advice(&home)
    );
    if cfg!(target_os = "linux") {
        home.write(".config/systemd/user/evertoken.service", "");
        assert!(advice(&home).ends_with("\nfix: systemctl --user start evertoken\n"), "{}", advice(&home));
    }
    // A session in the second half of its life is handed out although it cannot be renewed.
    home.hold("dev", 600);
    assert_eq!(home.run("credential-process dev").code, Some(0));
    assert_eq!(home.run("exec dev -- true").code, Some(0));
    assert_eq!(home.run("exec dev --min-ttl 20m -- true").code, Some(1));
}

#[test]
fn credential_process_and_exec_renew_what_has_not_enough_life_left() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let home = Home::new(&CONFIG.replace("http://127.0.0.1:1", &sts.url()));
    let answer = home.run("credential-process vault");
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(sts.request_count(), 1);
    // Fresh enough now, so nobody is asked again.
    assert_eq!(home.run("credential-process vault").out, answer.out);
    assert_eq!(sts.request_count(), 1);

    let ended = home.run("exec dev --min-ttl 30m -- env");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.lines().any(|line| line == "AWS_PROFILE=dev"), "{}", ended.out);
    assert!(home.read(".aws/credentials").starts_with(CREDENTIALS), "the user's own bytes stay");
    assert_eq!(home.run("exec dev --min-ttl 30m -- true").code, Some(0));
    assert_eq!(sts.request_count(), 2);
    // More than can be granted.
    assert_eq!(home.run("exec dev --min-ttl 2h -- true").code, Some(1));
}

/// Everything below the home, and what would give away that somebody wrote there.
fn traces(folder: &Path) -> Vec<(PathBuf, i64, i64, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let metadata = fs::symlink_metadata(&path).expect("metadata");
        if metadata.is_dir() {
            found.extend(traces(&path));
        }
        found.push((path, metadata.mtime(), metadata.mtime_nsec(), metadata.len()));
    }
    found.sort();
    found
}

#[test]
fn credential_process_answers_from_the_store_alone_while_enough_is_left() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let home = Home::new(&CONFIG.replace("http://127.0.0.1:1", &sts.url()));
    // Of 4,600 seconds, a quarter of an hour is enough for whoever asks.
    home.hold("dev", 1_000);
    let before = traces(home.folder());
    for line in ["credential-process dev", "exec dev -- true"] {
        assert_eq!(home.run(line).code, Some(0), "{line}");
    }
    assert!(home.run("credential-process dev").out.contains("token-of-dev"));
    assert_eq!(traces(home.folder()), before, "nothing is written");
    assert_eq!(sts.request_count(), 0);
    // With a min_ttl below that, this is enough.
    home.hold("dev", 400);
    home.write(
        ".config/evertoken/config.toml",
        &format!("[defaults]\nmin_ttl = \"5m\"{}", &home.read(".config/evertoken/config.toml")["\n[defaults]".len()..]),
    );
    assert_eq!(home.run("credential-process dev").code, Some(0));
    assert_eq!(sts.request_count(), 0);
}

/// A clock that may be slow makes a session look fresher than it is.
#[test]
fn credential_process_asks_sts_for_what_looks_fresh_by_a_clock_that_may_be_behind() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let home = Home::new(&CONFIG.replace("http://127.0.0.1:1", &sts.url()));
    home.hold("dev", 3_000);
    // An earlier boot of this machine was an hour behind, and nobody knows whether it was put right.
    home.places().ensure_state().expect("a state folder");
    fs::write(home.places().clock_file(), r#"{"boot": "an earlier one", "booted": 0, "skew": 3600000}"#)
        .expect("what was learnt");
    assert!(!home.run("credential-process dev").out.contains("token-of-dev"));
    assert_eq!(sts.request_count(), 1);
    // STS has told the time since.
    assert_eq!(home.run("credential-process dev").code, Some(0));
    assert_eq!(sts.request_count(), 1);
}

#[test]
fn credential_process_refreshes_by_itself_what_has_less_left_or_was_issued_for_other_settings() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let config = CONFIG.replace("http://127.0.0.1:1", &sts.url());
    let home = Home::new(&config);
    home.hold("dev", 600);
    assert!(!home.run("credential-process dev").out.contains("token-of-dev"));
    assert_eq!(sts.request_count(), 1);

    home.hold("vault", 3_000);
    home.write(".config/evertoken/config.toml", &config.replace("role/Vault", "role/Other"));
    assert!(!home.run("credential-process vault").out.contains("token-of-vault"));
    assert_eq!(sts.requests()[1].parameter("RoleArn"), Some("arn:aws:iam::111122223333:role/Other"));
}

/// A program must never run as another role than the config says, however alive the old session is.
#[test]
fn credential_process_and_exec_refuse_a_session_of_other_settings() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let config = CONFIG.replace("http://127.0.0.1:1", &sts.url());
    let home = Home::new(&config);
    // Made a moment ago by a pass, which has therefore just taken the refresh lock.
    assert_eq!(home.run("refresh dev").code, Some(0));
    let before = home.read(".aws/credentials");
    sts.deny_role("arn:aws:iam::111122223333:role/Other", "AccessDenied", "not you");
    home.write(".config/evertoken/config.toml", &config.replace("role/Developer", "role/Other"));
    for line in ["credential-process dev", "exec dev -- env"] {
        let calls = sts.request_count();
        let ended = home.run(line);
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{line}: {ended:?}");
        for said in ["dev in the file is for other settings than the config has now: ", "not you", "fix: "] {
            assert!(ended.err.contains(said), "{line}: {said}: {}", ended.err);
        }
        assert_eq!(sts.request_count(), calls + 1, "{line}: STS is asked for the new role");
    }
    // Below another evertoken nobody is called, and nothing outdated is handed out either.
    let calls = sts.request_count();
    for line in ["credential-process dev", "exec dev -- env"] {
        let mut child = home.command(line);
        let ended = Ended::from(child.env("EVERTOKEN_CHILD", "1").output().expect("a run"));
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{line}: {ended:?}");
        assert!(ended.err.contains("for other settings"), "{line}: {}", ended.err);
    }
    // A pass that cannot even begin is no reason either.
    let bundle = format!("[network]\nca_bundle = \"{}\"\n", home.path("none.pem").display());
    home.write(".config/evertoken/config.toml", &format!("{bundle}{}", config.replace("role/Developer", "role/Other")));
    let ended = home.run("exec dev -- env");
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.err.contains("for other settings") && ended.err.contains("none.pem"), "{}", ended.err);
    assert_eq!(sts.request_count(), calls);
    assert_eq!(home.read(".aws/credentials"), before, "the last good one stays in the file");
    // Once it is allowed, the new role it is.
    home.write(".config/evertoken/config.toml", &config.replace("role/Developer", "role/Other"));
    sts.allow_role("arn:aws:iam::111122223333:role/Other");
    assert_eq!(home.run("exec dev -- true").code, Some(0));
    assert_ne!(home.read(".aws/credentials"), before);
}

/// Botocore asks on every request from 15 minutes before the end.
#[test]
fn credential_process_hands_out_what_is_valid_and_does_not_storm_a_role_that_was_refused() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let home = Home::new(&CONFIG.replace("http://127.0.0.1:1", &sts.url()));
    sts.deny_role("arn:aws:iam::111122223333:role/Developer", "AccessDenied", "no");
    home.hold("dev", 600);
    let ends = WallTime::from_unix_seconds(clock::now().unix_seconds() + 600);
    for _ in 0..5 {
        let ended = home.run("credential-process dev");
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
        let answer: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
        assert_eq!(answer["SessionToken"], "token-of-dev");
        let told = WallTime::parse(answer["Expiration"].as_str().expect("an end")).expect("a time");
        assert!(told <= ends, "later than the true end");
    }
    assert_eq!(sts.request_count(), 1);
    // Nothing valid is left: then each of them asks, and says what came of it, in one line.
    home.hold("dev", -10);
    let ended = home.run("credential-process dev");
    assert_eq!((ended.code, ended.out.as_str(), ended.err.lines().count()), (Some(1), "", 1), "{ended:?}");
    assert!(ended.err.contains("AccessDenied") || ended.err.contains("no"), "{}", ended.err);
    assert_eq!(sts.request_count(), 2);
}

#[test]
fn credential_process_tells_a_wrong_config_in_one_line() {
    let home = Home::new("[[role]]\nprofile = \"dev\"\nrole_arm = \"x\"\nduration = \"13h\"\n");
    let ended = home.run("credential-process dev");
    assert_eq!((ended.code, ended.out.as_str(), ended.err.lines().count()), (Some(78), "", 1), "{ended:?}");
    assert!(ended.err.contains("config.toml:") && ended.err.contains("; fix: evertoken check"), "{}", ended.err);
}

/// A daemon waits longer and longer after a refusal; whoever has nothing valid left cannot.
#[test]
fn credential_process_tries_itself_when_nothing_valid_is_left_whatever_the_daemon_has_noted() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let home = Home::new(&CONFIG.replace("http://127.0.0.1:1", &sts.url()));
    let _running = InstanceLock::acquire(&home.places()).expect("the lock");
    let mut status: serde_json::Value = serde_json::from_str(&home.run("status --json").out).expect("JSON");
    status["profiles"][0]["error"] = serde_json::json!({
        "class": "refused", "code": "AccessDenied", "message": "STS said no", "fix": "ask for the role",
        "since": "2026-11-21T15:04:05Z", "attempts": 3
    });
    fs::write(home.places().status_file(), status.to_string()).expect("a status");
    // While the session lasts, it is the daemon's to renew.
    home.hold("dev", 60);
    assert!(home.run("credential-process dev").out.contains("token-of-dev"));
    assert_eq!(sts.request_count(), 0);
    home.hold("dev", -10);
    // What stands in its way now is said, not what stood there then.
    sts.deny_role("arn:aws:iam::111122223333:role/Developer", "AccessDenied", "not today");
    let ended = home.run("credential-process dev");
    assert_eq!((ended.code, ended.err.lines().count()), (Some(1), 1), "{ended:?}");
    assert!(ended.err.contains("not today") && !ended.err.contains("STS said no"), "{}", ended.err);
    sts.allow_role("arn:aws:iam::111122223333:role/Developer");
    let ended = home.run("credential-process dev");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!(sts.request_count(), 2);
}

/// Answered by STS, and no place to keep it: the caller shall have it all the same.
#[test]
fn credential_process_hands_out_a_session_that_cannot_be_stored() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let home = Home::new(&CONFIG.replace("http://127.0.0.1:1", &sts.url()));
    home.hold("dev", -10);
    // No writer replaces a file in a folder that everybody can write.
    fs::set_permissions(home.path(".aws"), fs::Permissions::from_mode(0o777)).expect("a mode");
    let before = home.read(".aws/credentials");
    let ended = home.run("credential-process dev");
    assert_eq!((ended.code, ended.err.lines().count()), (Some(0), 0), "{ended:?}");
    let answer: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(answer["AccessKeyId"], sts.sessions()[0].access_key_id.as_str());
    assert_eq!(home.read(".aws/credentials"), before);
    // What runs below `exec` reads the file, and would find nothing there.
    let ended = home.run("exec dev -- true");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("others can write"), "{}", ended.err);
}
