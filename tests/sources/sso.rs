//! IAM Identity Center: logins that last, that are renewed, that are over, and outages that are none of these.

use super::closed::ClosedPort;
use super::proxy::Proxy;
use super::responder::{Came, Responder};
use super::tls::{certificate, in_front_of};
use super::{Home, by_one_clock, source_fault, text};
use evertoken::engine::config::model::Source;
use evertoken::engine::failure::{Fault, Layer, ServiceError, SourceFault};
use evertoken::engine::time::WallTime;
use evertoken::shell::clock;
use evertoken::shell::http::HttpSettings;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const START_URL: &str = "https://corp.awsapps.com/start";
/// Where the AWS CLI keeps the token of `[sso-session corp]`: `printf corp | sha1sum`.
pub(crate) const CORP: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
/// The same of `[sso-session other]`.
pub(crate) const OTHER: &str = ".aws/sso/cache/d0941e68da8f38151ff86a61fc59f7c5cf9fcaa2.json";
/// The same for a profile without a session: `printf https://corp.awsapps.com/start | sha1sum`.
const OLD: &str = ".aws/sso/cache/a51746d4aa793ae07b25e90c3a5db96fc7832bd7.json";
const HOUR: i64 = 3600;

fn at(now: WallTime, seconds: i64) -> WallTime {
    WallTime::from_unix_seconds(now.unix_seconds() + seconds)
}

/// A home with SSO profiles whose services are at `url`.
fn home(url: &str) -> Home {
    let home = Home::new();
    home.config(&format!(
        "[profile dev]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev+Ops\n\
         endpoint_url = {url}\n[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = {START_URL}\n\
         [profile old]\nsso_account_id = 111122223333\nsso_role_name = Dev\nsso_region = eu-west-1\n\
         sso_start_url = {START_URL}\nendpoint_url = {url}\n"
    ));
    home
}

/// Two profiles of one session, whose services are at `url`.
pub(crate) fn two_profiles(url: &str) -> String {
    let profile = |name: &str| {
        format!(
            "[profile {name}]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev\n\
             endpoint_url = {url}\n"
        )
    };
    let session = format!("[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = {START_URL}\n");
    format!("{}{}{session}", profile("first"), profile("second"))
}

/// A token that ends then, and may be renewed until `registered`.
pub(crate) fn token(name: &str, ends: WallTime, registered: WallTime) -> String {
    format!(
        r#"{{"startUrl":"{START_URL}","region":"eu-west-1","accessToken":"{name}","expiresAt":"{ends}",
        "clientId":"client","clientSecret":"client-secret","refreshToken":"refresh","registrationExpiresAt":"{registered}",
        "ofSomebodyElse":[1,2]}}"#
    )
}

