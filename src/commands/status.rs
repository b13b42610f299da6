//! `evertoken status`: what the daemon has written down, put right by what the credentials files really hold. Changes
//! nothing and calls nobody.

mod causes;
mod fit;
pub mod merge;
pub mod notes;
mod page;
mod plain;
pub mod render;
mod table;
mod watch;

use crate::commands::cli::StatusArgs;
use crate::commands::ending::{Ending, FINE, NOT_FINE, NOT_RUNNING, USAGE};
use crate::commands::output::{Output, Surface};
use crate::commands::service::presence::start;
use crate::commands::service_manager::{Verb, command};
use crate::commands::setup::Setup;
use crate::engine::config::model::StoreKind;
use crate::engine::invocation::Invocation;
use crate::engine::status::{State, Status};
use crate::shell::clock;
use crate::shell::environment::Environment;
use crate::shell::known_skew::recall;
use crate::shell::locks::InstanceLock;
use jiff::tz::TimeZone;
use merge::Facts;
use notes::Note;
use render::{Style, render};
use std::io::Write;

/// Carries the command out.
///
/// # Errors
/// 2 for `--watch` without a terminal; 1 when the answer cannot be written.
pub fn run<W: Write>(
    setup: &Setup,
    args: &StatusArgs,
    environment: &Environment,
    output: &mut Output<W>,
) -> Result<u8, Ending> {
    let surface = || Surface::of_stdout(environment.wants_plain());
    let invocation = output.invocation().clone();
    let look = || {
        let seen = look(setup);
        Seen { status: told(seen.status, &invocation), notes: seen.notes }
    };
    let draw = |seen: &Seen, surface, rows| draw(seen, surface, rows, start(environment), &invocation);
    if args.watch {
        if !surface().terminal || environment.has_dumb_terminal() {
            return Err(Ending::new(
                USAGE,
                "--watch needs a terminal that can be drawn on; in a pipe or a script: evertoken status, or evertoken status --json",
            ));
        }
        let page = |surface: Surface| {
            let seen = look();
            (draw(&seen, surface, Some(surface.height)), verdict(&seen.status))
        };
        return watch::run(surface, page, output);
    }
    let seen = look();
    if args.json {
        let json = serde_json::to_string_pretty(&seen.status)
            .map_err(|error| Ending::failed(format!("write JSON: {error}")))?;
        output.text(&(json + "\n"))?;
    } else {
        output.text(&draw(&seen, surface(), None))?;
    }
    Ok(verdict(&seen.status))
}

/// What `status` shows on a surface.
pub fn screen(setup: &Setup, surface: Surface) -> String {
    draw(&look(setup), surface, None, command(Verb::Start), &Invocation::default())
}

fn draw(seen: &Seen, surface: Surface, rows: Option<usize>, start: &'static str, invocation: &Invocation) -> String {
    let invocation = invocation.clone();
    let style =
        Style { surface, rows, zone: TimeZone::system(), version: env!("CARGO_PKG_VERSION"), start, invocation };
    render(&seen.status, &seen.notes, clock::now(), &style)
}

fn verdict(status: &Status) -> u8 {
    if !status.daemon.running {
        NOT_RUNNING
    } else if status.profiles.iter().all(|profile| profile.state == State::Fresh) {
        FINE
    } else {
        NOT_FINE
    }
}

/// The same with commands that go by this config. What the daemon writes down names none: whoever reads it by
/// `status` has found the config already.
fn told(mut status: Status, invocation: &Invocation) -> Status {
    let tell = |text: &mut String| *text = invocation.told(text);
    for profile in &mut status.profiles {
        let error =
            profile.error.iter_mut().flat_map(|trouble| std::iter::once(&mut trouble.message).chain(&mut trouble.fix));
        error.for_each(tell);
        profile.expiring.iter_mut().for_each(|warning| tell(&mut warning.message));
    }
    status
}

/// Everything there is to know.
struct Seen {
    status: Status,
    notes: Vec<Note>,
}

/// How things stand.
pub fn gather(setup: &Setup) -> Status {
    look(setup).status
}

fn look(setup: &Setup) -> Seen {
    let stores = setup.stores();
    let sightings = [StoreKind::Shared, StoreKind::Private].map(|store| {
        let entries = setup.config().entries.iter().filter(|entry| entry.store == store);
        let profiles: Vec<_> = entries.map(|entry| entry.profile.clone()).collect();
        stores.observe(store, &profiles)
    });
    let facts = Facts {
        config: setup.config(),
        config_path: setup.loaded.path.display().to_string(),
        credentials_file: setup.places().credentials().display().to_string(),
        recorded: setup.recorded(),
        skew_seconds: recall(setup.places()).skew.seconds(),
        sightings: sightings.to_vec(),
        // A lock file that cannot be opened is not one that somebody of ours holds.
        holder: InstanceLock::holder(setup.places()).ok().flatten(),
    };
    let mut notes = notes::notes(setup.config(), &sightings);
    notes.extend(setup.other_config().map(|config| Note::of_other_config(&config)));
    Seen { status: facts.merge(clock::now()), notes }
}
