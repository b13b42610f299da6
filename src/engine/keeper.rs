//! The state machine of every session: one event in, drain the actions, wait until the next wake-up.
//!
//! ```text
//!            Observed                due                 Resolved              Assumed
//! (unknown) ──────────▶ kept ─────────────▶ resolving ─────────────▶ calling ──────────▶ unstored ──▶ storing ──▶ kept
//!                        ▲                      │ ResolveFailed         │ AssumeFailed                    │ StoreFailed
//!                        └───── gate opens ─────┴───────────────────────┴─────────────────────────────────┘
//! ```
//!
//! Two clocks: schedules are kept in the time of STS (our own plus the skew that its `Date` header told), waits after a
//! failure in our own. Whatever was good stays until something better stands in the file.

mod agenda;
mod ask;
mod clocks;
mod endpoint;
mod gate;
mod kept;
mod news;
mod outcome;
mod people;
mod plan;
mod publish;
mod queue;
mod report;
mod roll;
mod shelf;
mod sight;
mod storing;
mod supply;
mod wake;

pub mod action;
pub mod event;

pub use action::{Action, AssumeCall, Notice, NoticeKind};
pub use event::{Event, Reply, Sighting};

use crate::engine::config::Config;
use crate::engine::config::model::{Source, StoreKind};
use crate::engine::names::ProfileName;
use crate::engine::place::Place;
use crate::engine::time::{Skew, WallTime};
use agenda::Agenda;
use gate::Gate;
use kept::Kept;
use news::News;
use people::LoginEnd;
use roll::Roll;
use shelf::Shelf;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use supply::Supply;

/// A call or a write that has not been answered for so long is taken for lost. Far above every bound of the shell.
const LOST: Duration = Duration::from_secs(180);
/// The agenda of so many profiles is held against the profiles themselves after each event, where that may cost time.
#[cfg(debug_assertions)]
const CHECKED: usize = 64;

/// What a keeper is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Keep everything on the list fresh, for ever.
    Daemon,
    /// Do what is asked for once, and nothing else.
    OnePass,
}

/// Whether a person is there who can enter an MFA code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attendance {
    /// Nobody: what needs a person waits for one.
    Alone,
    /// A person is at the keyboard (`evertoken login`).
    Attended,
}

/// Decides for all profiles of a config.
#[derive(Clone, PartialEq, Debug)]
pub struct Keeper {
    mode: Mode,
    attendance: Attendance,
    kept: Roll,
    agenda: Agenda,
    supplies: BTreeMap<Source, Supply>,
    /// Sources that are being resolved, and since when.
    resolving: BTreeMap<Source, WallTime>,
    /// Until when a source gives credentials without a person, where that is known.
    logins: BTreeMap<Source, LoginEnd>,
    /// Those of them that were not announced yet, by the time of STS to do so.
    announcements: BTreeSet<(WallTime, Source)>,
    /// One that is in trouble is probed by one call at a time.
    endpoints: BTreeMap<Place, Gate>,
    shelves: [Shelf; 2],
    news: News,
    actions: VecDeque<Action>,
    skew: Skew,
    skew_told: bool,
    /// Whether any session is in doubt until STS tells the time.
    doubtful: bool,
    /// Whether STS has not told the time since we started, or since our clock was set: then nothing is removed for being
    /// over.
    unsure: bool,
    attempts: u64,
    stopping: bool,
    /// Since when a look at the files is waited for.
    looking: Option<WallTime>,
    /// Until when a network that is not there yet is tried quickly.
    hurried_until: Option<WallTime>,
    /// Since when something changed that was not reported.
    changed: Option<WallTime>,
    reported_wakeup: Option<WallTime>,
    /// The latest event.
    handled: Option<WallTime>,
}

impl Keeper {
    /// A keeper that knows the config and nothing else yet: its first action is to look at the files.
    pub fn new(config: &Config, mode: Mode, attendance: Attendance) -> Self {
        let mut keeper = Self {
            mode,
            attendance,
            kept: Roll::new(config.entries.iter().cloned().map(Kept::new).collect()),
            agenda: Agenda::default(),
            supplies: BTreeMap::new(),
            resolving: BTreeMap::new(),
            logins: BTreeMap::new(),
            announcements: BTreeSet::new(),
            endpoints: BTreeMap::new(),
            shelves: [Shelf::new(StoreKind::Shared), Shelf::new(StoreKind::Private)],
            news: News::default(),
            actions: VecDeque::from([Action::Observe]),
            skew: Skew::default(),
            skew_told: false,
            doubtful: false,
            unsure: true,
            attempts: 0,
            stopping: false,
            looking: None,
            hurried_until: None,
            changed: None,
            reported_wakeup: None,
            handled: None,
        };
        keeper.catch_up(WallTime::from_unix_millis(i64::MIN));
        keeper
    }

    /// Starts from a skew that an earlier run has learned.
    #[must_use]
    pub fn with_skew(mut self, skew: Skew) -> Self {
        self.believe(skew);
        self
    }

    /// Starts with a clock that was set since an earlier run stored its sessions: none is taken for fresh until STS has
    /// told the time.
    #[must_use]
    pub fn doubting_the_clock(mut self) -> Self {
        self.doubt();
        self
    }

