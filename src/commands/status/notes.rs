//! What is no trouble and yet not as the config says: sessions that STS keeps shorter, or a daemon that goes by another
//! config. Once for each difference.

use crate::engine::config::Config;
use crate::engine::config::durations::show;
use crate::engine::credentials_file::Observation;
use crate::engine::invocation::quoted;
use crate::engine::keeper::Sighting;
use std::time::Duration;

/// One difference and all whom it concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// In the order of the config; none where it is about the daemon.
    pub profiles: Vec<String>,
    /// What happens.
    pub message: String,
    /// What ends it.
    pub fix: String,
}

impl Note {
    /// Two lists for one credentials file: that of the daemon is the one that lasts.
    pub fn of_other_config(config: &str) -> Self {
        let message = format!("goes by {config}, and not by this config: it undoes what this one says otherwise");
        Self { profiles: Vec::new(), message, fix: format!("evertoken --config {} status", quoted(config)) }
    }

    /// Whom it is about.
    pub fn about(&self, separator: &str) -> String {
        if self.profiles.is_empty() { "the daemon".to_owned() } else { self.profiles.join(separator) }
    }
}

/// What the marks in the credentials files tell.
pub fn notes(config: &Config, sightings: &[Sighting]) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    for entry in &config.entries {
        let sighting = sightings.iter().find(|sighting| sighting.store == entry.store);
        let found = sighting.and_then(|sighting| sighting.found(&entry.profile));
        let Some(Observation::Ours(session)) = found else { continue };
        let allowed = session.allowed.filter(|_| session.digest == entry.digest);
        let Some(allowed) = allowed.filter(|allowed| *allowed < entry.duration) else { continue };
        let message = message(entry.duration, allowed);
        let profile = entry.profile.to_string();
        match notes.iter_mut().find(|note| note.message == message) {
            Some(note) => note.profiles.push(profile),
            None => notes.push(Note { profiles: vec![profile], message, fix: fix(allowed) }),
        }
    }
    notes
}

fn message(configured: Duration, allowed: Duration) -> String {
    format!("STS does not allow sessions of {}; they last {}", show(configured), show(allowed))
}

fn fix(allowed: Duration) -> String {
    format!("write duration = \"{}\", or have the maximum session duration of the role raised", show(allowed))
}
