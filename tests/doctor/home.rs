//! A miniature home of a case: its files with the placeholders filled in, an STS, and a daemon as far as one is told of.
//!
//! `<<sts>>` `<<home>>` `<<evertoken>>` `<<imds>>` `<<pid>>`; `<<now-3h30m>>` a time; `<<jwt now-3h30m>>` a web identity token
//! with that end; `<<base>>` long-term keys; `<<fresh>>` and `<<ended>>` sessions of the STS, as lines, and
//! `<<ends dev>>` the end of the session that was put into the store of a profile; `<<fresh.id>>`, `<<fresh.secret>>`, `<<fresh.token>>` a part.

use crate::metadata;
use evertoken::commands::doctor::SET_CLOCK;
use evertoken::commands::service_manager::{Verb, command};
use evertoken::emulator::{Emulator, Fault, IssuedSession, Settings};
use evertoken::engine::config::parse;
use evertoken::engine::credentials_file::{Edit, Publication};
use evertoken::engine::session::{Keys, Session};
use evertoken::engine::time::WallTime;
use evertoken::shell::clock;
use evertoken::shell::environment::Environment;
use evertoken::shell::locks::InstanceLock;
use evertoken::shell::places::Places;
use evertoken::shell::store::{Stores, write_status};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const CONFIG: &str = ".config/evertoken/config.toml";

/// What a case says besides its files.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The arguments after `doctor`.
    #[serde(default)]
    pub(crate) arguments: Vec<String>,
    /// The exit code.
    pub(crate) exit: i32,
    /// The cause that `--json` tells.
    pub(crate) cause: String,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    modes: BTreeMap<String, String>,
    #[serde(default)]
    links: BTreeMap<String, String>,
    #[serde(default)]
    folders: Vec<String>,
    /// Sections that evertoken has written.
    #[serde(default)]
    held: Vec<Held>,
    daemon: Option<Daemon>,
    /// The role of a metadata service; see [`metadata::start`].
    imds: Option<String>,
    /// The code with which STS answers every question.
    refusal: Option<String>,
    /// Seconds that the clock of STS is ahead.
    #[serde(default)]
    skew: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    profile: String,
    /// `fresh` or `ended`.
    session: String,
    issued: String,
    ends: String,
    /// Whether it was issued before the config came to name the role that it names.
    #[serde(default)]
    outdated: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Daemon {
    running: bool,
    /// What stands in `status.json`.
    status: String,
}

/// A home that is gone when the test is over.
pub(crate) struct Home {
    folder: TempDir,
    pub(crate) sts: Emulator,
    fresh: IssuedSession,
    ended: IssuedSession,
    imds: Option<String>,
    ends: BTreeMap<String, String>,
    environment: Vec<(String, String)>,
    _daemon: Option<InstanceLock>,
}

impl Home {
    pub(crate) fn furnish(case: &Case, files: &Path) -> Self {
        // Whoever runs this may let others write by default, and evertoken rightly refuses such folders.
        rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
        let sts = Emulator::start(Settings::default()).expect("an emulator");
        let folder = tempfile::tempdir().expect("a home");
        let (fresh, ended) = (session(&sts, "fresh"), session(&sts, "ended"));
        sts.expire(&ended.access_key_id);
        sts.set_skew(case.skew);
        if let Some(code) = &case.refusal {
            sts.inject(Fault::code(code));
        }
        let imds = case.imds.as_deref().map(|role| metadata::start(role, &keys_of_platform(&fresh)));
        let mut home =
            Self { folder, sts, fresh, ended, imds, ends: BTreeMap::new(), environment: Vec::new(), _daemon: None };
        home.copy(files, Path::new(""));
        for below in &case.folders {
            fs::create_dir_all(home.path(below)).expect("a folder");
        }
        for held in &case.held {
            home.hold(held);
        }
        if let Some(daemon) = &case.daemon {
            let places = home.places();
            write_status(&places, home.filled(&daemon.status).as_bytes()).expect("a status");
            home._daemon = daemon.running.then(|| InstanceLock::acquire(&places).expect("the only daemon"));
        }
        for (below, target) in &case.links {
            symlink(target, home.path(below)).expect("a link");
        }
        for (below, mode) in &case.modes {
            let mode = u32::from_str_radix(mode, 8).expect("a mode");
            fs::set_permissions(home.path(below), fs::Permissions::from_mode(mode)).expect("a mode");
        }
        home.environment = case.environment.iter().map(|(name, text)| (name.clone(), home.filled(text))).collect();
        home
    }

