//! `credential_process`: a program of somebody else, which may do anything.

use super::{Home, by_one_clock, source_fault, text};
use evertoken::engine::config::model::Source;
use evertoken::engine::failure::SourceFault;
use evertoken::engine::session::SourceCredentials;
use evertoken::shell::child::{self, Child};
use evertoken::shell::clock;
use evertoken::shell::sources::Clocks;
use std::path::Path;
use std::time::{Duration, Instant};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn home_with(script: &str) -> Home {
    let home = Home::new();
    let path = home.script("the tool", script);
    home.config(&format!("[profile base]\ncredential_process = '{}' --for \"two words\"\n", path.display()));
    home
}

async fn of(script: &str) -> Result<SourceCredentials, evertoken::engine::failure::Fault> {
    home_with(script).resolve("base").await
}

fn json(rest: &str) -> String {
    format!(r#"{{"Version":1,"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"{SECRET}"{rest}}}"#)
}

#[tokio::test]
async fn a_good_answer_is_used_whole() {
    let end = clock::now() + Duration::from_secs(3600);
    let printed =
        json(&format!(r#","SessionToken":"TOKEN","Expiration":"{end}","AccountId":"111122223333","More":[1]"#));
    let found =
        of(&format!("test \"$1 $2\" = '--for two words' && sleep 0.2 && echo '{printed}'")).await.expect("keys");
    assert_eq!(found.keys.secret_access_key.expose(), SECRET);
    assert_eq!(found.expiration, Some(end.whole_seconds()));
    assert_eq!(found.account_id.as_deref(), Some("111122223333"));
    let long_term = of(&format!("echo '{}'", json(""))).await.expect("keys");
    assert_eq!((long_term.expiration, long_term.keys.session_token), (None, None));
}

#[tokio::test]
async fn its_session_ends_by_the_clock_of_aws_and_not_by_ours() {
    let ours = clock::now();
    let hour = Duration::from_secs(3600);
    let printed = json(&format!(r#","SessionToken":"TOKEN","Expiration":"{}""#, ours - hour / 2));
    let home = home_with(&format!("echo '{printed}'"));
    let source = Source::Profile("base".to_owned());
    let alive = home.sources().resolve(&source, "eu-west-1", Clocks { ours, sts: ours - hour }).await;
    assert!(alive.is_ok(), "our clock is an hour ahead: {alive:?}");
    let ended = home.sources().resolve(&source, "eu-west-1", by_one_clock(ours)).await;
    assert!(matches!(source_fault(ended), SourceFault::Ended { .. }));
}

#[tokio::test]
async fn it_sees_our_files_and_nothing_that_misleads() {
    let mut home = home_with(&format!("env > \"$0.env\"; echo '{}'", json("")));
    for name in ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"] {
        home.set(name, "misleading");
    }
    home.set("KEPT", "yes");
    home.resolve("base").await.expect("keys");
    let seen = text(&home.path("the tool.env"));
    assert!(!seen.contains("misleading"), "{seen}");
    for line in ["KEPT=yes", "EVERTOKEN_CHILD=1"] {
        assert!(seen.lines().any(|seen| seen == line), "{seen}");
    }
    assert!(seen.contains(&format!("AWS_CONFIG_FILE={}", home.path(".aws/config").display())), "{seen}");
}

#[tokio::test]
async fn what_goes_wrong_is_told_without_what_it_printed() {
    let past = json(r#","SessionToken":"TOKEN","Expiration":"2001-01-01T00:00:00Z""#);
    let cases = [
        (format!("echo '{SECRET}'"), "no credentials in the form"),
        (String::new(), "no credentials in the form"),
        (format!("echo '{}'", json("").replace(":1,", ":2,")), "version"),
        (format!("echo '{}'", json(r#","Expiration":"soon""#)), "no timestamp"),
        (format!("echo 'key {SECRET} is bad' >&2; echo {SECRET}; exit 1"), "exit code 1 and said: key … is bad"),
        ("exit 7".to_owned(), "exit code 7"),
        ("kill -9 $$".to_owned(), "killed"),
        (format!("echo '{past}'"), "2001"),
        (format!("echo '{}'", json("").replace(SECRET, "")), "empty keys"),
    ];
    for (script, expected) in cases {
        let fault = source_fault(of(&script).await);
        let told = match &fault {
            SourceFault::Process(told) | SourceFault::Ended { what: told, .. } => told,
            other => panic!("{script}: {other:?}"),
        };
        assert!(told.contains(expected), "{script}: {told}");
        assert!(!format!("{fault:?}").contains("wJalr"), "{fault:?}");
    }
    let home = Home::new();
    home.config(
        "[profile base]\ncredential_process = /no/such/tool --secret word\n[profile open]\ncredential_process = 'x\n",
    );
    let SourceFault::Process(told) = source_fault(home.resolve("base").await) else { panic!("no process") };
    assert!(told.contains("/no/such/tool") && !told.contains("word"), "{told}");
    assert!(matches!(source_fault(home.resolve("open").await), SourceFault::Process(_)));
}

/// A child that starts a grandchild, notes both numbers and hangs.
fn hanging(home: &Home, limit: Duration) -> Child {
    let script = home.script("hang", "sleep 1000 &\necho $$ $! > \"$0.tmp\"\nmv \"$0.tmp\" \"$0.pids\"\nwait");
    let path = ("PATH".into(), "/usr/bin:/bin".into());
    Child { argv: vec![script.to_string_lossy().into_owned()], environment: vec![path], limit }
}

/// Whether both have gone, or are dead and only not yet waited for by whoever inherited them.
fn have_ended(pids: &Path) -> bool {
    text(pids).split_whitespace().all(|pid| {
        let stat = std::process::Command::new("ps").args(["-o", "stat=", "-p", pid]).output().expect("ps runs");
        let stat = String::from_utf8_lossy(&stat.stdout).trim().to_owned();
        stat.is_empty() || stat.starts_with('Z')
    })
}

async fn eventually(what: &str, happened: impl Fn() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}: not within 30 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_hanging_child_is_killed_with_its_children_when_its_time_is_over() {
    let home = Home::new();
    let pids = home.path("hang.pids");
    // On a machine that is busy with something else its time may be over before it has said who it is.
    for seconds in [2, 8, 30] {
        let result = child::run(hanging(&home, Duration::from_secs(seconds))).await;
        let told = result.err().expect("it was stopped").to_string();
        assert!(told.contains(&format!("{seconds} s")), "{told}");
        if pids.exists() {
            break;
        }
    }
    assert!(pids.exists(), "it never started");
    eventually("both are dead", || have_ended(&pids)).await;
}

#[tokio::test]
async fn a_hanging_child_is_killed_with_its_children_when_nobody_waits_any_more() {
    let home = Home::new();
    let pids = home.path("hang.pids");
    let running = child::run(hanging(&home, Duration::from_secs(1000)));
    tokio::select! {
        _ = running => panic!("it hangs"),
        () = eventually("it started", || pids.exists()) => {}
    }
    eventually("both are dead", || have_ended(&pids)).await;
}
