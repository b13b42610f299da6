//! A publication as keys and values that every reader takes alike. Never knows where in a file they go.

use super::field::Field;
use super::mark::{Lead, Mark, check_of};
use super::types::{Publication, Reason};
use std::borrow::Cow;

/// Refuses what some reader would take as something else, and whatever is no session.
pub(super) fn check(publication: &Publication) -> Result<(), Reason> {
    let refused =
        |text: &str| Err(Reason { line: None, text: format!("[{}] stays as it is: {text}", publication.profile) });
    let keys = &publication.session.keys;
    let Some(token) = &keys.session_token else {
        return refused("keys without a session token are not written to a file");
    };
    if keys.access_key_id.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("AKIA")) {
        return refused(
            "an access key id that begins with AKIA belongs to long-term keys, which are not written to a file",
        );
    }
    let region = publication.region.as_deref();
    let values = [
        ("access key id", Some(keys.access_key_id.as_str())),
        ("secret access key", Some(keys.secret_access_key.expose())),
        ("session token", Some(token.expose())),
        ("account id", publication.session.account_id.as_deref()),
        ("region", region),
    ];
    match values.iter().find(|(_, value)| value.is_some_and(|value| !is_fit(value))) {
        Some((what, _)) => refused(&format!("the {what} has characters that cannot stand in a credentials file")),
        None => Ok(()),
    }
}

/// Visible ASCII, and nothing at its start or end that some reader takes as a quote or a comment.
fn is_fit(value: &str) -> bool {
    let quote_or_comment = |c: char| matches!(c, '"' | '\'' | '#' | ';');
    !value.is_empty()
        && value.bytes().all(|byte| byte.is_ascii_graphic())
        && !value.starts_with(quote_or_comment)
        && !value.ends_with(['"', '\''])
}

/// What is to stand under each of our keys but the mark; `None`: nothing.
pub(super) fn value(publication: &Publication, field: Field) -> Option<Cow<'_, str>> {
    let session = &publication.session;
    match field {
        Field::AccessKeyId => Some(session.keys.access_key_id.as_str().into()),
        Field::SecretAccessKey => Some(session.keys.secret_access_key.expose().into()),
        Field::SessionToken => session.keys.session_token.as_ref().map(|token| token.expose().into()),
        Field::AccountId => session.account_id.as_deref().map(Cow::from),
        Field::Expires => Some(session.expiration.to_string().into()),
        Field::Mark | Field::SecurityToken => None,
    }
}

/// The mark that goes with a publication.
pub(super) fn mark(publication: &Publication, region: Option<String>, lead: Lead) -> Mark {
    let session = &publication.session;
    Mark {
        profile: publication.profile.as_str().to_owned(),
        digest: Some(session.digest.clone()),
        issued: Some(session.issued.whole_seconds()),
        allowed: session.allowed,
        region,
        lead,
        check: Some(check_of(&session.keys)),
    }
}
