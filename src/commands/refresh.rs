//! `evertoken refresh`: one pass, without or beside a running daemon.

mod difference;
mod dry_run;
pub(in crate::commands) mod limit;
mod stuck;

use crate::commands::cli::RefreshArgs;
use crate::commands::ending::{Ending, FINE, NOT_FINE};
use crate::commands::humane;
use crate::commands::output::Output;
use crate::commands::run::{on_runtime, unopened};
use crate::commands::setup::Setup;
use crate::daemon::pass::{Asked, Passed, pass};
use crate::daemon::station::Station;
use crate::engine::config::model::Entry;
use crate::engine::credentials_file::Observation;
use crate::engine::failure::Class;
use crate::engine::keeper::{Attendance, NoticeKind};
use crate::engine::names::ProfileName;
use crate::engine::session::Session;
use crate::engine::status::{Profile, Trouble};
use crate::engine::time::WallTime;
use crate::shell::clock;
use crate::shell::environment::Environment;
use crate::shell::terminal;
use limit::Beyond;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

/// Refreshes what has less life than its `min_ttl`.
///
/// # Errors
/// 1 when not everything is fresh afterwards, 2 for a profile that is not in the config, 78 when the config cannot work
/// beside the AWS config, or others could change which programs it names.
pub fn run<W: Write>(
    setup: Setup,
    args: &RefreshArgs,
    environment: &Arc<Environment>,
    output: &mut Output<W>,
) -> Result<u8, Ending> {
    for profile in &args.profiles {
        setup.entry(profile)?;
    }
    if args.dry_run {
        setup.may_act()?;
        return dry_run::run(&setup, args, environment, output);
    }
    let wished: Vec<Wished> =
        asked_entries(&setup, &args.profiles).into_iter().map(|e| Wished::of(&setup, e, args)).collect();
    let asked = Asked { anew: stuck::profiles(&setup, args), ..Asked::by(args) };
    let passed = one_pass(setup.clone(), asked, environment)?;
    tell_remarks(&passed)?;
    warn_of_other_config(&setup)?;
    let mut fine = true;
    for wished in wished {
        let Some(profile) = passed.profiles.iter().find(|profile| profile.profile == wished.entry.profile.as_str())
        else {
            continue;
        };
        let renewed = passed
            .notices
            .iter()
            .any(|notice| notice.kind == NoticeKind::Refreshed && notice.profiles.contains(&wished.entry.profile));
        let given = passed.sessions.iter().find(|(profile, _)| *profile == wished.entry.profile);
        let wished = wished.after(&setup, given.map(|(_, session)| session));
        let (good, line) = wished.line(profile, renewed, clock::now() + passed.skew);
        fine &= good;
        output.say(&format!("{line}\n"))?;
    }
    Ok(if fine { FINE } else { NOT_FINE })
}

/// One pass for whoever needs sessions with so much life.
///
/// # Errors
/// 1 when the network settings cannot be used, 78 when the config cannot work beside the AWS config, or others could change
/// which programs it names.
pub fn ensure_fresh(setup: Setup, args: &RefreshArgs, environment: &Arc<Environment>) -> Result<Passed, Ending> {
    one_pass(setup, Asked::by(args), environment)
}

fn one_pass(setup: Setup, asked: Asked, environment: &Arc<Environment>) -> Result<Passed, Ending> {
    setup.may_act()?;
    on_runtime(async {
        let mut station = Station::open(Arc::clone(environment), setup.loaded).map_err(unopened)?;
        if terminal::is_there() {
            // Apart from us it could not read from there, and whoever asked would wait for its end in vain.
            station.tools().sources.share_the_terminal();
        }
        pass(&mut station, asked).await.map_err(|error| Ending::failed(format!("wait for events: {error}")))
    })
}

/// What is written here for other settings than those of the daemon does not last.
pub fn warn_of_other_config(setup: &Setup) -> io::Result<()> {
    let Some(other) = setup.other_config() else { return Ok(()) };
    let ours = setup.loaded.path.display();
    let text =
        format!("evertoken: the daemon goes by {other}, and not by {ours}: it undoes what this one says otherwise");
    Output::new(io::stderr()).text(&(text + "\n"))
}

/// What was met on the way and is no failure, such as a duration that STS calls too long: beside the answer. Whatever ended
/// in a failure is told by that.
fn tell_remarks(passed: &Passed) -> Result<(), Ending> {
    let failed = |name: &ProfileName| {
        let mut profiles = passed.profiles.iter();
        profiles.any(|profile| profile.profile == name.as_str() && profile.error.is_some())
    };
    let mut stderr = Output::new(io::stderr());
    for notice in passed.notices.iter().filter(|notice| notice.kind == NoticeKind::Remark) {
        match notice.profiles.as_slice() {
            all if all.iter().all(failed) => {}
            [only] => stderr.text(&format!("{only}: {}\n", notice.message))?,
            _ => stderr.text(&format!("evertoken: {}\n", notice.message))?,
        }
    }
    Ok(())
}

