//! Whoever asks for something, how often that may be, and the order to stop.

use super::{HOUR, MINUTE, SECOND, states};
use crate::world::{Weather, World, config, entry, profile};
use evertoken::engine::config::model::Mfa;
use evertoken::engine::credentials_file::{Observation, Reason};
use evertoken::engine::keeper::{Attendance, Event};
use evertoken::engine::status::State;
use std::time::Duration;

#[test]
fn a_stop_ends_the_calls_and_stores_what_came_in() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(Duration::from_millis(50));
    world.happen(Event::Stop);
    assert!(!world.keeper.is_settled());
    world.run(SECOND);
    assert!(world.keeper.is_settled());
    assert!(world.left("dev") > HOUR / 2);
    assert_eq!(world.keeper.next_wakeup(world.local()), None);
}

#[test]
fn one_pass_settles_whatever_stands_in_the_way() {
    let mut base = entry("base-mfa", "base");
    base.mfa = Some(Mfa { serial: "arn:aws:iam::111122223333:mfa/me".into(), command: None, unattended: false });
    let config = config([base, entry("under", "@base-mfa"), entry("free", "base"), entry("chained", "@free")]);
    for weather in [Weather::Fine, Weather::Offline, Weather::Storm, Weather::SourceEnded, Weather::Skewed] {
        for wanted in ["under", "free", "chained"] {
            let mut world = World::one_pass(&config, Attendance::Alone);
            world.weather = weather;
            world.run(SECOND);
            assert!(world.arrived.is_empty(), "nothing was asked for yet");
            world.happen(Event::Asked { profiles: vec![profile(wanted)], min_ttl: None, force: false });
            world.run(MINUTE);
            assert!(world.keeper.is_settled(), "{wanted} in {weather:?}");
            let fine = wanted != "under" && matches!(weather, Weather::Fine | Weather::Skewed);
            assert_eq!(world.left(wanted) > HOUR / 2, fine, "{wanted} in {weather:?}");
            let of_wanted = world.keeper.profiles(world.local()).into_iter().find(|known| known.profile == wanted);
            assert_eq!(of_wanted.is_some_and(|known| known.error.is_none()), fine, "{wanted} in {weather:?}");
        }
    }
}

#[test]
fn one_pass_settles_whatever_stands_in_the_section() {
    let reason = || Reason { line: Some(3), text: "line 3 holds long-term keys".into() };
    let config = config([entry("dev", "base"), entry("child", "@dev"), entry("free", "base")]);
    for found in [Observation::Untouchable(reason()), Observation::Foreign(reason()), Observation::NewerFormat] {
        for (asked, forced) in [(vec!["dev"], false), (vec![], true), (vec!["child"], false), (vec!["free"], false)] {
            let mut world = World::one_pass(&config, Attendance::Alone);
            world.files[0].insert(profile("dev"), found.clone());
            world.run(SECOND);
            let profiles = asked.iter().map(|name| profile(name)).collect();
            world.happen(Event::Asked { profiles, min_ttl: None, force: forced });
            world.run(MINUTE);
            assert!(world.keeper.is_settled(), "{asked:?} beside {found:?}");
            assert_eq!(world.keeper.next_wakeup(world.local()), None, "{asked:?} beside {found:?}");
            assert_eq!((world.calls_for("dev"), &world.files[0][&profile("dev")]), (0, &found));
            assert_eq!(world.keeper.state_of(&profile("dev"), world.local()), Some(State::Refused));
            assert_eq!(world.left("free") > HOUR / 2, asked != ["dev"] && asked != ["child"], "{asked:?}");
        }
    }
}

#[test]
fn what_somebody_asked_the_daemon_for_is_tried_until_it_succeeds() {
    let mut world = World::new(&config([entry("dev", "base"), entry("prod", "@dev")]));
    world.run(MINUTE);
    world.weather = Weather::Storm;
    world.happen(Event::Asked { profiles: Vec::new(), min_ttl: None, force: true });
    world.run(5 * SECOND);
    assert_eq!(states(&world), [State::Retrying, State::Retrying]);
    world.weather = Weather::Fine;
    // Long before either is due by itself.
    world.run(2 * MINUTE);
    assert_eq!(states(&world), [State::Fresh, State::Fresh]);
    assert!(world.left("dev") > HOUR - 3 * MINUTE && world.left("prod") > HOUR - 3 * MINUTE);
}

#[test]
fn an_order_before_the_first_look_into_the_store_is_not_forgotten() {
    let config = config([entry("dev", "base")]);
    let mut world = World::new(&config);
    world.run(MINUTE);
    assert_eq!(world.calls_for("dev"), 1);
    for (force, calls) in [(false, 1), (true, 2)] {
        world.restart(&config);
        world.happen(Event::Asked { profiles: Vec::new(), min_ttl: None, force });
        world.run(MINUTE);
        assert_eq!(world.calls_for("dev"), calls, "another one was asked for: {force}");
    }
}

#[test]
fn files_that_change_all_the_time_do_not_make_a_storm_of_calls() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.weather = Weather::Storm;
    for _ in 0..600 {
        world.run(SECOND);
        world.happen(Event::SourcesChanged);
    }
    assert!(world.calls_for("dev") < 60, "{}", world.calls_for("dev"));
}

#[test]
fn whoever_asks_all_the_time_makes_no_storm_of_calls() {
    for (weather, force) in [(Weather::Storm, false), (Weather::Storm, true), (Weather::Fine, true)] {
        let mut world = World::new(&config([entry("dev", "base")]));
        world.weather = weather;
        world.latency = Duration::from_millis(10);
        for _ in 0..60 * 20 {
            world.run(Duration::from_millis(50));
            world.happen(Event::Asked { profiles: vec![profile("dev")], min_ttl: None, force });
        }
        // A second between any two.
        assert!((50..=61).contains(&world.calls_for("dev")), "{weather:?} {force}: {}", world.calls_for("dev"));
    }
}
