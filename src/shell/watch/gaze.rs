//! One look at the watched files: what stands there, compared with what stood there before. Waits for the file system,
//! so it is never taken on the thread of the loop.

use super::way::{News, Ways};
use super::{Concern, Watched};
use crate::shell::files::snapshot::Identity;
use crate::shell::own_writes::OwnWrites;
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Folders that come and go all the time are not waited for.
const MOST_ROUNDS: usize = 8;

/// What can be seen of a file without reading it.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Look {
    Nothing,
    /// With where the links on the way lead: the same file may have got another place.
    File(Identity, Option<PathBuf>),
    Folder(Vec<(PathBuf, Identity)>),
}

/// What looking needs and remembers.
#[derive(Default)]
pub(super) struct Gaze {
    kernel: Option<RecommendedWatcher>,
    watched: BTreeMap<Watched, Look>,
    pub(super) ours: OwnWrites,
    /// The folders that the kernel watches, and which ones they were.
    armed: BTreeMap<PathBuf, (u64, u64)>,
    news: News,
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
    pub(super) fn new(kernel: Option<RecommendedWatcher>, news: News) -> Self {
        Self { kernel, news, ..Self::default() }
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

    /// Arms until nothing new is found: a folder may have come below one that was not watched yet, or in its place.
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

    /// Watches every folder that a change can come from. Answers why the kernel refuses to.
    fn arm(&mut self) -> Option<String> {
        let ways = Ways::to(self.watched.keys().map(|watched| watched.path.as_path()));
        self.news.follow(ways.clone());
        let kernel = self.kernel.as_mut()?;
        let is_shaken = self.news.is_shaken();
        let mut wanted = BTreeMap::new();
        for (folders, need) in [(&ways.folders, Need::Must), (&ways.above, Need::Should)] {
            // One that is gone again is another round's business.
            wanted.extend(folders.iter().filter_map(|folder| Some((folder, (node(folder)?, need)))));
        }
        self.armed.retain(|folder, node| {
            let stays = !is_shaken && wanted.get(folder).is_some_and(|(now, _)| now == node);
            if !stays {
                // A folder that was deleted is no longer watched by the kernel either.
                drop(kernel.unwatch(folder));
            }
            stays
        });
        let mut refused = None;
        for (folder, (node_before, need)) in wanted {
            if self.armed.contains_key(folder) {
                continue;
            }
            match kernel.watch(folder, RecursiveMode::NonRecursive) {
                // Should it have been replaced just now, the next round sees another node.
                Ok(()) => drop(self.armed.insert(folder.clone(), node_before)),
                Err(error) if need == Need::Must || matches!(error.kind, ErrorKind::MaxFilesWatch) => {
                    // One that has gone meanwhile was not refused.
                    if node(folder).is_some() {
                        refused = Some(format!("{}: {error}", folder.display()));
                    }
                }
                // Some may only be walked through, such as that of all homes.
                Err(_) => {}
            }
        }
        if refused.is_some() {
            self.kernel = None;
        }
        refused
    }
}

/// Whether files are polled where a folder cannot be watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Need {
    Must,
    Should,
}

/// Which folder has this name now: device and inode.
fn node(folder: &Path) -> Option<(u64, u64)> {
    let metadata = fs::metadata(folder).ok().filter(fs::Metadata::is_dir)?;
    Some((metadata.dev(), metadata.ino()))
}

/// Whether all that has changed in a folder are files that we wrote ourselves.
fn is_ours(before: &Look, now: &Look, ours: &OwnWrites) -> bool {
    let (Look::Folder(before), Look::Folder(now)) = (before, now) else { return false };
    let gone = before.iter().any(|(path, _)| !now.iter().any(|(still, _)| still == path));
    let mut changed = now.iter().filter(|file| !before.contains(file));
    !gone && changed.all(|(path, identity)| ours.is_ours(path, *identity))
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
        Ok(metadata) => Look::File(Identity::of(&metadata), fs::canonicalize(path).ok()),
        Err(_) => Look::Nothing,
    }
}
