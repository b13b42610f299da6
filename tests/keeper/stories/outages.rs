//! STS and sources in trouble: what is told, who waits for whom, and how it goes on afterwards.

use super::{HOUR, MINUTE, SECOND, states};
use crate::world::{START, Weather, World, config, entry, keys, profile, published};
use evertoken::engine::config::model::Source;
use evertoken::engine::keeper::{Event, NoticeKind};
use evertoken::engine::status::State;

#[test]
fn an_outage_takes_nothing_away_and_is_told_once() {
    let mut world = World::new(&config((0..20).map(|n| entry(&format!("role{n}"), "base"))));
    world.run(MINUTE);
    let before = world.arrived.len();
    world.weather = Weather::Offline;
    world.run(45 * MINUTE);
    assert!((0..20).all(|n| world.left(&format!("role{n}")) > 10 * MINUTE));
    assert_eq!(world.told_of(NoticeKind::Failed).len(), 1, "{:?}", world.told_of(NoticeKind::Failed));
    assert_eq!(world.told_of(NoticeKind::Failed)[0].profiles.len(), 20);
    world.weather = Weather::Fine;
    world.run(31 * SECOND);
    assert_eq!(world.arrived.len(), before + 20);
    assert_eq!(states(&world), [State::Fresh; 20]);
    assert_eq!(world.told_of(NoticeKind::Recovered).iter().map(|notice| notice.profiles.len()).sum::<usize>(), 20);
}

#[test]
fn a_refused_role_is_asked_for_rarely_and_holds_nobody_up() {
    let mut world = World::new(&config([entry("no", "base"), entry("yes", "base")]));
    world.refused.insert(profile("no"));
    world.run(24 * HOUR);
    assert!((20..=50).contains(&world.calls_for("no")), "{}", world.calls_for("no"));
    assert!(world.left("yes") >= HOUR / 2);
    assert_eq!(states(&world), [State::Refused, State::Fresh]);
    assert_eq!(world.told_of(NoticeKind::Failed).len(), 1);
    // Somebody mends the trust and says so.
    world.refused.clear();
    world.happen(Event::Asked { profiles: vec![profile("no")], min_ttl: None, force: false });
    world.run(2 * SECOND);
    assert_eq!(states(&world), [State::Fresh, State::Fresh]);
}

#[test]
fn sources_that_hang_do_not_hold_up_the_others() {
    let hanging = (0..40).map(|n| entry(&format!("slow{n}"), &format!("hanging{n}")));
    let others = (0..40).map(|n| entry(&format!("dev{n}"), &format!("base{n}")));
    let mut world = World::new(&config(hanging.chain(others)));
    world.hanging = Some(("hanging", 15 * SECOND));
    // Eight at once are waited for, for two seconds: forty take five times as long.
    world.run(11 * SECOND);
    assert!((0..40).all(|n| world.left(&format!("dev{n}")) > HOUR / 2), "{:?}", states(&world));
    // And so it stays, hour after hour, whenever they are tried again.
    for _ in 0..3 * 60 {
        world.run(MINUTE);
        assert!((0..40).all(|n| world.left(&format!("dev{n}")) >= HOUR / 2), "at {}", world.now);
    }
}

#[test]
fn a_source_that_ended_is_one_trouble_and_heals_when_its_file_changes() {
    let mut world = World::new(&config((0..50).map(|n| entry(&format!("role{n}"), "sso"))));
    world.weather = Weather::SourceEnded;
    world.run(HOUR);
    assert!(world.resolved <= 20, "{}", world.resolved);
    assert!(world.arrived.is_empty());
    assert_eq!(world.told_of(NoticeKind::Failed).len(), 1);
    assert_eq!(states(&world), [State::Waiting; 50]);
    world.weather = Weather::Fine;
    world.happen(Event::SourcesChanged);
    world.run(2 * SECOND);
    assert_eq!(states(&world), [State::Fresh; 50]);
}

#[test]
fn after_an_outage_everybody_goes_at_once_again() {
    let names: Vec<String> = (0..16).map(|n| format!("role{n}")).collect();
    let mut world = World::new(&config(names.iter().map(|name| entry(name, "base"))));
    world.run(MINUTE);
    world.weather = Weather::Offline;
    world.run(HOUR);
    world.weather = Weather::Fine;
    world.latency = 5 * SECOND;
    // The longest wait, one call that looks whether STS is back, and two rounds of eight.
    world.run(30 * SECOND + 3 * 5 * SECOND + SECOND);
    assert!(names.iter().all(|name| world.left(name) > HOUR / 2));
}

