//! What stands in the files, by whose hand, and when it is written or left alone.

use super::{HOUR, MINUTE, SECOND, states};
use crate::world::{Weather, World, config, entry, profile};
use evertoken::engine::config::model::StoreKind;
use evertoken::engine::credentials_file::{self, Edit, Observation, Publication, Reason};
use evertoken::engine::keeper::{Event, NoticeKind};
use evertoken::engine::session::{Session, SettingsDigest};
use evertoken::engine::status::State;
use std::time::Duration;

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
fn a_first_look_that_is_never_answered_is_taken_again() {
    let mut world = World::new(&config([entry("dev", "base")]));
    // One answer for each file.
    world.to_lose = 2;
    world.run(2 * MINUTE);
    assert_eq!(world.calls_for("dev"), 0);
    world.run(2 * MINUTE);
    assert_eq!(world.calls_for("dev"), 1);
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
    // Also when the look at the two files is never answered that shows what is off the list.
    for lost in [0, 2] {
        let mut world = World::new(&config([entry("dev", "base"), entry("gone", "base")]));
        world.run(MINUTE);
        world.to_lose = lost;
        world.reload(config([entry("dev", "base")]));
        world.run(30 * MINUTE);
        assert!(world.read("gone").is_some());
        world.run(HOUR);
        assert!(world.read("gone").is_none(), "{lost} lost");
        assert!(world.left("dev") >= HOUR / 2);
    }
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
fn a_write_that_ends_after_its_profile_has_left_the_list_is_no_removal() {
    let mut world = World::new(&config([entry("dev", "base"), entry("ops", "base")]));
    world.run(Duration::from_millis(102));
    assert!(world.writes > 0 && world.told_of(NoticeKind::Refreshed).is_empty(), "the write is not answered yet");
    world.reload(config([entry("ops", "base")]));
    world.run(MINUTE);
    assert!(world.told_of(NoticeKind::Removed).is_empty(), "{:?}", world.told);
    assert!(world.read("dev").is_some());
    world.run(2 * HOUR);
    assert_eq!((world.told_of(NoticeKind::Removed).len(), world.read("dev")), (1, None));
}

/// What a reader of the file makes of this session once it stands there.
fn read_back(session: Session) -> Observation {
    let publication = Publication { profile: profile("dev"), session, region: None, adopt: false };
    let written = credentials_file::apply(b"", &[Edit::Put(Box::new(publication))]).expect("a file");
    credentials_file::find(&written.bytes, &profile("dev")).expect("a file that can be read")
}

#[test]
fn a_mark_that_cannot_be_true_is_no_reason_to_rest() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    let good = world.read("dev").cloned().expect("a session");
    for issued in [good.expiration, good.expiration + 100 * HOUR] {
        let mut world = World::new(&config([entry("dev", "base")]));
        world.files[0].insert(profile("dev"), read_back(Session { issued, ..good.clone() }));
        world.run(MINUTE);
        assert_eq!((states(&world), world.calls_for("dev")), (vec![State::Fresh], 1), "{issued}");
    }
    // STS refuses a call for no seconds at all.
    let no_seconds = Session { allowed: Some(Duration::ZERO), ..good.clone() };
    let mut world = World::new(&config([entry("dev", "base")]));
    world.files[0].insert(profile("dev"), read_back(no_seconds));
    world.run(HOUR);
    assert!(world.left("dev") > 25 * MINUTE, "{:?}", world.left("dev"));
    assert!(matches!(read_back(good.clone()), Observation::Ours(found) if *found == good));
}

#[test]
fn a_section_that_another_process_renews_right_before_its_removal_stays_until_it_has_ended_again() {
    // The look that follows may be lost, and another one may come before the answer to the removal.
    for (lost, looks) in [(0, false), (0, true), (2, false)] {
        let mut world = World::new(&config([entry("dev", "base")]));
        world.run(MINUTE);
        let mut theirs = world.read("dev").cloned().expect("a session");
        theirs.digest = SettingsDigest::parse("ff").expect("hex");
        theirs.expiration = (world.now + 10 * MINUTE).whole_seconds();
        world.write("other", theirs.clone());
        world.to_outrun = 1;
        world.run_until(theirs.expiration);
        let renewed = world.read("other").cloned().expect("nothing was taken out");
        assert!(world.to_outrun == 0 && renewed != theirs, "the removal was asked for");
        if looks {
            world.observe();
        }
        world.to_lose = lost;
        let writes = world.tried_writes;
        world.run_until(renewed.expiration - SECOND);
        assert_eq!((world.read("other"), world.told_of(NoticeKind::Removed).len()), (Some(&renewed), 0));
        assert!(world.tried_writes - writes <= 2, "asked for {} times", world.tried_writes - writes);
        world.run(MINUTE);
        assert_eq!(
            (world.read("other"), world.told_of(NoticeKind::Removed).len()),
            (None, 1),
            "lost {lost}, looks {looks}"
        );
        assert_eq!(world.respect, Ok(()));
    }
}

#[test]
fn a_call_for_settings_that_are_no_more_is_broken_off() {
    let mut world = World::new(&config([entry("dev", "base"), entry("ops", "base")]));
    world.latency = MINUTE;
    world.run(SECOND);
    assert_eq!((world.calls_for("dev"), world.under_way()), (1, 2));
    let mut other = entry("dev", "base");
    other.digest = SettingsDigest::parse("ff").expect("hex");
    world.reload(config([other]));
    assert_eq!(world.under_way(), 0, "neither the old settings nor the old role are of interest");
}
