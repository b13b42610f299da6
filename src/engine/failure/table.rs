//! The one table of error codes: what each means, and what a person can do about it. Nothing else looks at a code.

use super::context::{Context, Stage};
use super::source::{renewal, token_file};
use super::text::plain;
use super::{Class, Failure, ServiceError};
use crate::engine::config::model::Source;

/// What a code means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Meaning {
    /// Too many requests.
    Throttled,
    /// The service, or somebody it depends on, has a bad moment.
    BadMoment,
    /// The credentials that signed, or the web identity token, have ended: the operation decides which.
    Ended,
    /// The web identity token is not accepted.
    BadToken,
    /// AWS does not know the keys that signed.
    UnknownKeys,
    /// The signature is too old or too new.
    Clock,
    /// The signature is wrong: by the clock when the text says so, else by a wrong secret key.
    Signature,
    /// Somebody on the way changed or dropped the signature.
    NoSignature,
    /// No.
    Denied,
    /// No such role, account or permission set.
    Unknown,
    /// The account is not subscribed to the service.
    NotSubscribed,
    /// A parameter is wrong; a duration that is too long is among these.
    Invalid,
    /// The inline policy cannot be read.
    BadPolicy,
    /// Policies and tags are too large together.
    LargePolicy,
    /// The region is switched off for the account.
    RegionOff,
}

/// STS: its service model and the list of common errors in the IAM documentation; retry lists of the SDKs. The last rows
/// are of IAM Identity Center.
const CODES: &[(&str, Meaning)] = &[
    ("Throttling", Meaning::Throttled),
    ("ThrottlingException", Meaning::Throttled),
    ("ThrottledException", Meaning::Throttled),
    ("RequestThrottled", Meaning::Throttled),
    ("RequestThrottledException", Meaning::Throttled),
    ("RequestLimitExceeded", Meaning::Throttled),
    ("TooManyRequestsException", Meaning::Throttled),
    ("SlowDown", Meaning::Throttled),
    ("InternalFailure", Meaning::BadMoment),
    ("InternalError", Meaning::BadMoment),
    ("ServiceUnavailable", Meaning::BadMoment),
    ("RequestTimeout", Meaning::BadMoment),
    ("RequestTimeoutException", Meaning::BadMoment),
    ("IDPCommunicationError", Meaning::BadMoment),
    ("ExpiredToken", Meaning::Ended),
    ("ExpiredTokenException", Meaning::Ended),
    ("InvalidIdentityToken", Meaning::BadToken),
    ("IDPRejectedClaim", Meaning::BadToken),
    ("InvalidClientTokenId", Meaning::UnknownKeys),
    ("UnrecognizedClientException", Meaning::UnknownKeys),
    ("RequestExpired", Meaning::Clock),
    ("RequestTimeTooSkewed", Meaning::Clock),
    ("RequestInTheFuture", Meaning::Clock),
    ("SignatureDoesNotMatch", Meaning::Signature),
    ("InvalidSignatureException", Meaning::Signature),
    ("AuthFailure", Meaning::Signature),
    ("IncompleteSignature", Meaning::NoSignature),
    ("MissingAuthenticationToken", Meaning::NoSignature),
    ("AccessDenied", Meaning::Denied),
    ("AccessDeniedException", Meaning::Denied),
    ("UnauthorizedOperation", Meaning::Denied),
    ("NoSuchEntity", Meaning::Unknown),
    ("OptInRequired", Meaning::NotSubscribed),
    ("ValidationError", Meaning::Invalid),
    ("ValidationException", Meaning::Invalid),
    ("InvalidParameterValue", Meaning::Invalid),
    ("MalformedPolicyDocument", Meaning::BadPolicy),
    ("PackedPolicyTooLarge", Meaning::LargePolicy),
    ("RegionDisabledException", Meaning::RegionOff),
    ("ForbiddenException", Meaning::Denied),
    ("ResourceNotFoundException", Meaning::Unknown),
    ("UnauthorizedException", Meaning::Ended),
    ("InvalidRequestException", Meaning::Invalid),
    ("slow_down", Meaning::Throttled),
];

/// Every code of the table.
#[cfg(test)]
pub(super) fn codes() -> impl Iterator<Item = &'static str> {
    CODES.iter().map(|(code, _)| *code)
}

