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
#[expect(deprecated, reason = "STS still sends PackedPolicySize")]
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
    assert_eq!(output.packed_policy_size(), Some(3));

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

#[test]
fn a_web_identity_needs_no_signature_but_a_token_that_is_known_and_not_over() {
    let emulator = emulator();
    emulator.add_web_identity("EXAMPLE.good", "system:serviceaccount:ci", Duration::from_secs(3600));
    emulator.add_web_identity("EXAMPLE.over", "system:serviceaccount:ci", Duration::ZERO);
    let client = client_with(&emulator, None);
    let ask = |token: &str| {
        client.assume_role_with_web_identity().role_arn(CI).role_session_name("ci").web_identity_token(token).send()
    };
    let output = block_on(ask("EXAMPLE.good")).expect("a session");
    assert_eq!(output.subject_from_web_identity_token(), Some("system:serviceaccount:ci"));
    let user = output.assumed_role_user().expect("an assumed role user");
    assert_eq!(user.arn(), "arn:aws-us-gov:sts::777788889999:assumed-role/CI/ci");
    let (status, code, message) = refused(block_on(ask("EXAMPLE.over")));
    assert_eq!((status, code.as_str()), (400, "ExpiredTokenException"));
    assert!(message.starts_with("Token expired: current date/time "), "{message}");
    let (status, code, _) = refused(block_on(ask("EXAMPLE.never")));
    assert_eq!((status, code.as_str()), (400, "InvalidIdentityToken"));
    emulator.deny_role(CI, "IDPRejectedClaim", "Not you");
    assert_eq!(refused(block_on(ask("EXAMPLE.good"))), (403, "IDPRejectedClaim".to_owned(), "Not you".to_owned()));

    let requests = emulator.requests();
    assert!(requests.iter().all(|request| request.access_key_id.is_none()));
    let session =
        block_on(client_as(&emulator, output.credentials().expect("credentials")).get_caller_identity().send());
    assert_eq!(session.expect("an identity").account(), Some("777788889999"));
}

#[test]
fn an_ended_a_revoked_and_a_forged_session_are_refused() {
    let emulator = emulator();
    emulator.set_life(Duration::ZERO);
    block_on(async {
        let ended = session(&emulator, DEVELOPER).await;
        let (status, code, message) = refused(assume(&client_as(&emulator, &ended), CI).send().await);
        assert_eq!((status, code.as_str()), (403, "ExpiredToken"));
        assert_eq!(message, "The security token included in the request is expired");

        emulator.set_life(None);
        let living = session(&emulator, DEVELOPER).await;
        let signed = client_as(&emulator, &living);
        assume(&signed, CI).send().await.expect("a chained session");
        emulator.expire(living.access_key_id());
        assert_eq!(refused(assume(&signed, CI).send().await).1, "ExpiredToken");
        emulator.revoke(living.access_key_id());
        assert_eq!(refused(assume(&signed, CI).send().await).1, "InvalidClientTokenId");

        let other = session(&emulator, DEVELOPER).await;
        let (id, secret) = (other.access_key_id(), other.secret_access_key());
        for token in [None, Some("EXAMPLE")] {
            let forged = client_with(&emulator, Some(keys(id, secret, token)));
            assert_eq!(refused(assume(&forged, CI).send().await).1, "InvalidClientTokenId", "{token:?}");
        }
        let forged = client_with(&emulator, Some(keys(id, SECRET, Some(other.session_token()))));
        assert_eq!(refused(assume(&forged, CI).send().await).1, "SignatureDoesNotMatch");

        emulator.revoke(KEY_ID);
        assert_eq!(refused(assume(&client(&emulator), CI).send().await).1, "InvalidClientTokenId");
        emulator.add_key(KEY_ID, "another/SECRET/EXAMPLE", "111122223333", "arn:aws:iam::111122223333:user/base");
        assert_eq!(refused(assume(&client(&emulator), CI).send().await).1, "SignatureDoesNotMatch");
    });
}

