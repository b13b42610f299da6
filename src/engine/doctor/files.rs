//! The second step: the two files themselves, whether they can be read, and what in them breaks them for some tool.

use super::finding::{Cause, Finding, Mend};
use super::picture::{Copier, FileFacts, FileState, Picture};
use super::selection::exists;
use crate::engine::aws_config::{AwsConfig, AwsFile, ProblemKind};
use crate::engine::config::model::StoreKind;
use crate::engine::invocation::quoted;

/// How many mistakes of one file are told.
const MOST: usize = 5;

pub(super) fn findings(picture: &Picture) -> Vec<Finding> {
    let mut found = of_file(AwsFile::Config, &picture.config_file, &picture.config, picture);
    found.extend(of_file(AwsFile::Credentials, &picture.credentials_file, &picture.credentials, picture));
    found
}

/// Where keys usually stand: what others could do to the file matters there.
fn holds_secrets(which: AwsFile) -> bool {
    which == AwsFile::Credentials
}

fn of_file(which: AwsFile, file: &FileFacts, content: &AwsConfig, picture: &Picture) -> Vec<Finding> {
    let path = &file.path;
    let mut found = Vec::new();
    match &file.state {
        FileState::Missing => return found,
        FileState::Homeless => return homeless(which, path, picture).into_iter().collect(),
        FileState::Dangling => {
            let to = file.link_to.as_deref().unwrap_or("nowhere");
            let what = format!("{path} is a link to {to}, which does not exist");
            let why = "tools read nothing there: is a disk not mounted, or a folder not synced yet?";
            return vec![Finding::fault(Cause::DanglingLink, what).why(why).fix(format!("ls -l {}", quoted(path)))];
        }
        FileState::Unreadable(reason) => {
            let keeps_out = file.mode.is_some_and(|mode| mode & 0o400 == 0) && file.foreign_owner.is_none();
            if keeps_out {
                return mode(which, file);
            }
            let what = format!("{path} cannot be read: {reason}");
            let finding = Finding::fault(Cause::FileUnreadable, what).why("no tool finds a profile in it");
            return vec![finding.fix(format!("ls -ld {}", quoted(path)))];
        }
        FileState::Empty => found.extend(empty(which, file, picture)),
        FileState::Read => {}
    }
    found.extend(mistakes(which, file, content, picture));
    found.extend(mode(which, file));
    found.extend(place(which, file));
    if found.is_empty() {
        let link = file.link_to.as_deref().map(|to| format!(", a link to {to}")).unwrap_or_default();
        let mode =
            file.mode.filter(|_| holds_secrets(which)).map(|mode| format!(" (mode {mode:04o})")).unwrap_or_default();
        found.push(Finding::ok(Cause::File, format!("{path} can be read{mode}{link}")));
    }
    found
}

/// Told once, and no trouble where the other file is named and has the profile.
fn homeless(which: AwsFile, path: &str, picture: &Picture) -> Option<Finding> {
    if which == AwsFile::Credentials && picture.config_file.state == FileState::Homeless {
        return None;
    }
    let what =
        format!("{path} cannot be located: HOME is not set to an absolute path, and this user has no home folder");
    let finding = if exists(picture) { Finding::warning } else { Finding::fault };
    let finding = finding(Cause::FileUnreadable, what).why("tools find neither their files nor a sign-in");
    Some(finding.fix("export HOME=…"))
}

/// An empty credentials file is nothing to worry about where nobody expects anything in it.
fn empty(which: AwsFile, file: &FileFacts, picture: &Picture) -> Option<Finding> {
    let missed = !picture.aws.profiles.contains_key(picture.profile())
        || picture.entry().is_some_and(|entry| entry.store == StoreKind::Shared);
    if !holds_secrets(which) || !missed {
        return None;
    }
    let what = format!("{} is empty", file.path);
    let why = "another program emptied it to write it anew, and did not come to its end";
    let finding = Finding::fault(Cause::FileTorn, what).why(why);
    let name = picture.profile();
    Some(match picture.entry() {
        Some(_) => finding.fix(format!("evertoken refresh {name}")).mend(Mend::Refresh(name.to_owned())),
        None => finding.fix(format!("aws configure --profile {}", quoted(name))),
    })
}

