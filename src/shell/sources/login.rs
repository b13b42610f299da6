//! The console session of `aws login`: its keys as they stand in the cache, renewed by the SDK while they can be. The SDK
//! works on a copy in memory and never on the file, which it would write over whatever a person has signed in to
//! meanwhile, and where nobody could tell its work from theirs.

use super::caches::{self, Caches};
use super::foresight::Cached;
use super::sdk::{NO_METADATA, Only, environment};
use super::sso::RENEW_BEFORE;
use crate::engine::failure::{Fault, Layer, SourceFault};
use crate::engine::invocation::quoted;
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, SourceCredentials};
use crate::engine::time::WallTime;
use crate::shell::http::Http;
use crate::shell::secret_json::SecretJson;
use aws_types::os_shim_internal::Fs;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// The folder of the only file that the SDK sees.
const FOLDER: &str = "/cache";

/// How long a console session lasts at most, however often its keys are renewed (AWS Sign-In, `aws login`).
const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// Looks into the cache; `None` when nobody has signed in there. `folder` is `AWS_LOGIN_CACHE_DIRECTORY`.
///
/// # Errors
/// When it cannot be read.
pub(crate) async fn cached(
    session: &str,
    folder: Option<&str>,
    home: Option<&Path>,
    now: WallTime,
) -> Result<Option<Cached>, Fault> {
    let saved = Saved::load(&cache_folder(folder, home)?.join(file_name(session))).await?;
    Ok(saved.map(|saved| {
        let ends = saved.ends();
        let renewable = saved.0.text("refreshToken").is_some() && ends.is_some_and(|end| end + LONGEST > now);
        Cached { ends, renewable }
    }))
}

pub(super) fn over(profile: &str) -> Fault {
    let what = format!("the console login of profile {profile:?}");
    Fault::Source(SourceFault::Ended { what, login: Some(format!("aws login --profile {}", quoted(profile))) })
}

fn cache_folder(folder: Option<&str>, home: Option<&Path>) -> Result<PathBuf, Fault> {
    let no_home = || {
        let what = "there is no home folder to look for the console login in".to_owned();
        Fault::Source(SourceFault::Config(what))
    };
    let of_home = || home.map(|home| home.join(".aws/login/cache"));
    folder.map(PathBuf::from).or_else(of_home).ok_or_else(no_home)
}

fn file_name(session: &str) -> String {
    let digest = Sha256::digest(session.trim().as_bytes());
    let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name}.json")
}

/// A console session.
pub(super) struct Login<'a> {
    pub(super) profile: &'a str,
    pub(super) session: &'a str,
    pub(super) region: &'a str,
    pub(super) endpoint: Option<&'a str>,
    pub(super) home: Option<&'a Path>,
    /// `AWS_LOGIN_CACHE_DIRECTORY`.
    pub(super) cache: Option<&'a str>,
}

