//! The commands as a user runs them: the real binary in a miniature home of its own, without a daemon and without AWS.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a test runs the binary, looks at files and fails loudly"
)]

use evertoken::emulator::{Emulator, Settings};
use evertoken::engine::config::parse;
use evertoken::engine::credentials_file::{Edit, Publication};
use evertoken::engine::names::ProfileName;
use evertoken::engine::secret::Secret;
use evertoken::engine::session::{Keys, Session};
use evertoken::engine::time::WallTime;
use evertoken::shell::clock;
use evertoken::shell::environment::Environment;
use evertoken::shell::known_skew::recall;
use evertoken::shell::locks::InstanceLock;
use evertoken::shell::places::Places;
use evertoken::shell::store::Stores;
#[cfg(target_os = "linux")]
use rustix::fs::{Mode, OFlags, open};
#[cfg(target_os = "linux")]
use rustix::process::{Pid, Signal, kill_process};
#[cfg(target_os = "linux")]
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs;
#[cfg(target_os = "linux")]
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const CONFIG: &str = r#"
[defaults]
region = "eu-west-1"
sts_endpoint = "http://127.0.0.1:1"

[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
source_profile = "base"

[[role]]
profile = "vault"
role_arn = "arn:aws:iam::111122223333:role/Vault"
source_profile = "base"
store = "private"
"#;

const CREDENTIALS: &str = "# mine\n[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\
                           aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n";

/// A home folder that is gone when the test is over.
struct Home(tempfile::TempDir);

impl Home {
    fn new(config: &str) -> Self {
        // Whoever runs this may let others write by default, and evertoken rightly refuses such folders.
        rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
        let home = Self(tempfile::tempdir().expect("a folder"));
        home.write(".config/evertoken/config.toml", config);
        home.write(".aws/credentials", CREDENTIALS);
        home
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
    }

    fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).expect("a file")
    }

    fn environment(&self) -> Environment {
        Environment::from_vars([("HOME", self.0.path())])
    }

    fn places(&self) -> Places {
        Places::find(&self.environment(), None, None).expect("places")
    }

    /// Puts a session for `profile` where the daemon would, ending `left` seconds from now.
    fn hold(&self, profile: &str, left: i64) {
        let config = parse(&self.read(".config/evertoken/config.toml")).expect("a config").config;
        let entry = config.entry(profile).expect("an entry");
        let now = clock::now();
        let session = Session {
            keys: Keys {
                access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
                secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                session_token: Some(Secret::new(format!("token-of-{profile}"))),
            },
            account_id: Some("111122223333".to_owned()),
            issued: (now - Duration::from_secs(3_600)).whole_seconds(),
            expiration: WallTime::from_unix_seconds(now.unix_seconds() + left),
            digest: entry.digest.clone(),
            allowed: None,
        };
        let publication = Publication {
            profile: ProfileName::parse(profile).expect("a name"),
            session,
            region: entry.region.clone(),
            adopt: false,
        };
        let stores = Stores::new(self.places(), 0o600);
        stores.apply(entry.store, &[Edit::Put(Box::new(publication))]).expect("a written file");
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken"));
        command.args(line.split_whitespace()).env_clear().env("HOME", self.0.path()).env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, line: &str) -> Ended {
        Ended::from(self.command(line).output().expect("a run"))
    }
}

#[derive(Debug, PartialEq)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

#[test]
fn check_says_what_will_happen() {
    let home = Home::new(CONFIG);
    let ended = home.run("check");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let expected = format!(
        "{}: fine; it keeps 2 roles fresh in {} and {}\n\
         evertoken is not running: `evertoken refresh` tries the config once, `evertoken service install` keeps it up\n",
        home.path(".config/evertoken/config.toml").display(),
        home.path(".aws/credentials").display(),
        home.places().private_store().display()
    );
    assert_eq!((ended.out, ended.err), (expected, String::new()));
    assert!(!home.path(".local").exists(), "check changes nothing");
}

