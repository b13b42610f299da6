//! Commands as whole processes: what a prompt, or an SDK that asks for credentials, waits for.

use crate::machine::Machine;
use crate::{head, median, milliseconds, row};
use std::collections::HashSet;
use std::process::Command;
use std::time::{Duration, Instant};

const RUNS: usize = 101;

pub(crate) fn measure() {
    head(&[&"command", &"roles", &"median", &"slowest of 100"]);
    let nothing: Vec<Duration> = (0..RUNS).map(|_| time(&mut Command::new("/bin/true"))).collect();
    tell("/bin/true", 0, nothing);
    for roles in [1, 100, 1_000] {
        let machine = Machine::new(roles);
        let mut daemon = machine.daemon();
        machine.wave(&mut daemon, &HashSet::new(), Instant::now());
        daemon.rest(Duration::from_secs(3));
        for arguments in [&["--version"][..], &["credential-process", "role-0"], &["status"], &["check"]] {
            let times = (0..RUNS).map(|_| time(&mut machine.command(arguments))).collect();
            tell(arguments[0], roles, times);
        }
    }
}

fn tell(command: &str, roles: usize, times: Vec<Duration>) {
    let slowest = times.iter().max().copied().unwrap_or_default();
    row(&[&command, &roles, &milliseconds(median(times)), &milliseconds(slowest)]);
}

fn time(command: &mut Command) -> Duration {
    let start = Instant::now();
    let output = command.output().expect("it runs");
    let time = start.elapsed();
    assert!(output.status.success(), "{command:?}: {output:?}");
    time
}
