//! Source credentials, resolved afresh each time: files that were edited and logins that were renewed count at once. It
//! follows the config and the AWS files only; what a shell exported never redirects it.

mod caches;
pub(crate) mod foresight;
mod login;
mod process;
mod sdk;
mod sso;

pub(crate) use login::cached as login_cached;
pub(crate) use process::missing_program;
pub use process::split_words;
pub(crate) use sdk::instance as instance_keys;
pub(crate) use sso::cached as sso_cached;

use crate::engine::aws_config::chain::{Base, Chain, Hop};
use crate::engine::aws_config::{AwsConfig, StaticKeys, static_keys};
use crate::engine::config::model::{CredentialSource, Source};
use crate::engine::failure::{Fault, SourceFault, asks_too_much};
use crate::engine::keeper::Reply;
use crate::engine::names::{ProfileName, SessionNameTemplate};
use crate::engine::place::{Place, home_region};
use crate::engine::reply::{accept_hop, are_plain};
use crate::engine::session::SourceCredentials;
use crate::engine::time::{Skew, WallTime};
use crate::shell::child::Seat;
use crate::shell::clock;
use crate::shell::environment::Environment;
use crate::shell::files::settle::{self, Patience};
use crate::shell::http::Http;
use crate::shell::own_writes::OwnWrites;
use crate::shell::panics::to_its_end;
use crate::shell::sts::{self, Failed, Identity, Sts};
use crate::shell::token_file;
use caches::Caches;
use rustix::io::Errno;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use zeroize::Zeroizing;

/// Which AWS files are read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AwsFiles {
    /// `~/.aws/config`.
    pub config: PathBuf,
    /// `~/.aws/credentials`.
    pub credentials: PathBuf,
    /// Below it are the caches of `aws sso login` and `aws login`.
    pub home: Option<PathBuf>,
}

/// What time it is when a source is resolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clocks {
    /// By our own clock, which those who sign in go by: their tools note the end of a sign-in by it.
    pub ours: WallTime,
    /// By that of STS, which the end of a session is told by.
    pub sts: WallTime,
}

impl Clocks {
    /// Now, with STS ahead by `skew`.
    pub fn now(skew: Skew) -> Self {
        let ours = clock::now();
        Self { ours, sts: ours + skew }
    }
}

/// Resolves sources. One for the life of the process; it keeps no credentials.
#[derive(Debug)]
pub struct Sources {
    http: Http,
    sts: Sts,
    files: AwsFiles,
    identity: Identity,
    environment: Arc<Environment>,
    caches: Caches,
    /// Where STS is called for the roles on the way, whatever the AWS config says.
    sts_at: Option<String>,
    /// Whether a person sits before the terminal that we were started on.
    attended: AtomicBool,
}

/// The two AWS files as they were at one moment; wiped on drop.
struct Texts {
    config: Zeroizing<String>,
    credentials: Zeroizing<String>,
}

impl Sources {
    /// `environment` is that of the process: for `credential_source = "Environment"` and `"EcsContainer"`, and for the
    /// children of `credential_process`.
    pub fn new(http: Http, sts: Sts, files: AwsFiles, identity: Identity, environment: Arc<Environment>) -> Self {
        let (caches, attended) = (Caches::default(), AtomicBool::new(false));
        Self { http, sts, files, identity, environment, caches, sts_at: None, attended }
    }

    /// The same as tools resolve sources whose environment sends the calls of STS to `endpoint`.
    #[must_use]
    pub fn with_sts_at(self, endpoint: Option<String>) -> Self {
        Self { sts_at: endpoint, ..self }
    }

    /// From now on a `credential_process` may use the terminal: tell what to touch, ask for a passphrase.
    pub fn share_the_terminal(&self) {
        self.attended.store(true, Ordering::Relaxed);
    }

    /// Resolves a source. `region` is where roles on the way are assumed that name none of their own.
    ///
    /// # Errors
    /// [`Fault::Source`] when a person is needed, everything else as it happened.
    pub async fn resolve(&self, source: &Source, region: &str, now: Clocks) -> Result<SourceCredentials, Fault> {
        let found = match source {
            Source::Profile(profile) => Box::pin(self.profile(profile, region, now)).await?,
            Source::Provider(provider) => Box::pin(self.provider(*provider)).await?,
            Source::Listed(profile) => {
                let what = format!("profile {:?} of the list is not looked up in the files", profile.as_str());
                return Err(Fault::Internal(what));
            }
            Source::WebIdentity(_) => {
                return Err(Fault::Internal("a web identity token signs nothing by itself".to_owned()));
            }
        };
        if !are_plain(&found.keys) {
            let what = "its keys hold characters that no AWS key has".to_owned();
            return Err(Fault::Source(SourceFault::Config(what)));
        }
        Ok(found)
    }

