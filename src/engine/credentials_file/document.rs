//! A credentials file as lines and sections, and where a profile stands in it in the eyes of every reader. Never looks
//! at values.

use super::header::{self, Clarity};
use super::line::{self, Kind, Line};
use super::types::{Malformed, Reason};
use std::collections::HashMap;
use std::ops::Range;

/// A file that was read without loss.
pub(super) struct Document<'a> {
    /// All lines, in order.
    pub(super) lines: Vec<Line<'a>>,
    /// All sections that start in the first column, in order.
    pub(super) sections: Vec<Section>,
    /// Where a name is read from, by whichever reader.
    mentions: HashMap<String, Vec<Mention>>,
}

/// A header and the lines below it, up to the next header in the first column.
pub(super) struct Section {
    /// The line of its header.
    pub(super) header: usize,
    /// The lines below it.
    pub(super) body: Range<usize>,
    /// Its name, where all readers take the same from it.
    pub(super) name: Option<String>,
    /// The first line in it, or just after it, that starts a section to some readers and not to others.
    blurred: Option<usize>,
}

/// A header that some reader takes for a certain name.
struct Mention {
    line: usize,
    /// The section, when the header is clear.
    clear: Option<usize>,
}

impl<'a> Document<'a> {
    /// Reads a whole file.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let lines = line::split(bytes)?;
        let mut sections: Vec<Section> = Vec::new();
        let mut mentions: HashMap<String, Vec<Mention>> = HashMap::new();
        for (index, line) in lines.iter().enumerate() {
            let header = match line.kind {
                Kind::Header | Kind::Indented => header::read(line.text),
                Kind::Blank | Kind::Comment | Kind::Key => None,
            };
            let Some(header) = header else { continue };
            if let Some(above) = sections.last_mut() {
                if line.kind == Kind::Header {
                    above.body.end = index;
                }
                if header.clarity == Clarity::Blurred && above.blurred.is_none() {
                    above.blurred = Some(index);
                }
            }
            let clear = (header.clarity == Clarity::Clear).then_some(sections.len());
            if line.kind == Kind::Header {
                sections.push(Section {
                    header: index,
                    body: index + 1..lines.len(),
                    name: clear.and_then(|_| header.names.first().cloned()),
                    blurred: None,
                });
            }
            for name in header.names {
                mentions.entry(name).or_default().push(Mention { line: index, clear });
            }
        }
        Ok(Self { lines, sections, mentions })
    }

    /// The one section of that name; `None` when no reader finds any; a reason when readers find different things.
    pub(super) fn find(&self, name: &str) -> Result<Option<&Section>, Reason> {
        let Some(mentions) = self.mentions.get(name) else { return Ok(None) };
        if let Some(odd) = mentions.iter().find(|mention| mention.clear.is_none()) {
            return Err(reason(
                odd.line,
                format!(
                    "not every tool reads this header as [{name}]; write it as [{name}], alone in its line, or rename it"
                ),
            ));
        }
        if let [_, second, ..] = mentions.as_slice() {
            return Err(reason(
                second.line,
                format!("a second section [{name}], which some tools refuse to read; merge it into the first"),
            ));
        }
        let section = mentions.first().and_then(|mention| mention.clear).and_then(|index| self.sections.get(index));
        match section.and_then(|section| section.blurred) {
            Some(line) => Err(reason(
                line,
                format!(
                    "this line looks like the end of [{name}], but not to every tool; write headers as [name], in the first \
                     column and alone in their line"
                ),
            )),
            None => Ok(section),
        }
    }

    /// The first line from `from` on that readers do not skip, when it is indented: then it goes with what is above.
    pub(super) fn indented_after(&self, from: usize) -> Option<usize> {
        let next =
            (from..self.lines.len()).find(|index| !matches!(self.lines[*index].kind, Kind::Blank | Kind::Comment));
        next.filter(|index| self.lines[*index].kind == Kind::Indented)
    }

    /// The line ending that most lines have.
    pub(super) fn ending(&self) -> &'static str {
        let count = |ending: &str| self.lines.iter().filter(|line| line.ending == ending).count();
        if count("\r\n") > count("\n") { "\r\n" } else { "\n" }
    }
}

/// A reason with its line.
pub(super) fn reason(index: usize, text: impl Into<String>) -> Reason {
    Reason { line: Some(index + 1), text: text.into() }
}
