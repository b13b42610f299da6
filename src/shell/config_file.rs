//! Reads the config from its file, and finds the places that follow from it. Parsing and judging is the engine's.

use crate::engine::aws_config::AwsConfig;
use crate::engine::config::diagnostic::{Severity, lines_of, render_all};
use crate::engine::config::model::Hooks;
use crate::engine::config::{self, Config, Diagnostic};
use crate::shell::clock;
use crate::shell::environment::Environment;
use crate::shell::exposure::open_to_others;
use crate::shell::files::folder::Home;
use crate::shell::files::settle::{self, Patience};
use crate::shell::files::snapshot::{self, Identity, Snapshot};
use crate::shell::files::{FileError, resolve};
use crate::shell::panics::{Unfinished, to_its_end};
use crate::shell::places::{PlaceError, Places, with_tilde};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// A config is believed only after it has stood still for so long: editors and copies write in pieces.
const STANDSTILL: Duration = Duration::from_secs(1);

/// A valid config, as it was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The file that it was read from.
    pub path: PathBuf,
    /// Its text, for diagnostics.
    pub text: String,
    /// The config.
    pub config: Config,
    /// What is odd about it.
    pub warnings: Vec<Diagnostic>,
    /// Where everything lies.
    pub places: Places,
}

impl Loaded {
    /// What the AWS config and credentials files say. Whatever of them cannot be read counts as empty: other commands of
    /// ours say so where it matters, and the AWS CLI does everywhere.
    pub fn aws(&self) -> AwsConfig {
        let text = |path: &Path| {
            let text = look(path).map(|found| Zeroizing::new(String::from_utf8_lossy(&found.bytes).into_owned()));
            text.unwrap_or_default()
        };
        AwsConfig::parse(&text(self.places.aws_config()), &text(self.places.credentials()))
    }

    /// What is odd about it, by itself and beside the AWS config; one line each, for a log.
    pub fn oddities(&self, aws: &AwsConfig) -> Vec<String> {
        lines_of(&self.findings(aws), &self.path.display().to_string(), &self.text)
    }

    /// The same, to be counted and shown.
    pub fn findings(&self, aws: &AwsConfig) -> Vec<Diagnostic> {
        let mut findings = self.warnings.clone();
        findings.extend(config::survey(&self.text, &self.config, aws).into_iter().map(|finding| self.placed(finding)));
        findings.sort_by_key(|finding| finding.span.start);
        findings
    }

    fn placed(&self, finding: Diagnostic) -> Diagnostic {
        Diagnostic { hint: finding.hint.map(|hint| self.with_places(hint)), ..finding }
    }

    /// A text with the AWS files where they are: the engine knows them by their usual names.
    pub fn with_places(&self, text: String) -> String {
        let home = self.places.first_home().map(Home::path);
        let files = [("config", self.places.aws_config()), ("credentials", self.places.credentials())];
        files.into_iter().fold(text, |text, (name, path)| {
            let is_usual = home.is_some_and(|home| home.join(".aws").join(name) == path);
            if is_usual { text } else { text.replace(&format!("~/.aws/{name}"), &with_tilde(path, home)) }
        })
    }

    /// Why its programs are not run: it names some (hooks, an `mfa_command`), and others can write what it names.
    pub fn distrusted(&self) -> Option<String> {
        let hooks = &self.config.hooks;
        let has_hooks = *hooks != Hooks::default();
        let has_mfa =
            self.config.entries.iter().any(|entry| entry.mfa.as_ref().is_some_and(|mfa| mfa.command.is_some()));
        let named = match (has_hooks, has_mfa) {
            (true, _) => "hooks",
            (false, true) => "an mfa_command",
            (false, false) => return None,
        };
        let (reason, mend) = open_to_others(&self.path)?;
        let path = self.path.display();
        Some(format!("{path}: this config has {named}, programs to run, and {reason}\nhint: {mend}"))
    }

    /// The same config, if its programs may be run.
    ///
    /// # Errors
    /// [`LoadError::Wrong`] with the reason.
    pub fn trusted(self) -> Result<Self, LoadError> {
        match self.distrusted() {
            Some(finding) => Err(LoadError::of_one(finding)),
            None => Ok(self),
        }
    }

    /// Whether it can work beside the AWS files: a circle of sources may lead through them. Where there seems to be one it
    /// waits, for some seconds at most, until they stand still: a program may be rewriting them. A circle that keys in
    /// a credentials file would open which is not there or cannot be read (a link to a disk that is not mounted) is trouble
    /// that passes, and no mistake of the config.
    ///
    /// # Errors
    /// [`LoadError::Wrong`] with the circles.
    pub fn can_work(&self) -> Result<(), LoadError> {
        let circles = |aws: &AwsConfig| config::circles(&self.text, &self.config, aws);
        if circles(&self.aws()).is_empty() {
            return Ok(());
        }
        let text = |path: &Path| {
            let found = settle::read_theirs(path, Patience::default()).unwrap_or_default();
            Zeroizing::new(String::from_utf8_lossy(&found).into_owned())
        };
        let (config, credentials) = (text(self.places.aws_config()), text(self.places.credentials()));
        let findings = circles(&AwsConfig::parse(&config, &credentials));
        let passes =
            || credentials.is_empty() && circles(&AwsConfig::parse(&config, &keys_for_all(&config))).is_empty();
        if findings.is_empty() || passes() {
            return Ok(());
        }
        let findings: Vec<Diagnostic> = findings.into_iter().map(|finding| self.placed(finding)).collect();
        Err(LoadError::wrong(&findings, &self.path, &self.text))
    }

