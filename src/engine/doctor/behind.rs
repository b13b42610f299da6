//! What stands behind the credentials: the profiles of evertoken's list below this one, and the sign-in, keys, program or
//! token at the end. It must be alive for a renewal to succeed, whatever the session in the file looks like.

use super::finding::{Cause, Finding};
use super::pick::{Origin, origin};
use super::picture::{Answer, Picture, SignIn, TokenFile};
use super::selection::exists;
use super::session::is_over;
use super::words::{ended, span};
use crate::engine::aws_config::chain::{Base as ChainBase, Chain, SsoProfile};
use crate::engine::aws_config::{AwsConfig, noted_end};
use crate::engine::config::Config;
use crate::engine::config::model::{CredentialSource, Entry, Operation, Source};
use crate::engine::failure::SourceFault;
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
    found.extend(end(picture, &base));
    if let (Answer::Unresolved { message, login }, true) =
        (&picture.answer, found.iter().all(|finding| finding.mark != super::Mark::Fault))
    {
        let cause = if login.is_some() { Cause::SourceExpired } else { Cause::SourceFails };
        found.retain(|finding| finding.cause != Cause::Source);
        let finding = Finding::fault(cause, format!("the credentials could not be acquired: {message}"));
        found.push(match login {
            Some(login) => finding.fix(login.clone()),
            None => finding.fix(format!("aws sts get-caller-identity --profile {}", picture.profile())),
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

fn end(picture: &Picture, base: &Base) -> Option<Finding> {
    let chain = match &base.end {
        End::Chain(chain) => chain,
        End::Token(path) => return token(picture, path),
        End::Provider(provider) => {
            return Some(Finding::ok(
                Cause::Source,
                format!("credential_source {} stands behind it", provider.as_str()),
            ));
        }
        End::Fault(fault) => return Some(nowhere(picture, fault)),
    };
    match &chain.base {
        ChainBase::Sso(sso) => Some(sign_in(picture, base, sso)),
        ChainBase::Static { profile } => keys(picture, base, profile),
        ChainBase::WebIdentity { token_file, .. } => token(picture, token_file),
        ChainBase::Process { command, .. } => {
            let program = command.split_whitespace().next().unwrap_or_default();
            Some(Finding::ok(Cause::Source, format!("the program {program} (credential_process) stands behind it")))
        }
        ChainBase::Login { session, .. } => {
            Some(Finding::ok(Cause::Source, format!("the sign-in of `aws login` as {session} stands behind it")))
        }
        ChainBase::Provider(provider) => {
            Some(Finding::ok(Cause::Source, format!("credential_source {} stands behind it", provider.as_str())))
        }
    }
}

/// Whether the session that has ended is one that is made from the end, and not the end itself handed on.
fn is_made_from(base: &Base) -> bool {
    let assumed = |entry: &Arc<Entry>| entry.operation != Operation::Publish;
    let hops = matches!(&base.end, End::Chain(chain) if !chain.hops.is_empty());
    hops || base.entries.iter().any(assumed)
}

fn sign_in(picture: &Picture, base: &Base, sso: &SsoProfile) -> Finding {
    let noun = match &sso.session {
        Some(session) => format!("the SSO session {session:?}"),
        None => format!("the SSO sign-in of profile {:?}", sso.profile),
    };
    let now = picture.now;
    let found = picture.sign_ins.get(sso.cache_name()).copied().unwrap_or(SignIn::Missing);
    let behind = if base.entries.is_empty() && !is_made_from(base) { "" } else { " behind it" };
    let login = if base.entries.is_empty() { sso.login() } else { "evertoken login".to_owned() };
    let over = |what: String| {
        let cause = if is_made_from(base) && is_over(picture) { Cause::SourceExpired } else { Cause::SsoSessionOver };
        over(picture, cause, what).after(format!("so did {noun}{behind}")).fix(login.clone())
    };
    match found {
        SignIn::Missing => over(format!("you are not signed in to {noun}{behind}")),
        SignIn::Token { ends, .. } if found.is_over(now) => match ends {
            Some(end) => over(format!("{noun}{behind} {}", ended(end, now))),
            None => over(format!("{noun}{behind} is over")),
        },
        SignIn::Token { ends, renewable } => {
            let until = ends.filter(|end| *end > now).map(|end| format!(" ends in {}", span(now.until(end))));
            let what = match (renewable, until) {
                (true, _) => format!("{noun}{behind} is open, and renews by itself"),
                (false, until) => format!("{noun}{behind}{}", until.unwrap_or_default()),
            };
            Finding::ok(Cause::Source, what)
        }
    }
}

fn keys(picture: &Picture, base: &Base, profile: &str) -> Option<Finding> {
    if profile == picture.profile() && base.entries.is_empty() {
        return None;
    }
    let section = picture.aws.profiles.get(profile)?;
    let has_token = ["aws_session_token", "aws_security_token"].iter().any(|key| section.contains_key(*key));
    if !has_token {
        return Some(Finding::ok(Cause::Source, format!("the long-term keys of profile {profile} stand behind it")));
    }
    let now = picture.at_sts();
    Some(match noted_end(section) {
        Some(end) if end <= now => {
            let what = format!("the temporary keys of profile {profile} behind it {}", ended(end, now));
            let fix = format!("renew the profile {profile} with the tool that wrote its keys");
            let after = format!("so did the temporary keys of profile {profile} behind it");
            over(picture, Cause::SourceExpired, what).after(after).fix(fix)
        }
        Some(end) => {
            let what = format!("the temporary keys of profile {profile} behind it end in {}", span(now.until(end)));
            Finding::ok(Cause::Source, what)
        }
        None => Finding::ok(
            Cause::Source,
            format!("temporary keys of profile {profile} stand behind it; nothing tells when they end"),
        ),
    })
}

/// A web identity token: whoever issues it has to replace it.
pub(super) fn token(picture: &Picture, path: &str) -> Option<Finding> {
    let now = picture.at_sts();
    let fix = format!("have the issuer of the token write {path} again");
    Some(match picture.tokens.get(path)? {
        TokenFile::Unreadable(reason) => {
            let what = format!("the web identity token {path} cannot be read: {reason}");
            over(picture, Cause::WebIdentityExpired, what).fix(fix)
        }
        TokenFile::Read { ends: Some(end) } if *end <= now => {
            let what = format!("the web identity token {path} {}", ended(*end, now));
            let after = format!("so did the web identity token {path}");
            let finding = over(picture, Cause::WebIdentityExpired, what).after(after);
            finding.why("AWS issues no new session for it; those already issued last until their own end").fix(fix)
        }
        TokenFile::Read { ends: Some(end) } => {
            Finding::ok(Cause::Source, format!("the web identity token {path} ends in {}", span(now.until(*end))))
        }
        TokenFile::Read { ends: None } => {
            Finding::ok(Cause::Source, format!("the web identity token {path} can be read; it does not tell its end"))
        }
    })
}

fn nowhere(picture: &Picture, fault: &SourceFault) -> Finding {
    match fault {
        SourceFault::MfaInChain { profile, serial } => {
            let what = format!("the role of profile {profile} wants an MFA code for each session ({serial})");
            let why = "programs without a terminal cannot ask for one; an [[mfa_session]] of evertoken asks once in half a day";
            Finding::warning(Cause::Source, what).why(why).fix("evertoken init")
        }
        SourceFault::Missing(text)
        | SourceFault::Config(text)
        | SourceFault::Process(text)
        | SourceFault::Unreadable { why: text, .. }
        | SourceFault::Unsettled { why: text, .. }
        | SourceFault::Ended { what: text, .. } => {
            let file = &picture.config_file.path;
            Finding::fault(Cause::SourceFails, text.clone()).fix(format!("correct it in {file}"))
        }
        SourceFault::MfaDue { profile } => {
            let what = format!("an MFA code is due for {profile}");
            Finding::fault(Cause::MfaSessionOver, what).fix(format!("evertoken login {profile}"))
        }
        SourceFault::LongTerm => Finding::ok(Cause::Source, "long-term keys stand behind it"),
    }
}
