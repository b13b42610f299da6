//! For whom a fault happened: what is needed to name the thing and to tell the way out.

use crate::engine::config::model::{Entry, Operation, Source};
use crate::engine::place::Place;

/// The step at which a fault happened; some codes mean one thing for one step and another for the next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stage {
    /// The source credentials were being resolved.
    Resolve,
    /// AssumeRole.
    AssumeRole,
    /// AssumeRoleWithWebIdentity.
    WebIdentity,
    /// GetSessionToken.
    SessionToken,
}

/// For whom a fault happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Context {
    /// The profile that was to be refreshed.
    pub profile: String,
    /// Its role, where it has one.
    pub role_arn: Option<String>,
    /// What signs for it.
    pub source: Source,
    /// The step.
    pub stage: Stage,
    /// Where STS was called.
    pub place: Place,
    /// Whether requests go through a proxy.
    pub is_proxied: bool,
    /// Whether a second factor is configured.
    pub has_mfa: bool,
    /// Whether an external id is configured.
    pub has_external_id: bool,
}

impl Context {
    /// A fault of the call to STS for an entry; for an entry that only publishes, of its source.
    pub fn of(entry: &Entry) -> Self {
        let stage = match (&entry.operation, &entry.source) {
            (Operation::Publish, _) => Stage::Resolve,
            (Operation::GetSessionToken, _) => Stage::SessionToken,
            (Operation::AssumeRole(_), Source::WebIdentity(_)) => Stage::WebIdentity,
            (Operation::AssumeRole(_), _) => Stage::AssumeRole,
        };
        let has_external_id = match &entry.operation {
            Operation::AssumeRole(request) => request.external_id.is_some(),
            Operation::GetSessionToken | Operation::Publish => false,
        };
        Self {
            profile: entry.profile.to_string(),
            role_arn: entry.role_arn().map(|role| role.as_str().to_owned()),
            source: entry.source.clone(),
            stage,
            place: Place::of(entry),
            is_proxied: false,
            has_mfa: entry.mfa.is_some(),
            has_external_id,
        }
    }

    /// A fault of the source of an entry, before STS was called for it.
    pub fn of_source(entry: &Entry) -> Self {
        Self { stage: Stage::Resolve, ..Self::of(entry) }
    }

    /// The same where requests go through a proxy: then a 503 without a code is the proxy's.
    #[must_use]
    pub fn through_proxy(self, is_proxied: bool) -> Self {
        Self { is_proxied, ..self }
    }

    /// Who was asked: STS, or whatever stands behind the source.
    pub(super) fn whom(&self) -> String {
        match self.stage {
            Stage::Resolve => format!("what gives {}", self.source_name()),
            Stage::AssumeRole | Stage::WebIdentity | Stage::SessionToken => self.place.to_string(),
        }
    }

    /// The source as a noun.
    pub(super) fn source_name(&self) -> String {
        match &self.source {
            Source::Listed(profile) => format!("the session of profile {:?}", profile.as_str()),
            Source::Profile(profile) => format!("the credentials of profile {profile:?}"),
            Source::WebIdentity(path) => format!("the web identity token in {path}"),
            Source::Provider(provider) => format!("the credentials of {}", provider.as_str()),
        }
    }
}
