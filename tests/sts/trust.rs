//! TLS and proxies as companies have them: a root of their own, which the CA bundle names, and a proxy that writes down
//! who asked for what.

use super::proxy::Proxy;
use super::tls::{certificate, in_front_of};
use super::{ROLE, World};
use evertoken::engine::failure::{Class, Context, Fault, Layer, classify};
use evertoken::engine::names::RoleArn;
use evertoken::shell::environment::Environment;
use evertoken::shell::http::HttpSettings;
use std::net::TcpListener;

fn trusting(bundle: &str) -> HttpSettings {
    HttpSettings { ca_bundle: Some(certificate(bundle)), ..HttpSettings::default() }
}

/// An STS of AWS, as far as anybody can tell: its hosts are reached through a proxy only, and speak TLS.
fn company(settings: impl FnOnce(&Proxy) -> HttpSettings) -> (World, Proxy) {
    let mut world = World::new();
    let proxy = Proxy::start(in_front_of(&world.emulator.url()));
    world.speak_by(&settings(&proxy));
    world.entry.sts_endpoint = None;
    (world, proxy)
}

#[tokio::test]
async fn a_root_of_the_company_is_trusted_once_the_bundle_names_it() {
    let mut world = World::with(&trusting("root.pem"));
    let address = in_front_of(&world.emulator.url());
    world.entry.sts_endpoint = Some(format!("https://{address}"));
    world.call(None).await.expect("trusted");

    for settings in [HttpSettings::default(), trusting("other.pem")] {
        let mut stranger = World::with(&settings);
        stranger.entry.sts_endpoint = Some(format!("https://{address}"));
        let failed = stranger.call(None).await.expect_err("not trusted");
        assert!(matches!(failed.fault, Fault::Transport { layer: Layer::Tls, .. }), "{failed:?}");
        let judged = classify(&failed.fault, &Context::of(&stranger.entry));
        assert_eq!(judged.class, Class::Unreachable);
        assert!(judged.fix.is_some_and(|fix| fix.contains("ca_bundle")));
    }
}

#[tokio::test]
async fn through_a_proxy_with_a_root_of_its_own() {
    let (world, proxy) = company(|proxy| HttpSettings {
        proxy: Some(proxy.url().replace("http://", "http://user:word@")),
        ..trusting("root.pem")
    });
    world.call(None).await.expect("a reply");
    // `printf user:word | base64`
    assert_eq!(proxy.log(), ["CONNECT sts.eu-west-1.amazonaws.com:443 Basic dXNlcjp3b3Jk"]);
    let sent = world.emulator.requests().pop().expect("a request");
    assert_eq!(sent.parameter("RoleArn"), Some(ROLE));

    let (stranger, proxy) = company(|proxy| HttpSettings { proxy: Some(proxy.url()), ..HttpSettings::default() });
    let failed = stranger.call(None).await.expect_err("not trusted");
    assert!(matches!(failed.fault, Fault::Transport { layer: Layer::Tls, .. }), "{failed:?}");
    assert_eq!((proxy.log().len(), stranger.emulator.request_count()), (1, 0));
}

#[tokio::test]
async fn the_environment_names_the_proxy_where_the_config_does_not() {
    let bundle = certificate("root.pem").display().to_string();
    let (world, proxy) = company(|proxy| {
        let environment = Environment::from_vars([
            ("HTTPS_PROXY", proxy.url().as_str()),
            ("NO_PROXY", "sts.us-east-1.amazonaws.com"),
            ("AWS_CA_BUNDLE", &bundle),
        ]);
        HttpSettings::new(None, None, &environment)
    });
    world.call(None).await.expect("a reply");
    assert_eq!(proxy.log(), ["CONNECT sts.eu-west-1.amazonaws.com:443"]);
    assert!(world.http.is_proxied("https://sts.eu-west-1.amazonaws.com"));
    assert!(!world.http.is_proxied("https://sts.us-east-1.amazonaws.com"));
}

#[tokio::test]
async fn loopback_and_exempt_hosts_never_see_the_proxy() {
    let mut world = World::new();
    let tls = in_front_of(&world.emulator.url());
    let proxy = Proxy::start(tls);
    world.speak_by(&HttpSettings {
        proxy: Some(proxy.url()),
        no_proxy: Some("exempt.example".to_owned()),
        ..trusting("root.pem")
    });
    world.entry.sts_endpoint = Some(format!("https://{tls}"));
    world.call(None).await.expect("a reply");
    // A label of more than 63 letters is refused before anybody is asked for it: nothing leaves this machine.
    world.entry.sts_endpoint = Some(format!("https://{}.exempt.example", "x".repeat(64)));
    let fault = world.call(None).await.expect_err("no such name").fault;
    assert!(matches!(&fault, Fault::Transport { layer, .. } if *layer != Layer::Proxy), "{fault:?}");
    assert_eq!(proxy.log(), Vec::<String>::new());
}

