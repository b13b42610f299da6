//! Which calls to make now: who is due, who goes along, and what each of them still waits for.

use super::action::{Action, AssumeCall};
use super::agenda::is_resolved;
use super::gate::Trouble;
use super::kept::{Call, Want};
use super::{Attendance, Keeper, LOST, Mode};
use crate::engine::config::model::Source;
use crate::engine::place::Place;
use crate::engine::schedule::{CALLS_AT_ONCE, lead};
use crate::engine::session::SourceCredentials;
use crate::engine::time::WallTime;

/// What stands between a due profile and its call.
enum Way {
    /// Nothing: sign with these (`None`: a web identity needs no signature).
    Open(Option<SourceCredentials>),
    /// The source is to be resolved first.
    Resolve,
    /// Something else has to happen first.
    Wait,
    /// What it needs is in trouble, and so is it.
    Barred,
}

impl Keeper {
    pub(super) fn plan(&mut self, now: WallTime) {
        self.go_along(now);
        loop {
            self.wake_touched(None, now);
            if let Some(index) = self.agenda.awake.pop_first() {
                self.consider(index, now);
                self.wake_touched(Some(index), now);
            } else if !self.fill_calls(now) && !self.fill_resolutions(now) && !self.probe(now) {
                break;
            }
        }
        self.drop_idle_supplies();
    }

    /// Whoever is due so soon that going along is cheaper becomes part of a wave, also when those who began it are done.
    fn go_along(&mut self, now: WallTime) {
        let sts_now = self.sts_now(now);
        if self.mode != Mode::Daemon || self.agenda.due.first().is_none_or(|due| due > sts_now) {
            return;
        }
        let soon: Vec<usize> = self.agenda.soon.up_to(sts_now).collect();
        for index in soon {
            self.kept[index].want.get_or_insert(Want::Longer);
        }
    }

    /// Takes a profile on its way as far as it can go now.
    fn consider(&mut self, index: usize, now: WallTime) {
        let sts_now = self.sts_now(now);
        if !self.may_call(index) {
            self.note_human_step(index, now);
        }
        if !self.is_in_wave(index, sts_now) || !self.is_free(index, now) {
            return self.stand_down(index);
        }
        self.stand(index);
        self.wake_parent(index, now);
        match self.way(index, now) {
            Way::Wait => self.await_supply(index),
            Way::Barred => self.bar(index, now),
            Way::Resolve => {
                self.await_supply(index);
                self.agenda.unresolved.insert(index);
            }
            Way::Open(Some(source)) if self.kept[index].publishes_source() => {
                self.publish(index, &source, now);
                self.stand_down(index);
            }
            Way::Open(_) => self.queue(index, now),
        }
        if !self.is_in_wave(index, sts_now) {
            self.stand_down(index);
        }
    }

    fn await_supply(&mut self, index: usize) {
        let source = &self.kept[index].entry.source;
        if is_resolved(source) {
            self.agenda.unsupplied.entry(source.clone()).or_default().insert(index);
        }
    }

    /// Neither called for nor waiting after a failure.
    fn is_free(&self, index: usize, now: WallTime) -> bool {
        self.kept[index].call.is_none() && self.kept[index].gate.is_open(now)
    }

    /// A parent that nobody asked for goes along when a child needs it.
    fn wake_parent(&mut self, index: usize, now: WallTime) {
        let parent = self.kept[index].entry.parent().and_then(|parent| self.kept.position(parent));
        let asleep = parent.filter(|parent| !self.agenda.standing.contains(parent) && self.is_free(*parent, now));
        let sts_now = self.sts_now(now);
        let waits_for_a_person =
            |parent: usize| !self.may_call(parent) && !self.kept[parent].can_sign(sts_now) && !self.is_told(parent);
        let needed = asleep.filter(|parent| self.is_in_wave(*parent, sts_now) || waits_for_a_person(*parent));
        self.agenda.awake.extend(needed);
    }

    /// Makes the calls that are next in turn; answers whether there were any.
    fn fill_calls(&mut self, now: WallTime) -> bool {
        if self.agenda.calling.len() >= CALLS_AT_ONCE {
            return false;
        }
        let Some(index) = self.agenda.ready.pop_first() else { return false };
        let place = Place::of(&self.kept[index].entry);
        if self.endpoints.contains_key(&place) {
            // It has come into trouble meanwhile.
            self.agenda.awake.insert(index);
        } else {
            self.call_if_open(index, now);
        }
        true
    }

    fn fill_resolutions(&mut self, now: WallTime) -> bool {
        if !self.may_resolve(now) {
            return false;
        }
        let Some(index) = self.agenda.unresolved.pop_first() else { return false };
        let wanted = self.is_in_wave(index, self.sts_now(now)) && self.is_free(index, now);
        if wanted && matches!(self.way(index, now), Way::Resolve) {
            self.resolve(index, now);
        }
        true
    }

    /// Calls, unless something has come in between since it was queued.
    pub(super) fn call_if_open(&mut self, index: usize, now: WallTime) {
        if !self.is_in_wave(index, self.sts_now(now)) || !self.is_free(index, now) {
            return;
        }
        match self.way(index, now) {
            Way::Open(source) => self.call(index, source, now),
            _ => {
                self.agenda.awake.insert(index);
            }
        }
    }

    pub(super) fn is_due(&self, index: usize, sts_now: WallTime) -> bool {
        let kept = &self.kept[index];
        let asked = self.mode == Mode::Daemon || kept.want.is_some();
        asked && self.may_call(index) && kept.due() <= sts_now
    }

