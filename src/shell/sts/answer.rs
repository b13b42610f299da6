//! What came back from STS, in our own words, and the audit line that each call leaves. Judges nothing.

use super::Failed;
use super::request::{Ask, Request};
use crate::engine::failure::Fault;
use crate::engine::keeper::Reply;
use crate::engine::secret::Secret;
use crate::engine::session::Keys;
use crate::engine::time::WallTime;
use std::time::Duration;

pub(super) fn reply(
    request: &Request<'_>,
    credentials: Option<&aws_sdk_sts::types::Credentials>,
    assumed_role_arn: Option<String>,
    request_id: Option<&str>,
) -> Reply {
    let keys = credentials.and_then(|credentials| {
        let parts = [credentials.access_key_id(), credentials.secret_access_key(), credentials.session_token()];
        // The SDK shows a missing element as an empty text.
        parts.iter().all(|part| !part.is_empty()).then(|| Keys {
            access_key_id: parts[0].to_owned(),
            secret_access_key: Secret::new(parts[1]),
            session_token: Some(Secret::new(parts[2])),
        })
    });
    let expiration = credentials.and_then(|credentials| {
        // … and a missing Expiration as 1970.
        let expiration = credentials.expiration();
        let millis = expiration.to_millis().ok().filter(|_| expiration.secs() != 0)?;
        Some(WallTime::from_unix_millis(millis))
    });
    Reply {
        keys,
        expiration,
        assumed_role_arn: assumed_role_arn.filter(|arn| !arn.is_empty()),
        session_name: request.session_name.clone(),
        skew: None,
        request_id: request_id.map(str::to_owned),
    }
}

/// One line for each call, refusals included.
pub(super) fn audit(request: &Request<'_>, answer: &Result<Reply, Failed>, took: Duration) {
    let (operation, role) = match &request.ask {
        Ask::Role(role) => ("AssumeRole", Some(role.role_arn)),
        Ask::WebIdentity(role, _) => ("AssumeRoleWithWebIdentity", Some(role.role_arn)),
        Ask::SessionToken => ("GetSessionToken", None),
    };
    let (outcome, request_id) = match answer {
        Ok(reply) => ("ok", reply.request_id.as_deref()),
        Err(Failed { fault: Fault::Service(error), .. }) => {
            (error.code.as_deref().unwrap_or("no code"), error.request_id.as_deref())
        }
        Err(Failed { fault: Fault::Transport { .. }, .. }) => ("not reached", None),
        Err(Failed { fault: Fault::Reply(_), .. }) => ("not understood", None),
        Err(_) => ("not sent", None),
    };
    tracing::info!(
        target: "evertoken::audit",
        profile = request.profile,
        role,
        operation,
        outcome = outcome.escape_default().to_string(),
        request_id = request_id.map(|id| id.escape_default().to_string()),
        milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "asked STS"
    );
}
