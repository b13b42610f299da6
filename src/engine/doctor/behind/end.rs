//! What stands at the very end: the sign-in, keys, program, token or platform that everything above is made from, as far as
//! a look shows that it will give anything.

use super::super::finding::{Cause, Finding};
use super::super::picture::{Picture, SignIn, TokenFile};
use super::super::session::is_over;
use super::super::words::{ended, span};
use super::{Base, End, over};
use crate::engine::aws_config::chain::{Base as ChainBase, SsoProfile};
use crate::engine::aws_config::noted_end;
use crate::engine::config::model::{CredentialSource, Entry, Operation, Source};
use crate::engine::failure::SourceFault;
use crate::engine::invocation::quoted;
use std::sync::Arc;

pub(super) fn of(picture: &Picture, base: &Base) -> Option<Finding> {
    let chain = match &base.end {
        End::Chain(chain) => chain,
        End::Token(path) => return token(picture, path),
        End::Provider(provider) => return Some(given(picture, base, *provider)),
        End::Fault(fault) => return Some(nowhere(picture, base, fault)),
    };
    match &chain.base {
        ChainBase::Sso(sso) => Some(sign_in(picture, base, sso)),
        ChainBase::Static { profile } => keys(picture, base, profile),
        ChainBase::WebIdentity { token_file, .. } => token(picture, token_file),
        ChainBase::Process { profile, command, .. } => Some(program(picture, profile, command)),
        ChainBase::Login { profile, session, .. } => Some(console(picture, base, profile, session)),
        ChainBase::Provider(provider) => Some(given(picture, base, *provider)),
    }
}

fn program(picture: &Picture, profile: &str, command: &str) -> Finding {
    let Some(missing) = &picture.missing_program else {
        let program = command.split_whitespace().next().unwrap_or_default();
        return Finding::ok(Cause::Source, format!("the program {program} (credential_process) stands behind it"));
    };
    let what = format!("the program {missing} (credential_process) behind it is not there, or cannot be run");
    let fix = format!("correct credential_process of {profile} in {}", picture.config_file.path);
    over(picture, Cause::SourceFails, what).fix(fix)
}

/// `credential_source`: what the platform, or whoever started the program, has put into its environment.
fn given(picture: &Picture, base: &Base, provider: CredentialSource) -> Finding {
    let name = provider.as_str();
    // The daemon has an environment of its own, which nobody else can look into.
    let of_daemon = !base.entries.is_empty() && picture.keeping.status.as_ref().is_some_and(|s| s.daemon.running);
    let lacks = match provider {
        _ if of_daemon => None,
        CredentialSource::Environment if !picture.exported.keys.whole() => Some((
            "and no AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY is exported here",
            "export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…".to_owned(),
        )),
        CredentialSource::EcsContainer if picture.platform.container.is_none() => {
            let file = if base.entries.is_empty() { &picture.config_file.path } else { &picture.keeping.config_path };
            Some(("and this is no container of ECS or EKS", format!("correct credential_source in {file}")))
        }
        CredentialSource::Environment | CredentialSource::EcsContainer | CredentialSource::Ec2InstanceMetadata => None,
    };
    let what = format!("credential_source {name} stands behind it");
    match lacks {
        None if of_daemon => Finding::ok(Cause::Source, format!("{what}, in the environment of the daemon")),
        None => Finding::ok(Cause::Source, what),
        Some((lacks, fix)) => over(picture, Cause::SourceFails, format!("{what}, {lacks}")).fix(fix),
    }
}

/// The sign-in of `aws login`.
fn console(picture: &Picture, base: &Base, profile: &str, session: &str) -> Finding {
    let noun = format!("the sign-in of `aws login` as {session}");
    let now = picture.now;
    let found = picture.sign_ins.get(session).copied().unwrap_or(SignIn::Missing);
    let login = if base.entries.is_empty() {
        format!("aws login --profile {}", quoted(profile))
    } else {
        "evertoken login".to_owned()
    };
    match found {
        SignIn::Missing => {
            over(picture, Cause::SourceExpired, format!("you have not signed in with `aws login` as {session}"))
                .fix(login)
        }
        SignIn::Token { ends, .. } if found.is_over(now) => {
            let what = ends.map_or_else(|| format!("{noun} is over"), |end| format!("{noun} {}", ended(end, now)));
            over(picture, Cause::SourceExpired, what).after(format!("so did {noun}")).fix(login)
        }
        SignIn::Token { .. } => Finding::ok(Cause::Source, format!("{noun} stands behind it")),
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
pub(in crate::engine::doctor) fn token(picture: &Picture, path: &str) -> Option<Finding> {
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

/// The profile that evertoken's list names as the last source, and no file of AWS has.
fn missing_source(picture: &Picture, base: &Base) -> Option<(Arc<Entry>, String)> {
    let last = base.entries.last()?;
    let Source::Profile(named) = &last.source else { return None };
    (!picture.aws.profiles.contains_key(named)).then(|| (Arc::clone(last), named.clone()))
}

fn nowhere(picture: &Picture, base: &Base, fault: &SourceFault) -> Finding {
    if let (SourceFault::Missing(text), Some((entry, named))) = (fault, missing_source(picture, base)) {
        let own = &picture.keeping.config_path;
        return Finding::fault(Cause::SourceFails, text.clone())
            .why(format!("evertoken's config names it as the source_profile of {}", entry.profile))
            .fix(format!("correct source_profile of {} in {own}", entry.profile))
            .fix(format!("aws configure --profile {}", quoted(&named)));
    }
    match fault {
        SourceFault::MfaInChain { profile, serial } => {
            let what = format!("the role of profile {profile} wants an MFA code for each session ({serial})");
            let why = "programs without a terminal cannot ask for one; an [[mfa_session]] of evertoken asks once in half a day";
            Finding::warning(Cause::Source, what).why(why).fix("evertoken init")
        }
        SourceFault::Missing(text)
        | SourceFault::NoToken { text, .. }
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
