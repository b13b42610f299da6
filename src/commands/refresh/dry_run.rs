//! `refresh --dry-run`: the real keeper is asked, and answered with made-up sessions. Nobody is called and nothing is
//! written; what it would have asked and changed is shown.

use crate::commands::cli::RefreshArgs;
use crate::commands::ending::{Ending, FINE};
use crate::commands::output::Output;
use crate::commands::setup::Setup;
use crate::engine::config::model::{Operation, Source, StoreKind};
use crate::engine::credentials_file::{self, Edit};
use crate::engine::keeper::{Action, AssumeCall, Attendance, Event, Keeper, Mode, Reply};
use crate::engine::place::Place;
use crate::engine::schedule::ONE_HOUR;
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, SourceCredentials};
use crate::engine::time::WallTime;
use crate::shell::clock;
use crate::shell::files::{resolve, snapshot};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

/// Keys of a section whose values are never shown.
const SECRET: [&str; 5] =
    ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token", "x_evertoken"];

/// Shows what a refresh would do.
///
/// # Errors
/// 1 when a credentials file cannot be read or edited.
pub(super) fn run<W: Write>(setup: &Setup, args: &RefreshArgs, output: &mut Output<W>) -> Result<u8, Ending> {
    let now = clock::now();
    let stores = setup.stores();
    let mut keeper = Keeper::new(setup.config(), Mode::OnePass, Attendance::Alone);
    let names: Vec<_> = setup.config().entries.iter().map(|entry| entry.profile.clone()).collect();
    for store in [StoreKind::Shared, StoreKind::Private] {
        keeper.handle(Event::Observed(stores.observe(store, &names)), now);
    }
    let asked = Event::Asked { profiles: args.profiles.clone(), min_ttl: args.min_ttl, force: args.force };
    keeper.handle(asked, now);
    let mut lines = Vec::new();
    while let Some(action) = keeper.poll_action() {
        match action {
            Action::Resolve { source, .. } => {
                lines.push(format!("resolve {}", named(&source)));
                keeper.handle(Event::Resolved { source, credentials: made_up(now) }, now);
            }
            Action::Assume(call) => {
                lines.push(described(&call));
                let event = answer(&call, now);
                keeper.handle(event, now);
            }
            Action::Store { store, edits } => {
                let path = match store {
                    StoreKind::Shared => setup.places().credentials().to_owned(),
                    StoreKind::Private => setup.places().private_store(),
                };
                lines.extend(changes(&path, &edits)?);
            }
            Action::Tell(_) | Action::GiveUp { .. } | Action::Observe | Action::Report => {}
        }
    }
    if lines.is_empty() {
        lines.push("nothing to do: everything asked for is fresh".to_owned());
    }
    for line in lines {
        output.text(&format!("{line}\n"))?;
    }
    Ok(FINE)
}

fn named(source: &Source) -> String {
    match source {
        Source::Listed(profile) => format!("the session of {profile}"),
        Source::Profile(name) => format!("the credentials of profile {name}"),
        Source::WebIdentity(path) => format!("the token in {path}"),
        Source::Provider(provider) => format!("the credentials of {}", provider.as_str()),
    }
}

fn described(call: &AssumeCall) -> String {
    let entry = &call.entry;
    let what = match (&entry.operation, &entry.source) {
        (Operation::AssumeRole(role), Source::WebIdentity(_)) => {
            format!("AssumeRoleWithWebIdentity {}", role.role_arn)
        }
        (Operation::AssumeRole(role), _) => format!("AssumeRole {}", role.role_arn),
        (Operation::GetSessionToken | Operation::Publish, _) => "GetSessionToken".to_owned(),
    };
    let (signed, place) = (named(&entry.source), Place::of(entry));
    format!("call {what} for {} s as {}, with {signed}, at {place}", call.duration.as_secs(), entry.profile)
}

fn made_up(now: WallTime) -> SourceCredentials {
    let keys = Keys {
        access_key_id: "ASIADRYRUN".to_owned(),
        secret_access_key: Secret::new("dry-run"),
        session_token: Some(Secret::new("dry-run")),
    };
    SourceCredentials { keys, account_id: None, expiration: Some(now + ONE_HOUR), login_ends: None, skew: None }
}

