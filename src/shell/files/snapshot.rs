//! What a file was at one moment: its bytes, and enough about it to see later whether it is still the same. Never waits
//! and never judges what it reads.

use crate::engine::time::WallTime;
use crate::shell::files::error::FileError;
use rustix::fs::OFlags;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// More than any credentials file; whatever is larger was named by mistake.
const LARGEST: u64 = 16 * 1024 * 1024;

/// In nanoseconds, as the times of files are.
const SECOND: i128 = 1_000_000_000;
/// Twice as long as any kernel takes for one.
const TICK: i128 = SECOND / 50;

/// Which file it was, and in which state.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Identity {
    /// Device.
    pub device: u64,
    /// Inode.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Time of the last change of the content, nanoseconds since the epoch.
    pub modified: i128,
    /// Time of the last change of anything about it, nanoseconds since the epoch.
    pub changed: i128,
}

/// Whether both paths lead to one file, whichever way each names it.
pub fn are_one(ours: &Path, theirs: &Path) -> bool {
    let same = Identity::behind(ours).zip(Identity::behind(theirs));
    ours == theirs || same.is_some_and(|(ours, theirs)| ours.is_same_file(&theirs))
}

impl Identity {
    /// Of the file that a path leads to now, links followed; `None` when there is none.
    pub fn behind(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    /// Whether both are of one file, in whatever state.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// Whether all that is done to the file at `now` or later shows in its times. A file system takes the time of the last
    /// tick of the kernel, and some keep only seconds of it: two changes within one tick look like one.
    pub fn shows_changes_since(&self, now: WallTime) -> bool {
        let tick = if self.modified % SECOND == 0 { 2 * SECOND } else { TICK };
        i128::from(now.unix_millis()) * (SECOND / 1_000) - self.modified.max(self.changed) > tick
    }

    /// Whether this very time is that of its content.
    pub(super) fn is_stamped(&self, time: SystemTime) -> bool {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_nanos());
        since.is_ok_and(|nanos| i128::try_from(nanos) == Ok(self.modified))
    }

    /// From what `stat` says.
    pub fn of(metadata: &Metadata) -> Self {
        let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * SECOND + i128::from(nanos);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// A file that was there when it was read.
pub struct Present {
    /// Which one.
    pub identity: Identity,
    /// Mode, owner and the rest.
    pub metadata: Metadata,
    /// Still open, so that it can be told later whether somebody wrote into it after it lost its name.
    pub file: File,
}

/// What stood in a file at one moment.
pub struct Snapshot {
    /// The content; empty when there was no file.
    pub bytes: Zeroizing<Vec<u8>>,
    /// `None` when there was no file.
    pub present: Option<Present>,
}

impl Snapshot {
    /// Which file it was.
    pub fn identity(&self) -> Option<Identity> {
        self.present.as_ref().map(|present| present.identity)
    }

    /// Whether both show the same file in the same state.
    pub fn same_as(&self, other: &Self) -> bool {
        self.identity() == other.identity() && self.bytes == other.bytes
    }
}

/// Reads a regular file; one that is not there gives an empty snapshot. `path` is a resolved one: a link is an error.
///
/// # Errors
/// The step and the path; also for whatever is no regular file, and for more than 16 MiB.
pub fn read(path: &Path) -> Result<Snapshot, FileError> {
    // Opening a pipe that nobody writes to would wait for ever.
    let flags = flags(OFlags::NONBLOCK | OFlags::NOFOLLOW);
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Snapshot { bytes: Zeroizing::default(), present: None });
        }
        Err(error) => return Err(FileError::at("open", path)(error)),
    };
    let (bytes, metadata) = read_open(&file).map_err(FileError::at("read", path))?;
    Ok(Snapshot { bytes, present: Some(Present { identity: Identity::of(&metadata), metadata, file }) })
}

/// When the content of a file was last changed; `None` when there is no such file.
pub fn modified(path: &Path) -> Option<WallTime> {
    let identity = Identity::of(&fs::symlink_metadata(path).ok()?);
    i64::try_from(identity.modified / 1_000_000).ok().map(WallTime::from_unix_millis)
}

/// Reads an open file from its start.
pub(super) fn read_open(mut file: &File) -> io::Result<(Zeroizing<Vec<u8>>, Metadata)> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is not a regular file"));
    }
    if metadata.len() > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "this is far too large for a credentials file"));
    }
    // All the room at once: a vector that grows leaves copies of secrets behind in freed memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1024));
    file.rewind()?;
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok((bytes, metadata))
}

/// Opening a pipe that nobody writes to does not wait for ever.
pub(super) fn no_wait() -> i32 {
    flags(OFlags::NONBLOCK)
}

/// Opening a link fails: whoever opens a resolved path means that file and no other.
pub(super) fn no_follow() -> i32 {
    flags(OFlags::NOFOLLOW)
}

fn flags(flags: OFlags) -> i32 {
    i32::try_from(flags.bits()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Identity, LARGEST, OpenOptions, SECOND, WallTime, are_one, read};
    use crate::shell::files::replace_private;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_time_is_relied_on_once_the_clock_of_the_file_system_has_ticked() {
        let now = WallTime::from_unix_millis(1_795_270_000_000);
        let at = |nanos: i128| 1_795_270_000 * SECOND + nanos;
        let shows =
            |modified, changed| Identity { device: 1, inode: 1, size: 1, modified, changed }.shows_changes_since(now);
        assert!(shows(at(-21_000_001), at(-21_000_001)));
        assert!(!shows(at(-19_000_001), at(-21_000_001)), "within a tick of the content's change");
        assert!(!shows(at(-21_000_001), at(-19_000_001)), "within a tick of any change");
        assert!(!shows(at(-2 * SECOND), at(-2 * SECOND)), "it may keep no more than every other second");
        assert!(shows(at(-3 * SECOND), at(-3 * SECOND)));
        assert!(!shows(at(1), at(1)), "by a clock ahead of ours");
    }

    /// Named by mistake: it would be read whole, and kept.
    #[test]
    fn what_is_far_too_large_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("image");
        replace_private(&path, b"x").expect("written");
        let file = OpenOptions::new().write(true).open(&path).expect("the file");
        file.set_len(LARGEST + 1).expect("a file of nothing but room");
        let error = read(&path).err().expect("too large");
        assert!(error.to_string().contains("far too large for a credentials file"), "{error}");
    }

    #[test]
    fn a_file_is_known_by_each_of_its_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        replace_private(&path("a"), b"one").expect("written");
        replace_private(&path("b"), b"one").expect("written");
        symlink("a", path("link")).expect("a link");
        let is = |ours: &str, theirs: &str| are_one(&path(ours), &path(theirs));
        assert!(is("a", "a") && is("link", "a") && is("a", "link") && is("gone", "gone"));
        assert!(!is("a", "b") && !is("a", "gone") && !is("link", "b"));
    }
}