#[test]
fn check_tells_every_mistake_at_its_line_and_ends_with_78() {
    let home = Home::new("[[role]]\nprofile = \"dev\"\nrole_arm = \"x\"\nduration = \"13h\"\n");
    let ended = home.run("check");
    assert_eq!(ended.code, Some(78), "{ended:?}");
    let path = home.path(".config/evertoken/config.toml");
    for line in [3, 4] {
        assert!(ended.err.contains(&format!("{}:{line}:", path.display())), "{}", ended.err);
    }
    // The same for every command that needs the config.
    for line in ["status", "credential-process dev", "exec dev -- true", "purge"] {
        assert_eq!(home.run(line).code, Some(78), "{line}");
    }
}

#[test]
fn a_config_that_is_missing_ends_with_1() {
    let home = Home::new(CONFIG);
    fs::remove_file(home.path(".config/evertoken/config.toml")).expect("removed");
    let ended = home.run("status");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.starts_with("evertoken: there is no config at "), "{}", ended.err);
    let elsewhere = home.path("other.toml");
    home.write("other.toml", CONFIG);
    assert_eq!(home.run(&format!("check --config {}", elsewhere.display())).code, Some(0));
    let mut named = home.command("check");
    named.env("EVERTOKEN_CONFIG", &elsewhere);
    assert_eq!(named.status().expect("a run").code(), Some(0));
}

#[test]
fn check_warns_of_what_surrounds_the_config() {
    let home = Home::new(CONFIG);
    home.write(".aws/credentials", &format!("{CREDENTIALS}\n[dev]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY\n"));
    fs::set_permissions(home.path(".aws/credentials"), fs::Permissions::from_mode(0o644)).expect("a mode");
    let ended = home.run("check");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains(" has mode 0644 and will get 0600 "), "{}", ended.out);
    assert!(ended.out.contains("the section of profile dev in line "), "{}", ended.out);
    assert!(ended.out.contains(&format!(
        "; it keeps 2 roles fresh in {} and {}\n",
        home.path(".aws/credentials").display(),
        home.places().private_store().display()
    )));
    assert!(!ended.out.contains("je7MtGbClwBF"), "a secret of the user's");
}

/// Botocore takes keys before it asks a program, and never renews them.
#[test]
fn check_calls_keys_beside_a_question_to_evertoken_a_mistake_and_prints_the_right_lines() {
    let home = Home::new(CONFIG);
    let asking = |name: &str, asked: &str| {
        format!(
            "[profile {name}]\nregion = eu-west-3\ncredential_process = /opt/evertoken credential-process {asked}\n"
        )
    };
    home.write(".aws/config", &(asking("vault", "vault") + &asking("else", "nobody")));
    let ended = home.run("check");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.out.contains("warning: profile \"else\" of the AWS config asks evertoken for \"nobody\""),
        "{ended:?}"
    );
    assert!(ended.out.contains("config.toml: 1 warning; it keeps "), "{ended:?}");

    home.write(".aws/config", &asking("dev", "dev"));
    let ended = home.run("check");
    assert_eq!(ended.code, Some(78), "{ended:?}");
    for expected in [
        "config.toml:7:11: the AWS config has programs ask evertoken for \"dev\"",
        "hint: add store = \"private\" to this entry",
        "\n  [profile dev-live]\n  region = eu-west-3\n  credential_process = /opt/evertoken credential-process dev\n",
        "config.toml: 1 mistake; evertoken cannot do its work before it is corrected\n",
    ] {
        assert!(ended.out.contains(expected), "{expected}: {}", ended.out);
    }
    // Which is what it takes.
    home.write(".aws/config", &asking("dev-live", "dev"));
    assert!(home.run("check").out.contains("config.toml: fine; "));
}

