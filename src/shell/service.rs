//! What the service manager is told (sd_notify): ready, reloading, status, watchdog, stopping. Elsewhere it is silent.

use sd_notify::NotifyState;
use std::time::Duration;

/// A connection to whoever started us; every method is a no-op without one.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    watchdog: Option<Duration>,
}

impl Service {
    /// Looks for the service manager.
    pub fn find() -> Self {
        Self { watchdog: sd_notify::watchdog_enabled() }
    }

    /// How often the watchdog wants to hear of us: half of what it was set to.
    pub fn watchdog(self) -> Option<Duration> {
        self.watchdog.map(|interval| interval / 2)
    }

    /// We are up.
    pub fn ready(self) {
        tell(&[NotifyState::Ready]);
    }

    /// We are reading the config again; [`Service::ready`] follows, whether it was taken over or not.
    pub fn reloading(self) {
        // Both in one datagram: systemd takes the time stamp only together with the state.
        if let Ok(stamp) = NotifyState::monotonic_usec_now() {
            tell(&[NotifyState::Reloading, stamp]);
        }
    }

    /// The one line that `systemctl status` shows.
    pub fn status(self, line: &str) {
        tell(&[NotifyState::Status(line)]);
    }

    /// The loop is turning.
    pub fn alive(self) {
        tell(&[NotifyState::Watchdog]);
    }

    /// We are going.
    pub fn stopping(self) {
        tell(&[NotifyState::Stopping]);
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "the service manager does not listen");
    }
}
