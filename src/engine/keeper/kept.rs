//! One profile of the list: its session, what its file holds of it, and what is under way for it.

use super::gate::{Gate, Trouble};
use crate::engine::config::model::{Entry, Operation};
use crate::engine::credentials_file::Reason;
use crate::engine::schedule;
use crate::engine::session::Session;
use crate::engine::time::WallTime;
use std::sync::Arc;
use std::time::Duration;

/// What the keeper knows of one profile.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Kept {
    pub(super) entry: Arc<Entry>,
    pub(super) session: Option<Session>,
    pub(super) on_disk: OnDisk,
    pub(super) call: Option<Call>,
    pub(super) want: Option<Want>,
    pub(super) gate: Gate,
    /// The duration that STS allows where it called the configured one too long.
    pub(super) allowed: Option<Duration>,
    /// When others undid what we had written (within the last minute).
    pub(super) undone: Vec<WallTime>,
    /// What is said of it while it is not written again.
    pub(super) undoing: Option<Trouble>,
    /// The end that was announced ahead, so that it is said once.
    pub(super) announced_end: Option<WallTime>,
    /// Our clock may be behind by nobody knows how much: the session may have ended, however fresh it looks.
    pub(super) in_doubt: bool,
    /// When a session that was found is said to have been issued, though that is still to come: what raised the last doubt.
    pub(super) alleged: Option<WallTime>,
}

/// What the store holds of a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum OnDisk {
    /// Not looked at yet.
    Unknown,
    /// Nothing of any use.
    Nothing,
    /// A session of ours, but not the one in memory.
    Other(Standing),
    /// The session in memory.
    Current,
    /// A section that is not ours to change.
    LeftAlone(Reason),
}

/// A session that stands in the file until another one takes its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Standing {
    access_key_id: String,
    pub(super) end: WallTime,
}

impl Standing {
    pub(super) fn of(session: &Session) -> Self {
        Self { access_key_id: session.keys.access_key_id.clone(), end: session.expiration }
    }

    pub(super) fn is(&self, session: &Session) -> bool {
        self.access_key_id == session.keys.access_key_id
    }
}

/// A call to STS that is under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Call {
    pub(super) attempt: u64,
    pub(super) started: WallTime,
    /// From when on its source was looked at, which may be before it started.
    pub(super) begun: WallTime,
    pub(super) entry: Arc<Entry>,
    pub(super) duration: Duration,
}

/// Why it is to be refreshed now, whatever its schedule says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Want {
    /// Somebody asked for more life than it has, or it goes along with a wave.
    Longer,
    /// Somebody asked for another session, whatever stands there.
    Another,
}

impl Kept {
    pub(super) fn new(entry: Arc<Entry>) -> Self {
        Self {
            entry,
            session: None,
            on_disk: OnDisk::Unknown,
            call: None,
            want: None,
            gate: Gate::default(),
            allowed: None,
            undone: Vec::new(),
            undoing: None,
            announced_end: None,
            in_doubt: false,
            alleged: None,
        }
    }

    /// The session, when it was issued for the settings of now.
    pub(super) fn current(&self) -> Option<&Session> {
        self.session.as_ref().filter(|session| session.digest == self.entry.digest)
    }

    pub(super) fn is_outdated(&self) -> bool {
        self.session.is_some() && self.current().is_none()
    }

    /// Whether its session, for whichever settings, still holds.
    pub(super) fn is_alive(&self, sts_now: WallTime) -> bool {
        self.session.as_ref().is_some_and(|session| session.expiration > sts_now)
    }

    /// Whether its session can sign for a child.
    pub(super) fn can_sign(&self, sts_now: WallTime) -> bool {
        self.current().is_some_and(|session| session.left(sts_now) > schedule::lead(session.life()))
    }

    /// When it is due, in the time of STS; the beginning of time when it is due in any case.
    pub(super) fn due(&self) -> WallTime {
        match self.current() {
            Some(session) if self.want.is_none() && !self.in_doubt => schedule::due(session, self.entry.min_ttl),
            _ => WallTime::from_unix_millis(i64::MIN),
        }
    }

    /// Whether calling for it makes sense at all: its section was looked at, and may be written.
    pub(super) fn is_writable(&self) -> bool {
        !matches!(self.on_disk, OnDisk::Unknown | OnDisk::LeftAlone(_))
    }

    /// The duration to ask for.
    pub(super) fn duration(&self) -> Duration {
        self.allowed.map_or(self.entry.duration, |allowed| allowed.min(self.entry.duration))
    }

    /// The life that its reader shall find, judged by the life that is usual for it.
    pub(super) fn min_ttl(&self) -> Duration {
        let life = self.current().map_or(self.duration(), Session::life);
        schedule::effective_min_ttl(self.entry.min_ttl, life)
    }

    /// Whether the session in memory is better than what the store holds.
    pub(super) fn is_unstored(&self) -> bool {
        self.current().is_some() && matches!(self.on_disk, OnDisk::Nothing | OnDisk::Other(_))
    }

    pub(super) fn publishes_source(&self) -> bool {
        self.entry.operation == Operation::Publish
    }

    /// Other settings for the same profile: what is on disk stays until something better comes, troubles are forgotten.
    pub(super) fn under_new_settings(self, entry: &Arc<Entry>) -> Self {
        let same_settings = self.entry.digest == entry.digest;
        let same_store = self.entry.store == entry.store;
        Self {
            session: self.session.filter(|_| same_store || same_settings),
            on_disk: if same_store && !matches!(self.on_disk, OnDisk::LeftAlone(_)) {
                self.on_disk
            } else {
                OnDisk::Unknown
            },
            call: self.call.filter(|_| same_settings),
            allowed: self.allowed.filter(|_| same_settings),
            undone: self.undone,
            undoing: self.undoing,
            announced_end: self.announced_end,
            in_doubt: self.in_doubt,
            ..Self::new(entry.clone())
        }
    }
}
