//! The only place that asks what time it is, and that wakes on time although laptops sleep and clocks are set.
//!
//! `Instant` and tokio's timers stand still during a suspend. On Linux the alarm is a timerfd on the wall clock, which
//! fires at once on resume and when the clock is set, and causes no wake-up in between. Elsewhere it is a sleep of at
//! most 15 s, after which the wall clock is compared.

#![expect(clippy::disallowed_methods, reason = "this is the one file that may ask the clock")]

use crate::engine::time::{Skew, WallTime};
use jiff::tz::TimeZone;
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::io;
use std::time::{Duration, Instant, SystemTime};

/// The longest sleep where no timer of the kernel follows the wall clock.
const CAP: Duration = Duration::from_secs(15);
/// A jump below this is the adjustment of a clock that is kept by NTP, not one that was set.
const STEP: Duration = Duration::from_secs(1);

/// The wall clock.
pub fn now() -> WallTime {
    let millis = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    };
    WallTime::from_unix_millis(millis)
}

/// The wall clock as finely as it goes, for the time of a file.
pub fn now_to_the_nanosecond() -> SystemTime {
    SystemTime::now()
}

/// Where the clock of the people of this machine hangs.
pub fn zone() -> TimeZone {
    TimeZone::system()
}

/// A point on the clock that counts the time awake: for measuring how long something took, never for a schedule.
pub fn stopwatch() -> Instant {
    Instant::now()
}

/// What happened to the clocks since the last look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Jumps {
    /// How long the machine was suspended.
    pub slept: Duration,
    /// By how much the wall clock was set; positive is forward.
    pub stepped: Skew,
}

/// Three clocks side by side: what one of them did alone tells a suspend from a clock that was set.
#[derive(Clone, Debug)]
pub struct ClockWatch {
    wall: WallTime,
    /// Counts on while the machine is suspended, and is never set.
    passed: Duration,
    /// Stands still while the machine is suspended.
    awake: Instant,
}

impl ClockWatch {
    /// Starts to watch.
    pub fn start() -> Self {
        let (wall, passed) = now_and_passed();
        Self { wall, passed, awake: Instant::now() }
    }

    /// What happened since the last call. Differences below a second are forgotten: the next answer of STS tells them.
    pub fn look(&mut self) -> Jumps {
        let seen = Self::start();
        let passed = seen.passed.saturating_sub(self.passed);
        let slept = passed.saturating_sub(seen.awake.saturating_duration_since(self.awake));
        let stepped = Skew::between(seen.wall, self.wall + passed);
        *self = seen;
        Jumps {
            slept: if slept > STEP { slept } else { Duration::ZERO },
            stepped: if stepped.magnitude() > STEP { stepped } else { Skew::default() },
        }
    }
}

/// The wall clock and the time since boot, suspends included, at one moment: their difference changes only when the
/// clock is set.
pub fn now_and_passed() -> (WallTime, Duration) {
    let mut before = passed();
    // Suspended or held up between two looks they would contradict each other; nobody is so unlucky many times.
    for _ in 0..8 {
        let wall = now();
        let after = passed();
        if after.saturating_sub(before) < Duration::from_millis(100) {
            return (wall, after);
        }
        before = after;
    }
    (now(), before)
}

/// Time since boot, suspends included.
fn passed() -> Duration {
    // Apple's CLOCK_MONOTONIC counts on during sleep; Linux calls that clock CLOCK_BOOTTIME.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::Monotonic;
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    Duration::new(u64::try_from(tv_sec).unwrap_or(0), u32::try_from(tv_nsec).unwrap_or(0))
}

/// Wakes at a point of wall time, and may wake earlier.
#[derive(Debug)]
pub enum Alarm {
    /// A timer of the kernel that follows the wall clock.
    #[cfg(target_os = "linux")]
    Timer(timer::WallTimer),
    /// A sleep that is cut into pieces.
    Capped,
}

