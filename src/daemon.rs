//! The loop: wait for one event, hand it to the keeper, carry out what it wants. Runs until it is told to stop.

pub mod pass;
pub mod station;

mod desk;
mod fall;
mod herald;
mod reload;
mod start;

use crate::engine::config::model::Hooks;
use crate::engine::keeper::{Action, Attendance, Event, Keeper, Mode};
use crate::engine::time::WallTime;
use crate::shell::clock::{self, Alarm, ClockWatch, Jumps};
use crate::shell::config_file::Loaded;
use crate::shell::environment::Environment;
use crate::shell::hooks::HookRunner;
use crate::shell::locks::{InstanceLock, Tenure};
use crate::shell::panics;
use crate::shell::places::{Caller, invocation};
use crate::shell::service::Service;
use crate::shell::signals::{Order, Signals};
use crate::shell::store::move_private_store;
use crate::shell::watch::{Concern, Watcher};
use desk::Desk;
use fall::Falls;
use herald::{Herald, Settled};
use reload::{Reloads, Verdict};
use start::Start;
use station::{OpenError, Station};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How long calls may go on after an order to stop. What is being written is always finished.
const LAST_CALLS: Duration = Duration::from_secs(1);
/// While it is down after a fall, it looks so often whether the service manager wants a sign of life.
const A_MOMENT: Duration = Duration::from_secs(1);

/// Why the daemon could not start, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another daemon holds the file.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The operating system denies what no daemon can do without.
    #[error("failed to wait for events: {0}")]
    Wait(#[from] io::Error),
}

/// How a round of the loop ended.
enum End {
    Stopped,
    /// Everything was opened anew, for another config or after a fall.
    Reopen(Box<Station>),
    /// The same, and the daemon goes on with another credentials file, which this lock is of.
    Move(Box<Station>, InstanceLock),
}

/// Keeps everything on the list fresh until an order to stop comes.
///
/// # Errors
/// When another daemon holds the file at the start, and when the operating system does not let it wait.
pub async fn run(
    environment: Arc<Environment>,
    loaded: Loaded,
    mut signals: Signals,
    mut alarm: Alarm,
) -> Result<(), RunError> {
    let told_by = invocation(&environment, &loaded.path, Caller::Anywhere);
    let mut herald = Herald::new(Service::find(&environment), told_by);
    let mut watcher = Watcher::new();
    let since = clock::now();
    let start =
        Start { environment: &environment, loaded, signals: &mut signals, watcher: &mut watcher, herald: &mut herald };
    let Some((mut station, mut instance)) = start.up().await? else { return Ok(()) };
    let mut falls = Falls::default();
    let mut hooks = HookRunner::new(Hooks::default(), environment);
    loop {
        let mut round = Round::new(station, herald, since, instance, hooks);
        let ended = match panics::caught(round.turn(&mut signals, &mut watcher, &mut alarm)).await {
            Ok(ended) => ended?,
            Err(_) => round.get_up(&mut signals, &mut falls).await?,
        };
        (herald, instance, hooks) = (round.herald, round.instance, round.desk.into_hooks());
        station = match ended {
            End::Stopped => return Ok(()),
            End::Reopen(next) => *next,
            End::Move(next, its_instance) => {
                instance = its_instance;
                *next
            }
        };
    }
}

/// The daemon over one set of files.
struct Round {
    station: Station,
    keeper: Keeper,
    desk: Desk,
    reloads: Reloads,
    clocks: ClockWatch,
    herald: Herald,
    instance: InstanceLock,
    stop_by: Option<WallTime>,
}

impl Round {
    fn new(station: Station, herald: Herald, since: WallTime, instance: InstanceLock, hooks: HookRunner) -> Self {
        let keeper = station.keeper(Mode::Daemon, Attendance::Alone);
        let desk = Desk::new(&station, since, hooks);
        let reloads = Reloads::new(&station.environment, &station.loaded.path);
        Self { station, keeper, desk, reloads, clocks: ClockWatch::start(), herald, instance, stop_by: None }
    }

    async fn turn(&mut self, signals: &mut Signals, watcher: &mut Watcher, alarm: &mut Alarm) -> io::Result<End> {
        self.station.say_hello();
        watcher.ignore(self.station.tools().sources.own_writes().clone());
        watcher.watch(self.station.watched().await).await;
        // It was saved between our reading and the first look of the watcher, which therefore will not tell; or a reading
        // that was told of has ended with the start or the round that began it.
        if !self.station.loaded.is_current() || self.herald.waits_for_a_config() {
            self.reloads.start();
        }
        self.keeper.handle(Event::Tick, clock::now());
        loop {
            watcher.tell_complaint();
            self.carry_out();
            let now = clock::now();
            if self.stop_by.is_some_and(|by| self.keeper.is_settled() || by <= now) {
                break;
            }
            self.herald.look(if self.keeper.is_settled() { Settled::Yes } else { Settled::NotYet }, now);
            self.herald.give_sign_of_life(now);
            let wakeup = [self.keeper.next_wakeup(now), self.stop_by, self.herald.next_word(now)];
            let event = tokio::select! {
                biased;
                order = signals.next() => self.order(order?),
                Some(event) = self.station.next_event() => Some(event),
                Some(read) = self.reloads.next() => match reload::judge(read, &mut self.station, &mut self.herald).await {
                    Verdict::Keep => None,
                    Verdict::Replace(config) => {
                        self.desk.replace_hooks(config.hooks.clone());
                        watcher.watch(self.station.watched().await).await;
                        Some(Event::Reloaded(*config))
                    }
                    Verdict::Reopen(next, its_instance) => {
                        self.wind_down().await;
                        return Ok(match its_instance {
                            Some(its_instance) => {
                                self.take_along(&next);
                                End::Move(next, its_instance)
                            }
                            None => End::Reopen(next),
                        });
                    }
                },
                concerns = watcher.changed() => {
                    if concerns.contains(&Concern::Sources) {
                        self.watch_anew(watcher).await;
                    }
                    self.concerns(&concerns)
                }
                waited = alarm.wait(wakeup.into_iter().flatten().min()) => {
                    if let Err(error) = waited {
                        tracing::warn!("the timer of the kernel failed ({error}); sleeping in short pieces instead");
                        *alarm = Alarm::capped();
                    }
                    Some(Event::Tick)
                }
            };
            self.look_at_clocks();
            if let Some(event) = event {
                self.keeper.handle(event, clock::now());
            }
        }
        self.wind_down().await;
        Ok(End::Stopped)
    }

