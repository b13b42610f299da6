//! `evertoken credential-process PROFILE`: the answer that AWS SDKs expect of a `credential_process`, and nothing else on
//! standard output. Never tells an Expiration later than the true one.

use crate::commands::cli::CredentialProcessArgs;
use crate::commands::ending::{CONFIG, Ending, FINE};
use crate::commands::fresh::{self, Fresh, Reader};
use crate::commands::output::Output;
use crate::commands::setup::Setup;
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
/// 1 without a valid session, 2 for a profile that is not in the config, 78 when a config that is needed for a new session
/// may not be acted on, and what `setup` ended with; all in one line, since that is what SDKs show of it.
pub fn run<W: Write>(
    setup: Result<Setup, Ending>,
    args: &CredentialProcessArgs,
    environment: &Arc<Environment>,
    output: &mut Output<W>,
) -> Result<u8, Ending> {
    let setup = setup.map_err(of_config)?;
    let entry = setup.entry(&args.profile)?;
    let fresh = fresh::session(&setup, entry, None, Reader::Ourselves, environment).map_err(of_config)?;
    let answer = answer(&fresh).map_err(|error| Ending::failed(format!("write the answer: {error}")))?;
    output.write_all(&answer)?;
    output.flush()?;
    Ok(FINE)
}

/// A config that is wrong is shown with all its mistakes by `check`.
fn of_config(ending: Ending) -> Ending {
    if ending.code != CONFIG {
        return in_one_line(ending);
    }
    let first = ending.message.lines().next().unwrap_or_default().trim();
    Ending::new(CONFIG, format!("the config is wrong, {first}; fix: evertoken check"))
}

fn in_one_line(ending: Ending) -> Ending {
    let lines: Vec<&str> = ending.message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Ending { message: lines.join("; "), ..ending }
}

fn answer(Fresh { session, skew }: &Fresh) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    // Whoever asks compares it with the clock of this machine. Where that is slow, the end comes sooner by it.
    let by_our_clock = if skew.millis() > 0 { session.expiration - *skew } else { session.expiration };
    let answer = Answer {
        version: 1,
        access_key_id: &session.keys.access_key_id,
        secret_access_key: session.keys.secret_access_key.expose(),
        session_token: session.keys.session_token.as_ref().map(|token| token.expose()),
        expiration: by_our_clock.to_string(),
        account_id: session.account_id.as_deref(),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(ROOM));
    serde_json::to_writer(&mut *bytes, &answer)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{answer, in_one_line, of_config};
    use crate::commands::ending::{CONFIG, Ending};
    use crate::commands::fresh::Fresh;
    use crate::engine::secret::Secret;
    use crate::engine::session::{Keys, Session, SettingsDigest};
    use crate::engine::time::{Skew, WallTime};

    fn fresh(account_id: Option<&str>, skew: i64) -> Fresh {
        let session = Session {
            keys: Keys {
                access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
                secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                session_token: Some(Secret::new("a//token==")),
            },
            account_id: account_id.map(str::to_owned),
            issued: WallTime::from_unix_seconds(0),
            expiration: WallTime::from_unix_millis(1_795_273_445_999),
            digest: SettingsDigest::parse("aa").expect("a digest"),
            allowed: None,
        };
        Fresh { session, skew: Skew::from_millis(skew) }
    }

    fn text(fresh: &Fresh) -> String {
        String::from_utf8(answer(fresh).expect("JSON").to_vec()).expect("UTF-8")
    }

    #[test]
    fn the_answer_is_what_every_sdk_accepts() {
        assert_eq!(
            text(&fresh(Some("111122223333"), 0)),
            "{\"Version\":1,\"AccessKeyId\":\"ASIAIOSFODNN7EXAMPLE\",\
             \"SecretAccessKey\":\"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\",\"SessionToken\":\"a//token==\",\
             \"Expiration\":\"2026-11-21T15:04:05Z\",\"AccountId\":\"111122223333\"}\n"
        );
        assert!(!text(&fresh(None, 0)).contains("AccountId"));
    }

    #[test]
    fn the_end_is_never_told_later_than_it_comes() {
        assert!(text(&fresh(None, 600_000)).contains("\"2026-11-21T14:54:05Z\""), "our clock is ten minutes slow");
        assert!(text(&fresh(None, -600_000)).contains("\"2026-11-21T15:04:05Z\""), "our clock is ten minutes fast");
    }

    #[test]
    fn an_error_is_one_line() {
        let ending = in_one_line(Ending::new(1, "no session: the SSO session corp is over\nfix: aws sso login"));
        assert_eq!(ending.message, "evertoken: no session: the SSO session corp is over; fix: aws sso login");
        let ending =
            of_config(Ending { code: CONFIG, message: "c.toml:3:1: what?\n  |\nhint: that\n\nmore".to_owned() });
        assert_eq!(ending.message, "evertoken: the config is wrong, c.toml:3:1: what?; fix: evertoken check");
    }
}
