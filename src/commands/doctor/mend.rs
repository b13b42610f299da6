//! What `doctor --fix` does: the mends that harm nobody, one after the other, each only after a yes. Never guesses one.

use crate::commands::cli::{DoctorArgs, RefreshArgs};
use crate::commands::ending::Ending;
use crate::commands::output::Output;
use crate::commands::refresh::ensure_fresh;
use crate::commands::setup::Setup;
use crate::engine::doctor::{Diagnosis, Mend};
use crate::engine::names::ProfileName;
use crate::shell::doctor::narrow;
use crate::shell::environment::Environment;
use crate::shell::terminal;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

/// Mends; whether anything was done, so that it is worth looking again.
pub(super) fn run<W: Write>(
    diagnosis: &Diagnosis,
    setup: Option<Setup>,
    args: &DoctorArgs,
    environment: &Arc<Environment>,
    output: &mut Output<W>,
) -> Result<bool, Ending> {
    // A file that is to be written must be readable first: the order of `Mend`.
    let mends: BTreeSet<&Mend> = diagnosis.findings.iter().filter_map(|finding| finding.mend.as_ref()).collect();
    if mends.is_empty() {
        output.text("there is nothing that can be mended without you\n")?;
        return Ok(false);
    }
    if !args.yes && !terminal::is_there() {
        let what: Vec<String> = mends.iter().map(|mend| told(mend)).collect();
        let what = what.join("; ");
        output.text(&format!("--fix asks first, and there is no terminal to ask on; with --yes it would: {what}\n"))?;
        return Ok(false);
    }
    let mut did_something = false;
    for mend in mends {
        let what = told(mend);
        if !args.yes {
            let agrees = terminal::agrees(&format!("{what}?"));
            if !agrees.map_err(|error| Ending::failed(format!("ask: {error}")))? {
                continue;
            }
        }
        let outcome = match mend {
            Mend::Narrow(path) => match environment.expand_home(path) {
                Some(path) => narrow(&path).map_err(|error| format!("failed to {error}")),
                None => Err("HOME is not set to an absolute path".to_owned()),
            },
            Mend::Refresh(profile) => refresh(profile, setup.clone(), environment)?,
        };
        did_something |= outcome.is_ok();
        output.say(&match outcome {
            Ok(()) => format!("{what}: done\n"),
            Err(why) => format!("{what}: {why}\n"),
        })?;
    }
    Ok(did_something)
}

fn told(mend: &Mend) -> String {
    match mend {
        Mend::Narrow(path) => format!("chmod 600 {path}"),
        Mend::Refresh(profile) => format!("refresh {profile}"),
    }
}

/// One pass for the profile. `Ok(Err)` is a line for the person.
fn refresh(profile: &str, setup: Option<Setup>, environment: &Arc<Environment>) -> Result<Result<(), String>, Ending> {
    let (Some(setup), Ok(name)) = (setup, ProfileName::parse(profile)) else {
        return Ok(Err("it is not on evertoken's list".to_owned()));
    };
    let args = RefreshArgs { profiles: vec![name], force: true, ..RefreshArgs::default() };
    let passed = ensure_fresh(setup, &args, environment)?;
    let found = passed.profiles.into_iter().find(|found| found.profile == profile);
    Ok(match found.and_then(|found| found.error) {
        None => Ok(()),
        Some(trouble) => Err(trouble.message),
    })
}