/// A service does not have the PATH of anybody's shell.
#[cfg(target_os = "linux")]
#[test]
fn check_looks_for_helpers_and_hooks_where_the_service_will() {
    let home = Home::new(&format!(
        "{CONFIG}\n[hooks]\nfailed = [\"notify-me\", \"{{message}}\"]\nrefreshed = [\"sh\", \"x\"]\nrecovered = [\"~/bin/gone\"]\n\
         expiring = [\"bin/notify-me\"]\n\n[[mfa_session]]\nprofile = \"base-mfa\"\nsource_profile = \"base\"\n\
         mfa_serial = \"arn:aws:iam::111122223333:mfa/me\"\nmfa_command = [\"print-code\"]\nunattended = true\n\n\
         [[role]]\nprofile = \"by-process\"\nrole_arn = \"arn:aws:iam::111122223333:role/X\"\nsource_profile = \"keys\"\n"
    ));
    home.write(".aws/config", "[profile keys]\ncredential_process = 'give-keys' --quietly\n");
    for name in ["notify-me", "print-code", "give-keys"] {
        home.write(&format!("bin/{name}"), "#!/bin/sh\n");
        fs::set_permissions(home.path(&format!("bin/{name}")), fs::Permissions::from_mode(0o700)).expect("a mode");
    }
    let bin = home.path("bin").display().to_string();
    let check = || {
        let mut command = home.command("check");
        Ended::from(command.env("PATH", format!("{bin}:/usr/bin:/bin")).output().expect("a run"))
    };
    let ended = check();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let of_systemd = "which is in no folder of the service's PATH: /usr/local/bin:/usr/bin:/bin (what systemd gives to a service; yours \
         may add to it: systemctl --user show-environment)";
    for (key, name) in [
        ("the hook `failed`", "notify-me"),
        ("mfa_command of profile base-mfa", "print-code"),
        ("credential_process of profile keys in the AWS config", "give-keys"),
    ] {
        let expected = format!("warning: {key} starts {name}, {of_systemd}\nhint: write {bin}/{name} instead, or ");
        assert!(ended.out.contains(&expected), "{expected}\n{}", ended.out);
    }
    assert!(ended.out.contains(&format!("starts {bin}/gone, which is not there or cannot be run")), "{}", ended.out);
    assert!(ended.out.contains("`expiring` starts bin/notify-me, a path that depends on where"), "{}", ended.out);
    assert!(!ended.out.contains("`refreshed`"), "sh is everywhere: {}", ended.out);

    // What an installed unit carries counts instead, and what is changed there wins.
    home.write(".config/systemd/user/evertoken.service", "[Service]\nEnvironment=\"PATH=/usr/bin:/bin\"\n");
    let unit = home.path(".config/systemd/user/evertoken.service").display().to_string();
    assert!(check().out.contains(&format!("the service's PATH: /usr/bin:/bin ({unit})")), "{}", check().out);
    home.write(
        ".config/systemd/user/evertoken.service.d/50.conf",
        "[Service]\nEnvironment=A=b PATH=%h/bin:/usr/bin:/bin\n",
    );
    let ended = check();
    assert!(!ended.out.contains("service's PATH"), "{}", ended.out);
}

