//! Files, lists and sections that change while something is under way, and changes that never end.

use super::{HOUR, MINUTE, SECOND, states};
use crate::world::{START, Weather, World, config, entry, keys, profile, published};
use evertoken::engine::config::model::{Mfa, Source, StoreKind};
use evertoken::engine::credentials_file::{Observation, Reason};
use evertoken::engine::failure::{Fault, ServiceError, SourceFault};
use evertoken::engine::keeper::{Action, Attendance, Event, Keeper, Mode, NoticeKind, Sighting};
use evertoken::engine::session::{Keys, Session, SourceCredentials};
use evertoken::engine::status::State;
use evertoken::engine::time::{Skew, WallTime};
use std::time::Duration;

fn fresh_after(world: &mut World, name: &str) -> Duration {
    let start = world.now;
    while world.read(name).is_none() {
        world.run(SECOND);
        assert!(world.now.since(start) < HOUR, "{name} never comes");
    }
    world.now.since(start)
}

#[test]
fn a_change_that_comes_while_a_call_is_under_way_is_not_lost() {
    let mut world = World::new(&config([entry("dev", "base")]));
    // Two files change one after the other, and only the second one is the way out.
    world.latency = SECOND / 5;
    world.refused.insert(profile("dev"));
    world.run(10 * MINUTE);
    world.happen(Event::SourcesChanged);
    world.run(SECOND / 10);
    world.refused.clear();
    world.happen(Event::SourcesChanged);
    assert!(fresh_after(&mut world, "dev") <= 3 * SECOND);
}

#[test]
fn a_change_that_comes_while_the_first_call_ever_is_under_way_is_not_lost() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.latency = 3 * SECOND;
    world.refused.insert(profile("dev"));
    world.run(SECOND);
    world.refused.clear();
    world.happen(Event::SourcesChanged);
    assert!(fresh_after(&mut world, "dev") <= 8 * SECOND);
}

/// A keeper of one profile whose file was looked at, and when its source is resolved next.
fn resolving() -> (Keeper, WallTime) {
    let mut keeper = Keeper::new(&config([entry("dev", "base")]), Mode::Daemon, Attendance::Alone);
    for store in [StoreKind::Shared, StoreKind::Private] {
        let sections = Ok(vec![(profile("dev"), Observation::Absent)]);
        keeper.handle(Event::Observed(Sighting { store, sections }), START);
    }
    (keeper, START)
}

fn next_resolution(keeper: &mut Keeper, from: WallTime) -> WallTime {
    let mut now = from;
    loop {
        while let Some(action) = keeper.poll_action() {
            if matches!(action, Action::Resolve { .. }) {
                return now;
            }
        }
        now = keeper.next_wakeup(now).expect("a wake-up").max(now);
        assert!(now.since(from) < HOUR, "it is never resolved again");
        keeper.handle(Event::Tick, now);
    }
}

#[test]
fn a_change_that_comes_while_a_source_is_resolved_is_not_lost() {
    let (mut keeper, mut now) = resolving();
    let source = Source::Profile("base".into());
    let fault = Fault::Source(SourceFault::Process("exit 1".into()));
    let failed = Event::ResolveFailed { source, fault, jitter: 1.0 };
    for _ in 0..5 {
        now = next_resolution(&mut keeper, now) + 2 * SECOND;
        keeper.handle(failed.clone(), now);
    }
    now = next_resolution(&mut keeper, now);
    // A program that runs for three seconds; somebody mends what it reads meanwhile.
    keeper.handle(Event::SourcesChanged, now + SECOND);
    now = now + 3 * SECOND;
    keeper.handle(failed.clone(), now);
    assert!(next_resolution(&mut keeper, now).since(now) <= SECOND);
    // Nothing has changed during this one.
    keeper.handle(failed, now + 5 * SECOND);
    assert!(next_resolution(&mut keeper, now + 5 * SECOND).since(now) > MINUTE);
}

#[test]
fn keys_that_change_after_their_source_was_resolved_are_used_as_soon_as_the_old_ones_are_refused() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.latency = 2 * SECOND;
    world.refused.insert(profile("dev"));
    // The call is signed with what the source gave before.
    world.run(2 * SECOND);
    assert_eq!(world.under_way(), 1);
    world.happen(Event::SourcesChanged);
    world.refused.clear();
    assert!(fresh_after(&mut world, "dev") <= 8 * SECOND);
}