    /// After a panic of the loop: what is under way is given up, and everything is opened anew as soon as that can be done.
    async fn get_up(&mut self, signals: &mut Signals, falls: &mut Falls) -> io::Result<End> {
        tracing::error!("the daemon stumbled; it goes on with what stands in the files");
        self.station.give_up_calls();
        self.station.finish_files().await;
        loop {
            let up = clock::stopwatch() + falls.pause(clock::stopwatch());
            while let Some(left) = up.checked_duration_since(clock::stopwatch()).filter(|left| !left.is_zero()) {
                self.herald.give_sign_of_life(clock::now());
                tokio::select! {
                    biased;
                    order = signals.next() => if order? == Order::Stop {
                        self.herald.stopping();
                        // What made the loop fall may do so again.
                        let last_words =
                            async { self.desk.farewell(&self.station, &self.keeper, &mut self.instance) };
                        let _fell_again = panics::caught(last_words).await;
                        return Ok(End::Stopped);
                    },
                    () = tokio::time::sleep(left.min(A_MOMENT)) => {}
                }
            }
            match Station::open(Arc::clone(&self.station.environment), self.station.loaded.clone()) {
                Ok(next) => return Ok(End::Reopen(Box::new(next))),
                Err(error) => tracing::error!("the daemon cannot go on yet: {error}"),
            }
        }
    }

    fn carry_out(&mut self) {
        while let Some(action) = self.keeper.poll_action() {
            match action {
                Action::Tell(notice) => self.desk.tell(notice),
                Action::Report => self.report(),
                other => self.station.carry_out(other),
            }
        }
        self.desk.run_hooks(&self.keeper);
    }

    fn report(&mut self) {
        let status = self.desk.report(&self.station, &self.keeper, &mut self.instance);
        self.herald.report(&status);
    }

    fn order(&mut self, order: Order) -> Option<Event> {
        match order {
            Order::Reload => {
                self.herald.reloading();
                self.reloads.start();
                None
            }
            Order::RefreshAll => Some(Event::Asked { profiles: Vec::new(), min_ttl: None, force: true }),
            Order::Stop => {
                tracing::info!("stopping; what is being written is finished first");
                self.herald.stopping();
                self.stop_by = Some(clock::now() + LAST_CALLS);
                // A second order ends this process at once, and nobody would kill them then.
                self.station.give_up_programs();
                self.desk.stop_hooks();
                Some(Event::Stop)
            }
        }
    }

    fn concerns(&mut self, concerns: &BTreeSet<Concern>) -> Option<Event> {
        if concerns.contains(&Concern::Config) {
            self.reloads.start();
        }
        if concerns.contains(&Concern::Credentials) {
            self.station.observe_changes();
            self.reloads.start_if_moved(self.station.loaded.places.clone());
            // The state folder may have gone with all that is in it: the lock that others find us by, and the status.
            if self.desk.keep_place(&self.station, &mut self.instance) == Tenure::Regained {
                self.report();
            }
        }
        if concerns.contains(&Concern::Trust) {
            self.station.renew_trust();
        }
        concerns.contains(&Concern::Sources).then_some(Event::SourcesChanged)
    }

    /// The AWS config may name another web identity token than before.
    async fn watch_anew(&mut self, watcher: &mut Watcher) {
        let list = self.station.watched().await;
        if !watcher.has_list(&list) {
            watcher.watch(list).await;
        }
    }

    fn look_at_clocks(&mut self) {
        let Jumps { slept, stepped } = self.clocks.look();
        let now = clock::now();
        if stepped.millis() != 0 {
            tracing::info!(seconds = stepped.seconds(), "the clock of this machine was set");
            self.keeper.handle(Event::ClockStepped { by: stepped }, now);
        }
        if !slept.is_zero() {
            tracing::info!(seconds = slept.as_secs(), "awake again");
            self.keeper.handle(Event::Resumed, now);
        }
    }

    /// Nobody shall have to enter a code again because the credentials file has another place.
    fn take_along(&self, next: &Station) {
        match move_private_store(&self.station.loaded.places, &next.loaded.places) {
            Ok(true) => tracing::info!("the sessions of the private store come along"),
            Ok(false) => {}
            Err(error) => tracing::warn!("failed to {error}; the sessions of the private store stay behind"),
        }
    }

    /// Gives up what is under way, but for the files: a write is finished, and what came in last is written.
    async fn wind_down(&mut self) {
        self.station.give_up_calls();
        self.keeper.handle(Event::Stop, clock::now());
        self.carry_out();
        self.station.finish_files().await;
        while let Some(event) = self.station.try_next_event() {
            self.keeper.handle(event, clock::now());
        }
        self.carry_out();
        self.station.finish_files().await;
        self.desk.farewell(&self.station, &self.keeper, &mut self.instance);
    }
}

#[cfg(test)]
mod tests;
