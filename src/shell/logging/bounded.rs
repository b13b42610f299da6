//! A log file that does not grow for ever. launchd appends what a service says to a file and never looks at it again, so
//! the service itself keeps it small: what was there moves into a second file beside it. Touches no file but these two.
#![expect(clippy::disallowed_methods, reason = "reads back the log that it moves")]

use crate::shell::files::replace_private;
use crate::shell::files::snapshot::Identity;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tracing_subscriber::fmt::MakeWriter;

/// From this size on a log is moved away, in bytes: some weeks of twenty roles.
const MOST: u64 = 1 << 20;

/// Where the log goes that was there before: `evertoken.log.1`.
pub fn older(log: &Path) -> PathBuf {
    let mut name = log.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".1");
    log.with_file_name(name)
}

/// Standard error, which leads to a log file that is kept small.
#[derive(Debug)]
pub(super) struct Bounded {
    log: PathBuf,
    turn: Mutex<()>,
}

impl Bounded {
    /// Does nothing unless standard error leads to this very file.
    pub(super) fn new(log: PathBuf) -> Self {
        Self { log, turn: Mutex::new(()) }
    }
}

/// One writer at a time: a line that is written while the file is moved would be lost.
pub(super) struct Turn<'a> {
    log: &'a Path,
    _turn: MutexGuard<'a, ()>,
}

impl<'a> MakeWriter<'a> for Bounded {
    type Writer = Turn<'a>;

    fn make_writer(&'a self) -> Turn<'a> {
        Turn { log: &self.log, _turn: self.turn.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

impl Write for Turn<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A log that cannot be moved grows; that is no reason not to write.
        let _grows_on = make_room(self.log);
        io::stderr().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn make_room(log: &Path) -> io::Result<()> {
    let mut file = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() < MOST {
        return Ok(());
    }
    if !Identity::of(&fs::symlink_metadata(log)?).is_same_file(&Identity::of(&metadata)) {
        return Ok(());
    }
    // On a full disk there is no room for what was there, and all the more reason to give some back.
    let _lost_then = fs::read(log).map(|bytes| replace_private(&older(log), &bytes));
    file.set_len(0)?;
    // Where it was not opened to be appended to, the next line would come after a hole.
    file.seek(SeekFrom::Start(0)).map(|_| ())
}
