//! What there is to know of evertoken itself: its config, the daemons that run, and the environment that ours was started
//! with. Takes what the caller has read already, and reads the rest.

use crate::engine::aws_config::AwsConfig;
use crate::engine::aws_config::chain::Base as ChainBase;
use crate::engine::doctor::picture::{Keeping, OwnConfig};
use crate::engine::doctor::surroundings::{KEY, PathMatters, Surroundings, differences, surroundings};
use crate::engine::doctor::{End, base_of};
use crate::engine::status::Status;
use crate::shell::config_file::{LoadError, Loaded};
use crate::shell::environment::Environment;
use crate::shell::files::lock;
use crate::shell::files::snapshot::{self, are_one};
use crate::shell::places::{Caller, Places, invocation, with_tilde};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the caller knows already.
pub struct Own<'a> {
    /// Where the config is, or would be.
    pub path: &'a Path,
    /// The config, or why it cannot be used.
    pub loaded: Result<&'a Loaded, &'a LoadError>,
    /// How the profiles stand, where there is a config.
    pub status: Option<Status>,
    /// The commands for this system: how to start the daemon, to start it anew, and to set the clock.
    pub commands: [&'a str; 3],
}

/// Gathers it. `tools` are the places of the tools of this shell, `profile` is the one that is examined.
pub fn gather(environment: &Environment, tools: &Places, own: Own<'_>, profile: &str) -> Keeping {
    let home = environment.home();
    let here = surroundings(|name| environment.text(name));
    let config = match own.loaded {
        Ok(loaded) => OwnConfig::Read(Arc::new(loaded.config.clone())),
        Err(LoadError::Missing(_)) => OwnConfig::Missing,
        Err(LoadError::Wrong { findings, .. }) => {
            let first = findings.first().and_then(|finding| finding.lines().next());
            OwnConfig::Wrong(first.unwrap_or_default().to_owned())
        }
        Err(error @ (LoadError::Unreadable(_) | LoadError::Place(_) | LoadError::Stumbled(_))) => {
            OwnConfig::Unusable(error.to_string())
        }
    };
    let places = own.loaded.ok().map(|loaded| &loaded.places);
    let other = places.filter(|places| places.resolved_credentials() != tools.resolved_credentials());
    let running = own.status.as_ref().is_some_and(|status| status.daemon.running);
    let recorded = places.filter(|_| running).and_then(|places| read(&places.status_file()));
    let (environment_of_daemon, its_config) =
        recorded.map(|recorded| (recorded.environment, recorded.config)).unwrap_or_default();
    debug_assert_eq!(KEY, "environment");
    let its_config = its_config.map(PathBuf::from).filter(|config| !are_one(own.path, config));
    let differing = environment_of_daemon.map(|daemon: Surroundings| {
        let matters = own.loaded.ok().map_or(PathMatters::No, |loaded| path_matters(loaded, profile));
        differences(&daemon, &here, matters)
    });
    let [start, restart, set_clock] = own.commands.map(str::to_owned);
    let program = std::env::current_exe().ok().and_then(|path| path.to_str().map(str::to_owned));
    let program = program.unwrap_or_else(|| "evertoken".to_owned());
    Keeping {
        config_path: with_tilde(own.path, home),
        config,
        status: own.status,
        other_file: other.map(|places| with_tilde(places.credentials(), home)),
        other_daemons: if running { Vec::new() } else { other_daemons(environment, tools, profile) },
        other_config: its_config.map(|config| with_tilde(&config, home)),
        differences: differing.unwrap_or_default(),
        program: invocation(environment, own.path, Caller::Anywhere).program(&program),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        start,
        restart,
        set_clock,
    }
}

/// What the last daemon wrote into `status.json` of itself; its environment is no part of a status.
#[derive(Deserialize)]
struct Recorded {
    config: Option<String>,
    environment: Option<BTreeMap<String, String>>,
    credentials_file: Option<String>,
    #[serde(default)]
    profiles: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    profile: String,
}

fn read(status_file: &Path) -> Option<Recorded> {
    serde_json::from_slice(&snapshot::read(status_file).ok()?.bytes).ok()
}

/// The credentials files of daemons that keep the profile in other ones than ours.
fn other_daemons(environment: &Environment, tools: &Places, profile: &str) -> Vec<String> {
    let Some(folder) = environment.state_home().map(|state| state.join("evertoken")) else { return Vec::new() };
    let folders = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let others = folders.filter(|folder| folder.as_path() != tools.state());
    let running = others.filter(|folder| matches!(lock::holder(&folder.join("instance.lock")), Ok(Some(_))));
    let mut found: Vec<String> = running
        .filter_map(|folder| read(&folder.join("status.json")))
        .filter(|status| status.profiles.iter().any(|listed| listed.profile == profile))
        .filter_map(|status| status.credentials_file)
        .map(|file| with_tilde(&PathBuf::from(file), environment.home()))
        .collect();
    found.sort();
    found
}

/// Whether a program on the way to the profile's credentials is looked up in `PATH`.
fn path_matters(loaded: &Loaded, profile: &str) -> PathMatters {
    let aws: AwsConfig = loaded.aws();
    match base_of(Some(&loaded.config), &aws, profile).end {
        End::Chain(chain) => match chain.base {
            ChainBase::Process { command, .. } if !command.trim_start().starts_with(['/', '"', '\'']) => {
                PathMatters::Yes
            }
            _ => PathMatters::No,
        },
        End::Token(_) | End::Provider(_) | End::Fault(_) => PathMatters::No,
    }
}
