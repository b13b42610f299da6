//! STS as the rest of the program sees it: one call in, a [`Reply`] or a [`Fault`] out. It never retries, never reads the
//! environment, and never lets an error of the SDK be printed whole: such a dump can hold the reply, keys and all.

mod answer;
mod fault;
mod request;
mod watch;

pub(crate) use fault::{behind_a_proxy, chain_of, fault_of_connector, layer_of};
pub(crate) use request::{Hop, RoleParameters};
pub(crate) use watch::skew_told;

use crate::engine::config::model::{Operation, Source};
use crate::engine::failure::{Fault, SourceFault};
use crate::engine::keeper::{AssumeCall, Reply};
use crate::engine::place::Place;
use crate::engine::secret::Secret;
use crate::engine::session::SourceCredentials;
use crate::engine::time::Skew;
use crate::shell::clock;
use crate::shell::http::Http;
use crate::shell::token_file;
use answer::{audit, reply};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::{AppName, BehaviorVersion, Config, IdentityCache, Region};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use aws_sdk_sts::types::Tag;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::retry::RetryConfig;
use aws_types::sdk_ua_metadata::FrameworkMetadata;
use fault::fault_of;
use request::{Ask, Request, overrides, seconds};
use std::error::Error;
use std::path::PathBuf;
use watch::DateWatch;

/// Sets what both AssumeRole operations take: the SDK's builders have no type in common.
macro_rules! with_role {
    ($call:expr, $request:expr, $role:expr) => {
        $call
            .role_arn($role.role_arn)
            .role_session_name(&$request.session_name)
            .set_duration_seconds(seconds($request.duration))
            .set_policy($role.policy.map(str::to_owned))
            .set_policy_arns($role.policies())
    };
}

/// Sends a call where and as whom the request says; ends the function with the fault of one that fails.
macro_rules! sent {
    ($sts:expr, $call:expr, $request:expr, $credentials:expr, $watch:expr) => {
        $call
            .customize()
            .config_override(overrides($request.place, $credentials))
            .interceptor($watch.clone())
            .send()
            .await
            .map_err(|error| $sts.fault_of(&error, $request.place))?
    };
}

/// Who renders the session name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// `{user}`.
    pub user: String,
    /// `{host}`.
    pub host: String,
}

/// A call that gave no reply, with what the answer told about the clocks nevertheless.
#[derive(Clone, PartialEq, Debug)]
pub struct Failed {
    /// What happened.
    pub fault: Fault,
    /// How far STS is ahead, where its answer had a `Date`.
    pub skew: Option<Skew>,
}

impl Failed {
    fn before_the_call(fault: Fault) -> Self {
        Self { fault, skew: None }
    }
}

/// Who STS takes the caller for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The account.
    pub account: String,
    /// The user or assumed role.
    pub arn: String,
    /// How far STS is ahead.
    pub skew: Option<Skew>,
}

/// The client. One for the life of the process: it learns the clock skew from each answer and signs by it.
#[derive(Clone, Debug)]
pub struct Sts {
    client: Client,
    home: Option<PathBuf>,
    http: Http,
}

impl Sts {
    /// `version` is sent as `evertoken/VERSION` in the user agent; a leading `~/` of a token file is `home`.
    pub fn new(http: &Http, version: &str, home: Option<PathBuf>) -> Self {
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(http.sdk())
            .region(Region::from_static("us-east-1"))
            .retry_config(RetryConfig::disabled())
            .timeout_config(Http::timeouts())
            .identity_cache(IdentityCache::no_cache());
        // `app/evertoken lib/evertoken/VERSION` in the user agent: what CloudTrail shows. Both can only fail over odd
        // characters, which is not worth a failure.
        config.set_app_name(AppName::new("evertoken").ok());
        if let Ok(name_and_version) = FrameworkMetadata::new("evertoken", Some(version.to_owned())) {
            config.push_framework_metadata(name_and_version);
        }
        Self { client: Client::from_conf(config.build()), home, http: http.clone() }
    }

    /// Asks STS for a session. Bounded by [`crate::shell::http::CALL_TIMEOUT`]; dropping the future ends the request.
    pub async fn call(
        &self,
        call: &AssumeCall,
        identity: &Identity,
        mfa_code: Option<&Secret>,
    ) -> Result<Reply, Failed> {
        let entry = &call.entry;
        let place = Place::of(entry);
        let role = match &entry.operation {
            Operation::AssumeRole(request) => Some((RoleParameters::of(request), &request.session_name)),
            Operation::GetSessionToken => None,
            Operation::Publish => {
                let text =
                    format!("profile {:?} publishes its source and has nothing to ask STS", entry.profile.as_str());
                return Err(Failed::before_the_call(Fault::Internal(text)));
            }
        };
        let mfa = match (&entry.mfa, mfa_code) {
            (Some(mfa), Some(code)) => Some((mfa.serial.as_str(), code)),
            (None, _) => None,
            (Some(_), None) => {
                let due = SourceFault::MfaDue { profile: entry.profile.as_str().to_owned() };
                return Err(Failed::before_the_call(Fault::Source(due)));
            }
        };
        let session_name = role
            .as_ref()
            .map_or_else(String::new, |(_, template)| template.render(&identity.user, &identity.host, &entry.profile));
        let ask = match (&role, &entry.source) {
            (None, _) => Ask::SessionToken,
            (Some((parameters, _)), Source::WebIdentity(path)) => {
                let token = token_file::read(token_file::WEB_IDENTITY, path, self.home.as_deref()).await;
                Ask::WebIdentity(parameters, token.map_err(Failed::before_the_call)?)
            }
            (Some((parameters, _)), _) => Ask::Role(parameters),
        };
        let request = Request {
            profile: entry.profile.as_str(),
            place: &place,
            credentials: call.source.as_ref(),
            session_name,
            duration: Some(call.duration),
            mfa,
            ask,
        };
        self.send(&request).await
    }

