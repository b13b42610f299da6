//! Remembers the files that this process wrote in folders where others write too, so that nobody takes them for news.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What tells one content of a file from another without reading it; a rename leaves it as it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Identity(u64, u64, u64, i64, i64);

impl Identity {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self(metadata.dev(), metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec())
    }
}

/// The last content that we wrote to each file. Cheap to clone; all clones know the same.
#[derive(Clone, Debug, Default)]
pub struct OwnWrites(Arc<Mutex<BTreeMap<PathBuf, Identity>>>);

impl OwnWrites {
    /// To be called before the content gets its name: whoever looks in between must know already.
    pub(crate) fn note(&self, path: &Path, identity: Identity) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), identity);
    }

    /// Whether this is what we wrote there last.
    pub(crate) fn is_ours(&self, path: &Path, identity: Identity) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path) == Some(&identity)
    }
}
