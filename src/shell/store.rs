//! The two files that sessions are kept in: the shared credentials file and the private store. Carries edits out and
//! reads back what stands there; what to write and what a section means is the engine's to decide.

mod seen;

use crate::engine::aws_config::AwsConfig;
use crate::engine::config::model::StoreKind;
use crate::engine::credentials_file::{self, Edit, Malformed, Observation, Outcome};
use crate::engine::keeper::Sighting;
use crate::engine::names::ProfileName;
use crate::engine::session::{Session, SettingsDigest};
use crate::engine::time::WallTime;
use crate::shell::clock;
use crate::shell::files::lock;
use crate::shell::files::settle::{self, Known, Patience};
use crate::shell::files::snapshot::{Identity, Snapshot};
use crate::shell::files::update::{Kind, Target, lock_path};
use crate::shell::files::{FileError, Refusal, UpdateError, resolve, update};
use crate::shell::leftovers;
use crate::shell::places::Places;
use seen::{Seen, Unknown};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What stands in a file, by profile.
type Sections = Vec<(ProfileName, Observation)>;

/// The shared credentials file and the private store.
pub struct Stores {
    places: Places,
    file_mode: u32,
    patience: Patience,
    seen: [Mutex<Seen>; 2],
    others: Mutex<Others>,
}