#[test]
fn a_config_that_others_can_write_may_name_no_programs() {
    let hooks = "\n[hooks]\nfailed = [\"true\"]\n";
    let mfa = "\n[[mfa_session]]\nprofile = \"m\"\nsource_profile = \"base\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/me\"\n\
               mfa_command = [\"true\"]\n";
    for (more, what) in [(hooks, "hooks"), (mfa, "an mfa_command")] {
        let home = Home::new(&format!("{CONFIG}{more}"));
        assert_eq!(home.run("check").code, Some(0), "{:?}", home.run("check"));
        for (path, good, bad) in [(".config/evertoken/config.toml", 0o600, 0o602), (".config", 0o700, 0o777)] {
            let mode = |mode| fs::set_permissions(home.path(path), fs::Permissions::from_mode(mode)).expect("a mode");
            mode(bad);
            let shown = home.path(path).display().to_string();
            let checked = home.run("check");
            assert_eq!(checked.code, Some(78), "{checked:?}");
            let told = format!(
                "{what}, programs to run, and others can write to {shown} (mode 0{bad:o})\nhint: chmod go-w {shown}"
            );
            assert!(checked.out.contains(&told), "{told}\n{}", checked.out);
            let run = home.run("run");
            assert_eq!(run.code, Some(78), "{run:?}");
            assert!(run.err.contains(&told), "{told}\n{}", run.err);
            // Nothing is run by these.
            assert_eq!(home.run("status").code, Some(3));
            mode(good);
        }
        // Others may put files of their own there, and not touch this one.
        fs::set_permissions(home.path(".config"), fs::Permissions::from_mode(0o1777)).expect("a mode");
        assert_eq!(home.run("check").code, Some(0));
        fs::set_permissions(home.path(".config"), fs::Permissions::from_mode(0o700)).expect("a mode");
        // A link is only as good as the folder of what it leads to.
        home.write("shared/config.toml", &home.read(".config/evertoken/config.toml"));
        fs::set_permissions(home.path("shared"), fs::Permissions::from_mode(0o777)).expect("a mode");
        fs::remove_file(home.path(".config/evertoken/config.toml")).expect("removed");
        std::os::unix::fs::symlink(home.path("shared/config.toml"), home.path(".config/evertoken/config.toml"))
            .expect("a link");
        assert_eq!(home.run("check").code, Some(78));
        // Without programs nobody is the worse for it.
        home.write("shared/config.toml", CONFIG);
        assert_eq!(home.run("check").code, Some(0));
    }
}

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
    let before = traces(home.0.path());
    for line in ["credential-process dev", "exec dev -- true"] {
        assert_eq!(home.run(line).code, Some(0), "{line}");
    }
    assert!(home.run("credential-process dev").out.contains("token-of-dev"));
    assert_eq!(traces(home.0.path()), before, "nothing is written");
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
    // Where nothing better is to be had, it is handed out until its end.
    home.hold("vault", 3_000);
    sts.deny_role("arn:aws:iam::111122223333:role/Other", "AccessDenied", "no");
    assert!(home.run("credential-process vault").out.contains("token-of-vault"));
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
fn exec_becomes_the_command_in_an_environment_without_shadows() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    let mut command = home.command("exec dev -- env");
    // What any SDK takes before the profile, or for a part of the keys it has found.
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_ACCESS_KEY",
        "AWS_SECRET_KEY",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_CREDENTIAL_SCOPE",
        "AWS_SESSION_EXPIRATION",
        "AWS_ACCOUNT_ID",
        "AWS_DEFAULT_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ] {
        command.env(name, "stale");
    }
    let kept = ["AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/", "AWS_REGION=eu-west-3", "MINE=kept"];
    command.env("AWS_PROFILE", "other").envs(kept.iter().filter_map(|pair| pair.split_once('=')));
    let ended = Ended::from(command.output().expect("a run"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ours = ["AWS_", "EVERTOKEN_", "MINE"];
    let mut found: Vec<&str> =
        ended.out.lines().filter(|line| ours.iter().any(|name| line.starts_with(name))).collect();
    found.sort_unstable();
    assert_eq!(found, [kept[0], "AWS_PROFILE=dev", kept[1], kept[2]]);
}

#[test]
fn exec_ends_as_the_command_does() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    let shell = |script: &str| home.command("exec dev -- sh -c").arg(script).status().expect("a run");
    assert_eq!(shell("exit 7").code(), Some(7));
    assert_eq!(shell("kill -TERM $$").signal(), Some(15));
    assert_eq!(shell("kill -KILL $$").signal(), Some(9));
    let code = |line: &str| home.run(line).code;
    assert_eq!(code("exec dev -- no-such-program"), Some(127));
    assert_eq!(code("exec dev -- /etc"), Some(126));
    assert_eq!(code("exec dev"), Some(2));
    // Words stay words, and standard input is the command's.
    let mut command = home.command("exec dev -- sh -c");
    command
        .args(["cat; printf '%s|' \"$@\"", "sh", "two words", "--config", "*"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("a child");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"typed ").expect("written");
    let output = child.wait_with_output().expect("an end");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "typed two words|--config|*|");
}

