//! Hooks: once per cause, told everything, and never in the way.

use crate::script::script;
use crate::workstation::{Workstation, let_pass};
use evertoken::emulator::{Fault, Rule};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A hook that notes each run as one line: its arguments, then what its environment says.
fn noting(workstation: &Workstation) -> String {
    let path = workstation.path("note");
    // Hooks run side by side: one write for each line.
    let body = "line=$(printf '%s|' \"$@\" \"$EVERTOKEN_PROFILE\" \"$EVERTOKEN_STATE\" \"$EVERTOKEN_MESSAGE\")\n\
                echo \"$line\" >> \"$HOME/notes\"";
    script(&path, &format!("#!/bin/sh\n{body}\n"));
    path.display().to_string()
}

fn notes(workstation: &Workstation, kind: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(workstation.path("notes")).unwrap_or_default();
    let words = text.lines().map(|line| line.split('|').map(str::to_owned).collect::<Vec<_>>());
    words.filter(|words| words[0] == kind).collect()
}

#[test]
fn hooks_run_once_per_cause_and_are_told_everything() {
    let mut workstation = Workstation::new(600);
    let note = noting(&workstation);
    let names: Vec<String> = (0..10).map(|n| format!("role-{n}")).collect();
    for name in &names {
        workstation = workstation.role(name);
    }
    let hook =
        |kind: &str| format!("{kind} = [{note:?}, \"{kind}\", \"{{profile}}\", \"{{state}}\", \"{{message}}\"]\n");
    let hooks = format!("[hooks]\n{}{}{}", hook("failed"), hook("recovered"), hook("refreshed"));
    let workstation = workstation.entry(&hooks).start();
    workstation.wait("the sessions", || names.iter().all(|name| workstation.holds(name)));
    workstation.wait("each refresh in one hook", || {
        let runs = notes(&workstation, "refreshed");
        let told: Vec<&str> = runs.iter().flat_map(|words| words[1].split(", ")).collect();
        names.iter().all(|name| told.iter().filter(|one| *one == name).count() == 1)
    });

    workstation.sts.inject(Rule::always(Fault::code("ServiceUnavailable")));
    workstation.signal(Signal::USR1);
    let told = |kind: &str, name: &str| {
        let runs = notes(&workstation, kind);
        runs.iter().flat_map(|words| words[1].split(", ")).filter(|one| *one == name).count()
    };
    workstation.wait("the trouble to be told", || !notes(&workstation, "failed").is_empty());
    workstation.wait("more attempts", || {
        names.iter().all(|name| workstation.status_of(name)["error"]["attempts"].as_u64() >= Some(3))
    });
    let told_of_it = || {
        let failed = notes(&workstation, "failed").into_iter();
        failed.filter(|words| words[3].contains("ServiceUnavailable")).collect::<Vec<_>>()
    };
    let failed = told_of_it();
    // One, though two of the ten meet the trouble only later: no more than eight calls are under way at once.
    let [run] = failed.as_slice() else { panic!("{failed:#?}") };
    let [_, profile, state, message, of_environment @ ..] = run.as_slice() else { panic!("{run:?}") };
    assert!(profile.contains("role-0"), "{profile}");
    assert_eq!(state, "retrying");
    assert_eq!(of_environment[..3], [profile.clone(), state.clone(), message.clone()]);

    workstation.sts.clear();
    workstation.wait("the hook for the recovery", || !notes(&workstation, "recovered").is_empty());
    workstation.wait("all to be fresh", || names.iter().all(|name| workstation.status_of(name)["state"] == "fresh"));
    let_pass(1.5);
    let recovered = notes(&workstation, "recovered");
    assert!(names.iter().all(|name| told("recovered", name) == 1), "{recovered:#?}");
    assert_eq!(told_of_it().len(), 1);
}

#[test]
fn a_hook_that_hangs_holds_nothing_up() {
    let workstation = Workstation::new(6).role("dev");
    let path = workstation.path("hang");
    // Ends with the home of this test.
    let body = "#!/bin/sh\necho run >> \"$HOME/runs\"\nwhile [ -e \"$0\" ]; do sleep 0.2; done\n";
    script(&path, body);
    let mut workstation =
        workstation.entry(&format!("[hooks]\nrefreshed = [{:?}]", path.display().to_string())).start();
    workstation.wait("the hook", || workstation.path("runs").exists());
    // More than may run at once.
    workstation.wait("refreshes to go on", || workstation.granted("dev") >= 6);
    assert!(workstation.holds("dev"));
    assert_eq!(workstation.stop().0, Some(0));
}

