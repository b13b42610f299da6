//! What STS says to the credentials, where it was asked, and by which clock. An ended session is told by `session`.

use super::finding::{Cause, Finding};
use super::picture::{Answer, Picture, Unusable};
use super::words::span;
use crate::engine::invocation::quoted;
use std::time::Duration;

/// A skew below this is worth no word.
const NOTABLE: Duration = Duration::from_secs(60);
/// Beyond this AWS takes no signature (IAM user guide, Signature Version 4).
const TOLERATED: Duration = Duration::from_secs(5 * 60);

pub(super) fn findings(picture: &Picture) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(picture.unusable.as_ref().map(unusable));
    found.extend(endpoint(picture));
    found.extend(answer(picture));
    found.extend(clock(picture));
    found
}

fn unusable(Unusable { what, fix }: &Unusable) -> Finding {
    let finding = Finding::fault(Cause::NetworkSettings, what.clone());
    finding
        .why("no program that is started here can call AWS; whether it accepts the credentials is not known")
        .fix(fix)
}

fn is_refused_otherwise(answer: &Answer) -> bool {
    matches!(answer, Answer::Refused { .. } | Answer::Unreached { .. }) && !answer.is_expired()
}

/// A variable that sends calls elsewhere. One of the AWS config is meant for this profile, and told with the answer.
fn endpoint(picture: &Picture) -> Option<Finding> {
    let endpoint = picture.endpoint.as_ref()?;
    let variable = endpoint.variable?;
    let url = &endpoint.url;
    let what = format!("{variable} sends calls to {url} instead of AWS");
    let answers = [&picture.answer, &picture.exported.answer];
    let finding = match answers.into_iter().find(|answer| is_refused_otherwise(answer)) {
        Some(Answer::Refused { code, .. }) => {
            Finding::fault(Cause::Endpoint, format!("{what}, and is refused ({code})"))
                .why("that endpoint does not know the keys that AWS issued")
        }
        Some(_) => Finding::fault(Cause::Endpoint, format!("{what}, and nothing answers there"))
            .why("whether AWS itself would accept the credentials is not known"),
        None => Finding::warning(Cause::Endpoint, what)
            .why("every program that is started here talks to it, with your keys"),
    };
    Some(finding.fix(format!("unset {variable}")))
}

fn answer(picture: &Picture) -> Option<Finding> {
    let place = match &picture.endpoint {
        Some(endpoint) => format!("STS at {}", endpoint.url),
        None => "STS".to_owned(),
    };
    let name = picture.profile();
    let is_elsewhere = picture.endpoint.as_ref().is_some_and(|endpoint| endpoint.variable.is_some());
    let keys = [&picture.keys_in_credentials, &picture.keys_in_config];
    let mixed = keys.into_iter().any(|keys| keys.long_term_id && keys.token);
    if is_refused_otherwise(&picture.answer) && (is_elsewhere || mixed) {
        // That is told already, with what mends it.
        return None;
    }
    match &picture.answer {
        Answer::NotAsked if picture.offline => {
            Some(Finding::ok(Cause::Identity, "STS was not asked, because of --offline"))
        }
        Answer::NotAsked | Answer::Unresolved { .. } => None,
        Answer::Accepted { account, arn, .. } => {
            Some(Finding::ok(Cause::Identity, format!("{place} accepts them: account {account}, {arn}")))
        }
        Answer::Unreached { message } => {
            let finding = Finding::warning(Cause::Unreachable, format!("{place} could not be asked: {message}"));
            Some(finding.why("whether AWS accepts the credentials is not known").fix("evertoken doctor --offline"))
        }
        refused @ Answer::Refused { .. } if refused.is_expired() => None,
        Answer::Refused { code, message, .. } => Some(match code.as_str() {
            "InvalidClientTokenId" | "InvalidAccessKeyId" | "UnrecognizedClientException" => {
                let what = format!("{place} does not know this key ({code}): it is not a session that has expired");
                let why =
                    "it was deleted, deactivated, or belongs to another partition of AWS; or the token is not its own";
                new_keys(Finding::fault(Cause::KeyInvalid, what).why(why), picture)
            }
            "SignatureDoesNotMatch" | "RequestExpired" | "RequestTimeTooSkewed" if is_skewed(picture) => return None,
            "SignatureDoesNotMatch" => {
                let what = format!("the secret access key does not belong to its id ({code})");
                let why = "it was copied in part, or the keys of two users were mixed";
                new_keys(Finding::fault(Cause::KeyInvalid, what).why(why), picture)
            }
            _ => {
                let what = format!("{place} refuses the credentials of {name}: {code}: {message}");
                Finding::warning(Cause::Refused, what)
                    .fix(format!("aws sts get-caller-identity --profile {}", quoted(name)))
            }
        }),
    }
}

fn new_keys(finding: Finding, picture: &Picture) -> Finding {
    let name = picture.profile();
    match picture.entry() {
        Some(entry) if entry.needs_human() => finding.fix(format!("evertoken login {name}")),
        Some(_) => finding.fix(format!("evertoken refresh --force {name}")),
        None => finding.fix(format!("aws configure --profile {}", quoted(name))),
    }
}

fn is_skewed(picture: &Picture) -> bool {
    picture.skew().magnitude() > TOLERATED
}

fn clock(picture: &Picture) -> Option<Finding> {
    let skew = picture.skew();
    if skew.magnitude() <= NOTABLE {
        return None;
    }
    let side = if skew.millis() > 0 { "behind" } else { "ahead of" };
    let what = format!("the clock of this machine is {} {side} that of AWS", span(skew.magnitude()));
    let finding = if is_skewed(picture) {
        let why = "AWS rejects signatures that are more than 5 minutes off, and sessions seem to end earlier or later than they do";
        Finding::fault(Cause::ClockSkew, what).why(why)
    } else {
        Finding::warning(Cause::ClockSkew, what).why("from 5 minutes on, AWS refuses every call")
    };
    Some(finding.fix(picture.keeping.set_clock.clone()))
}
