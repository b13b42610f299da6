//! What stands behind a profile of the AWS config, described before anybody asks for it: where the first keys come from,
//! and which roles are assumed from there on. Looks nothing up outside the two files.

use super::{AwsConfig, Section};
use crate::engine::config::limits::CHAINED;
use crate::engine::config::model::CredentialSource;
use crate::engine::failure::SourceFault;
use crate::engine::invocation::quoted;
use crate::engine::names::RoleArn;
use std::time::Duration;

/// How a profile comes by its credentials.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chain {
    /// Where the first keys come from.
    pub base: Base,
    /// The roles that are assumed from there on, the profile's own last.
    pub hops: Vec<Hop>,
}

/// Where the first keys of a chain come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Base {
    /// `aws_access_key_id` and its companions, in this profile.
    Static {
        /// The profile.
        profile: String,
    },
    /// `credential_process`.
    Process {
        /// The profile.
        profile: String,
        /// As written.
        command: String,
        /// `aws_account_id`.
        account_id: Option<String>,
    },
    /// `sso_*`.
    Sso(SsoProfile),
    /// `login_session` (`aws login`).
    Login {
        /// The profile.
        profile: String,
        /// `login_session`, the ARN of who logged in.
        session: String,
        /// `region`.
        region: Option<String>,
        /// `endpoint_url`.
        endpoint: Option<String>,
    },
    /// `web_identity_token_file` with its `role_arn`.
    WebIdentity {
        /// The role and its parameters.
        hop: Hop,
        /// As written.
        token_file: String,
    },
    /// `credential_source`.
    Provider(CredentialSource),
}

/// A role on the way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hop {
    /// The profile that names it.
    pub profile: String,
    /// `role_arn`.
    pub role_arn: RoleArn,
    /// `external_id`.
    pub external_id: Option<String>,
    /// `role_session_name`.
    pub session_name: Option<String>,
    /// `duration_seconds`, but no more than an hour on top of another role: STS refuses more there.
    pub duration: Option<Duration>,
    /// `region`.
    pub region: Option<String>,
    /// `endpoint_url`.
    pub endpoint: Option<String>,
}

/// A permission set of IAM Identity Center.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SsoProfile {
    /// The profile.
    pub profile: String,
    /// `sso_session`; the older form without one cannot be renewed.
    pub session: Option<String>,
    /// `sso_start_url`.
    pub start_url: String,
    /// `sso_region`.
    pub region: String,
    /// `sso_account_id`.
    pub account_id: String,
    /// `sso_role_name`.
    pub role_name: String,
    /// `endpoint_url`.
    pub endpoint: Option<String>,
}

impl SsoProfile {
    /// What a person types to log in again.
    pub fn login(&self) -> String {
        match &self.session {
            Some(session) => format!("aws sso login --sso-session {}", quoted(session)),
            None => format!("aws sso login --profile {}", quoted(&self.profile)),
        }
    }

    /// Under which name the SDKs keep the token.
    pub fn cache_name(&self) -> &str {
        self.session.as_deref().unwrap_or(&self.start_url)
    }
}

/// The longest chain that is followed.
const LONGEST_CHAIN: usize = 16;

impl Chain {
    /// Follows `source_profile` from a profile on, by the rules of the SDKs: static keys win in a profile that another one
    /// names as its source, `role_arn` wins in the first.
    ///
    /// # Errors
    /// When a profile is missing or holds nothing that gives credentials, when the chain is a circle, and when a role in it
    /// wants a second factor, which has to be an MFA session of evertoken's own to be renewed.
    pub fn of(aws: &AwsConfig, profile: &str) -> Result<Self, SourceFault> {
        let mut hops = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        let mut name = profile.to_owned();
        let base = loop {
            let section = aws.profiles.get(&name).ok_or_else(|| missing(&name, seen.last()))?;
            if seen.contains(&name) || seen.len() >= LONGEST_CHAIN {
                let circle = seen.join("\" → \"");
                return Err(SourceFault::Config(format!("source_profile goes in a circle: \"{circle}\" → {name:?}")));
            }
            seen.push(name.clone());
            let is_first = seen.len() == 1;
            let wants_role = section.contains_key("role_arn") && !section.contains_key("web_identity_token_file");
            if !wants_role || (!is_first && has_keys(section)) {
                break base(aws, &name, section)?;
            }
            hops.push(hop(&name, section)?);
            match (section.get("source_profile"), section.get("credential_source")) {
                (Some(_), Some(_)) => {
                    let both = format!("profile {name:?} has both source_profile and credential_source");
                    return Err(SourceFault::Config(both));
                }
                (None, Some(source)) => break provider(&name, source)?,
                // A profile may be its own source: then its own keys assume the role.
                (Some(source), None) if *source == name => break base(aws, &name, section)?,
                (Some(source), None) => name = source.clone(),
                (None, None) => {
                    let neither = format!("profile {name:?} has a role_arn, but no source_profile to assume it with");
                    return Err(SourceFault::Config(neither));
                }
            }
        };
        hops.reverse();
        let above_a_role = matches!(base, Base::Sso(_) | Base::WebIdentity { .. });
        for hop in hops.iter_mut().skip(usize::from(!above_a_role)) {
            hop.duration = hop.duration.map(|duration| duration.min(CHAINED));
        }
        Ok(Self { base, hops })
    }
}

