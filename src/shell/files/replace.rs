//! The replacement of a file: a new one is written beside it, made durable, and takes its name in one step, so that
//! whoever reads sees the old content or the new one and nothing between. Never truncates a file that others read,
//! except where it is a mount of its own and cannot be replaced.

#![expect(clippy::disallowed_methods, reason = "the shell removes files")]

use crate::shell::clock;
use crate::shell::files::attributes;
use crate::shell::files::error::FileError;
use crate::shell::files::parent::Parent;
use crate::shell::files::snapshot::{self, Identity, Present, Snapshot, no_follow};
use crate::shell::files::temporary::{Name, Temporary, is_unknown};
use crate::shell::files::writers::writer_of;
use rustix::io::Errno;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// The mode of a file that evertoken creates.
const OWNER_ONLY: u32 = 0o600;

/// What became of a replacement.
pub(super) enum Replaced {
    /// Somebody changed the file since it was read; nothing was done.
    ChangedMeanwhile,
    /// The new content is in place.
    Done(Done),
}

/// A replacement that took place.
pub(super) struct Done {
    /// The new file; `None` when it could not be looked at any more, or when somebody wrote into it already.
    pub(super) identity: Option<Identity>,
    /// The mode as it was and as it is, where it was wider than allowed.
    pub(super) narrowed: Option<(u32, u32)>,
    /// Sentences for a person.
    pub(super) warnings: Vec<String>,
    /// Whether each later change by anybody shows in its times, also one that comes at once.
    pub(super) is_stamped: bool,
    /// The old file, when somebody was writing into it in the very moment in which it lost its name.
    pub(super) overtaken: Option<Overtaken>,
}

/// A file whose name ours has now and into which somebody writes. Has the temporary name until this is dropped, where there
/// was time to look: what is being written then stands in a file that can be found for as long as it stands nowhere else.
pub(super) struct Overtaken {
    /// The file.
    pub(super) file: File,
    /// What stood in it.
    pub(super) was: Zeroizing<Vec<u8>>,
    _name: Option<Name>,
}

/// Puts `new` in the place of what was read as `old` at the resolved `path`, with no wider mode than `allowed`.
/// `folder` is the folder's metadata: a new file belongs to whom the folder belongs to. `idler` is a process that has the
/// old file open to write it and is not waited for.
///
/// # Errors
/// The step that failed; the old file is whole and no temporary file is left.
pub(super) fn replace(
    path: &Path,
    folder: &Metadata,
    old: Snapshot,
    new: &[u8],
    allowed: u32,
    idler: Option<u32>,
) -> Result<Replaced, FileError> {
    let parent = Parent::of(path)?;
    let mut temporary = Temporary::beside(path)?;
    let at = |step| FileError::at(step, temporary.path());
    let mut warnings = Vec::new();
    let mode_before = old.present.as_ref().map(|present| present.metadata.mode() & 0o777);
    let mode = mode_before.map_or(OWNER_ONLY, |before| before & allowed);
    // Owner and mode stand before the first secret is written.
    attributes::keep_owner(
        old.present.as_ref().map_or(folder, |present| &present.metadata),
        mode,
        temporary.file(),
        path,
    )?;
    if let Some(present) = &old.present {
        warnings = attributes::carry_over(&present.file, temporary.file(), path);
    }
    temporary.file().set_permissions(Permissions::from_mode(mode)).map_err(at("set the mode of"))?;
    let mut file = temporary.file();
    file.write_all(new).map_err(at("write"))?;
    // A time that no write of anybody else bears: those get that of the last tick of the kernel.
    let exactly = clock::now_to_the_nanosecond();
    let is_stamped = file.set_modified(exactly).is_ok();
    file.sync_all().map_err(at("fsync"))?;

    if !snapshot::read(path)?.same_as(&old) {
        return Ok(Replaced::ChangedMeanwhile);
    }
    let narrowed = mode_before.filter(|before| *before != mode).map(|before| (before, mode));
    match put_in_place(&mut temporary, path, old.identity(), new) {
        Ok(true) => {}
        Ok(false) => return Ok(Replaced::ChangedMeanwhile),
        Err(error) => match (&old.present, Errno::from_io_error(&error)) {
            (Some(present), Some(Errno::BUSY)) => {
                write_in_place(path, &old, present, new, mode)?;
                warnings.push(format!(
                    "{} is a mount of its own and cannot be replaced, so it was written in place: a reader may see it half \
                     written; mount its folder instead",
                    path.display()
                ));
                let identity = identity_of(&present.file);
                return Ok(Replaced::Done(Done { identity, narrowed, warnings, is_stamped: false, overtaken: None }));
            }
            _ => return Err(FileError::at("rename", temporary.path())(error)),
        },
    }
    // The new file has one name, so this is said once.
    let names = old.present.as_ref().map_or(1, |present| present.metadata.nlink());
    warnings.extend((names > 1).then(|| cut_off(path, names - 1)));
    let is_caught = |present: &Present| was_written_to(present, &old.bytes) || is_being_written(path, present, idler);
    let is_overtaken = old.present.as_ref().is_some_and(is_caught);
    if !is_overtaken {
        // What has the temporary name now is the old file, with the keys in it.
        warnings.extend(temporary.remove().err().map(|error| error.to_string()));
    }
    // Not a failure of the write: every reader has the new content already.
    let not_durable = parent.sync().err();
    warnings.extend(not_durable.map(|error| format!("{error}; the new content may not survive a power cut")));
    let identity = identity_of(temporary.file());
    // The file system may keep less of it.
    let is_stamped = is_stamped && identity.is_some_and(|identity| identity.is_stamped(exactly));
    // Or somebody has opened the new file already and written into it while the folder was made durable.
    let identity = identity.filter(|_| is_stamped || holds(temporary.file(), new));
    // Looked at once more: not everybody who has it open can be seen.
    let late = old.present.filter(|present| is_overtaken || was_written_to(present, &old.bytes));
    let _name = temporary.into_name();
    let overtaken = late.map(|Present { file, .. }| Overtaken { file, was: old.bytes, _name });
    Ok(Replaced::Done(Done { identity, narrowed, warnings, is_stamped, overtaken }))
}

