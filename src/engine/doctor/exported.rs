//! Keys that a shell exports: they go before the profile for most tools, whatever AWS_PROFILE says.

use super::finding::{Cause, Finding};
use super::pick::Tool;
use super::picture::{Answer, By, Picture};
use super::words::{ended, list};

const UNSET: &str = "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN";

/// Exported keys, which go before the profile for most tools.
pub(super) fn finding(picture: &Picture) -> Option<Finding> {
    let exported = &picture.exported;
    let keys = &exported.keys;
    if !keys.any() {
        return None;
    }
    let id = keys.id.as_deref().unwrap_or("without an id");
    let by = picture.selected.by;
    let (takes, passes): (Vec<Tool>, Vec<Tool>) = Tool::ALL.into_iter().partition(|tool| tool.takes_exported_keys(by));
    let without_profile = by == By::Argument;
    let name = picture.profile();
    let names = |tools: &[Tool]| list(&tools.iter().map(|tool| tool.name()).collect::<Vec<_>>());
    let who = if without_profile {
        format!(
            "without --profile they go before every profile, also before AWS_PROFILE={name} (only the SDK for JavaScript \
             follows that)"
        )
    } else if passes.is_empty() {
        "they go before every profile".to_owned()
    } else {
        format!(
            "{} take them although AWS_PROFILE names a profile; {} follows AWS_PROFILE",
            names(&takes),
            names(&passes)
        )
    };
    if !keys.whole() {
        let (what, finding): (_, fn(Cause, &'static str) -> Finding) = match keys.id {
            Some(_) => ("AWS_ACCESS_KEY_ID is exported without AWS_SECRET_ACCESS_KEY", Finding::fault),
            None => ("AWS_SECRET_ACCESS_KEY is exported without AWS_ACCESS_KEY_ID", Finding::warning),
        };
        let why = "some tools stop at half a pair instead of looking further";
        return Some(finding(Cause::KeysIncomplete, what).why(why).fix(UNSET));
    }
    if keys.long_term_id && keys.token {
        let what = format!("AWS_SESSION_TOKEN is exported beside long-term keys ({id}), which have none");
        let why = format!("it is left from an older export, and AWS refuses the two together; {who}");
        let finding = Finding::fault(Cause::TokenBesideLongTermKeys, what).why(why);
        return Some(finding.fix("unset AWS_SESSION_TOKEN").fix(UNSET));
    }
    if picture.platform.lambda.is_some() {
        return Some(Finding::ok(Cause::PlatformRenews, format!("Lambda gave the keys of the environment ({id})")));
    }
    let is_over = exported.answer.is_expired() || keys.ended(picture.at_sts());
    let what = match (is_over, &exported.answer) {
        (true, _) => {
            let when = keys.ends.map_or_else(|| "has ended".to_owned(), |end| ended(end, picture.at_sts()));
            format!("the exported keys AWS_ACCESS_KEY_ID={id} hide the profile, and their session {when}")
        }
        (false, Answer::Refused { code, .. }) => {
            format!("the exported keys AWS_ACCESS_KEY_ID={id} hide the profile, and AWS refuses them ({code})")
        }
        (false, Answer::Accepted { arn, .. }) => {
            let what = format!("exported keys go before the profile (AWS_ACCESS_KEY_ID={id}): they are {arn}");
            return Some(Finding::warning(Cause::ExportedKeys, what).why(who).fix(UNSET));
        }
        (false, Answer::NotAsked | Answer::Unreached { .. } | Answer::Unresolved { .. }) => {
            let what = format!(
                "exported keys go before the profile (AWS_ACCESS_KEY_ID={id}); whether AWS accepts them is not known"
            );
            return Some(Finding::warning(Cause::ExportedKeys, what).why(who).fix(UNSET));
        }
    };
    Some(Finding::fault(Cause::ExportedKeys, what).why(who).fix(UNSET))
}
