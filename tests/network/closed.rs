//! A port of loopback on which nobody listens: it is held all the while, since one that was merely free a moment ago may be
//! somebody else's by now.

use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpSocket;

/// Connections to it are refused for as long as it lives.
pub(crate) struct ClosedPort(TcpSocket);

impl ClosedPort {
    pub(crate) fn hold() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        Self(socket)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }
}
