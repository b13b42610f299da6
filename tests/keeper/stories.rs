//! What the keeper promises, each as a short story on the virtual workstation.

use crate::world::{Weather, World, config, entry, profile};
use evertoken::engine::config::model::{Mfa, Source, StoreKind};
use evertoken::engine::credentials_file::{Observation, Reason};
use evertoken::engine::keeper::{Attendance, Event, Keeper, Mode, NoticeKind};
use evertoken::engine::session::{Session, SettingsDigest};
use evertoken::engine::status::State;
use evertoken::engine::time::Skew;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn states(world: &World) -> Vec<State> {
    world.keeper.profiles(world.local()).into_iter().map(|profile| profile.state).collect()
}

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
    assert_eq!(states(&world), [State::Fresh, State::Retrying]);
    world.weather = Weather::Fine;
    world.run(MINUTE);
    assert_eq!((world.calls_for("dev"), world.calls_for("ops")), (1, 2));
    assert_eq!(states(&world), [State::Fresh, State::Fresh]);
}

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
fn an_undone_write_is_written_again_but_not_for_ever() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    let writes = world.writes;
    for _ in 0..600 {
        world.files[0].clear();
        world.observe();
        world.run(Duration::from_millis(100));
    }
    assert!((3..=8).contains(&(world.writes - writes)), "{}", world.writes - writes);
    assert_eq!(world.calls_for("dev"), 1);
    // Nobody is told that all is well while the file holds something else.
    assert_eq!(states(&world), [State::Retrying]);
    let error = world.keeper.profiles(world.local()).remove(0).error.expect("a trouble");
    assert!(error.class == "store" && error.message.contains("the section is gone"), "{error:?}");
    assert!(error.fix.is_some());
    world.run(10 * MINUTE);
    assert!(world.left("dev") > Duration::ZERO);
    assert_eq!(states(&world), [State::Fresh]);
}

#[test]
fn a_session_that_another_process_had_in_the_same_second_is_taken_over_and_not_fought() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    let writes = world.writes;
    for number in 0..20 {
        let mut theirs = world.read("dev").expect("a session").clone();
        theirs.keys.access_key_id = format!("ASIATHEIRS{number}");
        world.write("dev", theirs.clone());
        world.run(SECOND);
        assert_eq!(world.read("dev"), Some(&theirs));
    }
    assert_eq!(world.writes, writes);
    assert!(world.told_of(NoticeKind::Remark).is_empty());
}

#[test]
fn the_session_that_ours_is_to_replace_is_not_taken_over_though_both_are_of_one_second() {
    let mut world = World::new(&config([entry("dev", "base")]));
    // There is a second between two calls, but the first one took its time.
    world.latency = Duration::from_millis(1100);
    world.run(Duration::from_millis(1200));
    let old = world.read("dev").cloned().expect("a session");
    world.disk_full = true;
    world.latency = Duration::from_millis(100);
    world.happen(Event::Asked { profiles: Vec::new(), min_ttl: None, force: true });
    world.run(Duration::from_millis(300));
    let new = world.keeper.session_of(&profile("dev")).cloned().expect("a session");
    assert_eq!((old.issued, old.expiration), (new.issued, new.expiration), "the story is about one second");
    world.observe();
    assert_eq!(world.keeper.session_of(&profile("dev")), Some(&new));
    assert_eq!(states(&world), [State::Retrying]);
    world.disk_full = false;
    world.run(30 * SECOND);
    assert_eq!((world.read("dev"), world.calls_for("dev")), (Some(&new), 2));
    assert!(world.told_of(NoticeKind::Kept).is_empty());
}

#[test]
fn an_older_session_that_somebody_writes_back_is_replaced_by_ours() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    let old = world.read("dev").cloned().expect("a session");
    world.run(HOUR / 2);
    let new = world.read("dev").cloned().expect("a session");
    assert!(new.issued > old.issued);
    // One that ends later, for the maximum was lowered since, is older all the same.
    for (times, end) in [(1, old.expiration), (2, new.expiration + HOUR)] {
        let written_back = Session { expiration: end, ..old.clone() };
        world.write("dev", written_back);
        world.run(SECOND);
        assert_eq!((world.read("dev"), world.calls_for("dev")), (Some(&new), 2), "{times}");
    }
    assert!(world.told_of(NoticeKind::Kept).is_empty());
}

#[test]
fn a_living_session_for_other_settings_is_replaced_by_ours_without_a_call() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    let ours = world.read("dev").cloned().expect("a session");
    let mut theirs = ours.clone();
    theirs.keys.access_key_id = "ASIATHEIRS".to_owned();
    theirs.digest = SettingsDigest::parse("ff").expect("hex");
    (theirs.issued, theirs.expiration) = (theirs.issued + MINUTE, theirs.expiration + HOUR);
    world.write("dev", theirs);
    world.run(SECOND);
    assert_eq!((world.read("dev"), world.calls_for("dev")), (Some(&ours), 1));
    assert_eq!(states(&world), [State::Fresh]);
}

