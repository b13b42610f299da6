//! `evertoken check`: every mistake in the config and in what surrounds it, offline. Changes nothing.

mod programs;

use crate::commands::ending::{CONFIG, Ending, FINE};
use crate::commands::output::Output;
use crate::commands::setup::Setup;
use crate::engine::aws_config::{AwsConfig, AwsFile, Problem};
use crate::engine::config::Severity;
use crate::engine::config::asking::unheard;
use crate::engine::config::model::{Entry, Operation, StoreKind};
use crate::engine::config::{LeftAlone, left_alone};
use crate::engine::names::ProfileName;
use crate::engine::obstacle::Obstacle;
use crate::shell::config_file::render;
use crate::shell::environment::Environment;
use crate::shell::files::{folder, snapshot};
use crate::shell::http::{Http, HttpSettings};
use crate::shell::locks::InstanceLock;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Prints what is odd about a config that can be read, and a line that says what will happen. 78 when something of it keeps
/// `run` from its work: sources that go in a circle through the AWS config, network settings that cannot be used, programs
/// that others could replace. Whatever leaves other profiles as they are is a warning.
///
/// # Errors
/// When the answer cannot be written.
pub fn run<W: Write>(setup: &Setup, environment: &Environment, output: &mut Output<W>) -> Result<u8, Ending> {
    let aws = setup.aws();
    let (sections, unread) = unwritten(setup);
    let mut findings = setup.loaded.findings(&aws);
    findings.extend(left_alone(&setup.loaded.text, &sections));
    findings.sort_by_key(|finding| finding.span.start);
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
        surroundings(setup, &aws, &sections)
            .iter()
            .chain(&unread)
            .chain(&programs::missing(setup, &aws, environment))
            .map(|warning| format!("warning: {warning}")),
    );
    for block in &blocks {
        output.say(&format!("{block}\n\n"))?;
    }
    output.say(&summary(setup, mistakes, blocks.len() - mistakes))?;
    if let Some(looked) = programs::looked_for(setup, &aws, environment) {
        output.say(&format!("{looked}\n"))?;
    }
    // A lock file that cannot be opened is not one that somebody of ours holds.
    if mistakes == 0 && InstanceLock::holder(setup.places()).ok().flatten().is_none() {
        output.say(
            "evertoken is not running: `evertoken refresh` tries the config once, `evertoken service install` keeps it running\n",
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
    let files: Vec<String> = files(setup)
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
        return format!("{path}: {}; evertoken cannot work until {it} corrected\n", found.join(" and "));
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
fn surroundings(setup: &Setup, aws: &AwsConfig, left_alone: &[LeftAlone]) -> Vec<String> {
    let credentials = setup.places().credentials();
    let shown = credentials.display().to_string();
    // A second section of a listed profile was told at its place.
    let is_told = |problem: &Problem| {
        let line = Some(problem.line);
        problem.file == AwsFile::Credentials
            && left_alone.iter().any(|section| section.file == shown && section.obstacle.line == line)
    };
    let mut warnings: Vec<String> = aws
        .problems
        .iter()
        .filter(|problem| !is_told(problem))
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
    warnings.extend(nowhere.map(|it| format!("{}\nhint: {}", it.message, setup.loaded.with_places(it.mend))));
    let resolved = setup.places().resolved_credentials();
    if let Some(parent) = resolved.parent().filter(|parent| parent.exists())
        && let Err(error) = folder::check(parent)
    {
        warnings.push(format!("evertoken will not write: failed to {error}"));
    }
    if let Err(error) = setup.places().could_have_state() {
        warnings.push(format!(
            "evertoken cannot do its work as things are: failed to {error}\nhint: its state folder is {}; make that, or what is \
             above it, a folder of yours that you can write to, or name another place in XDG_STATE_HOME",
            setup.places().state().display()
        ));
    }
    let found = snapshot::read(resolved).ok().and_then(|file| Some(file.present?.metadata));
    if found.as_ref().is_some_and(|metadata| metadata.nlink() > 1) {
        warnings.push(format!(
            "{} has another name (a hard link), which will follow no change after the first refresh\nhint: make that name a \
             symbolic link",
            resolved.display()
        ));
    }
    let mode = found.map(|metadata| metadata.mode() & 0o777);
    if let Some(mode) = mode.filter(|mode| mode & !setup.config().file_mode != 0) {
        let narrowed = mode & setup.config().file_mode;
        warnings.push(format!(
            "{} has mode {mode:04o} and will get {narrowed:04o} with the first refresh; file_mode in the config allows \
             a wider one",
            resolved.display()
        ));
    }
    warnings
}

/// What will not be written: sections that are left alone, and why whole files cannot be read.
fn unwritten(setup: &Setup) -> (Vec<LeftAlone>, Vec<String>) {
    let (mut sections, mut unread) = (Vec::new(), Vec::new());
    let stores = setup.stores();
    for (store, file) in files(setup) {
        let entries: Vec<&Arc<Entry>> = setup.config().entries.iter().filter(|entry| entry.store == store).collect();
        let profiles: Vec<ProfileName> = entries.iter().map(|entry| entry.profile.clone()).collect();
        if profiles.is_empty() {
            continue;
        }
        let found = match stores.observe(store, &profiles).sections {
            Ok(found) => found,
            Err(message) => {
                unread.push(format!("nothing can be written: failed to {message}"));
                continue;
            }
        };
        sections.extend(entries.into_iter().filter_map(|entry| {
            let (profile, found) = found.iter().find(|(name, _)| *name == entry.profile)?;
            let obstacle = Obstacle::before(entry, found)?;
            Some(LeftAlone { profile: profile.clone(), file: file.display().to_string(), obstacle })
        }));
    }
    (sections, unread)
}

/// The files that sessions go to.
fn files(setup: &Setup) -> [(StoreKind, PathBuf); 2] {
    [(StoreKind::Shared, setup.places().credentials().to_owned()), (StoreKind::Private, setup.places().private_store())]
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
