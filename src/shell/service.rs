//! What the service manager is told (sd_notify): ready, reloading, status, watchdog, stopping. Elsewhere it is silent.
//! Never waits: a manager that does not read would hold up the loop, and with it every refresh and the order to stop.

use crate::shell::environment::Environment;
use sd_notify::NotifyState;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::io;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
#[cfg(target_os = "linux")]
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The service manager that started us; every method is a no-op without one.
#[derive(Clone, Debug)]
pub struct Service {
    socket: Option<OsString>,
    watchdog: Option<Duration>,
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Delivery {
    /// The manager has it, or there is no manager.
    Done,
    /// The manager has not read what came before; it may do so later.
    Full,
}

impl Service {
    /// Looks for the service manager.
    pub fn find(environment: &Environment) -> Self {
        let socket = environment.get("NOTIFY_SOCKET").map(OsStr::to_owned);
        Self { socket, watchdog: sd_notify::watchdog_enabled() }
    }

    /// How often the watchdog wants to hear of us: half of what it was set to.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog.map(|interval| interval / 2)
    }

    /// We are up.
    pub fn ready(&self) -> Delivery {
        self.tell(&[NotifyState::Ready])
    }

    /// We are reading the config again; [`Service::ready`] follows, whether it was taken over or not.
    pub fn reloading(&self) -> Delivery {
        // Both in one datagram: systemd takes the time stamp only together with the state.
        NotifyState::monotonic_usec_now().map_or(Delivery::Done, |stamp| self.tell(&[NotifyState::Reloading, stamp]))
    }

    /// The one line that `systemctl status` shows.
    pub fn status(&self, line: &str) -> Delivery {
        self.tell(&[NotifyState::Status(line)])
    }

    /// The loop is turning.
    pub fn alive(&self) -> Delivery {
        self.tell(&[NotifyState::Watchdog])
    }

    /// We are going.
    pub fn stopping(&self) -> Delivery {
        self.tell(&[NotifyState::Stopping])
    }

    fn tell(&self, state: &[NotifyState<'_>]) -> Delivery {
        let Some(socket) = &self.socket else { return Delivery::Done };
        let mut message = String::new();
        for line in state {
            // Writing to a String does not fail.
            let _ = writeln!(message, "{line}");
        }
        match send(socket, message.as_bytes()) {
            Ok(()) => Delivery::Done,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Delivery::Full,
            Err(error) => {
                tracing::debug!(%error, "the service manager does not listen");
                Delivery::Done
            }
        }
    }
}

/// sd_notify's own function waits for the manager to read.
fn send(socket: &OsStr, message: &[u8]) -> io::Result<()> {
    let datagrams = UnixDatagram::unbound()?;
    datagrams.set_nonblocking(true)?;
    datagrams.connect_addr(&address(socket)?)?;
    datagrams.send(message).map(drop)
}

/// systemd's own is a path; `@` begins a name that is no file.
#[cfg(target_os = "linux")]
fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(socket),
    }
}

#[cfg(not(target_os = "linux"))]
fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    SocketAddr::from_pathname(socket)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::{Delivery, Service, address};
    use crate::shell::environment::Environment;
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn a_manager_that_does_not_read_holds_nobody_up_and_hears_of_it_later() {
        let name = format!("@evertoken-test-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&address(name.as_ref()).expect("an address")).expect("a socket");
        let service = Service::find(&Environment::from_vars([("NOTIFY_SOCKET", &name)]));
        assert!((0..100_000).any(|_| service.status("fresh") == Delivery::Full), "a queue without an end");
        assert_eq!(service.ready(), Delivery::Full);
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).expect("a message");
        assert_eq!(&buffer[..length], b"STATUS=fresh\n");
        assert_eq!(service.ready(), Delivery::Done);
        drop(manager);
        assert_eq!(service.ready(), Delivery::Done, "there is nobody to try it again for");
    }
}
