//! Where the daemon talks to people: the log, the hooks, `status.json`.

use super::station::Station;
use crate::engine::config::model::Hooks;
use crate::engine::doctor::surroundings::{Surroundings, surroundings};
use crate::engine::invocation::Invocation;
use crate::engine::keeper::{Keeper, Notice, NoticeKind};
use crate::engine::status::{Daemon, State, Status, VERSION};
use crate::engine::time::WallTime;
use crate::shell::clock;
use crate::shell::hooks::HookRunner;
use crate::shell::known_skew::KnownSkew;
use crate::shell::locks::{InstanceLock, Tenure};
use crate::shell::places::{Caller, invocation};
use crate::shell::store::write_status;
use serde::Serialize;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What tells people how things stand.
pub(super) struct Desk {
    hooks: HookRunner,
    invocation: Invocation,
    for_hooks: Vec<Notice>,
    since: WallTime,
    /// A digest of what was written last: the text itself is half a kilobyte for each profile.
    written: Option<u64>,
    unwritable: bool,
    /// What was said last of the lock that others do not find us by.
    unheld: Option<String>,
    known_skew: KnownSkew,
    /// Of this process: it never changes.
    surroundings: Surroundings,
}

/// What stands in `status.json`: the status, and with which environment this daemon was started, for `doctor`.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    status: &'a Status,
    environment: &'a Surroundings,
}

impl Desk {
    /// Hooks that `hooks` has begun for another desk go on.
    pub(super) fn new(station: &Station, since: WallTime, mut hooks: HookRunner) -> Self {
        hooks.replace(station.loaded.config.hooks.clone());
        Self {
            hooks,
            invocation: invocation(&station.environment, &station.loaded.path, Caller::Anywhere),
            for_hooks: Vec::new(),
            since,
            written: None,
            unwritable: false,
            unheld: None,
            known_skew: KnownSkew::default(),
            surroundings: surroundings(|name| station.environment.text(name)),
        }
    }

    pub(super) fn replace_hooks(&mut self, hooks: Hooks) {
        self.hooks.replace(hooks);
    }

    /// One line in the log, and a hook when the wave is over.
    pub(super) fn tell(&mut self, mut notice: Notice) {
        notice.message = self.invocation.told(&notice.message);
        if let Some(fix) = notice.failure.as_mut().and_then(|failure| failure.fix.as_mut()) {
            *fix = self.invocation.told(fix);
        }
        log(&notice);
        let alike = |other: &&mut Notice| {
            other.kind == notice.kind && other.message == notice.message && other.failure == notice.failure
        };
        match self.for_hooks.iter_mut().find(alike) {
            Some(other) => {
                other.profiles.extend(notice.profiles);
                other.expiration = other.expiration.min(notice.expiration);
            }
            None => self.for_hooks.push(notice),
        }
    }

    /// Runs the hooks for what was told: one for all profiles that share it.
    pub(super) fn run_hooks(&mut self, keeper: &Keeper) {
        for notice in self.for_hooks.drain(..) {
            let state = notice.profiles.first().and_then(|profile| keeper.state_of(profile, clock::now()));
            self.hooks.run(&notice, state.map_or("", State::as_str));
        }
    }

    /// The hooks for the next desk: whoever stops that one stops those that this one has begun, too.
    pub(super) fn into_hooks(self) -> HookRunner {
        self.hooks
    }

    /// Kills the hooks that run, and lets none begin any more.
    pub(super) fn stop_hooks(&self) {
        self.hooks.stop();
    }

    /// Writes down how things stand, if that changed, and gives it out.
    pub(super) fn report(&mut self, station: &Station, keeper: &Keeper, instance: &mut InstanceLock) -> Status {
        let status = self.status(station, keeper, clock::now());
        self.write(station, &status, keeper, instance);
        status
    }

    /// The last report: nobody is running any more.
    pub(super) fn farewell(&mut self, station: &Station, keeper: &Keeper, instance: &mut InstanceLock) {
        let mut status = self.status(station, keeper, clock::now());
        status.daemon.running = false;
        status.daemon.responding = false;
        status.daemon.next_wakeup = None;
        self.write(station, &status, keeper, instance);
    }