#[test]
fn the_conditions_of_a_role_hold() {
    let emulator = emulator();
    let client = client(&emulator);
    block_on(async {
        let ask = |external_id: Option<&str>, seconds: i32| {
            assume(&client, DEVELOPER).set_external_id(external_id.map(str::to_owned)).duration_seconds(seconds).send()
        };
        emulator.require_external_id(DEVELOPER, "right");
        emulator.max_session(DEVELOPER, Duration::from_secs(7200));
        assert_eq!(refused(ask(None, 900).await).1, "AccessDenied");
        assert_eq!(refused(ask(Some("wrong"), 900).await).1, "AccessDenied");
        ask(Some("right"), 7200).await.expect("a session");
        let (status, code, message) = refused(ask(Some("right"), 7201).await);
        assert_eq!((status, code.as_str()), (400, "ValidationError"));
        assert_eq!(message, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");

        emulator.deny_role(DEVELOPER, "RegionDisabledException", "STS is not activated");
        let expected = (403, "RegionDisabledException".to_owned(), "STS is not activated".to_owned());
        assert_eq!(refused(ask(Some("right"), 900).await), expected);
        emulator.allow_role(DEVELOPER);
        ask(None, 43_200).await.expect("a role without conditions");

        emulator.add_key("AKIAI44QH8DHBEXAMPLE", SECRET, "111122223333", "arn:aws:iam::111122223333:root");
        let root = client_with(&emulator, Some(keys("AKIAI44QH8DHBEXAMPLE", SECRET, None)));
        assert_eq!(refused(assume(&root, DEVELOPER).send().await).2, "Roles may not be assumed by root accounts.");
        root.get_session_token().duration_seconds(129_600).send().await.expect("a session");
    });
    let session = emulator.sessions().pop().expect("a session");
    assert_eq!(session.expiration.since(session.issued.whole_seconds()), Duration::from_secs(3600));
}

#[test]
fn a_clock_that_is_off_is_told_in_the_words_of_aws_and_the_sdk_learns_it() {
    for (seconds, words) in [(3600, "Signature expired: "), (-3600, "Signature not yet current: ")] {
        let emulator = emulator();
        emulator.set_skew(seconds);
        let client = client(&emulator);
        let (status, code, message) = refused(block_on(assume(&client, DEVELOPER).send()));
        assert_eq!((status, code.as_str()), (403, "SignatureDoesNotMatch"));
        assert!(message.starts_with(words) && message.ends_with("5 min.)"), "{message}");
        let output = block_on(assume(&client, DEVELOPER).send()).expect("a session for whoever learns the time");
        let expiration = output.credentials().expect("credentials").expiration().secs();
        let hour_from_now = emulator.now().unix_seconds() + 3600;
        assert!((hour_from_now - 30..=hour_from_now).contains(&expiration));
    }
    for code in ["RequestExpired", "RequestTimeTooSkewed", "InvalidSignatureException"] {
        let settings = Settings { stale_code: code.to_owned(), ..Settings::default() };
        let emulator = Emulator::start(settings).expect("an emulator");
        emulator.set_skew(-3600);
        assert_eq!(refused(block_on(assume(&client(&emulator), DEVELOPER).send())).1, code);
    }
    let emulator = emulator();
    emulator.set_skew(200);
    block_on(session(&emulator, DEVELOPER));
}

#[test]
fn parameters_out_of_bounds_are_refused_in_the_words_of_aws() {
    let emulator = emulator();
    let client = client(&emulator);
    let call = || assume(&client, DEVELOPER);
    let arn = |text: &str| PolicyDescriptorType::builder().arn(text).build();
    let read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let cases = [
        (
            call().duration_seconds(60),
            "ValidationError",
            "1 validation error detected: Value '60' at 'durationSeconds' failed to satisfy constraint: Member must have \
             value greater than or equal to 900",
        ),
        (
            call().duration_seconds(43_201),
            "ValidationError",
            "1 validation error detected: Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must \
             have value less than or equal to 43200",
        ),
        (
            call().role_session_name("a b").external_id("x"),
            "ValidationError",
            r"2 validation errors detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*; Value 'x' at 'externalId' failed to satisfy constraint: Member must have length greater than or equal to 2",
        ),
        (
            call().set_role_session_name(Some("x".repeat(65))),
            "ValidationError",
            "Member must have length less than or equal to 64",
        ),
        (
            call().role_arn("dev"),
            "ValidationError",
            "at 'roleArn' failed to satisfy constraint: Member must have length",
        ),
        (
            call().role_arn("arn:aws:iam::111122223333:user/me"),
            "ValidationError",
            "arn:aws:iam::111122223333:user/me is invalid",
        ),
        (call().serial_number(MFA).token_code("12345"), "ValidationError", "at 'tokenCode' failed"),
        (call().source_identity("a b"), "ValidationError", "at 'sourceIdentity' failed"),
        (call().tags(tag("a", "x")).tags(tag("A", "y")), "InvalidParameterValue", "Duplicate tag keys found."),
        (call().tags(tag("a", "<x>")), "ValidationError", "at 'tags.1.member.value' failed"),
        (
            call().set_tags(Some((0..51).map(|n| tag(&n.to_string(), "")).collect())),
            "ValidationError",
            "at 'tags' failed",
        ),
        (call().transitive_tag_keys("a"), "InvalidParameterValue", "transitive tag key must be included"),
        (call().policy("{"), "MalformedPolicyDocument", "invalid Json"),
        (call().policy(format!("{{\"Version\":\"{}\"}}", "x".repeat(2048))), "PackedPolicyTooLarge", "smaller policy."),
        (call().set_policy_arns(Some(vec![arn(read_only); 11])), "ValidationError", "Requested 11 managed policies"),
        (
            call().policy_arns(arn("ReadOnlyAccess and more")),
            "ValidationError",
            "ARN ReadOnlyAccess and more is not valid.",
        ),
    ];
    block_on(async {
        for (call, code, words) in cases {
            let (status, seen, message) = refused(call.send().await);
            assert_eq!((status, seen.as_str()), (400, code), "{message}");
            assert!(message.contains(words), "{message}\n does not say: {words}");
        }
        let (_, code, message) = refused(client.get_session_token().duration_seconds(129_601).send().await);
        assert_eq!(code, "ValidationError");
        assert!(message.ends_with("Member must have value less than or equal to 129600"), "{message}");
        let nobody = client.assume_role().send().await;
        assert_eq!(
            refused(nobody).2,
            "2 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be \
             null; Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null"
        );
        let (_, code, _) = refused(client.get_access_key_info().access_key_id(KEY_ID).send().await);
        assert_eq!(code, "InvalidAction");
    });
    assert!(emulator.sessions().is_empty());
}

#[test]
fn tokens_can_be_as_long_as_wanted_and_lives_as_short() {
    let emulator = Emulator::start(Settings { token_length: 4096, ..Settings::default() }).expect("an emulator");
    emulator.set_life(Duration::from_secs(3));
    let session = block_on(session(&emulator, DEVELOPER));
    assert_eq!(session.session_token().len(), 4096);
    let issued = emulator.sessions().pop().expect("a session");
    assert_eq!(issued.expiration, (issued.issued + Duration::from_secs(3)).whole_seconds());
}