/// What stands in the shared credentials file besides what is ours, as a digest.
#[derive(Clone, Copy, Default)]
struct Others {
    digest: Option<u64>,
    changed: bool,
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
    pub fn new(places: Places, file_mode: u32) -> Self {
        Self {
            places,
            file_mode,
            patience: Patience::default(),
            seen: Default::default(),
            others: Mutex::new(Others::default()),
        }
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
            let applied = credentials_file::apply(bytes, edits).map_err(|malformed| Refusal(malformed.to_string()))?;
            let changes = applied.outcomes.contains(&Outcome::Written);
            outcomes = applied.outcomes;
            Ok(changes.then_some(applied.bytes))
        });
        self.seen(store).held = match &updated {
            Err(UpdateError::Held { held, .. }) => Some(**held),
            _ => None,
        };
        let updated = updated?;
        self.seen(store).wrote(&updated, edits, &outcomes);
        if store == StoreKind::Shared && !updated.created.is_empty() {
            leftovers::note_made(&self.places, &updated.created);
        }
        let mut warnings = updated.warnings;
        if let Some((before, after)) = updated.narrowed {
            warnings.push(format!(
                "{} was readable for others (mode {before:04o}) and has now mode {after:04o}; file_mode in the config \
                 allows a wider one",
                target.path.display()
            ));
        }
        let profiles = edits.iter().map(|edit| edit.profile().clone());
        Ok(Stored { outcomes: profiles.zip(outcomes).collect(), warnings })
    }

    /// A region that the AWS config has for a profile already is not written beside it: SDKs would then disagree, or
    /// follow ours. Waits while somebody seems to be writing that file.
    #[must_use]
    pub fn without_known_regions(&self, store: StoreKind, mut edits: Vec<Edit>) -> Vec<Edit> {
        let has_region = |edit: &Edit| matches!(edit, Edit::Put(put) if put.region.is_some());
        if store != StoreKind::Shared || !edits.iter().any(has_region) {
            return edits;
        }
        let Ok(found) = settle::read_theirs(self.places.aws_config(), self.patience) else { return edits };
        let aws = AwsConfig::parse(&String::from_utf8_lossy(&found), "");
        for edit in &mut edits {
            if let Edit::Put(put) = edit
                && aws.profiles.get(put.profile.as_str()).is_some_and(|keys| keys.contains_key("region"))
            {
                put.region = None;
            }
        }
        edits
    }

    /// Reads what stands under the names of `profiles`, and under every other mark of ours. Takes no lock; waits only
    /// for a file that looks like a half-done rewrite of another program.
    pub fn observe(&self, store: StoreKind, profiles: &[ProfileName]) -> Sighting {
        let asked = clock::now();
        let sections = self.sections(store, profiles);
        if let (StoreKind::Shared, Ok((snapshot, sections))) = (store, &sections) {
            self.compare_others(&snapshot.bytes, sections);
        }
        self.seen(store).told = sections.as_ref().ok().and_then(|(snapshot, _)| to_rely_on(snapshot, asked));
        Sighting { store, sections: sections.map(|(_, sections)| sections).map_err(unread) }
    }

    /// What stands under the name of one profile and nothing else, in a fraction of the time.
    ///
    /// # Errors
    /// What failed, to be read after "failed to".
    pub fn find(&self, store: StoreKind, profile: &ProfileName) -> Result<Observation, String> {
        let found = self.read(store, |bytes| credentials_file::find(bytes, profile));
        found.map(|(_, found)| found).map_err(unread)
    }

    /// The same, unless the file is as it was when it was last observed, but for what we have written since.
    pub fn observe_changes(&self, store: StoreKind, profiles: &[ProfileName]) -> Option<Sighting> {
        let told = self.seen(store).told;
        if told.is_some() && told == self.identity(store) { None } else { Some(self.observe(store, profiles)) }
    }

    /// The session of a profile, if it is of interest by its settings, its issue and its end. Reads the file only when it
    /// has changed since it was last read, or when there is such a session.
    pub fn session_of_interest(
        &self,
        store: StoreKind,
        profile: &ProfileName,
        of_interest: impl Fn(&SettingsDigest, WallTime, WallTime) -> bool,
    ) -> Option<Session> {
        if self.has_none_of_interest(store, profile, &of_interest) {
            return None;
        }
        let (_, sections) = self.sections(store, std::slice::from_ref(profile)).ok()?;
        sections.into_iter().find_map(|(name, found)| match found {
            Observation::Ours(session)
                if name == *profile && of_interest(&session.digest, session.issued, session.expiration) =>
            {
                Some(*session)
            }
            _ => None,
        })
    }

    /// Whether the file is as it was last read, and had no session of interest for the profile. Reads no file.
    pub fn has_none_of_interest(
        &self,
        store: StoreKind,
        profile: &ProfileName,
        of_interest: impl Fn(&SettingsDigest, WallTime, WallTime) -> bool,
    ) -> bool {
        let identity = self.identity(store);
        match self.seen(store).life(identity, profile) {
            Ok(life) => !life.is_some_and(|life| of_interest(&life.digest, life.issued, life.expiration)),
            Err(Unknown) => false,
        }
    }

    fn sections(&self, store: StoreKind, profiles: &[ProfileName]) -> Result<(Snapshot, Sections), UpdateError> {
        let asked = clock::now();
        let (snapshot, sections) = self.read(store, |bytes| credentials_file::observe(bytes, profiles))?;
        self.seen(store).read(to_rely_on(&snapshot, asked), &sections);
        Ok((snapshot, sections))
    }

    fn read<T>(
        &self,
        store: StoreKind,
        mut parse: impl FnMut(&[u8]) -> Result<T, Malformed>,
    ) -> Result<(Snapshot, T), UpdateError> {
        let path = resolve(&self.target(store).path)?;
        let known = Known { left: lock::peek(&lock_path(&path)).left, ..self.known(store) };
        let mut parsed = None;
        let snapshot = settle::read(&path, known, self.patience, &mut |bytes| {
            let result = parse(bytes);
            let sound = result.is_ok();
            parsed = Some(result);
            sound
        })?;
        self.seen(store).believed = snapshot.identity();
        match parsed.unwrap_or_else(|| parse(&snapshot.bytes)) {
            Ok(parsed) => Ok((snapshot, parsed)),
            Err(malformed) => Err(UpdateError::Refused { path, reason: Refusal(malformed.to_string()) }),
        }
    }

    /// Whether what others keep in the shared credentials file has changed since this was last asked: long-term keys were
    /// rotated, say. Our own writes do not count.
    pub fn others_changed(&self) -> bool {
        std::mem::take(&mut self.others.lock().unwrap_or_else(PoisonError::into_inner).changed)
    }

    fn compare_others(&self, bytes: &[u8], sections: &Sections) {
        let is_ours = |found: &Observation| matches!(found, Observation::Ours(_) | Observation::Damaged);
        let ours = sections.iter().filter(|(_, found)| is_ours(found));
        let removals: Vec<Edit> = ours.map(|(profile, _)| Edit::remove(profile.clone())).collect();
        let mut hasher = DefaultHasher::new();
        if removals.is_empty() {
            bytes.hash(&mut hasher);
        } else {
            let Ok(rest) = credentials_file::apply(bytes, &removals) else { return };
            rest.bytes.hash(&mut hasher);
        }
        let digest = Some(hasher.finish());
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.changed |= others.digest.is_some() && others.digest != digest;
        others.digest = digest;
    }

    fn target(&self, store: StoreKind) -> Target {
        let (path, file_mode, kind) = match store {
            StoreKind::Shared => (self.places.credentials().to_owned(), self.file_mode, Kind::Users),
            StoreKind::Private => (self.places.private_store(), 0o600, Kind::Own),
        };
        Target { path, file_mode, home: self.places.first_home().cloned(), kind, patience: self.patience }
    }

    fn known(&self, store: StoreKind) -> Known {
        let seen = self.seen(store);
        Known { left: None, seen: seen.believed, held: seen.held }
    }

    /// The file as it is now; `None` when there is none, or none that can be looked at.
    fn identity(&self, store: StoreKind) -> Option<Identity> {
        match store {
            StoreKind::Shared => Identity::behind(self.places.credentials()),
            StoreKind::Private => Identity::behind(&self.places.private_store()),
        }
    }

    fn seen(&self, store: StoreKind) -> MutexGuard<'_, Seen> {
        self.seen[store as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The identity of what was read, where a change since `asked`, before it was read, would show in it.
fn to_rely_on(snapshot: &Snapshot, asked: WallTime) -> Option<Identity> {
    snapshot.identity().filter(|identity| identity.shows_changes_since(asked))
}

fn unread(error: UpdateError) -> String {
    match error {
        UpdateError::Refused { path, reason } => format!("read {}: {reason}", path.display()),
        other => other.to_string(),
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

/// Moves the private store of one credentials file to another one that has none. Whether there was anything to move.
///
/// # Errors
/// The step that failed; it is whole, in its old place.
#[expect(clippy::disallowed_methods, reason = "both names are evertoken's own, and no links")]
pub fn move_private_store(from: &Places, to: &Places) -> Result<bool, FileError> {
    let (old, new) = (from.private_store(), to.private_store());
    if !old.is_file() || new.exists() {
        return Ok(false);
    }
    to.ensure_state()?;
    std::fs::rename(&old, &new).map_err(FileError::at("move", &old))?;
    Ok(true)
}
