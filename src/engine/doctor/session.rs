//! The third step: what kind of credentials the AWS CLI picks, when they were made, and when they end.

use super::finding::{Cause, Finding, Mark, Mend};
use super::pick::{Origin, in_config, in_credentials, origin};
use super::picture::{KeyFacts, Picture};
use super::words::{ended, span};
use crate::engine::config::model::{Operation, StoreKind};
use crate::engine::status::State;
use crate::engine::time::WallTime;

pub(super) fn findings(picture: &Picture) -> Vec<Finding> {
    let found = match keys(picture) {
        Some((keys, place)) => Some(of_keys(picture, keys, &place)),
        None => private(picture),
    };
    found.into_iter().map(|finding| weighed(finding, picture)).collect()
}

/// What is well with a session, unless it is one of other settings.
fn weighed(finding: Finding, picture: &Picture) -> Finding {
    let standing = picture.entry().and_then(|entry| picture.standing(entry.profile.as_str()));
    if finding.mark != Mark::Ok || standing.is_none_or(|standing| standing.state != State::Outdated) {
        return finding;
    }
    let place = keys(picture).map_or_else(|| "evertoken's private store".to_owned(), |(_, place)| place);
    let noun = noun(picture);
    let what = format!("{noun} in {place} is outdated: it was issued for other settings than those of the config");
    let why = "until it is replaced, programs act by the settings of before: perhaps as another role";
    renewed(Finding::warning(Cause::SessionOutdated, what).why(why), picture)
}

/// The keys that the AWS CLI picks for the profile, and where they stand.
fn keys(picture: &Picture) -> Option<(&KeyFacts, String)> {
    match origin(picture) {
        Origin::CredentialsKeys => Some((&picture.keys_in_credentials, in_credentials(picture))),
        Origin::ConfigKeys => Some((&picture.keys_in_config, in_config(picture))),
        _ => None,
    }
}

/// Whether what the profile stands for has ended.
pub(super) fn is_over(picture: &Picture) -> bool {
    match keys(picture) {
        Some((keys, _)) => picture.answer.is_expired() || keys.ended(picture.at_sts()),
        None => kept_end(picture).is_some_and(|end| end <= picture.at_sts()),
    }
}

/// Whether what the profile stands for ends, so that somebody has to renew it.
pub(super) fn is_temporary(picture: &Picture) -> bool {
    keys(picture).is_some_and(|(keys, _)| keys.temporary()) || picture.entry().is_some()
}

/// The session as a noun.
pub(super) fn noun(picture: &Picture) -> &'static str {
    match picture.entry().map(|entry| &entry.operation) {
        Some(Operation::AssumeRole(_)) => "the role session",
        Some(Operation::GetSessionToken) => "the MFA session",
        Some(Operation::Publish) | None => "the session",
    }
}

/// When the session of an entry ends that stands in evertoken's private store.
fn kept_end(picture: &Picture) -> Option<WallTime> {
    let entry = picture.entry().filter(|entry| entry.store == StoreKind::Private)?;
    WallTime::parse(picture.standing(entry.profile.as_str())?.expires.as_deref()?).ok()
}

fn private(picture: &Picture) -> Option<Finding> {
    let entry = picture.entry().filter(|entry| entry.store == StoreKind::Private)?;
    let (name, noun, now) = (&entry.profile, noun(picture), picture.at_sts());
    Some(match kept_end(picture) {
        Some(end) if end > now => {
            Finding::ok(Cause::Session, format!("{noun} in evertoken's private store ends in {}", span(now.until(end))))
        }
        end => {
            let what = match end {
                Some(end) => format!("{noun} in evertoken's private store {}", ended(end, now)),
                None => format!("there is no session of {name} in evertoken's private store"),
            };
            renewed(Finding::fault(Cause::SessionExpired, what), picture)
        }
    })
}

fn of_keys(picture: &Picture, keys: &KeyFacts, place: &str) -> Finding {
    let name = picture.profile();
    let id = keys.id.as_deref().unwrap_or("no id");
    let missing = if keys.id.is_none() {
        Some("aws_access_key_id")
    } else if !keys.secret {
        Some("aws_secret_access_key")
    } else if keys.temporary() && !keys.token {
        Some("aws_session_token")
    } else {
        None
    };
    if let Some(missing) = missing {
        let what = format!("{place} has no {missing}");
        let finding = Finding::fault(Cause::KeysIncomplete, what).why("AWS refuses incomplete keys");
        return renewed(finding, picture);
    }
    if keys.long_term_id && keys.token {
        let what = format!("{place} has a session token beside long-term keys ({id}), which have none");
        let why =
            "it is left from an older session: AWS refuses the two together, as InvalidClientTokenId or ExpiredToken";
        let file = match origin(picture) {
            Origin::ConfigKeys => &picture.config_file.path,
            _ => &picture.credentials_file.path,
        };
        return Finding::fault(Cause::TokenBesideLongTermKeys, what)
            .why(why)
            .fix(format!("in {file}: take the line aws_session_token out of the section of {name}"));
    }
    if !keys.temporary() {
        return Finding::ok(Cause::Session, format!("{place} has long-term keys ({id}), which do not end"));
    }
    let (noun, now) = (noun(picture), picture.at_sts());
    let made = keys.made.map(|made| format!(", made {} ago", span(now.since(made)))).unwrap_or_default();
    let refused = picture.answer.is_expired();
    let cause = match picture.entry().map(|entry| &entry.operation) {
        Some(Operation::GetSessionToken) => Cause::MfaSessionOver,
        _ => Cause::SessionExpired,
    };
    match keys.ends {
        Some(end) if end <= now => {
            let told = if refused { ", and AWS refuses it (ExpiredToken)" } else { "" };
            let what = format!("{noun} in {place} ({id}) {}{told}", ended(end, now));
            renewed(Finding::fault(cause, what).short(format!("{noun} {}", ended(end, now))), picture)
        }
        Some(end) if refused => {
            let what = format!(
                "AWS says that {noun} in {place} ({id}) has ended, although the file says that {} are left",
                span(now.until(end))
            );
            let finding = Finding::fault(cause, what).short(format!("AWS says that {noun} has ended"));
            renewed(
                finding.why("the sessions of the role were revoked, or the end noted in the file is wrong"),
                picture,
            )
        }
        None if refused => {
            let what = format!("{noun} in {place} ({id}) has ended: AWS refuses it (ExpiredToken)");
            renewed(Finding::fault(cause, what).short(format!("{noun} has ended (AWS says ExpiredToken)")), picture)
        }
        Some(end) => {
            Finding::ok(Cause::Session, format!("{noun} in {place} ({id}) ends in {}{made}", span(now.until(end))))
        }
        None => {
            let what = format!("{place} has temporary keys ({id}); nothing there tells when they end");
            Finding::ok(Cause::Session, what)
        }
    }
}

/// The same with how such keys are renewed.
fn renewed(finding: Finding, picture: &Picture) -> Finding {
    let name = picture.profile();
    match picture.entry() {
        Some(entry) if entry.needs_human() => finding.fix(format!("evertoken login {name}")),
        Some(_) => finding.fix(format!("evertoken refresh {name}")).mend(Mend::Refresh(name.to_owned())),
        None => finding.fix(format!("renew the profile {name} with the tool that wrote its keys")),
    }
}
