#![expect(clippy::disallowed_methods, reason = "the tests play the program that rewrites the file")]

use super::{Duration, File, Identity, Known, Path, Patience, read, read_nameless, read_theirs};
use std::fs;
use std::io::Write;

#[test]
fn a_rewrite_of_a_file_without_a_name_is_taken_whole_or_not_at_all() {
    let short = Duration::from_millis(100);
    let patience = Patience { quiet: short, lost: short, settle: 3 * short, held: short, lock: short };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("credentials");
    let mut writer = File::create(&path).expect("a file");
    let nameless = File::open(&path).expect("the file");
    fs::remove_file(&path).expect("no name");
    writer.write_all(b"half").expect("written");
    assert!(read_nameless(&path, &nameless, patience).expect("read").is_none());
    writer.write_all(b" and half").expect("written");
    drop(writer);
    let theirs = read_nameless(&path, &nameless, patience).expect("read").expect("whole");
    assert_eq!(**theirs, *b"half and half");
}

#[test]
fn keys_that_are_being_rewritten_are_not_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("credentials");
    let mut writer = File::create(&path).expect("a file, and nothing in it yet");
    // It stays cut short for longer than a file has to stand still, as on a machine that is busy.
    let patience =
        Patience { quiet: Duration::from_millis(50), lost: Duration::from_millis(100), ..Patience::default() };
    let reading = std::thread::spawn(move || read_theirs(&path, patience));
    std::thread::sleep(Duration::from_millis(300));
    writer.write_all(b"[base]\n").expect("written");
    drop(writer);
    assert_eq!(**reading.join().expect("no panic").expect("read"), *b"[base]\n");
}

#[test]
fn a_device_is_empty_and_so_is_a_file_that_is_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let read = |path: &Path| read_theirs(path, Patience::default()).expect("read");
    assert!(read(Path::new("/dev/null")).is_empty() && read(&folder.path().join("none")).is_empty());
}

/// However often it is read meanwhile: a rewrite may pause.
#[test]
fn what_may_be_half_a_rewrite_has_to_stand_still_for_longer() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("credentials");
    let patience = Patience {
        quiet: Duration::ZERO,
        lost: Duration::from_secs(3600),
        settle: Duration::from_millis(60),
        ..Patience::default()
    };
    let told = |known: Known, parses: bool| read(&path, known, patience, &mut |_| parses).map(|found| found.bytes);
    let seen = |size: u64| {
        let seen = Identity { device: 1, inode: 1, size, modified: 1, changed: 1 };
        Known { seen: Some(seen), ..Known::default() }
    };
    fs::write(&path, "[base]\n").expect("a file");
    assert!(told(seen(7), true).is_ok() && told(Known::default(), true).is_ok());
    assert!(told(seen(8), true).is_err(), "it was longer");
    assert!(told(seen(7), false).is_err(), "it makes no sense");
    fs::write(&path, "").expect("a file");
    assert!(told(Known::default(), true).is_err(), "there is nothing in it");
    fs::remove_file(&path).expect("removed");
    assert!(told(Known::default(), true).is_ok(), "there never was one");
    assert!(told(seen(7), true).is_err(), "it is gone");
}
