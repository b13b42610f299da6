//! Where everything lies: config, credentials files, state folder, locks. Follows links to find out which file is meant,
//! and creates nothing but the state folder.

use crate::engine::invocation::Invocation;
use crate::engine::names::ProfileName;
use crate::shell::environment::Environment;
use crate::shell::files::folder::{self, Home};
use crate::shell::files::update::lock_path;
use crate::shell::files::{FileError, resolve};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Hex digits of the digest of the credentials file's path that name its state folder.
const KEY_DIGITS: usize = 12;

/// Longer names of refresh locks are cut and told apart by a digest: a file name has 255 bytes on every system.
const LONGEST_LOCK_NAME: usize = 150;

/// A place cannot be named.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// No home folder.
    #[error("find {0}: HOME is not set to an absolute path")]
    NoHome(&'static str),
    /// A path of the config that depends on the folder that evertoken is started in.
    #[error("find {key}: {path:?} is relative; write an absolute path, or one that starts with ~/")]
    Relative {
        /// The key of the config.
        key: &'static str,
        /// As written.
        path: String,
    },
    /// The credentials file's path leads nowhere.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The config file: `--config`, else `EVERTOKEN_CONFIG`, else below `XDG_CONFIG_HOME` or `~/.config`. Absolute.
///
/// # Errors
/// Without any of them and without a home.
pub fn config_file(environment: &Environment, given: Option<&Path>) -> Result<PathBuf, PlaceError> {
    if let Some(path) = given.or(environment.config()) {
        return Ok(absolute(path)?);
    }
    usual_config(environment).ok_or(PlaceError::NoHome("the config"))
}

/// Where the config is when nothing names another one.
fn usual_config(environment: &Environment) -> Option<PathBuf> {
    environment.config_home().map(|folder| folder.join("evertoken/config.toml"))
}

/// From where somebody calls evertoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caller {
    /// This shell, with its environment.
    Here,
    /// Any program, which may have been started without `EVERTOKEN_CONFIG`.
    Anywhere,
}

/// How the caller has to call evertoken so that it goes by the config at `path`, an absolute one.
pub fn invocation(environment: &Environment, path: &Path, caller: Caller) -> Invocation {
    let bare = match caller {
        Caller::Here => config_file(environment, None).ok(),
        Caller::Anywhere => usual_config(environment),
    };
    // Without a home nobody knows where it would be.
    if bare.as_deref() == Some(path) || path.is_relative() {
        Invocation::default()
    } else {
        Invocation::with_config(path.to_string_lossy())
    }
}

/// All places that belong to one credentials file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places {
    home: Option<Home>,
    credentials: PathBuf,
    resolved: PathBuf,
    aws_config: PathBuf,
    state: PathBuf,
}

impl Places {
    /// `credentials_file` and `aws_config_file` are those of the config, as written.
    ///
    /// # Errors
    /// Without a home where one is needed, for a relative path in the config, and for a circle of links.
    pub fn find(
        environment: &Environment,
        credentials_file: Option<&str>,
        aws_config_file: Option<&str>,
    ) -> Result<Self, PlaceError> {
        let variable = environment.shared_credentials_file();
        let credentials = choose(environment, "credentials_file", credentials_file, variable, ".aws/credentials")?;
        let variable = environment.aws_config_file();
        let aws_config = choose(environment, "aws_config_file", aws_config_file, variable, ".aws/config")?;
        let resolved = resolve(&credentials)?;
        let state_home = environment.state_home().ok_or(PlaceError::NoHome("the state folder"))?;
        let state = state_home.join("evertoken").join(key(&resolved));
        Ok(Self { home: environment.home().map(Home::at), credentials, resolved, aws_config, state })
    }

    /// The places of the tools of this shell, for whoever only looks at them: what leads nowhere stays as it is named, the
    /// home as `~` where nobody knows it.
    pub fn of_tools(environment: &Environment) -> Self {
        let place = |name, variable: Option<&str>, fallback: &str| {
            let named = || PathBuf::from(variable.map_or_else(|| format!("~/{fallback}"), str::to_owned));
            choose(environment, name, None, variable, fallback).unwrap_or_else(|_| named())
        };
        let credentials = place("credentials_file", environment.shared_credentials_file(), ".aws/credentials");
        let aws_config = place("aws_config_file", environment.aws_config_file(), ".aws/config");
        let resolved = resolve(&credentials).unwrap_or_else(|_| credentials.clone());
        let state_home = environment.state_home().unwrap_or_else(|| PathBuf::from("~/.local/state"));
        let state = state_home.join("evertoken").join(key(&resolved));
        Self { home: environment.home().map(Home::at), credentials, resolved, aws_config, state }
    }