fn meaning(code: &str, status: u16) -> Meaning {
    let known = CODES.iter().find(|(known, _)| *known == code).map(|(_, meaning)| *meaning);
    known.unwrap_or(match status {
        429 => Meaning::Throttled,
        500.. => Meaning::BadMoment,
        401 | 403 => Meaning::Denied,
        404 => Meaning::Unknown,
        _ => Meaning::Invalid,
    })
}

/// Judges an error answer.
pub(super) fn service(error: &ServiceError, context: &Context) -> Failure {
    let Some(code) = error.code.as_deref() else { return nobody_known(error.status, context) };
    let told = error.message.as_deref().map(plain).unwrap_or_default();
    let said = if told.is_empty() { String::new() } else { format!(": {told}") };
    let shown = plain(code);
    let whom = context.whom();
    let (class, message, fix) = match meaning(code, error.status) {
        Meaning::Throttled => (Class::Busy, format!("{whom} asks for patience ({shown}){said}"), None),
        Meaning::BadMoment => (Class::Busy, format!("{whom} has a bad moment ({shown}){said}"), None),
        Meaning::Ended if context.stage == Stage::WebIdentity => token_file(context, "has expired", &said),
        Meaning::Ended => {
            (Class::Source, format!("{} expired ({shown}){said}", context.source_name()), renewal(context))
        }
        Meaning::BadToken => token_file(context, "is not accepted", &said),
        Meaning::UnknownKeys => {
            let message =
                format!("AWS does not know {} ({shown}): deleted, deactivated or mistyped", context.source_name());
            (Class::Source, message, renewal(context))
        }
        Meaning::Clock => (Class::Clock, clocks_differ(&whom, &said), clock_fix()),
        Meaning::Signature if is_about_time(&told) => (Class::Clock, clocks_differ(&whom, &said), clock_fix()),
        // The text is not quoted: it can repeat the request, session token included.
        Meaning::Signature => {
            let message = format!(
                "{whom} does not accept the signature of {} ({shown}): the secret access key does not fit its id",
                context.source_name()
            );
            (Class::Source, message, renewal(context))
        }
        Meaning::NoSignature => {
            let message = format!("{whom} got a request without a proper signature ({shown}){said}");
            let fix =
                "a proxy on the way may change requests: correct [network] proxy or sts_endpoint in evertoken's config";
            (Class::Settings, message, Some(fix.to_owned()))
        }
        Meaning::Denied => denied(&shown, &told, &said, context),
        Meaning::Unknown => {
            let message = format!("{} does not exist ({shown}){said}", wanted(context));
            (Class::Refused, message, Some(format!("correct profile {:?} in evertoken's config", context.profile)))
        }
        Meaning::NotSubscribed => {
            let message = format!("the account is not signed up for STS ({shown}){said}");
            (Class::Settings, message, Some("activate the account in the AWS console".to_owned()))
        }
        Meaning::Invalid if is_too_long(&told) => {
            let message = format!("STS calls the duration too long for {}{said}", wanted(context));
            let fix = format!(
                "write duration = \"1h\" for profile {:?}, or raise the role's MaxSessionDuration (roles that are chained \
                 get an hour at most)",
                context.profile
            );
            (Class::TooLong, message, Some(fix))
        }
        Meaning::Invalid => {
            let message = format!("{whom} does not accept the request for {} ({shown}){said}", wanted(context));
            (Class::Settings, message, Some(format!("correct profile {:?} in evertoken's config", context.profile)))
        }
        Meaning::BadPolicy => {
            let message = format!("the policy of profile {:?} is no policy that STS can read{said}", context.profile);
            (
                Class::Settings,
                message,
                Some(format!("correct policy of profile {:?}: a JSON policy document", context.profile)),
            )
        }
        Meaning::LargePolicy => {
            let message =
                format!("policy, policy_arns and tags of profile {:?} are too large together{said}", context.profile);
            let fix = "shorten policy, or name managed policies in policy_arns instead";
            (Class::Settings, message, Some(fix.to_owned()))
        }
        Meaning::RegionOff => {
            let message = format!("STS is switched off in {} for the account{said}", context.place.region);
            let fix = format!(
                "write sts_region = \"us-east-1\" for profile {:?}, or let an administrator activate STS in {} (IAM, account \
                 settings)",
                context.profile, context.place.region
            );
            (Class::Settings, message, Some(fix))
        }
    };
    Failure { class, code: Some(shown), message, fix }
}

