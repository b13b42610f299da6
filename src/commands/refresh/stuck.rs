//! The profiles whose next session a running daemon was denied. Their sessions may be far from their end, and hide from one
//! pass what the person wants to know: whether the way is free again.

use super::asked_entries;
use crate::commands::cli::RefreshArgs;
use crate::commands::setup::Setup;
use crate::commands::status;
use crate::engine::failure::Class;
use crate::engine::names::ProfileName;

/// Those of them that a person asks for. Nobody who names the life that shall be left: that is a question about the session
/// at hand, and not a reason to fail while it has that life.
pub(super) fn profiles(setup: &Setup, args: &RefreshArgs) -> Vec<ProfileName> {
    if args.min_ttl.is_some() {
        return Vec::new();
    }
    let status = status::gather(setup);
    let is_stuck = |profile: &ProfileName| {
        let found = status.profiles.iter().find(|found| found.profile == profile.as_str());
        found.and_then(|found| found.error.as_ref()).is_some_and(|error| is_for_people(&error.class))
    };
    let asked = asked_entries(setup, &args.profiles).into_iter().map(|entry| entry.profile.clone());
    asked.filter(|profile| status.daemon.running && is_stuck(profile)).collect()
}

/// What the daemon waits minutes for before it tries again; all else passes by itself.
fn is_for_people(class: &str) -> bool {
    [Class::Refused, Class::Settings, Class::Source].iter().any(|known| known.as_str() == class)
}
