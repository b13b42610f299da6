//! The keys of a section that matter to evertoken: its own, and those by which a user's section gives credentials in
//! another way. Never holds a value.

/// A key that evertoken writes or removes in its own sections.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Field {
    AccessKeyId,
    SecretAccessKey,
    SessionToken,
    AccountId,
    /// Read by shell prompts and other tools. Never call a key `expiration`: awsume deletes sections that have one.
    Expires,
    Mark,
    /// The name that boto gave to the session token; botocore reads it where `aws_session_token` is missing.
    SecurityToken,
}

impl Field {
    /// All of them, in the order of a section that is written anew.
    pub(super) const ALL: [Self; 7] = [
        Self::AccessKeyId,
        Self::SecretAccessKey,
        Self::SessionToken,
        Self::AccountId,
        Self::Expires,
        Self::Mark,
        Self::SecurityToken,
    ];

    /// As it is written.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::AccessKeyId => "aws_access_key_id",
            Self::SecretAccessKey => "aws_secret_access_key",
            Self::SessionToken => "aws_session_token",
            Self::AccountId => "aws_account_id",
            Self::Expires => "x_security_token_expires",
            Self::Mark => "x_evertoken",
            Self::SecurityToken => "aws_security_token",
        }
    }

    /// The field of a key in lower case.
    pub(super) fn of(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.key() == key)
    }
}

/// The region key: ours only where the mark says that we wrote it.
pub(super) const REGION: &str = "region";

/// Whether a key makes SDKs look for credentials elsewhere, past the keys of the section.
pub(super) fn leads_elsewhere(key: &str) -> bool {
    const KEYS: [&str; 6] = [
        "role_arn",
        "credential_process",
        "source_profile",
        "credential_source",
        "web_identity_token_file",
        "login_session",
    ];
    KEYS.contains(&key) || key.starts_with("sso_")
}
