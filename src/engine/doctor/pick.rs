//! Which credentials each family of tools picks for a profile. They disagree: the order of each is the one of its own
//! default chain (botocore 1.43 `credentials.py`, `ProfileProviderBuilder`; AWS SDK for JavaScript v3 `defaultProvider` and
//! `resolveProfileData`; for Go v2 `resolveCredentialChain`; for Java v2 `DefaultCredentialsProvider` and
//! `ProfileCredentialsUtils`; for Rust aws-config 1.13 `profile/credentials/repr.rs`).

use super::picture::{By, Container, Instance, Picture};
use crate::engine::aws_config::Section;
use crate::engine::config::aws_profile::has_sso;

/// Tools that share one chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Tool {
    /// The AWS CLI and boto3: botocore.
    Python,
    /// The SDK for JavaScript v3.
    JavaScript,
    /// The SDK for Go v2.
    Go,
    /// The SDK for Java v2.
    Java,
    /// The SDK for Rust.
    Rust,
}

/// Where credentials come from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Origin {
    /// `role_arn` with a source.
    Role,
    /// `web_identity_token_file` with its role.
    WebIdentity,
    /// `AWS_WEB_IDENTITY_TOKEN_FILE` with its role.
    WebIdentityVariable,
    /// `sso_*`.
    Sso,
    /// Keys in the credentials file.
    CredentialsKeys,
    /// Keys in the AWS config.
    ConfigKeys,
    /// `login_session`.
    Login,
    /// `credential_process`.
    Process,
    /// `credential_source` without a role.
    Source,
    /// ECS, EKS.
    Container,
    /// The role of the instance.
    Instance,
    /// There is nothing.
    Nothing,
}

impl Tool {
    pub(super) const ALL: [Self; 5] = [Self::Python, Self::JavaScript, Self::Go, Self::Java, Self::Rust];

    /// As a subject of a sentence in the plural.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Python => "the AWS CLI and boto3",
            Self::JavaScript => "the SDK for JavaScript",
            Self::Go => "the SDK for Go",
            Self::Java => "the SDK for Java",
            Self::Rust => "the SDK for Rust",
        }
    }

    /// Whether exported keys go before the profile. botocore and Go pass them by only where the profile is named to them
    /// directly (`--profile`), JavaScript also for `AWS_PROFILE`, Java and Rust never.
    pub(super) fn takes_exported_keys(self, by: By) -> bool {
        match self {
            Self::Python | Self::Go => by != By::Argument,
            Self::JavaScript => by == By::Nobody,
            Self::Java | Self::Rust => true,
        }
    }

    /// What it picks for the profile itself, exported keys aside.
    pub(super) fn pick(self, picture: &Picture) -> Origin {
        let order: &[Origin] = match self {
            Self::Python => &[
                Origin::Role,
                Origin::WebIdentityVariable,
                Origin::WebIdentity,
                Origin::Sso,
                Origin::CredentialsKeys,
                Origin::Login,
                Origin::Process,
                Origin::ConfigKeys,
            ],
            Self::JavaScript => &[
                Origin::Role,
                Origin::CredentialsKeys,
                Origin::ConfigKeys,
                Origin::WebIdentity,
                Origin::Process,
                Origin::Sso,
                Origin::Login,
                Origin::WebIdentityVariable,
            ],
            Self::Go => &[
                Origin::WebIdentityVariable,
                Origin::Role,
                Origin::CredentialsKeys,
                Origin::ConfigKeys,
                Origin::Source,
                Origin::WebIdentity,
                Origin::Sso,
                Origin::Login,
                Origin::Process,
            ],
            Self::Java => &[
                Origin::WebIdentityVariable,
                Origin::WebIdentity,
                Origin::Sso,
                Origin::Role,
                Origin::Login,
                Origin::Process,
                Origin::CredentialsKeys,
                Origin::ConfigKeys,
            ],
            Self::Rust => &[
                Origin::Role,
                Origin::Source,
                Origin::WebIdentity,
                Origin::Sso,
                Origin::Login,
                Origin::Process,
                Origin::CredentialsKeys,
                Origin::ConfigKeys,
                Origin::WebIdentityVariable,
            ],
        };
        let after = [Origin::Source, Origin::Container, Origin::Instance];
        let found = order.iter().chain(&after).copied().find(|origin| is_there(*origin, picture));
        found.unwrap_or(Origin::Nothing)
    }
}

