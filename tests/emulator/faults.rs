//! Each fault yields on the wire what it says, and befalls only whom it should.

use crate::sdk::{DEVELOPER, KEY_ID, assume, block_on, client, refused, session};
use crate::wire::{BOUND, TOKEN, address, answer, ask, header, rest};
use aws_sdk_sts::error::SdkError;
use evertoken::emulator::{Emulator, Expiration, Fault, Field, Operation, Outage, Outcome, Rule, Settings};
use evertoken::engine::time::WallTime;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

const OTHER: &str = "arn:aws:iam::111122223333:role/Other";

fn emulator() -> Emulator {
    let emulator = Emulator::start(Settings::default()).expect("an emulator");
    emulator.add_web_identity(TOKEN, "system:serviceaccount:ci", Duration::from_secs(3600));
    emulator
}

fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

#[test]
fn every_known_error_reaches_the_sdk_with_its_status_code_and_message() {
    let emulator = emulator();
    let client = client(&emulator);
    let codes: Vec<&str> = Fault::codes().collect();
    assert!(codes.len() >= 29, "{codes:?}");
    block_on(async {
        for code in codes {
            let fault = Fault::code(code);
            let Fault::Error { status, message, .. } = fault.clone() else { panic!("an error for {code}") };
            emulator.inject(Rule::once(fault));
            let seen = refused(assume(&client, DEVELOPER).send().await);
            assert_eq!(seen, (status, code.to_owned(), message));
            let last = emulator.requests().pop().expect("a record");
            assert_eq!(last.outcome, Outcome::Refused { status, code: code.to_owned() });
        }
        assume(&client, DEVELOPER).send().await.expect("no fault is left over");
    });
}

#[test]
fn control_characters_and_markup_in_a_message_arrive_as_they_are() {
    let emulator = emulator();
    let message = "first\nsecond\r\tthird \u{1b}[31mred\u{7} <b>&amp;\u{9b}";
    emulator.inject(Fault::Error { status: 403, code: "AccessDenied".to_owned(), message: message.to_owned() });
    let seen = refused(block_on(assume(&client(&emulator), DEVELOPER).send()));
    assert_eq!(seen.2, message);
}

#[test]
fn what_is_not_sts_comes_without_a_code() {
    let emulator = emulator();
    for (fault, status, place) in [
        (Fault::portal(), 200, None),
        (Fault::redirect(), 302, Some("Location")),
        (Fault::proxy_password(), 407, Some("Proxy-Authenticate")),
        (Fault::page(503, "Service Unavailable"), 503, None),
    ] {
        emulator.inject(Rule::once(fault.clone()));
        let (head, body) = answer(&emulator);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(body.starts_with("<!DOCTYPE html>"), "{body}");
        assert!(place.is_none_or(|name| header(&head, name).is_some()), "{head}");
        emulator.inject(Rule::once(fault));
        let (seen, code, _) = refused(block_on(assume(&client(&emulator), DEVELOPER).send()));
        assert_eq!((seen, code.as_str()), (status, ""));
    }
    for status in [200, 500, 502, 503, 504] {
        emulator.inject(Rule::once(Fault::bare(status)));
        let (head, body) = answer(&emulator);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert_eq!((header(&head, "content-length"), body.as_str()), (Some("0"), ""));
        assert_eq!(emulator.requests().pop().map(|request| request.outcome), Some(Outcome::Lost));
    }
}

#[test]
fn a_cut_comes_before_or_inside_the_answer() {
    let emulator = emulator();
    emulator.inject(Rule::once(Fault::CutBefore));
    assert_eq!(rest(ask(&emulator)), "");
    assert!(emulator.sessions().is_empty());

    emulator.inject(Rule::once(Fault::CutInside));
    let (head, body) = answer(&emulator);
    let announced: usize = header(&head, "content-length").and_then(|text| text.parse().ok()).expect("a length");
    assert!(!body.is_empty() && body.len() < announced, "{} of {announced}", body.len());
    assert!(
        body.contains("<AssumeRoleWithWebIdentityResponse") && !body.contains("</AssumeRoleWithWebIdentityResponse")
    );
    assert_eq!(emulator.sessions().len(), 1, "STS did issue it");

    for fault in [Fault::CutBefore, Fault::CutInside] {
        emulator.inject(Rule::once(fault));
        let result = block_on(assume(&client(&emulator), DEVELOPER).send());
        assert!(
            matches!(result, Err(SdkError::DispatchFailure(_) | SdkError::ResponseError(_))),
            "{:?}",
            result.is_ok()
        );
    }
}

