//! `store-once PROFILE TOKEN`: writes one session into the shared credentials file of `HOME` and says what became of it.
//! A process of its own, so that `tests/crash/run` can kill it at every system call of the write.

use evertoken::engine::config::model::StoreKind;
use evertoken::engine::credentials_file::{Edit, Outcome, Publication};
use evertoken::engine::names::ProfileName;
use evertoken::engine::secret::Secret;
use evertoken::engine::session::{Keys, Session, SettingsDigest};
use evertoken::engine::time::WallTime;
use evertoken::shell::environment::Environment;
use evertoken::shell::places::Places;
use evertoken::shell::store::Stores;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match store() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _closed = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn store() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [profile, token] = arguments.as_slice() else { return Err("usage: store-once PROFILE TOKEN".into()) };
    let session = Session {
        keys: Keys {
            access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: Some(Secret::new(token.as_str())),
        },
        account_id: Some("111122223333".to_owned()),
        issued: WallTime::from_unix_seconds(1_795_270_000),
        expiration: WallTime::from_unix_seconds(1_795_273_600),
        digest: SettingsDigest::parse("0123456789abcdef").ok_or("a digest")?,
        allowed: None,
    };
    let publication = Publication { profile: ProfileName::parse(profile)?, session, region: None, adopt: false };
    let stores = Stores::new(Places::find(&Environment::capture(), None, None)?, 0o600);
    let stored = stores.apply(StoreKind::Shared, &[Edit::Put(Box::new(publication))])?;
    for warning in &stored.warnings {
        writeln!(io::stderr(), "warning: {warning}")?;
    }
    match stored.outcomes.as_slice() {
        [(_, Outcome::Written | Outcome::Unchanged)] => Ok(()),
        other => Err(format!("not stored: {other:?}").into()),
    }
}
