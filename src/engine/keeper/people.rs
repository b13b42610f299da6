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
    pub(super) announced: bool,
}

impl Keeper {
    /// What only a person can bring: announced an hour ahead, a trouble once it has ended.
    pub(super) fn note_human_step(&mut self, index: usize, now: WallTime) {
        let kept = &self.kept[index];
        let waits = self.mode == Mode::Daemon || kept.want.is_some() || self.is_needed_by_a_child(index);
        if !waits || !kept.is_writable() {
            return;
        }
        let end = kept.current().map(|session| session.expiration);
        if end.is_some_and(|end| end > self.sts_now(now)) && kept.want.is_none() {
            self.announce_end(index, now);
        } else if kept.gate.trouble().is_none() || kept.want.is_some() {
            let profile = kept.entry.profile.to_string();
            self.fail(index, Fault::Source(SourceFault::MfaDue { profile }), 1.0, now);
        }
    }

    fn is_needed_by_a_child(&self, index: usize) -> bool {
        self.kept.children(index).iter().any(|child| self.kept[*child].want.is_some())
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

    /// A source whose login ends before the next refresh of what hangs on it is announced an hour ahead, once.
    pub(super) fn announce_logins(&mut self, now: WallTime) {
        let sts_now = self.sts_now(now);
        while self.announcements.first().is_some_and(|(at, _)| *at <= sts_now) {
            self.agenda.logins.extend(self.announcements.pop_first().map(|(_, source)| source));
        }
        for source in std::mem::take(&mut self.agenda.logins) {
            let Some(login) = self.logins.get_mut(&source) else { continue };
            if login.announced || login.at - ANNOUNCE_AHEAD > sts_now || login.at <= sts_now {
                continue;
            }
            let users = self.kept.users(&source).iter().map(|index| &self.kept[*index]);
            let hanging = users.filter(|kept| kept.due() > login.at);
            let profiles: Vec<_> = hanging.map(|kept| kept.entry.profile.clone()).collect();
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
        let session = kept.current().filter(|_| self.mode == Mode::Daemon)?;
        let (end, message) = if self.may_call(index) {
            let login = self.logins.get(&kept.entry.source).filter(|login| kept.due() > login.at)?;
            (login.at, login_ends(&kept.entry.source))
        } else {
            (session.expiration, code_is_due(&kept.entry))
        };
        let sts_now = self.sts_now(now);
        let ahead = end > sts_now && end - ANNOUNCE_AHEAD <= sts_now;
        ahead.then(|| Warning { at: end.to_string(), message })
    }

    /// What a source told of the end of its login.
    pub(super) fn note_login(&mut self, source: &Source, ends: Option<WallTime>) {
        let known = self.logins.get(source).map(|login| login.at);
        // The same end is announced once, however often the source is resolved.
        if known == ends {
            return;
        }
        if let Some(old) = known {
            self.logins.remove(source);
            self.announcements.remove(&(old - ANNOUNCE_AHEAD, source.clone()));
        }
        if let Some(at) = ends {
            self.logins.insert(source.clone(), LoginEnd { at, announced: false });
            self.announcements.insert((at - ANNOUNCE_AHEAD, source.clone()));
        }
    }
}

fn login_ends(source: &Source) -> String {
    format!("the login behind {source} ends before the next refresh; log in again before that")
}

fn code_is_due(entry: &Entry) -> String {
    format!("ends soon and needs a code for the next one: run `evertoken login {}`", entry.profile)
}
