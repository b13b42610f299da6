//! Puts sessions into a credentials file and takes them out: which lines change, and whether they may. Never reads or
//! writes a file.

use super::contents::Contents;
use super::document::{Document, Section, reason};
use super::field::{Field, REGION};
use super::line::Kind;
use super::mark::{Lead, Mark, trace_of};
use super::observe::{Standing, session, standing};
use super::patch::{NewSection, OurLine, Patch};
use super::types::{Applied, Edit, Malformed, Outcome, Publication, Reason};
use super::values;
use crate::engine::names::ProfileName;
use crate::engine::time::WallTime;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use zeroize::Zeroizing;

/// Makes the edits, each independent of the others: one that is refused does not hinder the rest.
///
/// # Errors
/// When the file cannot be edited without risk, whatever the edit; then nothing is changed.
pub fn apply(bytes: &[u8], edits: &[Edit]) -> Result<Applied, Malformed> {
    let mut edited: Option<Zeroizing<Vec<u8>>> = None;
    let mut outcomes = Vec::with_capacity(edits.len());
    loop {
        let (now, later) = edits[outcomes.len()..].split_at(distinct(&edits[outcomes.len()..]));
        let document = Document::parse(edited.as_deref().map_or(bytes, Vec::as_slice))?;
        let mut patch = Patch::default();
        outcomes.extend(now.iter().map(|edit| plan(&document, &mut patch, edit)));
        let moves = patch.moves();
        for outcome in &mut outcomes {
            // Whoever reads the reason looks into the new file.
            if let Outcome::Refused(Reason { line: Some(line), .. }) = outcome {
                *line = moves.of(line.saturating_sub(1)) + 1;
            }
        }
        let bytes = patch.render(&document);
        if later.is_empty() {
            return Ok(Applied { bytes, outcomes });
        }
        edited = Some(bytes);
    }
}

/// How many of the first edits are about different profiles, so that they can be made in one pass.
fn distinct(edits: &[Edit]) -> usize {
    let mut seen = BTreeSet::new();
    edits.iter().take_while(|edit| seen.insert(edit.profile())).count()
}

fn plan<'p>(document: &Document<'_>, patch: &mut Patch<'p>, edit: &'p Edit) -> Outcome {
    let planned = match edit {
        Edit::Put(publication) => put(document, patch, publication),
        Edit::Remove { profile, ended_by } => remove(document, patch, profile, *ended_by),
    };
    planned.unwrap_or_else(Outcome::Refused)
}

fn put<'p>(document: &Document<'_>, patch: &mut Patch<'p>, publication: &'p Publication) -> Result<Outcome, Reason> {
    let name = &publication.profile;
    values::check(publication)?;
    let Some(section) = document.find(name.as_str())? else {
        patch.append(new_section(publication));
        return Ok(Outcome::Written);
    };
    let contents = Contents::read(document, section)?;
    let old = match standing(&contents, name) {
        Standing::Ours(mark) => Some(mark),
        Standing::Fillable => None,
        Standing::Foreign(_) if publication.adopt => None,
        Standing::Foreign(reason) | Standing::Untouchable(reason) => return Err(reason),
        Standing::Newer => return Err(newer(&contents, name)),
    };
    Ok(rewrite(document, patch, section, &contents, publication, old.as_deref()))
}

fn new_section(publication: &Publication) -> NewSection<'_> {
    let mut lines = Vec::new();
    for field in Field::ALL {
        lines.extend(values::value(publication, field).map(|value| OurLine { key: field.key(), value }));
        if field == Field::AccountId {
            let region = publication.region.as_deref().map(Cow::from);
            lines.extend(region.map(|value| OurLine { key: REGION, value }));
        }
    }
    let mark = values::mark(publication, publication.region.clone(), Lead::default());
    NewSection { profile: &publication.profile, lines, mark, mark_key: Field::Mark.key() }
}

/// Brings our lines in a section up to date: each in its place, doubles and old names gone, missing ones below the
/// rest.
fn rewrite<'p>(
    document: &Document<'_>,
    patch: &mut Patch<'p>,
    section: &Section,
    contents: &Contents<'_>,
    publication: &'p Publication,
    old: Option<&Mark>,
) -> Outcome {
    let mut lines = OurLines { patch, last: None, missing: Vec::new(), changed: false };
    let ours = contents.our_region(old);
    let wanted = publication.region.as_deref().filter(|_| ours.is_some() || contents.regions.is_empty());
    let lead = old.map_or_else(Lead::default, |mark| mark.lead);
    let mark = values::mark(publication, wanted.map(str::to_owned), lead).to_string();
    for field in Field::ALL {
        let value = if field == Field::Mark { Some(mark.clone().into()) } else { values::value(publication, field) };
        let present = contents.all(field).map(|entry| (entry.line, entry.plain.then_some(entry.value)));
        lines.bring_up_to_date(field.key(), value, present);
        if field == Field::AccountId {
            let present = ours.iter().map(|region| (region.line, Some(region.value)));
            lines.bring_up_to_date(REGION, wanted.map(Cow::from), present);
        }
    }
    let OurLines { patch, last, missing, changed } = lines;
    if missing.is_empty() {
        return if changed { Outcome::Written } else { Outcome::Unchanged };
    }
    patch.insert_below(last.unwrap_or_else(|| free_place(document, section)), missing);
    Outcome::Written
}

