//! What is the same for every command: its line, its output, its limits.

use crate::home::{CONFIG, Ended, Home};
use evertoken::emulator::{Emulator, Settings};
use evertoken::shell::known_skew::recall;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn an_unknown_profile_ends_with_2_and_the_list() {
    let home = Home::new(CONFIG);
    for line in ["credential-process prod", "exec prod -- true", "purge prod"] {
        let ended = home.run(line);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{line}");
        assert!(
            ended.err.contains("profile prod is neither") || ended.err.contains("lists dev, vault"),
            "{}",
            ended.err
        );
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let home = Home::new(CONFIG);
    for line in ["status", "man", "completions bash", "--help", "check"] {
        let mut command = home.command(line);
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let ended = Ended::from(command.stdout(writer).output().expect("a run"));
        assert_eq!(ended.err, "", "{line}");
        assert!(matches!(ended.code, Some(0 | 3)), "{line}: {ended:?}");
    }
}

/// Whoever can write the config would have a program of theirs run.
#[test]
#[cfg(target_os = "linux")]
fn an_answer_that_cannot_be_written_is_no_answer() {
    let home = Home::new(CONFIG);
    for line in ["status", "man", "--help", "help status", "--version"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a device without room");
        let ended = Ended::from(home.command(line).stdout(full).output().expect("a run"));
        assert_eq!(ended.code, Some(1), "{line}: {ended:?}");
        assert!(ended.err.contains("write the answer: No space left on device"), "{line}: {ended:?}");
    }
}

#[test]
fn no_command_runs_a_program_that_others_may_have_named() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let config = CONFIG.replace("http://127.0.0.1:1", &sts.url());
    let home = Home::new(&config);
    home.hold("dev", 3_000);
    // The config names it by itself, or its folder lets others put another one in its place.
    let mfa = "mfa_serial = \"arn:aws:iam::111122223333:mfa/me\"\nmfa_command = [\"/bin/sh\", \"-c\", \"touch $HOME/ran; echo 123456\"]\nunattended = true\n";
    home.write(".config/evertoken/config.toml", &format!("{config}{mfa}"));
    let path = home.path(".config/evertoken/config.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("a mode");
    let run = |line: &str| {
        let ended = home.run(line);
        assert!(!home.path("ran").exists(), "{line}: the program ran");
        ended
    };
    for line in ["refresh", "refresh vault", "login", "login vault", "credential-process vault", "exec vault -- true"] {
        let ended = run(line);
        assert_eq!((ended.code, ended.out.as_str()), (Some(78), ""), "{line}: {ended:?}");
        assert!(ended.err.contains("an mfa_command, programs to run, and others can write"), "{line}: {}", ended.err);
    }
    assert_eq!(run("credential-process vault").err.lines().count(), 1);
    // What stands in the store is nobody's program.
    assert_eq!(run("credential-process dev").code, Some(0));
    assert_eq!(sts.request_count(), 0);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
    home.run("credential-process vault");
    assert!(home.path("ran").exists(), "it would have run");
}

#[test]
fn a_circle_through_the_aws_config_is_told_as_such_before_anybody_is_called() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let home = Home::new(&CONFIG.replace("http://127.0.0.1:1", &sts.url()));
    home.write(".aws/config", "[profile base]\nrole_arn = arn:aws:iam::111122223333:role/Base\nsource_profile = dev\n");
    home.write(".aws/credentials", "");
    for line in ["credential-process dev", "exec dev -- true", "login", "login dev", "refresh"] {
        let ended = home.run(line);
        assert_eq!((ended.code, ended.out.as_str()), (Some(78), ""), "{line}: {ended:?}");
        let circle = "the sources go in a circle through the AWS config: dev → base → dev";
        assert!(ended.err.contains(circle), "{line}: {}", ended.err);
    }
    let ended = home.run("credential-process dev");
    assert!(ended.err.lines().count() == 1 && ended.err.contains("; fix: evertoken check"), "{}", ended.err);
    assert_eq!(sts.request_count(), 0);
    home.hold("dev", 3_000);
    assert_eq!(home.run("credential-process dev").code, Some(0), "what stands in the store needs no source");
}

/// An answer of STS tells the time; whoever looks at the store afterwards must not judge it by a clock that is off.
#[test]
fn one_pass_remembers_how_far_the_clock_is_off() {
    for line in ["refresh dev", "credential-process dev"] {
        let sts = Emulator::start(Settings::default()).expect("an emulator");
        let home = Home::new(&CONFIG.replace("http://127.0.0.1:1", &sts.url()));
        // This machine is two hours ahead: by its own clock every session of an hour has ended long ago.
        sts.set_skew(-7_200);
        let ended = home.run(line);
        assert_eq!(ended.code, Some(0), "{line}: {ended:?}");
        let calls = sts.request_count();
        let known = recall(&home.places());
        assert!((-7_205..=-7_195).contains(&known.skew.seconds()), "{line}: {known:?}");
        let status: serde_json::Value = serde_json::from_str(&home.run("status --json").out).expect("JSON");
        assert_eq!(status["profiles"][0]["state"], "fresh", "{line}: {status:#}");
        assert_eq!(home.run("credential-process dev").code, Some(0), "{line}");
        assert_eq!(sts.request_count(), calls, "{line}: it is known to be fresh");
    }
}

#[test]
fn a_limit_on_file_sizes_is_a_failed_write_and_no_death() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_600);
    let before = home.read(".aws/credentials");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 0 && exec \"$0\" purge dev", env!("CARGO_BIN_EXE_evertoken")]);
    let ended = command.env_clear().env("HOME", home.folder()).env("PATH", "/usr/bin:/bin").output().expect("an end");
    let err = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{:?} {err}", ended.status);
    assert!(err.contains("write ") && err.contains("File too large"), "{err}");
    assert_eq!(home.read(".aws/credentials"), before);
    assert_eq!(home.run("purge dev").code, Some(0), "it works again without the limit");
}

#[test]
fn help_and_version_are_answers_and_not_mistakes() {
    let home = Home::new(CONFIG);
    assert_eq!(home.run("--version").out, format!("evertoken {}\n", env!("CARGO_PKG_VERSION")));
    let help = home.run("help status");
    assert_eq!(help.code, Some(0));
    assert!(help.out.contains("Exit codes: 0 all fresh"), "{}", help.out);
    assert_eq!(home.run("").code, Some(2));
    assert!(home.run("man").out.contains("\n.SH NAME\n"), "a man page");
    for shell in ["bash", "zsh", "fish"] {
        assert!(home.run(&format!("completions {shell}")).out.contains("credential-process"), "{shell}");
    }
}
