//! Indexes as git itself writes them, and what nobody wrote.
#![expect(clippy::disallowed_methods, reason = "a test has git write its files")]

use super::{Index, Tracked, tracks};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", folder);
    command.env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null());
    let output = command.output().expect("git runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A repository with some files, of which `.aws/credentials` is one, and `.aws/other` is not added.
fn repository(options: &[&str]) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    git(home.path(), &[&["init", "-q"], options].concat());
    fs::create_dir_all(home.path().join(".aws/sso/cache")).expect("a folder");
    for name in [".aws/a", ".aws/credentials", ".aws/credentials.old", ".aws/sso/cache/x.json", ".zshrc", ".aws/other"]
    {
        fs::write(home.path().join(name), name).expect("a file");
    }
    home
}

fn assert_known(home: &Path, what: &str) {
    let known = |name: &str| tracks(home, &home.join(name));
    assert_eq!(known(".aws/credentials"), Tracked::Yes, "{what}");
    assert_eq!(known(".zshrc"), Tracked::Yes, "{what}");
    for name in [".aws/other", ".aws/cred", "credentials", ".aws", "a"] {
        assert_eq!(known(name), Tracked::No, "{what}: {name}");
    }
}

const ADDED: [&str; 7] = ["add", "-f", ".aws/a", ".aws/credentials", ".aws/credentials.old", ".aws/sso", ".zshrc"];

#[test]
fn every_version_of_an_index_is_read() {
    for version in ["2", "3", "4"] {
        let home = repository(&[]);
        git(home.path(), &["config", "index.version", version]);
        git(home.path(), &ADDED);
        git(home.path(), &["update-index", "--index-version", version]);
        // Flags of the second kind, which version 2 does not know.
        if version != "2" {
            git(home.path(), &["add", "-N", ".aws/other"]);
            git(home.path(), &["rm", "-q", "--cached", ".aws/other"]);
            git(home.path(), &["update-index", "--skip-worktree", ".aws/a"]);
        }
        let written = fs::read(home.path().join(".git/index")).expect("an index")[7];
        assert_eq!(written.to_string(), version);
        assert_known(home.path(), version);
    }
}

#[test]
fn other_forms_of_a_repository_are_read() {
    let sha256 = repository(&["--object-format=sha256"]);
    git(sha256.path(), &ADDED);
    assert_known(sha256.path(), "SHA-256");

    let split = repository(&[]);
    git(split.path(), &ADDED);
    git(split.path(), &["update-index", "--split-index"]);
    assert_known(split.path(), "split");

    let apart = repository(&["--separate-git-dir=.elsewhere"]);
    assert!(apart.path().join(".git").is_file());
    git(apart.path(), &ADDED);
    assert_known(apart.path(), "a folder elsewhere");
}

#[test]
fn what_cannot_be_read_is_said_and_holds_nobody_up() {
    let home = repository(&[]);
    let file = home.path().join(".aws/credentials");
    assert_eq!(tracks(home.path(), &file), Tracked::No, "nothing was ever added");
    let index = home.path().join(".git/index");
    git(home.path(), &ADDED);
    let whole = fs::read(&index).expect("an index");
    for bad in [&whole[..whole.len() / 2], b"DIRC", b"", b"DIRC\0\0\0\x05\0\0\0\0aaaaaaaaaaaaaaaaaaaaaaaa"] {
        fs::write(&index, bad).expect("a file");
        assert!(matches!(tracks(home.path(), &file), Tracked::Unknown(_)), "{} bytes", bad.len());
    }
    fs::remove_file(&index).expect("gone");
    let made = Command::new("mkfifo").arg(&index).status().expect("a run");
    assert!(made.success());
    assert!(matches!(tracks(home.path(), &file), Tracked::Unknown(_)), "a pipe");
    fs::remove_dir_all(home.path().join(".git")).expect("gone");
    fs::write(home.path().join(".git"), "no repository").expect("a file");
    assert_eq!(tracks(home.path(), &file), Tracked::No);
}

#[test]
fn no_bytes_at_all_make_it_stumble() {
    let home = repository(&[]);
    git(home.path(), &["config", "index.version", "4"]);
    git(home.path(), &ADDED);
    let whole = fs::read(home.path().join(".git/index")).expect("an index");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        let _whatever = Index::parse(&bytes, b".aws/credentials");
        let _whatever = Index::parse(&whole[..at], b".aws/credentials");
    }
}
