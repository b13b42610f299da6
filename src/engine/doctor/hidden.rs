//! One name for two things: what the AWS config says for a profile hides the session that stands under the same name in
//! the credentials file, or is hidden by it.

use super::finding::{Cause, Finding};
use super::pick::{Origin, Tool, in_config, in_credentials, place};
use super::picture::Picture;
use super::words::list;
use crate::engine::config::aws_profile::asks_evertoken;
use crate::engine::config::model::StoreKind;

/// Keys of the credentials file that go before what was meant, or the other way round.
pub(super) fn finding(picture: &Picture, picks: &[(Tool, Origin)]) -> Option<Finding> {
    let name = picture.profile();
    let section = picture.aws.profiles.get(name)?;
    if !picture.keys_in_credentials.any() {
        return None;
    }
    let (config, credentials) = (in_config(picture), in_credentials(picture));
    let asks = asks_evertoken(section).is_some();
    let kept = picture.entry().is_some_and(|entry| entry.store == StoreKind::Shared);
    if asks && picks.iter().any(|(_, origin)| *origin == Origin::CredentialsKeys) {
        let takers: Vec<&str> = picks
            .iter()
            .filter(|(_, origin)| *origin == Origin::CredentialsKeys)
            .map(|(tool, _)| tool.name())
            .collect();
        let what = format!("credential_process of {config} is never run: {credentials} has keys too");
        let file = &picture.credentials_file.path;
        let why = format!("{} take those keys, and never read them again while they run", list(&takers));
        if picture.keys_in_credentials.ours && picture.entry().is_some_and(|entry| entry.store == StoreKind::Private) {
            let finding = Finding::warning(Cause::ProcessHidden, what)
                .why(format!("{why}; evertoken takes them out when they end"));
            return Some(finding.fix(format!("take [{name}] out of {file}")));
        }
        let finding = Finding::fault(Cause::ProcessHidden, what);
        return Some(if kept {
            let own = &picture.keeping.config_path;
            let fix =
                format!("complete the entry in {own} with the last of these lines, and take [{name}] out of {file}");
            let lines = ["[[role]]".to_owned(), format!("profile = \"{name}\""), "store = \"private\"".to_owned()];
            finding.why(why).fix(fix).lines(lines)
        } else {
            finding.why(why).fix(format!("take [{name}] out of {file}"))
        });
    }
    if !kept && !picture.keys_in_credentials.ours {
        return None;
    }
    let all_pass = picks.iter().all(|(_, origin)| *origin != Origin::CredentialsKeys);
    let some_pass = picks.iter().find(|(_, origin)| *origin != Origin::CredentialsKeys)?;
    let (keys, cure) = match some_pass.1 {
        Origin::Role => ("role_arn", "role_arn and source_profile"),
        Origin::WebIdentity => ("web_identity_token_file", "role_arn and web_identity_token_file"),
        Origin::Sso => ("sso_*", "every sso_ line"),
        Origin::Process => ("credential_process", "credential_process"),
        Origin::Login => ("login_session", "login_session"),
        _ => return None,
    };
    let where_it_stands = place(picture, keys);
    let who: Vec<&str> =
        picks.iter().filter(|(_, origin)| *origin != Origin::CredentialsKeys).map(|(tool, _)| tool.name()).collect();
    let what = format!("{keys} of {where_it_stands} hides the session that evertoken keeps in {credentials}");
    let why = if all_pass {
        "every tool follows that line and ignores the keys under the same name".to_owned()
    } else {
        let verb = if who.len() == 1 && !who[0].contains(" and ") { "follows" } else { "follow" };
        format!("{} {verb} that line, the others use the session", list(&who))
    };
    let fix = format!("take {cure} out of {where_it_stands}");
    let finding = match (all_pass || keys == "sso_*", picture.answer.is_accepted()) {
        (true, false) => Finding::fault(Cause::SectionHidden, what),
        (true, true) => Finding::warning(Cause::SectionHidden, what),
        (false, _) => Finding::warning(Cause::Disagreement, what),
    };
    Some(finding.why(why).fix(fix))
}