    async fn profile(&self, profile: &str, region: &str, now: Clocks) -> Result<SourceCredentials, Fault> {
        let texts = self.read().await?;
        let aws = AwsConfig::parse(&texts.config, &texts.credentials);
        let chain = Chain::of(&aws, profile).map_err(|fault| Fault::Source(self.with_the_files(fault)))?;
        let mut credentials = match &chain.base {
            Base::Static { profile } => self.static_keys(&texts, profile, now.sts)?,
            Base::Process { profile, command, account_id } => {
                let seat = if self.attended.load(Ordering::Relaxed) { Seat::Terminal } else { Seat::Apart };
                let home = self.files.home.as_deref();
                let found = process::run(seat, profile, command, self.for_a_child(), home, now.sts).await?;
                SourceCredentials { account_id: found.account_id.or_else(|| account_id.clone()), ..found }
            }
            Base::Sso(sso) => sso::resolve(&self.http, sso, self.files.home.as_deref(), &self.caches, now.ours).await?,
            Base::Login { profile, session, region: own, endpoint } => {
                let login = login::Login {
                    profile,
                    session,
                    region: own.as_deref().unwrap_or(region),
                    endpoint: endpoint.as_deref(),
                    home: self.files.home.as_deref(),
                    cache: self.environment.text("AWS_LOGIN_CACHE_DIRECTORY"),
                };
                login.resolve(&self.http, &self.caches, now.ours).await?
            }
            Base::Provider(provider) => self.provider(*provider).await?,
            Base::WebIdentity { hop, token_file } => {
                let token = token_file::read(token_file::WEB_IDENTITY, token_file, self.files.home.as_deref()).await;
                let token = token.map_err(|fault| of_token(fault, &hop.profile, token_file))?;
                let place = self.place_of(hop, region);
                let mut answer = self.sts.hop_from_token(self.asked(hop, &place), token.clone()).await;
                if let Some(less) = with_less(hop, &answer) {
                    answer = self.sts.hop_from_token(self.asked(&less, &place), token).await;
                }
                accepted(hop, answer, now.ours)?
            }
        };
        for hop in &chain.hops {
            let place = self.place_of(hop, region);
            let mut answer = self.sts.hop(self.asked(hop, &place), &credentials).await;
            if let Some(less) = with_less(hop, &answer) {
                answer = self.sts.hop(self.asked(&less, &place), &credentials).await;
            }
            credentials = SourceCredentials { login_ends: credentials.login_ends, ..accepted(hop, answer, now.ours)? };
        }
        Ok(credentials)
    }

    async fn provider(&self, provider: CredentialSource) -> Result<SourceCredentials, Fault> {
        match provider {
            CredentialSource::Environment => self.exported(),
            CredentialSource::EcsContainer => sdk::container(&self.http, |name| self.environment.text(name)).await,
            CredentialSource::Ec2InstanceMetadata => {
                let texts = self.read().await?;
                let aws = AwsConfig::parse(&texts.config, &texts.credentials);
                let default = aws.profiles.get("default");
                let endpoint = default.and_then(|section| section.get("ec2_metadata_service_endpoint"));
                sdk::instance(&self.http, endpoint.map(String::as_str)).await
            }
        }
    }

    fn exported(&self) -> Result<SourceCredentials, Fault> {
        self.environment.source_credentials().ok_or_else(foresight::nothing_exported)
    }

    fn static_keys(&self, texts: &Texts, profile: &str, now: WallTime) -> Result<SourceCredentials, Fault> {
        match static_keys(&texts.config, &texts.credentials, profile) {
            StaticKeys::Whole(found) => match found.expiration {
                Some(end) if end <= now => {
                    let what = format!("the session in profile {profile:?} (until {end})");
                    Err(Fault::Source(SourceFault::Ended { what, login: None }))
                }
                _ => Ok(found),
            },
            StaticKeys::Half(missing) => {
                let text = format!("profile {profile:?} has no {missing} in {}", self.files.credentials.display());
                Err(Fault::Source(SourceFault::Missing(text)))
            }
            StaticKeys::None => {
                let text = format!("profile {profile:?} has no keys in {}", self.files.credentials.display());
                Err(Fault::Source(SourceFault::Missing(text)))
            }
        }
    }

    async fn read(&self) -> Result<Texts, Fault> {
        Ok(Texts { config: text_of(&self.files.config).await?, credentials: text_of(&self.files.credentials).await? })
    }

