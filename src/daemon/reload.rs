//! A reload: read, parse wholly, and only then hand over. What does not parse is told, and the old config stays.

use super::herald::{Config as Taken, Herald};
use super::station::{OpenError, Station};
use crate::engine::config::Config;
use crate::shell::config_file::{LoadError, Loaded, load_settled};
use crate::shell::environment::Environment;
use crate::shell::files::resolve;
use crate::shell::locks::InstanceLock;
use crate::shell::panics::to_its_end;
use crate::shell::places::Places;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// What a config that was read means to the daemon.
pub(super) enum Verdict {
    /// It is wrong, or the same.
    Keep,
    /// The keeper goes on with it.
    Replace(Box<Config>),
    /// It names other files or another network, and they could be opened; with the instance lock of another credentials
    /// file, where it names one.
    Reopen(Box<Station>, Option<InstanceLock>),
}

/// Reads the config again, one reading at a time.
pub(super) struct Reloads {
    environment: Arc<Environment>,
    path: PathBuf,
    sender: mpsc::UnboundedSender<Result<Loaded, LoadError>>,
    results: mpsc::UnboundedReceiver<Result<Loaded, LoadError>>,
    reading: Option<AbortHandle>,
}

impl Reloads {
    pub(super) fn new(environment: &Arc<Environment>, path: &Path) -> Self {
        let (sender, results) = mpsc::unbounded_channel();
        let (environment, path) = (Arc::clone(environment), path.to_owned());
        Self { environment, path, sender, results, reading: None }
    }

    /// Begins to read; a reading that is under way begins anew.
    pub(super) fn start(&mut self) {
        if let Some(reading) = self.reading.take() {
            reading.abort();
        }
        let (environment, path, sender) = (Arc::clone(&self.environment), self.path.clone(), self.sender.clone());
        let read = async move { load_settled(&environment, &path).await.and_then(Loaded::trusted) };
        self.reading = Some(read_apart(read, sender));
    }

    /// Begins to read where the credentials file has another place by now: a link on the way to it leads elsewhere, and
    /// others look for this daemon in the state folder of that place.
    pub(super) fn start_if_moved(&mut self, places: Places) {
        let (environment, path, sender) = (Arc::clone(&self.environment), self.path.clone(), self.sender.clone());
        tokio::spawn(async move {
            // Not on the thread of the loop: a home may hang. Who cannot look finds it where it was.
            if to_its_end(move || has_moved(&places)).await.unwrap_or(false) {
                let read = async move { load_settled(&environment, &path).await.and_then(Loaded::trusted) };
                read_apart(read, sender);
            }
        });
    }

    /// The next config that was read; waits for ever when none is being read.
    pub(super) async fn next(&mut self) -> Option<Result<Loaded, LoadError>> {
        self.results.recv().await
    }
}

/// Whether the credentials file stands elsewhere than when the places were found. One that is not there has not moved: its
/// folder may just be on its way.
fn has_moved(places: &Places) -> bool {
    resolve(places.credentials()).is_ok_and(|now| now != places.resolved_credentials() && now.exists())
}

/// Reads in a task of its own: one that panics is a config that cannot be read.
fn read_apart(
    read: impl Future<Output = Result<Loaded, LoadError>> + Send + 'static,
    sender: mpsc::UnboundedSender<Result<Loaded, LoadError>>,
) -> AbortHandle {
    let task = tokio::spawn(read);
    let handle = task.abort_handle();
    tokio::spawn(async move {
        let loaded = match task.await {
            Ok(loaded) => loaded,
            Err(error) if error.is_cancelled() => return,
            Err(error) => Err(LoadError::Stumbled(error.into())),
        };
        // The loop that listened may be gone.
        let _gone = sender.send(loaded);
    });
    handle
}

/// Takes over the config if it is right, and says what became of it. What it needs is opened while the old one is still at
/// work: a config that cannot be taken over must not disturb it.
pub(super) async fn judge(read: Result<Loaded, LoadError>, station: &mut Station, herald: &mut Herald) -> Verdict {
    let (verdict, taken) = match read {
        Err(error) => {
            for reason in error.lines() {
                tracing::error!("the config was not taken over, the old one stays: {reason}");
            }
            (Verdict::Keep, Taken::Broken)
        }
        Ok(loaded) if loaded.config == station.loaded.config && loaded.places == station.loaded.places => {
            tracing::info!("the config says the same as before");
            (Verdict::Keep, Taken::InForce)
        }
        Ok(loaded) if needs_reopening(&loaded, &station.loaded) => match open(loaded, station).await {
            Ok((next, its_instance)) => (Verdict::Reopen(Box::new(next), its_instance), Taken::InForce),
            Err(error) => {
                tracing::error!("the config was not taken over, the old one stays: {error}");
                (Verdict::Keep, Taken::Broken)
            }
        },
        Ok(loaded) => {
            station.loaded = loaded;
            station.say_hello();
            (Verdict::Replace(Box::new(station.loaded.config.clone())), Taken::InForce)
        }
    };
    herald.reloaded(taken);
    verdict
}

/// Opens everything for a new config, and becomes the daemon of its credentials file where that is another one.
async fn open(loaded: Loaded, old: &Station) -> Result<(Station, Option<InstanceLock>), OpenError> {
    let next = Station::open(Arc::clone(&old.environment), loaded)?;
    let is_ours = next.loaded.places.state() == old.loaded.places.state();
    let its_instance = if is_ours { None } else { Some(next.hold_instance().await?) };
    Ok((next, its_instance))
}

fn needs_reopening(new: &Loaded, old: &Loaded) -> bool {
    new.places != old.places || new.config.network != old.config.network || new.config.file_mode != old.config.file_mode
}

#[cfg(test)]
mod tests {
    use super::{LoadError, read_apart};
    use crate::shell::panics::Unfinished;
    use std::time::Duration;
    use tokio::sync::mpsc::unbounded_channel;

    #[tokio::test]
    async fn a_reading_that_panics_is_a_config_that_cannot_be_read() {
        let (sender, mut results) = unbounded_channel();
        let _handle = read_apart(async { panic!("on purpose") }, sender);
        let read = tokio::time::timeout(Duration::from_secs(30), results.recv()).await.expect("an answer");
        assert!(matches!(read, Some(Err(LoadError::Stumbled(Unfinished::Panicked)))));
    }

    #[tokio::test]
    async fn a_reading_that_is_given_up_says_nothing() {
        let (sender, mut results) = unbounded_channel();
        read_apart(std::future::pending(), sender).abort();
        let read = tokio::time::timeout(Duration::from_secs(30), results.recv()).await.expect("the end");
        assert!(read.is_none());
    }
}
