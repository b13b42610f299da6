//! The `PATH` of evertoken as a service, which is not that of anybody's shell: what an installed unit or agent carries,
//! else what the service manager gives. Reads their files and starts nothing.
#![expect(clippy::disallowed_methods, reason = "reads the files of the service manager")]

use super::{agent, unit};
use crate::shell::environment::Environment;
use crate::shell::program::can_be_run;
use std::fs;
use std::path::{Path, PathBuf};

/// What `systemd --user` gives to services (systemd.exec(5); distributions may add to it).
const OF_SYSTEMD: &str = "/usr/local/bin:/usr/bin:/bin";
/// What launchd gives to agents (launchd.plist(5)).
const OF_LAUNCHD: &str = "/usr/bin:/bin:/usr/sbin:/sbin";

/// A `PATH` and who says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServicePath {
    /// Folders with `:` between them.
    pub value: String,
    /// The file that sets it, or whose default it is.
    pub origin: String,
}

impl ServicePath {
    /// That of the service of this user.
    pub fn find(environment: &Environment) -> Self {
        let home = environment.home();
        let agent = home.map(agent::file);
        let units = environment.config_home().map(|config| config.join("systemd/user"));
        let (carried, of_system, name) = if cfg!(target_os = "macos") {
            (
                agent.and_then(|path| {
                    Some((agent::environment(&fs::read_to_string(&path).ok()?).remove("PATH")?, path))
                }),
                OF_LAUNCHD,
                "launchd",
            )
        } else {
            (units.and_then(|folder| unit_path(&folder, home)), OF_SYSTEMD, "systemd")
        };
        match carried {
            Some((value, file)) => Self { value, origin: file.display().to_string() },
            None => Self { value: of_system.to_owned(), origin: usual(name) },
        }
    }

    /// Whether a program is there and can be run: by its path, or by its name in one of the folders.
    pub fn has(&self, program: &Path) -> bool {
        if program.is_absolute() {
            return can_be_run(program);
        }
        // A path that is neither absolute nor a name depends on where the service is started.
        program.components().count() == 1
            && self.value.split(':').any(|folder| can_be_run(&Path::new(folder).join(program)))
    }
}

/// A default is only where one begins: what environment.d and the desktop add to it is known to the service manager alone.
fn usual(manager: &str) -> String {
    let more = match manager {
        "systemd" => "; yours may add to it: systemctl --user show-environment",
        _ => "",
    };
    format!("what {manager} gives to a service{more}")
}

/// The last `PATH` of the unit and its drop-ins, in the order in which systemd reads them.
fn unit_path(folder: &Path, home: Option<&Path>) -> Option<(String, PathBuf)> {
    let drop_ins = fs::read_dir(folder.join(unit::NAME).with_extension("service.d")).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = drop_ins.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
    files.sort();
    files.insert(0, folder.join(unit::NAME));
    let home = home.map(|home| home.to_string_lossy().into_owned()).unwrap_or_default();
    let mut carried = files.into_iter().filter_map(|file| {
        let text = fs::read_to_string(&file).ok()?;
        let value = unit::environment(&text).remove("PATH")?;
        Some((value.replace("%h", &home), file))
    });
    carried.next_back()
}
