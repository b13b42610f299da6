use super::{Class, Context, Failure, Fault, Layer, ReplyFault, ServiceError, SourceFault, Stage, classify};
use crate::engine::config::model::{CredentialSource, Source};
use crate::engine::names::ProfileName;
use crate::engine::place::Place;
use crate::engine::time::WallTime;

const ROLE: &str = "arn:aws:iam::111122223333:role/Developer";

fn base() -> Source {
    Source::Profile("base".to_owned())
}

fn context(stage: Stage, source: &Source) -> Context {
    Context {
        profile: "dev".to_owned(),
        role_arn: (stage != Stage::SessionToken).then(|| ROLE.to_owned()),
        source: source.clone(),
        stage,
        place: Place { region: "eu-west-1".to_owned(), endpoint: None },
        is_proxied: false,
        has_mfa: false,
        has_external_id: false,
    }
}

fn service(status: u16, code: Option<&str>, message: &str) -> Fault {
    Fault::Service(ServiceError {
        status,
        code: code.map(str::to_owned),
        message: (!message.is_empty()).then(|| message.to_owned()),
        request_id: None,
    })
}

fn judged(stage: Stage, fault: &Fault) -> Failure {
    classify(fault, &context(stage, &base()))
}

/// One row for each code, with the operation at which it is met.
#[test]
fn every_code_has_its_class() {
    use Class::{Busy, Clock, Refused, Settings, Source as Keys, TooLong};
    use Stage::{AssumeRole, Resolve, SessionToken, WebIdentity};
    let wrong_key = "The request signature we calculated does not match the signature you provided.";
    let late = "Signature expired: 20261121T080000Z is now earlier than 20261121T085500Z (20261121T090000Z - 5 min.)";
    let early = "Signature not yet current: 20261121T100000Z is still later than 20261121T091000Z";
    let chained = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
    let too_long = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    let bounds = "1 validation error detected: Value '50000' at 'durationSeconds' failed to satisfy constraint: \
                  Member must have value less than or equal to 43200";
    let short = "1 validation error detected: Value '5' at 'durationSeconds' failed to satisfy constraint: \
                 Member must have value greater than or equal to 900";
    let rows: &[(u16, &str, &str, Stage, Class)] = &[
        (400, "Throttling", "Rate exceeded", AssumeRole, Busy),
        (400, "ThrottlingException", "", AssumeRole, Busy),
        (400, "RequestLimitExceeded", "", AssumeRole, Busy),
        (400, "TooManyRequestsException", "", AssumeRole, Busy),
        (503, "SlowDown", "", AssumeRole, Busy),
        (500, "InternalFailure", "", AssumeRole, Busy),
        (503, "ServiceUnavailable", "", AssumeRole, Busy),
        (400, "RequestTimeout", "", AssumeRole, Busy),
        (400, "IDPCommunicationError", "", WebIdentity, Busy),
        (400, "InvalidIdentityToken", "", WebIdentity, Keys),
        (400, "ExpiredTokenException", "", WebIdentity, Keys),
        (403, "ExpiredToken", "", AssumeRole, Keys),
        (403, "IDPRejectedClaim", "", WebIdentity, Keys),
        (403, "InvalidClientTokenId", "", AssumeRole, Keys),
        (403, "UnrecognizedClientException", "", AssumeRole, Keys),
        (403, "SignatureDoesNotMatch", late, AssumeRole, Clock),
        (403, "SignatureDoesNotMatch", early, AssumeRole, Clock),
        (403, "SignatureDoesNotMatch", wrong_key, AssumeRole, Keys),
        (400, "InvalidSignatureException", late, AssumeRole, Clock),
        (400, "InvalidSignatureException", wrong_key, AssumeRole, Keys),
        (400, "RequestExpired", "", AssumeRole, Clock),
        (403, "RequestTimeTooSkewed", "", AssumeRole, Clock),
        (403, "AuthFailure", early, AssumeRole, Clock),
        (403, "AuthFailure", "", AssumeRole, Keys),
        (400, "IncompleteSignature", "", AssumeRole, Settings),
        (403, "MissingAuthenticationToken", "", AssumeRole, Settings),
        (400, "ThrottledException", "", Resolve, Busy),
        (429, "RequestThrottled", "", Resolve, Busy),
        (429, "RequestThrottledException", "", Resolve, Busy),
        (400, "slow_down", "", Resolve, Busy),
        (500, "InternalError", "", Resolve, Busy),
        (408, "RequestTimeoutException", "", Resolve, Busy),
        (403, "RequestInTheFuture", "", AssumeRole, Clock),
        (403, "UnauthorizedOperation", "", AssumeRole, Refused),
        (400, "ValidationException", "", Resolve, Settings),
        (400, "InvalidParameterValue", "", AssumeRole, Settings),
        (400, "InvalidRequestException", "", Resolve, Settings),
        (403, "AccessDenied", "", AssumeRole, Refused),
        (403, "AccessDenied", "", SessionToken, Refused),
        (403, "AccessDeniedException", "", AssumeRole, Refused),
        (403, "OptInRequired", "", AssumeRole, Settings),
        (400, "ValidationError", "the tag key is too long", AssumeRole, Settings),
        (400, "ValidationError", chained, AssumeRole, TooLong),
        (400, "ValidationError", too_long, AssumeRole, TooLong),
        (400, "ValidationError", too_long, WebIdentity, TooLong),
        (400, "ValidationError", bounds, AssumeRole, TooLong),
        (400, "ValidationError", short, AssumeRole, Settings),
        (400, "MalformedPolicyDocument", "", AssumeRole, Settings),
        (400, "PackedPolicyTooLarge", "", AssumeRole, Settings),
        (403, "RegionDisabledException", "", AssumeRole, Settings),
        (404, "NoSuchEntity", "", AssumeRole, Refused),
        (403, "ForbiddenException", "No access", Resolve, Refused),
        (401, "UnauthorizedException", "", Resolve, Keys),
        (404, "ResourceNotFoundException", "", Resolve, Refused),
        // Codes that nobody knows go by their status.
        (429, "Whatever", "", AssumeRole, Busy),
        (500, "Whatever", "", AssumeRole, Busy),
        (403, "Whatever", "", AssumeRole, Refused),
        (400, "Whatever", "", AssumeRole, Settings),
    ];
    for (status, code, message, stage, class) in rows {
        let failure = judged(*stage, &service(*status, Some(code), message));
        assert_eq!(failure.class, *class, "{code} {message}");
        assert_eq!(failure.code.as_deref(), Some(*code));
        let waits = matches!(class, Busy);
        assert_eq!(failure.fix.is_none(), waits, "{code}: {:?}", failure.fix);
        let way_out = way_out(code, *stage, *class);
        assert!(failure.fix.unwrap_or_default().contains(way_out), "{code}: {way_out:?} is not the way out");
        let names_it = [ROLE, "base", "sts.eu-west-1.amazonaws.com", "STS", "the account", "\"dev\""];
        assert!(names_it.iter().any(|name| failure.message.contains(name)), "{code}: {}", failure.message);
    }
    for known in super::table::codes() {
        assert!(rows.iter().any(|(_, code, ..)| *code == known), "{known} has no row");
    }
}

