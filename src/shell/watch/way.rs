//! The way that leads to a watched file: the folders in which a change can come to pass, and the names in them that matter.
//! A folder on the way may be busy with files that are none of ours, so that most of what the kernel tells is no news.

use notify::{Event, EventKind, event::ModifyKind};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// As many as Linux follows before it speaks of a circle.
const MOST_LINKS: usize = 40;
/// Here a watch is on the folder itself, whatever name it has later, and costs nothing for what lies deeper. FSEvents goes
/// by the path, and would be woken by everything below the home folder.
const SEES_INODES: bool = cfg!(target_os = "linux");

/// The ways to all that is watched, links followed as they stand now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Ways {
    /// Those that must be watched: of the file, or the nearest one above that exists.
    pub(super) folders: BTreeSet<PathBuf>,
    /// Those that tell when such a folder is replaced as a whole, and when a link on the way is switched.
    pub(super) above: BTreeSet<PathBuf>,
    /// Every name on a way.
    names: BTreeSet<OsString>,
    /// The folders in which every JSON file counts.
    caches: BTreeSet<PathBuf>,
}

impl Ways {
    /// To each of these files and folders.
    pub(super) fn to<'a>(paths: impl Iterator<Item = &'a Path>) -> Self {
        let mut ways = Self::default();
        for path in paths {
            // Without a folder that we are in there is none that a relative path is in.
            if let Ok(path) = std::path::absolute(path) {
                ways.follow(&path);
            }
        }
        if !SEES_INODES {
            ways.above.clear();
        }
        ways.above = &ways.above - &ways.folders;
        ways
    }

    /// Folders are named by where they really are: the kernel takes two names of one folder for one.
    fn follow(&mut self, path: &Path) {
        let mut here = PathBuf::from("/");
        let mut links = 0;
        let mut left = reversed(path);
        while let Some(step) = left.pop() {
            if step == ".." {
                here.pop();
                continue;
            }
            let next = here.join(&step);
            self.names.insert(step);
            let is_folder = fs::symlink_metadata(&next).is_ok_and(|found| found.is_dir());
            if !is_folder
                && links < MOST_LINKS
                && let Ok(target) = fs::read_link(&next)
            {
                links += 1;
                self.above.extend(here.parent().map(Path::to_owned));
                self.above.insert(here.clone());
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                left.append(&mut reversed(&target));
            } else if is_folder {
                here = next;
            } else {
                // A file, or what is missing: it stands, or will stand, in this folder.
                self.above.extend(here.parent().map(Path::to_owned));
                self.folders.insert(here);
                return;
            }
        }
        self.folders.extend(here.parent().map(Path::to_owned));
        self.folders.insert(here.clone());
        self.caches.insert(here);
    }

    fn matters(&self, path: &Path) -> bool {
        // By the last name alone: the kernel tells of a folder under one of its names, and that may be another one.
        path.file_name().is_none_or(|name| self.names.contains(name))
            || (path.extension().is_some_and(|extension| extension == "json")
                && path.parent().is_some_and(|folder| self.caches.contains(folder)))
    }
}

fn reversed(path: &Path) -> Vec<OsString> {
    let steps = path.components().rev().filter(|step| matches!(step, Component::Normal(_) | Component::ParentDir));
    steps.map(|step| step.as_os_str().to_owned()).collect()
}

/// What the kernel has told, weighed in its own thread. Cheap to clone; all clones know the same.
#[derive(Clone, Default)]
pub(super) struct News(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    ways: Ways,
    shaken: bool,
}

impl News {
    /// From now on these ways matter. To be called before their folders are watched.
    pub(super) fn follow(&self, ways: Ways) {
        self.heard().ways = ways;
    }

    /// Whether a watched folder may have been replaced since this was asked last: then the kernel may still watch the old
    /// one, or none, even if the new one has got the same inode.
    pub(super) fn is_shaken(&self) -> bool {
        std::mem::take(&mut self.heard().shaken)
    }

    /// Whether this is a reason to look.
    pub(super) fn hear(&self, event: &notify::Result<Event>) -> bool {
        let Ok(event) = event else {
            self.heard().shaken = true;
            return true;
        };
        if matches!(event.kind, EventKind::Access(_)) {
            return false;
        }
        let mut heard = self.heard();
        let of_folder = |path: &PathBuf| heard.ways.folders.contains(path) || heard.ways.above.contains(path);
        if event.need_rescan()
            || (!matches!(event.kind, EventKind::Modify(ModifyKind::Data(_))) && event.paths.iter().any(of_folder))
        {
            heard.shaken = true;
        }
        // Elsewhere a name may come spelt in another way than it was asked for.
        !SEES_INODES
            || heard.shaken
            || event.paths.is_empty()
            || event.paths.iter().any(|path| heard.ways.matters(path))
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
