//! IAM Identity Center: the token of `aws sso login`, renewed while it can be, traded for the keys of a permission set.
//! An outage is never taken for a login that is over, and nothing here ever opens a browser.

mod token;

use super::caches::{self, Caches};
use super::foresight::Cached;
use crate::engine::aws_config::chain::SsoProfile;
use crate::engine::failure::{Fault, ReplyFault, ServiceError, SourceFault};
use crate::engine::place::dns_suffix;
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, SourceCredentials};
use crate::engine::time::WallTime;
use crate::shell::exchange::{Question, exchange};
use crate::shell::http::Http;
use crate::shell::secret_json::SecretJson;
use serde_json::Value;
use sha1::{Digest, Sha1};
use std::path::{Path, PathBuf};
use std::time::Duration;
use token::Token;
use zeroize::Zeroizing;

/// A token is renewed when it has less than this left, as botocore and the SDKs do.
pub(super) const RENEW_BEFORE: Duration = Duration::from_secs(300);

pub(super) async fn resolve(
    http: &Http,
    sso: &SsoProfile,
    home: Option<&Path>,
    caches: &Caches,
    now: WallTime,
) -> Result<SourceCredentials, Fault> {
    let cache = cache_file(sso, home)?;
    let token = alive_token(http, sso, &cache, caches, now).await?;
    let bearer = token.text("accessToken");
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
        return Err(answer.as_fault());
    }
    let incomplete = || Fault::Reply(ReplyFault::Incomplete("it holds no keys of a permission set".to_owned()));
    let json = answer.json().ok_or_else(incomplete)?;
    let found = json.value().get("roleCredentials").ok_or_else(incomplete)?;
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
        skew: answer.skew,
    })
}

/// Looks into the cache; `None` when nobody has signed in there.
///
/// # Errors
/// When it cannot be read.
pub(crate) async fn cached(sso: &SsoProfile, home: Option<&Path>, now: WallTime) -> Result<Option<Cached>, Fault> {
    let token = Token::load(&cache_file(sso, home)?).await?;
    Ok(token.map(|token| Cached {
        ends: token.lasts_until(),
        renewable: sso.session.is_some() && token.can_be_renewed(now),
    }))
}

fn cache_file(sso: &SsoProfile, home: Option<&Path>) -> Result<PathBuf, Fault> {
    let no_home =
        || Fault::Source(SourceFault::Config("there is no home folder to look for the SSO login in".to_owned()));
    let digest = Sha1::digest(sso.cache_name().as_bytes());
    let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(home.ok_or_else(no_home)?.join(".aws/sso/cache").join(format!("{name}.json")))
}

pub(super) fn ended(sso: &SsoProfile) -> Fault {
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

/// A token that can be used now, renewed when its end is near.
async fn alive_token(
    http: &Http,
    sso: &SsoProfile,
    cache: &Path,
    caches: &Caches,
    now: WallTime,
) -> Result<Token, Fault> {
    let token = Token::load(cache).await?.ok_or_else(|| ended(sso))?;
    if !is_to_be_renewed(&token, sso, now)? {
        return Ok(token);
    }
    let mut turn = caches.turn(cache).await?;
    let token = Token::load(cache).await?.ok_or_else(|| ended(sso))?;
    if !is_to_be_renewed(&token, sso, now)? {
        return Ok(token);
    }
    let renewed = match turn.failed_meanwhile() {
        Some(fault) => Err(fault),
        None => {
            let renewed = renew(http, sso, &token, now).await;
            turn.tell(&renewed);
            renewed
        }
    };
    let fault = match renewed {
        Ok(renewed) => {
            // Whoever signed in or out while we asked meant it: that is not written over.
            let is_same = move |found: &[u8]| Token::parse(found).is_some_and(|found| found.is_same(&token));
            if turn.save(renewed.to_bytes(), is_same, &caches.own_writes).await {
                return Ok(renewed);
            }
            return Ok(Token::load(cache)
                .await
                .ok()
                .flatten()
                .filter(|theirs| theirs.is_alive(now))
                .unwrap_or(renewed));
        }
        Err(fault) => fault,
    };
    // Somebody else may have renewed it meanwhile, which made our refresh token void.
    let token = Token::load(cache).await.ok().flatten().unwrap_or(token);
    if token.is_alive(now) {
        return Ok(token);
    }
    match fault {
        // Identity Center said that this login is over. Anything else, an outage above all, says nothing about it.
        Fault::Service(ServiceError { status: 400 | 401, code: Some(code), .. }) if is_over(&code) => Err(ended(sso)),
        other => Err(other),
    }
}

/// Whether the end of a token is near and can be put off; an error when it is over and cannot.
fn is_to_be_renewed(token: &Token, sso: &SsoProfile, now: WallTime) -> Result<bool, Fault> {
    if token.lasts_until().is_some_and(|end| end > now + RENEW_BEFORE) {
        return Ok(false);
    }
    let can_be = sso.session.is_some() && token.can_be_renewed(now);
    if can_be || token.is_alive(now) { Ok(can_be) } else { Err(ended(sso)) }
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
    let body = SecretJson::new(serde_json::json!({
        "grantType": "refresh_token",
        "clientId": token.text("clientId"),
        "clientSecret": token.text("clientSecret"),
        "refreshToken": token.text("refreshToken"),
    }));
    let uri = format!("{}/token", host(sso, "oidc"));
    let body = body.to_bytes();
    let question = Question { method: "POST", uri: &uri, header: ("accept", "application/json"), body };
    let answer = exchange(http, question).await?;
    if answer.status != 200 {
        return Err(answer.as_fault());
    }
    let incomplete = || Fault::Reply(ReplyFault::Incomplete("it holds no renewed SSO token".to_owned()));
    let json = answer.json().ok_or_else(incomplete)?;
    let access = json.text("accessToken").ok_or_else(incomplete)?;
    let lasts = json.value().get("expiresIn").and_then(Value::as_u64).ok_or_else(incomplete)?;
    Ok(token.renewed(access, json.text("refreshToken"), now + Duration::from_secs(lasts)))
}
