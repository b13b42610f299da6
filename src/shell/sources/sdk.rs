//! The sources that the AWS SDK resolves for us: `aws login`, the container endpoint, IMDS. Each gets the SDK's chain with
//! an environment of ours that names this one source, and nothing that a shell exported.

use super::AwsFiles;
use crate::engine::failure::{Fault, Layer, SourceFault};
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, SourceCredentials};
use crate::engine::time::WallTime;
use crate::shell::http::{CALL_TIMEOUT, Http};
use crate::shell::sts::{chain_of, layer_of};
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::ProvideCredentials;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_types::retry::RetryConfig;
use aws_types::os_shim_internal::Env;
use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};

/// A single source: all that the SDK may see.
struct Only<'a> {
    environment: HashMap<String, String>,
    profile: Option<&'a str>,
    files: EnvConfigFiles,
    region: &'a str,
    /// For messages.
    name: &'a str,
}

const NO_METADATA: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");

fn environment<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> HashMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn no_files() -> EnvConfigFiles {
    EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, "")
        .with_contents(EnvConfigFileKind::Credentials, "")
        .build()
}

/// The console session of `aws login`, renewed by the SDK.
pub(super) async fn login(
    http: &Http,
    profile: &str,
    files: &AwsFiles,
    region: &str,
    cache: Option<&str>,
) -> Result<SourceCredentials, Fault> {
    let home = files.home.as_deref().and_then(|home| home.to_str());
    let cache = cache.map(|cache| ("AWS_LOGIN_CACHE_DIRECTORY", cache));
    let only = Only {
        environment: environment([Some(NO_METADATA), home.map(|home| ("HOME", home)), cache].into_iter().flatten()),
        profile: Some(profile),
        files: EnvConfigFiles::builder()
            .with_file(EnvConfigFileKind::Config, &files.config)
            .with_file(EnvConfigFileKind::Credentials, &files.credentials)
            .build(),
        region,
        name: "aws login",
    };
    only.resolve(http).await.map_err(|chain| {
        let over = ["reauthenticate", "Login token is expired", "failed to read", "missing field"];
        if over.iter().any(|text| chain.contains(text)) {
            let what = format!("the console login of profile {profile:?}");
            return Fault::Source(SourceFault::Ended { what, login: Some(format!("aws login --profile {profile}")) });
        }
        unreached(only.name, &chain)
            .unwrap_or_else(|| Fault::Source(SourceFault::Config(format!("{}: {chain}", only.name))))
    })
}

/// The endpoint that ECS and EKS name in the environment of a container.
pub(super) async fn container<'a>(
    http: &Http,
    look_up: impl Fn(&str) -> Option<&'a str>,
) -> Result<SourceCredentials, Fault> {
    let names = [
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ];
    let found: Vec<(&str, &str)> = names.iter().filter_map(|name| look_up(name).map(|value| (*name, value))).collect();
    if !found.iter().any(|(name, _)| name.ends_with("_URI")) {
        let what =
            "this is no container of ECS or EKS: AWS_CONTAINER_CREDENTIALS_… is not in the environment of evertoken";
        return Err(Fault::Source(SourceFault::Missing(what.to_owned())));
    }
    let only = Only {
        environment: environment(found.into_iter().chain([NO_METADATA])),
        profile: None,
        files: no_files(),
        region: "us-east-1",
        name: "the container endpoint",
    };
    only.resolve(http).await.map_err(|chain| {
        unreached(only.name, &chain)
            .unwrap_or_else(|| Fault::Source(SourceFault::Config(format!("{}: {chain}", only.name))))
    })
}

/// The instance profile, by IMDSv2.
pub(super) async fn instance(http: &Http, endpoint: Option<&str>) -> Result<SourceCredentials, Fault> {
    let endpoint = endpoint.unwrap_or("http://169.254.169.254");
    let only = Only {
        environment: environment([("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint)]),
        profile: None,
        files: no_files(),
        region: "us-east-1",
        name: "the instance metadata service",
    };
    only.resolve(http).await.map_err(|chain| {
        unreached(only.name, &chain).unwrap_or_else(|| {
            let what = format!("{} ({endpoint}) gave no credentials: has this machine an instance profile?", only.name);
            Fault::Source(SourceFault::Missing(what))
        })
    })
}

fn unreached(name: &str, chain: &str) -> Option<Fault> {
    let layer = layer_of(chain);
    (layer != Layer::Other).then(|| Fault::Transport { layer, detail: format!("{name}: {chain}") })
}

impl Only<'_> {
    /// The credentials, or the chain of causes on one line.
    async fn resolve(&self, http: &Http) -> Result<SourceCredentials, String> {
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .env(Env::from(self.environment.clone()))
            .profile_files(self.files.clone())
            .profile_name(self.profile.unwrap_or("default"))
            .region(Region::new(self.region.to_owned()))
            .http_client(http.sdk())
            .timeout_config(Http::timeouts())
            .retry_config(RetryConfig::disabled());
        if self.region.is_empty() {
            loader = loader.region(Region::from_static("us-east-1"));
        }
        let resolving = async {
            let loaded = loader.load().await;
            let provider = loaded.credentials_provider().ok_or_else(|| "the SDK has no provider for it".to_owned())?;
            provider.provide_credentials().await.map_err(|error| chain_of(&error))
        };
        let found = tokio::time::timeout(CALL_TIMEOUT, Box::pin(resolving)).await;
        let found = found.map_err(|_| "timed out".to_owned())??;
        let expiration = found
            .expiry()
            .map(|end| WallTime::from_unix_seconds(0) + end.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO));
        Ok(SourceCredentials {
            keys: Keys {
                access_key_id: found.access_key_id().to_owned(),
                secret_access_key: Secret::new(found.secret_access_key()),
                session_token: found.session_token().map(Secret::new),
            },
            account_id: found.account_id().map(|account| account.as_str().to_owned()),
            expiration,
        })
    }
}
