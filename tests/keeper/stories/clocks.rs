//! Lids, virtual machines and hands that set the clock.

use super::{HOUR, MINUTE, SECOND, states};
use crate::world::{START, Weather, World, config, entry, keys, profile, published};
use evertoken::engine::credentials_file::Observation;
use evertoken::engine::keeper::{Attendance, Event, Keeper, Mode, NoticeKind};
use evertoken::engine::session::{Session, SettingsDigest};
use evertoken::engine::status::State;
use evertoken::engine::time::{Skew, WallTime};
use std::time::Duration;

#[test]
fn a_night_in_a_bag_ends_with_quick_retries() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    world.weather = Weather::Offline;
    world.suspend(9 * HOUR);
    world.run(4 * SECOND);
    world.weather = Weather::Fine;
    world.run(5 * SECOND);
    assert!(world.left("dev") > HOUR / 2);
}

#[test]
fn a_call_that_was_under_way_when_the_lid_was_closed_is_not_waited_for() {
    for asleep in [20 * SECOND, 9 * HOUR] {
        let mut world = World::new(&config([entry("dev", "base"), entry("prod", "@dev")]));
        world.latency = 10 * MINUTE;
        world.run(SECOND);
        assert!(world.arrived.len() == 1 && world.read("dev").is_none());
        world.latency = SECOND / 10;
        world.suspend(asleep);
        world.run(2 * SECOND);
        assert!(world.left("dev") > HOUR / 2 && world.left("prod") > HOUR / 2, "after {asleep:?}");
        assert_eq!(world.told_of(NoticeKind::Failed).len(), 0, "{:?}", world.told);
    }
}

#[test]
fn a_network_that_comes_back_within_a_minute_of_the_resume_is_used_within_two_seconds() {
    for back in [1, 3, 10, 30, 55] {
        let mut world = World::new(&config([entry("dev", "base"), entry("prod", "@dev"), entry("ops", "base")]));
        world.run(MINUTE);
        world.weather = Weather::Offline;
        world.suspend(9 * HOUR);
        world.run(back * SECOND);
        world.weather = Weather::Fine;
        world.run(2 * SECOND);
        for name in ["dev", "prod", "ops"] {
            assert!(world.left(name) > HOUR / 2, "{name} after {back} s without a network");
        }
    }
    // Once the minute is over, patience returns.
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    world.weather = Weather::Offline;
    world.suspend(9 * HOUR);
    let awake = world.keeper.clone();
    world.run(2 * MINUTE);
    assert_ne!(awake, world.keeper);
    let next = world.keeper.next_wakeup(world.local()).expect("another try");
    assert!(next > world.local() && next <= world.local() + 30 * SECOND);
    let tries = world.keeper.profiles(world.local())[0].error.as_ref().map(|error| error.attempts);
    assert!(tries.is_some_and(|tries| (40..70).contains(&tries)), "{tries:?}");
}

#[test]
fn a_clock_that_is_put_right_after_a_pause_that_it_had_not_counted_leaves_no_dead_session() {
    let mut world = World::new(&config([entry("dev", "base"), entry("prod", "@dev")]));
    world.run(MINUTE);
    let calls = world.arrived.len();
    world.pause(9 * HOUR);
    world.run(2 * SECOND);
    assert!(world.left("dev") > HOUR / 2 && world.left("prod") > HOUR / 2);
    assert_eq!((world.arrived.len() - calls, world.keeper.skew()), (2, Skew::default()));
}

#[test]
fn a_clock_that_is_put_right_by_what_was_known_to_be_wrong_costs_no_call() {
    for ahead in [-7200, 7200] {
        let mut world = World::new(&config([entry("dev", "base")]));
        world.ahead = Skew::from_millis(ahead * 1000);
        world.run(10 * MINUTE);
        let calls = world.arrived.len();
        world.set_clock(Skew::from_millis(-ahead * 1000));
        world.run(5 * MINUTE);
        assert_eq!((world.arrived.len(), world.keeper.skew()), (calls, Skew::default()), "{ahead} s ahead");
    }
}

