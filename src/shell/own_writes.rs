//! Remembers the files that this process wrote in folders where others write too, so that nobody takes them for news.

use crate::shell::files::snapshot::Identity;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The last content that we wrote to each file. Cheap to clone; all clones know the same.
#[derive(Clone, Debug, Default)]
pub struct OwnWrites(Arc<Mutex<BTreeMap<PathBuf, Identity>>>);

impl OwnWrites {
    /// To be called before the content gets its name: whoever looks in between must know already.
    pub(crate) fn note(&self, path: &Path, identity: Identity) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), identity);
    }

    /// Whether this is what we wrote there last.
    pub(crate) fn is_ours(&self, path: &Path, found: Identity) -> bool {
        // A file that gets its name, or another mode, has changed without having another content.
        let content = |it: Identity| Identity { changed: 0, ..it };
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path).copied();
        noted.is_some_and(|noted| content(noted) == content(found))
    }
}