/// The keeper looks after itself in every test: nobody may wait for nothing.
#[test]
fn whoever_waits_for_its_turn_while_its_source_grows_old_is_not_forgotten() {
    let names: Vec<String> = (0..10).map(|n| format!("role{n}")).collect();
    let config = config(names.iter().map(|name| entry(name, "base")));
    for storm in 1..70 {
        let mut world = World::new(&config);
        world.run(MINUTE);
        world.weather = Weather::Storm;
        world.happen(Event::Asked { profiles: Vec::new(), min_ttl: None, force: true });
        world.run(storm * SECOND);
        world.weather = Weather::Fine;
        // Eight calls at once, and time goes by.
        world.latency = 20 * SECOND;
        for _ in 0..400 {
            world.run(SECOND / 2);
        }
        assert!(states(&world).iter().all(|state| *state == State::Fresh), "{storm} s: {:?}", states(&world));
        assert!(names.iter().all(|name| world.left(name) > HOUR - 4 * MINUTE), "{storm} s");
    }
}

#[test]
fn a_wave_that_fails_together_is_one_failure_and_is_soon_tried_again() {
    let names: Vec<String> = (0..20).map(|n| format!("role{n}")).collect();
    let mut world = World::new(&config(names.iter().map(|name| entry(name, "base"))));
    world.weather = Weather::Storm;
    world.run(4 * SECOND);
    world.weather = Weather::Fine;
    world.run(10 * SECOND);
    assert!(states(&world).iter().all(|state| *state == State::Fresh), "{:?}", states(&world));
}

#[test]
fn source_credentials_do_not_wait_out_an_outage() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.weather = Weather::Offline;
    world.run(HOUR);
    let resolved = world.resolved;
    world.weather = Weather::Fine;
    world.run(MINUTE);
    assert!(world.left("dev") > HOUR / 2);
    assert!(resolved > 50, "resolved afresh all the time, not once before: {resolved}");
}

#[test]
fn a_task_that_panics_is_a_failure_of_that_task_and_the_role_goes_on() {
    // The source, the call and the write, each once and then several in a row.
    for stumbles in 1..8 {
        let mut world = World::new(&config([entry("dev", "base"), entry("prod", "@dev"), entry("ops", "other")]));
        world.run(MINUTE);
        world.to_stumble = stumbles;
        world.happen(Event::Asked { profiles: Vec::new(), min_ttl: None, force: true });
        world.run(MINUTE);
        assert!(!world.told_of(NoticeKind::Failed).is_empty(), "{stumbles}: nobody was told");
        world.run(2 * MINUTE);
        assert_eq!((world.to_stumble, states(&world)), (0, vec![State::Fresh; 3]), "{stumbles}");
        assert!(["dev", "prod", "ops"].iter().all(|name| world.left(name) > HOUR - 4 * MINUTE), "{stumbles}");
    }
}

#[test]
fn a_call_that_panics_is_told_and_not_tried_again_before_its_time() {
    // Nothing but the call can panic: a token needs no source.
    let mut list = entry("dev", "base");
    list.source = Source::WebIdentity("/run/oidc".to_owned());
    let mut world = World::new(&config([list]));
    world.to_stumble = 3;
    world.run(SECOND / 2);
    assert_eq!((world.tried.len(), states(&world)), (1, vec![State::Expired]));
    world.run(MINUTE);
    assert_eq!((world.tried.len(), states(&world)), (4, vec![State::Fresh]));
    assert_eq!(world.told_of(NoticeKind::Failed).len(), 1);
}

