//! Changes to single lines, gathered first and made in one go; every line that is not named stays byte for byte. Never
//! decides what to change.

use super::document::Document;
use super::line::Kind;
use super::mark::{Lead, Mark};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Text that may hold secrets.
pub(super) type Text = Zeroizing<String>;

/// The changes to one document.
#[derive(Default)]
pub(super) struct Patch {
    /// What becomes of a line; those that are not named stay.
    changes: BTreeMap<usize, Change>,
    /// Whole lines, without endings, to be put below a line.
    below: BTreeMap<usize, Vec<Text>>,
    /// New sections for the end of the file.
    sections: Vec<NewSection>,
    /// First lines of sections that take the ending of the line above with them if they end the file.
    borrowed_endings: Vec<usize>,
}

enum Change {
    Gone,
    Text(Text),
}

/// A section for the end of the file. Its mark is the last line, made when it is known what comes before the header.
pub(super) struct NewSection {
    /// Header and keys.
    pub(super) lines: Vec<Text>,
    /// The mark, but for what comes before the header.
    pub(super) mark: Mark,
    /// The key that the mark stands under.
    pub(super) mark_key: &'static str,
}

impl Patch {
    /// Takes a line out.
    pub(super) fn remove(&mut self, line: usize) {
        self.changes.insert(line, Change::Gone);
    }

    /// Writes another text into a line; its ending stays.
    pub(super) fn replace(&mut self, line: usize, text: Text) {
        self.changes.insert(line, Change::Text(text));
    }

    /// Puts lines below a line that stays.
    pub(super) fn insert_below(&mut self, line: usize, texts: Vec<Text>) {
        self.below.insert(line, texts);
    }

    /// Puts a section at the end of the file.
    pub(super) fn append(&mut self, section: NewSection) {
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
        let added = self.below.iter().map(|(line, texts)| (*line, texts.len(), 0));
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
                Some(Change::Text(text)) => out.push(text),
                None => out.push(line.text),
            }
            out.push(line.ending);
            last_is_blank = line.kind == Kind::Blank;
            if let Some(texts) = self.below.get(&index) {
                out.complete();
                let ending = if line.ending.is_empty() { ending } else { line.ending };
                for text in texts {
                    out.push(text);
                    out.push(ending);
                }
                last_is_blank = false;
            }
        }
        self.give_endings_back(document, &mut out);
        for section in &self.sections {
            let lead = Lead { ending: out.complete(), blank: !last_is_blank };
            if lead.blank {
                out.push(ending);
            }
            for line in &section.lines {
                out.push(line);
                out.push(ending);
            }
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
        let lines = document.lines.iter().map(|line| line.text.len() + line.ending.len());
        let changed = self.changes.values().map(|change| match change {
            Change::Gone => 0,
            Change::Text(text) => text.len(),
        });
        let added = self.below.values().flatten().map(|text| text.len() + 4);
        // A mark has no field of unbounded length but the profile and the region; the rest is below 200 bytes.
        let appended = self.sections.iter().map(|section| {
            let mark = section.mark.profile.len() + section.mark.region.as_ref().map_or(0, String::len) + 400;
            section.lines.iter().map(|line| line.len() + 2).sum::<usize>() + mark
        });
        lines.chain(changed).chain(added).chain(appended).sum::<usize>() + 16
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

    /// Ends the last line if it has no ending; says whether it had none.
    fn complete(&mut self) -> bool {
        let incomplete = !self.bytes.is_empty() && !self.bytes.ends_with(b"\n");
        if incomplete {
            self.push(self.ending);
        }
        incomplete
    }
}
