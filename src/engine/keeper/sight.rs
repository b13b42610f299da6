//! What the credentials files hold: what a restart goes on from, what others wrote, what they undid.

use super::kept::{OnDisk, Standing, Want};
use super::outcome::left_alone;
use super::{Action, Keeper, LOST, Notice, NoticeKind, Sighting};
use crate::engine::config::model::StoreKind;
use crate::engine::credentials_file::{Observation, Reason};
use crate::engine::failure::{Class, Failure};
use crate::engine::names::ProfileName;
use crate::engine::session::Session;
use crate::engine::time::WallTime;
use std::time::Duration;

/// An undone write is written again at most so often in [`UNDONE_WITHIN`]; then whoever undoes it is named and waited for.
const REWRITES: usize = 3;
const UNDONE_WITHIN: Duration = Duration::from_secs(60);
const TRUCE: Duration = Duration::from_secs(300);

impl Keeper {
    pub(super) fn see(&mut self, sighting: Sighting, now: WallTime) {
        let store = sighting.store;
        let sections = match sighting.sections {
            Ok(sections) => sections,
            Err(reason) => return self.unreadable(store, reason, now),
        };
        let shelf = self.shelf(store);
        shelf.is_awaited = false;
        if shelf.unreadable.take().is_some() {
            // It can be read again: then it can be written again.
            shelf.gate.nudge(now);
        }
        shelf.forget_orphans();
        for (profile, observation) in sections {
            match self.kept.position(&profile).filter(|index| self.kept[*index].entry.store == store) {
                Some(index) => self.see_kept(index, observation, now),
                None => self.see_orphan(store, profile, observation),
            }
        }
    }

    /// A profile whose file was never looked at is kept by nobody, and a section that is off the list goes unseen: a look
    /// that got lost is taken again.
    pub(super) fn look_again(&mut self, now: WallTime) {
        if self.agenda.unknown.is_empty() && !self.shelves.iter().any(|shelf| shelf.is_awaited) {
            self.looking = None;
        } else if *self.looking.get_or_insert(now) + LOST <= now {
            self.looking = Some(now);
            self.actions.push_back(Action::Observe);
        }
    }

    /// Nothing is known of the file: what is in memory stays there, and writing will tell what is wrong with it.
    fn unreadable(&mut self, store: StoreKind, reason: String, now: WallTime) {
        let known = self.shelf(store).unreadable.replace(reason.clone());
        let profiles: Vec<ProfileName> =
            self.kept.iter().filter(|kept| kept.entry.store == store).map(|kept| kept.entry.profile.clone()).collect();
        if known.as_ref() != Some(&reason) && !profiles.is_empty() {
            let message = format!("failed to {reason}; sessions are kept in memory until it can be written");
            let kind = NoticeKind::Remark;
            self.news.add(Notice { kind, profiles, role_arn: None, expiration: None, message, failure: None }, now);
        }
        for kept in self.kept.iter_mut().filter(|kept| kept.entry.store == store) {
            if kept.on_disk == OnDisk::Unknown {
                kept.on_disk = OnDisk::Nothing;
            }
        }
    }

    fn see_orphan(&mut self, store: StoreKind, profile: ProfileName, observation: Observation) {
        if let Observation::Ours(session) = observation {
            self.shelf(store).add_orphan(profile, session.expiration);
        }
    }

    fn see_kept(&mut self, index: usize, observation: Observation, now: WallTime) {
        match observation {
            Observation::Ours(session) => self.see_session(index, *session, now),
            Observation::Absent => self.see_other(index, OnDisk::Nothing, "the section is gone", now),
            Observation::Fillable => self.see_other(index, OnDisk::Nothing, "our keys are gone from it", now),
            Observation::Damaged => self.see_other(index, OnDisk::Nothing, "our keys are no longer whole", now),
            Observation::Foreign(_) if self.kept[index].entry.adopt => {
                self.see_other(index, OnDisk::Nothing, "keys of another program stand there now", now);
            }
            Observation::Foreign(reason) | Observation::Untouchable(reason) => self.leave_alone(index, reason, now),
            Observation::NewerFormat => {
                let reason = Reason::newer_format(&self.kept[index].entry.profile);
                self.leave_alone(index, reason, now);
            }
        }
    }

