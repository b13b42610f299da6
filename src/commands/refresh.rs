//! `evertoken refresh`: one pass, without or beside a running daemon.

mod dry_run;

use crate::commands::cli::RefreshArgs;
use crate::commands::ending::{Ending, FINE, NOT_FINE};
use crate::commands::humane;
use crate::commands::output::Output;
use crate::commands::run::{on_runtime, unloaded, unopened};
use crate::commands::setup::Setup;
use crate::daemon::pass::{Asked, Passed, pass};
use crate::daemon::station::Station;
use crate::engine::config::model::{Entry, Operation};
use crate::engine::keeper::{Attendance, NoticeKind};
use crate::engine::names::ProfileName;
use crate::engine::status::Profile;
use crate::shell::environment::Environment;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// Refreshes what has less life than its `min_ttl`.
///
/// # Errors
/// 1 when not everything is fresh afterwards, 2 for a profile that is not in the config, 78 when the config cannot work
/// beside the AWS config, or others could change which programs it names.
pub fn run<W: Write>(
    setup: Setup,
    args: &RefreshArgs,
    environment: &Arc<Environment>,
    output: &mut Output<W>,
) -> Result<u8, Ending> {
    for profile in &args.profiles {
        setup.entry(profile)?;
    }
    if args.dry_run {
        setup.loaded.can_work_beside(&setup.aws()).map_err(unloaded)?;
        return dry_run::run(&setup, args, output);
    }
    let wished: Vec<Arc<Entry>> = asked_entries(&setup, &args.profiles);
    let passed = ensure_fresh(setup, args, environment)?;
    let mut fine = true;
    for entry in wished {
        let Some(profile) = passed.profiles.iter().find(|profile| profile.profile == entry.profile.as_str()) else {
            continue;
        };
        let renewed = passed
            .notices
            .iter()
            .any(|notice| notice.kind == NoticeKind::Refreshed && notice.profiles.contains(&entry.profile));
        let (good, line) = line(&entry, profile, args.min_ttl, renewed);
        fine &= good;
        output.text(&format!("{line}\n"))?;
    }
    Ok(if fine { FINE } else { NOT_FINE })
}

/// One pass for whoever needs sessions with so much life.
///
/// # Errors
/// 1 when the network settings cannot be used, 78 when the config cannot work beside the AWS config, or others could change
/// which programs it names.
pub fn ensure_fresh(setup: Setup, args: &RefreshArgs, environment: &Arc<Environment>) -> Result<Passed, Ending> {
    setup.may_act()?;
    let asked = Asked {
        profiles: args.profiles.clone(),
        min_ttl: args.min_ttl,
        force: args.force,
        attendance: Attendance::Alone,
    };
    on_runtime(async {
        let mut station = Station::open(Arc::clone(environment), setup.loaded).map_err(unopened)?;
        pass(&mut station, asked).await.map_err(|error| Ending::failed(format!("wait for events: {error}")))
    })
}

fn asked_entries(setup: &Setup, profiles: &[ProfileName]) -> Vec<Arc<Entry>> {
    let entries = setup.config().entries.iter();
    entries.filter(|entry| profiles.is_empty() || profiles.contains(&entry.profile)).cloned().collect()
}

/// What became of one profile, and whether that is what was asked for.
fn line(entry: &Entry, profile: &Profile, min_ttl: Option<Duration>, renewed: bool) -> (bool, String) {
    let name = &entry.profile;
    let left = profile.expires_in_seconds.unwrap_or(0);
    let alive = left > 0;
    let expires = profile.expires.as_deref().unwrap_or_default();
    let life = humane::life(u64::try_from(left).unwrap_or(0));
    if let Some(trouble) = &profile.error {
        let kept = if alive { format!(" (the old session holds for another {life})") } else { String::new() };
        let fix = trouble.fix.as_ref().map(|fix| format!("\n  fix: {fix}")).unwrap_or_default();
        return (false, format!("{name}: {}{kept}{fix}", trouble.message));
    }
    if !alive {
        return (false, format!("{name}: no session"));
    }
    if let Some(wanted) = min_ttl.filter(|wanted| wanted.as_secs() > u64::try_from(left).unwrap_or(0)) {
        let wanted = humane::life(wanted.as_secs());
        let hint = match &entry.operation {
            Operation::Publish => "its source gives no more".to_owned(),
            Operation::AssumeRole(_) | Operation::GetSessionToken => {
                format!("duration is {} in the config", humane::life(entry.duration.as_secs()))
            }
        };
        return (
            false,
            format!("{name}: fresh until {expires}, but {life} are less than the {wanted} asked for: {hint}"),
        );
    }
    let verb = if renewed { "refreshed" } else { "fresh" };
    (true, format!("{name}: {verb}, valid until {expires} ({life})"))
}
