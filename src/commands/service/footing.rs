//! How a service stands and what an install or uninstall would change: the same questions for systemd and launchd.

use super::blueprint::Blueprint;
use super::orders::Order;
use crate::commands::ending::Ending;
use crate::engine::time::WallTime;
use crate::shell::files::snapshot;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What stands under the name of a file that we would write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Nothing.
    Absent,
    /// What we have written, with this text.
    Ours(String),
    /// What somebody else has written, which stays.
    Foreign,
}

/// What stands at a path that we would write to.
///
/// # Errors
/// 1 when it cannot be read.
pub fn standing(path: &Path, is_ours: fn(&str) -> bool) -> Result<Standing, Ending> {
    // A link too is somebody else's, wherever it leads: a masked unit is one to /dev/null. So is a folder or a pipe.
    if path.is_symlink() || (path.exists() && !path.is_file()) {
        return Ok(Standing::Foreign);
    }
    let found = snapshot::read(path).map_err(Ending::failed)?;
    if found.present.is_none() {
        return Ok(Standing::Absent);
    }
    let text = String::from_utf8_lossy(&found.bytes).into_owned();
    Ok(if is_ours(&text) { Standing::Ours(text) } else { Standing::Foreign })
}

/// Who has brought the service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Nobody: there is none.
    Nobody,
    /// `evertoken service install`.
    Us,
    /// A package, or the administrator.
    Package(PathBuf),
    /// Somebody, by hand.
    Hand(PathBuf),
}

/// How the service stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Footing {
    /// Who has brought it.
    pub origin: Origin,
    /// The file that we write, or would.
    pub file: PathBuf,
    /// What stands there.
    pub standing: Standing,
    /// Whether it starts by itself.
    pub enabled: bool,
    /// Whether it runs.
    pub active: bool,
    /// The same in the words of the service manager.
    pub state: String,
    /// Its process.
    pub pid: Option<u32>,
    /// When its process started.
    pub since: Option<WallTime>,
    /// What it says of itself.
    pub says: Option<String>,
    /// Files were changed that the service manager has not read again.
    pub stale: bool,
    /// Why the service manager could not be asked.
    pub unreachable: Option<String>,
}

/// The questions that both service managers are asked.
pub trait Manager {
    /// What our file would hold.
    fn text(&self, blueprint: &Blueprint, footing: &Footing) -> String;
    /// What our file gives to the service.
    fn environment(&self, text: &str) -> BTreeMap<String, String>;
    /// What leads to a service that runs as it should.
    fn install(&self, footing: &Footing, text: String, change: Change) -> Vec<Order>;
    /// What leads to no service.
    fn uninstall(&self, footing: &Footing) -> Vec<Order>;
    /// Where its log is, as a command.
    fn log(&self) -> String;
    /// When it runs, in a sentence.
    fn hours(&self) -> Option<String>;
}

/// What an install finds different.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// Our file holds something else, or is not there.
    pub text: bool,
    /// Another program runs than the one that would be started now.
    pub program: bool,
    /// There is no config yet, so that nothing can be waited for.
    pub waiting: bool,
}

/// A time of UTC in the form that some program prints.
pub fn time(form: &str, text: &str) -> Option<WallTime> {
    // Some pad the day of the month.
    let text: Vec<&str> = text.split_whitespace().collect();
    let civil = jiff::civil::DateTime::strptime(form, text.join(" ")).ok()?;
    let stamp = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(WallTime::from_unix_seconds(stamp.as_second()))
}

impl Footing {
    /// The text of our file, where it is ours.
    pub fn ours(&self) -> Option<&str> {
        match &self.standing {
            Standing::Ours(text) => Some(text),
            Standing::Absent | Standing::Foreign => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn reads_times_as_systemd_and_ps_print_them() {
        let systemd = time("%a %Y-%m-%d %H:%M:%S UTC", "Sat 2026-11-07 15:04:05 UTC");
        assert_eq!(systemd.map(|time| time.to_string()).as_deref(), Some("2026-11-07T15:04:05Z"));
        assert_eq!(time("%a %b %d %H:%M:%S %Y", "Sat Nov  7 15:04:05 2026\n"), systemd);
        assert_eq!(time("%a %Y-%m-%d %H:%M:%S UTC", "n/a"), None);
    }
}
