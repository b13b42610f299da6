//! What a unit or an agent is made of. Knows neither systemd nor launchd.

use std::collections::BTreeMap;

/// A service, before it is written in somebody's format.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blueprint {
    /// The program, by a path that outlives an upgrade.
    pub program: String,
    /// The config.
    pub config: String,
    /// What the service would not inherit.
    pub environment: BTreeMap<String, String>,
    /// Where launchd puts the log; systemd has the journal.
    pub log: String,
}

/// Whether systemd and launchd can both be told this: neither takes control characters but tab and line break.
pub fn can_be_written(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() || c == '\t' || c == '\n')
}
