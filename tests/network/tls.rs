//! TLS on loopback in front of a server that speaks plain HTTP, with a certificate that only `root.pem` vouches for (see
//! `make`).

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file of this folder.
pub(crate) fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/network").join(name)
}

/// Speaks TLS in front of `behind` (`http://host:port`), for as long as the process lives.
pub(crate) fn in_front_of(behind: &str) -> SocketAddr {
    let chain = vec![CertificateDer::from_pem_file(certificate("server.pem")).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_file(certificate("server.key")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a server");
    let config = Arc::new(config);
    let behind = behind.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (config, behind) = (Arc::clone(&config), behind.clone());
            std::thread::spawn(move || {
                let connection = ServerConnection::new(config).expect("a connection");
                let mut tls = StreamOwned::new(connection, stream);
                // Whoever does not trust us ends it here.
                while let Some(request) = message(&mut tls) {
                    let mut server = TcpStream::connect(&behind).expect("the server");
                    server.write_all(&request).expect("sent");
                    let Some(answer) = message(&mut server) else { break };
                    if tls.write_all(&answer).and_then(|()| tls.flush()).is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

/// A request or an answer: its head, and as much as its `content-length` says. `None` when none comes.
pub(crate) fn message(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut some = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                return Some(bytes);
            }
        }
        match stream.read(&mut some) {
            Ok(length @ 1..) => bytes.extend_from_slice(&some[..length]),
            Ok(0) | Err(_) => return None,
        }
    }
}
