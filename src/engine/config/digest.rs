//! The digest of an entry's settings: equal exactly when STS would be asked for the same. Never covers what only concerns
//! the file, the schedule or the way to STS, so that changing those starts no session anew.

use crate::engine::config::model::{Entry, Operation, Source};
use crate::engine::session::SettingsDigest;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Stands in what is hashed. The digests are in the marks of people's files: whoever changes the text below makes every
/// session `outdated` once, and must count this up.
const VERSION: &str = "evertoken settings 1";

/// The digest of `entry`, whatever its `digest` field says. `parent` is that of the entry that it is chained to.
///
/// `None` cannot come about: eight bytes are sixteen hex digits.
pub(super) fn of(entry: &Entry, parent: Option<&SettingsDigest>) -> Option<SettingsDigest> {
    let hash = Sha256::digest(canonical(entry, parent));
    let mut hex = String::new();
    for byte in hash.iter().take(8) {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    SettingsDigest::parse(&hex)
}

/// Every setting on a line with its length before it, so that no value can pass for the next setting.
fn canonical(entry: &Entry, parent: Option<&SettingsDigest>) -> String {
    let mut text = format!("{VERSION}\n");
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key} {}:{value}", value.len());
    };
    match &entry.source {
        Source::Listed(name) => {
            line("source listed", name.as_str());
            line("parent", parent.map_or("", SettingsDigest::as_str));
        }
        Source::Profile(name) => line("source profile", name),
        Source::WebIdentity(path) => line("source web identity", path),
        Source::Provider(provider) => line("source provider", provider.as_str()),
    }
    match &entry.operation {
        Operation::Publish => {
            line("operation", "publish");
            // STS is not asked for anything: neither a duration nor a region can change what is published.
            return text;
        }
        Operation::GetSessionToken => line("operation", "get session token"),
        Operation::AssumeRole(request) => {
            line("operation", "assume role");
            line("role", request.role_arn.as_str());
            line("session name", request.session_name.as_str());
            for (key, value) in [
                ("external id", &request.external_id),
                ("policy", &request.policy),
                ("source identity", &request.source_identity),
            ] {
                if let Some(value) = value {
                    line(key, value);
                }
            }
            for arn in &request.policy_arns {
                line("policy arn", arn);
            }
            for (key, value) in &request.tags {
                line("tag", key);
                line("tag value", value);
            }
            for key in &request.transitive_tags {
                line("transitive tag", key);
            }
        }
    }
    line("duration", &entry.duration.as_secs().to_string());
    for (key, value) in [
        ("mfa serial", entry.mfa.as_ref().map(|mfa| &mfa.serial)),
        ("sts region", entry.sts_region.as_ref()),
        ("sts endpoint", entry.sts_endpoint.as_ref()),
    ] {
        if let Some(value) = value {
            line(key, value);
        }
    }
    text
}