#[test]
fn whoever_asks_on_a_machine_with_a_wrong_clock_gets_fresh_sessions_all_the_same() {
    let list = config([entry("dev", "base"), entry("prod", "@dev"), entry("ops", "base")]);
    for mode in [Mode::Daemon, Mode::OnePass] {
        let mut world = World::new(&list);
        world.run(MINUTE);
        let issued = world.now;
        world.keeper = Keeper::new(&list, mode, Attendance::Alone);
        world.run(SECOND);
        world.ahead = Skew::from_millis(3_600_000);
        world.stale = 2;
        world.happen(Event::Asked { profiles: Vec::new(), min_ttl: None, force: true });
        world.run(5 * SECOND);
        for name in ["dev", "prod", "ops"] {
            assert!(world.read(name).is_some_and(|session| session.issued >= issued), "{name} in {mode:?}");
        }
        if mode == Mode::Daemon {
            assert_eq!(states(&world), [State::Fresh; 3]);
        }
        // Who is refused for the date again and again has another trouble.
        world.stale = 100;
        world.happen(Event::Asked { profiles: Vec::new(), min_ttl: None, force: true });
        world.run(MINUTE);
        assert!(world.stale > 70, "{} calls", 100 - world.stale);
    }
}

#[test]
fn a_clock_that_was_set_back_while_nobody_watched_is_not_believed() {
    let config = config([entry("dev", "base")]);
    let mut world = World::new(&config);
    world.run(MINUTE);
    // The machine starts again after two hours, with its clock three hours behind and the skew forgotten.
    world.now = world.now + 2 * HOUR;
    world.ahead = Skew::from_millis(-3 * 3_600_000);
    world.keeper = Keeper::new(&config, Mode::Daemon, Attendance::Alone);
    world.weather = Weather::Offline;
    world.run(SECOND);
    assert!((3500..=3600).contains(&world.keeper.skew().seconds()), "{:?}", world.keeper.skew());
    // That is the least; how much it really is only STS can tell.
    world.weather = Weather::Fine;
    world.run(5 * SECOND);
    assert!(world.left("dev") >= HOUR / 2, "{:?}", world.left("dev"));
    assert_eq!(world.keeper.skew().seconds(), 3 * 3600);

    // A clock that was set back while nobody watched: the session looks fresh and has ended.
    world.run(25 * MINUTE);
    world.now = world.now + 2 * HOUR;
    world.ahead = Skew::from_millis(-2 * 3_600_000);
    world.keeper = Keeper::new(&config, Mode::Daemon, Attendance::Alone).doubting_the_clock();
    world.weather = Weather::Offline;
    world.run(MINUTE);
    assert!(!world.keeper.knows_the_clock());
    world.weather = Weather::Fine;
    world.run(30 * SECOND);
    assert!(world.left("dev") >= HOUR / 2 && world.keeper.knows_the_clock());

    // A session that ends before it was issued is nobody's witness.
    let mut session = world.read("dev").cloned().expect("a session");
    session.issued = session.expiration + HOUR;
    let mut world = World::new(&config);
    world.weather = Weather::Offline;
    world.files[0].insert(profile("dev"), Observation::Ours(Box::new(session)));
    world.run(SECOND);
    assert_eq!(world.keeper.skew(), Skew::default());
}

#[test]
fn a_clock_that_is_set_makes_neither_a_storm_nor_a_gap() {
    for by in [-9 * 3600, -3600, 3600, 9 * 3600] {
        let mut world = World::new(&config([entry("dev", "base"), entry("prod", "@dev")]));
        world.run(10 * MINUTE);
        let calls = world.arrived.len();
        world.set_clock(Skew::from_millis(by * 1000));
        world.run(5 * MINUTE);
        // Set forward it could have been put right after a pause: STS is asked once, and its `Date` settles that.
        assert_eq!(world.arrived.len(), calls + usize::from(by > 0), "a step of {by} s");
        for _ in 0..600 {
            world.run(MINUTE);
            assert!(world.left("dev") >= HOUR / 2 - SECOND, "a step of {by} s at {}", world.now);
        }
    }
}

#[test]
fn a_machine_whose_clock_is_hours_off_learns_the_time_of_sts() {
    for ahead in [-7200, 7200] {
        let mut world = World::new(&config([entry("dev", "base")]));
        world.ahead = Skew::from_millis(ahead * 1000);
        world.run(10 * SECOND);
        for _ in 0..300 {
            world.run(MINUTE);
            assert!(world.left("dev") >= HOUR / 2 - SECOND, "{ahead} s ahead at {}", world.now);
        }
        assert!(world.calls_for("dev") < 15, "{}", world.calls_for("dev"));
    }
}