fn missing(name: &str, from: Option<&String>) -> SourceFault {
    SourceFault::Missing(match from {
        None => format!("there is no profile {name:?}"),
        Some(from) => format!("there is no profile {name:?}, which profile {from:?} names as its source_profile"),
    })
}

fn has_keys(section: &Section) -> bool {
    section.contains_key("aws_access_key_id") && section.contains_key("aws_secret_access_key")
}

fn base(aws: &AwsConfig, name: &str, section: &Section) -> Result<Base, SourceFault> {
    if let (Some(source), false) = (section.get("credential_source"), section.contains_key("source_profile")) {
        return provider(name, source);
    }
    if let Some(token_file) = section.get("web_identity_token_file") {
        return Ok(Base::WebIdentity { hop: hop(name, section)?, token_file: token_file.clone() });
    }
    if section.keys().any(|key| key.starts_with("sso_")) && !has_keys(section) {
        return Ok(Base::Sso(sso(aws, name, section)?));
    }
    if let (Some(session), false) = (section.get("login_session"), has_keys(section)) {
        return Ok(Base::Login {
            profile: name.to_owned(),
            session: session.clone(),
            region: section.get("region").cloned(),
            endpoint: section.get("endpoint_url").cloned(),
        });
    }
    let has_any_key = section.contains_key("aws_access_key_id") || section.contains_key("aws_secret_access_key");
    if has_any_key {
        return Ok(Base::Static { profile: name.to_owned() });
    }
    if let Some(command) = section.get("credential_process") {
        let account_id = section.get("aws_account_id").cloned();
        return Ok(Base::Process { profile: name.to_owned(), command: command.clone(), account_id });
    }
    Err(SourceFault::Missing(format!("profile {name:?} holds nothing that gives credentials")))
}

fn provider(name: &str, source: &str) -> Result<Base, SourceFault> {
    let known = [CredentialSource::Environment, CredentialSource::Ec2InstanceMetadata, CredentialSource::EcsContainer];
    known.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(source)).map(Base::Provider).ok_or_else(|| {
        SourceFault::Config(format!(
            "profile {name:?} has a credential_source that is none of Environment, Ec2InstanceMetadata, EcsContainer"
        ))
    })
}

fn hop(name: &str, section: &Section) -> Result<Hop, SourceFault> {
    if let Some(serial) = section.get("mfa_serial") {
        return Err(SourceFault::MfaInChain { profile: name.to_owned(), serial: serial.clone() });
    }
    let role_arn = section.get("role_arn").map(String::as_str).unwrap_or_default();
    let role_arn = RoleArn::parse(role_arn)
        .map_err(|error| SourceFault::Config(format!("profile {name:?} has a role_arn that is wrong: {error}")))?;
    let duration = match section.get("duration_seconds") {
        None => None,
        Some(text) => match text.parse() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => {
                let text = format!("profile {name:?} has a duration_seconds that is no number");
                return Err(SourceFault::Config(text));
            }
        },
    };
    let value = |key: &str| section.get(key).cloned();
    Ok(Hop {
        profile: name.to_owned(),
        role_arn,
        external_id: value("external_id"),
        session_name: value("role_session_name"),
        duration,
        region: value("region"),
        endpoint: value("endpoint_url"),
    })
}

fn sso(aws: &AwsConfig, name: &str, section: &Section) -> Result<SsoProfile, SourceFault> {
    let session = section.get("sso_session");
    let shared = match session {
        None => section,
        Some(session) => aws.sso_sessions.get(session).ok_or_else(|| {
            SourceFault::Config(format!("profile {name:?} names [sso-session {session}], which does not exist"))
        })?,
    };
    let value =
        |section: &Section, key: &str| {
            section.get(key).filter(|value| !value.is_empty()).cloned().ok_or_else(|| {
                SourceFault::Config(format!("profile {name:?} is of IAM Identity Center, but has no {key}"))
            })
        };
    let region = value(shared, "sso_region")?;
    // It becomes a part of a host name.
    if !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(SourceFault::Config(format!("profile {name:?} has an sso_region that is no region")));
    }
    Ok(SsoProfile {
        profile: name.to_owned(),
        session: session.cloned(),
        start_url: value(shared, "sso_start_url")?,
        region,
        account_id: value(section, "sso_account_id")?,
        role_name: value(section, "sso_role_name")?,
        endpoint: section.get("endpoint_url").cloned(),
    })
}

#[cfg(test)]
mod tests;
