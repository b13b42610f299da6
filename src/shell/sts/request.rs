//! What is sent to STS: one request with its parameters, and what the SDK needs to send it. Sends nothing.

use crate::engine::config::model::RoleRequest;
use crate::engine::place::Place;
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, SourceCredentials};
use aws_credential_types::Credentials;
use aws_sdk_sts::config::{Builder, Config, Region};
use aws_sdk_sts::types::PolicyDescriptorType;
use std::collections::BTreeMap;
use std::time::Duration;

/// One request, ready to be sent.
pub(super) struct Request<'a> {
    pub(super) profile: &'a str,
    pub(super) place: &'a Place,
    pub(super) credentials: Option<&'a SourceCredentials>,
    pub(super) session_name: String,
    /// Seconds; STS's own default (3600) when `None`.
    pub(super) duration: Option<Duration>,
    pub(super) mfa: Option<(&'a str, &'a Secret)>,
    pub(super) ask: Ask<'a>,
}

pub(super) enum Ask<'a> {
    Role(&'a RoleParameters<'a>),
    WebIdentity(&'a RoleParameters<'a>, Secret),
    SessionToken,
}

/// The parameters of a role that both AssumeRole operations may take.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct RoleParameters<'a> {
    pub(crate) role_arn: &'a str,
    pub(crate) external_id: Option<&'a str>,
    pub(crate) policy: Option<&'a str>,
    pub(crate) policy_arns: &'a [String],
    pub(crate) tags: Option<&'a BTreeMap<String, String>>,
    pub(crate) transitive_tags: &'a [String],
    pub(crate) source_identity: Option<&'a str>,
}

impl<'a> RoleParameters<'a> {
    pub(super) fn of(request: &'a RoleRequest) -> Self {
        Self {
            role_arn: request.role_arn.as_str(),
            external_id: request.external_id.as_deref(),
            policy: request.policy.as_deref(),
            policy_arns: &request.policy_arns,
            tags: Some(&request.tags),
            transitive_tags: &request.transitive_tags,
            source_identity: request.source_identity.as_deref(),
        }
    }

    pub(super) fn policies(&self) -> Option<Vec<PolicyDescriptorType>> {
        let policies = self.policy_arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build());
        (!self.policy_arns.is_empty()).then(|| policies.collect())
    }
}

/// A role that a profile of the AWS config assumes on the way to its credentials.
pub(crate) struct Hop<'a> {
    pub(crate) profile: &'a str,
    pub(crate) place: &'a Place,
    pub(crate) role_arn: &'a str,
    pub(crate) external_id: Option<&'a str>,
    pub(crate) session_name: String,
    pub(crate) duration: Option<Duration>,
}

pub(super) fn seconds(duration: Option<Duration>) -> Option<i32> {
    duration.map(|duration| i32::try_from(duration.as_secs()).unwrap_or(i32::MAX))
}

pub(super) fn overrides(place: &Place, credentials: Option<&SourceCredentials>) -> Builder {
    let mut config = Config::builder().region(Region::new(place.region.clone()));
    config.set_endpoint_url(place.endpoint.clone());
    match credentials {
        Some(credentials) => config.credentials_provider(for_the_sdk(&credentials.keys)),
        None => config,
    }
}

/// Keys in the SDK's own form. Their end is not told: whether they still work is for STS to say.
fn for_the_sdk(keys: &Keys) -> Credentials {
    let token = keys.session_token.as_ref().map(|token| token.expose().to_owned());
    Credentials::new(&keys.access_key_id, keys.secret_access_key.expose(), token, None, "evertoken")
}
