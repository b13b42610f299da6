//! The process environment, read once at the start and in this place alone; nothing ever writes to it.
//!
//! Keys that a shell happens to have exported reach an AWS call only through [`Environment::source_credentials`], that
//! is for `credential_source = "Environment"`.
#![expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]

use crate::engine::secret::Secret;
use crate::engine::session::{Keys, SourceCredentials};
use crate::engine::time::WallTime;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

/// What sd_notify(3) and sd_listen_fds(3) are about: with it a child could speak in our name.
const OURS_ALONE: [&str; 6] =
    ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// What the process was started with.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Environment {
    vars: BTreeMap<OsString, OsString>,
    home: Option<PathBuf>,
    host: String,
    uid: u32,
}

impl Environment {
    /// Takes the environment, home folder, host name and user id of this process.
    pub fn capture() -> Self {
        Self {
            vars: std::env::vars_os().collect(),
            home: std::env::home_dir().filter(|home| home.is_absolute()),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            uid: rustix::process::geteuid().as_raw(),
        }
    }

    /// An environment of exactly these variables; the home is `HOME` and nothing else.
    pub fn from_vars<K: Into<OsString>, V: Into<OsString>>(vars: impl IntoIterator<Item = (K, V)>) -> Self {
        let vars: BTreeMap<OsString, OsString> = vars.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        let home = vars.get(OsStr::new("HOME")).map(PathBuf::from).filter(|home| home.is_absolute());
        Self { vars, home, host: "localhost".to_owned(), uid: rustix::process::geteuid().as_raw() }
    }

    /// A variable that is set to something; an empty one counts as not set, as it does for the AWS SDKs.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.vars.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The same as text; what is not UTF-8 counts as not set.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(OsStr::to_str)
    }

    /// The names of all variables that are set to something.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.vars.iter().filter(|(_, value)| !value.is_empty()).filter_map(|(name, _)| name.to_str())
    }

    /// All variables as they came, to be handed to a child.
    pub fn all(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.vars.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// All variables, to be handed on to a child, but for those by which the service manager talks to us alone.
    pub fn variables<C: FromIterator<(OsString, OsString)>>(&self) -> C {
        let handed_on = self.all().filter(|(name, _)| !OURS_ALONE.iter().any(|ours| name == ours));
        handed_on.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The environment of a child that may ask AWS: that of any child without what would lead it to other credentials than
    /// ours or to another endpoint, and with the AWS files that we read.
    pub fn for_a_child(&self, aws_config: &Path, credentials: &Path) -> Vec<(OsString, OsString)> {
        let mut kept: Vec<(OsString, OsString)> = self.variables();
        kept.retain(|(name, _)| !misleads(name));
        let files = [("AWS_CONFIG_FILE", aws_config), ("AWS_SHARED_CREDENTIALS_FILE", credentials)];
        kept.extend(files.map(|(name, path)| (OsString::from(name), path.as_os_str().to_owned())));
        kept
    }

    /// The home folder: `HOME`, else what the user database says.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// `~` and `~/x` with the home in place of the tilde; every other path as it is. `None` without a home.
    pub fn expand_home(&self, path: &str) -> Option<PathBuf> {
        let needs_home = path == "~" || path.starts_with("~/");
        (!needs_home || self.home.is_some()).then(|| expand(path, self.home()))
    }

    /// `EVERTOKEN_CONFIG`.
    pub fn config(&self) -> Option<&Path> {
        self.get("EVERTOKEN_CONFIG").map(Path::new)
    }

    /// `EVERTOKEN_LOG`, a tracing filter.
    pub fn log_filter(&self) -> Option<&str> {
        self.text("EVERTOKEN_LOG")
    }

    /// `EVERTOKEN_CHILD`: this process was started below another evertoken, to resolve a source.
    pub fn is_child(&self) -> bool {
        self.get("EVERTOKEN_CHILD").is_some()
    }

    /// `$XDG_CONFIG_HOME`, else `~/.config`. A relative value is ignored, as the XDG specification has it.
    pub fn config_home(&self) -> Option<PathBuf> {
        self.xdg("XDG_CONFIG_HOME", ".config")
    }

    /// `$XDG_STATE_HOME`, else `~/.local/state`. A relative value is ignored, as the XDG specification has it.
    pub fn state_home(&self) -> Option<PathBuf> {
        self.xdg("XDG_STATE_HOME", ".local/state")
    }

    /// `AWS_SHARED_CREDENTIALS_FILE`.
    pub fn shared_credentials_file(&self) -> Option<&str> {
        self.text("AWS_SHARED_CREDENTIALS_FILE")
    }

    /// `AWS_CONFIG_FILE`.
    pub fn aws_config_file(&self) -> Option<&str> {
        self.text("AWS_CONFIG_FILE")
    }

    /// `AWS_CA_BUNDLE`.
    pub fn ca_bundle(&self) -> Option<&str> {
        self.text("AWS_CA_BUNDLE")
    }

    /// Whether a page shall do without colours: `NO_COLOR` is set, or `TERM` is `dumb`.
    pub fn wants_plain(&self) -> bool {
        self.no_color() || self.has_dumb_terminal()
    }

    /// Whether the terminal understands nothing but text: `TERM` is `dumb`.
    pub fn has_dumb_terminal(&self) -> bool {
        self.text("TERM") == Some("dumb")
    }

    /// `NO_COLOR` is set to something.
    pub fn no_color(&self) -> bool {
        self.get("NO_COLOR").is_some()
    }

    /// The user's name for session names: `USER`, else `LOGNAME`, else `uid` and the number.
    pub fn user(&self) -> String {
        self.text("USER").or_else(|| self.text("LOGNAME")).map_or_else(|| format!("uid{}", self.uid), str::to_owned)
    }

    /// The host's name for session names.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The exported keys, for `credential_source = "Environment"` only.
    pub fn source_credentials(&self) -> Option<SourceCredentials> {
        let keys = Keys {
            access_key_id: self.text("AWS_ACCESS_KEY_ID")?.to_owned(),
            secret_access_key: Secret::new(self.text("AWS_SECRET_ACCESS_KEY")?),
            session_token: self.text("AWS_SESSION_TOKEN").map(Secret::new),
        };
        let expiration = self.text("AWS_CREDENTIAL_EXPIRATION").and_then(|text| WallTime::parse(text).ok());
        Some(SourceCredentials {
            keys,
            account_id: self.text("AWS_ACCOUNT_ID").map(str::to_owned),
            expiration,
            login_ends: expiration,
            skew: None,
        })
    }

    fn xdg(&self, name: &str, fallback: &str) -> Option<PathBuf> {
        let given = self.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        given.or_else(|| self.home.as_ref().map(|home| home.join(fallback)))
    }
}

/// `~` and `~/x` with the home in place of the tilde; every other path, and without a home every path, as it is.
pub fn expand(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home.to_owned(),
        (Some(below), Some(home)) if below.starts_with('/') => home.join(below.trim_start_matches('/')),
        _ => PathBuf::from(path),
    }
}

