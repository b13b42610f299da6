//! Random walks through years of a laptop's life. Every step is checked; a walk that fails is cut down to the shortest
//! list of happenings that still fails, and printed.
//!
//! `cargo test --test keeper` walks some thousand hours. For longer: `EVERTOKEN_WALKS=10000 cargo test --test keeper`;
//! `EVERTOKEN_SEED=7` walks one alone.

use crate::world::{START, Weather, World, config, entry, profile};
use evertoken::engine::config::Config;
use evertoken::engine::config::model::{Mfa, StoreKind};
use evertoken::engine::credentials_file::Observation;
use evertoken::engine::keeper::Event;
use evertoken::engine::names::ProfileName;
use evertoken::engine::schedule::effective_min_ttl;
use evertoken::engine::secret::Secret;
use evertoken::engine::session::{Keys, Session, SettingsDigest};
use evertoken::engine::time::{Skew, WallTime};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const ROLES: [&str; 6] = ["dev", "ops", "chained", "deep", "private", "under-mfa"];
/// Calls of one profile within an hour, whatever happens to it.
const BUDGET: usize = 400;

/// One thing that happens, after so much time has gone by.
#[derive(Clone, PartialEq, Debug)]
enum Happening {
    Nothing,
    Weather(Weather),
    Latency(Duration),
    Life(Duration),
    Refuse(&'static str),
    Pardon { told: bool },
    Suspend { asleep: Duration, offline: Duration },
    SetClock(i64),
    Pause(Duration),
    DiskFull(bool),
    Undo(&'static str),
    LookAgain,
    SourcesChanged,
    RefreshAll,
    OtherProcess(&'static str),
    Reload { generation: u8 },
    Restart,
    RestartUnderOtherClock(i64),
    Login,
    LoseAnswers(usize),
}

type Plan = Vec<(Duration, Happening)>;

struct Dice(World);

impl Dice {
    fn new(seed: u64) -> Self {
        let mut world = World::new(&settings(0));
        world.seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1CE);
        Self(world)
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.0.random() * end as f64) as u64
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// From a second to many hours, each order of magnitude as likely as the other.
    fn time(&mut self, longest: Duration) -> Duration {
        Duration::from_secs_f64(longest.as_secs_f64().powf(self.0.random()))
    }
}

/// The list of roles; other generations have other settings for one of them.
fn settings(generation: u8) -> Config {
    let mut mfa = entry("mfa", "base");
    mfa.mfa = Some(Mfa { serial: "arn:aws:iam::111122223333:mfa/me".into(), command: None, unattended: false });
    mfa.store = StoreKind::Private;
    let mut private = entry("private", "sso");
    private.store = StoreKind::Private;
    private.min_ttl = Some(5 * MINUTE);
    let mut ops = entry("ops", "base");
    ops.duration = 12 * HOUR;
    ops.digest = SettingsDigest::parse(&format!("{generation:02x}")).expect("hex");
    config([
        mfa,
        entry("dev", "base"),
        ops,
        entry("chained", "@dev"),
        entry("deep", "@chained"),
        private,
        entry("under-mfa", "@mfa"),
    ])
}

fn plan(seed: u64, steps: usize) -> Plan {
    let mut dice = Dice::new(seed);
    (0..steps)
        .map(|_| {
            let after = dice.time(6 * HOUR);
            let happening = match dice.below(23) {
                0 | 1 => Happening::Weather(dice.pick(&[
                    Weather::Offline,
                    Weather::Storm,
                    Weather::SourceEnded,
                    Weather::Skewed,
                ])),
                2..=4 => Happening::Weather(Weather::Fine),
                5 => Happening::Latency(dice.time(14 * SECOND)),
                6 => Happening::Latency(Duration::from_millis(80)),
                7 => Happening::Life(dice.pick(&[900, 3600, 43_200].map(Duration::from_secs))),
                8 => Happening::Refuse(dice.pick(&ROLES)),
                9 => Happening::Pardon { told: dice.below(2) == 0 },
                10 => Happening::Suspend { asleep: dice.time(72 * HOUR), offline: dice.time(4 * MINUTE) },
                11 => Happening::SetClock(dice.below(20 * 3600) as i64 - 10 * 3600),
                12 => Happening::DiskFull(dice.below(2) == 0),
                13 => Happening::Undo(dice.pick(&ROLES)),
                14 => Happening::LookAgain,
                15 => [Happening::SourcesChanged, Happening::RefreshAll][dice.below(2) as usize].clone(),
                16 => Happening::OtherProcess(dice.pick(&ROLES)),
                17 => Happening::Reload { generation: dice.below(3) as u8 },
                18 => Happening::Restart,
                19 => Happening::LoseAnswers(1 + dice.below(4) as usize),
                20 => Happening::Pause(dice.time(72 * HOUR)),
                21 => Happening::RestartUnderOtherClock(dice.below(20 * 3600) as i64 - 10 * 3600),
                _ => [Happening::Login, Happening::Nothing][dice.below(2) as usize].clone(),
            };
            (after, happening)
        })
        .collect()
}

/// What is watched during a walk.
struct Walk {
    world: World,
    generation: u8,
    /// From when on everybody has to be fresh again, as long as nothing else happens.
    healthy_from: WallTime,
    good: BTreeMap<ProfileName, WallTime>,
    losing: bool,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut world = World::new(&settings(0));
        world.seed(seed);
        Self { world, generation: 0, healthy_from: START + 10 * SECOND, good: BTreeMap::new(), losing: false }
    }

    fn heals_after(&mut self, time: Duration) {
        self.healthy_from = self.healthy_from.max(self.world.now + time);
    }

    fn is_hindered(&self) -> bool {
        let world = &self.world;
        world.weather != Weather::Fine || !world.refused.is_empty() || world.disk_full || world.latency > 2 * SECOND
    }

    fn happen(&mut self, happening: &Happening) -> Result<(), String> {
        // The worst back-off of whatever stood in the way, and what it takes a chain of three to follow.
        let slow = self.world.latency * 8 + 5 * SECOND;
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
                self.world.pause(*time);
                self.forget_the_dead();
                self.heals_after(slow);
            }
            Happening::DiskFull(full) => {
                self.world.disk_full = *full;
                self.heals_after(30 * SECOND + slow);
            }
            Happening::Undo(name) => {
                for file in &mut self.world.files {
                    file.remove(&profile(name));
                }
                self.good.remove(&profile(name));
                self.heals_after(305 * SECOND);
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
        let random = (self.world.random() * 1e15) as u64;
        let session = Session {
            keys: Keys {
                access_key_id: format!("ASIA{random:016}"),
                secret_access_key: Secret::new("secret"),
                session_token: Some(Secret::new("token")),
            },
            account_id: None,
            issued: self.world.now.whole_seconds(),
            expiration: (self.world.now + Duration::from_secs(life)).whole_seconds(),
            digest: entry.digest.clone(),
            allowed: None,
        };
        self.world.files[entry.store as usize].insert(profile(name), Observation::Ours(Box::new(session)));
        self.look();
    }

    fn look(&mut self) {
        for store in [StoreKind::Shared, StoreKind::Private] {
            let sighting = self.world.sighting(store);
            self.world.happen(Event::Observed(sighting));
        }
    }

    fn run(&mut self, time: Duration) -> Result<(), String> {
        let end = self.world.now + time;
        while self.world.now < end {
            let piece = (self.world.now + MINUTE).min(end);
            self.world.run_until(piece);
            self.check()?;
        }
        Ok(())
    }

    fn forget_the_dead(&mut self) {
        let now = self.world.now;
        self.good.retain(|_, end| *end > now);
    }

    fn check(&mut self) -> Result<(), String> {
        let now = self.world.now;
        self.forget_the_dead();
        for entry in &self.world.config.entries {
            let name = entry.profile.as_str();
            let left = self.world.left(name);
            if left.is_zero() && self.good.contains_key(&entry.profile) {
                return Err(format!("{now}: the good session of {name} was taken away"));
            }
            if let Some(session) = self.world.read(name) {
                self.good.insert(entry.profile.clone(), session.expiration);
            }
        }
        let hour_ago = now - HOUR;
        for name in ROLES {
            let calls = self.world.arrived.iter().filter(|call| call.at > hour_ago && call.profile.as_str() == name);
            let calls = calls.count();
            if calls > BUDGET {
                return Err(format!("{now}: {calls} calls for {name} within an hour"));
            }
        }
        self.world.arrived.retain(|call| call.at > hour_ago);
        self.check_freshness()
    }

    /// The promise: whoever reads finds `min_ttl`, as long as nothing stands or has just stood in the way.
    fn check_freshness(&mut self) -> Result<(), String> {
        let now = self.world.now;
        if std::mem::replace(&mut self.losing, self.world.to_lose > 0) {
            // A lost answer is given up after three minutes, and what hangs on it comes after.
            self.heals_after(4 * 190 * SECOND);
        }
        if self.is_hindered() {
            self.heals_after(Duration::ZERO);
            return Ok(());
        }
        if now <= self.healthy_from {
            return Ok(());
        }
        for name in ROLES {
            let mfa_left = self.world.left("mfa");
            if name == "under-mfa" && mfa_left < HOUR {
                continue;
            }
            let entry = self.world.config.entry(name).expect("a listed profile");
            let Some(session) = self.world.read(name) else { return Err(format!("{now}: {name} has no session")) };
            // Of a session longer than what STS grants by now, no more is promised than of one that it would grant.
            let granted = session.life().min(self.world.life).min(entry.duration);
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

/// Leaves out whatever is not needed for the failure.
fn minimal(seed: u64, plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let mut size = plan.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at + size <= plan.len() {
            let mut shorter = plan.clone();
            shorter.drain(at..at + size);
            if walk(seed, &shorter).is_err() {
                plan = shorter;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    plan
}

fn number(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "a test has no configuration but its environment")]
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a whole number")))
}

#[test]
fn no_walk_breaks_the_promise() {
    let walks = number("EVERTOKEN_WALKS").unwrap_or(60);
    let seeds = match number("EVERTOKEN_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..walks,
    };
    let mut walked = Duration::ZERO;
    for seed in seeds {
        let plan = plan(seed, 60);
        match walk(seed, &plan) {
            Ok(time) => walked += time,
            Err(_) => {
                let plan = minimal(seed, &plan);
                let error = walk(seed, &plan).expect_err("the shortened walk still fails");
                let list: String = plan.iter().map(|(after, what)| format!("  after {after:?}: {what:?}\n")).collect();
                panic!("EVERTOKEN_SEED={seed}: {error}\n{list}");
            }
        }
    }
    let hours = walked.as_secs() / 3600;
    let said = format!("walked {hours} hours ({:.1} years) of a workstation's life\n", hours as f64 / 8766.0);
    // Past the harness, which shows nothing of what succeeds.
    std::io::stderr().write_all(said.as_bytes()).expect("standard error");
}