    /// Takes one event in. `now` is our own wall clock.
    pub fn handle(&mut self, event: Event, now: WallTime) {
        if event != Event::Tick {
            self.changed.get_or_insert(now);
        }
        match event {
            Event::Tick => {}
            Event::Observed(sighting) => self.see(sighting, now),
            Event::Resolved { source, credentials } => self.supply(&source, credentials, now),
            Event::ResolveFailed { source, fault, jitter } => self.supply_failed(&source, fault, jitter, now),
            Event::Assumed { profile, attempt, reply, jitter } => self.assumed(&profile, attempt, &reply, jitter, now),
            Event::Adopted { profile, attempt, session } => self.adopted(&profile, attempt, session, now),
            Event::AssumeFailed { profile, attempt, fault, skew, jitter } => {
                self.learn(skew, now);
                self.assume_failed(&profile, attempt, fault, jitter, now);
            }
            Event::Stored { store, outcomes } => self.stored(store, outcomes, now),
            Event::StoreFailed { store, message, jitter } => self.store_failed(store, message, jitter, now),
            Event::Reloaded(config) => self.reload(&config, now),
            Event::SourcesChanged => self.sources_changed(now),
            Event::Asked { profiles, min_ttl, force } => self.ask(&profiles, min_ttl, force, now),
            Event::Resumed | Event::NetworkChanged => self.hurry(now),
            Event::ClockStepped { by } => self.step(by, now),
            Event::Stop => self.stopping = true,
        }
        self.advance(now);
    }

    /// The next thing to do; `None` when the wait may begin.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// How far STS is ahead of our clock, as far as is known.
    pub fn skew(&self) -> Skew {
        self.skew
    }

    /// Whether the skew is that of the clock as it stands.
    pub fn knows_the_clock(&self) -> bool {
        self.kept.iter().all(|kept| !kept.in_doubt)
    }

    /// Whether nothing is under way any more: for an order to stop, and for the end of one pass.
    pub fn is_settled(&self) -> bool {
        let looked = self.agenda.unknown.is_empty();
        let stored = self.shelves.iter().all(|shelf| shelf.gate.trouble().is_some() || !self.has_unstored(shelf.kind));
        let answered = self.mode == Mode::Daemon || self.agenda.wanted.is_empty();
        self.is_quiet() && (self.stopping || looked) && stored && (self.stopping || answered)
    }

    fn advance(&mut self, now: WallTime) {
        self.mend_gates(now);
        self.catch_up(now);
        self.give_up_lost(now);
        self.look_again(now);
        self.wake_touched(None, now);
        if !self.stopping {
            self.plan(now);
            self.announce_logins(now);
        }
        self.plan_writes(now);
        self.speak(now);
        self.plan_report(now);
        #[cfg(debug_assertions)]
        {
            let oversight = if self.kept.len() > CHECKED { None } else { self.oversight(now) };
            assert_eq!(oversight, None);
        }
    }

    fn sts_now(&self, now: WallTime) -> WallTime {
        now + self.skew
    }

    fn shelf(&mut self, kind: StoreKind) -> &mut Shelf {
        match kind {
            StoreKind::Shared => &mut self.shelves[0],
            StoreKind::Private => &mut self.shelves[1],
        }
    }

    fn gates(&mut self) -> impl Iterator<Item = &mut Gate> {
        let kept = self.kept.iter_mut().map(|kept| &mut kept.gate);
        let supplies = self.supplies.values_mut().map(|supply| &mut supply.gate);
        let shelves = self.shelves.iter_mut().map(|shelf| &mut shelf.gate);
        kept.chain(supplies).chain(self.endpoints.values_mut()).chain(shelves)
    }

    /// A file changed that sources live in: whoever waits for a person, or was refused, may try again.
    fn sources_changed(&mut self, now: WallTime) {
        self.drop_supplies();
        for kept in self.kept.iter_mut() {
            match kept.gate.trouble() {
                Some(trouble) if trouble.failure.class.passes_by_itself() => {}
                // The source may have another session for it now.
                None if kept.publishes_source() => kept.gate.ease(now),
                // What is under way may use what was there before. What is only held waits for a time that no file changes.
                None => kept.gate.encourage(now),
                Some(_) => kept.gate.hint(now),
            }
        }
        // Of a source it may be the file itself that could not be read, and now can be.
        for Supply { gate, .. } in self.supplies.values_mut() {
            gate.hint(now);
        }
    }

    fn attempts_under_way(&self) -> BTreeSet<u64> {
        self.kept.iter().filter_map(|kept| kept.call.as_ref()).map(|call| call.attempt).collect()
    }

    /// A new config: profiles that it shares with the old one keep their sessions. Calls for settings that are no more are
    /// broken off, so that their locks are free for the next ones.
    fn reload(&mut self, config: &Config, now: WallTime) {
        let before = self.attempts_under_way();
        let old = std::mem::take(&mut self.kept).into_list();
        let mut old: BTreeMap<ProfileName, Kept> =
            old.into_iter().map(|kept| (kept.entry.profile.clone(), kept)).collect();
        let list = config.entries.iter().map(|entry| match old.remove(&entry.profile) {
            Some(kept) if kept.entry == *entry => kept,
            Some(kept) => kept.under_new_settings(entry),
            None => Kept::new(entry.clone()),
        });
        self.kept = Roll::new(list.collect());
        let still = self.attempts_under_way();
        self.actions.extend(before.difference(&still).map(|attempt| Action::GiveUp { attempt: *attempt }));
        self.agenda = Agenda::default();
        for profile in old.keys() {
            self.news.forget(profile);
        }
        self.endpoints.clear();
        self.shelves.iter_mut().for_each(Shelf::begin_anew);
        self.logins.retain(|source, _| !self.kept.users(source).is_empty());
        self.announcements.retain(|(_, source)| self.logins.contains_key(source));
        self.supplies.clear();
        // Whoever mends something may say so by saving the config.
        self.kept.iter_mut().filter(|kept| kept.gate.trouble().is_some()).for_each(|kept| kept.gate.hint(now));
        self.actions.push_back(Action::Observe);
    }
}
