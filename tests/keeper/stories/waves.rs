//! Sessions that come and go in time: together, parents first, and never a shorter one.

use super::{HOUR, MINUTE, SECOND, states};
use crate::world::{START, Weather, World, config, entry, profile};
use evertoken::engine::credentials_file::Observation;
use evertoken::engine::keeper::{Event, NoticeKind};
use evertoken::engine::session::SettingsDigest;
use evertoken::engine::status::State;
use evertoken::engine::time::Skew;
use std::time::Duration;

#[test]
fn whoever_reads_finds_half_of_the_life_for_a_whole_day() {
    let mut world = World::new(&config([entry("dev", "base"), entry("prod", "@dev")]));
    world.run(10 * SECOND);
    for _ in 0..24 * 60 {
        world.run(MINUTE);
        assert!(world.left("dev") >= HOUR / 2 && world.left("prod") >= HOUR / 2, "at {}", world.now);
    }
    assert!((50..=60).contains(&world.calls_for("dev")), "{}", world.calls_for("dev"));
    assert_eq!(states(&world), [State::Fresh, State::Fresh]);
}

#[test]
fn parents_go_first_and_children_use_the_new_session() {
    let mut world = World::new(&config([entry("a", "base"), entry("b", "@a"), entry("c", "@b")]));
    world.run(SECOND);
    let order: Vec<&str> = world.arrived.iter().map(|call| call.profile.as_str()).collect();
    assert_eq!(order, ["a", "b", "c"]);
    assert_eq!(world.resolved, 1);
}

#[test]
fn a_restart_with_fresh_sessions_makes_no_call_and_writes_nothing() {
    let config = config([entry("dev", "base"), entry("prod", "@dev")]);
    let mut world = World::new(&config);
    world.run(MINUTE);
    let (calls, writes) = (world.arrived.len(), world.writes);
    world.restart(&config);
    world.run(MINUTE);
    assert_eq!((world.arrived.len(), world.writes), (calls, writes));
    assert_eq!(states(&world), [State::Fresh, State::Fresh]);
    assert_eq!(world.told_of(NoticeKind::Kept).len(), 2);
}

#[test]
fn a_wave_is_one_resolution_and_one_write() {
    let names: Vec<String> = (0..100).map(|n| format!("role{n}")).collect();
    let mut world = World::new(&config(names.iter().map(|name| entry(name, "base"))));
    world.run(MINUTE);
    let (writes, resolved) = (world.writes, world.resolved);
    assert_eq!(world.arrived.len(), 100);
    world.latency = Duration::from_millis(20);
    world.run(HOUR / 2);
    assert_eq!(world.arrived.len(), 200);
    assert_eq!((world.writes - writes, world.resolved - resolved), (1, 1));
}

#[test]
fn a_first_wave_fills_the_first_section_at_once_and_the_others_in_a_few_writes() {
    let names: Vec<String> = (0..100).map(|n| format!("role{n}")).collect();
    let mut world = World::new(&config(names.iter().map(|name| entry(name, "base"))));
    world.latency = Duration::from_millis(20);
    world.run(Duration::from_millis(40));
    assert!(names.iter().any(|name| world.read(name).is_some()));
    // Thirteen times eight calls, in a quarter of a second.
    world.run(SECOND / 2);
    assert!(names.iter().all(|name| world.read(name).is_some()));
    assert!((2..=4).contains(&world.writes), "{}", world.writes);
}

#[test]
fn what_is_gathered_for_the_next_write_does_not_wait_for_a_slow_one() {
    let mut world = World::new(&config([entry("dev", "base"), entry("ops", "base"), entry("slow", "hanging")]));
    world.hanging = Some(("hanging", 15 * SECOND));
    world.run(Duration::from_millis(150));
    assert_eq!((world.writes, world.left("dev") > HOUR / 2, world.left("ops") > HOUR / 2), (1, true, false));
    let wakeup = world.keeper.next_wakeup(world.local()).expect("there is something to be done");
    assert!(wakeup < world.local() + SECOND / 10, "{wakeup}");
    world.run(SECOND / 10);
    assert!(world.left("ops") > HOUR / 2 && world.writes == 2, "{:?}", states(&world));
}

#[test]
fn after_a_change_of_one_role_only_that_role_is_assumed_and_its_session_stays_until_replaced() {
    let old = config([entry("dev", "base"), entry("ops", "base")]);
    let mut changed = entry("ops", "base");
    changed.digest = SettingsDigest::parse("0b").expect("hex");
    let mut world = World::new(&old);
    world.run(MINUTE);
    world.weather = Weather::Offline;
    world.reload(config([entry("dev", "base"), changed]));
    world.run(MINUTE);
    assert!(world.left("ops") > HOUR / 2);
    assert_eq!(states(&world), [State::Fresh, State::Outdated]);
    let trouble = world.keeper.profiles(world.local()).remove(1).error.expect("nobody can be reached");
    assert_eq!(trouble.class, "unreachable");
    world.weather = Weather::Fine;
    world.run(MINUTE);
    assert_eq!((world.calls_for("dev"), world.calls_for("ops")), (1, 2));
    assert_eq!(states(&world), [State::Fresh, State::Fresh]);
}

