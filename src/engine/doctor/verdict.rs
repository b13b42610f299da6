//! Which of the findings is the cause: the fault that lies deepest, told in one sentence together with what it led to.

use super::finding::{Cause, Diagnosis, Finding, Mark};
use super::picture::{Answer, By, Picture};
use super::selection::exists;

pub(super) fn judge(picture: &Picture, mut findings: Vec<Finding>) -> Diagnosis {
    let mark = findings.iter().map(|finding| finding.mark).max().unwrap_or(Mark::Ok);
    let worst = findings.iter().filter(|finding| finding.mark == mark);
    let cause = worst.min_by_key(|finding| weight(finding)).filter(|_| mark != Mark::Ok).cloned();
    let subject = subject(picture);
    let (cause, verdict) = match &cause {
        Some(cause) if mark == Mark::Fault => {
            hush(cause.cause, &mut findings);
            (cause.clone(), format!("{subject}: {}", sentence(cause, &findings)))
        }
        Some(cause) => (cause.clone(), format!("{subject} {}, but {}", works(picture), cause.what)),
        None => (healthy_cause(&findings), format!("{subject} {}", healthy(picture, &findings))),
    };
    Diagnosis {
        profile: picture.profile().to_owned(),
        mark,
        cause: cause.cause,
        verdict,
        fix: cause.fix,
        lines: cause.lines,
        findings,
    }
}

/// What the sentence is about.
fn subject(picture: &Picture) -> String {
    if !exists(picture) && picture.selected.by == By::Nobody {
        return "this machine".to_owned();
    }
    format!("profile {}", picture.profile())
}

/// The deepest first. How a file lies there ends no session by itself.
fn weight(finding: &Finding) -> (bool, Cause) {
    let aside = finding.mark == Mark::Warning && finding.cause <= Cause::FileBroken;
    (aside, finding.cause)
}

/// Whether a cause lies behind a session, so that it explains why that was not renewed, or never made.
fn explains(cause: Cause) -> bool {
    (Cause::PlatformShadowed..Cause::SessionExpired).contains(&cause)
}

/// Where the source gives nothing, neither a refresh nor what failed because of it is worth an advice of its own; nor what
/// is missing where nobody looks for it.
fn hush(cause: Cause, findings: &mut [Finding]) {
    let follows: &[Cause] = match cause {
        Cause::FileNotThere => {
            &[Cause::MissingProfile, Cause::NoCredentials, Cause::NotWritten, Cause::OtherFile, Cause::SourceFails]
        }
        Cause::OtherFile => &[Cause::SessionExpired, Cause::NotWritten, Cause::NoCredentials, Cause::SourceFails],
        _ if (Cause::PlatformShadowed..=Cause::SourceFails).contains(&cause) => {
            &[Cause::SessionExpired, Cause::NotWritten, Cause::DaemonFailing, Cause::Kept, Cause::NotKept]
        }
        Cause::DaemonFailing => &[Cause::NotWritten],
        _ => return,
    };
    for finding in findings.iter_mut().filter(|finding| finding.cause != cause) {
        if follows.contains(&finding.cause) {
            finding.fix.clear();
            finding.lines.clear();
            finding.mend = None;
        }
    }
}

/// What a cause led to comes first: people know it already.
fn sentence(cause: &Finding, findings: &[Finding]) -> String {
    let said = |finding: &Finding| finding.short.clone().unwrap_or_else(|| finding.what.clone());
    let fault = |wanted| findings.iter().find(|finding| finding.mark == Mark::Fault && finding.cause == wanted);
    if !explains(cause.cause) {
        return said(cause);
    }
    match (fault(Cause::SessionExpired), fault(Cause::NotWritten)) {
        (Some(ended), _) => format!("{}, and {}", said(ended), cause.after.as_ref().unwrap_or(&cause.what)),
        (None, Some(unwritten)) => format!("{}, because {}", said(unwritten), cause.what),
        (None, None) => said(cause),
    }
}

fn works(picture: &Picture) -> &'static str {
    match picture.answer {
        Answer::Accepted { .. } => "works",
        _ => "looks right",
    }
}

fn healthy(picture: &Picture, findings: &[Finding]) -> String {
    let works = works(picture);
    let keys = [&picture.keys_in_credentials, &picture.keys_in_config];
    if findings.iter().any(|finding| finding.cause == Cause::PlatformRenews) {
        return format!(
            "{works}: the platform renews; a program that still gets ExpiredToken holds a copy of old keys"
        );
    }
    if keys.into_iter().any(|keys| keys.any() && !keys.temporary()) {
        return format!(
            "{works}, and its keys do not end: ExpiredToken comes from another profile, or from exported keys"
        );
    }
    format!("{works}, and all is fresh here: a program that still gets ExpiredToken holds an old token; start it again")
}

fn healthy_cause(findings: &[Finding]) -> Finding {
    let wanted = [Cause::ProgramHoldsOldToken, Cause::PlatformRenews];
    let found = wanted.iter().find_map(|cause| findings.iter().find(|finding| finding.cause == *cause));
    found.cloned().unwrap_or_else(|| Finding::ok(Cause::Session, String::new()))
}
