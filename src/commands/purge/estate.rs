//! What evertoken has written for one credentials file: keys in that file and in the private store, the state folder, the
//! locks. Surveys it and clears it away; asks nobody whether it may.

use crate::commands::ending::{Ending, FINE, NOT_FINE};
use crate::commands::output::Output;
use crate::engine::config::model::StoreKind;
use crate::engine::credentials_file::{self, Edit, Observation, Outcome};
use crate::engine::names::ProfileName;
use crate::shell::files::lock::FileLock;
use crate::shell::files::snapshot;
use crate::shell::leftovers;
use crate::shell::places::Places;
use crate::shell::store::Stores;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long whoever writes the shared file just now is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much is taken away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extent {
    /// All there is.
    Everything,
    /// The keys of some profiles.
    Keys,
}

/// Whether it is done or only told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tense {
    /// It is done.
    Done,
    /// It would be.
    Planned,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cleared {
    /// The exit code.
    pub(super) code: u8,
    /// Whether there was anything to take away.
    pub(super) anything: bool,
}

/// What there is to remove from one file.
struct Share {
    store: StoreKind,
    ours: Vec<ProfileName>,
    kept: Vec<String>,
}

/// All that evertoken has written for one credentials file.
pub(super) struct Estate {
    stores: Stores,
    shares: Vec<Share>,
}

impl Estate {
    /// Looks for keys with our mark; only those of the named profiles, unless none is named.
    pub(super) fn survey(stores: Stores, named: &[ProfileName]) -> Result<Self, Ending> {
        let shares = [StoreKind::Shared, StoreKind::Private].map(|store| share(&stores, store, named));
        Ok(Self { shares: shares.into_iter().collect::<Result<_, _>>()?, stores })
    }

    /// Whether there are keys of this profile.
    pub(super) fn holds(&self, profile: &ProfileName) -> bool {
        self.shares.iter().any(|share| share.ours.contains(profile))
    }

    fn places(&self) -> &Places {
        self.stores.places()
    }

    /// Takes it away and tells each step.
    pub(super) fn clear<W: Write>(
        &self,
        extent: Extent,
        tense: Tense,
        output: &mut Output<W>,
    ) -> Result<Cleared, Ending> {
        let verb = if tense == Tense::Planned { "would remove" } else { "removed" };
        // It is written down in the state folder, which goes too.
        let made = if extent == Extent::Everything && self.leaves_nothing()? {
            leftovers::made(self.places())
        } else {
            Vec::new()
        };
        let mut code = FINE;
        for share in &self.shares {
            let path = match share.store {
                StoreKind::Shared => self.places().credentials().to_owned(),
                StoreKind::Private => self.places().private_store(),
            };
            for kept in &share.kept {
                output.text(&format!("left alone in {}: {kept}\n", path.display()))?;
            }
            let removed = match tense {
                Tense::Planned => share.ours.clone(),
                Tense::Done => self.remove(share, &path, output, &mut code)?,
            };
            for profile in removed {
                output.text(&format!("{verb} the keys of profile {profile} from {}\n", path.display()))?;
            }
        }
        let rest = if extent == Extent::Everything { self.clear_rest(tense, made)? } else { Vec::new() };
        for path in &rest {
            output.text(&format!("{verb} {}\n", path.display()))?;
        }
        Ok(Cleared { code, anything: !rest.is_empty() || self.shares.iter().any(|share| !share.ours.is_empty()) })
    }

    /// The state folder, the write lock, and the credentials file itself where it is empty and would not be there without
    /// us. Only after the keys: an edit makes lock files.
    fn clear_rest(&self, tense: Tense, made: Vec<PathBuf>) -> Result<Vec<PathBuf>, Ending> {
        let places = self.places();
        let mut gone = leftovers::find(places).map_err(Ending::failed)?;
        let lock = Some(places.write_lock()).filter(|lock| lock.exists() || !made.is_empty());
        if tense == Tense::Planned {
            gone.extend(lock.filter(|lock| lock.exists()));
            gone.extend(made);
            return Ok(gone);
        }
        if !gone.is_empty() {
            leftovers::remove(places, &gone).map_err(Ending::failed)?;
        }
        if let Some(path) = lock {
            let lock = FileLock::acquire(&path, PATIENCE).map_err(Ending::failed)?;
            let mut made = made.into_iter();
            for file in made.by_ref().take(1) {
                gone.extend(leftovers::unmake(&file).map_err(Ending::failed)?.then_some(file));
            }
            lock.remove().map_err(Ending::failed)?;
            gone.push(path);
            for folder in made {
                gone.extend(leftovers::unmake(&folder).map_err(Ending::failed)?.then_some(folder));
            }
        }
        Ok(gone)
    }

    /// Whether nothing stands in the shared credentials file but our keys.
    fn leaves_nothing(&self) -> Result<bool, Ending> {
        let ours = self.shares.iter().filter(|share| share.store == StoreKind::Shared).flat_map(|share| &share.ours);
        let removals: Vec<Edit> = ours.cloned().map(Edit::remove).collect();
        let found = snapshot::read(self.places().resolved_credentials()).map_err(Ending::failed)?;
        Ok(credentials_file::apply(&found.bytes, &removals).is_ok_and(|applied| applied.bytes.is_empty()))
    }

    /// Takes our keys out and answers for which profiles that was done.
    fn remove<W: Write>(
        &self,
        share: &Share,
        path: &Path,
        output: &mut Output<W>,
        code: &mut u8,
    ) -> Result<Vec<ProfileName>, Ending> {
        if share.ours.is_empty() {
            return Ok(Vec::new());
        }
        let edits: Vec<Edit> = share.ours.iter().cloned().map(Edit::remove).collect();
        let stored = self.stores.apply(share.store, &edits).map_err(Ending::failed)?;
        let mut removed = Vec::new();
        for (profile, outcome) in stored.outcomes {
            match outcome {
                Outcome::Written => removed.push(profile),
                Outcome::Unchanged => {}
                Outcome::Refused(reason) => {
                    *code = NOT_FINE;
                    output.text(&format!("left alone in {}: profile {profile}: {reason}\n", path.display()))?;
                }
            }
        }
        for warning in stored.warnings {
            output.text(&format!("{warning}\n"))?;
        }
        Ok(removed)
    }
}

fn share(stores: &Stores, store: StoreKind, named: &[ProfileName]) -> Result<Share, Ending> {
    let sections = stores.observe(store, named).sections.map_err(Ending::failed)?;
    let mut share = Share { store, ours: Vec::new(), kept: Vec::new() };
    for (profile, found) in sections {
        if !named.is_empty() && !named.contains(&profile) {
            continue;
        }
        match found {
            Observation::Ours(_) | Observation::Damaged => share.ours.push(profile),
            Observation::NewerFormat => share.kept.push(format!("profile {profile}, which a newer evertoken wrote")),
            Observation::Foreign(_) | Observation::Untouchable(_) | Observation::Absent | Observation::Fillable => {}
        }
    }
    Ok(share)
}
