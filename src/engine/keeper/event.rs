//! What can happen to a keeper. A bug report is a list of these.

use crate::engine::config::Config;
use crate::engine::config::model::{Source, StoreKind};
use crate::engine::credentials_file::{Observation, Outcome};
use crate::engine::failure::Fault;
use crate::engine::names::ProfileName;
use crate::engine::session::{Keys, Session, SourceCredentials};
use crate::engine::time::{Skew, WallTime};
use std::time::Duration;

/// Something happened. `jitter` is a number in `0.0..1.0` that the shell drew.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// Time went by; harmless however often it comes.
    Tick,
    /// This is what a credentials file holds now.
    Observed(Sighting),
    /// A source was resolved.
    Resolved {
        /// Which.
        source: Source,
        /// What it gave.
        credentials: SourceCredentials,
    },
    /// A source could not be resolved.
    ResolveFailed {
        /// Which.
        source: Source,
        /// Why.
        fault: Fault,
        /// See [`Event`].
        jitter: f64,
    },
    /// STS answered with a session.
    Assumed {
        /// For whom.
        profile: ProfileName,
        /// The number of the call.
        attempt: u64,
        /// The answer, not yet believed.
        reply: Reply,
        /// See [`Event`].
        jitter: f64,
    },
    /// Another evertoken process made the call; its session was found when the refresh lock was taken.
    Adopted {
        /// For whom.
        profile: ProfileName,
        /// The number of the call that was not made.
        attempt: u64,
        /// What stands in the store.
        session: Session,
    },
    /// The call failed.
    AssumeFailed {
        /// For whom.
        profile: ProfileName,
        /// The number of the call.
        attempt: u64,
        /// Why.
        fault: Fault,
        /// How far STS is ahead, where its answer told.
        skew: Option<Skew>,
        /// See [`Event`].
        jitter: f64,
    },
    /// A batch of edits was carried out.
    Stored {
        /// In which file.
        store: StoreKind,
        /// What became of each edit.
        outcomes: Vec<(ProfileName, Outcome)>,
    },
    /// A batch of edits could not be carried out; the file is as it was.
    StoreFailed {
        /// Which file.
        store: StoreKind,
        /// What went wrong, with path and step.
        message: String,
        /// See [`Event`].
        jitter: f64,
    },
    /// The config changed and is valid.
    Reloaded(Config),
    /// A file that sources live in changed: whoever waits for one may try again at once.
    SourcesChanged,
    /// Somebody asks for fresh sessions (`refresh`, USR1, `exec`, `credential-process`).
    Asked {
        /// For whom; everybody when empty.
        profiles: Vec<ProfileName>,
        /// The life that shall be left.
        min_ttl: Option<Duration>,
        /// Whether to call STS also for sessions that have it.
        force: bool,
    },
    /// The machine was suspended: the network will come back a little later than we.
    Resumed,
    /// The way to AWS is another one: what could not be reached may be reached now.
    NetworkChanged,
    /// Our clock was set.
    ClockStepped {
        /// Positive: forward.
        by: Skew,
    },
    /// No more calls; store what is there.
    Stop,
}

/// What one credentials file holds.
#[derive(Clone, PartialEq, Debug)]
pub struct Sighting {
    /// Which file.
    pub store: StoreKind,
    /// By profile: every profile of the config, and every other section with our mark. `Err` when the file cannot be
    /// read or parsed: then it is left alone and tried again.
    pub sections: Result<Vec<(ProfileName, Observation)>, String>,
}

impl Sighting {
    /// What stands under this name, where that was looked at.
    pub fn found(&self, profile: &ProfileName) -> Option<&Observation> {
        self.sections.iter().flatten().find(|(name, _)| name == profile).map(|(_, found)| found)
    }
}

/// An answer of STS as it came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// `None` when one of the three was missing.
    pub keys: Option<Keys>,
    /// `None` when it was missing.
    pub expiration: Option<WallTime>,
    /// `AssumedRoleUser.Arn`, where the operation has one.
    pub assumed_role_arn: Option<String>,
    /// The RoleSessionName that was sent.
    pub session_name: String,
    /// How far STS is ahead, from the `Date` header.
    pub skew: Option<Skew>,
    /// AWS request id.
    pub request_id: Option<String>,
}