fn answer(call: &AssumeCall, now: WallTime) -> Event {
    let session_name = "dry-run".to_owned();
    let reply = Reply {
        keys: Some(made_up(now).keys),
        expiration: Some(now + call.duration),
        assumed_role_arn: call.entry.role_arn().map(|role| {
            let (partition, account, name) = (role.partition(), role.account(), role.role_name());
            format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}")
        }),
        session_name,
        skew: None,
        request_id: None,
    };
    Event::Assumed { profile: call.entry.profile.clone(), attempt: call.attempt, reply, jitter: 0.0 }
}

/// The lines that would go and come, with every secret left out.
fn changes(path: &Path, edits: &[Edit]) -> Result<Vec<String>, Ending> {
    let before = resolve(path).and_then(|resolved| snapshot::read(&resolved)).map_err(Ending::failed)?;
    let applied = credentials_file::apply(&before.bytes, edits)
        .map_err(|malformed| Ending::failed(format!("edit {}: {malformed}", path.display())))?;
    let mut lines = vec![format!("change {}", path.display())];
    let (old, new) = (redacted(&before.bytes), redacted(&applied.bytes));
    lines.extend(difference(&old, &new));
    Ok(lines)
}

/// The lines of a file, those that are kept and those of secrets told apart from new ones by nothing but a mark.
fn redacted(bytes: &[u8]) -> Vec<(String, u64)> {
    let text = String::from_utf8_lossy(bytes);
    let line = |line: &str| {
        let key = line.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
        let shown = if SECRET.contains(&key.as_str()) { format!("{key} = …") } else { line.to_owned() };
        (shown, fingerprint(line))
    };
    text.lines().map(line).collect()
}

fn fingerprint(line: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

/// What is only in the old lines with `-`, what is only in the new ones with `+`, headers of sections for orientation.
fn difference(old: &[(String, u64)], new: &[(String, u64)]) -> Vec<String> {
    let kept = common(old, new);
    let mut lines = Vec::new();
    let (mut at_old, mut at_new) = (0, 0);
    for (in_old, in_new) in kept.into_iter().chain([(old.len(), new.len())]) {
        lines.extend(old[at_old..in_old].iter().map(|(line, _)| format!("- {line}")));
        lines.extend(new[at_new..in_new].iter().map(|(line, _)| format!("+ {line}")));
        if let Some((line, _)) = new.get(in_new).filter(|(line, _)| line.starts_with('[')) {
            lines.push(format!("  {line}"));
        }
        (at_old, at_new) = (in_old + 1, in_new + 1);
    }
    // A header under which nothing changes says nothing.
    let changed: BTreeSet<usize> = (0..lines.len()).filter(|at| !lines[*at].starts_with("  [")).collect();
    let useful = |at: usize| changed.contains(&at) || changed.contains(&(at + 1));
    (0..lines.len()).filter(|at| useful(*at)).map(|at| lines[at].clone()).collect()
}

/// The longest common subsequence, as pairs of positions.
fn common(old: &[(String, u64)], new: &[(String, u64)]) -> Vec<(usize, usize)> {
    let mut lengths = vec![vec![0u32; new.len() + 1]; old.len() + 1];
    for (i, (_, a)) in old.iter().enumerate().rev() {
        for (j, (_, b)) in new.iter().enumerate().rev() {
            lengths[i][j] = if a == b { lengths[i + 1][j + 1] + 1 } else { lengths[i + 1][j].max(lengths[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < old.len() && j < new.len() {
        if old[i].1 == new[j].1 {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[i + 1][j] >= lengths[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::{difference, redacted};

    #[test]
    fn shows_what_changes_and_no_secret() {
        let old = b"# mine\n[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\n[dev]\naws_secret_access_key = old\nregion = x\n";
        let new = b"# mine\n[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\n[dev]\naws_secret_access_key = new\nregion = x\nk = v\n";
        let lines = difference(&redacted(old), &redacted(new));
        assert_eq!(lines, ["  [dev]", "- aws_secret_access_key = …", "+ aws_secret_access_key = …", "+ k = v"]);
        assert!(difference(&redacted(old), &redacted(old)).is_empty());
    }
}