/// The command or the setting that mends it, as far as every message of this code and class must hold it.
fn way_out(code: &str, stage: Stage, class: Class) -> &'static str {
    match (code, class) {
        ("IncompleteSignature" | "MissingAuthenticationToken", _) => "[network] proxy or sts_endpoint",
        ("OptInRequired", _) => "activate the account",
        ("MalformedPolicyDocument", _) => "correct policy of profile \"dev\"",
        ("PackedPolicyTooLarge", _) => "policy_arns",
        ("RegionDisabledException", _) => "sts_region = \"us-east-1\"",
        ("NoSuchEntity" | "ResourceNotFoundException", _) => "correct profile \"dev\"",
        (_, Class::Unreachable | Class::Busy | Class::Store) => "",
        (_, Class::Source) => "aws configure --profile base",
        (_, Class::Clock) => "timedatectl set-ntp true",
        (_, Class::TooLong) => "duration = \"1h\"",
        (_, Class::Settings) => "correct profile \"dev\" in evertoken's config",
        (_, Class::Refused) if stage == Stage::AssumeRole => "evertoken refresh dev",
        (_, Class::Refused) => "ask ",
    }
}

#[test]
fn what_waiting_mends_is_what_no_person_is_sent_for() {
    let waits = [Class::Unreachable, Class::Busy, Class::Clock, Class::Store];
    let needs = [Class::Source, Class::Refused, Class::Settings, Class::TooLong];
    assert!(waits.iter().all(|class| class.passes_by_itself()));
    assert!(!needs.iter().any(|class| class.passes_by_itself()));
}

