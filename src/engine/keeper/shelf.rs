//! One credentials file as the keeper sees it: what waits to be written, what is being written, what can go.

use super::gate::Gate;
use crate::engine::config::model::StoreKind;
use crate::engine::names::ProfileName;
use crate::engine::time::WallTime;
use std::collections::BTreeMap;

/// The state of one file.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Shelf {
    pub(super) kind: StoreKind,
    /// Closed while writing fails.
    pub(super) gate: Gate,
    /// The batch that is being written.
    pub(super) writing: Option<Batch>,
    /// When the first session of the present wave came in.
    pub(super) first_result: Option<WallTime>,
    /// Sections of ours that are no longer on the list, and when they end.
    pub(super) orphans: BTreeMap<ProfileName, WallTime>,
    /// Why the file could not be read or parsed, if so; said once.
    pub(super) unreadable: Option<String>,
}

/// Sessions under way to the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Batch {
    pub(super) started: WallTime,
    /// The access key ids, to tell whether a still newer session came in meanwhile; `None` for a removal.
    pub(super) puts: Vec<(ProfileName, Option<String>)>,
}

impl Shelf {
    pub(super) fn new(kind: StoreKind) -> Self {
        Self {
            kind,
            gate: Gate::default(),
            writing: None,
            first_result: None,
            orphans: BTreeMap::new(),
            unreadable: None,
        }
    }
}
