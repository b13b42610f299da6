//! The one error of a file operation: which step, on which path, and what the system said. Never holds content.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A step on a file failed. Reads `write /home/me/.aws/x: No space left on device (os error 28)`.
#[derive(Debug)]
pub struct FileError {
    /// What was tried, a verb.
    pub step: &'static str,
    /// On what.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

impl FileError {
    /// For `map_err`: the step and the path around an error of the system.
    pub fn at<E: Into<io::Error>>(step: &'static str, path: &Path) -> impl FnOnce(E) -> Self {
        move |source| Self { step, path: path.to_owned(), source: source.into() }
    }

    /// A refusal of our own, with its reason.
    pub fn refused(step: &'static str, path: &Path, reason: impl Into<String>) -> Self {
        let source = io::Error::new(io::ErrorKind::PermissionDenied, reason.into());
        Self { step, path: path.to_owned(), source }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.step, self.path.display(), self.source)
    }
}

/// Without a `source()`: the cause is part of the sentence already and would be printed twice.
impl std::error::Error for FileError {}
