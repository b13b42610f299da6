//! `evertoken service`: installs the daemon as a service of this user, takes it away again, says how it stands. Never
//! touches a unit or an agent that it did not write.

pub mod agent;
pub mod blueprint;
pub mod carried;
pub mod footing;
pub mod launchd;
pub mod orders;
pub mod presence;
pub mod program;
pub mod search_path;
pub mod systemd;
pub mod unit;

use crate::commands::cli::{ManagerKind, ServiceArgs, ServiceCommand};
use crate::commands::ending::{Ending, FINE, NOT_FINE};
use crate::commands::humane;
use crate::commands::output::Output;
use crate::commands::run::unloaded;
use crate::engine::invocation::quoted;
use crate::engine::time::WallTime;
use crate::shell::clock;
use crate::shell::config_file::{LoadError, load};
use crate::shell::environment::Environment;
use crate::shell::places::config_file;
use blueprint::{Blueprint, can_be_written};
use carried::{Carried, gather, shown};
use footing::{Change, Footing, Manager, Origin, Standing};
use launchd::Launchd;
use orders::{Order, Tense, carry_out, told};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use systemd::Systemd;

/// What to do without a service manager.
const UNREACHED: &str = "log in as this user (not with su or sudo) and try again; where there is no service manager, start \
                         `evertoken run` with your session";

/// Carries the command out.
///
/// # Errors
/// 1 when somebody else's unit is in the way, when the service manager refuses, or when this program will not stay where
/// it is; 78 when the config is wrong.
pub fn run<W: Write>(
    args: &ServiceArgs,
    given: Option<&Path>,
    environment: &Environment,
    output: &mut Output<W>,
) -> Result<u8, Ending> {
    let desk = Desk::open(args.manager, environment)?;
    match &args.command {
        ServiceCommand::Install(args) => desk.install(given, tense(args.dry_run), output),
        ServiceCommand::Uninstall(args) => desk.uninstall(tense(args.dry_run), output),
        ServiceCommand::Status => desk.status(given, output),
    }
}

/// The file by which `evertoken service install` has installed a service, if it has.
pub fn installed(environment: &Environment) -> Option<PathBuf> {
    let desk = Desk::open(None, environment).ok()?;
    desk.footing.ours().is_some().then_some(desk.footing.file)
}

const fn tense(dry_run: bool) -> Tense {
    if dry_run { Tense::Planned } else { Tense::Done }
}

/// The service manager of this system and how the service stands there.
struct Desk<'a> {
    environment: &'a Environment,
    manager: Box<dyn Manager + 'a>,
    footing: Footing,
    log: String,
}

impl<'a> Desk<'a> {
    fn open(kind: Option<ManagerKind>, environment: &'a Environment) -> Result<Self, Ending> {
        let usual = if cfg!(target_os = "macos") { ManagerKind::Launchd } else { ManagerKind::Systemd };
        match kind.unwrap_or(usual) {
            ManagerKind::Systemd => {
                let systemd = Systemd::new(environment);
                let footing = systemd.look()?;
                Ok(Self { environment, manager: Box::new(systemd), footing, log: String::new() })
            }
            ManagerKind::Launchd => {
                let launchd = Launchd::new(environment)?;
                let footing = launchd.look()?;
                let log = launchd.log_file().display().to_string();
                Ok(Self { environment, manager: Box::new(launchd), footing, log })
            }
        }
    }

