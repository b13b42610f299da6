//! What a picture holds of evertoken itself: its config, its daemons, and the commands for this system.

use crate::engine::config::Config;
use crate::engine::status::Status;
use std::sync::Arc;

/// evertoken itself.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Keeping {
    /// Where the config is or would be, the home as `~`.
    pub config_path: String,
    /// The config.
    pub config: OwnConfig,
    /// How the profiles stand.
    pub status: Option<Status>,
    /// The file that it keeps fresh, where that is not the one that the tools here read.
    pub other_file: Option<String>,
    /// Daemons that keep the profile in other credentials files: those files.
    pub other_daemons: Vec<String>,
    /// The config that the daemon goes by, where it is not this one.
    pub other_config: Option<String>,
    /// Variables that the daemon has another value of than this shell.
    pub differences: Vec<Difference>,
    /// The absolute path of this program, as a `credential_process` that goes by this config begins with it.
    pub program: String,
    /// Its version.
    pub version: String,
    /// How to start the daemon.
    pub start: String,
    /// How to start it anew.
    pub restart: String,
    /// How to set the clock of this machine.
    pub set_clock: String,
}

/// A variable that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// What the daemon has.
    pub daemon: Option<String>,
    /// What this shell has.
    pub here: Option<String>,
}

/// evertoken's config.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum OwnConfig {
    /// There is none.
    #[default]
    Missing,
    /// It was read and is wrong: the first line of why.
    Wrong(String),
    /// It cannot be read, or the files that it is about cannot be found: why, to be read after "failed to".
    Unusable(String),
    /// It was read.
    Read(Arc<Config>),
}
