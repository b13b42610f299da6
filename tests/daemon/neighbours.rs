//! Other evertoken processes, and other programs that write the same file.

use crate::workstation::{BOUND, Daemon, Workstation, arn, let_pass, signal_to, text, within};
use evertoken::emulator::{Fault, Rule};
use evertoken::shell::environment::Environment;
use evertoken::shell::locks::InstanceLock;
use evertoken::shell::places::Places;
use rustix::process::Signal;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn a_second_daemon_for_the_same_file_names_the_first() {
    let workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    let second = workstation.evertoken(&["run"]);
    let said = text(&second.stderr);
    assert_eq!(second.status.code(), Some(75), "{said}");
    assert!(said.contains(&workstation.pid().to_string()), "{said}");
    assert!(said.contains(&workstation.credentials_path().display().to_string()), "{said}");
    // The same file by another name is the same file.
    std::os::unix::fs::symlink(workstation.credentials_path(), workstation.path("linked")).expect("a link");
    let third = workstation.command(&["run"]).env("AWS_SHARED_CREDENTIALS_FILE", workstation.path("linked")).output();
    assert_eq!(third.expect("it runs").status.code(), Some(75));
    assert_eq!(workstation.sts.request_count(), 1);
}

#[test]
fn a_daemon_whose_state_folder_was_removed_is_found_all_the_same() {
    let mut workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    workstation.wait("a status", || !workstation.state_files("status.json").is_empty());
    // Until nothing is under way any more that would bring it back by itself.
    let_pass(1.5);
    fs::remove_dir_all(workstation.path(".local/state/evertoken")).expect("removed");
    workstation.wait("another lock", || workstation.status()["daemon"]["running"] == true);
    workstation.wait("another status", || workstation.status()["daemon"]["responding"] == true);
    assert_eq!(workstation.status()["daemon"]["pid"], workstation.pid());
    assert_eq!(workstation.evertoken(&["run"]).status.code(), Some(75));
    assert_eq!(workstation.lines(&["WARN", "instance.lock was removed"]), 1, "{}", workstation.log());

    // Two that run all the same: both go on, and only one of them says who runs.
    let places = Places::find(&Environment::from_vars([("HOME", workstation.path(""))]), None, None).expect("places");
    workstation.signal(Signal::STOP);
    fs::remove_file(places.instance_lock()).expect("removed");
    let other = InstanceLock::acquire(&places).expect("free");
    fs::write(places.status_file(), "theirs").expect("written");
    workstation.signal(Signal::CONT);
    let so_far = workstation.granted("dev");
    for round in 1..=2 {
        workstation.signal(Signal::USR1);
        workstation.wait("a refresh", || workstation.granted("dev") == so_far + round);
    }
    workstation.wait("a word", || workstation.logged(&["ERROR", "instance.lock was removed", "another evertoken"]));
    assert_eq!(workstation.stop().0, Some(0));
    assert_eq!(fs::read_to_string(places.status_file()).expect("a status"), "theirs");
    drop(other);
}

#[test]
fn a_second_daemon_for_another_file_runs_beside_it() {
    let workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    let first = workstation.fingerprint();
    let other = workstation.path("other-credentials");
    fs::copy(workstation.credentials_path(), &other).expect("a copy of the source keys");
    let config = workstation.path("other.toml");
    let text = workstation.config().replace("\"dev\"", "\"beside\"").replace(&arn("dev"), &arn("beside"));
    let text = format!("credentials_file = {:?}\n{text}", other.display().to_string());
    fs::write(&config, text).expect("written");
    let second = Daemon::spawn(workstation.command(&["run", "--config", &config.display().to_string()]));
    let there = within(BOUND, || fs::read_to_string(&other).unwrap_or_default().contains("[beside]"));
    assert!(there, "{}", second.log());
    assert_ne!(second.pid(), workstation.pid());
    assert_eq!(workstation.fingerprint(), first);
    assert_eq!(workstation.status()["daemon"]["pid"], workstation.pid());
}

#[test]
fn a_config_that_names_the_file_of_another_daemon_is_turned_down_once_and_disturbs_nothing() {
    let workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    let other = workstation.path("other-credentials");
    fs::copy(workstation.credentials_path(), &other).expect("a copy of the source keys");
    let good = workstation.config();
    let theirs = format!("credentials_file = {:?}\n{good}", other.display().to_string());
    let config = workstation.path("other.toml");
    fs::write(&config, theirs.replace("\"dev\"", "\"beside\"")).expect("written");
    let second = Daemon::spawn(workstation.command(&["run", "--config", &config.display().to_string()]));
    let there = within(BOUND, || fs::read_to_string(&other).unwrap_or_default().contains("[beside]"));
    assert!(there, "{}", second.log());
    fs::write(workstation.config_path(), theirs).expect("written");
    workstation.wait("the other daemon to be named", || {
        workstation.logged(&["not taken over", "keeps", &second.pid().to_string()])
    });
    let_pass(4.0);
    assert_eq!(workstation.lines(&["not taken over"]), 1, "{}", workstation.log());
    assert_eq!(workstation.lines(&["keeping sessions fresh"]), 1, "{}", workstation.log());
    // The old config is still at work; and the new one is taken over once the other daemon has gone.
    workstation.signal(Signal::USR1);
    workstation.wait("a refresh by the old config", || workstation.granted("dev") >= 2);
    drop(second);
    workstation.signal(Signal::HUP);
    workstation.wait("the move", || fs::read_to_string(&other).unwrap_or_default().contains("[dev]"));
}

