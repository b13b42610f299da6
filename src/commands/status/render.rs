//! The report as people and pipes read it: a value goes in, text comes out. Never asks the clock or the terminal.

use crate::commands::humane;
use crate::commands::output::Surface;
use crate::commands::service_manager::{Verb, command};
use crate::engine::status::{Daemon, Profile, State, Status, Trouble};
use crate::engine::time::WallTime;
use jiff::tz::TimeZone;
use std::cmp::Reverse;

/// A skew that is worth a word, in seconds.
const NOTABLE_SKEW: u64 = 60;

/// How to show it.
#[derive(Clone, Debug)]
pub struct Style {
    /// A table for a terminal, or plain lines.
    pub surface: Surface,
    /// Where the reader's clock hangs.
    pub zone: TimeZone,
    /// The version of this binary, to be compared with that of the running daemon.
    pub version: &'static str,
}

/// The whole report, ending with a line break.
pub fn render(status: &Status, now: WallTime, style: &Style) -> String {
    let mut profiles: Vec<&Profile> = status.profiles.iter().collect();
    profiles.sort_by_key(|profile| urgency(profile));
    let troubles = group(&profiles);
    if style.surface.terminal {
        Table { status, now, style }.render(&profiles, &troubles)
    } else {
        plain(status, &profiles, &troubles, style)
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

/// One cause and all whom it concerns.
struct Cause<'a> {
    trouble: &'a Trouble,
    since: &'a str,
    attempts: u32,
    profiles: Vec<&'a str>,
}

fn group<'a>(profiles: &[&'a Profile]) -> Vec<Cause<'a>> {
    let mut causes: Vec<Cause<'a>> = Vec::new();
    for profile in profiles {
        let Some(trouble) = &profile.error else { continue };
        let same = |other: &Trouble| {
            other.class == trouble.class
                && other.code == trouble.code
                && other.message == trouble.message
                && other.fix == trouble.fix
        };
        if let Some(cause) = causes.iter_mut().find(|cause| same(cause.trouble)) {
            cause.profiles.push(&profile.profile);
            cause.attempts = cause.attempts.max(trouble.attempts);
            // RFC 3339 in UTC sorts as text.
            cause.since = cause.since.min(&trouble.since);
        } else {
            let profiles = vec![profile.profile.as_str()];
            causes.push(Cause { trouble, since: &trouble.since, attempts: trouble.attempts, profiles });
        }
    }
    causes.sort_by_key(|cause| Reverse(cause.trouble.fix.is_some()));
    causes
}

const fn word(state: State) -> &'static str {
    match state {
        State::Fresh => "fresh",
        State::Retrying => "retrying",
        State::Waiting => "waiting",
        State::Refused => "refused",
        State::Outdated => "outdated",
        State::Expired => "expired",
    }
}

const fn colour(state: State) -> &'static str {
    match state {
        State::Fresh => "\x1b[32m",
        State::Retrying | State::Outdated => "\x1b[33m",
        State::Waiting => "\x1b[1;33m",
        State::Refused => "\x1b[31m",
        State::Expired => "\x1b[1;31m",
    }
}

/// A line is a line, and a terminal is not told what to do, whatever stands in `status.json`.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The running daemon is of an older version than this binary.
fn outdated<'a>(daemon: &'a Daemon, version: &str) -> Option<&'a str> {
    let numbers = |text: &str| text.split(['.', '-', '+']).map_while(|n| n.parse::<u64>().ok()).collect::<Vec<_>>();
    let running = daemon.version.as_deref().filter(|_| daemon.running)?;
    (numbers(running) < numbers(version)).then_some(running)
}

fn skew_sentence(seconds: i64) -> Option<String> {
    (seconds.unsigned_abs() >= NOTABLE_SKEW).then(|| {
        let side = if seconds > 0 { "behind" } else { "ahead of" };
        format!("The clock of this machine is {} {side} that of AWS.", humane::life(seconds.unsigned_abs()))
    })
}

