//! A workstation without a machine: a virtual clock, a scripted STS, files that are maps. Drives a keeper as the daemon
//! would, and never does any I/O.

mod disk;

use evertoken::engine::config::Config;
use evertoken::engine::config::model::{Entry, Hooks, Network, Operation, RoleRequest, Source, StoreKind};
use evertoken::engine::credentials_file::Observation;
use evertoken::engine::failure::{Fault, Layer, ServiceError, SourceFault};
use evertoken::engine::keeper::{
    Action, AssumeCall, Attendance, Event, Keeper, Mode, Notice, NoticeKind, Reply, Sighting,
};
use evertoken::engine::names::{ProfileName, RoleArn, SessionNameTemplate};
use evertoken::engine::secret::Secret;
use evertoken::engine::session::{Keys, Session, SettingsDigest, SourceCredentials};
use evertoken::engine::time::{Skew, WallTime};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub const START: WallTime = WallTime::from_unix_seconds(1_795_273_445);

pub fn profile(name: &str) -> ProfileName {
    ProfileName::parse(name).expect("a profile name")
}

/// An entry with the usual settings; `source` is a listed profile when it starts with `@`.
pub fn entry(name: &str, source: &str) -> Entry {
    let role_arn = RoleArn::parse(&format!("arn:aws:iam::111122223333:role/{name}")).expect("a role ARN");
    Entry {
        profile: profile(name),
        operation: Operation::AssumeRole(Box::new(RoleRequest {
            role_arn,
            session_name: SessionNameTemplate::parse("{user}@{host}").expect("a template"),
            external_id: None,
            policy: None,
            policy_arns: Vec::new(),
            tags: BTreeMap::new(),
            transitive_tags: Vec::new(),
            source_identity: None,
        })),
        source: source
            .strip_prefix('@')
            .map_or_else(|| Source::Profile(source.to_owned()), |listed| Source::Listed(profile(listed))),
        duration: Duration::from_secs(3600),
        min_ttl: None,
        region: Some("eu-west-1".into()),
        sts_region: None,
        sts_endpoint: None,
        store: StoreKind::Shared,
        adopt: false,
        mfa: None,
        digest: SettingsDigest::parse("0a").expect("hex"),
    }
}

/// The keys of a session.
pub fn keys(access_key_id: &str) -> Keys {
    Keys {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: Secret::new("secret"),
        session_token: Some(Secret::new("token")),
    }
}

/// An entry without a role, whose source gives its session.
pub fn published(name: &str, source: &str) -> Entry {
    Entry { operation: Operation::Publish, ..entry(name, source) }
}

pub fn config(entries: impl IntoIterator<Item = Entry>) -> Config {
    Config {
        credentials_file: None,
        aws_config_file: None,
        file_mode: 0o600,
        entries: entries.into_iter().map(Arc::new).collect(),
        network: Network::default(),
        hooks: Hooks::default(),
    }
}

/// How STS and the sources answer at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weather {
    Fine,
    /// Nothing comes through.
    Offline,
    /// 503 with no body.
    Storm,
    /// The first request of a client is refused for its clock, the next one is signed by that of STS.
    Skewed,
    /// The source credentials have ended.
    SourceEnded,
}

/// `Ok`, or what was asked of the files that nobody may ever ask.
pub type Respect = Result<(), String>;

/// A call that arrived at STS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arrived {
    pub at: WallTime,
    pub profile: ProfileName,
    pub granted: bool,
}

