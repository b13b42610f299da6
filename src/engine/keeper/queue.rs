//! An ordered queue in which every profile stands at most once, found by its place in the list.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included, Unbounded};

/// Profiles by a key, mostly a time; the smallest comes first.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Queue<K> {
    order: BTreeSet<(K, usize)>,
    keys: BTreeMap<usize, K>,
}

impl<K: Ord + Copy> Queue<K> {
    /// Files a profile under `key` and nowhere else; `None` takes it out.
    pub(super) fn file(&mut self, index: usize, key: Option<K>) {
        let old = match key {
            Some(key) => self.keys.insert(index, key),
            None => self.keys.remove(&index),
        };
        if old == key {
            return;
        }
        if let Some(old) = old {
            self.order.remove(&(old, index));
        }
        if let Some(key) = key {
            self.order.insert((key, index));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The smallest key.
    pub(super) fn first(&self) -> Option<K> {
        self.order.first().map(|(key, _)| *key)
    }

    /// The smallest key above `key`.
    pub(super) fn first_above(&self, key: K) -> Option<K> {
        self.order.range((Excluded((key, usize::MAX)), Unbounded)).next().map(|(key, _)| *key)
    }

    /// Everybody up to `until`, in order.
    pub(super) fn up_to(&self, until: K) -> impl Iterator<Item = usize> + '_ {
        self.order.range((Unbounded, Included((until, usize::MAX)))).map(|(_, index)| *index)
    }

    /// Everybody above one of the two keys and up to the other.
    pub(super) fn between(&self, one: K, other: K) -> impl Iterator<Item = usize> + '_ {
        let (low, high) = (one.min(other), one.max(other));
        self.order.range((Excluded((low, usize::MAX)), Included((high, usize::MAX)))).map(|(_, index)| *index)
    }

    /// Everybody, in the order of their keys.
    pub(super) fn in_order(&self) -> impl Iterator<Item = usize> + '_ {
        self.order.iter().map(|(_, index)| *index)
    }

    /// Everybody, in the order of the list.
    pub(super) fn members(&self) -> impl Iterator<Item = usize> + '_ {
        self.keys.keys().copied()
    }

    /// Only the self-check of debug builds asks.
    #[cfg(debug_assertions)]
    pub(super) fn key(&self, index: usize) -> Option<K> {
        self.keys.get(&index).copied()
    }
}

impl<K> Default for Queue<K> {
    fn default() -> Self {
        Self { order: BTreeSet::new(), keys: BTreeMap::new() }
    }
}
