//! A home with so many roles, and what can be seen in its credentials file.

use crate::daemon::Daemon;
use crate::emulator::Sts;
use evertoken::emulator::LongTermKey;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How often the file is looked at. A write takes longer, since it waits for the disk.
const LOOK: Duration = Duration::from_micros(200);
const BOUND: Duration = Duration::from_secs(120);

pub(crate) struct Machine {
    home: TempDir,
    pub(crate) sts: Sts,
    roles: usize,
}

/// How a wave went, as seen in the file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    /// Until the first new session stood there.
    pub(crate) first: Duration,
    /// Until all of them did.
    pub(crate) all: Duration,
    pub(crate) writes: usize,
}

pub(crate) fn role_arn(role: usize) -> String {
    format!("arn:aws:iam::111122223333:role/role-{role}")
}

impl Machine {
    pub(crate) fn new(roles: usize) -> Self {
        let home = tempfile::tempdir().expect("a home");
        let sts = Sts::start();
        for folder in [".aws", ".config/evertoken"] {
            fs::create_dir_all(home.path().join(folder)).expect("a folder");
        }
        let key = LongTermKey::example();
        let secret = key.secret_access_key.expose();
        let keys = format!("[base]\naws_access_key_id = {}\naws_secret_access_key = {secret}\n", key.access_key_id);
        fs::write(home.path().join(".aws/credentials"), keys).expect("source keys");
        // A file that was written just now is watched for a moment before it is believed; a user's file stands still.
        sleep(Duration::from_millis(500));
        let mut config =
            format!("[defaults]\nregion = \"eu-west-1\"\nsource_profile = \"base\"\nsts_endpoint = \"{}\"\n", sts.url);
        for role in 0..roles {
            let arn = role_arn(role);
            write!(config, "\n[[role]]\nprofile = \"role-{role}\"\nrole_arn = \"{arn}\"\n").expect("text");
        }
        fs::write(home.path().join(".config/evertoken/config.toml"), config).expect("a config");
        Self { home, sts, roles }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken"));
        command.args(arguments).env_clear().current_dir(self.home.path());
        command.env("HOME", self.home.path()).env("USER", "me").env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command
    }

    pub(crate) fn daemon(&self) -> Daemon {
        let mut command = self.command(&["run"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Daemon::new(command.spawn().expect("evertoken starts"))
    }

    fn credentials(&self) -> PathBuf {
        self.home.path().join(".aws/credentials")
    }

    fn inode(&self) -> u64 {
        fs::metadata(self.credentials()).expect("a file").ino()
    }

    /// The access key ids of all sessions in the file.
    pub(crate) fn sessions(&self) -> HashSet<String> {
        let text = fs::read_to_string(self.credentials()).expect("text");
        let ids = text.lines().filter_map(|line| line.strip_prefix("aws_access_key_id = ASIA"));
        ids.map(str::to_owned).collect()
    }

    /// Looks until every session in the file is another than those of before.
    pub(crate) fn wave(&self, daemon: &mut Daemon, before: &HashSet<String>, start: Instant) -> Seen {
        let mut inode = 0;
        let mut first = None;
        let mut writes = 0;
        let mut looks = 0_u32;
        loop {
            let now = self.inode();
            if now != inode {
                inode = now;
                let new = self.sessions().difference(before).count();
                if new > 0 {
                    writes += 1;
                    first.get_or_insert(start.elapsed());
                }
                if new >= self.roles {
                    return Seen { first: first.unwrap_or_default(), all: start.elapsed(), writes };
                }
            }
            assert!(start.elapsed() < BOUND, "the roles do not come");
            sleep(LOOK);
            looks += 1;
            if looks.is_multiple_of(100) {
                daemon.sample();
            }
        }
    }
}
