//! What is wrong, once for each cause: all profiles that it keeps waiting, since when, and what mends it. Decides nothing
//! about how it looks.

use crate::engine::status::{Daemon, Profile, Trouble, Warning};
use std::cmp::Reverse;

/// One cause and all whom it concerns.
pub(super) struct Cause<'a> {
    /// The trouble, as one of them has it.
    pub(super) trouble: &'a Trouble,
    /// When it began for the first of them; RFC 3339 in UTC.
    pub(super) since: &'a str,
    /// The most attempts that one of them has made.
    pub(super) attempts: u32,
    /// In the order of the table.
    pub(super) profiles: Vec<&'a str>,
}

/// The causes of all troubles: those that somebody can mend first, then those that concern most profiles.
pub(super) fn causes<'a>(profiles: &[&'a Profile]) -> Vec<Cause<'a>> {
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
    causes.sort_by_key(|cause| Reverse((cause.trouble.fix.is_some(), cause.profiles.len())));
    causes
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
    /// `dev waits`, `38 profiles are refused`. Nobody tries again where no daemon runs.
    pub(super) fn who_does_what(&self, daemon: &Daemon) -> String {
        let (one, many) = match self.trouble.class.as_str() {
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