    fn copy(&self, from: &Path, below: &Path) {
        for entry in fs::read_dir(from).into_iter().flatten() {
            let entry = entry.expect("an entry");
            // A folder of the project cannot be called `.git`, nor should `.aws` be hidden.
            let name = entry.file_name().to_string_lossy().replace("dot-", ".");
            let below = below.join(name);
            if entry.path().is_dir() {
                fs::create_dir_all(self.folder.path().join(&below)).expect("a folder");
                self.copy(&entry.path(), &below);
            } else {
                let text = self.filled(&fs::read_to_string(entry.path()).expect("text"));
                let path = self.folder.path().join(&below);
                fs::write(&path, text).expect("a file");
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
            }
        }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn places(&self) -> Places {
        Places::find(&Environment::from_vars([("HOME", self.folder.path())]), None, None).expect("places")
    }

    /// Puts a session where the daemon would.
    fn hold(&mut self, held: &Held) {
        let text = fs::read_to_string(self.path(CONFIG)).expect("a config");
        let text = if held.outdated { text.replace(":role/", ":role/before-") } else { text };
        let config = parse(&text).unwrap_or_else(|findings| panic!("{findings:#?}")).config;
        let entry = config.entry(&held.profile).expect("an entry");
        let from = if held.session == "fresh" { &self.fresh } else { &self.ended };
        let session = Session {
            keys: Keys {
                access_key_id: from.access_key_id.clone(),
                secret_access_key: from.secret_access_key.clone(),
                session_token: Some(from.session_token.clone()),
            },
            account_id: Some(from.account.clone()),
            issued: time(&held.issued).whole_seconds(),
            expiration: time(&held.ends).whole_seconds(),
            digest: entry.digest.clone(),
            allowed: None,
        };
        self.ends.insert(held.profile.clone(), session.expiration.to_string());
        let publication =
            Publication { profile: entry.profile.clone(), session, region: entry.region.clone(), adopt: false };
        let stores = Stores::new(self.places(), 0o600);
        stores.apply(entry.store, &[Edit::Put(Box::new(publication))]).expect("a written file");
    }

    fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("<<") {
            let (name, after) = after.split_once(">>").expect("the end of a placeholder");
            filled.push_str(before);
            filled.push_str(&self.value(name));
            rest = after;
        }
        filled + rest
    }

