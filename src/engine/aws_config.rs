//! The AWS config and credentials files as the SDKs merge them, for reading only: which profiles there are and what
//! stands behind them. Never edits (that is `credentials_file`) and never holds a secret key longer than a look-up.

use std::collections::BTreeMap;

/// The keys of one section, lower case, values trimmed; nested blocks (`s3 =`) are left out.
pub type Section = BTreeMap<String, String>;

/// `~/.aws/config` and `~/.aws/credentials`, merged: for a profile in both, keys of the credentials file win.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct AwsConfig {
    /// By profile name.
    pub profiles: BTreeMap<String, Section>,
    /// `[sso-session NAME]` by name.
    pub sso_sessions: BTreeMap<String, Section>,
}