/// The workstation. `now` is true time, which is that of STS; our clock is `ahead` of it.
pub struct World {
    pub now: WallTime,
    pub ahead: Skew,
    pub keeper: Keeper,
    pub config: Config,
    pub weather: Weather,
    pub refused: BTreeSet<ProfileName>,
    pub life: Duration,
    pub longest: Duration,
    /// The shortest that it has ever been: what STS called too long once is not asked for again until the settings change.
    pub remembered: Duration,
    pub latency: Duration,
    pub disk_full: bool,
    /// Somebody has left the files in a state in which nobody can read them.
    pub torn: bool,
    /// So many tasks of the shell panic.
    pub to_stumble: usize,
    /// So many removals come after another process has renewed the section, which nobody has seen yet.
    pub to_outrun: usize,
    /// So many answers of the shell get lost.
    pub to_lose: usize,
    pub login_ends: Option<WallTime>,
    /// The files of sources cannot be read for now.
    pub unsettled: bool,
    /// Sources whose names begin with `lender` hand out this session; without one another at each time they are asked.
    pub lent: Option<(Keys, WallTime)>,
    /// Sources of these names give no answer for so long, and then none.
    pub hanging: Option<(&'static str, Duration)>,
    /// So many calls are refused for their date before the client has learned the time.
    pub stale: usize,
    pub files: [BTreeMap<ProfileName, Observation>; 2],
    /// Every session that was ever written, by its profile: what a program that had read the file may write back.
    pub written: BTreeMap<ProfileName, VecDeque<Session>>,
    pub arrived: Vec<Arrived>,
    /// Every call that was tried, also those that did not arrive.
    pub tried: Vec<(WallTime, ProfileName)>,
    pub resolved: usize,
    pub writes: usize,
    /// The same with those that failed.
    pub tried_writes: usize,
    /// Whether everything that was asked of the files was decent.
    pub respect: Respect,
    pub told: Vec<Notice>,
    pub reports: usize,
    inbox: BTreeMap<(WallTime, u64), Event>,
    sequence: u64,
    random: u64,
    went_to: WallTime,
    spins: usize,
}

impl World {
    pub fn new(config: &Config) -> Self {
        Self {
            now: START,
            ahead: Skew::default(),
            keeper: Keeper::new(config, Mode::Daemon, Attendance::Alone),
            config: config.clone(),
            weather: Weather::Fine,
            refused: BTreeSet::new(),
            life: Duration::from_secs(3600),
            longest: Duration::from_secs(43_200),
            remembered: Duration::from_secs(43_200),
            latency: Duration::from_millis(100),
            disk_full: false,
            torn: false,
            to_stumble: 0,
            to_outrun: 0,
            to_lose: 0,
            login_ends: None,
            unsettled: false,
            lent: None,
            hanging: None,
            stale: 0,
            files: [BTreeMap::new(), BTreeMap::new()],
            written: BTreeMap::new(),
            arrived: Vec::new(),
            tried: Vec::new(),
            resolved: 0,
            writes: 0,
            tried_writes: 0,
            respect: Ok(()),
            told: Vec::new(),
            reports: 0,
            inbox: BTreeMap::new(),
            sequence: 0,
            random: 42,
            went_to: START,
            spins: 0,
        }
    }

    /// One pass instead of a daemon.
    pub fn one_pass(config: &Config, attendance: Attendance) -> Self {
        Self { keeper: Keeper::new(config, Mode::OnePass, attendance), ..Self::new(config) }
    }

    /// A daemon that starts anew over the same files.
    pub fn restart(&mut self, config: &Config) {
        // The skew outlives the process in status.json, as long as nobody sets the clock meanwhile.
        // And what was not known then is not known now.
        let keeper = Keeper::new(config, Mode::Daemon, Attendance::Alone).with_skew(self.keeper.skew());
        self.keeper = if self.keeper.knows_the_clock() { keeper } else { keeper.doubting_the_clock() };
        self.config = config.clone();
        self.inbox.clear();
        self.drain();
    }

    /// The same, when somebody has set the clock meanwhile: the skew is of no use any more, but for telling whether the clock
    /// may be behind.
    pub fn restart_under_other_clock(&mut self, config: &Config, by: Skew) {
        let may_be_behind = self.keeper.skew().millis() > by.millis() + 30_000;
        self.ahead = Skew::from_millis(self.ahead.millis() + by.millis());
        let keeper = Keeper::new(config, Mode::Daemon, Attendance::Alone);
        self.keeper = if may_be_behind { keeper.doubting_the_clock() } else { keeper };
        self.config = config.clone();
        self.inbox.clear();
        self.drain();
    }

