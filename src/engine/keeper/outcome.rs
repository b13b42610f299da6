//! What came back from the shell: sessions that are believed, failures that are judged, and calls that got lost.

use super::agenda::is_resolved;
use super::clocks::was_issued;
use super::gate::{Gate, Trouble};
use super::kept::{Call, OnDisk, Standing, Want};
use super::{Keeper, LOST, Mode, NoticeKind, Reply};
use crate::engine::config::model::{Entry, Source, StoreKind};
use crate::engine::credentials_file::Reason;
use crate::engine::failure::{Class, Context, Failure, Fault, classify};
use crate::engine::names::ProfileName;
use crate::engine::obstacle::Obstacle;
use crate::engine::place::Place;
use crate::engine::reply;
use crate::engine::schedule::{FLOOR, ONE_HOUR};
use crate::engine::session::Session;
use crate::engine::time::WallTime;

impl Keeper {
    pub(super) fn assumed(&mut self, profile: &ProfileName, attempt: u64, reply: &Reply, jitter: f64, now: WallTime) {
        self.learn(reply.skew, now);
        let Some((index, call)) = self.end_call(profile, attempt) else { return };
        match reply::accept(reply, &call.entry, call.duration, self.sts_now(now)) {
            Ok(session) => self.assumed_session(index, &call, session, now),
            Err(fault) => self.fail(index, fault, jitter, call.begun, now),
        }
    }

    pub(super) fn adopted(&mut self, profile: &ProfileName, attempt: u64, session: Session, now: WallTime) {
        let Some((index, _)) = self.end_call(profile, attempt) else { return };
        if session.digest != self.kept[index].entry.digest {
            return;
        }
        self.learn_from(index, &session, now);
        let in_doubt = self.kept[index].in_doubt;
        self.accept(index, session, now);
        let kept = &mut self.kept[index];
        // It was found in the store: there is nothing to write, and STS has not told the time.
        kept.on_disk = OnDisk::Current;
        kept.in_doubt = in_doubt;
    }

    pub(super) fn assume_failed(
        &mut self,
        profile: &ProfileName,
        attempt: u64,
        fault: Fault,
        jitter: f64,
        now: WallTime,
    ) {
        let Some((index, call)) = self.end_call(profile, attempt) else { return };
        let failure = classify(&fault, &Context::of(&self.kept[index].entry));
        if failure.class == Class::TooLong && call.duration > ONE_HOUR {
            return self.fall_back_to_one_hour(index, call.duration, now);
        }
        let alive = self.kept[index].is_alive(self.sts_now(now));
        let hurried = self.hurried(now);
        match (&fault, failure.class) {
            // No answer, or one that asks for patience, is a trouble of the endpoint: one call at a time tries it.
            (Fault::Transport { .. } | Fault::Service(_), Class::Unreachable | Class::Busy) => {
                let gate = self.endpoints.entry(Place::of(&call.entry)).or_default();
                let known = gate.trouble().is_some_and(|trouble| trouble.failure.class == failure.class);
                // Nobody who asks for more may have the next try sooner than a while after this one.
                gate.tried(call.started);
                gate.fail_together(failure.clone(), alive, jitter, call.started, now);
                gate.shorten(hurried);
                // Whoever knows of this trouble need not hear of each try.
                self.agenda.places_changed |= !known || self.mode == Mode::OnePass;
                std::mem::take(&mut self.agenda.hopeful).into_iter().for_each(|index| self.kept.touch(index));
                self.note_failure(index, failure, now);
            }
            // STS does not take the source credentials: a trouble of the source, not of each role behind it.
            (Fault::Service(_), Class::Source) if is_resolved(&call.entry.source) => {
                self.clear_endpoint(&call.entry);
                let supply = self.supplies.entry(call.entry.source.clone()).or_default();
                supply.ready = None;
                supply.gate.fail_together(failure.clone(), alive, jitter, call.begun, now);
                self.agenda.sources.insert(call.entry.source.clone());
                self.note_failure(index, failure, now);
            }
            (Fault::Service(_), _) => {
                self.clear_endpoint(&call.entry);
                self.fail(index, fault, jitter, call.begun, now);
            }
            _ => self.fail(index, fault, jitter, call.begun, now),
        }
    }

