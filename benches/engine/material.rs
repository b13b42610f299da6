//! What all of these measurements work on: configs, sessions and files of any size, made by the engine itself.

use evertoken::engine::config::{self, Config};
use evertoken::engine::credentials_file::{Edit, Publication, apply};
use evertoken::engine::keeper::Reply;
use evertoken::engine::names::ProfileName;
use evertoken::engine::secret::Secret;
use evertoken::engine::session::{Keys, Session, SettingsDigest, SourceCredentials};
use evertoken::engine::time::WallTime;
use std::fmt::Write as _;

/// 2026-11-21T14:00:00Z.
pub(crate) const NOON: WallTime = WallTime::from_unix_seconds(1_795_269_600);

/// The text of a config with so many roles, as a person would write it.
pub(crate) fn config_text(roles: usize) -> String {
    let mut text =
        "[defaults]\nsource_profile = \"base\"\nregion = \"eu-west-1\"\nduration = \"1h\"\nmin_ttl = \"30m\"\n"
            .to_owned();
    for role in 0..roles {
        let account = 111_122_223_333 + role / 10;
        write!(
            text,
            "\n[[role]]\nprofile = \"team-{role}\"\nrole_arn = \"arn:aws:iam::{account}:role/Developer\"\nexternal_id = \
             \"id-{role}\"\ntags = {{ team = \"web\", cost = \"c{role}\" }}\n"
        )
        .expect("text");
    }
    text
}

pub(crate) fn config(roles: usize) -> Config {
    config::parse(&config_text(roles)).expect("a config").config
}

pub(crate) fn profile(role: usize) -> ProfileName {
    ProfileName::parse(&format!("team-{role}")).expect("a profile name")
}

/// Keys as long as those of STS; `serial` makes them differ.
pub(crate) fn keys(serial: usize) -> Keys {
    Keys {
        access_key_id: format!("ASIAEXAMPLE{serial:09}"),
        secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        session_token: Some(Secret::new("FwoGZXIvYXdzEXAMPLETOKEN".repeat(20))),
    }
}

pub(crate) fn source() -> SourceCredentials {
    let mut keys = keys(0);
    keys.access_key_id = "AKIAIOSFODNN7EXAMPLE".to_owned();
    keys.session_token = None;
    SourceCredentials { keys, account_id: None, expiration: None, login_ends: None, skew: None }
}

pub(crate) fn session(serial: usize, issued: WallTime) -> Session {
    Session {
        keys: keys(serial),
        account_id: Some("111122223333".to_owned()),
        issued,
        expiration: issued + std::time::Duration::from_secs(3600),
        digest: SettingsDigest::parse("9f00aa11bb22cc33").expect("a digest"),
        allowed: None,
    }
}

/// What STS answers to a call for the `role` with this ARN.
pub(crate) fn reply(serial: usize, account: &str, now: WallTime) -> Reply {
    Reply {
        keys: Some(keys(serial)),
        expiration: Some(now + std::time::Duration::from_secs(3600)),
        assumed_role_arn: Some(format!("arn:aws:sts::{account}:assumed-role/Developer/me")),
        session_name: "me".to_owned(),
        skew: None,
        request_id: None,
    }
}

pub(crate) fn put(role: usize, serial: usize) -> Edit {
    Edit::Put(Box::new(Publication {
        profile: profile(role),
        session: session(serial, NOON),
        region: Some("eu-west-1".to_owned()),
        adopt: false,
    }))
}

/// A file with the user's own section, comments, and so many sections of ours.
pub(crate) fn file(sections: usize) -> Vec<u8> {
    let users = "# keep this\n[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = \
                 wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n";
    let edits: Vec<Edit> = (0..sections).map(|role| put(role, role)).collect();
    apply(users.as_bytes(), &edits).expect("a plain file").bytes.to_vec()
}
