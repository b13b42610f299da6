//! A panic in the loop itself: the round is over, the daemon is not. It begins a new one with what stands in the files,
//! after a pause that grows, so that whatever made it fall does not turn into a storm.

use std::time::{Duration, Instant};

/// The first pause; each fall doubles it.
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(300);
/// Whoever stood for so long has fallen for another reason.
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// The falls so far.
#[derive(Debug)]
pub(super) struct Falls {
    first: Duration,
    last: Option<Instant>,
    count: u32,
}

impl Default for Falls {
    fn default() -> Self {
        Self::beginning_with(FIRST)
    }
}

impl Falls {
    /// None yet; the first pause will be that long.
    pub(super) fn beginning_with(first: Duration) -> Self {
        Self { first, last: None, count: 0 }
    }

    /// How long to stay down after one more, at `now` on the stopwatch.
    pub(super) fn pause(&mut self, now: Instant) -> Duration {
        if self.last.replace(now).is_some_and(|last| now.saturating_duration_since(last) >= FORGOTTEN) {
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.first.saturating_mul(1 << (self.count - 1).min(10)).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::{FORGOTTEN, Falls};
    use crate::shell::clock::stopwatch;
    use std::time::Duration;

    #[test]
    fn each_fall_doubles_the_pause_until_it_stood_for_an_hour() {
        let mut falls = Falls::default();
        let start = stopwatch();
        let pauses: Vec<u64> = (0..9).map(|_| falls.pause(start).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(falls.pause(start + FORGOTTEN), Duration::from_secs(5));
    }
}