    /// Takes a failure of a profile's own down, of a try that has `begun` then, and closes its gate. Whatever session it has
    /// stays.
    pub(super) fn fail(&mut self, index: usize, fault: Fault, jitter: f64, begun: WallTime, now: WallTime) {
        let alive = self.kept[index].is_alive(self.sts_now(now));
        let mut failure = classify(&fault, &Context::of(&self.kept[index].entry));
        if failure.class == Class::TooLong {
            failure.class = Class::Settings;
        }
        let hurried = self.hurried(now);
        let gate = &mut self.kept[index].gate;
        gate.fail(failure.clone(), alive, jitter, begun, now);
        gate.shorten(hurried);
        self.tell_failure(index, &failure, now);
    }

    /// Takes a failure down whose gate is elsewhere: at the endpoint, or at the source.
    fn note_failure(&mut self, index: usize, failure: Failure, now: WallTime) {
        self.tell_failure(index, &failure, now);
        self.kept[index].gate.note(failure, now);
    }

    fn tell_failure(&mut self, index: usize, failure: &Failure, now: WallTime) {
        // The client has learned the time: whoever is refused for the date tries again, due or not, and is rid of it.
        if failure.class == Class::Clock && self.kept[index].gate.is_retried_at_once() {
            self.kept[index].want.get_or_insert(Want::Longer);
        } else {
            self.asked_in_vain(index);
        }
        let kept = &self.kept[index];
        self.news.trouble(&kept.entry, kept.session.as_ref().map(|session| session.expiration), failure, now);
    }

    /// One pass is over with its first failure. The daemon goes on until it succeeds: what is in trouble is being retried,
    /// whether it had been due by itself or somebody asked for it.
    pub(super) fn asked_in_vain(&mut self, index: usize) {
        let goes_on = self.mode == Mode::Daemon && self.may_call(index);
        self.kept[index].want = self.kept[index].want.filter(|_| goes_on);
    }

    fn fall_back_to_one_hour(&mut self, index: usize, asked: std::time::Duration, now: WallTime) {
        let kept = &mut self.kept[index];
        kept.allowed = Some(ONE_HOUR);
        let message = format!(
            "STS does not allow a session of {} s for this role; using one hour. Write duration = \"1h\", or raise the role's maximum",
            asked.as_secs()
        );
        self.news.say(NoticeKind::Remark, &kept.entry, None, message, now);
    }

    fn assumed_session(&mut self, index: usize, call: &Call, mut session: Session, now: WallTime) {
        self.clear_endpoint(&call.entry);
        if session.digest != self.kept[index].entry.digest {
            // The settings changed while the call was under way: it is due again, and this session is of no use.
            return;
        }
        session.allowed = self.kept[index].allowed;
        let sts_now = self.sts_now(now);
        let longer = |ours: &&Session| ours.expiration > session.expiration && ours.expiration > sts_now;
        match self.kept[index].current().filter(longer).filter(|ours| was_issued(ours, sts_now)) {
            Some(ours) => {
                let again = now + ours.left(sts_now).saturating_sub(session.life()).max(FLOOR);
                self.keep_the_longer(index, again, now);
            }
            None => self.accept(index, session, now),
        }
    }

    /// STS grants less than it did: what stands in the file stays there until a new session lasts as long.
    fn keep_the_longer(&mut self, index: usize, again: WallTime, now: WallTime) {
        let kept = &mut self.kept[index];
        kept.want = None;
        kept.in_doubt = false;
        kept.gate.clear();
        kept.gate.hold_until(again);
        let end = kept.session.as_ref().map(|session| session.expiration);
        self.news.recovered(&kept.entry, end, now);
        let message = "STS grants a shorter session than the one in the store, which therefore stays".to_owned();
        self.news.say(NoticeKind::Kept, &kept.entry, end, message, now);
    }

