//! Everything that is opened for one config: the network, the sources, the files, and the hands that carry actions out.

use crate::engine::aws_config::chain::{Base, Chain};
use crate::engine::config::model::Source;
use crate::engine::keeper::{Action, Attendance, Event, Keeper, Mode};
use crate::shell::config_file::Loaded;
use crate::shell::environment::Environment;
use crate::shell::executor::{Executor, Tools};
use crate::shell::files::hindrance::hindrance;
use crate::shell::files::lock::LockError;
use crate::shell::http::{Http, HttpError, HttpSettings};
use crate::shell::known_skew::recall;
use crate::shell::locks::InstanceLock;
use crate::shell::mfa::Codes;
use crate::shell::panics::{Unfinished, to_its_end};
use crate::shell::sources::{AwsFiles, Sources};
use crate::shell::store::Stores;
use crate::shell::sts::{Identity, Sts};
use crate::shell::watch::{Concern, Watched};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a look into the AWS config may take before what it said last is gone by.
const LOOK: Duration = Duration::from_secs(2);

/// Why not everything could be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// `[network]` of the config, or the environment, names something that cannot be used.
    #[error("failed to {0}; put it right, or correct [network] in the config")]
    Http(#[from] HttpError),
    /// Another daemon keeps the same file fresh.
    #[error("another evertoken{} keeps {credentials} fresh; stop it first", process(*.pid))]
    Held {
        /// Its process id, where it can be read.
        pid: Option<u32>,
        /// The credentials file.
        credentials: String,
    },
    /// The state folder cannot be used.
    #[error("failed to {what}{}", .way_out.as_ref().map(|order| format!("; {order}")).unwrap_or_default())]
    State {
        /// The step, the path, and what the system said.
        what: String,
        /// What mends it.
        way_out: Option<String>,
    },
}

