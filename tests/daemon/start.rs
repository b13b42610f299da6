//! What stands in the way of the very start: the daemon says so once, stays, and is up as soon as it can be.

use crate::workstation::{Workstation, let_pass};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::symlink;

struct Case {
    name: &'static str,
    workstation: Workstation,
    /// Puts something in the way.
    hinder: fn(&Workstation),
    /// What is said of it, the way out included.
    said: [&'static str; 2],
    /// Takes it away.
    mend: fn(&Workstation),
}

fn cases() -> Vec<Case> {
    let with_dev = || Workstation::new(600).role("dev");
    vec![
        Case {
            name: "a state folder that is a link",
            workstation: with_dev(),
            hinder: |it| {
                fs::create_dir_all(it.path(".local/state")).expect("a folder");
                symlink("/nowhere", it.path(".local/state/evertoken")).expect("a link");
            },
            said: ["this is a symbolic link", "remove the link: rm "],
            mend: |it| fs::remove_file(it.path(".local/state/evertoken")).expect("removed"),
        },
        Case {
            name: "a file in the place of a folder",
            workstation: with_dev(),
            hinder: |it| {
                fs::create_dir_all(it.path(".local")).expect("a folder");
                fs::write(it.path(".local/state"), "").expect("a file");
            },
            said: [".local/state", "put a folder in its place: mv "],
            mend: |it| fs::remove_file(it.path(".local/state")).expect("removed"),
        },
        Case {
            name: "a CA bundle that is not there",
            workstation: with_dev().entry("[network]\nca_bundle = \"~/corp.pem\""),
            hinder: |_| {},
            said: ["corp.pem", "correct [network]"],
            mend: |it| {
                let bundle = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/network/root.pem");
                fs::copy(bundle, it.path("corp.pem")).expect("a bundle");
            },
        },
    ]
}

#[test]
fn whatever_stands_in_the_way_of_the_start_is_waited_for() {
    for Case { name, workstation, hinder, said, mend } in cases() {
        let mut workstation = workstation.furnish();
        hinder(&workstation);
        workstation.launch();
        workstation.wait(name, || workstation.logged(&["ERROR", "trying again", said[0], said[1]]));
        let_pass(2.5);
        assert_eq!(workstation.lines(&["ERROR"]), 1, "{name} is told once:\n{}", workstation.log());
        mend(&workstation);
        workstation.wait("the session", || workstation.holds("dev"));
        workstation.wait("a calm status", || workstation.status()["daemon"]["running"] == true);
        assert_eq!(workstation.stop().0, Some(0), "{name}");
    }
}

#[test]
fn a_config_outside_of_a_home_that_is_not_there_is_waited_with_until_an_order_to_stop() {
    let mut workstation = Workstation::new(600).role("dev").env("HOME", "/nowhere/home").furnish();
    let config = workstation.config_path().display().to_string();
    for signal in [Signal::TERM, Signal::INT] {
        workstation.launch_with(&["run", "--config", &config]);
        workstation.wait("the home to be missed", || workstation.logged(&["ERROR", "/nowhere/home does not exist"]));
        workstation.signal(signal);
        let (code, log) = workstation.ended();
        assert_eq!(code, Some(0), "{log}");
    }
}

#[test]
fn a_mended_config_is_a_reason_to_try_again_at_once_and_a_broken_one_none_to_end() {
    let mut workstation = Workstation::new(600).role("dev").furnish();
    let (config, path) = (workstation.config(), workstation.config_path());
    let write = |text: &str| fs::write(&path, text).expect("a config");
    write(&format!("{config}[network]\nca_bundle = \"~/corp.pem\"\n"));
    workstation.launch();
    workstation.wait("the bundle to be missed", || workstation.logged(&["ERROR", "trying again", "corp.pem"]));
    write("[[role]]\nprofile = \"dev\"\nrole_arn = \"nonsense\"\n");
    workstation.wait("the mistake", || workstation.logged(&["ERROR", "the old one stays", "not the ARN"]));
    write(&config);
    workstation.wait("the session", || workstation.holds("dev"));
}
