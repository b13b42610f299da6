//! What the daemon said against what the files hold.

use super::Facts;
use crate::engine::config::Config;
use crate::engine::config::model::{Entry, Hooks, Network, Operation, RoleRequest, Source, StoreKind};
use crate::engine::credentials_file::{Observation, Reason};
use crate::engine::keeper::Sighting;
use crate::engine::names::{ProfileName, RoleArn, SessionNameTemplate};
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, Session, SettingsDigest};
use crate::engine::status::{Daemon, Profile, State, Status, Trouble, VERSION};
use crate::engine::time::WallTime;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

fn at(text: &str) -> WallTime {
    WallTime::parse(text).expect("a time")
}

fn now() -> WallTime {
    at("2026-11-21T14:20:00Z")
}

fn digest(text: &str) -> SettingsDigest {
    SettingsDigest::parse(text).expect("a digest")
}

fn config() -> Config {
    let request = RoleRequest {
        role_arn: RoleArn::parse("arn:aws:iam::111122223333:role/Developer").expect("a role"),
        session_name: SessionNameTemplate::parse("me").expect("a template"),
        external_id: None,
        policy: None,
        policy_arns: Vec::new(),
        tags: BTreeMap::new(),
        transitive_tags: Vec::new(),
        source_identity: None,
    };
    let entry = Entry {
        profile: ProfileName::parse("dev").expect("a name"),
        operation: Operation::AssumeRole(Box::new(request)),
        source: Source::Profile("base".to_owned()),
        duration: Duration::from_secs(3_600),
        min_ttl: None,
        region: None,
        sts_region: None,
        sts_endpoint: None,
        store: StoreKind::Shared,
        adopt: false,
        mfa: None,
        digest: digest("aa"),
    };
    Config {
        credentials_file: None,
        aws_config_file: None,
        file_mode: 0o600,
        entries: vec![Arc::new(entry)],
        network: Network::default(),
        hooks: Hooks::default(),
    }
}

fn session(issued: &str, expiration: &str) -> Session {
    Session {
        keys: Keys {
            access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: Some(Secret::new("token")),
        },
        account_id: None,
        issued: at(issued),
        expiration: at(expiration),
        digest: digest("aa"),
        allowed: None,
    }
}

fn trouble(class: &str) -> Trouble {
    Trouble {
        class: class.to_owned(),
        code: None,
        message: "it failed".to_owned(),
        fix: None,
        since: "2026-11-21T14:10:00Z".to_owned(),
        attempts: 3,
    }
}

fn recorded(state: State, error: Option<Trouble>) -> Status {
    Status {
        version: VERSION,
        config: String::new(),
        credentials_file: String::new(),
        clock_skew_seconds: 0,
        daemon: Daemon {
            running: true,
            responding: true,
            pid: Some(4242),
            version: Some("0.1.0".to_owned()),
            since: Some("2026-11-21T08:12:00Z".to_owned()),
            next_wakeup: Some("2026-11-21T14:50:00Z".to_owned()),
        },
        profiles: vec![Profile {
            profile: "dev".to_owned(),
            role_arn: None,
            source: String::new(),
            store: String::new(),
            state,
            expires: Some("2026-11-21T15:00:00Z".to_owned()),
            expires_in_seconds: None,
            next_refresh: Some("2026-11-21T14:30:00Z".to_owned()),
            last_refresh: None,
            error,
            expiring: None,
        }],
    }
}

fn merge(recorded: Option<Status>, found: Option<Observation>, holder: Option<Option<u32>>) -> Status {
    let config = config();
    let sections = found.map(|found| (config.entries[0].profile.clone(), found)).into_iter().collect();
    let facts = Facts {
        skew_seconds: recorded.as_ref().map_or(0, |recorded: &Status| recorded.clock_skew_seconds),
        config: &config,
        config_path: "config.toml".to_owned(),
        credentials_file: "credentials".to_owned(),
        recorded,
        sightings: vec![Sighting { store: StoreKind::Shared, sections: Ok(sections) }],
        holder,
    };
    facts.merge(now())
}

fn ours(issued: &str, expiration: &str) -> Option<Observation> {
    Some(Observation::Ours(Box::new(session(issued, expiration))))
}

