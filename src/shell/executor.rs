//! Carries out what a keeper wants done, each call in a task of its own, and reports back as events. Decides nothing.
//!
//! A panic in a task is a failure of that task: it comes back as one, and the daemon goes on.

mod assume;

#[cfg(test)]
mod tests;

use crate::engine::config::model::{Entry, Source, StoreKind};
use crate::engine::credentials_file::Edit;
use crate::engine::failure::{Fault, Layer};
use crate::engine::keeper::{Action, AssumeCall, Event, Sighting};
use crate::engine::names::ProfileName;
use crate::engine::time::Skew;
use crate::shell::child::Leave;
use crate::shell::files::writing::begin_write;
use crate::shell::locks::{UntilStored, Unusable};
use crate::shell::mfa::Codes;
use crate::shell::panics::{caught, in_thread, to_its_end};
use crate::shell::sources::{Clocks, Sources};
use crate::shell::store::Stores;
use crate::shell::sts::{Identity, Sts};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::task::AbortHandle;

/// Nothing that is waited for takes longer, all its steps together; the keeper gives up a little later.
const LONGEST: Duration = Duration::from_secs(150);

/// Everything that actions need.
pub struct Tools {
    /// STS.
    pub sts: Sts,
    /// Source credentials.
    pub sources: Sources,
    /// The two files.
    pub stores: Stores,
    /// Who we are, for session names.
    pub identity: Identity,
    /// MFA codes.
    pub codes: Codes,
}

/// Something that is under way.
struct Call {
    /// Where it is a call to STS.
    number: Option<u64>,
    task: AbortHandle,
}

/// What is known of the refresh locks.
#[derive(Default)]
struct Locks {
    until_stored: UntilStored,
    unusable: Unusable,
}

/// Carries out actions and sends what comes of them.
pub struct Executor {
    tools: Arc<Tools>,
    events: mpsc::UnboundedSender<Event>,
    /// File work is done one after the other, in the order in which it was asked for.
    files: Arc<Mutex<()>>,
    calls: Vec<Call>,
    locks: Arc<Locks>,
    /// Whether programs may run.
    leave: Leave,
}

impl Executor {
    /// `events` is where outcomes go.
    pub fn new(tools: Arc<Tools>, events: mpsc::UnboundedSender<Event>) -> Self {
        Self {
            tools,
            events,
            files: Arc::new(Mutex::new(())),
            calls: Vec::new(),
            locks: Arc::default(),
            leave: Leave::default(),
        }
    }

    /// Resolves a source.
    pub fn resolve(&mut self, source: Source, region: String, skew: Skew) {
        let tools = Arc::clone(&self.tools);
        let failed = source.clone();
        self.start(
            None,
            async move {
                match tools.sources.resolve(&source, &region, Clocks::now(skew)).await {
                    Ok(credentials) => Event::Resolved { source, credentials },
                    Err(fault) => Event::ResolveFailed { source, fault, jitter: jitter() },
                }
            },
            move |fault| Event::ResolveFailed { source: failed, fault, jitter: jitter() },
        );
    }

    /// Calls STS for a profile.
    pub fn assume(&mut self, call: Box<AssumeCall>) {
        let tools = Arc::clone(&self.tools);
        let (profile, attempt) = (call.entry.profile.clone(), call.attempt);
        let failed = move |fault| Event::AssumeFailed { profile, attempt, fault, skew: None, jitter: jitter() };
        self.start(
            Some(attempt),
            assume::assume(tools, Arc::clone(&self.files), Arc::clone(&self.locks), Arc::from(call)),
            failed,
        );
    }

    /// Changes a file.
    pub fn store(&mut self, store: StoreKind, edits: Vec<Edit>) {
        let tools = Arc::clone(&self.tools);
        let locks = Arc::clone(&self.locks);
        let failed = move |message: String| Event::StoreFailed { store, message, jitter: jitter() };
        let work = move || {
            let edits = tools.stores.without_known_regions(store, edits);
            let writing = begin_write();
            let applied = tools.stores.apply(store, &edits);
            drop(writing);
            let event = match applied {
                Ok(stored) => {
                    for warning in stored.warnings {
                        tracing::warn!("{warning}");
                    }
                    Event::Stored { store, outcomes: stored.outcomes }
                }
                Err(error) => failed(format!("failed to {error}")),
            };
            edits.iter().for_each(|edit| drop(locks.until_stored.take(edit.profile())));
            vec![event]
        };
        self.file_work(work, move |message| vec![failed(message)]);
    }

    /// Looks at both files; `profiles` are those of the config.
    pub fn observe(&mut self, profiles: Vec<ProfileName>) {
        self.look(move |stores, store| Some(stores.observe(store, &profiles)));
    }

    /// The same for files that seem to have changed: what we have written ourselves is no news.
    pub fn observe_changes(&mut self, profiles: Vec<ProfileName>) {
        self.look(move |stores, store| stores.observe_changes(store, &profiles));
    }

