//! IAM Identity Center: the token of `aws sso login`, renewed while it can be, traded for the keys of a permission set.
//! An outage is never taken for a login that is over, and nothing here ever opens a browser.

use crate::engine::aws_config::chain::SsoProfile;
use crate::engine::failure::{Fault, ReplyFault, ServiceError, SourceFault};
use crate::engine::place::dns_suffix;
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, SourceCredentials};
use crate::engine::time::WallTime;
use crate::shell::exchange::{Question, exchange};
use crate::shell::http::Http;
use serde_json::Value;
use sha1::{Digest, Sha1};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// A token is renewed when it has less than this left, as botocore and the SDKs do.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// What stands in the cache. The whole of it is kept, so that keys which only other tools know survive.
struct Token(Value);

impl Token {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    fn time(&self, key: &str) -> Option<WallTime> {
        // Older CLIs wrote `2020-06-17T10:02:08UTC`.
        WallTime::parse(&self.text(key)?.replace("UTC", "Z")).ok()
    }

    fn lasts_until(&self) -> Option<WallTime> {
        self.text("accessToken").and(self.time("expiresAt"))
    }

    fn is_alive(&self, now: WallTime) -> bool {
        self.lasts_until().is_some_and(|end| end > now)
    }

    fn can_be_renewed(&self, now: WallTime) -> bool {
        ["refreshToken", "clientId", "clientSecret"].iter().all(|key| self.text(key).is_some())
            && self.time("registrationExpiresAt").is_some_and(|end| end > now)
    }
}

pub(super) async fn resolve(
    http: &Http,
    sso: &SsoProfile,
    home: Option<&Path>,
    renewal: &Mutex<()>,
    now: WallTime,
) -> Result<SourceCredentials, Fault> {
    let cache = cache_file(sso, home)?;
    let token = alive_token(http, sso, &cache, renewal, now).await?;
    let bearer = token.text("accessToken").unwrap_or_default();
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("role_name", &sso.role_name)
        .append_pair("account_id", &sso.account_id)
        .finish();
    let host = host(sso, "portal.sso");
    let uri = format!("{host}/federation/credentials?{query}");
    let question =
        Question { method: "GET", uri: &uri, header: ("x-amz-sso_bearer_token", bearer), body: Zeroizing::default() };
    let answer = exchange(http, question).await?;
    if answer.status == 401 {
        return Err(ended(sso));
    }
    if answer.status != 200 {
        return Err(Fault::Service(answer.as_error()));
    }
    let incomplete = || Fault::Reply(ReplyFault::Incomplete("it holds no keys of a permission set".to_owned()));
    let json = answer.json().ok_or_else(incomplete)?;
    let found = json.get("roleCredentials").ok_or_else(incomplete)?;
    let text = |key: &str| found.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (Some(id), Some(secret), Some(session), Some(end)) = (
        text("accessKeyId"),
        text("secretAccessKey"),
        text("sessionToken"),
        found.get("expiration").and_then(Value::as_i64).filter(|end| *end > 0),
    ) else {
        return Err(incomplete());
    };
    Ok(SourceCredentials {
        keys: Keys {
            access_key_id: id.to_owned(),
            secret_access_key: Secret::new(secret),
            session_token: Some(Secret::new(session)),
        },
        account_id: Some(sso.account_id.clone()),
        expiration: Some(WallTime::from_unix_millis(end)),
        login_ends: token.lasts_until().filter(|_| !token.can_be_renewed(now)),
    })
}

fn cache_file(sso: &SsoProfile, home: Option<&Path>) -> Result<PathBuf, Fault> {
    let no_home =
        || Fault::Source(SourceFault::Config("there is no home folder to look for the SSO login in".to_owned()));
    let digest = Sha1::digest(sso.cache_name().as_bytes());
    let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(home.ok_or_else(no_home)?.join(".aws/sso/cache").join(format!("{name}.json")))
}

fn ended(sso: &SsoProfile) -> Fault {
    let what = match &sso.session {
        Some(session) => format!("the SSO session {session:?}"),
        None => format!("the SSO login of profile {:?}", sso.profile),
    };
    Fault::Source(SourceFault::Ended { what, login: Some(sso.login()) })
}

fn host(sso: &SsoProfile, service: &str) -> String {
    match &sso.endpoint {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("https://{service}.{}.{}", sso.region, dns_suffix(&sso.region)),
    }
}

