//! Wall time as a plain number, so that arithmetic on it can neither panic nor ask a clock.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in wall time: milliseconds since 1970-01-01T00:00:00Z. All arithmetic saturates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct WallTime(i64);

/// How far the clock of STS is ahead of ours, in milliseconds (negative: behind).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Skew(i64);

/// A timestamp that is not of the form `2026-11-21T15:04:05Z` (fractions and numeric offsets are fine).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an RFC 3339 timestamp")]
pub struct NotATimestamp;

impl WallTime {
    /// The end of time, for whatever never falls due.
    pub const MAX: Self = Self(i64::MAX);

    /// From milliseconds since the epoch.
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since the epoch.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: an Expiration is never told later than it is.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The time that has passed since `earlier`; zero when `earlier` lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The time left until `later`; zero when it has passed.
    pub fn until(self, later: Self) -> Duration {
        later.since(self)
    }

    /// The same point with its fraction of a second cut off: what the credentials file and the JSON hold.
    #[must_use]
    pub const fn whole_seconds(self) -> Self {
        Self::from_unix_seconds(self.unix_seconds())
    }

    /// Reads an RFC 3339 timestamp, with or without fractions, with `Z` or a numeric offset.
    pub fn parse(text: &str) -> Result<Self, NotATimestamp> {
        let parsed: jiff::Timestamp = text.trim().parse().map_err(|_| NotATimestamp)?;
        Ok(Self(parsed.as_millisecond()))
    }
}

impl Add<Duration> for WallTime {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for WallTime {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Add<Skew> for WallTime {
    type Output = Self;
    fn add(self, skew: Skew) -> Self {
        Self(self.0.saturating_add(skew.0))
    }
}

impl Sub<Skew> for WallTime {
    type Output = Self;
    fn sub(self, skew: Skew) -> Self {
        // The end of time stays the end of time, whatever the clocks say.
        if self == Self::MAX { self } else { Self(self.0.saturating_sub(skew.0)) }
    }
}

impl fmt::Display for WallTime {
    /// `2026-11-21T15:04:05Z`: whole seconds, UTC, as every SDK reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.unix_seconds()) {
            Ok(timestamp) => write!(f, "{timestamp}"),
            Err(_) if self.0 > 0 => f.write_str("9999-12-30T22:00:00Z"),
            Err(_) => f.write_str("0001-01-01T00:00:00Z"),
        }
    }
}

impl Skew {
    /// How far `theirs` is ahead of `ours`.
    pub fn between(theirs: WallTime, ours: WallTime) -> Self {
        Self(theirs.0.saturating_sub(ours.0))
    }

    /// From milliseconds, positive when STS is ahead of us.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds, positive when STS is ahead of us.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds, rounded towards zero.
    pub const fn seconds(self) -> i64 {
        self.0 / 1000
    }

    /// The size of the difference, whichever way it goes.
    pub const fn magnitude(self) -> Duration {
        Duration::from_millis(self.0.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::{Skew, WallTime};
    use std::time::Duration;

    #[test]
    fn reads_what_sts_and_its_look_alikes_send() {
        let expected = WallTime::from_unix_seconds(1_795_273_445);
        for text in
            ["2026-11-21T15:04:05Z", "2026-11-21T16:04:05+01:00", "2026-11-21T15:04:05.000Z", " 2026-11-21T15:04:05Z\n"]
        {
            assert_eq!(WallTime::parse(text), Ok(expected), "{text}");
        }
        assert_eq!(WallTime::parse("2026-11-21T15:04:05.250Z"), Ok(expected + Duration::from_millis(250)));
        for text in ["", "soon", "2026-11-21", "2026-11-21T15:04:05", "1795273445"] {
            assert!(WallTime::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn is_written_as_every_sdk_reads_it_and_never_later_than_it_is() {
        let time = WallTime::from_unix_millis(1_795_273_445_999);
        assert_eq!(time.to_string(), "2026-11-21T15:04:05Z");
        assert_eq!(WallTime::parse(&time.to_string()), Ok(time.whole_seconds()));
    }

    #[test]
    fn saturates_at_both_ends() {
        assert_eq!(WallTime::MAX + Duration::from_secs(1), WallTime::MAX);
        assert_eq!(WallTime::MAX - Skew::from_millis(-5), WallTime::MAX);
        let start = WallTime::from_unix_millis(i64::MIN);
        assert_eq!(start - Duration::MAX, start);
        assert_eq!(start.since(WallTime::MAX), Duration::ZERO);
        assert!(!WallTime::MAX.to_string().is_empty());
        assert!(!start.to_string().is_empty());
    }
}
