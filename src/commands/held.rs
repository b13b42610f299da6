//! The session that a profile holds right now, or the reason why there is none, in words that lead out of it. Calls
//! nobody: what is not in the credentials files is not there.

use crate::commands::humane;
use crate::commands::setup::Setup;
use crate::engine::config::model::Entry;
use crate::engine::credentials_file::Observation;
use crate::engine::obstacle::Obstacle;
use crate::engine::session::Session;
use crate::engine::status::{Status, Trouble};
use crate::engine::time::{Skew, WallTime};
use crate::shell::clock;
use crate::shell::known_skew::{Recalled, recall};
use std::time::Duration;

/// What stands in the store for one entry, and by which clock it is judged.
pub struct Held<'a> {
    entry: &'a Entry,
    found: Result<Observation, String>,
    clocks: Recalled,
    now: WallTime,
}

impl<'a> Held<'a> {
    /// Looks into the store. Writes nothing, takes no lock.
    pub fn look(setup: &Setup, entry: &'a Entry) -> Self {
        let found = setup.stores().find(entry.store, &entry.profile);
        Self { entry, found, clocks: recall(setup.places()), now: clock::now() }
    }

    /// Takes note of what a pass has brought: the clock that STS told, and the session where the store could not take it.
    #[must_use]
    pub fn after(mut self, given: Option<Session>, skew: Skew) -> Self {
        self.clocks.skew = skew;
        let stored = self.session(Duration::ZERO).map(|session| session.expiration);
        if let Some(given) = given.filter(|given| Some(given.expiration) > stored) {
            self.found = Ok(Observation::Ours(Box::new(given)));
        }
        self
    }

    /// The session, if it is valid, of the present settings, and `min_ttl` is left of it.
    pub fn session(&self, min_ttl: Duration) -> Option<&Session> {
        match &self.found {
            Ok(Observation::Ours(session)) if self.is_current(session) && session.expiration > self.at_sts() => {
                Some(&**session).filter(|session| self.left(session) >= min_ttl)
            }
            _ => None,
        }
    }

    /// Whether nobody can tell what stands there.
    pub fn is_unreadable(&self) -> bool {
        self.found.is_err()
    }

    /// Whether what stands there is the session of other settings, such as another role: it stays in the file until it
    /// is replaced, and is handed to nobody who asks.
    pub fn is_outdated(&self) -> bool {
        matches!(&self.found, Ok(Observation::Ours(session)) if !self.is_current(session))
    }

    fn is_current(&self, session: &Session) -> bool {
        session.digest == self.entry.digest
    }

    /// The session of ours that stands there, whether it is of any use or not.
    pub fn found(&self) -> Option<&Session> {
        match &self.found {
            Ok(Observation::Ours(session)) => Some(session),
            _ => None,
        }
    }

    /// The same as [`Held::session`], taken out.
    pub fn into_session(self, min_ttl: Duration) -> Option<Session> {
        let valid = self.session(min_ttl).is_some();
        match self.found {
            Ok(Observation::Ours(session)) if valid => Some(*session),
            _ => None,
        }
    }

    /// What is left of a session by the clock of STS.
    pub fn left(&self, session: &Session) -> Duration {
        session.left(self.at_sts())
    }

    /// How far STS is known to be ahead of this machine's clock.
    pub fn skew(&self) -> Skew {
        self.clocks.skew
    }

    /// Whether its session may be less fresh than it looks: the clock may be behind, and nobody knows by how much.
    pub fn is_in_doubt(&self) -> bool {
        self.clocks.may_be_behind
    }

    /// This machine's clock at the look.
    pub fn now(&self) -> WallTime {
        self.now
    }

    fn at_sts(&self) -> WallTime {
        self.now + self.clocks.skew
    }

    /// Why there is no session with `min_ttl` left, and what to do. `recorded` is what the daemon has written down,
    /// `daemon` whether it runs, and how it is started.
    pub fn why_not(&self, min_ttl: Duration, recorded: Option<&Status>, daemon: Running) -> String {
        let profile = &self.entry.profile;
        let what = self.what_is_wrong(min_ttl);
        if let Some(obstacle) = self.obstacle() {
            // No daemon and no other try gets past it.
            return obstacle.way_out.map_or(what.clone(), |way_out| format!("{what}\nfix: {way_out}"));
        }
        let known = recorded.and_then(|status| status.profiles.iter().find(|p| p.profile == profile.as_str()));
        match (known.and_then(|profile| profile.error.as_ref()), daemon) {
            (Some(Trouble { message, fix: Some(fix), .. }), _) => format!("{what}: {message}\nfix: {fix}"),
            (Some(Trouble { message, fix: None, .. }), _) => {
                format!("{what}: {message}\nfix: evertoken refresh {profile}")
            }
            (None, Running::Yes) => format!("{what}\nfix: evertoken refresh {profile}"),
            (None, Running::No { start }) => format!("{what}, and evertoken is not running\nfix: {start}"),
        }
    }

    /// What is wrong with the session of a profile that [`Held::is_outdated`].
    pub fn of_other_settings(&self) -> String {
        let profile = &self.entry.profile;
        format!("the session of profile {profile} in the file is for other settings than the config has now")
    }

    fn obstacle(&self) -> Option<Obstacle> {
        self.found.as_ref().ok().and_then(|found| Obstacle::before(self.entry, found))
    }

    /// Why it is not handed out to whoever wants `min_ttl` left.
    pub fn what_is_wrong(&self, min_ttl: Duration) -> String {
        let profile = &self.entry.profile;
        if let Some(Obstacle { cause, .. }) = self.obstacle() {
            return format!("no session for profile {profile}: its section is left alone: {cause}");
        }
        match &self.found {
            Err(message) => format!("no session for profile {profile}: failed to {message}"),
            Ok(Observation::Ours(session)) if !self.is_current(session) => self.of_other_settings(),
            Ok(Observation::Ours(session)) if session.expiration > self.at_sts() => {
                let (left, asked) = (humane::life(self.left(session).as_secs()), humane::life(min_ttl.as_secs()));
                format!("the session of profile {profile} has {left} left, which is less than {asked}")
            }
            Ok(Observation::Ours(session)) => {
                let ago = humane::life(self.at_sts().since(session.expiration).as_secs());
                format!("the session of profile {profile} ended {ago} ago")
            }
            // One of others' that may be adopted is no obstacle.
            Ok(_) => format!("there is no session for profile {profile} yet"),
        }
    }
}

/// Whether a daemon keeps the credentials file fresh.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Running {
    /// It does.
    Yes,
    /// It does not, or nobody can tell.
    No {
        /// The command that starts it here.
        start: &'static str,
    },
}

#[cfg(test)]
mod tests;
