//! The tables of the config and the keys that each of them takes: the one list behind "unknown key" and its hint.
//! Never looks at values.

use crate::engine::config::diagnostic::listed;
use crate::engine::config::spelling::nearest;

/// A table of the config.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Outside of every table.
    Top,
    /// `[defaults]`.
    Defaults,
    /// `[[role]]`.
    Role,
    /// `[[mfa_session]]`.
    MfaSession,
    /// `[network]`.
    Network,
    /// `[hooks]`.
    Hooks,
}

/// The keys of a role; `[defaults]` takes all but the first two.
const ROLE: &[&str] = &[
    "profile",
    "role_arn",
    "source_profile",
    "credential_source",
    "web_identity_token_file",
    "region",
    "sts_region",
    "sts_endpoint",
    "duration",
    "min_ttl",
    "session_name",
    "external_id",
    "policy",
    "policy_arns",
    "tags",
    "transitive_tags",
    "source_identity",
    "mfa_serial",
    "mfa_command",
    "unattended",
    "store",
    "adopt",
];

/// What the same thing is called elsewhere, and what it is called here.
const SYNONYMS: &[(&str, &str)] = &[
    ("name", "profile"),
    ("profile_name", "profile"),
    ("arn", "role_arn"),
    ("role", "role_arn"),
    ("source", "source_profile"),
    ("duration_seconds", "duration"),
    ("ttl", "min_ttl"),
    ("role_session_name", "session_name"),
    ("mfa_process", "mfa_command"),
    ("mfa", "mfa_serial"),
    ("serial_number", "mfa_serial"),
    ("endpoint", "sts_endpoint"),
    ("endpoint_url", "sts_endpoint"),
    ("sts_endpoint_url", "sts_endpoint"),
    ("https_proxy", "proxy"),
    ("http_proxy", "proxy"),
    ("aws_ca_bundle", "ca_bundle"),
    ("shared_credentials_file", "credentials_file"),
    ("config_file", "aws_config_file"),
    ("default", "defaults"),
    ("roles", "role"),
    ("profiles", "role"),
    ("mfa_sessions", "mfa_session"),
    ("mfa", "mfa_session"),
    ("on_failure", "failed"),
    ("on_refresh", "refreshed"),
];

impl Place {
    const ALL: [Self; 6] = [Self::Top, Self::Defaults, Self::Role, Self::MfaSession, Self::Network, Self::Hooks];

    /// How it is named in a message.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Top => "the top of the file",
            Self::Defaults => "[defaults]",
            Self::Role => "[[role]]",
            Self::MfaSession => "[[mfa_session]]",
            Self::Network => "[network]",
            Self::Hooks => "[hooks]",
        }
    }

    /// The keys that it takes.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Top => &[
                "credentials_file",
                "aws_config_file",
                "file_mode",
                "defaults",
                "role",
                "mfa_session",
                "network",
                "hooks",
            ],
            Self::Defaults => &ROLE[2..],
            Self::Role => ROLE,
            Self::MfaSession => &[
                "profile",
                "source_profile",
                "credential_source",
                "mfa_serial",
                "mfa_command",
                "unattended",
                "duration",
                "min_ttl",
                "region",
                "sts_region",
                "sts_endpoint",
                "store",
                "adopt",
            ],
            Self::Network => &["proxy", "ca_bundle"],
            Self::Hooks => &["refreshed", "failed", "recovered", "expiring"],
        }
    }

    /// Whether it takes `key`.
    pub(super) fn takes(self, key: &str) -> bool {
        self.keys().contains(&key)
    }

    /// The key of this place that an unknown one was probably meant to be.
    pub(super) fn meant(self, unknown: &str) -> Option<&'static str> {
        let synonym = SYNONYMS.iter().find(|(other, here)| *other == unknown && self.takes(here));
        synonym.map(|(_, here)| *here).or_else(|| nearest(unknown, self.keys().iter().copied()))
    }

    /// What to do about an unknown key.
    pub(super) fn hint(self, unknown: &str) -> String {
        let others: Vec<&str> =
            Self::ALL.iter().filter(|place| place.takes(unknown)).map(|place| place.name()).collect();
        if !others.is_empty() {
            return format!("`{unknown}` belongs in {}", listed(&others, "or"));
        }
        if unknown.starts_with("sso_") || matches!(unknown, "credential_process" | "login_session") {
            return format!("`{unknown}` belongs in ~/.aws/config; name the profile that has it as source_profile");
        }
        if let Some(meant) = self.meant(unknown) {
            return format!("did you mean `{meant}`?");
        }
        let elsewhere = Self::ALL.iter().find_map(|place| Some((place.meant(unknown)?, place.name())));
        if let Some((meant, place)) = elsewhere {
            return format!("did you mean `{meant}` in {place}?");
        }
        let known: Vec<String> = self.keys().iter().map(|key| format!("`{key}`")).collect();
        format!("{} takes {}", self.name(), listed(&known, "and"))
    }
}

/// Whether a key by its name holds a secret, or a part of one.
pub(super) fn looks_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace('-', "_");
    key.starts_with("secret")
        || key.starts_with("password")
        || ["secret_access_key", "session_token", "security_token", "access_key_id", "secret_key", "access_key"]
            .iter()
            .any(|end| key.ends_with(end))
}