#[test]
fn an_expiration_can_be_wrong_in_every_way() {
    let emulator = emulator();
    let ask = |fault| {
        emulator.inject(Rule::once(fault));
        let (_, xml) = answer(&emulator);
        let text = element(&xml, "Expiration").map(str::to_owned);
        (text.clone(), text.and_then(|text| WallTime::parse(&text).ok()))
    };
    let right = || emulator.sessions().last().map(|session| session.expiration);
    assert_eq!(ask(Fault::Without(Field::Expiration)).0, None);
    assert_eq!(ask(Fault::Expiration(Expiration::Text("soon".to_owned()))).0.as_deref(), Some("soon"));
    let (text, parsed) = ask(Fault::Expiration(Expiration::Fractions));
    assert!(text.is_some_and(|text| text.ends_with(".250Z")));
    assert_eq!(parsed, right().map(|time| time + Duration::from_millis(250)));
    let (text, parsed) = ask(Fault::Expiration(Expiration::NumericOffset));
    assert!(text.is_some_and(|text| text.ends_with("+01:00")));
    assert_eq!(parsed, right());
    let (text, _) = ask(Fault::Expiration(Expiration::Far));
    assert_eq!(text.as_deref(), Some("9999-12-31T23:59:59Z"));
    let (_, parsed) = ask(Fault::Expiration(Expiration::Past(Duration::from_secs(60))));
    assert!(parsed.is_some_and(|time| time < emulator.now()));
}

#[test]
fn a_field_can_be_missing_or_speak_of_another_role() {
    let emulator = emulator();
    for (field, name) in [
        (Field::AccessKeyId, "AccessKeyId"),
        (Field::SecretAccessKey, "SecretAccessKey"),
        (Field::SessionToken, "SessionToken"),
        (Field::AssumedRoleUser, "AssumedRoleUser"),
    ] {
        assert!(element(&answer(&emulator).1, name).is_some(), "{name}");
        emulator.inject(Rule::once(Fault::Without(field)));
        assert_eq!(element(&answer(&emulator).1, name), None);
    }
    let foreign = "arn:aws:sts::999999999999:assumed-role/Foreign/me";
    emulator.inject(Rule::once(Fault::AssumedAs(foreign.to_owned())));
    let output = block_on(assume(&client(&emulator), DEVELOPER).send()).expect("a session");
    assert_eq!(output.assumed_role_user().map(|user| user.arn()), Some(foreign));
}

#[test]
fn only_the_date_header_can_be_skewed() {
    let emulator = emulator();
    let date = |head: &str| {
        let text = header(head, "date").expect("a date").to_owned();
        let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).expect("a date of HTTP");
        WallTime::from_unix_seconds(parsed.as_second())
    };
    let (head, _) = answer(&emulator);
    assert!(date(&head).since(emulator.now()) < BOUND && emulator.now().since(date(&head)) < BOUND);
    emulator.inject(Rule::once(Fault::DateAhead(7200)));
    let (head, xml) = answer(&emulator);
    let ahead = date(&head).since(emulator.now()).as_secs();
    assert!((7000..=7200).contains(&ahead), "{ahead}");
    let expiration = element(&xml, "Expiration").and_then(|text| WallTime::parse(text).ok()).expect("an expiration");
    assert!(expiration.since(emulator.now()) <= Duration::from_secs(3600));
}

#[test]
fn an_answer_can_be_slow_held_or_never_come() {
    let emulator = emulator();
    emulator.inject(Rule::once(Fault::Slow(Duration::from_millis(20))));
    assert!(answer(&emulator).0.starts_with("HTTP/1.1 200 "));

    emulator.inject(Rule::once(Fault::Held));
    let held = ask(&emulator);
    assert!(emulator.wait_until(BOUND, |requests| requests.len() == 2));
    assert_eq!(emulator.in_flight(), 1);
    assert!(answer(&emulator).0.starts_with("HTTP/1.1 200 "), "the others are not held up");
    held.set_nonblocking(true).expect("a socket");
    assert_eq!(held.peek(&mut [0]).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock), "nothing came yet");
    held.set_nonblocking(false).expect("a socket");
    emulator.release();
    assert!(rest(held).starts_with("HTTP/1.1 200 "));

    emulator.inject(Rule::once(Fault::Hang));
    let hanging = ask(&emulator);
    assert!(emulator.wait_until(BOUND, |requests| requests.len() == 4));
    emulator.release();
    assert_eq!((emulator.in_flight(), emulator.most_in_flight()), (1, 2));
    drop(emulator);
    assert_eq!(rest(hanging), "", "it ends with the emulator, without an answer");
}

