//! Whether a git repository tracks a file, by its index (gitformat-index(5), versions 2 to 4, SHA-1 and SHA-256). Runs
//! nothing: a `git` of the PATH would follow the config of the repository.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// More than an index that is worth looking through.
const LARGEST: u64 = 64 * 1024 * 1024;
/// The times, numbers and sizes before the name of an object in an entry.
const NUMBERS: usize = 40;
/// A flag of an entry: two more bytes of flags follow.
const EXTENDED: u16 = 0x4000;
/// The lengths of the name of an object: SHA-1, SHA-256.
const OBJECT_NAMES: [usize; 2] = [20, 32];

/// What a repository knows of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Tracked {
    /// It is in the index.
    Yes,
    /// It is not.
    No,
    /// The index cannot be read: why.
    Unknown(String),
}

/// Looks into the index of the repository whose work tree is `folder`.
pub(super) fn tracks(folder: &Path, file: &Path) -> Tracked {
    let Ok(below) = file.strip_prefix(folder) else { return Tracked::No };
    match look(&folder.join(".git"), below.as_os_str().as_bytes()) {
        Ok(true) => Tracked::Yes,
        Ok(false) => Tracked::No,
        // Nothing was ever added, or what is called `.git` is none.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Tracked::No,
        Err(error) => Tracked::Unknown(error.to_string()),
    }
}

fn look(dot_git: &Path, wanted: &[u8]) -> io::Result<bool> {
    let folder = real_folder(dot_git)?;
    let bytes = read(&folder.join("index"))?;
    let index = Index::parse(&bytes, wanted).ok_or_else(|| io::Error::other("it is no index that git writes"))?;
    // What a split index shares stands beside it, under the name of its checksum.
    match index.shared {
        Some(name) if !index.found => {
            let bytes = read(&folder.join(format!("sharedindex.{name}")))?;
            let shared = Index::parse(&bytes, wanted);
            Ok(shared.ok_or_else(|| io::Error::other("its shared part is no index that git writes"))?.found)
        }
        _ => Ok(index.found),
    }
}

/// `.git` itself, or where its one line leads: a worktree, a submodule.
fn real_folder(dot_git: &Path) -> io::Result<PathBuf> {
    if dot_git.is_dir() {
        return Ok(dot_git.to_owned());
    }
    let text = read(dot_git)?;
    let text = std::str::from_utf8(&text).ok().and_then(|text| text.strip_prefix("gitdir:"));
    let target = text.ok_or_else(|| io::Error::from(io::ErrorKind::NotADirectory))?.trim();
    Ok(dot_git.parent().unwrap_or(dot_git).join(target))
}

/// Reads a regular file; a pipe in its place holds nobody up.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is not a regular file"));
    }
    if metadata.len() > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 64 MiB"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What an index tells of one name.
#[derive(Debug, PartialEq, Eq)]
struct Index {
    found: bool,
    /// The checksum of the index that it shares entries with, in hex.
    shared: Option<String>,
}

impl Index {
    fn parse(bytes: &[u8], wanted: &[u8]) -> Option<Self> {
        OBJECT_NAMES.iter().find_map(|object_name| Self::parse_with(bytes, wanted, *object_name))
    }

    /// `None` where it is no such index to its very end.
    fn parse_with(bytes: &[u8], wanted: &[u8], object_name: usize) -> Option<Self> {
        let end = bytes.len().checked_sub(object_name)?;
        let mut rest = Rest { bytes: bytes.get(..end)?, at: 0 };
        let version = (rest.take(4)? == b"DIRC").then(|| rest.number())??;
        if !(2..=4).contains(&version) {
            return None;
        }
        let count = rest.number()?;
        let mut found = false;
        let mut name = Vec::new();
        for _ in 0..count {
            let start = rest.at;
            rest.take(NUMBERS + object_name)?;
            let flags = rest.take(2)?;
            if u16::from_be_bytes([flags[0], flags[1]]) & EXTENDED != 0 {
                rest.take(2)?;
            }
            if version == 4 {
                let kept = name.len().checked_sub(rest.variable()?)?;
                name.truncate(kept);
                name.extend_from_slice(rest.until_nul()?);
            } else {
                name = rest.until_nul()?.to_vec();
                // One to eight NULs, so that the next one starts at a multiple of eight.
                let padding = (8 - (rest.at - start) % 8) % 8;
                if rest.take(padding)?.iter().any(|byte| *byte != 0) {
                    return None;
                }
            }
            found |= name == wanted;
        }
        let mut shared = None;
        while rest.at < end {
            let signature = rest.take(4)?;
            let length = usize::try_from(rest.number()?).ok()?;
            let data = rest.take(length)?;
            if signature == b"link" {
                shared = Some(data.get(..object_name)?.iter().map(|byte| format!("{byte:02x}")).collect());
            }
        }
        Some(Self { found, shared })
    }
}

/// What was not read yet.
struct Rest<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// A number in bytes of seven bits, the first ones first; each that goes on counts one more.
    fn variable(&mut self) -> Option<usize> {
        let mut value = 0_usize;
        loop {
            let byte = usize::from(self.take(1)?[0]);
            value = value.checked_mul(128)?.checked_add(byte & 0x7f)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
            value = value.checked_add(1)?;
        }
    }

    fn until_nul(&mut self) -> Option<&'a [u8]> {
        let length = self.bytes.get(self.at..)?.iter().position(|byte| *byte == 0)?;
        let name = self.take(length)?;
        self.take(1)?;
        Some(name)
    }
}

#[cfg(test)]
mod tests;
