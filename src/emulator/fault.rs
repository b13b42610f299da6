//! What can go wrong on purpose, and for which requests. A fault is a value; the server carries it out.

use crate::emulator::refusal::{Refusal, known_codes};
use crate::emulator::reply::SessionReply;
use crate::engine::time::WallTime;
use std::time::Duration;

/// The operations that the emulator knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// AssumeRole.
    AssumeRole,
    /// AssumeRoleWithWebIdentity, the one that nobody signs.
    AssumeRoleWithWebIdentity,
    /// GetSessionToken.
    GetSessionToken,
    /// GetCallerIdentity.
    GetCallerIdentity,
}

impl Operation {
    /// The operation of an `Action` parameter.
    pub(super) fn parse(action: &str) -> Option<Self> {
        let all = [Self::AssumeRole, Self::AssumeRoleWithWebIdentity, Self::GetSessionToken, Self::GetCallerIdentity];
        all.into_iter().find(|operation| operation.as_str() == action)
    }

    /// As it stands in `Action`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AssumeRole => "AssumeRole",
            Self::AssumeRoleWithWebIdentity => "AssumeRoleWithWebIdentity",
            Self::GetSessionToken => "GetSessionToken",
            Self::GetCallerIdentity => "GetCallerIdentity",
        }
    }
}

/// Something that goes wrong with an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// An error answer of STS, whatever was asked.
    Error {
        /// HTTP status.
        status: u16,
        /// The code.
        code: String,
        /// The message, control characters and all.
        message: String,
    },
    /// An answer that is not one of STS.
    Http {
        /// HTTP status.
        status: u16,
        /// Its headers.
        headers: Vec<(String, String)>,
        /// Its body.
        body: String,
    },
    /// The connection is closed before a byte of the answer was sent.
    CutBefore,
    /// The right answer is announced with its length, but the connection is closed in the midst of it.
    CutInside,
    /// The right answer, after this time.
    Slow(Duration),
    /// The right answer, once `Emulator::release` is called.
    Held,
    /// No answer, for as long as the asker waits.
    Hang,
    /// An answer with this Expiration (nothing happens to errors and to GetCallerIdentity).
    Expiration(Expiration),
    /// An answer without one of its fields.
    Without(Field),
    /// An answer whose `Date` header is this many seconds ahead of the emulator's time (negative: behind).
    DateAhead(i64),
    /// An answer whose `AssumedRoleUser` is this ARN.
    AssumedAs(String),
}

/// What can be wrong with an Expiration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expiration {
    /// This long ago.
    Past(Duration),
    /// This very text.
    Text(String),
    /// The right one, with fractions of a second.
    Fractions,
    /// The right one, as the clock shows it one hour east of Greenwich.
    NumericOffset,
    /// The last second of the year 9999.
    Far,
}

/// A field of an answer that can be missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    /// AccessKeyId.
    AccessKeyId,
    /// SecretAccessKey.
    SecretAccessKey,
    /// SessionToken.
    SessionToken,
    /// Expiration.
    Expiration,
    /// AssumedRoleUser.
    AssumedRoleUser,
}

impl Fault {
    /// An error with the status and the words that AWS uses for this code.
    pub fn code(code: &str) -> Self {
        let Refusal { status, code, message } = Refusal::of(code);
        Self::Error { status, code, message }
    }

