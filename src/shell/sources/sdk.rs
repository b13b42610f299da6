//! The sources that the AWS SDK resolves for us: `aws login`, the container endpoint, IMDS. Each gets the SDK's chain with
//! an environment of ours that names this one source, and nothing that a shell exported.

use crate::engine::failure::{Fault, Layer, SourceFault};
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, SourceCredentials};
use crate::engine::time::WallTime;
use crate::shell::files::whole;
use crate::shell::http::{CALL_TIMEOUT, Http};
use crate::shell::own_writes::{Identity, OwnWrites};
use crate::shell::secret_json::SecretJson;
use crate::shell::sts::{chain_of, layer_of};
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::ProvideCredentials;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_types::retry::RetryConfig;
use aws_types::os_shim_internal::Env;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// A single source: all that the SDK may see.
struct Only<'a> {
    environment: HashMap<String, String>,
    /// All that stands in the AWS config.
    config: String,
    region: &'a str,
    /// For messages.
    name: &'a str,
}

const NO_METADATA: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");

fn environment<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> HashMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The console session of `aws login`, renewed by the SDK.
pub(super) struct Login<'a> {
    pub(super) profile: &'a str,
    pub(super) session: &'a str,
    pub(super) region: &'a str,
    pub(super) endpoint: Option<&'a str>,
    pub(super) home: Option<&'a Path>,
    pub(super) cache: Option<&'a str>,
    pub(super) own_writes: &'a OwnWrites,
}

impl Login<'_> {
    pub(super) async fn resolve(&self, http: &Http, now: WallTime) -> Result<SourceCredentials, Fault> {
        let file = self.cache_file();
        let before = look(file.as_deref()).await;
        let found = self.ask(http).await;
        // The SDK saves a session that it has renewed.
        let after = look(file.as_deref()).await;
        if let (Some(file), Some(after)) = (&file, after.filter(|_| after != before)) {
            self.own_writes.note(file, after);
        }
        match found {
            // The SDK gives up a session that lasts for a few minutes more when it cannot be renewed.
            Err(fault) => lasting(file.as_deref(), now).await.ok_or(fault),
            found => found,
        }
    }

    fn cache_file(&self) -> Option<PathBuf> {
        let folder = self.cache.map(PathBuf::from).or_else(|| Some(self.home?.join(".aws/login/cache")))?;
        let digest = Sha256::digest(self.session.trim().as_bytes());
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(folder.join(format!("{name}.json")))
    }

    async fn ask(&self, http: &Http) -> Result<SourceCredentials, Fault> {
        let home = self.home.and_then(|home| home.to_str()).map(|home| ("HOME", home));
        let cache = self.cache.map(|cache| ("AWS_LOGIN_CACHE_DIRECTORY", cache));
        let endpoint = self.endpoint.map_or_else(String::new, |url| format!("endpoint_url = {url}\n"));
        let only = Only {
            environment: environment([Some(NO_METADATA), home, cache].into_iter().flatten()),
            // This profile alone: a mistake in any other one would keep the SDK from reading it.
            config: format!("[default]\nlogin_session = {}\n{endpoint}", self.session),
            region: self.region,
            name: "aws login",
        };
        only.resolve(http).await.map_err(|chain| {
            let over = [
                "reauthenticate",
                "Login token is expired",
                "ValidationException",
                "failed to read",
                "missing field",
                "invalid JSON",
            ];
            if over.iter().any(|text| chain.contains(text)) {
                let what = format!("the console login of profile {:?}", self.profile);
                let login = Some(format!("aws login --profile {}", self.profile));
                return Fault::Source(SourceFault::Ended { what, login });
            }
            match only.fault(&chain) {
                // Nobody said that this sign-in is over, nor that it may not be renewed: an outage says nothing about it.
                Fault::Source(SourceFault::Config(detail))
                    if chain.contains("failed to refresh") && !chain.contains("insufficient permissions") =>
                {
                    Fault::Transport { layer: Layer::Other, detail }
                }
                fault => fault,
            }
        })
    }
}

/// The session in the cache, while it lasts.
async fn lasting(cache: Option<&Path>, now: WallTime) -> Option<SourceCredentials> {
    let bytes = whole::read_apart(cache?).await.ok()?;
    let cached = SecretJson::parse(&bytes)?;
    let text = |key: &str| cached.value().get("accessToken")?.get(key)?.as_str().filter(|text| !text.is_empty());
    let expiration = WallTime::parse(text("expiresAt")?).ok().filter(|end| *end > now)?;
    Some(SourceCredentials {
        keys: Keys {
            access_key_id: text("accessKeyId")?.to_owned(),
            secret_access_key: Secret::new(text("secretAccessKey")?),
            session_token: Some(Secret::new(text("sessionToken")?)),
        },
        account_id: text("accountId").map(str::to_owned),
        expiration: Some(expiration),
        login_ends: None,
    })
}

async fn look(file: Option<&Path>) -> Option<Identity> {
    tokio::fs::metadata(file?).await.ok().map(|metadata| Identity::of(&metadata))
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
        config: String::new(),
        region: "us-east-1",
        name: "the container endpoint",
    };
    only.resolve(http).await.map_err(|chain| only.fault(&chain))
}

/// The instance profile, by IMDSv2.
pub(super) async fn instance(http: &Http, endpoint: Option<&str>) -> Result<SourceCredentials, Fault> {
    let endpoint = endpoint.unwrap_or("http://169.254.169.254");
    let only = Only {
        environment: environment([("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint)]),
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
    fn fault(&self, chain: &str) -> Fault {
        let chain = without_dump(chain);
        let detail = format!("{}: {chain}", self.name);
        if status_in(chain).is_some_and(|status| status == 429 || status >= 500) {
            return Fault::Transport { layer: Layer::Other, detail };
        }
        match layer_of(chain) {
            Layer::Other => Fault::Source(SourceFault::Config(detail)),
            layer => Fault::Transport { layer, detail },
        }
    }

    /// The credentials, or the chain of causes on one line.
    async fn resolve(&self, http: &Http) -> Result<SourceCredentials, String> {
        let files = EnvConfigFiles::builder()
            .with_contents(EnvConfigFileKind::Config, self.config.as_str())
            .with_contents(EnvConfigFileKind::Credentials, "")
            .build();
        let region = if self.region.is_empty() { "us-east-1" } else { self.region };
        let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .env(Env::from(self.environment.clone()))
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
        })
    }
}