#[test]
fn a_refused_role_is_told_once_and_refresh_heals_it_for_the_daemon_too() {
    let mut workstation = Workstation::new(600).role("dev").role("locked").furnish();
    workstation.sts.deny_role(&arn("locked"), "AccessDenied", "User is not authorized to perform: sts:AssumeRole");
    workstation.launch();
    workstation.wait("the refusal", || workstation.logged(&["WARN", "AccessDenied", "profile=locked", "fix="]));
    workstation.wait("the other role", || workstation.holds("dev"));
    workstation.wait("a status", || workstation.status_of("locked")["state"] == "refused");
    let error = workstation.status_of("locked")["error"].clone();
    assert_eq!((error["class"].as_str(), error["code"].as_str()), (Some("refused"), Some("AccessDenied")));
    assert!(error["fix"].as_str().is_some_and(|fix| fix.contains("locked")), "{error:#}");
    assert_eq!(workstation.evertoken(&["status"]).status.code(), Some(1));

    let failed = workstation.evertoken(&["refresh", "locked"]);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    assert!(text(&failed.stdout).contains("fix: "), "{}", text(&failed.stdout));

    workstation.sts.allow_role(&arn("locked"));
    let healed = workstation.evertoken(&["refresh", "locked"]);
    assert_eq!(healed.status.code(), Some(0), "{healed:?}");
    workstation.wait("the daemon to adopt it", || workstation.status_of("locked")["state"] == "fresh");
    workstation.wait("the recovery", || workstation.logged(&["the trouble is over", "profile=locked"]));
    let_pass(1.0);
    assert_eq!(workstation.granted("locked"), 1, "the daemon called for what refresh had stored");
    assert_eq!(workstation.granted("dev"), 1);
    assert_eq!(workstation.lines(&["WARN", "AccessDenied"]), 1, "{}", workstation.log());
    assert_eq!(workstation.evertoken(&["status"]).status.code(), Some(0));
}

#[test]
fn twenty_askers_make_one_call() {
    let workstation = Workstation::new(600).role("dev").furnish();
    workstation.sts.inject(Rule::always(Fault::Held));
    let askers: Vec<_> = (0..20)
        .map(|_| {
            let mut command = workstation.command(&["refresh", "dev"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
        })
        .collect();
    assert!(workstation.sts.wait_until(BOUND, |requests| !requests.is_empty()));
    // The others wait for the one; whoever is late finds its session in the file.
    let_pass(1.0);
    assert_eq!(workstation.sts.request_count(), 1, "two calls at once");
    workstation.sts.clear();
    workstation.sts.release();
    for asker in askers {
        let output = asker.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    assert_eq!(workstation.sts.request_count(), 1);
    assert!(workstation.holds("dev"));
}

#[test]
fn a_refresh_that_was_stopped_in_the_midst_of_its_call_keeps_nobody_from_a_session() {
    let workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    workstation.sts.inject(Rule::once(Fault::Hang));
    let stopped = Daemon::spawn(workstation.command(&["refresh", "--force", "dev"]));
    workstation.wait("its call", || workstation.asked("dev") == 2);
    signal_to(stopped.pid(), Signal::STOP);
    workstation.signal(Signal::USR1);
    let asked = Instant::now();
    workstation.wait("a session all the same", || workstation.granted("dev") == 2);
    // Elsewhere after twenty seconds, longer than any call takes.
    assert!(!cfg!(target_os = "linux") || asked.elapsed() < Duration::from_secs(15), "the kernel tells who is stopped");
    let holder = format!("holder={}", stopped.pid());
    assert!(workstation.logged(&["WARN", "holds the refresh lock", &holder]), "{}", workstation.log());
}

#[test]
fn what_another_program_undoes_is_written_again_but_not_for_ever() {
    let workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    let key = workstation.key_of("dev");
    // It writes in place what it has read long ago, and adds a section of its own.
    let theirs = |n: usize| {
        format!(
            "# mine\n[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {}\n[their-{n}]\nregion = x\n",
            crate::workstation::SECRET
        )
    };
    let truce = || workstation.logged(&["another program undid our write to [dev] 4 times"]);
    let mut blows = 0;
    while !truce() {
        fs::write(workstation.credentials_path(), theirs(blows)).expect("written in place");
        workstation.wait("our section or the truce", || truce() || workstation.key_of("dev") == key);
        if !truce() {
            let sections = workstation.sections();
            assert!(sections.contains_key(&format!("their-{blows}")) && sections.contains_key("base"), "{sections:?}");
            // A blow that falls before the daemon knows of its own write does not count for it.
            let_pass(0.5);
        }
        blows += 1;
        assert!(blows <= 8, "no truce:\n{}", workstation.log());
    }
    assert!(blows >= 4, "not written again three times:\n{}", workstation.log());
    let_pass(2.0);
    assert_eq!(workstation.credentials(), theirs(blows - 1), "written a fourth time within a minute");
    assert_eq!(workstation.lines(&["undid our write to [dev]", "writing it again"]), 1, "{}", workstation.log());
    assert_eq!(workstation.asked("dev"), 1, "the session was in memory all the time");
}