#[test]
fn an_answer_without_a_code_is_of_a_server_that_is_down_or_not_of_aws() {
    let rows = [
        (500, Class::Busy),
        (502, Class::Busy),
        (503, Class::Busy),
        (504, Class::Busy),
        (429, Class::Busy),
        (200, Class::Unreachable),
        (302, Class::Unreachable),
        (403, Class::Unreachable),
        (407, Class::Unreachable),
    ];
    for (status, class) in rows {
        let failure = judged(Stage::AssumeRole, &service(status, None, ""));
        assert_eq!((failure.class, failure.code), (class, None), "{status}");
    }
    let source = base();
    let proxied = context(Stage::AssumeRole, &source).through_proxy(true);
    assert_eq!(classify(&service(503, None, ""), &proxied).class, Class::Unreachable);
    assert!(classify(&service(407, None, ""), &proxied).fix.is_some_and(|fix| fix.contains("[network] proxy")));
}

#[test]
fn every_other_fault_has_its_class_and_names_its_layer() {
    let transport = |layer| Fault::Transport { layer, detail: "io error: detail".to_owned() };
    let past = ReplyFault::Past(WallTime::from_unix_seconds(0));
    let other = ReplyFault::OtherRole { asked: "1/A/me".to_owned(), came: "2/B/me".to_owned() };
    let ended = SourceFault::Ended { what: "the SSO session \"corp\"".to_owned(), login: Some("log in".to_owned()) };
    let mfa_in_chain = SourceFault::MfaInChain { profile: "admin".to_owned(), serial: "arn:x".to_owned() };
    let unreadable = SourceFault::Unreadable { path: "/home/me/.aws/config".into(), why: "Permission denied".into() };
    let digest = "0123456789abcdef".repeat(4);
    let path = format!("/home/me/.aws/login/cache/{digest}.json");
    let unsettled = SourceFault::Unsettled { path, why: "it does not stand still".into() };
    let rows = [
        (transport(Layer::Dns), Class::Unreachable, "DNS"),
        (transport(Layer::Connect), Class::Unreachable, "connected"),
        (transport(Layer::Tls), Class::Unreachable, "certificate"),
        (transport(Layer::Proxy), Class::Unreachable, "proxy"),
        (transport(Layer::Timeout), Class::Unreachable, "in time"),
        (transport(Layer::Other), Class::Unreachable, "detail"),
        (Fault::Reply(ReplyFault::Incomplete("it has no Expiration".to_owned())), Class::Unreachable, "no Expiration"),
        (Fault::Reply(past), Class::Busy, "1970"),
        (Fault::Reply(other), Class::Refused, "1/A/me"),
        (Fault::Source(SourceFault::Missing("there is no profile \"base\"".to_owned())), Class::Source, "base"),
        (Fault::Source(ended), Class::Source, "corp"),
        (Fault::Source(no_token()), Class::Source, "/run/oidc cannot be read"),
        (Fault::Source(SourceFault::MfaDue { profile: "base-mfa".to_owned() }), Class::Source, "base-mfa"),
        (Fault::Source(mfa_in_chain), Class::Source, "admin"),
        (Fault::Source(SourceFault::Config("line 3".to_owned())), Class::Source, "line 3"),
        (Fault::Source(SourceFault::Process("it ended".to_owned())), Class::Source, "it ended"),
        (Fault::Source(unreadable), Class::Source, "/home/me/.aws/config cannot be read: Permission denied"),
        (Fault::Source(unsettled), Class::Busy, &format!("{digest}.json cannot be read: it does not stand still")),
        (Fault::Source(SourceFault::LongTerm), Class::Settings, "no end"),
        (Fault::Contended { holder: Some(4242) }, Class::Busy, "another evertoken (process 4242)"),
        (Fault::Internal("a panic".to_owned()), Class::Busy, "stumbled: a panic"),
        (Fault::Denied("no thread".to_owned()), Class::Busy, "no thread"),
    ];
    for (fault, class, word) in rows {
        let failure = judged(Stage::AssumeRole, &fault);
        assert_eq!(failure.class, class, "{fault:?}");
        assert!(failure.message.contains(word), "{fault:?}: {}", failure.message);
        let is_waited_for = matches!(class, Class::Unreachable | Class::Busy);
        assert!(is_waited_for || failure.fix.is_some(), "{fault:?} has no way out");
    }
}