    /// The home folder.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_ref().map(Home::path)
    }

    /// The home folder that was there when the places were found.
    pub(super) fn first_home(&self) -> Option<&Home> {
        self.home.as_ref()
    }

    /// The shared credentials file as the user names it, links not followed.
    pub fn credentials(&self) -> &Path {
        &self.credentials
    }

    /// The same with its links followed, as they stood when the places were found.
    pub fn resolved_credentials(&self) -> &Path {
        &self.resolved
    }

    /// The write lock of the shared credentials file.
    pub fn write_lock(&self) -> PathBuf {
        lock_path(&self.resolved)
    }

    /// The AWS config.
    pub fn aws_config(&self) -> &Path {
        &self.aws_config
    }

    /// The state folder; may not exist yet.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The private store.
    pub fn private_store(&self) -> PathBuf {
        self.state.join("credentials")
    }

    /// `status.json`.
    pub fn status_file(&self) -> PathBuf {
        self.state.join("status.json")
    }

    /// `clock.json`: the skew that was learned, and by which clock.
    pub fn clock_file(&self) -> PathBuf {
        self.state.join("clock.json")
    }

    /// Which of the credentials file and its folder evertoken has made, a path on each line.
    pub fn made_file(&self) -> PathBuf {
        self.state.join("made")
    }

    /// The lock of the daemon.
    pub fn instance_lock(&self) -> PathBuf {
        self.state.join("instance.lock")
    }

    /// The folder of the locks that are held around calls to STS. Apart from everything whose changes are news: whoever
    /// watches the private store would be woken by each of them.
    pub fn refresh_locks(&self) -> PathBuf {
        self.state.join("locks")
    }

    /// The lock that is held around a call to STS for a profile.
    pub fn refresh_lock(&self, profile: &ProfileName) -> PathBuf {
        self.refresh_locks().join(format!("{}.lock", file_name_for(profile.as_str())))
    }

    /// Makes sure of the state folder: there, ours, no link, 0700.
    ///
    /// # Errors
    /// The step that failed; also when the home is missing or not ours.
    pub fn ensure_state(&self) -> Result<(), FileError> {
        if let Some(above) = self.state.parent() {
            folder::ensure_private(above, self.home.as_ref())?;
        }
        folder::ensure_private(&self.state, self.home.as_ref())
    }

    /// Whether that would do, as far as a look tells. Changes nothing.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn could_have_state(&self) -> Result<(), FileError> {
        let folders = self.state.parent().into_iter().chain([self.state.as_path()]);
        folders.into_iter().try_for_each(|folder| folder::could_be_private(folder, self.home.as_ref()))
    }

    /// The same of the folder of the refresh locks. Asked before each call to STS, so it looks no higher where it is there.
    ///
    /// # Errors
    /// As for [`Places::ensure_state`].
    pub fn ensure_refresh_locks(&self) -> Result<(), FileError> {
        let locks = self.refresh_locks();
        if folder::is_there_and_private(&locks)? {
            return Ok(());
        }
        self.ensure_state()?;
        folder::ensure_private(&locks, self.home.as_ref())
    }
}

/// The config's own word, else the environment's, else the place below the home.
fn choose(
    environment: &Environment,
    name: &'static str,
    configured: Option<&str>,
    variable: Option<&str>,
    fallback: &str,
) -> Result<PathBuf, PlaceError> {
    let expanded = |text: &str| environment.expand_home(text).ok_or(PlaceError::NoHome(name));
    match (configured, variable) {
        (Some(text), _) => {
            let path = expanded(text)?;
            if path.is_relative() {
                return Err(PlaceError::Relative { key: name, path: text.to_owned() });
            }
            Ok(path)
        }
        (None, Some(text)) => Ok(absolute(&expanded(text)?)?),
        (None, None) => Ok(environment.home().ok_or(PlaceError::NoHome(name))?.join(fallback)),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, FileError> {
    std::path::absolute(path).map_err(FileError::at::<io::Error>("resolve", path))
}

fn key(resolved: &Path) -> String {
    let mut key = hex(&Sha256::digest(resolved.as_os_str().as_bytes()));
    key.truncate(KEY_DIGITS);
    key
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _cannot_fail = write!(hex, "{byte:02x}");
        hex
    })
}

/// A profile name as part of a file name: no `/`, and no capitals, since `Dev` and `dev` are two profiles but one file on
/// a file system that does not tell case.
fn file_name_for(profile: &str) -> String {
    let mut name = profile.bytes().fold(String::new(), |mut name, byte| {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-@+".contains(&byte) {
            name.push(char::from(byte));
        } else {
            let _cannot_fail = write!(name, "%{byte:02x}");
        }
        name
    });
    if name.len() > LONGEST_LOCK_NAME {
        name.truncate(LONGEST_LOCK_NAME);
        name.push_str("%%");
        name.push_str(&hex(&Sha256::digest(profile.as_bytes())));
    }
    name
}

