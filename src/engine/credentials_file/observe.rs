//! Whose a section is, and which session stands in it. Never changes a byte.

use super::contents::Contents;
use super::document::{Document, Section, reason};
use super::field::Field;
use super::mark::{self, Mark};
use super::types::{Malformed, Observation, Reason};
use crate::engine::names::ProfileName;
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, Session};
use crate::engine::time::WallTime;
use std::collections::BTreeSet;

/// What stands under each of these profiles, in their order, and after them under every other section with our mark.
///
/// # Errors
/// When the file cannot be edited without risk, whatever the edit.
pub fn observe(bytes: &[u8], profiles: &[ProfileName]) -> Result<Vec<(ProfileName, Observation)>, Malformed> {
    let document = Document::parse(bytes)?;
    let mut seen: BTreeSet<ProfileName> = profiles.iter().cloned().collect();
    let mut found: Vec<_> = profiles.iter().map(|name| (name.clone(), observe_one(&document, name))).collect();
    for section in &document.sections {
        let name = section.name.as_deref().and_then(|name| ProfileName::parse(name).ok());
        let Some(name) = name.filter(|name| !seen.contains(name)) else { continue };
        if marked(&document, section, &name) {
            found.push((name.clone(), observe_one(&document, &name)));
            seen.insert(name);
        }
    }
    Ok(found)
}

/// What stands under one profile: for whoever is in a hurry and does not need the rest.
///
/// # Errors
/// As [`observe`].
pub fn find(bytes: &[u8], profile: &ProfileName) -> Result<Observation, Malformed> {
    Ok(observe_one(&Document::parse(bytes)?, profile))
}

fn marked(document: &Document<'_>, section: &Section, name: &ProfileName) -> bool {
    Contents::read(document, section)
        .is_ok_and(|contents| !matches!(contents.mark(name.as_str()), mark::Reading::Alien))
}

fn observe_one(document: &Document<'_>, name: &ProfileName) -> Observation {
    match document.find(name.as_str()) {
        Err(reason) => Observation::Untouchable(reason),
        Ok(None) => Observation::Absent,
        Ok(Some(section)) => match Contents::read(document, section) {
            Err(reason) => Observation::Untouchable(reason),
            Ok(contents) => match standing(&contents, name) {
                Standing::Ours(mark) => session(&contents, &mark)
                    .map_or(Observation::Damaged, |session| Observation::Ours(Box::new(session))),
                Standing::Newer => Observation::NewerFormat,
                Standing::Fillable => Observation::Fillable,
                Standing::Foreign(reason) => Observation::Foreign(reason),
                Standing::Untouchable(reason) => Observation::Untouchable(reason),
            },
        },
    }
}

/// Whose a section is.
pub(super) enum Standing {
    /// Ours, whole or damaged.
    Ours(Box<Mark>),
    /// Of a newer version of evertoken.
    Newer,
    /// The user's, and without credentials.
    Fillable,
    /// The user's, with credentials that end or come from elsewhere.
    Foreign(Reason),
    /// Never to be written to.
    Untouchable(Reason),
}

/// Judges a section. Long-term keys come before the mark: whoever puts theirs into our section shall find them there.
pub(super) fn standing(contents: &Contents<'_>, name: &ProfileName) -> Standing {
    let mark = match contents.mark(name.as_str()) {
        mark::Reading::Newer => return Standing::Newer,
        mark::Reading::Known(mark) => Some(mark),
        mark::Reading::Alien => None,
    };
    if let Some(line) = long_term(contents, mark.is_some()) {
        return Standing::Untouchable(reason(
            line,
            format!(
                "[{name}] holds long-term keys, which evertoken never replaces; give the role another profile name"
            ),
        ));
    }
    match (mark, &contents.elsewhere, contents.own.first()) {
        (Some(mark), _, _) => Standing::Ours(mark),
        (None, Some((line, key)), _) => Standing::Untouchable(reason(
            *line,
            format!(
                "[{name}] was not written by evertoken and gets its credentials through `{key}`; take that line \
                 out, or give the role another profile name"
            ),
        )),
        (None, None, Some(first)) => Standing::Foreign(reason(
            first.line,
            format!(
                "[{name}] holds `{}` that evertoken did not write; set adopt = true for the role to take the section \
                 over, or give the role another profile name",
                first.field.key()
            ),
        )),
        (None, None, None) => Standing::Fillable,
    }
}

/// The line of a key that must never be lost: an `AKIA…` id, or an id or secret that no session token goes with.
fn long_term(contents: &Contents<'_>, marked: bool) -> Option<usize> {
    let ids = || contents.all(Field::AccessKeyId).filter(|entry| !entry.value.is_empty());
    if let Some(long_term) = ids().find(|entry| begins(entry.value, "AKIA")) {
        return Some(long_term.line);
    }
    if contents.has(Field::SessionToken) || contents.has(Field::SecurityToken) {
        return None;
    }
    // An ASIA… id without its token opens nothing. In a section of ours that is damage; in another, let a person look.
    if marked && ids().next().is_some() && ids().all(|entry| begins(entry.value, "ASIA")) {
        return None;
    }
    let secrets = contents.all(Field::SecretAccessKey).filter(|entry| !entry.value.is_empty());
    ids().chain(secrets).map(|entry| entry.line).min()
}

/// Whether a key id begins with a prefix, also in quotes, and however it is spelled.
fn begins(id: &str, prefix: &str) -> bool {
    let bare = id.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    bare.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// The session of a section of ours, when nothing of it is missing, doubled or replaced, and it was issued before its end
/// and no longer before it than any session lives: somebody has edited one that was not, and it would be due too late.
pub(super) fn session(contents: &Contents<'_>, mark: &Mark) -> Option<Session> {
    let secret = |field| contents.only(field).map(Secret::new);
    let keys = Keys {
        access_key_id: contents.only(Field::AccessKeyId)?.to_owned(),
        secret_access_key: secret(Field::SecretAccessKey)?,
        session_token: Some(secret(Field::SessionToken)?),
    };
    if mark.check.as_ref().is_some_and(|check| *check != mark::check_of(&keys)) {
        return None;
    }
    contents.only(Field::Mark)?;
    let account_id = match contents.all(Field::AccountId).next() {
        Some(_) => Some(contents.only(Field::AccountId)?.to_owned()),
        None => None,
    };
    let expiration = WallTime::parse(contents.only(Field::Expires)?).ok()?.whole_seconds();
    let session = Session {
        keys,
        account_id,
        issued: mark.issued.filter(|issued| *issued < expiration)?,
        expiration,
        digest: mark.digest.clone()?,
        allowed: mark.allowed,
    };
    (!session.is_longer_than_sts_grants()).then_some(session)
}
