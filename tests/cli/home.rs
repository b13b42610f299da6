//! A miniature home of its own, with a config and long-term keys, and the binary as it runs there.

use evertoken::engine::config::parse;
use evertoken::engine::credentials_file::{Edit, Publication};
use evertoken::engine::names::ProfileName;
use evertoken::engine::secret::Secret;
use evertoken::engine::session::{Keys, Session};
use evertoken::engine::time::WallTime;
use evertoken::shell::clock;
use evertoken::shell::environment::Environment;
use evertoken::shell::places::Places;
use evertoken::shell::store::Stores;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

pub const CONFIG: &str = r#"
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

pub const CREDENTIALS: &str = "# mine\n[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\
                           aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n";

/// A home folder that is gone when the test is over.
pub struct Home(tempfile::TempDir);

impl Home {
    pub fn new(config: &str) -> Self {
        // Whoever runs this may let others write by default, and evertoken rightly refuses such folders.
        rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
        let home = Self(tempfile::tempdir().expect("a folder"));
        home.write(".config/evertoken/config.toml", config);
        home.write(".aws/credentials", CREDENTIALS);
        home
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder().join(below)
    }

    pub fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
    }

    pub fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).expect("a file")
    }

    pub fn environment(&self) -> Environment {
        Environment::from_vars([("HOME", self.folder())])
    }

    pub fn places(&self) -> Places {
        Places::find(&self.environment(), None, None).expect("places")
    }

    /// Puts a session for `profile` where the daemon would, ending `left` seconds from now.
    pub fn hold(&self, profile: &str, left: i64) {
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

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken"));
        command.args(line.split_whitespace()).env_clear().env("HOME", self.folder()).env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, line: &str) -> Ended {
        Ended::from(self.command(line).output().expect("a run"))
    }
}

#[derive(Debug, PartialEq)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}
