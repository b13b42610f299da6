//! The profiles of the list, found by place, name, parent or source. Remembers which of them were touched, so that no
//! change escapes the agenda.

use super::kept::Kept;
use crate::engine::config::model::Source;
use crate::engine::names::ProfileName;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Index, IndexMut};

/// All profiles, in the order of the config: parents first.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Roll {
    list: Vec<Kept>,
    positions: BTreeMap<ProfileName, usize>,
    children: Vec<Vec<usize>>,
    users: BTreeMap<Source, Vec<usize>>,
    touched: BTreeSet<usize>,
}

impl Roll {
    pub(super) fn new(list: Vec<Kept>) -> Self {
        let positions: BTreeMap<ProfileName, usize> =
            list.iter().enumerate().map(|(index, kept)| (kept.entry.profile.clone(), index)).collect();
        let mut children = vec![Vec::new(); list.len()];
        let mut users: BTreeMap<Source, Vec<usize>> = BTreeMap::new();
        for (index, kept) in list.iter().enumerate() {
            match kept.entry.parent() {
                Some(parent) => {
                    if let Some(parent) = positions.get(parent) {
                        children[*parent].push(index);
                    }
                }
                None => users.entry(kept.entry.source.clone()).or_default().push(index),
            }
        }
        let touched = (0..list.len()).collect();
        Self { list, positions, children, users, touched }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn position(&self, profile: &ProfileName) -> Option<usize> {
        self.positions.get(profile).copied()
    }

    /// Who is assumed with the session of this one.
    pub(super) fn children(&self, index: usize) -> &[usize] {
        &self.children[index]
    }

    /// Who is assumed with what a source outside of the list gives.
    pub(super) fn users(&self, source: &Source) -> &[usize] {
        self.users.get(source).map_or(&[], Vec::as_slice)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.list.iter()
    }

    /// Touches everybody.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Kept> {
        self.touched.extend(0..self.list.len());
        self.list.iter_mut()
    }

    /// Something that a profile depends on has changed.
    pub(super) fn touch(&mut self, index: usize) {
        self.touched.insert(index);
    }

    /// Who was touched since this was last asked.
    pub(super) fn take_touched(&mut self) -> BTreeSet<usize> {
        std::mem::take(&mut self.touched)
    }

    pub(super) fn into_list(self) -> Vec<Kept> {
        self.list
    }
}

impl Index<usize> for Roll {
    type Output = Kept;
    fn index(&self, index: usize) -> &Kept {
        &self.list[index]
    }
}

impl IndexMut<usize> for Roll {
    fn index_mut(&mut self, index: usize) -> &mut Kept {
        self.touched.insert(index);
        &mut self.list[index]
    }
}
