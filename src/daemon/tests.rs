#![expect(clippy::disallowed_methods, reason = "a home of its own for each test")]

use super::{End, Falls, Herald, Round, Service, Signals, Station, clock};
use crate::engine::invocation::Invocation;
use crate::shell::config_file;
use crate::shell::environment::Environment;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

const CONFIG: &str = r#"
[network]
ca_bundle = "~/corp.pem"

[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/dev"
source_profile = "base"
"#;

#[tokio::test]
async fn whoever_cannot_get_up_yet_tries_again() {
    let home = tempfile::tempdir().expect("a home");
    let (bundle, config) = (home.path().join("corp.pem"), home.path().join("config.toml"));
    let certificate = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/network/root.pem");
    fs::copy(certificate, &bundle).expect("copied");
    fs::write(&config, CONFIG).expect("written");
    let environment = Arc::new(Environment::from_vars([("HOME", home.path())]));
    let loaded = config_file::load(&environment, &config).expect("a config");
    let station = Station::open(environment, loaded).expect("a station");
    let instance = station.hold_instance().await.expect("the lock");
    let herald = Herald::new(Service::find(&Environment::default()), Invocation::default());
    let mut round = Round::new(station, herald, clock::now(), instance);
    let mut signals = Signals::install().expect("signals");
    fs::remove_file(&bundle).expect("removed");
    let mut falls = Falls::beginning_with(Duration::from_millis(10));
    let mended = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        fs::copy(certificate, &bundle).expect("copied");
    };
    let (ended, ()) = tokio::join!(round.get_up(&mut signals, &mut falls), mended);
    assert!(matches!(ended, Ok(End::Reopen(_))));
}