/// A path with the home as `~`.
pub(in crate::shell) fn with_tilde(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(below) => format!("~/{}", below.display()),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, PlaceError, Places, config_file, file_name_for, invocation};
    use crate::shell::environment::Environment;
    use std::path::{Path, PathBuf};

    fn home(more: &[(&str, &str)]) -> Environment {
        Environment::from_vars(
            [("HOME", "/nowhere/me")].iter().chain(more).map(|(k, v)| (k.to_string(), v.to_string())),
        )
    }

    #[test]
    fn the_config_is_looked_for_in_the_documented_order() {
        let all = home(&[("EVERTOKEN_CONFIG", "/e/c.toml"), ("XDG_CONFIG_HOME", "/xdg")]);
        let found = |env: &Environment, given: Option<&str>| config_file(env, given.map(Path::new)).expect("a place");
        assert_eq!(found(&all, Some("/given.toml")), PathBuf::from("/given.toml"));
        assert_eq!(found(&all, None), PathBuf::from("/e/c.toml"));
        assert_eq!(found(&home(&[("XDG_CONFIG_HOME", "/xdg")]), None), PathBuf::from("/xdg/evertoken/config.toml"));
        assert_eq!(found(&home(&[]), None), PathBuf::from("/nowhere/me/.config/evertoken/config.toml"));
        assert!(matches!(config_file(&Environment::from_vars([("A", "b")]), None), Err(PlaceError::NoHome(_))));
    }

    #[test]
    fn a_config_is_named_where_a_bare_call_finds_another() {
        let told = |environment: &Environment, path: &str, caller| {
            invocation(environment, Path::new(path), caller).told("evertoken check")
        };
        let usual = "/nowhere/me/.config/evertoken/config.toml";
        let other = "evertoken --config /e/c.toml check";
        let (plain, named) = (home(&[]), home(&[("EVERTOKEN_CONFIG", "/e/c.toml")]));
        assert_eq!(told(&plain, usual, Caller::Here), "evertoken check");
        assert_eq!(told(&plain, usual, Caller::Anywhere), "evertoken check");
        assert_eq!(told(&plain, "/e/c.toml", Caller::Here), other);
        assert_eq!(told(&named, "/e/c.toml", Caller::Here), "evertoken check");
        assert_eq!(told(&named, "/e/c.toml", Caller::Anywhere), other);
    }

    #[test]
    fn the_files_are_looked_for_in_the_documented_order() {
        let all = home(&[("AWS_SHARED_CREDENTIALS_FILE", "/env/creds"), ("AWS_CONFIG_FILE", "~/conf")]);
        let places = Places::find(&all, Some("~/mine"), None).expect("places");
        assert_eq!(places.credentials(), Path::new("/nowhere/me/mine"));
        assert_eq!(places.aws_config(), Path::new("/nowhere/me/conf"));
        let places = Places::find(&all, None, Some("/a/config")).expect("places");
        assert_eq!((places.credentials(), places.aws_config()), (Path::new("/env/creds"), Path::new("/a/config")));
        let places = Places::find(&home(&[]), None, None).expect("places");
        assert_eq!(places.credentials(), Path::new("/nowhere/me/.aws/credentials"));
        assert_eq!(places.write_lock(), Path::new("/nowhere/me/.aws/credentials.lock"));
        assert!(matches!(Places::find(&all, Some("creds"), None), Err(PlaceError::Relative { .. })));
    }

    #[test]
    fn each_credentials_file_has_a_state_folder_of_its_own() {
        let state = |file: &str| Places::find(&home(&[]), Some(file), None).expect("places").state().to_owned();
        assert_eq!(state("~/a"), state("~/x/../a"));
        assert_ne!(state("~/a"), state("~/b"));
        let state = state("~/a");
        let key = state.strip_prefix("/nowhere/me/.local/state/evertoken").expect("below the state home");
        assert!(key.as_os_str().len() == 12, "{key:?}");
    }

    #[test]
    fn every_profile_has_a_lock_name_of_its_own_that_is_one_file_name() {
        let long = "a".repeat(1000);
        let names = ["dev", "Dev", "a/b", "a%2fb", "..", "a:b", long.as_str(), &long[1..]].map(file_name_for);
        for (index, name) in names.iter().enumerate() {
            assert!(!name.contains('/') && name.len() < 230, "{name}");
            assert!(!names[index + 1..].iter().any(|other| other.eq_ignore_ascii_case(name)), "{name}");
        }
    }
}
