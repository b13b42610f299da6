//! Whether others can put their own words into a file that names programs to run. Looks at modes and owners only, of the
//! file and of every folder on the way to it, and mends none of them.

use crate::engine::invocation::quoted;
use crate::shell::files::folder::{is_private_group, our_uid};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Anybody may add something to such a folder, and take away only what is theirs.
const STICKY: u32 = 0o1000;

/// What lets others change the file, and the command that mends it: a file that they can write, a folder above it in which
/// they can put another one in its place. `None` when nobody but us and root can. What cannot be looked at is left to
/// whoever reads the file.
pub fn open_to_others(path: &Path) -> Option<(String, String)> {
    let real = fs::canonicalize(path).ok();
    let file = fs::metadata(path).ok()?;
    let own = verdict(&file, real.as_deref().unwrap_or(path), 0);
    // A link is as safe as the folders on the way to it, and what it leads to.
    let above = [Some(path), real.as_deref()].into_iter().flatten().flat_map(|path| path.ancestors().skip(1));
    own.or_else(|| above.filter_map(|folder| verdict(&fs::metadata(folder).ok()?, folder, STICKY)).next())
}

fn verdict(metadata: &Metadata, path: &Path, harmless: u32) -> Option<(String, String)> {
    let shown = path.display();
    let word = quoted(&shown.to_string());
    if metadata.uid() != 0 && metadata.uid() != our_uid() {
        return Some((format!("{shown} belongs to user {}", metadata.uid()), format!("sudo chown $(id -u) {word}")));
    }
    let mode = metadata.mode() & 0o7777;
    let others = mode & 0o002 != 0 || (mode & 0o020 != 0 && !is_private_group(metadata, path));
    (others && mode & harmless == 0)
        .then(|| (format!("others can write to {shown} (mode {mode:04o})"), format!("chmod go-w {word}")))
}