/// Answers whatever comes with this status and no body, as a proxy does that breaks TLS open; one request a connection.
fn always(status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            super::tls::message(&mut stream);
            let answer = format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n");
            let _gone = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_bad_gateway_is_the_proxys_only_where_there_is_one() {
    for status in [502, 503, 504] {
        let tls = in_front_of(&always(status));
        let mut world = World::new();
        let proxy = Proxy::start(tls);
        world.speak_by(&HttpSettings { proxy: Some(proxy.url()), ..trusting("root.pem") });
        world.entry.sts_endpoint = None;
        let fault = world.call(None).await.expect_err("no answer of STS").fault;
        assert!(matches!(&fault, Fault::Transport { layer: Layer::Proxy, .. }), "{status}: {fault:?}");
        // Straight to the same server, as to a host that NO_PROXY names: then it is the server's own word.
        world.entry.sts_endpoint = Some(format!("https://{tls}"));
        let fault = world.call(None).await.expect_err("no answer of STS").fault;
        assert!(matches!(&fault, Fault::Service(error) if error.status == status), "{status}: {fault:?}");
        assert_eq!(classify(&fault, &Context::of(&world.entry)).class, Class::Busy, "{status}");
    }
}

#[tokio::test]
async fn every_partition_is_called_at_its_own_host_and_signed_for_its_own_region() {
    let (mut world, proxy) = company(|proxy| HttpSettings { proxy: Some(proxy.url()), ..trusting("root.pem") });
    // Partition, region of the entry, region called for STS, host.
    let places = [
        ("aws", Some("eu-west-1"), "eu-west-1", "sts.eu-west-1.amazonaws.com"),
        ("aws", None, "us-east-1", "sts.us-east-1.amazonaws.com"),
        ("aws-us-gov", None, "us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
        ("aws-cn", None, "cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        ("aws-iso", None, "us-iso-east-1", "sts.us-iso-east-1.c2s.ic.gov"),
        ("aws-iso-b", None, "us-isob-east-1", "sts.us-isob-east-1.sc2s.sgov.gov"),
        ("aws-iso-e", None, "eu-isoe-west-1", "sts.eu-isoe-west-1.cloud.adc-e.uk"),
        ("aws-iso-f", None, "us-isof-south-1", "sts.us-isof-south-1.csp.hci.ic.gov"),
        ("aws-eusc", None, "eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu"),
    ];
    for (partition, region, signed_for, host) in places {
        world.request().role_arn =
            RoleArn::parse(&format!("arn:{partition}:iam::111122223333:role/Developer")).expect("a role ARN");
        world.entry.region = region.map(str::to_owned);
        let answer = world.call(None).await;
        assert_eq!(proxy.log().pop(), Some(format!("CONNECT {host}:443")), "{partition}");
        let sent = world.emulator.requests().pop().unwrap_or_else(|| panic!("{partition}: {answer:?}"));
        assert_eq!(sent.region.as_deref(), Some(signed_for), "{partition}");
    }
    world.request().role_arn = RoleArn::parse("arn:aws-us-gov:iam::111122223333:role/Developer").expect("a role ARN");
    world.entry.sts_region = Some("us-gov-west-1".to_owned());
    world.entry.sts_endpoint = Some("https://sts-fips.us-gov-west-1.amazonaws.com".to_owned());
    world.call(None).await.expect("a reply");
    assert_eq!(proxy.log().pop().as_deref(), Some("CONNECT sts-fips.us-gov-west-1.amazonaws.com:443"));
}

const INSIDE: &str = "A_SYSTEM_WITHOUT_ROOTS";
const THIS_TEST: &str = "trust::a_system_without_any_root_is_no_panic";

/// Runs itself again, because the system's roots are looked up by the environment of the process.
#[tokio::test]
async fn a_system_without_any_root_is_no_panic() {
    if std::env::var_os(INSIDE).is_none() {
        let empty = tempfile::tempdir().expect("a folder");
        let mut inside = std::process::Command::new(std::env::current_exe().expect("this test"));
        inside.args(["--exact", THIS_TEST, "--nocapture"]).env(INSIDE, "1");
        inside.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", empty.path());
        let output = inside.output().expect("it runs");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
        assert!(told.contains("1 passed"), "the test was not found under its name: {told}");
        return;
    }
    let mut world = World::new();
    world.call(None).await.expect("no TLS, no root needed");
    let address = in_front_of(&world.emulator.url());
    world.entry.sts_endpoint = Some(format!("https://{address}"));
    let failed = world.call(None).await.expect_err("nobody is trusted");
    assert!(matches!(failed.fault, Fault::Transport { layer: Layer::Tls, .. }), "{failed:?}");
    world.speak_by(&trusting("root.pem"));
    world.call(None).await.expect("the bundle is enough");
}
