//! Notices when a file changes that the daemon lives on, however an editor or another program replaces it.
//!
//! Folders are watched, not files, since most programs rename a new file into place. A message of the kernel only means
//! "look again": what changed is found by comparing what stands there with what stood there before. Where the kernel
//! refuses to watch, the same look is taken every few seconds.

use crate::shell::own_writes::{Identity, OwnWrites};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

/// Changes within this time are one: editors write, rename and touch in quick succession.
const CALM: Duration = Duration::from_millis(50);
/// How often to look where the kernel does not tell.
const POLL: Duration = Duration::from_secs(5);

/// What a changed file means to the daemon.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Concern {
    /// The config.
    Config,
    /// The shared credentials file or the private store.
    Credentials,
    /// Anything that source credentials come from.
    Sources,
    /// The CA bundle.
    Trust,
}

/// A file to watch, or a folder of which every JSON file counts: the caches of sign-ins hold nothing else but what is
/// about to become one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Watched {
    /// Its path, which need not exist yet.
    pub path: PathBuf,
    /// What it means when it changes.
    pub concern: Concern,
}

/// What can be seen of a file without reading it.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Look {
    Nothing,
    File(Identity),
    Folder(Vec<(PathBuf, Identity)>),
}

/// Watches a list of files.
pub struct Watcher {
    kernel: Option<RecommendedWatcher>,
    messages: mpsc::Receiver<()>,
    watched: BTreeMap<Watched, Look>,
    ours: OwnWrites,
    armed: BTreeSet<PathBuf>,
    complaint: Option<String>,
}

impl Watcher {
    /// A watcher of nothing yet.
    pub fn new() -> Self {
        // One waiting message is enough: it only means "look again".
        let (sender, messages) = mpsc::channel(1);
        let handler = move |event: notify::Result<notify::Event>| {
            if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                // A full channel already holds the message.
                let _full = sender.try_send(());
            }
        };
        let (kernel, complaint) = match notify::recommended_watcher(handler) {
            Ok(kernel) => (Some(kernel), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            kernel,
            messages,
            watched: BTreeMap::new(),
            ours: OwnWrites::default(),
            armed: BTreeSet::new(),
            complaint,
        }
    }

    /// What this process writes in a watched folder is no news from now on.
    pub fn ignore(&mut self, ours: OwnWrites) {
        self.ours = ours;
    }

    /// Replaces the list. What is already on it keeps its memory, so that no change is lost in between.
    pub fn watch(&mut self, list: impl IntoIterator<Item = Watched>) {
        let mut old = std::mem::take(&mut self.watched);
        self.watched = list
            .into_iter()
            .map(|watched| {
                let look = old.remove(&watched).unwrap_or_else(|| look(&watched.path));
                (watched, look)
            })
            .collect();
        self.arm();
    }

    /// Why some files are polled instead of watched; told once.
    pub fn complaint(&mut self) -> Option<String> {
        self.complaint.take()
    }

    /// Waits until something on the list has changed, and tells what it concerns.
    pub async fn changed(&mut self) -> BTreeSet<Concern> {
        loop {
            let concerns = self.look_again();
            if !concerns.is_empty() {
                return concerns;
            }
            self.arm();
            if self.kernel.is_some() {
                // The sender lives in the kernel's watcher, so the channel cannot close before it does.
                let _told = self.messages.recv().await;
            } else {
                tokio::time::sleep(POLL).await;
            }
            tokio::time::sleep(CALM).await;
            while self.messages.try_recv().is_ok() {}
        }
    }

    fn look_again(&mut self) -> BTreeSet<Concern> {
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
        concerns
    }

    /// Watches every folder that a change can come from: of the file, of what a symlink leads to, or the nearest one
    /// above that exists.
    fn arm(&mut self) {
        let mut folders = BTreeSet::new();
        for watched in self.watched.keys() {
            folders.extend(folders_of(&watched.path));
        }
        let Some(kernel) = &mut self.kernel else { return };
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
        if let Some(refused) = refused {
            self.complaint = Some(refused);
            self.kernel = None;
        }
    }
}

