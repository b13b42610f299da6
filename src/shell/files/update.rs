//! One change of a file that others change too: lock, read what can be believed, edit, replace, and start over when
//! somebody else was faster. Never holds the lock across anything but these steps.

use crate::shell::files::error::FileError;
use crate::shell::files::folder::{self, Home};
use crate::shell::files::lock::{FileLock, LockError};
use crate::shell::files::replace::{self, Overtaken, Replaced};
use crate::shell::files::resolve::resolve;
use crate::shell::files::settle::{self, Held, Known, Patience, Readiness};
use crate::shell::files::snapshot::Identity;
use crate::shell::files::temporary;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Somebody who changes the file each time between our reading and our renaming is fought no more often than this.
const MOST_ATTEMPTS: usize = 10;

/// A file to be changed, and the rules for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// As configured; links are followed anew each time.
    pub path: PathBuf,
    /// The widest mode that an existing file keeps.
    pub file_mode: u32,
    /// The home folder; without one no folder is created.
    pub home: Option<Home>,
    /// Whether its folder is one of evertoken's own.
    pub kind: Kind,
    /// How long things may take.
    pub patience: Patience,
}

/// Whose the folder of a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The user's (`~/.aws`): looked at, and created where it is missing.
    Users,
    /// evertoken's own: also kept at 0700.
    Own,
}

/// The content cannot be edited; the file stays as it is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// What an edit makes of the content: the new one, or `None` when there is nothing to change.
pub type Edited = Result<Option<Zeroizing<Vec<u8>>>, Refusal>;

/// What an [`update`] did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Updated {
    /// Whether the file was replaced.
    pub written: bool,
    /// The file as it stands now, `None` when there is none.
    pub identity: Option<Identity>,
    /// The file whose content was edited, where nothing but the edit sets the new one apart from it and whatever comes
    /// after shows in the new one's times.
    pub before: Option<Identity>,
    /// What was not there before: the file, and its folder.
    pub created: Vec<PathBuf>,
    /// The mode as it was and as it is, where it was wider than allowed.
    pub narrowed: Option<(u32, u32)>,
    /// Sentences for a person.
    pub warnings: Vec<String>,
}

/// An [`update`] failed; the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// A step failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The write lock was not to be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The content cannot be edited.
    #[error("edit {}: {reason}", .path.display())]
    Refused {
        /// The resolved file.
        path: PathBuf,
        /// Why.
        reason: Refusal,
    },
    /// Somebody has it open to write it.
    #[error("replace {}: process {} has it open to write it, and what it writes would be lost", .path.display(), .held.process)]
    Held {
        /// The resolved file.
        path: PathBuf,
        /// Who, for whoever tries again.
        held: Box<Held>,
    },
    /// Somebody else was faster each time.
    #[error("replace {}: another program changed it {MOST_ATTEMPTS} times in between", .path.display())]
    Contested {
        /// The resolved file.
        path: PathBuf,
    },
}

/// `<resolved>.lock`.
pub fn lock_path(resolved: &Path) -> PathBuf {
    let mut name = resolved.file_name().map(OsString::from).unwrap_or_default();
    name.push(".lock");
    resolved.with_file_name(name)
}

/// Content that somebody wrote into the old file while it lost its name to ours: it is edited anew.
struct Theirs {
    content: Zeroizing<Vec<u8>>,
    /// What has the name now, unless somebody else writes that meanwhile.
    over: Zeroizing<Vec<u8>>,
    _file: Overtaken,
}

fn unfinished(path: &Path) -> String {
    let path = path.display();
    format!(
        "another program began to rewrite {path} just when it was replaced, and has not ended: what it writes is lost, the \
         rest is as it was"
    )
}

fn idle(path: &Path, held: &Held) -> String {
    let (path, process) = (path.display(), held.process);
    format!(
        "process {process} has {path} open to write it and has written nothing for a while, so it is not waited for any \
         longer: what it writes from now on is lost; end it, or let it open the file again"
    )
}

