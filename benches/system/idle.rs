//! The hours between refreshes, which are most of its life: memory, threads and wake-ups, after the first wave and
//! after ten thousand refreshes.

use crate::daemon::Daemon;
use crate::machine::Machine;
use crate::{head, megabytes, milliseconds, row};
use rustix::process::Signal;
use std::collections::HashSet;
use std::time::{Duration, Instant};

const ROLES: usize = 100;
const REFRESHES: usize = 10_000;
const SETTLE: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_secs(60);
/// No role is asked for twice within a second.
const PAUSE: Duration = Duration::from_millis(1100);

pub(crate) fn measure() {
    head(&[&"when", &"roles", &"resident", &"of it data", &"threads", &"wake-ups a minute", &"CPU a minute"]);
    let alone = Machine::new(1);
    let mut daemon = alone.daemon();
    alone.wave(&mut daemon, &HashSet::new(), Instant::now());
    look("after the first wave", 1, &mut daemon);
    drop(daemon);

    let machine = Machine::new(ROLES);
    let mut daemon = machine.daemon();
    machine.wave(&mut daemon, &HashSet::new(), Instant::now());
    look("after the first wave", ROLES, &mut daemon);
    for _ in 0..REFRESHES / ROLES {
        let before = machine.sessions();
        daemon.signal(Signal::USR1);
        machine.wave(&mut daemon, &before, Instant::now());
        daemon.rest(PAUSE);
    }
    look(&format!("after {REFRESHES} refreshes"), ROLES, &mut daemon);
}

fn look(when: &str, roles: usize, daemon: &mut Daemon) {
    daemon.rest(SETTLE);
    let (_, before) = daemon.switches();
    let cpu = daemon.cpu();
    std::thread::sleep(MINUTE);
    let (names, after) = daemon.switches();
    let spent = daemon.cpu() - cpu;
    row(&[
        &when,
        &roles,
        &megabytes(daemon.status("VmRSS")),
        &megabytes(daemon.status("RssAnon")),
        &names.len(),
        &(after - before),
        &milliseconds(spent),
    ]);
}
