//! A profile of the AWS config as a source: what stands behind it, and where its chain leads. Never resolves credentials.

use crate::engine::aws_config::{AwsConfig, Section};
use crate::engine::config::model::{Config, Entry, Operation, Source};

/// What gives the credentials of a profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::engine) enum Kind {
    /// `role_arn`: the SDK assumes a role itself.
    Role,
    /// IAM Identity Center.
    Sso,
    /// A program.
    Process,
    /// A sign-in by `aws login`.
    Login,
    /// Keys without a session token.
    LongTerm,
    /// Keys with one.
    Temporary,
    /// None.
    Nothing,
}

impl Kind {
    /// What the SDKs find first in a section. They read a role before anything else, and keys before a program.
    pub(in crate::engine) fn of(section: &Section) -> Self {
        let has = |key: &str| section.get(key).is_some_and(|value| !value.is_empty());
        if has("role_arn") {
            Self::Role
        } else if let Some(id) = section.get("aws_access_key_id").filter(|id| !id.is_empty()) {
            let temporary = has("aws_session_token") || has("aws_security_token") || id.starts_with("ASIA");
            if temporary { Self::Temporary } else { Self::LongTerm }
        } else if has_sso(section) {
            Self::Sso
        } else if has("credential_process") {
            Self::Process
        } else if has("login_session") {
            Self::Login
        } else {
            Self::Nothing
        }
    }

    /// Whether a role on top of it is role chaining. A program or a sign-in may give anything.
    pub(in crate::engine) fn is_role_session(self) -> bool {
        matches!(self, Self::Role | Self::Sso)
    }
}

/// Whether a section says anything of IAM Identity Center.
pub(in crate::engine) fn has_sso(section: &Section) -> bool {
    section.keys().any(|key| key.starts_with("sso_"))
}

/// The profile that a `credential_process` asks evertoken for.
pub(in crate::engine) fn asks_evertoken(section: &Section) -> Option<&str> {
    let mut words = section.get("credential_process")?.split_whitespace();
    let program = words.next()?.trim_matches(['"', '\'']);
    if program.rsplit('/').next() != Some("evertoken") {
        return None;
    }
    words.skip_while(|word| *word != "credential-process").skip(1).find(|word| !word.starts_with('-'))
}

/// The profile that the credentials of `name` come from, on the list or in the AWS config, where another profile may name
/// it as its source: then its own keys go before its role.
fn next<'a>(name: &str, is_source: bool, config: &'a Config, aws: &'a AwsConfig) -> Option<&'a str> {
    if let Some(entry) = config.entry(name) {
        return match &entry.source {
            Source::Listed(parent) => Some(parent.as_str()),
            Source::Profile(profile) => Some(profile),
            Source::WebIdentity(_) | Source::Provider(_) => None,
        };
    }
    let section = aws.profiles.get(name)?;
    match Kind::of(section) {
        Kind::Role => {
            if section.contains_key("web_identity_token_file") {
                return None;
            }
            let source = section.get("source_profile").filter(|source| !source.is_empty())?;
            // A profile that names itself signs with the keys in its own section.
            let own_keys = (is_source || source == name) && section.contains_key("aws_access_key_id");
            (!own_keys).then_some(source.as_str())
        }
        // With another config evertoken has another list.
        Kind::Process if section.get("credential_process")?.contains("--config") => None,
        Kind::Process => asks_evertoken(section),
        Kind::Sso | Kind::Login | Kind::LongTerm | Kind::Temporary | Kind::Nothing => None,
    }
}

/// Where a chain leads.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Chain<'a> {
    /// To its end, through these profiles.
    Ends(Vec<&'a str>),
    /// Round and round through these, the first of them again at the end.
    Circle(Vec<&'a str>),
}

/// Follows the sources of `start`, through the list and the AWS config.
pub(super) fn follow<'a>(start: &'a str, config: &'a Config, aws: &'a AwsConfig) -> Chain<'a> {
    let mut path = vec![start];
    let mut at = start;
    let mut is_source = false;
    while let Some(source) = next(at, is_source, config, aws) {
        is_source = config.entry(at).is_none();
        if let Some(place) = path.iter().position(|seen| *seen == source) {
            let mut circle = path.split_off(place);
            circle.push(source);
            return Chain::Circle(circle);
        }
        path.push(source);
        at = source;
    }
    Chain::Ends(path)
}

/// Whether the keys that sign for `entry` are the session of a role, and the profile of which this is known.
pub(super) fn role_session_below<'a>(entry: &'a Entry, config: &'a Config, aws: &'a AwsConfig) -> Option<&'a str> {
    let mut at = entry;
    // As many steps as there are entries, whatever circles there are.
    for _ in 0..=config.entries.len() {
        match &at.source {
            Source::Profile(name) => {
                let role_session = aws.profiles.get(name).is_some_and(|section| Kind::of(section).is_role_session());
                return role_session.then_some(name);
            }
            Source::Listed(name) => {
                at = config.entry(name.as_str())?;
                match at.operation {
                    Operation::AssumeRole(_) => return Some(name.as_str()),
                    Operation::GetSessionToken => return None,
                    Operation::Publish => {}
                }
            }
            Source::WebIdentity(_) | Source::Provider(_) => return None,
        }
    }
    None
}