/// Changes a file by `edit`, which gets the content (empty when there is no file) and answers the new one, or `None`
/// when there is nothing to change. It may be asked several times. `known` is what the caller knows of the file.
///
/// # Errors
/// In every case the file is whole: as it was, or as another program made it.
pub fn update(target: &Target, known: Known, edit: &mut dyn FnMut(&[u8]) -> Edited) -> Result<Updated, UpdateError> {
    let path = resolve(&target.path)?;
    let parent = path.parent().unwrap_or(Path::new("/"));
    let mut updated = Updated::default();
    if target.kind == Kind::Users && !parent.exists() {
        let refused = |reason| UpdateError::Refused { path: path.clone(), reason };
        if edit(&[]).map_err(refused)?.is_none() {
            return Ok(Updated::default());
        }
        folder::create_for_credentials(parent, target.home.as_ref())?;
        updated.created.push(parent.to_owned());
    }
    if target.kind == Kind::Own {
        folder::ensure_private(parent, target.home.as_ref())?;
    }
    let folder = folder::check(parent)?;
    let mut lock = FileLock::acquire(&lock_path(&path), target.patience.lock)?;
    updated.warnings.extend(temporary::clean(&path).iter().map(ToString::to_string));

    let mut overtaken: Option<Theirs> = None;
    let mut known = Known { left: lock.left(), ..known };
    // Not at each attempt: that takes long, and whoever opens the file later is met right after the replacement.
    let (mut was_looked_at, mut idler) = (false, None);
    let mut attempts = 0;
    while attempts < MOST_ATTEMPTS {
        attempts += 1;
        let mut edited = Ok(None);
        let old = settle::read(&path, known, target.patience, &mut |bytes| {
            edited = edit(
                overtaken.as_ref().filter(|theirs| *theirs.over == *bytes).map_or(bytes, |theirs| &theirs.content),
            );
            edited.is_ok()
        })?;
        // Somebody has written the new one since: theirs is the later word.
        overtaken = overtaken.filter(|theirs| theirs.over == old.bytes);
        updated.identity = old.identity();
        updated.before = old.identity().filter(|_| overtaken.is_none());
        let theirs = || overtaken.as_ref().map(|theirs| theirs.content.clone());
        let (new, refused) = match edited {
            Ok(new) => (new.or_else(theirs), None),
            // What cannot be edited stands as its author meant it.
            Err(reason) => (theirs(), Some(UpdateError::Refused { path: path.clone(), reason })),
        };
        let Some(new) = new.filter(|new| **new != *old.bytes) else {
            lock.leave(updated.identity);
            return refused.map_or(Ok(updated), Err);
        };
        let is_new = old.present.is_none();
        if !was_looked_at {
            idler = match settle::await_writer(&path, &old, known.held, target.patience) {
                Readiness::Free => None,
                Readiness::Idle(held) => Some(held),
                Readiness::Held(held) => return Err(UpdateError::Held { path, held: Box::new(held) }),
            };
            was_looked_at = true;
        }
        match replace::replace(&path, &folder, old, &new, target.file_mode, idler.map(|held| held.process))? {
            Replaced::ChangedMeanwhile => {}
            Replaced::Done(done) => {
                lock.leave(done.identity);
                known = Known { left: done.identity, ..Known::default() };
                updated.written = true;
                updated.warnings.extend(idler.take().map(|held| idle(&path, &held)));
                updated.created.extend(is_new.then(|| path.clone()));
                updated.before = updated.before.filter(|_| done.is_stamped);
                updated.identity = done.identity;
                updated.narrowed = updated.narrowed.or(done.narrowed);
                updated.warnings.extend(done.warnings);
                match (done.overtaken, refused) {
                    (None, None) if done.identity.is_some() => return Ok(updated),
                    // They wrote into the new file already: what they had read before it, perhaps.
                    (None, None) => overtaken = None,
                    (None, Some(refused)) => return Err(refused),
                    (Some(file), _) => {
                        let content = settle::read_nameless(&path, &file.file, target.patience);
                        let content = content.map_err(FileError::at("read", &path))?;
                        if content.is_none() {
                            updated.warnings.push(unfinished(&path));
                        }
                        // Who opened it and wrote nothing after all has nothing to say.
                        let content = content.filter(|content| *content != file.was);
                        // What stands nowhere else is not given up for the attempts that came before.
                        attempts = if content.is_some() { 0 } else { attempts };
                        overtaken = content.map(|content| Theirs { content, over: new, _file: file });
                    }
                }
            }
        }
    }
    Err(UpdateError::Contested { path })
}
