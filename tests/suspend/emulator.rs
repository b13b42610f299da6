//! The STS emulator as a process of its own, for the scripts under tests/: what calls it may be suspended together with it,
//! or be written in another language. Takes orders on standard input, one per line, and answers each with one line.

#![expect(clippy::print_stdout, reason = "this program talks to a script")]

use evertoken::emulator::{Emulator, Fault, IssuedSession, Outage, Outcome, SessionKind, Settings};
use std::collections::BTreeSet;
use std::io::{self, BufRead};
use std::process::ExitCode;
use std::time::Duration;

/// `life SECONDS`, `outage on|off`, `hang on|off` (requests arrive and are never answered), `skew SECONDS` (how far STS is
/// ahead of this machine), `mfa SERIAL` (a device that takes any code, each once), `requests`,
/// `used ROLE` (how many sessions of the role have told who they are, and how many requests of its sessions were refused).
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
        ("mfa", serial) => sts.add_mfa_device(serial, |_| true),
        ("requests", "") => {}
        ("used", role) => return Ok(used(sts, role)),
        _ => return Err(format!("not an order: {order}")),
    }
    Ok(format!("requests {}", sts.request_count()))
}

fn used(sts: &Emulator, role: &str) -> String {
    let name = format!("/{role}");
    let is_of = |session: &IssuedSession| match &session.kind {
        SessionKind::Role { role_arn, .. } => role_arn.ends_with(&name),
        SessionKind::User { .. } => false,
    };
    let sessions = sts.sessions();
    let keys: BTreeSet<&str> = sessions.iter().filter(|one| is_of(one)).map(|one| one.access_key_id.as_str()).collect();
    let requests = sts.requests();
    let of_role = requests.iter().filter_map(|request| {
        let key = request.access_key_id.as_deref().filter(|key| keys.contains(key))?;
        Some((key, &request.outcome))
    });
    let told: BTreeSet<&str> =
        of_role.clone().filter(|(_, what)| **what == Outcome::Identified).map(|(key, _)| key).collect();
    let refused = of_role.filter(|(_, what)| matches!(what, Outcome::Refused { .. })).count();
    format!("used {} refused {refused}", told.len())
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