/// What a shell or a service manager sends to the process that it started reaches the command, and so does what is typed at
/// the terminal, which stays the command's. (HUP and INT are ignored below `nohup` and in the background of a script, and no
/// shell can trap what was ignored before it.)
#[cfg(target_os = "linux")]
#[test]
fn exec_hands_on_signals_and_the_terminal() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    let wait_for = |shown: &mut dyn Read, word: &str| {
        let mut text = String::new();
        let mut some = [0; 256];
        while !text.contains(word) {
            let length = shown.read(&mut some).unwrap_or_else(|error| panic!("{error} after {text:?}"));
            assert!(length > 0, "it ended after {text:?}");
            text.push_str(&String::from_utf8_lossy(&some[..length]));
        }
        text
    };
    for (name, signal) in [("TERM", Signal::TERM), ("USR1", Signal::USR1), ("USR2", Signal::USR2)] {
        let script = format!("trap 'exit 9' {name}; echo ready; for i in $(seq 600); do sleep 0.1; done");
        let mut command = home.command("exec dev -- sh -c");
        let mut child = command.arg(script).stdout(Stdio::piped()).spawn().expect("a child");
        wait_for(&mut child.stdout.take().expect("a pipe"), "ready");
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("sent");
        assert_eq!(child.wait().expect("an end").code(), Some(9), "{name}");
    }

    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&master).expect("a terminal");
    unlockpt(&master).expect("a terminal");
    let name = ptsname(&master, Vec::new()).expect("its name");
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = || Stdio::from(open(name.as_c_str(), flags, Mode::empty()).expect("its other side"));
    let exec = home.command("exec dev -- sh -c");
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(exec.get_program()).args(exec.get_args());
    command.arg("tty; echo ready; read word; [ \"$word\" = go ] && exit 9");
    command.env_clear().envs(exec.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = command.stdin(slave()).stdout(slave()).stderr(slave()).spawn().expect("a child");
    drop(command);
    let mut terminal = fs::File::from(master);
    let shown = wait_for(&mut terminal, "ready");
    assert!(shown.contains(&*name.to_string_lossy()), "{shown}");
    std::io::Write::write_all(&mut terminal, b"go\n").expect("typed");
    assert_eq!(child.wait().expect("an end").code(), Some(9));
}

/// Also when a pass had to be made first, with its runtime and its threads.
#[cfg(target_os = "linux")]
#[test]
fn exec_leaves_the_command_the_usual_signals_and_its_core_files() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let home = Home::new(&CONFIG.replace("http://127.0.0.1:1", &sts.url()));
    home.hold("dev", 3_000);
    let script = ["-c", "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status; ulimit -c"];
    let usual = |output: Output| -> Vec<String> {
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(text.starts_with("SigBlk:"), "{text}");
        // 32 and 33 belong to the threads of the C library, in whoever started this and in evertoken.
        let mask = |line: &str| Some(u64::from_str_radix(line.split_once('\t')?.1, 16).ok()? & 0x7fff_ffff);
        text.lines().map(|line| mask(line).map_or(line.to_owned(), |mask| format!("{mask:x}"))).collect()
    };
    let plain = usual(Command::new("sh").args(script).output().expect("a run"));
    assert_eq!(usual(home.command("exec dev -- sh").args(script).output().expect("a run")), plain);
    assert_eq!(sts.request_count(), 0);
    home.hold("dev", -10);
    assert_eq!(usual(home.command("exec dev -- sh").args(script).output().expect("a run")), plain);
    assert_eq!(sts.request_count(), 1);
}

