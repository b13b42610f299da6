//! The validated config: what the rest of the program works with. Whoever holds one need not check it again.

use crate::engine::names::{ProfileName, RoleArn, SessionNameTemplate};
use crate::engine::session::SettingsDigest;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A config without mistakes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// `credentials_file` as written (a leading `~/` is the shell's to expand).
    pub credentials_file: Option<String>,
    /// `aws_config_file` as written.
    pub aws_config_file: Option<String>,
    /// The widest mode that the credentials file may keep; 0600 unless said.
    pub file_mode: u32,
    /// Roles, published sources and MFA sessions, parents before those that are chained to them.
    pub entries: Vec<Arc<Entry>>,
    /// `[network]`.
    pub network: Network,
    /// `[hooks]`.
    pub hooks: Hooks,
}

/// One `[[role]]` or `[[mfa_session]]`, with the defaults merged in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The section to keep fresh.
    pub profile: ProfileName,
    /// What is asked of STS.
    pub operation: Operation,
    /// What signs the request.
    pub source: Source,
    /// The duration to ask for.
    pub duration: Duration,
    /// The life that whoever reads the file shall find; half of the granted life unless said.
    pub min_ttl: Option<Duration>,
    /// Written into the section when the user has none.
    pub region: Option<String>,
    /// Where STS is called; `region` unless said.
    pub sts_region: Option<String>,
    /// The URL to call instead of the one that AWS documents for the region.
    pub sts_endpoint: Option<String>,
    /// The file that it goes to.
    pub store: StoreKind,
    /// Whether a section that evertoken did not write may be taken over.
    pub adopt: bool,
    /// The second factor.
    pub mfa: Option<Mfa>,
    /// Of these settings and those of all its parents.
    pub digest: SettingsDigest,
}

/// What is asked of STS for an entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// AssumeRole, or AssumeRoleWithWebIdentity when the source is a token file.
    AssumeRole(Box<RoleRequest>),
    /// GetSessionToken (`[[mfa_session]]`).
    GetSessionToken,
    /// Nothing: publish what the source resolves to.
    Publish,
}

/// The parameters of AssumeRole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoleRequest {
    /// RoleArn.
    pub role_arn: RoleArn,
    /// RoleSessionName, with its placeholders.
    pub session_name: SessionNameTemplate,
    /// ExternalId.
    pub external_id: Option<String>,
    /// Policy, inline JSON.
    pub policy: Option<String>,
    /// PolicyArns.
    pub policy_arns: Vec<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// TransitiveTagKeys.
    pub transitive_tags: Vec<String>,
    /// SourceIdentity.
    pub source_identity: Option<String>,
}

/// Where the keys come from that sign the request for an entry.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Source {
    /// Another entry of the list, from memory.
    Listed(ProfileName),
    /// A profile of the AWS config or credentials file.
    Profile(String),
    /// A file with a web identity token, as written.
    WebIdentity(String),
    /// `credential_source`.
    Provider(CredentialSource),
}

impl fmt::Display for Source {
    /// As the config names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Listed(profile) => profile.as_str(),
            Self::Profile(name) => name,
            Self::WebIdentity(path) => path,
            Self::Provider(provider) => provider.as_str(),
        })
    }
}

/// `credential_source`, as the AWS config spells it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CredentialSource {
    /// `AWS_ACCESS_KEY_ID` and its companions in the daemon's own environment.
    Environment,
    /// IMDSv2.
    Ec2InstanceMetadata,
    /// The ECS or EKS container endpoint.
    EcsContainer,
}

impl CredentialSource {
    /// As it is written in the config.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "Environment",
            Self::Ec2InstanceMetadata => "Ec2InstanceMetadata",
            Self::EcsContainer => "EcsContainer",
        }
    }
}

/// Which file a session goes to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum StoreKind {
    /// The shared credentials file.
    Shared,
    /// evertoken's own file, read only by `evertoken credential-process`.
    Private,
}

impl StoreKind {
    /// As it is written in the config.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Private => "private",
        }
    }
}

/// The second factor of an entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mfa {
    /// SerialNumber: an ARN or the serial number of a hardware token.
    pub serial: String,
    /// Prints the code.
    pub command: Option<Vec<String>>,
    /// Whether the daemon may run `command` by itself.
    pub unattended: bool,
}

impl Entry {
    /// Whether a person has to do something for each new session.
    pub fn needs_human(&self) -> bool {
        self.mfa.as_ref().is_some_and(|mfa| !mfa.unattended)
    }

    /// The role's ARN, where there is one.
    pub fn role_arn(&self) -> Option<&RoleArn> {
        match &self.operation {
            Operation::AssumeRole(request) => Some(&request.role_arn),
            Operation::GetSessionToken | Operation::Publish => None,
        }
    }

    /// The entry of the list that it is chained to.
    pub fn parent(&self) -> Option<&ProfileName> {
        match &self.source {
            Source::Listed(parent) => Some(parent),
            Source::Profile(_) | Source::WebIdentity(_) | Source::Provider(_) => None,
        }
    }
}

/// `[network]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Network {
    /// `http://host:port`; the environment's when not said.
    pub proxy: Option<String>,
    /// A PEM file, as written; `AWS_CA_BUNDLE` when not said.
    pub ca_bundle: Option<String>,
}

/// `[hooks]`: one argv each.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hooks {
    /// A session was replaced by a new one.
    pub refreshed: Option<Vec<String>>,
    /// A refresh failed (once per cause).
    pub failed: Option<Vec<String>>,
    /// The trouble is over.
    pub recovered: Option<Vec<String>>,
    /// What only a person can renew will end.
    pub expiring: Option<Vec<String>>,
}

impl Config {
    /// The entry of a profile.
    pub fn entry(&self, profile: &str) -> Option<&Arc<Entry>> {
        self.entries.iter().find(|entry| entry.profile.as_str() == profile)
    }
}
