#![expect(clippy::disallowed_methods, reason = "the tests play the program that rewrites the file")]

use super::{File, Path, fs, temporary::Temporary, writer_of};
use std::fs::OpenOptions;
use std::time::Duration;

#[test]
fn whoever_writes_is_found_also_after_the_file_has_lost_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, other) = (folder.path().join("credentials"), folder.path().join("other"));
    let is_written = |path: &Path, file: &File| writer_of(path, file).is_some();
    let writer = File::create(&path).expect("a file");
    let reader = File::open(&path).expect("the file");
    assert!(is_written(&path, &reader));
    fs::rename(&path, &other).expect("another name");
    assert!(!is_written(&path, &reader), "that name is nobody's");
    assert!(is_written(&other, &reader));
    fs::write(&path, "").and_then(|()| fs::rename(&path, &other)).expect("replaced");
    assert!(is_written(&other, &reader), "the kernel calls it deleted");
    let new = File::open(&other).expect("the new file");
    assert!(!is_written(&other, &new), "of the same name, and another file");
    drop(writer);
    // A child of another test holds a copy until it runs its program.
    assert!((0..3000).any(|poll| !is_written(&other, &reader) || pause(poll)), "nobody but who reads");
    let appends = OpenOptions::new().append(true).open(&other).expect("the new file");
    assert!(is_written(&other, &new));
    drop(appends);
}

#[test]
fn whoever_writes_is_found_also_after_ours_was_exchanged_for_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("credentials");
    let _writer = File::create(&path).expect("a file");
    let old = File::open(&path).expect("the file");
    let mut ours = Temporary::beside(&path).expect("a temporary file");
    ours.exchange(&path).expect("exchanged");
    assert!(writer_of(&path, &old).is_some(), "it has the temporary name");
    ours.remove().expect("removed");
    assert!(writer_of(&path, &old).is_some(), "that was its last name");
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1, "only ours is left");
}

fn pause(poll: u64) -> bool {
    std::thread::sleep(Duration::from_millis(poll.min(10)));
    false
}