/// A program below it that asks evertoken must not be answered by another config.
#[test]
fn exec_hands_on_the_config_that_was_named() {
    let home = Home::new(CONFIG);
    home.write("other.toml", CONFIG);
    home.hold("dev", 3_000);
    let named = format!("EVERTOKEN_CONFIG={}", home.path("other.toml").display());
    let line = format!("exec dev --config {} -- env", home.path("other.toml").display());
    assert!(home.run(&line).out.lines().any(|line| line == named));
    assert!(!home.run("exec dev -- env").out.contains("EVERTOKEN_CONFIG"));
}

#[test]
fn exec_finds_the_files_that_the_config_names() {
    let home = Home::new(&format!("credentials_file = \"~/.aws/credentials\"\n{CONFIG}"));
    home.hold("dev", 3_000);
    let shared = format!("AWS_SHARED_CREDENTIALS_FILE={}", home.path(".aws/credentials").display());
    assert!(home.run("exec dev -- env").out.lines().any(|line| line == shared));
    // A private session stands in no file that the command would read by itself.
    home.hold("vault", 3_000);
    let private = format!("AWS_SHARED_CREDENTIALS_FILE={}", home.places().private_store().display());
    assert!(home.run("exec vault -- env").out.lines().any(|line| line == private));
    home.write(".aws/config", "[profile vault]\ncredential_process = evertoken credential-process vault\n");
    assert!(!home.run("exec vault -- env").out.lines().any(|line| line == private));
}

#[test]
fn purge_takes_back_what_is_ours_and_nothing_else() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    home.hold("vault", 3_000);
    let before = home.read(".aws/credentials");
    let state = home.places().state().to_owned();
    home.places().ensure_refresh_locks().expect("a state folder");
    let places = home.places();
    let name = ProfileName::parse("dev").expect("a name");
    let state_files = [places.status_file(), places.clock_file(), places.instance_lock(), places.refresh_lock(&name)];
    for path in &state_files {
        fs::write(path, "{}").expect("a file of the state");
    }

    let dry = home.run("purge --dry-run");
    assert_eq!(dry.code, Some(0), "{dry:?}");
    for text in
        ["would remove the keys of profile dev from", "would remove the keys of profile vault from", "status.json"]
    {
        assert!(dry.out.contains(text), "{text}: {}", dry.out);
    }
    assert_eq!(home.read(".aws/credentials"), before);

    let one = home.run("purge vault");
    assert_eq!(one.code, Some(0), "{one:?}");
    assert!(one.out.contains("removed the keys of profile vault from"), "{}", one.out);
    assert_eq!(home.read(".aws/credentials"), before);
    assert!(state.exists());

    let all = home.run("purge");
    assert_eq!(all.code, Some(0), "{all:?}");
    assert_eq!(home.read(".aws/credentials"), CREDENTIALS);
    assert_eq!(fs::read_dir(home.path(".aws")).expect("a folder").count(), 1, "{}", all.out);
    assert!(!home.path(".local/state/evertoken").exists(), "{}", all.out);
    for path in state_files.iter().chain([&places.private_store(), &places.write_lock()]) {
        assert!(all.out.contains(&format!("removed {}\n", path.display())), "{}: {}", path.display(), all.out);
    }
    assert_eq!(home.run("purge").out, "nothing to remove\n");
    assert!(!home.path(".local/state/evertoken").exists());
}

#[test]
fn a_limit_on_file_sizes_is_a_failed_write_and_no_death() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_600);
    let before = home.read(".aws/credentials");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 0 && exec \"$0\" purge dev", env!("CARGO_BIN_EXE_evertoken")]);
    let ended = command.env_clear().env("HOME", home.0.path()).env("PATH", "/usr/bin:/bin").output().expect("an end");
    let err = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{:?} {err}", ended.status);
    assert!(err.contains("write ") && err.contains("File too large"), "{err}");
    assert_eq!(home.read(".aws/credentials"), before);
    assert_eq!(home.run("purge dev").code, Some(0), "it works again without the limit");
}

