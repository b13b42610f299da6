//! Lists of every length: the first wave from the start of the process, waves after it, and the memory that they take.

use crate::floor::{self, Round};
use crate::machine::{Machine, Seen};
use crate::{grouped, head, many, median, megabytes, milliseconds, ratio, row};
use rustix::process::Signal;
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// Roles, and how often they are measured.
const LISTS: [(usize, usize); 4] = [(1, 11), (10, 11), (100, 5), (1_000, 3)];
/// Waves after the first.
const WAVES: usize = 5;
/// Reports follow within a second; the next order shall not meet them.
const AFTERMATH: Duration = Duration::from_millis(1200);
/// Longer than connections and threads are kept for the next call.
const SETTLE: Duration = Duration::from_secs(10);

/// One daemon from its start on.
struct Run {
    first: Seen,
    first_cpu: Duration,
    calls: usize,
    peak: Option<u64>,
    later: Vec<(Seen, Duration)>,
    resident: Option<u64>,
    private: Option<u64>,
}

/// All that was measured with lists of one length.
struct List {
    roles: usize,
    runs: Vec<Run>,
    /// Bare calls from the start of their process.
    bare_first: Vec<Round>,
    /// Bare calls by a process that has made such calls before.
    bare_later: Vec<Round>,
    bare_peak: Option<u64>,
}

impl List {
    fn measure(roles: usize, times: usize) -> Self {
        let mut list =
            Self { roles, runs: Vec::new(), bare_first: Vec::new(), bare_later: Vec::new(), bare_peak: None };
        for time in 0..times {
            let mut machine = Machine::new(roles);
            let (rounds, peak) = floor::run(&machine.sts.url, roles, 1 + WAVES, AFTERMATH);
            list.bare_first.push(rounds[0]);
            list.bare_later.extend_from_slice(&rounds[1..]);
            list.bare_peak = peak;
            // Memory is looked at once: it takes its time.
            list.runs.push(run(&mut machine, time == 0));
        }
        list
    }

    fn of<T: Ord + Copy>(&self, figure: impl Fn(&Run) -> T) -> T {
        median(self.runs.iter().map(figure).collect())
    }
}

/// `only` these lengths, or all when there are none.
pub(crate) fn measure(only: &[usize]) {
    let lists = LISTS.into_iter().filter(|(roles, _)| only.is_empty() || only.contains(roles));
    let lists: Vec<List> = lists.map(|(roles, times)| List::measure(roles, times)).collect();
    tell_first(&lists);
    tell_later(&lists);
    tell_memory(&lists);
}

fn tell_first(lists: &[List]) {
    head(&[
        &"the first wave, from the start of the process",
        &"wall, ratio",
        &"CPU, ratio",
        &"all fresh",
        &"first fresh",
        &"bare calls",
        &"CPU",
        &"bare CPU",
        &"calls",
        &"writes",
    ]);
    for list in lists {
        let (all, cpu) = (list.of(|run| run.first.all), list.of(|run| run.first_cpu));
        let wall = median(list.bare_first.iter().map(|round| round.wall).collect());
        let bare = median(list.bare_first.iter().map(|round| round.cpu).collect());
        row(&[
            &many(list.roles),
            &ratio(all, wall),
            &ratio(cpu, bare),
            &milliseconds(all),
            &milliseconds(list.of(|run| run.first.first)),
            &milliseconds(wall),
            &milliseconds(cpu),
            &milliseconds(bare),
            &grouped(list.of(|run| run.calls)),
            &list.of(|run| run.first.writes),
        ]);
    }
}

fn tell_later(lists: &[List]) {
    head(&[
        &"later waves",
        &"wall, ratio",
        &"CPU, ratio",
        &"all fresh",
        &"bare calls",
        &"CPU a role",
        &"CPU of a bare call",
        &"writes",
    ]);
    for list in lists {
        let waves: Vec<(Seen, Duration)> = list.runs.iter().flat_map(|run| run.later.iter().copied()).collect();
        let all = median(waves.iter().map(|wave| wave.0.all).collect());
        let cpu = median(waves.iter().map(|wave| wave.1).collect());
        let wall = median(list.bare_later.iter().map(|round| round.wall).collect());
        let bare = median(list.bare_later.iter().map(|round| round.cpu).collect());
        let each = |time: Duration| milliseconds(time / u32::try_from(list.roles).expect("a small number"));
        row(&[
            &many(list.roles),
            &ratio(all, wall),
            &ratio(cpu, bare),
            &milliseconds(all),
            &milliseconds(wall),
            &each(cpu),
            &each(bare),
            &median(waves.iter().map(|wave| wave.0.writes).collect()),
        ]);
    }
}

fn tell_memory(lists: &[List]) {
    head(&[&"memory", &"peak", &"peak of bare calls", &"resident when idle", &"of it data"]);
    for list in lists {
        let Some(run) = list.runs.first() else { continue };
        row(&[
            &many(list.roles),
            &megabytes(run.peak),
            &megabytes(list.bare_peak),
            &megabytes(run.resident),
            &megabytes(run.private),
        ]);
    }
    let ends: Vec<(usize, &Run)> = lists.iter().filter_map(|list| Some((list.roles, list.runs.first()?))).collect();
    if let [(few, one), .., (many, all)] = ends.as_slice() {
        let told = |of: fn(&Run) -> Option<u64>| {
            let grown = of(all).zip(of(one)).map(|(all, one)| all.saturating_sub(one) as f64 / (many - few) as f64);
            grown.map_or_else(|| "?".to_owned(), |kib| format!("{kib:.1} KiB"))
        };
        row(&[&"a role more", &told(|run| run.peak), &"", &told(|run| run.resident), &told(|run| run.private)]);
    }
}

fn run(machine: &mut Machine, memory: bool) -> Run {
    let asked = machine.sts.requests();
    let start = Instant::now();
    let mut daemon = machine.daemon();
    let first = machine.wave(&mut daemon, &HashSet::new(), start);
    daemon.rest(AFTERMATH);
    let first_cpu = daemon.cpu();
    let calls = machine.sts.requests() - asked;
    let later = (0..WAVES)
        .map(|_| {
            let (before, cpu) = (machine.sessions(), daemon.cpu());
            let start = Instant::now();
            daemon.signal(Signal::USR1);
            let seen = machine.wave(&mut daemon, &before, start);
            daemon.rest(AFTERMATH);
            (seen, daemon.cpu() - cpu)
        })
        .collect();
    let peak = daemon.status("VmHWM");
    if memory {
        daemon.rest(SETTLE);
    }
    let (resident, private) = (daemon.status("VmRSS"), daemon.status("RssAnon"));
    Run { first, first_cpu, calls, peak, later, resident, private }
}
