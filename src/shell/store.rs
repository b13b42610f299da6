//! The two files that sessions are kept in: the shared credentials file and the private store. Carries edits out and
//! reads back what stands there; what to write and what a section means is the engine's to decide.

use crate::engine::config::model::StoreKind;
use crate::engine::credentials_file::{Applied, Edit, Malformed, Observation, Outcome};
use crate::engine::keeper::Sighting;
use crate::engine::names::ProfileName;
use crate::shell::files::lock;
use crate::shell::files::settle::{self, Known, Patience};
use crate::shell::files::snapshot::Identity;
use crate::shell::files::update::{Kind, Target, lock_path};
use crate::shell::files::{FileError, Refusal, UpdateError, resolve, update};
use crate::shell::places::Places;
use std::path::Path;
use std::sync::Mutex;

/// What stands in a file, by profile.
type Sections = Vec<(ProfileName, Observation)>;

/// How a credentials file is edited and read: the engine's two functions.
#[derive(Clone, Copy)]
pub struct Editor {
    /// Bytes and edits in, bytes and outcomes out.
    pub apply: fn(&[u8], &[Edit]) -> Result<Applied, Malformed>,
    /// What stands under the names of these profiles, and under every other mark of ours.
    pub observe: fn(&[u8], &[ProfileName]) -> Result<Sections, Malformed>,
}

/// The shared credentials file and the private store.
pub struct Stores {
    places: Places,
    file_mode: u32,
    patience: Patience,
    editor: Editor,
    seen: [Mutex<Option<Identity>>; 2],
}

/// What became of a batch of edits.
#[derive(Clone, PartialEq, Debug)]
pub struct Stored {
    /// One for each edit, in their order.
    pub outcomes: Vec<(ProfileName, Outcome)>,
    /// Sentences for a person: said once, in the log.
    pub warnings: Vec<String>,
}

/// A batch of edits could not be carried out; the file is whole, and as it was or as another program made it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StoreError(#[from] UpdateError);

impl Stores {
    /// `file_mode` is the widest mode that the shared credentials file may keep.
    pub fn new(places: Places, file_mode: u32, editor: Editor) -> Self {
        Self { places, file_mode, patience: Patience::default(), editor, seen: [Mutex::new(None), Mutex::new(None)] }
    }

    /// The same with another patience.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// Where the files are.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Carries edits out, all in one replacement of the file, or in none when they change nothing.
    ///
    /// # Errors
    /// The step that failed, with its path; nothing was changed then.
    pub fn apply(&self, store: StoreKind, edits: &[Edit]) -> Result<Stored, StoreError> {
        let target = self.target(store);
        if store == StoreKind::Private {
            self.places.ensure_state().map_err(UpdateError::from)?;
        }
        let mut outcomes = Vec::new();
        let updated = update(&target, self.known(store), &mut |bytes| {
            let applied = (self.editor.apply)(bytes, edits).map_err(|malformed| Refusal(malformed.to_string()))?;
            let changes = applied.outcomes.contains(&Outcome::Written);
            outcomes = applied.outcomes;
            Ok(changes.then_some(applied.bytes))
        })?;
        self.remember(store, updated.identity);
        let mut warnings = updated.warnings;
        if let Some((before, after)) = updated.narrowed {
            warnings.push(format!(
                "{} was readable for others (mode {before:04o}) and has now mode {after:04o}; file_mode in the config \
                 allows a wider one",
                target.path.display()
            ));
        }
        let profiles = edits.iter().map(|edit| match edit {
            Edit::Put(publication) => publication.profile.clone(),
            Edit::Remove(profile) => profile.clone(),
        });
        Ok(Stored { outcomes: profiles.zip(outcomes).collect(), warnings })
    }

    /// Reads what stands under the names of `profiles`, and under every other mark of ours. Takes no lock; waits only
    /// for a file that looks like a half-done rewrite of another program.
    pub fn observe(&self, store: StoreKind, profiles: &[ProfileName]) -> Sighting {
        let sections = self.sections(store, profiles).map_err(|error| match error {
            UpdateError::Refused { path, reason } => format!("read {}: {reason}", path.display()),
            other => other.to_string(),
        });
        Sighting { store, sections }
    }

    fn sections(&self, store: StoreKind, profiles: &[ProfileName]) -> Result<Sections, UpdateError> {
        let path = resolve(&self.target(store).path)?;
        let known = Known { left: lock::peek(&lock_path(&path)).left, ..self.known(store) };
        let mut observed = Ok(Vec::new());
        let snapshot = settle::read(&path, known, self.patience, &mut |bytes| {
            observed = (self.editor.observe)(bytes, profiles);
            observed.is_ok()
        })?;
        self.remember(store, snapshot.identity());
        observed.map_err(|malformed| UpdateError::Refused { path, reason: Refusal(malformed.to_string()) })
    }

    fn target(&self, store: StoreKind) -> Target {
        let (path, file_mode, kind) = match store {
            StoreKind::Shared => (self.places.credentials().to_owned(), self.file_mode, Kind::Users),
            StoreKind::Private => (self.places.private_store(), 0o600, Kind::Own),
        };
        Target { path, file_mode, home: self.places.home().map(Path::to_owned), kind, patience: self.patience }
    }

    fn known(&self, store: StoreKind) -> Known {
        let seen = self.seen[store as usize].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Known { left: None, seen: *seen }
    }

    fn remember(&self, store: StoreKind, identity: Option<Identity>) {
        *self.seen[store as usize].lock().unwrap_or_else(std::sync::PoisonError::into_inner) = identity;
    }
}

/// Writes `status.json`, 0600, in one step.
///
/// # Errors
/// The step that failed; the old one is whole.
pub fn write_status(places: &Places, bytes: &[u8]) -> Result<(), FileError> {
    places.ensure_state()?;
    crate::shell::files::replace_private(&places.status_file(), bytes)
}
