//! Configs that change under a running daemon, restarts, and roles that leave the list.

use crate::workstation::{Workstation, arn, let_pass, text};
use evertoken::emulator::Outcome;
use rustix::process::Signal;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, Instant};

#[test]
fn a_restart_with_fresh_sessions_calls_nobody_and_writes_nothing() {
    let mut workstation = Workstation::new(600).role("dev").chained("prod", "dev").start_with(&["dev", "prod"]);
    assert_eq!(workstation.stop().0, Some(0));
    let (file, calls) = (workstation.fingerprint(), workstation.sts.request_count());
    workstation.launch();
    workstation.wait("the sessions to be taken up", || workstation.lines(&["goes on with the session"]) == 2);
    workstation.wait("a status", || workstation.status_of("prod")["state"] == "fresh");
    let_pass(1.0);
    assert_eq!(workstation.sts.request_count(), calls, "a call that nobody needed");
    assert_eq!(workstation.fingerprint(), file, "the file was written");
    assert_eq!(workstation.stop().0, Some(0));
    assert_eq!(workstation.fingerprint(), file, "the file was written at the end");
}

#[test]
fn a_changed_role_is_assumed_anew_and_no_other() {
    let workstation = Workstation::new(600).role("dev").role("ops").start_with(&["dev", "ops"]);
    let ops = workstation.key_of("ops");
    let calls = workstation.sts.request_count();
    let changed = workstation.config().replace(&arn("dev"), &arn("Changed"));
    // As an editor saves: a new file, renamed over the old one. No signal.
    fs::write(workstation.path(".config/evertoken/new"), changed).expect("written");
    fs::rename(workstation.path(".config/evertoken/new"), workstation.config_path()).expect("renamed");
    workstation.wait("the changed role", || workstation.granted("Changed") == 1);
    workstation.wait("its session", || {
        let key = workstation.key_of("dev");
        let granted = workstation.sts.requests().into_iter().last().map(|request| request.outcome);
        matches!(granted, Some(Outcome::Granted { access_key_id, .. }) if Some(&access_key_id) == key.as_ref())
    });
    let_pass(1.0);
    assert_eq!(workstation.sts.request_count(), calls + 1, "others were assumed too");
    assert_eq!(workstation.key_of("ops"), ops);
}

#[test]
fn a_config_that_is_wrong_changes_nothing_and_says_where() {
    let workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    let path = workstation.config_path();
    let at = |line: usize, column: usize| format!("{}:{line}:{column}:", path.display());
    let before = workstation.fingerprint();
    let calls = workstation.sts.request_count();
    let good = workstation.config();

    let broken = format!("{good}\n[[role]]\nprofile = \"ops\nrole_arn = \"{}\"\n", arn("ops"));
    let line = 1 + broken.lines().position(|line| line == "profile = \"ops").expect("the line");
    fs::write(&path, &broken).expect("written");
    workstation.signal(Signal::HUP);
    workstation.wait("the broken line to be named", || workstation.log().contains(&at(line, 15)));

    // With a warning before it, which is no reason.
    let unknown = format!("[hooks]\nfailed = [\"true\", \"{{mesage}}\"]\n{good}colour = \"red\"\n");
    let line = unknown.lines().count();
    fs::write(&path, &unknown).expect("written");
    workstation.signal(Signal::HUP);
    workstation.wait("the unknown key to be named", || workstation.log().contains(&at(line, 1)));

    fs::write(&path, "").expect("written");
    workstation.signal(Signal::HUP);
    workstation.wait("the empty config to be named", || workstation.log().contains(&at(1, 1)));

    fs::remove_file(&path).expect("removed");
    workstation.signal(Signal::HUP);
    workstation.wait("the missing config to be named", || workstation.logged(&["there is no config at"]));

    assert!(workstation.lines(&["was not taken over, the old one stays"]) >= 4);
    // One line for each mistake, with the way out and without the excerpt.
    assert!(workstation.logged(&[&at(line, 1), "unknown key", "; "]), "{}", workstation.log());
    assert!(!workstation.log().contains("^^^"), "{}", workstation.log());
    assert_eq!(workstation.lines(&["mesage"]), 0, "{}", workstation.log());
    assert_eq!(workstation.fingerprint(), before);
    assert_eq!(workstation.sts.request_count(), calls);
    workstation.signal(Signal::USR1);
    workstation.wait("the old config to be at work", || workstation.granted("dev") == 2);
}