    fn value(&self, name: &str) -> String {
        let lines = |of: &IssuedSession| {
            format!(
                "aws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}",
                of.access_key_id,
                of.secret_access_key.expose(),
                of.session_token.expose()
            )
        };
        match name {
            "sts" => self.sts.url(),
            "home" => self.folder.path().display().to_string(),
            "evertoken" => env!("CARGO_BIN_EXE_evertoken").to_owned(),
            "imds" => self.imds.clone().expect("a metadata service"),
            "pid" => std::process::id().to_string(),
            "base" => format!("aws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}"),
            "fresh" => lines(&self.fresh),
            "ended" => lines(&self.ended),
            _ => {
                let of = |part: &str| match part.split_once('.') {
                    Some(("fresh", part)) => Some((&self.fresh, part.to_owned())),
                    Some(("ended", part)) => Some((&self.ended, part.to_owned())),
                    _ => None,
                };
                if let Some(profile) = name.strip_prefix("ends ") {
                    return self.ends[profile].clone();
                }
                match (of(name), name.strip_prefix("jwt ")) {
                    (Some((of, part)), _) => match part.as_str() {
                        "id" => of.access_key_id.clone(),
                        "secret" => of.secret_access_key.expose().to_owned(),
                        "token" => of.session_token.expose().to_owned(),
                        _ => panic!("no part {part}"),
                    },
                    (None, Some(end)) => {
                        let claims = format!(r#"{{"exp":{}}}"#, time(end).unix_seconds());
                        format!("header.{}.signature", aws_smithy_types::base64::encode(claims).trim_end_matches('='))
                    }
                    (None, None) => time(name).to_string(),
                }
            }
        }
    }

    /// What differs from run to run, as its placeholder.
    pub(crate) fn emptied(&self, text: &str) -> String {
        let text = text.replace(&self.sts.url(), "<<sts>>").replace(env!("CARGO_BIN_EXE_evertoken"), "<<evertoken>>");
        // Each system has its own.
        let commands =
            [(command(Verb::Restart), "<<restart>>"), (command(Verb::Start), "<<start>>"), (SET_CLOCK, "<<clock>>")];
        let text = commands.iter().fold(text, |text, (command, name)| text.replace(command, name));
        let text = text.replace(&self.folder.path().display().to_string(), "<<home>>");
        match &self.imds {
            Some(url) => text.replace(url, "<<imds>>"),
            None => text,
        }
    }

    /// Every secret that is about.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let of =
            |one: &IssuedSession| [one.secret_access_key.expose().to_owned(), one.session_token.expose().to_owned()];
        [SECRET.to_owned(), KEY.to_owned()].into_iter().chain(of(&self.fresh)).chain(of(&self.ended)).collect()
    }

    /// `evertoken` in this home, with nothing of the environment of the tests.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken"));
        command.args(arguments).env_clear().current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("HOME", self.folder.path()).env("USER", "me").env("PATH", "/usr/bin:/bin");
        // Nobody beyond this machine is asked; a case that has a metadata service names it.
        if self.imds.is_none() {
            command.env("AWS_EC2_METADATA_DISABLED", "true");
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A session as metadata services and agents of containers give it.
fn keys_of_platform(session: &IssuedSession) -> String {
    serde_json::json!({
        "Code": "Success",
        "Type": "AWS-HMAC",
        "LastUpdated": time("now-1h").whole_seconds().to_string(),
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key.expose(),
        "Token": session.session_token.expose(),
        "Expiration": time("now+5h").whole_seconds().to_string(),
    })
    .to_string()
}

/// `now`, `now-3h30m`, `now+46m`.
fn time(text: &str) -> WallTime {
    let rest = text.strip_prefix("now").unwrap_or_else(|| panic!("no placeholder {text}"));
    let span = |text: &str| -> Duration {
        jiff::fmt::friendly::SpanParser::new().parse_unsigned_duration(text).expect("a duration")
    };
    match (rest.strip_prefix('-'), rest.strip_prefix('+')) {
        (Some(ago), _) => clock::now() - span(ago),
        (_, Some(ahead)) => clock::now() + span(ahead),
        _ => clock::now(),
    }
}

/// A session of the role of that name, had as anybody has one: by a refresh in a home of its own.
fn session(sts: &Emulator, role: &str) -> IssuedSession {
    let folder = tempfile::tempdir().expect("a home");
    let write = |below: &str, text: String| {
        let path = folder.path().join(below);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
    };
    write(".aws/credentials", format!("[base]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"));
    let role_arn = format!("arn:aws:iam::111122223333:role/{role}");
    write(
        CONFIG,
        format!(
            "[[role]]\nprofile = \"{role}\"\nrole_arn = \"{role_arn}\"\nsource_profile = \"base\"\nregion = \"eu-west-1\"\n\
             session_name = \"me\"\nsts_endpoint = \"{}\"\n",
            sts.url()
        ),
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken"));
    command.arg("refresh").env_clear().env("HOME", folder.path()).stdin(Stdio::null());
    let output = command.output().expect("a run");
    assert!(output.status.success(), "{output:?}");
    sts.sessions().pop().expect("a session")
}
