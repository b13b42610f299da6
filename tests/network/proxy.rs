//! A company's proxy on loopback: it logs each CONNECT, and leads every one of them to the same server.

use super::tls::message;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A proxy; runs for as long as the process lives.
pub(crate) struct Proxy {
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Whatever host it is asked for is `server`.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let log = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&log);
        std::thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let Some(head) = message(&mut client) else { continue };
                let head = String::from_utf8_lossy(&head).into_owned();
                let mut line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
                let password = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("proxy-authorization").then_some(value)
                });
                line.push_str(password.unwrap_or_default());
                let is_connect = line.starts_with("CONNECT ");
                written.lock().expect("no panic").push(line);
                if is_connect {
                    let server = TcpStream::connect(server).expect("the server");
                    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").expect("told");
                    tunnel(&client, &server);
                } else {
                    let _gone = client.write_all(b"HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n");
                }
            }
        });
        Self { address, log }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was asked for: `CONNECT host:port`, and the `Proxy-Authorization` after that, where there was one.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().expect("no panic").clone()
    }
}

fn tunnel(client: &TcpStream, server: &TcpStream) {
    for (from, to) in [(client, server), (server, client)] {
        let (mut from, mut to) = (from.try_clone().expect("a copy"), to.try_clone().expect("a copy"));
        std::thread::spawn(move || {
            // Either side may go at any time.
            let _gone = std::io::copy(&mut from, &mut to);
            let _gone = to.shutdown(std::net::Shutdown::Write);
        });
    }
}
