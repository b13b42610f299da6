//! Who is to be looked at when: what lets an event cost as much with ten thousand profiles as with ten. Everything in
//! here follows from the profiles themselves and is brought up to date whenever one of them was touched.

use super::kept::OnDisk;
use super::queue::Queue;
use super::{Keeper, Mode};
use crate::engine::config::model::Source;
use crate::engine::place::Place;
use crate::engine::schedule::{ANNOUNCE_AHEAD, lead, window};
use crate::engine::time::WallTime;
use std::collections::{BTreeMap, BTreeSet};

/// Queues of profiles, by their place in the list.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Agenda {
    /// When everybody falls due for whom calls may be made, in the time of STS.
    pub(super) due: Queue<WallTime>,
    /// From when on they would go along with a wave, in the time of STS; only those that are not due yet.
    pub(super) soon: Queue<WallTime>,
    /// When what only a person can renew ends, in the time of STS.
    pub(super) ends: Queue<WallTime>,
    /// When the session of a parent can no longer sign for its children, in the time of STS.
    pub(super) signs: Queue<WallTime>,
    /// When what is due and held up by a failure, or a truce, may go on, in our own time.
    pub(super) opens: Queue<WallTime>,
    /// Whose session is better than what the store holds, by when that ends, in the time of STS.
    pub(super) unstored: [Queue<WallTime>; 2],
    pub(super) calling: BTreeSet<usize>,
    /// Whose file was never looked at.
    pub(super) unknown: BTreeSet<usize>,
    pub(super) wanted: BTreeSet<usize>,
    /// Who is to be considered in this round.
    pub(super) awake: BTreeSet<usize>,
    /// Who waits for nothing but one of the few calls at once.
    pub(super) ready: BTreeSet<usize>,
    /// Whose source waits for nothing but its turn to be resolved.
    pub(super) unresolved: BTreeSet<usize>,
    /// Who is part of a wave, and neither called for nor held up by a failure of its own.
    pub(super) standing: BTreeSet<usize>,
    /// The same by source, for which its credentials stay in memory.
    pub(super) needing: BTreeMap<Source, BTreeSet<usize>>,
    /// Who of them waits until its source is resolved.
    pub(super) unsupplied: BTreeMap<Source, BTreeSet<usize>>,
    /// Who could try an endpoint in trouble; whoever did so the longest ago comes first.
    pub(super) probing: BTreeMap<Place, Queue<Option<WallTime>>>,
    /// Who was queued there while somebody else was trying, and has not yet heard of the trouble.
    pub(super) hopeful: BTreeSet<usize>,
    /// Sources that came into trouble, or out of it.
    pub(super) sources: BTreeSet<Source>,
    /// Whether an endpoint came into trouble, or out of it.
    pub(super) places_changed: bool,
    /// Sources whose users are to be told of the end of the login behind them, should it be near.
    pub(super) logins: BTreeSet<Source>,
    /// Sources that may be needed no longer.
    pub(super) idle: BTreeSet<Source>,
    /// The time of STS up to which `due` has been followed.
    followed: WallTime,
}

/// Where a profile belongs at a time.
#[derive(PartialEq, Debug)]
struct Filing {
    due: Option<WallTime>,
    soon: Option<WallTime>,
    ends: Option<WallTime>,
    signs: Option<WallTime>,
    opens: Option<WallTime>,
    unstored: Option<WallTime>,
}

impl Keeper {
    /// Follows the clock and everything that was touched: files it anew, and wakes it and its children.
    pub(super) fn catch_up(&mut self, now: WallTime) {
        let sts_now = self.sts_now(now);
        let agenda = &self.agenda;
        let before = agenda.followed;
        let by_time = agenda.due.between(before, sts_now).chain(agenda.signs.between(before, sts_now));
        let by_time = by_time.chain(agenda.opens.up_to(now));
        let ahead = agenda.ends.between(before + ANNOUNCE_AHEAD, sts_now + ANNOUNCE_AHEAD);
        let by_time = by_time.chain(ahead).chain(agenda.ends.between(before, sts_now));
        let by_time: Vec<usize> = by_time.collect();
        by_time.into_iter().for_each(|index| self.kept.touch(index));
        self.agenda.followed = sts_now;
        self.wake_touched(None, now);
    }

    /// Files and wakes whoever was touched, but for the one that was just considered: it only wakes its children.
    pub(super) fn wake_touched(&mut self, considered: Option<usize>, now: WallTime) {
        for source in std::mem::take(&mut self.agenda.sources) {
            for index in self.agenda.needing.get(&source).into_iter().flatten() {
                self.kept.touch(*index);
            }
            self.agenda.idle.insert(source);
        }
        if std::mem::take(&mut self.agenda.places_changed) {
            let endpoints = &self.endpoints;
            self.agenda.probing.retain(|place, _| endpoints.contains_key(place));
            // Who waits for a parent may do without it, should that one have to wait for the endpoint.
            let waiting: Vec<usize> = self.agenda.standing.iter().copied().collect();
            waiting.into_iter().for_each(|index| self.kept.touch(index));
        }
        for index in self.kept.take_touched() {
            self.refile(index, now);
            if considered != Some(index) {
                self.agenda.awake.insert(index);
            }
            self.wake_children(index);
        }
    }

