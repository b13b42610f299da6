//! Which folders evertoken trusts with credentials, and which it may create. Never widens a mode and never creates
//! anything while the home is missing or somebody else's: a home that is not mounted yet must stay an empty mount point.
#![expect(clippy::disallowed_methods, reason = "the shell looks at folders")]

use crate::engine::invocation::quoted;
use crate::shell::files::error::FileError;
use crate::shell::files::snapshot::Identity;
use rustix::fs::Access;
use rustix::io::Errno;
use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The home folder, and which one was there when it was first looked at: one that is unmounted leaves an empty folder of
/// the same name behind, and what is created in that is hidden once the home is back.
#[derive(Clone, Debug)]
pub struct Home {
    path: PathBuf,
    was: Option<Identity>,
}

impl Home {
    /// Looks at it.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), was: Identity::behind(path) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Two are the same where they have the same path.
impl PartialEq for Home {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Eq for Home {}

/// Refuses the folder of a credentials file when others can write into it: they could put their own file in its place.
///
/// # Errors
/// With the mode and the command that mends it.
pub fn check(folder: &Path) -> Result<Metadata, FileError> {
    let metadata = fs::metadata(folder).map_err(FileError::at("look at", folder))?;
    if !metadata.is_dir() {
        return Err(FileError::at("use", folder)(io::Error::from(io::ErrorKind::NotADirectory)));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o002 != 0 || (mode & 0o020 != 0 && !is_private_group(&metadata, folder)) {
        let shown = quoted(&folder.display().to_string());
        let reason = format!(
            "others can write into this folder (mode {mode:04o}), so credentials are not safe in it; run: chmod go-w {shown}"
        );
        return Err(FileError::refused("use", folder, reason));
    }
    Ok(metadata)
}

/// Creates the missing folder of a credentials file, 0700, but only directly below a home that is ours.
///
/// # Errors
/// Also when the home is missing, somebody else's, or not the folder above.
pub fn create_for_credentials(folder: &Path, home: Option<&Home>) -> Result<(), FileError> {
    let refused = |reason: &str| Err(FileError::refused("create", folder, reason));
    let Some(home) = home else { return refused("the folder is missing, and so is HOME; create the folder first") };
    check_home(home, folder)?;
    let above = folder.parent().and_then(|parent| fs::canonicalize(parent).ok());
    if above.is_none() || above != fs::canonicalize(home.path()).ok() {
        return refused("the folder is missing and not directly in the home folder; create it first");
    }
    make(folder)
}

/// Makes sure of a folder that holds nothing but evertoken's own files: there, ours, no link, 0700. Missing folders
/// above it are created too, 0700.
///
/// # Errors
/// Also when the home (where there is one) or the nearest existing folder is not ours.
pub fn ensure_private(folder: &Path, home: Option<&Home>) -> Result<(), FileError> {
    if is_there_and_private(folder)? {
        return Ok(());
    }
    if let Some(home) = home {
        check_home(home, folder)?;
    }
    missing(folder)?.0.iter().rev().try_for_each(|folder| make(folder))?;
    let metadata = fs::symlink_metadata(folder).map_err(FileError::at("look at", folder))?;
    keep_private(folder, &metadata)
}

/// Whether [`ensure_private`] would be sure of it, as far as a look tells. Changes nothing.
///
/// # Errors
/// What would stand in the way.
pub fn could_be_private(folder: &Path, home: Option<&Home>) -> Result<(), FileError> {
    let place = match fs::symlink_metadata(folder) {
        Ok(metadata) => {
            check_private(folder, &metadata)?;
            folder
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(home) = home {
                check_home(home, folder)?;
            }
            let (missing, above) = missing(folder)?;
            if let Some(link) = missing.iter().find(|folder| folder.is_symlink()) {
                return Err(leads_nowhere(link));
            }
            above.unwrap_or(folder)
        }
        Err(error) => return Err(FileError::at("look at", folder)(error)),
    };
    // Also a read-only mount keeps everybody out, whatever the mode says.
    rustix::fs::access(place, Access::WRITE_OK | Access::EXEC_OK).map_err(FileError::at::<Errno>("write into", place))
}

/// The folders that are not there, up to the first one that is, and that one, which is ours.
fn missing(folder: &Path) -> Result<(Vec<&Path>, Option<&Path>), FileError> {
    let mut missing = vec![folder];
    let mut above = folder.parent();
    while let Some(candidate) = above {
        match fs::metadata(candidate) {
            Ok(metadata) if metadata.uid() == our_uid() => break,
            Ok(_) => return Err(FileError::refused("create", folder, format!("{} is not ours", candidate.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(candidate),
            Err(error) => return Err(FileError::at("look at", candidate)(error)),
        }
        above = candidate.parent();
    }
    Ok((missing, above))
}

/// Whether such a folder is there; where it is, it is also made 0700.
///
/// # Errors
/// When it is a link, no folder, or not ours.
pub fn is_there_and_private(folder: &Path) -> Result<bool, FileError> {
    match fs::symlink_metadata(folder) {
        Ok(metadata) => keep_private(folder, &metadata).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FileError::at("look at", folder)(error)),
    }
}

/// Removes a folder that nobody has put anything into; answers whether it did.
pub fn remove_empty(folder: &Path) -> bool {
    fs::remove_dir(folder).is_ok()
}

/// The user that files and folders of our own belong to.
pub(in crate::shell) fn our_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn keep_private(folder: &Path, metadata: &Metadata) -> Result<(), FileError> {
    check_private(folder, metadata)?;
    if metadata.mode() & 0o7777 != 0o700 {
        fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(FileError::at("set the mode of", folder))?;
    }
    Ok(())
}

fn check_private(folder: &Path, metadata: &Metadata) -> Result<(), FileError> {
    if metadata.is_symlink() {
        return Err(FileError::refused("use", folder, "this is a symbolic link where evertoken keeps its own folder"));
    }
    if !metadata.is_dir() {
        return Err(FileError::at("use", folder)(io::Error::from(io::ErrorKind::NotADirectory)));
    }
    if metadata.uid() != our_uid() {
        return Err(FileError::refused("use", folder, format!("it belongs to user {}, not to us", metadata.uid())));
    }
    Ok(())
}

fn check_home(home: &Home, folder: &Path) -> Result<(), FileError> {
    let (home, was) = (home.path(), home.was);
    let reason = match fs::metadata(home) {
        Ok(metadata) if !metadata.is_dir() => "is no folder",
        Ok(metadata) if metadata.uid() != our_uid() => "belongs to somebody else",
        Ok(metadata) if was.is_some_and(|was| !was.is_same_file(&Identity::of(&metadata))) => {
            "is not the one that was there at the start (not mounted? if it is, restart evertoken)"
        }
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => "does not exist (not mounted yet?)",
        Err(error) => return Err(FileError::at("look at", home)(error)),
    };
    Err(FileError::refused("create", folder, format!("the home folder {} {reason}", home.display())))
}

fn make(folder: &Path) -> Result<(), FileError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        // Another process may have been faster; a dangling link in its place is no folder.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(_) if folder.is_symlink() => Err(leads_nowhere(folder)),
        other => other.map_err(FileError::at("create", folder)),
    }
}

fn leads_nowhere(link: &Path) -> FileError {
    let target = fs::read_link(link).unwrap_or_default();
    let reason =
        format!("it is a link to {}, which is not there; create that folder, or remove the link", target.display());
    FileError::refused("create", link, reason)
}

/// Whether group-writable means nobody but us: many systems give each user a group of the same number and a umask of
/// 002, so that `~/.aws` is 0775 without anybody else being able to write into it. An access list in which others are
/// named shows as group bits too, so there must be none.
pub(in crate::shell) fn is_private_group(metadata: &Metadata, folder: &Path) -> bool {
    let (uid, gid) = (our_uid(), rustix::process::getegid().as_raw());
    if uid == 0 || metadata.uid() != uid || metadata.gid() != gid || gid != uid {
        return false;
    }
    let listed = rustix::fs::getxattr_query(folder, c"system.posix_acl_access");
    let no_access_list = matches!(listed, Err(rustix::io::Errno::NODATA | rustix::io::Errno::OPNOTSUPP));
    no_access_list && fs::read_to_string("/etc/group").is_ok_and(|groups| has_no_other_members(&groups, gid))
}

/// Whether the only group of that number in `/etc/group` lists nobody but the user it is named after.
fn has_no_other_members(groups: &str, gid: u32) -> bool {
    let number = gid.to_string();
    let mut found = groups.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| (name, fields.next().unwrap_or_default()))
    });
    match (found.next(), found.next()) {
        (Some((name, members)), None) => {
            members.split(',').all(|member| member.trim().is_empty() || member.trim() == name)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::has_no_other_members;

    #[test]
    fn a_group_is_private_when_it_lists_nobody_else() {
        let groups = "root:x:0:\nme:x:1000:\nyou:x:1001:you\nteam:x:1002:me,you\ntwin:x:1003:\ntwin2:x:1003:\n";
        let private: Vec<u32> =
            [1000, 1001, 1002, 1003, 1004].into_iter().filter(|g| has_no_other_members(groups, *g)).collect();
        assert_eq!(private, [1000, 1001]);
    }
}
