//! What a file carries besides its bytes and has to keep when it is replaced: owner, access list, labels. Never carries
//! over what vouches for the old content (IMA, EVM).

use crate::shell::files::error::FileError;
use rustix::fs::XattrFlags;
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

/// Gives `new` the owner and group of `old`.
///
/// # Errors
/// When the owner cannot be kept, or a group that can read the file cannot: then the file must stay as it is.
pub(super) fn keep_owner(old: &Metadata, mode: u32, new: &File, path: &Path) -> Result<(), FileError> {
    let fresh = new.metadata().map_err(FileError::at("look at", path))?;
    if fresh.uid() == old.uid() && fresh.gid() == old.gid() {
        return Ok(());
    }
    let Err(error) = fchown(new, Some(old.uid()), Some(old.gid())) else { return Ok(()) };
    // A group without any rights is no more than a number.
    if fresh.uid() == old.uid() && mode & 0o070 == 0 {
        return Ok(());
    }
    let reason = format!(
        "it belongs to user {} and group {}, and a replacement would not ({error}); run evertoken as its owner",
        old.uid(),
        old.gid()
    );
    Err(FileError::at("keep the owner of", path)(io::Error::new(error.kind(), reason)))
}

/// Copies the extended attributes of `old` to `new`; answers a sentence for each one of the user's that could not be
/// kept. Before the mode is set: an access list changes it.
pub(super) fn carry_over(old: &File, new: &File, path: &Path) -> Vec<String> {
    let names = match list(old) {
        Ok(names) => names,
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Vec::new(),
        Err(error) => return vec![format!("the extended attributes of {} could not be read: {error}", path.display())],
    };
    let kept = names.iter().filter(|name| is_carried(name));
    kept.filter_map(|name| {
        let error = copy(old, new, name).err()?;
        // Labels are the system's own: it has given the new file one.
        let is_users = name.to_bytes().starts_with(b"user.") || name.to_bytes().starts_with(b"system.");
        is_users.then(|| {
            format!(
                "the extended attribute {} of {} could not be kept: {error}",
                name.to_string_lossy(),
                path.display()
            )
        })
    })
    .collect()
}

fn is_carried(name: &CStr) -> bool {
    let name = name.to_bytes();
    let names_old_content =
        name.starts_with(b"security.") && !matches!(name, b"security.selinux" | b"security.SMACK64");
    !names_old_content && !name.starts_with(b"trusted.")
}

fn list(file: &File) -> Result<Vec<CString>, Errno> {
    let mut names = vec![0_u8; rustix::fs::flistxattr_query(file)?];
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let length = rustix::fs::flistxattr(file, &mut names[..])?;
    let names = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.filter_map(|name| CString::new(name).ok()).collect())
}

fn copy(old: &File, new: &File, name: &CStr) -> Result<(), Errno> {
    let mut value = vec![0_u8; rustix::fs::fgetxattr_query(old, name)?];
    let length = if value.is_empty() { 0 } else { rustix::fs::fgetxattr(old, name, &mut value[..])? };
    rustix::fs::fsetxattr(new, name, &value[..length], XattrFlags::empty())
}