    fn with_the_files(&self, fault: SourceFault) -> SourceFault {
        match fault {
            SourceFault::Missing(text) => {
                let (config, credentials) = (self.files.config.display(), self.files.credentials.display());
                SourceFault::Missing(format!("{text} (looked into {config} and {credentials})"))
            }
            other => other,
        }
    }

    fn asked<'a>(&self, hop: &'a Hop, place: &'a Place) -> sts::Hop<'a> {
        sts::Hop {
            profile: &hop.profile,
            place,
            role_arn: hop.role_arn.as_str(),
            external_id: hop.external_id.as_deref(),
            session_name: hop.session_name.clone().unwrap_or_else(|| self.session_name()),
            duration: hop.duration,
        }
    }

    fn place_of(&self, hop: &Hop, region: &str) -> Place {
        let named = hop.region.as_deref().or(Some(region)).filter(|region| !region.is_empty());
        let region = named.unwrap_or(home_region(hop.role_arn.partition())).to_owned();
        Place { region, endpoint: self.sts_at.as_ref().or(hop.endpoint.as_ref()).cloned() }
    }

    fn session_name(&self) -> String {
        let names =
            SessionNameTemplate::parse(SessionNameTemplate::DEFAULT).ok().zip(ProfileName::parse("source").ok());
        names.map_or_else(
            || "evertoken".to_owned(),
            |(template, profile)| template.render(&self.identity.user, &self.identity.host, &profile),
        )
    }

    /// The files that are ours among those in the caches of sign-ins.
    pub fn own_writes(&self) -> &OwnWrites {
        &self.caches.own_writes
    }

    /// The environment of a child that asks AWS: see [`Environment::for_a_child`].
    pub fn for_a_child(&self) -> Vec<(OsString, OsString)> {
        self.environment.for_a_child(&self.files.config, &self.files.credentials)
    }
}

/// What is missing is the token, and not keys of the profile.
pub(super) fn of_token(fault: Fault, profile: &str, path: &str) -> Fault {
    match fault {
        Fault::Source(SourceFault::Missing(text)) => {
            Fault::Source(SourceFault::NoToken { profile: profile.to_owned(), path: path.to_owned(), text })
        }
        other => other,
    }
}

/// The same role for an hour, which every role allows, when STS calls its `duration_seconds` too long.
fn with_less(hop: &Hop, answer: &Result<Reply, Failed>) -> Option<Hop> {
    let too_long = answer.as_ref().is_err_and(|failed| asks_too_much(&failed.fault));
    hop.duration.filter(|_| too_long)?;
    tracing::info!(profile = hop.profile, "duration_seconds in the AWS config is too long for STS; asking for an hour");
    Some(Hop { duration: None, ..hop.clone() })
}

fn accepted(hop: &Hop, answer: Result<Reply, Failed>, now: WallTime) -> Result<SourceCredentials, Fault> {
    let reply = answer.map_err(|failed| failed.fault)?;
    accept_hop(&reply, &hop.role_arn, now + reply.skew.unwrap_or(Skew::from_millis(0)))
}

/// The fault of a file that cannot be read. Only what a person has to mend is told as such; a file that does not stand still,
/// a disk that stumbles and a process without a handle to spare pass by themselves.
fn unreadable(path: &Path, error: &io::Error) -> Fault {
    use io::ErrorKind::{FileTooLarge, InvalidFilename, InvalidInput, IsADirectory, NotADirectory, PermissionDenied};
    let is_for_a_person = matches!(
        error.kind(),
        PermissionDenied | IsADirectory | NotADirectory | InvalidInput | InvalidFilename | FileTooLarge
    ) || matches!(Errno::from_io_error(error), Some(Errno::LOOP | Errno::NXIO));
    let (path, why) = (path.display().to_string(), error.to_string());
    Fault::Source(if is_for_a_person {
        SourceFault::Unreadable { path, why }
    } else {
        SourceFault::Unsettled { path, why }
    })
}

/// A file that is not there is empty: either of the two may be missing.
async fn text_of(path: &Path) -> Result<Zeroizing<String>, Fault> {
    let config = |what: String| Fault::Source(SourceFault::Config(what));
    let owned = path.to_owned();
    let read = to_its_end(move || settle::read_theirs(&owned, Patience::default())).await;
    let bytes = read.map_err(Fault::from)?.map_err(|error| unreadable(path, &error))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = 1 + bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
        config(format!("{} is not UTF-8 text at line {line}", path.display()))
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests;
