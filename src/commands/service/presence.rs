//! Whether there is a service that could be started: a look at the places of units and agents, in no time. Asks no
//! service manager.

use super::{agent, unit};
use crate::commands::service_manager::{Verb, command};
use crate::shell::environment::Environment;
use std::path::PathBuf;

/// Where packages and administrators put the units of users (systemd.unit(5)).
const UNITS: [&str; 4] =
    ["/etc/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user", "/lib/systemd/user"];

/// The command that starts evertoken here: its service, or an install of it where there is none.
pub fn start(environment: &Environment) -> &'static str {
    if places(environment).iter().any(|place| place.exists()) {
        command(Verb::Start)
    } else {
        "evertoken service install"
    }
}

fn places(environment: &Environment) -> Vec<PathBuf> {
    if cfg!(target_os = "macos") {
        return environment.home().map(agent::file).into_iter().collect();
    }
    let own = environment.config_home().map(|config| config.join("systemd/user"));
    let data = environment.home().map(|home| home.join(".local/share/systemd/user"));
    let folders = own.into_iter().chain(data).chain(UNITS.map(PathBuf::from));
    folders.map(|folder| folder.join(unit::NAME)).collect()
}
