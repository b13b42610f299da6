//! What only a person can bring.

use super::{HOUR, MINUTE, SECOND, states};
use crate::world::{World, config, entry, profile};
use evertoken::engine::config::model::Mfa;
use evertoken::engine::credentials_file::{Observation, Reason};
use evertoken::engine::keeper::{Attendance, Event, NoticeKind};
use evertoken::engine::status::State;

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
fn the_end_of_a_login_is_told_an_hour_ahead_and_that_of_a_short_one_when_half_of_it_has_gone() {
    for (left, ahead) in [(5 * HOUR, HOUR), (40 * MINUTE, 20 * MINUTE)] {
        // Sessions of an hour: whoever hangs on the login is renewed every half an hour, as long as it holds.
        let mut world = World::new(&config([entry("dev", "base")]));
        world.login_ends = Some(world.now + left);
        world.run(left - ahead - 10 * SECOND);
        assert!(world.told_of(NoticeKind::Expiring).is_empty(), "{:?}", world.told);
        world.run(20 * SECOND);
        assert_eq!(world.told_of(NoticeKind::Expiring).len(), 1);
        assert!(world.keeper.profiles(world.local())[0].expiring.is_some());
        world.run(ahead - MINUTE);
        assert_eq!(world.told_of(NoticeKind::Expiring).len(), 1);
    }
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
fn what_only_a_person_can_bring_has_no_time_at_which_it_comes_by_itself() {
    let mut base = entry("base-mfa", "base");
    base.mfa = Some(Mfa { serial: "arn:aws:iam::111122223333:mfa/me".into(), command: None, unattended: false });
    let mut world =
        World::new(&config([base, entry("under", "@base-mfa"), entry("left", "base"), entry("child", "@left")]));
    let reason = Reason { line: Some(3), text: "line 3 holds long-term keys".into() };
    world.files[0].insert(profile("left"), Observation::Untouchable(reason));
    world.run(HOUR);
    let next = |world: &World| {
        let shown = world.keeper.profiles(world.local());
        shown.into_iter().map(|profile| profile.next_refresh.is_some()).collect::<Vec<_>>()
    };
    assert_eq!(next(&world), [false; 4]);
    world.files[0].remove(&profile("left"));
    world.observe();
    world.run(MINUTE);
    assert_eq!(next(&world), [false, false, true, true]);
}

#[test]
fn a_section_that_becomes_the_users_is_not_said_to_end_soon() {
    let mut world = World::new(&config([entry("dev", "base")]));
    world.run(20 * MINUTE);
    let reason = Reason { line: Some(3), text: "long-term keys stand there".into() };
    world.files[0].insert(profile("dev"), Observation::Untouchable(reason));
    world.observe();
    world.run(MINUTE);
    let told = &world.keeper.profiles(world.local())[0];
    assert!(told.error.is_some() && told.expiring.is_none(), "{told:?}");
}
