//! The content of a small file that others bring: tokens, certificates, AWS files. Follows links as everybody does, never waits
//! for a writer (opening a pipe would, for ever), and never writes.

use crate::shell::files::snapshot;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// Reads a file; `/dev/null` and other devices are empty, as people mean them who name one.
///
/// # Errors
/// When it cannot be opened, when it is a folder, a pipe or a socket, and for more than 16 MiB.
pub fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = OpenOptions::new().read(true).custom_flags(snapshot::no_wait()).open(path)?;
    if file.metadata()?.file_type().is_char_device() {
        return Ok(Zeroizing::default());
    }
    snapshot::read_open(&file).map(|(bytes, _)| bytes)
}

/// The same away from the tasks, which a slow disk would hold up. Where the system has no thread left it panics, a failure
/// of the task that asks: an error would be taken for a file that is not there.
///
/// # Errors
/// See [`read`].
pub async fn read_apart(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || read(&path)).await.map_err(io::Error::other)?
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::read;
    use rustix::fs::{CWD, Mode, mkfifoat};
    use std::path::Path;

    #[test]
    fn never_waits_for_a_writer_and_takes_a_device_for_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).expect("a pipe");
        for path in [&*pipe, folder.path()] {
            let error = read(path).expect_err("no file");
            assert!(error.to_string().contains("not a regular file"), "{error}");
        }
        assert!(read(Path::new("/dev/null")).expect("nothing").is_empty());
    }
}
