//! The first step: which profile is selected, what a shell exports before it, and which credentials the tools then pick.
//! Never looks at what those credentials are worth; `session` does.

use super::finding::{Cause, Finding, Mend};
use super::named::leads_nowhere;
use super::pick::{Origin, Tool, config_header, describe, in_config, in_credentials, origin};
use super::picture::{By, FileFacts, FileState, Instance, OwnConfig, Picture};
use super::words::list;
use super::{exported, hidden};
use crate::engine::aws_config::{AwsConfig, ProblemKind};
use crate::engine::config::model::StoreKind;
use crate::engine::config::spelling::nearest;
use crate::engine::invocation::quoted;

pub(super) fn findings(picture: &Picture) -> Vec<Finding> {
    let mut found = vec![profile(picture)];
    found.extend(other_profile(picture));
    found.extend(exported::finding(picture));
    found.extend(picked(picture));
    found
}

/// Whether the tools find the profile at all.
pub(super) fn exists(picture: &Picture) -> bool {
    picture.aws.profiles.contains_key(picture.profile())
}

/// Whether evertoken is to write keys for the profile, and none stand where the tools look.
pub(super) fn is_unwritten(picture: &Picture) -> bool {
    let is_shared = picture.entry().is_some_and(|entry| entry.store == StoreKind::Shared);
    is_shared && (!exists(picture) || origin(picture) == Origin::Nothing)
}

/// The profile that is examined.
fn profile(picture: &Picture) -> Finding {
    let name = picture.profile();
    let by = match picture.selected.by {
        By::Argument => "as asked".to_owned(),
        By::Variable(variable) => format!("because {variable} names it"),
        By::Nobody => "because nothing names another".to_owned(),
    };
    if let Some(finding) = header_with_blanks(picture) {
        return finding;
    }
    if exists(picture) {
        return Finding::ok(Cause::Profile, format!("the profile is {name}, {by}"));
    }
    if let Some(finding) = wrong_header(picture) {
        return finding;
    }
    if let Some(entry) = picture.entry() {
        return not_written(picture, entry.store);
    }
    match picture.selected.by {
        By::Nobody => no_default(picture),
        By::Variable(variable) => missing(picture, name, variable),
        By::Argument => Finding::fault(Cause::MissingProfile, format!("no file has the profile {name}")),
    }
}

/// Whether the profile that was asked for stands nowhere, in no form, and every place could be looked at.
pub fn is_unknown(picture: &Picture) -> bool {
    let can_be_told =
        |file: &FileFacts| matches!(file.state, FileState::Missing | FileState::Read) && !leads_nowhere(file);
    let is_whole = |content: &AwsConfig| content.problems.iter().all(|problem| problem.kind != ProblemKind::Line);
    picture.selected.by == By::Argument
        && !exists(picture)
        && picture.entry().is_none()
        && wrong_header(picture).is_none()
        && matches!(picture.keeping.config, OwnConfig::Missing | OwnConfig::Read(_))
        && can_be_told(&picture.config_file)
        && can_be_told(&picture.credentials_file)
        && is_whole(&picture.config)
        && is_whole(&picture.credentials)
}

fn missing(picture: &Picture, name: &str, variable: &str) -> Finding {
    let finding =
        Finding::fault(Cause::MissingProfile, format!("{variable} names the profile {name}, which does not exist"));
    let known = picture.aws.profiles.keys().map(String::as_str);
    let (config, credentials) = (&picture.config_file.path, &picture.credentials_file.path);
    let why =
        format!("it is neither in {config} nor in {credentials}, so every AWS program that is started here fails");
    match nearest(name, known) {
        Some(meant) => finding.why(why).fix(format!("export {variable}={}", quoted(meant))),
        None => finding.why(why).fix(format!("unset {variable}")),
    }
}

/// The header is there, but written as it belongs into the other file.
fn wrong_header(picture: &Picture) -> Option<Finding> {
    let name = picture.profile();
    let prefixed = format!("[profile {name}]");
    let in_credentials = picture.credentials.problems.iter().find(|problem| problem.text.contains(&prefixed));
    if let Some(problem) = in_credentials {
        let file = &picture.credentials_file.path;
        let what = format!("{file}, line {}: no tool finds the section {prefixed}", problem.line);
        let why =
            "in the credentials file a header is the name of the profile alone; only the AWS config has the prefix";
        let fix = format!("in {file}, line {}: write [{name}] instead of {prefixed}", problem.line);
        return Some(Finding::fault(Cause::ProfileHeader, what).why(why).fix(fix));
    }
    if picture.config.unprefixed.contains(name) {
        let file = &picture.config_file.path;
        let what = format!("no tool finds the section [{name}] in {file}");
        let why = "in the AWS config every header but [default] needs the prefix";
        let fix = format!("in {file}: write {prefixed} instead of [{name}]");
        return Some(Finding::fault(Cause::ProfileHeader, what).why(why).fix(fix));
    }
    None
}

