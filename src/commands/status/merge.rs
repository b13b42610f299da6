//! What the daemon has written down about each profile, put right by what the credentials files hold now. Values in, a
//! value out; reads nothing.

use crate::engine::config::Config;
use crate::engine::config::model::{Entry, StoreKind};
use crate::engine::credentials_file::Observation;
use crate::engine::keeper::Sighting;
use crate::engine::obstacle::Obstacle;
use crate::engine::session::Session;
use crate::engine::status::{Daemon, Profile, State, Status, Trouble, VERSION, Warning};
use crate::engine::time::{Skew, WallTime};
use std::time::Duration;

/// How long after the wake-up that it announced a daemon counts as not responding.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was found.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The config.
    pub config: &'a Config,
    /// Where it was read.
    pub config_path: String,
    /// The shared credentials file.
    pub credentials_file: String,
    /// What the last daemon has written down, if it can be read.
    pub recorded: Option<Status>,
    /// How far STS is known to be ahead of this machine's clock, in seconds: also where no daemon has written anything.
    pub skew_seconds: i64,
    /// What each credentials file holds.
    pub sightings: Vec<Sighting>,
    /// The process that holds the instance lock; `Some(None)` when somebody holds it who has not said who.
    pub holder: Option<Option<u32>>,
}

impl Facts<'_> {
    /// The report as of `now`.
    pub fn merge(&self, now: WallTime) -> Status {
        let skew = self.skew_seconds;
        let daemon = self.daemon(now);
        let at_sts = now + Skew::from_millis(skew.saturating_mul(1000));
        let profiles = self.config.entries.iter().map(|entry| self.profile(entry, &daemon, now, at_sts)).collect();
        Status {
            version: VERSION,
            config: self.config_path.clone(),
            credentials_file: self.credentials_file.clone(),
            clock_skew_seconds: skew,
            daemon,
            profiles,
        }
    }

    fn daemon(&self, now: WallTime) -> Daemon {
        let Some(pid) = self.holder else { return Daemon::default() };
        let recorded = self.recorded.as_ref().map(|recorded| recorded.daemon.clone()).unwrap_or_default();
        // What another process wrote down before it died says nothing about this one.
        if pid.is_some() && pid != recorded.pid {
            return Daemon { running: true, responding: true, pid, ..Daemon::default() };
        }
        let wakeup = recorded.next_wakeup.as_deref().and_then(|text| WallTime::parse(text).ok());
        let responding = wakeup.is_none_or(|wakeup| now <= wakeup + PATIENCE);
        Daemon { running: true, responding, ..recorded }
    }

    fn profile(&self, entry: &Entry, daemon: &Daemon, now: WallTime, at_sts: WallTime) -> Profile {
        let recorded = self.recorded.as_ref();
        let recorded = recorded.and_then(|status| status.profiles.iter().find(|p| p.profile == entry.profile.as_str()));
        let (session, obstacle) = self.on_disk(entry);
        let error = match recorded.and_then(|recorded| recorded.error.clone()) {
            Some(trouble) if !is_over(&trouble, session, entry) => Some(trouble),
            _ => obstacle.map(|obstacle| obstacle.trouble(entry, now)),
        };
        let ahead = |warning: &Warning| WallTime::parse(&warning.at).is_ok_and(|at| at > at_sts);
        let expires = session.map(|session| session.expiration.to_string());
        // What the daemon means to do about another session than the one at hand, which it has yet to see, is no news of this.
        let known = recorded.filter(|recorded| daemon.running && recorded.expires == expires);
        let valid = session.filter(|session| session.expiration > at_sts);
        Profile {
            profile: entry.profile.to_string(),
            role_arn: entry.role_arn().map(ToString::to_string),
            source: entry.source.to_string(),
            store: entry.store.as_str().to_owned(),
            state: state(valid, entry, error.as_ref(), recorded),
            expires,
            expires_in_seconds: session.map(|session| {
                let millis = session.expiration.unix_millis().saturating_sub(at_sts.unix_millis());
                millis.div_euclid(1000)
            }),
            next_refresh: known.and_then(|recorded| recorded.next_refresh.clone()),
            last_refresh: session.map(|session| session.issued.to_string()),
            error,
            expiring: recorded.filter(|_| daemon.running).and_then(|recorded| recorded.expiring.clone()).filter(ahead),
        }
    }

    /// The session that stands in the file, or why none can.
    fn on_disk(&self, entry: &Entry) -> (Option<&Session>, Option<Hindrance>) {
        let Some(sighting) = self.sightings.iter().find(|sighting| sighting.store == entry.store) else {
            return (None, None);
        };
        if let Err(failure) = &sighting.sections {
            return (None, Some(Hindrance::File(failure.clone())));
        }
        match sighting.found(&entry.profile) {
            Some(Observation::Ours(session)) => (Some(session), None),
            Some(found) => (None, Obstacle::before(entry, found).map(Hindrance::Section)),
            None => (None, None),
        }
    }
}

/// Why no session can stand in a file.
enum Hindrance {
    /// The file cannot be read; what failed, to be read after "failed to".
    File(String),
    /// The section is left alone.
    Section(Obstacle),
}

impl Hindrance {
    /// The same as a trouble. Looking is no attempt, and nothing is known of when it began.
    fn trouble(self, entry: &Entry, now: WallTime) -> Trouble {
        let (class, message, fix) = match self {
            Self::File(failure) => ("store", format!("failed to {failure}"), None),
            Self::Section(Obstacle { line, cause, way_out }) => {
                let file = match entry.store {
                    StoreKind::Shared => "the credentials file",
                    StoreKind::Private => "evertoken's private store",
                };
                let place = line.map(|line| format!(" (line {line} of {file})")).unwrap_or_default();
                ("settings", format!("the section is left alone: {cause}{place}"), way_out)
            }
        };
        Trouble { class: class.to_owned(), code: None, message, fix, since: now.to_string(), attempts: 0 }
    }
}

/// A session for the present settings that was issued after the trouble began shows that somebody else has mended it,
/// `evertoken refresh` for instance.
fn is_over(trouble: &Trouble, session: Option<&Session>, entry: &Entry) -> bool {
    let began = WallTime::parse(&trouble.since).ok();
    session.zip(began).is_some_and(|(session, began)| session.digest == entry.digest && session.issued > began)
}

fn state(valid: Option<&Session>, entry: &Entry, error: Option<&Trouble>, recorded: Option<&Profile>) -> State {
    let said = recorded.map(|recorded| recorded.state);
    let trouble = error.map(|error| match (said, error.class.as_str()) {
        (Some(state @ (State::Retrying | State::Waiting | State::Refused)), _) => state,
        (_, "source") => State::Waiting,
        (_, "refused" | "settings") => State::Refused,
        _ => State::Retrying,
    });
    match (valid, trouble) {
        (_, Some(state @ (State::Waiting | State::Refused))) => state,
        (None, _) => State::Expired,
        // Whatever passes by itself: a reader must not take it for a session of the present settings.
        (Some(session), _) if session.digest != entry.digest => State::Outdated,
        (Some(_), Some(state)) => state,
        // A step of a person that was announced while this very session still lives.
        (Some(session), None) if said == Some(State::Waiting) => {
            let same = recorded.and_then(|recorded| recorded.expires.as_ref()) == Some(&session.expiration.to_string());
            if same { State::Waiting } else { State::Fresh }
        }
        (Some(_), None) => State::Fresh,
    }
}

#[cfg(test)]
mod tests;
