//! What to write into the files now: a wave together, what is missing at once, what has ended and is off the list away.

use super::action::{Action, Notice, NoticeKind};
use super::kept::OnDisk;
use super::shelf::{Batch, Shelf};
use super::{Keeper, Mode};
use crate::engine::config::model::StoreKind;
use crate::engine::credentials_file::{Edit, Outcome, Publication};
use crate::engine::failure::{Class, Failure};
use crate::engine::names::ProfileName;
use crate::engine::schedule::WAVE;
use crate::engine::time::WallTime;

impl Keeper {
    pub(super) fn has_unstored(&self, store: StoreKind) -> bool {
        !self.agenda.unstored[store as usize].is_empty()
    }

    /// Whether a section waits for a session that has none, or a dead one.
    pub(super) fn has_bare(&self, store: StoreKind, sts_now: WallTime) -> bool {
        self.agenda.unstored[store as usize].first().is_some_and(|bare| bare <= sts_now)
    }

    pub(super) fn plan_writes(&mut self, now: WallTime) {
        for store in [StoreKind::Shared, StoreKind::Private] {
            if !self.has_unstored(store) {
                // Another process was faster, or it stands there already: the next result begins a wave of its own.
                self.shelf(store).first_result = None;
            }
            let shelf = &self.shelves[store as usize];
            if shelf.writing.is_some() || !shelf.gate.is_open(now) {
                continue;
            }
            let mut edits = Vec::new();
            if self.may_store(shelf, now) {
                edits.extend(self.puts(store, self.sts_now(now)));
            }
            edits.extend(self.removals(shelf, now));
            if !edits.is_empty() {
                self.write(store, edits, now);
            }
        }
    }

    /// A wave goes together, but waits for nobody longer than a second, and a reader without keys hardly at all.
    fn may_store(&self, shelf: &Shelf, now: WallTime) -> bool {
        let sts_now = self.sts_now(now);
        let calling = &self.agenda.calling;
        let in_flight =
            !self.resolving.is_empty() || calling.iter().any(|index| self.kept[*index].entry.store == shelf.kind);
        let urgent = self.has_bare(shelf.kind, sts_now) && shelf.gathers_until(now).is_none();
        !in_flight || urgent || self.stopping || shelf.first_result.is_some_and(|first| first + WAVE <= now)
    }

    /// Never one that has ended in the place of another one, which may still live by a clock that knows better.
    fn puts(&self, store: StoreKind, sts_now: WallTime) -> Vec<Edit> {
        let put = |index: usize| {
            let kept = &self.kept[index];
            let another = matches!(kept.on_disk, OnDisk::Other(_));
            let session = kept.current().filter(|ours| ours.expiration > sts_now || !another)?.clone();
            Some(Edit::Put(Box::new(Publication {
                profile: kept.entry.profile.clone(),
                session,
                region: kept.entry.region.clone(),
                adopt: kept.entry.adopt,
            })))
        };
        self.agenda.unstored[store as usize].members().filter_map(put).collect()
    }

    /// Our keys of a profile that is off the list go when they have ended, and only from the daemon.
    fn removals(&self, shelf: &Shelf, now: WallTime) -> Vec<Edit> {
        if self.mode == Mode::OnePass || self.stopping || self.unsure || self.doubtful {
            return Vec::new();
        }
        let ended_by = self.sts_now(now);
        let remove = |profile: &ProfileName| Edit::Remove { profile: profile.clone(), ended_by: Some(ended_by) };
        shelf.ended(ended_by).map(remove).collect()
    }

    fn write(&mut self, store: StoreKind, edits: Vec<Edit>, now: WallTime) {
        let puts = edits
            .iter()
            .map(|edit| match edit {
                Edit::Put(put) => (put.profile.clone(), Some(put.session.keys.access_key_id.clone())),
                Edit::Remove { profile, .. } => (profile.clone(), None),
            })
            .collect();
        let ended_by = self.sts_now(now);
        let shelf = self.shelf(store);
        shelf.writing = Some(Batch { started: now, ended_by, puts });
        shelf.first_result = None;
        shelf.gate.tried(now);
        self.actions.push_back(Action::Store { store, edits });
    }

