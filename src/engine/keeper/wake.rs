//! When to wake: the earliest moment at which time alone changes what the keeper would do.

use super::kept::{Kept, OnDisk};
use super::{Keeper, LOST, Mode};
use crate::engine::config::model::Source;
use crate::engine::place::Place;
use crate::engine::schedule::{ANNOUNCE_AHEAD, WAVE};
use crate::engine::time::WallTime;

impl Keeper {
    /// The time, in our own clock, at which to send the next [`Event::Tick`](super::Event::Tick); `None` when only an
    /// event can change anything. Waking earlier does no harm.
    pub fn next_wakeup(&self, now: WallTime) -> Option<WallTime> {
        let report = self.changed.map(|since| since + WAVE).filter(|time| *time > now);
        self.next_change(now).into_iter().chain(report).min()
    }

    /// The same but for reports: what `status` tells as the next wake-up.
    pub(super) fn next_change(&self, now: WallTime) -> Option<WallTime> {
        let mut times: Vec<WallTime> = Vec::new();
        for index in 0..self.kept.len() {
            times.extend(self.wakeups_of(index, now));
        }
        times.extend(self.supplies.values().filter_map(|supply| supply.resolving).map(|started| started + LOST));
        for shelf in &self.shelves {
            match &shelf.writing {
                Some(batch) => times.push(batch.started + LOST),
                None => {
                    times.extend(shelf.gate.opens(now));
                    times
                        .extend(shelf.first_result.filter(|_| self.has_unstored(shelf.kind)).map(|first| first + WAVE));
                    if self.mode == Mode::Daemon && !self.stopping {
                        times.extend(shelf.orphans.values().map(|end| *end - self.skew));
                    }
                }
            }
        }
        times.extend(self.next_announcement().map(|at| at - self.skew));
        times.extend(self.looking.map(|since| since + LOST));
        times.extend(self.news.deadline());
        times.into_iter().filter(|time| *time > now).min()
    }

    fn wakeups_of(&self, index: usize, now: WallTime) -> Vec<WallTime> {
        let kept = &self.kept[index];
        if let Some(call) = &kept.call {
            return vec![call.started + LOST];
        }
        if self.stopping || matches!(kept.on_disk, OnDisk::Unknown | OnDisk::LeftAlone(_)) {
            return Vec::new();
        }
        let mut times: Vec<WallTime> = self.truce(index).into_iter().collect();
        if !self.may_call(index) {
            if let Some(end) = kept.current().map(|session| session.expiration).filter(|_| self.mode == Mode::Daemon) {
                times.extend([end - ANNOUNCE_AHEAD - self.skew, end - self.skew]);
            }
        } else if self.mode == Mode::Daemon || kept.want.is_some() {
            times.push((kept.due() - self.skew).max(self.passable(kept, now)));
        }
        times
    }

    /// When a profile is to be refreshed, as far as is known.
    pub(super) fn next_refresh(&self, index: usize, now: WallTime) -> Option<WallTime> {
        let kept = &self.kept[index];
        if !kept.is_writable() {
            return None;
        }
        if !self.may_call(index) {
            return kept.current().map(|session| session.expiration - self.skew);
        }
        Some((kept.due() - self.skew).max(self.passable(kept, now)))
    }

    /// When every gate on a profile's way is open, as far as time alone opens them.
    fn passable(&self, kept: &Kept, now: WallTime) -> WallTime {
        let gates = [Some(&kept.gate), self.endpoints.get(&Place::of(&kept.entry))];
        let mut at = gates.into_iter().flatten().filter_map(|gate| gate.opens(now)).max().unwrap_or(now);
        match &kept.entry.source {
            Source::Listed(_) | Source::WebIdentity(_) => {}
            source => {
                let opens = self.supplies.get(source).and_then(|supply| supply.gate.opens(now));
                at = opens.map_or(at, |opens| at.max(opens));
            }
        }
        at
    }
}