/// An answer without a code is not one of AWS, but for a server that is down.
fn nobody_known(status: u16, context: &Context) -> Failure {
    let whom = context.whom();
    match status {
        407 => Failure::new(
            Class::Unreachable,
            format!("the proxy on the way to {whom} wants a user name and password (407)"),
            Some(
                "write them into [network] proxy of evertoken's config: \"http://user:password@host:port\"".to_owned(),
            ),
        ),
        502..=504 if context.is_proxied => {
            Failure::new(Class::Unreachable, format!("the proxy does not reach {whom} ({status})"), None)
        }
        429 | 500.. => Failure::new(Class::Busy, format!("{whom} has a bad moment (status {status}, no code)"), None),
        _ => Failure::new(
            Class::Unreachable,
            format!("something else answered for {whom} (status {status}): a login page of this network, or a proxy"),
            Some("open a browser and log in to the network, where it asks for that".to_owned()),
        ),
    }
}

fn denied(code: &str, told: &str, said: &str, context: &Context) -> (Class, String, Option<String>) {
    let again = format!("evertoken refresh {}", context.profile);
    let message = format!("no access to {} ({code}){said}", wanted(context));
    if context.stage == Stage::Resolve {
        let fix = format!("ask whoever gives out the permissions of {}; then: {again}", context.source_name());
        return (Class::Refused, message, Some(fix));
    }
    if told.contains("MultiFactorAuthentication") {
        let (message, fix) = if context.has_mfa {
            let wrong =
                format!("the MFA code for profile {:?} was wrong, or was used before ({code}){said}", context.profile);
            (wrong, format!("evertoken login {}", context.profile))
        } else {
            let fix = "add an [[mfa_session]] to evertoken's config and name it as source_profile".to_owned();
            (format!("{} wants a second factor ({code}){said}", wanted(context)), fix)
        };
        return (Class::Source, message, Some(fix));
    }
    let Some(role) = &context.role_arn else {
        let fix = format!("ask for the permission sts:GetSessionToken; then: {again}");
        return (Class::Refused, message, Some(fix));
    };
    let who = caller(told).unwrap_or("the caller");
    let mut fix = match ["sts:TagSession", "sts:SetSourceIdentity"].iter().find(|action| told.contains(**action)) {
        Some(action) => format!("ask the owner of {role} to allow {action} for {who} too (its trust policy)"),
        None => {
            format!("ask the owner of {role} to let {who} assume it (its trust policy, and sts:AssumeRole for {who})")
        }
    };
    if context.has_external_id {
        fix.push_str("; a wrong external_id gives the same answer");
    } else if context.stage == Stage::AssumeRole && !context.has_mfa {
        fix.push_str("; a missing external_id or MFA gives the same answer");
    } else if context.has_mfa {
        fix.push_str(&format!("; a wrong MFA code gives the same answer: evertoken login {}", context.profile));
    }
    fix.push_str(&format!("; then: {again}"));
    (Class::Refused, message, Some(fix))
}

/// What was asked for.
fn wanted(context: &Context) -> String {
    match (context.stage, &context.role_arn) {
        (Stage::Resolve, _) => context.source_name(),
        (_, Some(role)) => format!("role {role}"),
        (_, None) => match &context.source {
            Source::Profile(profile) => format!("a session for profile {profile:?}"),
            Source::Listed(_) | Source::WebIdentity(_) | Source::Provider(_) => "a session".to_owned(),
        },
    }
}

/// `User: ARN is not authorized to perform: …`.
fn caller(told: &str) -> Option<&str> {
    let arn = told.split_once("User: ")?.1.split(' ').next()?;
    arn.starts_with("arn:").then_some(arn)
}

fn is_about_time(told: &str) -> bool {
    ["Signature expired", "not yet current", "is now earlier than", "is now later than"]
        .iter()
        .any(|text| told.contains(text))
}

/// The texts of ValidationError about DurationSeconds that a shorter one would satisfy.
pub(super) fn is_too_long(told: &str) -> bool {
    let about_duration = told.to_ascii_lowercase().contains("durationseconds");
    let too_long = ["MaxSessionDuration", "1 hour session limit", "less than or equal"];
    about_duration && too_long.iter().any(|text| told.contains(text))
}

fn clocks_differ(whom: &str, said: &str) -> String {
    format!("the clock of this machine and that of {whom} are too far apart for a signature{said}")
}

fn clock_fix() -> Option<String> {
    Some(
        "set the clock of this machine: timedatectl set-ntp true (Linux), sudo sntp -sS time.apple.com (macOS)"
            .to_owned(),
    )
}
