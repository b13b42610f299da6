//! What stands behind the credentials: the profiles of evertoken's list below this one, and the sign-in, keys, program or
//! token at the end. It must be alive for a renewal to succeed, whatever the session in the file looks like.

mod end;

pub(super) use end::token;

use super::finding::{Cause, Finding};
use super::pick::{Origin, origin};
use super::picture::{Answer, Picture};
use super::selection::exists;
use super::session::is_over;
use super::words::{ended, span};
use crate::engine::aws_config::AwsConfig;
use crate::engine::aws_config::chain::Chain;
use crate::engine::config::Config;
use crate::engine::config::model::{CredentialSource, Entry, Operation, Source};
use crate::engine::failure::SourceFault;
use crate::engine::invocation::quoted;
use crate::engine::names::ProfileName;
use crate::engine::time::WallTime;
use std::sync::Arc;

/// What a profile stands on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Base {
    /// The entries of evertoken's list, the profile's own first; empty when it is not on the list.
    pub entries: Vec<Arc<Entry>>,
    /// What the last of them, or the profile itself, is made from.
    pub end: End,
}

/// What stands at the end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// A chain of the AWS files.
    Chain(Chain),
    /// A file with a web identity token, as written.
    Token(String),
    /// `credential_source`.
    Provider(CredentialSource),
    /// It leads nowhere.
    Fault(SourceFault),
}

/// Follows a profile down, through evertoken's list and the AWS files.
pub fn base_of(config: Option<&Config>, aws: &AwsConfig, profile: &str) -> Base {
    let mut entries: Vec<Arc<Entry>> = Vec::new();
    let entry_of = |name: &str| config.and_then(|config| config.entry(name)).cloned();
    let mut next = entry_of(profile);
    while let Some(entry) = next {
        next = entry.parent().and_then(|parent| entry_of(parent.as_str()));
        entries.push(entry);
    }
    let chain = |name: &str| match Chain::of(aws, name) {
        Ok(chain) => End::Chain(chain),
        Err(fault) => End::Fault(fault),
    };
    let end = match entries.last().map(|entry| &entry.source) {
        None => chain(profile),
        Some(Source::Profile(name)) => chain(name),
        Some(Source::Listed(name)) => chain(ProfileName::as_str(name)),
        Some(Source::WebIdentity(path)) => End::Token(path.clone()),
        Some(Source::Provider(provider)) => End::Provider(*provider),
    };
    Base { entries, end }
}

pub(super) fn findings(picture: &Picture) -> Vec<Finding> {
    let is_own_end =
        matches!(origin(picture), Origin::CredentialsKeys | Origin::ConfigKeys) && picture.entry().is_none();
    // What the platform gives is told by `platform`.
    let is_given =
        matches!(origin(picture), Origin::Container | Origin::Instance | Origin::WebIdentityVariable | Origin::Nothing);
    if picture.entry().is_none() && (is_own_end || is_given || !exists(picture)) {
        return Vec::new();
    }
    let base = base_of(picture.own_config(), &picture.aws, picture.profile());
    let mut found: Vec<Finding> = base.entries.iter().skip(1).filter_map(|entry| parent(picture, entry)).collect();
    found.extend(end::of(picture, &base));
    if let (Answer::Unresolved { message, login }, true) =
        (&picture.answer, found.iter().all(|finding| finding.mark != super::Mark::Fault))
    {
        let cause = if login.is_some() { Cause::SourceExpired } else { Cause::SourceFails };
        found.retain(|finding| finding.cause != Cause::Source);
        let finding = Finding::fault(cause, format!("the credentials could not be acquired: {message}"));
        found.push(match login {
            Some(login) => finding.fix(login.clone()),
            None => finding.fix(format!("aws sts get-caller-identity --profile {}", quoted(picture.profile()))),
        });
    }
    found
}

/// An entry of evertoken's list below the profile.
fn parent(picture: &Picture, entry: &Entry) -> Option<Finding> {
    let name = &entry.profile;
    let is_mfa = entry.operation == Operation::GetSessionToken;
    let noun = if is_mfa { format!("the MFA session {name}") } else { format!("the session of {name}") };
    let now = picture.at_sts();
    let end = picture.standing(name.as_str())?.expires.as_deref().and_then(|end| WallTime::parse(end).ok());
    let what = match end {
        Some(end) if end > now => {
            return Some(Finding::ok(Cause::Source, format!("{noun} behind it ends in {}", span(now.until(end)))));
        }
        Some(end) => format!("{noun} behind it {}", ended(end, now)),
        None if is_mfa => format!("{noun} behind it has not been opened yet"),
        None => return None,
    };
    let cause = if is_mfa { Cause::MfaSessionOver } else { Cause::SourceExpired };
    let fix = if entry.needs_human() { format!("evertoken login {name}") } else { format!("evertoken refresh {name}") };
    Some(over(picture, cause, what).after(format!("so did {noun} behind it")).fix(fix))
}

/// A fault where the session in the file has ended too, else what will go wrong at its next renewal.
fn over(picture: &Picture, cause: Cause, what: String) -> Finding {
    let nothing_else = !matches!(origin(picture), Origin::CredentialsKeys | Origin::ConfigKeys);
    if is_over(picture) || nothing_else {
        Finding::fault(cause, what)
    } else {
        Finding::warning(cause, what).why("the session that is there cannot be renewed once it ends")
    }
}