/// The section is there, under a name with blanks at its ends.
fn header_with_blanks(picture: &Picture) -> Option<Finding> {
    let name = picture.profile();
    let files = [
        (&picture.credentials, &picture.credentials_file.path, format!("[{name}]")),
        (&picture.config, &picture.config_file.path, config_header(name)),
    ];
    files.into_iter().find_map(|(content, file, header)| {
        let is_it = |text: &str| text.ends_with(&format!(" find no section {header}"));
        let problem = content.problems.iter().find(|problem| is_it(&problem.text))?;
        let what = format!("{file}, line {}: {}", problem.line, problem.text);
        let fix = format!("in {file}, line {}: write {header}", problem.line);
        Some(Finding::fault(Cause::ProfileHeader, what).why("they take the blanks for a part of the name").fix(fix))
    })
}

/// On evertoken's list, and in no file that tools read.
fn not_written(picture: &Picture, store: StoreKind) -> Finding {
    let name = picture.profile();
    match store {
        StoreKind::Private => {
            let what = format!("no tool can see the profile {name}: evertoken keeps it in its private store");
            let fix = format!("write these lines into {}", picture.config_file.path);
            Finding::fault(Cause::MissingProfile, what)
                .why("programs get it through credential_process, and no section of the AWS config tells them to")
                .fix(fix)
                .lines(process_lines(picture, name))
        }
        StoreKind::Shared => {
            unwritten(picture, format!("the profile {name} is in no file yet"), "it is in no file yet")
        }
    }
}

/// What the first refresh will mend, once nothing behind the profile keeps it from succeeding.
fn unwritten(picture: &Picture, what: String, short: &str) -> Finding {
    let name = picture.profile();
    if let Some(other) = picture.kept_elsewhere() {
        // `keeping` says why, and what mends it.
        let what = format!("{} has no keys of the profile {name}", picture.credentials_file.path);
        return Finding::fault(Cause::NotWritten, what).why(format!("evertoken keeps them in {other}"));
    }
    let why = "it is on evertoken's list, and evertoken has not written it yet";
    let finding = Finding::fault(Cause::NotWritten, what).short(short).why(why);
    finding.fix(format!("evertoken refresh {name}")).mend(Mend::Refresh(name.to_owned()))
}

fn no_default(picture: &Picture) -> Finding {
    if picture.exported.keys.any() || Tool::Python.pick(picture) != Origin::Nothing {
        return Finding::ok(Cause::Profile, "no profile is selected, and none is needed");
    }
    if matches!(picture.platform.instance, Instance::NoToken | Instance::NoRole) {
        return Finding::ok(Cause::Profile, "no profile is selected: tools look for the role of this instance");
    }
    let finding = Finding::fault(Cause::NoCredentials, "no profile is selected, and there is no default profile");
    let known: Vec<&str> = picture.aws.profiles.keys().map(String::as_str).collect();
    match known.first() {
        None => {
            finding.why("there are no credentials at all on this machine").fix("aws configure").fix("aws configure sso")
        }
        Some(first) => finding
            .why(format!("there are the profiles {}", list(&known)))
            .fix(format!("export AWS_PROFILE={}", quoted(first))),
    }
}

/// The lines of the AWS config by which programs that are started with `AWS_PROFILE` set to `name` ask evertoken for the
/// profile.
pub(super) fn process_lines(picture: &Picture, name: &str) -> Vec<String> {
    let profile = picture.profile();
    let region = picture.entry().and_then(|entry| entry.region.clone());
    let known = || picture.aws.profiles.get(profile).and_then(|section| section.get("region").cloned());
    let program = &picture.keeping.program;
    let mut lines = vec![config_header(name), format!("credential_process = {program} credential-process {profile}")];
    lines.extend(region.or_else(known).map(|region| format!("region = {region}")));
    lines
}