/// Grants keys to these bearers, and renews to `renewed`.
fn identity_center(bearers: &'static [&'static str]) -> Responder {
    Responder::start(move |came| match came.target.split('?').next() {
        Some("/token") => (200, r#"{"accessToken":"renewed","expiresIn":28800,"refreshToken":"next"}"#.to_owned()),
        Some("/federation/credentials") => granted(came, bearers),
        _ => (404, String::new()),
    })
}

pub(crate) fn granted(came: &Came, bearers: &[&str]) -> (u16, String) {
    if !bearers.contains(&came.header("x-amz-sso_bearer_token").unwrap_or_default()) {
        return (401, r#"{"message":"Session token not found or invalid"}"#.to_owned());
    }
    let keys =
        r#""accessKeyId":"ASIAIOSFODNN7EXAMPLE","secretAccessKey":"SECRETEXAMPLE","sessionToken":"TOKENEXAMPLE""#;
    (200, format!(r#"{{"roleCredentials":{{{keys},"expiration":1795273445000}}}}"#))
}

fn login_of(fault: &SourceFault) -> Option<&str> {
    match fault {
        SourceFault::Ended { login, .. } => login.as_deref(),
        other => panic!("the login is not over: {other:?}"),
    }
}

#[tokio::test]
async fn a_login_that_lasts_gives_the_keys_of_the_permission_set() {
    let now = clock::now();
    let center = identity_center(&["alive"]);
    let home = home(&center.url());
    home.write(CORP, &token("alive", at(now, HOUR), at(now, HOUR)));
    let found = home.resolve_at("dev", now).await.expect("keys");
    assert_eq!(found.keys.access_key_id, "ASIAIOSFODNN7EXAMPLE");
    assert_eq!(found.expiration, Some(WallTime::from_unix_seconds(1_795_273_445)));
    assert_eq!(found.account_id.as_deref(), Some("111122223333"));
    assert_eq!(found.login_ends, None, "it renews by itself");
    let came = center.came();
    assert_eq!(came.len(), 1, "{came:?}");
    assert_eq!(came[0].method, "GET");
    assert_eq!(came[0].target, "/federation/credentials?role_name=Dev%2BOps&account_id=111122223333");

    home.write(OLD, &format!(r#"{{"accessToken":"alive","expiresAt":"{}"}}"#, at(now, HOUR)).replace('Z', "UTC"));
    let found = home.resolve_at("old", now).await.expect("keys of the older form");
    assert_eq!(found.login_ends, Some(at(now, HOUR)), "a person has to sign in again by then");
}

#[tokio::test]
async fn who_signs_in_or_out_during_a_renewal_is_not_written_over() {
    for theirs in [Some("theirs"), None] {
        let now = clock::now();
        let place = Arc::new(OnceLock::<PathBuf>::new());
        let cache = Arc::clone(&place);
        let center = Responder::start(move |came| match (came.target.split('?').next(), cache.get()) {
            (Some("/token"), Some(cache)) => {
                match theirs {
                    Some(name) => std::fs::write(cache, token(name, at(now, 8 * HOUR), at(now, 8 * HOUR))),
                    None => std::fs::remove_file(cache),
                }
                .expect("they sign in or out");
                (200, r#"{"accessToken":"renewed","expiresIn":28800,"refreshToken":"next"}"#.to_owned())
            }
            _ => granted(came, &[theirs.unwrap_or("renewed")]),
        });
        let home = home(&center.url());
        let cache = home.write(CORP, &token("ending", at(now, 60), at(now, HOUR)));
        place.set(cache.clone()).expect("the place is told once");
        home.resolve_at("dev", now).await.expect("keys");
        let stands = std::fs::read_to_string(&cache).ok();
        assert_eq!(stands, theirs.map(|name| token(name, at(now, 8 * HOUR), at(now, 8 * HOUR))));
    }
}

#[tokio::test]
async fn a_login_near_its_end_is_renewed_and_saved_whole() {
    let now = clock::now();
    let center = identity_center(&["renewed"]);
    let home = home(&center.url());
    let cache = home.write(CORP, &token("ending", at(now, 60), at(now, HOUR)));
    home.resolve_at("dev", now).await.expect("keys");
    let came = center.came();
    let sent: serde_json::Value = serde_json::from_str(&came[0].body).expect("JSON");
    assert_eq!((came[0].method.as_str(), came[0].target.as_str()), ("POST", "/token"));
    let expected = serde_json::json!({
        "grantType": "refresh_token", "clientId": "client", "clientSecret": "client-secret", "refreshToken": "refresh",
    });
    assert_eq!(sent, expected);
    let saved: serde_json::Value = serde_json::from_str(&text(&cache)).expect("JSON");
    assert_eq!((&saved["accessToken"], &saved["refreshToken"]), (&"renewed".into(), &"next".into()));
    assert_eq!(saved["expiresAt"], at(now, 28_800).to_string());
    assert_eq!(saved["ofSomebodyElse"], serde_json::json!([1, 2]));
    let mode = std::fs::metadata(&cache).expect("the cache").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let left = std::fs::read_dir(home.path(".aws/sso/cache")).expect("the folder").count();
    assert_eq!(left, 1, "a temporary file was left behind");

    home.resolve_at("dev", now).await.expect("keys");
    assert_eq!(center.came().iter().filter(|came| came.target == "/token").count(), 1, "renewed once");
}

#[tokio::test]
async fn a_login_that_is_over_names_the_command() {
    let now = clock::now();
    let center = identity_center(&[]);
    let home = home(&center.url());
    let login = Some("aws sso login --sso-session corp");
    assert_eq!(login_of(&source_fault(home.resolve_at("dev", now).await)), login, "never logged in");
    for rubbish in ["", "{", "[]", "{}", r#"{"accessToken":1}"#] {
        home.write(CORP, rubbish);
        assert_eq!(login_of(&source_fault(home.resolve_at("dev", now).await)), login, "{rubbish}");
    }
    home.write(CORP, &token("over", at(now, -HOUR), at(now, -60)));
    assert_eq!(login_of(&source_fault(home.resolve_at("dev", now).await)), login, "cannot be renewed");
    assert_eq!(center.came().len(), 0);
    home.write(CORP, &token("withdrawn", at(now, HOUR), at(now, HOUR)));
    assert_eq!(login_of(&source_fault(home.resolve_at("dev", now).await)), login, "withdrawn by the service");
    let old = source_fault(home.resolve_at("old", now).await);
    assert_eq!(login_of(&old), Some("aws sso login --profile old"));
}

#[tokio::test]
async fn a_renewal_that_is_refused_means_a_new_login_and_one_that_fails_does_not() {
    let now = clock::now();
    let cases = [
        (400, r#"{"error":"invalid_grant","error_description":"Invalid refresh token"}"#, true),
        (400, r#"{"__type":"ExpiredTokenException"}"#, true),
        (401, r#"{"error":"invalid_client"}"#, true),
        (400, r#"{"error":"slow_down"}"#, false),
        (500, "{}", false),
        (503, "", false),
        (200, "<html>log in to this network</html>", false),
        (200, "{", false),
        (407, "", false),
    ];
    for (status, body, is_over) in cases {
        let center = Responder::start(move |came| match came.target.as_str() {
            "/token" => (status, body.to_owned()),
            _ => granted(came, &["ending"]),
        });
        let home = home(&center.url());
        home.write(CORP, &token("over", at(now, -HOUR), at(now, HOUR)));
        let fault = home.resolve_at("dev", now).await.expect_err("no keys");
        assert_eq!(matches!(fault, Fault::Source(SourceFault::Ended { .. })), is_over, "{status} {body}: {fault:?}");
        // While the token lasts it is used, whatever the renewal says.
        home.write(CORP, &token("ending", at(now, 60), at(now, HOUR)));
        home.resolve_at("dev", now).await.expect("keys");
    }
}

#[tokio::test]
async fn an_outage_is_never_taken_for_a_login_that_is_over() {
    let now = clock::now();
    let port = ClosedPort::hold();
    let closed = port.address();
    let home = home(&format!("http://{closed}"));
    for (what, ends) in [("to be renewed", -HOUR), ("alive", HOUR)] {
        home.write(CORP, &token("token", at(now, ends), at(now, HOUR)));
        let fault = home.resolve_at("dev", now).await.expect_err("nobody there");
        let Fault::Transport { layer: Layer::Connect, detail } = &fault else { panic!("{what}: {fault:?}") };
        assert!(detail.contains(&closed.to_string()), "{detail}");
    }
    let down = Responder::start(|_| (503, String::new()));
    let home = self::home(&down.url());
    home.write(CORP, &token("token", at(now, HOUR), at(now, HOUR)));
    let fault = home.resolve_at("dev", now).await.expect_err("down");
    assert!(matches!(fault, Fault::Service(ServiceError { status: 503, code: None, .. })), "{fault:?}");
}

#[tokio::test]
async fn a_service_that_never_answers_is_an_outage_too() {
    let now = clock::now();
    // Takes connections, and says nothing for as long as the test lives.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let (renewed, alive) = (home(&url), home(&url));
    renewed.write(CORP, &token("token", at(now, -HOUR), at(now, HOUR)));
    alive.write(CORP, &token("token", at(now, HOUR), at(now, HOUR)));
    for fault in <[_; 2]>::from(tokio::join!(renewed.resolve_at("dev", now), alive.resolve_at("dev", now))) {
        let fault = fault.expect_err("no answer");
        assert!(matches!(fault, Fault::Transport { layer: Layer::Timeout, .. }), "{fault:?}");
    }
}

/// The same profiles without an endpoint of their own, behind a company's proxy with this service for all of AWS.
fn behind_a_proxy(service: &str, region: &str) -> (Home, Proxy, HttpSettings) {
    let home = home("https://unused.example");
    let config = text(&home.path(".aws/config")).replace("endpoint_url = https://unused.example\n", "");
    home.config(&config.replace("eu-west-1", region));
    let proxy = Proxy::start(in_front_of(service));
    let bundle = Some(certificate("root.pem"));
    let settings = HttpSettings { proxy: Some(proxy.url()), ca_bundle: bundle, ..HttpSettings::default() };
    (home, proxy, settings)
}

#[tokio::test]
async fn through_a_proxy_to_the_hosts_of_its_region() {
    let now = clock::now();
    let center = identity_center(&["renewed"]);
    let (home, proxy, settings) = behind_a_proxy(&center.url(), "eu-west-1");
    home.write(CORP, &token("ending", at(now, 60), at(now, HOUR)));
    let source = Source::Profile("dev".to_owned());
    home.sources_by(&settings).resolve(&source, "eu-west-1", by_one_clock(now)).await.expect("keys");
    let hosts = ["CONNECT oidc.eu-west-1.amazonaws.com:443", "CONNECT portal.sso.eu-west-1.amazonaws.com:443"];
    assert_eq!(proxy.log(), hosts);

    // In another partition: nobody here has its certificate, but the host is asked for.
    let (china, proxy, settings) = behind_a_proxy(&center.url(), "cn-north-1");
    china.write(CORP, &token("alive", at(now, HOUR), at(now, HOUR)));
    let fault =
        china.sources_by(&settings).resolve(&source, "cn-north-1", by_one_clock(now)).await.expect_err("not trusted");
    assert!(matches!(fault, Fault::Transport { layer: Layer::Tls, .. }), "{fault:?}");
    assert_eq!(proxy.log(), ["CONNECT portal.sso.cn-north-1.amazonaws.com.cn:443"]);

    let broken = Responder::start(|_| (502, String::new()));
    let (home, _proxy, settings) = behind_a_proxy(&broken.url(), "eu-west-1");
    home.write(CORP, &token("alive", at(now, HOUR), at(now, HOUR)));
    let fault =
        home.sources_by(&settings).resolve(&source, "eu-west-1", by_one_clock(now)).await.expect_err("a bad gateway");
    assert!(matches!(fault, Fault::Transport { layer: Layer::Proxy, .. }), "{fault:?}");
}

#[tokio::test]
async fn a_permission_set_that_is_not_assigned_is_told_with_its_code() {
    let now = clock::now();
    let center = Responder::start(|_| (403, r#"{"message":"No access","__type":"ForbiddenException"}"#.to_owned()));
    let home = home(&center.url());
    home.write(CORP, &token("alive", at(now, HOUR), at(now, HOUR)));
    let fault = home.resolve_at("dev", now).await.expect_err("no access");
    let Fault::Service(error) = &fault else { panic!("{fault:?}") };
    assert_eq!((error.code.as_deref(), error.message.as_deref()), (Some("ForbiddenException"), Some("No access")));
}

#[tokio::test]
async fn a_token_that_somebody_else_renewed_meanwhile_is_used() {
    let now = clock::now();
    let home = Home::new();
    let cache = home.path(CORP);
    let by_the_cli = token("by-the-cli", at(now, HOUR), at(now, HOUR));
    let center = Responder::start(move |came| match came.target.as_str() {
        "/token" => {
            std::fs::write(&cache, &by_the_cli).expect("written");
            (400, r#"{"error":"invalid_grant"}"#.to_owned())
        }
        _ => granted(came, &["by-the-cli"]),
    });
    home.config(&text(&self::home(&center.url()).path(".aws/config")));
    home.write(CORP, &token("over", at(now, -HOUR), at(now, HOUR)));
    home.resolve_at("dev", now).await.expect("keys");
}

#[tokio::test]
async fn two_askers_renew_once() {
    let now = clock::now();
    let center = identity_center(&["renewed"]);
    let home = home(&center.url());
    home.write(CORP, &token("over", at(now, -HOUR), at(now, HOUR)));
    let sources = home.sources();
    let source = Source::Profile("dev".to_owned());
    let ask = || sources.resolve(&source, "eu-west-1", by_one_clock(now));
    let (first, second) = tokio::time::timeout(Duration::from_secs(30), async { tokio::join!(ask(), ask()) })
        .await
        .expect("both are answered");
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(center.came().iter().filter(|came| came.target == "/token").count(), 1);
}