fn is_there(origin: Origin, picture: &Picture) -> bool {
    let empty = Section::new();
    let section = picture.aws.profiles.get(picture.profile()).unwrap_or(&empty);
    let has = |key: &str| section.get(key).is_some_and(|value| !value.is_empty());
    let has_source = has("source_profile") || has("credential_source");
    match origin {
        Origin::Role => has("role_arn") && !has("web_identity_token_file") && has_source,
        Origin::WebIdentity => has("role_arn") && has("web_identity_token_file"),
        Origin::WebIdentityVariable => picture.exported.web_identity.is_some() && picture.selected.by != By::Argument,
        Origin::Sso => has_sso(section),
        Origin::CredentialsKeys => picture.keys_in_credentials.any(),
        Origin::ConfigKeys => picture.keys_in_config.any(),
        Origin::Login => has("login_session"),
        Origin::Process => has("credential_process"),
        Origin::Source => has("credential_source") && !has("role_arn"),
        Origin::Container => matches!(picture.platform.container, Some(Container::Ecs | Container::EksPod)),
        Origin::Instance => matches!(picture.platform.instance, Instance::Role(_)),
        Origin::Nothing => false,
    }
}

/// What the AWS CLI picks: the tool that people try things with, and the one that the other findings are about.
pub(super) fn origin(picture: &Picture) -> Origin {
    Tool::Python.pick(picture)
}

/// Where a key of the profile stands: `[dev] in ~/.aws/credentials`, `[profile dev] in ~/.aws/config`.
pub(super) fn place(picture: &Picture, key: &str) -> String {
    let profile = picture.profile();
    let stands =
        picture.credentials.profiles.get(profile).is_some_and(|section| {
            section.keys().any(|have| have == key || (key == "sso_*" && have.starts_with("sso_")))
        });
    if stands { in_credentials(picture) } else { in_config(picture) }
}

/// `[dev] in ~/.aws/credentials`.
pub(super) fn in_credentials(picture: &Picture) -> String {
    format!("[{}] in {}", picture.profile(), picture.credentials_file.path)
}

/// `[profile dev] in ~/.aws/config`.
pub(super) fn in_config(picture: &Picture) -> String {
    format!("{} in {}", config_header(picture.profile()), picture.config_file.path)
}

/// `[profile dev]`, `[default]`.
pub(super) fn config_header(profile: &str) -> String {
    if profile == "default" { "[default]".to_owned() } else { format!("[profile {profile}]") }
}

/// The credentials that a pick stands for, as a noun.
pub(super) fn describe(origin: Origin, picture: &Picture) -> String {
    match origin {
        Origin::Role => {
            format!("the role that {} names (role_arn); each program assumes it by itself", place(picture, "role_arn"))
        }
        Origin::WebIdentity => {
            format!("the role that web_identity_token_file of {} opens", place(picture, "web_identity_token_file"))
        }
        Origin::WebIdentityVariable => "the role that AWS_WEB_IDENTITY_TOKEN_FILE opens".to_owned(),
        Origin::Sso => format!("the SSO sign-in that {} names", place(picture, "sso_*")),
        Origin::CredentialsKeys => format!("the keys of {}", in_credentials(picture)),
        Origin::ConfigKeys => format!("the keys of {}", in_config(picture)),
        Origin::Login => format!("the sign-in of login_session of {}", place(picture, "login_session")),
        Origin::Process => format!("what credential_process of {} prints", place(picture, "credential_process")),
        Origin::Source => format!("the credential_source of {}", place(picture, "credential_source")),
        Origin::Container => "the role of this container".to_owned(),
        Origin::Instance => "the role of this instance".to_owned(),
        Origin::Nothing => "nothing: there are no credentials".to_owned(),
    }
}