#[test]
fn a_section_that_is_given_back_with_our_keys_in_it_is_no_trouble_any_more() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    let ours = world.files[0].clone();
    let reason = Reason { line: Some(3), text: "line 3 holds long-term keys".into() };
    world.files[0].insert(profile("dev"), Observation::Untouchable(reason));
    world.observe();
    assert_eq!(states(&world), [State::Refused]);
    world.files[0] = ours;
    world.observe();
    world.run(SECOND);
    assert_eq!((states(&world), world.calls_for("dev")), (vec![State::Fresh], 1));
    assert_eq!(world.told_of(NoticeKind::Recovered).len(), 1);
}

#[test]
fn a_section_of_somebody_else_is_left_alone_without_a_call() {
    let mut world = World::new(&config([entry("dev", "base")]));
    let reason = Reason { line: Some(3), text: "line 3 holds long-term keys".into() };
    world.files[0].insert(profile("dev"), Observation::Untouchable(reason));
    world.run(HOUR);
    assert!(world.arrived.is_empty());
    assert_eq!(world.writes, 0);
    assert_eq!(states(&world), [State::Refused]);
    world.files[0].clear();
    world.observe();
    world.run(SECOND);
    assert_eq!(states(&world), [State::Fresh]);
}

#[test]
fn a_role_that_leaves_the_list_keeps_its_keys_until_they_end() {
    let mut world = World::new(&config([entry("dev", "base"), entry("gone", "base")]));
    world.run(MINUTE);
    world.reload(config([entry("dev", "base")]));
    world.run(30 * MINUTE);
    assert!(world.read("gone").is_some());
    world.run(HOUR);
    assert!(world.read("gone").is_none());
    assert!(world.left("dev") >= HOUR / 2);
}