    pub(super) fn stored(&mut self, store: StoreKind, outcomes: Vec<(ProfileName, Outcome)>, now: WallTime) {
        let Some(batch) = self.shelf(store).writing.take() else { return };
        let healed = self.shelf(store).gate.clear().is_some();
        for (profile, outcome) in outcomes {
            let put = batch.puts.get(&profile).cloned().flatten();
            let index = self.kept.position(&profile).filter(|index| self.kept[*index].entry.store == store);
            match (put, index) {
                (Some(key), Some(index)) => self.stored_one(index, &key, outcome, healed, now),
                // It has left the list, or this file, while it was being written: a reload looks at all sections anew.
                (Some(_), None) => {}
                (None, _) => self.removed_one(store, profile, &outcome, batch.ended_by, now),
            }
        }
        self.wake_touched(None, now);
        // Whatever came in while the batch was being written is a wave of its own.
        if self.has_unstored(store) {
            self.shelf(store).first_result.get_or_insert(now);
        }
    }

    fn stored_one(&mut self, index: usize, key: &str, outcome: Outcome, healed: bool, now: WallTime) {
        if let Outcome::Refused(reason) = outcome {
            return self.refused_by_owner(index, reason, now);
        }
        let kept = &mut self.kept[index];
        let Some(session) = kept.session.as_ref().filter(|session| session.keys.access_key_id == key) else { return };
        let end = session.expiration;
        self.is_stored(index, now);
        let kept = &self.kept[index];
        if healed {
            self.news.recovered(&kept.entry, Some(end), now);
        }
        if outcome == Outcome::Written {
            self.news.say(NoticeKind::Refreshed, &kept.entry, Some(end), "fresh".to_owned(), now);
        }
    }

    fn removed_one(
        &mut self,
        store: StoreKind,
        profile: ProfileName,
        outcome: &Outcome,
        ended_by: WallTime,
        now: WallTime,
    ) {
        let shelf = self.shelf(store);
        if shelf.remove_ended(&profile, ended_by) && *outcome == Outcome::Unchanged {
            // Something else stands there than what was seen: another process has renewed it, say.
            shelf.is_awaited = true;
            self.actions.push_back(Action::Observe);
        }
        if *outcome == Outcome::Written {
            let notice = Notice {
                kind: NoticeKind::Removed,
                profiles: vec![profile],
                role_arn: None,
                expiration: None,
                message: "off the list and ended; took our keys out of its section".to_owned(),
                failure: None,
            };
            self.news.add(notice, now);
        }
    }

    pub(super) fn store_failed(&mut self, store: StoreKind, message: String, jitter: f64, now: WallTime) {
        let Some(batch) = self.shelf(store).writing.take() else { return };
        let failure = Failure { class: Class::Store, code: None, message, fix: None };
        let known = self.shelf(store).gate.trouble().is_some();
        if self.has_unstored(store) {
            // What could not be written is the first of a wave again: it waits for nobody longer than the others do.
            self.shelf(store).first_result.get_or_insert(now);
        }
        self.shelf(store).gate.fail(failure.clone(), true, jitter, batch.started, now);
        if !known && batch.puts.values().all(Option::is_none) {
            let profiles = batch.puts.keys().cloned().collect();
            let message = format!("cannot take out what has ended of profiles off the list: {}", failure.message);
            let (kind, failure) = (NoticeKind::Failed, Some(failure));
            self.news.add(Notice { kind, profiles, role_arn: None, expiration: None, message, failure }, now);
            return;
        }
        let puts = batch.puts.iter().filter(|(_, key)| key.is_some());
        for (profile, _) in puts {
            if let Some(index) = self.kept.position(profile) {
                let kept = &self.kept[index];
                self.news.trouble(&kept.entry, kept.session.as_ref().map(|s| s.expiration), &failure, now);
            }
        }
    }
}
