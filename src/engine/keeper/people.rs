//! What only a person can bring: MFA codes and logins. Announced an hour ahead, a trouble once it has ended.

use super::kept::OnDisk;
use super::{Keeper, Mode, Notice, NoticeKind};
use crate::engine::failure::{Fault, SourceFault};
use crate::engine::schedule::ANNOUNCE_AHEAD;
use crate::engine::time::WallTime;

/// A login that ends: until when its source gives credentials without a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LoginEnd {
    pub(super) at: WallTime,
    pub(super) announced: bool,
}

impl Keeper {
    /// What only a person can bring: announced an hour ahead, a trouble once it has ended.
    pub(super) fn note_human_steps(&mut self, now: WallTime) {
        let sts_now = self.sts_now(now);
        for index in 0..self.kept.len() {
            let kept = &self.kept[index];
            let waits = self.mode == Mode::Daemon || kept.want.is_some() || self.is_needed_by_a_child(index);
            if !waits || self.may_call(index) || matches!(kept.on_disk, OnDisk::Unknown | OnDisk::LeftAlone(_)) {
                continue;
            }
            let end = kept.current().map(|session| session.expiration);
            if end.is_some_and(|end| end > sts_now) && kept.want.is_none() {
                self.announce_end(index, now);
            } else if kept.gate.trouble().is_none() || kept.want.is_some() {
                let profile = kept.entry.profile.to_string();
                self.fail(index, Fault::Source(SourceFault::MfaDue { profile }), 1.0, now);
            }
        }
    }

    fn is_needed_by_a_child(&self, index: usize) -> bool {
        let profile = &self.kept[index].entry.profile;
        self.kept.iter().any(|kept| kept.want.is_some() && kept.entry.parent() == Some(profile))
    }

    fn announce_end(&mut self, index: usize, now: WallTime) {
        let sts_now = self.sts_now(now);
        let kept = &mut self.kept[index];
        let Some(end) = kept.current().map(|session| session.expiration) else { return };
        if end - ANNOUNCE_AHEAD > sts_now || kept.announced_end == Some(end) {
            return;
        }
        kept.announced_end = Some(end);
        let message =
            format!("ends soon and needs a code for the next one: run `evertoken login {}`", kept.entry.profile);
        self.news.say(NoticeKind::Expiring, &kept.entry, Some(end), message, now);
    }

    /// A source whose login ends before the next refresh of what hangs on it is announced an hour ahead, once.
    pub(super) fn announce_logins(&mut self, now: WallTime) {
        let sts_now = self.sts_now(now);
        let mut news = Vec::new();
        for (source, login) in &mut self.logins {
            if login.announced || login.at - ANNOUNCE_AHEAD > sts_now || login.at <= sts_now {
                continue;
            }
            let hanging = self.kept.iter().filter(|kept| kept.entry.source == *source && kept.due() > login.at);
            let profiles: Vec<_> = hanging.map(|kept| kept.entry.profile.clone()).collect();
            if profiles.is_empty() {
                continue;
            }
            login.announced = true;
            news.push(Notice {
                kind: NoticeKind::Expiring,
                profiles,
                role_arn: None,
                expiration: Some(login.at),
                message: format!("the login behind {source} ends before the next refresh; log in again before that"),
                failure: None,
            });
        }
        for notice in news {
            self.news.add(notice, now);
        }
    }

    /// When the next login is to be announced, in the time of STS.
    pub(super) fn next_announcement(&self) -> Option<WallTime> {
        let ahead = self.logins.values().filter(|login| !login.announced).map(|login| login.at - ANNOUNCE_AHEAD);
        ahead.min()
    }
}