/// Lines for `grep` and `awk`: the first word is the profile, the second its state, then `key=value`.
fn plain(status: &Status, profiles: &[&Profile], troubles: &[Cause<'_>], style: &Style) -> String {
    let mut lines = Vec::new();
    for profile in profiles {
        let mut line = format!("{} {}", profile.profile, word(profile.state));
        let seconds = profile.expires_in_seconds.map(|seconds| seconds.to_string());
        for (key, value) in [
            ("expires", profile.expires.as_deref()),
            ("expires_in_seconds", seconds.as_deref()),
            ("next_refresh", profile.next_refresh.as_deref()),
            ("store", Some(profile.store.as_str())),
            ("source", Some(profile.source.as_str())),
            ("role_arn", profile.role_arn.as_deref()),
        ] {
            if let Some(value) = value {
                line.push_str(&format!(" {key}={value}"));
            }
        }
        lines.push(line);
    }
    for cause in troubles {
        let code = cause.trouble.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
        let (class, message) = (&cause.trouble.class, &cause.trouble.message);
        let attempts = times(cause.attempts);
        lines.push(format!(
            "trouble: {}: {class}{code} since {}, {attempts}: {message}",
            cause.profiles.join(","),
            cause.since
        ));
        lines.extend(cause.trouble.fix.as_ref().map(|fix| format!("fix: {fix}")));
    }
    lines.push(match &status.daemon {
        Daemon { running: false, .. } => "daemon: not running".to_owned(),
        Daemon { responding: false, .. } => "daemon: not responding".to_owned(),
        Daemon { pid, .. } => {
            pid.map_or_else(|| "daemon: running".to_owned(), |pid| format!("daemon: running, pid {pid}"))
        }
    });
    lines.extend(
        outdated(&status.daemon, style.version)
            .map(|running| format!("daemon: runs {running}, this is {}: {}", style.version, command(Verb::Restart))),
    );
    lines.extend(skew_sentence(status.clock_skew_seconds).map(|sentence| format!("clock: {sentence}")));
    lines.iter().map(|line| clean(line) + "\n").collect()
}

fn times(attempts: u32) -> String {
    if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") }
}

struct Table<'a> {
    status: &'a Status,
    now: WallTime,
    style: &'a Style,
}

