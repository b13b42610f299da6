//! What is wrong, once for each cause: all profiles that it keeps waiting, since when, and what mends it. Decides nothing
//! about how it looks.

use crate::engine::status::{Daemon, Profile, Trouble, Warning};
use crate::engine::wording::{Subject, Wording};
use std::cmp::Reverse;

/// One cause and all whom it concerns.
pub(super) struct Cause<'a> {
    /// The trouble, as one of them has it.
    trouble: &'a Trouble,
    /// Whose trouble that is.
    first: Subject<'a>,
    /// Whether others have it in words of their own: with the names of other roles and profiles.
    is_worded_for_each: bool,
    /// When it began for the first of them; RFC 3339 in UTC.
    pub(super) since: &'a str,
    /// The most attempts that one of them has made; 0 where the files were only looked at, and then there is no telling
    /// since when.
    pub(super) attempts: u32,
    /// In the order of the table.
    pub(super) profiles: Vec<&'a str>,
}

/// The causes of all troubles: those that somebody can mend first, then those that concern most profiles.
pub(super) fn causes<'a>(profiles: &[&'a Profile]) -> Vec<Cause<'a>> {
    let mut causes: Vec<Cause<'a>> = Vec::new();
    for profile in profiles {
        let Some(trouble) = &profile.error else { continue };
        let subject = Subject { profile: &profile.profile, role: profile.role_arn.as_deref() };
        if let Some((cause, sameness)) =
            causes.iter_mut().find_map(|cause| cause.sameness(trouble, subject).map(|sameness| (cause, sameness)))
        {
            cause.is_worded_for_each |= sameness == Sameness::ButForNames;
            cause.profiles.push(&profile.profile);
            cause.attempts = cause.attempts.max(trouble.attempts);
            // RFC 3339 in UTC sorts as text.
            cause.since = cause.since.min(&trouble.since);
        } else {
            causes.push(Cause {
                trouble,
                first: subject,
                is_worded_for_each: false,
                since: &trouble.since,
                attempts: trouble.attempts,
                profiles: vec![&profile.profile],
            });
        }
    }
    causes.sort_by_key(|cause| Reverse((cause.trouble.fix.is_some(), cause.profiles.len())));
    causes
}

/// How far two troubles are one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sameness {
    /// To the letter.
    Whole,
    /// But for the names of the profile and its role.
    ButForNames,
}

/// What will end unless a person sees to it, and for whom: each message once.
pub(super) fn ends_ahead<'a>(profiles: &[&'a Profile]) -> Vec<(&'a Warning, Vec<&'a str>)> {
    let mut ends: Vec<(&Warning, Vec<&str>)> = Vec::new();
    for profile in profiles {
        let Some(warning) = &profile.expiring else { continue };
        match ends.iter_mut().find(|(other, _)| *other == warning) {
            Some((_, names)) => names.push(&profile.profile),
            None => ends.push((warning, vec![&profile.profile])),
        }
    }
    ends
}

impl Cause<'_> {
    /// Whether the trouble of another is this one.
    fn sameness(&self, other: &Trouble, subject: Subject<'_>) -> Option<Sameness> {
        let ours = self.trouble;
        if ours.class != other.class || ours.code != other.code {
            return None;
        }
        if ours.message == other.message && ours.fix == other.fix {
            return Some(Sameness::Whole);
        }
        let wording = |text: &Option<String>, subject| text.as_ref().map(|text| Wording::of(text, subject));
        let same = Wording::of(&ours.message, self.first) == Wording::of(&other.message, subject)
            && wording(&ours.fix, self.first) == wording(&other.fix, subject);
        same.then_some(Sameness::ButForNames)
    }

    /// Its class, one of those of `status --json`.
    pub(super) fn class(&self) -> &str {
        &self.trouble.class
    }

    /// The code of STS, where it sent one.
    pub(super) fn code(&self) -> Option<&str> {
        self.trouble.code.as_deref()
    }

    /// What happened, to all of them.
    pub(super) fn message(&self) -> String {
        self.worded(&self.trouble.message)
    }

    /// What mends it, for all of them.
    pub(super) fn fix(&self) -> Option<String> {
        self.trouble.fix.as_deref().map(|fix| self.worded(fix))
    }

    fn worded(&self, text: &str) -> String {
        if self.is_worded_for_each { Wording::of(text, self.first).of_many() } else { text.to_owned() }
    }

    /// `dev waits`, `38 profiles are refused`. Nobody tries again where no daemon runs.
    pub(super) fn who_does_what(&self, daemon: &Daemon) -> String {
        let (one, many) = match self.trouble.class.as_str() {
            _ if self.attempts == 0 => ("is held up", "are held up"),
            "source" => ("waits", "wait"),
            "refused" | "settings" => ("is refused", "are refused"),
            _ if daemon.running && daemon.responding => ("is being retried", "are being retried"),
            _ => ("failed", "failed"),
        };
        match self.profiles.as_slice() {
            [only] => format!("{only} {one}"),
            all => format!("{} profiles {many}", all.len()),
        }
    }
}

/// `1 attempt`, `3 attempts`.
pub(super) fn times(attempts: u32) -> String {
    if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") }
}
