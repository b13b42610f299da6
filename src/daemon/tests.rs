#![expect(clippy::disallowed_methods, reason = "a home of its own for each test")]

use super::herald::Config as Taken;
use super::{Alarm, End, Falls, Herald, HookRunner, Hooks, Round, Service, Signals, Station, Watcher, clock};
use crate::engine::invocation::Invocation;
use crate::shell::config_file;
use crate::shell::environment::Environment;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/network/root.pem");
const CONFIG: &str = r#"
[network]
ca_bundle = "~/corp.pem"

[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/dev"
source_profile = "base"
"#;

/// A round over what stands in this home.
async fn round(home: &Path) -> Round {
    let config = home.join("config.toml");
    fs::copy(CERTIFICATE, home.join("corp.pem")).expect("copied");
    fs::write(&config, CONFIG).expect("written");
    let environment = Arc::new(Environment::from_vars([("HOME", home)]));
    let loaded = config_file::load(&environment, &config).expect("a config");
    let hooks = HookRunner::new(Hooks::default(), Arc::clone(&environment));
    let station = Station::open(environment, loaded).expect("a station");
    let instance = station.hold_instance().await.expect("the lock");
    let herald = Herald::new(Service::find(&Environment::default()), Invocation::default());
    Round::new(station, herald, clock::now(), instance, hooks)
}

#[tokio::test]
async fn whoever_cannot_get_up_yet_tries_again() {
    let home = tempfile::tempdir().expect("a home");
    let bundle = home.path().join("corp.pem");
    let mut round = round(home.path()).await;
    let mut signals = Signals::install().expect("signals");
    fs::remove_file(&bundle).expect("removed");
    let mut falls = Falls::beginning_with(Duration::from_millis(10));
    let mended = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        fs::copy(CERTIFICATE, &bundle).expect("copied");
    };
    let (ended, ()) = tokio::join!(round.get_up(&mut signals, &mut falls), mended);
    assert!(matches!(ended, Ok(End::Reopen(_))));
}

#[tokio::test]
async fn a_reload_that_was_asked_for_in_a_pause_of_the_start_is_answered() {
    for turned_down in [false, true] {
        let home = tempfile::tempdir().expect("a home");
        let mut round = round(home.path()).await;
        if turned_down {
            round.herald.reloaded(Taken::Broken);
        } else {
            round.herald.reloading();
        }
        let (mut signals, mut watcher) = (Signals::install().expect("signals"), Watcher::new());
        let mut alarm = Alarm::capped();
        for seconds in 2..6 {
            let turn = round.turn(&mut signals, &mut watcher, &mut alarm);
            assert!(tokio::time::timeout(Duration::from_secs(seconds), turn).await.is_err(), "nothing has ended it");
            if !round.herald.waits_for_a_config() {
                break;
            }
        }
        assert!(!round.herald.waits_for_a_config(), "turned down before: {turned_down}");
    }
}
