//! One look at the watched files: what stands there, compared with what stood there before. Waits for the file system,
//! so it is never taken on the thread of the loop.

use super::{Concern, Watched};
use crate::shell::files::snapshot::Identity;
use crate::shell::own_writes::OwnWrites;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that come and go all the time are not waited for.
const MOST_ROUNDS: usize = 8;

/// What can be seen of a file without reading it.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Look {
    Nothing,
    File(Identity),
    Folder(Vec<(PathBuf, Identity)>),
}

/// What looking needs and remembers.
#[derive(Default)]
pub(super) struct Gaze {
    kernel: Option<RecommendedWatcher>,
    watched: BTreeMap<Watched, Look>,
    pub(super) ours: OwnWrites,
    armed: BTreeSet<PathBuf>,
}

/// What came of a look.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) concerns: BTreeSet<Concern>,
    pub(super) complaint: Option<String>,
    pub(super) polled: bool,
}

impl Gaze {
    /// Of nothing yet.
    pub(super) fn new(kernel: Option<RecommendedWatcher>) -> Self {
        Self { kernel, ..Self::default() }
    }

    /// Compares what stands there with what stood there before. Waits for the file system.
    pub(super) fn look(&mut self, list: Option<Vec<Watched>>) -> Seen {
        if let Some(list) = list {
            let mut old = std::mem::take(&mut self.watched);
            let known = |watched: Watched| {
                let before = old.remove(&watched).unwrap_or_else(|| look(&watched.path));
                (watched, before)
            };
            self.watched = list.into_iter().map(known).collect();
        }
        // Armed before looking: what changes in between is told by the kernel.
        let complaint = self.arm_all();
        let mut concerns = BTreeSet::new();
        for (watched, before) in &mut self.watched {
            let now = look(&watched.path);
            if now == *before {
                continue;
            }
            let before = std::mem::replace(before, now.clone());
            if !is_ours(&before, &now, &self.ours) {
                concerns.insert(watched.concern);
            }
        }
        Seen { concerns, complaint, polled: self.kernel.is_none() }
    }

    /// Arms until nothing new is found: a folder may have come below one that was not watched yet.
    fn arm_all(&mut self) -> Option<String> {
        for _ in 0..MOST_ROUNDS {
            let before = self.armed.clone();
            let complaint = self.arm();
            if complaint.is_some() || self.armed == before {
                return complaint;
            }
        }
        None
    }

    /// Watches every folder that a change can come from: of the file, of what a symlink leads to, or the nearest one
    /// above that exists. Answers why the kernel refuses to.
    fn arm(&mut self) -> Option<String> {
        let mut folders = BTreeSet::new();
        for watched in self.watched.keys() {
            folders.extend(folders_of(&watched.path));
        }
        let kernel = self.kernel.as_mut()?;
        for gone in self.armed.difference(&folders) {
            // A folder that was deleted is no longer watched by the kernel either.
            drop(kernel.unwatch(gone));
        }
        let mut armed = BTreeSet::new();
        let mut refused = None;
        for folder in folders {
            let known = self.armed.contains(&folder) && folder.is_dir();
            match if known { Ok(()) } else { kernel.watch(&folder, RecursiveMode::NonRecursive) } {
                Ok(()) => {
                    armed.insert(folder);
                }
                Err(error) => refused = Some(format!("{}: {error}", folder.display())),
            }
        }
        self.armed = armed;
        if refused.is_some() {
            self.kernel = None;
        }
        refused
    }
}

/// Whether all that has changed in a folder are files that we wrote ourselves.
fn is_ours(before: &Look, now: &Look, ours: &OwnWrites) -> bool {
    let (Look::Folder(before), Look::Folder(now)) = (before, now) else { return false };
    let gone = before.iter().any(|(path, _)| !now.iter().any(|(still, _)| still == path));
    let mut changed = now.iter().filter(|file| !before.contains(file));
    !gone && changed.all(|(path, identity)| ours.is_ours(path, *identity))
}

fn folders_of(path: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if path.is_dir() {
        folders.push(path.to_owned());
    }
    folders.extend(nearest_folder(path));
    if let Ok(target) = fs::canonicalize(path)
        && target != path
    {
        folders.extend(nearest_folder(&target));
    }
    folders
}

fn nearest_folder(path: &Path) -> Option<PathBuf> {
    path.ancestors().skip(1).find(|folder| folder.is_dir()).map(Path::to_owned)
}

fn look(path: &Path) -> Look {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            let mut files: Vec<(PathBuf, Identity)> = entries
                .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "json"))
                .filter_map(|entry| {
                    let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
                    Some((entry.path(), Identity::of(&metadata)))
                })
                .collect();
            files.sort();
            Look::Folder(files)
        }
        Ok(metadata) => Look::File(Identity::of(&metadata)),
        Err(_) => Look::Nothing,
    }
}