#[test]
fn many_sources_behind_one_service_that_cannot_be_reached_are_told_in_the_same_words() {
    let detail = "portal.sso.eu-west-1.amazonaws.com: no answer in time".to_owned();
    let fault = Fault::Transport { layer: Layer::Timeout, detail };
    let [one, other] = ["one", "other"].map(|profile| {
        let source = Source::Profile(profile.to_owned());
        classify(&fault, &context(Stage::Resolve, &source))
    });
    assert_eq!(one, other);
    assert!(one.message.contains("portal.sso.eu-west-1"), "{}", one.message);
}

#[test]
fn a_fix_is_what_can_be_typed() {
    let fix = |fault: &Fault| judged(Stage::AssumeRole, fault).fix.unwrap_or_default();
    let ended = SourceFault::Ended {
        what: "the SSO session \"corp\"".to_owned(),
        login: Some("aws sso login --sso-session corp".to_owned()),
    };
    assert_eq!(fix(&Fault::Source(ended)), "aws sso login --sso-session corp");
    assert_eq!(fix(&Fault::Source(SourceFault::MfaDue { profile: "base-mfa".to_owned() })), "evertoken login base-mfa");
    let text = "User: arn:aws:iam::999988887777:user/me is not authorized to perform: sts:AssumeRole on resource: r";
    let denied = fix(&service(403, Some("AccessDenied"), text));
    assert!(denied.starts_with(&format!("ask the owner of {ROLE} to let arn:aws:iam::999988887777:user/me assume it")));
    assert!(denied.ends_with("evertoken refresh dev"), "{denied}");
    let tags = fix(&service(403, Some("AccessDenied"), "is not authorized to perform: sts:TagSession on"));
    assert!(tags.contains("sts:TagSession"), "{tags}");
    assert!(fix(&service(403, Some("RegionDisabledException"), "")).contains("sts_region"));
    let tls = Fault::Transport { layer: Layer::Tls, detail: String::new() };
    assert!(fix(&tls).contains("ca_bundle"));
}

#[test]
fn a_second_factor_is_named_where_it_is_the_cause() {
    let text = "MultiFactorAuthentication failed with invalid MFA one time pass code.";
    let source = base();
    let with_mfa = Context { has_mfa: true, ..context(Stage::AssumeRole, &source) };
    let failure = classify(&service(403, Some("AccessDenied"), text), &with_mfa);
    assert_eq!((failure.class, failure.fix.as_deref()), (Class::Source, Some("evertoken login dev")));
    let without = judged(Stage::AssumeRole, &service(403, Some("AccessDenied"), text));
    assert!(without.fix.is_some_and(|fix| fix.contains("[[mfa_session]]")));
}

