//! Many walks at once, each from a seed of its own; one that fails is cut down to the shortest that still does.

use super::plan::Plan;
use super::walk;
use std::io::Write as _;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Walks the plans of all seeds, `usually` so many; `option` is how `walk-on` is told to walk such plans.
pub fn walk_all(option: &str, usually: u64, plan: impl Fn(u64) -> Plan + Sync) {
    let all = seeds(usually);
    let next = AtomicU64::new(all.start);
    let walked = Mutex::new((Duration::ZERO, 0_u64));
    let broken = Mutex::new(None);
    let walk_on = || {
        while broken.lock().expect("a lock").is_none() {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !all.contains(&seed) {
                break;
            }
            let plan = plan(seed);
            match walk(seed, &plan) {
                Err(_) => *broken.lock().expect("a lock") = Some((seed, plan)),
                Ok(time) => {
                    let mut walked = walked.lock().expect("a lock");
                    *walked = (walked.0 + time, walked.1 + 1);
                    if walked.1.is_multiple_of(500) {
                        say(&format!("{} walks, {} hours so far\n", walked.1, walked.0.as_secs() / 3600));
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(walk_on);
        }
    });
    let broken = broken.into_inner().expect("a lock");
    if let Some((seed, plan)) = broken {
        let plan = minimal(seed, &plan);
        let error = walk(seed, &plan).expect_err("the shortened walk still fails");
        let list: String = plan.iter().map(|(after, what)| format!("  after {after:?}: {what:?}\n")).collect();
        panic!("EVERTOKEN_SEED={seed} tests/keeper/walk-on{option} 1: {error}\n{list}");
    }
    let (walked, walks) = walked.into_inner().expect("a lock");
    let hours = walked.as_secs() / 3600;
    say(&format!("{walks} walks of {hours} hours ({:.1} years) of a workstation's life\n", hours as f64 / 8766.0));
}

/// Leaves out whatever is not needed for the failure.
fn minimal(seed: u64, plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let mut size = plan.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at + size <= plan.len() {
            let mut shorter = plan.clone();
            shorter.drain(at..at + size);
            if walk(seed, &shorter).is_err() {
                plan = shorter;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    plan
}

fn number(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "a test has no configuration but its environment")]
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a whole number")))
}

/// From `EVERTOKEN_SEED` on, `EVERTOKEN_WALKS` of them.
fn seeds(usually: u64) -> Range<u64> {
    match (number("EVERTOKEN_SEED"), number("EVERTOKEN_WALKS")) {
        (None, walks) => 0..walks.unwrap_or(usually),
        (Some(seed), walks) => seed..seed + walks.unwrap_or(1),
    }
}

fn say(what: &str) {
    // Past the harness, which shows nothing of what succeeds.
    std::io::stderr().write_all(what.as_bytes()).expect("standard error");
}
