//! Whether evertoken keeps the profile fresh: its config, its daemon, what failed last, and whether that daemon sees the
//! same files and network as this shell.

use super::finding::{Cause, Finding, Mend};
use super::picture::{Answer, Difference, OwnConfig, Picture};
use super::selection::is_unwritten;
use super::session::{is_over, is_temporary};
use super::surroundings::PROXY;
use super::words::span;
use crate::engine::config::model::Entry;
use crate::engine::failure::Class;
use crate::engine::invocation::quoted;
use crate::engine::status::{Daemon, Profile, Trouble};
use crate::engine::time::WallTime;

pub(super) fn findings(picture: &Picture) -> Vec<Finding> {
    let keeping = &picture.keeping;
    let path = &keeping.config_path;
    match (&keeping.config, picture.entry()) {
        (OwnConfig::Missing, _) => {
            vec![if is_temporary(picture) || is_over(picture) {
                let what = format!("evertoken is not set up here (no {path}), so nothing renews this profile");
                Finding::warning(Cause::NotKept, what).fix("evertoken init")
            } else {
                Finding::ok(Cause::NotKept, format!("evertoken is not set up here (no {path})"))
            }]
        }
        (OwnConfig::Wrong(first), _) => {
            let why = "a daemon that runs goes on with the config that it had; it does not start with this one";
            let finding = weigh(picture, Cause::ConfigWrong, format!("evertoken's config is wrong: {first}"));
            vec![finding.why(why).fix("evertoken check")]
        }
        (OwnConfig::Unusable(why), _) => {
            let what = format!("evertoken's config {path} cannot be used: failed to {why}");
            vec![weigh(picture, Cause::ConfigWrong, what).fix("evertoken check")]
        }
        (OwnConfig::Read(_), None) => vec![not_kept(picture)],
        (OwnConfig::Read(_), Some(entry)) => kept(picture, entry),
    }
}

/// A fault where the session has ended, else what will matter once it does.
fn weigh(picture: &Picture, cause: Cause, what: impl Into<String>) -> Finding {
    if is_over(picture) { Finding::fault(cause, what) } else { Finding::warning(cause, what) }
}

/// A fault also where there was no session yet that could have ended.
fn weigh_missing(picture: &Picture, cause: Cause, what: impl Into<String>) -> Finding {
    if is_unwritten(picture) { Finding::fault(cause, what) } else { weigh(picture, cause, what) }
}

fn not_kept(picture: &Picture) -> Finding {
    let (name, path) = (picture.profile(), &picture.keeping.config_path);
    let left = picture.keys_in_credentials.ours;
    if !is_temporary(picture) && !is_over(picture) {
        return Finding::ok(Cause::NotKept, format!("{name} is not on evertoken's list, and need not be"));
    }
    let what = if left {
        format!("evertoken has written {name}, and has it on its list no more")
    } else {
        format!("evertoken does not keep {name} fresh: it is not on its list")
    };
    let role = role_of(&picture.answer).unwrap_or_else(|| "arn:aws:iam::ACCOUNT:role/NAME".to_owned());
    let finding = weigh(picture, Cause::NotKept, what).after("evertoken does not keep it: it is not on its list");
    finding.why("nothing renews it").fix(format!("add to {path}, with the profile that may assume the role:")).lines([
        "[[role]]".to_owned(),
        format!("profile = \"{name}\""),
        format!("role_arn = \"{role}\""),
        "source_profile = \"…\"".to_owned(),
    ])
}

/// The role behind `arn:aws:sts::111122223333:assumed-role/NAME/SESSION`. Its path is not told there.
fn role_of(answer: &Answer) -> Option<String> {
    let Answer::Accepted { arn, .. } = answer else { return None };
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    let &[_, partition, _, _, account, resource] = fields.as_slice() else { return None };
    let name = resource.strip_prefix("assumed-role/")?.split('/').next()?;
    Some(format!("arn:{partition}:iam::{account}:role/{name}"))
}

