//! A config in another place than the usual one: every command that people and programs are told names it.

use crate::home::{CONFIG, Ended, Home};
use std::process::Command;

const MFA: &str = r#"
[[mfa_session]]
profile = "base-mfa"
source_profile = "base"
mfa_serial = "arn:aws:iam::111122223333:mfa/me"
"#;

/// A home whose config lies where no bare `evertoken` looks, and its `--config` as it is to be told.
fn away() -> (Home, String) {
    let home = Home::new(CONFIG);
    home.hold("vault", 3_000);
    std::fs::remove_file(home.path(".config/evertoken/config.toml")).expect("removed");
    home.write("my alt.toml", &format!("{CONFIG}{MFA}"));
    let flag = format!("--config '{}'", home.path("my alt.toml").display());
    (home, flag)
}

fn run(home: &Home, line: &str) -> Ended {
    let mut command = home.command(line);
    Ended::from(command.arg("--config").arg(home.path("my alt.toml")).output().expect("a run"))
}

#[test]
fn every_command_that_is_told_goes_by_the_same_config() {
    let (home, flag) = away();
    for (line, told) in [
        ("refresh base-mfa", format!("\n  fix: evertoken {flag} login base-mfa\n")),
        ("refresh base-mfa --dry-run", format!("\n  fix: evertoken {flag} login base-mfa\n")),
        ("status", format!("# daemon: not running: evertoken {flag} service install\n")),
        ("check", format!("evertoken is not running: `evertoken {flag} refresh` tries the config once")),
        ("doctor vault --offline", format!("evertoken {flag} service install")),
        ("credential-process base-mfa", format!("; fix: evertoken {flag} login base-mfa\n")),
        ("login base-mfa", format!("\n  fix: evertoken {flag} login base-mfa --code CODE\n")),
    ] {
        let Ended { out, err, .. } = run(&home, line);
        assert!(out.contains(&told) || err.contains(&told), "{line}\n{out}{err}");
        for bare in ["evertoken login", "evertoken refresh", "evertoken service", "evertoken check"] {
            assert!(!out.contains(bare) && !err.contains(bare), "{line}\n{out}{err}");
        }
    }
    let mut command = home.command("exec base-mfa");
    command.arg("--config").arg(home.path("my alt.toml")).args(["--", "true"]);
    let ended = Ended::from(command.output().expect("a run"));
    assert!(ended.err.ends_with(&format!("\nfix: evertoken {flag} login base-mfa\n")), "{ended:?}");
}

/// Also what the daemon has written down.
#[test]
fn a_report_for_tools_names_the_config_too() {
    let (home, flag) = away();
    let status = r#"{"version": 1, "config": "", "credentials_file": "", "clock_skew_seconds": 0,
        "daemon": {"running": false, "responding": false, "pid": null, "version": null, "since": null, "next_wakeup": null},
        "profiles": [{"profile": "base-mfa", "role_arn": null, "source": "base", "store": "private", "state": "waiting",
            "expires": null, "expires_in_seconds": null, "next_refresh": null, "last_refresh": null,
            "error": {"class": "source", "code": null, "message": "an MFA code is due", "fix": "evertoken login base-mfa",
                "since": "2026-11-21T15:04:05Z", "attempts": 1}}]}"#;
    evertoken::shell::store::write_status(&home.places(), status.as_bytes()).expect("a status");
    let json: serde_json::Value = serde_json::from_str(&run(&home, "status --json").out).expect("JSON");
    assert_eq!(json["profiles"][2]["error"]["fix"], format!("evertoken {flag} login base-mfa"));
    let json: serde_json::Value =
        serde_json::from_str(&run(&home, "doctor base-mfa --json --offline").out).expect("JSON");
    assert!(json["findings"].to_string().contains(&format!("evertoken {flag} login base-mfa")), "{json}");
}

/// The line works in a program that was started anywhere.
#[test]
fn the_line_for_the_aws_config_is_answered_by_the_same_config() {
    let (home, flag) = away();
    let program = env!("CARGO_BIN_EXE_evertoken");
    let line = format!("credential_process = {program} {flag} credential-process vault");
    let told = run(&home, "doctor vault --offline").out;
    assert!(told.lines().any(|found| found.trim() == line), "{told}");
    let command = line.trim_start_matches("credential_process = ");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).env_clear().env("HOME", home.folder());
    let ended = Ended::from(shell.output().expect("a run"));
    assert!(ended.code == Some(0) && ended.out.contains("token-of-vault"), "{ended:?}");
}

#[test]
fn a_shell_that_finds_the_config_by_its_variable_is_told_no_flag_and_a_program_is() {
    let (home, flag) = away();
    let run = |line: &str| {
        let mut command = home.command(line);
        command.env("EVERTOKEN_CONFIG", home.path("my alt.toml"));
        Ended::from(command.output().expect("a run"))
    };
    assert!(run("refresh base-mfa").out.ends_with("\n  fix: evertoken login base-mfa\n"));
    let told = run("doctor vault --offline").out;
    assert!(told.contains(&format!(" {flag} credential-process vault\n")), "{told}");
    assert!(!told.contains(&format!("evertoken {flag} service")), "{told}");
}
