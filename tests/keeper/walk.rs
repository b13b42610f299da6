//! Random walks through years of a laptop's life. Every step is checked; a walk that fails is cut down to the shortest
//! list of happenings that still fails, and printed.
//!
//! `cargo test --test keeper` walks some thousand hours, `tests/keeper/walk-on 10000` as long as one likes and from any seed
//! on, with `--quiet` through months in which little happens. With `EVERTOKEN_SEED=7` it begins there.

mod budget;
mod plan;
mod strangers;
mod trials;

use crate::world::{START, Weather, World, profile};
use budget::Budget;
use evertoken::engine::config::model::StoreKind;
use evertoken::engine::credentials_file::Observation;
use evertoken::engine::keeper::Event;
use evertoken::engine::names::ProfileName;
use evertoken::engine::schedule::effective_min_ttl;
use evertoken::engine::session::Session;
use evertoken::engine::time::{Skew, WallTime};
use plan::{Happening, Plan, ROLES, plan, quiet_plan, settings};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use strangers::{is_in_our_hands, is_theirs, strange};
use trials::walk_all;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// Until an undone write is written again, once it was undone too often.
const TRUCE: Duration = Duration::from_secs(305);
/// Until the last of a few lost answers is given up, each after three minutes.
const LOST_ONES: Duration = Duration::from_secs(4 * 190);

