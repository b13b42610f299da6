//! What hooks are handed, and how they end.
#![expect(clippy::disallowed_methods, reason = "a test looks at what the hooks wrote")]

use super::{AT_ONCE, HookRunner, LIMIT, filled, fit, values};
use crate::engine::config::model::Hooks;
use crate::engine::failure::{Class, Failure};
use crate::engine::keeper::{Notice, NoticeKind};
use crate::engine::names::ProfileName;
use crate::engine::time::WallTime;
use crate::shell::environment::Environment;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn notice(kind: NoticeKind, message: &str) -> Notice {
    let failure = Failure {
        class: Class::Source,
        code: None,
        message: message.to_owned(),
        fix: Some("evertoken login".to_owned()),
    };
    Notice {
        kind,
        profiles: ["dev", "ops"].map(|name| ProfileName::parse(name).expect("a name")).to_vec(),
        role_arn: Some("arn:aws:iam::111122223333:role/Developer".to_owned()),
        expiration: WallTime::parse("2026-11-21T15:04:05Z").ok(),
        message: message.to_owned(),
        failure: (kind == NoticeKind::Failed).then_some(failure),
    }
}

fn runner(hooks: Hooks, limit: Duration, home: &Path) -> HookRunner {
    let environment = Environment::from_vars([("PATH", "/usr/bin:/bin".as_ref()), ("HOME", home.as_os_str())]);
    HookRunner { limit, ..HookRunner::new(hooks, Arc::new(environment)) }
}

fn shell(script: &str, arguments: &[&str]) -> Option<Vec<String>> {
    Some(["/bin/sh", "-c", script, "hook"].iter().chain(arguments).map(|&word| word.to_owned()).collect())
}

/// What a file holds once somebody has finished to write it; `None` when nobody does.
async fn written_within(bound: Duration, path: &Path) -> Option<String> {
    for _ in 0..bound.as_millis() / 10 {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return Some(text),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    None
}

async fn written(path: &Path) -> String {
    let text = written_within(Duration::from_secs(60), path).await;
    text.unwrap_or_else(|| panic!("{} was never written", path.display()))
}

#[tokio::test]
async fn a_hook_is_told_everything_by_argument_and_by_environment() {
    let home = tempfile::tempdir().expect("a folder");
    let told = "{ printf '%s|' \"$@\" \"$EVERTOKEN_PROFILE\" \"$EVERTOKEN_ROLE_ARN\" \"$EVERTOKEN_EXPIRATION\" \
                \"$EVERTOKEN_STATE\" \"$EVERTOKEN_MESSAGE\" \"$EVERTOKEN_FIX\"; echo; } > \"$HOME/$0.new\" && \
                mv \"$HOME/$0.new\" \"$HOME/told\"";
    let argv = shell(told, &["{profile}", "{role_arn}", "{expiration}", "{state}", "{message}", "{fix}"]);
    let hooks = Hooks { failed: argv, ..Hooks::default() };
    runner(hooks, LIMIT, home.path()).run(&notice(NoticeKind::Failed, "-rf\x1b[2J\u{202e}it ended"), "waiting");
    let values = "dev, ops|arn:aws:iam::111122223333:role/Developer|2026-11-21T15:04:05Z|waiting|";
    let expected = format!("{values} -rf [2J it ended|evertoken login|{values}-rf [2J it ended|evertoken login|\n");
    assert_eq!(written(&home.path().join("told")).await, expected);
}

#[tokio::test]
async fn each_kind_of_news_has_a_hook_of_its_own() {
    let home = tempfile::tempdir().expect("a folder");
    let touch = |name: &str| shell(&format!("echo > \"$HOME/{name}\""), &[]);
    let (refreshed, failed) = (touch("refreshed"), touch("failed"));
    let hooks = Hooks { refreshed, failed, recovered: touch("recovered"), expiring: touch("expiring") };
    let runner = runner(hooks, LIMIT, home.path());
    for (kind, name) in [
        (NoticeKind::Refreshed, "refreshed"),
        (NoticeKind::Failed, "failed"),
        (NoticeKind::Recovered, "recovered"),
        (NoticeKind::Expiring, "expiring"),
    ] {
        assert!(!home.path().join(name).exists(), "{name}");
        runner.run(&notice(kind, "news"), "fresh");
        written(&home.path().join(name)).await;
    }
    for kind in [NoticeKind::Kept, NoticeKind::Removed, NoticeKind::Remark] {
        runner.run(&notice(kind, "news"), "fresh");
    }
    assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 4, "nothing was started for them");
}

