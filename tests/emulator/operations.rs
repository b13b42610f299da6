//! What is granted, to whom, and for how long.

use crate::sdk::{
    DEVELOPER, KEY_ID, SECRET, assume, block_on, client, client_as, client_with, keys, refused, request_id, session,
};
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use evertoken::emulator::{Emulator, Operation, Outcome, SessionKind, Settings};
use evertoken::engine::time::WallTime;
use std::time::Duration;

const CI: &str = "arn:aws-us-gov:iam::777788889999:role/CI";
const MFA: &str = "arn:aws:iam::111122223333:mfa/me";

fn emulator() -> Emulator {
    Emulator::start(Settings::default()).expect("an emulator")
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("a tag")
}

#[test]
fn assume_role_grants_what_was_asked_for_and_records_all_of_it() {
    let emulator = emulator();
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let output = block_on(
        assume(&client(&emulator), DEVELOPER)
            .duration_seconds(900)
            .external_id("a:b/c")
            .policy(policy)
            .policy_arns(PolicyDescriptorType::builder().arn("arn:aws:iam::aws:policy/ReadOnlyAccess").build())
            .tags(tag("team", "web é+co"))
            .transitive_tag_keys("team")
            .source_identity("alice")
            .send(),
    )
    .expect("a session");

    let session = output.credentials().expect("credentials");
    assert!(session.access_key_id().starts_with("ASIA") && session.access_key_id().len() == 20);
    assert_eq!(session.secret_access_key().len(), 40);
    assert!(session.session_token().contains("EXAMPLE"));
    let user = output.assumed_role_user().expect("an assumed role user");
    assert_eq!(user.arn(), "arn:aws:sts::111122223333:assumed-role/Developer/me@laptop");
    assert!(user.assumed_role_id().starts_with("AROA") && user.assumed_role_id().ends_with(":me@laptop"));
    assert_eq!(output.source_identity(), Some("alice"));

    let requests = emulator.requests();
    let [request] = requests.as_slice() else { panic!("one request, not {}", requests.len()) };
    assert_eq!((request.number, request.operation.as_str()), (1, "AssumeRole"));
    assert_eq!(request.request_id, request_id(&output));
    assert_eq!(request.access_key_id.as_deref(), Some(KEY_ID));
    assert_eq!((request.region.as_deref(), request.service.as_deref()), (Some("eu-west-1"), Some("sts")));
    assert!(request.user_agent.as_deref().is_some_and(|agent| agent.contains("aws-sdk-rust")));
    for (name, value) in [
        ("RoleArn", DEVELOPER),
        ("RoleSessionName", "me@laptop"),
        ("DurationSeconds", "900"),
        ("ExternalId", "a:b/c"),
        ("Policy", policy),
        ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "web é+co"),
        ("TransitiveTagKeys.member.1", "team"),
        ("SourceIdentity", "alice"),
    ] {
        assert_eq!(request.parameter(name), Some(value), "{name}");
    }
    let expiration = WallTime::from_unix_seconds(session.expiration().secs());
    assert_eq!(expiration, (request.at + Duration::from_secs(900)).whole_seconds());
    let access_key_id = session.access_key_id().to_owned();
    assert_eq!(request.outcome, Outcome::Granted { access_key_id, expiration });
    let [issued] = emulator.sessions().try_into().expect("one session");
    assert_eq!(issued.session_token.expose(), session.session_token());
    assert_eq!((issued.signed_by.as_deref(), issued.expiration), (Some(KEY_ID), expiration));
}

