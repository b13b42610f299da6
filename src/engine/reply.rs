//! Whether an answer of STS is believed: whole, alive, and for the role that was asked for. What is refused here never
//! reaches a file.

use crate::engine::config::model::{Entry, Operation};
use crate::engine::failure::{Fault, ReplyFault};
use crate::engine::keeper::Reply;
use crate::engine::names::RoleArn;
use crate::engine::session::{Keys, Session, SourceCredentials};
use crate::engine::time::WallTime;
use std::time::Duration;

/// Makes a session of an answer. `now` is in the time of STS; `asked` is the duration that was asked for.
///
/// The Expiration that came counts, not the duration that was asked for: STS grants the root user an hour whatever it is.
/// Only one that STS never grants is taken for what was asked, so that an absurd one cannot keep a session from being
/// renewed for ever.
///
/// # Errors
/// [`Fault::Reply`] for an answer with a part missing or unfit for the credentials file, one that has already ended, and
/// one for another account, role or session name.
pub fn accept(reply: &Reply, entry: &Entry, asked: Duration, now: WallTime) -> Result<Session, Fault> {
    let (keys, expiration) = whole(reply, now)?;
    let account_id = match &entry.operation {
        Operation::AssumeRole(request) => {
            for_role(reply, &request.role_arn)?;
            Some(request.role_arn.account().to_owned())
        }
        Operation::GetSessionToken | Operation::Publish => None,
    };
    let issued = now.whole_seconds();
    let session = Session { keys, account_id, issued, expiration, digest: entry.digest.clone(), allowed: None };
    if session.is_longer_than_sts_grants() {
        return Ok(Session { expiration: issued + asked, ..session });
    }
    Ok(session)
}

/// The same for a role that a profile of the AWS config assumes on the way to its credentials.
///
/// # Errors
/// As [`accept`].
pub fn accept_hop(reply: &Reply, role: &RoleArn, now: WallTime) -> Result<SourceCredentials, Fault> {
    let (keys, expiration) = whole(reply, now)?;
    for_role(reply, role)?;
    Ok(SourceCredentials {
        keys,
        account_id: Some(role.account().to_owned()),
        expiration: Some(expiration),
        login_ends: None,
        skew: reply.skew,
    })
}

fn whole(reply: &Reply, now: WallTime) -> Result<(Keys, WallTime), Fault> {
    let incomplete = |what: &str| Fault::Reply(ReplyFault::Incomplete(what.to_owned()));
    let keys = reply.keys.clone().ok_or_else(|| incomplete("one of the three keys is missing"))?;
    if keys.session_token.is_none() {
        return Err(incomplete("it has no session token"));
    }
    if !are_plain(&keys) {
        return Err(incomplete("its keys are not plain printable text"));
    }
    let expiration = reply.expiration.ok_or_else(|| incomplete("it has no Expiration"))?.whole_seconds();
    if expiration <= now {
        return Err(Fault::Reply(ReplyFault::Past(expiration)));
    }
    Ok((keys, expiration))
}

fn for_role(reply: &Reply, role: &RoleArn) -> Result<(), Fault> {
    let asked = Identity {
        partition: role.partition(),
        account: role.account(),
        role: role.role_name(),
        session: &reply.session_name,
    };
    let came = reply.assumed_role_arn.as_deref();
    let identity = came.and_then(Identity::of);
    if identity.as_ref() == Some(&asked) {
        return Ok(());
    }
    let came = identity.map_or_else(|| came.unwrap_or("no AssumedRoleUser").to_owned(), |identity| identity.text());
    Err(Fault::Reply(ReplyFault::OtherRole { asked: asked.text(), came }))
}

/// Whether keys can stand in the credentials file as they are: printable ASCII without a blank.
pub fn are_plain(keys: &Keys) -> bool {
    let quoted = |c: char| matches!(c, '"' | '\'' | '#' | ';');
    let plain = |text: &str| {
        let visible = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        visible && !text.starts_with(quoted) && !text.ends_with(['"', '\''])
    };
    plain(&keys.access_key_id)
        && plain(keys.secret_access_key.expose())
        && keys.session_token.as_ref().is_none_or(|token| plain(token.expose()))
}

/// Whom a session is for.
#[derive(PartialEq, Eq)]
struct Identity<'a> {
    partition: &'a str,
    account: &'a str,
    role: &'a str,
    session: &'a str,
}

impl<'a> Identity<'a> {
    /// From `arn:PARTITION:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    fn of(arn: &'a str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let &["arn", partition, "sts", "", account, resource] = parts.as_slice() else { return None };
        let (role, session) = resource.strip_prefix("assumed-role/")?.split_once('/')?;
        Some(Self { partition, account, role, session })
    }

    fn text(&self) -> String {
        let partition = if self.partition == "aws" { String::new() } else { format!("{}:", self.partition) };
        format!("{partition}{}/{}/{}", self.account, self.role, self.session)
    }
}

#[cfg(test)]
mod tests;
