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
use std::sync::{Arc, Mutex, PoisonError};
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
    sender: mpsc::UnboundedSender<Answer>,
    results: mpsc::UnboundedReceiver<Answer>,
    reading: Option<AbortHandle>,
    /// The places to look at once the reading that is under way is over.
    look_again: Option<Places>,
    asked_for: AskedFor,
}

/// What was read; `None` where a look found no reason to read.
type Answer = Option<Result<Loaded, LoadError>>;

/// Another place of the credentials file that the config was read for. Where that was taken over, all this begins anew;
/// where it was turned down, asking once more would only say so once more.
type AskedFor = Arc<Mutex<Option<PathBuf>>>;

impl Reloads {
    pub(super) fn new(environment: &Arc<Environment>, path: &Path) -> Self {
        let (sender, results) = mpsc::unbounded_channel();
        let (environment, path) = (Arc::clone(environment), path.to_owned());
        Self { environment, path, sender, results, reading: None, look_again: None, asked_for: AskedFor::default() }
    }

    /// Begins to read; a reading that is under way begins anew.
    pub(super) fn start(&mut self) {
        if let Some(reading) = self.reading.take() {
            reading.abort();
        }
        self.look_again = None;
        let read = self.read();
        self.reading = Some(read_apart(async { Some(read.await) }, self.sender.clone()));
    }

    fn read(&self) -> impl Future<Output = Result<Loaded, LoadError>> + Send + use<> {
        let (environment, path) = (Arc::clone(&self.environment), self.path.clone());
        async move { load_settled(&environment, &path).await.and_then(Loaded::trusted) }
    }

    /// Begins to read where the credentials file has another place by now: a link on the way to it leads elsewhere, and
    /// others look for this daemon in the state folder of that place. Each such place is asked for once.
    pub(super) fn start_if_moved(&mut self, places: Places) {
        if self.reading.as_ref().is_some_and(|reading| !reading.is_finished()) {
            self.look_again = Some(places);
            return;
        }
        let (read, asked_for) = (self.read(), Arc::clone(&self.asked_for));
        let look = async move {
            // Not on the thread of the loop: a home may hang. Who cannot look finds it where it was.
            let is_new = to_its_end(move || has_moved_anew(&places, &asked_for)).await.unwrap_or(false);
            if is_new { Some(read.await) } else { None }
        };
        self.reading = Some(read_apart(look, self.sender.clone()));
    }

    /// The next config that was read; waits for ever when none is being read.
    pub(super) async fn next(&mut self) -> Option<Result<Loaded, LoadError>> {
        loop {
            let answer = self.results.recv().await?;
            if let Some(places) = self.look_again.take() {
                self.start_if_moved(places);
            }
            if answer.is_some() {
                return answer;
            }
        }
    }
}

/// Whether the credentials file stands elsewhere than when the places were found, and than when this was asked last. One
/// that is not there has not moved: its folder may just be on its way.
fn has_moved_anew(places: &Places, asked_for: &Mutex<Option<PathBuf>>) -> bool {
    let Some(now) = resolve(places.credentials()).ok().filter(|now| now.exists()) else { return false };
    let elsewhere = Some(now).filter(|now| now != places.resolved_credentials());
    let mut asked_for = asked_for.lock().unwrap_or_else(PoisonError::into_inner);
    let is_new = elsewhere.is_some() && elsewhere != *asked_for;
    *asked_for = elsewhere;
    is_new
}

/// Reads in a task of its own: one that panics is a config that cannot be read.
fn read_apart(
    read: impl Future<Output = Answer> + Send + 'static,
    sender: mpsc::UnboundedSender<Answer>,
) -> AbortHandle {
    let task = tokio::spawn(read);
    let handle = task.abort_handle();
    tokio::spawn(async move {
        let loaded = match task.await {
            Ok(loaded) => loaded,
            Err(error) if error.is_cancelled() => return,
            Err(error) => Some(Err(LoadError::Stumbled(error.into()))),
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
        assert!(matches!(read, Some(Some(Err(LoadError::Stumbled(Unfinished::Panicked))))));
    }

    #[tokio::test]
    async fn a_reading_that_is_given_up_says_nothing() {
        let (sender, mut results) = unbounded_channel();
        read_apart(std::future::pending(), sender).abort();
        let read = tokio::time::timeout(Duration::from_secs(30), results.recv()).await.expect("the end");
        assert!(read.is_none());
    }
}