    /// Whether a call for it may be made at all, now or later.
    pub(super) fn may_call(&self, index: usize) -> bool {
        let kept = &self.kept[index];
        kept.is_writable() && (self.attendance == Attendance::Attended || !kept.entry.needs_human())
    }

    fn way(&self, index: usize, now: WallTime) -> Way {
        let kept = &self.kept[index];
        let sts_now = self.sts_now(now);
        if !self.is_free(index, now) {
            return Way::Wait;
        }
        match &kept.entry.source {
            Source::WebIdentity(_) => Way::Open(None),
            Source::Listed(parent) => {
                let Some(position) = self.kept.position(parent) else { return Way::Wait };
                let parent = &self.kept[position];
                // Whoever is asked for this is part of a wave, and so is a parent that it needs.
                let needed = self.may_call(position) && !parent.can_sign(sts_now);
                let coming = parent.call.is_some()
                    || ((needed || self.is_due(position, sts_now))
                        && parent.gate.is_open(now)
                        && self.is_supplied(position, now));
                match parent.current() {
                    _ if coming => Way::Wait,
                    Some(session) if parent.can_sign(sts_now) => Way::Open(Some(session.as_source())),
                    _ => Way::Barred,
                }
            }
            source if self.resolving.contains_key(source) => Way::Wait,
            source => match self.supplies.get(source) {
                Some(supply) if supply.is_ready(now) => Way::Open(supply.ready.clone()),
                Some(supply) if !supply.gate.is_open(now) => Way::Barred,
                _ => Way::Resolve,
            },
        }
    }

    /// Whether a profile of the wave waits for nothing that will wake it.
    #[cfg(debug_assertions)]
    pub(super) fn could_go_on(&self, index: usize, now: WallTime) -> bool {
        let place = Place::of(&self.kept[index].entry);
        if self.agenda.probing.get(&place).is_some_and(|queue| queue.key(index).is_some()) {
            return false;
        }
        // Whoever waits for its turn is considered anew when that has come, also when its source has grown old meanwhile.
        if self.agenda.ready.contains(&index) && self.agenda.calling.len() >= CALLS_AT_ONCE {
            return false;
        }
        match self.way(index, now) {
            Way::Wait | Way::Barred => false,
            Way::Resolve => self.may_resolve(now),
            Way::Open(_) if self.kept[index].publishes_source() => true,
            // One call at a time looks whether the endpoint is back, and wakes everybody.
            Way::Open(_) if self.endpoints.contains_key(&place) => {
                let under_way = !self.agenda.calling.is_empty() || !self.resolving.is_empty();
                !under_way && !self.agenda.probing.contains_key(&place)
            }
            Way::Open(_) => true,
        }
    }

    /// Whether the source of a profile is not itself shut: only then is the profile on its way.
    fn is_supplied(&self, index: usize, now: WallTime) -> bool {
        let kept = &self.kept[index];
        let endpoint_open = self.endpoints.get(&Place::of(&kept.entry)).is_none_or(|gate| gate.is_open(now));
        let source_open = match &kept.entry.source {
            Source::Listed(parent) => self.kept.position(parent).is_some_and(|parent| {
                let parent_kept = &self.kept[parent];
                parent_kept.can_sign(self.sts_now(now))
                    || parent_kept.call.is_some()
                    || (self.may_call(parent) && parent_kept.gate.is_open(now) && self.is_supplied(parent, now))
            }),
            source => self.supplies.get(source).is_none_or(|supply| supply.gate.is_open(now)),
        };
        endpoint_open && source_open
    }

    fn bar(&mut self, index: usize, now: WallTime) {
        let trouble = match &self.kept[index].entry.source {
            Source::Listed(parent) => self.kept.position(parent).and_then(|parent| self.trouble_of(parent)).cloned(),
            source => self.supplies.get(source).and_then(|supply| supply.gate.trouble().cloned()),
        };
        self.asked_in_vain(index);
        if let Some(trouble) = trouble {
            self.share(index, &trouble, now);
        }
    }

    /// The trouble of what a profile waits for is its own as well, and is told as such.
    pub(super) fn share(&mut self, index: usize, trouble: &Trouble, now: WallTime) {
        let kept = &mut self.kept[index];
        kept.gate.inherit(trouble);
        self.news.trouble(&kept.entry, kept.session.as_ref().map(|s| s.expiration), &trouble.failure, now);
    }

    fn call(&mut self, index: usize, source: Option<SourceCredentials>, now: WallTime) {
        self.attempts += 1;
        let attempt = self.attempts;
        let sts_now = self.sts_now(now);
        let begun = self.looked_at(index, now);
        // Another process may be at it for as long as a call takes. Where STS has not told the time nobody knows what is to come.
        let knows_the_time = !self.unsure && !self.kept[index].in_doubt;
        let latest = if knows_the_time { sts_now + LOST } else { WallTime::from_unix_millis(i64::MAX) };
        let kept = &mut self.kept[index];
        let duration = kept.duration();
        let call = AssumeCall {
            attempt,
            entry: kept.entry.clone(),
            duration,
            source,
            adopt_issued_after: kept.current().map_or(WallTime::from_unix_millis(i64::MIN), |session| session.issued),
            adopt_beyond: kept.current().map_or(sts_now, |session| sts_now + kept.min_ttl() + lead(session.life())),
            adopt_issued_until: latest,
        };
        kept.gate.tried(now);
        kept.call = Some(Call { attempt, started: now, begun, entry: kept.entry.clone(), duration });
        self.actions.push_back(Action::Assume(Box::new(call)));
        self.stand_down(index);
    }
}