    /// Where everything lies now: a link that has changed, or a file system that was mounted, may lead elsewhere.
    ///
    /// # Errors
    /// When its paths lead nowhere.
    pub fn places_of(&self, environment: &Environment) -> Result<Places, PlaceError> {
        places(environment, &self.config)
    }

    /// Whether the file still holds what was read.
    pub fn is_current(&self) -> bool {
        look(&self.path).is_ok_and(|found| *found.bytes == *self.text.as_bytes())
    }
}

/// Why there is no config to work with.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not there.
    #[error("there is no config at {}; `evertoken init` writes one from what ~/.aws/config says", .0.display())]
    Missing(PathBuf),
    /// It cannot be read; perhaps later.
    #[error(transparent)]
    Unreadable(#[from] FileError),
    /// Its paths lead nowhere.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Reading it came to no end.
    #[error("failed to read the config: {0}")]
    Stumbled(Unfinished),
    /// It was read, and is wrong.
    #[error("{}", .findings.join("\n\n"))]
    Wrong {
        /// One block for each finding, ready to be shown.
        findings: Vec<String>,
        /// One line for each mistake, for a log.
        mistakes: Vec<String>,
    },
}

impl LoadError {
    fn wrong(findings: &[Diagnostic], path: &Path, text: &str) -> Self {
        let mistakes = findings.iter().filter(|finding| finding.severity == Severity::Mistake);
        let mistakes: Vec<Diagnostic> = mistakes.cloned().collect();
        let mistakes = lines_of(&mistakes, &path.display().to_string(), text);
        Self::Wrong { findings: render(findings, path, text), mistakes }
    }

    /// From a block that has a message and a hint.
    fn of_one(finding: String) -> Self {
        Self::Wrong { mistakes: vec![finding.replace("\nhint: ", "; ")], findings: vec![finding] }
    }

    /// Each reason as one line, for a log; warnings are none.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Wrong { mistakes, .. } => mistakes.clone(),
            other => vec![other.to_string()],
        }
    }
}

/// A credentials file with keys for each profile of an AWS config.
fn keys_for_all(config: &str) -> String {
    let aws = AwsConfig::parse(config, "");
    aws.profiles
        .keys()
        .map(|profile| format!("[{profile}]\naws_access_key_id = x\naws_secret_access_key = x\n"))
        .collect()
}

/// Reads the config once.
///
/// # Errors
/// See [`LoadError`].
pub fn load(environment: &Environment, path: &Path) -> Result<Loaded, LoadError> {
    let snapshot = look(path)?;
    if snapshot.present.is_none() {
        return Err(LoadError::Missing(path.to_owned()));
    }
    let text = String::from_utf8(snapshot.bytes.to_vec()).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = 1 + snapshot.bytes.iter().take(valid).filter(|byte| **byte == b'\n').count();
        let finding = format!("{}:{line}:1: this line is not UTF-8 text\nhint: save the file as UTF-8", path.display());
        LoadError::of_one(finding)
    })?;
    let parsed = config::parse(&text).map_err(|findings| LoadError::wrong(&findings, path, &text))?;
    let config = parsed.config;
    let places = places(environment, &config)?;
    Ok(Loaded { path: path.to_owned(), text, config, warnings: parsed.warnings, places })
}

fn places(environment: &Environment, config: &Config) -> Result<Places, PlaceError> {
    Places::find(environment, config.credentials_file.as_deref(), config.aws_config_file.as_deref())
}

/// Reads the config when the daemon starts. One that is right is believed at once; one that is wrong and was touched just
/// now may be in the midst of being saved.
///
/// # Errors
/// See [`LoadError`].
pub async fn load_at_start(environment: &Environment, path: &Path) -> Result<Loaded, LoadError> {
    match load(environment, path) {
        Err(LoadError::Wrong { .. }) if is_young(path) => load_settled(environment, path).await,
        loaded => beside_aws(loaded?).await,
    }
}

fn is_young(path: &Path) -> bool {
    let standstill = i128::try_from(STANDSTILL.as_nanos()).unwrap_or(i128::MAX);
    let now = i128::from(clock::now().unix_millis()) * 1_000_000;
    Identity::behind(path).is_some_and(|file| (now - file.changed).abs() < standstill)
}

/// The same config, if it can work beside the AWS files. Their reader may wait, and the tasks must not.
async fn beside_aws(loaded: Loaded) -> Result<Loaded, LoadError> {
    let judged = to_its_end(move || loaded.can_work().map(|()| loaded)).await;
    judged.map_err(LoadError::Stumbled)?
}

/// Reads the config after it has stood still, whatever is done to it meanwhile, and looks at it beside the AWS config.
///
/// # Errors
/// See [`LoadError`].
pub async fn load_settled(environment: &Environment, path: &Path) -> Result<Loaded, LoadError> {
    let mut seen = look(path).ok();
    loop {
        tokio::time::sleep(STANDSTILL).await;
        let now = look(path).ok();
        let still = match (&seen, &now) {
            (Some(before), Some(now)) => before.same_as(now),
            (None, None) => true,
            _ => false,
        };
        if still {
            return beside_aws(load(environment, path)?).await;
        }
        seen = now;
    }
}

fn look(path: &Path) -> Result<Snapshot, FileError> {
    snapshot::read(&resolve(path)?)
}

/// One block for each finding.
pub fn render(findings: &[Diagnostic], path: &Path, text: &str) -> Vec<String> {
    render_all(findings, &path.display().to_string(), text)
}