#[test]
fn a_published_source_that_works_again_and_gives_the_same_session_is_no_trouble_any_more() {
    let mut world = World::new(&config([published("dev", "lender")]));
    world.lent = Some((keys("ASIALENT"), START + HOUR));
    world.run(MINUTE);
    assert_eq!(states(&world), [State::Fresh]);
    world.weather = Weather::SourceEnded;
    world.run(HOUR / 2);
    assert_eq!((states(&world), world.told_of(NoticeKind::Failed).len()), (vec![State::Waiting], 1));
    world.weather = Weather::Fine;
    world.happen(Event::SourcesChanged);
    world.run(2 * SECOND);
    assert_eq!((states(&world), world.told_of(NoticeKind::Recovered).len()), (vec![State::Fresh], 1));
    assert_eq!(world.read("dev").map(|session| session.expiration), Some(START + HOUR));
}

#[test]
fn a_published_session_that_ends_within_this_second_is_not_written() {
    let mut world = World::new(&config([published("dev", "lender")]));
    world.lent = Some((keys("ASIALENT"), START + SECOND * 9 / 10));
    world.run(SECOND / 2);
    assert_eq!(
        (world.resolved, world.read("dev")),
        (1, None),
        "its mark could not tell that it was issued before its end"
    );
}

#[test]
fn files_that_change_with_each_try_do_not_make_a_storm_of_tries() {
    let mut world = World::new(&config([entry("dev", "base"), entry("ops", "other")]));
    world.weather = Weather::SourceEnded;
    world.run(SECOND);
    for trouble in ["the source", "the role"] {
        let before = (world.resolved, world.tried.len());
        for _ in 0..600 {
            world.run(SECOND);
            world.happen(Event::SourcesChanged);
        }
        let tries = (world.resolved - before.0, world.tried.len() - before.1);
        // Five a minute for each of the two, and what had been tried before the first change.
        assert!(tries.0 <= 2 * 52 && tries.1 <= 2 * 52, "{trouble}: {tries:?}");
        assert!(tries.0 >= 20, "{trouble}: {tries:?}");
        world.weather = Weather::Fine;
        world.refused.extend([profile("dev"), profile("ops")]);
    }
    // A change that comes after all that is heard at once.
    world.run(2 * MINUTE);
    world.refused.clear();
    world.happen(Event::SourcesChanged);
    world.run(2 * SECOND);
    assert_eq!(states(&world), [State::Fresh, State::Fresh]);
}

#[test]
fn a_trouble_that_many_share_is_told_once_though_they_meet_it_one_after_the_other() {
    let mut world = World::new(&config([entry("dev", "base"), entry("ops", "base"), entry("child", "@dev")]));
    world.run(MINUTE);
    // They fall due minutes apart.
    for (name, minutes) in [("ops", 5), ("dev", 9)] {
        world.run(minutes * MINUTE);
        world.happen(Event::Asked { profiles: vec![profile(name)], min_ttl: None, force: true });
        world.run(SECOND);
    }
    world.weather = Weather::Offline;
    world.run(HOUR);
    assert!(
        states(&world).iter().all(|state| matches!(state, State::Retrying | State::Expired)),
        "{:?}",
        states(&world)
    );
    assert_eq!(world.told_of(NoticeKind::Failed).len(), 1, "{:?}", world.told_of(NoticeKind::Failed));
    world.weather = Weather::Fine;
    world.run(2 * MINUTE);
    let recovered: usize = world.told_of(NoticeKind::Recovered).iter().map(|notice| notice.profiles.len()).sum();
    assert_eq!((states(&world), recovered), (vec![State::Fresh; 3], 3));
    // The next one is news again, and so is what is refused to one role after the other.
    world.weather = Weather::Offline;
    world.run(HOUR);
    assert_eq!(world.told_of(NoticeKind::Failed).len(), 2);
    world.weather = Weather::Fine;
    world.run(2 * MINUTE);
    for name in ["ops", "dev"] {
        world.refused.insert(profile(name));
        world.happen(Event::Asked { profiles: vec![profile(name)], min_ttl: None, force: true });
        world.run(MINUTE);
    }
    assert_eq!(world.told_of(NoticeKind::Failed).len(), 4);
}

#[test]
fn a_source_whose_file_could_not_be_read_is_asked_as_soon_as_that_changes() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.unsettled = true;
    // Long enough for waits of minutes.
    world.run(20 * MINUTE);
    let before = world.resolved;
    world.unsettled = false;
    world.happen(Event::SourcesChanged);
    world.run(2 * SECOND);
    assert_eq!((states(&world), world.resolved - before), (vec![State::Fresh], 1));
}
