//! The emulated AWS has a clock of its own, which a test can set apart from this machine's; it never waits.

#![expect(clippy::disallowed_methods, reason = "the other side of the wire has its own idea of now, here it is made")]

use crate::engine::time::{Skew, WallTime};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

/// This machine's clock plus a settable difference.
#[derive(Debug, Default)]
pub(super) struct Clock {
    ahead_millis: AtomicI64,
}

impl Clock {
    pub(super) fn now(&self) -> WallTime {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        WallTime::from_unix_millis(0) + since_epoch + Skew::from_millis(self.ahead_millis.load(Ordering::Relaxed))
    }

    pub(super) fn set_ahead(&self, skew: Skew) {
        self.ahead_millis.store(skew.millis(), Ordering::Relaxed);
    }
}

/// `20261121T150405Z`, the form of `X-Amz-Date`.
pub(super) fn compact(time: WallTime) -> String {
    jiff::Timestamp::from_second(time.unix_seconds()).unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Reads `20261121T150405Z`.
pub(super) fn parse_compact(text: &str) -> Option<WallTime> {
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    let timestamp = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(WallTime::from_unix_seconds(timestamp.as_second()))
}

/// `Sat, 21 Nov 2026 15:04:05 GMT`, the form of the `Date` header.
pub(super) fn http_date(time: WallTime) -> String {
    let timestamp = jiff::Timestamp::from_second(time.unix_seconds()).unwrap_or_default();
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp).unwrap_or_default()
}
