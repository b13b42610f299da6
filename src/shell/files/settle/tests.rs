#![expect(clippy::disallowed_methods, reason = "the tests play the program that rewrites the file")]

use super::{Duration, File, Patience, read_nameless};
use std::fs;
use std::io::Write;

#[test]
fn a_rewrite_of_a_file_without_a_name_is_taken_whole_or_not_at_all() {
    let short = Duration::from_millis(100);
    let patience = Patience { quiet: short, lost: short, settle: 3 * short, lock: short };
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