fn cut_off(path: &Path, others: u64) -> String {
    let names = if others == 1 {
        "another name (a hard link)".to_owned()
    } else {
        format!("{others} other names (hard links)")
    };
    format!(
        "{} had {names}, where the old content stays and no change follows any more: make it a symbolic link to \
         that file",
        path.display()
    )
}

/// Gives the new file its name, but only in the place of the very file that was read (of none, where there was none):
/// another program may save the file as a whole, by a rename of its own, between our comparison and this. Answers
/// whether the new file is in place. What is written *into* the old file meanwhile is looked for afterwards.
///
/// The two files change their names, so that no reader meets a gap and what came out can be looked at. When that is the
/// save of another program, it gets its name back at once. A run that is killed between these calls, a few microseconds
/// apart, leaves the save under the temporary name, which the next run removes like any other: to lose it takes such a
/// kill and such a save in the same few microseconds, and no file system has a rename that looks first.
pub(super) fn put_in_place(
    temporary: &mut Temporary,
    path: &Path,
    old: Option<Identity>,
    new: &[u8],
) -> io::Result<bool> {
    let exchanged = match old {
        Some(_) => temporary.exchange(path),
        None => temporary.rename_to_free(path),
    };
    match (exchanged, old) {
        (Err(Errno::NOENT | Errno::EXIST), _) => return Ok(false),
        (Err(error), _) if is_unknown(error) => return temporary.rename(path).map(|()| true),
        (Err(error), _) => return Err(error.into()),
        (Ok(()), None) => return Ok(true),
        (Ok(()), Some(old)) if temporary.leads_to(&old).unwrap_or(false) => return Ok(true),
        (Ok(()), Some(_)) => {}
    }
    if temporary.exchange(path).is_err() {
        // Whatever keeps them from changing their names again: theirs replaces ours. Where that fails too, it stays.
        return temporary.rename(path).map(|()| false).inspect_err(|_| temporary.keep());
    }
    let settled = || -> io::Result<()> {
        let ours = Identity::of(&temporary.file().metadata()?);
        if !temporary.leads_to(&ours)? || !holds(temporary.file(), new) {
            // A third program has saved over ours meanwhile: the last one who saved is right.
            temporary.exchange(path)?;
        }
        Ok(())
    };
    // Where nobody can tell whose it is, it stays.
    settled().map(|()| false).inspect_err(|_| temporary.keep())
}

