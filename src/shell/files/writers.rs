//! Which process has a file open for writing: one that has cut it to nothing and has not written it anew yet, say. Asks
//! only what the kernel tells about processes, so that a hung file system of theirs holds nobody up. Where there is no
//! `/proc` (all but Linux) nobody can be asked, and nobody is found.

use crate::shell::files::snapshot::Identity;
use crate::shell::files::temporary;
use crate::shell::files::whole;
use rustix::fs::{Dir, Mode, OFlags};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The process id of somebody who has this file open for writing; `path` is its name, or was until it was replaced.
/// Programs of other users, into which the kernel lets nobody look, are not found.
pub(in crate::shell) fn writer_of(path: &Path, file: &File) -> Option<u32> {
    let ours = Identity::of(&file.metadata().ok()?);
    programs().find(|process| has_it_open(*process, path, &ours))
}

/// Whether this process has the file open for writing: a small part of the work of finding one.
pub(in crate::shell) fn is_writer(process: u32, path: &Path, file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| has_it_open(process, path, &Identity::of(&metadata)))
}

/// The process id of somebody who has a file open that had this name and was removed.
pub(in crate::shell) fn keeper_of_removed(path: &Path) -> Option<u32> {
    let mut wanted = path.as_os_str().to_owned();
    wanted.push(" (deleted)");
    programs().find(|process| handles(*process).any(|(_, target)| target.as_os_str() == wanted))
}

fn has_it_open(process: u32, path: &Path, ours: &Identity) -> bool {
    // The name first: the kernel knows it without asking the file system.
    handles(process).any(|(handle, target)| {
        is_named(&target, path)
            && Identity::behind(&told_of(process, "fd").join(&handle)).is_some_and(|theirs| theirs.is_same_file(ours))
            && writes(process, &handle)
    })
}

/// What a process has open: the name of each handle, and of what it leads to. Each is looked up from the folder of them all,
/// for there may be tens of thousands on a machine.
fn handles(process: u32) -> impl Iterator<Item = (OsString, PathBuf)> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(told_of(process, "fd"), flags, Mode::empty()).ok();
    let listed = folder.and_then(|folder| Some((Dir::read_from(&folder).ok()?, folder)));
    listed.into_iter().flat_map(|(entries, folder)| {
        entries.filter_map(move |entry| {
            let entry = entry.ok()?;
            let target = rustix::fs::readlinkat(&folder, entry.file_name(), Vec::new()).ok()?;
            let text = OsStr::from_bytes;
            Some((text(entry.file_name().to_bytes()).to_owned(), text(target.to_bytes()).into()))
        })
    })
}

fn told_of(process: u32, name: &str) -> PathBuf {
    format!("/proc/{process}/{name}").into()
}

/// The processes that run a program and let us look: threads of the kernel, of which there may be hundreds, run none.
fn programs() -> impl Iterator<Item = u32> {
    let numbers = fs::read_dir("/proc").into_iter().flatten();
    let processes = numbers.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.filter(|process| fs::read_link(told_of(*process, "exe")).is_ok())
}

fn is_named(target: &Path, path: &Path) -> bool {
    let found = target.file_name().map_or(&[][..], OsStrExt::as_bytes);
    // A file that was replaced had the name of the temporary one at last.
    let is_it = |name: &[u8]| {
        let name = OsStr::from_bytes(name);
        path.file_name() == Some(name) || temporary::is_beside(name, path)
    };
    is_it(found) || found.strip_suffix(b" (deleted)").is_some_and(is_it)
}

/// Whether a handle of a process was opened for writing.
fn writes(process: u32, handle: &OsStr) -> bool {
    let told = whole::read(&told_of(process, "fdinfo").join(handle)).unwrap_or_default();
    let flags = str::from_utf8(&told).ok().and_then(|told| told.lines().find_map(|line| line.strip_prefix("flags:")));
    let flags = flags.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok()).unwrap_or_default();
    OFlags::from_bits_retain(flags).intersects(OFlags::WRONLY | OFlags::RDWR)
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