#[test]
fn keys_that_change_while_their_source_is_resolved_are_used_as_soon_as_the_old_ones_are_refused() {
    let (mut keeper, now) = resolving();
    let now = next_resolution(&mut keeper, now);
    keeper.handle(Event::SourcesChanged, now + SECOND);
    let keys = Keys { session_token: None, ..keys("AKIAIOSFODNN7EXAMPLE") };
    let credentials = SourceCredentials { keys, account_id: None, expiration: None, login_ends: None, skew: None };
    let now = now + 3 * SECOND;
    keeper.handle(Event::Resolved { source: Source::Profile("base".into()), credentials }, now);
    let call = std::iter::from_fn(|| keeper.poll_action()).find_map(|action| match action {
        Action::Assume(call) => Some(call),
        _ => None,
    });
    let call = call.expect("a call");
    let denied = ServiceError { status: 403, code: Some("AccessDenied".into()), message: None, request_id: None };
    let (profile, attempt) = (call.entry.profile.clone(), call.attempt);
    let failed = Event::AssumeFailed { profile, attempt, fault: Fault::Service(denied), skew: None, jitter: 1.0 };
    keeper.handle(failed, now + SECOND);
    assert!(next_resolution(&mut keeper, now + SECOND).since(now) <= 2 * SECOND);
}

#[test]
fn files_that_change_all_the_time_do_not_make_a_storm_of_calls_that_are_granted() {
    let mut long = entry("dev", "base");
    long.duration = 8 * HOUR;
    let mut world = World::new(&config([long]));
    world.life = 8 * HOUR;
    world.run(MINUTE);
    // From here on STS grants less, and the session in the file stays.
    world.longest = HOUR;
    world.run(4 * HOUR + 10 * MINUTE);
    let calls = world.calls_for("dev");
    for _ in 0..600 {
        world.run(SECOND);
        world.happen(Event::SourcesChanged);
    }
    assert!(world.calls_for("dev") - calls <= 2, "{}", world.calls_for("dev") - calls);
}

#[test]
fn a_source_whose_program_changes_files_each_time_does_not_feed_itself() {
    let mut world = World::new(&config([published("dev", "lender")]));
    world.lent = Some((keys("ASIALENT"), START + 8 * HOUR));
    world.run(5 * HOUR);
    let before = world.resolved;
    let end = world.now + HOUR;
    let mut resolved = world.resolved;
    while let Some(next) = world.upcoming(end) {
        world.go_to(next);
        if world.resolved != resolved {
            resolved = world.resolved;
            world.run(SECOND);
            world.happen(Event::SourcesChanged);
        }
    }
    assert!(resolved - before <= 40, "{}", resolved - before);
    assert_eq!(states(&world), [State::Fresh]);
    // A sign-in that comes after all that is heard nevertheless, and in time.
    world.lent = Some((keys("ASIANEWER"), world.now + 8 * HOUR));
    world.happen(Event::SourcesChanged);
    world.run(6 * MINUTE);
    assert_eq!(world.read("dev").map(|session| session.keys.access_key_id.as_str()), Some("ASIANEWER"));
}

#[test]
fn a_sign_in_while_a_published_source_is_asked_is_taken_over_soon() {
    let mut world = World::new(&config([published("dev", "lender")]));
    world.lent = Some((keys("ASIALENT"), START + HOUR));
    // Due, and the source hands out what it has.
    world.run(31 * MINUTE);
    let resolved = world.resolved;
    while world.resolved == resolved {
        let next = world.upcoming(START + HOUR).expect("it is asked again");
        world.go_to(next);
    }
    // What it gives was read before this.
    world.lent = Some((keys("ASIANEWER"), world.now + 8 * HOUR));
    world.now = world.now + Duration::from_millis(1);
    world.happen(Event::SourcesChanged);
    world.run(5 * SECOND);
    assert_eq!(world.read("dev").map(|session| session.keys.access_key_id.as_str()), Some("ASIANEWER"));
}