    /// The codes that [`Fault::code`] knows a status and a message for.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        known_codes()
    }

    /// An answer of this status with nothing in it.
    pub fn bare(status: u16) -> Self {
        Self::Http { status, headers: Vec::new(), body: String::new() }
    }

    /// A captive portal: a page, with 200.
    pub fn portal() -> Self {
        Self::page(200, "Please log in to use this network")
    }

    /// A proxy that wants a password: a page, with 407.
    pub fn proxy_password() -> Self {
        Self::page(407, "Proxy Authentication Required").with_header("Proxy-Authenticate", "Basic realm=\"proxy\"")
    }

    /// A redirect to a login page: 302.
    pub fn redirect() -> Self {
        Self::page(302, "Found").with_header("Location", "http://login.portal.example/")
    }

    /// An HTML page of any status.
    pub fn page(status: u16, title: &str) -> Self {
        let body =
            format!("<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>{title}<br></body></html>\n");
        Self::Http { status, headers: vec![("Content-Type".to_owned(), "text/html; charset=utf-8".to_owned())], body }
    }

    fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Self::Http { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Whether the operation is carried out all the same.
    pub(super) fn lets_through(&self) -> bool {
        !matches!(self, Self::Error { .. } | Self::Http { .. } | Self::CutBefore | Self::Hang)
    }

    /// Spoils a session on its way out.
    pub(super) fn spoil(&self, reply: &mut SessionReply, now: WallTime) {
        match self {
            Self::Expiration(expiration) => reply.expiration = expiration.text(reply.expiration.as_deref(), now),
            Self::Without(Field::AccessKeyId) => reply.access_key_id = None,
            Self::Without(Field::SecretAccessKey) => reply.secret_access_key = None,
            Self::Without(Field::SessionToken) => reply.session_token = None,
            Self::Without(Field::Expiration) => reply.expiration = None,
            Self::Without(Field::AssumedRoleUser) => reply.assumed = None,
            Self::AssumedAs(arn) => reply.assumed = reply.assumed.take().map(|(id, _)| (id, arn.clone())),
            _ => {}
        }
    }
}

impl Expiration {
    fn text(&self, right: Option<&str>, now: WallTime) -> Option<String> {
        let right = WallTime::parse(right?).ok()?;
        Some(match self {
            Self::Past(ago) => (now - *ago).to_string(),
            Self::Text(text) => text.clone(),
            Self::Fractions => right.to_string().replace('Z', ".250Z"),
            Self::NumericOffset => (right + Duration::from_secs(3600)).to_string().replace('Z', "+01:00"),
            Self::Far => "9999-12-31T23:59:59Z".to_owned(),
        })
    }
}

/// A fault, and the requests that it befalls. The first rule that matches holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    operation: Option<Operation>,
    role_arn: Option<String>,
    session_name: Option<String>,
    access_key_id: Option<String>,
    skip: u64,
    times: Option<u64>,
    fault: Fault,
}

impl Rule {
    /// For every request, until cleared.
    pub fn always(fault: Fault) -> Self {
        Self { operation: None, role_arn: None, session_name: None, access_key_id: None, skip: 0, times: None, fault }
    }

    /// For the next request.
    pub fn once(fault: Fault) -> Self {
        Self::always(fault).times(1)
    }

    /// Only for this operation.
    #[must_use]
    pub fn on(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Only for requests for this role.
    #[must_use]
    pub fn role(self, arn: &str) -> Self {
        Self { role_arn: Some(arn.to_owned()), ..self }
    }

    /// Only for requests with this RoleSessionName.
    #[must_use]
    pub fn session(self, name: &str) -> Self {
        Self { session_name: Some(name.to_owned()), ..self }
    }

    /// Only for requests signed with this key.
    #[must_use]
    pub fn signed_by(self, access_key_id: &str) -> Self {
        Self { access_key_id: Some(access_key_id.to_owned()), ..self }
    }

    /// Not for the first `requests` that match otherwise.
    #[must_use]
    pub fn after(self, requests: u64) -> Self {
        Self { skip: requests, ..self }
    }

    /// Only so many times.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    /// The fault for a request, which is counted.
    pub(super) fn strike(&mut self, target: Target<'_>) -> Option<Fault> {
        let fits = |wanted: &Option<String>, have: Option<&str>| wanted.is_none() || wanted.as_deref() == have;
        let operation_fits = self.operation.is_none_or(|operation| operation.as_str() == target.action);
        let matches = operation_fits
            && fits(&self.role_arn, target.role_arn)
            && fits(&self.session_name, target.session_name)
            && fits(&self.access_key_id, target.access_key_id);
        if !matches || self.times == Some(0) {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times = self.times.map(|left| left - 1);
        Some(self.fault.clone())
    }
}

impl From<Fault> for Rule {
    fn from(fault: Fault) -> Self {
        Self::always(fault)
    }
}

/// What a rule can look at in a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) action: &'a str,
    pub(super) role_arn: Option<&'a str>,
    pub(super) session_name: Option<&'a str>,
    pub(super) access_key_id: Option<&'a str>,
}