/// What is watched during a walk.
struct Walk {
    world: World,
    generation: u8,
    /// From when on everybody has to be fresh again, as long as nothing else happens.
    healthy_from: WallTime,
    good: BTreeMap<ProfileName, WallTime>,
    losing: bool,
    /// The least that STS would have granted since a role has the session that it has.
    least: BTreeMap<&'static str, (WallTime, Duration)>,
    budget: Budget,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut world = World::new(&settings(0));
        world.seed(seed);
        let budget = Budget::new(&world);
        let healthy_from = START + 10 * SECOND;
        Self {
            world,
            generation: 0,
            healthy_from,
            good: BTreeMap::new(),
            losing: false,
            least: BTreeMap::new(),
            budget,
        }
    }

    fn heals_after(&mut self, time: Duration) {
        self.healthy_from = self.healthy_from.max(self.world.now + time);
    }

    fn is_hindered(&self) -> bool {
        let world = &self.world;
        let files = world.disk_full || world.torn;
        world.weather != Weather::Fine || !world.refused.is_empty() || files || world.latency > 2 * SECOND
    }

    fn happen(&mut self, happening: &Happening) -> Result<(), String> {
        // The worst back-off of whatever stood in the way, and what it takes a chain of three to follow.
        let slow = self.world.latency * 8 + 5 * SECOND;
        self.budget.grant(happening, &self.world);
        match happening {
            Happening::Nothing => {}
            Happening::Weather(weather) => {
                let wait = match self.world.weather {
                    Weather::Fine => Duration::ZERO,
                    Weather::Offline | Weather::Skewed => 30 * SECOND,
                    Weather::Storm | Weather::SourceEnded => 300 * SECOND,
                };
                self.world.weather = *weather;
                self.heals_after(wait + slow);
            }
            Happening::Latency(latency) => {
                self.world.latency = *latency;
                self.heals_after(slow + 15 * SECOND);
            }
            Happening::Life(life) => self.world.life = *life,
            Happening::Longest(longest) => {
                self.world.longest = *longest;
                self.world.remembered = self.world.remembered.min(*longest);
            }
            Happening::Refuse(name) => {
                self.world.refused.insert(profile(name));
            }
            Happening::Pardon { told } => {
                self.world.refused.clear();
                self.heals_after(slow + if *told { 5 * SECOND } else { HOUR });
                if *told {
                    self.world.happen(Event::SourcesChanged);
                }
            }
            Happening::Suspend { asleep, offline } => {
                let weather = std::mem::replace(&mut self.world.weather, Weather::Offline);
                self.world.suspend(*asleep);
                self.forget_the_dead();
                self.run(*offline)?;
                self.world.weather = weather;
                self.heals_after(30 * SECOND + slow);
            }
            Happening::SetClock(seconds) => self.world.set_clock(Skew::from_millis(seconds * 1000)),
            Happening::Pause(time) => {
                let rest = self.healthy_from.since(self.world.now);
                self.world.pause(*time);
                self.forget_the_dead();
                // What is waited for lasts as long as the clock of this machine has counted: a refusal, a truce, a lost answer.
                self.heals_after(rest.max(TRUCE).max(LOST_ONES) + slow);
            }
            Happening::DiskFull(full) => {
                self.world.disk_full = *full;
                self.heals_after(30 * SECOND + slow);
            }
            Happening::Torn(torn) => {
                self.world.torn = *torn;
                self.heals_after(30 * SECOND + slow);
                self.look();
            }
            Happening::Blow(name, blow) => self.strike(name, *blow),
            Happening::Fight { with, blow, times, every } => {
                for _ in 0..*times {
                    self.strike(with, *blow);
                    self.run(*every)?;
                }
            }
            Happening::StrangersLeave => {
                strangers::leave(&mut self.world);
                self.heals_after(TRUCE + slow);
                self.look();
            }
            Happening::OtherList { life } => {
                let now = self.world.now;
                let theirs = strange(now, settings(0).entries[0].digest.clone());
                let theirs = Session { expiration: (now + *life).whole_seconds(), ..theirs };
                let name = profile(&format!("of-another-list-{}", self.world.sections_off_the_list().len()));
                self.world.files[0].insert(name, Observation::Ours(Box::new(theirs)));
                // Some of them are still on that list, and renewed at the last moment.
                self.world.to_outrun += usize::from(life.as_secs() % 2 == 0);
                self.look();
            }
            Happening::LookAgain => self.look(),
            Happening::SourcesChanged => self.world.happen(Event::SourcesChanged),
            Happening::RefreshAll => {
                self.world.happen(Event::Asked { profiles: Vec::new(), min_ttl: None, force: true });
            }
            Happening::OtherProcess(name) => self.other_process(name, 3600),
            Happening::Reload { generation } => {
                self.generation = *generation;
                self.world.reload(settings(*generation));
                self.heals_after(slow);
            }
            Happening::Restart => {
                self.world.restart(&settings(self.generation));
                self.heals_after(slow);
            }
            Happening::LoseAnswers(count) => {
                self.world.to_lose = *count;
                self.losing = true;
            }
            Happening::RestartUnderOtherClock(seconds) => {
                let by = Skew::from_millis(seconds * 1000);
                self.world.restart_under_other_clock(&settings(self.generation), by);
                self.heals_after(slow);
            }
            Happening::Login => {
                self.other_process("mfa", 12 * 3600);
                self.heals_after(slow);
            }
        }
        self.check()
    }

    /// Another evertoken process stores a session of its own.
    fn other_process(&mut self, name: &str, life: u64) {
        let entry = self.world.config.entry(name).expect("a listed profile").clone();
        if is_theirs(&self.world, name) {
            return;
        }
        let theirs = strange(self.world.now, entry.digest.clone());
        let expiration = (self.world.now + Duration::from_secs(life)).whole_seconds();
        let session = Session { expiration, ..theirs };
        self.world.remember(&profile(name), &session);
        self.world.files[entry.store as usize].insert(profile(name), Observation::Ours(Box::new(session)));
        self.look();
    }

    /// What it destroys is lost for whoever reads now, through no fault of the keeper's.
    fn strike(&mut self, name: &str, blow: strangers::Blow) {
        blow.strike(&mut self.world, name);
        self.good.remove(name);
        self.heals_after(TRUCE);
        self.look();
    }

    /// The watcher tells of a change a little later, and nobody waits for it.
    fn look(&mut self) {
        let end = self.world.now + Duration::from_millis(60);
        self.world.run_until(end);
        for store in [StoreKind::Shared, StoreKind::Private] {
            let sighting = self.world.sighting(store);
            self.world.happen(Event::Observed(sighting));
        }
    }

    /// Looks right before whatever comes by itself, when readers find the least, and right after.
    fn run(&mut self, time: Duration) -> Result<(), String> {
        let end = self.world.now + time;
        while let Some(next) = self.world.upcoming(end) {
            if next > self.world.now {
                self.world.now = next;
                self.check_freshness()?;
            }
            self.world.go_to(next);
            self.check()?;
        }
        self.world.now = end;
        self.check()
    }

    fn forget_the_dead(&mut self) {
        let now = self.world.now;
        self.good.retain(|_, end| *end > now);
    }

    fn check(&mut self) -> Result<(), String> {
        let now = self.world.now;
        self.forget_the_dead();
        for entry in &self.world.config.entries {
            let name = &entry.profile;
            let there = self.world.read(name.as_str());
            let known = self.good.get(name);
            if known.is_some() && there.is_none_or(|session| session.expiration <= now) {
                return Err(format!("{now}: the good session of {name} was taken away"));
            }
            let Some(session) = there.filter(|session| known != Some(&session.expiration)) else { continue };
            if !self.world.is_forged(name, session) {
                self.good.insert(name.clone(), session.expiration);
            }
        }
        for name in ROLES {
            let (end, life) = (self.world.read(name).map_or(START, |session| session.expiration), self.world.life);
            let known = self.least.entry(name).or_insert((end, life));
            *known = if known.0 == end { (end, known.1.min(life)) } else { (end, life) };
        }
        self.world.arrived.clear();
        self.world.told.clear();
        self.world.respect.clone()?;
        self.budget.look(&mut self.world)?;
        self.check_freshness()
    }

    /// For how long the MFA session can sign: one that another evertoken made for other settings cannot.
    fn mfa_left(&self) -> Duration {
        let digest = &self.world.config.entry("mfa").expect("a listed profile").digest;
        self.world
            .read("mfa")
            .filter(|session| session.digest == *digest)
            .map_or(Duration::ZERO, |session| session.left(self.world.now))
    }

    /// The promise: whoever reads finds `min_ttl`, as long as nothing stands or has just stood in the way.
    fn check_freshness(&mut self) -> Result<(), String> {
        let now = self.world.now;
        if std::mem::replace(&mut self.losing, self.world.to_lose > 0) {
            // A lost answer is given up after three minutes, and what hangs on it comes after.
            self.heals_after(LOST_ONES);
        }
        if self.is_hindered() {
            self.heals_after(Duration::ZERO);
            return Ok(());
        }
        if now <= self.healthy_from {
            return Ok(());
        }
        // After a clock was set nothing is removed before STS has told the time, and it is asked every hour at least.
        let asked_since = self.healthy_from + HOUR < now;
        let ended = now - 2 * HOUR;
        let mut over = self.world.sections_off_the_list().into_iter().filter(|(_, end)| asked_since && *end < ended);
        if let Some((name, end)) = over.next() {
            return Err(format!("{now}: {name} is off the list, has ended at {end}, and is still there"));
        }
        for name in ROLES {
            if !is_in_our_hands(&self.world, name) || (name == "under-mfa" && self.mfa_left() < HOUR) {
                continue;
            }
            let entry = self.world.config.entry(name).expect("a listed profile");
            let Some(session) = self.world.read(name) else { return Err(format!("{now}: {name} has no session")) };
            // Of a session longer than what STS grants by now, no more is promised than of one that it would grant.
            let least = self.least.get(name).map_or(self.world.life, |(_, life)| *life);
            let granted = session.life().min(least).min(self.world.remembered).min(entry.duration);
            let promised = effective_min_ttl(entry.min_ttl, granted);
            let left = session.left(now);
            if left + 3 * SECOND < promised {
                return Err(format!("{now}: {name} has {left:?} left and was promised {promised:?}"));
            }
            if session.digest != entry.digest {
                return Err(format!("{now}: {name} is still outdated"));
            }
        }
        Ok(())
    }
}

fn walk(seed: u64, plan: &Plan) -> Result<Duration, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut walk = Walk::new(seed);
        for (after, happening) in plan {
            walk.run(*after)?;
            walk.happen(happening)?;
        }
        walk.run(2 * HOUR)?;
        Ok(walk.world.now.since(START))
    }));
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.unwrap_or_else(|| "a panic".to_owned()))
    })
}

/// Happenings of one walk.
const STEPS: usize = 60;

/// Days with something happening all the time.
#[test]
fn no_walk_breaks_the_promise() {
    walk_all("", 60, |seed| plan(seed, STEPS));
}

/// Months in which little happens: years go by.
#[test]
fn no_quiet_walk_breaks_the_promise() {
    walk_all(" --quiet", 1, |seed| quiet_plan(seed, STEPS));
}
