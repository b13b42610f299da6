//! Everything that can go wrong on the way, and how it is told apart.

use super::closed::ClosedPort;
use super::{HOUR, World};
use evertoken::emulator::{Expiration, Fault as Injected, Field, Outage, Rule};
use evertoken::engine::failure::{Class, Context, Fault, Layer, ReplyFault, ServiceError, classify};
use evertoken::engine::reply::accept;
use evertoken::shell::http::HttpSettings;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

/// The fault of one call with this injected, judged as the keeper does it.
async fn fault_of(world: &World, injected: Injected) -> Fault {
    world.emulator.clear();
    world.emulator.inject(Rule::always(injected));
    match world.call(None).await {
        Ok(reply) => {
            let now = world.emulator.now();
            accept(&reply, &world.entry, HOUR, now).expect_err("an answer that is not believed")
        }
        Err(failed) => failed.fault,
    }
}

fn class_of(world: &World, fault: &Fault) -> Class {
    classify(fault, &Context::of(&world.entry)).class
}

#[tokio::test]
async fn each_code_of_sts_arrives_with_status_message_and_request_id() {
    let world = World::new();
    for code in Injected::codes() {
        let fault = fault_of(&world, Injected::code(code)).await;
        let Fault::Service(ServiceError { code: Some(came), request_id: Some(_), message: Some(_), .. }) = &fault
        else {
            panic!("{code}: {fault:?}");
        };
        assert_eq!(came, code);
    }
}

#[tokio::test]
async fn what_is_no_answer_of_sts_is_told_from_one() {
    let world = World::new();
    let pages = [
        (Injected::portal(), Class::Unreachable, 200),
        (Injected::redirect(), Class::Unreachable, 302),
        (Injected::proxy_password(), Class::Unreachable, 407),
        (Injected::page(503, "down"), Class::Busy, 503),
        (Injected::bare(503), Class::Busy, 503),
        (Injected::bare(403), Class::Unreachable, 403),
    ];
    for (injected, class, expected) in pages {
        let fault = fault_of(&world, injected.clone()).await;
        assert!(
            matches!(&fault, Fault::Service(ServiceError { status, code: None, .. }) if *status == expected),
            "{injected:?}: {fault:?}"
        );
        assert_eq!(class_of(&world, &fault), class, "{injected:?}");
    }
}

#[tokio::test]
async fn an_answer_with_a_part_missing_is_never_a_session() {
    let world = World::new();
    let wrong_role = "arn:aws:sts::111122223333:assumed-role/Other/me@laptop".to_owned();
    let cases = [
        Injected::Without(Field::AccessKeyId),
        Injected::Without(Field::SecretAccessKey),
        Injected::Without(Field::SessionToken),
        Injected::Without(Field::Expiration),
        Injected::Without(Field::AssumedRoleUser),
        Injected::AssumedAs(wrong_role),
        Injected::Expiration(Expiration::Past(Duration::from_secs(60))),
        Injected::Expiration(Expiration::Text("soon".to_owned())),
        Injected::Expiration(Expiration::Text(String::new())),
        Injected::Http { status: 200, headers: Vec::new(), body: "<AssumeRoleResponse><Assume".to_owned() },
        Injected::Http { status: 200, headers: Vec::new(), body: String::new() },
        Injected::Http { status: 200, headers: Vec::new(), body: "<AssumeRoleResponse/>".to_owned() },
    ];
    for injected in cases {
        let fault = fault_of(&world, injected.clone()).await;
        assert!(matches!(fault, Fault::Reply(_)), "{injected:?}: {fault:?}");
        assert_ne!(class_of(&world, &fault), Class::Clock);
    }
    let past = fault_of(&world, Injected::Expiration(Expiration::Past(Duration::from_secs(60)))).await;
    assert!(matches!(past, Fault::Reply(ReplyFault::Past(_))), "{past:?}");
}

#[tokio::test]
async fn an_answer_without_end_is_broken_off_and_told() {
    let mut world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    world.entry.sts_endpoint = Some(format!("http://{}", listener.local_addr().expect("an address")));
    let sending = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let length = stream.read(&mut [0; 1024]).expect("a request");
        assert!(length > 0);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).expect("sent");
        let chunk = format!("10000\r\n{}\r\n", "<a/>".repeat(0x4000));
        // Whoever reads on is given more than any buffer on the way holds.
        (0..4096).take_while(|_| stream.write_all(chunk.as_bytes()).is_ok()).count()
    });
    let fault = world.call(None).await.expect_err("no answer").fault;
    assert!(
        matches!(&fault, Fault::Transport { layer: Layer::Other, detail } if detail.contains("far too long")),
        "{fault:?}"
    );
    assert_eq!(class_of(&world, &fault), Class::Unreachable);
    // In another thread: the connection is closed by a task of this one.
    let chunks = tokio::task::spawn_blocking(|| sending.join()).await.expect("a thread").expect("no panic");
    assert!(chunks < 4096, "all of it was read");
}