/// Whether a variable that a shell exported would lead an AWS tool to other credentials or to another endpoint.
fn misleads(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let misleading = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ];
    misleading.contains(&name.as_ref()) || name.starts_with("AWS_ENDPOINT_URL")
}

impl fmt::Debug for Environment {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("home", &self.home)
            .field("host", &self.host)
            .field("names", &self.vars.keys())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Environment;
    use std::path::{Path, PathBuf};

    #[test]
    fn empty_and_relative_values_count_as_not_set() {
        let env = Environment::from_vars([("HOME", "/home/me"), ("NO_COLOR", ""), ("XDG_STATE_HOME", "state")]);
        assert!(!env.no_color());
        assert_eq!(env.state_home(), Some(PathBuf::from("/home/me/.local/state")));
        assert_eq!(Environment::from_vars([("HOME", "")]).home(), None);
        assert_eq!(Environment::from_vars([("HOME", "me")]).state_home(), None);
    }

    #[test]
    fn a_tilde_is_the_home_only_where_a_shell_would_say_so() {
        let env = Environment::from_vars([("HOME", "/home/me")]);
        let cases =
            [("~", "/home/me"), ("~/x", "/home/me/x"), ("~//x", "/home/me/x"), ("~you/x", "~you/x"), ("/~", "/~")];
        for (text, expected) in cases {
            assert_eq!(env.expand_home(text).as_deref(), Some(Path::new(expected)), "{text}");
        }
        let homeless = Environment::from_vars([("PATH", "/bin")]);
        assert_eq!(homeless.expand_home("~/x"), None);
        assert_eq!(homeless.expand_home("/x"), Some(PathBuf::from("/x")));
    }

    #[test]
    fn never_shows_a_value_and_gives_the_exported_keys_whole_or_not_at_all() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let env =
            Environment::from_vars([("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", secret)]);
        assert!(!format!("{env:?}").contains(secret));
        assert!(env.source_credentials().is_some_and(|found| found.keys.secret_access_key.expose() == secret));
        assert!(Environment::from_vars([("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")]).source_credentials().is_none());
    }

    #[test]
    fn a_child_cannot_speak_to_the_service_manager_in_our_name() {
        let env = Environment::from_vars([("NOTIFY_SOCKET", "/run/notify"), ("WATCHDOG_USEC", "1"), ("PATH", "/bin")]);
        assert_eq!(env.variables::<Vec<_>>(), [("PATH".into(), "/bin".into())]);
        let of_a_helper = env.for_a_child(Path::new("/c"), Path::new("/d"));
        assert!(!of_a_helper.iter().any(|(name, _)| name == "NOTIFY_SOCKET" || name == "WATCHDOG_USEC"));
    }

    #[test]
    fn a_user_without_a_name_has_a_number() {
        assert_eq!(Environment::from_vars([("LOGNAME", "me")]).user(), "me");
        assert!(Environment::from_vars([("X", "y")]).user().starts_with("uid"));
        assert!(!Environment::capture().host().is_empty());
    }
}
