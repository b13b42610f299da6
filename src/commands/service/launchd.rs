//! The service as an agent of launchd.

use super::agent::{self, LABEL};
use super::blueprint::Blueprint;
use super::footing::{Change, Footing, Manager, Origin, Standing, standing, time};
use super::orders::{Order, ask, words};
use crate::commands::ending::Ending;
use crate::shell::environment::Environment;
use crate::shell::logging::bounded::older;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The launchd of this user's desktop.
pub struct Launchd<'a> {
    environment: &'a Environment,
    home: PathBuf,
    domain: String,
}

impl<'a> Launchd<'a> {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// 1 without a home.
    pub fn new(environment: &'a Environment) -> Result<Self, Ending> {
        let home = environment
            .home()
            .ok_or_else(|| Ending::failed("find your agents: HOME is not set to an absolute path"))?
            .to_owned();
        let domain = format!("gui/{}", rustix::process::getuid().as_raw());
        Ok(Self { environment, home, domain })
    }

    /// The log that launchd writes.
    pub fn log_file(&self) -> PathBuf {
        self.home.join("Library/Logs/evertoken.log")
    }

    /// How the agent stands.
    ///
    /// # Errors
    /// 1 when our file cannot be read.
    pub fn look(&self) -> Result<Footing, Ending> {
        let file = agent::file(&self.home);
        let standing = standing(&file, agent::is_ours)?;
        let (told, unreachable) = match ask(self.environment, &words(&["launchctl", "print", &self.target()])) {
            Ok(answer) if answer.fine => (answer.text, None),
            // It is not loaded: that is how launchd answers.
            Ok(_) => (String::new(), None),
            Err(ending) => (String::new(), Some(ending.message.trim_start_matches("evertoken: ").to_owned())),
        };
        let value = |name: &str| {
            let mut lines = told.lines().filter_map(|line| line.trim().split_once(" = "));
            lines.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        };
        let loaded = !told.is_empty();
        let pid = value("pid");
        // launchd does not tell.
        let started = pid.as_ref().map(|pid| ask(self.environment, &words(&["ps", "-o", "lstart=", "-p", pid])));
        let since = started.and_then(Result::ok).and_then(|answer| time("%a %b %d %H:%M:%S %Y", &answer.text));
        let origin = match (&standing, value("path").map(PathBuf::from)) {
            (Standing::Ours(_), _) => Origin::Us,
            (Standing::Foreign, _) => Origin::Hand(file.clone()),
            (Standing::Absent, Some(path)) => Origin::Hand(path),
            (Standing::Absent, None) => Origin::Nobody,
        };
        let state = value("state").unwrap_or_else(|| if loaded { "loaded" } else { "not loaded" }.to_owned());
        Ok(Footing {
            origin,
            file,
            standing,
            enabled: loaded,
            active: state == "running",
            pid: pid.as_ref().and_then(|pid| pid.parse().ok()),
            since,
            says: value("last exit code").filter(|_| state != "running").map(|code| format!("last exit code {code}")),
            state,
            stale: false,
            unreachable,
        })
    }

    fn target(&self) -> String {
        format!("{}/{LABEL}", self.domain)
    }
}

impl Manager for Launchd<'_> {
    fn text(&self, blueprint: &Blueprint, _: &Footing) -> String {
        agent::whole(blueprint)
    }

    fn environment(&self, text: &str) -> BTreeMap<String, String> {
        agent::environment(text)
    }

    fn install(&self, footing: &Footing, text: String, change: Change) -> Vec<Order> {
        let target = self.target();
        let mut orders = Vec::new();
        if change.text {
            if footing.enabled {
                orders.push(Order::Try(words(&["launchctl", "bootout", &target])));
            }
            orders.push(Order::Write(footing.file.clone(), text));
        }
        if change.text || !footing.enabled {
            let file = footing.file.display().to_string();
            // Somebody may have disabled it once, under which it would not be loaded.
            orders.push(Order::Run(words(&["launchctl", "enable", &target])));
            orders.push(Order::Insist(words(&["launchctl", "bootstrap", &self.domain, &file])));
        } else if change.program {
            orders.push(Order::Run(words(&["launchctl", "kickstart", "-k", &target])));
        } else if !footing.active {
            orders.push(Order::Run(words(&["launchctl", "kickstart", &target])));
        }
        orders
    }

    fn uninstall(&self, footing: &Footing) -> Vec<Order> {
        let mut orders = Vec::new();
        if footing.ours().is_some() {
            if footing.enabled {
                orders.push(Order::RunOn(words(&["launchctl", "bootout", &self.target()])));
            }
            orders.push(Order::Remove(footing.file.clone()));
            orders.extend([self.log_file(), older(&self.log_file())].map(Order::Remove));
        }
        orders
    }

    fn log(&self) -> String {
        "tail -f ~/Library/Logs/evertoken.log".to_owned()
    }

    fn hours(&self) -> Option<String> {
        Some("while you are logged in at the desktop".to_owned())
    }
}
