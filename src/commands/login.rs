//! `evertoken login`: whatever step is due that only a person can do. Decides which, asks, and tells how it went; a
//! running daemon sees the outcome in the files.

mod sign_in;

use crate::commands::cli::LoginArgs;
use crate::commands::ending::{Ending, FINE, INTERRUPTED, NOT_FINE, USAGE};
use crate::commands::humane;
use crate::commands::output::Output;
use crate::commands::run::{end_if_interrupted, runtime, unopened};
use crate::commands::setup::Setup;
use crate::daemon::pass::{Asked, pass};
use crate::daemon::station::Station;
use crate::engine::config::model::{Entry, Mfa};
use crate::engine::credentials_file::Observation;
use crate::engine::keeper::Attendance;
use crate::engine::names::ProfileName;
use crate::engine::secret::Secret;
use crate::engine::session::Session;
use crate::engine::status::{Profile, Trouble};
use crate::engine::time::WallTime;
use crate::shell::clock;
use crate::shell::environment::Environment;
use crate::shell::known_skew::recall;
use crate::shell::locks::InstanceLock;
use crate::shell::mfa::parse_code;
use crate::shell::signals::until_interrupted;
use crate::shell::terminal::{self, Answer};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A session that ends sooner is renewed while the person is here: as long before its end as the daemon announces it.
const SOON: Duration = Duration::from_secs(3600);
/// How often a person may mistype a code.
const ATTEMPTS: usize = 3;

/// Carries out the steps that are due.
///
/// # Errors
/// 1 when something cannot be opened, 2 for a profile that is not in the config and for `--code` without exactly one use,
/// 130 after Ctrl-C at a question, 78 when the config cannot work beside the AWS config, or others could change which programs it names.
pub fn run<W: Write>(
    setup: &Setup,
    args: &LoginArgs,
    environment: &Arc<Environment>,
    output: &mut Output<W>,
) -> Result<u8, Ending> {
    for profile in &args.profiles {
        setup.entry(profile)?;
    }
    setup.may_act()?;
    let entries = concerned(setup, &args.profiles);
    let steps = steps(setup, &entries, &args.profiles);
    let stores = setup.stores();
    for (entry, _) in &steps {
        // A code works only once, and what it brings could not be written down.
        stores.find(entry.store, &entry.profile).map_err(Ending::failed)?;
    }
    if args.code.is_some() && steps.len() != 1 {
        return Err(Ending::new(USAGE, misplaced_code(&steps)));
    }
    leaving_threads(runtime()?, |runtime| do_steps(setup, args, environment, &entries, &steps, runtime, output))
}

/// Works on a runtime, and waits for nothing that is left in other threads after that, such as a name that is being looked
/// up: the files are finished by then.
fn leaving_threads<T>(runtime: Runtime, work: impl FnOnce(&Runtime) -> T) -> T {
    let done = work(&runtime);
    runtime.shutdown_background();
    end_if_interrupted();
    done
}

fn do_steps<W: Write>(
    setup: &Setup,
    args: &LoginArgs,
    environment: &Arc<Environment>,
    entries: &[Arc<Entry>],
    steps: &[(Arc<Entry>, Mfa)],
    runtime: &Runtime,
    output: &mut Output<W>,
) -> Result<u8, Ending> {
    let mut station = Station::open(Arc::clone(environment), setup.loaded.clone()).map_err(unopened)?;
    if terminal::is_there() {
        station.tools().codes.share_the_terminal();
        station.tools().sources.share_the_terminal();
    }
    let signed_in = sign_in::run(setup, entries, runtime, &station, output)?;
    let mut desk = Desk { runtime, station: &mut station, given: args.code.clone(), failed: Vec::new() };
    for (entry, mfa) in steps {
        let line = match desk.renew(entry, mfa)? {
            Ok(line) => line,
            Err(why) => {
                desk.failed.push(entry.profile.clone());
                why
            }
        };
        output.say(&format!("{line}\n"))?;
    }
    let failed = signed_in.failed || !desk.failed.is_empty();
    if steps.is_empty() && !signed_in.did_something && !failed {
        output.say("nothing is due\n")?;
    } else if !failed && !matches!(InstanceLock::holder(setup.places()), Ok(Some(_))) {
        output.say("evertoken is not running: `evertoken refresh` renews the profiles that waited for this\n")?;
    }
    Ok(if failed { NOT_FINE } else { FINE })
}

