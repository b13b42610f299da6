//! Everything that `doctor` looks at, gathered at one moment: plain values, without a secret among them. Judges nothing.

use crate::engine::aws_config::AwsConfig;
use crate::engine::config::Config;
use crate::engine::config::model::Entry;
use crate::engine::status::Profile;
use crate::engine::time::{Skew, WallTime};
use std::collections::BTreeMap;
use std::sync::Arc;

pub use super::facts::{
    Answer, Container, Copier, Endpoint, FileFacts, FileState, Instance, KeyFacts, Named, Nameless, Platform, SignIn,
    TokenFile, Unusable,
};
pub use super::own::{Difference, Keeping, OwnConfig};

/// Everything at one moment.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Our own time.
    pub now: WallTime,
    /// Whether nobody was asked over the network.
    pub offline: bool,
    /// Which profile is examined, and who selected it.
    pub selected: Selected,
    /// What the shell exports.
    pub exported: Exported,
    /// `~/.aws/config`, as the tools here find it.
    pub config_file: FileFacts,
    /// `~/.aws/credentials`, as the tools here find it.
    pub credentials_file: FileFacts,
    /// What stands in the AWS config.
    pub config: AwsConfig,
    /// What stands in the credentials file.
    pub credentials: AwsConfig,
    /// Both, merged as the SDKs do.
    pub aws: AwsConfig,
    /// The keys of the profile in the AWS config.
    pub keys_in_config: KeyFacts,
    /// The keys of the profile in the credentials file.
    pub keys_in_credentials: KeyFacts,
    /// What STS says to the credentials of the profile.
    pub answer: Answer,
    /// The endpoint that tools would call, where it is not the one of AWS.
    pub endpoint: Option<Endpoint>,
    /// The proxy or the CA bundle of this shell, where it cannot be used.
    pub unusable: Option<Unusable>,
    /// Sign-ins by their cache name.
    pub sign_ins: BTreeMap<String, SignIn>,
    /// Web identity token files by their path as written.
    pub tokens: BTreeMap<String, TokenFile>,
    /// The program of the `credential_process` behind the profile, where it is not there or cannot be run.
    pub missing_program: Option<String>,
    /// Where this runs.
    pub platform: Platform,
    /// evertoken itself.
    pub keeping: Keeping,
}

/// Which profile, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selected {
    /// Its name.
    pub name: String,
    /// Who selected it.
    pub by: By,
}

/// Who selected the profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// The command line: as `--profile` of a tool.
    Argument,
    /// This variable.
    Variable(&'static str),
    /// Nobody: `default`.
    Nobody,
}

/// What a shell exports that leads to credentials.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Exported {
    /// The keys.
    pub keys: KeyFacts,
    /// What STS says to them.
    pub answer: Answer,
    /// `AWS_PROFILE`.
    pub profile: Option<String>,
    /// `AWS_DEFAULT_PROFILE`.
    pub default_profile: Option<String>,
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`, with `AWS_ROLE_ARN`.
    pub web_identity: Option<String>,
    /// The variables that name a profile or a file, and are set to what names none.
    pub nameless: Vec<(&'static str, Nameless)>,
}

impl Picture {
    /// Now, in the time of STS: as its answer tells it, else as the daemon has learned it.
    pub fn at_sts(&self) -> WallTime {
        self.now + self.skew()
    }

    /// How far STS is ahead.
    pub fn skew(&self) -> Skew {
        let told = self.answer.skew().or(self.exported.answer.skew());
        let recorded = || self.keeping.status.as_ref().map_or(0, |status| status.clock_skew_seconds);
        told.unwrap_or_else(|| Skew::from_millis(recorded().saturating_mul(1000)))
    }

    /// The profile's name.
    pub fn profile(&self) -> &str {
        &self.selected.name
    }

    /// evertoken's entry for the profile.
    pub fn entry(&self) -> Option<&Arc<Entry>> {
        self.own_config()?.entry(self.profile())
    }

    /// evertoken's config, where it can be used.
    pub fn own_config(&self) -> Option<&Config> {
        match &self.keeping.config {
            OwnConfig::Read(config) => Some(config),
            OwnConfig::Missing | OwnConfig::Wrong(_) | OwnConfig::Unusable(_) => None,
        }
    }

    /// The credentials file that evertoken keeps the profile in, where the tools here read another one.
    pub fn kept_elsewhere(&self) -> Option<&str> {
        let keeping = &self.keeping;
        keeping.other_file.as_deref().or(keeping.other_daemons.first().map(String::as_str))
    }

    /// How evertoken's status has a profile.
    pub fn standing(&self, profile: &str) -> Option<&Profile> {
        self.keeping.status.as_ref()?.profiles.iter().find(|found| found.profile == profile)
    }
}
