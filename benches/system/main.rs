//! What the daemon costs beside the least that could be paid: the same calls to STS by the bare SDK, eight at once, and
//! nothing done with what they bring. The STS emulator is a process of its own, so that its work counts for nobody. It
//! judges nothing: a slow machine is no mistake.
//!
//! `cargo bench --bench system`, or a part of it: `cargo bench --bench system -- waves 10 100`, `-- idle`

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "runs the binary, looks at a clock and at files, prints, and ends when something is missing"
)]

mod daemon;
mod emulator;
mod floor;
mod idle;
mod machine;
mod waves;

use std::env;
use std::fmt::Display;
use std::time::Duration;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["emulator"] => emulator::serve(),
        ["floor", url, roles, rounds] => {
            floor::call(url, roles.parse().expect("a number"), rounds.parse().expect("a number"));
        }
        parts => {
            // Numbers are lengths of lists, to measure these only.
            let (lists, parts): (Vec<&str>, Vec<&str>) = parts.iter().partition(|part| part.parse::<usize>().is_ok());
            let lists: Vec<usize> = lists.iter().filter_map(|roles| roles.parse().ok()).collect();
            let chosen = |part| parts.is_empty() || parts.contains(&part);
            if chosen("waves") {
                waves::measure(&lists);
            }
            if chosen("idle") {
                idle::measure();
            }
        }
    }
}

/// One line of a table in Markdown.
fn row(cells: &[&dyn Display]) {
    let cells: Vec<String> = cells.iter().map(ToString::to_string).collect();
    println!("| {} |", cells.join(" | "));
}

/// The line below the first, and the first.
fn head(cells: &[&dyn Display]) {
    println!();
    row(cells);
    println!("|{}", " --- |".repeat(cells.len()));
}

/// `1 role`, `1,000 roles`.
fn many(roles: usize) -> String {
    if roles == 1 { "1 role".to_owned() } else { format!("{} roles", grouped(roles)) }
}

/// `1,000`.
fn grouped(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}

fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    match milliseconds {
        0.0 => "0".to_owned(),
        small if small < 1.0 => format!("{small:.2} ms"),
        some if some < 10.0 => format!("{some:.1} ms"),
        many => format!("{many:.0} ms"),
    }
}

fn megabytes(kibibytes: Option<u64>) -> String {
    kibibytes.map_or("?".to_owned(), |kib| format!("{:.1} MB", kib as f64 * 1024.0 / 1e6))
}

fn ratio(ours: Duration, floor: Duration) -> String {
    format!("{:.1}", ours.as_secs_f64() / floor.as_secs_f64().max(1e-9))
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort();
    values[values.len() / 2]
}
