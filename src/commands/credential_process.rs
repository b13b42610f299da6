//! `evertoken credential-process PROFILE`: the answer that AWS SDKs expect of a `credential_process`, and nothing else on
//! standard output. Never tells an Expiration later than the true one.

use crate::commands::cli::CredentialProcessArgs;
use crate::commands::ending::{Ending, FINE};
use crate::commands::fresh;
use crate::commands::output::Output;
use crate::commands::setup::Setup;
use crate::engine::session::Session;
use crate::shell::environment::Environment;
use serde::Serialize;
use std::io::Write;
use std::sync::Arc;
use zeroize::Zeroizing;

/// More than the longest answer, so that the buffer never moves and leaves a copy behind.
const ROOM: usize = 16 * 1024;

/// AWS SDKs and Tools Reference Guide, "Process credential provider".
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    version: u8,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    expiration: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
}

/// Carries the command out.
///
/// # Errors
/// 1 without a valid session, 2 for a profile that is not in the config.
pub fn run<W: Write>(
    setup: &Setup,
    args: &CredentialProcessArgs,
    environment: &Arc<Environment>,
    output: &mut Output<W>,
) -> Result<u8, Ending> {
    let entry = setup.entry(&args.profile)?;
    let session = fresh::session(setup, entry, None, environment)?;
    let answer = answer(&session).map_err(|error| Ending::failed(format!("write the answer: {error}")))?;
    output.write_all(&answer)?;
    output.flush()?;
    Ok(FINE)
}

fn answer(session: &Session) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let answer = Answer {
        version: 1,
        access_key_id: &session.keys.access_key_id,
        secret_access_key: session.keys.secret_access_key.expose(),
        session_token: session.keys.session_token.as_ref().map(|token| token.expose()),
        expiration: session.expiration.to_string(),
        account_id: session.account_id.as_deref(),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(ROOM));
    serde_json::to_writer(&mut *bytes, &answer)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::answer;
    use crate::engine::secret::Secret;
    use crate::engine::session::{Keys, Session, SettingsDigest};
    use crate::engine::time::WallTime;

    #[test]
    fn the_answer_is_what_every_sdk_accepts() {
        let session = Session {
            keys: Keys {
                access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
                secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                session_token: Some(Secret::new("a//token==")),
            },
            account_id: Some("111122223333".to_owned()),
            issued: WallTime::from_unix_seconds(0),
            expiration: WallTime::from_unix_millis(1_795_273_445_999),
            digest: SettingsDigest::parse("aa").expect("a digest"),
            allowed: None,
        };
        let text = |session: &Session| String::from_utf8(answer(session).expect("JSON").to_vec()).expect("UTF-8");
        assert_eq!(
            text(&session),
            "{\"Version\":1,\"AccessKeyId\":\"ASIAIOSFODNN7EXAMPLE\",\
             \"SecretAccessKey\":\"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\",\"SessionToken\":\"a//token==\",\
             \"Expiration\":\"2026-11-21T15:04:05Z\",\"AccountId\":\"111122223333\"}\n"
        );
        assert!(!text(&Session { account_id: None, ..session }).contains("AccountId"));
    }
}