#[test]
fn a_wait_is_as_long_as_before_when_the_clock_is_set_meanwhile() {
    for by in [-9 * 3600, 9 * 3600] {
        let mut world = World::new(&config([entry("dev", "base")]));
        world.refused.insert(profile("dev"));
        world.run(SECOND);
        world.set_clock(Skew::from_millis(by * 1000));
        world.run(MINUTE);
        assert_eq!(world.calls_for("dev"), 1, "a step of {by} s");
        world.refused.clear();
        world.run(5 * MINUTE);
        assert!(world.left("dev") > HOUR / 2, "a step of {by} s");
    }
}

#[test]
fn a_wakeup_that_is_asked_for_late_is_not_forgotten() {
    // The loop had something else to do meanwhile that was no event for the keeper, such as a config that says the same.
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    let due = world.keeper.next_wakeup(world.local()).expect("a refresh");
    assert_eq!(world.keeper.next_wakeup(due), Some(due));
    assert_eq!(world.keeper.next_wakeup(due + HOUR), Some(due));
    world.weather = Weather::Offline;
    world.run(HOUR / 2);
    let again = world.keeper.next_wakeup(world.local()).expect("another try");
    assert_eq!(world.keeper.next_wakeup(again + HOUR), Some(again));
}

#[test]
fn a_resume_forgets_how_long_the_waits_had_become() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    world.weather = Weather::Offline;
    world.run(50 * MINUTE);
    world.suspend(9 * HOUR);
    world.run(2 * SECOND);
    world.weather = Weather::Fine;
    world.run(5 * SECOND);
    assert!(world.left("dev") > HOUR / 2);
}

#[test]
fn a_clock_that_is_set_forward_takes_no_session_away_that_is_off_the_list() {
    let mut world = World::new(&config([entry("dev", "base"), entry("gone", "base")]));
    world.run(MINUTE);
    world.reload(config([entry("dev", "base")]));
    world.weather = Weather::Offline;
    world.set_clock(Skew::from_millis(9 * 3_600_000));
    world.run(10 * MINUTE);
    assert!(world.left("gone") > HOUR / 2, "it lives for nearly an hour yet, by the clock of STS");
    world.weather = Weather::Fine;
    world.run(MINUTE);
    assert!(world.left("gone") > HOUR / 2);
    world.run(HOUR);
    assert!(world.read("gone").is_none());
}

#[test]
fn a_session_that_was_found_under_the_lock_tells_not_how_old_it_is() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(25 * MINUTE);
    // Nobody can read the file when the daemon comes up under a clock that is hours behind; a moment later it can be read.
    world.torn = true;
    world.restart_under_other_clock(&config([entry("dev", "base")]), Skew::from_millis(-6 * 3_600_000));
    world.run(SECOND);
    world.torn = false;
    world.observe();
    world.run(20 * MINUTE);
    assert!(world.left("dev") >= HOUR / 2 - SECOND, "{:?}", world.left("dev"));
    assert!(world.calls_for("dev") <= 4, "{}", world.calls_for("dev"));
}

#[test]
fn a_mark_from_the_future_that_stays_is_asked_about_once() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    // Undone so often that it is left standing for some minutes.
    for _ in 0..4 {
        let mut forged = world.read("dev").cloned().expect("a session");
        forged.issued = forged.expiration - SECOND;
        world.write("dev", forged);
        world.run(10 * SECOND);
    }
    let calls = world.calls_for("dev");
    for _ in 0..8 {
        world.observe();
        world.run(10 * SECOND);
    }
    assert_eq!(world.calls_for("dev"), calls);
    world.run(10 * MINUTE);
    assert!(world.left("dev") >= HOUR / 2);
}

#[test]
fn what_is_to_be_said_is_said_though_the_clock_is_set_back_meanwhile() {
    let mut world = World::new(&config([entry("dev", "base"), entry("slow", "lender")]));
    world.hanging = Some(("lender", HOUR));
    world.refused.insert(profile("dev"));
    world.run(SECOND / 2);
    assert!(world.told.is_empty());
    world.set_clock(Skew::from_millis(-3_600_000));
    world.run(2 * SECOND);
    assert_eq!(world.told_of(NoticeKind::Failed).len(), 1, "{:?}", world.told);
}

