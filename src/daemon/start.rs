//! The way into the loop: everything is opened, and the credentials file taken. What stands in the way is mended by a person
//! or by time, such as a home that is not mounted: the daemon says so once and tries again, and does not end for it.

use super::RunError;
use super::herald::{Config as Taken, Herald, Settled};
use super::reload::Reloads;
use super::station::{OpenError, Station};
use crate::shell::clock;
use crate::shell::config_file::{LoadError, Loaded};
use crate::shell::environment::Environment;
use crate::shell::locks::InstanceLock;
use crate::shell::signals::{Order, Signals};
use crate::shell::watch::{Concern, Watched, Watcher};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The pause before the second try; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// So often it looks whether the service manager wants a word.
const A_MOMENT: Duration = Duration::from_secs(1);

/// What a start needs, and what it has said so far.
pub(super) struct Start<'a> {
    pub(super) environment: &'a Arc<Environment>,
    pub(super) loaded: Loaded,
    pub(super) signals: &'a mut Signals,
    pub(super) watcher: &'a mut Watcher,
    pub(super) herald: &'a mut Herald,
}

/// What ends a pause.
enum Next {
    Try,
    Stop,
}

impl Start<'_> {
    /// Tries until it is up; `None` after an order to stop.
    ///
    /// # Errors
    /// When another daemon holds the file.
    pub(super) async fn up(mut self) -> Result<Option<(Station, InstanceLock)>, RunError> {
        let mut reloads = Reloads::new(self.environment, &self.loaded.path);
        let mut said = None;
        let mut pause = FIRST;
        loop {
            let error = match self.open().await {
                Ok(opened) => return Ok(Some(opened)),
                Err(held @ OpenError::Held { .. }) => return Err(held.into()),
                Err(error) => error.to_string(),
            };
            if said.as_ref() != Some(&error) {
                tracing::error!("no session is kept fresh yet, trying again until it can be done: {error}");
                self.herald.waits(&error);
                if said.replace(error).is_none() {
                    self.watch_config(&mut reloads).await;
                }
            }
            if let Next::Stop = self.pause(pause, &mut reloads).await? {
                return Ok(None);
            }
            pause = (pause * 2).min(LONGEST);
        }
    }

    async fn open(&mut self) -> Result<(Station, InstanceLock), OpenError> {
        // What is mounted meanwhile may lead to other files.
        if let Ok(places) = self.loaded.places_of(self.environment) {
            self.loaded.places = places;
        }
        let station = Station::open(Arc::clone(self.environment), self.loaded.clone())?;
        let instance = station.hold_instance().await?;
        Ok((station, instance))
    }

    async fn watch_config(&mut self, reloads: &mut Reloads) {
        self.watcher.watch(vec![Watched { path: self.loaded.path.clone(), concern: Concern::Config }]).await;
        if !self.loaded.is_current() {
            reloads.start();
        }
    }

    /// Ends early when somebody asks for it, or has mended the config.
    async fn pause(&mut self, pause: Duration, reloads: &mut Reloads) -> io::Result<Next> {
        let until = clock::stopwatch() + pause;
        while let Some(left) = until.checked_duration_since(clock::stopwatch()).filter(|left| !left.is_zero()) {
            self.watcher.tell_complaint();
            // A service manager waits for whoever is starting, but not for ever.
            self.herald.look(Settled::NotYet, clock::now());
            self.herald.give_sign_of_life(clock::now());
            tokio::select! {
                biased;
                order = self.signals.next() => match order? {
                    Order::Stop => {
                        tracing::info!("stopping");
                        self.herald.stopping();
                        return Ok(Next::Stop);
                    }
                    Order::RefreshAll => return Ok(Next::Try),
                    Order::Reload => {
                        self.herald.reloading();
                        reloads.start();
                    }
                },
                Some(read) = reloads.next() => if self.take_over(read) { return Ok(Next::Try) },
                concerns = self.watcher.changed() => if concerns.contains(&Concern::Config) { reloads.start() },
                () = tokio::time::sleep(left.min(A_MOMENT)) => {}
            }
        }
        Ok(Next::Try)
    }

    /// Whether there is reason to try again. A config that has become wrong does not end what is no start any more: the one
    /// that was read before stays.
    fn take_over(&mut self, read: Result<Loaded, LoadError>) -> bool {
        match read {
            Ok(loaded) => {
                self.loaded = loaded;
                self.herald.reloaded(Taken::InForce);
                true
            }
            Err(error) => {
                for reason in error.lines() {
                    tracing::error!("the config was not taken over, the old one stays: {reason}");
                }
                self.herald.reloaded(Taken::Broken);
                false
            }
        }
    }
}
