//! One credentials file as the keeper sees it: what waits to be written, what is being written, what can go.

use super::gate::Gate;
use crate::engine::config::model::StoreKind;
use crate::engine::names::ProfileName;
use crate::engine::schedule::GATHER;
use crate::engine::time::WallTime;
use std::collections::{BTreeMap, BTreeSet};

/// The state of one file.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Shelf {
    pub(super) kind: StoreKind,
    /// Whether nothing of it was seen since the list is what it is.
    pub(super) is_awaited: bool,
    /// Closed while writing fails.
    pub(super) gate: Gate,
    /// The batch that is being written.
    pub(super) writing: Option<Batch>,
    /// When the first session of the present wave came in.
    pub(super) first_result: Option<WallTime>,
    /// Sections of ours that are no longer on the list, and when they end.
    orphans: BTreeMap<ProfileName, WallTime>,
    /// The same by their end.
    ends: BTreeSet<(WallTime, ProfileName)>,
    /// Why the file could not be read or parsed, if so; said once.
    pub(super) unreadable: Option<String>,
}

/// Sessions under way to the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Batch {
    pub(super) started: WallTime,
    /// What had ended by then, in the time of STS, is to be taken out.
    pub(super) ended_by: WallTime,
    /// The access key ids, to tell whether a still newer session came in meanwhile; `None` for a removal.
    pub(super) puts: BTreeMap<ProfileName, Option<String>>,
}

impl Shelf {
    pub(super) fn new(kind: StoreKind) -> Self {
        Self {
            kind,
            is_awaited: true,
            gate: Gate::default(),
            writing: None,
            first_result: None,
            orphans: BTreeMap::new(),
            ends: BTreeSet::new(),
            unreadable: None,
        }
    }

    /// Until when the next sessions of a wave are gathered, if they still are.
    pub(super) fn gathers_until(&self, now: WallTime) -> Option<WallTime> {
        let last = self.gate.last_try().filter(|last| *last <= now);
        last.map(|last| last + GATHER).filter(|until| *until > now)
    }

    /// A section of ours that is not on the list, and ends then, in the time of STS.
    pub(super) fn add_orphan(&mut self, profile: ProfileName, end: WallTime) {
        self.remove_orphan(&profile);
        self.ends.insert((end, profile.clone()));
        self.orphans.insert(profile, end);
    }

    fn remove_orphan(&mut self, profile: &ProfileName) {
        if let Some(end) = self.orphans.remove(profile) {
            self.ends.remove(&(end, profile.clone()));
        }
    }

    /// The session that has ended by then is gone; whether it was known. One that ends later came after it, and stays.
    pub(super) fn remove_ended(&mut self, profile: &ProfileName, by: WallTime) -> bool {
        let is_known = self.orphans.get(profile).is_some_and(|end| *end <= by);
        if is_known {
            self.remove_orphan(profile);
        }
        is_known
    }

    pub(super) fn forget_orphans(&mut self) {
        self.orphans.clear();
        self.ends.clear();
    }

    /// A new list: what is on it and what is not is to be seen anew.
    pub(super) fn begin_anew(&mut self) {
        self.forget_orphans();
        self.is_awaited = true;
    }

    /// The sections that have ended.
    pub(super) fn ended(&self, sts_now: WallTime) -> impl Iterator<Item = &ProfileName> {
        self.ends.iter().take_while(move |(end, _)| *end <= sts_now).map(|(_, profile)| profile)
    }

    /// When the next one ends; those that have ended are to be asked for first.
    pub(super) fn next_end(&self, sts_now: WallTime) -> Option<WallTime> {
        self.ends.iter().map(|(end, _)| *end).find(|end| *end > sts_now)
    }
}
