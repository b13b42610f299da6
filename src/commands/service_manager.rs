//! The commands that start, stop and restart the daemon as a service, to be told to people. Runs none of them.

/// What to do to the service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Stop the old one and start the new one.
    Restart,
}

/// The command for the service manager of this system.
pub const fn command(verb: Verb) -> &'static str {
    if cfg!(target_os = "macos") {
        match verb {
            Verb::Start => "launchctl kickstart gui/$(id -u)/io.evertoken.agent",
            Verb::Stop => "launchctl bootout gui/$(id -u)/io.evertoken.agent",
            Verb::Restart => "launchctl kickstart -k gui/$(id -u)/io.evertoken.agent",
        }
    } else {
        match verb {
            Verb::Start => "systemctl --user start evertoken",
            Verb::Stop => "systemctl --user stop evertoken",
            Verb::Restart => "systemctl --user restart evertoken",
        }
    }
}
