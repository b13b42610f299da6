//! The promise itself: whoever reads the file at any moment finds a whole, valid session, and nothing secret is told.

use crate::reader::Reader;
use crate::workstation::{BOUND, KEY, SECRET, Workstation, arn, let_pass, signal_to, within};
use evertoken::emulator::{Emulator, Fault, Rule, Settings};
use rustix::process::Signal;
use std::fs;
use std::time::Instant;

/// Twenty roles: ten with the keys of the user, ten on top of those.
fn crowd(workstation: Workstation) -> (Workstation, Vec<String>) {
    let parents = (0..10).map(|n| format!("role-{n}"));
    let children = (0..10).map(|n| format!("chained-{n}"));
    let mut workstation = parents.clone().fold(workstation, |workstation, name| workstation.role(&name));
    for (child, parent) in children.clone().zip(parents.clone()) {
        workstation = workstation.chained(&child, &parent);
    }
    (workstation, parents.chain(children).collect())
}

#[test]
fn no_reader_ever_meets_a_torn_file_or_an_expired_session() {
    let long = std::env::var_os("EVERTOKEN_LONG").is_some();
    let (workstation, names) = crowd(Workstation::new(12));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let workstation = workstation.start_with(&names);
    let reader = Reader::start(workstation.credentials_path(), &names);
    // Each session is renewed every 5.4 s: a machine that is busy with something else has 6 s more for it.
    let rounds = if long { 20 } else { 4 };
    let so_far: Vec<usize> = names.iter().map(|name| workstation.granted(name)).collect();
    let all = within(BOUND * 3, || {
        names.iter().zip(&so_far).all(|(name, before)| workstation.granted(name) >= before + rounds)
    });
    assert!(all, "{}", workstation.log());
    let seen = reader.prove(&workstation);
    assert!(seen.sessions.len() >= 20 * (rounds - 1), "{} sessions in {} reads", seen.sessions.len(), seen.reads);
    assert!(workstation.credentials().starts_with(&format!("# mine\n[base]\naws_access_key_id = {KEY}\n")));
}

#[test]
fn what_the_shell_exported_changes_nothing() {
    let hostile = Emulator::start(Settings::default()).expect("an emulator");
    let url = hostile.url();
    let mut workstation = Workstation::new(12).role("dev").chained("prod", "dev");
    let exported = [
        ("AWS_ENDPOINT_URL", url.as_str()),
        ("AWS_ENDPOINT_URL_STS", &url),
        ("AWS_PROFILE", "other"),
        ("AWS_DEFAULT_PROFILE", "other"),
        ("AWS_ACCESS_KEY_ID", "AKIAI44QH8DHBEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"),
        ("AWS_SESSION_TOKEN", "AQoEXAMPLEH4aoAH0gNCAPyJxz4BlCFFxWNE1OPTgk5TthT+FvwqnKwRcOIfrRh3c/L"),
        ("AWS_REGION", "ap-south-1"),
        ("AWS_DEFAULT_REGION", "ap-south-1"),
        ("AWS_STS_REGIONAL_ENDPOINTS", "legacy"),
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_ROLE_ARN", "arn:aws:iam::999999999999:role/Other"),
        ("AWS_ROLE_SESSION_NAME", "other"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere"),
    ];
    for (name, value) in exported {
        workstation = workstation.env(name, value);
    }
    let workstation = workstation.start_with(&["dev", "prod"]);
    assert!(workstation.evertoken(&["refresh", "--force"]).status.success());
    assert_eq!(hostile.request_count(), 0, "somebody asked the endpoint that the shell exported");
    for request in workstation.sts.requests() {
        let key = request.access_key_id.as_deref();
        assert_ne!(key, Some("AKIAI44QH8DHBEXAMPLE"), "the exported keys signed");
        assert_eq!(request.region.as_deref(), Some("eu-west-1"));
        assert_eq!(request.parameter("RoleSessionName").map(|name| name.starts_with("me@")), Some(true));
    }
    for profile in ["dev", "prod"] {
        assert_eq!(workstation.value(profile, "region").as_deref(), Some("eu-west-1"));
        assert_eq!(workstation.value(profile, "aws_account_id").as_deref(), Some("111122223333"));
    }
}

#[test]
fn neither_the_log_nor_the_status_holds_a_secret_at_any_level() {
    let mut workstation = Workstation::new(60)
        .role("dev")
        .chained("prod", "dev")
        .role("refused")
        .role_with("hidden", "store = \"private\"")
        .env("EVERTOKEN_LOG", "trace")
        .furnish();
    workstation.sts.deny_role(&arn("refused"), "AccessDenied", "no");
    workstation.launch();
    workstation.wait("the sessions", || workstation.holds("dev") && workstation.holds("prod"));
    for fault in [Fault::CutInside, Fault::portal(), Fault::code("SignatureDoesNotMatch")] {
        workstation.sts.inject(Rule::always(fault));
        let before = workstation.sts.request_count();
        signal_to(workstation.pid(), Signal::USR1);
        workstation.wait("a call in vain", || workstation.sts.request_count() > before);
        workstation.sts.clear();
    }
    let granted = workstation.granted("dev");
    signal_to(workstation.pid(), Signal::USR1);
    workstation.wait("the recovery", || workstation.granted("dev") > granted);
    let statuses = workstation.state_files("status.json");
    assert_eq!(statuses.len(), 1);
    let status = fs::read_to_string(&statuses[0]).expect("status.json");
    let shown = workstation.status().to_string();
    let (code, log) = workstation.stop();
    assert_eq!(code, Some(0));
    assert!(log.contains("TRACE"), "the log is not at trace level");
    let sessions = workstation.sts.sessions();
    let secrets = sessions
        .iter()
        .flat_map(|session| [session.secret_access_key.expose().to_owned(), session.session_token.expose().to_owned()]);
    for secret in secrets.chain([SECRET.to_owned()]) {
        for (name, text) in [("the log", &log), ("status.json", &status), ("status --json", &shown)] {
            assert!(!text.contains(&secret), "{name} holds {secret}");
        }
    }
}

#[test]
fn an_absurd_expiration_makes_no_hot_loop() {
    let workstation = Workstation::new(1).role("dev").start();
    workstation.wait("a session", || workstation.granted("dev") > 0);
    let (before, start) = (workstation.asked("dev"), Instant::now());
    let_pass(4.0);
    let calls = workstation.asked("dev") - before;
    let seconds = start.elapsed().as_secs_f64();
    assert!(calls as f64 <= 1.5 * seconds, "{calls} calls in {seconds} s");
}
