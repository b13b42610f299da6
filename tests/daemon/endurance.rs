//! A long day in a short time: everything that can happen happens again and again, and neither memory nor descriptors
//! grow. `EVERTOKEN_SOAK` is for how many seconds; tests/endurance/run sets it.

use crate::reader::Reader;
use crate::workstation::{Workstation, let_pass};
use evertoken::emulator::{Expiration, Fault, Field, Outage, Rule};
use fastrand::Rng;
use rustix::process::Signal;
use std::fs;
use std::time::{Duration, Instant};

/// What the daemon holds of the machine.
#[derive(Debug)]
struct Held {
    /// Of its own: pages of a file are taken as code is run for the first time, and given back for the asking.
    kilobytes: u64,
    /// `None` where only root may look into a process that keeps secrets.
    descriptors: Option<usize>,
}

/// `None` where there is no /proc.
fn held(pid: u32) -> Option<Held> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kilobytes = line.trim().trim_end_matches(" kB").parse().ok()?;
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok().map(Iterator::count);
    Some(Held { kilobytes, descriptors })
}

fn some_fault(random: &mut Rng) -> Rule {
    let rules = [
        Rule::always(Fault::code("ServiceUnavailable")),
        Rule::always(Fault::code("Throttling")),
        Rule::always(Fault::CutBefore),
        Rule::always(Fault::CutInside),
        Rule::always(Fault::portal()),
        Rule::always(Fault::Slow(Duration::from_millis(700))),
        Rule::always(Fault::Without(Field::Expiration)),
        Rule::always(Fault::Expiration(Expiration::Past(Duration::from_secs(5)))),
        Rule::always(Fault::Expiration(Expiration::Fractions)),
        Rule::once(Fault::Hang),
    ];
    rules[random.usize(..rules.len())].clone()
}

/// One thing that happens, and is over when this returns, with STS as it should be for a while: nobody could keep
/// sessions alive without that.
fn happen(workstation: &Workstation, random: &mut Rng, round: usize) {
    match random.u32(..10) {
        0 => {
            let outage = if random.bool() { Outage::Refused } else { Outage::Dropped };
            workstation.sts.outage(outage).expect("an outage");
            workstation.signal(Signal::USR1);
            let_pass(random.f64() * 2.0);
            workstation.sts.outage(Outage::None).expect("the end of the outage");
        }
        1 => workstation.signal(Signal::HUP),
        2 => {
            let text = format!("{}# {round}\n", workstation.config());
            fs::write(workstation.config_path(), text).expect("a config");
        }
        3 => {
            // Another program that takes the file as it is, and adds something.
            let text = workstation.credentials();
            if text.ends_with('\n') {
                workstation.replace_credentials(&format!("{text}# {round}\n"));
            }
        }
        4 => drop(workstation.evertoken(&["refresh", "role-1"])),
        _ => {
            workstation.sts.inject(some_fault(random));
            workstation.signal(Signal::USR1);
            let_pass(random.f64() * 2.0);
            workstation.sts.clear();
        }
    }
    if random.bool() {
        workstation.signal(Signal::USR1);
    }
    let_pass(random.f64() * 3.0);
}

#[test]
fn neither_memory_nor_descriptors_grow_whatever_happens() {
    let seconds = std::env::var("EVERTOKEN_SOAK").map_or(20, |text| text.parse().expect("seconds"));
    let seed = std::env::var("EVERTOKEN_SEED").map_or_else(|_| fastrand::u64(..), |text| text.parse().expect("a seed"));
    println!("{seconds} s; again with EVERTOKEN_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    // Long enough that a call that hangs for its whole bound leaves time for some more before the session ends.
    let names: Vec<String> = (0..8).map(|n| format!("role-{n}")).collect();
    let mut workstation = Workstation::new(90);
    for (n, name) in names.iter().enumerate() {
        workstation = if n < 5 { workstation.role(name) } else { workstation.chained(name, &names[n - 5]) };
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut workstation = workstation.start_with(&names);
    let reader = Reader::start(workstation.credentials_path(), &names);
    let (start, length) = (Instant::now(), Duration::from_secs(seconds));
    let mut warm: Option<Held> = None;
    let mut rounds = 0;
    while start.elapsed() < length {
        rounds += 1;
        happen(&workstation, &mut random, rounds);
        if warm.is_none() && start.elapsed() > length / 2 {
            settle(&workstation, &names);
            warm = held(workstation.pid());
        }
    }
    settle(&workstation, &names);
    let end = held(workstation.pid());
    let seen = reader.prove(&workstation);
    println!(
        "{rounds} rounds, {} reads, {} calls; {warm:?}, then {end:?}",
        seen.reads,
        workstation.sts.request_count()
    );
    if let (Some(warm), Some(end)) = (warm, end) {
        assert!(end.kilobytes <= warm.kilobytes + 4096, "memory grows: {warm:?}, then {end:?}");
        // As many idle connections may wait for the next call as there are calls at once, and a few more while they end.
        let most = warm.descriptors.map(|warm| warm + 10);
        assert!(end.descriptors <= most, "descriptors leak: {warm:?}, then {end:?}");
    }
    let (code, log) = workstation.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

/// Waits until everything is fresh and nothing is under way.
fn settle(workstation: &Workstation, names: &[&str]) {
    workstation.wait("everything to be fresh", || {
        workstation.sts.in_flight() == 0
            && workstation.evertoken(&["status"]).status.code() == Some(0)
            && names.iter().all(|name| workstation.holds(name))
    });
    // Connections that are not used any more end after a while; threads for files after a second.
    let_pass(2.0);
}
