//! `evertoken purge`: takes back everything that evertoken has written, and nothing that anybody else has.

mod estate;
mod former;
mod ground;

use crate::commands::cli::PurgeArgs;
use crate::commands::ending::{Ending, NOT_FINE, USAGE};
use crate::commands::output::Output;
use crate::commands::service;
use crate::commands::service_manager::{Verb, command};
use crate::engine::names::ProfileName;
use crate::shell::environment::Environment;
use crate::shell::files::lock::LockError;
use crate::shell::locks::{InstanceLock, RefreshLock};
use crate::shell::places::Places;
use estate::{Cleared, Estate, Extent, Tense};
use former::Former;
use ground::Ground;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// How long a refresh that is under way is waited for: as long as others wait for its lock.
const LONGEST_CALL: Duration = Duration::from_secs(20);

/// Carries the command out.
///
/// # Errors
/// 1 while the daemon runs, or when a file cannot be changed; 2 for a profile that evertoken knows nothing of; 78 when the
/// config is wrong.
pub fn run<W: Write>(
    given: Option<&Path>,
    args: &PurgeArgs,
    environment: &Environment,
    output: &mut Output<W>,
) -> Result<u8, Ending> {
    let ground = Ground::find(environment, given)?;
    let places = &ground.places;
    // Looking changes nothing that the daemon would write again.
    let daemon = InstanceLock::holder_of_any(places).map_err(Ending::failed)?.filter(|_| !args.dry_run);
    if let Some(pid) = daemon {
        if !args.profiles.is_empty() {
            let estate = Estate::survey(ground.stores(places.clone()), &args.profiles)?;
            refuse_strangers(&ground, &args.profiles, &estate)?;
        }
        return Err(running(pid));
    }
    if ground.config.is_none() {
        let (config, credentials) = (ground.path.display(), places.credentials().display());
        output.say(&format!(
            "there is no config at {config}: looking at {credentials} and at what earlier ones left\n"
        ))?;
    }
    let tense = if args.dry_run { Tense::Planned } else { Tense::Done };
    let guard = Guard::take(places, tense, &args.profiles)?;
    let estate = Estate::survey(ground.stores(places.clone()), &args.profiles)?;
    refuse_strangers(&ground, &args.profiles, &estate)?;
    let extent = if args.profiles.is_empty() { Extent::Everything } else { Extent::Keys };
    let mut cleared = estate.clear(extent, tense, output)?;
    drop(guard);
    let formers = if extent == Extent::Everything { former::find(&ground, environment) } else { Vec::new() };
    for former in formers {
        match former {
            Former::Ours(places) => {
                let Cleared { code, anything } = clear_former(&ground, places, tense, output)?;
                cleared = Cleared { code: cleared.code.max(code), anything: cleared.anything || anything };
            }
            Former::Left { folder, why, fix } => {
                output.say(&format!("left alone: {}, {why}\nfix: {fix}\n", folder.display()))?;
            }
        }
    }
    if !cleared.anything {
        output.say("nothing to remove\n")?;
    }
    if extent == Extent::Everything
        && let Some(unit) = service::installed(environment)
    {
        let unit = unit.display();
        output
            .text(&format!("left alone: {unit}, which starts evertoken again\nfix: evertoken service uninstall\n"))?;
    }
    Ok(cleared.code)
}

fn refuse_strangers(ground: &Ground, profiles: &[ProfileName], estate: &Estate) -> Result<(), Ending> {
    let known = |profile: &_| ground.config.as_ref().is_some_and(|config| config.entry(profile).is_some());
    let Some(stranger) = profiles.iter().find(|profile| !known(profile.as_str()) && !estate.holds(profile)) else {
        return Ok(());
    };
    Err(Ending::new(USAGE, format!("profile {stranger} is neither in the config nor written by evertoken")))
}

/// What a file that the config named once still has of ours. What cannot be read there keeps the rest from nothing.
fn clear_former<W: Write>(
    ground: &Ground,
    places: Places,
    tense: Tense,
    output: &mut Output<W>,
) -> Result<Cleared, Ending> {
    let shown = places.state().display().to_string();
    let cleared = Guard::take(&places, tense, &[]).and_then(|guard| {
        let estate = Estate::survey(ground.stores(places), &[])?;
        let cleared = estate.clear(Extent::Everything, tense, output)?;
        drop(guard);
        Ok(cleared)
    });
    cleared.or_else(|Ending { message, .. }| {
        output.say(&format!("left alone: {shown}: {}\n", message.trim_start_matches("evertoken: ")))?;
        Ok(Cleared { code: NOT_FINE, anything: true })
    })
}

/// Nobody may begin to keep the file fresh meanwhile, nor come back from STS with a session after the look at what there is.
struct Guard(#[expect(dead_code, reason = "held, never asked")] Option<(InstanceLock, Vec<RefreshLock>)>);

impl Guard {
    /// A dry run creates nothing, nor does one with nothing to lock.
    fn take(places: &Places, tense: Tense, named: &[ProfileName]) -> Result<Self, Ending> {
        if tense == Tense::Planned || !places.state().exists() {
            return Ok(Self(None));
        }
        let instance = InstanceLock::acquire(places).map_err(|error| match error {
            LockError::Held { .. } => running(None),
            other => Ending::failed(other),
        })?;
        let refreshes = RefreshLock::acquire_all(places, named, LONGEST_CALL).map_err(|error| match error {
            LockError::Held { .. } => {
                let message = "a refresh is under way and would write everything again";
                Ending::new(NOT_FINE, format!("{message}: failed to {error}\nfix: wait for it, or stop it"))
            }
            other => Ending::failed(other),
        })?;
        Ok(Self(Some((instance, refreshes))))
    }
}

fn running(pid: Option<u32>) -> Ending {
    let or = pid.map(|pid| format!(", or: kill {pid}")).unwrap_or_default();
    let stop = command(Verb::Stop);
    Ending::new(
        NOT_FINE,
        format!("evertoken is running and would write everything again; stop it first\nfix: {stop}{or}"),
    )
}
