//! The report for a terminal: the table, below it what is wrong with the way out, at the end the daemon. Fits the width,
//! and the height where it is told one.

use super::causes::{Cause, ends_ahead, times};
use super::fit::{LongWord, clean, columns, enumerated, wrap};
use super::notes::Note;
use super::render::{Style, outdated, paint, skew_sentence};
use super::table::{Table, counted};
use crate::commands::service_manager::{Verb, command};
use crate::engine::status::{Daemon, Profile, State, Status};
use crate::engine::time::WallTime;

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";

/// What a page is made of.
pub(super) struct Page<'a> {
    pub(super) status: &'a Status,
    pub(super) notes: &'a [Note],
    pub(super) now: WallTime,
    pub(super) style: &'a Style,
}

impl Page<'_> {
    pub(super) fn render(&self, profiles: &[&Profile], causes: &[Cause<'_>]) -> String {
        let mut table = self.table().lines(profiles);
        let mut blocks: Vec<Vec<String>> = causes.iter().map(|cause| self.cause(cause)).collect();
        blocks.extend(ends_ahead(profiles).into_iter().map(|(warning, names)| {
            let text =
                format!("{} at {}: {}", names.join(", "), self.table().clock(Some(&warning.at)), warning.message);
            wrap("", &clean(&text), self.style.surface.width, LongWord::Cut)
        }));
        blocks.extend(self.notes.iter().map(|note| self.note(note)));
        let footer = self.footer();
        if let Some(rows) = self.style.rows {
            self.squeeze(rows, profiles, &mut table, &mut blocks, &footer);
        }
        let mut lines = table;
        for block in blocks.into_iter().chain([footer]) {
            lines.push(String::new());
            lines.extend(block);
        }
        lines.iter().map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    /// Leaves out what is least urgent, and says so: what is wrong and how the daemon does is always to be seen.
    fn squeeze(
        &self,
        rows: usize,
        profiles: &[&Profile],
        table: &mut Vec<String>,
        blocks: &mut Vec<Vec<String>>,
        footer: &[String],
    ) {
        let note = |text: String| paint(Some(DIM).filter(|_| self.style.surface.colour), &text);
        let height = |blocks: &[Vec<String>]| blocks.iter().map(|block| block.len() + 1).sum::<usize>();
        let rows = rows.saturating_sub(footer.len() + 1);
        // The table keeps a third, however much is wrong.
        let for_table = rows.saturating_sub(height(blocks)).max(rows / 3).max(3);
        if table.len() > for_table {
            let kept = for_table - 1;
            let rest = &profiles[kept - 1..];
            table.truncate(kept);
            table.push(note(format!("… and {} more: {}", rest.len(), counted(rest))));
        }
        let left = rows.saturating_sub(table.len());
        if height(blocks) > left {
            let all = blocks.len();
            while height(blocks) + 2 > left && !blocks.is_empty() {
                blocks.pop();
            }
            let hidden = all - blocks.len();
            let troubles = if hidden == 1 { "trouble" } else { "troubles" };
            let all = self.style.invocation.told("evertoken status");
            blocks.push(vec![note(format!("… and {hidden} more {troubles}: {all}"))]);
        }
    }

    fn table(&self) -> Table<'_> {
        let surface = self.style.surface;
        Table { now: self.now, zone: &self.style.zone, width: surface.width, colour: surface.colour }
    }

    /// What happened and to whom, all their names, and the way out.
    fn cause(&self, cause: &Cause<'_>) -> Vec<String> {
        let width = self.style.surface.width;
        let since = format!(" since {}", self.table().clock(Some(cause.since)));
        let tried = match cause.attempts {
            0 => String::new(),
            1 => since,
            more => format!("{since}, {}", times(more)),
        };
        let who = format!("{}{tried}", cause.who_does_what(&self.status.daemon));
        let message = capitalised(&cause.message());
        let in_one = wrap("", &format!("{message}: {who}"), width, LongWord::Cut);
        let mut lines = if in_one.len() == 1 {
            in_one
        } else {
            let mut lines = wrap("", &message, width, LongWord::Cut);
            lines.extend(wrap("  ", &who, width, LongWord::Cut));
            lines
        };
        if cause.profiles.len() > 1 {
            lines.push(format!("  {}", clean(&enumerated(&cause.profiles, width.saturating_sub(2)))));
        }
        lines.extend(cause.fix().iter().flat_map(|fix| self.fix(fix)));
        lines
    }

    fn note(&self, note: &Note) -> Vec<String> {
        let width = self.style.surface.width;
        let text = format!("{}: {}", note.about(", "), note.message);
        wrap("", &clean(&text), width, LongWord::Cut).into_iter().chain(self.fix(&note.fix)).collect()
    }

    /// It is there to be copied: a command stays in one line, however long, also at the end of a sentence, which is broken
    /// between words, none of which is cut. Where the rows are counted, both are broken.
    fn fix(&self, fix: &str) -> Vec<String> {
        let arrow = paint(Some(BOLD).filter(|_| self.style.surface.colour), "→");
        let width = self.style.surface.width;
        let (sentence, command) = if self.style.rows.is_none() { apart(fix) } else { (fix, None) };
        let mut lines = wrap("    ", sentence, width, LongWord::Keep);
        if let Some(command) = command.map(clean) {
            match lines.last_mut() {
                Some(line) if line.trim().is_empty() || columns(line) + 1 + columns(&command) <= width => {
                    line.push(' ');
                    line.push_str(&command);
                }
                _ => lines.push(format!("    {command}")),
            }
        }
        if let Some(first) = lines.first_mut() {
            *first = format!("  {arrow} {}", first.trim_start());
        }
        lines
    }

    /// How the daemon does; each sentence with the command that mends what it says.
    fn footer(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (sentence, fix) in self.daemon() {
            lines.extend(wrap("", &sentence, self.style.surface.width, LongWord::Cut));
            lines.extend(fix.into_iter().flat_map(|fix| self.fix(&self.style.invocation.told(fix))));
        }
        lines
    }

    fn daemon(&self) -> Vec<(String, Option<&'static str>)> {
        let Daemon { running, responding, pid, version, since, next_wakeup } = &self.status.daemon;
        let clock = |time: &str| self.table().clock(Some(time));
        let pid = pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
        let version = version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
        let mut sentences = Vec::new();
        sentences.push(if !running {
            ("evertoken is not running: nothing is refreshed.".to_owned(), Some(self.style.start))
        } else if !responding {
            let due = next_wakeup.as_deref().map_or_else(|| "-".to_owned(), clock);
            let sentence = format!("evertoken{version}{pid} is not responding: it meant to wake at {due}.");
            (sentence, Some(command(Verb::Restart)))
        } else {
            let since = since.as_deref().map(|since| format!(" since {}", clock(since))).unwrap_or_default();
            let next = next_wakeup.as_deref().map(|next| format!(", wakes at {}", clock(next))).unwrap_or_default();
            let fresh = self.status.profiles.iter().filter(|profile| profile.state == State::Fresh).count();
            let all = self.status.profiles.len();
            let verdict = if fresh == all { "all fresh".to_owned() } else { format!("{fresh} of {all} fresh") };
            (format!("evertoken{version} runs{since}{pid}{next}; {verdict}."), None)
        });
        if let Some(running) = outdated(&self.status.daemon, self.style.version) {
            let sentence = format!("It is still version {running}, this binary is {}.", self.style.version);
            sentences.push((sentence, Some(command(Verb::Restart))));
        }
        sentences.extend(skew_sentence(self.status.clock_skew_seconds).map(|sentence| (sentence, None)));
        sentences
    }
}