#[tokio::test]
async fn odd_but_right_expirations_are_understood() {
    let world = World::new();
    for expiration in [Expiration::Fractions, Expiration::NumericOffset, Expiration::Far] {
        world.emulator.clear();
        world.emulator.inject(Rule::always(Injected::Expiration(expiration.clone())));
        let reply = world.call(None).await.expect("a reply");
        let now = world.emulator.now();
        let session = accept(&reply, &world.entry, HOUR, now).expect("a session");
        let left = session.left(now);
        assert!(left <= HOUR && left > HOUR / 2, "{expiration:?}: {left:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_or_refused_is_named() {
    let world = World::new();
    for injected in [Injected::CutBefore, Injected::CutInside] {
        let fault = fault_of(&world, injected.clone()).await;
        let is_named = matches!(&fault, Fault::Transport { layer: Layer::Connect, .. });
        assert!(is_named || matches!(fault, Fault::Reply(ReplyFault::Incomplete(_))), "{injected:?}: {fault:?}");
        assert_eq!(class_of(&world, &fault), Class::Unreachable, "{injected:?}");
    }
    world.emulator.clear();
    world.emulator.outage(Outage::Refused).expect("an outage");
    let fault = world.call(None).await.expect_err("refused").fault;
    assert!(matches!(fault, Fault::Transport { layer: Layer::Connect, .. }), "{fault:?}");
    world.emulator.outage(Outage::None).expect("the end of the outage");
    world.call(None).await.expect("the same client goes on");
}

#[tokio::test]
async fn a_hang_ends_after_fifteen_seconds() {
    let world = World::new();
    let fault = fault_of(&world, Injected::Hang).await;
    assert!(matches!(fault, Fault::Transport { layer: Layer::Timeout, .. }), "{fault:?}");
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_nothing_behind() {
    let world = World::new();
    world.emulator.inject(Rule::always(Injected::Hang));
    tokio::select! {
        _ = world.call(None) => panic!("it hangs"),
        () = world.emulator.arrived(|requests| !requests.is_empty()) => {}
    }
    world.emulator.clear();
    world.call(None).await.expect("the next call");
}

#[tokio::test]
async fn names_that_do_not_resolve_and_ports_without_tls_are_named() {
    let mut world = World::new();
    // A label of more than 63 letters is refused by the resolver itself, without a query.
    world.entry.sts_endpoint = Some(format!("http://{}.localhost", "x".repeat(64)));
    let fault = world.call(None).await.expect_err("no such name").fault;
    assert!(matches!(fault, Fault::Transport { layer: Layer::Dns, .. }), "{fault:?}");
    world.entry.sts_endpoint = Some(world.emulator.url().replace("http://", "https://"));
    let fault = world.call(None).await.expect_err("no TLS there").fault;
    assert!(matches!(fault, Fault::Transport { layer: Layer::Tls, .. }), "{fault:?}");
}

#[tokio::test]
async fn a_proxy_that_is_dead_or_says_no_is_named_and_never_asked_for_loopback() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let refusing = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut request = [0; 1024];
        let length = stream.read(&mut request).expect("a request");
        stream
            .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            .expect("an answer");
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let proxy = Some(format!("http://user:word@{address}"));
    let mut world = World::with(&HttpSettings { proxy, ..HttpSettings::default() });
    world.call(None).await.expect("loopback is reached without the proxy");

    // The proxy is for https: only there can it be seen to be left out.
    world.entry.sts_endpoint = Some(world.emulator.url().replace("http://", "https://"));
    let failed = world.call(None).await.expect_err("no TLS there");
    assert!(matches!(failed.fault, Fault::Transport { layer: Layer::Tls, .. }), "{failed:?}");

    world.entry.sts_endpoint = None;
    let failed = world.call(None).await.expect_err("the proxy says no");
    let Fault::Transport { layer: Layer::Proxy, detail } = &failed.fault else { panic!("{failed:?}") };
    assert!(!detail.contains("word"), "{detail}");
    let asked = refusing.join().expect("the proxy was asked");
    assert!(asked.starts_with("CONNECT sts.eu-west-1.amazonaws.com:443 "), "{asked}");

    let closed = ClosedPort::hold();
    let proxy = Some(format!("http://user:word@{}", closed.address()));
    world.speak_by(&HttpSettings { proxy, ..HttpSettings::default() });
    let failed = world.call(None).await.expect_err("no proxy there");
    assert!(matches!(failed.fault, Fault::Transport { layer: Layer::Proxy, .. }), "{failed:?}");
}
