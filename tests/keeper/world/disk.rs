//! The disk of the virtual workstation: writes as the writer makes them, which leaves alone what is somebody else's; and
//! what nobody may ever ask of it.

use super::World;
use evertoken::engine::config::model::StoreKind;
use evertoken::engine::credentials_file::{Edit, Observation, Outcome, Publication, Reason};
use evertoken::engine::keeper::Event;
use evertoken::engine::names::ProfileName;
use evertoken::engine::session::Session;
use evertoken::engine::time::WallTime;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// A program that writes back what it had read has not read it long ago.
const REMEMBERED: usize = 4;

impl World {
    pub(super) fn store(&mut self, store: StoreKind, edits: &[Edit]) {
        self.tried_writes += 1;
        let hindrance = match (self.torn, self.disk_full) {
            (true, _) => Some("read /home/me/.aws/credentials: line 3 is no line of a credentials file"),
            (_, true) => Some("write /home/me/.aws/.credentials.tmp: No space left on device"),
            _ => None,
        };
        let stumbled = self.stumbles().map(|_| "a task of evertoken panicked");
        if let Some(message) = hindrance.or(stumbled) {
            let (message, jitter) = (message.to_owned(), self.jitter());
            return self.later(Duration::from_millis(1), Event::StoreFailed { store, message, jitter });
        }
        self.writes += 1;
        let outcomes = edits.iter().map(|edit| {
            let outcome = match edit {
                Edit::Put(put) => self.put(store, put),
                Edit::Remove { profile, ended_by } => self.remove(store, profile, *ended_by),
            };
            (edit.profile().clone(), outcome)
        });
        let outcomes = outcomes.collect();
        self.later(Duration::from_millis(3), Event::Stored { store, outcomes });
    }

    /// As the writer does it: what is somebody else's stays.
    fn put(&mut self, store: StoreKind, put: &Publication) -> Outcome {
        let newer = Reason { line: None, text: "a newer version of evertoken wrote it".into() };
        let file = &mut self.files[store as usize];
        match file.get(&put.profile) {
            Some(Observation::Untouchable(reason)) => return Outcome::Refused(reason.clone()),
            Some(Observation::Foreign(reason)) if !put.adopt => return Outcome::Refused(reason.clone()),
            Some(Observation::NewerFormat) => return Outcome::Refused(newer),
            _ => {}
        }
        let now = self.now;
        let better = |there: &Session| {
            there.digest == put.session.digest && there.expiration > now && put.session.expiration <= now
        };
        if let Some(Observation::Ours(there)) = file.get(&put.profile)
            && better(there)
            && !is_forged(&self.written, &put.profile, there)
        {
            self.respect = Err(format!("the dead session of {} was written over a living one", put.profile));
        }
        file.insert(put.profile.clone(), Observation::Ours(Box::new(put.session.clone())));
        self.remember(&put.profile, &put.session);
        Outcome::Written
    }

    /// A session that somebody really got from STS.
    pub fn remember(&mut self, name: &ProfileName, session: &Session) {
        let written = self.written.entry(name.clone()).or_default();
        written.push_back(session.clone());
        if written.len() > REMEMBERED {
            written.pop_front();
        }
    }

    /// Whether these keys were issued for another time.
    pub fn is_forged(&self, name: &ProfileName, session: &Session) -> bool {
        is_forged(&self.written, name, session)
    }

    /// Only what we wrote, of a profile that is off the list, and only once it has ended. The writer looks at the end again,
    /// for another process may have been faster.
    fn remove(&mut self, store: StoreKind, profile: &ProfileName, ended_by: Option<WallTime>) -> Outcome {
        self.outrun(store, profile);
        let listed = self.config.entry(profile.as_str()).is_some_and(|entry| entry.store == store);
        let has_ended = |session: &Session| ended_by.is_none_or(|by| session.expiration <= by);
        match self.files[store as usize].get(profile) {
            Some(Observation::Ours(session)) if !listed && !has_ended(session) => return Outcome::Unchanged,
            Some(Observation::Ours(session)) if !listed && session.expiration <= self.now + Duration::from_secs(3) => {}
            // The answer to its removal got lost.
            None if !listed => return Outcome::Unchanged,
            found => self.respect = Err(format!("{profile} was removed, listed: {listed}, and had been {found:?}")),
        }
        self.files[store as usize].remove(profile);
        Outcome::Written
    }

    /// Another process renews a section of its list right before it is removed.
    fn outrun(&mut self, store: StoreKind, profile: &ProfileName) {
        let (now, sequence) = (self.now, self.sequence);
        let Some(Observation::Ours(session)) = self.files[store as usize].get_mut(profile) else { return };
        if let Some(rest) = self.to_outrun.checked_sub(1) {
            self.to_outrun = rest;
            session.keys.access_key_id = format!("ASIARENEWED{sequence}");
            session.issued = now.whole_seconds();
            session.expiration = (now + Duration::from_secs(3600)).whole_seconds();
        }
    }

    /// Sections with our mark that nobody of the list owns, and when they end.
    pub fn sections_off_the_list(&self) -> Vec<(ProfileName, WallTime)> {
        let sections = self.files[StoreKind::Shared as usize].iter();
        let ours = sections.filter_map(|(name, found)| match found {
            Observation::Ours(session) if self.config.entry(name.as_str()).is_none() => {
                Some((name.clone(), session.expiration))
            }
            _ => None,
        });
        ours.collect()
    }
}

fn is_forged(written: &BTreeMap<ProfileName, VecDeque<Session>>, name: &ProfileName, session: &Session) -> bool {
    let known = written.get(name).into_iter().flatten().rev().find(|known| known.keys == session.keys);
    known.is_some_and(|known| known != session)
}