fn process(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

/// The opened files, network and sources of one config.
pub struct Station {
    /// The config that all this was opened for.
    pub loaded: Loaded,
    /// The process's environment.
    pub environment: Arc<Environment>,
    http: Http,
    tools: Arc<Tools>,
    executor: Executor,
    events: mpsc::UnboundedReceiver<Event>,
    /// The tokens that the AWS config named when it could be looked into last.
    pub(super) tokens: Vec<PathBuf>,
}

impl Station {
    /// Opens everything. Connects to nothing yet, and writes nothing.
    ///
    /// # Errors
    /// When `[network]` cannot be used.
    pub fn open(environment: Arc<Environment>, loaded: Loaded) -> Result<Self, OpenError> {
        let config = &loaded.config;
        let places = &loaded.places;
        let home = environment.home().map(Path::to_owned);
        let http = Http::new(&HttpSettings::of(&config.network, &environment))?;
        let sts = Sts::new(&http, env!("CARGO_PKG_VERSION"), home.clone());
        let identity = Identity { user: environment.user(), host: environment.host().to_owned() };
        let files =
            AwsFiles { config: places.aws_config().to_owned(), credentials: places.credentials().to_owned(), home };
        let sources = Sources::new(http.clone(), sts.clone(), files, identity.clone(), Arc::clone(&environment));
        let stores = Stores::new(places.clone(), config.file_mode);
        let codes = Codes::new(sources.for_a_child(), environment.home().map(Path::to_owned));
        let tools = Arc::new(Tools { sts, sources, stores, identity, codes });
        let (sender, events) = mpsc::unbounded_channel();
        let executor = Executor::new(Arc::clone(&tools), sender);
        Ok(Self { loaded, environment, http, tools, executor, events, tokens: Vec::new() })
    }

    /// Becomes the one daemon of the credentials file.
    ///
    /// # Errors
    /// [`OpenError::Held`] when there is one already.
    pub async fn hold_instance(&self) -> Result<InstanceLock, OpenError> {
        let places = self.loaded.places.clone();
        let credentials = places.credentials().display().to_string();
        match to_its_end(move || InstanceLock::acquire(&places)).await {
            Ok(Ok(lock)) => Ok(lock),
            Ok(Err(LockError::Held { holder, .. })) => Err(OpenError::Held { pid: holder, credentials }),
            Ok(Err(LockError::File(error))) => {
                Err(OpenError::State { way_out: hindrance(&error).way_out(), what: error.to_string() })
            }
            Err(error) => Err(OpenError::State { what: error.to_string(), way_out: None }),
        }
    }

    /// For commands that need a tool directly.
    pub fn tools(&self) -> &Arc<Tools> {
        &self.tools
    }

    /// What comes of the actions; waits for ever when nothing is under way.
    pub async fn next_event(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// The same without waiting.
    pub fn try_next_event(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// Starts to carry out an action.
    pub fn carry_out(&mut self, action: Action) {
        self.executor.carry_out(action, &self.loaded.config.entries);
    }

    /// Looks at credentials files that seem to have changed.
    pub fn observe_changes(&mut self) {
        let entries = &self.loaded.config.entries;
        self.executor.observe_changes(entries.iter().map(|entry| entry.profile.clone()).collect());
    }

    /// Gives up calls that are under way.
    pub fn give_up_calls(&mut self) {
        self.executor.give_up_calls();
    }

    /// Kills the programs that calls run, and lets them start no other.
    pub fn give_up_programs(&self) {
        self.executor.give_up_programs();
    }

    /// Waits for the file work that was asked for.
    pub async fn finish_files(&self) {
        self.executor.finish_files().await;
    }

    /// A keeper of this config, with what the last run had learned of the clocks.
    pub fn keeper(&self, mode: Mode, attendance: Attendance) -> Keeper {
        let recalled = recall(&self.loaded.places);
        let keeper = Keeper::new(&self.loaded.config, mode, attendance).with_skew(recalled.skew);
        if recalled.may_be_behind { keeper.doubting_the_clock() } else { keeper }
    }

    /// The files whose changes matter. Looks into the AWS config, which may change which these are.
    pub async fn watched(&mut self) -> Vec<Watched> {
        let (loaded, environment) = (self.loaded.clone(), Arc::clone(&self.environment));
        self.look_for_tokens(to_its_end(move || tokens_behind(&loaded, &environment))).await;
        let places = &self.loaded.places;
        let config = &self.loaded.config;
        let mut list = vec![
            (self.loaded.path.clone(), Concern::Config),
            (places.credentials().to_owned(), Concern::Credentials),
            (places.private_store(), Concern::Credentials),
            // How others find this daemon: nothing but its removal changes it.
            (places.instance_lock(), Concern::Credentials),
            (places.aws_config().to_owned(), Concern::Sources),
        ];
        let tokens = config.entries.iter().filter_map(|entry| match &entry.source {
            Source::WebIdentity(path) => Some(path.as_str()),
            Source::Listed(_) | Source::Profile(_) | Source::Provider(_) => None,
        });
        list.extend(tokens.filter_map(|path| self.environment.expand_home(path)).map(|path| (path, Concern::Sources)));
        list.extend(self.tokens.iter().map(|path| (path.clone(), Concern::Sources)));
        list.extend(self.http.ca_bundle().map(|path| (path.to_owned(), Concern::Trust)));
        list.extend(self.environment.get("AWS_LOGIN_CACHE_DIRECTORY").map(|path| (path.into(), Concern::Sources)));
        if let Some(home) = self.environment.home() {
            let caches = [".aws/sso/cache", ".aws/login/cache"];
            list.extend(caches.map(|cache| (home.join(cache), Concern::Sources)));
        }
        list.into_iter().map(|(path, concern)| Watched { path, concern }).collect()
    }

    /// A home that hangs holds nobody up. The tokens may lie elsewhere, and those that were known before stay watched.
    pub(super) async fn look_for_tokens(&mut self, look: impl Future<Output = Result<Vec<PathBuf>, Unfinished>>) {
        if let Ok(Ok(tokens)) = tokio::time::timeout(LOOK, look).await {
            self.tokens = tokens;
        }
    }

    /// Trusts what the CA bundle says now. [`Event::NetworkChanged`] comes when that is something else than before.
    pub fn renew_trust(&self) {
        let http = self.http.clone();
        // The bundle may lie on a file system that does not answer.
        self.executor.apart(move || is_trust_new(&http).then_some(Event::NetworkChanged));
    }

    /// What the log says at the start and after a reload.
    pub fn say_hello(&self) {
        for warning in self.loaded.oddities(&self.loaded.aws()) {
            tracing::warn!("{warning}");
        }
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            config = %self.loaded.path.display(),
            credentials_file = %self.loaded.places.credentials().display(),
            profiles = self.loaded.config.entries.len(),
            "keeping sessions fresh"
        );
    }
}

/// The web identity tokens that profiles of the AWS config name on which entries stand.
fn tokens_behind(loaded: &Loaded, environment: &Environment) -> Vec<PathBuf> {
    let sources = loaded.config.entries.iter().filter_map(|entry| match &entry.source {
        Source::Profile(profile) => Some(profile),
        Source::Listed(_) | Source::WebIdentity(_) | Source::Provider(_) => None,
    });
    let sources: BTreeSet<&String> = sources.collect();
    let aws = loaded.aws();
    let bases = sources.into_iter().filter_map(|profile| Some(Chain::of(&aws, profile).ok()?.base));
    let tokens = bases.filter_map(|base| match base {
        Base::WebIdentity { token_file, .. } => environment.expand_home(&token_file),
        Base::Static { .. } | Base::Process { .. } | Base::Sso(_) | Base::Login { .. } | Base::Provider(_) => None,
    });
    tokens.collect()
}

fn is_trust_new(http: &Http) -> bool {
    let bundle = http.ca_bundle().map(|path| path.display().to_string()).unwrap_or_default();
    match http.renew_trust() {
        Ok(true) => tracing::info!(ca_bundle = bundle, "the CA bundle has changed and was taken over"),
        Ok(false) => return false,
        Err(error) => {
            tracing::error!("the CA bundle was not taken over, the old one stays: failed to {error}");
            return false;
        }
    }
    true
}
