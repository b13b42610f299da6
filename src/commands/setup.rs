//! What nearly every command starts with: the config, read and valid, and the places that follow from it.

use crate::commands::ending::{Ending, USAGE};
use crate::commands::run::unloaded;
use crate::engine::aws_config::AwsConfig;
use crate::engine::config::Config;
use crate::engine::config::model::Entry;
use crate::engine::names::ProfileName;
use crate::engine::status::Status;
use crate::shell::config_file::{LoadError, Loaded, load};
use crate::shell::environment::Environment;
use crate::shell::files::snapshot::{self, are_one};
use crate::shell::locks::InstanceLock;
use crate::shell::places::{Places, config_file};
use crate::shell::store::Stores;
use std::path::Path;
use std::sync::Arc;

/// A valid config and where everything lies.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The config, as it was read.
    pub loaded: Loaded,
}

impl Setup {
    /// Reads the config that `--config` or the environment names.
    ///
    /// # Errors
    /// 1 when it is missing or cannot be read, 78 with all mistakes when it is wrong.
    pub fn load(environment: &Environment, given: Option<&Path>) -> Result<Self, Ending> {
        Self::read(environment, given).map_err(unloaded)
    }

    /// The same for commands that may go on without a config.
    ///
    /// # Errors
    /// Why there is none.
    pub fn read(environment: &Environment, given: Option<&Path>) -> Result<Self, LoadError> {
        let path = config_file(environment, given)?;
        Ok(Self { loaded: load(environment, &path)? })
    }

    /// The config.
    pub fn config(&self) -> &Config {
        &self.loaded.config
    }

    /// Where everything lies.
    pub fn places(&self) -> &Places {
        &self.loaded.places
    }

    /// The credentials files.
    pub fn stores(&self) -> Stores {
        Stores::new(self.places().clone(), self.config().file_mode)
    }

    /// The entry of a profile that somebody has named.
    ///
    /// # Errors
    /// 2 when the config does not list it.
    pub fn entry(&self, profile: &ProfileName) -> Result<&Arc<Entry>, Ending> {
        self.config().entry(profile.as_str()).ok_or_else(|| {
            let listed: Vec<&str> = self.config().entries.iter().map(|entry| entry.profile.as_str()).collect();
            let path = self.loaded.path.display();
            Ending::new(USAGE, format!("profile {profile} is not in {path}, which lists {}", listed.join(", ")))
        })
    }

    /// What the AWS config and credentials files say.
    pub fn aws(&self) -> AwsConfig {
        self.loaded.aws()
    }

    /// Whether evertoken may act on it: nobody else can change which programs it names, and no circle of sources leads
    /// through the AWS config.
    ///
    /// # Errors
    /// 78 with the reason.
    pub fn may_act(&self) -> Result<(), Ending> {
        self.loaded.clone().trusted().map_err(unloaded)?;
        self.loaded.can_work().map_err(unloaded)
    }

    /// What the daemon has written down last; `None` when there is nothing that can be read.
    pub fn recorded(&self) -> Option<Status> {
        let snapshot = snapshot::read(&self.places().status_file()).ok()?;
        serde_json::from_slice(&snapshot.bytes).ok()
    }

    /// The config that a running daemon goes by for the same credentials file, where it is another one than this.
    pub fn other_config(&self) -> Option<String> {
        let holder = InstanceLock::holder(self.places()).ok().flatten()?;
        let recorded = self.recorded()?;
        // What another process wrote down before it died says nothing about this one.
        let is_of_it = holder.is_none() || recorded.daemon.pid.is_none() || holder == recorded.daemon.pid;
        (is_of_it && !are_one(&self.loaded.path, Path::new(&recorded.config))).then_some(recorded.config)
    }
}
