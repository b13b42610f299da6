//! One pass over some profiles, with or beside a running daemon: the same keeper, until everything asked for is settled.

use super::station::Station;
use crate::engine::keeper::{Action, Attendance, Event, Mode, Notice};
use crate::engine::names::ProfileName;
use crate::engine::status::Profile;
use crate::shell::clock::{self, Alarm};
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
}

/// Refreshes what was asked for once.
///
/// # Errors
/// When the operating system gives no timer.
pub async fn pass(station: &mut Station, asked: Asked) -> io::Result<Passed> {
    let mut alarm = Alarm::new()?;
    let mut keeper = station.keeper(Mode::OnePass, asked.attendance);
    let mut notices = Vec::new();
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
    Ok(Passed { profiles: keeper.profiles(clock::now()), notices })
}
