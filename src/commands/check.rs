//! `evertoken check`: every mistake in the config and in what surrounds it, offline. Changes nothing.

mod programs;

use crate::commands::ending::{CONFIG, Ending, FINE};
use crate::commands::output::Output;
use crate::commands::setup::Setup;
use crate::engine::aws_config::{AwsConfig, AwsFile};
use crate::engine::config::Severity;
use crate::engine::config::asking::unheard;
use crate::engine::config::model::{Entry, Operation, StoreKind};
use crate::engine::credentials_file::Observation;
use crate::engine::names::ProfileName;
use crate::shell::config_file::render;
use crate::shell::environment::Environment;
use crate::shell::files::{folder, snapshot};
use crate::shell::http::{Http, HttpSettings};
use crate::shell::locks::InstanceLock;
use std::io::Write;
use std::os::unix::fs::MetadataExt;

/// Prints what is odd about a config that can be read, and a line that says what will happen. 78 when something of it can
/// never work beside the AWS config.
///
/// # Errors
/// When the answer cannot be written.
pub fn run<W: Write>(setup: &Setup, environment: &Environment, output: &mut Output<W>) -> Result<u8, Ending> {
    let aws = setup.aws();
    let findings = setup.loaded.findings(&aws);
    let wrong = findings.iter().filter(|finding| finding.severity == Severity::Mistake).count();
    let mut blocks = render(&findings, &setup.loaded.path, &setup.loaded.text);
    let bundle = Http::new(&HttpSettings::of(&setup.config().network, environment)).err();
    let hurdles: Vec<String> = bundle
        .map(|error| format!("evertoken cannot start: failed to {error}"))
        .into_iter()
        .chain(setup.loaded.distrusted())
        .collect();
    let mistakes = wrong + hurdles.len();
    blocks.extend(hurdles);
    blocks.extend(
        surroundings(setup, &aws)
            .iter()
            .chain(&programs::missing(setup, &aws, environment))
            .map(|warning| format!("warning: {warning}")),
    );
    for block in &blocks {
        output.text(&format!("{block}\n\n"))?;
    }
    output.text(&summary(setup, mistakes, blocks.len() - mistakes))?;
    if let Some(looked) = programs::looked_for(setup, &aws, environment) {
        output.text(&format!("{looked}\n"))?;
    }
    // A lock file that cannot be opened is not one that somebody of ours holds.
    if mistakes == 0 && InstanceLock::holder(setup.places()).ok().flatten().is_none() {
        output.text(
            "evertoken is not running: `evertoken refresh` tries the config once, `evertoken service install` keeps it up\n",
        )?;
    }
    Ok(if mistakes == 0 { FINE } else { CONFIG })
}

fn summary(setup: &Setup, mistakes: usize, warnings: usize) -> String {
    let entries = &setup.config().entries;
    let number_of = |wanted: fn(&Operation) -> bool| entries.iter().filter(|entry| wanted(&entry.operation)).count();
    let kinds = [
        (number_of(|operation| matches!(operation, Operation::AssumeRole(_))), "role", "roles"),
        (number_of(|operation| matches!(operation, Operation::Publish)), "published source", "published sources"),
        (number_of(|operation| matches!(operation, Operation::GetSessionToken)), "MFA session", "MFA sessions"),
    ];
    let kinds: Vec<String> =
        kinds.iter().filter(|(count, ..)| *count > 0).map(|(count, one, many)| counted(*count, one, many)).collect();
    let files = [
        (StoreKind::Shared, setup.places().credentials().to_owned()),
        (StoreKind::Private, setup.places().private_store()),
    ];
    let files: Vec<String> = files
        .iter()
        .filter(|(store, _)| entries.iter().any(|entry| entry.store == *store))
        .map(|(_, path)| path.display().to_string())
        .collect();
    let found = [(mistakes, "mistake", "mistakes"), (warnings, "warning", "warnings")];
    let found: Vec<String> =
        found.iter().filter(|(count, ..)| *count > 0).map(|(count, one, many)| counted(*count, one, many)).collect();
    let path = setup.loaded.path.display();
    if mistakes > 0 {
        let it = if mistakes == 1 { "it is" } else { "they are" };
        return format!("{path}: {}; evertoken cannot do its work before {it} corrected\n", found.join(" and "));
    }
    let verdict = if found.is_empty() { "fine".to_owned() } else { found.join(" and ") };
    format!("{path}: {verdict}; it keeps {} fresh in {}\n", enumerated(&kinds), files.join(" and "))
}

