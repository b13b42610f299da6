//! The least that a refresh could cost: AssumeRole by the bare SDK, with the HTTP client and the time limits of the daemon,
//! eight calls at once, in a process of its own. What comes back is dropped.

use aws_credential_types::Credentials;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::{BehaviorVersion, Config, Region};
use evertoken::emulator::LongTermKey;
use evertoken::shell::http::{Http, HttpSettings};
use rustix::time::{ClockId, clock_gettime};
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

const CALLS_AT_ONCE: usize = 8;

/// What a round of calls cost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Round {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

/// Runs `rounds` rounds in a new process, each after a rest as long as that of the daemon between its waves: whoever has
/// just made such calls makes the next ones faster. The first counts from the start of that process.
pub(crate) fn run(url: &str, roles: usize, rounds: usize, rest: Duration) -> (Vec<Round>, Option<u64>) {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["floor", url, &roles.to_string(), &rounds.to_string()]);
    let start = Instant::now();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("this program starts");
    let mut orders = child.stdin.take().expect("its input");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let (mut start, mut before) = (start, Duration::ZERO);
    let mut measured = Vec::new();
    for _ in 0..rounds {
        let line = lines.next().expect("a line for each round").expect("text");
        let wall = start.elapsed();
        let total = Duration::from_nanos(line.parse().expect("a number"));
        measured.push(Round { wall, cpu: total - before });
        before = total;
        sleep(rest);
        start = Instant::now();
        writeln!(orders).expect("it goes on");
    }
    let peak = crate::daemon::status_of(child.id(), "VmHWM");
    drop(orders);
    child.wait().expect("it ends");
    (measured, peak)
}

/// The other side of [`run`]: prints the processor time so far after each round, and goes on when told so.
pub(crate) fn call(url: &str, roles: usize, rounds: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = client(url);
    for _ in 0..rounds {
        runtime.block_on(round(&client, roles));
        let time = clock_gettime(ClockId::ProcessCPUTime);
        println!("{}", time.tv_sec * 1_000_000_000 + time.tv_nsec);
        io::stdin().read_line(&mut String::new()).expect("an order");
    }
    io::stdin().read_line(&mut String::new()).expect("the end");
}

fn client(url: &str) -> Client {
    let key = LongTermKey::example();
    let credentials = Credentials::new(key.access_key_id, key.secret_access_key.expose(), None, None, "floor");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(Http::new(&HttpSettings::default()).expect("a client").sdk())
        .retry_config(RetryConfig::disabled())
        .timeout_config(Http::timeouts())
        .region(Region::from_static("eu-west-1"))
        .endpoint_url(url)
        .credentials_provider(credentials);
    Client::from_conf(config.build())
}

async fn round(client: &Client, roles: usize) {
    let next = Arc::new(AtomicUsize::new(0));
    let callers = (0..CALLS_AT_ONCE.min(roles)).map(|_| {
        let (client, next) = (client.clone(), Arc::clone(&next));
        tokio::spawn(async move {
            loop {
                let role = next.fetch_add(1, Ordering::Relaxed);
                if role >= roles {
                    return;
                }
                let arn = crate::machine::role_arn(role);
                let sent = client.assume_role().role_arn(arn).role_session_name("me").duration_seconds(3600).send();
                sent.await.expect("a session");
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("no panic");
    }
}