async fn load(sso: &SsoProfile, cache: &Path) -> Result<Token, Fault> {
    let bytes = tokio::fs::read(cache).await.map(Zeroizing::new).map_err(|_| ended(sso))?;
    serde_json::from_slice(&bytes).map(Token).map_err(|_| ended(sso))
}

/// A token that can be used now, renewed when its end is near.
async fn alive_token(
    http: &Http,
    sso: &SsoProfile,
    cache: &Path,
    renewal: &Mutex<()>,
    now: WallTime,
) -> Result<Token, Fault> {
    let _turn = renewal.lock().await;
    let token = load(sso, cache).await?;
    let ends_soon = token.lasts_until().is_none_or(|end| end <= now + RENEW_BEFORE);
    if !ends_soon {
        return Ok(token);
    }
    if sso.session.is_none() || !token.can_be_renewed(now) {
        return if token.is_alive(now) { Ok(token) } else { Err(ended(sso)) };
    }
    let fault = match renew(http, sso, &token, now).await {
        Ok(renewed) => {
            if let Err(error) = save(cache, &renewed).await {
                tracing::warn!(path = %cache.display(), %error, "the renewed SSO login could not be saved");
            }
            return Ok(renewed);
        }
        Err(fault) => fault,
    };
    // Somebody else may have renewed it meanwhile, which made our refresh token void.
    let token = load(sso, cache).await.unwrap_or(token);
    if token.is_alive(now) {
        return Ok(token);
    }
    match fault {
        // Identity Center said that this login is over. Anything else, an outage above all, says nothing about it.
        Fault::Service(ServiceError { status: 400 | 401, code: Some(code), .. }) if is_over(&code) => Err(ended(sso)),
        other => Err(other),
    }
}

/// The codes by which CreateToken tells that a new login is needed (SSO OIDC API reference).
fn is_over(code: &str) -> bool {
    matches!(
        code,
        "invalid_grant"
            | "expired_token"
            | "invalid_client"
            | "unauthorized_client"
            | "access_denied"
            | "InvalidGrantException"
            | "ExpiredTokenException"
            | "InvalidClientException"
            | "UnauthorizedClientException"
            | "AccessDeniedException"
    )
}

async fn renew(http: &Http, sso: &SsoProfile, token: &Token, now: WallTime) -> Result<Token, Fault> {
    let value = |key: &str| token.text(key).unwrap_or_default();
    let body = serde_json::json!({
        "grantType": "refresh_token",
        "clientId": value("clientId"),
        "clientSecret": value("clientSecret"),
        "refreshToken": value("refreshToken"),
    });
    let uri = format!("{}/token", host(sso, "oidc"));
    let body = Zeroizing::new(body.to_string());
    let question = Question { method: "POST", uri: &uri, header: ("accept", "application/json"), body };
    let answer = exchange(http, question).await?;
    if answer.status != 200 {
        return Err(Fault::Service(answer.as_error()));
    }
    let incomplete = || Fault::Reply(ReplyFault::Incomplete("it holds no renewed SSO token".to_owned()));
    let json = answer.json().ok_or_else(incomplete)?;
    let text = |key: &str| json.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let access = text("accessToken").ok_or_else(incomplete)?;
    let lasts = json.get("expiresIn").and_then(Value::as_u64).ok_or_else(incomplete)?;
    let mut renewed = token.0.clone();
    let fields = renewed.as_object_mut().ok_or_else(incomplete)?;
    fields.insert("accessToken".to_owned(), access.into());
    fields.insert("expiresAt".to_owned(), (now + Duration::from_secs(lasts)).to_string().into());
    if let Some(refresh) = text("refreshToken") {
        fields.insert("refreshToken".to_owned(), refresh.into());
    }
    Ok(Token(renewed))
}

/// Replaces the cache file whole, so that an AWS tool beside us never reads half of it.
async fn save(cache: &Path, token: &Token) -> std::io::Result<()> {
    let bytes = Zeroizing::new(serde_json::to_vec(&token.0)?);
    let temporary = cache.with_extension(format!("evertoken-{}.tmp", std::process::id()));
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = async {
        let mut file = match options.open(&temporary).await {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                // Left behind by a process of our number that died here.
                tokio::fs::remove_file(&temporary).await?;
                options.open(&temporary).await?
            }
            opened => opened?,
        };
        file.write_all(&bytes).await?;
        file.sync_all().await?;
        tokio::fs::rename(&temporary, cache).await
    }
    .await;
    if written.is_err() {
        let _ = tokio::fs::remove_file(&temporary).await;
    }
    written
}