    fn install<W: Write>(&self, given: Option<&Path>, tense: Tense, output: &mut Output<W>) -> Result<u8, Ending> {
        self.refuse_what_is_not_ours()?;
        let config = config_file(self.environment, given).map_err(Ending::failed)?;
        let waiting = match load(self.environment, &config) {
            Ok(_) => false,
            Err(LoadError::Missing(_)) => true,
            Err(error) => return Err(unloaded(error)),
        };
        let program = program::find(self.environment)?;
        let Carried { values, mut remarks } = gather(self.environment);
        remarks.extend(program.remark.clone());
        let text_of = |path: &Path| {
            let text = path.to_str().filter(|text| can_be_written(text)).map(str::to_owned);
            text.ok_or_else(|| Ending::new(NOT_FINE, format!("no unit can name {}", path.display())))
        };
        let blueprint = Blueprint {
            program: text_of(&program.path)?,
            config: text_of(&config)?,
            environment: values,
            log: self.log.clone(),
        };
        let text = self.manager.text(&blueprint, &self.footing);
        let change = Change {
            text: self.footing.ours() != Some(&text),
            program: self.footing.active && self.footing.since.is_some_and(|since| is_newer(&program.path, since)),
            waiting,
        };
        let orders = self.manager.install(&self.footing, text, change);
        if change.text || tense == Tense::Planned {
            self.show(&blueprint, &remarks, output)?;
        }
        if waiting {
            let path = config.display();
            output.say(&format!(
                "note: there is no config at {path} yet; it starts once there is one (evertoken init)\n"
            ))?;
        }
        if orders.is_empty() {
            output.say("nothing to do: the service is installed, enabled and runs\n")?;
            return Ok(FINE);
        }
        self.go(&orders, tense, output)?;
        if tense == Tense::Planned {
            if change.text {
                let environment = blueprint.environment.iter().map(|(name, value)| (name.clone(), shown(name, value)));
                let for_eyes = Blueprint { environment: environment.collect(), ..blueprint };
                output.text(&format!("\n{}", self.manager.text(&for_eyes, &self.footing)))?;
            }
        } else if let Some(hours) = self.manager.hours() {
            output.say(&format!("it runs {hours}\nlog: {}\n", self.manager.log()))?;
        }
        Ok(FINE)
    }

    /// What the service gets that it would not have, before anything is written.
    fn show<W: Write>(&self, made: &Blueprint, remarks: &[String], output: &mut Output<W>) -> Result<(), Ending> {
        let starts = match &self.footing.origin {
            Origin::Package(unit) => format!("the unit {} of a package", unit.display()),
            Origin::Nobody | Origin::Us | Origin::Hand(_) => made.program.clone(),
        };
        output.say(&format!("starts {starts}\nwith {}\n", made.config))?;
        for (name, value) in &made.environment {
            output.say(&format!("and {name}={}\n", shown(name, value).replace(['\n', '\t'], " ")))?;
        }
        for remark in remarks {
            output.say(&format!("note: {remark}\n"))?;
        }
        Ok(())
    }

    fn uninstall<W: Write>(&self, tense: Tense, output: &mut Output<W>) -> Result<u8, Ending> {
        self.refuse_what_is_not_ours()?;
        let orders = self.manager.uninstall(&self.footing);
        if orders.is_empty() {
            output.say("nothing to do: no service of evertoken is installed\n")?;
            return Ok(FINE);
        }
        self.go(&orders, tense, output).map_err(|ending| match self.footing.pid {
            Some(pid) => Ending { message: format!("{}\nshould it still run: kill {pid}", ending.message), ..ending },
            None => ending,
        })?;
        if let Origin::Package(unit) = &self.footing.origin {
            output.say(&format!("{} stays: it goes with its package\n", unit.display()))?;
        }
        if tense == Tense::Done {
            output.say("the sessions that are on disk stay until they end; evertoken purge removes them\n")?;
        }
        Ok(FINE)
    }

    fn go<W: Write>(&self, orders: &[Order], tense: Tense, output: &mut Output<W>) -> Result<(), Ending> {
        match tense {
            Tense::Planned => {
                for order in orders {
                    output.say(&format!("{}\n", told(order, tense)))?;
                }
                Ok(())
            }
            Tense::Done => {
                self.reach()?;
                carry_out(self.environment, orders, output).map_err(|ending| {
                    let log = self.manager.log();
                    Ending {
                        message: format!("{}\nfix: look into the log: {}", ending.message, log.trim_end_matches(" -f")),
                        ..ending
                    }
                })
            }
        }
    }

    fn reach(&self) -> Result<(), Ending> {
        let Some(why) = &self.footing.unreachable else { return Ok(()) };
        Err(Ending::new(NOT_FINE, format!("the service manager of this user does not answer: {why}\nfix: {UNREACHED}")))
    }

    fn refuse_what_is_not_ours(&self) -> Result<(), Ending> {
        let path = match &self.footing {
            Footing { origin: Origin::Hand(path), .. } => path,
            Footing { standing: Standing::Foreign, file, .. } => file,
            _ => return Ok(()),
        };
        let shown = path.display();
        Err(Ending::new(
            NOT_FINE,
            format!(
                "{shown} was not written by `evertoken service install` and stays as it is\nfix: keep it and manage it \
                 yourself, or move it away and try again: mv {} {}",
                quoted(&shown.to_string()),
                quoted(&format!("{shown}.old")),
            ),
        ))
    }