    fn look(&mut self, look: impl Fn(&Stores, StoreKind) -> Option<Sighting> + Send + 'static) {
        let tools = Arc::clone(&self.tools);
        let work = move || {
            let stores = [StoreKind::Shared, StoreKind::Private];
            let sightings = stores.into_iter().filter_map(|store| look(&tools.stores, store));
            let mut events: Vec<Event> = sightings.map(Event::Observed).collect();
            if tools.stores.others_changed() {
                events.push(Event::SourcesChanged);
            }
            events
        };
        // What nobody could look at is like a file that nobody can read: what is in memory goes on.
        let unseen = |message: String| {
            let stores = [StoreKind::Shared, StoreKind::Private];
            stores.map(|store| Sighting { store, sections: Err(format!("look at the credentials file: {message}")) })
        };
        self.file_work(work, move |message| unseen(message).map(Event::Observed).into());
    }

    /// Carries out one action of those that are not for people.
    pub fn carry_out(&mut self, action: Action, entries: &[Arc<Entry>]) {
        match action {
            Action::Resolve { source, region, skew } => self.resolve(source, region, skew),
            Action::Assume(call) => self.assume(call),
            Action::GiveUp { attempt } => self.give_up(attempt),
            Action::Store { store, edits } => self.store(store, edits),
            Action::Observe => self.observe(entries.iter().map(|entry| entry.profile.clone()).collect()),
            Action::Tell(_) | Action::Report => {}
        }
    }

    /// Does what waits for a file system that is none of the two files', away from the loop; what comes of it is an event.
    pub fn apart(&self, work: impl FnOnce() -> Option<Event> + Send + 'static) {
        let events = self.events.clone();
        let and_tell = move || {
            if let Some(event) = work() {
                // The loop that listened may be gone: then nobody wants to know.
                let _gone = events.send(event);
            }
        };
        if let Err(and_tell) = in_thread(and_tell, |and_tell| and_tell()) {
            // Better to wait here than to forget it.
            and_tell();
        }
    }

    /// Gives up the calls that are under way. File work goes on: it is short, and not to be broken off.
    pub fn give_up_calls(&mut self) {
        for call in self.calls.drain(..) {
            call.task.abort();
        }
    }

    /// Kills the programs that run, and lets none begin any more: that is a failure of theirs. Every other call goes on; it
    /// may hold a refresh token that is good for one use and not yet saved.
    pub fn give_up_programs(&self) {
        self.leave.withdraw();
    }

    /// Gives up one call to STS. Its connection ends, and its lock is free.
    fn give_up(&mut self, attempt: u64) {
        for call in self.calls.extract_if(.., |call| call.number == Some(attempt)) {
            call.task.abort();
        }
    }

    /// Waits until all file work that was asked for is done.
    pub async fn finish_files(&self) {
        // Lets work that was asked for just now take its place in the queue first.
        tokio::task::yield_now().await;
        drop(self.files.lock().await);
    }

    fn start(
        &mut self,
        number: Option<u64>,
        work: impl Future<Output = Event> + Send + 'static,
        failed: impl FnOnce(Fault) -> Event + Send + 'static,
    ) {
        self.calls.retain(|call| !call.task.is_finished());
        let events = self.events.clone();
        let work = self.leave.given_to(work);
        let task = tokio::spawn(async move {
            let event = match tokio::time::timeout(LONGEST, caught(work)).await {
                Ok(Ok(event)) => event,
                Ok(Err(unfinished)) => failed(unfinished.into()),
                Err(_) => {
                    let detail = format!("no end within {} s", LONGEST.as_secs());
                    failed(Fault::Transport { layer: Layer::Timeout, detail })
                }
            };
            // The loop that listened may be gone: then nobody wants to know.
            let _gone = events.send(event);
        });
        self.calls.push(Call { number, task: task.abort_handle() });
    }

    /// `failed` makes the events of work that came to no end.
    fn file_work(
        &mut self,
        work: impl FnOnce() -> Vec<Event> + Send + 'static,
        failed: impl FnOnce(String) -> Vec<Event> + Send + 'static,
    ) {
        let events = self.events.clone();
        let files = Arc::clone(&self.files);
        // The lock is fair, and taken before this returns to the loop the next time: the order is kept.
        tokio::spawn(async move {
            let turn = files.lock_owned().await;
            // What panicked is in the log already, and what is made of it here comes to it in time.
            let done = to_its_end(work).await.unwrap_or_else(|unfinished| failed(unfinished.to_string()));
            // What came of it is told before the next one's turn, so that events come in the order of the work.
            for event in done {
                // The loop that listened may be gone: then nobody wants to know.
                let _gone = events.send(event);
            }
            drop(turn);
        });
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where jitter is drawn")]
fn jitter() -> f64 {
    fastrand::f64()
}