    /// Assumes a role on the way through the AWS config.
    pub(crate) async fn hop(&self, hop: Hop<'_>, credentials: &SourceCredentials) -> Result<Reply, Failed> {
        let parameters =
            RoleParameters { role_arn: hop.role_arn, external_id: hop.external_id, ..RoleParameters::default() };
        self.send(&Request {
            profile: hop.profile,
            place: hop.place,
            credentials: Some(credentials),
            session_name: hop.session_name,
            duration: hop.duration,
            mfa: None,
            ask: Ask::Role(&parameters),
        })
        .await
    }

    /// Trades a web identity token for a role on the way through the AWS config.
    pub(crate) async fn hop_from_token(&self, hop: Hop<'_>, token: Secret) -> Result<Reply, Failed> {
        let parameters = RoleParameters { role_arn: hop.role_arn, ..RoleParameters::default() };
        self.send(&Request {
            profile: hop.profile,
            place: hop.place,
            credentials: None,
            session_name: hop.session_name,
            duration: hop.duration,
            mfa: None,
            ask: Ask::WebIdentity(&parameters, token),
        })
        .await
    }

    /// Asks STS who the keys belong to (GetCallerIdentity; needs no permission).
    pub async fn whoami(&self, credentials: &SourceCredentials, place: &Place) -> Result<Caller, Failed> {
        let watch = DateWatch::default();
        let operation = self.client.get_caller_identity().customize();
        let sent = operation.config_override(overrides(place, Some(credentials))).interceptor(watch.clone()).send();
        match Box::pin(sent).await {
            Ok(output) => Ok(Caller {
                account: output.account().unwrap_or_default().to_owned(),
                arn: output.arn().unwrap_or_default().to_owned(),
                skew: watch.skew(),
            }),
            Err(error) => Err(Failed { fault: self.fault_of(&error, place), skew: watch.skew() }),
        }
    }

    fn fault_of<E>(&self, error: &SdkError<E, HttpResponse>, place: &Place) -> Fault
    where
        E: ProvideErrorMetadata + Error + 'static,
        SdkError<E, HttpResponse>: RequestId,
    {
        let fault = fault_of(error);
        if self.http.is_proxied(&place.url()) { behind_a_proxy(fault) } else { fault }
    }

    async fn send(&self, request: &Request<'_>) -> Result<Reply, Failed> {
        let started = clock::stopwatch();
        let watch = DateWatch::default();
        let answer = match &request.ask {
            Ask::Role(parameters) => Box::pin(self.assume_role(request, parameters, &watch)).await,
            Ask::WebIdentity(parameters, token) => {
                Box::pin(self.assume_role_with_web_identity(request, parameters, token, &watch)).await
            }
            Ask::SessionToken => Box::pin(self.get_session_token(request, &watch)).await,
        };
        let answer = match answer {
            Ok(mut reply) => {
                reply.skew = watch.skew();
                Ok(reply)
            }
            Err(fault) => Err(Failed { fault, skew: watch.skew() }),
        };
        audit(request, &answer, started.elapsed());
        answer
    }

    async fn assume_role(
        &self,
        request: &Request<'_>,
        role: &RoleParameters<'_>,
        watch: &DateWatch,
    ) -> Result<Reply, Fault> {
        let tags = role.tags.filter(|tags| !tags.is_empty()).map(|tags| {
            // Key and value are both set, which is all that a tag can lack.
            tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
        });
        let call = with_role!(self.client.assume_role(), request, role)
            .set_external_id(role.external_id.map(str::to_owned))
            .set_tags(tags)
            .set_transitive_tag_keys((!role.transitive_tags.is_empty()).then(|| role.transitive_tags.to_vec()))
            .set_source_identity(role.source_identity.map(str::to_owned))
            .set_serial_number(request.mfa.map(|(serial, _)| serial.to_owned()))
            .set_token_code(request.mfa.map(|(_, code)| code.expose().to_owned()));
        let output = sent!(self, call, request, request.credentials, watch);
        let arn = output.assumed_role_user().map(|user| user.arn().to_owned());
        Ok(reply(request, output.credentials(), arn, output.request_id()))
    }

    async fn assume_role_with_web_identity(
        &self,
        request: &Request<'_>,
        role: &RoleParameters<'_>,
        token: &Secret,
        watch: &DateWatch,
    ) -> Result<Reply, Fault> {
        let call = with_role!(self.client.assume_role_with_web_identity(), request, role);
        let output = sent!(self, call.web_identity_token(token.expose()), request, None, watch);
        let arn = output.assumed_role_user().map(|user| user.arn().to_owned());
        Ok(reply(request, output.credentials(), arn, output.request_id()))
    }

    async fn get_session_token(&self, request: &Request<'_>, watch: &DateWatch) -> Result<Reply, Fault> {
        let call = self
            .client
            .get_session_token()
            .set_duration_seconds(seconds(request.duration))
            .set_serial_number(request.mfa.map(|(serial, _)| serial.to_owned()))
            .set_token_code(request.mfa.map(|(_, code)| code.expose().to_owned()));
        let output = sent!(self, call, request, request.credentials, watch);
        Ok(reply(request, output.credentials(), None, output.request_id()))
    }
}

#[cfg(test)]
mod tests;