/// A way out as a sentence, which may be empty, and the command that it ends with, if it does.
fn apart(fix: &str) -> (&str, Option<&str>) {
    if is_command(fix) {
        return ("", Some(fix));
    }
    match fix.rfind(": ").map(|colon| (&fix[..=colon], &fix[colon + 2..])) {
        Some((sentence, command)) if is_command(command) => (sentence, Some(command)),
        _ => (fix, None),
    }
}

/// Whether a text is a command and nothing else.
fn is_command(fix: &str) -> bool {
    const PROGRAMS: [&str; 10] =
        ["evertoken", "aws", "systemctl", "launchctl", "export", "unset", "rm", "mv", "ls", "sudo"];
    let is_sentence = [", ", "; ", ". "].iter().any(|mark| fix.contains(mark));
    PROGRAMS.contains(&fix.split(' ').next().unwrap_or_default()) && !is_sentence
}

/// With a large first letter, unless it begins with a name.
fn capitalised(text: &str) -> String {
    let first = text.split([' ', ',']).next().unwrap_or_default();
    let is_word = !first.is_empty() && first.chars().all(|c| c.is_ascii_lowercase());
    if !is_word || first == "evertoken" {
        return text.to_owned();
    }
    let (head, tail) = text.split_at(1);
    head.to_ascii_uppercase() + tail
}
