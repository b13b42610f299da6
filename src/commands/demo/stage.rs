//! The workstation of the demo: a temporary home, a config, source keys, and the daemon as a child. Everything that is
//! started here ends here, also when the demo breaks off.

#![expect(clippy::disallowed_methods, reason = "the demo makes a home of its own, and runs this program in it")]

use crate::commands::ending::Ending;
use crate::commands::output::Surface;
use crate::commands::setup::Setup;
use crate::commands::status;
use crate::emulator::{Emulator, LongTermKey, Outcome, Settings};
use crate::engine::credentials_file::{Observation, observe};
use crate::engine::names::ProfileName;
use crate::engine::status::{Profile, State};
use crate::shell::clock;
use crate::shell::environment::Environment;
use crate::shell::signals::Interruption;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

pub(super) const LOCKED: &str = "arn:aws:iam::777788889999:role/Locked";
pub(super) const DENIAL: &str = "User: arn:aws:iam::111122223333:user/me is not authorized to perform: sts:AssumeRole on \
                                 resource: arn:aws:iam::777788889999:role/Locked";

pub(super) fn settings(life: Duration) -> Settings {
    Settings { life: Some(life), ..Settings::default() }
}

/// How many sessions were granted for a role.
pub(super) fn granted(sts: &Emulator, role_name: &str) -> usize {
    let of_role = |arn: &str| arn.rsplit('/').next() == Some(role_name);
    let requests = sts.requests();
    let of_role = requests.iter().filter(|request| request.parameter("RoleArn").is_some_and(of_role));
    of_role.filter(|request| matches!(request.outcome, Outcome::Granted { .. })).count()
}

