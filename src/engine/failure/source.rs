//! Faults of source credentials: what a person has to renew, and by which command.

use super::context::{Context, Stage};
use super::text::plain;
use super::{Class, Failure, SourceFault};
use crate::engine::config::model::Source;
use crate::engine::invocation::quoted;

/// Judges a fault of a source.
pub(super) fn fault(fault: &SourceFault, context: &Context) -> Failure {
    let (class, message, fix) = match fault {
        SourceFault::Missing(text) => {
            let fix = match &context.source {
                Source::Profile(profile) => format!(
                    "put credentials into profile {profile:?} (aws configure --profile {0}, or aws configure sso --profile {0}), or \
                     name another source_profile in evertoken's config",
                    quoted(profile)
                ),
                Source::WebIdentity(path) => format!(
                    "let whatever issues the token write {path}, or correct web_identity_token_file of profile {:?}",
                    context.profile
                ),
                Source::Provider(_) => format!("correct credential_source of profile {:?}", context.profile),
                Source::Listed(parent) => format!("evertoken refresh {parent}"),
            };
            (Class::Source, plain(text), Some(fix))
        }
        SourceFault::NoToken { profile, path, text } => (
            Class::Source,
            plain(text),
            Some(format!(
                "let whatever issues the token write {path}, or correct web_identity_token_file of profile {:?} in the AWS config",
                plain(profile)
            )),
        ),
        SourceFault::Ended { what, login } => {
            (Class::Source, format!("{} ended", plain(what)), login.clone().or_else(|| renewal(context)))
        }
        SourceFault::MfaDue { profile } => (
            Class::Source,
            format!("an MFA code is due for profile {:?}", plain(profile)),
            Some(format!("evertoken login {}", plain(profile))),
        ),
        SourceFault::MfaInChain { profile, serial } => (
            Class::Source,
            format!(
                "profile {:?} of the AWS config wants a second factor (mfa_serial) for each session",
                plain(profile)
            ),
            Some(format!(
                "in evertoken's config, write [[mfa_session]] with profile = \"{0}-mfa\", its source_profile, and mfa_serial = \
                 {1:?}; then write the role as [[role]] with source_profile = \"{0}-mfa\"",
                plain(profile),
                plain(serial)
            )),
        ),
        SourceFault::Config(text) => (Class::Source, plain(text), Some("correct it in the AWS config".to_owned())),
        SourceFault::Unreadable { path, why } => (
            Class::Source,
            cannot_be_read(path, why),
            Some(format!("make {path} a file that the user of evertoken can read (ls -l {})", quoted(path))),
        ),
        SourceFault::Unsettled { path, why } => (Class::Busy, cannot_be_read(path, why), None),
        SourceFault::Process(text) => {
            (Class::Source, plain(text), Some("run the command by hand to see what it wants".to_owned()))
        }
        SourceFault::LongTerm => (
            Class::Settings,
            format!("{} have no end: there is nothing to keep fresh", context.source_name()),
            Some(format!("give profile {:?} a role_arn, or take it off the list", context.profile)),
        ),
    };
    Failure::new(class, message, fix)
}

/// The path as it is: the name of a cached sign-in is as long as a token, and none.
fn cannot_be_read(path: &str, why: &str) -> String {
    format!("{} cannot be read: {}", path.replace(char::is_control, " "), plain(why))
}

/// How the credentials that sign are renewed. `None` where evertoken does it by itself.
pub(super) fn renewal(context: &Context) -> Option<String> {
    match &context.source {
        Source::Listed(_) => None,
        Source::Profile(profile) => Some(format!(
            "renew profile {profile:?} with the tool that wrote its keys (aws configure --profile {} for long-term ones)",
            quoted(profile)
        )),
        Source::WebIdentity(path) => Some(format!("let whatever issues the token write a new one to {path}")),
        Source::Provider(provider) => Some(match provider {
            crate::engine::config::model::CredentialSource::Environment => {
                "export new keys, and start evertoken again with them".to_owned()
            }
            other => format!("see what {} gives on this machine", other.as_str()),
        }),
    }
}

/// A web identity token that STS does not take.
pub(super) fn token_file(context: &Context, what: &str, said: &str) -> (Class, String, Option<String>) {
    match context.stage {
        Stage::Resolve => {
            let message = format!("a web identity token on the way to {} {what}{said}", context.source_name());
            let fix =
                "let whatever issues the token write a new one (web_identity_token_file in the AWS config)".to_owned();
            (Class::Source, message, Some(fix))
        }
        Stage::AssumeRole | Stage::WebIdentity | Stage::SessionToken => {
            (Class::Source, format!("{} {what}{said}", context.source_name()), renewal(context))
        }
    }
}