#[test]
fn what_only_a_person_can_bring_is_announced_once_before_its_end() {
    let serial = "arn:aws:iam::111122223333:mfa/me";
    let mut workstation = Workstation::new(600).default("source_profile = \"base-mfa\"").role("dev");
    workstation.sts.add_mfa_device(serial, |code| code == "123456");
    let note = noting(&workstation);
    workstation = workstation.entry(&format!(
        "[[mfa_session]]\nprofile = \"base-mfa\"\nsource_profile = \"base\"\nmfa_serial = \"{serial}\"\n\n\
         [hooks]\nexpiring = [{note:?}, \"expiring\", \"{{profile}}\", \"{{state}}\", \"{{message}}\"]\n"
    ));
    let workstation = workstation.start();
    workstation.wait("the code to be due", || workstation.status_of("base-mfa")["state"] == "waiting");
    let entered = workstation.evertoken(&["login", "base-mfa", "--code", "123456"]);
    assert!(entered.status.success(), "{entered:?}");
    workstation.wait("the role", || workstation.holds("dev"));
    // The session lives for ten minutes: its end is less than an hour away.
    workstation.wait("the hook", || !notes(&workstation, "expiring").is_empty());
    workstation.signal(Signal::USR1);
    workstation.wait("another session of the role", || workstation.granted("dev") >= 2);
    let told = notes(&workstation, "expiring");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0][1], "base-mfa");
    assert!(told[0][3].contains("evertoken login base-mfa"), "{told:?}");
}

/// The config is refused as a whole: what it says has to be looked at first.
#[test]
fn a_config_that_others_can_write_by_now_gets_no_programs_run() {
    let workstation = Workstation::new(600).role("dev");
    let note = noting(&workstation);
    let mut workstation = workstation.start_with(&["dev"]);
    let folder = workstation.config_path().parent().expect("a folder").to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("a mode");
    let hooked = format!("{}\n[hooks]\nrefreshed = [{note:?}, \"refreshed\"]\n", workstation.config());
    fs::write(workstation.config_path(), &hooked).expect("a config");
    workstation.wait("the refusal", || workstation.logged(&["the config was not taken over", "this config has hooks"]));
    let key = workstation.key_of("dev");
    workstation.signal(Signal::USR1);
    workstation.wait("a new session", || workstation.key_of("dev") != key && workstation.holds("dev"));

    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("a mode");
    assert_eq!(notes(&workstation, "refreshed").len(), 0);
    workstation.signal(Signal::HUP);
    // Which of them comes after the new config is not known: so ask until one does.
    workstation.wait("the hook", || {
        workstation.signal(Signal::USR1);
        let_pass(0.5);
        !notes(&workstation, "refreshed").is_empty()
    });
    assert_eq!(workstation.lines(&["config was not taken over"]), 1, "{}", workstation.log());
    assert_eq!(workstation.stop().0, Some(0));
}

/// Whoever reads it has a shell that knows nothing of the environment of the daemon.
#[test]
fn a_way_out_names_the_config_where_it_is_not_the_usual_one() {
    let workstation = Workstation::new(600);
    let note = noting(&workstation);
    let other = workstation.path("other.toml");
    let mut workstation = workstation.env("EVERTOKEN_CONFIG", &other.display().to_string()).entry(&format!(
        "[[mfa_session]]\nprofile = \"base-mfa\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/me\"\n\n\
         [hooks]\nfailed = [{note:?}, \"failed\", \"{{fix}}\"]\n"
    ));
    fs::write(&other, workstation.config()).expect("a config");
    workstation.launch();
    workstation.wait("the hook", || !notes(&workstation, "failed").is_empty());
    let fix = format!("evertoken --config {} login base-mfa", other.display());
    assert_eq!(notes(&workstation, "failed")[0][1], fix);
    assert!(workstation.log().contains(&fix), "{}", workstation.log());
}