impl Alarm {
    /// The best that this platform has. Needs a running tokio runtime.
    pub fn new() -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        return Ok(Self::Timer(timer::WallTimer::new()?));
        #[cfg(not(target_os = "linux"))]
        return Ok(Self::capped());
    }

    /// The one that works everywhere.
    pub const fn capped() -> Self {
        Self::Capped
    }

    /// Waits until `at`; without an `at`, until something happens to the clock, if ever. Waking early is harmless.
    pub async fn wait(&mut self, at: Option<WallTime>) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Timer(timer) => timer.wait(at).await,
            Self::Capped => {
                let left = at.map_or(CAP, |at| now().until(at));
                tokio::time::sleep(left.min(CAP)).await;
                Ok(())
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod timer {
    use super::WallTime;
    use rustix::io::Errno;
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use std::io;
    use std::os::fd::OwnedFd;
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// The year 2200: armed although nothing is due, so that a clock that is set is noticed.
    const NEVER: i64 = 7_258_118_400;

    #[derive(Debug)]
    pub struct WallTimer(AsyncFd<OwnedFd>);

    impl WallTimer {
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Realtime, flags)?;
            #[expect(
                deprecated,
                reason = "its successor is unsafe, for types whose descriptor may change; an OwnedFd keeps its own"
            )]
            let registered = AsyncFd::with_interest(timer, Interest::READABLE)?;
            Ok(Self(registered))
        }

        pub(super) async fn wait(&mut self, at: Option<WallTime>) -> io::Result<()> {
            let millis = at.map_or(NEVER * 1000, |at| at.unix_millis().clamp(1, NEVER * 1000));
            let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
            let value = Timespec { tv_sec: millis.div_euclid(1000), tv_nsec: millis.rem_euclid(1000) * 1_000_000 };
            let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
            match timerfd_settime(self.0.get_ref(), flags, &Itimerspec { it_interval: zero, it_value: value }) {
                // The clock was set since the last look: arming succeeded all the same, and this is a wake-up.
                Err(Errno::CANCELED) => return Ok(()),
                other => other?,
            };
            loop {
                let mut ready = self.0.readable().await?;
                let mut ticks = [0u8; 8];
                match ready.try_io(|timer| rustix::io::read(timer.get_ref(), &mut ticks).map_err(io::Error::from)) {
                    Ok(Ok(_)) => return Ok(()),
                    Ok(Err(error)) if error.raw_os_error() == Some(Errno::CANCELED.raw_os_error()) => return Ok(()),
                    Ok(Err(error)) => return Err(error),
                    Err(_would_block) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Alarm, ClockWatch, Jumps, now};
    use std::time::Duration;

    fn on_runtime<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
    }

    #[test]
    fn both_kinds_of_alarm_wake_at_a_point_of_wall_time() {
        on_runtime(async {
            for mut alarm in [Alarm::new().expect("an alarm"), Alarm::capped()] {
                for ahead in [Duration::from_millis(60), Duration::ZERO] {
                    let at = now() + ahead;
                    while now() < at {
                        alarm.wait(Some(at)).await.expect("a wake-up");
                    }
                }
                let past = now() - Duration::from_secs(3600);
                alarm.wait(Some(past)).await.expect("a wake-up for what is past");
            }
        });
    }

    #[test]
    fn an_alarm_that_was_given_up_can_be_set_anew() {
        on_runtime(async {
            let mut alarm = Alarm::new().expect("an alarm");
            let far = now() + Duration::from_secs(3600);
            let given_up = tokio::time::timeout(Duration::from_millis(20), alarm.wait(Some(far))).await;
            assert!(given_up.is_err());
            alarm.wait(Some(now() + Duration::from_millis(20))).await.expect("a wake-up");
        });
    }

    #[test]
    fn nothing_jumps_while_nobody_sets_a_clock() {
        let mut watch = ClockWatch::start();
        assert_eq!(watch.look(), Jumps::default());
    }
}
