//! `evertoken demo`: the real daemon, as a child with a home of its own, against an STS emulator on loopback. Sessions
//! live for seconds, so that a working day passes in half a minute. Touches nothing of the user's.

mod reader;
mod stage;

use crate::commands::ending::{Ending, FINE};
use crate::commands::output::Output;
use crate::emulator::{Emulator, Outage};
use reader::Reader;
use stage::Stage;
use std::io::Write;
use std::time::Duration;

/// How long a session of the emulator lives.
const LIFE: Duration = Duration::from_secs(12);
/// Far above what any step takes, for a machine that is busy with something else.
const BOUND: Duration = Duration::from_secs(60);

/// Plays the demo.
///
/// # Errors
/// 1 when a step does not come about; 130, 143 or 129 after INT, TERM or HUP.
pub fn run<W: Write>(output: &mut Output<W>) -> Result<u8, Ending> {
    let sts = Emulator::start(stage::settings(LIFE)).map_err(|e| Ending::failed(format!("start the emulator: {e}")))?;
    sts.deny_role(stage::LOCKED, "AccessDenied", stage::DENIAL);
    let stage = Stage::set_up(&sts.url()).map_err(Ending::failed)?;
    let mut show = Show { output };

    show.head("A workstation of its own")?;
    show.say(&format!(
        "Home {}, STS at {}, sessions of {} s. The config:",
        stage.home().display(),
        sts.url(),
        LIFE.as_secs()
    ))?;
    show.quote(&stage.config())?;

    show.head("The daemon starts: `evertoken run`")?;
    let mut daemon = stage.start_daemon().map_err(Ending::failed)?;
    wait(&stage, "the first sessions", || stage.holds("dev") && stage.holds("prod-read"))?;
    let reader = Reader::start(stage.credentials(), &["dev", "prod-read"]);
    wait(&stage, "a refusal", || daemon.log().contains("AccessDenied"))?;
    show.quote(&daemon.news())?;
    show.say("A program that reads the file every few milliseconds runs from here to the end.")?;

    show.head("Sessions are refreshed ahead of their end")?;
    let so_far = stage::granted(&sts, "Developer");
    wait(&stage, "two refreshes", || stage::granted(&sts, "Developer") >= so_far + 2)?;
    show.quote(&daemon.news())?;

    show.head("`evertoken status`: what is wrong, and what mends it")?;
    show.quote(&stage.status()?)?;

    show.head("STS cannot be reached for a while")?;
    sts.outage(Outage::Refused).map_err(|error| Ending::failed(format!("play an outage: {error}")))?;
    wait(&stage, "the trouble to be noticed", || daemon.log().contains("unreachable"))?;
    show.quote(&daemon.news())?;
    show.quote(&stage.status()?)?;
    sts.outage(Outage::None).map_err(|error| Ending::failed(format!("end an outage: {error}")))?;
    wait(&stage, "the recovery", || daemon.log().contains("trouble is over"))?;
    show.say("STS is back; what was good stayed in the file all the time:")?;
    show.quote(&daemon.news())?;

    show.head("The owner of the refused role mends its trust policy")?;
    sts.allow_role(stage::LOCKED);
    show.say("$ evertoken refresh locked")?;
    show.quote(&stage.evertoken(&["refresh", "locked"]).map_err(Ending::failed)?)?;
    wait(&stage, "the role to be fresh", || stage.holds("locked"))?;

    show.head("The credentials file, secrets left out")?;
    show.quote(&stage.credentials_without_secrets())?;
    wait(&stage, "the daemon to take it over", || stage.is_calm())?;
    show.quote(&stage.status()?)?;

    let code = daemon.stop().map_err(Ending::failed)?;
    let seen = reader.stop();
    show.head("What the reader saw")?;
    show.say(&format!(
        "{} reads of the file: {} torn or without a profile, {} with a session that had ended.\n\
         The daemon was told to stop and ended with exit code {code}. All of this was in a temporary folder, which is gone now.",
        seen.reads, seen.broken, seen.ended
    ))?;
    if seen.broken > 0 || seen.ended > 0 {
        return Err(Ending::failed("keep the promise in its own demo; please report this"));
    }
    show.say(
        "Next: `evertoken init` writes a config from what ~/.aws/config says, `evertoken check` tells whether it is right,\n\
         and `evertoken service install` keeps it fresh from now on.",
    )?;
    Ok(FINE)
}

/// Waits for something that the daemon is going to do.
fn wait(stage: &Stage, what: &str, is_so: impl Fn() -> bool) -> Result<(), Ending> {
    let came_about = stage::within(BOUND, || stage.interrupted().is_some() || is_so());
    if let Some(code) = stage.interrupted() {
        return Err(Ending::new(code, "broken off; the daemon of the demo and its folder are gone"));
    }
    if came_about {
        return Ok(());
    }
    let log = stage.home().display();
    Err(Ending::failed(format!("see {what} within {} s (home {log})", BOUND.as_secs())))
}

struct Show<'a, W: Write> {
    output: &'a mut Output<W>,
}

impl<W: Write> Show<'_, W> {
    fn head(&mut self, text: &str) -> Result<(), Ending> {
        Ok(self.output.text(&format!("\n== {text}\n"))?)
    }

    fn say(&mut self, text: &str) -> Result<(), Ending> {
        Ok(self.output.text(&format!("{text}\n"))?)
    }

    fn quote(&mut self, text: &str) -> Result<(), Ending> {
        let lines: String = text.lines().map(|line| format!("    {line}\n")).collect();
        Ok(self.output.text(&lines)?)
    }
}