/// Our lines of a section while they are brought up to date.
struct OurLines<'a, 'p> {
    patch: &'a mut Patch<'p>,
    /// The last of them that stays.
    last: Option<usize>,
    missing: Vec<OurLine<'p>>,
    changed: bool,
}

impl<'p> OurLines<'_, 'p> {
    /// `present`: the lines of the key, each with its value if it is written plainly.
    fn bring_up_to_date<'v>(
        &mut self,
        key: &'static str,
        wanted: Option<Cow<'p, str>>,
        mut present: impl Iterator<Item = (usize, Option<&'v str>)>,
    ) {
        if let Some(value) = wanted {
            match present.next() {
                None => self.missing.push(OurLine { key, value }),
                Some((line, there)) => {
                    self.last = self.last.max(Some(line));
                    if there != Some(&*value) {
                        self.patch.replace(line, OurLine { key, value });
                        self.changed = true;
                    }
                }
            }
        }
        for (line, _) in present {
            self.patch.remove(line);
            self.changed = true;
        }
    }
}

/// The first line of a section below which a key can stand without an indented line getting below it.
fn free_place(document: &Document<'_>, section: &Section) -> usize {
    let mut places = section.header..section.body.end;
    places.find(|line| document.indented_after(line + 1).is_none()).unwrap_or(section.header)
}

fn remove(
    document: &Document<'_>,
    patch: &mut Patch<'_>,
    name: &ProfileName,
    ended_by: Option<WallTime>,
) -> Result<Outcome, Reason> {
    let Some(section) = document.find(name.as_str())? else { return Ok(Outcome::Unchanged) };
    let contents = Contents::read(document, section)?;
    let mark = match standing(&contents, name) {
        Standing::Ours(mark) => mark,
        Standing::Fillable => return Ok(Outcome::Unchanged),
        Standing::Foreign(reason) | Standing::Untouchable(reason) => return Err(reason),
        Standing::Newer => return Err(newer(&contents, name)),
    };
    // When damaged keys end, nobody knows.
    let has_ended = |by| session(&contents, &mark).is_some_and(|session| session.expiration <= by);
    if !ended_by.is_none_or(has_ended) {
        return Ok(Outcome::Unchanged);
    }
    let region = contents.our_region(Some(&mark)).map(|region| region.line);
    for line in contents.own.iter().map(|entry| entry.line).chain(region) {
        patch.remove(line);
    }
    if !holds_anything(document, patch, section) {
        patch.remove(section.header);
        remove_lead(document, patch, section, mark.lead);
    }
    Ok(Outcome::Written)
}

/// Takes away what we put before the header, as far as it is certain that it still stands there: other lines may have
/// come between, and their endings and blank lines are the user's.
fn remove_lead(document: &Document<'_>, patch: &mut Patch<'_>, section: &Section, lead: Lead) {
    let is_ours = |above: &usize| lead.blank && document.lines[*above].text.is_empty();
    let blank = section.header.checked_sub(1).filter(is_ours);
    let first = blank.unwrap_or(section.header);
    let upwards = document.lines[..first].iter().rev().map(|line| line.text.as_bytes());
    let is_below_completed = lead.completed.is_some() && lead.completed == trace_of(upwards);
    if let Some(blank) = blank.filter(|_| lead.completed.is_none() || is_below_completed) {
        patch.remove(blank);
    }
    if is_below_completed && blank.is_some() == lead.blank {
        patch.give_ending_back(first);
    }
}

/// Whether something of the user's is left in a section that its header is needed for. Comments at its end that a blank
/// line sets apart go with what follows.
fn holds_anything(document: &Document<'_>, patch: &Patch<'_>, section: &Section) -> bool {
    let mut comments = false;
    for line in section.body.clone().rev() {
        match document.lines[line].kind {
            _ if patch.removes(line) => return comments || holds_more(document, patch, section.body.start..line),
            Kind::Blank => comments = false,
            Kind::Comment => comments = true,
            Kind::Key | Kind::Indented | Kind::Header => return true,
        }
    }
    comments
}

fn holds_more(document: &Document<'_>, patch: &Patch<'_>, mut lines: Range<usize>) -> bool {
    lines.any(|line| !patch.removes(line) && document.lines[line].kind != Kind::Blank)
}

fn newer(contents: &Contents<'_>, name: &ProfileName) -> Reason {
    let newer = Reason::newer_format(name);
    match contents.all(Field::Mark).next() {
        Some(mark) => reason(mark.line, newer.text),
        None => newer,
    }
}