/// Variables that select another profile than the one that is examined.
fn other_profile(picture: &Picture) -> Vec<Finding> {
    let name = picture.profile();
    let mut found = Vec::new();
    let (plain, default) = (&picture.exported.profile, &picture.exported.default_profile);
    if picture.selected.by == By::Argument
        && let Some(other) = plain.as_deref().filter(|other| *other != name)
    {
        let known = picture.aws.profiles.contains_key(other) || picture.aws.profiles.is_empty();
        found.push(if known {
            let what = format!("AWS_PROFILE names another profile: {other}");
            let why = format!("programs that are started here without --profile use {other}, not {name}");
            Finding::warning(Cause::OtherProfile, what).why(why).fix(format!("export AWS_PROFILE={}", quoted(name)))
        } else {
            let finding = missing(picture, other, "AWS_PROFILE");
            Finding { fix: vec![format!("export AWS_PROFILE={}", quoted(name))], ..finding }
        });
    }
    if let Some(other) = default.as_deref().filter(|other| *other != name || plain.is_none()) {
        let rest = plain.as_deref().unwrap_or("default");
        if other != rest {
            let what = format!("AWS_DEFAULT_PROFILE names the profile {other}");
            let why = format!("the AWS CLI and boto3 follow it before AWS_PROFILE, the other SDKs use {rest}");
            let finding = Finding::warning(Cause::OtherProfile, what).why(why);
            found.push(finding.fix(format!("unset AWS_DEFAULT_PROFILE; export AWS_PROFILE={}", quoted(name))));
        }
    }
    found
}

/// Which credentials the tools pick for the profile.
fn picked(picture: &Picture) -> Option<Finding> {
    let can_be_read = |file: &FileFacts| matches!(file.state, FileState::Missing | FileState::Empty | FileState::Read);
    let files = [&picture.config_file, &picture.credentials_file];
    if header_with_blanks(picture).is_some() {
        return None;
    }
    if Tool::Python.pick(picture) == Origin::Nothing && !(exists(picture) && files.into_iter().all(can_be_read)) {
        return None;
    }
    let picks: Vec<(Tool, Origin)> = Tool::ALL.into_iter().map(|tool| (tool, tool.pick(picture))).collect();
    let first = picks.first()?.1;
    if let Some(finding) = hidden::finding(picture, &picks) {
        return Some(finding);
    }
    if picks.iter().all(|(_, origin)| *origin == first) {
        let what = match first {
            Origin::Nothing => return Some(nothing(picture)),
            _ if is_passed_over(picture) => {
                format!("without the exported keys, the tools here would pick {}", describe(first, picture))
            }
            _ => format!("the tools here pick {}", describe(first, picture)),
        };
        return Some(Finding::ok(Cause::Picked, what));
    }
    let mut parts: Vec<String> = Vec::new();
    let mut told: Vec<Origin> = Vec::new();
    for (_, origin) in &picks {
        if told.contains(origin) {
            continue;
        }
        told.push(*origin);
        let tools: Vec<&str> = picks.iter().filter(|(_, other)| other == origin).map(|(tool, _)| tool.name()).collect();
        let verb = if tools.len() == 1 && !tools.iter().any(|name| name.contains(" and ")) { "picks" } else { "pick" };
        parts.push(format!("{} {verb} {}", list(&tools), describe(*origin, picture)));
    }
    let why = "one name that stands for two things ends in ExpiredToken for one program and not for the other";
    let finding = Finding::warning(Cause::Disagreement, parts.join("; ")).why(why);
    Some(finding.fix(format!("keep one of them: {}", keep_one(picture))))
}

/// Whether the AWS CLI takes exported keys instead.
fn is_passed_over(picture: &Picture) -> bool {
    picture.exported.keys.whole() && Tool::Python.takes_exported_keys(picture.selected.by)
}

fn keep_one(picture: &Picture) -> String {
    format!("take the keys out of {}, or the rest out of {}", in_credentials(picture), in_config(picture))
}

fn nothing(picture: &Picture) -> Finding {
    let name = picture.profile();
    let what = format!("the profile {name} holds nothing that gives credentials");
    if picture.entry().is_some() {
        return unwritten(picture, what, "it has no credentials yet");
    }
    let (finding, name) = (Finding::fault(Cause::NoCredentials, what), quoted(name));
    finding.fix(format!("aws configure --profile {name}")).fix(format!("aws configure sso --profile {name}"))
}
