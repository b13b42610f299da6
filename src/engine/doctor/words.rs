//! Lengths of time and key ids as `doctor` tells them. Nothing more exact than a person needs.

use crate::engine::time::WallTime;
use std::time::Duration;

/// `40 s`, `14 min`, `3 h`, `2 days`: one unit, rounded down.
pub(super) fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// `ended 14 min ago`.
pub(super) fn ended(end: WallTime, now: WallTime) -> String {
    format!("ended {} ago", span(now.since(end)))
}

/// The first and the last four characters of an access key id: enough to tell keys apart.
pub fn short_id(id: &str) -> String {
    let characters: Vec<char> = id.chars().filter(|c| !c.is_control()).collect();
    match characters.len() {
        0..12 => format!("{}…", characters.iter().take(4).collect::<String>()),
        length => {
            let (start, end) = (&characters[..4], &characters[length - 4..]);
            format!("{}…{}", start.iter().collect::<String>(), end.iter().collect::<String>())
        }
    }
}

/// `a, b and c`.
pub(super) fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{list, short_id, span};
    use std::time::Duration;

    #[test]
    fn lengths_are_told_in_one_unit() {
        let cases =
            [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (9_000, "2 h"), (200_000, "2 days")];
        for (seconds, expected) in cases {
            assert_eq!(span(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn an_id_is_never_shown_whole() {
        assert_eq!(short_id("AKIAIOSFODNN7EXAMPLE"), "AKIA…MPLE");
        assert_eq!(short_id("AKIA12345"), "AKIA…");
        assert_eq!(short_id(""), "…");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}