#[test]
fn the_operation_and_the_source_decide_what_expired() {
    let token = Source::WebIdentity("/run/oidc".to_owned());
    for code in ["ExpiredToken", "ExpiredTokenException"] {
        let failure = classify(&service(400, Some(code), ""), &context(Stage::WebIdentity, &token));
        assert!(failure.message.contains("/run/oidc"), "{}", failure.message);
        let failure = judged(Stage::AssumeRole, &service(403, Some(code), ""));
        assert!(failure.message.contains("profile \"base\""), "{}", failure.message);
    }
    // The session of another entry is renewed by itself.
    let listed = Source::Listed(ProfileName::parse("parent").expect("a profile name"));
    assert_eq!(classify(&service(403, Some("ExpiredToken"), ""), &context(Stage::AssumeRole, &listed)).fix, None);
    let exported = Source::Provider(CredentialSource::Environment);
    let failure = classify(&service(403, Some("ExpiredToken"), ""), &context(Stage::AssumeRole, &exported));
    assert!(failure.fix.is_some_and(|fix| fix.contains("export new keys")));
}

#[test]
fn text_of_a_server_is_bounded_and_never_repeats_a_token() {
    let token = "FwoGZXIvYXdzEXAMPLE".repeat(20);
    let text = format!("The Canonical String should have been\u{1b}[2J\n'x-amz-security-token:{token}'");
    for code in ["SignatureDoesNotMatch", "AccessDenied", "Whatever", "ValidationError"] {
        let failure = judged(Stage::AssumeRole, &service(403, Some(code), &text));
        let shown = format!("{} {}", failure.message, failure.fix.unwrap_or_default());
        assert!(!shown.contains("FwoGZXIvYXdz") && !shown.contains(char::is_control), "{shown}");
    }
    let long = judged(Stage::AssumeRole, &service(403, Some("AccessDenied"), &"no ".repeat(5000)));
    assert!(long.message.chars().count() < 500);
}

fn no_token() -> SourceFault {
    let text = "the web identity token /run/oidc cannot be read: No such file or directory".to_owned();
    SourceFault::NoToken { profile: "web".to_owned(), path: "/run/oidc".to_owned(), text }
}

#[test]
fn what_is_to_be_typed_is_quoted() {
    let source = Source::Profile("my base".to_owned());
    let missing = Fault::Source(SourceFault::Missing("there is no profile \"my base\"".to_owned()));
    let fix = classify(&missing, &context(Stage::AssumeRole, &source)).fix.expect("a way out");
    assert!(fix.contains("(aws configure --profile 'my base', or aws configure sso --profile 'my base')"), "{fix}");
    let path = "/home/me/my aws/config".to_owned();
    let unreadable = Fault::Source(SourceFault::Unreadable { path, why: "Permission denied".to_owned() });
    let fix = classify(&unreadable, &context(Stage::Resolve, &source)).fix.expect("a way out");
    assert!(fix.ends_with("(ls -l '/home/me/my aws/config')"), "{fix}");
    let expired = service(403, Some("ExpiredToken"), "");
    let fix = classify(&expired, &context(Stage::AssumeRole, &source)).fix.expect("a way out");
    assert!(fix.ends_with("(aws configure --profile 'my base' for long-term ones)"), "{fix}");
}

/// Such a failure is told once for all who stand on the source, in the words of the first of them.
#[test]
fn a_source_that_is_missing_is_told_to_all_who_stand_on_it_in_the_same_words() {
    let source = base();
    let missing = Fault::Source(SourceFault::Missing("there is no profile \"base\"".to_owned()));
    let told = |profile: &str| {
        let context = Context { profile: profile.to_owned(), ..context(Stage::Resolve, &source) };
        classify(&missing, &context)
    };
    assert_eq!(told("one"), told("other"));
}
