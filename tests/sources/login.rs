//! Console sign-ins of `aws login`, renewed by the SDK against a service on loopback.

use super::closed::ClosedPort;
use super::responder::Responder;
use super::{Home, source_fault, text};
use evertoken::engine::failure::{Class, Context, Fault, Layer, SourceFault, classify};
use evertoken::engine::time::WallTime;
use evertoken::shell::clock;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// `printf arn:aws:iam::111122223333:user/me | sha256sum`
pub(crate) const CACHE: &str = ".aws/login/cache/6eeec053fe13079aaf7fd81065ec5ecbdb93674f20700e51842d0c769b240c8a.json";
/// Made for this test alone (`openssl ecparam -name prime256v1 -genkey -noout`).
const DPOP_KEY: &str = "-----BEGIN EC PRIVATE KEY-----\\n\
    MHcCAQEEINpnWoFNl5/twm/wmhxnqnCKUMtEeYWKjfoGqJQ5jIbUoAoGCCqGSM49\\n\
    AwEHoUQDQgAEuY6L3/scQ6Rr6Fr/Q+pMDJ6Rf3r671OVZmib+MxUYnlAHKzVv1QT\\n\
    INJoaBtdUTC7ESc01YX842E4THPbpPMIpg==\\n\
    -----END EC PRIVATE KEY-----\\n";

const SESSION: &str = "login_session = arn:aws:iam::111122223333:user/me\nregion = eu-west-1\n";

/// Two profiles of one sign-in, whose service is at `url`.
pub(crate) fn two_profiles(url: &str) -> String {
    format!("[profile first]\n{SESSION}endpoint_url = {url}\n[profile second]\n{SESSION}endpoint_url = {url}\n")
}

/// A sign-in with these keys until then.
pub(crate) fn saved(access_key_id: &str, end: WallTime) -> String {
    format!(
        r#"{{"accessToken":{{"accessKeyId":"{access_key_id}","secretAccessKey":"SECRETEXAMPLE",
        "sessionToken":"TOKENEXAMPLE","accountId":"111122223333","expiresAt":"{end}"}},"tokenType":"aws_sigv4",
        "refreshToken":"refresh","idToken":"id","clientId":"arn:aws:signin:::devtools/same-device",
        "ofSomebodyElse":[1,2],"dpopKey":"{DPOP_KEY}"}}"#
    )
}

fn home(url: &str, end: WallTime) -> Home {
    let home = Home::new();
    home.config(&format!("[profile console]\n{SESSION}endpoint_url = {url}\n"));
    std::fs::create_dir_all(home.path(".aws/login/cache")).expect("a cache");
    home.write(CACHE, &saved("ASIAIOSFODNN7EXAMPLE", end));
    home
}

pub(crate) const RENEWED: &str = r#"{"accessToken":{"accessKeyId":"ASIAI44QH8DHBEXAMPLE","secretAccessKey":"SECRETEXAMPLE",
    "sessionToken":"TOKENEXAMPLE"},"tokenType":"urn:aws:params:oauth:token-type:access_token_sigv4","expiresIn":900,
    "refreshToken":"next"}"#;

#[tokio::test]
async fn a_sign_in_near_its_end_is_renewed_and_saved() {
    let now = clock::now();
    let service = Responder::start(|_| (200, RENEWED.to_owned()));
    let home = home(&service.url(), now + Duration::from_secs(60));
    let found = home.resolve("console").await.unwrap_or_else(|fault| panic!("{fault:?}: {:?}", service.came()));
    assert_eq!(found.keys.access_key_id, "ASIAI44QH8DHBEXAMPLE");
    assert!(found.expiration.is_some_and(|end| end > now + Duration::from_secs(600)), "{:?}", found.expiration);
    let came = service.came();
    assert_eq!((came.len(), came[0].method.as_str(), came[0].target.as_str()), (1, "POST", "/v1/token"), "{came:?}");
    assert!(came[0].body.contains(r#""refreshToken":"refresh""#), "{}", came[0].body);
    assert!(came[0].header("dpop").is_some_and(|proof| proof.split('.').count() == 3), "{came:?}");
    let stands: serde_json::Value = serde_json::from_str(&text(&home.path(CACHE))).expect("JSON");
    assert_eq!(stands["refreshToken"], "next");
    assert_eq!(stands["accessToken"]["accessKeyId"], "ASIAI44QH8DHBEXAMPLE");
    assert_eq!((&stands["idToken"], &stands["ofSomebodyElse"]), (&"id".into(), &serde_json::json!([1, 2])));
    let mode = std::fs::metadata(home.path(CACHE)).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    home.resolve("console").await.expect("the saved one");
    assert_eq!(service.came().len(), 1, "renewed once");
}

#[tokio::test]
async fn a_renewal_that_is_refused_means_a_new_sign_in_and_one_that_fails_does_not() {
    let now = clock::now();
    let over = |error: &str| format!(r#"{{"__type":"AccessDeniedException","error":"{error}","message":"no"}}"#);
    for error in ["TOKEN_EXPIRED", "USER_CREDENTIALS_CHANGED"] {
        let answer = over(error);
        let service = Responder::start(move |_| (403, answer.clone()));
        let home = home(&service.url(), now - Duration::from_secs(60));
        let fault = source_fault(home.resolve("console").await);
        let SourceFault::Ended { login, .. } = &fault else { panic!("{error}: {fault:?}") };
        assert_eq!(login.as_deref(), Some("aws login --profile console"), "{error}");
    }
    let entry = evertoken::engine::config::parse("[[role]]\nprofile = \"dev\"\nsource_profile = \"console\"\n");
    let entry = entry.expect("a config").config.entries.remove(0);
    let outages = [
        (500, r#"{"__type":"InternalServerException","error":"server_error","message":"no"}"#),
        (503, ""),
        (429, r#"{"__type":"TooManyRequestsError","error":"INVALID_REQUEST","message":"slow"}"#),
        (200, "<html>log in to this network</html>"),
    ];
    for (status, body) in outages {
        let service = Responder::start(move |_| (status, body.to_owned()));
        for end in [now - Duration::from_secs(60), now + Duration::from_secs(60)] {
            let home = home(&service.url(), end);
            match home.resolve("console").await {
                Ok(found) => assert!(found.expiration.is_some_and(|expiration| expiration > now), "{status}"),
                Err(fault) => {
                    assert!(end <= now, "{status}: what lasts is used: {fault:?}");
                    let class = classify(&fault, &Context::of_source(&entry)).class;
                    assert!(matches!(class, Class::Unreachable | Class::Busy), "{status}: {fault:?}");
                }
            }
        }
    }
    let port = ClosedPort::hold();
    let closed = port.address();
    let fault = home(&format!("http://{closed}"), now - Duration::from_secs(60)).resolve("console").await;
    assert!(matches!(&fault, Err(Fault::Transport { layer: Layer::Connect, .. })), "{fault:?}");
    let lasting = home(&format!("http://{closed}"), now + Duration::from_secs(60)).resolve("console").await;
    assert!(lasting.is_ok(), "what lasts is used: {lasting:?}");
}