impl Default for Watcher {
    fn default() -> Self {
        Self::new()
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

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the tests play the program that changes the files")]
    use super::{Concern, Identity, OwnWrites, Watched, Watcher};
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    async fn next(watcher: &mut Watcher) -> Vec<Concern> {
        let wait = tokio::time::timeout(Duration::from_secs(30), watcher.changed());
        wait.await.expect("a change is noticed").into_iter().collect()
    }

    fn on_runtime<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
    }

    fn watcher(folder: &Path) -> Watcher {
        let mut watcher = Watcher::new();
        watcher.watch([
            Watched { path: folder.join("config.toml"), concern: Concern::Config },
            Watched { path: folder.join(".aws/credentials"), concern: Concern::Credentials },
            Watched { path: folder.join(".aws/sso/cache"), concern: Concern::Sources },
        ]);
        watcher
    }

    #[test]
    fn notices_whichever_way_a_file_changes() {
        let home = tempfile::tempdir().expect("a folder");
        let config = home.path().join("config.toml");
        on_runtime(async {
            let mut watcher = watcher(home.path());
            fs::write(&config, "a").expect("write");
            assert_eq!(next(&mut watcher).await, [Concern::Config]);
            fs::write(home.path().join("new"), "longer").expect("write");
            fs::rename(home.path().join("new"), &config).expect("rename");
            assert_eq!(next(&mut watcher).await, [Concern::Config]);
            fs::remove_file(&config).expect("remove");
            assert_eq!(next(&mut watcher).await, [Concern::Config]);
        });
    }

    #[test]
    fn notices_files_in_folders_that_did_not_exist() {
        let home = tempfile::tempdir().expect("a folder");
        on_runtime(async {
            let mut watcher = watcher(home.path());
            fs::create_dir_all(home.path().join(".aws/sso")).expect("create");
            fs::write(home.path().join(".aws/credentials"), "x").expect("write");
            assert_eq!(next(&mut watcher).await, [Concern::Credentials]);
            fs::create_dir(home.path().join(".aws/sso/cache")).expect("create");
            assert_eq!(next(&mut watcher).await, [Concern::Sources]);
            fs::write(home.path().join(".aws/sso/cache/token.json"), "{}").expect("write");
            assert_eq!(next(&mut watcher).await, [Concern::Sources]);
        });
    }

    #[test]
    fn what_we_wrote_ourselves_is_no_news_and_what_comes_after_it_is() {
        let home = tempfile::tempdir().expect("a folder");
        let cache = home.path().join(".aws/sso/cache");
        fs::create_dir_all(&cache).expect("create");
        let token = cache.join("token.json");
        fs::write(&token, "theirs").expect("write");
        let ours = OwnWrites::default();
        on_runtime(async {
            let mut watcher = watcher(home.path());
            watcher.ignore(ours.clone());
            let temporary = cache.join("token.tmp");
            fs::write(&temporary, "ours, renewed").expect("write");
            ours.note(&token, Identity::of(&fs::metadata(&temporary).expect("a file")));
            fs::rename(&temporary, &token).expect("rename");
            assert!(watcher.look_again().is_empty());
            fs::write(&token, "theirs again, longer").expect("write");
            assert_eq!(next(&mut watcher).await, [Concern::Sources]);
            ours.note(&token, Identity::of(&fs::metadata(&token).expect("a file")));
            fs::remove_file(&token).expect("remove");
            assert_eq!(next(&mut watcher).await, [Concern::Sources]);
        });
    }

    #[test]
    fn notices_what_a_symlink_leads_to() {
        let home = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(home.path().join("dotfiles")).expect("create");
        fs::write(home.path().join("dotfiles/c"), "x").expect("write");
        std::os::unix::fs::symlink(home.path().join("dotfiles/c"), home.path().join("config.toml")).expect("link");
        on_runtime(async {
            let mut watcher = watcher(home.path());
            fs::write(home.path().join("dotfiles/c"), "longer").expect("write");
            assert_eq!(next(&mut watcher).await, [Concern::Config]);
        });
    }
}