#[test]
fn a_wrong_secret_an_unknown_key_and_no_key_are_told_apart() {
    let emulator = emulator();
    let ask = |credentials| {
        let client = client_with(&emulator, credentials);
        refused(block_on(assume(&client, DEVELOPER).send()))
    };
    let (status, code, message) = ask(Some(keys(KEY_ID, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYWRONGKEY", None)));
    assert_eq!((status, code.as_str()), (403, "SignatureDoesNotMatch"));
    assert!(message.starts_with("The request signature we calculated does not match"), "{message}");
    let (status, code, message) = ask(Some(keys("AKIAI44QH8DHBEXAMPLE", SECRET, None)));
    assert_eq!((status, code.as_str()), (403, "InvalidClientTokenId"));
    assert_eq!(message, "The security token included in the request is invalid.");
    let (status, code, _) = ask(Some(keys(KEY_ID, SECRET, Some("EXAMPLE"))));
    assert_eq!((status, code.as_str()), (403, "InvalidClientTokenId"));
    assert!(emulator.sessions().is_empty());
    assert_eq!(emulator.request_count(), 3);
}

#[test]
fn get_caller_identity_names_whoever_signed() {
    let emulator = emulator();
    block_on(async {
        let user = client(&emulator).get_caller_identity().send().await.expect("an identity");
        assert_eq!(user.arn(), Some("arn:aws:iam::111122223333:user/base"));
        assert!(user.user_id().is_some_and(|id| id.starts_with("AIDA")));
        let session = session(&emulator, CI).await;
        let role = client_as(&emulator, &session).get_caller_identity().send().await.expect("an identity");
        assert_eq!(role.arn(), Some("arn:aws-us-gov:sts::777788889999:assumed-role/CI/me@laptop"));
        assert_eq!(role.account(), Some("777788889999"));
        assert!(role.user_id().is_some_and(|id| id.starts_with("AROA") && id.ends_with(":me@laptop")));
    });
    let operations: Vec<String> = emulator.requests().into_iter().map(|request| request.operation).collect();
    assert_eq!(operations, ["GetCallerIdentity", "AssumeRole", "GetCallerIdentity"]);
    assert_eq!(Operation::GetCallerIdentity.as_str(), "GetCallerIdentity");
}

#[test]
fn a_chained_role_gets_an_hour_at_most_and_inherits_the_source_identity() {
    let emulator = emulator();
    block_on(async {
        let first = assume(&client(&emulator), DEVELOPER).source_identity("alice").send().await.expect("a session");
        let chained = client_as(&emulator, first.credentials().expect("credentials"));
        let (status, code, message) = refused(assume(&chained, CI).duration_seconds(3601).send().await);
        assert_eq!((status, code.as_str()), (400, "ValidationError"));
        let expected =
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
        assert_eq!(message, expected);
        let second = assume(&chained, CI).duration_seconds(3600).send().await.expect("a session");
        assert_eq!(second.source_identity(), Some("alice"));
        let (_, code, _) = refused(assume(&chained, CI).source_identity("mallory").send().await);
        assert_eq!(code, "AccessDenied");
    });
    let kinds: Vec<SessionKind> = emulator.sessions().into_iter().map(|session| session.kind).collect();
    let alice = Some("alice".to_owned());
    let role = |arn: &str| SessionKind::Role { role_arn: arn.to_owned(), source_identity: alice.clone() };
    assert_eq!(kinds, [role(DEVELOPER), role(CI)]);
}

#[test]
fn get_session_token_wants_long_term_keys_and_a_fresh_code() {
    let emulator = emulator();
    emulator.add_mfa_device(MFA, |code| code.starts_with("12"));
    emulator.require_mfa(DEVELOPER);
    block_on(async {
        let client = client(&emulator);
        let with = |code: &str| client.get_session_token().serial_number(MFA).token_code(code).send();
        let (status, code, message) = refused(assume(&client, DEVELOPER).send().await);
        assert_eq!((status, code.as_str()), (403, "AccessDenied"));
        assert!(message.contains("is not authorized to perform: sts:AssumeRole on resource: "), "{message}");

        let output = with("123456").await.expect("a session");
        let session = output.credentials().expect("credentials");
        let (_, code, message) = refused(with("123456").await);
        assert_eq!(code, "AccessDenied", "a code is good once");
        assert!(message.contains("invalid MFA one time pass code"), "{message}");
        assert_eq!(refused(with("999999").await).1, "AccessDenied");
        let (_, code, message) = refused(client.get_session_token().serial_number(MFA).send().await);
        assert_eq!(code, "AccessDenied");
        assert!(message.contains("must provide both MFA serial number and one time pass code"), "{message}");
        let stranger = client.get_session_token().serial_number("arn:aws:iam::1:mfa/x").token_code("123457");
        assert!(refused(stranger.send().await).2.contains("verify your MFA serial number"));

        let on_top = client_as(&emulator, session);
        assume(&on_top, DEVELOPER).duration_seconds(43_200).send().await.expect("a role on top of the MFA session");
        let (_, code, message) = refused(on_top.get_session_token().send().await);
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("AccessDenied", "Cannot call GetSessionToken with session credentials")
        );
        let direct = assume(&client, DEVELOPER).serial_number(MFA).token_code("121212").send().await;
        direct.expect("a role with a code of its own");
    });
    let lives: Vec<u64> =
        emulator.sessions().iter().map(|s| s.expiration.since(s.issued.whole_seconds()).as_secs()).collect();
    assert_eq!(lives, [43_200, 43_200, 3600]);
    assert_eq!(emulator.sessions()[0].kind, SessionKind::User { mfa: true });
}