impl Table<'_> {
    fn render(&self, profiles: &[&Profile], troubles: &[Cause<'_>]) -> String {
        let mut text = self.rows(profiles);
        for cause in troubles {
            text.push('\n');
            text.push_str(&self.cause(cause));
        }
        text.push('\n');
        for (sentence, fix) in self.daemon() {
            text.push_str(&self.wrap("", &sentence));
            text.extend(fix.map(|fix| self.fix(fix)));
        }
        text
    }

    fn rows(&self, profiles: &[&Profile]) -> String {
        let mut rows: Vec<(Option<State>, [String; 5], String)> = Vec::new();
        let heads = ["PROFILE", "STATE", "LEFT", "UNTIL", "NEXT"].map(str::to_owned);
        rows.push((None, heads, "ROLE".to_owned()));
        for profile in profiles {
            let left = match profile.expires_in_seconds {
                Some(seconds) if seconds > 0 => humane::life(seconds.unsigned_abs()),
                Some(_) => "ended".to_owned(),
                None => "none".to_owned(),
            };
            let cells = [
                cut(&clean(&profile.profile), 28),
                word(profile.state).to_owned(),
                left,
                self.clock(profile.expires.as_deref()),
                self.clock(profile.next_refresh.as_deref()),
            ];
            rows.push((Some(profile.state), cells, clean(&behind(profile))));
        }
        let mut widths = [0; 5];
        for (_, cells, _) in &rows {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let used: usize = widths.iter().map(|width| width + 2).sum();
        let rest = self.style.surface.width.saturating_sub(used);
        let mut text = String::new();
        for (state, cells, role) in &rows {
            let mut line = String::new();
            for (column, (cell, &width)) in cells.iter().zip(&widths).enumerate() {
                let padding = " ".repeat(width - cell.chars().count() + 2);
                let paint = state.filter(|_| column == 1).map(colour);
                line.push_str(&self.paint(paint, cell));
                line.push_str(&padding);
            }
            // A role of which one sees three letters is worth less than a line that fits.
            if rest >= 12 {
                line.push_str(&cut(role, rest));
            }
            let line = if state.is_none() { self.paint(Some("\x1b[2m"), line.trim_end()) } else { line };
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn cause(&self, cause: &Cause<'_>) -> String {
        let Trouble { class, code, message, fix, .. } = cause.trouble;
        let code = code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
        let since = self.clock(Some(cause.since));
        let head = format!("{}: {class}{code} since {since}, {}", cause.profiles.join(", "), times(cause.attempts));
        let mut text = self.wrap("", &head);
        text.push_str(&self.wrap("  ", message));
        text.extend(fix.as_ref().map(|fix| self.fix(fix)));
        text
    }

    /// In one line, however long, so that it can be copied.
    fn fix(&self, fix: &str) -> String {
        format!("  {} {}\n", self.paint(Some("\x1b[1m"), "fix:"), clean(fix))
    }

    /// Sentences, each with the command that mends what it says.
    fn daemon(&self) -> Vec<(String, Option<&'static str>)> {
        let Daemon { running, responding, pid, version, since, next_wakeup } = &self.status.daemon;
        let pid = pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
        let version = version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
        let mut sentences = Vec::new();
        sentences.push(if !running {
            ("evertoken is not running: nothing is refreshed.".to_owned(), Some(command(Verb::Start)))
        } else if !responding {
            let due = self.clock(next_wakeup.as_deref());
            let sentence = format!("evertoken{version}{pid} is not responding: it meant to wake at {due}.");
            (sentence, Some(command(Verb::Restart)))
        } else {
            let since = since.as_deref().map(|since| format!(" since {}", self.clock(Some(since)))).unwrap_or_default();
            let next = next_wakeup.as_deref();
            let next = next.map(|next| format!(", wakes at {}", self.clock(Some(next)))).unwrap_or_default();
            (format!("evertoken{version} is running{since}{pid}{next}."), None)
        });
        if let Some(running) = outdated(&self.status.daemon, self.style.version) {
            let sentence = format!("It is still version {running}, this binary is {}.", self.style.version);
            sentences.push((sentence, Some(command(Verb::Restart))));
        }
        sentences.extend(skew_sentence(self.status.clock_skew_seconds).map(|sentence| (sentence, None)));
        sentences
    }

    /// An RFC 3339 time as the clock on the wall shows it.
    fn clock(&self, time: Option<&str>) -> String {
        let parsed = time.and_then(|text| WallTime::parse(text).ok());
        parsed.map_or_else(|| "-".to_owned(), |time| humane::clock(time, self.now, &self.style.zone))
    }

    fn paint(&self, paint: Option<&str>, text: &str) -> String {
        match paint.filter(|_| self.style.surface.colour) {
            Some(paint) => format!("{paint}{text}\x1b[0m"),
            None => text.to_owned(),
        }
    }

    /// Breaks between words so that each line fits; a word that is longer than a line stays whole.
    fn wrap(&self, indent: &str, text: &str) -> String {
        let mut lines = vec![String::new()];
        for word in clean(text).split_whitespace() {
            let line = lines.last().map_or(0, |line| line.chars().count());
            if line > 0 && indent.len() + line + 1 + word.chars().count() > self.style.surface.width {
                lines.push(word.to_owned());
            } else if let Some(last) = lines.last_mut() {
                if line > 0 {
                    last.push(' ');
                }
                last.push_str(word);
            }
        }
        lines.iter().map(|line| format!("{indent}{line}\n")).collect()
    }
}

/// `Developer in 111122223333`, or where the credentials come from when there is no role.
fn behind(profile: &Profile) -> String {
    let parts = profile.role_arn.as_deref().and_then(|arn| {
        let mut fields = arn.splitn(6, ':');
        let account = fields.nth(4)?;
        Some((account, fields.next()?.rsplit('/').next()?))
    });
    match (parts, &profile.role_arn) {
        (Some((account, role)), _) => format!("{role} in {account}"),
        (None, Some(arn)) => arn.clone(),
        (None, None) => format!("from {}", profile.source),
    }
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