#[test]
fn a_full_disk_loses_nothing_and_the_next_write_that_can_succeed_does() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.disk_full = true;
    world.run(10 * MINUTE);
    assert_eq!(world.calls_for("dev"), 1);
    assert_eq!(world.told_of(NoticeKind::Failed).len(), 1);
    world.disk_full = false;
    world.run(30 * SECOND);
    assert!(world.left("dev") > HOUR / 2);
}

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
fn what_needs_a_person_waits_for_one_and_is_announced_an_hour_ahead() {
    let mut base = entry("base-mfa", "base");
    base.mfa = Some(Mfa { serial: "arn:aws:iam::111122223333:mfa/me".into(), command: None, unattended: false });
    let config = config([base, entry("dev", "@base-mfa")]);
    let mut world = World::new(&config);
    world.run(HOUR);
    assert!(world.arrived.is_empty());
    assert_eq!(states(&world), [State::Waiting, State::Waiting]);
    assert_eq!(world.told_of(NoticeKind::Failed).len(), 1, "{:?}", world.told);
    // `evertoken login` stores a session.
    let mut session = {
        let mut other = World::new(&crate::world::config([entry("base-mfa", "base")]));
        other.run(SECOND);
        other.read("base-mfa").cloned().expect("a session")
    };
    session.issued = world.now;
    session.expiration = world.now + 12 * HOUR;
    world.files[0].insert(profile("base-mfa"), Observation::Ours(Box::new(session)));
    world.observe();
    world.run(2 * SECOND);
    assert_eq!(states(&world), [State::Fresh, State::Fresh]);
    world.run(10 * HOUR + 55 * MINUTE);
    assert_eq!(world.told_of(NoticeKind::Expiring).len(), 0);
    world.run(10 * MINUTE);
    assert_eq!(world.told_of(NoticeKind::Expiring).len(), 1);
    assert_eq!(world.calls_for("base-mfa"), 0);
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
fn one_pass_with_a_person_refreshes_what_needs_one() {
    let mut base = entry("base-mfa", "base");
    base.mfa = Some(Mfa { serial: "arn:aws:iam::111122223333:mfa/me".into(), command: None, unattended: false });
    let mut world = World::one_pass(&config([base, entry("dev", "@base-mfa")]), Attendance::Attended);
    world.run(SECOND);
    world.happen(Event::Asked { profiles: vec![profile("base-mfa")], min_ttl: None, force: true });
    world.run(MINUTE);
    assert!(world.keeper.is_settled());
    assert!(world.left("base-mfa") > HOUR / 2);
    assert_eq!(world.calls_for("dev"), 0);
}

#[test]
fn a_login_that_ends_before_the_next_refresh_is_announced_an_hour_ahead_and_once() {
    let mut world = World::new(&config([entry("dev", "sso"), entry("ops", "sso"), entry("free", "base")]));
    world.life = 8 * HOUR;
    world.login_ends = Some(world.now + 5 * HOUR);
    let mut long = world.config.clone();
    for entry in &mut long.entries {
        std::sync::Arc::make_mut(entry).duration = 8 * HOUR;
    }
    world.restart(&long);
    world.run(3 * HOUR + 50 * MINUTE);
    assert!(world.told_of(NoticeKind::Expiring).is_empty());
    world.run(20 * MINUTE);
    let told: Vec<usize> = world.told_of(NoticeKind::Expiring).iter().map(|notice| notice.profiles.len()).collect();
    assert_eq!(told, [1, 2], "one for each source");
    assert!(world.keeper.profiles(world.local()).iter().all(|profile| profile.expiring.is_some()));
    world.run(30 * MINUTE);
    assert_eq!(world.told_of(NoticeKind::Expiring).len(), 2);
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
fn a_living_mfa_session_is_no_trouble_when_everything_is_to_be_refreshed() {
    let mut base = entry("base-mfa", "base");
    base.mfa = Some(Mfa { serial: "arn:aws:iam::111122223333:mfa/me".into(), command: None, unattended: false });
    let list = config([base, entry("dev", "@base-mfa")]);
    let mut person = World::one_pass(&list, Attendance::Attended);
    person.run(SECOND);
    person.happen(Event::Asked { profiles: vec![profile("base-mfa")], min_ttl: None, force: true });
    person.run(SECOND);
    let mut world = World::new(&list);
    world.files = person.files.clone();
    world.run(MINUTE);
    world.happen(Event::Asked { profiles: Vec::new(), min_ttl: None, force: true });
    world.run(MINUTE);
    assert_eq!(states(&world), [State::Fresh, State::Fresh]);
    assert_eq!((world.calls_for("base-mfa"), world.calls_for("dev")), (0, 2));
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
fn an_end_that_somebody_has_edited_is_not_believed() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    let whole = world.read("dev").cloned().expect("a session");
    // Longer than STS ever grants, and something that could be true.
    for added in [300 * HOUR, 2 * HOUR] {
        world.write("dev", Session { expiration: whole.expiration + added, ..whole.clone() });
        world.run(SECOND);
        assert_eq!((world.read("dev"), world.calls_for("dev")), (Some(&whole), 1), "{added:?}");
    }
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
fn a_file_that_cannot_be_cleared_of_what_has_ended_is_told_of_once() {
    let mut world = World::new(&config([entry("dev", "base"), entry("gone", "base")]));
    world.run(MINUTE);
    let mut left = entry("dev", "base");
    left.store = StoreKind::Private;
    world.reload(config([left]));
    world.run(10 * MINUTE);
    world.disk_full = true;
    world.run(60 * MINUTE);
    let told: Vec<_> = world.told_of(NoticeKind::Failed).iter().flat_map(|notice| notice.profiles.clone()).collect();
    assert_eq!(told.iter().filter(|told| **told == profile("gone")).count(), 1, "{told:?}");
    world.disk_full = false;
    world.run(5 * MINUTE);
    assert!(world.read("gone").is_none());
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
fn a_file_that_nobody_can_look_at_at_the_start_does_not_keep_a_role_from_its_session() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.torn = true;
    world.run(MINUTE);
    assert_eq!((world.calls_for("dev"), world.writes), (1, 0));
    assert_eq!(states(&world), [State::Retrying]);
    world.torn = false;
    world.run(30 * SECOND);
    assert!(world.left("dev") > HOUR / 2);
    assert_eq!(world.calls_for("dev"), 1);
}

#[test]
fn a_file_that_can_be_read_again_is_written_at_once() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.torn = true;
    // Long enough for the waits to have become long.
    world.run(10 * MINUTE);
    world.observe();
    world.torn = false;
    world.run(SECOND / 10);
    assert_eq!(world.writes, 0, "nobody has seen yet that it can be read");
    world.observe();
    world.run(2 * SECOND);
    assert_eq!((world.writes, world.calls_for("dev")), (1, 1));
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
fn a_session_that_has_ended_is_not_written_over_a_living_one_of_other_settings() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    world.weather = Weather::Offline;
    world.run(2 * HOUR);
    let mut theirs = world.read("dev").cloned().expect("a session");
    theirs.keys.access_key_id = "ASIATHEIRS".to_owned();
    theirs.digest = SettingsDigest::parse("ff").expect("hex");
    (theirs.issued, theirs.expiration) = (world.now.whole_seconds(), (world.now + HOUR).whole_seconds());
    world.write("dev", theirs.clone());
    world.run(MINUTE);
    assert_eq!(world.read("dev"), Some(&theirs));
    world.weather = Weather::Fine;
    world.run(MINUTE);
    assert!(world.left("dev") > HOUR - 2 * MINUTE && world.read("dev") != Some(&theirs));
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