impl Asked {
    /// What the arguments say.
    fn by(args: &RefreshArgs) -> Self {
        Self {
            profiles: args.profiles.clone(),
            min_ttl: args.min_ttl,
            force: args.force,
            anew: Vec::new(),
            attendance: Attendance::Alone,
        }
    }
}

fn asked_entries(setup: &Setup, profiles: &[ProfileName]) -> Vec<Arc<Entry>> {
    let entries = setup.config().entries.iter();
    entries.filter(|entry| profiles.is_empty() || profiles.contains(&entry.profile)).cloned().collect()
}

/// The session of ours that stands in the store.
fn stored(setup: &Setup, entry: &Entry) -> Option<Session> {
    match setup.stores().find(entry.store, &entry.profile) {
        Ok(Observation::Ours(session)) => Some(*session),
        _ => None,
    }
}

/// One profile of those that were asked for.
struct Wished {
    entry: Arc<Entry>,
    min_ttl: Option<Duration>,
    /// What stood in the store before.
    before: Option<Session>,
    /// Why nobody can tell what stood there.
    unread: Option<String>,
    beyond: Option<Beyond>,
}

impl Wished {
    fn of(setup: &Setup, entry: Arc<Entry>, args: &RefreshArgs) -> Self {
        let (before, unread) = match setup.stores().find(entry.store, &entry.profile) {
            Ok(Observation::Ours(session)) => (Some(*session), None),
            Ok(_) => (None, None),
            Err(why) => (None, Some(why)),
        };
        let min_ttl = args.min_ttl;
        let beyond = min_ttl.and_then(|wanted| limit::beyond(setup.config(), &entry, before.as_ref(), wanted));
        Self { entry, min_ttl, before, unread, beyond }
    }

    /// The same after a pass, which may have learnt what STS allows. `given` is the session that it ended with.
    fn after(self, setup: &Setup, given: Option<&Session>) -> Self {
        let Some(wanted) = self.min_ttl else { return self };
        let held = given.cloned().or_else(|| stored(setup, &self.entry));
        let beyond = limit::beyond(setup.config(), &self.entry, held.as_ref(), wanted);
        Self { beyond, ..self }
    }

    /// What became of it, and whether that is what was asked for. `now` is the time of STS.
    fn line(&self, profile: &Profile, renewed: bool, now: WallTime) -> (bool, String) {
        let name = &self.entry.profile;
        let left = u64::try_from(profile.expires_in_seconds.unwrap_or(0)).unwrap_or(0);
        let expires = profile.expires.as_deref().unwrap_or_default();
        let life = humane::life(left);
        if let Some(trouble) = &profile.error {
            return (false, self.trouble(trouble, now));
        }
        if left == 0 {
            return (false, format!("{name}: no session"));
        }
        if let Some(Beyond { message, fix }) = &self.beyond {
            return (false, format!("{name}: fresh until {expires} ({life}), but {message}\n  fix: {fix}"));
        }
        if let Some(wanted) = self.min_ttl.filter(|wanted| wanted.as_secs() > left) {
            let wanted = humane::life(wanted.as_secs());
            let short = format!("{life} is less than the {wanted} asked for: no more was granted");
            return (false, format!("{name}: fresh until {expires}, but {short}"));
        }
        let verb = if renewed { "refreshed" } else { "fresh" };
        (true, format!("{name}: {verb}, valid until {expires} ({life})"))
    }

    /// What went wrong, what there is all the same, and what to do.
    fn trouble(&self, trouble: &Trouble, now: WallTime) -> String {
        let name = &self.entry.profile;
        if let Some(why) = self.unread.as_ref().filter(|_| trouble.class == Class::Source.as_str()) {
            // A code that seems to be due is only what comes of it.
            return format!("{name}: failed to {why}");
        }
        let alive = self.before.as_ref().filter(|session| session.expiration > now);
        if let (Some(session), Some(beyond)) = (alive, &self.beyond)
            && self.entry.needs_human()
            && trouble.class == Class::Source.as_str()
        {
            // A person could only bring another one like it.
            let (until, life) = (session.expiration, humane::life(session.left(now).as_secs()));
            return format!("{name}: fresh until {until} ({life}), but {}\n  fix: {}", beyond.message, beyond.fix);
        }
        let unstored = if trouble.class == Class::Store.as_str() { "a new session could not be stored: " } else { "" };
        let kept = alive.map_or_else(String::new, |session| {
            let which = if session.digest == self.entry.digest { "" } else { ", of other settings," };
            format!(" (the old session{which} holds for another {})", humane::life(session.left(now).as_secs()))
        });
        let fix = trouble.fix.as_ref().map(|fix| format!("\n  fix: {fix}")).unwrap_or_default();
        let more = self.beyond.as_ref().map(|beyond| format!("\n  also: {}", beyond.message)).unwrap_or_default();
        format!("{name}: {unstored}{}{kept}{fix}{more}", trouble.message)
    }
}
