//! Durations as people write them (`1h`, `1h 30m`, `45m`, `3600s`), read and shown. Never knows which of them AWS allows.

use jiff::fmt::friendly::SpanParser;
use std::fmt::Write;
use std::time::Duration;

/// Why a text is no duration; the message says what to write instead.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadDuration {
    /// A bare number.
    #[error("write the unit too: \"{0}s\" for seconds, \"{0}m\" for minutes")]
    NoUnit(u64),
    /// Anything else.
    #[error("write it like \"1h\", \"1h 30m\", \"45m\" or \"3600s\"")]
    Form,
    /// A fraction of a second is left over.
    #[error("write whole seconds; STS counts in them")]
    Fraction,
}

/// Reads a duration of whole seconds.
///
/// # Errors
/// What is wrong, worded as what to write instead.
pub fn parse(text: &str) -> Result<Duration, BadDuration> {
    static PARSER: SpanParser = SpanParser::new();
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Err(BadDuration::NoUnit(number));
    }
    let duration = PARSER.parse_unsigned_duration(text).map_err(|_| BadDuration::Form)?;
    if duration.subsec_nanos() == 0 { Ok(duration) } else { Err(BadDuration::Fraction) }
}

/// `1h 30m`: whole seconds, only the units that are needed.
pub fn show(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let mut shown = String::new();
    for (amount, unit) in [(seconds / 3600, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')] {
        if amount > 0 {
            let gap = if shown.is_empty() { "" } else { " " };
            // Writing to a String cannot fail.
            let _ = write!(shown, "{gap}{amount}{unit}");
        }
    }
    if shown.is_empty() { "0s".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::{BadDuration, parse, show};
    use std::time::Duration;

    #[test]
    fn reads_what_people_write() {
        for (text, seconds, shown) in [
            ("1h", 3600, "1h"),
            ("1h 30m", 5400, "1h 30m"),
            ("1h30m", 5400, "1h 30m"),
            (" 45m ", 2700, "45m"),
            ("3600s", 3600, "1h"),
            ("1.5 hours", 5400, "1h 30m"),
            ("90 minutes", 5400, "1h 30m"),
            ("36h", 129_600, "36h"),
            ("0s", 0, "0s"),
            ("1h 5s", 3605, "1h 5s"),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
            assert_eq!(show(Duration::from_secs(seconds)), shown);
            assert_eq!(parse(shown), Ok(Duration::from_secs(seconds)), "{shown}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        assert_eq!(parse("900"), Err(BadDuration::NoUnit(900)));
        assert_eq!(parse("900.5s"), Err(BadDuration::Fraction));
        for text in ["", "h", "soon", "-5m", "5m ago", "1d", "99999999999999999999h", "1h\0"] {
            assert_eq!(parse(text), Err(BadDuration::Form), "{text}");
        }
    }
}
