//! A gate that closes for a while after a failure: one each for a profile, a source, an endpoint and a file.

use crate::engine::failure::{Class, Failure};
use crate::engine::schedule::{FLOOR, backoff, longest_backoff};
use crate::engine::time::{Skew, WallTime};
use std::time::Duration;

/// So many changes of files within [`HINTS_WITHIN`] open it at once: a sign-in writes a few. More are the work of what is
/// tried itself, such as a program that writes one of these files each time it fails.
const HINTS: usize = 5;
const HINTS_WITHIN: Duration = Duration::from_secs(60);
/// So many changes within [`EASED_WITHIN`] double the wait of what is not in trouble, up to a quarter of an hour.
const EASES: usize = 10;
const EASED_WITHIN: Duration = Duration::from_secs(3600);

/// The failures in a row of one thing, and when it may be tried again (in our own time).
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Gate {
    trouble: Option<Trouble>,
    not_before: Option<WallTime>,
    last: Option<WallTime>,
    /// When it was last opened because a file had changed, as far back as that matters.
    hints: Vec<WallTime>,
    /// When there was last reason to think that the next try succeeds. A try that had begun before knows nothing of it.
    encouraged: Option<WallTime>,
}

/// A trouble that lasts.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Trouble {
    pub(super) failure: Failure,
    pub(super) since: WallTime,
    pub(super) attempts: u32,
}

impl Gate {
    pub(super) fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// When it opens, if it is closed at `now`.
    pub(super) fn opens(&self, now: WallTime) -> Option<WallTime> {
        self.not_before.filter(|at| *at > now)
    }

    pub(super) fn is_open(&self, now: WallTime) -> bool {
        self.opens(now).is_none()
    }

    /// When something was last tried.
    pub(super) fn last_try(&self) -> Option<WallTime> {
        self.last
    }

    pub(super) fn tried(&mut self, now: WallTime) {
        self.last = Some(now);
    }

    /// Closes after a failure of what has `begun` then. The first failure by the clock is tried again at once: the client has
    /// learned the skew. So is, soon, what has begun before something changed that may be the way out.
    pub(super) fn fail(&mut self, failure: Failure, alive: bool, jitter: f64, begun: WallTime, now: WallTime) {
        let class = failure.class;
        self.note(failure, now);
        let attempts = self.trouble.as_ref().map_or(1, |trouble| trouble.attempts);
        let is_outdated = self.was_encouraged_since(begun);
        let wait = match self.is_retried_at_once() {
            true => Duration::ZERO,
            false if is_outdated => FLOOR,
            false => backoff(class, attempts, alive, jitter),
        };
        self.not_before = Some(now + wait);
    }

    /// Whether there was reason to try again, since what is over now has `begun`. Asked once.
    pub(super) fn was_encouraged_since(&mut self, begun: WallTime) -> bool {
        self.encouraged.take().is_some_and(|at| at > begun)
    }

    /// Something changed that may help whatever is under way or comes next. Opens nothing.
    pub(super) fn encourage(&mut self, now: WallTime) {
        self.encouraged = Some(now);
    }

    /// The same for what many share: calls that were under way together fail together, and that is one failure.
    pub(super) fn fail_together(&mut self, failure: Failure, alive: bool, jitter: f64, begun: WallTime, now: WallTime) {
        if self.trouble.is_none() || self.is_open(now) {
            self.fail(failure, alive, jitter, begun, now);
        }
    }

