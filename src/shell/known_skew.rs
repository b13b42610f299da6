//! The skew that an earlier run has learned, kept beside what tells whether this machine's clock was set since: a skew
//! of another clock would make sessions look fresher than they are. Never trusted beyond that.

use crate::engine::time::{Skew, WallTime};
use crate::shell::clock;
use crate::shell::files::{FileError, replace_private, snapshot};
use crate::shell::places::Places;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// The wall clock and the time since boot are read one after the other; a difference above this is a clock that was set.
const SAME: Duration = Duration::from_secs(1);
/// A clock that is behind by less makes no session look so fresh that it would matter.
const MATTERS: Duration = Duration::from_secs(30);

/// What is known of the clocks at the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recalled {
    /// How far STS is ahead; zero when nothing is known.
    pub skew: Skew,
    /// Whether the clock may be behind by what nobody knows for sure: it was set, or the machine was started anew, while
    /// nobody watched. Sessions may look fresher than they are.
    pub may_be_behind: bool,
}

/// What stands in `clock.json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Recorded {
    /// Which boot of the machine, where it has a name.
    boot: Option<String>,
    /// When it booted by the wall clock, in milliseconds since the epoch. Changes only when the clock is set.
    booted: i64,
    /// In milliseconds.
    skew: i64,
}

/// Writes the skew down when something about it has changed, and reads what was written down.
#[derive(Debug, Default)]
pub struct KnownSkew {
    written: Option<Recorded>,
}

impl KnownSkew {
    /// Writes it down, unless it stands there already.
    ///
    /// # Errors
    /// The step that failed; the old one is whole.
    pub fn record(&mut self, places: &Places, skew: Skew) -> Result<(), FileError> {
        let now = Recorded { boot: boot(), booted: booted().unix_millis(), skew: skew.millis() };
        if self.written.as_ref().is_some_and(|written| written.skew == now.skew && written.is_of(&now)) {
            return Ok(());
        }
        let Ok(mut bytes) = serde_json::to_vec(&now) else { return Ok(()) };
        bytes.push(b'\n');
        places.ensure_state()?;
        replace_private(&places.clock_file(), &bytes)?;
        self.written = Some(now);
        Ok(())
    }
}

impl Recorded {
    fn is_of(&self, now: &Self) -> bool {
        let between = Skew::between(WallTime::from_unix_millis(self.booted), WallTime::from_unix_millis(now.booted));
        self.boot == now.boot && between.magnitude() <= SAME
    }

    /// How far the clock may be behind now. In one boot it is what is left of the skew after the clock was set; whether
    /// somebody has put it right before the next one, nobody tells.
    fn behind(&self, now: &Self) -> Skew {
        let set_by =
            if self.boot.is_some() && self.boot == now.boot { now.booted.saturating_sub(self.booted) } else { 0 };
        Skew::from_millis(self.skew.saturating_sub(set_by))
    }
}

/// What an earlier run has learned, as far as it still holds.
pub fn recall(places: &Places) -> Recalled {
    let recorded = snapshot::read(&places.clock_file())
        .ok()
        .and_then(|snapshot| serde_json::from_slice::<Recorded>(&snapshot.bytes).ok());
    let Some(recorded) = recorded else { return Recalled::default() };
    let now = Recorded { boot: boot(), booted: booted().unix_millis(), skew: 0 };
    if recorded.is_of(&now) {
        return Recalled { skew: Skew::from_millis(recorded.skew), may_be_behind: false };
    }
    let behind = recorded.behind(&now);
    let may_be_behind = behind > Skew::default() && behind.magnitude() > MATTERS;
    Recalled { skew: Skew::default(), may_be_behind }
}

/// When this machine booted, by what its wall clock says now.
fn booted() -> WallTime {
    let (wall, passed) = clock::now_and_passed();
    wall - passed
}

fn boot() -> Option<String> {
    let snapshot = snapshot::read(Path::new("/proc/sys/kernel/random/boot_id")).ok()?;
    let text = std::str::from_utf8(&snapshot.bytes).ok()?;
    Some(text.trim().to_owned()).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{KnownSkew, Recalled, Recorded, recall};
    use crate::engine::time::Skew;
    use crate::shell::environment::Environment;
    use crate::shell::files::{replace_private, snapshot};
    use crate::shell::places::Places;

    #[test]
    fn a_skew_is_believed_as_long_as_nobody_has_set_the_clock() {
        let home = tempfile::tempdir().expect("a folder");
        let environment = Environment::from_vars([("HOME", home.path())]);
        let places = Places::find(&environment, None, None).expect("places");
        assert_eq!(recall(&places), Recalled::default());

        let mut known = KnownSkew::default();
        let skew = Skew::from_millis(3_600_000);
        known.record(&places, skew).expect("recorded");
        assert_eq!(recall(&places), Recalled { skew, may_be_behind: false });

        let bytes = snapshot::read(&places.clock_file()).expect("read").bytes;
        let recorded: Recorded = serde_json::from_slice(&bytes).expect("what was written");
        // As it would stand there, had the clock been set by so many seconds since, and in an earlier boot.
        for (ahead, by, same_boot, believed, behind) in [
            (3600, 0, true, true, false),
            (3600, -20, true, false, true),
            (3600, -3600, true, false, true),
            (3600, 3000, true, false, true),
            (3600, 3600, true, false, false),
            (3600, 7200, true, false, false),
            (3600, 0, false, false, true),
            (0, -20, true, false, false),
            (0, -60, true, false, true),
            (0, 0, false, false, false),
            (-3600, -3600, true, false, false),
            (-3600, 0, false, false, false),
        ] {
            let boot = if same_boot { recorded.boot.clone() } else { Some("another".to_owned()) };
            let old = Recorded { boot, booted: recorded.booted - by * 1000, skew: ahead * 1000 };
            replace_private(&places.clock_file(), &serde_json::to_vec(&old).expect("bytes")).expect("written");
            let expected = Recalled { skew: if believed { skew } else { Skew::default() }, may_be_behind: behind };
            assert_eq!(recall(&places), expected, "ahead by {ahead} s, set by {by} s, same boot: {same_boot}");
        }

        // It is written again only when something has changed.
        known.record(&places, skew).expect("nothing to do");
        assert_eq!(recall(&places).skew, Skew::default());
        known.record(&places, Skew::from_millis(5000)).expect("recorded");
        assert_eq!(recall(&places).skew, Skew::from_millis(5000));
    }
}