fn kept(picture: &Picture, entry: &Entry) -> Vec<Finding> {
    let keeping = &picture.keeping;
    let mut found = Vec::new();
    if let Some(file) = &keeping.other_file {
        let tools = &picture.credentials_file.path;
        let what = format!("evertoken keeps {file} fresh, and the tools here read {tools}");
        let why = "credentials_file of evertoken's config and AWS_SHARED_CREDENTIALS_FILE of this shell do not agree";
        let finding = Finding::fault(Cause::OtherFile, what).why(why);
        found.push(finding.fix(format!("export AWS_SHARED_CREDENTIALS_FILE={}", quoted(file))));
    }
    let Some(status) = &keeping.status else { return found };
    let standing = picture.standing(entry.profile.as_str());
    let trouble = standing.and_then(|standing| standing.error.as_ref());
    let daemon = &status.daemon;
    let (seen, met) = match trouble {
        Some(trouble) if trouble.attempts == 0 && is_unwritten(picture) => (Some(trouble), None),
        trouble => (None, trouble),
    };
    // What no refresh can get around is the cause, whether a daemon runs or not.
    found.extend(seen.filter(|_| !daemon.running).map(|seen| failing(picture, entry, seen)));
    found.push(if !daemon.running {
        not_running(picture, met)
    } else if !daemon.responding {
        let what = "evertoken is running, but did not wake up when it was due to";
        weigh(picture, Cause::DaemonNotResponding, what).fix(keeping.restart.clone())
    } else if let Some(other) = &keeping.other_config {
        goes_by_another(picture, other)
    } else {
        running(picture, entry, standing)
    });
    found.extend(environment(picture, trouble).filter(|_| daemon.running));
    found.extend(outdated(picture, daemon));
    found
}

fn not_running(picture: &Picture, trouble: Option<&Trouble>) -> Finding {
    let keeping = &picture.keeping;
    if let Some(other) = keeping.other_daemons.first() {
        let tools = &picture.credentials_file.path;
        let what = format!("evertoken runs for {other}, and not for {tools}, which the tools here read");
        let finding = weigh_missing(picture, Cause::OtherFile, what);
        if picture.credentials_file.named.is_none() {
            let why = "the daemon was started with an AWS_SHARED_CREDENTIALS_FILE that this shell does not have";
            return finding.why(why).fix(format!("export AWS_SHARED_CREDENTIALS_FILE={}", quoted(other)));
        }
        let why = "the daemon was started without the AWS_SHARED_CREDENTIALS_FILE of this shell";
        let finding = finding.why(why).fix("unset AWS_SHARED_CREDENTIALS_FILE");
        return finding.fix(format!("in {}: credentials_file = \"{tools}\"", keeping.config_path));
    }
    let finding = weigh(picture, Cause::DaemonNotRunning, "evertoken is not running, so nothing renews this profile");
    let finding = finding.after("evertoken is not running").fix(keeping.start.clone());
    match trouble {
        Some(trouble) if trouble.attempts == 0 => {
            // Both are needed: several fixes would be read as alternatives.
            let then = trouble.fix.as_ref().map(|fix| format!("; {fix}")).unwrap_or_default();
            finding.why(format!("even running, it could not keep this profile fresh: {}{then}", trouble.message))
        }
        Some(trouble) => finding.why(format!("before it ended, it could not refresh it: {}", trouble.message)),
        None => finding,
    }
}

fn running(picture: &Picture, entry: &Entry, standing: Option<&Profile>) -> Finding {
    let name = &entry.profile;
    let until = |text: &Option<String>| text.as_deref().and_then(|text| WallTime::parse(text).ok());
    if let Some(trouble) = standing.and_then(|standing| standing.error.as_ref()) {
        return failing(picture, entry, trouble);
    }
    let next = standing.and_then(|standing| until(&standing.next_refresh)).filter(|next| *next > picture.now);
    let next = next.map(|next| format!(", and renews it in {}", span(picture.now.until(next)))).unwrap_or_default();
    if is_over(picture) {
        let what = format!("evertoken is running, and the session of {name} has ended all the same");
        let finding = Finding::warning(Cause::Kept, what).fix(format!("evertoken refresh {name}"));
        return finding.mend(Mend::Refresh(name.to_string()));
    }
    Finding::ok(Cause::Kept, format!("evertoken is running{next}"))
}

/// Two configs for one credentials file: what is written by this one, the daemon writes anew by the other.
fn goes_by_another(picture: &Picture, other: &str) -> Finding {
    let (name, path) = (picture.profile(), &picture.keeping.config_path);
    let what = format!("the daemon that runs goes by another config than {path}: by {other}");
    let after = format!("the daemon that runs goes by another config: {other}");
    weigh_missing(picture, Cause::DaemonConfig, what)
        .after(after)
        .why(format!("it keeps {name} by that one, or not at all, and undoes what a refresh by this one writes"))
        .fix(format!("evertoken --config {} doctor {name}", quoted(other)))
        .fix("evertoken service install")
}

