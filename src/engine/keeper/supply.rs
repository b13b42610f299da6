//! Source credentials on their way into a wave: who resolves them, how many at once, and when they are dropped again.

use super::gate::Gate;
use super::{Action, Keeper};
use crate::engine::config::model::Source;
use crate::engine::failure::{Context, Fault, classify};
use crate::engine::place::Place;
use crate::engine::schedule::{CALLS_AT_ONCE, SLOW, SOURCES_AT_ONCE};
use crate::engine::session::SourceCredentials;
use crate::engine::time::{Skew, WallTime};
use std::time::Duration;

/// Source credentials that wait longer than this for their call are resolved afresh.
const SUPPLY_KEEPS: Duration = Duration::from_secs(60);

/// Source credentials on their way into a wave; never kept beyond it.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Supply {
    pub(super) gate: Gate,
    pub(super) ready: Option<SourceCredentials>,
    /// When it became ready.
    since: Option<WallTime>,
}

impl Supply {
    /// Our clock was set: what was remembered in our time moves along, but for the gate.
    pub(super) fn shift(&mut self, by: Skew) {
        self.since = self.since.map(|at| at + by);
    }

    pub(super) fn is_ready(&self, now: WallTime) -> bool {
        self.ready.is_some() && self.since.is_some_and(|since| since <= now && since + SUPPLY_KEEPS > now)
    }
}

impl Keeper {
    pub(super) fn supply(&mut self, source: &Source, credentials: SourceCredentials, now: WallTime) {
        if self.resolving.remove(source).is_none() {
            return;
        }
        self.learn(credentials.skew, now);
        self.note_login(source, credentials.login_ends, now);
        let supply = self.supplies.entry(source.clone()).or_default();
        if supply.gate.clear().is_some() {
            self.agenda.sources.insert(source.clone());
        }
        supply.ready = Some(credentials);
        supply.since = Some(now);
        self.agenda.idle.insert(source.clone());
        for index in self.agenda.unsupplied.remove(source).into_iter().flatten() {
            self.kept.touch(index);
        }
    }

    pub(super) fn supply_failed(&mut self, source: &Source, fault: Fault, jitter: f64, now: WallTime) {
        let Some(begun) = self.resolving.remove(source) else { return };
        let sts_now = self.sts_now(now);
        let users = self.kept.users(source);
        let Some(first) = users.first().map(|index| &self.kept[*index]) else {
            self.supplies.remove(source);
            return;
        };
        let failure = classify(&fault, &Context::of_source(&first.entry));
        let alive = users.iter().all(|index| self.kept[*index].is_alive(sts_now));
        let hurried = self.hurried(now);
        let supply = self.supplies.entry(source.clone()).or_default();
        supply.ready = None;
        supply.gate.fail(failure, alive, jitter, begun, now);
        supply.gate.shorten(hurried);
        self.agenda.sources.insert(source.clone());
    }

    /// Whether one more source may be resolved now.
    pub(super) fn may_resolve(&self, now: WallTime) -> bool {
        let prompt = self.resolving.values().filter(|started| **started + SLOW > now).count();
        prompt < CALLS_AT_ONCE && self.resolving.len() < SOURCES_AT_ONCE
    }

    /// When one more source may be resolved although none has answered; `None` when nobody waits for that.
    pub(super) fn next_place(&self, now: WallTime) -> Option<WallTime> {
        let waits = !self.agenda.unresolved.is_empty() && self.resolving.len() < SOURCES_AT_ONCE;
        self.resolving.values().map(|started| *started + SLOW).filter(|time| waits && *time > now).min()
    }

    /// Asks the shell for it.
    pub(super) fn resolve(&mut self, index: usize, now: WallTime) {
        let source = self.kept[index].entry.source.clone();
        let supply = self.supplies.entry(source.clone()).or_default();
        supply.ready = None;
        supply.gate.tried(now);
        self.resolving.insert(source.clone(), now);
        let region = Place::of(&self.kept[index].entry).region;
        self.actions.push_back(Action::Resolve { source, region, skew: self.skew });
    }

    /// When the source of a profile was begun to be looked at for what is ready now.
    pub(super) fn looked_at(&self, index: usize, now: WallTime) -> WallTime {
        let supply = self.supplies.get(&self.kept[index].entry.source);
        supply.and_then(|supply| supply.gate.last_try()).map_or(now, |began| began.min(now))
    }

    /// What was resolved before is not what the source would give now.
    pub(super) fn drop_supplies(&mut self) {
        for supply in self.supplies.values_mut() {
            supply.ready = None;
        }
    }

    /// Source credentials live no longer than the wave that needs them.
    pub(super) fn drop_idle_supplies(&mut self) {
        for source in std::mem::take(&mut self.agenda.idle) {
            if self.agenda.needing.contains_key(&source) {
                continue;
            }
            if let Some(supply) = self.supplies.get_mut(&source) {
                supply.ready = None;
                supply.since = None;
                if *supply == Supply::default() {
                    self.supplies.remove(&source);
                }
            }
        }
    }
}