    fn see_session(&mut self, index: usize, session: Session, now: WallTime) {
        let is_forged = self.is_forged(index, &session, now);
        self.learn_from(index, &session, now);
        let first_look = self.kept[index].on_disk == OnDisk::Unknown;
        self.let_go(index, now);
        let kept = &mut self.kept[index];
        if kept.current() == Some(&session) {
            return self.is_stored(index, now);
        }
        // A source may hand the same keys out again with a later end: then they were taken from it anew.
        let publishes = kept.publishes_source();
        let edited = |ours: &Session| ours.keys == session.keys && !(publishes && session.issued > ours.issued);
        if kept.current().is_some_and(edited) {
            // Our own keys with another end: somebody has edited what stands there.
            return self.see_other(index, OnDisk::Nothing, "our keys with another end stand there now", now);
        }
        if is_forged || session.is_longer_than_sts_grants() {
            // The same of keys that are not ours: they may live, and nothing that has ended takes their place.
            let found = OnDisk::Other(Standing::of(&session));
            return self.see_other(index, found, "a session with an edited mark stands there now", now);
        }
        // A mark knows whole seconds only: of two from the same second, the one that stands there came later, unless ours
        // was made to take its place.
        let replaced = matches!(&kept.on_disk, OnDisk::Other(standing) if standing.is(&session));
        let not_older = kept
            .current()
            .is_none_or(|ours| !replaced && (session.issued, session.expiration) >= (ours.issued, ours.expiration));
        if session.digest == kept.entry.digest && not_older {
            // Of our own kind and as new as ours: another evertoken process, or our own last run, made it.
            kept.on_disk = OnDisk::Current;
            kept.allowed = session.allowed.or(kept.allowed);
            kept.gate.clear();
            // What is only found now was there before anybody asked for another one.
            kept.want = kept.want.filter(|want| first_look && *want == Want::Another);
            let end = session.expiration;
            kept.session = Some(session);
            self.news.recovered(&kept.entry, Some(end), now);
            if end > now + self.skew {
                let said = if first_look {
                    "goes on with the session in the store"
                } else {
                    "took over a session that another process stored"
                };
                self.news.say(NoticeKind::Kept, &kept.entry, Some(end), said.to_owned(), now);
            }
            return;
        }
        let standing = Standing::of(&session);
        if kept.current().is_none() {
            // For other settings: it stays until it is replaced.
            kept.session = Some(session);
        }
        self.see_other(index, OnDisk::Other(standing), "another session with our mark stands there now", now);
    }

    /// The store holds something else than what we know; if it had held it before, somebody undid our write.
    fn see_other(&mut self, index: usize, found: OnDisk, what: &str, now: WallTime) {
        self.let_go(index, now);
        let kept = &mut self.kept[index];
        if kept.on_disk == OnDisk::Current && kept.current().is_some() {
            kept.undone.retain(|at| *at + UNDONE_WITHIN > now);
            kept.undone.push(now);
            let end = kept.session.as_ref().map(|session| session.expiration);
            let (times, profile) = (kept.undone.len(), &kept.entry.profile);
            if times == 1 {
                let message = format!("another program undid our write to [{profile}] ({what}); writing it again");
                self.news.say(NoticeKind::Remark, &kept.entry, end, message, now);
            } else if times > REWRITES {
                let message = format!(
                    "another program undid our write to [{profile}] {times} times within a minute: {what}; waiting {} \
                     minutes before the next",
                    TRUCE.as_secs() / 60
                );
                let fix = format!(
                    "find the program that writes [{profile}] too and have it leave that section alone, or give the \
                     role another profile name"
                );
                let failure = Failure { class: Class::Store, code: None, message, fix: Some(fix) };
                kept.gate.note(failure.clone(), now);
                kept.undoing = kept.gate.trouble().cloned();
                self.news.trouble(&kept.entry, end, &failure, now);
            }
        }
        kept.on_disk = found;
    }

    /// The session stands in the file: whatever kept it out is over.
    pub(super) fn is_stored(&mut self, index: usize, now: WallTime) {
        let kept = &mut self.kept[index];
        kept.on_disk = OnDisk::Current;
        if kept.gate.trouble().is_some_and(|trouble| trouble.failure.class == Class::Store) {
            kept.gate.clear();
            let end = kept.session.as_ref().map(|session| session.expiration);
            self.news.recovered(&kept.entry, end, now);
        }
    }

    /// Until when an undone write is not written again.
    pub(super) fn truce(&self, index: usize) -> Option<WallTime> {
        let undone = &self.kept[index].undone;
        undone.last().filter(|_| undone.len() > REWRITES).map(|last| *last + TRUCE)
    }

    fn leave_alone(&mut self, index: usize, reason: Reason, now: WallTime) {
        let kept = &mut self.kept[index];
        if kept.on_disk == OnDisk::LeftAlone(reason.clone()) {
            return;
        }
        let failure = left_alone(&kept.entry, &reason);
        kept.want = None;
        if let Some(call) = kept.call.take() {
            // What it would bring is wanted by nobody, and what it would say is not what holds the profile up.
            self.actions.push_back(Action::GiveUp { attempt: call.attempt });
        }
        kept.gate.note(failure.clone(), now);
        self.news.trouble(&kept.entry, kept.session.as_ref().map(|s| s.expiration), &failure, now);
        kept.on_disk = OnDisk::LeftAlone(reason);
    }

    /// A section that was not ours to change has become so.
    fn let_go(&mut self, index: usize, now: WallTime) {
        let kept = &mut self.kept[index];
        if matches!(kept.on_disk, OnDisk::LeftAlone(_)) {
            kept.gate.clear();
            kept.on_disk = OnDisk::Nothing;
            let end = kept.session.as_ref().map(|session| session.expiration);
            self.news.recovered(&kept.entry, end, now);
        }
    }

    /// The store answered a write with a refusal for this section.
    pub(super) fn refused_by_owner(&mut self, index: usize, reason: Reason, now: WallTime) {
        self.leave_alone(index, reason, now);
    }
}
