//! An STS session as evertoken knows it: the keys, when they were issued, when they end, and for which settings.

use crate::engine::secret::Secret;
use crate::engine::time::{Skew, WallTime};
use std::fmt;
use std::time::Duration;

/// The longest session that STS issues at all: 36 hours (STS API reference, GetSessionToken, DurationSeconds).
const LONGEST: Duration = Duration::from_secs(129_600);
/// The shortest session that may be asked of STS (STS API reference, AssumeRole and GetSessionToken, DurationSeconds).
/// Look-alikes may grant less, but whatever they grant, nothing shorter than this was ever asked for.
pub const SHORTEST_ASKED: Duration = Duration::from_secs(900);
/// A life may seem longer by this much: when a session was issued is known by the clocks of two machines, in whole
/// seconds.
const UNCERTAINTY: Duration = Duration::from_secs(60);

/// What signs a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    /// `AKIA…` for long-term keys, `ASIA…` for a session.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// Present exactly when the keys are temporary.
    pub session_token: Option<Secret>,
}

/// What a source resolves to: keys, and their end where they have one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceCredentials {
    /// The keys to sign with.
    pub keys: Keys,
    /// The account they belong to, where the source tells.
    pub account_id: Option<String>,
    /// When they end (in the time of whoever issued them); `None` for long-term keys.
    pub expiration: Option<WallTime>,
    /// When a person has to bring new ones (log in again, paste new keys), where that is known; `None` when the source
    /// renews itself.
    pub login_ends: Option<WallTime>,
    /// How far AWS is ahead of our clock, where it was AWS that answered, and told.
    pub skew: Option<Skew>,
}

/// A digest of the settings that a session was issued for, those of the whole chain included. 16 hex digits.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SettingsDigest(String);

impl SettingsDigest {
    /// Takes a digest as it stands in a mark. Anything that is not 1 to 64 lower-case hex digits is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned()))
    }

    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SettingsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A session: what is written into a section, and what is read back from it after a restart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// The keys, always with a session token.
    pub keys: Keys,
    /// The account of the role, where known.
    pub account_id: Option<String>,
    /// When STS issued it, in the time of STS, whole seconds.
    pub issued: WallTime,
    /// When it ends, in the time of STS, whole seconds.
    pub expiration: WallTime,
    /// The settings that it was issued for.
    pub digest: SettingsDigest,
    /// The duration that STS allowed where it called the configured one too long; remembered until the settings change.
    pub allowed: Option<Duration>,
}

impl Session {
    /// The life that was granted.
    pub fn life(&self) -> Duration {
        self.expiration.since(self.issued)
    }

    /// Whether STS never grants a life as long as this one: something is wrong with its end.
    pub fn is_longer_than_sts_grants(&self) -> bool {
        self.life() > LONGEST + UNCERTAINTY
    }

    /// The end of the longest session that STS grants, had it been issued when this one was.
    pub fn latest_end(&self) -> WallTime {
        self.issued + LONGEST
    }

    /// What is left of it at `now` (in the time of STS).
    pub fn left(&self, now: WallTime) -> Duration {
        self.expiration.since(now)
    }

    /// Its keys as the source of another role.
    pub fn as_source(&self) -> SourceCredentials {
        SourceCredentials {
            keys: self.keys.clone(),
            account_id: self.account_id.clone(),
            expiration: Some(self.expiration),
            login_ends: None,
            skew: None,
        }
    }
}
