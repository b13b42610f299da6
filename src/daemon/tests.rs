#![expect(clippy::disallowed_methods, reason = "a home of its own for each test")]

use super::herald::Config as Taken;
use super::reload::Reloads;
use super::{Alarm, Concern, End, Falls, Herald, HookRunner, Hooks, Round, Service, Signals, Station, Watcher, clock};
use crate::engine::invocation::Invocation;
use crate::shell::config_file;
use crate::shell::environment::Environment;
use crate::shell::watch::Watched;
use std::fs;
use std::future::pending;
use std::os::unix::fs::symlink;
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

#[tokio::test]
async fn tokens_stay_watched_while_the_aws_config_cannot_be_looked_into() {
    let home = tempfile::tempdir().expect("a home");
    let [config, token, bundle] = ["config.toml", "token", "corp.pem"].map(|name| home.path().join(name));
    let base = format!(
        "[profile base]\nrole_arn = arn:aws:iam::111122223333:role/base\nweb_identity_token_file = {}\n",
        token.display()
    );
    fs::create_dir(home.path().join(".aws")).expect("a folder");
    fs::write(home.path().join(".aws/config"), base).expect("written");
    fs::copy(CERTIFICATE, bundle).expect("copied");
    fs::write(&config, CONFIG).expect("written");
    let environment = Arc::new(Environment::from_vars([("HOME", home.path())]));
    let loaded = config_file::load(&environment, &config).expect("a config");
    let mut station = Station::open(environment, loaded).expect("a station");
    let watched = Watched { path: token.clone(), concern: Concern::Sources };
    assert!(station.watched().await.contains(&watched));
    station.look_for_tokens(pending()).await;
    assert_eq!(station.tokens, [token]);
}

#[tokio::test]
async fn another_place_is_asked_for_once_until_it_changes() {
    let home = tempfile::tempdir().expect("a home");
    let [config, link, first, second] = ["config.toml", ".aws", "first", "second"].map(|name| home.path().join(name));
    fs::create_dir(&link).expect("a folder");
    fs::write(link.join("credentials"), "").expect("written");
    fs::write(&config, CONFIG).expect("written");
    let environment = Arc::new(Environment::from_vars([("HOME", home.path())]));
    let places = config_file::load(&environment, &config).expect("a config").places;
    fs::write(&config, "broken").expect("written");
    let mut reloads = Reloads::new(&environment, &config);
    for (from, to) in [(&link, &first), (&first, &second)] {
        fs::rename(from, to).expect("moved");
        let _none_yet = fs::remove_file(&link);
        symlink(to, &link).expect("a link");
        // The second one comes while the first one reads.
        reloads.start_if_moved(places.clone());
        reloads.start_if_moved(places.clone());
        let read = tokio::time::timeout(Duration::from_secs(30), reloads.next()).await.expect("an answer");
        assert!(matches!(read, Some(Err(_))), "{to:?}");
        let more = tokio::time::timeout(Duration::from_secs(1), reloads.next()).await;
        assert!(more.is_err(), "{to:?} was asked for twice");
    }
}

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
