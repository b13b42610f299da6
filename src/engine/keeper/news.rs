//! What a person is told: once per cause, for all profiles concerned, and not again until the cause changes.

use super::action::{Notice, NoticeKind};
use crate::engine::config::model::Entry;
use crate::engine::failure::{Class, Failure};
use crate::engine::names::ProfileName;
use crate::engine::schedule::WAVE;
use crate::engine::time::{Skew, WallTime};
use crate::engine::wording::{Subject, Wording};
use std::collections::BTreeMap;

/// Collects what happened until a wave is over.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct News {
    pending: Vec<Pending>,
    first: Option<WallTime>,
    /// The trouble that each profile was last reported with.
    told: BTreeMap<ProfileName, Told>,
}

/// What will be said.
#[derive(Clone, PartialEq, Debug)]
struct Pending {
    notice: Notice,
    /// What it says of anybody.
    worded: Worded,
    /// Whether it concerns profiles whose own words would name other roles or profiles.
    is_for_each: bool,
}

/// A trouble without the names of whose it is: what happened, and what mends it.
type Worded = (Wording, Option<Wording>);

/// What makes two troubles the same one.
type Cause = (Class, Option<String>, Option<String>);

/// A trouble that was told, or is about to be.
#[derive(Clone, PartialEq, Debug)]
struct Told {
    cause: Cause,
    worded: Worded,
}

fn cause(failure: &Failure) -> Cause {
    (failure.class, failure.code.clone(), failure.fix.clone())
}

impl News {
    /// Our clock was set: what was remembered in our time moves along.
    pub(super) fn shift(&mut self, by: Skew) {
        self.first = self.first.map(|at| at + by);
    }

    /// A profile is in trouble; said only when it is news.
    pub(super) fn trouble(&mut self, entry: &Entry, expiration: Option<WallTime>, failure: &Failure, now: WallTime) {
        if self.told.get(&entry.profile).is_some_and(|told| told.cause == cause(failure)) {
            return;
        }
        let worded = worded(failure, entry);
        let told = Told { cause: cause(failure), worded: worded.clone() };
        self.told.remove(&entry.profile);
        let is_known = failure.class.is_shared() && self.told.values().any(|known| *known == told);
        self.told.insert(entry.profile.clone(), told);
        let alike =
            self.pending.iter_mut().filter(|pending| pending.notice.kind == NoticeKind::Failed).find(|pending| {
                pending.notice.failure.as_ref().is_some_and(|told| {
                    cause(told) == cause(failure)
                        || (told.class, &told.code) == (failure.class, &failure.code) && pending.worded == worded
                })
            });
        if let Some(pending) = alike {
            pending.is_for_each |= pending.notice.failure.as_ref().map(cause) != Some(cause(failure));
            pending.notice.profiles.push(entry.profile.clone());
            return;
        }
        if is_known {
            // It has been told of others that wait for the same, some time ago.
            return;
        }
        let mut notice = about(NoticeKind::Failed, entry, expiration, failure.message.clone());
        notice.failure = Some(failure.clone());
        self.first.get_or_insert(now);
        self.pending.push(Pending { notice, worded, is_for_each: false });
    }

    /// A profile is out of its trouble; said only when the trouble had been.
    pub(super) fn recovered(&mut self, entry: &Entry, expiration: Option<WallTime>, now: WallTime) {
        if self.told.remove(&entry.profile).is_none() {
            return;
        }
        for Pending { notice, .. } in &mut self.pending {
            // Not even said yet: then neither is.
            if notice.kind == NoticeKind::Failed && notice.profiles.contains(&entry.profile) {
                notice.profiles.retain(|profile| *profile != entry.profile);
                return;
            }
        }
        let mut pending = self.pending.iter_mut().map(|pending| &mut pending.notice);
        if let Some(notice) = pending.find(|notice| notice.kind == NoticeKind::Recovered) {
            notice.profiles.push(entry.profile.clone());
            return;
        }
        self.add(about(NoticeKind::Recovered, entry, expiration, "the trouble is over".to_owned()), now);
    }