    fn status(&self, station: &Station, keeper: &Keeper, now: WallTime) -> Status {
        Status {
            version: VERSION,
            config: station.loaded.path.display().to_string(),
            credentials_file: station.loaded.places.credentials().display().to_string(),
            clock_skew_seconds: keeper.skew().seconds(),
            daemon: Daemon {
                running: true,
                responding: true,
                pid: Some(std::process::id()),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                since: Some(self.since.to_string()),
                next_wakeup: keeper.next_wakeup(now).map(|time| time.to_string()),
            },
            profiles: keeper.profiles(now),
        }
    }

    /// Takes the lock again that others find this daemon by, where its file was removed.
    ///
    /// Another daemon that has taken it meanwhile is no reason to end: nobody knows whether that one has the same list, and
    /// no session may run out for it. The two share the refresh locks, so that each session is asked for once and adopted by
    /// the other one. But `status.json` is theirs then, and so is the answer to who runs.
    pub(super) fn keep_place(&mut self, station: &Station, instance: &mut InstanceLock) -> Tenure {
        let renewed = instance.renew(&station.loaded.places);
        let trouble = match &renewed {
            Ok(Tenure::Kept | Tenure::Unclear) => None,
            Ok(Tenure::Regained) => {
                match &self.unheld {
                    Some(_) => tracing::info!("instance.lock is this daemon's again"),
                    None => tracing::warn!("the state folder or its instance.lock was removed; made anew"),
                }
                self.written = None;
                self.known_skew = KnownSkew::default();
                None
            }
            Ok(Tenure::Lost { holder }) => {
                let process = holder.map_or_else(String::new, |pid| format!(" (process {pid})"));
                Some(format!(
                    "instance.lock was removed, and another evertoken{process} has taken it since: two keep the same file \
                     fresh now; stop one of them"
                ))
            }
            Err(error) => Some(format!("failed to {error}; `evertoken status` may not find this daemon")),
        };
        if let Some(text) = trouble.as_ref().filter(|text| self.unheld.as_ref() != Some(text)) {
            tracing::error!("{text}");
        }
        self.unheld = trouble;
        renewed.unwrap_or(Tenure::Unclear)
    }

    fn write(&mut self, station: &Station, status: &Status, keeper: &Keeper, instance: &mut InstanceLock) {
        if let Tenure::Lost { .. } = self.keep_place(station, instance) {
            return;
        }
        if keeper.knows_the_clock() {
            // Nobody misses it before the next start, and what hinders it hinders the status too, which says so.
            let _not_recorded = self.known_skew.record(&station.loaded.places, keeper.skew());
        }
        let written = Written { status, environment: &self.surroundings };
        let Ok(mut bytes) = serde_json::to_vec_pretty(&written) else { return };
        bytes.push(b'\n');
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let digest = Some(hasher.finish());
        if digest == self.written {
            return;
        }
        match write_status(&station.loaded.places, &bytes) {
            Ok(()) => {
                self.written = digest;
                self.unwritable = false;
            }
            Err(error) if !self.unwritable => {
                self.unwritable = true;
                tracing::warn!("failed to {error}; `evertoken status` will be out of date");
            }
            Err(_) => {}
        }
    }
}

fn log(notice: &Notice) {
    let profiles: Vec<&str> = notice.profiles.iter().map(|profile| profile.as_str()).collect();
    let profile = profiles.join(", ");
    let role = notice.role_arn.as_deref().filter(|_| notice.profiles.len() == 1);
    let until = notice.expiration.map(|time| time.to_string());
    let until = until.as_deref();
    let message = notice.message.as_str();
    match notice.kind {
        NoticeKind::Refreshed | NoticeKind::Kept | NoticeKind::Recovered | NoticeKind::Removed => {
            tracing::info!(profile, role, until, "{message}");
        }
        NoticeKind::Failed => {
            let failure = notice.failure.as_ref();
            let class = failure.map(|failure| failure.class.as_str());
            let fix = failure.and_then(|failure| failure.fix.as_deref());
            tracing::warn!(profile, role, class, until, fix, "{message}");
        }
        NoticeKind::Expiring | NoticeKind::Remark => tracing::warn!(profile, role, until, "{message}"),
    }
}
