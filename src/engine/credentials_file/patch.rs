//! Changes to single lines, gathered first and made in one go; every line that is not named stays byte for byte. Never
//! decides what to change.

use super::document::Document;
use super::line::Kind;
use super::mark::{Lead, Mark, trace_of};
use crate::engine::names::ProfileName;
use std::borrow::Cow;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// What stands between a key and its value.
const BETWEEN: &str = " = ";

/// `key = value`, to be written. A secret stays where it is until then: what is made for this line holds none.
pub(super) struct OurLine<'p> {
    pub(super) key: &'static str,
    pub(super) value: Cow<'p, str>,
}

/// The changes to one document.
#[derive(Default)]
pub(super) struct Patch<'p> {
    /// What becomes of a line; those that are not named stay.
    changes: BTreeMap<usize, Change<'p>>,
    /// Whole lines to be put below a line.
    below: BTreeMap<usize, Vec<OurLine<'p>>>,
    /// New sections for the end of the file.
    sections: Vec<NewSection<'p>>,
    /// First lines of sections that take the ending of the line above with them if they end the file.
    borrowed_endings: Vec<usize>,
}

enum Change<'p> {
    Gone,
    Line(OurLine<'p>),
}

/// A section for the end of the file. Its mark is the last line, made when it is known what comes before the header.
pub(super) struct NewSection<'p> {
    pub(super) profile: &'p ProfileName,
    /// The keys.
    pub(super) lines: Vec<OurLine<'p>>,
    /// The mark, but for what comes before the header.
    pub(super) mark: Mark,
    /// The key that the mark stands under.
    pub(super) mark_key: &'static str,
}

impl<'p> Patch<'p> {
    /// Takes a line out.
    pub(super) fn remove(&mut self, line: usize) {
        self.changes.insert(line, Change::Gone);
    }

    /// Writes one of our lines in the place of a line; its ending stays.
    pub(super) fn replace(&mut self, line: usize, ours: OurLine<'p>) {
        self.changes.insert(line, Change::Line(ours));
    }

    /// Puts lines below a line that stays.
    pub(super) fn insert_below(&mut self, line: usize, ours: Vec<OurLine<'p>>) {
        self.below.insert(line, ours);
    }

    /// Puts a section at the end of the file.
    pub(super) fn append(&mut self, section: NewSection<'p>) {
        self.sections.push(section);
    }

    /// Says that the line above `line` had no ending before the section that starts at `line` was put below it.
    pub(super) fn give_ending_back(&mut self, line: usize) {
        self.borrowed_endings.push(line);
    }

    /// Whether a line goes.
    pub(super) fn removes(&self, line: usize) -> bool {
        matches!(self.changes.get(&line), Some(Change::Gone))
    }

    /// Where the lines of the old content stand in the new one.
    pub(super) fn moves(&self) -> Moves {
        let gone =
            self.changes.iter().filter(|(_, change)| matches!(change, Change::Gone)).map(|(line, _)| (*line, 0, 1));
        let added = self.below.iter().map(|(line, ours)| (*line, ours.len(), 0));
        let mut moves: Vec<(usize, usize, usize)> = gone.chain(added).collect();
        moves.sort_unstable();
        let mut sum = (0, 0);
        for (_, added, gone) in &mut moves {
            sum = (sum.0 + *added, sum.1 + *gone);
            (*added, *gone) = sum;
        }
        Moves(moves)
    }

