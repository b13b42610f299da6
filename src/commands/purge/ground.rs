//! Where to look for what evertoken has written: around its config, or around the default places where that is gone. Changes
//! nothing.

use crate::commands::ending::{Ending, NOT_FINE};
use crate::commands::run::unloaded;
use crate::commands::setup::Setup;
use crate::engine::config::Config;
use crate::engine::status::Status;
use crate::shell::config_file::{LoadError, Loaded};
use crate::shell::environment::Environment;
use crate::shell::files::snapshot;
use crate::shell::places::{Places, config_file};
use crate::shell::store::Stores;
use std::path::{Path, PathBuf};

/// What a purge goes out from.
pub(super) struct Ground {
    /// The config; `None` when there is no file.
    pub(super) config: Option<Config>,
    /// Where it is, or would be.
    pub(super) path: PathBuf,
    /// The places that it names, or those of no config.
    pub(super) places: Places,
}

impl Ground {
    /// Reads the config. One that is named, on the command line or by the environment, and not there may be a slip of the
    /// keyboard; one in its default place has been deleted.
    pub(super) fn find(environment: &Environment, given: Option<&Path>) -> Result<Self, Ending> {
        match Setup::read(environment, given) {
            Ok(Setup { loaded: Loaded { config, path, places, .. } }) => {
                Ok(Self { config: Some(config), path, places })
            }
            Err(LoadError::Missing(path)) if given.is_none() && environment.config().is_none() => {
                Self::without_config(environment, path)
            }
            Err(error @ LoadError::Wrong { .. }) => {
                let path =
                    given.map(Path::to_owned).or_else(|| config_file(environment, None).ok()).unwrap_or_default();
                let path = path.display();
                let Ending { code, message } = unloaded(error);
                let hint = format!("hint: to purge without it, move {path} away and run `evertoken purge` again");
                Err(Ending { code, message: format!("{message}\n\n{hint}") })
            }
            Err(error) => Err(unloaded(error)),
        }
    }

    fn without_config(environment: &Environment, path: PathBuf) -> Result<Self, Ending> {
        let places = Places::find(environment, None, None).map_err(Ending::failed)?;
        let ground = Self { config: None, path, places };
        match recorded(&ground.places.status_file()) {
            Some(Status { config, credentials_file, .. }) if !ground.may_take(&config) => {
                let message = format!("{credentials_file} belongs to {config}\nfix: evertoken --config {config} purge");
                Err(Ending::new(NOT_FINE, message))
            }
            _ => Ok(ground),
        }
    }

    /// Whether what a config has led to is ours to remove: it is this one, or it is gone. One whose folder is not there
    /// either may come back with it, such as a home that is not mounted.
    pub(super) fn may_take(&self, config: &str) -> bool {
        let config = Path::new(config);
        let is_gone = || config.parent().is_some_and(Path::is_dir) && matches!(config.try_exists(), Ok(false));
        config == self.path || is_gone()
    }

    /// The credentials files at these places. A mode that no config is left to speak of stays as it is.
    pub(super) fn stores(&self, places: Places) -> Stores {
        Stores::new(places, self.config.as_ref().map_or(0o777, |config| config.file_mode))
    }
}

/// What a daemon has written down last.
pub(super) fn recorded(path: &Path) -> Option<Status> {
    let found = snapshot::read(path).ok()?;
    serde_json::from_slice(&found.bytes).ok()
}
