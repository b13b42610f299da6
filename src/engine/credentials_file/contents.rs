//! What one section holds that matters to evertoken, and where: its own keys, its region, its mark. Never judges whose
//! section it is.

use super::document::{Document, Section, reason};
use super::field::{Field, REGION, leads_elsewhere};
use super::line::Kind;
use super::mark::{self, Mark};
use super::types::Reason;

/// The lines of a section that matter.
pub(super) struct Contents<'a> {
    /// Every line with a key of ours, whatever its case, in order.
    pub(super) own: Vec<Entry<'a>>,
    /// Every line with a `region`, in order.
    pub(super) regions: Vec<Region<'a>>,
    /// The first line that sends SDKs elsewhere for credentials, and its key.
    pub(super) elsewhere: Option<(usize, String)>,
}

/// One line with a key of ours.
pub(super) struct Entry<'a> {
    /// The line.
    pub(super) line: usize,
    /// The key.
    pub(super) field: Field,
    /// The value.
    pub(super) value: &'a str,
    /// Whether it is written as all readers take it alike.
    pub(super) plain: bool,
}

/// A line with a `region`.
pub(super) struct Region<'a> {
    /// The line.
    pub(super) line: usize,
    /// The value.
    pub(super) value: &'a str,
    /// Whether it could be ours: written plainly, with nothing indented below it.
    pub(super) plain: bool,
}

impl<'a> Contents<'a> {
    /// Reads a section; a reason when a line of it is ours to some readers and not to others.
    pub(super) fn read(document: &Document<'a>, section: &Section) -> Result<Self, Reason> {
        let mut contents = Self { own: Vec::new(), regions: Vec::new(), elsewhere: None };
        let mut nested = false;
        for index in section.body.clone() {
            let line = &document.lines[index];
            let (Kind::Key | Kind::Indented, Some((key, value))) = (line.kind, line.key_and_value()) else { continue };
            let field = Field::of(&key);
            if line.kind == Kind::Indented {
                if line.is_indented_comment() {
                    continue;
                }
                if field.is_some() || leads_elsewhere(&key) {
                    let text = "which some tools read as a key and some do not; take the space before it away";
                    return Err(reason(index, format!("an indented `{key}`, {text}")));
                }
                if key == REGION && !nested {
                    contents.regions.push(Region { line: index, value, plain: false });
                }
                continue;
            }
            nested = value.is_empty();
            let below = document.indented_after(index + 1);
            if let Some(field) = field {
                if let Some(below) = below {
                    let text = "which some tools take as part of its value; take the space before it away";
                    return Err(reason(below, format!("an indented line below `{key}`, {text}")));
                }
                contents.own.push(Entry { line: index, field, value, plain: line.is_plainly(field.key()) });
            } else if key == REGION {
                let plain = below.is_none() && line.is_plainly(REGION);
                contents.regions.push(Region { line: index, value, plain });
            } else if leads_elsewhere(&key) && contents.elsewhere.is_none() {
                contents.elsewhere = Some((index, key));
            }
        }
        Ok(contents)
    }

    /// All lines of one of our keys.
    pub(super) fn all(&self, field: Field) -> impl Iterator<Item = &Entry<'a>> {
        self.own.iter().filter(move |entry| entry.field == field)
    }

    /// The value of one of our keys, where it stands exactly once, written plainly.
    pub(super) fn only(&self, field: Field) -> Option<&'a str> {
        let mut all = self.all(field);
        let first = all.next().filter(|entry| entry.plain && !entry.value.is_empty())?;
        all.next().is_none().then_some(first.value)
    }

    /// Whether one of our keys has any value.
    pub(super) fn has(&self, field: Field) -> bool {
        self.all(field).any(|entry| !entry.value.is_empty())
    }

    /// The mark, as far as it belongs to the section `name`: a section that was copied under another name has none.
    /// With several, a newer format wins, because it must not be lost.
    pub(super) fn mark(&self, name: &str) -> mark::Reading {
        let mut found = mark::Reading::Alien;
        for entry in self.all(Field::Mark) {
            match mark::read(entry.value) {
                mark::Reading::Newer => return mark::Reading::Newer,
                mark::Reading::Known(mark) if mark.profile == name && found == mark::Reading::Alien => {
                    found = mark::Reading::Known(mark);
                }
                mark::Reading::Known(_) | mark::Reading::Alien => {}
            }
        }
        found
    }

    /// The region line that we wrote.
    pub(super) fn our_region(&self, mark: Option<&Mark>) -> Option<&Region<'a>> {
        let written = mark?.region.as_deref()?;
        match self.regions.as_slice() {
            [region] if region.plain && region.value == written => Some(region),
            _ => None,
        }
    }
}
