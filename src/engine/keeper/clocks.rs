//! What the keeper believes of the two clocks, ours and that of STS, and how it hurries when time has gone by unseen.

use super::gate::Gate;
use super::kept::Want;
use super::{Action, Keeper};
use crate::engine::session::Session;
use crate::engine::time::{Skew, WallTime};
use std::time::Duration;

/// The `Date` header counts whole seconds and a reply takes time to arrive: a smaller skew is none.
const BLUR: Duration = Duration::from_secs(2);
/// After a suspend the network comes back within about a minute; so long nobody waits longer than [`HURRIED_WAIT`] for
/// the next try to reach it.
const HURRY: Duration = Duration::from_secs(60);
const HURRIED_WAIT: Duration = Duration::from_millis(1500);

impl Keeper {
    /// What an answer of STS told of the clocks.
    pub(super) fn learn(&mut self, skew: Option<Skew>, now: WallTime) {
        let Some(skew) = skew else { return };
        self.unsure = false;
        self.believe(skew);
        if std::mem::take(&mut self.doubtful) {
            self.end_doubt(self.sts_now(now));
        }
    }

    /// STS has told the time. What was issued later than that was never issued so: nobody knows when it is due.
    fn end_doubt(&mut self, sts_now: WallTime) {
        for index in 0..self.kept.len() {
            let kept = &self.kept[index];
            let is_forged = kept.current().is_some_and(|session| is_to_come(session.issued, sts_now));
            let may_call = self.may_call(index);
            let kept = &mut self.kept[index];
            kept.in_doubt = false;
            if is_forged && may_call {
                kept.want.get_or_insert(Want::Longer);
            }
        }
    }

    /// Whether a session tells of an issue that is still to come although STS has told the time since that was first seen:
    /// somebody has edited its mark.
    pub(super) fn is_forged(&self, index: usize, session: &Session, now: WallTime) -> bool {
        let kept = &self.kept[index];
        kept.alleged == Some(session.issued) && !kept.in_doubt && is_to_come(session.issued, self.sts_now(now))
    }

    /// No session is taken for fresh until STS has told the time.
    pub(super) fn doubt(&mut self) {
        self.doubtful = true;
        self.kept.iter_mut().for_each(|kept| kept.in_doubt = true);
    }

    pub(super) fn believe(&mut self, skew: Skew) {
        let clear = skew.magnitude() > BLUR;
        self.skew = if clear { skew } else { Skew::default() };
    }

    /// A session cannot have been issued in the future: if one was, our clock is behind by at least as much, and
    /// how much it is only STS can tell. Until it does, no session is taken for fresh. Or somebody has edited the mark: STS
    /// is asked once, not at each look at what stands there.
    pub(super) fn learn_from(&mut self, index: usize, session: &Session, now: WallTime) {
        let alleged = session.issued;
        if alleged >= session.expiration || !is_to_come(alleged, self.sts_now(now)) {
            return;
        }
        if self.kept[index].alleged.replace(alleged) != Some(alleged) {
            self.believe(Skew::between(alleged, now));
            self.doubt();
        }
    }

    /// Our clock was set by `by`. Either the time of STS went on as before, and the skew shrinks by as much; or our clock
    /// was put right after time that it had not counted (a virtual machine that was paused), and the skew is what it
    /// was. Nobody can tell before STS answers, so the later of the two is believed: at worst a call too many, never a
    /// session that has ended and looks fresh. Whatever is remembered in our own time moves along.
    pub(super) fn step(&mut self, by: Skew, now: WallTime) {
        let carried = Skew::from_millis(self.skew.millis().saturating_sub(by.millis()));
        // A step that takes away the skew that we knew of is the clock that was put right.
        let may_have_paused = by > Skew::default() && carried.magnitude() > BLUR;
        if !may_have_paused {
            self.believe(carried);
        }
        for gate in self.gates() {
            gate.shift(by);
        }
        for kept in self.kept.iter_mut() {
            if let Some(call) = &mut kept.call {
                call.started = call.started + by;
            }
            for time in &mut kept.undone {
                *time = *time + by;
            }
        }
        for shelf in &mut self.shelves {
            shelf.first_result = shelf.first_result.map(|at| at + by);
            if let Some(batch) = &mut shelf.writing {
                batch.started = batch.started + by;
            }
        }
        for started in self.resolving.values_mut() {
            *started = *started + by;
        }
        for supply in self.supplies.values_mut() {
            supply.shift(by);
        }
        self.news.shift(by);
        self.changed = self.changed.map(|at| at + by);
        self.looking = self.looking.map(|at| at + by);
        self.hurried_until = self.hurried_until.map(|at| at + by);
        if may_have_paused {
            self.unsure = true;
            self.gates().for_each(Gate::release);
            self.hurry(now);
        }
    }

    /// The network is about to come back: try again at once and, if it is not there yet, quickly. What was asked before
    /// went out over connections that are dead by now, and would be waited for in vain. Sources are not broken off: one
    /// that just renews a login must get to the end.
    pub(super) fn hurry(&mut self, now: WallTime) {
        self.hurried_until = Some(now + HURRY);
        self.drop_supplies();
        for kept in self.kept.iter_mut() {
            if let Some(call) = kept.call.take() {
                self.actions.push_back(Action::GiveUp { attempt: call.attempt });
            }
        }
        for gate in self.gates() {
            if gate.trouble().is_some_and(|trouble| trouble.failure.class.passes_by_itself()) {
                gate.nudge(now);
            }
        }
    }

    /// Until when a network that does not answer is waited for at most, shortly after a resume.
    pub(super) fn hurried(&self, now: WallTime) -> Option<WallTime> {
        let hurried = self.hurried_until.is_some_and(|until| now < until && until <= now + HURRY);
        hurried.then(|| now + HURRIED_WAIT)
    }

    /// Where our clock runs backwards, somebody has set it, whether or not that was told.
    pub(super) fn mend_gates(&mut self, now: WallTime) {
        if self.handled.replace(now).is_some_and(|before| before > now) {
            self.gates().for_each(|gate| gate.mend(now));
        }
    }
}

fn is_to_come(issued: WallTime, sts_now: WallTime) -> bool {
    issued.since(sts_now) > BLUR
}

/// What tells of an issue that is still to come was never issued so, and its end is nothing to rely on.
pub(super) fn was_issued(session: &Session, sts_now: WallTime) -> bool {
    !is_to_come(session.issued, sts_now)
}
