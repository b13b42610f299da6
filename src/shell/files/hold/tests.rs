//! The tests play the other processes and look at the file.
#![expect(clippy::disallowed_methods, reason = "the tests look at the file that was replaced")]

use super::{Attempt, Hold, POLL, attempt};
use std::fs;
use std::time::Duration;

#[test]
fn one_at_a_time_and_the_next_one_holds_the_new_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("token.json");
    fs::write(&path, "old").expect("written");
    let first = Hold::take(&path, Duration::ZERO);
    assert!(first.lock.is_some());
    assert!(Hold::take(&path, Duration::ZERO).lock.is_none(), "it is held");
    let (stale, named) = (fs::File::open(&path).expect("opened"), path.clone());
    let waiting = std::thread::spawn(move || Hold::take(&named, Duration::from_secs(30)));
    assert!(first.replace(b"new", |found| found == b"old", |_| ()).expect("replaced"));
    drop(first);
    let second = waiting.join().expect("no panic");
    assert!(second.lock.is_some());
    // A child of another test has all our files for a moment, until it becomes another program.
    let free = (0..1500).any(|_| stale.try_lock().inspect_err(|_| std::thread::sleep(POLL)).is_ok());
    assert!(free, "it holds the new file, not the old one");
    assert!(matches!(attempt(&path), Attempt::Busy));
    assert_eq!(fs::read_to_string(&path).expect("read"), "new");
    drop(second);
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1, "nothing is left beside it");
}

#[test]
fn what_another_program_does_while_ours_is_made_durable_is_not_written_over() {
    for theirs in [Some("theirs"), None] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token.json");
        fs::write(&path, "old").expect("written");
        let hold = Hold::take(&path, Duration::ZERO);
        // They sign in, or out, when all but the rename is done.
        let meanwhile = |_| theirs.map_or_else(|| fs::remove_file(&path), |text| fs::write(&path, text)).expect("done");
        assert!(!hold.replace(b"new", |found| found == b"old", meanwhile).expect("left alone"));
        assert_eq!(fs::read_to_string(&path).ok().as_deref(), theirs);
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), usize::from(theirs.is_some()));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_another_program_writes_in_place_in_the_last_moment_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("token.json");
    fs::write(&path, "old").expect("written");
    let hold = Hold::take(&path, Duration::ZERO);
    // After our last look at it.
    let meanwhile = |found: &[u8]| fs::write(&path, "their sign-in").is_ok() && found == b"old";
    assert!(!hold.replace(b"new", meanwhile, |_| ()).expect("left alone"));
    assert_eq!(fs::read_to_string(&path).expect("read"), "their sign-in");
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1, "nothing is left beside it");
}

#[test]
fn what_is_not_there_is_waited_for_by_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(Hold::take(&folder.path().join("none"), Duration::from_secs(3600)).lock.is_none());
}
