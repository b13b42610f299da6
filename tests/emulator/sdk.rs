//! The AWS SDK as the asker: what it signs and what it reads is not of our making.

use aws_credential_types::Credentials;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{BehaviorVersion, Region};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use aws_sdk_sts::types::Credentials as Granted;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use evertoken::emulator::Emulator;
use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

pub(crate) const DEVELOPER: &str = "arn:aws:iam::111122223333:role/team/Developer";
pub(crate) const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A client that signs with these keys, or with none.
pub(crate) fn client_with(emulator: &Emulator, credentials: Option<Credentials>) -> aws_sdk_sts::Client {
    let connector = OnceLock::<SharedHttpConnector>::new();
    let http = http_client_fn(move |settings, components| {
        let build = || {
            let mut builder = Connector::builder().connector_settings(settings.clone());
            builder.set_sleep_impl(components.sleep_impl());
            SharedHttpConnector::new(builder.build_http())
        };
        connector.get_or_init(build).clone()
    });
    let mut config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .endpoint_url(emulator.url())
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_secs(30)).build())
        .http_client(http);
    if let Some(credentials) = credentials {
        config = config.credentials_provider(credentials);
    }
    aws_sdk_sts::Client::from_conf(config.build())
}

/// Keys as the SDK holds them.
pub(crate) fn keys(access_key_id: &str, secret: &str, token: Option<&str>) -> Credentials {
    Credentials::new(access_key_id, secret, token.map(str::to_owned), None, "test")
}

/// A client that signs with the long-term key which every emulator knows.
pub(crate) fn client(emulator: &Emulator) -> aws_sdk_sts::Client {
    client_with(emulator, Some(keys(KEY_ID, SECRET, None)))
}

/// A client that signs with a session.
pub(crate) fn client_as(emulator: &Emulator, session: &Granted) -> aws_sdk_sts::Client {
    let (id, secret) = (session.access_key_id(), session.secret_access_key());
    client_with(emulator, Some(keys(id, secret, Some(session.session_token()))))
}

/// The start of an AssumeRole call.
pub(crate) fn assume(
    client: &aws_sdk_sts::Client,
    role_arn: &str,
) -> aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder {
    client.assume_role().role_arn(role_arn).role_session_name("me@laptop")
}

/// A session for a role, had with the long-term key.
pub(crate) async fn session(emulator: &Emulator, role_arn: &str) -> Granted {
    let output = assume(&client(emulator), role_arn).send().await.expect("a session");
    output.credentials.expect("credentials")
}

/// Runs a test's calls to their end.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

/// HTTP status, code and message of an error answer. Anything else is a failed test.
#[track_caller]
pub(crate) fn refused<T, E: ProvideErrorMetadata>(
    result: Result<T, SdkError<E, HttpResponse>>,
) -> (u16, String, String) {
    let Err(SdkError::ServiceError(context)) = result else { panic!("not an error answer of STS") };
    let (error, raw) = (context.err(), context.raw());
    assert!(
        raw.headers().get("x-amzn-requestid").is_some() || error.code().is_none(),
        "an answer without a request id"
    );
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    (raw.status().as_u16(), text(error.code()), text(error.message()))
}

/// The request id of an output.
pub(crate) fn request_id(output: &impl RequestId) -> String {
    output.request_id().unwrap_or_default().to_owned()
}
