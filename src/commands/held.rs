//! The session that a profile holds right now, or the reason why there is none, in words that lead out of it. Calls
//! nobody: what is not in the credentials files is not there.

use crate::commands::ending::{Ending, NOT_FINE};
use crate::commands::humane;
use crate::commands::service_manager::{Verb, command};
use crate::commands::setup::Setup;
use crate::engine::config::model::Entry;
use crate::engine::credentials_file::Observation;
use crate::engine::keeper::Sighting;
use crate::engine::session::Session;
use crate::engine::status::{Status, Trouble};
use crate::engine::time::{Skew, WallTime};
use crate::shell::locks::InstanceLock;
use std::time::Duration;

/// The valid session of an entry with at least `min_ttl` of life left.
///
/// # Errors
/// 1, with what is wrong and what to do.
pub fn session(setup: &Setup, entry: &Entry, min_ttl: Duration, now: WallTime) -> Result<Session, Ending> {
    let recorded = setup.recorded();
    let sighting = setup.stores().observe(entry.store, std::slice::from_ref(&entry.profile));
    let running = matches!(InstanceLock::holder(setup.places()), Ok(Some(_)));
    judge(entry, sighting, recorded.as_ref(), running, min_ttl, now).map_err(|why| Ending::new(NOT_FINE, why))
}

fn judge(
    entry: &Entry,
    sighting: Sighting,
    recorded: Option<&Status>,
    running: bool,
    min_ttl: Duration,
    now: WallTime,
) -> Result<Session, String> {
    let profile = &entry.profile;
    let skew = recorded.map_or(0, |recorded| recorded.clock_skew_seconds);
    let at_sts = now + Skew::from_millis(skew.saturating_mul(1000));
    let sections =
        sighting.sections.map_err(|message| format!("no session for profile {profile}: failed to {message}"))?;
    let found = sections.into_iter().find(|(name, _)| name == profile).map(|(_, observation)| observation);
    let what = match found {
        Some(Observation::Ours(session)) if session.expiration > at_sts => {
            let left = session.left(at_sts);
            if left >= min_ttl {
                return Ok(*session);
            }
            let (left, asked) = (humane::life(left.as_secs()), humane::life(min_ttl.as_secs()));
            format!("the session of profile {profile} has {left} left, which is less than {asked}")
        }
        Some(Observation::Ours(session)) => {
            let ago = humane::life(at_sts.since(session.expiration).as_secs());
            format!("the session of profile {profile} ended {ago} ago")
        }
        Some(Observation::Foreign(reason) | Observation::Untouchable(reason)) => {
            format!("no session for profile {profile}: its section is left alone: {reason}")
        }
        Some(Observation::NewerFormat) => {
            format!("no session for profile {profile}: a newer evertoken wrote its section, install that one again")
        }
        Some(Observation::Absent | Observation::Damaged | Observation::Fillable) | None => {
            format!("there is no session for profile {profile} yet")
        }
    };
    let trouble = recorded.and_then(|status| status.profiles.iter().find(|p| p.profile == profile.as_str()));
    Err(match trouble.and_then(|profile| profile.error.as_ref()) {
        Some(Trouble { message, fix: Some(fix), .. }) => format!("{what}: {message}\nfix: {fix}"),
        Some(Trouble { message, fix: None, .. }) => format!("{what}: {message}\nfix: evertoken refresh {profile}"),
        None if running => format!("{what}\nfix: evertoken refresh {profile}"),
        None => format!("{what}, and evertoken is not running\nfix: {}", command(Verb::Start)),
    })
}

#[cfg(test)]
mod tests;