    /// Believes a session: from here on it is the one that the file shall hold.
    pub(super) fn accept(&mut self, index: usize, session: Session, now: WallTime) {
        let kept = &mut self.kept[index];
        kept.on_disk = match (&kept.on_disk, &kept.session) {
            (OnDisk::Current, Some(old)) => OnDisk::Other(Standing::of(old)),
            (other, _) => other.clone(),
        };
        kept.allowed = session.allowed.or(kept.allowed);
        kept.want = None;
        kept.in_doubt = false;
        kept.gate.clear();
        kept.gate.rest();
        if self.truce(index).is_some_and(|until| until > now)
            && let Some(undoing) = self.kept[index].undoing.clone()
        {
            // It will not stand in the file before the truce is over.
            self.kept[index].gate.inherit(&undoing);
        }
        let kept = &mut self.kept[index];
        // A file that could not be written is no better for a new session.
        if self.news.told_class(&kept.entry) != Some(Class::Store) {
            self.news.recovered(&kept.entry, Some(session.expiration), now);
        }
        kept.session = Some(session);
        let store = kept.entry.store;
        let source = kept.entry.source.clone();
        if self.supplies.get_mut(&source).is_some_and(|supply| supply.gate.clear().is_some()) {
            self.agenda.sources.insert(source);
        }
        self.shelf(store).first_result.get_or_insert(now);
        self.hint_children(index, now);
    }

    /// A child that STS refused for the session that signed for it has another one now.
    fn hint_children(&mut self, index: usize, now: WallTime) {
        for child in self.kept.children(index).to_vec() {
            let gate = &mut self.kept[child].gate;
            if gate.trouble().is_some_and(|trouble| trouble.failure.class == Class::Source) {
                gate.hint(now);
            }
        }
    }

    fn end_call(&mut self, profile: &ProfileName, attempt: u64) -> Option<(usize, Call)> {
        let index = self.kept.position(profile)?;
        let call = self.kept[index].call.take_if(|call| call.attempt == attempt)?;
        Some((index, call))
    }

    /// An answer that never comes must not hold anything up for ever.
    pub(super) fn give_up_lost(&mut self, now: WallTime) {
        let lost = |started: WallTime| started + LOST <= now;
        let calls = &self.agenda.calling;
        let unanswered = |index: &usize| self.kept[*index].call.as_ref().is_some_and(|call| lost(call.started));
        let calls: Vec<usize> = calls.iter().copied().filter(unanswered).collect();
        for index in calls {
            let begun = self.kept[index].call.take().map_or(now, |call| call.begun);
            self.fail(index, Fault::Internal("the call was never answered".to_owned()), 1.0, begun, now);
        }
        let sources = self.resolving.iter().filter(|(_, started)| lost(**started));
        let sources: Vec<Source> = sources.map(|(source, _)| source.clone()).collect();
        for source in sources {
            self.supply_failed(&source, Fault::Internal("the source never answered".to_owned()), 1.0, now);
        }
        for store in [StoreKind::Shared, StoreKind::Private] {
            if self.shelf(store).writing.as_ref().is_some_and(|batch| lost(batch.started)) {
                self.store_failed(store, "the write was never answered".to_owned(), 1.0, now);
            }
        }
    }

    /// The trouble of a profile: its own, that of the endpoint that it waits for, or that of the file that it should go to.
    pub(super) fn trouble_of(&self, index: usize) -> Option<&Trouble> {
        let kept = &self.kept[index];
        let own = kept.gate.trouble();
        let endpoint = self.endpoints.get(&Place::of(&kept.entry)).and_then(Gate::trouble);
        let waits = self.agenda.standing.contains(&index);
        let shared =
            endpoint.filter(|trouble| waits && own.is_some_and(|own| own.failure.class == trouble.failure.class));
        let shelf = self.shelves.iter().find(|shelf| shelf.kind == kept.entry.store && kept.is_unstored());
        shared.or(own).or_else(|| shelf.and_then(|shelf| shelf.gate.trouble()))
    }
}

/// What a section that is not ours to change looks like to a person.
pub(super) fn left_alone(entry: &Entry, reason: &Reason) -> Failure {
    let Obstacle { line, cause, way_out } = reason.into();
    let place = line.map_or_else(String::new, |line| format!(" (line {line} of the file)"));
    let message = format!("the section [{}] is left alone: {cause}{place}", entry.profile);
    Failure { class: Class::Settings, code: None, message, fix: way_out }
}
