//! Notices when a file changes that the daemon lives on, however an editor or another program replaces it.
//!
//! Folders are watched, not files, since most programs rename a new file into place, and on Linux the folders above and
//! those of links on the way too, since a folder can be replaced as a whole. A message of the kernel that concerns a name on
//! the way only means "look again": what changed is found by comparing what stands there with what stood there before.
//! Where the kernel refuses to watch, the same look is taken every few seconds.

mod gaze;
#[cfg(test)]
mod tests;
mod way;

use crate::shell::own_writes::OwnWrites;
use crate::shell::panics::{Unfinished, in_thread};
use gaze::{Gaze, Seen};
use notify::RecommendedWatcher;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Sleep, sleep};
use way::News;

/// Changes within this time are one: editors write, rename and touch in quick succession.
const CALM: Duration = Duration::from_millis(50);
/// How often to look where the kernel does not tell.
const POLL: Duration = Duration::from_secs(5);
/// How long a new list is waited for until its files were looked at.
const FIRST_LOOK: Duration = Duration::from_secs(2);

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

/// Watches a list of files.
pub struct Watcher {
    messages: mpsc::Receiver<()>,
    complaint: Option<String>,
    /// What has changed and was not told yet.
    unsaid: BTreeSet<Concern>,
    polled: bool,
    /// Whether anything may have changed since the last look began.
    stale: bool,
    /// What is waited for before the next look, however often whoever waits is called away.
    pause: Option<Pin<Box<Sleep>>>,
    /// The list that was asked for.
    known: Vec<Watched>,
    /// The same where it is to be taken over with the next look.
    list: Option<Vec<Watched>>,
    ours: OwnWrites,
    eyes: Eyes,
}

/// At most one thread looks at a time: a file system that does not answer holds up whoever asks it.
enum Eyes {
    Resting(Box<Gaze>),
    Looking(JoinHandle<(Box<Gaze>, Seen)>),
    /// A look has panicked, and what it remembered is gone.
    Lost,
}

impl Watcher {
    /// A watcher of nothing yet.
    pub fn new() -> Self {
        // One waiting message is enough: it only means "look again".
        let (sender, messages) = mpsc::channel(1);
        let news = News::default();
        let weighed = news.clone();
        let handler = move |event: notify::Result<notify::Event>| {
            if weighed.hear(&event) {
                // A full channel already holds the message.
                let _full = sender.try_send(());
            }
        };
        Self::with(notify::recommended_watcher(handler), messages, news)
    }

    fn with(kernel: notify::Result<RecommendedWatcher>, messages: mpsc::Receiver<()>, news: News) -> Self {
        let (kernel, complaint) = match kernel {
            Ok(kernel) => (Some(kernel), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            messages,
            complaint,
            unsaid: BTreeSet::new(),
            polled: kernel.is_none(),
            stale: true,
            pause: None,
            known: Vec::new(),
            list: None,
            ours: OwnWrites::default(),
            eyes: Eyes::Resting(Box::new(Gaze::new(kernel, news))),
        }
    }

    /// What this process writes in a watched folder is no news from now on.
    pub fn ignore(&mut self, ours: OwnWrites) {
        self.ours = ours;
    }

    /// Replaces the list, and waits for the first look at it, but not for ever. What is already on the list keeps its
    /// memory, so that no change is lost in between.
    pub async fn watch(&mut self, list: Vec<Watched>) {
        self.known.clone_from(&list);
        self.list = Some(list);
        let first_look = async {
            // A look that is under way still goes by the old list.
            while self.list.is_some() || matches!(self.eyes, Eyes::Looking(_)) {
                self.look().await;
            }
        };
        // Where a file system hangs, the look goes on, and the daemon too.
        let _late = tokio::time::timeout(FIRST_LOOK, first_look).await;
    }

    /// Whether this is the list that was asked for last.
    pub fn has_list(&self, list: &[Watched]) -> bool {
        self.known == list
    }

    /// Why some files are polled instead of watched; told once.
    pub fn complaint(&mut self) -> Option<String> {
        self.complaint.take()
    }

    /// The same as a line in the log.
    pub fn tell_complaint(&mut self) {
        if let Some(complaint) = self.complaint() {
            tracing::warn!("the kernel does not watch files for us ({complaint}); looking every few seconds instead");
        }
    }

    /// Waits until something on the list has changed, and tells what it concerns. May be dropped and asked again at any
    /// time, as a loop does that waits for other things too: that alone is no reason for another look.
    pub async fn changed(&mut self) -> BTreeSet<Concern> {
        loop {
            if self.stale || self.list.is_some() || !matches!(self.eyes, Eyes::Resting(_)) {
                self.look().await;
            }
            if matches!(self.eyes, Eyes::Lost) {
                // What is told is told after the new first look, and not all the time should that one panic too.
                sleep(POLL).await;
                self.look().await;
            }
            if !self.unsaid.is_empty() || self.complaint.is_some() {
                return std::mem::take(&mut self.unsaid);
            }
            // A look that there was no thread for is still to be taken: the kernel tells nothing twice.
            if !self.stale {
                self.wait_for_news().await;
            }
        }
    }

    async fn wait_for_news(&mut self) {
        if self.pause.is_none() && !self.polled {
            // The sender lives in the kernel's watcher, so the channel cannot close before it does.
            let _told = self.messages.recv().await;
        }
        let time = if self.polled { POLL } else { CALM };
        self.pause.get_or_insert_with(|| Box::pin(sleep(time))).as_mut().await;
        self.pause = None;
        while self.messages.try_recv().is_ok() {}
        self.stale = true;
    }

    /// A look has panicked, and what it knew is gone with it: from now on without the kernel, and anything may have changed
    /// meanwhile.
    fn lose_sight(&mut self, why: Unfinished) {
        self.eyes = Eyes::Lost;
        self.polled = true;
        self.list = Some(self.known.clone());
        self.unsaid.extend(self.known.iter().map(|watched| watched.concern));
        self.complaint.get_or_insert_with(|| why.to_string());
    }

    /// Goes on with the look that is under way, or takes a new one. May be dropped at any time: the look itself goes on.
    async fn look(&mut self) {
        if !matches!(self.eyes, Eyes::Looking(_)) {
            self.stale = false;
            let is_lost = matches!(self.eyes, Eyes::Lost);
            let mut gaze = match std::mem::replace(&mut self.eyes, Eyes::Lost) {
                Eyes::Resting(gaze) => gaze,
                Eyes::Looking(_) | Eyes::Lost => Box::default(),
            };
            gaze.ours = self.ours.clone();
            let begun = in_thread((gaze, self.list.take()), |(mut gaze, list)| {
                let seen = gaze.look(list);
                (gaze, seen)
            });
            self.eyes = match begun {
                Ok(looking) => Eyes::Looking(looking),
                Err((gaze, list)) => {
                    (self.list, self.stale) = (list, true);
                    if is_lost { Eyes::Lost } else { Eyes::Resting(gaze) }
                }
            };
        }
        let Eyes::Looking(looking) = &mut self.eyes else {
            // There was no thread to look in; perhaps there is one later.
            return sleep(POLL).await;
        };
        match looking.await {
            Ok((gaze, seen)) => {
                self.eyes = Eyes::Resting(gaze);
                self.polled = seen.polled;
                self.unsaid.extend(seen.concerns);
                self.complaint = self.complaint.take().or(seen.complaint);
            }
            Err(error) => self.lose_sight(error.into()),
        }
    }
}

impl Default for Watcher {
    fn default() -> Self {
        Self::new()
    }
}