    /// The class of the trouble that was last told of a profile.
    pub(super) fn told_class(&self, entry: &Entry) -> Option<Class> {
        self.told.get(&entry.profile).map(|told| told.cause.0)
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
        let worded = (Wording::default(), None);
        self.pending.push(Pending { notice, worded, is_for_each: false });
    }

    /// When to speak at the latest.
    pub(super) fn deadline(&self) -> Option<WallTime> {
        self.first.map(|first| first + WAVE)
    }

    /// Everything that was collected.
    pub(super) fn take(&mut self) -> Vec<Notice> {
        self.first = None;
        let mut pending = std::mem::take(&mut self.pending);
        pending.retain(|pending| !pending.notice.profiles.is_empty());
        pending.into_iter().map(Pending::told).collect()
    }

    /// A profile left the list.
    pub(super) fn forget(&mut self, profile: &ProfileName) {
        self.told.remove(profile);
    }
}

impl Pending {
    /// As it is said: of all of them at once, where each would have words of its own.
    fn told(self) -> Notice {
        let Self { mut notice, worded: (message, fix), is_for_each } = self;
        if is_for_each {
            notice.message = message.of_many();
            if let Some(failure) = &mut notice.failure {
                failure.message.clone_from(&notice.message);
                failure.fix = fix.map(|fix| fix.of_many());
            }
        }
        notice
    }
}

fn worded(failure: &Failure, entry: &Entry) -> Worded {
    let subject = Subject { profile: entry.profile.as_str(), role: entry.role_arn().map(|role| role.as_str()) };
    let fix = failure.fix.as_deref().map(|fix| Wording::of(fix, subject));
    (Wording::of(&failure.message, subject), fix)
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

#[cfg(test)]
mod tests {
    use super::{Entry, Failure, News, NoticeKind, WallTime};
    use crate::engine::failure::{Context, Fault, ServiceError, classify};
    use std::sync::Arc;

    fn entries() -> Vec<Arc<Entry>> {
        let role = |name: &str| {
            format!("[[role]]\nprofile = \"{name}\"\nrole_arn = \"arn:aws:iam::111122223333:role/{name}\"\n")
        };
        let text: String = ["a", "b", "c"].map(role).concat();
        crate::engine::config::parse(&text).expect("a config").config.entries
    }

    fn failure(entry: &Entry, code: &str) -> Failure {
        let role = entry.role_arn().expect("a role").as_str();
        let message = format!("User: arn:aws:iam::1:user/me is not authorized to perform: sts:AssumeRole on: {role}");
        let error = ServiceError { status: 403, code: Some(code.to_owned()), message: Some(message), request_id: None };
        classify(&Fault::Service(error), &Context::of(entry))
    }

    #[test]
    fn the_same_refusal_of_several_roles_is_said_once_and_of_one_in_its_own_words() {
        let now = WallTime::from_unix_seconds(1);
        let entries = entries();
        let mut news = News::default();
        for entry in &entries[..2] {
            news.trouble(entry, None, &failure(entry, "AccessDenied"), now);
        }
        news.trouble(&entries[2], None, &failure(&entries[2], "NoSuchEntity"), now);
        let told = news.take();
        let names = |index: usize| told[index].profiles.iter().map(|name| name.as_str()).collect::<Vec<_>>();
        assert_eq!((told.len(), names(0), names(1)), (2, vec!["a", "b"], vec!["c"]));
        assert!(told[0].message.starts_with("no access to these roles (AccessDenied): User: "), "{}", told[0].message);
        let fix = told[0].failure.as_ref().and_then(|failure| failure.fix.as_deref()).expect("a way out");
        assert!(fix.ends_with("; then: evertoken refresh") && !fix.contains("role/a"), "{fix}");
        assert!(told[1].message.contains("role/c"), "{}", told[1].message);

        // The same again is no news; another cause is.
        for entry in &entries {
            news.trouble(entry, None, &failure(entry, "NoSuchEntity"), now);
        }
        let told = news.take();
        assert_eq!((told.len(), told[0].kind, told[0].profiles.len()), (1, NoticeKind::Failed, 2));
    }
}
