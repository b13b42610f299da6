//! When to wake: the earliest moment at which time alone changes what the keeper would do.

use super::agenda::Agenda;
use super::{Keeper, LOST, Mode};
use crate::engine::place::Place;
use crate::engine::schedule::{ANNOUNCE_AHEAD, WAVE};
use crate::engine::time::WallTime;

impl Keeper {
    /// The time, in our own clock, at which to send the next [`Event::Tick`](super::Event::Tick); `None` when only an
    /// event can change anything. Waking earlier does no harm.
    ///
    /// Counted from the last event, however long ago that was: what has fallen due since is still to be seen to, and its
    /// time is in the past then. Before the first one it is at once: from then on is counted how long its first look at
    /// the files may take.
    pub fn next_wakeup(&self, now: WallTime) -> Option<WallTime> {
        let Some(handled) = self.handled else { return Some(now) };
        let now = handled.min(now);
        let report = self.changed.map(|since| since + WAVE).filter(|time| *time > now);
        self.next_change(now).into_iter().chain(report).min()
    }

    /// The same but for reports: what `status` tells as the next wake-up.
    pub(super) fn next_change(&self, now: WallTime) -> Option<WallTime> {
        let sts_now = self.sts_now(now);
        let mut times: Vec<WallTime> = Vec::new();
        times.extend(
            self.agenda
                .calling
                .iter()
                .filter_map(|index| self.kept[*index].call.as_ref())
                .map(|call| call.started + LOST),
        );
        times.extend(self.resolving.values().map(|started| *started + LOST));
        times.extend(self.next_place(now));
        if !self.stopping {
            let Agenda { due, ends, .. } = &self.agenda;
            let ahead = ends.first_above(sts_now + ANNOUNCE_AHEAD).map(|end| end - ANNOUNCE_AHEAD);
            let theirs = [due.first_above(sts_now), ends.first_above(sts_now), ahead];
            times.extend(theirs.into_iter().flatten().map(|time| time - self.skew));
            times.extend(self.agenda.opens.first_above(now));
            let awaited = self.endpoints.iter().filter(|(place, _)| self.agenda.probing.contains_key(*place));
            times.extend(awaited.filter_map(|(_, gate)| gate.opens(now)));
        }
        for shelf in &self.shelves {
            match &shelf.writing {
                Some(batch) => times.push(batch.started + LOST),
                None => {
                    times.extend(shelf.gate.opens(now));
                    times
                        .extend(shelf.first_result.filter(|_| self.has_unstored(shelf.kind)).map(|first| first + WAVE));
                    times.extend(shelf.gathers_until(now).filter(|_| self.has_bare(shelf.kind, sts_now)));
                    if self.mode == Mode::Daemon && !self.stopping {
                        times.extend(shelf.next_end(sts_now).map(|end| end - self.skew));
                    }
                }
            }
        }
        let announcement = self.announcements.first().map(|(at, _)| *at - self.skew);
        times.extend(announcement);
        times.extend(self.looking.map(|since| since + LOST));
        times.extend(self.news.deadline());
        times.into_iter().filter(|time| *time > now).min()
    }

    /// When a profile is to be refreshed, as far as is known; `None` when that takes a person, or its parent does.
    pub(super) fn next_refresh(&self, index: usize, now: WallTime) -> Option<WallTime> {
        let kept = &self.kept[index];
        if !kept.is_writable() {
            return None;
        }
        if !self.may_call(index) {
            return kept.current().map(|session| session.expiration - self.skew).filter(|end| *end > now);
        }
        let supply = self.supplies.get(&kept.entry.source).map(|supply| &supply.gate);
        let endpoint = self.endpoints.get(&Place::of(&kept.entry));
        let gates = [Some(&kept.gate), supply, endpoint].into_iter().flatten();
        let passable = gates.filter_map(|gate| gate.opens(now)).max().unwrap_or(now);
        let own = (kept.due() - self.skew).max(passable);
        let parent = kept.entry.parent().and_then(|parent| self.kept.position(parent));
        match parent.filter(|parent| !self.kept[*parent].can_sign(self.sts_now(now))) {
            Some(parent) => self.next_refresh(parent, now).map(|first| first.max(own)),
            None => Some(own),
        }
    }

    /// When a profile that is held up can go on, as far as time alone helps: when its own gate opens, else that of its
    /// source. Whoever waits for an endpoint is woken by that.
    pub(super) fn passable(&self, index: usize, now: WallTime) -> Option<WallTime> {
        let kept = &self.kept[index];
        let supply = self.supplies.get(&kept.entry.source);
        kept.gate.opens(now).or_else(|| supply.and_then(|supply| supply.gate.opens(now)))
    }
}