/// A daemon whose config is saved in two pieces, with three roles in the end; `None` where the machine was so slow that
/// the first piece alone stood still for as long as a config must.
fn saved_in_two_pieces() -> Option<Workstation> {
    let workstation = Workstation::new(600).role("dev").role("ops").start_with(&["dev", "ops"]);
    let whole = format!("{}\n[[role]]\nprofile = \"new\"\nrole_arn = \"{}\"\n", workstation.config(), arn("new"));
    // The first piece is a valid config that lacks a role and the new one.
    let cut = whole.find("\n[[role]]\nprofile = \"ops\"").expect("the second role");
    let mut file = fs::File::create(workstation.config_path()).expect("truncated");
    let start = Instant::now();
    file.write_all(&whole.as_bytes()[..cut]).expect("written");
    workstation.signal(Signal::HUP);
    let_pass(0.3);
    file.write_all(&whole.as_bytes()[cut..]).expect("written");
    drop(file);
    (start.elapsed() < Duration::from_millis(900)).then_some(workstation)
}

#[test]
fn a_half_saved_config_is_taken_over_once_it_is_whole() {
    let workstation = (0..20).find_map(|_| saved_in_two_pieces()).expect("a second in which the machine goes on");
    workstation.wait("the new role", || workstation.holds("new"));
    assert_eq!(workstation.lines(&["keeping sessions fresh", "profiles=1"]), 0, "{}", workstation.log());
    assert_eq!(workstation.lines(&["keeping sessions fresh", "profiles=3"]), 1, "{}", workstation.log());
    assert_eq!(workstation.lines(&["not taken over"]), 0, "{}", workstation.log());
    assert_eq!((workstation.granted("dev"), workstation.granted("ops")), (1, 1));
}

#[test]
fn a_role_off_the_list_keeps_its_keys_until_they_end() {
    // Renewed with 11 s left of it, which is time enough for a slow machine to take the shorter list over.
    let workstation = Workstation::new(20).role("dev").role("gone").start_with(&["dev", "gone"]);
    // Somebody's own keys in our sections.
    let mine = workstation.credentials().replace("[gone]\n", "[gone]\noutput = json\n");
    workstation.replace_credentials(&mine);
    let config = workstation.config();
    let cut = config.find("\n[[role]]\nprofile = \"gone\"").expect("the role");
    fs::write(workstation.config_path(), &config[..cut]).expect("written");
    workstation.wait("the shorter list", || workstation.logged(&["keeping sessions fresh", "profiles=1"]));
    let key = workstation.key_of("gone").expect("still there");
    let ends = |key: &str| {
        let sessions = workstation.sts.sessions();
        sessions.iter().find(|session| session.access_key_id == key).expect("issued").expiration
    };
    let end = ends(&key);
    workstation.wait("our keys to go", || {
        let there = workstation.key_of("gone");
        assert!(there.is_some() || workstation.sts.now() >= end, "the keys went before they ended");
        there.is_none()
    });
    let left = workstation.sections().remove("gone").expect("the section stays");
    assert_eq!(left.into_iter().collect::<Vec<_>>(), [("output".to_owned(), "json".to_owned())]);
    workstation.wait("the other one to go on", || workstation.holds("dev"));
    workstation.wait("a line about it", || workstation.logged(&["took our keys out", "profile=gone"]));
}

#[test]
fn a_wrong_or_missing_config_at_the_start_ends_as_documented() {
    let mut workstation = Workstation::new(600).role("dev").entry("colour = \"red\"").furnish();
    workstation.launch();
    let (code, log) = workstation.ended();
    assert_eq!(code, Some(78), "{log}");
    fs::remove_file(workstation.config_path()).expect("removed");
    workstation.launch();
    let (code, log) = workstation.ended();
    assert_eq!(code, Some(1), "{log}");
    assert_eq!(workstation.sts.request_count(), 0);
    let checked = workstation.evertoken(&["check"]);
    assert_eq!(checked.status.code(), Some(1), "{}", text(&checked.stderr));
}

/// An editor that saves in two steps, and a service that starts between them: the code for a wrong config is for good.
#[test]
fn a_config_that_is_being_saved_at_the_start_is_read_once_it_stands_still() {
    let mut workstation = Workstation::new(600).role("dev").furnish();
    let whole = workstation.config();
    let (half, rest) = whole.split_at(whole.len() - 20);
    fs::write(workstation.config_path(), half).expect("half of it");
    workstation.launch();
    let_pass(0.4);
    let mut file = fs::OpenOptions::new().append(true).open(workstation.config_path()).expect("the file");
    file.write_all(rest.as_bytes()).expect("the rest");
    workstation.wait("the session of dev", || workstation.holds("dev"));
}

/// The keys that a profile with a role of its own signs with stand in the other file.
#[test]
fn keys_that_are_away_for_a_moment_at_the_start_are_no_circle() {
    for content in [None, Some("")] {
        // The role of the AWS config would be asked for at AWS: no test leaves this machine.
        let mut workstation = Workstation::new(600).role("dev").env("HTTPS_PROXY", "http://127.0.0.1:9").furnish();
        let base = format!("[profile base]\nrole_arn = {}\nsource_profile = base\n", arn("base"));
        fs::write(workstation.path(".aws/config"), base).expect("written");
        let keys = workstation.credentials();
        match content {
            None => fs::remove_file(workstation.credentials_path()),
            Some(text) => fs::write(workstation.credentials_path(), text),
        }
        .expect("away");
        workstation.launch();
        workstation.wait("a look at the sources", || workstation.logged(&["circle", "base → base"]));
        workstation.replace_credentials(&keys);
        workstation.wait("a call with them", || workstation.logged(&["asked STS", "profile=base"]));
    }
}