#[test]
fn a_section_that_becomes_the_users_while_a_call_is_under_way_is_left_alone_and_told_as_such() {
    for weather in [Weather::Fine, Weather::Offline] {
        let mut world = World::new(&config([entry("dev", "base")]));
        world.run(MINUTE);
        world.latency = 5 * SECOND;
        world.weather = weather;
        world.happen(Event::Asked { profiles: vec![profile("dev")], min_ttl: None, force: true });
        world.run(SECOND);
        assert_eq!(world.under_way(), 1);
        let reason = Reason { line: Some(7), text: "[dev] holds long-term keys".into() };
        world.files[0].insert(profile("dev"), Observation::Untouchable(reason));
        world.observe();
        assert_eq!(world.under_way(), 0, "the call is given up");
        world.run(MINUTE);
        world.observe();
        world.run(2 * HOUR);
        let shown = world.keeper.profiles(world.local()).remove(0);
        let error = shown.error.expect("what is wrong with it");
        assert!(error.message.contains("is left alone"), "{error:?}");
        assert!(world.told_of(NoticeKind::Recovered).is_empty(), "{:?}", world.told);
    }
}

#[test]
fn a_source_that_gave_something_unfit_is_asked_again_once_it_is_mended() {
    let mut world = World::new(&config([published("dev", "lender")]));
    world.lent = Some((keys("AKIALONGTERMEXAMPLE"), START + 8 * HOUR));
    world.run(MINUTE);
    assert_eq!((states(&world), world.writes), (vec![State::Refused], 0));
    world.lent = Some((keys("ASIALENT"), START + 8 * HOUR));
    world.happen(Event::SourcesChanged);
    world.run(2 * SECOND);
    assert_eq!(states(&world), [State::Fresh]);
}

#[test]
fn a_source_that_promises_more_than_any_session_lives_is_believed_for_as_long_as_one_lives() {
    let list = config([published("dev", "lender")]);
    let mut world = World::new(&list);
    world.lent = Some((keys("ASIALENT"), START + 7 * 24 * HOUR));
    world.run(MINUTE);
    let (resolved, writes) = (world.resolved, world.writes);
    // Neither a restart nor an outage of the source changes what stands there.
    world.weather = Weather::SourceEnded;
    world.restart(&list);
    world.run(MINUTE);
    assert_eq!((states(&world), world.resolved, world.writes), (vec![State::Fresh], resolved, writes));
    world.weather = Weather::Fine;
    // Another evertoken takes the same keys from the source anew.
    let mut theirs = world.read("dev").cloned().expect("a session");
    theirs.issued = world.now.whole_seconds();
    theirs.expiration = (world.now + 36 * HOUR).whole_seconds();
    world.write("dev", theirs.clone());
    world.run(MINUTE);
    assert_eq!(world.read("dev"), Some(&theirs));
    assert!(world.told_of(NoticeKind::Remark).is_empty(), "{:?}", world.told);
    // It goes on for as long as the source does.
    world.run(72 * HOUR);
    assert_eq!(states(&world), [State::Fresh]);
    assert!(world.resolved - resolved < 12, "{}", world.resolved - resolved);
}

#[test]
fn whoever_asks_for_a_grandchild_of_an_mfa_session_hears_which_code_is_due() {
    let mut base = entry("mfa", "base");
    base.mfa = Some(Mfa { serial: "arn:aws:iam::111122223333:mfa/me".into(), command: None, unattended: false });
    let list = config([base, entry("a", "@mfa"), entry("b", "@a")]);
    for name in ["a", "b"] {
        let mut world = World::one_pass(&list, Attendance::Alone);
        world.run(SECOND);
        world.happen(Event::Asked { profiles: vec![profile(name)], min_ttl: None, force: false });
        world.run(MINUTE);
        assert!(world.keeper.is_settled());
        let profiles = world.keeper.profiles(world.local());
        let shown = profiles.iter().find(|shown| shown.profile == name).expect("it is listed");
        let fix = shown.error.as_ref().and_then(|error| error.fix.as_deref());
        assert!(fix.is_some_and(|fix| fix.contains("evertoken login mfa")), "{name}: {shown:?}");
    }
}