/// The named entries and those that they stand on; all when none is named. Parents first, as in the config.
fn concerned(setup: &Setup, named: &[ProfileName]) -> Vec<Arc<Entry>> {
    let config = setup.config();
    let mut wanted: Vec<&ProfileName> = named.iter().collect();
    let mut next = 0;
    while let Some(profile) = wanted.get(next) {
        let parent = config.entry(profile.as_str()).and_then(|entry| entry.parent());
        wanted.extend(parent.filter(|parent| !wanted.contains(parent)));
        next += 1;
    }
    let all = config.entries.iter();
    all.filter(|entry| named.is_empty() || wanted.contains(&&entry.profile)).cloned().collect()
}

/// The entries for which a code is due, or was asked for by name.
fn steps(setup: &Setup, entries: &[Arc<Entry>], named: &[ProfileName]) -> Vec<(Arc<Entry>, Mfa)> {
    let now = clock::now() + recall(setup.places()).skew;
    let stores = setup.stores();
    let is_due = |entry: &Entry| {
        let sections = stores.observe(entry.store, std::slice::from_ref(&entry.profile)).sections;
        let found = sections.ok().and_then(|all| all.into_iter().find(|(name, _)| *name == entry.profile));
        match found {
            Some((_, Observation::Ours(session))) => session.digest != entry.digest || ends_soon(&session, now),
            _ => true,
        }
    };
    let with_mfa = entries.iter().filter_map(|entry| Some((Arc::clone(entry), entry.mfa.clone()?)));
    with_mfa.filter(|(entry, _)| named.contains(&entry.profile) || is_due(entry)).collect()
}

/// A short session is not always about to end.
fn ends_soon(session: &Session, now: WallTime) -> bool {
    session.left(now) < SOON.min(session.life() / 2)
}

fn misplaced_code(steps: &[(Arc<Entry>, Mfa)]) -> String {
    if steps.is_empty() {
        return "--code is of no use: no MFA code is due; name the profile to renew it ahead of time".to_owned();
    }
    let names: Vec<&str> = steps.iter().map(|(entry, _)| entry.profile.as_str()).collect();
    format!(
        "--code is for one step, but codes are due for {}: name one of them (a code works only once)",
        names.join(", ")
    )
}

/// What is needed to renew one session after the other.
struct Desk<'a> {
    runtime: &'a Runtime,
    station: &'a mut Station,
    /// `--code`.
    given: Option<Secret>,
    failed: Vec<ProfileName>,
}