#[tokio::test]
async fn a_hook_that_takes_too_long_is_killed_with_its_children() {
    assert_eq!(LIMIT, Duration::from_secs(30));
    kills("sleep 1000 & echo \"$$ $!\" > \"$HOME/new\" && mv \"$HOME/new\" \"$HOME/pids\"; wait").await;
}

#[tokio::test]
async fn what_a_hook_has_left_running_is_killed_when_the_time_of_the_hook_is_over() {
    kills("sleep 1000 >/dev/null 2>&1 & echo $! > \"$HOME/new\" && mv \"$HOME/new\" \"$HOME/pids\"").await;
}

#[tokio::test]
async fn what_a_hook_has_left_running_goes_on_and_keeps_no_other_one_waiting() {
    let home = tempfile::tempdir().expect("a folder");
    let follower = "(until [ -e \"$HOME/last\" ]; do sleep 0.05; done; echo > \"$HOME/$$\") >/dev/null 2>&1 &";
    let (failed, recovered) = (shell(follower, &[]), shell("echo > \"$HOME/last\"", &[]));
    let runner = runner(Hooks { failed, recovered, ..Hooks::default() }, Duration::from_secs(600), home.path());
    for _ in 0..AT_ONCE {
        runner.run(&notice(NoticeKind::Failed, "it ended"), "waiting");
    }
    runner.run(&notice(NoticeKind::Recovered, "it goes on"), "fresh");
    written(&home.path().join("last")).await;
    let ended = || fs::read_dir(home.path()).expect("a folder").count() - 1;
    for _ in 0..6_000 {
        if ended() == AT_ONCE {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(ended(), AT_ONCE, "some were killed before their time");
}

async fn kills(script: &str) {
    let home = tempfile::tempdir().expect("a folder");
    let mut pids = None;
    // On a machine that is busy with something else it may be killed before it has said who it is.
    for limit in [1, 4, 15].map(Duration::from_secs) {
        let hooks = Hooks { failed: shell(script, &[]), ..Hooks::default() };
        runner(hooks, limit, home.path()).run(&notice(NoticeKind::Failed, "it ended"), "waiting");
        pids = written_within(limit * 2, &home.path().join("pids")).await;
        if pids.is_some() {
            break;
        }
    }
    let pids = pids.expect("a hook that runs");
    for pid in pids.split_whitespace() {
        // One that nobody has waited for yet runs no more either.
        let runs = || {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
        };
        for _ in 0..3_000 {
            if !runs() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!runs(), "{pid} of {pids}");
    }
}

#[test]
fn only_a_failure_has_a_fix() {
    let fix = |kind| values(&notice(kind, "it ended"), "fresh")[5].1.clone();
    assert_eq!((fix(NoticeKind::Failed).as_str(), fix(NoticeKind::Expiring).as_str()), ("evertoken login", ""));
}

#[test]
fn what_a_server_sent_stays_one_harmless_argument() {
    let values =
        [("profile", "dev".to_owned()), ("message", fit("--exec\u{1b}[2J {profile}\nrm")), ("fix", String::new())];
    assert_eq!(filled("{message}", &values), " --exec [2J {profile} rm");
    assert_eq!(filled("{profile}: {message}", &values), "dev: --exec [2J {profile} rm");
    assert_eq!(filled("--title={profile}", &values), "--title=dev");
    assert_eq!(filled("{unknown} {", &values), "{unknown} {");
    assert_eq!(fit(&"x".repeat(1000)).len(), 500);
}
