//! The folder of a file that gets a name or loses one: such a change outlasts a power cut only once its folder was made
//! durable too. Opened before anything is done: what can fail is to fail while nothing has happened yet.

use crate::shell::files::error::FileError;
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

/// A folder, open.
pub(super) struct Parent {
    path: PathBuf,
    handle: File,
}

impl Parent {
    /// The folder that a file is in.
    pub(super) fn of(file: &Path) -> Result<Self, FileError> {
        let path = file.parent().unwrap_or(Path::new("/")).to_owned();
        let handle = OpenOptions::new().read(true).open(&path).map_err(FileError::at("open", &path))?;
        Ok(Self { path, handle })
    }

    /// Makes the names in it durable, where its file system can do that for a folder.
    pub(super) fn sync(&self) -> Result<(), FileError> {
        match self.handle.sync_all() {
            Err(error) if Errno::from_io_error(&error) != Some(Errno::INVAL) => {
                Err(FileError::at("fsync", &self.path)(error))
            }
            _ => Ok(()),
        }
    }
}