impl Desk<'_> {
    /// Renews one session. `Ok(Err)` is a line for the person.
    fn renew(&mut self, entry: &Entry, mfa: &Mfa) -> Result<Result<String, String>, Ending> {
        let name = &entry.profile;
        if let Some(parent) = entry.parent().filter(|parent| self.failed.contains(parent)) {
            return Ok(Err(format!("{name}: waits for {parent}")));
        }
        for attempt in 1..=ATTEMPTS {
            let asks = self.given.is_none() && mfa.command.is_none();
            if let Some(code) = self.given.take() {
                self.station.tools().codes.give(&mfa.serial, code);
            } else if asks {
                match self.ask(name, mfa)? {
                    Ok(()) => {}
                    Err(why) => return Ok(Err(why)),
                }
            }
            let after = self.pass(name)?;
            match after.error {
                None => return Ok(Ok(fresh(&after))),
                Some(trouble) if asks && attempt < ATTEMPTS && is_about_the_code(&trouble, name) => {
                    complain(&format!("{name}: {}", trouble.message))?;
                }
                Some(trouble) => {
                    // A wrong code needs no advice to do what was just done.
                    let fix = trouble.fix.as_ref().filter(|_| !is_about_the_code(&trouble, name));
                    let fix = fix.map(|fix| format!("\n  fix: {fix}")).unwrap_or_default();
                    return Ok(Err(format!("{name}: {}{fix}", trouble.message)));
                }
            }
        }
        Ok(Err(format!("{name}: no code was accepted")))
    }

    /// Asks the person until there is a code that the device's last request did not have.
    fn ask(&self, name: &ProfileName, mfa: &Mfa) -> Result<Result<(), String>, Ending> {
        if !terminal::is_there() {
            let how = format!("evertoken login {name} --code CODE");
            return Ok(Err(format!("{name}: an MFA code is due, and there is no terminal to ask on\n  fix: {how}")));
        }
        loop {
            let question = format!("MFA code for {name} ({}): ", mfa.serial);
            let answer = terminal::ask_secretly(&question)
                .map_err(|error| Ending::failed(format!("ask for the code: {error}")))?;
            let answer = match answer {
                Answer::Typed(answer) => answer,
                Answer::Nothing => return Ok(Err(format!("{name}: no code was given"))),
                Answer::Stop => return Err(Ending::new(INTERRUPTED, "stopped; no code was given")),
            };
            match parse_code(answer.expose()) {
                None => complain("a code has six digits")?,
                Some(code) => {
                    if self.station.tools().codes.give(&mfa.serial, code) {
                        return Ok(Ok(()));
                    }
                    complain("this code was used already and works only once: wait for the next one")?;
                }
            }
        }
    }

    fn pass(&mut self, name: &ProfileName) -> Result<Profile, Ending> {
        let asked = Asked {
            profiles: vec![name.clone()],
            min_ttl: None,
            force: true,
            anew: Vec::new(),
            attendance: Attendance::Attended,
        };
        let passed = self.runtime.block_on(until_interrupted(pass(self.station, asked)))?;
        let passed = passed.map_err(|error| Ending::failed(format!("wait for events: {error}")))?;
        let found = passed.profiles.into_iter().find(|profile| profile.profile == name.as_str());
        found.ok_or_else(|| Ending::failed(format!("find profile {name} again")))
    }
}

/// Whether another code would mend it: then the advice is to do what is being done.
fn is_about_the_code(trouble: &Trouble, name: &ProfileName) -> bool {
    trouble.fix.as_deref() == Some(format!("evertoken login {name}").as_str())
}

fn fresh(profile: &Profile) -> String {
    let life = humane::life(u64::try_from(profile.expires_in_seconds.unwrap_or(0)).unwrap_or(0));
    let until = profile.expires.as_deref().unwrap_or("an unknown time");
    format!("{}: logged in, valid until {until} ({life})", profile.profile)
}

/// Beside the question, not among the answers.
fn complain(what: &str) -> Result<(), Ending> {
    Ok(writeln!(std::io::stderr(), "{what}")?)
}

#[cfg(test)]
mod tests {
    use super::leaving_threads;
    use crate::commands::run::runtime;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn the_end_waits_for_no_thread_that_is_still_blocked() {
        let (release, blocked) = channel::<()>();
        let (tell, told) = channel();
        leaving_threads(runtime().expect("a runtime"), |runtime| {
            let is_there = tell.clone();
            runtime.spawn_blocking(move || {
                is_there.send("blocked").expect("a listener");
                let _released_or_not = blocked.recv_timeout(Duration::from_secs(30));
                is_there.send("done").expect("a listener");
            });
            assert_eq!(told.recv_timeout(Duration::from_secs(30)), Ok("blocked"));
        });
        assert!(told.try_recv().is_err(), "it was waited for");
        release.send(()).expect("still blocked");
        assert_eq!(told.recv_timeout(Duration::from_secs(30)), Ok("done"));
    }
}