#[test]
fn the_expiry_is_that_of_the_file_and_the_rest_is_the_daemons() {
    let status = merge(
        Some(recorded(State::Fresh, None)),
        ours("2026-11-21T14:00:00Z", "2026-11-21T15:00:00Z"),
        Some(Some(4242)),
    );
    let json = serde_json::to_string(&status).expect("JSON");
    assert_eq!(
        json,
        "{\"version\":1,\"config\":\"config.toml\",\"credentials_file\":\"credentials\",\"clock_skew_seconds\":0,\
         \"daemon\":{\"running\":true,\"responding\":true,\"pid\":4242,\"version\":\"0.1.0\",\
         \"since\":\"2026-11-21T08:12:00Z\",\"next_wakeup\":\"2026-11-21T14:50:00Z\"},\
         \"profiles\":[{\"profile\":\"dev\",\"role_arn\":\"arn:aws:iam::111122223333:role/Developer\",\
         \"source\":\"base\",\"store\":\"shared\",\"state\":\"fresh\",\"expires\":\"2026-11-21T15:00:00Z\",\
         \"expires_in_seconds\":2400,\"next_refresh\":\"2026-11-21T14:30:00Z\",\
         \"last_refresh\":\"2026-11-21T14:00:00Z\",\"error\":null}]}"
    );
}

#[test]
fn a_state_is_never_better_than_the_file() {
    let fresh = || Some(recorded(State::Fresh, None));
    let cases = [
        ("ended", fresh(), ours("2026-11-21T13:00:00Z", "2026-11-21T14:20:00Z"), State::Expired),
        ("gone", fresh(), None, State::Expired),
        ("damaged", fresh(), Some(Observation::Damaged), State::Expired),
        ("never recorded", None, ours("2026-11-21T14:00:00Z", "2026-11-21T15:00:00Z"), State::Fresh),
        (
            "still passing",
            Some(recorded(State::Retrying, Some(trouble("unreachable")))),
            ours("2026-11-21T14:00:00Z", "2026-11-21T15:00:00Z"),
            State::Retrying,
        ),
        (
            "ended meanwhile",
            Some(recorded(State::Retrying, Some(trouble("unreachable")))),
            ours("2026-11-21T13:00:00Z", "2026-11-21T14:00:00Z"),
            State::Expired,
        ),
        (
            "refused before the first session",
            Some(recorded(State::Refused, Some(trouble("refused")))),
            None,
            State::Refused,
        ),
        (
            "announced",
            Some(recorded(State::Waiting, None)),
            ours("2026-11-21T14:00:00Z", "2026-11-21T15:00:00Z"),
            State::Waiting,
        ),
        (
            "logged in after the announcement",
            Some(recorded(State::Waiting, None)),
            ours("2026-11-21T14:15:00Z", "2026-11-21T15:15:00Z"),
            State::Fresh,
        ),
    ];
    for (name, recorded, found, expected) in cases {
        assert_eq!(merge(recorded, found, None).profiles[0].state, expected, "{name}");
    }
}

#[test]
fn a_trouble_is_over_when_a_newer_session_stands_in_the_file() {
    let said = || Some(recorded(State::Waiting, Some(trouble("source"))));
    let before = merge(said(), ours("2026-11-21T14:00:00Z", "2026-11-21T15:00:00Z"), None);
    assert_eq!(before.profiles[0].error, Some(trouble("source")));
    assert_eq!(before.profiles[0].state, State::Waiting);
    let after = merge(said(), ours("2026-11-21T14:15:00Z", "2026-11-21T15:15:00Z"), None);
    assert_eq!(after.profiles[0].error, None);
    assert_eq!(after.profiles[0].state, State::Fresh);
    let of_other_settings = Session { digest: digest("bb"), ..session("2026-11-21T14:15:00Z", "2026-11-21T15:15:00Z") };
    let still = merge(said(), Some(Observation::Ours(Box::new(of_other_settings))), None);
    assert_eq!(still.profiles[0].error, Some(trouble("source")), "it says nothing about the settings of now");
}