    /// Whether the last failure was the first one by the clock.
    pub(super) fn is_retried_at_once(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.failure.class == Class::Clock && trouble.attempts == 1)
    }

    /// Remembers a trouble without closing: for what waits for something else. An outage that answers now so, now so, is one.
    pub(super) fn note(&mut self, failure: Failure, now: WallTime) {
        let is_outage = |class| matches!(class, Class::Unreachable | Class::Busy);
        match &mut self.trouble {
            Some(trouble)
                if trouble.failure.class == failure.class
                    || (is_outage(trouble.failure.class) && is_outage(failure.class)) =>
            {
                trouble.attempts = trouble.attempts.saturating_add(1);
                trouble.failure = failure;
            }
            trouble => *trouble = Some(Trouble { failure, since: now, attempts: 1 }),
        }
    }

    /// Takes over the trouble of what it waits for, word for word.
    pub(super) fn inherit(&mut self, trouble: &Trouble) {
        self.trouble = Some(trouble.clone());
    }

    /// Closes until `at` without any trouble.
    pub(super) fn hold_until(&mut self, at: WallTime) {
        self.not_before = Some(at);
    }

    /// Stays shut until the floor has gone by since the last try, however often somebody asks.
    pub(super) fn rest(&mut self) {
        self.not_before = self.last.map(|last| last + FLOOR);
    }

    /// Opens what was only held: that was reckoned by a clock that is in doubt now.
    pub(super) fn release(&mut self) {
        if self.trouble.is_none() {
            self.not_before = None;
        }
    }

    /// All is well again.
    pub(super) fn clear(&mut self) -> Option<Trouble> {
        self.not_before = None;
        self.hints.clear();
        self.trouble.take()
    }

    /// Somebody has reason to think that the next try succeeds: open at once, but never twice within the floor.
    pub(super) fn nudge(&mut self, now: WallTime) {
        let earliest = self.last.map_or(now, |last| last + FLOOR);
        self.not_before = self.not_before.map(|at| at.min(earliest.max(now)));
        self.encourage(now);
        if let Some(trouble) = &mut self.trouble {
            trouble.attempts = 0;
        }
    }

    /// A file changed that may hold the way out: open at once, or soon where files change all the time. The failures in a row
    /// count on.
    pub(super) fn hint(&mut self, now: WallTime) {
        self.hints.retain(|at| *at <= now && *at + HINTS_WITHIN > now);
        let opens = match self.hints.first() {
            Some(first) if self.hints.len() >= HINTS => *first + HINTS_WITHIN,
            _ => {
                self.hints.push(now);
                self.encourage(now);
                now
            }
        };
        let earliest = self.last.map_or(now, |last| last + FLOOR);
        self.not_before = self.not_before.map(|at| at.min(earliest.max(opens)));
    }

    /// The same for what is in no trouble and only held: the more often files change within an hour, the longer after the
    /// last try it opens. What changes them may be the try itself.
    pub(super) fn ease(&mut self, now: WallTime) {
        self.encourage(now);
        self.hints.retain(|at| *at <= now && *at + EASED_WITHIN > now);
        let wait = FLOOR * (1 << self.hints.len());
        if self.hints.len() < EASES {
            self.hints.push(now);
        }
        let earliest = self.last.map_or(now, |last| last + wait);
        self.not_before = self.not_before.map(|at| at.min(earliest.max(now)));
    }

    /// Our clock was set: what was remembered in our time moves along.
    pub(super) fn shift(&mut self, by: Skew) {
        self.not_before = self.not_before.map(|at| at + by);
        self.last = self.last.map(|at| at + by);
        self.encouraged = self.encouraged.map(|at| at + by);
        for hint in &mut self.hints {
            *hint = *hint + by;
        }
        if let Some(trouble) = &mut self.trouble {
            trouble.since = trouble.since + by;
        }
    }

    /// Waits no longer than until `at`, if there is one, for a network that does not answer.
    pub(super) fn shorten(&mut self, at: Option<WallTime>) {
        let Some(at) = at else { return };
        if self.trouble.as_ref().is_some_and(|trouble| trouble.failure.class == Class::Unreachable) {
            self.not_before = self.not_before.map(|not_before| not_before.min(at));
        }
    }

    /// A wait longer than any back-off is the work of a clock that was set behind our back.
    pub(super) fn mend(&mut self, now: WallTime) {
        let longest = self
            .trouble
            .as_ref()
            .map_or(Duration::from_secs(3600), |trouble| longest_backoff(trouble.failure.class, false));
        if self.not_before.is_some_and(|at| at > now + longest) {
            self.not_before = Some(now + longest);
        }
    }
}