impl Login<'_> {
    pub(super) async fn resolve(
        &self,
        http: &Http,
        caches: &Caches,
        now: WallTime,
    ) -> Result<SourceCredentials, Fault> {
        let cache = cache_folder(self.cache, self.home)?.join(file_name(self.session));
        let saved = Saved::load(&cache).await?.ok_or_else(|| self.over())?;
        if let Some(found) = saved.credentials_beyond(now + RENEW_BEFORE) {
            return Ok(found);
        }
        let mut turn = caches.turn(&cache).await?;
        let saved = Saved::load(&cache).await?.ok_or_else(|| self.over())?;
        if let Some(found) = saved.credentials_beyond(now + RENEW_BEFORE) {
            return Ok(found);
        }
        let renewed = match turn.failed_meanwhile() {
            Some(fault) => Err(fault),
            None => {
                let renewed = self.renew(http, &saved).await;
                turn.tell(&renewed);
                renewed
            }
        };
        match renewed {
            Ok((found, None)) => Ok(found),
            Ok((found, Some(renewed))) => {
                // Whoever signed in or out while we asked meant it: that is not written over.
                let is_same = move |found: &[u8]| {
                    SecretJson::parse(found).and_then(Saved::of).is_some_and(|found| found.is_same(&saved))
                };
                if turn.save(renewed.0.to_bytes(), is_same, &caches.own_writes).await {
                    return Ok(found);
                }
                Ok(Saved::load(&cache)
                    .await
                    .ok()
                    .flatten()
                    .and_then(|theirs| theirs.credentials_beyond(now))
                    .unwrap_or(found))
            }
            // What cannot be renewed may last for a few minutes more, or somebody else has renewed it meanwhile.
            Err(fault) => {
                Saved::load(&cache).await.ok().flatten().and_then(|still| still.credentials_beyond(now)).ok_or(fault)
            }
        }
    }

    fn over(&self) -> Fault {
        over(self.profile)
    }

    /// The keys, and what is to be saved of them.
    async fn renew(&self, http: &Http, saved: &Saved) -> Result<(SourceCredentials, Option<Saved>), Fault> {
        let file = format!("{FOLDER}/{}", file_name(self.session));
        // The SDK keeps this copy until it is done, and does not wipe it.
        let memory = Fs::from_raw_map(HashMap::from([(OsString::from(&file), saved.0.to_bytes().to_vec())]));
        let found = self.ask(http, memory.clone()).await?;
        let bytes = memory.read_to_end(&file).await.map(Zeroizing::new).unwrap_or_default();
        Ok((found, SecretJson::parse(&bytes).map(|renewed| Saved(saved.0.overlaid_with(&renewed)))))
    }

    async fn ask(&self, http: &Http, memory: Fs) -> Result<SourceCredentials, Fault> {
        let endpoint = self.endpoint.map_or_else(String::new, |url| format!("endpoint_url = {url}\n"));
        let only = Only {
            environment: environment([NO_METADATA, ("AWS_LOGIN_CACHE_DIRECTORY", FOLDER)]),
            files: memory,
            // This profile alone: a mistake in any other one would keep the SDK from reading it.
            config: format!("[default]\nlogin_session = {}\n{endpoint}", self.session),
            region: self.region,
            name: "aws login",
        };
        only.resolve(http).await.map_err(|chain| {
            let over =
                ["reauthenticate", "Login token is expired", "ValidationException", "missing field", "invalid JSON"];
            if over.iter().any(|text| chain.contains(text)) {
                return self.over();
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

/// A sign-in as it stands in the cache. The whole of it is kept, so that keys which only other tools know survive.
struct Saved(SecretJson);

impl Saved {
    /// `None` when there is none.
    async fn load(cache: &Path) -> Result<Option<Self>, Fault> {
        Ok(caches::read(cache).await?.and_then(Self::of))
    }

    fn of(json: SecretJson) -> Option<Self> {
        json.value().is_object().then_some(Self(json))
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.0.value().get("accessToken")?.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// Whether both are of the same sign-in and renewal.
    fn is_same(&self, other: &Self) -> bool {
        self.text("accessKeyId") == other.text("accessKeyId")
            && self.0.text("refreshToken") == other.0.text("refreshToken")
    }

    fn ends(&self) -> Option<WallTime> {
        WallTime::parse(self.text("expiresAt")?).ok()
    }

    /// The keys, if they last beyond `time`.
    fn credentials_beyond(&self, time: WallTime) -> Option<SourceCredentials> {
        let expiration = self.ends().filter(|end| *end > time)?;
        Some(SourceCredentials {
            keys: Keys {
                access_key_id: self.text("accessKeyId")?.to_owned(),
                secret_access_key: Secret::new(self.text("secretAccessKey")?),
                session_token: Some(Secret::new(self.text("sessionToken")?)),
            },
            account_id: self.text("accountId").map(str::to_owned),
            expiration: Some(expiration),
            login_ends: None,
            skew: None,
        })
    }
}