    /// The new content of the file.
    pub(super) fn render(&self, document: &Document<'_>) -> Zeroizing<Vec<u8>> {
        let ending = document.ending();
        // Enough from the start: a buffer that grows leaves a copy of the secrets behind.
        let mut out = Output { bytes: Zeroizing::new(Vec::with_capacity(self.capacity(document))), ending };
        let mut last_is_blank = true;
        for (index, line) in document.lines.iter().enumerate() {
            match self.changes.get(&index) {
                Some(Change::Gone) => continue,
                Some(Change::Line(ours)) => out.push_line(ours, ""),
                None => out.push(line.text),
            }
            out.push(line.ending);
            last_is_blank = line.kind == Kind::Blank;
            if let Some(below) = self.below.get(&index) {
                out.complete();
                let ending = if line.ending.is_empty() { ending } else { line.ending };
                below.iter().for_each(|ours| out.push_line(ours, ending));
                last_is_blank = false;
            }
        }
        self.give_endings_back(document, &mut out);
        for section in &self.sections {
            let completed = out.incomplete_line();
            let lead = Lead { ending: out.complete(), blank: !last_is_blank, completed };
            if lead.blank {
                out.push(ending);
            }
            out.push(&format!("[{}]{ending}", section.profile));
            section.lines.iter().for_each(|ours| out.push_line(ours, ending));
            let mark = Mark { lead, ..section.mark.clone() };
            out.push(&format!("{} = {mark}{ending}", section.mark_key));
            last_is_blank = false;
        }
        debug_assert!(out.bytes.len() <= self.capacity(document), "the buffer grew and left a copy behind");
        out.bytes
    }

    fn give_endings_back(&self, document: &Document<'_>, out: &mut Output) {
        let ends_file = |line: usize| (line..document.lines.len()).all(|below| self.removes(below));
        let above_stays = |line: usize| line.checked_sub(1).is_some_and(|above| !self.removes(above));
        if self.borrowed_endings.iter().any(|line| ends_file(*line) && above_stays(*line)) {
            for part in [b'\n', b'\r'] {
                if out.bytes.last() == Some(&part) {
                    out.bytes.pop();
                }
            }
        }
    }

    fn capacity(&self, document: &Document<'_>) -> usize {
        let lines = document.lines.iter().enumerate().map(|(index, line)| {
            line.ending.len()
                + match self.changes.get(&index) {
                    Some(Change::Gone) => 0,
                    Some(Change::Line(ours)) => ours.len(),
                    None => line.text.len(),
                }
        });
        let added = self.below.values().flatten().map(|ours| ours.len() + 4);
        // A mark has no field of unbounded length but the profile and the region; the rest is below 200 bytes.
        let appended = self.sections.iter().map(|section| {
            let names = section.profile.as_str().len()
                + section.mark.profile.len()
                + section.mark.region.as_ref().map_or(0, String::len);
            section.lines.iter().map(|ours| ours.len() + 2).sum::<usize>() + names + 400
        });
        lines.chain(added).chain(appended).sum::<usize>() + 16
    }
}

impl OurLine<'_> {
    /// Without an ending.
    fn len(&self) -> usize {
        self.key.len() + BETWEEN.len() + self.value.len()
    }
}

/// After which lines how many have been added and taken away in all.
pub(super) struct Moves(Vec<(usize, usize, usize)>);

impl Moves {
    /// Where a line of the old content stands in the new one; both counted from 0.
    pub(super) fn of(&self, line: usize) -> usize {
        let above = self.0.partition_point(|(other, ..)| *other < line).checked_sub(1).map(|last| self.0[last]);
        above.map_or(line, |(_, added, gone)| line + added - gone)
    }
}

struct Output {
    bytes: Zeroizing<Vec<u8>>,
    ending: &'static str,
}

impl Output {
    fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn push_line(&mut self, ours: &OurLine<'_>, ending: &str) {
        [ours.key, BETWEEN, &ours.value, ending].into_iter().for_each(|part| self.push(part));
    }

    /// By what the last line is known again if it has no ending.
    fn incomplete_line(&self) -> Option<u32> {
        if self.bytes.is_empty() || self.bytes.ends_with(b"\n") {
            return None;
        }
        let upwards = self.bytes.rsplit(|byte| *byte == b'\n');
        trace_of(upwards.map(|line| line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// Ends the last line if it has no ending; says whether it had none.
    fn complete(&mut self) -> bool {
        let incomplete = !self.bytes.is_empty() && !self.bytes.ends_with(b"\n");
        if incomplete {
            self.push(self.ending);
        }
        incomplete
    }
}