/// Replaces a file of evertoken's own in its own folder, 0600, in one step. Not made durable: what is written this way
/// (`status.json`) is written anew at the next event, and readers take an empty one for none.
///
/// # Errors
/// The step that failed; the old file is whole.
pub fn replace_private(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut temporary = Temporary::beside(path)?;
    let mut file = temporary.file();
    file.write_all(bytes).map_err(FileError::at("write", temporary.path()))?;
    temporary.rename(path).map_err(FileError::at("rename", path))
}

/// Creates a file, 0600, in one step and durably; answers `false`, and touches nothing, when something has that name.
///
/// # Errors
/// The step that failed; nothing of the file is there then, unless it is the fsync of its folder.
pub fn create_private(path: &Path, bytes: &[u8]) -> Result<bool, FileError> {
    let parent = Parent::of(path)?;
    let temporary = Temporary::beside(path)?;
    let mut file = temporary.file();
    file.write_all(bytes).map_err(FileError::at("write", temporary.path()))?;
    file.sync_all().map_err(FileError::at("fsync", temporary.path()))?;
    // A second name for it, and not a rename: that would replace what somebody else has just put there.
    match fs::hard_link(temporary.path(), path) {
        Ok(()) => parent.sync().map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(FileError::at("create", path)(error)),
    }
}

/// Removes a file of evertoken's own; answers whether there was one.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove(path: &Path) -> Result<bool, FileError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FileError::at("remove", path)(error)),
    }
}

/// Whether the file that has just lost its name is not what was read: some program opened it before the rename and
/// wrote after the comparison. (The time of its last change is no sign: losing the name changes that.)
pub(super) fn was_written_to(present: &Present, old: &[u8]) -> bool {
    snapshot::read_open(&present.file).map_or(true, |(bytes, metadata)| {
        Identity::of(&metadata).modified != present.identity.modified || **bytes != *old
    })
}

/// Whether somebody has it open to write it who will be waited for.
fn is_being_written(path: &Path, present: &Present, idler: Option<u32>) -> bool {
    writer_of(path, &present.file).is_some_and(|process| Some(process) != idler)
}

/// First all bytes, then the cut: a file that becomes shorter is never empty on the way. The room is reserved before,
/// and what failed in the middle is undone.
fn write_in_place(path: &Path, old: &Snapshot, present: &Present, new: &[u8], mode: u32) -> Result<(), FileError> {
    let file =
        OpenOptions::new().write(true).custom_flags(no_follow()).open(path).map_err(FileError::at("open", path))?;
    let metadata = file.metadata().map_err(FileError::at("look at", path))?;
    if Identity::of(&metadata) != present.identity {
        return Err(FileError::refused("write", path, "another program changed it just now"));
    }
    if metadata.mode() & 0o777 != mode {
        file.set_permissions(Permissions::from_mode(mode)).map_err(FileError::at("set the mode of", path))?;
    }
    let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    reserve(&file, length(new)).map_err(FileError::at("reserve room in", path))?;
    let written = file.write_all_at(new, 0).and_then(|()| file.set_len(length(new))).and_then(|()| file.sync_all());
    written.map_err(|error| {
        let undone = file.write_all_at(&old.bytes, 0).and_then(|()| file.set_len(length(&old.bytes)));
        let step = if undone.is_ok() { "write" } else { "write (half done, and not to be undone)" };
        FileError::at(step, path)(error)
    })
}

#[cfg(target_os = "linux")]
fn reserve(file: &File, length: u64) -> Result<(), Errno> {
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::KEEP_SIZE, 0, length.max(1)) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        other => other,
    }
}

/// A single file is a mount of its own only on Linux.
#[cfg(not(target_os = "linux"))]
fn reserve(_file: &File, _length: u64) -> Result<(), Errno> {
    Ok(())
}

/// Whether a file holds what we wrote and nothing else.
fn holds(file: &File, new: &[u8]) -> bool {
    snapshot::read_open(file).is_ok_and(|(bytes, _)| **bytes == *new)
}

fn identity_of(file: &File) -> Option<Identity> {
    file.metadata().map(|metadata| Identity::of(&metadata)).ok()
}

#[cfg(test)]
mod tests;
