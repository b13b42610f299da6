//! The strictest of readers: looks at the file again and again, as a new AWS process would, and counts what is wrong.

#![expect(clippy::disallowed_methods, reason = "reads the file as any other program does")]

use crate::engine::credentials_file::{Observation, observe};
use crate::engine::names::ProfileName;
use crate::shell::clock;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What a reader found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Seen {
    pub(super) reads: u64,
    pub(super) broken: u64,
    pub(super) ended: u64,
}

/// Reads in a thread of its own.
pub(super) struct Reader {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Reader {
    pub(super) fn start(path: PathBuf, profiles: &[&str]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let names: Vec<ProfileName> = profiles.iter().filter_map(|name| ProfileName::parse(name).ok()).collect();
        let told = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut seen = Seen::default();
            while !told.load(Ordering::Relaxed) {
                let sections = fs::read(&path).ok().and_then(|bytes| observe(&bytes, &names).ok());
                let now = clock::now();
                seen.reads += 1;
                let held = |name: &ProfileName| {
                    sections.iter().flatten().find_map(|(found, what)| match what {
                        Observation::Ours(session) if found == name => Some(session.expiration),
                        _ => None,
                    })
                };
                let ends: Vec<_> = names.iter().map(held).collect();
                seen.broken += u64::from(ends.contains(&None));
                seen.ended += u64::from(ends.iter().flatten().any(|end| *end <= now));
                thread::sleep(Duration::from_millis(3));
            }
            seen
        });
        Self { stop, thread }
    }

    pub(super) fn stop(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or(Seen { reads: 0, broken: 1, ended: 0 })
    }
}