#[test]
fn an_mfa_session_in_its_last_minute_cannot_sign_and_says_so() {
    let mut base = entry("mfa", "base");
    base.mfa = Some(Mfa { serial: "arn:aws:iam::111122223333:mfa/me".into(), command: None, unattended: false });
    let list = config([base.clone(), entry("a", "@mfa")]);
    for one_pass in [true, false] {
        let mut world = if one_pass { World::one_pass(&list, Attendance::Alone) } else { World::new(&list) };
        let session = Session {
            keys: keys("ASIAMFA"),
            account_id: None,
            issued: START - 12 * HOUR,
            expiration: START + 40 * SECOND,
            digest: base.digest.clone(),
            allowed: None,
        };
        world.files[0].insert(profile("mfa"), Observation::Ours(Box::new(session)));
        world.run(SECOND);
        world.happen(Event::Asked { profiles: vec![profile("a")], min_ttl: None, force: false });
        world.run(3 * SECOND);
        let shown = world.keeper.profiles(world.local()).remove(1);
        let fix = shown.error.as_ref().and_then(|error| error.fix.as_deref());
        assert!(fix.is_some_and(|fix| fix.contains("evertoken login mfa")), "{one_pass}: {shown:?}");
    }
}

#[test]
fn a_slow_source_does_not_hold_up_what_could_not_be_written() {
    let mut world = World::new(&config([entry("dev", "base"), entry("slow", "hanging")]));
    world.run(20 * MINUTE);
    world.hanging = Some(("hanging", 150 * SECOND));
    world.disk_full = true;
    let before = world.tried_writes;
    while world.tried_writes == before {
        let next = world.upcoming(START + HOUR).expect("a write is tried");
        world.go_to(next);
    }
    world.disk_full = false;
    world.run(4 * SECOND);
    assert!(world.left("dev") > 55 * MINUTE, "{:?}", world.left("dev"));
}

#[test]
fn a_config_that_is_saved_has_refused_roles_tried_again() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.refused.insert(profile("dev"));
    world.run(4 * HOUR);
    world.refused.clear();
    world.reload(config([entry("dev", "base"), entry("ops", "base")]));
    assert!(fresh_after(&mut world, "dev") <= 2 * SECOND);
}

#[test]
fn an_outage_that_answers_now_so_now_so_is_one_and_backs_off() {
    let tries = |alternate: bool| {
        let mut world = World::new(&config([entry("dev", "base")]));
        world.weather = Weather::Offline;
        let end = START + HOUR;
        let mut seen = 0;
        while let Some(next) = world.upcoming(end) {
            world.go_to(next);
            if alternate && world.tried.len() != seen {
                seen = world.tried.len();
                world.weather = if seen.is_multiple_of(2) { Weather::Offline } else { Weather::Storm };
            }
        }
        world.tried.len()
    };
    assert!(tries(true) <= tries(false), "{} and {}", tries(true), tries(false));
}

#[test]
fn a_session_that_is_not_written_for_the_sake_of_peace_is_not_called_fresh() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(MINUTE);
    for _ in 0..200 {
        world.files[0].clear();
        world.observe();
        world.run(SECOND / 10);
    }
    assert_eq!((states(&world), world.read("dev")), (vec![State::Retrying], None));
    world.happen(Event::Asked { profiles: vec![], min_ttl: None, force: true });
    world.run(10 * SECOND);
    assert_eq!((states(&world), world.read("dev")), (vec![State::Retrying], None));
    world.run(6 * MINUTE);
    assert!(world.read("dev").is_some());
    assert_eq!(states(&world), [State::Fresh]);
}

#[test]
fn a_child_that_was_refused_for_its_parent_is_tried_as_soon_as_the_parent_is_renewed() {
    let mut child = entry("child", "@dev");
    child.duration = 15 * MINUTE;
    let mut world = World::new(&config([entry("dev", "base"), child]));
    world.run(MINUTE);
    // The machine stands still for two hours, and nobody tells.
    world.now = world.now + 2 * HOUR;
    world.ahead = Skew::from_millis(-2 * 3_600_000);
    world.happen(Event::Asked { profiles: vec![profile("child")], min_ttl: None, force: true });
    world.run(5 * SECOND);
    assert!(world.left("child") > 10 * MINUTE, "{:?} {:?}", world.left("child"), states(&world));
}
