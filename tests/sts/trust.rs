//! TLS as a company's proxy does it: with a root of its own, which the CA bundle names. The certificates are made for
//! this test alone and are good for 127.0.0.1.

use super::World;
use evertoken::engine::failure::{Class, Context, Fault, Layer, classify};
use evertoken::shell::http::HttpSettings;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sts/certificates").join(name)
}

/// Speaks TLS in front of the emulator, one request for each connection.
fn tls_in_front_of(emulator: String) -> SocketAddr {
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
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut tls = StreamOwned::new(connection, stream);
            let mut request = vec![0; 16 * 1024];
            // Whoever does not trust us ends it here.
            let Ok(length @ 1..) = tls.read(&mut request) else { continue };
            let mut behind = TcpStream::connect(emulator.trim_start_matches("http://")).expect("the emulator");
            behind.write_all(&request[..length]).expect("sent");
            if request[..length].ends_with(b"\r\n\r\n") {
                // The body comes as a record of its own.
                let more = tls.read(&mut request).expect("the body");
                behind.write_all(&request[..more]).expect("sent");
            }
            let mut answer = [0; 16 * 1024];
            let length = behind.read(&mut answer).expect("an answer");
            let _ = tls.write_all(&answer[..length]);
            let _ = tls.flush();
        }
    });
    address
}

#[tokio::test]
async fn a_root_of_the_company_is_trusted_once_the_bundle_names_it() {
    let mut world = World::with(&HttpSettings { ca_bundle: Some(certificate("root.pem")), ..HttpSettings::default() });
    let address = tls_in_front_of(world.emulator.url());
    world.entry.sts_endpoint = Some(format!("https://{address}"));
    world.call(None).await.expect("trusted");

    let mut stranger = World::new();
    stranger.entry.sts_endpoint = Some(format!("https://{address}"));
    let failed = stranger.call(None).await.expect_err("not trusted");
    assert!(matches!(failed.fault, Fault::Transport { layer: Layer::Tls, .. }), "{failed:?}");
    let judged = classify(&failed.fault, &Context::of(&stranger.entry));
    assert_eq!(judged.class, Class::Unreachable);
    assert!(judged.fix.is_some_and(|fix| fix.contains("ca_bundle")));
}