#[test]
fn purge_of_everything_leaves_no_lock_of_its_own() {
    let home = Home::new(CONFIG);
    home.hold("vault", 3_000);
    let ended = home.run("purge");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
    assert!(!home.path(".local/state/evertoken").exists(), "{}", ended.out);
    assert_eq!(fs::read_dir(home.path(".aws")).expect("a folder").count(), 1);
}

/// What a home has below itself, as paths.
fn below(home: &Home) -> Vec<String> {
    let listed = Command::new("find").arg(home.0.path()).args(["-mindepth", "1", "-printf", "%P\n"]).output();
    let text = String::from_utf8(listed.expect("find").stdout).expect("paths");
    let mut paths: Vec<String> = text.lines().map(str::to_owned).collect();
    paths.sort();
    paths
}

#[test]
fn purge_takes_away_a_file_and_a_folder_that_were_not_there_before() {
    let home = Home::new(CONFIG);
    fs::remove_dir_all(home.path(".aws")).expect("no folder");
    let before = below(&home);
    home.hold("dev", 3_000);
    assert!(home.read(".aws/credentials").contains("[dev]"));
    let dry = home.run("purge --dry-run").out;
    assert!(dry.ends_with(&format!("would remove {}\n", home.path(".aws").display())), "{dry}");
    assert_eq!(home.run("purge").code, Some(0));
    assert_eq!(
        below(&home).iter().filter(|path| !before.contains(path)).collect::<Vec<_>>(),
        [".local", ".local/state"]
    );
}

#[test]
fn purge_leaves_what_others_have_made_or_filled() {
    let home = Home::new(CONFIG);
    // An empty file that was there.
    home.write(".aws/credentials", "");
    home.hold("dev", 3_000);
    assert_eq!(home.run("purge").code, Some(0));
    assert_eq!(home.read(".aws/credentials"), "");
    // One that was made for them to fill.
    fs::remove_file(home.path(".aws/credentials")).expect("removed");
    home.hold("dev", 3_000);
    let own = home.read(".aws/credentials") + "[mine]\n";
    home.write(".aws/credentials", &own);
    assert_eq!(home.run("purge").code, Some(0));
    assert_eq!(home.read(".aws/credentials"), "[mine]\n");
    // A dotfile behind a link, though it was not there yet.
    fs::remove_file(home.path(".aws/credentials")).expect("removed");
    fs::create_dir(home.path("dotfiles")).expect("a folder");
    std::os::unix::fs::symlink("../dotfiles/aws", home.path(".aws/credentials")).expect("a link");
    home.hold("dev", 3_000);
    assert_eq!(home.run("purge").code, Some(0));
    assert!(home.path(".aws/credentials").is_symlink());
    assert_eq!(home.read("dotfiles/aws"), "");
}

/// What a daemon of a config has written down for a credentials file.
fn recorded(home: &Home, credentials: &str, config: &str) -> Places {
    let file = home.path(credentials).display().to_string();
    let places = Places::find(&home.environment(), Some(&file), None).expect("places");
    let status = format!(
        r#"{{"version": 1, "config": "{config}", "credentials_file": "{file}", "clock_skew_seconds": 0, "profiles": [],
            "daemon": {{"running": false, "responding": false, "pid": null, "version": null, "since": null, "next_wakeup": null}}}}"#
    );
    places.ensure_state().expect("a state folder");
    fs::write(places.status_file(), status).expect("a status");
    places
}

