use super::accept;
use crate::engine::config::model::{Entry, Operation, RoleRequest, Source, StoreKind};
use crate::engine::failure::{Fault, ReplyFault};
use crate::engine::keeper::Reply;
use crate::engine::names::{ProfileName, RoleArn, SessionNameTemplate};
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, Session, SettingsDigest};
use crate::engine::time::WallTime;
use std::collections::BTreeMap;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const NOW: WallTime = WallTime::from_unix_millis(1_795_273_445_250);
const ARN: &str = "arn:aws:sts::111122223333:assumed-role/Developer/me@laptop";

fn entry(operation: Operation) -> Entry {
    Entry {
        profile: ProfileName::parse("dev").expect("a profile name"),
        operation,
        source: Source::Profile("base".to_owned()),
        duration: HOUR,
        min_ttl: None,
        region: None,
        sts_region: None,
        sts_endpoint: None,
        store: StoreKind::Shared,
        adopt: false,
        mfa: None,
        digest: SettingsDigest::parse("abcd").expect("a digest"),
    }
}

fn role(arn: &str) -> Entry {
    entry(Operation::AssumeRole(Box::new(RoleRequest {
        role_arn: RoleArn::parse(arn).expect("a role ARN"),
        session_name: SessionNameTemplate::parse("{user}@{host}").expect("a template"),
        external_id: None,
        policy: None,
        policy_arns: Vec::new(),
        tags: BTreeMap::new(),
        transitive_tags: Vec::new(),
        source_identity: None,
    })))
}

fn good() -> Reply {
    Reply {
        keys: Some(Keys {
            access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: Some(Secret::new("FwoGZXIvYXdzEXAMPLETOKEN==")),
        }),
        expiration: Some(NOW + HOUR),
        assumed_role_arn: Some(ARN.to_owned()),
        session_name: "me@laptop".to_owned(),
        skew: None,
        request_id: None,
    }
}

fn judged(change: impl FnOnce(&mut Reply)) -> Result<Session, Fault> {
    let mut reply = good();
    change(&mut reply);
    accept(&reply, &role("arn:aws:iam::111122223333:role/team/Developer"), HOUR, NOW)
}

fn with_keys(change: impl FnOnce(&mut Keys)) -> Result<Session, Fault> {
    judged(|reply| {
        if let Some(keys) = &mut reply.keys {
            change(keys);
        }
    })
}

#[test]
fn a_good_answer_becomes_a_session_in_whole_seconds() {
    let session = judged(|_| ()).expect("accepted");
    assert_eq!(session.issued, NOW.whole_seconds());
    assert_eq!(session.expiration, (NOW + HOUR).whole_seconds());
    assert_eq!(session.account_id.as_deref(), Some("111122223333"));
    assert_eq!(session.digest.as_str(), "abcd");
    assert_eq!(session.allowed, None);
}

#[test]
fn an_answer_with_a_part_missing_or_unfit_for_the_file_is_refused() {
    let refused = |result: Result<Session, Fault>| matches!(result, Err(Fault::Reply(ReplyFault::Incomplete(_))));
    assert!(refused(judged(|reply| reply.keys = None)));
    assert!(refused(judged(|reply| reply.expiration = None)));
    assert!(refused(with_keys(|keys| keys.session_token = None)));
    assert!(refused(with_keys(|keys| keys.access_key_id.clear())));
    for odd in ["two words", "a\nb = c", "tab\t", "é", ""] {
        assert!(refused(with_keys(|keys| keys.access_key_id = odd.to_owned())), "{odd:?}");
        assert!(refused(with_keys(|keys| keys.secret_access_key = Secret::new(odd))), "{odd:?}");
        assert!(refused(with_keys(|keys| keys.session_token = Some(Secret::new(odd)))), "{odd:?}");
    }
}

#[test]
fn an_answer_that_has_ended_is_refused_and_an_absurd_end_is_not_believed() {
    for past in [NOW, NOW - Duration::from_secs(1), WallTime::from_unix_seconds(0)] {
        let result = judged(|reply| reply.expiration = Some(past));
        assert!(matches!(result, Err(Fault::Reply(ReplyFault::Past(_)))), "{past}");
    }
    let short = judged(|reply| reply.expiration = Some(NOW + Duration::from_secs(5))).expect("accepted");
    assert_eq!(short.left(NOW.whole_seconds()), Duration::from_secs(5));
    let longer = judged(|reply| reply.expiration = Some(NOW + HOUR * 12)).expect("accepted");
    assert_eq!(longer.left(NOW.whole_seconds()), HOUR * 12);
    for absurd in [WallTime::MAX, NOW + HOUR * 48] {
        let session = judged(|reply| reply.expiration = Some(absurd)).expect("accepted");
        assert_eq!(session.left(NOW.whole_seconds()), HOUR);
    }
}

#[test]
fn an_answer_for_anybody_else_is_refused() {
    for other in [
        "arn:aws:sts::999988887777:assumed-role/Developer/me@laptop",
        "arn:aws:sts::111122223333:assumed-role/Admin/me@laptop",
        "arn:aws:sts::111122223333:assumed-role/Developer/you@laptop",
        "arn:aws:sts::111122223333:assumed-role/team/Developer/me@laptop",
        "arn:aws-cn:sts::111122223333:assumed-role/Developer/me@laptop",
        "arn:aws:iam::111122223333:user/me",
        "nonsense",
        "",
    ] {
        let result = judged(|reply| reply.assumed_role_arn = Some(other.to_owned()));
        assert!(matches!(result, Err(Fault::Reply(ReplyFault::OtherRole { .. }))), "{other}");
    }
    let absent = judged(|reply| reply.assumed_role_arn = None);
    assert!(matches!(absent, Err(Fault::Reply(ReplyFault::OtherRole { .. }))));
}

#[test]
fn a_session_token_names_no_role() {
    let mut reply = good();
    reply.assumed_role_arn = None;
    let session = accept(&reply, &entry(Operation::GetSessionToken), HOUR, NOW).expect("accepted");
    assert_eq!(session.account_id, None);
}