#[test]
fn a_list_without_roles_learns_the_time_from_whoever_gives_its_sessions() {
    let all = config([published("dev", "lender"), published("gone", "lender")]);
    let mut world = World::new(&all);
    world.run(MINUTE);
    // Our clock is hours behind: a session of an hour would seem to live for many.
    world.restart_under_other_clock(&config([published("dev", "lender")]), Skew::from_millis(-5 * 3_600_000));
    for _ in 0..6 {
        world.run(HOUR / 2);
        assert!(world.left("dev") + SECOND >= HOUR / 2, "{:?}", world.left("dev"));
    }
    assert!(world.read("gone").is_none(), "it is off the list and ended hours ago");
}

#[test]
fn an_issue_that_is_still_to_come_is_believed_of_nobody_once_the_time_is_known() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.ahead = Skew::from_millis(4_448_000);
    world.run(23 * MINUTE);
    // Somebody edits what stands there again and again, also while it is not written again.
    for _ in 0..9 {
        let there = world.read("dev").cloned().expect("a session");
        let forged = Session { issued: there.expiration - SECOND, ..there };
        world.files[0].insert(profile("dev"), Observation::Ours(Box::new(forged)));
        world.run(Duration::from_millis(60));
        world.observe();
        world.run(Duration::from_millis(10_340));
    }
    world.run(6 * MINUTE);
    let end = world.now + 2 * HOUR;
    while let Some(next) = world.upcoming(end) {
        world.go_to(next);
        assert!(world.left("dev") >= 29 * MINUTE, "{}: {:?}", world.now, world.read("dev"));
    }
}

/// What a person makes of our mark who gives old keys an end that suits him.
fn forged(world: &World, end: WallTime) -> Session {
    let there = world.read("dev").cloned().expect("a session");
    Session { keys: keys("ASIA0000000000000OLD"), issued: end - SECOND, expiration: end, ..there }
}

#[test]
fn an_issue_that_is_still_to_come_makes_no_call_needless() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    let forged = forged(&world, START + 12 * HOUR);
    world.write("dev", forged.clone());
    world.run(5 * MINUTE);
    assert!(world.left("dev") >= HOUR / 2);
    // It stands there again when the next call is due, and nobody has told of it.
    world.files[0].insert(profile("dev"), Observation::Ours(Box::new(forged)));
    world.run(HOUR);
    assert!(world.read("dev").is_some_and(|there| there.issued <= world.now), "{:?}", world.read("dev"));
    assert!(world.left("dev") >= HOUR / 2 - SECOND, "{:?}", world.read("dev"));
}

#[test]
fn an_issue_that_is_still_to_come_is_replaced_though_the_call_that_told_the_time_was_refused() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    let forged = forged(&world, START + 12 * HOUR);
    world.refused.insert(profile("dev"));
    world.write("dev", forged);
    world.run(5 * MINUTE);
    assert!(world.calls_for("dev") > 1, "STS was asked for the time");
    world.refused.clear();
    world.run(HOUR);
    assert!(world.read("dev").is_some_and(|there| there.issued <= world.now), "{:?}", world.read("dev"));
    assert!(world.left("dev") >= HOUR / 2 - SECOND, "{:?}", world.read("dev"));
}

#[test]
fn an_issue_that_is_still_to_come_does_not_outlast_what_a_source_gives() {
    let mut world = World::new(&config([published("dev", "lender"), entry("other", "base")]));
    world.run(MINUTE);
    let forged = forged(&world, START + 12 * HOUR);
    world.write("dev", forged);
    world.run(HOUR);
    assert!(world.read("dev").is_some_and(|there| there.issued <= world.now), "{:?}", world.read("dev"));
}

#[test]
fn what_has_ended_takes_no_place_of_a_session_whose_mark_somebody_edited() {
    let mut world = World::new(&config([entry("dev", "base"), entry("other", "base")]));
    world.run(MINUTE);
    world.refused.insert(profile("dev"));
    world.run(2 * HOUR);
    let digest = SettingsDigest::parse("ff").expect("hex");
    let theirs = Session { digest, ..forged(&world, world.now.whole_seconds() + HOUR) };
    world.write("dev", theirs.clone());
    for _ in 0..10 {
        world.run(10 * SECOND);
        world.observe();
        assert_eq!(world.read("dev"), Some(&theirs), "{}", world.now);
    }
    world.refused.clear();
    world.run(HOUR);
    assert!(world.read("dev").is_some_and(|there| there.issued <= world.now), "{:?}", world.read("dev"));
}
