//! What `status.json` holds and `status --json` prints: the states, and the shape of the report. Never a secret.

use serde::{Deserialize, Serialize};

/// The version of the shape; it changes when a field changes its meaning.
pub const VERSION: u32 = 1;

/// How a profile stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Valid, nothing to report.
    Fresh,
    /// Still valid; a trouble that passes by itself.
    Retrying,
    /// A human step is due.
    Waiting,
    /// STS said no, or the request cannot succeed as configured.
    Refused,
    /// Valid, but issued for other settings; stays until replaced.
    Outdated,
    /// No valid session.
    Expired,
}

impl State {
    /// As `status --json` spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Retrying => "retrying",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Outdated => "outdated",
            Self::Expired => "expired",
        }
    }
}

/// The whole report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Status {
    /// [`VERSION`].
    pub version: u32,
    /// Path of the config.
    pub config: String,
    /// Path of the shared credentials file.
    pub credentials_file: String,
    /// How far the clock of STS is ahead of ours.
    pub clock_skew_seconds: i64,
    /// The daemon.
    pub daemon: Daemon,
    /// In the order of the config.
    pub profiles: Vec<Profile>,
}

/// The daemon's own part of the report. All times are RFC 3339 in UTC.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Daemon {
    /// Whether it holds the instance lock.
    pub running: bool,
    /// Whether its next wake-up is not more than a minute past.
    pub responding: bool,
    /// Its process id.
    pub pid: Option<u32>,
    /// Its version.
    pub version: Option<String>,
    /// When it started.
    pub since: Option<String>,
    /// When it means to wake.
    pub next_wakeup: Option<String>,
}

/// One profile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Profile {
    /// Its name.
    pub profile: String,
    /// The role, where there is one.
    pub role_arn: Option<String>,
    /// The source: a profile name, a token file, a `credential_source`.
    pub source: String,
    /// `shared` or `private`.
    pub store: String,
    /// How it stands.
    pub state: State,
    /// When the session on disk ends.
    pub expires: Option<String>,
    /// The same, counted from now; negative when it has passed.
    pub expires_in_seconds: Option<i64>,
    /// When the daemon means to refresh it.
    pub next_refresh: Option<String>,
    /// When the session on disk was issued.
    pub last_refresh: Option<String>,
    /// The trouble, null when there is none.
    pub error: Option<Trouble>,
    /// What a person should bring before it is missed; not there when there is nothing to warn of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiring: Option<Warning>,
}

/// An end ahead that only a person can put off: of a login behind a source, or of a session that needs a code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Warning {
    /// When it comes.
    pub at: String,
    /// One sentence, with what to do.
    pub message: String,
}

/// A trouble of a profile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Trouble {
    /// `unreachable`, `busy`, `source`, `refused`, `settings`, `clock`, `store`.
    pub class: String,
    /// The code of STS, where it sent one.
    pub code: Option<String>,
    /// What happened.
    pub message: String,
    /// The command or edit that mends it; null where waiting does.
    pub fix: Option<String>,
    /// Since when; where nothing was tried, when it was seen.
    pub since: String,
    /// How often it was tried since; 0 where the file was only looked at.
    pub attempts: u32,
}