#[test]
fn a_session_for_other_settings_is_outdated() {
    let mut other = session("2026-11-21T14:00:00Z", "2026-11-21T15:00:00Z");
    other.digest = digest("bb");
    let found = || Some(Observation::Ours(Box::new(other.clone())));
    let status = merge(Some(recorded(State::Fresh, None)), found(), None);
    assert_eq!(status.profiles[0].state, State::Outdated);
    // A trouble that passes does not make it a session of the new settings.
    for (said, class) in [(State::Retrying, "unreachable"), (State::Outdated, "busy"), (State::Fresh, "store")] {
        let status = merge(Some(recorded(said, Some(trouble(class)))), found(), None);
        assert_eq!(status.profiles[0].state, State::Outdated, "{class}");
        assert_eq!(status.profiles[0].error, Some(trouble(class)));
    }
    // One that needs a person is the more urgent of the two.
    for (class, expected) in [("source", State::Waiting), ("refused", State::Refused)] {
        let status = merge(Some(recorded(expected, Some(trouble(class)))), found(), None);
        assert_eq!(status.profiles[0].state, expected);
    }
}

#[test]
fn a_section_that_is_left_alone_is_said_with_the_way_out() {
    let reason = Reason { line: Some(3), text: "it has role_arn; take that line out".to_owned() };
    for found in [Observation::Foreign(reason.clone()), Observation::Untouchable(reason)] {
        let status = merge(None, Some(found), None);
        let error = status.profiles[0].error.clone().expect("a trouble");
        assert_eq!(error.message, "the section is left alone: it has role_arn (line 3 of the credentials file)");
        assert_eq!(error.fix.as_deref(), Some("take that line out"));
        // As the daemon has it; nothing was tried.
        assert_eq!((status.profiles[0].state, error.class.as_str(), error.attempts), (State::Refused, "settings", 0));
    }
}

#[test]
fn a_daemon_is_the_one_that_holds_the_lock_and_wakes_in_time() {
    let with_wakeup = |wakeup: &str| {
        let mut status = recorded(State::Fresh, None);
        status.daemon.next_wakeup = Some(wakeup.to_owned());
        Some(status)
    };
    let daemon = |recorded, holder| merge(recorded, None, holder).daemon;
    assert_eq!(daemon(with_wakeup("2026-11-21T14:50:00Z"), None), Daemon::default());
    assert!(daemon(with_wakeup("2026-11-21T14:19:00Z"), Some(Some(4242))).responding);
    assert!(!daemon(with_wakeup("2026-11-21T14:18:59Z"), Some(Some(4242))).responding);
    let another = daemon(with_wakeup("2026-11-21T10:00:00Z"), Some(Some(7)));
    assert_eq!(another, Daemon { running: true, responding: true, pid: Some(7), ..Daemon::default() });
    assert!(daemon(None, Some(None)).running);
}

#[test]
fn expiry_is_judged_in_the_time_of_sts() {
    let mut ahead = recorded(State::Fresh, None);
    ahead.clock_skew_seconds = 600;
    let status = merge(Some(ahead), ours("2026-11-21T13:25:00Z", "2026-11-21T14:25:00Z"), None);
    assert_eq!(status.profiles[0].state, State::Expired);
    assert_eq!(status.profiles[0].expires_in_seconds, Some(-300));
}

#[test]
fn what_the_daemon_plans_for_another_session_is_not_told_of_this_one() {
    let next =
        |found| merge(Some(recorded(State::Fresh, None)), found, Some(Some(4242))).profiles[0].next_refresh.clone();
    let planned = Some("2026-11-21T14:30:00Z".to_owned());
    assert_eq!(next(ours("2026-11-21T14:00:00Z", "2026-11-21T15:00:00Z")), planned);
    // Somebody has refreshed it by hand, or it was lost, a moment ago.
    assert_eq!(next(ours("2026-11-21T14:19:00Z", "2026-11-21T15:19:00Z")), None);
    assert_eq!(next(None), None);
    // None was there when the daemon looked, and none is there.
    let mut status = recorded(State::Refused, Some(trouble("refused")));
    status.profiles[0].expires = None;
    assert_eq!(merge(Some(status), None, Some(Some(4242))).profiles[0].next_refresh, planned);
}
