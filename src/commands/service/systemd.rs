//! The service as a user unit of systemd.

use super::blueprint::Blueprint;
use super::footing::{self, Change, Footing, Manager, Origin, Standing, time};
use super::orders::{Order, ask, words};
use super::unit;
use crate::commands::ending::Ending;
use crate::shell::environment::Environment;
use crate::shell::files::resolve;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const DROP_IN: &str = "50-evertoken-service-install.conf";
/// The link that `systemctl enable` makes, below the config home.
const WANTED: &str = "systemd/user/default.target.wants/evertoken.service";
const ASKED: &str = "--property=LoadState,FragmentPath,UnitFileState,ActiveState,SubState,MainPID,ExecMainStartTimestamp,\
                     StatusText,Result,NeedDaemonReload";

/// The systemd of this user.
pub struct Systemd<'a> {
    environment: &'a Environment,
}

impl<'a> Systemd<'a> {
    /// Asks nobody yet.
    pub fn new(environment: &'a Environment) -> Self {
        Self { environment }
    }

    /// How the unit stands.
    ///
    /// # Errors
    /// 1 without a home, and when our file cannot be read.
    pub fn look(&self) -> Result<Footing, Ending> {
        let folder = self
            .environment
            .config_home()
            .ok_or_else(|| Ending::failed("find your units: HOME is not set to an absolute path"))?;
        let unit = folder.join("systemd/user").join(unit::NAME);
        let (told, unreachable) =
            match ask(self.environment, &words(&["systemctl", "--user", "show", unit::NAME, ASKED])) {
                Ok(answer) if answer.fine => (answer.text, None),
                Ok(answer) => (String::new(), Some(answer.complaint)),
                Err(ending) => (String::new(), Some(ending.message.trim_start_matches("evertoken: ").to_owned())),
            };
        let properties: BTreeMap<&str, &str> = told.lines().filter_map(|line| line.split_once('=')).collect();
        let value = |name: &str| properties.get(name).copied().filter(|value| !value.is_empty());
        let standing = footing::standing(&unit, unit::is_ours)?;
        let fragment = value("FragmentPath").map(PathBuf::from).filter(|path| *path != unit);
        let (origin, file, standing) = match (standing, fragment) {
            (Standing::Ours(text), _) => (Origin::Us, unit, Standing::Ours(text)),
            (Standing::Foreign, _) => (Origin::Hand(unit.clone()), unit, Standing::Foreign),
            (Standing::Absent, Some(fragment)) => {
                let file = unit.with_extension("service.d").join(DROP_IN);
                let standing = footing::standing(&file, unit::is_ours)?;
                (Origin::Package(fragment), file, standing)
            }
            (Standing::Absent, None) => (Origin::Nobody, unit, Standing::Absent),
        };
        let active = value("ActiveState").unwrap_or("inactive");
        Ok(Footing {
            origin,
            file,
            standing,
            enabled: matches!(value("UnitFileState"), Some("enabled" | "enabled-runtime")),
            active: matches!(active, "active" | "reloading"),
            state: match (active, value("SubState"), value("Result")) {
                ("failed", _, Some(result)) => format!("failed ({result})"),
                (_, Some(sub), _) => format!("{active} ({sub})"),
                _ => active.to_owned(),
            },
            pid: value("MainPID").and_then(|pid| pid.parse().ok()).filter(|pid| *pid > 0),
            since: value("ExecMainStartTimestamp").and_then(|text| time("%a %Y-%m-%d %H:%M:%S UTC", text)),
            says: value("StatusText").map(str::to_owned),
            stale: value("NeedDaemonReload") == Some("yes"),
            unreachable,
        })
    }
}

/// Whether this is a link to that file, which may be gone.
fn leads_to(link: &Path, file: &Path) -> bool {
    link.is_symlink() && resolve(link).is_ok_and(|target| resolve(file).is_ok_and(|file| file == target))
}

fn systemctl(verbs: &[&str]) -> Vec<String> {
    words(&[&["systemctl", "--user"], verbs, &[unit::NAME]].concat())
}

impl Manager for Systemd<'_> {
    fn text(&self, blueprint: &Blueprint, footing: &Footing) -> String {
        match footing.origin {
            Origin::Package(_) => unit::drop_in(blueprint),
            Origin::Nobody | Origin::Us | Origin::Hand(_) => unit::whole(blueprint),
        }
    }

    fn environment(&self, text: &str) -> BTreeMap<String, String> {
        unit::environment(text)
    }

    fn install(&self, footing: &Footing, text: String, change: Change) -> Vec<Order> {
        let mut orders = Vec::new();
        if change.text {
            orders.push(Order::Write(footing.file.clone(), text));
        }
        if change.text || footing.stale {
            orders.push(Order::Run(words(&["systemctl", "--user", "daemon-reload"])));
        }
        if !footing.enabled {
            orders.push(Order::Run(systemctl(&["enable"])));
        }
        let verb = if !footing.active {
            Some("start")
        } else if change.text || change.program || footing.stale {
            Some("restart")
        } else {
            None
        };
        // Without a config it starts again and again until there is one: nothing to wait for.
        let waiting = if change.waiting { ["--no-block"].as_slice() } else { &[] };
        orders.extend(verb.map(|verb| Order::Run(systemctl(&[&[verb], waiting].concat()))));
        orders
    }

    fn uninstall(&self, footing: &Footing) -> Vec<Order> {
        let mut orders = Vec::new();
        if footing.enabled || footing.active || footing.ours().is_some() {
            // What systemd does not do must keep the rest from nothing.
            orders.push(Order::RunOn(systemctl(&["disable", "--now"])));
        }
        if footing.ours().is_some() {
            orders.push(Order::Remove(footing.file.clone()));
            let wanted = self.environment.config_home().map(|config| config.join(WANTED));
            orders.extend(wanted.filter(|link| leads_to(link, &footing.file)).map(Order::Remove));
            orders.push(Order::RunOn(words(&["systemctl", "--user", "daemon-reload"])));
            // It may have ended badly, which systemd would remember for ever.
            orders.push(Order::Try(systemctl(&["reset-failed"])));
            let above = self.environment.config_home();
            let made_for_it = || footing.file.ancestors().skip(1).take_while(|folder| above.as_deref() != Some(folder));
            // Behind a link they are somebody's own, empty or not.
            if !made_for_it().any(Path::is_symlink) {
                orders.extend(made_for_it().map(|folder| Order::RemoveFolder(folder.to_owned())));
            }
        }
        orders
    }

    fn log(&self) -> String {
        "journalctl --user -u evertoken -f".to_owned()
    }

    fn hours(&self) -> Option<String> {
        let user = self.environment.user();
        let answer = ask(self.environment, &words(&["loginctl", "show-user", &user, "--property=Linger"])).ok();
        Some(match answer.filter(|answer| answer.fine).map(|answer| answer.text.trim() == "Linger=yes") {
            Some(true) => "from the start of this machine, whether you are logged in or not (linger)".to_owned(),
            _ => "while you are logged in; `loginctl enable-linger` would start it with the machine and let it run on \
                  when you log out"
                .to_owned(),
        })
    }
}
