//! The session of one profile for whoever is about to use it: what stands in the store if that will do, else one pass
//! first. Never calls STS in place of a daemon that already knows why it would be in vain.

use crate::commands::cli::RefreshArgs;
use crate::commands::ending::{Ending, NOT_FINE};
use crate::commands::held;
use crate::commands::refresh::ensure_fresh;
use crate::commands::setup::Setup;
use crate::engine::config::model::Entry;
use crate::engine::session::Session;
use crate::shell::clock;
use crate::shell::environment::Environment;
use crate::shell::locks::InstanceLock;
use std::sync::Arc;
use std::time::Duration;

/// A valid session of `entry` with at least `min_ttl` of life left, where somebody asks for that much.
///
/// # Errors
/// 1, with what is wrong and what to do.
pub fn session(
    setup: &Setup,
    entry: &Entry,
    min_ttl: Option<Duration>,
    environment: &Arc<Environment>,
) -> Result<Session, Ending> {
    let wanted = min_ttl.unwrap_or(Duration::ZERO);
    let now = clock::now();
    let held = held::session(setup, entry, wanted, now);
    let running = matches!(InstanceLock::holder(setup.places()), Ok(Some(_)));
    let will_do = match &held {
        // A daemon renews it in time. Without one, a session in the second half of its life is renewed here.
        Ok(session) => running || min_ttl.is_some() || session.left(now) >= session.life() / 2,
        Err(_) => running && min_ttl.is_none() && is_in_vain(setup, entry),
    };
    // Below another evertoken there is only the store: no circles through ourselves.
    if will_do || environment.is_child() {
        return held;
    }
    let args = RefreshArgs { profiles: vec![entry.profile.clone()], min_ttl, ..RefreshArgs::default() };
    let passed = ensure_fresh(setup.clone(), &args, environment)?;
    held::session(setup, entry, wanted, clock::now()).map_err(|ending| {
        let profile = passed.profiles.into_iter().find(|profile| profile.profile == entry.profile.as_str());
        match profile.and_then(|profile| profile.error) {
            None => ending,
            Some(trouble) => {
                let fix = trouble.fix.map(|fix| format!("\nfix: {fix}")).unwrap_or_default();
                let profile = &entry.profile;
                Ending::new(NOT_FINE, format!("no session for profile {profile}: {}{fix}", trouble.message))
            }
        }
    })
}

/// The daemon has tried, and tries again when there is a point in it.
fn is_in_vain(setup: &Setup, entry: &Entry) -> bool {
    let recorded = setup.recorded();
    let profile = recorded.and_then(|status| status.profiles.into_iter().find(|p| p.profile == entry.profile.as_str()));
    profile.is_some_and(|profile| profile.error.is_some())
}