fn mistakes(which: AwsFile, file: &FileFacts, content: &AwsConfig, picture: &Picture) -> Vec<Finding> {
    let path = &file.path;
    let last = content.problems.iter().map(|problem| problem.line).max();
    let mut found: Vec<Finding> = Vec::new();
    for problem in content.problems.iter().take(MOST) {
        // What follows in the text is about evertoken's own edits, or is told by `why`.
        let text = problem.text.split(';').next().unwrap_or_default();
        let what = format!("{path}, line {}: {text}", problem.line);
        let fix = format!("correct line {} of {path}", problem.line);
        let finding = match problem.kind {
            ProblemKind::Twice => Finding::fault(Cause::Duplicate, what)
                .why("the AWS CLI and boto3 then fail for every profile; other SDKs take one of the two")
                .fix(format!("in {path}: keep one of the two, at line {}", problem.line)),
            // `selection` has told it, with the profile in mind.
            ProblemKind::Header if is_of_profile(&problem.text, picture.profile()) => continue,
            ProblemKind::Header => Finding::warning(Cause::ProfileHeader, what).fix(fix),
            ProblemKind::Line if file.cut && Some(problem.line) == last => {
                torn(path, &format!("line {}", problem.line))
            }
            ProblemKind::Line => Finding::fault(Cause::FileBroken, what)
                .why("the AWS CLI and boto3 then fail for every profile")
                .fix(fix),
            ProblemKind::Oddity => Finding::warning(Cause::FileBroken, what).fix(fix),
        };
        found.push(finding);
    }
    let keys = &picture.keys_in_credentials;
    if found.is_empty() && holds_secrets(which) && file.cut && keys.any() && !keys.whole() {
        found.push(torn(path, &format!("[{}]", picture.profile())));
    }
    found
}

/// Whether the mistake of a header is about this profile.
fn is_of_profile(text: &str, profile: &str) -> bool {
    [format!("[profile {profile}]"), format!(" section [{profile}]")].iter().any(|header| text.contains(header))
}

fn torn(path: &str, place: &str) -> Finding {
    Finding::fault(Cause::FileTorn, format!("{path} breaks off in the middle of {place}"))
        .why("another program was cut off while it wrote")
        .fix(format!("put the end of {path} right, or bring its copy back"))
}

fn mode(which: AwsFile, file: &FileFacts) -> Vec<Finding> {
    let path = &file.path;
    let mut found = Vec::new();
    if let Some(owner) = file.foreign_owner {
        let what = format!("{path} belongs to another user ({owner})");
        let why = "evertoken and `aws configure` will not be able to write it: was it made with sudo?";
        found.push(
            Finding::warning(Cause::FileMode, what).why(why).fix(format!("sudo chown \"$(id -un)\" {}", quoted(path))),
        );
    }
    let Some(mode) = file.mode else { return found };
    if mode & 0o400 == 0 {
        let what = format!("{path} has mode {mode:04o}: its owner cannot read it");
        let finding = Finding::fault(Cause::FileMode, what).why("no tool finds a profile in it");
        found.push(finding.fix(format!("chmod 600 {}", quoted(path))).mend(Mend::Narrow(path.clone())));
    } else if holds_secrets(which) && mode & 0o077 != 0 {
        let what = format!("{path} has mode {mode:04o}: others on this machine can get at the keys");
        let finding = Finding::warning(Cause::FileMode, what).fix(format!("chmod 600 {}", quoted(path)));
        found.push(finding.mend(Mend::Narrow(path.clone())));
    }
    found
}

fn place(which: AwsFile, file: &FileFacts) -> Vec<Finding> {
    let path = &file.path;
    let mut found = Vec::new();
    if let (Some(by), true) = (&file.copied_by, holds_secrets(which)) {
        let in_clones = "its keys go into every clone; and a checkout brings old sessions back";
        let (what, why, fix) = match by {
            Copier::Git => (
                format!("{path} is tracked by git"),
                in_clones,
                format!("{}, and add it to .gitignore", in_its_folder("rm --cached", file)),
            ),
            Copier::PerhapsGit(reason) => (
                format!("{path} lies in a git repository, and whether that tracks it is not known: {reason}"),
                "the index of the repository could not be read; if it tracks the file, the keys go into every clone",
                in_its_folder("ls-files --error-unmatch", file),
            ),
            Copier::Program(program) => (
                format!("{path} lies where {program} copies it"),
                "its keys go to other machines; and a copy that comes back brings old sessions with it",
                format!("move {path} out of that folder, and set AWS_SHARED_CREDENTIALS_FILE where it is not ~/.aws"),
            ),
        };
        found.push(Finding::warning(Cause::FilePlace, what).why(why).fix(fix));
    }
    if let (Some(reason), true) = (&file.unsafe_folder, holds_secrets(which)) {
        let (what, fix) = reason.split_once("; run: ").map_or((reason.as_str(), None), |(what, run)| (what, Some(run)));
        let finding = Finding::warning(Cause::FilePlace, what).why("evertoken will not write into it");
        found.push(finding.fixes(fix.map(str::to_owned)));
    }
    found
}

/// A command of git, which knows only the repository of the folder that it is run in.
fn in_its_folder(command: &str, file: &FileFacts) -> String {
    let path = file.link_to.as_deref().unwrap_or(&file.path);
    let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
    format!("git -C {} {command} {}", quoted(folder), quoted(name))
}