    /// The machine is a virtual one and stands still unseen; then its clock is put right.
    pub fn pause(&mut self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).expect("a pause of this age");
        self.now = self.now + time;
        self.ahead = Skew::from_millis(self.ahead.millis() - millis);
        self.set_clock(Skew::from_millis(millis));
    }

    /// Our own clock.
    pub fn local(&self) -> WallTime {
        self.now + self.ahead
    }

    pub fn random(&mut self) -> f64 {
        // SplitMix64: small, seeded, and good enough to shake things up.
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// What the shell draws; and now and then what no shell should.
    fn jitter(&mut self) -> f64 {
        match self.random() {
            wild if wild > 0.98 => [f64::NAN, f64::INFINITY, -7.0, 1e6][self.sequence as usize % 4],
            usual => usual / 0.98,
        }
    }

    pub fn seed(&mut self, seed: u64) {
        self.random = seed;
    }

    /// Something happens now.
    pub fn happen(&mut self, event: Event) {
        self.keeper.handle(event, self.local());
        self.drain();
    }

    /// Somebody looks at the shared file.
    pub fn observe(&mut self) {
        let sighting = self.sighting(StoreKind::Shared);
        self.happen(Event::Observed(sighting));
    }

    /// Somebody else writes a session with our mark, and the keeper sees it.
    pub fn write(&mut self, name: &str, session: Session) {
        self.files[StoreKind::Shared as usize].insert(profile(name), Observation::Ours(Box::new(session)));
        self.observe();
    }

    /// The config is saved with other settings.
    pub fn reload(&mut self, config: Config) {
        self.config = config.clone();
        self.happen(Event::Reloaded(config));
    }

    /// Time goes by for so long.
    pub fn run(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    pub fn run_until(&mut self, end: WallTime) {
        while let Some(next) = self.upcoming(end) {
            self.go_to(next);
        }
        self.now = end;
    }

    /// When the next answer or wake-up comes, if one does until `end`.
    pub fn upcoming(&mut self, end: WallTime) -> Option<WallTime> {
        self.drain();
        let wakeup = self.keeper.next_wakeup(self.local()).map(|time| time - self.ahead);
        let delivery = self.inbox.keys().next().map(|(at, _)| *at);
        wakeup.into_iter().chain(delivery).min().filter(|next| *next <= end).map(|next| next.max(self.now))
    }

    /// Goes on to when it comes.
    pub fn go_to(&mut self, next: WallTime) {
        self.spins = if next == self.went_to { self.spins + 1 } else { 0 };
        assert!(self.spins < 10_000, "a busy loop at {next}");
        (self.now, self.went_to) = (next, next);
        let event = match self.inbox.first_entry().filter(|first| first.key().0 <= self.now) {
            Some(first) => first.remove(),
            None => Event::Tick,
        };
        self.happen(event);
    }

    /// Time goes by while the machine sleeps: nothing is delivered, nothing wakes.
    pub fn suspend(&mut self, time: Duration) {
        self.now = self.now + time;
        self.happen(Event::Resumed);
    }

    /// Somebody sets our clock.
    pub fn set_clock(&mut self, by: Skew) {
        self.ahead = Skew::from_millis(self.ahead.millis() + by.millis());
        // An answer that is on its way is held against the clock when it comes.
        for event in self.inbox.values_mut() {
            if let Event::Assumed { reply: Reply { skew: Some(skew), .. }, .. }
            | Event::AssumeFailed { skew: Some(skew), .. }
            | Event::Resolved { credentials: SourceCredentials { skew: Some(skew), .. }, .. } = event
            {
                *skew = Skew::from_millis(skew.millis() - by.millis());
            }
        }
        self.happen(Event::ClockStepped { by });
    }

    fn later(&mut self, after: Duration, event: Event) {
        if self.to_lose > 0 {
            self.to_lose -= 1;
            return;
        }
        self.sequence += 1;
        self.inbox.insert((self.now + after, self.sequence), event);
    }

    fn drain(&mut self) {
        while let Some(action) = self.keeper.poll_action() {
            match action {
                Action::Resolve { source, .. } => self.resolve(source),
                Action::Assume(call) => self.assume(&call),
                Action::Store { store, edits } => self.store(store, &edits),
                Action::GiveUp { attempt: given_up } => self.inbox.retain(|_, event| match event {
                    Event::Assumed { attempt, .. } | Event::AssumeFailed { attempt, .. } => *attempt != given_up,
                    _ => true,
                }),
                Action::Observe => {
                    for store in [StoreKind::Shared, StoreKind::Private] {
                        let sighting = self.sighting(store);
                        self.later(Duration::from_millis(1), Event::Observed(sighting));
                    }
                }
                Action::Tell(notice) => self.told.push(notice),
                Action::Report => self.reports += 1,
            }
        }
    }

    /// What a look at the file shows.
    pub fn sighting(&self, store: StoreKind) -> Sighting {
        if self.torn {
            return Sighting { store, sections: Err("line 3 of the file is no line of a credentials file".to_owned()) };
        }
        let file = &self.files[store as usize];
        let mut names: BTreeSet<ProfileName> = file.keys().cloned().collect();
        names.extend(self.config.entries.iter().map(|entry| entry.profile.clone()));
        let sections = names
            .into_iter()
            .map(|name| {
                let found = file.get(&name).cloned().unwrap_or(Observation::Absent);
                (name, found)
            })
            .collect();
        Sighting { store, sections: Ok(sections) }
    }

    /// What a task that panics answers with.
    fn stumbles(&mut self) -> Option<Fault> {
        self.to_stumble = self.to_stumble.checked_sub(1)?;
        Some(Fault::Internal("a task of evertoken panicked".to_owned()))
    }

    fn resolve(&mut self, source: Source) {
        self.resolved += 1;
        let jitter = self.jitter();
        if let Some(fault) = self.stumbles() {
            return self.later(Duration::from_millis(1), Event::ResolveFailed { source, fault, jitter });
        }
        if self.unsettled {
            let (path, why) = ("/home/me/.aws/config".into(), "it does not stand still".to_owned());
            let fault = Fault::Source(SourceFault::Unsettled { path, why });
            return self.later(Duration::from_millis(1), Event::ResolveFailed { source, fault, jitter });
        }
        let event = match self.weather {
            Weather::SourceEnded => {
                let what = "the SSO session".to_owned();
                let fault = Fault::Source(SourceFault::Ended { what, login: Some("aws sso login".into()) });
                Event::ResolveFailed { source, fault, jitter }
            }
            Weather::Fine | Weather::Offline | Weather::Storm | Weather::Skewed => {
                let (keys, expiration) = self.lend(&source).unzip();
                let keys = keys.unwrap_or_else(|| Keys {
                    access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
                    secret_access_key: Secret::new("secret"),
                    session_token: None,
                });
                // It was AWS that gave a session, and told the time.
                let skew = expiration.map(|_| Skew::from_millis(-self.ahead.millis()));
                let login_ends = self.login_ends;
                Event::Resolved {
                    source,
                    credentials: SourceCredentials { keys, account_id: None, expiration, login_ends, skew },
                }
            }
        };
        match (self.hanging, &event) {
            (Some((name, limit)), Event::Resolved { source: Source::Profile(profile), .. })
                if profile.starts_with(name) =>
            {
                let fault = Fault::Transport { layer: Layer::Timeout, detail: "no answer in time".into() };
                let source = Source::Profile(profile.clone());
                self.later(limit, Event::ResolveFailed { source, fault, jitter });
            }
            _ => self.later(Duration::from_millis(1), event),
        }
    }

    /// What a source gives that has sessions and no long-term keys.
    fn lend(&mut self, source: &Source) -> Option<(Keys, WallTime)> {
        matches!(source, Source::Profile(name) if name.starts_with("lender"))
            .then(|| self.lent.clone().unwrap_or_else(|| (self.new_keys(), self.now + self.life)))
    }

    fn new_keys(&mut self) -> Keys {
        self.sequence += 1;
        keys(&format!("ASIA{:016}", self.sequence))
    }

    fn assume(&mut self, call: &AssumeCall) {
        let jitter = self.jitter();
        let (profile, attempt) = (call.entry.profile.clone(), call.attempt);
        let skew = Some(Skew::from_millis(-self.ahead.millis()));
        if let Some(Observation::Ours(session)) = self.files[call.entry.store as usize].get(&profile)
            && call.satisfied_by(session)
        {
            let session = (**session).clone();
            return self.later(Duration::from_millis(2), Event::Adopted { profile, attempt, session });
        }
        self.tried.push((self.now, profile.clone()));
        let failed = |fault, skew| Event::AssumeFailed { profile: profile.clone(), attempt, fault, skew, jitter };
        if self.to_stumble > 0 {
            let fault = self.stumbles().expect("one more");
            return self.later(Duration::from_millis(1), failed(fault, None));
        }
        let service = |status, code: Option<&str>, message: &str| {
            Fault::Service(ServiceError {
                status,
                code: code.map(str::to_owned),
                message: Some(message.to_owned()),
                request_id: None,
            })
        };
        let event = match self.weather {
            Weather::Offline => {
                failed(Fault::Transport { layer: Layer::Connect, detail: "connection refused".into() }, None)
            }
            _ if self.stale > 0 => {
                self.stale -= 1;
                let message = "Signature expired: 20261121T140405Z is now earlier than 20261121T145905Z";
                failed(service(403, Some("SignatureDoesNotMatch"), message), skew)
            }
            Weather::Storm => failed(service(503, None, ""), skew),
            Weather::Skewed => {
                self.weather = Weather::Fine;
                let text = "Signature expired: 20261121T150405Z is now earlier than 20261121T160405Z";
                failed(service(403, Some("SignatureDoesNotMatch"), text), skew)
            }
            _ if self.refused.contains(&profile) => failed(service(403, Some("AccessDenied"), "not authorized"), skew),
            _ if call.source.as_ref().and_then(|source| source.expiration).is_some_and(|end| end <= self.now) => {
                let text = "The security token included in the request is expired";
                failed(service(403, Some("ExpiredToken"), text), skew)
            }
            _ if call.duration > self.longest => failed(
                service(
                    400,
                    Some("ValidationError"),
                    "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
                ),
                skew,
            ),
            _ => self.grant(call, skew, jitter),
        };
        let granted = matches!(event, Event::Assumed { .. });
        if self.weather != Weather::Offline {
            self.arrived.push(Arrived { at: self.now, profile: call.entry.profile.clone(), granted });
        }
        let latency = self.latency;
        self.later(latency, event);
    }

    fn grant(&mut self, call: &AssumeCall, skew: Option<Skew>, jitter: f64) -> Event {
        let keys = self.new_keys();
        let session_name = "me@here".to_owned();
        let assumed_role_arn = call
            .entry
            .role_arn()
            .map(|arn| format!("arn:aws:sts::{}:assumed-role/{}/{session_name}", arn.account(), arn.role_name()));
        let reply = Reply {
            keys: Some(keys),
            expiration: Some(self.now + self.latency + self.life.min(call.duration)),
            assumed_role_arn,
            session_name,
            skew,
            request_id: None,
        };
        Event::Assumed { profile: call.entry.profile.clone(), attempt: call.attempt, reply, jitter }
    }

    /// The session that a reader of the file finds.
    pub fn read(&self, name: &str) -> Option<&Session> {
        self.files.iter().find_map(|file| match file.get(name) {
            Some(Observation::Ours(session)) => Some(&**session),
            _ => None,
        })
    }

    /// How many calls to STS are not answered yet.
    pub fn under_way(&self) -> usize {
        let is_call = |event: &&Event| matches!(event, Event::Assumed { .. } | Event::AssumeFailed { .. });
        self.inbox.values().filter(is_call).count()
    }

    /// The life that a reader of the file finds.
    pub fn left(&self, name: &str) -> Duration {
        self.read(name).map_or(Duration::ZERO, |session| session.left(self.now))
    }

    pub fn calls_for(&self, name: &str) -> usize {
        self.arrived.iter().filter(|call| call.profile.as_str() == name).count()
    }

    pub fn told_of(&self, kind: NoticeKind) -> Vec<&Notice> {
        self.told.iter().filter(|notice| notice.kind == kind).collect()
    }
}
