//! What a keeper wants done. Values that a test can compare; only the shell carries them out.

use crate::engine::config::model::{Entry, Source, StoreKind};
use crate::engine::credentials_file::Edit;
use crate::engine::failure::Failure;
use crate::engine::names::ProfileName;
use crate::engine::session::{Session, SettingsDigest, SourceCredentials};
use crate::engine::time::{Skew, WallTime};
use std::sync::Arc;
use std::time::Duration;

/// Something to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Resolve source credentials afresh; answer with `Resolved` or `ResolveFailed`.
    Resolve {
        /// Which.
        source: Source,
        /// Where roles on the way are assumed that name no region of their own.
        region: String,
        /// How far STS is ahead, as far as is known: the ends of sessions are judged by its time.
        skew: Skew,
    },
    /// Call STS under the refresh lock of the profile; answer with `Assumed`, `Adopted` or `AssumeFailed`.
    Assume(Box<AssumeCall>),
    /// Break off the call of this number, if it is still under way: its answer is of no interest any more.
    GiveUp {
        /// Its number.
        attempt: u64,
    },
    /// Change a credentials file; answer with `Stored` or `StoreFailed`.
    Store {
        /// Which file.
        store: StoreKind,
        /// In this order.
        edits: Vec<Edit>,
    },
    /// Read the credentials files again; answer with `Observed` for each.
    Observe,
    /// Tell a person: log, and hook where there is one.
    Tell(Notice),
    /// The status changed: write it down.
    Report,
}

/// One call to STS.
#[derive(Clone, PartialEq, Debug)]
pub struct AssumeCall {
    /// Its number, to be given back.
    pub attempt: u64,
    /// For whom, and with which parameters.
    pub entry: Arc<Entry>,
    /// DurationSeconds.
    pub duration: Duration,
    /// What signs it; `None` for a web identity.
    pub source: Option<SourceCredentials>,
    /// A session in the store with the entry's digest that was issued after this (in the time of STS) and ends after
    /// `adopt_beyond` makes the call needless.
    pub adopt_issued_after: WallTime,
    /// See `adopt_issued_after`.
    pub adopt_beyond: WallTime,
    /// One that tells of a later issue than this was edited.
    pub adopt_issued_until: WallTime,
}

impl AssumeCall {
    /// Whether what another process has stored meanwhile makes this call needless.
    pub fn satisfied_by(&self, session: &Session) -> bool {
        self.satisfied_by_one_of(&session.digest, session.issued, session.expiration)
    }

    /// The same of a session of which only this much is known.
    pub fn satisfied_by_one_of(&self, digest: &SettingsDigest, issued: WallTime, expiration: WallTime) -> bool {
        let is_later = issued > self.adopt_issued_after && issued <= self.adopt_issued_until;
        *digest == self.entry.digest && is_later && expiration > self.adopt_beyond
    }
}

/// Something that matters to a person.
#[derive(Clone, PartialEq, Debug)]
pub struct Notice {
    /// What kind of news.
    pub kind: NoticeKind,
    /// All profiles concerned, at least one.
    pub profiles: Vec<ProfileName>,
    /// The role of the first, where it has one.
    pub role_arn: Option<String>,
    /// When the session (or, for `Expiring`, the source) ends.
    pub expiration: Option<WallTime>,
    /// One sentence.
    pub message: String,
    /// The trouble, where it is one.
    pub failure: Option<Failure>,
}

/// The kinds of news; four of them have a hook.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NoticeKind {
    /// A new session stands in the file.
    Refreshed,
    /// A trouble began, or changed its cause.
    Failed,
    /// A trouble is over.
    Recovered,
    /// What only a person can renew will end.
    Expiring,
    /// A session was found in the store and is kept.
    Kept,
    /// Our keys were taken out of a section.
    Removed,
    /// Anything else worth a line.
    Remark,
}