#[test]
fn a_circle_through_the_aws_config_is_not_taken_over() {
    let workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    fs::write(
        workstation.path(".aws/config"),
        format!("[profile tool]\nrole_arn = {}\nsource_profile = dev\n", arn("tool")),
    )
    .expect("written");
    let before = workstation.fingerprint();
    let round = workstation.config().replace("source_profile = \"base\"", "source_profile = \"tool\"");
    fs::write(workstation.config_path(), round).expect("written");
    workstation.wait("the circle to be told", || workstation.log().contains("dev → tool → dev"));
    assert!(workstation.logged(&["the config was not taken over"]), "{}", workstation.log());
    assert_eq!(workstation.fingerprint(), before);
    workstation.signal(Signal::USR1);
    workstation.wait("a refresh by the old config", || workstation.granted("dev") == 2);
}

#[test]
fn a_wider_mode_that_the_config_allows_by_now_is_kept() {
    let workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    let key = workstation.key_of("dev");
    fs::write(workstation.config_path(), format!("file_mode = \"0640\"\n{}", workstation.config())).expect("written");
    workstation.wait("the config", || workstation.lines(&["keeping sessions fresh"]) == 2);
    fs::set_permissions(workstation.credentials_path(), fs::Permissions::from_mode(0o640)).expect("a mode");
    workstation.signal(Signal::USR1);
    workstation.wait("another session", || workstation.holds("dev") && workstation.key_of("dev") != key);
    let mode = fs::metadata(workstation.credentials_path()).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o640, "{}", workstation.log());
}

#[test]
fn network_settings_that_cannot_be_used_are_not_taken_over() {
    let workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    let changed = format!("{}\n[network]\nca_bundle = \"~/none.pem\"\n", workstation.config());
    fs::write(workstation.config_path(), changed).expect("written");
    workstation.wait("the bundle to be named", || {
        workstation.logged(&["the config was not taken over, the old one stays", "none.pem"])
    });
    workstation.signal(Signal::USR1);
    workstation.wait("a refresh by the old config", || workstation.granted("dev") == 2);
}

/// Whoever keeps dotfiles apart moves the folder and links to it.
#[test]
fn a_daemon_whose_credentials_file_has_got_another_place_goes_on_as_the_daemon_of_that_place() {
    let serial = "arn:aws:iam::111122223333:mfa/me";
    let mut workstation = Workstation::new(600).default("source_profile = \"base-mfa\"").role("dev");
    workstation.sts.add_mfa_device(serial, |code| code == "123456");
    workstation = workstation.entry(&format!(
        "[[mfa_session]]\nprofile = \"base-mfa\"\nsource_profile = \"base\"\nmfa_serial = \"{serial}\""
    ));
    let workstation = workstation.start();
    workstation.wait("the code to be due", || workstation.status_of("base-mfa")["state"] == "waiting");
    let entered = workstation.evertoken(&["login", "base-mfa", "--code", "123456"]);
    assert!(entered.status.success(), "{entered:?}");
    workstation.wait("the role", || workstation.holds("dev"));
    workstation.wait("a calm status", || workstation.status_of("dev")["state"] == "fresh");
    let (asked, key) = (workstation.sts.request_count(), workstation.key_of("dev"));
    let places = [("the folder", ".aws", "dotfiles"), ("the file", "dotfiles/credentials", "dotfiles/secrets")];
    for (what, link, target) in places {
        let [link, target] = [link, target].map(|below| workstation.path(below));
        fs::rename(&link, &target).expect("moved");
        symlink(&target, &link).expect("a link");
        workstation.wait(&format!("the daemon behind {what}"), || {
            let status = workstation.status();
            status["daemon"]["responding"] == true && status["daemon"]["pid"] == workstation.pid()
        });
        assert_eq!(workstation.evertoken(&["run"]).status.code(), Some(75), "{what}");
        assert_eq!(workstation.status_of("base-mfa")["state"], "fresh", "{what}");
        assert_eq!((workstation.sts.request_count(), workstation.key_of("dev")), (asked, key.clone()), "{what}");
        assert_eq!(workstation.state_files("credentials").len(), 1, "no keys are left behind {what}");
    }
    workstation.signal(Signal::USR1);
    workstation.wait("another session", || workstation.holds("dev") && workstation.key_of("dev") != key);
    assert!(workstation.path(".aws").is_symlink() && workstation.credentials_path().is_symlink());
}
