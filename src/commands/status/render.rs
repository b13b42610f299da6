//! The report as people and pipes read it: a value goes in, text comes out. Never asks the clock or the terminal.

use super::causes::causes;
use super::notes::Note;
use super::page::Page;
use super::plain::plain;
use crate::commands::humane;
use crate::commands::output::Surface;
use crate::engine::invocation::Invocation;
use crate::engine::status::{Daemon, Profile, State, Status};
use crate::engine::time::WallTime;
use jiff::tz::TimeZone;

/// A skew that is worth a word, in seconds.
const NOTABLE_SKEW: u64 = 60;

/// How to show it.
#[derive(Clone, Debug)]
pub struct Style {
    /// A table for a terminal, or plain lines.
    pub surface: Surface,
    /// How many lines there may be; `None` for a terminal that scrolls.
    pub rows: Option<usize>,
    /// Where the reader's clock hangs.
    pub zone: TimeZone,
    /// The version of this binary, to be compared with that of the running daemon.
    pub version: &'static str,
    /// What starts the daemon here.
    pub start: &'static str,
    /// How the reader has to call evertoken.
    pub invocation: Invocation,
}

/// The whole report, ending with a line break.
pub fn render(status: &Status, notes: &[Note], now: WallTime, style: &Style) -> String {
    let mut profiles: Vec<&Profile> = status.profiles.iter().collect();
    profiles.sort_by_key(|profile| urgency(profile));
    let causes = causes(&profiles);
    if style.surface.terminal {
        Page { status, notes, now, style }.render(&profiles, &causes)
    } else {
        plain(status, &profiles, &causes, notes, style)
    }
}

/// What needs a person first, then what ends first; the order of the config among equals.
fn urgency(profile: &Profile) -> (u8, i64) {
    let rank = match profile.state {
        State::Expired => 0,
        State::Waiting => 1,
        State::Refused => 2,
        State::Retrying => 3,
        State::Outdated => 4,
        State::Fresh => 5,
    };
    (rank, profile.expires_in_seconds.unwrap_or(i64::MIN))
}

/// The more urgent, the louder.
pub(super) const fn colour(state: State) -> &'static str {
    match state {
        State::Fresh => "\x1b[32m",
        State::Retrying | State::Outdated => "\x1b[33m",
        State::Waiting => "\x1b[1;33m",
        State::Refused => "\x1b[31m",
        State::Expired => "\x1b[1;31m",
    }
}

/// The running daemon is of an older version than this binary.
pub(super) fn outdated<'a>(daemon: &'a Daemon, version: &str) -> Option<&'a str> {
    let numbers = |text: &str| text.split(['.', '-', '+']).map_while(|n| n.parse::<u64>().ok()).collect::<Vec<_>>();
    let running = daemon.version.as_deref().filter(|_| daemon.running)?;
    (numbers(running) < numbers(version)).then_some(running)
}

/// The clocks differ so much that it matters.
pub(super) fn skew_sentence(seconds: i64) -> Option<String> {
    (seconds.unsigned_abs() >= NOTABLE_SKEW).then(|| {
        let side = if seconds > 0 { "behind" } else { "ahead of" };
        format!("The clock of this machine is {} {side} that of AWS.", humane::life(seconds.unsigned_abs()))
    })
}

/// The text in this ink; as it is without one.
pub(super) fn paint(ink: Option<&str>, text: &str) -> String {
    ink.map_or_else(|| text.to_owned(), |ink| format!("{ink}{text}\x1b[0m"))
}