    /// What a child may do can hang on every profile above it.
    fn wake_children(&mut self, index: usize) {
        for child in self.kept.children(index).to_vec() {
            if self.agenda.awake.insert(child) {
                self.wake_children(child);
            }
        }
    }

    /// Whether a profile is part of the present wave: due, or needed by a child that is.
    pub(super) fn is_in_wave(&self, index: usize, sts_now: WallTime) -> bool {
        self.is_due(index, sts_now)
            || (self.may_call(index)
                && !self.kept[index].can_sign(sts_now)
                && self.kept.children(index).iter().any(|child| self.is_in_wave(*child, sts_now)))
    }

    pub(super) fn stand(&mut self, index: usize) {
        self.agenda.standing.insert(index);
        let source = &self.kept[index].entry.source;
        if is_resolved(source) && !self.agenda.needing.get(source).is_some_and(|users| users.contains(&index)) {
            self.agenda.needing.entry(source.clone()).or_default().insert(index);
        }
    }

    pub(super) fn stand_down(&mut self, index: usize) {
        if !self.agenda.standing.remove(&index) {
            return;
        }
        let source = &self.kept[index].entry.source;
        if let Some(users) = self.agenda.needing.get_mut(source) {
            users.remove(&index);
            if users.is_empty() {
                self.agenda.needing.remove(source);
                self.agenda.idle.insert(source.clone());
            }
        }
    }

    fn refile(&mut self, index: usize, now: WallTime) {
        let filing = self.filing(index, now);
        let kept = &self.kept[index];
        let agenda = &mut self.agenda;
        agenda.due.file(index, filing.due);
        agenda.soon.file(index, filing.soon);
        agenda.ends.file(index, filing.ends);
        agenda.signs.file(index, filing.signs);
        agenda.opens.file(index, filing.opens);
        agenda.unstored[kept.entry.store as usize].file(index, filing.unstored);
        note(&mut agenda.calling, index, kept.call.is_some());
        note(&mut agenda.unknown, index, kept.on_disk == OnDisk::Unknown);
        note(&mut agenda.wanted, index, kept.want.is_some());
        let login = self.logins.get(&kept.entry.source);
        if login.is_some_and(|login| !login.announced) {
            agenda.logins.insert(kept.entry.source.clone());
        }
    }

    fn filing(&self, index: usize, now: WallTime) -> Filing {
        let sts_now = self.sts_now(now);
        let kept = &self.kept[index];
        let session = kept.current();
        let callable = self.may_call(index) && (self.mode == Mode::Daemon || kept.want.is_some());
        let is_due = self.is_due(index, sts_now);
        let goes_along = callable && !is_due && self.mode == Mode::Daemon;
        let announced = kept.is_writable() && !self.may_call(index) && self.mode == Mode::Daemon;
        let truce = self.truce(index).filter(|until| *until > now);
        let is_parent = !self.kept.children(index).is_empty();
        let held_up = is_due && kept.call.is_none();
        let opens = held_up.then(|| self.passable(index, now)).flatten();
        let bare = match &kept.on_disk {
            OnDisk::Other(standing) => standing.end,
            _ => WallTime::from_unix_millis(i64::MIN),
        };
        Filing {
            due: callable.then(|| kept.due()),
            soon: session.filter(|_| goes_along).map(|session| kept.due() - window(session.life())),
            ends: session.filter(|_| announced).map(|session| session.expiration),
            signs: session.filter(|_| is_parent).map(|session| session.expiration - lead(session.life())),
            opens: opens.into_iter().chain(truce).min(),
            unstored: (kept.is_unstored() && truce.is_none()).then_some(bare),
        }
    }

    /// What the agenda has missed, should it: its queues against the profiles, and whoever could go on and does not.
    #[cfg(debug_assertions)]
    pub(super) fn oversight(&self, now: WallTime) -> Option<String> {
        let sts_now = self.sts_now(now);
        let agenda = &self.agenda;
        (0..self.kept.len()).find_map(|index| {
            let kept = &self.kept[index];
            let profile = &kept.entry.profile;
            let filed = Filing {
                due: agenda.due.key(index),
                soon: agenda.soon.key(index),
                ends: agenda.ends.key(index),
                signs: agenda.signs.key(index),
                opens: agenda.opens.key(index),
                unstored: agenda.unstored[kept.entry.store as usize].key(index),
            };
            let right = self.filing(index, now);
            if filed != right {
                return Some(format!("{profile} is filed under {filed:?} instead of {right:?}"));
            }
            let sets = [
                (&agenda.calling, kept.call.is_some()),
                (&agenda.unknown, kept.on_disk == OnDisk::Unknown),
                (&agenda.wanted, kept.want.is_some()),
            ];
            if sets.iter().any(|(set, belongs)| set.contains(&index) != *belongs) {
                return Some(format!("{profile} is missing where it belongs: {kept:?}"));
            }
            let stuck = !self.stopping && self.is_in_wave(index, sts_now) && self.could_go_on(index, now);
            stuck.then(|| format!("{profile} could go on, and nobody sees to it"))
        })
    }
}

/// Whether the shell resolves it: then its trouble is its own, whoever met it first.
pub(super) fn is_resolved(source: &Source) -> bool {
    matches!(source, Source::Profile(_) | Source::Provider(_))
}

fn note(set: &mut BTreeSet<usize>, index: usize, belongs: bool) {
    if belongs {
        set.insert(index);
    } else {
        set.remove(&index);
    }
}
