//! What is sent, and what becomes of a good answer.

use super::{HOUR, ROLE, World, base};
use evertoken::engine::config::model::{Operation, Source};
use evertoken::engine::failure::{Fault, SourceFault};
use evertoken::engine::place::Place;
use evertoken::engine::reply::accept;
use evertoken::engine::time::Skew;
use std::time::Duration;

#[tokio::test]
async fn every_parameter_of_a_role_reaches_sts() {
    let mut world = World::new();
    world.emulator.add_mfa_device("arn:aws:iam::111122223333:mfa/me", |code| code == "123456");
    world.entry.duration = HOUR * 2;
    world.entry.sts_region = Some("eu-central-1".to_owned());
    world.with_mfa("arn:aws:iam::111122223333:mfa/me");
    let request = world.request();
    request.external_id = Some("external".to_owned());
    request.policy = Some(r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned());
    request.policy_arns = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()];
    request.tags = [("team", "web"), ("stage", "dev")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    request.transitive_tags = vec!["team".to_owned()];
    request.source_identity = Some("me".to_owned());

    let reply = world.call(Some("123456")).await.expect("a reply");
    let sent = world.emulator.requests().pop().expect("a request");
    let expected = [
        ("Action", "AssumeRole"),
        ("RoleArn", ROLE),
        ("RoleSessionName", "me@laptop"),
        ("DurationSeconds", "7200"),
        ("ExternalId", "external"),
        ("Policy", r#"{"Version":"2012-10-17","Statement":[]}"#),
        ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ("Tags.member.1.Key", "stage"),
        ("Tags.member.1.Value", "dev"),
        ("Tags.member.2.Key", "team"),
        ("Tags.member.2.Value", "web"),
        ("TransitiveTagKeys.member.1", "team"),
        ("SourceIdentity", "me"),
        ("SerialNumber", "arn:aws:iam::111122223333:mfa/me"),
        ("TokenCode", "123456"),
    ];
    for (name, value) in expected {
        assert_eq!(sent.parameter(name), Some(value), "{name}");
    }
    assert_eq!(
        sent.parameters.len(),
        expected.len() + 1,
        "and Version, and nothing else: {:?}",
        sent.parameters.keys()
    );
    assert_eq!(sent.region.as_deref(), Some("eu-central-1"));
    assert_eq!(sent.access_key_id.as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
    assert!(sent.user_agent.as_deref().is_some_and(|agent| agent.contains("evertoken/9.8.7")), "{:?}", sent.user_agent);
    assert_eq!(reply.request_id.as_deref(), Some(sent.request_id.as_str()));
}

#[tokio::test]
async fn what_is_not_configured_is_not_sent() {
    let world = World::new();
    world.call(None).await.expect("a reply");
    let sent = world.emulator.requests().pop().expect("a request");
    let names: Vec<&str> = sent.parameters.keys().map(String::as_str).collect();
    assert_eq!(names, ["Action", "DurationSeconds", "RoleArn", "RoleSessionName", "Version"]);
}

#[tokio::test]
async fn a_good_answer_is_accepted_and_signs_the_next_call() {
    let mut world = World::new();
    let reply = world.call(None).await.expect("a reply");
    let session = accept(&reply, &world.entry, HOUR, world.emulator.now()).expect("a session");
    assert_eq!(session.account_id.as_deref(), Some("111122223333"));
    world.source = Some(session.as_source());
    world.call(None).await.expect("a chained reply");
    let sent = world.emulator.requests().pop().expect("a request");
    assert_eq!(sent.access_key_id.as_deref(), Some(session.keys.access_key_id.as_str()));
}

#[tokio::test]
async fn a_web_identity_token_is_read_again_for_each_call() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("token");
    let mut world = World::new();
    world.source = None;
    world.entry.source = Source::WebIdentity(path.to_str().expect("UTF-8").to_owned());
    for token in ["first.token.example", "second.token.example"] {
        world.emulator.add_web_identity(token, "me", HOUR);
        std::fs::write(&path, format!("{token}\n")).expect("written");
        world.call(None).await.expect("a reply");
        let sent = world.emulator.requests().pop().expect("a request");
        assert_eq!(sent.operation, "AssumeRoleWithWebIdentity");
        assert_eq!(sent.parameter("WebIdentityToken"), Some(token));
        assert_eq!(sent.access_key_id, None);
    }
    for (content, named) in [("", "4 to 20000"), ("two words", "4 to 20000")] {
        std::fs::write(&path, content).expect("written");
        let fault = world.call(None).await.expect_err("no token").fault;
        assert!(matches!(&fault, Fault::Source(SourceFault::Missing(text)) if text.contains(named)), "{fault:?}");
    }
    std::fs::write(&path, "x".repeat(20_001)).expect("written");
    assert!(matches!(world.call(None).await, Err(failed) if matches!(failed.fault, Fault::Source(_))));
    std::fs::remove_file(&path).expect("removed");
    let fault = world.call(None).await.expect_err("no file").fault;
    assert!(matches!(&fault, Fault::Source(SourceFault::Missing(text)) if text.contains("token")), "{fault:?}");
    assert_eq!(world.emulator.request_count(), 2);
}

#[tokio::test]
async fn an_mfa_session_needs_its_code_and_sends_nothing_without() {
    let mut world = World::new();
    world.emulator.add_mfa_device("arn:aws:iam::111122223333:mfa/me", |code| code == "123456");
    world.entry.operation = Operation::GetSessionToken;
    world.entry.duration = HOUR * 12;
    world.with_mfa("arn:aws:iam::111122223333:mfa/me");
    let fault = world.call(None).await.expect_err("no code").fault;
    assert_eq!(fault, Fault::Source(SourceFault::MfaDue { profile: "dev".to_owned() }));
    assert_eq!(world.emulator.request_count(), 0);
    let reply = world.call(Some("123456")).await.expect("a reply");
    assert_eq!(reply.assumed_role_arn, None);
    let sent = world.emulator.requests().pop().expect("a request");
    assert_eq!((sent.operation.as_str(), sent.parameter("DurationSeconds")), ("GetSessionToken", Some("43200")));
}

#[tokio::test]
async fn a_clock_that_is_an_hour_off_is_told_and_mended_by_the_second_call() {
    let world = World::new();
    for ahead in [3600, -3600] {
        world.emulator.set_skew(ahead);
        let failed = world.call(None).await.expect_err("a stale signature");
        assert!(
            matches!(&failed.fault, Fault::Service(error) if error.code.as_deref() == Some("SignatureDoesNotMatch"))
        );
        let is_right = |skew: Option<Skew>| {
            skew.is_some_and(|skew| (skew.millis() - ahead * 1000).abs() < Duration::from_secs(60).as_millis() as i64)
        };
        assert!(is_right(failed.skew), "{:?}", failed.skew);
        let reply = world.call(None).await.expect("the same client signs by the time of STS");
        assert!(is_right(reply.skew), "{:?}", reply.skew);
        assert!(accept(&reply, &world.entry, HOUR, world.emulator.now()).is_ok());
    }
}

#[tokio::test]
async fn sts_says_who_the_keys_belong_to() {
    let world = World::new();
    let place = Place { region: "eu-west-1".to_owned(), endpoint: Some(world.emulator.url()) };
    let caller = world.sts.whoami(&base(), &place).await.expect("an identity");
    assert_eq!((caller.account.as_str(), caller.arn.as_str()), ("111122223333", "arn:aws:iam::111122223333:user/base"));
    world.emulator.revoke("AKIAIOSFODNN7EXAMPLE");
    let failed = world.sts.whoami(&base(), &place).await.expect_err("revoked");
    assert!(matches!(failed.fault, Fault::Service(error) if error.code.as_deref() == Some("InvalidClientTokenId")));
}
