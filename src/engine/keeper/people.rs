//! What only a person can bring: MFA codes and logins. Announced an hour ahead, a trouble once it has ended.

use super::{Keeper, Mode, Notice, NoticeKind};
use crate::engine::config::model::{Entry, Source};
use crate::engine::failure::{Fault, SourceFault};
use crate::engine::schedule::ANNOUNCE_AHEAD;
use crate::engine::status::Warning;
use crate::engine::time::WallTime;

/// A login that ends: until when its source gives credentials without a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LoginEnd {
    pub(super) at: WallTime,
    /// From when on it is announced.
    pub(super) ahead: WallTime,
    pub(super) announced: bool,
}

impl LoginEnd {
    /// One that is heard of at `now`: an hour ahead, or when half of what is left by now has gone where that is less. A login
    /// that never lasts an hour is not announced whenever somebody logs in.
    fn heard_of(at: WallTime, now: WallTime) -> Self {
        Self { at, ahead: at - ANNOUNCE_AHEAD.min(at.since(now) / 2), announced: false }
    }
}

impl Keeper {
    /// What only a person can bring: announced an hour ahead, a trouble once it has ended.
    pub(super) fn note_human_step(&mut self, index: usize, now: WallTime) {
        let sts_now = self.sts_now(now);
        let kept = &self.kept[index];
        let is_needed = self.kept.children(index).iter().any(|child| self.is_in_wave(*child, sts_now));
        let waits = self.mode == Mode::Daemon || kept.want.is_some() || is_needed;
        if !waits || !kept.is_writable() {
            return;
        }
        let holds = kept.current().is_some_and(|session| session.expiration > sts_now);
        let is_due = kept.want.is_some() || !holds || (is_needed && !kept.can_sign(sts_now));
        if !is_due {
            self.announce_end(index, now);
        } else if !self.is_told(index) || kept.want.is_some() {
            let profile = kept.entry.profile.to_string();
            self.fail(index, Fault::Source(SourceFault::MfaDue { profile }), 1.0, now, now);
        }
    }

    /// Whether it is known to be in trouble.
    pub(super) fn is_told(&self, index: usize) -> bool {
        self.kept[index].gate.trouble().is_some()
    }

    fn announce_end(&mut self, index: usize, now: WallTime) {
        let sts_now = self.sts_now(now);
        let kept = &mut self.kept[index];
        let Some(end) = kept.current().map(|session| session.expiration) else { return };
        if end - ANNOUNCE_AHEAD > sts_now || kept.announced_end == Some(end) {
            return;
        }
        kept.announced_end = Some(end);
        let message = code_is_due(&kept.entry);
        self.news.say(NoticeKind::Expiring, &kept.entry, Some(end), message, now);
    }

    /// A source whose login ends is announced ahead, once.
    pub(super) fn announce_logins(&mut self, now: WallTime) {
        let sts_now = self.sts_now(now);
        while self.announcements.first().is_some_and(|(at, _)| *at <= sts_now) {
            self.agenda.logins.extend(self.announcements.pop_first().map(|(_, source)| source));
        }
        for source in std::mem::take(&mut self.agenda.logins) {
            let Some(login) = self.logins.get_mut(&source) else { continue };
            if login.announced || login.ahead > sts_now || login.at <= sts_now {
                continue;
            }
            let users = self.kept.users(&source).iter();
            let profiles: Vec<_> = users.map(|index| self.kept[*index].entry.profile.clone()).collect();
            if profiles.is_empty() {
                continue;
            }
            login.announced = true;
            let notice = Notice {
                kind: NoticeKind::Expiring,
                profiles,
                role_arn: None,
                expiration: Some(login.at),
                message: login_ends(&source),
                failure: None,
            };
            self.news.add(notice, now);
        }
    }

    /// What `status` warns of: the same as is announced.
    pub(super) fn end_ahead(&self, index: usize, now: WallTime) -> Option<Warning> {
        let kept = &self.kept[index];
        // What is left alone is not renewed, with a code or without.
        let session = kept.current().filter(|_| self.mode == Mode::Daemon && kept.is_writable())?;
        let (end, ahead, message) = if self.may_call(index) {
            let login = self.logins.get(&kept.entry.source)?;
            (login.at, login.ahead, login_ends(&kept.entry.source))
        } else {
            (session.expiration, session.expiration - ANNOUNCE_AHEAD, code_is_due(&kept.entry))
        };
        let sts_now = self.sts_now(now);
        (end > sts_now && ahead <= sts_now).then(|| Warning { at: end.to_string(), message })
    }

    /// What a source told of the end of its login.
    pub(super) fn note_login(&mut self, source: &Source, ends: Option<WallTime>, now: WallTime) {
        // The same end is announced once, however often the source is resolved.
        if self.logins.get(source).map(|login| login.at) == ends {
            return;
        }
        if let Some(old) = self.logins.remove(source) {
            self.announcements.remove(&(old.ahead, source.clone()));
        }
        if let Some(at) = ends {
            let login = LoginEnd::heard_of(at, self.sts_now(now));
            self.announcements.insert((login.ahead, source.clone()));
            self.logins.insert(source.clone(), login);
        }
    }
}

fn login_ends(source: &Source) -> String {
    format!("the login behind {source} ends soon, and nothing can be refreshed after that; log in again before")
}

fn code_is_due(entry: &Entry) -> String {
    format!("ends soon and needs a code for the next one: run `evertoken login {}`", entry.profile)
}
