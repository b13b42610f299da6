//! What a program or person is told who asks for a session.

use super::{Held, Running};
use crate::engine::config::model::Entry;
use crate::engine::config::parse;
use crate::engine::credentials_file::{Observation, Reason};
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, Session, SettingsDigest};
use crate::engine::status::{Daemon, Profile, State, Status, Trouble, VERSION};
use crate::engine::time::{Skew, WallTime};
use crate::shell::known_skew::Recalled;
use std::sync::Arc;
use std::time::Duration;

const NOT_RUNNING: Running = Running::No { start: "start it" };

fn entry() -> Arc<Entry> {
    let text = "[[role]]\nprofile = \"dev\"\nrole_arn = \"arn:aws:iam::111122223333:role/Developer\"\n";
    Arc::clone(&parse(text).expect("a config").config.entries[0])
}

fn now() -> WallTime {
    WallTime::parse("2026-11-21T14:20:00Z").expect("a time")
}

fn ours(left: i64) -> Observation {
    Observation::Ours(Box::new(Session {
        keys: Keys {
            access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: Some(Secret::new("token")),
        },
        account_id: None,
        issued: now() - Duration::from_secs(600),
        expiration: WallTime::from_unix_seconds(now().unix_seconds() + left),
        digest: entry().digest.clone(),
        allowed: None,
    }))
}

fn recorded(skew: i64, error: Option<Trouble>) -> Status {
    let profile = Profile {
        profile: "dev".to_owned(),
        role_arn: None,
        source: String::new(),
        store: String::new(),
        state: State::Waiting,
        expires: None,
        expires_in_seconds: None,
        next_refresh: None,
        last_refresh: None,
        error,
        expiring: None,
    };
    Status {
        version: VERSION,
        config: String::new(),
        credentials_file: String::new(),
        clock_skew_seconds: skew,
        daemon: Daemon::default(),
        profiles: vec![profile],
    }
}

fn trouble(fix: Option<&str>) -> Trouble {
    Trouble {
        class: "source".to_owned(),
        code: None,
        message: "the SSO session corp is over".to_owned(),
        fix: fix.map(str::to_owned),
        since: "2026-11-21T14:10:00Z".to_owned(),
        attempts: 1,
    }
}

fn ask(found: Observation, recorded: Option<&Status>, running: Running, min_ttl: u64) -> Result<Session, String> {
    let entry = entry();
    let skew = recorded.map_or(0, |status| status.clock_skew_seconds * 1000);
    let clocks = Recalled { skew: Skew::from_millis(skew), may_be_behind: false };
    let held = Held { entry: &entry, found: Ok(found), clocks, now: now() };
    let min_ttl = Duration::from_secs(min_ttl);
    let why = held.why_not(min_ttl, recorded, running);
    held.into_session(min_ttl).ok_or(why)
}

#[test]
fn a_session_is_handed_out_while_it_lives_long_enough() {
    assert!(ask(ours(1), None, NOT_RUNNING, 0).is_ok());
    assert!(ask(ours(600), None, NOT_RUNNING, 600).is_ok());
    let short = ask(ours(599), None, Running::Yes, 600).expect_err("too short");
    assert_eq!(short, "the session of profile dev has 9m 59s left, which is less than 10m\nfix: evertoken refresh dev");
}

#[test]
fn a_session_of_other_settings_is_handed_to_nobody() {
    let Observation::Ours(mut session) = ours(3_000) else { panic!("a session") };
    session.digest = SettingsDigest::parse("0a").expect("a digest");
    let known = recorded(0, Some(trouble(Some("aws sso login --sso-session corp"))));
    let told = ask(Observation::Ours(session), Some(&known), Running::Yes, 0).expect_err("not for this role");
    assert_eq!(
        told,
        "the session of profile dev in the file is for other settings than the config has now: the SSO session corp is \
         over\nfix: aws sso login --sso-session corp"
    );
}

#[test]
fn life_is_counted_in_the_time_of_sts() {
    assert!(ask(ours(60), Some(&recorded(-600, None)), Running::Yes, 600).is_ok());
    assert!(ask(ours(60), Some(&recorded(60, None)), Running::Yes, 0).is_err());
}

#[test]
fn whoever_gets_none_hears_why_and_what_to_do() {
    let ended = ask(ours(-300), None, NOT_RUNNING, 0);
    let expected = "the session of profile dev ended 5m 00s ago, and evertoken is not running\nfix: start it";
    assert_eq!(ended, Err(expected.to_owned()));
    let none = ask(Observation::Absent, None, Running::Yes, 0);
    assert_eq!(none, Err("there is no session for profile dev yet\nfix: evertoken refresh dev".to_owned()));
    let known = recorded(0, Some(trouble(Some("aws sso login --sso-session corp"))));
    assert_eq!(
        ask(Observation::Absent, Some(&known), Running::Yes, 0),
        Err("there is no session for profile dev yet: the SSO session corp is over\n\
             fix: aws sso login --sso-session corp"
            .to_owned())
    );
}

#[test]
fn a_section_that_is_left_alone_has_one_way_out() {
    let told = |found| ask(found, Some(&recorded(0, None)), NOT_RUNNING, 0).expect_err("not ours");
    let text = "it has role_arn; take that line out".to_owned();
    let expected = "no session for profile dev: its section is left alone: it has role_arn\nfix: take that line out";
    assert_eq!(told(Observation::Foreign(Reason { line: Some(3), text: text.clone() })), expected);
    assert_eq!(told(Observation::Untouchable(Reason { line: Some(3), text })), expected);
    assert_eq!(
        told(Observation::NewerFormat),
        "no session for profile dev: its section is left alone: [dev] was written by a newer version of evertoken\n\
         fix: update evertoken"
    );
}
