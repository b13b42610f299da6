//! STS asked as the tools of this shell would ask it: with their files, proxy, CA bundle, region and endpoint. Bounded in
//! time, and never tries again.

use super::{Keys, instance};
use crate::engine::aws_config::StaticKeys;
use crate::engine::config::model::{CredentialSource, Source};
use crate::engine::doctor::picture::{Answer, Picture};
use crate::engine::doctor::{ToAsk, to_ask};
use crate::engine::failure::{Class, Context, Failure, Fault, ServiceError, SourceFault, Stage, classify, plain};
use crate::engine::place::Place;
use crate::engine::session::SourceCredentials;
use crate::engine::time::Skew;
use crate::shell::environment::Environment;
use crate::shell::http::{Http, HttpError, HttpSettings};
use crate::shell::known_skew::recall;
use crate::shell::places::Places;
use crate::shell::sources::{AwsFiles, Clocks, Sources, instance_keys};
use crate::shell::sts::{Identity, Sts};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long one question may take, whatever hangs.
const PATIENCE: Duration = Duration::from_secs(6);

/// What asks.
pub(super) struct Tools {
    http: Http,
    sts: Sts,
    sources: Sources,
    /// The metadata service of an instance.
    metadata: String,
    place: Place,
    /// How far STS is ahead, as far as evertoken has learned.
    skew: Skew,
}

impl Tools {
    /// `endpoint` is where the tools would call STS, where that is not AWS.
    pub(super) fn new(
        environment: &Arc<Environment>,
        places: &Places,
        picture: &Picture,
        endpoint: Option<String>,
    ) -> Result<Self, HttpError> {
        let section = picture.aws.profiles.get(picture.profile());
        let of_profile = |key: &str| section.and_then(|section| section.get(key)).filter(|value| !value.is_empty());
        let bundle = environment.ca_bundle().or(of_profile("ca_bundle").map(String::as_str));
        let bundle = bundle.and_then(|path| environment.expand_home(path));
        let http = Http::new(&HttpSettings::new(None, bundle, environment))?;
        let home = environment.home().map(Path::to_owned);
        let sts = Sts::new(&http, env!("CARGO_PKG_VERSION"), home.clone());
        let identity = Identity { user: environment.user(), host: environment.host().to_owned() };
        let files =
            AwsFiles { config: places.aws_config().to_owned(), credentials: places.credentials().to_owned(), home };
        let sources = Sources::new(http.clone(), sts.clone(), files, identity, Arc::clone(environment));
        let sources = sources.with_sts_at(endpoint.clone());
        let region = environment.text("AWS_REGION").or_else(|| environment.text("AWS_DEFAULT_REGION"));
        let region = region.or(of_profile("region").map(String::as_str)).unwrap_or("us-east-1").to_owned();
        let metadata = instance::endpoint(environment, &picture.aws);
        let skew = recall(places).skew;
        Ok(Self { http, sts, sources, metadata, place: Place { region, endpoint }, skew })
    }

    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    /// What STS says to the credentials that the AWS CLI picks for the profile.
    pub(super) async fn ask(&self, picture: &Picture, keys: &Keys) -> Answer {
        let source = match to_ask(picture) {
            ToAsk::Nothing => return Answer::NotAsked,
            ToAsk::KeysInCredentials => return self.whoami_with(&keys.in_credentials).await,
            ToAsk::KeysInConfig => return self.whoami_with(&keys.in_config).await,
            ToAsk::Profile => Source::Profile(picture.profile().to_owned()),
            ToAsk::Provider(provider) => Source::Provider(provider),
        };
        let resolving = async {
            match source {
                // Unlike evertoken itself, the tools follow the variable that names the service.
                Source::Provider(CredentialSource::Ec2InstanceMetadata) => {
                    instance_keys(&self.http, Some(&self.metadata)).await
                }
                _ => self.sources.resolve(&source, &self.place.region, Clocks::now(self.skew)).await,
            }
        };
        match tokio::time::timeout(PATIENCE, Box::pin(resolving)).await {
            Ok(Ok(found)) => self.whoami(&found).await,
            Ok(Err(fault)) => {
                let login = match &fault {
                    Fault::Source(SourceFault::Ended { login, .. }) => login.clone(),
                    _ => None,
                };
                Answer::Unresolved { message: self.classified(&fault, source, Stage::Resolve).message, login }
            }
            Err(_) => Answer::Unresolved { message: format!("no answer within {} s", PATIENCE.as_secs()), login: None },
        }
    }

    /// What STS says to exported keys.
    pub(super) async fn ask_for_exported(&self, environment: &Environment) -> Answer {
        match environment.source_credentials() {
            Some(found) => self.whoami(&found).await,
            None => Answer::NotAsked,
        }
    }

    async fn whoami_with(&self, keys: &StaticKeys) -> Answer {
        match keys {
            StaticKeys::Whole(found) => self.whoami(found).await,
            StaticKeys::Half(_) | StaticKeys::None => Answer::NotAsked,
        }
    }

    async fn whoami(&self, credentials: &SourceCredentials) -> Answer {
        let asking = Box::pin(self.sts.whoami(credentials, &self.place));
        match tokio::time::timeout(PATIENCE, asking).await {
            Ok(Ok(caller)) => {
                Answer::Accepted { account: plain(&caller.account), arn: plain(&caller.arn), skew: caller.skew }
            }
            Ok(Err(failed)) => {
                let failure = self.classified(&failed.fault, Source::Profile(String::new()), Stage::AssumeRole);
                match failed.fault {
                    // Whoever is asked to wait was neither accepted nor refused.
                    Fault::Service(ServiceError { code: Some(code), message, .. }) if failure.class != Class::Busy => {
                        let message = plain(&message.unwrap_or_default());
                        Answer::Refused { code: plain(&code), message, skew: failed.skew }
                    }
                    _ => Answer::Unreached { message: failure.message },
                }
            }
            Err(_) => Answer::Unreached { message: format!("no answer within {} s", PATIENCE.as_secs()) },
        }
    }

    /// A fault by its class, and in a person's words.
    fn classified(&self, fault: &Fault, source: Source, stage: Stage) -> Failure {
        let context = Context {
            profile: source.to_string(),
            role_arn: None,
            source,
            stage,
            place: self.place.clone(),
            is_proxied: self.http.is_proxied(&self.place.url()),
            has_mfa: false,
            has_external_id: false,
        };
        classify(fault, &context)
    }
}
