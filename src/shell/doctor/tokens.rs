//! The sign-ins and web identity tokens on which credentials stand: only when they end, never what they hold.

use crate::engine::aws_config::chain::Base as ChainBase;
use crate::engine::doctor::picture::{SignIn, TokenFile};
use crate::engine::doctor::{Base, End};
use crate::engine::failure::{Fault, SourceFault};
use crate::engine::time::WallTime;
use crate::shell::environment::Environment;
use crate::shell::sources::foresight::Cached;
use crate::shell::sources::{login_cached, sso_cached};
use crate::shell::token_file;
use serde_json::Value;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Looks at what stands at the end of a profile, and at the token that a variable names.
pub(super) async fn look(
    base: &Base,
    exported: Option<&str>,
    environment: &Environment,
    now: WallTime,
) -> (BTreeMap<String, SignIn>, BTreeMap<String, TokenFile>) {
    let home = environment.home();
    let (mut sign_ins, mut tokens) = (BTreeMap::new(), BTreeMap::new());
    let mut paths: Vec<&str> = exported.into_iter().collect();
    match &base.end {
        End::Token(path) => paths.push(path),
        End::Chain(chain) => match &chain.base {
            ChainBase::WebIdentity { token_file, .. } => paths.push(token_file),
            ChainBase::Sso(sso) => {
                let found = sso_cached(sso, home, now).await;
                sign_ins.insert(sso.cache_name().to_owned(), sign_in(found));
            }
            ChainBase::Login { session, .. } => {
                let folder = environment.text("AWS_LOGIN_CACHE_DIRECTORY");
                let found = login_cached(session, folder, home, now).await;
                sign_ins.insert(session.clone(), sign_in(found));
            }
            ChainBase::Static { .. } | ChainBase::Process { .. } | ChainBase::Provider(_) => {}
        },
        End::Provider(_) | End::Fault(_) => {}
    }
    for path in paths {
        let found = match token_file::read(token_file::WEB_IDENTITY, path, home).await {
            Ok(token) => TokenFile::Read { ends: end_of(token.expose()) },
            Err(Fault::Source(SourceFault::Missing(text))) => TokenFile::Unreadable(reason(&text)),
            Err(Fault::Source(SourceFault::Unsettled { why, .. })) => TokenFile::Unreadable(why),
            Err(_) => TokenFile::Unreadable("it holds no token".to_owned()),
        };
        tokens.insert(path.to_owned(), found);
    }
    (sign_ins, tokens)
}

/// What cannot be read counts as not there: the tools take it so too.
fn sign_in(found: Result<Option<Cached>, Fault>) -> SignIn {
    let found = found.ok().flatten();
    found.map_or(SignIn::Missing, |cached| SignIn::Token { ends: cached.ends, renewable: cached.renewable })
}

/// The part after the path, which the reader of the finding has before their eyes.
fn reason(text: &str) -> String {
    text.split_once("cannot be read: ").map_or(text, |(_, reason)| reason).to_owned()
}

/// `exp` of a JWT (RFC 7519), whose signature is AWS's to judge.
fn end_of(token: &str) -> Option<WallTime> {
    let payload = token.split('.').nth(1)?;
    let mut plain = Zeroizing::new(payload.replace('-', "+").replace('_', "/"));
    while plain.len() % 4 != 0 {
        plain.push('=');
    }
    let bytes = Zeroizing::new(aws_smithy_types::base64::decode(plain.as_str()).ok()?);
    let claims: Value = serde_json::from_slice(&bytes).ok()?;
    let seconds = claims.get("exp")?;
    // Some issuers write a fraction.
    seconds.as_i64().or_else(|| seconds.as_f64().map(|seconds| seconds as i64)).map(WallTime::from_unix_seconds)
}

#[cfg(test)]
mod tests {
    use super::end_of;
    use crate::engine::time::WallTime;

    #[test]
    fn the_end_of_a_token_is_read_without_believing_it() {
        let token = |claims: &str| {
            let plain = aws_smithy_types::base64::encode(claims);
            format!("h.{}.s", plain.trim_end_matches('=').replace('+', "-").replace('/', "_"))
        };
        assert_eq!(
            end_of(&token(r#"{"exp":1795273445,"x":"??>>"}"#)),
            Some(WallTime::from_unix_seconds(1_795_273_445))
        );
        assert_eq!(end_of(&token(r#"{"exp":1795273445.5}"#)), Some(WallTime::from_unix_seconds(1_795_273_445)));
        for other in ["word", "a.b.c", "a.!!!!.c", &token("{}"), &token("[]")] {
            assert_eq!(end_of(other), None, "{other}");
        }
    }
}