    fn status<W: Write>(&self, given: Option<&Path>, output: &mut Output<W>) -> Result<u8, Ending> {
        let footing = &self.footing;
        let installed = match &footing.origin {
            Origin::Nobody => "no; evertoken service install".to_owned(),
            Origin::Us => format!("by evertoken service install, {}", footing.file.display()),
            Origin::Package(path) if footing.ours().is_some() => {
                format!("by a package, {}, with {}", path.display(), footing.file.display())
            }
            Origin::Package(path) => format!("by a package, {}", path.display()),
            Origin::Hand(path) => format!("by hand, {}", path.display()),
        };
        let mut rows = vec![("installed", installed)];
        if let Some(why) = &footing.unreachable {
            rows.push(("running", format!("cannot be told: {why}")));
            rows.push(("fix", UNREACHED.to_owned()));
        } else if footing.origin != Origin::Nobody {
            rows.push(("enabled", if footing.enabled { "yes" } else { "no" }.to_owned()));
            let since = footing.since.filter(|_| footing.active);
            let since = since.map(|since| humane::clock(since, clock::now(), &clock::zone()));
            let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
            let pid = footing.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
            rows.push(("running", format!("{}{since}{pid}", footing.state)));
            rows.extend(footing.says.as_ref().map(|says| ("says", says.clone())));
            if footing.stale {
                rows.push(("note", "its unit has changed: systemctl --user daemon-reload".to_owned()));
            }
            rows.extend(self.other_config(given).map(|difference| ("differs", difference)));
            rows.extend(self.differences().into_iter().map(|difference| ("differs", difference)));
            rows.extend(self.manager.hours().map(|hours| ("runs", hours)));
            rows.push(("log", self.manager.log()));
        }
        for (name, value) in rows {
            let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let line = format!("{name:<10} {value}\n");
            // That it was installed is no command to be followed.
            if name == "installed" && footing.origin == Origin::Us { output.text(&line) } else { output.say(&line) }?;
        }
        Ok(if footing.origin != Origin::Nobody && footing.enabled && footing.active { FINE } else { NOT_FINE })
    }

    /// That the service goes by another config than the one that this is about.
    fn other_config(&self, given: Option<&Path>) -> Option<String> {
        let installed = self.footing.ours()?;
        let ours = config_file(self.environment, given).ok()?;
        let config = ours.to_str()?.to_owned();
        let log = self.log.clone();
        let blueprint = Blueprint { program: String::new(), config, environment: BTreeMap::new(), log };
        let same = named_config(installed) == named_config(&self.manager.text(&blueprint, &self.footing));
        let (path, install) = (ours.display(), "evertoken service install");
        (!same).then(|| format!("config: the service goes by another one than {path}; {install} makes it this one"))
    }

    /// Where this shell has something else than the service was given.
    fn differences(&self) -> Vec<String> {
        let Some(text) = self.footing.ours() else { return Vec::new() };
        let given = self.manager.environment(text);
        let here = gather(self.environment).values;
        let names: BTreeSet<&String> =
            given.keys().chain(here.keys()).filter(|name| *name != "EVERTOKEN_CONFIG").collect();
        let word =
            |name: &str, value: Option<&String>| value.map_or_else(|| "nothing".to_owned(), |value| shown(name, value));
        let mut found: Vec<String> = names
            .into_iter()
            .filter(|name| given.get(*name) != here.get(*name))
            .map(|name| {
                format!(
                    "{name}: the service has {}, this shell {}",
                    word(name, given.get(name)),
                    word(name, here.get(name))
                )
            })
            .collect();
        if !found.is_empty() {
            found.push("evertoken service install gives it what this shell has".to_owned());
        }
        found
    }
}

/// Where a unit or an agent names its config, as it is written there.
fn named_config(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("--config").or_else(|| text.split_once("EVERTOKEN_CONFIG"))?;
    // An agent has it in the line below.
    rest.lines().map(str::trim).find(|line| *line != "</string>")
}

/// Whether the program was put there after the service started, or the link to it: the service runs the one before. (The
/// process itself cannot be asked: with its keys it hides its program too.)
fn is_newer(program: &Path, since: WallTime) -> bool {
    let found = [fs::symlink_metadata(program), fs::metadata(program)];
    found.iter().flatten().any(|metadata| metadata.ctime() > since.unix_seconds())
}
