//! What stands in the AWS files under the name of a session and sends programs elsewhere: to a role of their own, say.

use crate::engine::aws_config::{AwsConfig, AwsFile, Section};
use crate::engine::config::aws_profile::asks_evertoken;
use crate::engine::config::sources::FALLBACK;

/// Keys of an AWS file, under the name of a session, that send programs elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clash {
    /// What to call them.
    pub keys: &'static str,
    /// What comes of it, as the rest of a sentence.
    pub outcome: &'static str,
}

/// What stands in one of the AWS files under the name of a session and sends programs elsewhere.
pub fn clashes(aws: &AwsConfig, file: AwsFile, name: &str) -> Vec<Clash> {
    let stands = |wanted: fn(&str) -> bool| aws.keys_in(file, name).any(wanted);
    let mut found = Vec::new();
    if stands(|key| key == "role_arn") {
        let outcome = "most SDKs then assume that role themselves and ignore the session written here";
        found.push(Clash { keys: "role_arn", outcome });
    }
    if stands(|key| key.starts_with("sso_")) {
        let outcome = "SDKs disagree on whether those or the session written here win";
        found.push(Clash { keys: "sso_* keys", outcome });
    }
    // What asks evertoken is judged by `asking`.
    let asks_another = |section: &Section| asks_evertoken(section).is_none();
    if stands(|key| key == "credential_process") && aws.profiles.get(name).is_some_and(asks_another) {
        let outcome = "SDKs disagree on whether that or the session written here wins";
        found.push(Clash { keys: "credential_process", outcome });
    }
    found
}

/// How the section of a profile begins in the AWS config.
pub fn header(name: &str) -> String {
    if name == FALLBACK { "[default]".to_owned() } else { format!("[profile {name}]") }
}
