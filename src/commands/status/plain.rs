//! The report for pipes: one line for each profile, always with the same columns, then comments. No colours, whole times.

use super::causes::{Cause, ends_ahead, times};
use super::fit::clean;
use super::notes::Note;
use super::render::{Style, outdated, skew_sentence};
use crate::commands::service_manager::{Verb, command};
use crate::engine::status::{Daemon, Profile, Status};

/// Lines for `grep` and `awk`: the first word is the profile, the second its state, then always the same `key=value`
/// words, `-` where there is nothing to tell. Whatever is no profile begins with `#`, which no profile name does.
pub(super) fn plain(
    status: &Status,
    profiles: &[&Profile],
    causes: &[Cause<'_>],
    notes: &[Note],
    style: &Style,
) -> String {
    let mut lines: Vec<String> = profiles.iter().map(|profile| line(profile)).collect();
    for cause in causes {
        let code = cause.code().map(|code| format!(" ({code})")).unwrap_or_default();
        let (class, message) = (cause.class(), cause.message());
        let profiles = cause.profiles.join(",");
        let tried = format!(" since {}, {}", cause.since, times(cause.attempts));
        let tried = Some(tried).filter(|_| cause.attempts > 0).unwrap_or_default();
        lines.push(format!("# trouble: {profiles}: {class}{code}{tried}: {message}"));
        lines.extend(cause.fix().map(|fix| format!("# fix: {fix}")));
    }
    lines.extend(
        ends_ahead(profiles)
            .into_iter()
            .map(|(warning, names)| format!("# expiring: {}: at {}: {}", names.join(","), warning.at, warning.message)),
    );
    for note in notes {
        lines.push(format!("# note: {}: {}", note.about(","), note.message));
        lines.push(format!("# fix: {}", note.fix));
    }
    lines.push(match &status.daemon {
        Daemon { running: false, .. } => format!("# daemon: not running: {}", style.invocation.told(style.start)),
        Daemon { responding: false, .. } => format!("# daemon: not responding: {}", command(Verb::Restart)),
        Daemon { pid, .. } => {
            pid.map_or_else(|| "# daemon: running".to_owned(), |pid| format!("# daemon: running, pid {pid}"))
        }
    });
    lines.extend(
        outdated(&status.daemon, style.version)
            .map(|running| format!("# daemon: runs {running}, this is {}: {}", style.version, command(Verb::Restart))),
    );
    lines.extend(skew_sentence(status.clock_skew_seconds).map(|sentence| format!("# clock: {sentence}")));
    lines.iter().map(|line| clean(line) + "\n").collect()
}

fn line(profile: &Profile) -> String {
    let mut line = format!("{} {}", profile.profile, profile.state.as_str());
    let seconds = profile.expires_in_seconds.map(|seconds| seconds.to_string());
    for (key, value) in [
        ("expires", profile.expires.as_deref()),
        ("expires_in_seconds", seconds.as_deref()),
        ("next_refresh", profile.next_refresh.as_deref()),
        ("store", Some(profile.store.as_str())),
        ("role_arn", profile.role_arn.as_deref()),
        // The only one that can have a blank in it, a path of a token file: hence last.
        ("source", Some(profile.source.as_str())),
    ] {
        line.push_str(&format!(" {key}={}", value.unwrap_or("-")));
    }
    line
}
