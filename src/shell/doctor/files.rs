//! The facts of a credentials file or AWS config: whether it can be read, whose it is, and where it lies. Reads it
//! once it stands still; the one thing that it ever changes is a mode that somebody agreed to narrow.

use super::copies;
use crate::engine::aws_config::{AwsConfig, AwsFile};
use crate::engine::doctor::picture::{FileFacts, FileState, Named};
use crate::shell::environment::Environment;
use crate::shell::files::settle::{self, Known, Patience};
use crate::shell::files::{FileError, folder, resolve};
use crate::shell::places::with_tilde;
use std::fs::{self, Metadata, Permissions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// A file that looks half-written is looked at again until it has stood still for so long.
const HALF_WRITTEN: Duration = Duration::from_millis(500);

/// What was found, the text, and what it says.
pub(super) struct Look {
    pub(super) facts: FileFacts,
    pub(super) text: Zeroizing<String>,
    pub(super) content: AwsConfig,
}

/// Looks at a file.
pub(super) fn look(path: &Path, which: AwsFile, environment: &Environment) -> Look {
    let home = environment.home();
    let shown = |path: &Path| with_tilde(path, home);
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    let mut facts = FileFacts {
        path: shown(path),
        named: named(environment, which),
        link_to: None,
        state: FileState::Missing,
        cut: false,
        mode: None,
        foreign_owner: None,
        copied_by: None,
        unsafe_folder: None,
    };
    let mut text = Zeroizing::new(String::new());
    let mut content = AwsConfig::default();
    if home.is_none() && path.starts_with("~") {
        facts.state = FileState::Homeless;
        return Look { facts, text, content };
    }
    let resolved = match resolve(path) {
        Ok(resolved) => resolved,
        Err(error) => {
            facts.state = FileState::Unreadable(error.source.to_string());
            return Look { facts, text, content };
        }
    };
    facts.link_to = is_link.then(|| shown(&resolved));
    if let Ok(metadata) = fs::metadata(&resolved) {
        if metadata.file_type().is_char_device() {
            // `/dev/null`, by which people say that there shall be none.
            facts.named = None;
            return Look { facts, text, content };
        }
        describe(&mut facts, &metadata);
    }
    let mut parsed = |bytes: &[u8]| {
        let text = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
        content = match which {
            AwsFile::Config => AwsConfig::parse(&text, ""),
            AwsFile::Credentials => AwsConfig::parse("", &text),
        };
        content.problems.is_empty()
    };
    match read(&resolved, &mut parsed) {
        Err(error) => {
            facts.state = FileState::Unreadable(error.source.to_string());
            content = AwsConfig::default();
        }
        Ok(None) if is_link => facts.state = FileState::Dangling,
        Ok(None) => {}
        Ok(Some(bytes)) => {
            facts.cut = bytes.last().is_some_and(|last| *last != b'\n');
            facts.state = if bytes.is_empty() { FileState::Empty } else { FileState::Read };
            match std::str::from_utf8(&bytes) {
                Ok(content) => text = Zeroizing::new(content.to_owned()),
                Err(error) => {
                    let line = 1 + bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
                    facts.state = FileState::Unreadable(format!("line {line} is not UTF-8 text"));
                    content = AwsConfig::default();
                }
            }
            facts.copied_by = copies::copied_by(&resolved);
            facts.unsafe_folder = resolved.parent().and_then(|folder| {
                folder::check(folder).err().map(|error| format!("{}: {}", shown(folder), error.source))
            });
        }
    }
    Look { facts, text, content }
}

fn named(environment: &Environment, which: AwsFile) -> Option<Named> {
    let (variable, text) = match which {
        AwsFile::Config => ("AWS_CONFIG_FILE", environment.aws_config_file()),
        AwsFile::Credentials => ("AWS_SHARED_CREDENTIALS_FILE", environment.shared_credentials_file()),
    };
    text.map(|text| Named { variable, below_home: text.strip_prefix("~/").map(str::to_owned) })
}

fn describe(facts: &mut FileFacts, metadata: &Metadata) {
    facts.mode = metadata.is_file().then(|| metadata.mode() & 0o777);
    let ours = rustix::process::geteuid().as_raw();
    facts.foreign_owner = Some(metadata.uid()).filter(|uid| *uid != ours);
}

/// `parsed` is handed each content once, the one that is believed last, and says whether it looks whole.
fn read(path: &Path, parsed: &mut dyn FnMut(&[u8]) -> bool) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    let patience =
        Patience { quiet: Duration::ZERO, lost: HALF_WRITTEN, settle: 2 * HALF_WRITTEN, ..Patience::default() };
    let snapshot = settle::read(path, Known::default(), patience, parsed)?;
    Ok(snapshot.present.map(|_| snapshot.bytes))
}

/// Gives a file the mode 0600.
///
/// # Errors
/// The step that failed.
pub fn narrow(path: &Path) -> Result<(), FileError> {
    let resolved = resolve(path)?;
    fs::set_permissions(&resolved, Permissions::from_mode(0o600)).map_err(FileError::at("set the mode of", &resolved))
}