#[test]
fn a_rule_befalls_only_the_requests_that_it_names() {
    let emulator = emulator();
    let client = client(&emulator);
    block_on(async {
        let busy = Fault::code("Throttling");
        let ask = |role| assume(&client, role).send();
        let status = |role| async move { ask(role).await.is_ok() };
        emulator.inject(Rule::always(busy.clone()).role(OTHER));
        assert_eq!((status(DEVELOPER).await, status(OTHER).await, status(OTHER).await), (true, false, false));
        emulator.clear();
        assert!(status(OTHER).await);

        emulator.inject(Rule::always(busy.clone()).on(Operation::GetCallerIdentity));
        assert!(status(DEVELOPER).await && client.get_caller_identity().send().await.is_err());
        emulator.clear();

        emulator.inject(Rule::always(busy.clone()).after(1).times(2));
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(status(DEVELOPER).await);
        }
        assert_eq!(seen, [true, false, false, true]);

        emulator.inject(Rule::always(busy.clone()).session("nobody"));
        emulator.inject(Rule::always(busy.clone()).signed_by("AKIAI44QH8DHBEXAMPLE"));
        assert!(status(DEVELOPER).await);
        emulator.inject(Rule::always(Fault::code("AccessDenied")).session("me@laptop").signed_by(KEY_ID));
        emulator.inject(busy);
        let (_, code, _) = refused(assume(&client, DEVELOPER).send().await);
        assert_eq!(code, "AccessDenied", "the first rule that matches holds");
    });
}

#[test]
fn an_outage_refuses_or_drops_connections_and_ends() {
    let emulator = emulator();
    let place = address(&emulator.url());
    let client = client(&emulator);
    block_on(async {
        session(&emulator, DEVELOPER).await;
        assume(&client, DEVELOPER).send().await.expect("a session");
        for outage in [Outage::Refused, Outage::Refused, Outage::Dropped, Outage::Refused] {
            emulator.outage(outage).expect("an outage");
            let result = assume(&client, DEVELOPER).send().await;
            assert!(matches!(result, Err(SdkError::DispatchFailure(_))), "{outage:?}: {}", result.is_ok());
            match outage {
                Outage::Refused => {
                    let refused = TcpStream::connect(place).map_err(|error| error.kind());
                    assert!(matches!(refused, Err(ErrorKind::ConnectionRefused)), "{refused:?}");
                }
                _ => assert_eq!(rest(TcpStream::connect(place).expect("a connection")), ""),
            }
        }
        assert_eq!(emulator.request_count(), 2, "nothing got through");
        emulator.outage(Outage::None).expect("the end of the outage");
        assume(&client, DEVELOPER).send().await.expect("a session at the same address");
    });
}

#[test]
fn it_stops_when_it_is_dropped() {
    let emulator = emulator();
    let place = address(&emulator.url());
    let idle = TcpStream::connect(place).expect("a connection");
    answer(&emulator);
    let held = Arc::new(());
    let witness = Arc::clone(&held);
    emulator.add_mfa_device("arn:aws:iam::111122223333:mfa/me", move |_| Arc::strong_count(&held) > 0);
    drop(emulator);
    assert_eq!(Arc::strong_count(&witness), 1, "the thread and all that it held are gone");
    assert_eq!(rest(idle), "");
    let refused = TcpStream::connect(place).map_err(|error| error.kind());
    assert!(matches!(refused, Err(ErrorKind::ConnectionRefused)), "{refused:?}");

    let refusing = Emulator::start(Settings::default()).expect("an emulator");
    refusing.outage(Outage::Refused).expect("an outage");
}

#[test]
fn two_hundred_at_once_are_answered_and_the_record_stays_bounded() {
    let emulator = Emulator::start(Settings { record: 50, ..Settings::default() }).expect("an emulator");
    let client = client(&emulator);
    block_on(async {
        let mut calls = tokio::task::JoinSet::new();
        for n in 0..200 {
            let call = client.assume_role().role_arn(DEVELOPER).role_session_name(format!("me-{n}"));
            calls.spawn(call.send());
        }
        let outputs = calls.join_all().await;
        assert!(outputs.iter().all(Result::is_ok));
    });
    assert_eq!((emulator.request_count(), emulator.requests().len()), (200, 50));
    assert_eq!(emulator.requests().first().map(|request| request.number), Some(151));
    let mut ids: Vec<String> = emulator.sessions().into_iter().map(|session| session.access_key_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 200);
    assert_eq!(emulator.in_flight(), 0);
}

#[test]
fn an_asynchronous_test_can_wait_for_what_arrives() {
    let emulator = emulator();
    emulator.inject(Rule::always(Fault::Held).times(2));
    let client = client(&emulator);
    block_on(async {
        let mut calls = tokio::task::JoinSet::new();
        for role in [DEVELOPER, OTHER] {
            calls.spawn(assume(&client, role).send());
        }
        let both = emulator.arrived(|requests| requests.len() == 2);
        tokio::time::timeout(BOUND, both).await.expect("two requests");
        assert_eq!((emulator.in_flight(), calls.try_join_next().is_none()), (2, true));
        emulator.release();
        assert!(calls.join_all().await.iter().all(Result::is_ok));
    });
    assert!(!emulator.wait_until(Duration::ZERO, |requests| requests.len() > 2));
}
