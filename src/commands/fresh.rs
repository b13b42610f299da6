//! The session of one profile for whoever is about to use it: what stands in the store if that will do, else one pass
//! first. Never calls STS in place of a daemon while the session that it keeps is valid, and never hands out one that was
//! issued for other settings.

use crate::commands::cli::RefreshArgs;
use crate::commands::ending::{Ending, NOT_FINE};
use crate::commands::held::{Held, Running};
use crate::commands::refresh::ensure_fresh;
use crate::commands::refresh::limit::{self, Beyond};
use crate::commands::service::presence::start;
use crate::commands::setup::Setup;
use crate::engine::config::model::Entry;
use crate::engine::failure::Class;
use crate::engine::schedule::{enough_for_askers, lead};
use crate::engine::session::Session;
use crate::engine::status::Status;
use crate::engine::time::{Skew, WallTime};
use crate::shell::clock;
use crate::shell::environment::Environment;
use crate::shell::files::snapshot::{Identity, are_one};
use crate::shell::locks::{InstanceLock, RefreshLock};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a daemon may take to replace a session of other settings: it believes an edited config only after that has
/// stood still, and until then takes a session of the new settings for a foreign write and undoes it.
const TAKES_OVER: Duration = Duration::from_secs(10);
const A_MOMENT: Duration = Duration::from_millis(50);

/// A session for somebody who asked.
pub struct Fresh {
    /// It is valid, and has the life that was asked for.
    pub session: Session,
    /// How far STS is known to be ahead of this machine's clock.
    pub skew: Skew,
}

/// Who reads the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reader {
    /// This process, which hands it on: also one that the store could not take.
    Ourselves,
    /// A program that looks into the store.
    OfStore,
}

/// A valid session of `entry` with at least `min_ttl` of life left, where somebody asks for that much.
///
/// A session that will do is answered from the store alone: no lock, no call, no write, no thread.
///
/// # Errors
/// 1, with what is wrong and what to do; 78 when a pass is needed and the config may not be acted on.
pub fn session(
    setup: &Setup,
    entry: &Entry,
    min_ttl: Option<Duration>,
    reader: Reader,
    environment: &Arc<Environment>,
) -> Result<Fresh, Ending> {
    let wanted = min_ttl.unwrap_or(Duration::ZERO);
    let mut held = Held::look(setup, entry);
    if will_do(&held, entry, min_ttl) {
        return take(held, wanted, String::new);
    }
    // Nobody is called for what nobody can grant.
    if let Some(why) = min_ttl.and_then(|wanted| beyond(setup, &held, entry, wanted)) {
        return Err(Ending::new(NOT_FINE, why));
    }
    let running = running(setup, environment);
    if held.is_outdated() && running == Running::Yes && !environment.is_child() {
        // No daemon acts on it either.
        setup.may_act()?;
        held = replaced_by_the_daemon(setup, entry);
        if will_do(&held, entry, min_ttl) {
            return take(held, wanted, String::new);
        }
    }
    let recorded = setup.recorded();
    let valid = held.session(wanted);
    let as_it_is = environment.is_child()
        || match (valid, running) {
            // It renews the session in time, or knows why it cannot.
            (Some(_), Running::Yes) => true,
            (Some(session), Running::No { .. }) => min_ttl.is_none() && was_tried(setup, &held, entry, session),
            // What a daemon met minutes ago may be mended since.
            (None, _) => false,
        };
    if as_it_is {
        let why = held.why_not(wanted, recorded.as_ref(), running);
        return take(held, wanted, || why);
    }
    let args = RefreshArgs { profiles: vec![entry.profile.clone()], min_ttl, ..RefreshArgs::default() };
    // Whatever hinders it: what is valid and of the present settings is handed out all the same.
    let passed = ensure_fresh(setup.clone(), &args, environment);
    let held = Held::look(setup, entry);
    let (held, why) = match passed {
        Err(ending) if held.session(wanted).is_none() => {
            let failed = held.is_outdated() && ending.code == NOT_FINE;
            return Err(if failed { beside(&held.of_other_settings(), ending) } else { ending });
        }
        Err(_) => (held, String::new()),
        Ok(passed) => {
            let named = passed.sessions.into_iter().find(|(profile, _)| *profile == entry.profile);
            let given = named.map(|(_, session)| session).filter(|_| reader == Reader::Ourselves);
            let held = held.after(given, passed.skew);
            let mut profiles = passed.profiles.into_iter();
            let found = profiles.find(|profile| profile.profile == entry.profile.as_str());
            let why = match found.and_then(|found| found.error) {
                // It was just made, and neither a daemon nor another try would get more.
                None if held.session(Duration::ZERO).is_some() => beyond(setup, &held, entry, wanted)
                    .unwrap_or_else(|| format!("{}: no more was granted", held.what_is_wrong(wanted))),
                None => held.why_not(wanted, None, running),
                // A code that seems to be due is only what comes of it.
                Some(trouble) if held.is_unreadable() && trouble.class == Class::Source.as_str() => {
                    held.what_is_wrong(wanted)
                }
                Some(trouble) => {
                    let fix = trouble.fix.map(|fix| format!("\nfix: {fix}")).unwrap_or_default();
                    let what = if held.is_outdated() {
                        held.of_other_settings()
                    } else if held.session(Duration::ZERO).is_some() {
                        // There is one, and not enough of it.
                        held.what_is_wrong(wanted)
                    } else {
                        format!("no session for profile {}", entry.profile)
                    };
                    format!("{what}: {}{fix}", trouble.message)
                }
            };
            (held, why)
        }
    };
    take(held, wanted, || why)
}

