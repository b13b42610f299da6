//! What somebody asks for who waits: fresh sessions for everybody, or for a few, and then it looks at nobody else.

use super::kept::{OnDisk, Want};
use super::{Attendance, Keeper};
use crate::engine::names::ProfileName;
use crate::engine::place::Place;
use crate::engine::time::WallTime;
use std::sync::Arc;
use std::time::Duration;

impl Keeper {
    /// For everybody when `profiles` is empty.
    pub(super) fn ask(&mut self, profiles: &[ProfileName], min_ttl: Option<Duration>, force: bool, now: WallTime) {
        let everybody = profiles.is_empty();
        let asked: Vec<usize> = if everybody {
            (0..self.kept.len()).collect()
        } else {
            profiles.iter().filter_map(|profile| self.kept.position(profile)).collect()
        };
        for index in &asked {
            if self.lacks(*index, min_ttl, force, now) {
                let want = &mut self.kept[*index].want;
                *want = if force { Some(Want::Another) } else { want.or(Some(Want::Longer)) };
            }
        }
        // Whatever stands in the way is tried again: a person is waiting.
        if everybody {
            self.gates().for_each(|gate| gate.nudge(now));
        } else {
            asked.into_iter().for_each(|index| self.clear_the_way(index, now));
        }
    }

    /// Whether it lacks what was asked for, and can be given it.
    fn lacks(&self, index: usize, min_ttl: Option<Duration>, force: bool, now: WallTime) -> bool {
        let sts_now = self.sts_now(now);
        let kept = &self.kept[index];
        // Why its section is not ours to change has been said, and nobody would ever answer.
        if matches!(kept.on_disk, OnDisk::LeftAlone(_)) {
            return false;
        }
        let enough = min_ttl.unwrap_or_else(|| kept.min_ttl()).max(Duration::from_millis(1));
        let has_it = kept.current().is_some_and(|session| session.left(sts_now) >= enough);
        // What only a person can renew is not asked for while it holds: nobody is here who could.
        let unasked = kept.entry.needs_human() && self.attendance != Attendance::Attended;
        let holds = kept.current().is_some_and(|session| session.expiration > sts_now);
        if unasked && holds && (min_ttl.is_none() || has_it) {
            return false;
        }
        force || kept.in_doubt || !has_it
    }

    /// Opens every gate between a profile and its session: its own, and those of its source, its endpoint, its file and
    /// of every profile above it.
    fn clear_the_way(&mut self, index: usize, now: WallTime) {
        let mut next = Some(index);
        while let Some(index) = next {
            let kept = &mut self.kept[index];
            kept.gate.nudge(now);
            let entry = Arc::clone(&kept.entry);
            if let Some(supply) = self.supplies.get_mut(&entry.source) {
                supply.gate.nudge(now);
                self.agenda.sources.insert(entry.source.clone());
            }
            if let Some(gate) = self.endpoints.get_mut(&Place::of(&entry)) {
                gate.nudge(now);
            }
            self.shelf(entry.store).gate.nudge(now);
            next = entry.parent().and_then(|parent| self.kept.position(parent));
        }
    }
}
