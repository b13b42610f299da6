//! What the service manager hears, and when: ready once the first wave is over, alive while the loop turns, and how
//! things stand in one line. Says nothing twice.

use crate::engine::headline::headline;
use crate::engine::invocation::Invocation;
use crate::engine::status::Status;
use crate::engine::time::WallTime;
use crate::shell::clock;
use crate::shell::service::{Delivery, Service};
use std::time::Duration;

/// Being up is told at the latest now, whatever the first wave is waiting for: whoever is ordered after evertoken waits
/// for sessions, not for a network.
const LATEST_READY: Duration = Duration::from_secs(10);

/// How long a manager that does not read is left alone before it is told again that we are up.
const AGAIN: Duration = Duration::from_secs(5);

/// What comes after the report while the config on disk is not the one in force.
const BROKEN: &str =
    "the new config was not taken over, the one before it stays in force; see the log, or: evertoken check";

/// Speaks to the service manager for as long as the process lives, over all configs.
pub(super) struct Herald {
    service: Service,
    invocation: Invocation,
    /// When being up is told at the latest; `None` once it was heard.
    ready_by: Option<WallTime>,
    reloading: bool,
    /// The config on disk could not be taken over.
    broken: bool,
    report: String,
    told: String,
    /// The last line was lost on a manager that does not read.
    unheard: bool,
    last_sign: WallTime,
}

impl Herald {
    pub(super) fn new(service: Service, invocation: Invocation) -> Self {
        let now = clock::now();
        Self {
            service,
            invocation,
            ready_by: Some(now + LATEST_READY),
            reloading: false,
            broken: false,
            report: String::new(),
            told: String::new(),
            unheard: false,
            last_sign: now,
        }
    }

    /// Tells that we are up, once: when the first calls were answered and stored, or when that takes too long.
    pub(super) fn look(&mut self, settled: Settled, now: WallTime) {
        // Ours may be a clock that was just set back by hours.
        self.ready_by = self.ready_by.map(|by| by.min(now + LATEST_READY));
        if self.ready_by.is_some_and(|by| settled == Settled::Yes || by <= now) {
            self.tell_ready(now);
        }
        if self.unheard {
            self.tell();
        }
    }

    fn tell_ready(&mut self, now: WallTime) {
        self.ready_by = (self.service.ready() == Delivery::Full).then(|| now + AGAIN);
    }

    /// The config is being read again because somebody asked for it.
    pub(super) fn reloading(&mut self) {
        self.reloading = true;
        // Where it is lost, so is nothing but a word for `systemctl status`: being up is told in any case.
        let _heard_or_not = self.service.reloading();
    }

    /// What was read is in force, or was turned down.
    pub(super) fn reloaded(&mut self, config: Config) {
        self.broken = config == Config::Broken;
        self.tell();
        if std::mem::take(&mut self.reloading) && self.ready_by.is_none() {
            self.tell_ready(clock::now());
        }
    }

    /// Whether the manager was told of a config that is being read, or was turned down, and of nothing since.
    pub(super) fn waits_for_a_config(&self) -> bool {
        self.reloading || self.broken
    }

    /// How things stand.
    pub(super) fn report(&mut self, status: &Status) {
        self.report = headline(status, clock::now(), &clock::zone());
        self.tell();
    }

    /// Nothing can be kept fresh yet.
    pub(super) fn waits(&mut self, why: &str) {
        self.report = format!("not up yet: {why}");
        self.tell();
    }

    fn tell(&mut self) {
        let line = if self.broken {
            format!("{}; {}", self.report, self.invocation.told(BROKEN))
        } else {
            self.report.clone()
        };
        self.unheard = line != self.told && self.service.status(&line) == Delivery::Full;
        if !self.unheard {
            self.told = line;
        }
    }

    /// We are going, and are not up any more, should we ever have been.
    pub(super) fn stopping(&mut self) {
        self.ready_by = None;
        self.reloading = false;
        self.unheard = false;
        let _heard_or_not = self.service.stopping();
    }

    /// When there is something to tell although nothing has happened. Without a watchdog that ends with being ready.
    pub(super) fn next_word(&self, now: WallTime) -> Option<WallTime> {
        // Never far ahead, should our clock have been set.
        let sign = self.service.watchdog().map(|every| (self.last_sign + every).min(now + every));
        let next = self.ready_by.into_iter().chain(sign).min();
        // Nor in the past: this is asked after the word was given.
        next.map(|next| next.max(now + Duration::from_millis(1)))
    }

    /// Tells the watchdog that the loop is turning, when it wants to hear of it.
    pub(super) fn give_sign_of_life(&mut self, now: WallTime) {
        let Some(every) = self.service.watchdog() else { return };
        if now < self.last_sign || now >= self.last_sign + every {
            let _comes_again = self.service.alive();
            self.last_sign = now;
        }
    }
}

/// Whether all that was asked of STS and of the disk is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Settled {
    Yes,
    NotYet,
}

/// What became of the config that was read again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Config {
    InForce,
    Broken,
}
