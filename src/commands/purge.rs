//! `evertoken purge`: takes back everything that evertoken has written, and nothing that anybody else has.

use crate::commands::cli::PurgeArgs;
use crate::commands::ending::{Ending, FINE, NOT_FINE, USAGE};
use crate::commands::output::Output;
use crate::commands::service;
use crate::commands::service_manager::{Verb, command};
use crate::commands::setup::Setup;
use crate::engine::config::model::StoreKind;
use crate::engine::credentials_file::{Edit, Observation, Outcome};
use crate::engine::names::ProfileName;
use crate::shell::environment::Environment;
use crate::shell::files::lock::{FileLock, LockError};
use crate::shell::leftovers;
use crate::shell::locks::InstanceLock;
use crate::shell::store::Stores;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// How long whoever writes the shared file just now is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What there is to remove from one file.
struct Share {
    store: StoreKind,
    ours: Vec<ProfileName>,
    kept: Vec<String>,
}

/// Carries the command out.
///
/// # Errors
/// 1 while the daemon runs, or when a file cannot be changed; 2 for a profile that evertoken knows nothing of.
pub fn run<W: Write>(
    setup: &Setup,
    args: &PurgeArgs,
    environment: &Environment,
    output: &mut Output<W>,
) -> Result<u8, Ending> {
    if let Some(pid) = InstanceLock::holder(setup.places()).map_err(Ending::failed)? {
        return Err(running(pid));
    }
    let stores = setup.stores();
    let mut shares = Vec::new();
    for store in [StoreKind::Shared, StoreKind::Private] {
        shares.push(share(&stores, store, &args.profiles)?);
    }
    let known = |profile: &ProfileName| {
        setup.config().entry(profile.as_str()).is_some() || shares.iter().any(|share| share.ours.contains(profile))
    };
    if let Some(stranger) = args.profiles.iter().find(|profile| !known(profile)) {
        return Err(Ending::new(
            USAGE,
            format!("profile {stranger} is neither in the config nor written by evertoken"),
        ));
    }
    let everything = args.profiles.is_empty();
    // Nobody may begin to keep the file fresh meanwhile. A dry run creates nothing, nor does one with nothing to lock.
    let guard = if args.dry_run || !setup.places().state().exists() {
        None
    } else {
        Some(InstanceLock::acquire(setup.places()).map_err(|error| match error {
            LockError::Held { .. } => running(None),
            other => Ending::failed(other),
        })?)
    };
    let verb = if args.dry_run { "would remove" } else { "removed" };

    let mut code = FINE;
    for share in &shares {
        let path = match share.store {
            StoreKind::Shared => setup.places().credentials().to_owned(),
            StoreKind::Private => setup.places().private_store(),
        };
        for kept in &share.kept {
            output.text(&format!("left alone in {}: {kept}\n", path.display()))?;
        }
        let removed = if args.dry_run { share.ours.clone() } else { remove(&stores, share, &path, output, &mut code)? };
        for profile in removed {
            output.text(&format!("{verb} the keys of profile {profile} from {}\n", path.display()))?;
        }
    }
    // Only now: an edit makes lock files.
    let leftovers = if everything { leftovers::find(setup.places()).map_err(Ending::failed)? } else { Vec::new() };
    let write_lock = Some(setup.places().write_lock()).filter(|lock| everything && lock.exists());
    if !args.dry_run {
        if !leftovers.is_empty() {
            leftovers::remove(setup.places(), &leftovers).map_err(Ending::failed)?;
        }
        if let Some(lock) = &write_lock {
            FileLock::acquire(lock, PATIENCE).map_err(Ending::failed)?.remove().map_err(Ending::failed)?;
        }
    }
    drop(guard);
    for path in leftovers.iter().chain(&write_lock) {
        output.text(&format!("{verb} {}\n", path.display()))?;
    }
    if leftovers.is_empty() && write_lock.is_none() && shares.iter().all(|share| share.ours.is_empty()) {
        output.text("nothing to remove\n")?;
    }
    if everything && let Some(unit) = service::installed(environment) {
        let unit = unit.display();
        output
            .text(&format!("left alone: {unit}, which starts evertoken again\nfix: evertoken service uninstall\n"))?;
    }
    Ok(code)
}

fn running(pid: Option<u32>) -> Ending {
    let or = pid.map(|pid| format!(", or: kill {pid}")).unwrap_or_default();
    let stop = command(Verb::Stop);
    Ending::new(
        NOT_FINE,
        format!("evertoken is running and would write everything again; stop it first\nfix: {stop}{or}"),
    )
}

/// The profiles with our mark; only the named ones unless none is named.
fn share(stores: &Stores, store: StoreKind, named: &[ProfileName]) -> Result<Share, Ending> {
    let sections = stores.observe(store, named).sections.map_err(Ending::failed)?;
    let mut share = Share { store, ours: Vec::new(), kept: Vec::new() };
    for (profile, found) in sections {
        if !named.is_empty() && !named.contains(&profile) {
            continue;
        }
        match found {
            Observation::Ours(_) | Observation::Damaged => share.ours.push(profile),
            Observation::NewerFormat => share.kept.push(format!("profile {profile}, which a newer evertoken wrote")),
            Observation::Foreign(_) | Observation::Untouchable(_) | Observation::Absent | Observation::Fillable => {}
        }
    }
    Ok(share)
}

/// Takes our keys out and answers for which profiles that was done.
fn remove<W: Write>(
    stores: &Stores,
    share: &Share,
    path: &Path,
    output: &mut Output<W>,
    code: &mut u8,
) -> Result<Vec<ProfileName>, Ending> {
    if share.ours.is_empty() {
        return Ok(Vec::new());
    }
    let edits: Vec<Edit> = share.ours.iter().cloned().map(Edit::Remove).collect();
    let stored = stores.apply(share.store, &edits).map_err(Ending::failed)?;
    let mut removed = Vec::new();
    for (profile, outcome) in stored.outcomes {
        match outcome {
            Outcome::Written => removed.push(profile),
            Outcome::Unchanged => {}
            Outcome::Refused(reason) => {
                *code = NOT_FINE;
                output.text(&format!("left alone in {}: profile {profile}: {reason}\n", path.display()))?;
            }
        }
    }
    for warning in stored.warnings {
        output.text(&format!("{warning}\n"))?;
    }
    Ok(removed)
}
