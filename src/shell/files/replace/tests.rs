//! The tests play the program that saves the file as a whole in the very moment in which ours gets its name.
#![expect(clippy::disallowed_methods, reason = "the tests play the other program")]

#[cfg(target_os = "linux")]
use super::{Done, Replaced, replace};
use super::{Path, Temporary, Write, create_private, fs, put_in_place, snapshot};
use std::fs::File;
use tempfile::TempDir;

/// A file as it was read, and ours ready to take its name.
fn ready(folder: &TempDir, old: Option<&str>) -> (std::path::PathBuf, snapshot::Snapshot, Temporary) {
    let path = folder.path().join("credentials");
    if let Some(old) = old {
        fs::write(&path, old).expect("written");
    }
    let read = snapshot::read(&path).expect("read");
    let temporary = Temporary::beside(&path).expect("a temporary file");
    temporary.file().write_all(b"ours").expect("written");
    (path, read, temporary)
}

/// Saves as careful programs do.
fn save(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).and_then(|()| fs::rename(&new, path)).expect("saved");
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).expect("listed");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn what_was_read_is_replaced_and_goes() {
    for old in [None, Some("old")] {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, read, mut temporary) = ready(&folder, old);
        assert!(put_in_place(&mut temporary, &path, read.identity(), b"ours").expect("in place"));
        temporary.remove().expect("removed");
        assert_eq!(fs::read_to_string(&path).expect("read"), "ours");
        assert_eq!(names(&folder), ["credentials"], "{old:?}");
    }
}

#[test]
fn a_save_that_comes_between_stands() {
    for old in [None, Some("old")] {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, read, mut temporary) = ready(&folder, old);
        save(&path, "theirs");
        let theirs = snapshot::read(&path).expect("read").identity().expect("a file");
        assert!(!put_in_place(&mut temporary, &path, read.identity(), b"ours").expect("left alone"), "{old:?}");
        drop(temporary);
        let still = snapshot::read(&path).expect("read");
        assert_eq!((still.bytes.as_slice(), names(&folder)), (&b"theirs"[..], vec!["credentials".to_owned()]));
        assert!(still.identity().expect("a file").is_same_file(&theirs), "the very file that they saved");
    }
}

#[test]
fn a_link_or_folder_that_comes_between_stands() {
    for is_link in [true, false] {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, read, mut temporary) = ready(&folder, Some("old"));
        fs::remove_file(&path).expect("removed");
        let target = Path::new("elsewhere");
        if is_link { std::os::unix::fs::symlink(target, &path) } else { fs::create_dir(&path) }.expect("in its place");
        assert!(!put_in_place(&mut temporary, &path, read.identity(), b"ours").expect("left alone"));
        drop(temporary);
        assert_eq!(fs::read_link(&path).ok().as_deref(), is_link.then_some(target));
        assert_eq!((path.is_dir(), names(&folder).len()), (!is_link, 1));
    }
}

#[test]
fn a_file_that_is_removed_meanwhile_is_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, read, mut temporary) = ready(&folder, Some("old"));
    fs::remove_file(&path).expect("removed");
    assert!(!put_in_place(&mut temporary, &path, read.identity(), b"ours").expect("left alone"));
    drop(temporary);
    assert!(names(&folder).is_empty());
}

#[test]
fn what_is_written_into_the_old_file_is_left_to_whoever_looks_afterwards() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, read, mut temporary) = ready(&folder, Some("old"));
    File::create(&path).and_then(|mut file| file.write_all(b"theirs")).expect("written in place");
    assert!(put_in_place(&mut temporary, &path, read.identity(), b"ours").expect("in place"));
    temporary.remove().expect("removed");
    let present = read.present.expect("it was there");
    assert!(super::was_written_to(&present, &read.bytes));
}

/// Where files cannot change their names in one step nothing else looks at what ours would replace.
#[test]
fn what_was_changed_since_it_was_read_is_seen_before_anything_is_replaced() {
    let changes: [fn(&Path); 3] = [
        |path| fs::write(path, "theirs").expect("written in place"),
        |path| save(path, "theirs"),
        |path| {
            fs::remove_file(path).expect("removed");
        },
    ];
    for change in changes {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, read, temporary) = ready(&folder, Some("old"));
        drop(temporary);
        change(&path);
        let theirs = snapshot::read(&path).expect("read");
        let above = fs::metadata(folder.path()).expect("the folder");
        let replaced = super::replace(&path, &above, read, b"ours", 0o600, None).expect("no failure");
        assert!(matches!(replaced, super::Replaced::ChangedMeanwhile));
        assert!(snapshot::read(&path).expect("read").same_as(&theirs), "it never had another name");
        assert_eq!(names(&folder).len(), usize::from(path.exists()));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn who_opened_the_old_file_in_the_last_moment_is_noticed_and_what_it_writes_keeps_a_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, read, temporary) = ready(&folder, Some("old\n"));
    drop(temporary);
    let above = fs::metadata(folder.path()).expect("the folder");
    let mut theirs = fs::OpenOptions::new().append(true).open(&path).expect("the file");
    let replaced = replace(&path, &above, read, b"ours", 0o600, None).expect("no failure");
    let Replaced::Done(Done { overtaken: Some(overtaken), .. }) = replaced else { panic!("it was not noticed") };
    theirs.write_all(b"theirs\n").expect("written");
    let other = names(&folder).into_iter().find(|name| name != "credentials").expect("the old file");
    assert_eq!(fs::read_to_string(folder.path().join(other)).expect("read"), "old\ntheirs\n");
    drop(overtaken);
    assert_eq!((fs::read_to_string(&path).expect("read").as_str(), names(&folder).len()), ("ours", 1));
    drop(theirs);
    let _theirs = fs::OpenOptions::new().append(true).open(&path).expect("the file");
    let read = snapshot::read(&path).expect("read");
    let us = Some(std::process::id());
    let replaced = replace(&path, &above, read, b"more", 0o600, us).expect("no failure");
    assert!(matches!(replaced, Replaced::Done(Done { overtaken: None, .. })), "who is not waited for");
    assert_eq!((fs::read_to_string(&path).expect("read").as_str(), names(&folder).len()), ("more", 1));
}

#[test]
fn a_file_that_is_there_is_never_created_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.toml");
    assert!(create_private(&path, b"ours").expect("created"));
    fs::write(&path, "theirs").expect("written");
    assert!(!create_private(&path, b"ours").expect("seen"));
    assert_eq!(fs::read_to_string(&path).expect("read"), "theirs");
    assert_eq!(names(&folder), ["config.toml"], "no temporary file stays");
}
