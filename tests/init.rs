//! `evertoken init` as a person meets it: what it writes, with which modes, and what it never overwrites.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a test runs the binary, looks at files and fails loudly"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const AWS_CONFIG: &str = "[profile dev]\nrole_arn = arn:aws:iam::111122223333:role/Developer\nsource_profile = base\n\
                          [profile base]\nregion = eu-west-1\n";
const CREDENTIALS: &str = "[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\
                           aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n";

struct Home(tempfile::TempDir);

impl Home {
    fn new(aws_config: &str) -> Self {
        // Whoever runs this may let others write by default, and evertoken rightly refuses such folders.
        rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
        let home = Self(tempfile::tempdir().expect("a folder"));
        fs::create_dir(home.path(".aws")).expect("a folder");
        home.write(".aws/config", aws_config);
        home.write(".aws/credentials", CREDENTIALS);
        home
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn write(&self, below: &str, text: &str) {
        fs::write(self.path(below), text).expect("a file");
        fs::set_permissions(self.path(below), fs::Permissions::from_mode(0o600)).expect("a mode");
    }

    fn run(&self, line: &str) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken"));
        command.args(line.split_whitespace()).env_clear().env("HOME", self.0.path()).stdin(Stdio::null());
        let output = command.output().expect("a run");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    fn mode(&self, below: &str) -> u32 {
        fs::metadata(self.path(below)).expect("it is there").permissions().mode() & 0o7777
    }
}

#[test]
fn writes_a_config_that_is_right_and_says_what_to_change() {
    let home = Home::new(AWS_CONFIG);
    let (code, out, err) = home.run("init");
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let path = home.path(".config/evertoken/config.toml");
    assert!(out.starts_with(&format!("wrote {} with 1 profile\n", path.display())), "{out}");
    assert!(out.contains("[profile dev]\n  line 2: # role_arn = arn:aws:iam::111122223333:role/Developer\n"), "{out}");
    assert_eq!((home.mode(".config/evertoken"), home.mode(".config/evertoken/config.toml")), (0o700, 0o600));
    let (code, out, _) = home.run("check");
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("the AWS config has role_arn for \"dev\" too"), "{out}");
    home.write(".aws/config", "[profile base]\nregion = eu-west-1\n");
    assert!(home.run("check").1.contains(": fine; it keeps 1 role fresh in "));
    let left: Vec<_> = fs::read_dir(home.path(".config/evertoken")).expect("a folder").collect();
    assert_eq!(left.len(), 1, "no temporary file stays");
}

#[test]
fn never_overwrites_a_config_and_prints_what_it_lacks() {
    let home = Home::new(AWS_CONFIG);
    assert_eq!(home.run("init --process").0, Some(0));
    let before = fs::read_to_string(home.path(".config/evertoken/config.toml")).expect("a file");
    assert!(before.contains("store          = \"private\"\n"), "{before}");
    let (code, out, err) = home.run("init");
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("exists already") && err.contains("evertoken init --missing"), "{err}");
    // What it said to change has not been changed.
    let (code, out, err) = home.run("init --missing");
    assert_eq!((code, out.as_str()), (Some(0), ""), "{err}");
    assert!(err.contains("[profile dev]\n  line 2: # role_arn = ") && !err.contains("and add"), "{err}");
    assert!(home.run("init --missing --process").2.contains("  and add: credential_process = "));
    home.write(".aws/config", "[profile base]\nregion = eu-west-1\n");
    assert_eq!(home.run("init --missing"), (Some(0), String::new(), String::new()));
    let more = "[profile ops]\nrole_arn = arn:aws:iam::111122223333:role/Operator\nsource_profile = dev\n";
    home.write(".aws/config", &format!("{AWS_CONFIG}{more}"));
    let (code, out, err) = home.run("init --missing");
    assert_eq!(code, Some(0));
    assert!(out.starts_with("[[role]]\nprofile        = \"ops\"\n") && !out.contains("\"dev\"\nrole_arn"), "{out}");
    assert!(err.contains("[profile ops]"), "{err}");
    assert_eq!(fs::read_to_string(home.path(".config/evertoken/config.toml")).expect("a file"), before);
    home.write(".config/evertoken/config.toml", &format!("{before}\n{out}"));
    assert_eq!(home.run("check").0, Some(0));
    assert_eq!(home.run("init --missing").1, "");
}

#[test]
fn writes_nothing_when_there_is_nothing_to_list() {
    let home = Home::new("[profile base]\nregion = eu-west-1\n");
    let (code, _, err) = home.run("init");
    assert_eq!(code, Some(1));
    assert!(err.contains("there is no profile in ") && err.contains("\nfix: `aws configure sso` adds one"), "{err}");
    let (_, smallest) = err.split_once("such as:\n\n").expect("an example");
    assert!(evertoken::engine::config::parse(smallest).is_ok(), "{smallest}");
    assert!(!home.path(".config").exists());
}

#[test]
fn keys_with_a_second_factor_of_their_own_are_a_list() {
    let home = Home::new("[profile base]\nmfa_serial = arn:aws:iam::111122223333:mfa/me\n");
    let (code, out, err) = home.run("init");
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("config.toml with 1 MFA session\n"), "{out}");
    assert_eq!(home.run("check").0, Some(0));
}

/// 40 accounts over SSO, ten roles one on top of the other, MFA, and a second partition.
fn company() -> String {
    let mut text =
        "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n".to_owned();
    let sso = (0..40).map(|account| {
        format!(
            "[profile team{account}]\nsso_session = corp\nsso_account_id = {:012}\nsso_role_name = Developer\n\
             region = eu-west-1\n",
            111_122_220_000_u64 + account
        )
    });
    let chain = (0..10).map(|role| {
        let source = if role == 0 { "team0".to_owned() } else { format!("chain{}", role - 1) };
        format!(
            "[profile chain{role}]\nrole_arn = arn:aws:iam::4444555566{role:02}:role/Hop\nsource_profile = {source}\n"
        )
    });
    text.extend(sso.chain(chain));
    text.push_str(
        "[profile admin]\nrole_arn = arn:aws:iam::111122223333:role/Admin\nsource_profile = base\n\
         mfa_serial = arn:aws:iam::111122223333:mfa/me\nexternal_id = abc-123\nduration_seconds = 14400\n\
         [profile gov]\nrole_arn = arn:aws-us-gov:iam::222233334444:role/Operator\n\
         credential_source = Environment\nregion = us-gov-west-1\n",
    );
    text
}

#[test]
fn a_whole_company_passes_the_check_at_once() {
    for line in ["init", "init --process"] {
        let home = Home::new(&company());
        let (code, out, err) = home.run(line);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
        assert!(out.contains(" with 52 profiles\n"), "{out}");
        let (code, out, err) = home.run("check");
        assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
        assert!(out.contains("12 roles, 40 published sources and 1 MFA session"), "{out}");
        assert!(!out.contains("mistake"), "{out}");
    }
}

/// With this config evertoken would otherwise be asked for a list that it does not have.
#[test]
fn programs_are_told_to_ask_the_config_that_was_written() {
    let home = Home::new(AWS_CONFIG);
    let path = home.path("alt.toml").display().to_string();
    let (code, out, err) = home.run(&format!("init --process --config {path}"));
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let line = format!("{} --config {path} credential-process dev\n", env!("CARGO_BIN_EXE_evertoken"));
    assert!(out.contains(&format!("and add: credential_process = {line}")), "{out}");
    assert!(out.contains(&format!("`evertoken --config {path} check` warns of it")), "{out}");
}
