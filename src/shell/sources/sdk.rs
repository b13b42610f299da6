//! The sources that the AWS SDK resolves for us: `aws login`, the container endpoint, IMDS. Each gets the SDK's chain with
//! an environment and files of ours that name this one source, and nothing that a shell exported.

use crate::engine::failure::{Fault, Layer, SourceFault};
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, SourceCredentials};
use crate::engine::time::WallTime;
use crate::shell::http::{CALL_TIMEOUT, Http, TOO_LONG};
use crate::shell::sts::{chain_of, layer_of};
use crate::shell::token_file;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::ProvideCredentials;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_types::retry::RetryConfig;
use aws_types::os_shim_internal::{Env, Fs};
use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};

/// A single source: all that the SDK may see.
pub(super) struct Only<'a> {
    pub(super) environment: HashMap<String, String>,
    /// All files that there are.
    pub(super) files: Fs,
    /// All that stands in the AWS config.
    pub(super) config: String,
    pub(super) region: &'a str,
    /// For messages.
    pub(super) name: &'a str,
}

pub(super) const NO_METADATA: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");

pub(super) fn environment<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> HashMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn no_files() -> Fs {
    Fs::from_raw_map(HashMap::new())
}

/// The variables by which ECS and EKS name the endpoint of a container.
pub(super) const CONTAINER_URIS: [&str; 2] =
    ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];

pub(super) fn no_container() -> Fault {
    let what = "this is no container of ECS or EKS: AWS_CONTAINER_CREDENTIALS_… is not in the environment of evertoken";
    Fault::Source(SourceFault::Missing(what.to_owned()))
}

/// The endpoint that ECS and EKS name in the environment of a container.
pub(super) async fn container<'a>(
    http: &Http,
    look_up: impl Fn(&str) -> Option<&'a str>,
) -> Result<SourceCredentials, Fault> {
    let names = CONTAINER_URIS.into_iter().chain(["AWS_CONTAINER_AUTHORIZATION_TOKEN"]);
    let found: Vec<(&str, &str)> = names.filter_map(|name| look_up(name).map(|value| (name, value))).collect();
    if !found.iter().any(|(name, _)| name.ends_with("_URI")) {
        return Err(no_container());
    }
    let mut environment = environment(found.into_iter().chain([NO_METADATA]));
    if let Some(path) = look_up("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        // Goes before the other, as in the SDKs.
        let token = token_file::read(token_file::CONTAINER, path, None).await?;
        environment.insert("AWS_CONTAINER_AUTHORIZATION_TOKEN".to_owned(), token.expose().to_owned());
    }
    let only = Only {
        environment,
        files: no_files(),
        config: String::new(),
        region: "us-east-1",
        name: "the container endpoint",
    };
    only.resolve(http).await.map_err(|chain| only.fault(&chain))
}

/// The instance profile, by IMDSv2.
pub(crate) async fn instance(http: &Http, endpoint: Option<&str>) -> Result<SourceCredentials, Fault> {
    let endpoint = endpoint.unwrap_or("http://169.254.169.254");
    let only = Only {
        environment: environment([("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint)]),
        files: no_files(),
        config: String::new(),
        region: "us-east-1",
        name: "the instance metadata service",
    };
    only.resolve(http).await.map_err(|chain| match only.fault(&chain) {
        Fault::Source(_) => {
            let what = format!("{} ({endpoint}) gave no credentials: has this machine an instance profile?", only.name);
            Fault::Source(SourceFault::Missing(what))
        }
        other => other,
    })
}

/// The SDK's error of IMDS shows the whole answer, which may hold keys.
fn without_dump(chain: &str) -> &str {
    chain.split_once(". Response {").map_or(chain, |(told, _)| told)
}

/// The HTTP status that an error of the SDK names: `StatusCode(503)`, `(code: 503)`.
fn status_in(chain: &str) -> Option<u16> {
    let rest = ["StatusCode(", "(code: "].iter().find_map(|start| Some(chain.split_once(start)?.1))?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

impl Only<'_> {
    /// What a chain of causes tells: an outage where it names a layer of the network, or a status that passes.
    pub(super) fn fault(&self, chain: &str) -> Fault {
        let chain = without_dump(chain);
        let detail = format!("{}: {chain}", self.name);
        if status_in(chain).is_some_and(|status| status == 429 || status >= 500) || chain.contains(TOO_LONG) {
            return Fault::Transport { layer: Layer::Other, detail };
        }
        match layer_of(chain) {
            Layer::Other => Fault::Source(SourceFault::Config(detail)),
            layer => Fault::Transport { layer, detail },
        }
    }

    /// The credentials, or the chain of causes on one line.
    pub(super) async fn resolve(&self, http: &Http) -> Result<SourceCredentials, String> {
        let files = EnvConfigFiles::builder()
            .with_contents(EnvConfigFileKind::Config, self.config.as_str())
            .with_contents(EnvConfigFileKind::Credentials, "")
            .build();
        let region = if self.region.is_empty() { "us-east-1" } else { self.region };
        let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .env(Env::from(self.environment.clone()))
            .fs(self.files.clone())
            .profile_files(files)
            .profile_name("default")
            .region(Region::new(region.to_owned()))
            .http_client(http.sdk())
            .timeout_config(Http::timeouts())
            .retry_config(RetryConfig::disabled());
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
            login_ends: None,
            skew: None,
        })
    }
}

#[cfg(test)]
mod tests;
