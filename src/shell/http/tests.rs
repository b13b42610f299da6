#![expect(clippy::disallowed_methods, reason = "the tests make the bundles that the code reads")]

use super::{Http, HttpError, HttpSettings, TrustError, host_of, is_never_proxied};
use crate::shell::environment::Environment;

#[test]
fn this_machine_and_the_metadata_services_are_never_behind_a_proxy() {
    for host in [
        "localhost",
        "sts.localhost",
        "127.0.0.1",
        "127.9.9.9",
        "[::1]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "169.254.170.2",
        "169.254.170.23",
        "[fd00:ec2::23]",
    ] {
        assert!(is_never_proxied(host), "{host}");
    }
    for host in ["sts.eu-west-1.amazonaws.com", "10.0.0.1", "localhost.example.com", "[fd00::1]", ""] {
        assert!(!is_never_proxied(host), "{host}");
    }
}

#[test]
fn finds_the_host_of_a_uri() {
    assert_eq!(host_of("https://sts.eu-west-1.amazonaws.com/"), "sts.eu-west-1.amazonaws.com");
    assert_eq!(host_of("http://[fd00:ec2::254]:80/latest"), "[fd00:ec2::254]");
    assert_eq!(host_of("http://user:word@127.0.0.1:80?x"), "127.0.0.1");
}

#[test]
fn the_config_goes_before_the_environment() {
    let environment =
        Environment::from_vars([("HTTPS_PROXY", "http://env:1"), ("NO_PROXY", "corp"), ("AWS_CA_BUNDLE", "/env.pem")]);
    let settings = HttpSettings::new(None, None, &environment);
    assert_eq!(settings.proxy.as_deref(), Some("http://env:1"));
    assert_eq!(settings.no_proxy.as_deref(), Some("corp"));
    assert_eq!(settings.ca_bundle.as_deref().and_then(|p| p.to_str()), Some("/env.pem"));
    let settings = HttpSettings::new(Some("http://own:1".into()), Some("/own.pem".into()), &environment);
    assert_eq!(settings.proxy.as_deref(), Some("http://own:1"));
    assert_eq!(settings.ca_bundle.as_deref().and_then(|p| p.to_str()), Some("/own.pem"));
}

#[test]
fn a_bad_bundle_is_an_error_that_names_file_and_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("corp.pem");
    let settings = HttpSettings { ca_bundle: Some(path.clone()), ..HttpSettings::default() };
    let told = || Http::new(&settings).map(|_| ()).map_err(|error| error.to_string());

    assert!(matches!(Http::new(&settings), Err(HttpError::Trust(TrustError::Unreadable { .. }))));
    std::fs::write(&path, "no certificate\n").expect("written");
    assert!(told().is_err_and(|text| text.contains("corp.pem") && text.contains("no certificate")));
    std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").expect("written");
    assert!(told().is_err_and(|text| text.contains("corp.pem") && text.contains("certificate 1")));
    std::fs::write(&path, "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n").expect("written");
    assert!(matches!(Http::new(&settings), Err(HttpError::Trust(TrustError::Certificate { number: 1, .. }))));
}

#[test]
fn a_bundle_that_changes_is_trusted_from_then_on_and_a_bad_one_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("corp.pem");
    let of = |name: &str| {
        let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/network");
        std::fs::read_to_string(tests.join(name)).expect("a certificate")
    };
    std::fs::write(&path, of("other.pem")).expect("written");
    let http = Http::new(&HttpSettings { ca_bundle: Some(path.clone()), ..HttpSettings::default() }).expect("a client");
    assert!(http.renew_trust().is_ok_and(|is_new| !is_new));
    std::fs::write(&path, of("other.pem") + &of("root.pem")).expect("written");
    assert!(http.renew_trust().is_ok_and(|is_new| is_new));
    assert!(http.renew_trust().is_ok_and(|is_new| !is_new));
    std::fs::write(&path, "").expect("written");
    assert!(matches!(http.renew_trust(), Err(TrustError::Empty { .. })));
    std::fs::write(&path, of("other.pem") + &of("root.pem")).expect("written");
    assert!(http.renew_trust().is_ok_and(|is_new| !is_new), "the empty one was taken over");
    assert!(Http::new(&HttpSettings::default()).expect("a client").renew_trust().is_ok_and(|is_new| !is_new));
}

#[test]
fn a_proxy_must_be_a_url() {
    let with = |proxy: &str| Http::new(&HttpSettings { proxy: Some(proxy.to_owned()), ..HttpSettings::default() });
    let is_proxied = |http: Http| http.is_proxied("https://sts.eu-west-1.amazonaws.com");
    assert!(with("http://proxy.corp:3128").is_ok_and(is_proxied));
    assert!(with(" proxy.corp:3128 ").is_ok_and(is_proxied));
    assert!(matches!(with("socks5://proxy.corp:1080"), Err(HttpError::Proxy)));
    assert!(Http::new(&HttpSettings::default()).is_ok_and(|http| !is_proxied(http)));
}

#[test]
fn hosts_that_are_exempt_are_not_behind_the_proxy() {
    let settings = HttpSettings {
        proxy: Some("http://proxy.corp:3128".to_owned()),
        no_proxy: Some("corp.example, .eu-west-1.amazonaws.com,10.0.0.0/8".to_owned()),
        ca_bundle: None,
    };
    let http = Http::new(&settings).expect("a client");
    for direct in [
        "https://sts.eu-west-1.amazonaws.com",
        "https://sts.corp.example/x",
        "https://corp.example",
        "https://10.1.2.3:8443",
        "https://127.0.0.1:4000",
        "http://169.254.169.254/latest",
        "http://sts.example",
        "no URL",
    ] {
        assert!(!http.is_proxied(direct), "{direct}");
    }
    for proxied in ["https://sts.eu-central-1.amazonaws.com", "https://sts.amazonaws.com", "https://11.0.0.1"] {
        assert!(http.is_proxied(proxied), "{proxied}");
    }
}
