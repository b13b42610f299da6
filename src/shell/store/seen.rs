//! What this process knows of a credentials file without reading it again: a look costs as much as the file is long, and
//! a call that only wants to know whether anything is new can do without. Never holds a key.

use crate::engine::credentials_file::{Edit, Observation, Outcome};
use crate::engine::names::ProfileName;
use crate::engine::session::{Session, SettingsDigest};
use crate::engine::time::WallTime;
use crate::shell::files::settle::Held;
use crate::shell::files::snapshot::Identity;
use crate::shell::files::update::Updated;
use std::collections::HashMap;

/// One file as it was last read or written.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// As it was last believed.
    pub(super) believed: Option<Identity>,
    /// As it was when everything in it was told to whoever keeps its sessions, or as our own write has left that.
    pub(super) told: Option<Identity>,
    /// Who had it open to write it when it was last to be changed, and was waited for in vain.
    pub(super) held: Option<Held>,
    /// The file that `sessions` are of.
    read: Option<Identity>,
    sessions: HashMap<ProfileName, Life>,
}

/// For which settings a session was issued, when, and when it ends.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) digest: SettingsDigest,
    pub(super) issued: WallTime,
    pub(super) expiration: WallTime,
}

impl Life {
    fn of(session: &Session) -> Self {
        Self { digest: session.digest.clone(), issued: session.issued, expiration: session.expiration }
    }
}

impl Seen {
    /// The file was read, and these are all sections that are ours.
    pub(super) fn read(&mut self, identity: Option<Identity>, sections: &[(ProfileName, Observation)]) {
        self.read = identity;
        self.sessions = sections
            .iter()
            .filter_map(|(profile, found)| match found {
                Observation::Ours(session) => Some((profile.clone(), Life::of(session))),
                _ => None,
            })
            .collect();
    }

    /// The session of a profile; `Err` when only the file can tell.
    pub(super) fn life(&self, file: Option<Identity>, profile: &ProfileName) -> Result<Option<&Life>, Unknown> {
        if file.is_some() && file == self.read { Ok(self.sessions.get(profile)) } else { Err(Unknown) }
    }

    /// We have changed the file. What was known of it goes on where nobody else has changed it before.
    pub(super) fn wrote(&mut self, updated: &Updated, edits: &[Edit], outcomes: &[Outcome]) {
        self.believed = updated.identity;
        if !updated.written {
            return;
        }
        // It may have been read between our renaming and now.
        let goes_on =
            |known: Option<Identity>| known.is_some() && (known == updated.before || known == updated.identity);
        self.told = updated.identity.filter(|_| goes_on(self.told));
        self.read = updated.identity.filter(|_| goes_on(self.read));
        for (edit, outcome) in edits.iter().zip(outcomes) {
            match edit {
                _ if *outcome != Outcome::Written => {}
                Edit::Put(put) => drop(self.sessions.insert(put.profile.clone(), Life::of(&put.session))),
                Edit::Remove { profile, .. } => drop(self.sessions.remove(profile)),
            }
        }
    }
}

/// Not to be told without reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unknown;
