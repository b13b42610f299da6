//! One pass over some profiles, with or beside a running daemon: the same keeper, until everything asked for is settled.

use super::station::Station;
use crate::engine::keeper::{Action, Attendance, Event, Mode, Notice};
use crate::engine::names::ProfileName;
use crate::engine::session::Session;
use crate::engine::status::Profile;
use crate::engine::time::Skew;
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
    /// Whether a person is there for MFA codes.
    pub attendance: Attendance,
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
/// When the operating system gives no timer.
pub async fn pass(station: &mut Station, asked: Asked) -> io::Result<Passed> {
    let mut alarm = Alarm::new()?;
    let mut keeper = station.keeper(Mode::OnePass, asked.attendance);
    let clocks = (keeper.skew(), keeper.knows_the_clock());
    let mut notices = Vec::new();
    let named = asked.profiles.clone();
    let mut question = Some(Event::Asked { profiles: asked.profiles, min_ttl: asked.min_ttl, force: asked.force });
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
            match question.take() {
                Some(question) => {
                    keeper.handle(question, clock::now());
                    continue;
                }
                None => break,
            }
        }
        let wakeup = keeper.next_wakeup(clock::now());
        let event = tokio::select! {
            Some(event) = station.next_event() => event,
            waited = alarm.wait(wakeup) => {
                waited?;
                Event::Tick
            }
        };
        keeper.handle(event, clock::now());
    }
    if keeper.knows_the_clock() && (keeper.skew(), true) != clocks {
        // Whoever looks at the store next judges it by this. Where it cannot be written down, they ask STS again.
        let _not_recorded = KnownSkew::default().record(&station.loaded.places, keeper.skew());
    }
    let session = |profile: ProfileName| keeper.session_of(&profile).cloned().map(|session| (profile, session));
    let sessions = named.into_iter().filter_map(session).collect();
    Ok(Passed { profiles: keeper.profiles(clock::now()), notices, sessions, skew: keeper.skew() })
}