#[test]
fn purge_follows_the_config_to_the_files_that_it_named_before() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    home.write("old", &("# old\n".to_owned() + &home.read(".aws/credentials")));
    home.write("theirs", &home.read(".aws/credentials"));
    home.write("other.toml", CONFIG);
    let config = home.path(".config/evertoken/config.toml").display().to_string();
    let old = recorded(&home, "old", &config);
    let gone = recorded(&home, "gone", "/nowhere/gone.toml");
    let other = home.path("other.toml").display().to_string();
    let theirs = recorded(&home, "theirs", &other);
    let unknown = old.state().with_file_name("0123456789ab");
    fs::create_dir(&unknown).expect("a folder");

    let dry = home.run("purge --dry-run").out;
    assert!(
        dry.contains(&format!("would remove the keys of profile dev from {}", home.path("old").display())),
        "{dry}"
    );
    assert!(old.state().exists() && home.read("old").contains("[dev]"));

    let ended = home.run("purge");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(home.read("old"), format!("# old\n{CREDENTIALS}"));
    assert!(!old.state().exists() && !gone.state().exists() && theirs.state().exists() && unknown.exists());
    assert!(home.read("theirs").contains("[dev]"));
    assert!(ended.out.contains(&format!("fix: evertoken --config {other} purge\n")), "{}", ended.out);
    assert!(ended.out.contains(&format!("rm -r {}\n", unknown.display())), "{}", ended.out);

    let running = recorded(&home, "old", &config);
    let held = InstanceLock::acquire(&running).expect("the lock");
    assert!(home.run("purge").out.contains("which is kept fresh\nfix: stop"));
    drop(held);
}

#[test]
fn purge_waits_for_the_daemon_to_be_stopped() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    let before = home.read(".aws/credentials");
    let _running = InstanceLock::acquire(&home.places()).expect("the lock");
    let ended = home.run("purge");
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""));
    assert!(ended.err.contains(&format!("kill {}", std::process::id())), "{}", ended.err);
    assert_eq!(home.read(".aws/credentials"), before);
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

#[test]
fn a_circle_through_the_aws_config_is_a_mistake() {
    let home = Home::new(CONFIG);
    home.write(".aws/config", "[profile base]\nrole_arn = arn:aws:iam::111122223333:role/Base\nsource_profile = dev\n");
    home.write(".aws/credentials", "");
    let circle = "the sources go in a circle through the AWS config: dev → base → dev";
    let ended = home.run("check");
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.out.contains(circle) && ended.out.contains("config.toml: 1 mistake"), "{}", ended.out);
    for command in ["run", "refresh", "refresh --dry-run"] {
        let ended = home.run(command);
        assert_eq!((ended.code, ended.out.as_str()), (Some(78), ""), "{command}: {ended:?}");
        assert!(ended.err.contains(circle), "{command}: {}", ended.err);
    }
    // What is wrong for other programs alone keeps evertoken from nothing.
    home.write(".aws/config", "[profile dev]\ncredential_process = /usr/bin/evertoken credential-process dev\n");
    home.write(".aws/credentials", CREDENTIALS);
    assert_eq!(home.run("check").code, Some(78));
    let ended = home.run("refresh dev");
    assert!(ended.code == Some(1) && ended.out.contains("127.0.0.1:1"), "{ended:?}");
    // The keys of a profile that another one names as its source go before its role: no circle.
    home.write(
        ".aws/config",
        "[profile base]\nrole_arn = arn:aws:iam::111122223333:role/Base\nsource_profile = mid\n\
         [profile mid]\nrole_arn = arn:aws:iam::111122223333:role/Mid\nsource_profile = base\n",
    );
    home.write(".aws/credentials", &CREDENTIALS.replace("[base]", "[mid]"));
    let ended = home.run("check");
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_bundle_that_cannot_be_used_is_named_with_its_certificate() {
    let good = include_str!("network/root.pem");
    let home = Home::new(&format!("[network]\nca_bundle = \"~/corp.pem\"\n{CONFIG}"));
    home.write("corp.pem", &format!("{good}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
    let named = format!("use the CA bundle {}: certificate 2 in it cannot be parsed", home.path("corp.pem").display());
    let ended = home.run("check");
    assert!(ended.code == Some(78) && ended.out.contains(&named), "{ended:?}");
    for command in ["run", "refresh"] {
        let ended = home.run(command);
        assert!(ended.code == Some(1) && ended.err.contains(&named), "{command}: {ended:?}");
    }
    home.write("corp.pem", good);
    assert_eq!(home.run("check").code, Some(0));
}