/// Looks again and again until something is so.
pub(super) fn within(bound: Duration, is_so: impl Fn() -> bool) -> bool {
    let end = clock::now() + bound;
    loop {
        if is_so() {
            return true;
        }
        if clock::now() >= end {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A home that goes away with its last user.
pub(super) struct Stage {
    home: PathBuf,
    interruption: Interruption,
}

impl Stage {
    pub(super) fn set_up(sts: &str) -> Result<Self, String> {
        let interruption = Interruption::listen().map_err(|error| format!("listen to signals: {error}"))?;
        let name = format!("evertoken-demo-{}-{:08x}", std::process::id(), fastrand::u32(..));
        let stage = Self { home: std::env::temp_dir().join(name), interruption };
        stage.furnish(sts).map_err(|error| format!("make a home for the demo at {}: {error}", stage.home.display()))?;
        Ok(stage)
    }

    fn furnish(&self, sts: &str) -> io::Result<()> {
        for folder in ["", ".aws", ".config", ".config/evertoken"] {
            fs::DirBuilder::new().mode(0o700).create(self.home.join(folder))?;
        }
        let key = LongTermKey::example();
        let credentials = format!(
            "# Written by hand; evertoken leaves every byte of it as it is.\n\
             [base]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            key.access_key_id,
            key.secret_access_key.expose()
        );
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(self.credentials())?;
        file.write_all(credentials.as_bytes())?;
        fs::write(self.config_path(), config(sts))
    }

    /// The exit code, once somebody wants the demo to end.
    pub(super) fn interrupted(&self) -> Option<u8> {
        self.interruption.code()
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    pub(super) fn credentials(&self) -> PathBuf {
        self.home.join(".aws/credentials")
    }

    fn config_path(&self) -> PathBuf {
        self.home.join(".config/evertoken/config.toml")
    }

    pub(super) fn config(&self) -> String {
        fs::read_to_string(self.config_path()).unwrap_or_default()
    }

    /// Whether a valid session of ours stands in the section of a profile.
    pub(super) fn holds(&self, profile: &str) -> bool {
        let Ok(name) = ProfileName::parse(profile) else { return false };
        let sections = fs::read(self.credentials()).ok().and_then(|bytes| observe(&bytes, &[name]).ok());
        let now = clock::now();
        sections.into_iter().flatten().any(|(found, what)| {
            found.as_str() == profile && matches!(what, Observation::Ours(session) if session.expiration > now)
        })
    }

    pub(super) fn credentials_without_secrets(&self) -> String {
        let text = fs::read_to_string(self.credentials()).unwrap_or_default();
        let line = |line: &str| match line.split_once(" = ") {
            Some((key @ ("aws_secret_access_key" | "aws_session_token"), _)) => format!("{key} = …\n"),
            _ => format!("{line}\n"),
        };
        text.lines().map(line).collect()
    }

    /// This program in the home of the demo, with nothing of the user's environment.
    fn command(&self, arguments: &[&str]) -> Result<Command, String> {
        let program = std::env::current_exe().map_err(|error| format!("find this program: {error}"))?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("HOME", &self.home).env("USER", "me").current_dir(&self.home);
        command.stdin(Stdio::null());
        Ok(command)
    }

    /// Runs a command to its end and gives what it printed.
    pub(super) fn evertoken(&self, arguments: &[&str]) -> Result<String, String> {
        let name = arguments.join(" ");
        let output = self.command(arguments)?.output().map_err(|error| format!("run evertoken {name}: {error}"))?;
        Ok([output.stdout, output.stderr].iter().map(|text| String::from_utf8_lossy(text)).collect())
    }

    fn setup(&self) -> Result<Setup, Ending> {
        Setup::load(&Environment::from_vars([("HOME", self.home.as_os_str())]), None)
    }

    /// Whether the daemon knows each session that stands in the file, and when to renew it.
    pub(super) fn is_calm(&self) -> bool {
        let calm = |profile: &Profile| profile.state == State::Fresh && profile.next_refresh.is_some();
        self.setup().is_ok_and(|setup| status::gather(&setup).profiles.iter().all(calm))
    }

    /// The screen of `evertoken status`.
    pub(super) fn status(&self) -> Result<String, Ending> {
        let surface = Surface { terminal: true, colour: false, width: 100, height: usize::MAX };
        Ok(status::screen(&self.setup()?, surface))
    }

    pub(super) fn start_daemon(&self) -> Result<Daemon, String> {
        let mut command = self.command(&["run", "--stop-with-stdin"])?;
        let started = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = started.map_err(|error| format!("start the daemon: {error}"))?;
        let lifeline = child.stdin.take();
        let log = Arc::new(Mutex::new(String::new()));
        if let Some(lines) = child.stderr.take() {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                for line in BufReader::new(lines).lines().map_while(Result::ok) {
                    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                    log.push_str(&line);
                    log.push('\n');
                }
            });
        }
        Ok(Daemon { child, log, told: 0, _lifeline: lifeline })
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _gone_already = fs::remove_dir_all(&self.home);
    }
}

/// The daemon, stopped at the latest when it is dropped.
pub(super) struct Daemon {
    child: Child,
    log: Arc<Mutex<String>>,
    told: usize,
    /// However the demo ends, the daemon notices that this is gone.
    _lifeline: Option<ChildStdin>,
}

impl Daemon {
    pub(super) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it has logged since this was last asked.
    pub(super) fn news(&mut self) -> String {
        let log = self.log();
        let news = log.get(self.told..).unwrap_or_default().to_owned();
        self.told = log.len();
        news
    }

    /// Stops it as a service manager would, and gives its exit code.
    pub(super) fn stop(mut self) -> Result<i32, String> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _gone_already = kill_process(pid, Signal::TERM);
        }
        let status = self.child.wait().map_err(|error| format!("wait for the daemon: {error}"))?;
        Ok(status.code().unwrap_or(-1))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _gone_already = self.child.kill();
            let _gone_already = self.child.wait();
        }
    }
}

fn config(sts: &str) -> String {
    format!(
        r#"[defaults]
source_profile = "base"
region         = "eu-west-1"
sts_endpoint   = "{sts}"  # the emulator

[[role]]
profile  = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"

[[role]]
profile        = "prod-read"
role_arn       = "arn:aws:iam::444455556666:role/ReadOnly"
source_profile = "dev"    # chained: assumed with the session above

[[role]]
profile  = "locked"
role_arn = "{LOCKED}"     # its owner does not let us in yet
"#
    )
}
