//! The four operations: who may have which session, and for how long. It never touches a socket or the clock.

use crate::emulator::directory::{Caller, Directory, IssuedSession, SessionKind, stable_id};
use crate::emulator::parameters;
use crate::emulator::refusal::Refusal;
use crate::emulator::reply::{Reply, SessionReply};
use crate::emulator::request::Request;
use crate::engine::names::RoleArn;
use crate::engine::secret::Secret;
use crate::engine::time::WallTime;
use std::time::Duration;

/// The longest session of a chained role (IAM user guide, role chaining).
const CHAINED: Duration = Duration::from_secs(3600);
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What is granted and when: the emulator's time, and the life of a session where it is not the one asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) now: WallTime,
    pub(super) life: Option<Duration>,
    pub(super) token_length: usize,
}

/// AssumeRole.
pub(super) fn assume_role(
    directory: &mut Directory,
    caller: &Caller,
    request: &Request,
    terms: Terms,
) -> Result<Reply, Refusal> {
    let asked = Duration::from_secs(parameters::assume_role(request)?);
    let arn = role_arn(request)?;
    if caller.is_root() {
        return Err(Refusal::denied("Roles may not be assumed by root accounts."));
    }
    let role = directory.roles.get(arn.as_str()).cloned().unwrap_or_default();
    if let Some(denial) = role.denial {
        return Err(denial);
    }
    let refused = || {
        let message = format!("User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}", caller.arn);
        Refusal::denied(message)
    };
    if role.external_id.as_deref().is_some_and(|id| request.parameter("ExternalId") != Some(id)) {
        return Err(refused());
    }
    let inherited = match &caller.session {
        Some(SessionKind::Role { source_identity, .. }) => source_identity.clone(),
        _ => None,
    };
    let source_identity = request.parameter("SourceIdentity").map(str::to_owned);
    if inherited.is_some() && source_identity.is_some() && inherited != source_identity {
        return Err(refused());
    }
    if caller.is_role() && asked > CHAINED {
        return Err(Refusal::invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    within(role.max_session, asked)?;
    let code_given = directory.use_code(request.parameter("SerialNumber"), request.parameter("TokenCode"))?;
    if role.mfa && !code_given && !caller.has_mfa() {
        return Err(refused());
    }
    let source_identity = inherited.or(source_identity);
    let session = RoleSession { operation: "AssumeRole", role: arn, source_identity, asked, more: Vec::new() };
    Ok(session.issue(directory, Some(caller), request, terms))
}

/// AssumeRoleWithWebIdentity.
pub(super) fn assume_role_with_web_identity(
    directory: &mut Directory,
    request: &Request,
    terms: Terms,
) -> Result<Reply, Refusal> {
    let asked = Duration::from_secs(parameters::assume_role_with_web_identity(request)?);
    let arn = role_arn(request)?;
    let token = request.parameter("WebIdentityToken").unwrap_or_default();
    let identity = directory.web_identity(token).cloned().ok_or_else(|| Refusal::of("InvalidIdentityToken"))?;
    if terms.now >= identity.expiration {
        let (now, end) = (terms.now.unix_seconds(), identity.expiration.unix_seconds());
        let message = format!("Token expired: current date/time {now} must be before the expiration date/time {end}");
        return Err(Refusal { message, ..Refusal::of("ExpiredTokenException") });
    }
    let role = directory.roles.get(arn.as_str()).cloned().unwrap_or_default();
    if let Some(denial) = role.denial {
        return Err(denial);
    }
    within(role.max_session, asked)?;
    let more = vec![
        ("SubjectFromWebIdentityToken", identity.subject),
        ("Audience", "sts.amazonaws.com".to_owned()),
        ("Provider", "https://issuer.example.com".to_owned()),
    ];
    let operation = "AssumeRoleWithWebIdentity";
    let session = RoleSession { operation, role: arn, source_identity: None, asked, more };
    Ok(session.issue(directory, None, request, terms))
}

/// GetSessionToken.
pub(super) fn get_session_token(
    directory: &mut Directory,
    caller: &Caller,
    request: &Request,
    terms: Terms,
) -> Result<Reply, Refusal> {
    let asked = Duration::from_secs(parameters::get_session_token(request)?);
    if caller.session.is_some() {
        return Err(Refusal::denied("Cannot call GetSessionToken with session credentials"));
    }
    let mfa = directory.use_code(request.parameter("SerialNumber"), request.parameter("TokenCode"))?;
    // An hour is what the root of an account gets, whatever was asked for (STS API reference, GetSessionToken).
    let granted = if caller.is_root() { asked.min(CHAINED) } else { asked };
    let session =
        issue(caller.account.clone(), caller.arn.clone(), SessionKind::User { mfa }, Some(caller), granted, terms);
    let reply = reply_of("GetSessionToken", &session);
    directory.remember(session);
    Ok(Reply::Session(reply))
}

/// GetCallerIdentity: anybody who is somebody may ask.
pub(super) fn get_caller_identity(caller: &Caller) -> Reply {
    Reply::Identity { arn: caller.arn.clone(), user_id: caller.user_id(), account: caller.account.clone() }
}

fn role_arn(request: &Request) -> Result<RoleArn, Refusal> {
    let text = request.parameter("RoleArn").unwrap_or_default();
    RoleArn::parse(text).map_err(|_| Refusal::invalid(format!("{text} is invalid")))
}

fn within(max_session: Option<Duration>, asked: Duration) -> Result<(), Refusal> {
    let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    if max_session.is_some_and(|most| asked > most) { Err(Refusal::invalid(message)) } else { Ok(()) }
}

/// A role session that may be issued.
struct RoleSession {
    operation: &'static str,
    role: RoleArn,
    source_identity: Option<String>,
    asked: Duration,
    /// What stands in the answer besides.
    more: Vec<(&'static str, String)>,
}

impl RoleSession {
    fn issue(self, directory: &mut Directory, caller: Option<&Caller>, request: &Request, terms: Terms) -> Reply {
        let session_name = request.parameter("RoleSessionName").unwrap_or_default();
        let role_arn = self.role.as_str().to_owned();
        let (partition, account, name) = (self.role.partition(), self.role.account(), self.role.role_name());
        let arn = format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}");
        let assumed = Some((format!("{}:{session_name}", stable_id("AROA", &role_arn)), arn.clone()));
        let kind = SessionKind::Role { role_arn, source_identity: self.source_identity.clone() };
        let session = issue(account.to_owned(), arn, kind, caller, self.asked, terms);
        let mut reply = SessionReply { assumed, more: self.more, ..reply_of(self.operation, &session) };
        reply.more.extend(parameters::packed_size(request).map(|percent| ("PackedPolicySize", percent.to_string())));
        reply.more.extend(self.source_identity.map(|identity| ("SourceIdentity", identity)));
        directory.remember(session);
        Reply::Session(reply)
    }
}

fn issue(
    account: String,
    arn: String,
    kind: SessionKind,
    caller: Option<&Caller>,
    asked: Duration,
    terms: Terms,
) -> IssuedSession {
    IssuedSession {
        access_key_id: format!("ASIA{}EXAMPLE", random(9, ALPHABET)),
        secret_access_key: Secret::new(format!("EXAMPLE/{}", random(32, ALPHABET))),
        session_token: Secret::new(format!("EXAMPLE//{}", random(terms.token_length.saturating_sub(9), ALPHABET))),
        account,
        arn,
        kind,
        signed_by: caller.map(|caller| caller.access_key_id.clone()),
        issued: terms.now,
        expiration: (terms.now + terms.life.unwrap_or(asked)).whole_seconds(),
    }
}

fn reply_of(operation: &'static str, session: &IssuedSession) -> SessionReply {
    SessionReply {
        operation,
        access_key_id: Some(session.access_key_id.clone()),
        secret_access_key: Some(session.secret_access_key.expose().to_owned()),
        session_token: Some(session.session_token.expose().to_owned()),
        expiration: Some(session.expiration.to_string()),
        ..SessionReply::default()
    }
}

fn random(length: usize, alphabet: &[u8]) -> String {
    (0..length).filter_map(|_| fastrand::choice(alphabet)).map(|byte| char::from(*byte)).collect()
}