#[test]
fn a_duration_that_is_too_long_falls_back_to_an_hour_and_is_remembered() {
    let mut long = entry("dev", "base");
    long.duration = 4 * HOUR;
    let config = config([long]);
    let mut world = World::new(&config);
    world.longest = HOUR;
    world.life = 12 * HOUR;
    world.run(MINUTE);
    assert_eq!(world.calls_for("dev"), 2);
    assert_eq!(world.read("dev").and_then(|session| session.allowed), Some(HOUR));
    world.restart(&config);
    world.run(2 * HOUR);
    assert!(world.arrived.iter().skip(1).all(|call| call.granted));
}

#[test]
fn sessions_of_seconds_scale_everything_down() {
    let mut world = World::new(&config((0..20).map(|n| entry(&format!("role{n}"), "base"))));
    world.life = 6 * SECOND;
    world.latency = Duration::from_millis(5);
    world.run(SECOND);
    for _ in 0..600 {
        world.run(Duration::from_millis(100));
        for n in 0..20 {
            assert!(world.left(&format!("role{n}")) > SECOND, "at {}", world.now);
        }
    }
    assert!(world.arrived.len() < 20 * 40, "{}", world.arrived.len());
}

#[test]
fn a_session_that_has_ended_when_it_comes_is_not_believed() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.life = Duration::ZERO;
    world.run(MINUTE);
    assert_eq!((world.read("dev"), world.writes), (None, 0));
    assert_eq!(states(&world), [State::Expired]);
    assert!(world.told_of(NoticeKind::Failed)[0].message.contains("a session that ended at"), "{:?}", world.told);
    world.life = HOUR;
    world.run(HOUR);
    assert_eq!(states(&world), [State::Fresh]);
}

#[test]
fn a_forced_refresh_replaces_no_session_by_a_shorter_one() {
    let mut long = entry("dev", "base");
    long.duration = 8 * HOUR;
    let mut world = World::new(&config([long]));
    world.life = 8 * HOUR;
    world.run(MINUTE);
    let before = world.read("dev").cloned();
    // Somebody lowers the role's maximum.
    world.longest = HOUR;
    world.happen(Event::Asked { profiles: Vec::new(), min_ttl: None, force: true });
    world.run(MINUTE);
    assert_eq!(world.calls_for("dev"), 3);
    assert_eq!((world.read("dev"), states(&world)), (before.as_ref(), vec![State::Fresh]));
    // Nobody goes without, and nobody asks all the time for what would be shorter.
    for _ in 0..24 * 60 {
        world.run(MINUTE);
        assert!(world.left("dev") >= HOUR / 2, "at {}", world.now);
    }
    assert!(world.calls_for("dev") < 60, "{}", world.calls_for("dev"));
}

#[test]
fn a_session_that_was_kept_for_being_longer_is_replaced_once_a_pause_has_ended_it() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    // STS grants less from now on: the next session would end before the one that stands there.
    world.life = HOUR / 4;
    world.run(HOUR / 2);
    assert_eq!(world.calls_for("dev"), 2);
    world.pause(2 * HOUR);
    world.run(2 * SECOND);
    assert!(world.left("dev") > 14 * MINUTE);
}

#[test]
fn a_session_of_the_longest_life_goes_on_after_a_restart_also_by_a_clock_that_is_a_moment_late() {
    let longest = 36 * HOUR;
    let mut long = entry("dev", "base");
    long.duration = longest;
    let config = config([long]);
    let mut world = World::new(&config);
    world.longest = longest;
    world.life = longest;
    world.ahead = Skew::from_millis(-1500);
    world.run(MINUTE);
    assert!(world.read("dev").is_some_and(|session| session.life() > longest));
    world.restart(&config);
    world.run(MINUTE);
    assert_eq!((states(&world), world.calls_for("dev")), (vec![State::Fresh], 1));
}

#[test]
fn a_wave_is_gathered_though_a_result_before_it_had_nothing_to_write() {
    let entries: Vec<_> = (0..20).map(|number| entry(&format!("role-{number}"), "base")).collect();
    let mut world = World::new(&config(entries));
    world.latency = SECOND / 2;
    world.run(MINUTE);
    // Another process makes a session for one of them just before the daemon would.
    let mut theirs = world.read("role-7").cloned().expect("a session");
    world.run(20 * MINUTE);
    theirs.keys.access_key_id = "ASIATHEIRS".to_owned();
    (theirs.issued, theirs.expiration) = (theirs.issued + 20 * MINUTE, theirs.expiration + 20 * MINUTE);
    world.files[0].insert(profile("role-7"), Observation::Ours(Box::new(theirs)));
    world.happen(Event::Asked { profiles: vec![profile("role-7")], min_ttl: None, force: true });
    world.run(SECOND);
    assert_eq!(world.read("role-7").map(|session| session.keys.access_key_id.as_str()), Some("ASIATHEIRS"));
    let (tried, writes) = (world.tried.len(), world.writes);
    while world.tried.len() == tried {
        assert!(world.now < START + 40 * MINUTE, "the wave of the others does not come");
        world.run(SECOND / 10);
    }
    world.run(SECOND);
    assert_eq!(world.writes, writes, "the first results are half a second old");
    world.run(MINUTE);
    assert!(world.read("role-3").is_some_and(|session| session.expiration > START + 80 * MINUTE));
    // Nineteen calls, eight at once, half a second each: one write a second after the first result, one at the end.
    assert_eq!(world.writes - writes, 2);
}
