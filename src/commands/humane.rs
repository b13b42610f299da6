//! Lives and times as people say them: `43m`, `2h 05m`, `15:04`. For eyes only; machines get RFC 3339.

use crate::engine::time::WallTime;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Below this the seconds matter.
const SECONDS_MATTER: u64 = 600;

/// A length of time in two units at most, rounded down: `45s`, `4m 05s`, `43m`, `2h 05m`, `3d 4h`.
pub fn life(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..SECONDS_MATTER => format!("{minutes}m {:02}s", seconds % 60),
        SECONDS_MATTER..3_600 => format!("{minutes}m"),
        3_600..86_400 => format!("{hours}h {:02}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

/// The clock on the wall at `time`, with the day where it is not the day of `now`: `15:04`, `15:04:05` when it is
/// minutes away, `Sun 15:04`, `2026-12-24`.
pub fn clock(time: WallTime, now: WallTime, zone: &TimeZone) -> String {
    let local = |time: WallTime| Timestamp::from_second(time.unix_seconds()).map(|at| at.to_zoned(zone.clone()));
    let (Ok(then), Ok(today)) = (local(time), local(now)) else { return time.to_string() };
    let apart = time.since(now).max(now.since(time)).as_secs();
    let form = if then.date() == today.date() {
        if apart < SECONDS_MATTER { "%H:%M:%S" } else { "%H:%M" }
    } else if apart < 6 * 86_400 {
        "%a %H:%M"
    } else {
        "%Y-%m-%d"
    };
    then.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::{clock, life};
    use crate::engine::time::WallTime;
    use jiff::tz::{TimeZone, offset};

    #[test]
    fn a_life_is_told_in_two_units_at_most_and_never_longer_than_it_is() {
        let cases = [
            (0, "0s"),
            (59, "59s"),
            (60, "1m 00s"),
            (599, "9m 59s"),
            (600, "10m"),
            (2_639, "43m"),
            (3_599, "59m"),
            (3_600, "1h 00m"),
            (7_559, "2h 05m"),
            (86_399, "23h 59m"),
            (86_400, "1d 0h"),
            (1_000_000, "11d 13h"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(life(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn a_time_is_told_as_the_clock_on_the_wall_shows_it() {
        let at = |text: &str| WallTime::parse(text).expect("a time");
        let zone = TimeZone::fixed(offset(1));
        let now = at("2026-11-21T14:00:00Z");
        let cases = [
            ("2026-11-21T15:04:05Z", "16:04"),
            ("2026-11-21T14:04:05Z", "15:04:05"),
            ("2026-11-21T13:58:00Z", "14:58:00"),
            ("2026-11-21T23:30:00Z", "Sun 00:30"),
            ("2026-12-24T10:00:00Z", "2026-12-24"),
        ];
        for (time, expected) in cases {
            assert_eq!(clock(at(time), now, &zone), expected, "{time}");
        }
        assert_eq!(clock(WallTime::MAX, now, &zone), "9999-12-30T22:00:00Z");
    }
}