fn take(held: Held<'_>, wanted: Duration, why: impl FnOnce() -> String) -> Result<Fresh, Ending> {
    let skew = held.skew();
    let session = held.into_session(wanted);
    session.map(|session| Fresh { session, skew }).ok_or_else(|| Ending::new(NOT_FINE, why()))
}

/// Why no session of `entry` ever has `wanted` left, and what to do.
fn beyond(setup: &Setup, held: &Held<'_>, entry: &Entry, wanted: Duration) -> Option<String> {
    let Beyond { message, fix } = limit::beyond(setup.config(), entry, held.found(), wanted)?;
    Some(format!("profile {}: {message}\nfix: {fix}", entry.profile))
}

/// The same ending, with what it means for whoever asked.
fn beside(what: &str, ending: Ending) -> Ending {
    let why = ending.message.strip_prefix("evertoken: ").unwrap_or(&ending.message);
    Ending::new(ending.code, format!("{what}: {why}"))
}

/// Whether the store's word is enough, daemon or not.
fn will_do(held: &Held<'_>, entry: &Entry, min_ttl: Option<Duration>) -> bool {
    held.session(Duration::ZERO).is_some_and(|session| {
        let enough = min_ttl.unwrap_or_else(|| enough_for_askers(entry.min_ttl, session.life()));
        held.left(session) >= enough && !held.is_in_doubt()
    })
}

/// Waits until a running daemon has replaced the session of other settings, as far as it can: it has failed if it noted a
/// failure since the config was edited, or if the edit is no news any more.
fn replaced_by_the_daemon<'a>(setup: &Setup, entry: &'a Entry) -> Held<'a> {
    let edited = edited(&setup.loaded.path);
    let is_old = || edited.is_none_or(|edited| clock::now().since(edited) >= TAKES_OVER);
    let since = |status: Status| {
        let profile = status.profiles.into_iter().find(|profile| profile.profile == entry.profile.as_str())?;
        WallTime::parse(&profile.error?.since).ok()
    };
    let started = clock::stopwatch();
    loop {
        let held = Held::look(setup, entry);
        let recorded = setup.recorded();
        let is_of_another =
            recorded.as_ref().is_some_and(|status| !are_one(&setup.loaded.path, Path::new(&status.config)));
        let failed = edited.zip(recorded.and_then(since)).is_some_and(|(edited, since)| since > edited.whole_seconds());
        if !held.is_outdated() || is_of_another || failed || is_old() || started.elapsed() >= TAKES_OVER {
            return held;
        }
        std::thread::sleep(A_MOMENT);
    }
}

/// When a config became what it is: written, put in the place of another one with its old times, or linked to.
fn edited(path: &Path) -> Option<WallTime> {
    let link = fs::symlink_metadata(path).ok().map(|metadata| Identity::of(&metadata));
    let times = [link, Identity::behind(path)].into_iter().flatten();
    let latest = times.map(|identity| identity.modified.max(identity.changed)).max()?;
    i64::try_from(latest / 1_000_000).ok().map(WallTime::from_unix_millis)
}

fn running(setup: &Setup, environment: &Environment) -> Running {
    // A lock file that cannot be opened is not one that somebody of ours holds.
    match InstanceLock::holder(setup.places()) {
        Ok(Some(_)) => Running::Yes,
        Ok(None) | Err(_) => Running::No { start: start(environment) },
    }
}

/// Somebody took the refresh lock a moment ago, and this session is what came of it, so far: whoever asks on every
/// request must not turn into a storm of calls for a role that was refused.
fn was_tried(setup: &Setup, held: &Held<'_>, entry: &Entry, session: &Session) -> bool {
    let taken = RefreshLock::last_taken(setup.places(), &entry.profile);
    taken.is_some_and(|taken| taken <= held.now() && held.now().since(taken) < lead(session.life()))
}

#[cfg(test)]
mod tests {
    use super::edited;
    use crate::engine::time::WallTime;
    use crate::shell::clock;
    use crate::shell::files::replace_private;
    use std::fs::File;
    use std::os::unix::fs::symlink;
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_config_was_edited_when_the_file_behind_its_link_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let (link, file) = (folder.path().join("config.toml"), folder.path().join("dotfile.toml"));
        symlink(&file, &link).expect("a link");
        let linked = edited(&link).expect("a link that leads nowhere has a time");
        std::thread::sleep(Duration::from_millis(50));
        replace_private(&file, b"new").expect("written");
        // A copy keeps the times of its original, and is news all the same.
        let file = File::options().write(true).open(&file).expect("a file");
        file.set_modified(SystemTime::UNIX_EPOCH).expect("set");
        assert!(edited(&link).expect("a time") > linked);
        assert!(edited(&link).expect("a time") <= clock::now());
        assert_eq!(edited(&folder.path().join("none")), None::<WallTime>);
    }
}
