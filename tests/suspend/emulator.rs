//! The STS emulator as a process of its own, for the virtual machine of `tests/suspend/run`: it has to be suspended like
//! the daemon that calls it. Takes orders on standard input, one per line, and answers each with one line.

#![expect(clippy::print_stdout, reason = "this program talks to a script")]

use evertoken::emulator::{Emulator, Fault, Outage, Settings};
use std::io::{self, BufRead};
use std::process::ExitCode;
use std::time::Duration;

/// `life SECONDS`, `outage on|off`, `hang on|off` (requests arrive and are never answered), `skew SECONDS` (how far STS is ahead of this machine), `requests`.
fn obey(sts: &Emulator, order: &str) -> Result<String, String> {
    let (word, argument) = order.split_once(' ').unwrap_or((order, ""));
    let seconds = || argument.parse::<i64>().map_err(|error| format!("{order}: {error}"));
    let changed = |outage| sts.outage(outage).map_err(|error| format!("{order}: {error}"));
    match (word, argument) {
        ("life", _) => sts.set_life(Duration::from_secs(seconds()?.unsigned_abs())),
        ("skew", _) => sts.set_skew(seconds()?),
        ("outage", "on") => changed(Outage::Refused)?,
        ("outage", "off") => changed(Outage::None)?,
        ("hang", "on") => sts.inject(Fault::Hang),
        ("hang", "off") => sts.clear(),
        ("requests", "") => {}
        _ => return Err(format!("not an order: {order}")),
    }
    Ok(format!("requests {}", sts.request_count()))
}

fn main() -> ExitCode {
    let sts = match Emulator::start(Settings::default()) {
        Ok(sts) => sts,
        Err(error) => {
            println!("failed to start: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{}", sts.url());
    for order in io::stdin().lock().lines().map_while(Result::ok) {
        match obey(&sts, order.trim()) {
            Ok(answer) => println!("{answer}"),
            Err(error) => println!("failed: {error}"),
        }
    }
    ExitCode::SUCCESS
}