fn failing(picture: &Picture, entry: &Entry, trouble: &Trouble) -> Finding {
    let name = &entry.profile;
    if trouble.attempts == 0 {
        // Seen in the file just now, not told by the daemon.
        let what = format!("evertoken cannot keep {name} fresh: {}", trouble.message);
        let after = format!("evertoken cannot refresh it: {}", trouble.message);
        return weigh_missing(picture, Cause::DaemonFailing, what).after(after).fixes(trouble.fix.clone());
    }
    let since = WallTime::parse(&trouble.since).ok();
    let since = since.map(|since| format!(" for {}", span(picture.now.since(since)))).unwrap_or_default();
    let times = if trouble.attempts == 1 { String::new() } else { format!(" ({} attempts)", trouble.attempts) };
    let what = format!("evertoken has failed to refresh {name}{since}{times}: {}", trouble.message);
    let after = format!("evertoken cannot refresh it: {}", trouble.message);
    let finding = weigh_missing(picture, Cause::DaemonFailing, what).after(after);
    match &trouble.fix {
        Some(fix) => finding.fix(fix.clone()),
        None => {
            let why = "it tries again by itself, and this passes once what it needs is back";
            finding.why(why).fix(format!("evertoken refresh {name}")).mend(Mend::Refresh(name.to_string()))
        }
    }
}

/// Another environment than this shell's explains what fails there and works here.
fn environment<'a>(picture: &'a Picture, trouble: Option<&'a Trouble>) -> Option<Finding> {
    let differences = &picture.keeping.differences;
    if differences.is_empty() {
        return None;
    }
    let told: Vec<String> = differences.iter().map(tell).collect();
    let what = format!("the environment of the daemon differs from that of this shell: {}", told.join("; "));
    let about_it = [Class::Unreachable.as_str(), Class::Source.as_str()];
    let explains = trouble.is_some_and(|trouble| about_it.contains(&trouble.class.as_str()));
    let finding = if explains {
        weigh(picture, Cause::DaemonEnvironment, what)
    } else {
        Finding::warning(Cause::DaemonEnvironment, what)
    };
    let why = if explains { "this is why it fails" } else { "what works here may fail there" };
    let finding = finding.after(format!(
        "the daemon, whose environment differs from that of this shell, cannot refresh it: {}",
        told.join("; ")
    ));
    Some(
        finding.why(format!("{why}: a service has the variables of the shell that installed it")).fixes(cures(picture)),
    )
}

fn tell(difference: &Difference) -> String {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
    format!("{} is {} there and {} here", difference.name, value(&difference.daemon), value(&difference.here))
}

/// What to write into evertoken's config so that it does not depend on a shell; for the rest, the installation of the
/// service carries over what this shell has.
fn cures(picture: &Picture) -> Vec<String> {
    let path = &picture.keeping.config_path;
    let line = |difference: &Difference| {
        let here = difference.here.as_deref()?;
        match difference.name.as_str() {
            // No secret stands in the config: a proxy with a login goes into the service alone.
            PROXY if here.contains('@') => None,
            PROXY => Some(format!("in {path}: [network] proxy = \"{here}\"")),
            "AWS_CA_BUNDLE" => Some(format!("in {path}: [network] ca_bundle = \"{here}\"")),
            "AWS_CONFIG_FILE" => Some(format!("in {path}: aws_config_file = \"{here}\"")),
            "AWS_SHARED_CREDENTIALS_FILE" => Some(format!("in {path}: credentials_file = \"{here}\"")),
            _ => None,
        }
    };
    let lines: Option<Vec<String>> = picture.keeping.differences.iter().map(line).collect();
    let lines = lines.map(|lines| lines.join("; "));
    lines.into_iter().chain(["evertoken service install".to_owned()]).collect()
}

fn outdated(picture: &Picture, daemon: &Daemon) -> Option<Finding> {
    let numbers = |text: &str| text.split(['.', '-', '+']).map_while(|n| n.parse::<u64>().ok()).collect::<Vec<_>>();
    let keeping = &picture.keeping;
    let running = daemon.version.as_deref().filter(|_| daemon.running)?;
    (numbers(running) < numbers(&keeping.version)).then(|| {
        let what = format!("the daemon is still version {running}, this is {}", keeping.version);
        Finding::warning(Cause::DaemonOutdated, what).fix(keeping.restart.clone())
    })
}
