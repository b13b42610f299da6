//! Profiles of the AWS config whose `credential_process` asks evertoken, and what keeps programs from asking. Never reads
//! a file and never hands out a key.

use crate::engine::aws_config::{AwsConfig, Section};
use crate::engine::config::aws_profile::asks_evertoken;
use crate::engine::config::diagnostic::quoted;
use crate::engine::config::model::{Config, StoreKind};
use std::fmt::Write;

/// Why programs that use a profile do not ask evertoken, or ask in vain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hindrance {
    /// evertoken writes keys under the same name: botocore and most SDKs take those, and never renew them.
    Published,
    /// Keys that evertoken did not write stand under the same name, with the same effect.
    ForeignKeys,
    /// Keys that evertoken wrote before the profile moved to the private store; they go when they end.
    Leftover,
    /// The list does not have the profile that is asked for.
    Unlisted,
}

/// A profile that asks evertoken, and what is in the way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unheard {
    /// The profile of the AWS config.
    pub profile: String,
    /// The profile that evertoken is asked for.
    pub asked: String,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// The lines to write instead; may have several lines.
    pub mend: String,
}

/// All profiles that ask evertoken and are not served, by name.
pub fn unheard(config: &Config, aws: &AwsConfig) -> Vec<Unheard> {
    let asking = aws.profiles.iter().filter_map(|(name, section)| Some((name, section, asks_evertoken(section)?)));
    asking.filter_map(|(name, section, asked)| judge(name, section, asked, config)).collect()
}

/// Whether programs that use the profile ask evertoken for it, with no keys in the way.
pub fn is_asked(profile: &str, aws: &AwsConfig) -> bool {
    aws.profiles.get(profile).is_some_and(|section| {
        asks_evertoken(section) == Some(profile) && section.get("aws_access_key_id").is_none_or(String::is_empty)
    })
}

fn judge(name: &str, section: &Section, asked: &str, config: &Config) -> Option<Unheard> {
    let entry = config.entry(name);
    let is_ours = section.contains_key("x_evertoken");
    let hindrance = if entry.is_some_and(|entry| entry.store == StoreKind::Shared) {
        Hindrance::Published
    } else if section.get("aws_access_key_id").is_some_and(|id| !id.is_empty()) {
        if is_ours { Hindrance::Leftover } else { Hindrance::ForeignKeys }
    } else if config.entry(asked).is_none() && !section.get("credential_process")?.contains("--config") {
        Hindrance::Unlisted
    } else {
        return None;
    };
    let profile = quoted(name);
    let (message, mend) = match hindrance {
        Hindrance::Published => {
            let message = format!(
                "the AWS config has programs ask evertoken for {profile}, but the keys written here go into the \
                 credentials file under that name: botocore and most SDKs take those and never renew them"
            );
            let mut mend =
                "add store = \"private\" to this entry: then all of them ask. Or keep this entry for programs that read \
                 the file, and take credential_process out of its section of ~/.aws/config into one of its own:"
                    .to_owned();
            mend.push_str(&second_name(name, asked, section));
            (message, mend)
        }
        Hindrance::ForeignKeys => (
            format!(
                "the AWS config has programs ask evertoken for {profile}, but keys stand under that name too: botocore \
                 and most SDKs take those and never ask"
            ),
            format!(
                "take aws_access_key_id, aws_secret_access_key and aws_session_token out of [{name}] in \
                 ~/.aws/credentials. Or leave them, and let programs ask under another name in ~/.aws/config:{}",
                second_name(name, asked, section)
            ),
        ),
        Hindrance::Leftover => (
            format!(
                "keys that evertoken wrote for {profile} still stand in the credentials file: until they end, programs \
                 take those instead of asking"
            ),
            "nothing to do: the daemon takes them out when they end".to_owned(),
        ),
        Hindrance::Unlisted => (
            format!(
                "profile {profile} of the AWS config asks evertoken for {}, which the list does not have",
                quoted(asked)
            ),
            "add a [[role]] for it (`evertoken init --missing` prints one), or take credential_process out of \
             ~/.aws/config"
                .to_owned(),
        ),
    };
    Some(Unheard { profile: name.to_owned(), asked: asked.to_owned(), message, mend })
}

/// The section that asks under a name that nobody writes keys to.
fn second_name(name: &str, asked: &str, section: &Section) -> String {
    let free = [format!("{asked}-live"), format!("{asked}-process")].into_iter().find(|free| free != name);
    let mut lines = format!("\n  [profile {}]", free.unwrap_or_default());
    for key in ["region", "credential_process"] {
        if let Some(value) = section.get(key) {
            // Writing to a String cannot fail.
            let _ = write!(lines, "\n  {key} = {value}");
        }
    }
    lines
}
