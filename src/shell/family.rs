//! The processes below a child at the terminal. It has to stay in our own process group to read from there, so no signal to
//! a group reaches them without reaching us. Kills those that stand below it at that moment, and nobody else.
#![expect(clippy::disallowed_methods, reason = "the shell looks into /proc")]

use crate::shell::panics::to_its_end;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// How long `ps` may take.
const LIMIT: Duration = Duration::from_secs(2);

/// Kills a child that nobody has waited for yet, with everything below it.
pub(super) async fn kill(child: Pid) {
    let mut family = vec![child];
    // A process that is stopped has no more children and waits for none: no number goes to anybody else meanwhile.
    signal(&family, Signal::STOP);
    loop {
        let found = parents().await;
        let below = found.into_iter().filter(|(it, parent)| family.contains(parent) && !family.contains(it));
        let below: Vec<Pid> = below.map(|(it, _)| it).collect();
        if below.is_empty() {
            break;
        }
        signal(&below, Signal::STOP);
        family.extend(below);
    }
    signal(&family, Signal::KILL);
}

fn signal(processes: &[Pid], signal: Signal) {
    for process in processes {
        // Gone already is as good.
        let _gone = kill_process(*process, signal);
    }
}

/// All processes that can be seen, each with its parent.
async fn parents() -> Vec<(Pid, Pid)> {
    let found = to_its_end(of_proc).await.unwrap_or_else(|_| of_proc());
    if !found.is_empty() {
        return found;
    }
    // macOS has no /proc.
    let mut ps = Command::new("/bin/ps");
    ps.args(["-A", "-o", "pid=,ppid="]).env_clear().stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(LIMIT, ps.output()).await {
        Ok(Ok(output)) => of_ps(&String::from_utf8_lossy(&output.stdout)),
        _ => Vec::new(),
    }
}

fn of_proc() -> Vec<(Pid, Pid)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbered = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let stats = numbered.filter_map(|number| fs::read_to_string(format!("/proc/{number}/stat")).ok());
    stats.filter_map(|stat| of_stat(&stat)).collect()
}

/// `PID (NAME) STATE PARENT …`, where the name may hold anything (proc(5)).
fn of_stat(stat: &str) -> Option<(Pid, Pid)> {
    let (head, rest) = stat.rsplit_once(')')?;
    Some((pid(head.split(' ').next()?)?, pid(rest.split_whitespace().nth(1)?)?))
}

fn of_ps(text: &str) -> Vec<(Pid, Pid)> {
    let pair = |line: &str| {
        let mut numbers = line.split_whitespace();
        Some((pid(numbers.next()?)?, pid(numbers.next()?)?))
    };
    text.lines().filter_map(pair).collect()
}

fn pid(text: &str) -> Option<Pid> {
    text.parse().ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::{of_ps, of_stat, pid};

    #[test]
    fn parents_are_read_whatever_a_program_is_called() {
        let pair = |it: &str, parent: &str| pid(it).zip(pid(parent));
        assert_eq!(of_stat("42 (a) 1 (b c) S 7 42 42 0"), pair("42", "7"));
        assert_eq!(of_stat("1 (init) S 0 1 1 0"), None, "it has no parent");
        assert_eq!(of_stat("rubbish"), None);
        assert_eq!(of_ps("    1     0\n   42     7\n\nx y\n").first().copied(), pair("42", "7"));
    }
}
