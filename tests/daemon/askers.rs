//! Programs that ask through `credential-process` and `exec` beside a daemon. Many at once: one call to STS, and an answer
//! for each of them. After the config was edited: never the session of the old role.

use crate::workstation::{Workstation, arn, text};
use serde_json::Value;
use std::fs;
use std::process::{Child, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

const ASKERS: usize = 50;
static CROWD: Mutex<()> = Mutex::new(());

/// One crowd at a time: the call to STS has to find its way among fifty processes within its 15 s, not among a hundred.
fn alone() -> MutexGuard<'static, ()> {
    CROWD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A session of `profile` that has ended, and no daemon.
fn after_the_end(store: &str) -> Workstation {
    let workstation = Workstation::new(5).role_with("dev", &format!("store = \"{store}\"")).furnish();
    let first = workstation.evertoken(&["credential-process", "dev"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let ends = workstation.sts.sessions()[0].expiration;
    workstation.wait("the end of the session", || workstation.sts.now() > ends);
    workstation.sts.set_life(std::time::Duration::from_secs(600));
    workstation
}

/// All of them ask at the same time; what each was answered.
fn ask_together(workstation: &Workstation) -> Vec<String> {
    let askers: Vec<Child> = (0..ASKERS)
        .map(|_| {
            let mut command = workstation.command(&["credential-process", "dev"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("evertoken starts")
        })
        .collect();
    let answers = askers.into_iter().map(|asker| {
        let output = asker.wait_with_output().expect("an end");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    });
    answers.collect()
}

fn assert_one_call(workstation: &Workstation, answers: &[String]) {
    assert_eq!(answers.len(), ASKERS);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "they were answered differently");
    let answer: Value = serde_json::from_str(&answers[0]).expect("JSON");
    let sessions = workstation.sts.sessions();
    let [_ended, session] = &sessions[..] else { panic!("{} sessions", sessions.len()) };
    assert_eq!(answer["AccessKeyId"], session.access_key_id);
    assert_eq!(answer["Expiration"], session.expiration.to_string());
    assert_eq!(workstation.asked("dev"), 2, "calls to STS, the one for the first session included");
}

#[test]
fn fifty_that_ask_at_once_without_a_daemon_make_one_call() {
    let _alone = alone();
    for store in ["shared", "private"] {
        let workstation = after_the_end(store);
        let answers = ask_together(&workstation);
        assert_one_call(&workstation, &answers);
    }
}

#[test]
fn fifty_that_ask_while_the_daemon_refreshes_make_no_call_of_their_own() {
    let _alone = alone();
    let mut workstation = after_the_end("private");
    workstation.launch();
    let answers = ask_together(&workstation);
    assert_one_call(&workstation, &answers);
}

/// The daemon believes an edited config only after it has stood still, and keeps the old role in the file until then.
#[test]
fn whoever_asks_right_after_the_role_was_edited_gets_the_new_one_or_none() {
    let workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    let acts_as = |text: &str| -> Vec<String> {
        let sessions = workstation.sts.sessions().into_iter();
        sessions.filter(|session| text.contains(&session.access_key_id)).map(|session| session.arn).collect()
    };
    let edit = |role: &str| {
        let edited = workstation.config().replace(&arn("dev"), &arn(role));
        fs::write(workstation.config_path(), edited).expect("written");
    };
    // A program reads the file when it likes.
    let reads = "for i in 1 2 3 4 5 6 7 8; do grep -A1 -F '[dev]' .aws/credentials; sleep 0.2; done";
    let shown = ["exec", "dev", "--", "sh", "-c", reads];

    edit("Changed");
    let ran = workstation.evertoken(&shown);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let used = acts_as(&text(&ran.stdout));
    assert!(matches!(&used[..], [arn] if arn.contains("assumed-role/Changed/")), "{used:?}");

    edit("Other");
    let answer = workstation.evertoken(&["credential-process", "dev"]);
    assert!(answer.status.success(), "{}", text(&answer.stderr));
    let used = acts_as(&text(&answer.stdout));
    assert!(matches!(&used[..], [arn] if arn.contains("assumed-role/Other/")), "{used:?}");

    workstation.sts.deny_role(&arn("Denied"), "AccessDenied", "not you");
    edit("Denied");
    for arguments in [&shown[..], &["credential-process", "dev"]] {
        let refused = workstation.evertoken(arguments);
        let (out, err) = (text(&refused.stdout), text(&refused.stderr));
        assert_eq!((refused.status.code(), out.as_str()), (Some(1), ""), "{err}");
        assert!(err.contains("for other settings") && err.contains("not you"), "{err}");
    }
    assert!(workstation.holds("dev"), "the last good one stays in the file");
}
