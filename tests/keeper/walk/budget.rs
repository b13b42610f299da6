//! How many calls and writes a keeper may make: what the granted life and the back-off allow in the long run, and a few
//! more for each thing that happens. A bucket for each role fills with time and is emptied by calls; one that runs dry is
//! a hot loop on its way.

use super::plan::{Happening, ROLES};
use super::strangers::{is_strange, is_theirs};
use crate::world::{Weather, World};
use evertoken::engine::time::WallTime;
use std::time::Duration;

/// As many calls may come at once although nothing has happened: a role, and the roles that its wave brought along.
const BURST: f64 = 3.0;
/// Tries until a back-off has reached its cap: 1, 2, 4, 8, 16 s, and the one before the first wait.
const RAMP: f64 = 6.0;
/// After a resume the network is tried about once a second for a minute.
const HURRY: f64 = 62.0;
/// Writes that a stranger who undoes them may cause.
const REWRITES: f64 = 4.0;
/// What something may cost is spent soon after it has happened, or not at all.
const FADES_IN: f64 = 24.0 * 3600.0;
/// While a machine sleeps nothing is spent.
const LONGEST_STEP: f64 = 3600.0;
/// Whoever is left alone is not called for, but for what was under way.
const LAST_CALL: Duration = Duration::from_secs(200);

/// What is left of it.
pub struct Budget {
    at: WallTime,
    calls: [f64; ROLES.len()],
    writes: f64,
    /// How many writes were counted already.
    counted: usize,
    /// Since when a section is somebody else's.
    theirs: [Option<WallTime>; ROLES.len()],
}

impl Budget {
    pub fn new(world: &World) -> Self {
        let start = BURST + RAMP;
        Self { at: world.now, calls: [start; ROLES.len()], writes: start, counted: 0, theirs: [None; ROLES.len()] }
    }

    /// What a happening may cost each role, and the files.
    pub fn grant(&mut self, happening: &Happening, world: &World) {
        let in_trouble = world.weather != Weather::Fine || !world.refused.is_empty();
        let ramp = if in_trouble { RAMP } else { 0.0 };
        let hurry = if world.weather == Weather::Offline { HURRY } else { 0.0 };
        let calls = match happening {
            Happening::Nothing | Happening::LookAgain | Happening::DiskFull(_) | Happening::Torn(_) => 0.0,
            Happening::OtherList { .. } | Happening::Latency(_) => 0.0,
            Happening::Weather(to) if *to == world.weather => 0.0,
            Happening::Life(to) if *to == world.life => 0.0,
            Happening::Pardon { .. } if world.refused.is_empty() => 0.0,
            Happening::StrangersLeave if !world.files.iter().any(|file| file.values().any(is_strange)) => 0.0,
            Happening::Weather(_) => RAMP,
            Happening::Blow(..) | Happening::Life(_) | Happening::OtherProcess(_) => 1.0,
            Happening::Fight { times, .. } => f64::from(*times),
            Happening::Longest(_) | Happening::Refuse(_) => 2.0,
            Happening::Pardon { .. } | Happening::StrangersLeave => 2.0,
            Happening::SourcesChanged => ramp,
            Happening::RefreshAll | Happening::Login => 1.0 + ramp,
            Happening::Reload { .. } | Happening::Restart => 2.0 + ramp,
            Happening::SetClock(_) | Happening::RestartUnderOtherClock(_) => 3.0 + ramp + hurry,
            Happening::Pause(_) => 3.0 + ramp + hurry,
            Happening::Suspend { .. } => 3.0 + RAMP + HURRY,
            // Each is taken for lost after three minutes, and tried again.
            Happening::LoseAnswers(count) => 1.0 + *count as f64,
        };
        self.calls.iter_mut().for_each(|left| *left += calls);
        self.writes += match happening {
            Happening::Fight { times, .. } => REWRITES.max(f64::from(*times)),
            Happening::Blow(..) | Happening::StrangersLeave | Happening::Torn(_) => REWRITES,
            Happening::DiskFull(_) => RAMP,
            Happening::OtherList { .. } | Happening::Reload { .. } | Happening::Restart => 2.0,
            _ => 1.0,
        };
    }

    /// Lets the time fill it and the calls empty it.
    pub fn look(&mut self, world: &mut World) -> Result<(), String> {
        let now = world.now;
        let gone = now.since(self.at).as_secs_f64();
        self.at = now;
        let tried = std::mem::take(&mut world.tried);
        self.writes += tried.len() as f64 - (world.tried_writes - self.counted) as f64;
        self.counted = world.tried_writes;
        let hindered = world.disk_full || world.torn;
        let store_retries = if hindered { gone / 15.0 * 2.0 } else { 0.0 };
        // A published session is written without a call to STS.
        let published = gone * 4.0 / world.life.as_secs_f64();
        // Two files, and a removal now and then.
        self.writes += store_retries + published + gone / 3600.0;
        if self.writes < 0.0 {
            return Err(format!("{now}: {} writes are too many", -self.writes));
        }
        self.writes = self.writes.min(200.0);
        for (index, name) in ROLES.into_iter().enumerate() {
            let left = &mut self.calls[index];
            let before = *left;
            let calls = tried.iter().filter(|(_, profile)| profile.as_str() == name).count();
            *left += gone * per_second(world, name) - calls as f64;
            if *left < 0.0 {
                return Err(format!("{now}: {calls} calls for {name} are {:.1} too many", -*left));
            }
            let spare = (before - BURST).max(0.0) * (1.0 - gone.min(LONGEST_STEP) / FADES_IN);
            *left = left.min(BURST + spare);
            let since = &mut self.theirs[index];
            // Of a file that nobody can read nobody knows.
            *since = (is_theirs(world, name) && !world.torn).then(|| since.unwrap_or(now));
            let late = |at: &WallTime| since.is_some_and(|since| since + LAST_CALL < *at);
            if tried.iter().any(|(at, profile)| profile.as_str() == name && late(at)) {
                return Err(format!("{now}: {name} is somebody else's, and was called for"));
            }
        }
        Ok(())
    }
}

/// The calls that a role may make in the long run: one for each quarter of the granted life, and as many in vain as the
/// shortest jittered back-off at its cap allows.
fn per_second(world: &World, name: &str) -> f64 {
    let entry = world.config.entry(name).expect("a listed profile");
    let life = world.life.min(entry.duration).min(world.remembered);
    let in_vain = match world.weather {
        Weather::Fine => 0.0,
        Weather::Offline => 1.0 / 15.0,
        Weather::Storm => 1.0 / 30.0,
        Weather::Skewed | Weather::SourceEnded => 1.0 / 15.0,
    };
    let refused = if world.refused.contains(&entry.profile) { 1.0 / 150.0 } else { 0.0 };
    4.0 / life.as_secs_f64() + in_vain + refused
}
