//! When a read may be believed: many programs truncate a credentials file and write it anew without any lock, so
//! whoever reads beside them sees an empty or short file. What looks like that is read again until it stands still and
//! nobody has it open to write it. Never writes.

use crate::shell::clock;
use crate::shell::files::error::FileError;
use crate::shell::files::lock;
use crate::shell::files::resolve::resolve;
use crate::shell::files::snapshot::{self, Identity, Snapshot};
use crate::shell::files::update::lock_path;
use crate::shell::files::whole;
use crate::shell::files::writers::{is_writer, writer_of};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

const POLL: Duration = Duration::from_millis(25);

/// How long things may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// A file that somebody else has just touched is believed when it has stood still for this long.
    pub quiet: Duration,
    /// One that is empty, shorter than it was or cannot be parsed, for this long.
    pub lost: Duration,
    /// A file that never stands still is given up after this long.
    pub settle: Duration,
    /// Who has a file open to write it and writes nothing is waited for so long, all waits taken together.
    pub held: Duration,
    /// The wait for the write lock.
    pub lock: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(300),
            lost: Duration::from_secs(2),
            settle: Duration::from_secs(6),
            held: Duration::from_secs(30),
            lock: Duration::from_secs(10),
        }
    }
}

/// What is known about a file from earlier; either may be out of date.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Known {
    /// As the last evertoken process that changed it left it.
    pub left: Option<Identity>,
    /// As this process last believed it.
    pub seen: Option<Identity>,
    /// Who was waited for in vain when it was last to be replaced.
    pub held: Option<Held>,
}

/// Somebody who has a file open to write it, and how long that was waited for while nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// The process id.
    pub process: u32,
    state: Identity,
    waited: Duration,
}

/// Whether a file may be replaced that looks whole.
pub(super) enum Readiness {
    /// Nobody has it open to write it.
    Free,
    /// This process has, and has written nothing for so long that nobody waits for it any longer.
    Idle(Held),
    /// Somebody has, and may be in the midst of it.
    Held(Held),
}

/// Reads a file, and again until it can be believed. `sound` says whether the content can be parsed; it is asked once
/// for each content.
///
/// # Errors
/// As for [`snapshot::read`], and when the file does not stand still.
pub fn read(
    path: &Path,
    known: Known,
    patience: Patience,
    sound: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<Snapshot, FileError> {
    let mut current = snapshot::read(path)?;
    let mut needed = stillness_needed(&current, known, patience, sound);
    let mut still = age(path, &current);
    let (mut waited, mut writer) = (Duration::ZERO, None);
    loop {
        if still >= needed {
            if needed < patience.lost {
                return Ok(current);
            }
            // It may stand still because its writer does: on a machine that swaps, or stopped in the middle.
            writer = current.present.as_ref().and_then(|present| writer_of(path, &present.file));
            if writer.is_none() && snapshot::read(path)?.same_as(&current) {
                return Ok(current);
            }
            still = Duration::ZERO;
        }
        if waited >= patience.settle {
            return Err(restless(path, writer));
        }
        std::thread::sleep(POLL);
        waited += POLL;
        let next = snapshot::read(path)?;
        if next.same_as(&current) {
            still += POLL;
        } else {
            needed = stillness_needed(&next, known, patience, sound);
            (still, writer) = (Duration::ZERO, None);
        }
        current = next;
    }
}

/// Reads one of the AWS files for who wants nothing but its text: a half-done rewrite looks like keys that are gone, or wrong.
/// One that is not there is empty, and so is a device, as people mean them who name one.
///
/// # Errors
/// When it cannot be read, and when it does not stand still.
pub fn read_theirs(path: &Path, patience: Patience) -> io::Result<Zeroizing<Vec<u8>>> {
    read_sound(path, patience, &mut |_| true)
}

/// The same where `sound` says whether the content can be parsed: what cannot be is waited for longer.
///
/// # Errors
/// See [`read_theirs`].
pub fn read_sound(
    path: &Path,
    patience: Patience,
    sound: &mut dyn FnMut(&[u8]) -> bool,
) -> io::Result<Zeroizing<Vec<u8>>> {
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return whole::read(path);
    }
    let why = |error: FileError| error.source;
    let path = resolve(path).map_err(why)?;
    let known = Known { left: lock::peek(&lock_path(&path)).left, ..Known::default() };
    read(&path, known, patience, sound).map(|found| found.bytes).map_err(why)
}

