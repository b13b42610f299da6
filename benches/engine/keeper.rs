//! The keeper with lists of every length: one event, a wave, the next wake-up, the report.

use crate::material::{NOON, config, profile, reply, source};
use divan::Bencher;
use divan::counter::ItemsCount;
use evertoken::engine::config::model::{Operation, StoreKind};
use evertoken::engine::credentials_file::{Edit, Observation, Outcome};
use evertoken::engine::keeper::{Action, AssumeCall, Attendance, Event, Keeper, Mode, Sighting};
use evertoken::engine::time::WallTime;
use std::collections::VecDeque;
use std::time::Duration;

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];

/// A keeper, the world that answers it, and the time.
struct World {
    keeper: Keeper,
    roles: usize,
    now: WallTime,
    serial: usize,
    events: usize,
    /// What the world has not answered yet.
    asked: VecDeque<Action>,
}

impl World {
    /// All sessions missing.
    fn new(roles: usize) -> Self {
        let keeper = Keeper::new(&config(roles), Mode::Daemon, Attendance::Alone);
        Self { keeper, roles, now: NOON, serial: 0, events: 0, asked: VecDeque::new() }
    }

    /// All sessions fresh, stored and told.
    fn fresh(roles: usize) -> Self {
        let mut world = Self::new(roles);
        world.drain();
        world.answer_all();
        world
    }

    fn happen(&mut self, event: Event) {
        self.events += 1;
        self.keeper.handle(event, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(action) = self.keeper.poll_action() {
            if !matches!(action, Action::Tell(_) | Action::Report) {
                self.asked.push_back(action);
            }
        }
    }

    /// Answers everything that is asked, and what is asked in turn.
    fn answer_all(&mut self) {
        while let Some(action) = self.asked.pop_front() {
            self.answer(action);
        }
    }

    fn answer(&mut self, action: Action) {
        match action {
            Action::Observe => {
                for store in [StoreKind::Shared, StoreKind::Private] {
                    let absent = |role| (profile(role), Observation::Absent);
                    let roles = if store == StoreKind::Shared { self.roles } else { 0 };
                    let sections = Ok((0..roles).map(absent).collect());
                    self.happen(Event::Observed(Sighting { store, sections }));
                }
            }
            Action::Resolve { source: name, .. } => {
                self.happen(Event::Resolved { source: name, credentials: source() });
            }
            Action::Assume(call) => {
                let event = self.assumed(&call);
                self.happen(event);
            }
            Action::Store { store, edits } => self.happen(Event::Stored { store, outcomes: outcomes(&edits) }),
            Action::GiveUp { .. } | Action::Tell(_) | Action::Report => {}
        }
    }

    fn assumed(&mut self, call: &AssumeCall) -> Event {
        let Operation::AssumeRole(request) = &call.entry.operation else { panic!("a role") };
        self.serial += 1;
        let reply = reply(self.serial, request.role_arn.account(), self.now);
        Event::Assumed { profile: call.entry.profile.clone(), attempt: call.attempt, reply, jitter: 0.5 }
    }

    /// Refreshes these, or all when there are none, although they are fresh.
    fn refresh(&mut self, profiles: Vec<evertoken::engine::names::ProfileName>) {
        self.now = self.now + Duration::from_secs(2);
        self.happen(Event::Asked { profiles, min_ttl: None, force: true });
        self.answer_all();
    }
}

fn outcomes(edits: &[Edit]) -> Vec<(evertoken::engine::names::ProfileName, Outcome)> {
    edits.iter().map(|edit| (edit.profile().clone(), Outcome::Written)).collect()
}

/// Time goes by and nothing is due.
#[divan::bench(args = SIZES, sample_count = 10)]
fn tick(bencher: Bencher<'_, '_>, roles: usize) {
    let mut world = World::fresh(roles);
    bencher.bench_local(|| world.happen(Event::Tick));
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn next_wakeup(bencher: Bencher<'_, '_>, roles: usize) {
    let world = World::fresh(roles);
    bencher.bench_local(|| world.keeper.next_wakeup(world.now));
}

/// One role out of so many is refreshed: it is asked for, its source resolved, its role assumed, its session stored.
#[divan::bench(args = SIZES, sample_count = 10)]
fn refresh_one(bencher: Bencher<'_, '_>, roles: usize) {
    let mut world = World::fresh(roles);
    let one = profile(roles / 2);
    world.events = 0;
    world.refresh(vec![one.clone()]);
    assert_eq!(world.events, 4);
    bencher.counter(ItemsCount::new(4_usize)).bench_local(|| world.refresh(vec![one.clone()]));
}

/// Everything is refreshed; the rate is that of single events.
#[divan::bench(args = SIZES, sample_count = 1, sample_size = 1)]
fn refresh_all(bencher: Bencher<'_, '_>, roles: usize) {
    let mut world = World::fresh(roles);
    world.events = 0;
    world.refresh(Vec::new());
    assert!(world.serial == 2 * roles, "{} sessions", world.serial);
    bencher.counter(ItemsCount::new(world.events)).bench_local(|| world.refresh(Vec::new()));
}

/// An answer of STS in the midst of a wave of everybody.
#[divan::bench(args = SIZES, sample_count = 20, sample_size = 1)]
fn assumed_in_a_wave(bencher: Bencher<'_, '_>, roles: usize) {
    let mut world = World::fresh(roles);
    world.now = world.now + Duration::from_secs(2);
    world.happen(Event::Asked { profiles: Vec::new(), min_ttl: None, force: true });
    bencher.bench_local(|| {
        if world.asked.is_empty() {
            // The wave was a short one: begin the next.
            world.now = world.now + Duration::from_secs(2);
            world.happen(Event::Asked { profiles: Vec::new(), min_ttl: None, force: true });
        }
        if let Some(action) = world.asked.pop_front() {
            world.answer(action);
        }
    });
}

/// What `status.json` is made of.
#[divan::bench(args = SIZES, sample_count = 10)]
fn report(bencher: Bencher<'_, '_>, roles: usize) {
    let world = World::fresh(roles);
    bencher.counter(ItemsCount::new(roles)).bench_local(|| world.keeper.profiles(world.now).len());
}

/// A reload of the same config.
#[divan::bench(args = SIZES, sample_count = 5)]
fn reload(bencher: Bencher<'_, '_>, roles: usize) {
    let mut world = World::fresh(roles);
    let config = config(roles);
    bencher.counter(ItemsCount::new(roles)).bench_local(|| {
        world.keeper.handle(Event::Reloaded(config.clone()), world.now);
        while world.keeper.poll_action().is_some() {}
    });
}
