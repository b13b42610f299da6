//! What a person is told: once per cause, for all profiles concerned, and not again until the cause changes.

use super::action::{Notice, NoticeKind};
use crate::engine::config::model::Entry;
use crate::engine::failure::{Class, Failure};
use crate::engine::names::ProfileName;
use crate::engine::schedule::WAVE;
use crate::engine::time::WallTime;
use std::collections::BTreeMap;

/// Collects what happened until a wave is over.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct News {
    pending: Vec<Notice>,
    first: Option<WallTime>,
    /// The trouble that each profile was last reported with.
    told: BTreeMap<ProfileName, Cause>,
}

/// What makes two troubles the same one.
type Cause = (Class, Option<String>, Option<String>);

fn cause(failure: &Failure) -> Cause {
    (failure.class, failure.code.clone(), failure.fix.clone())
}

impl News {
    /// A profile is in trouble; said only when it is news.
    pub(super) fn trouble(&mut self, entry: &Entry, expiration: Option<WallTime>, failure: &Failure, now: WallTime) {
        if self.told.get(&entry.profile) == Some(&cause(failure)) {
            return;
        }
        self.told.insert(entry.profile.clone(), cause(failure));
        let same = |notice: &&mut Notice| {
            notice.kind == NoticeKind::Failed && notice.failure.as_ref().map(cause) == Some(cause(failure))
        };
        if let Some(notice) = self.pending.iter_mut().find(same) {
            notice.profiles.push(entry.profile.clone());
            return;
        }
        let mut notice = about(NoticeKind::Failed, entry, expiration, failure.message.clone());
        notice.failure = Some(failure.clone());
        self.add(notice, now);
    }

    /// A profile is out of its trouble; said only when the trouble had been.
    pub(super) fn recovered(&mut self, entry: &Entry, expiration: Option<WallTime>, now: WallTime) {
        if self.told.remove(&entry.profile).is_none() {
            return;
        }
        for notice in &mut self.pending {
            // Not even said yet: then neither is.
            if notice.kind == NoticeKind::Failed && notice.profiles.contains(&entry.profile) {
                notice.profiles.retain(|profile| *profile != entry.profile);
                return;
            }
        }
        if let Some(notice) = self.pending.iter_mut().find(|notice| notice.kind == NoticeKind::Recovered) {
            notice.profiles.push(entry.profile.clone());
            return;
        }
        self.add(about(NoticeKind::Recovered, entry, expiration, "the trouble is over".to_owned()), now);
    }

    /// The class of the trouble that was last told of a profile.
    pub(super) fn told_class(&self, entry: &Entry) -> Option<Class> {
        self.told.get(&entry.profile).map(|cause| cause.0)
    }

    /// Anything that is said for one profile as it happens.
    pub(super) fn say(
        &mut self,
        kind: NoticeKind,
        entry: &Entry,
        expiration: Option<WallTime>,
        message: String,
        now: WallTime,
    ) {
        self.add(about(kind, entry, expiration, message), now);
    }

    pub(super) fn add(&mut self, notice: Notice, now: WallTime) {
        self.first.get_or_insert(now);
        self.pending.push(notice);
    }

    /// When to speak at the latest.
    pub(super) fn deadline(&self) -> Option<WallTime> {
        self.first.map(|first| first + WAVE)
    }

    /// Everything that was collected.
    pub(super) fn take(&mut self) -> Vec<Notice> {
        self.first = None;
        let mut notices = std::mem::take(&mut self.pending);
        notices.retain(|notice| !notice.profiles.is_empty());
        notices
    }

    /// A profile left the list.
    pub(super) fn forget(&mut self, profile: &ProfileName) {
        self.told.remove(profile);
    }
}

fn about(kind: NoticeKind, entry: &Entry, expiration: Option<WallTime>, message: String) -> Notice {
    Notice {
        kind,
        profiles: vec![entry.profile.clone()],
        role_arn: entry.role_arn().map(ToString::to_string),
        expiration,
        message,
        failure: None,
    }
}