/// Waits until nobody has the file open to write it: whoever has writes on, however long the pauses are, and would write
/// into a file without a name once another one has taken its place. Nobody reads their mind, so `earlier` tells how long
/// the same process was waited for in vain before: who only keeps the file open must not stop us for ever.
pub(super) fn await_writer(path: &Path, old: &Snapshot, earlier: Option<Held>, patience: Patience) -> Readiness {
    let Some(present) = &old.present else { return Readiness::Free };
    let (mut found, mut held) = (writer_of(path, &present.file), earlier);
    let mut waited = Duration::ZERO;
    while let Some(process) = found {
        let named = fs::symlink_metadata(path).map(|metadata| Identity::of(&metadata));
        // What is under the name now is another file: whoever compares will see it.
        let Some(state) = named.ok().filter(|state| state.is_same_file(&present.identity)) else { break };
        let before = held.filter(|held| (held.process, held.state) == (process, state));
        let now = before.unwrap_or(Held { process, state, waited: Duration::ZERO });
        if now.waited >= patience.held {
            return Readiness::Idle(now);
        }
        if waited >= patience.settle {
            return Readiness::Held(now);
        }
        std::thread::sleep(POLL);
        waited += POLL;
        held = Some(Held { waited: now.waited + POLL, ..now });
        if !is_writer(process, path, &present.file) {
            found = writer_of(path, &present.file);
        }
    }
    Readiness::Free
}

/// Reads what somebody is writing into a file that has lost its name, `path`, once it stands still and nobody has it open
/// to write it. `None` when that takes longer than `patience`: it will never be whole.
pub(super) fn read_nameless(path: &Path, file: &File, patience: Patience) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let (mut bytes, _) = snapshot::read_open(file)?;
    let (mut still, mut waited) = (Duration::ZERO, Duration::ZERO);
    loop {
        let needed = if bytes.is_empty() { patience.lost } else { patience.quiet };
        if still >= needed {
            if writer_of(path, file).is_none() && snapshot::read_open(file)?.0 == bytes {
                return Ok(Some(bytes));
            }
            still = Duration::ZERO;
        }
        if waited >= patience.settle {
            return Ok(None);
        }
        std::thread::sleep(POLL);
        waited += POLL;
        let (next, _) = snapshot::read_open(file)?;
        still = if next == bytes { still + POLL } else { Duration::ZERO };
        bytes = next;
    }
}

fn restless(path: &Path, writer: Option<u32>) -> FileError {
    let who = writer.map_or_else(
        || "another program keeps writing to it".to_owned(),
        |process| format!("process {process} has cut it short and still has it open to write it"),
    );
    FileError::at("read", path)(io::Error::new(io::ErrorKind::TimedOut, format!("it does not stand still: {who}")))
}

/// How long a file must have stood still to be believed.
fn stillness_needed(
    current: &Snapshot,
    known: Known,
    patience: Patience,
    sound: &mut dyn FnMut(&[u8]) -> bool,
) -> Duration {
    let size_before = known.seen.or(known.left).map_or(0, |before| before.size);
    // Asked also where the answer changes nothing: the caller keeps what it has parsed.
    let parses = sound(&current.bytes);
    match &current.present {
        Some(present) if [known.left, known.seen].contains(&Some(present.identity)) => Duration::ZERO,
        None if size_before == 0 => Duration::ZERO,
        Some(present) if parses && present.identity.size > 0 && present.identity.size >= size_before => patience.quiet,
        _ => patience.lost,
    }
}

/// How long ago a file was touched. The time of its last change cannot be set by anybody, unlike that of its content. A file
/// that is gone was touched when its folder was. A time in the future was written under another clock setting, so not
/// just now: the difference counts, whichever way it goes.
fn age(path: &Path, current: &Snapshot) -> Duration {
    let changed = match (&current.present, path.parent()) {
        (Some(present), _) => Some(present.identity.changed),
        (None, Some(folder)) => fs::metadata(folder).ok().map(|metadata| Identity::of(&metadata).changed),
        (None, None) => None,
    };
    let Some(changed) = changed else { return Duration::MAX };
    let now = i128::from(clock::now().unix_millis()) * 1_000_000;
    Duration::from_nanos(u64::try_from((now - changed).unsigned_abs()).unwrap_or(u64::MAX))
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
