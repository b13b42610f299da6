//! One pass over some profiles, with or beside a running daemon: the same keeper, until everything asked for is settled.

use super::station::Station;
use crate::engine::keeper::{Action, Attendance, Event, Mode, Notice};
use crate::engine::names::ProfileName;
use crate::engine::session::Session;
use crate::engine::status::Profile;
use crate::engine::time::{Skew, WallTime};
use crate::shell::clock::{self, Alarm};
use crate::shell::known_skew::KnownSkew;
use std::io;
use std::time::Duration;

/// What somebody asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// For whom; everybody when empty.
    pub profiles: Vec<ProfileName>,
    /// The life that shall be left.
    pub min_ttl: Option<Duration>,
    /// Whether to call STS also for sessions that have it.
    pub force: bool,
    /// Those of them that STS is called for in any case.
    pub anew: Vec<ProfileName>,
    /// Whether a person is there for MFA codes.
    pub attendance: Attendance,
}

impl Asked {
    /// The same as the keeper hears it.
    pub fn questions(&self) -> impl Iterator<Item = Event> {
        let anew = Event::Asked { profiles: self.anew.clone(), min_ttl: self.min_ttl, force: true };
        let all = Event::Asked { profiles: self.profiles.clone(), min_ttl: self.min_ttl, force: self.force };
        // Without names it would be a question about everybody.
        Some(anew).filter(|_| !self.anew.is_empty()).into_iter().chain([all])
    }
}

/// How it went.
#[derive(Clone, PartialEq, Debug)]
pub struct Passed {
    /// All profiles of the config as they stand now.
    pub profiles: Vec<Profile>,
    /// What happened on the way.
    pub notices: Vec<Notice>,
    /// The sessions of those that were named, also where the file could not be written.
    pub sessions: Vec<(ProfileName, Session)>,
    /// How far STS is ahead of this machine's clock, as it told.
    pub skew: Skew,
}

/// Refreshes what was asked for once.
///
/// # Errors
/// When the operating system gives no timer, and where the pass would never end.
pub async fn pass(station: &mut Station, asked: Asked) -> io::Result<Passed> {
    let mut alarm = Alarm::new()?;
    let mut keeper = station.keeper(Mode::OnePass, asked.attendance);
    let clocks = (keeper.skew(), keeper.knows_the_clock());
    let mut notices = Vec::new();
    let mut questions = asked.questions().collect::<Vec<_>>();
    loop {
        while let Some(action) = keeper.poll_action() {
            match action {
                Action::Tell(notice) => notices.push(notice),
                Action::Report => {}
                other => station.carry_out(other),
            }
        }
        if keeper.is_settled() {
            // What there is to refresh is known only now that the files were looked at.
            if questions.is_empty() {
                break;
            }
            questions.drain(..).for_each(|question| keeper.handle(question, clock::now()));
            continue;
        }
        let event = next_event(station, &mut alarm, keeper.next_wakeup(clock::now())).await?;
        keeper.handle(event, clock::now());
    }
    if keeper.knows_the_clock() && (keeper.skew(), true) != clocks {
        // Whoever looks at the store next judges it by this. Where it cannot be written down, they ask STS again.
        let _not_recorded = KnownSkew::default().record(&station.loaded.places, keeper.skew());
    }
    let session = |profile: ProfileName| keeper.session_of(&profile).cloned().map(|session| (profile, session));
    let sessions = asked.profiles.into_iter().filter_map(session).collect();
    Ok(Passed { profiles: keeper.profiles(clock::now()), notices, sessions, skew: keeper.skew() })
}

/// The next event. A keeper that expects an answer also means to wake, to give up what got lost: one that neither is done
/// nor will ever go on is better reported than waited for.
async fn next_event(station: &mut Station, alarm: &mut Alarm, wakeup: Option<WallTime>) -> io::Result<Event> {
    if wakeup.is_none() {
        let stuck =
            || io::Error::other("this pass waits for nothing and is not done, a bug of evertoken; please report it");
        return station.try_next_event().ok_or_else(stuck);
    }
    tokio::select! {
        Some(event) = station.next_event() => Ok(event),
        waited = alarm.wait(wakeup) => waited.map(|()| Event::Tick),
    }
}

#[cfg(test)]
mod tests {
    use super::{Station, next_event};
    use crate::engine::keeper::{Action, Event};
    use crate::shell::clock::{self, Alarm};
    use crate::shell::config_file;
    use crate::shell::environment::Environment;
    use crate::shell::files::replace_private;
    use std::sync::Arc;
    use std::time::Duration;

    const CONFIG: &[u8] = b"[[role]]\nprofile = \"dev\"\nrole_arn = \"arn:aws:iam::111122223333:role/dev\"\n";

    #[tokio::test]
    async fn a_pass_that_waits_for_nothing_ends() {
        let home = tempfile::tempdir().expect("a home");
        let config = home.path().join("config.toml");
        replace_private(&config, CONFIG).expect("written");
        let environment = Arc::new(Environment::from_vars([("HOME", home.path())]));
        let loaded = config_file::load(&environment, &config).expect("a config");
        let mut station = Station::open(environment, loaded).expect("a station");
        let mut alarm = Alarm::new().expect("an alarm");
        let next = next_event(&mut station, &mut alarm, None);
        let ended = tokio::time::timeout(Duration::from_secs(30), next).await.expect("it waits for ever");
        assert!(ended.expect_err("nothing comes").to_string().contains("please report it"));
        // What has come in already is taken, and what is under way is waited for.
        let soon = clock::now() + Duration::from_secs(30);
        station.carry_out(Action::Observe);
        let seen = next_event(&mut station, &mut alarm, Some(soon)).await.expect("an event");
        assert!(matches!(seen, Event::Observed(_)), "{seen:?}");
    }
}
