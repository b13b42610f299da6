//! What is known of a source without asking anybody: that nobody has signed in, that a program is not there, that nothing
//! is exported. Starts no program, renews no sign-in and writes nothing; what only AWS knows is taken to be well.

use super::{login, of_token, process, sdk, sso};
use crate::engine::aws_config::chain::Base;
use crate::engine::config::model::CredentialSource;
use crate::engine::failure::{Fault, SourceFault};
use crate::engine::time::WallTime;
use crate::shell::environment::Environment;
use crate::shell::token_file;

/// What is known of a sign-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cached {
    /// When its token ends.
    pub(crate) ends: Option<WallTime>,
    /// Whether it can be renewed without a person.
    pub(crate) renewable: bool,
}

impl Cached {
    /// Whether a person has to sign in again.
    fn is_over(self, now: WallTime) -> bool {
        !self.renewable && self.ends.is_none_or(|end| end <= now)
    }
}

/// Why the base of a chain will give nothing at `now`, by our own clock.
pub(crate) async fn fault(base: &Base, environment: &Environment, now: WallTime) -> Option<Fault> {
    let home = environment.home();
    match base {
        Base::Sso(profile) => match sso::cached(profile, home, now).await {
            Ok(cached) => cached.is_none_or(|cached| cached.is_over(now)).then(|| sso::ended(profile)),
            Err(fault) => Some(fault),
        },
        Base::Login { profile, session, .. } => {
            let cache = environment.text("AWS_LOGIN_CACHE_DIRECTORY");
            match login::cached(session, cache, home, now).await {
                Ok(cached) => cached.is_none_or(|cached| cached.is_over(now)).then(|| login::over(profile)),
                Err(fault) => Some(fault),
            }
        }
        Base::Process { profile, command, .. } => {
            let program = process::missing_program(command, environment)?;
            Some(process::failed(profile, &format!("the program {program} is not there, or cannot be run")))
        }
        Base::WebIdentity { hop, token_file } => {
            let read = token_file::read(token_file::WEB_IDENTITY, token_file, home).await;
            read.err().map(|fault| of_token(fault, &hop.profile, token_file))
        }
        Base::Provider(provider) => of_provider(*provider, environment),
        // They stand in the file, which is read by whoever asks.
        Base::Static { .. } => None,
    }
}

/// The same of a `credential_source`.
pub(crate) fn of_provider(provider: CredentialSource, environment: &Environment) -> Option<Fault> {
    let is_set = |name: &&str| environment.text(name).is_some();
    match provider {
        CredentialSource::Environment => environment.source_credentials().is_none().then(nothing_exported),
        CredentialSource::EcsContainer => (!sdk::CONTAINER_URIS.iter().any(is_set)).then(sdk::no_container),
        CredentialSource::Ec2InstanceMetadata => None,
    }
}

pub(super) fn nothing_exported() -> Fault {
    let what = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set in the environment of evertoken";
    Fault::Source(SourceFault::Missing(what.to_owned()))
}
