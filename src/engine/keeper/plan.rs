//! Which calls to make now: who is due, who goes along, and what each of them still waits for.

use super::action::{Action, AssumeCall};
use super::kept::{Call, Want};
use super::{Attendance, Keeper, Mode};
use crate::engine::config::model::Source;
use crate::engine::place::Place;
use crate::engine::schedule::{CALLS_AT_ONCE, lead, window};
use crate::engine::session::SourceCredentials;
use crate::engine::time::WallTime;
use std::collections::BTreeSet;
use std::time::Duration;

/// Source credentials that wait longer than this for their call are resolved afresh.
const SUPPLY_KEEPS: Duration = Duration::from_secs(60);

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
        self.note_human_steps(now);
        let wave = self.wave(now);
        self.drop_idle_supplies(&wave, now);
        let mut probes: Vec<usize> = Vec::new();
        for &index in &wave {
            match self.way(index, &wave, now) {
                Way::Wait => {}
                Way::Barred => self.bar(index, now),
                Way::Resolve => self.resolve(index, now),
                Way::Open(Some(source)) if self.kept[index].publishes_source() => self.publish(index, &source, now),
                Way::Open(source) => match self.endpoints.get(&Place::of(&self.kept[index].entry)) {
                    Some(gate) if gate.trouble().is_some() => probes.push(index),
                    _ => self.call(index, source, now),
                },
            }
        }
        self.probe(probes, &wave, now);
        self.drop_idle_supplies(&wave, now);
    }

    /// Everybody who is due, the parents that they need, and whoever is due so soon that going along is cheaper.
    fn wave(&mut self, now: WallTime) -> Vec<usize> {
        let sts_now = self.sts_now(now);
        let mut due: BTreeSet<usize> = (0..self.kept.len()).filter(|i| self.is_due(*i, sts_now)).collect();
        if due.is_empty() {
            return Vec::new();
        }
        for index in (0..self.kept.len()).rev() {
            let parent = self.kept[index].entry.parent().and_then(|parent| self.position(parent));
            if let Some(parent) = parent.filter(|p| due.contains(&index) && self.may_call(*p))
                && !self.kept[parent].can_sign(sts_now)
            {
                due.insert(parent);
            }
        }
        if self.mode == Mode::Daemon {
            for index in 0..self.kept.len() {
                let kept = &self.kept[index];
                let soon = kept.current().is_some_and(|session| kept.due() - window(session.life()) <= sts_now);
                if soon && self.may_call(index) && due.insert(index) {
                    // Part of this wave from now on, also when those who began it are done.
                    self.kept[index].want = Some(Want);
                }
            }
        }
        due.into_iter().collect()
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

    fn way(&self, index: usize, wave: &[usize], now: WallTime) -> Way {
        let kept = &self.kept[index];
        let sts_now = self.sts_now(now);
        if kept.call.is_some() || !kept.gate.is_open(now) {
            return Way::Wait;
        }
        match &kept.entry.source {
            Source::WebIdentity(_) => Way::Open(None),
            Source::Listed(parent) => {
                let Some(position) = self.position(parent) else { return Way::Wait };
                let parent = &self.kept[position];
                let coming = parent.call.is_some()
                    || (wave.contains(&position) && parent.gate.is_open(now) && self.is_supplied(position, now));
                match parent.current() {
                    _ if coming => Way::Wait,
                    Some(session) if parent.can_sign(sts_now) => Way::Open(Some(session.as_source())),
                    _ => Way::Barred,
                }
            }
            source => match self.supplies.get(source) {
                Some(supply) if supply.resolving.is_some() => Way::Wait,
                Some(supply) if supply.ready.is_some() => Way::Open(supply.ready.clone()),
                Some(supply) if !supply.gate.is_open(now) => Way::Barred,
                _ => Way::Resolve,
            },
        }
    }

    /// Whether the source of a profile is not itself shut: only then is the profile on its way.
    fn is_supplied(&self, index: usize, now: WallTime) -> bool {
        let kept = &self.kept[index];
        let endpoint_open = self.endpoints.get(&Place::of(&kept.entry)).is_none_or(|gate| gate.is_open(now));
        let source_open = match &kept.entry.source {
            Source::Listed(parent) => self.position(parent).is_some_and(|parent| {
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
            Source::Listed(parent) => self.position(parent).and_then(|parent| self.trouble_of(parent)),
            source => self.supplies.get(source).and_then(|supply| supply.gate.trouble().cloned()),
        };
        self.asked_in_vain(index);
        let Some(trouble) = trouble else { return };
        let kept = &mut self.kept[index];
        kept.gate.inherit(&trouble);
        self.news.trouble(&kept.entry, kept.session.as_ref().map(|s| s.expiration), &trouble.failure, now);
    }

    fn resolve(&mut self, index: usize, now: WallTime) {
        if self.supplies.values().filter(|supply| supply.resolving.is_some()).count() >= CALLS_AT_ONCE {
            return;
        }
        let source = self.kept[index].entry.source.clone();
        let supply = self.supplies.entry(source.clone()).or_default();
        supply.resolving = Some(now);
        supply.gate.tried(now);
        let region = Place::of(&self.kept[index].entry).region;
        self.actions.push_back(Action::Resolve { source, region });
    }

    fn call(&mut self, index: usize, source: Option<SourceCredentials>, now: WallTime) {
        if self.kept.iter().filter(|kept| kept.call.is_some()).count() >= CALLS_AT_ONCE {
            return;
        }
        self.attempts += 1;
        let attempt = self.attempts;
        let sts_now = self.sts_now(now);
        let kept = &mut self.kept[index];
        let duration = kept.duration();
        let call = AssumeCall {
            attempt,
            entry: kept.entry.clone(),
            duration,
            source,
            adopt_issued_after: kept.current().map_or(WallTime::from_unix_millis(i64::MIN), |session| session.issued),
            adopt_beyond: kept.current().map_or(sts_now, |session| sts_now + kept.min_ttl() + lead(session.life())),
        };
        kept.gate.tried(now);
        kept.call = Some(Call { attempt, started: now, entry: kept.entry.clone(), duration });
        self.actions.push_back(Action::Assume(Box::new(call)));
    }

    /// An endpoint in trouble is asked by one call at a time, and by another profile each time: one role that always
    /// fails cannot hide that the others would succeed.
    fn probe(&mut self, candidates: Vec<usize>, wave: &[usize], now: WallTime) {
        let mut asked = BTreeSet::new();
        let mut candidates = candidates;
        candidates.sort_by_key(|index| self.kept[*index].gate.last_try());
        for index in candidates {
            let endpoint = Place::of(&self.kept[index].entry);
            let busy =
                self.kept.iter().any(|kept| kept.call.as_ref().is_some_and(|call| Place::of(&call.entry) == endpoint));
            let open = self.endpoints.get(&endpoint).is_none_or(|gate| gate.is_open(now));
            if !open {
                self.bar_by_endpoint(index, &endpoint, now);
            } else if !busy
                && asked.insert(endpoint)
                && let Way::Open(source) = self.way(index, wave, now)
            {
                self.call(index, source, now);
            }
        }
    }

    fn bar_by_endpoint(&mut self, index: usize, endpoint: &Place, now: WallTime) {
        let Some(trouble) = self.endpoints.get(endpoint).and_then(|gate| gate.trouble()).cloned() else { return };
        self.asked_in_vain(index);
        let kept = &mut self.kept[index];
        kept.gate.inherit(&trouble);
        self.news.trouble(&kept.entry, kept.session.as_ref().map(|s| s.expiration), &trouble.failure, now);
    }

    /// Source credentials live no longer than the wave that needs them.
    fn drop_idle_supplies(&mut self, wave: &[usize], now: WallTime) {
        let needed: BTreeSet<Source> = wave
            .iter()
            .map(|index| &self.kept[*index])
            .filter(|kept| kept.call.is_none() && kept.gate.is_open(now))
            .map(|kept| kept.entry.source.clone())
            .collect();
        for (source, supply) in &mut self.supplies {
            let stale = supply.since.is_none_or(|since| since + SUPPLY_KEEPS <= now || since > now);
            if stale || !needed.contains(source) {
                supply.ready = None;
                supply.since = None;
            }
        }
        self.supplies.retain(|_, supply| *supply != super::Supply::default());
    }
}