/// `a`, `a and b`, `a, b and c`.
fn enumerated(kinds: &[String]) -> String {
    match kinds {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => kinds.concat(),
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// What the files beside the config hold that will get in the way.
fn surroundings(setup: &Setup, aws: &AwsConfig) -> Vec<String> {
    let credentials = setup.places().credentials();
    let mut warnings: Vec<String> = aws
        .problems
        .iter()
        .map(|problem| {
            let path = match problem.file {
                AwsFile::Config => setup.places().aws_config(),
                AwsFile::Credentials => credentials,
            };
            format!("{}:{}: {}", path.display(), problem.line, problem.text)
        })
        .collect();
    // Those that concern an entry were told at its place.
    let listed = |name: &str| setup.config().entry(name).is_some();
    let nowhere = unheard(setup.config(), aws).into_iter().filter(|it| !listed(&it.profile) && !listed(&it.asked));
    warnings.extend(nowhere.map(|it| format!("{}\nhint: {}", it.message, it.mend)));
    let resolved = setup.places().resolved_credentials();
    if let Some(parent) = resolved.parent().filter(|parent| parent.exists())
        && let Err(error) = folder::check(parent)
    {
        warnings.push(format!("evertoken will not write: failed to {error}"));
    }
    let mode = snapshot::read(resolved).ok().and_then(|file| Some(file.present?.metadata.mode() & 0o777));
    if let Some(mode) = mode.filter(|mode| mode & !setup.config().file_mode != 0) {
        let narrowed = mode & setup.config().file_mode;
        warnings.push(format!(
            "{} has mode {mode:04o} and will get {narrowed:04o} with the first refresh; file_mode in the config allows \
             a wider one",
            resolved.display()
        ));
    }
    let stores = setup.stores();
    for store in [StoreKind::Shared, StoreKind::Private] {
        let entries: Vec<&Entry> =
            setup.config().entries.iter().map(AsRef::as_ref).filter(|e| e.store == store).collect();
        let profiles: Vec<ProfileName> = entries.iter().map(|entry| entry.profile.clone()).collect();
        if profiles.is_empty() {
            continue;
        }
        match stores.observe(store, &profiles).sections {
            Err(message) => warnings.push(format!("nothing can be written: failed to {message}")),
            Ok(sections) => {
                let of =
                    |entry: &Entry| sections.iter().find(|(name, _)| *name == entry.profile).map(|(_, found)| found);
                warnings.extend(entries.into_iter().filter_map(|entry| obstacle(entry, of(entry)?)));
            }
        }
    }
    warnings
}

/// Why the section of an entry will not be written, and what to do about it.
fn obstacle(entry: &Entry, found: &Observation) -> Option<String> {
    let profile = &entry.profile;
    let (reason, way_out) = match found {
        Observation::Foreign(_) if entry.adopt => return None,
        Observation::Foreign(reason) => (reason, "set adopt = true for it, or give it another profile name"),
        Observation::Untouchable(reason) => (reason, "give it another profile name"),
        Observation::NewerFormat => {
            return Some(format!(
                "the section of profile {profile} was written by a newer evertoken and will be left alone; install that \
                 one again"
            ));
        }
        Observation::Absent | Observation::Ours(_) | Observation::Damaged | Observation::Fillable => return None,
    };
    let line = reason.line.map(|line| format!(" in line {line}")).unwrap_or_default();
    Some(format!("the section of profile {profile}{line} will be left alone: {reason}; {way_out}"))
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn counts_read_as_english() {
        assert_eq!(counted(1, "role", "roles"), "1 role");
        assert_eq!(counted(0, "role", "roles"), "0 roles");
    }
}
