//! What can happen to a workstation, and lists of it drawn at random.

use super::strangers::Blow;
use super::{HOUR, MINUTE, SECOND};
use crate::world::{Weather, World, config, entry, published};
use evertoken::engine::config::Config;
use evertoken::engine::config::model::{Mfa, StoreKind};
use evertoken::engine::session::SettingsDigest;
use std::time::Duration;

pub const ROLES: [&str; 7] = ["dev", "ops", "chained", "deep", "private", "under-mfa", "published"];

/// One thing that happens, after so much time has gone by.
#[derive(Clone, PartialEq, Debug)]
pub enum Happening {
    Nothing,
    Weather(Weather),
    Latency(Duration),
    Life(Duration),
    Longest(Duration),
    Refuse(&'static str),
    Pardon {
        told: bool,
    },
    Suspend {
        asleep: Duration,
        offline: Duration,
    },
    SetClock(i64),
    Pause(Duration),
    DiskFull(bool),
    /// Somebody leaves the files as nobody can read them, or mends them.
    Torn(bool),
    LookAgain,
    SourcesChanged,
    RefreshAll,
    OtherProcess(&'static str),
    /// A stranger does this to a section.
    Blow(&'static str, Blow),
    /// The same again and again.
    Fight {
        with: &'static str,
        blow: Blow,
        times: u32,
        every: Duration,
    },
    /// Whatever strangers put in the place of our sections goes.
    StrangersLeave,
    /// A section with our mark for a profile that is not on the list, by somebody with another list.
    OtherList {
        life: Duration,
    },
    Reload {
        generation: u8,
    },
    Restart,
    RestartUnderOtherClock(i64),
    Login,
    LoseAnswers(usize),
}

pub type Plan = Vec<(Duration, Happening)>;

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

    fn toss(&mut self) -> bool {
        self.below(2) == 0
    }

    /// From a second to many hours, each order of magnitude as likely as the other.
    fn time(&mut self, longest: Duration) -> Duration {
        Duration::from_secs_f64(longest.as_secs_f64().powf(self.0.random()))
    }

    fn hours(&mut self) -> i64 {
        self.below(20 * 3600) as i64 - 10 * 3600
    }
}

/// The list of roles; other generations have other settings for one of them.
pub fn settings(generation: u8) -> Config {
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
        published("published", "lender"),
    ])
}

/// `steps` happenings, the same for the same seed.
pub fn plan(seed: u64, steps: usize) -> Plan {
    let mut dice = Dice::new(seed);
    (0..steps).map(|_| (dice.time(6 * HOUR), happening(&mut dice))).collect()
}

/// The same with a month between two of them at most, and all trouble over after some hours: what takes its time to go
/// wrong has that time.
pub fn quiet_plan(seed: u64, steps: usize) -> Plan {
    let mut dice = Dice::new(seed);
    let mut plan = Plan::new();
    for _ in 0..steps {
        plan.push((dice.time(30 * 24 * HOUR), happening(&mut dice)));
        let mut after = dice.time(6 * HOUR);
        for mended in MENDED {
            plan.push((std::mem::take(&mut after), mended));
        }
    }
    plan
}

/// The end of every trouble.
const MENDED: [Happening; 7] = [
    Happening::Life(HOUR),
    Happening::Weather(Weather::Fine),
    Happening::Latency(Duration::from_millis(80)),
    Happening::Pardon { told: false },
    Happening::DiskFull(false),
    Happening::Torn(false),
    Happening::StrangersLeave,
];

fn happening(dice: &mut Dice) -> Happening {
    let trouble = [Weather::Offline, Weather::Storm, Weather::SourceEnded, Weather::Skewed];
    match dice.below(31) {
        0 | 1 => Happening::Weather(dice.pick(&trouble)),
        2..=4 => Happening::Weather(Weather::Fine),
        5 => Happening::Latency(dice.time(14 * SECOND)),
        6 => Happening::Latency(Duration::from_millis(80)),
        7 => Happening::Life(dice.pick(&[900, 3600, 43_200].map(Duration::from_secs))),
        8 => Happening::Refuse(dice.pick(&ROLES)),
        9 => Happening::Pardon { told: dice.toss() },
        10 => Happening::Suspend { asleep: dice.time(72 * HOUR), offline: dice.time(4 * MINUTE) },
        11 => Happening::SetClock(dice.hours()),
        12 => Happening::DiskFull(dice.toss()),
        13 => Happening::Longest(dice.pick(&[HOUR, 12 * HOUR])),
        14 => Happening::LookAgain,
        15 => [Happening::SourcesChanged, Happening::RefreshAll][dice.below(2) as usize].clone(),
        16 => Happening::OtherProcess(dice.pick(&ROLES)),
        17 => Happening::Reload { generation: dice.below(3) as u8 },
        18 => Happening::Restart,
        19 => Happening::LoseAnswers(1 + dice.below(4) as usize),
        20 => Happening::Pause(dice.time(72 * HOUR)),
        21 => Happening::RestartUnderOtherClock(dice.hours()),
        22..=24 => Happening::Blow(victim(dice), Blow::draw(|end| dice.below(end))),
        25 => Happening::Fight {
            with: victim(dice),
            blow: Blow::draw(|end| dice.below(end)),
            times: 2 + dice.below(8) as u32,
            every: dice.time(90 * SECOND),
        },
        26 | 27 => Happening::StrangersLeave,
        28 => Happening::Torn(dice.toss()),
        29 => Happening::OtherList { life: dice.time(12 * HOUR) },
        _ => [Happening::Login, Happening::Nothing][dice.below(2) as usize].clone(),
    }
}

fn victim(dice: &mut Dice) -> &'static str {
    dice.pick(&["dev", "ops", "chained", "deep", "private", "under-mfa", "mfa", "published"])
}
