//! What is told: the notices of a wave, and the state of every profile for `status.json`.

use super::action::Action;
use super::kept::Kept;
use super::{Keeper, Notice, NoticeKind};
use crate::engine::failure::Class;
use crate::engine::names::ProfileName;
use crate::engine::schedule::WAVE;
use crate::engine::session::Session;
use crate::engine::status::{Profile, State, Trouble};
use crate::engine::time::WallTime;
use std::time::Duration;

/// A difference between the clocks is reported from here on.
const SKEW_WORTH_A_LINE: Duration = Duration::from_secs(60);

impl Keeper {
    /// Speaks when the wave is over, or a second after there was something to say.
    pub(super) fn speak(&mut self, now: WallTime) {
        self.speak_of_skew(now);
        let late = self.news.deadline().is_some_and(|deadline| deadline <= now);
        if late || self.is_quiet() {
            self.actions.extend(self.news.take().into_iter().map(Action::Tell));
        }
    }

    /// Whether nothing is under way.
    pub(super) fn is_quiet(&self) -> bool {
        self.agenda.calling.is_empty()
            && self.resolving.is_empty()
            && self.shelves.iter().all(|shelf| shelf.writing.is_none())
    }

    fn speak_of_skew(&mut self, now: WallTime) {
        let large = self.skew.magnitude() > SKEW_WORTH_A_LINE;
        if large == self.skew_told {
            return;
        }
        self.skew_told = large;
        let message = if large {
            let way = if self.skew.millis() > 0 { "behind" } else { "ahead of" };
            format!(
                "the clock of this machine is {} s {way} that of STS; set it, other AWS programs will fail",
                self.skew.magnitude().as_secs()
            )
        } else {
            "the clock of this machine agrees with that of STS again".to_owned()
        };
        let profiles = self.kept.iter().map(|kept| kept.entry.profile.clone()).collect();
        let notice =
            Notice { kind: NoticeKind::Remark, profiles, role_arn: None, expiration: None, message, failure: None };
        self.news.add(notice, now);
    }

    /// Asks for a report when something changed and things have calmed down, or a second later.
    pub(super) fn plan_report(&mut self, now: WallTime) {
        let wakeup = self.next_change(now);
        if self.changed.is_none() && wakeup != self.reported_wakeup {
            self.changed = Some(now);
        }
        if self.changed.is_some_and(|since| self.is_quiet() || since + WAVE <= now) {
            self.changed = None;
            self.reported_wakeup = self.next_change(now);
            self.actions.push_back(Action::Report);
        }
    }

    /// The state of every profile, in the order of the config.
    pub fn profiles(&self, now: WallTime) -> Vec<Profile> {
        (0..self.kept.len()).map(|index| self.profile(index, now)).collect()
    }

    /// The session of a profile under its present settings, stored or not.
    pub fn session_of(&self, profile: &ProfileName) -> Option<&Session> {
        self.kept[self.kept.position(profile)?].current()
    }

    /// How a profile stands.
    pub fn state_of(&self, profile: &ProfileName, now: WallTime) -> Option<State> {
        let index = self.kept.position(profile)?;
        Some(self.state(&self.kept[index], self.trouble_of(index).map(|trouble| trouble.failure.class), now))
    }

    fn profile(&self, index: usize, now: WallTime) -> Profile {
        let kept = &self.kept[index];
        let entry = &kept.entry;
        let trouble = self.trouble_of(index).cloned();
        let session = kept.session.as_ref();
        let next = self.next_refresh(index, now);
        Profile {
            profile: entry.profile.to_string(),
            role_arn: entry.role_arn().map(ToString::to_string),
            source: entry.source.to_string(),
            store: entry.store.as_str().to_owned(),
            state: self.state(kept, trouble.as_ref().map(|trouble| trouble.failure.class), now),
            expires: session.map(|session| session.expiration.to_string()),
            expires_in_seconds: session
                .map(|session| session.expiration.unix_seconds() - self.sts_now(now).unix_seconds()),
            next_refresh: next.map(|time| time.to_string()),
            last_refresh: session.map(|session| session.issued.to_string()),
            error: trouble.map(|trouble| Trouble {
                class: trouble.failure.class.as_str().to_owned(),
                code: trouble.failure.code,
                message: trouble.failure.message,
                fix: trouble.failure.fix,
                since: trouble.since.to_string(),
                attempts: trouble.attempts,
            }),
            expiring: self.end_ahead(index, now),
        }
    }

    fn state(&self, kept: &Kept, trouble: Option<Class>, now: WallTime) -> State {
        let alive = kept.is_alive(self.sts_now(now));
        match trouble {
            Some(Class::Source) => State::Waiting,
            Some(Class::Refused | Class::Settings | Class::TooLong) => State::Refused,
            _ if !alive => State::Expired,
            // Also while the one that is to replace it cannot be had: nobody may take it for one of the settings of now.
            _ if kept.is_outdated() => State::Outdated,
            Some(Class::Unreachable | Class::Busy | Class::Clock | Class::Store) => State::Retrying,
            None => State::Fresh,
        }
    }
}
