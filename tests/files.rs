//! The files as the kernel and other programs see them: links, modes, owners, attributes, writers beside us.
#![expect(clippy::disallowed_methods, reason = "these tests play the other programs that use the same files")]
#![expect(clippy::expect_used, reason = "a test says what it expects, also in what its tests share")]

use evertoken::shell::files::lock::{self, FileLock, LockError};
use evertoken::shell::files::settle::{Known, Patience};
use evertoken::shell::files::update::{Edited, Kind, Target, lock_path};
use evertoken::shell::files::{Refusal, UpdateError, Updated, folder, remove, replace_private, resolve, update};
use rustix::fs::XattrFlags;
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
#[cfg(target_os = "linux")]
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use zeroize::Zeroizing;

const SHORT: Patience = Patience {
    quiet: Duration::from_millis(50),
    lost: Duration::from_millis(250),
    settle: Duration::from_secs(30),
    held: Duration::from_secs(60),
    lock: Duration::from_secs(30),
};

/// A home with `.aws` in it, both as only their owner can write to.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        // Whoever runs this may let others write by default, and evertoken rightly refuses such folders.
        rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
        let home = Self(TempDir::new().expect("a folder for the test"));
        fs::create_dir(home.path(".aws")).expect("create .aws");
        fs::set_permissions(home.path(".aws"), Permissions::from_mode(0o700)).expect("set the mode of .aws");
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn credentials(&self) -> PathBuf {
        self.path(".aws/credentials")
    }

    fn with(content: &str) -> Self {
        let home = Self::new();
        fs::write(home.credentials(), content).expect("write the credentials file");
        fs::set_permissions(home.credentials(), Permissions::from_mode(0o600)).expect("set its mode");
        home
    }

    fn target(&self, path: &Path) -> Target {
        Target {
            path: path.to_owned(),
            file_mode: 0o600,
            home: Some(folder::Home::at(self.0.path())),
            kind: Kind::Users,
            patience: SHORT,
        }
    }

    fn add(&self, line: &str) -> Result<Updated, UpdateError> {
        add(&self.target(&self.credentials()), line)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path(".aws")).expect("list .aws");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn add(target: &Target, line: &str) -> Result<Updated, UpdateError> {
    update(target, Known::default(), &mut |bytes| adding(bytes, line))
}

fn adding(bytes: &[u8], line: &str) -> Edited {
    if bytes.split(|byte| *byte == b'\n').any(|found| found == line.as_bytes()) {
        return Ok(None);
    }
    let mut new = Zeroizing::new(bytes.to_vec());
    new.extend_from_slice(line.as_bytes());
    new.push(b'\n');
    Ok(Some(new))
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("read a file")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("look at a file").mode() & 0o7777
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn a_change_keeps_every_other_byte_and_leaves_nothing_else_behind() {
    let home = Home::with("[user]\nkey = value\n");
    let done = home.add("ours").expect("an update");
    assert!(done.written && done.warnings.is_empty() && done.narrowed.is_none(), "{done:?}");
    assert_eq!(text(&home.credentials()), "[user]\nkey = value\nours\n");
    assert_eq!(home.names(), ["credentials", "credentials.lock"]);
    assert_eq!(mode(&home.path(".aws/credentials.lock")), 0o600);
}

#[test]
fn nothing_to_change_leaves_inode_and_time_alone() {
    let home = Home::with("ours\n");
    let before = fs::metadata(home.credentials()).expect("metadata");
    assert!(!home.add("ours").expect("an update").written);
    let after = fs::metadata(home.credentials()).expect("metadata");
    assert_eq!(
        (before.ino(), before.mtime_nsec(), before.ctime_nsec()),
        (after.ino(), after.mtime_nsec(), after.ctime_nsec())
    );
}

#[test]
fn a_refused_content_stays_as_it_is() {
    let home = Home::with("odd\n");
    let error =
        update(&home.target(&home.credentials()), Known::default(), &mut |_| Err(Refusal("line 1: odd".into())))
            .expect_err("a refusal");
    assert_eq!(
        error.to_string(),
        format!("edit {}: line 1: odd", resolve(&home.credentials()).expect("a path").display())
    );
    assert_eq!(text(&home.credentials()), "odd\n");
}

#[test]
fn a_chain_of_links_stays_and_the_file_behind_it_changes() {
    let home = Home::new();
    fs::create_dir_all(home.path("dot/files")).expect("folders");
    fs::write(home.path("dot/files/creds"), "user\n").expect("a file");
    symlink("files/creds", home.path("dot/link")).expect("a link");
    symlink("../dot/link", home.credentials()).expect("a link");
    home.add("ours").expect("an update");
    assert_eq!(text(&home.path("dot/files/creds")), "user\nours\n");
    assert_eq!(fs::read_link(home.credentials()).expect("still a link"), Path::new("../dot/link"));
    assert_eq!(fs::read_link(home.path("dot/link")).expect("still a link"), Path::new("files/creds"));
    assert_eq!(home.names(), ["credentials"]);
    assert!(home.path("dot/files/creds.lock").exists());
}

#[test]
fn a_dangling_link_stays_and_its_file_is_created() {
    let home = Home::new();
    symlink("../private/creds", home.credentials()).expect("a link");
    home.add("ours").expect("an update");
    assert_eq!(text(&home.path("private/creds")), "ours\n");
    assert_eq!((mode(&home.path("private")), mode(&home.path("private/creds"))), (0o700, 0o600));
    assert!(fs::symlink_metadata(home.credentials()).expect("still there").is_symlink());
}

#[test]
fn a_circle_of_links_is_an_error_and_stays() {
    let home = Home::new();
    symlink("other", home.credentials()).expect("a link");
    symlink("credentials", home.path(".aws/other")).expect("a link");
    let UpdateError::File(error) = home.add("ours").expect_err("no update") else { panic!("another error") };
    assert_eq!(error.source.raw_os_error(), Some(rustix::io::Errno::LOOP.raw_os_error()));
    assert_eq!(error.step, "resolve");
    assert_eq!(home.names(), ["credentials", "other"]);
}

#[test]
fn a_path_has_the_same_name_before_and_after_its_folder_is_created() {
    let home = Home::new();
    symlink(home.path(".aws"), home.path("alias")).expect("a link");
    let before = resolve(&home.path("alias/a/b/../c")).expect("a path");
    fs::create_dir_all(home.path("alias/a/b")).expect("folders");
    assert_eq!(before, resolve(&home.path("alias/a/b/../c")).expect("a path"));
    assert_eq!(before, resolve(&home.path(".aws/a/c")).expect("a path"));
}

#[test]
fn a_mode_is_narrowed_to_what_is_allowed_and_never_widened() {
    for (before, allowed, after) in [
        (0o644, 0o600, 0o600),
        (0o644, 0o640, 0o640),
        (0o600, 0o644, 0o600),
        (0o400, 0o600, 0o400),
        (0o755, 0o600, 0o600),
    ] {
        let home = Home::with("user\n");
        fs::set_permissions(home.credentials(), Permissions::from_mode(before)).expect("set the mode");
        let target = Target { file_mode: allowed, ..home.target(&home.credentials()) };
        let done = add(&target, "ours").expect("an update");
        assert_eq!(mode(&home.credentials()), after, "{before:o} {allowed:o}");
        assert_eq!(done.narrowed, (before != after).then_some((before, after)));
        assert_eq!(add(&target, "more").expect("an update").narrowed, None, "said once");
    }
    let home = Home::new();
    add(&Target { file_mode: 0o644, ..home.target(&home.credentials()) }, "ours").expect("an update");
    assert_eq!(mode(&home.credentials()), 0o600, "a new file is for its owner alone");
}

#[test]
fn the_owner_stays() {
    let home = Home::with("user\n");
    // Only root can give a file away; for everybody else the owner is the one that the test runs as.
    let owner = if is_root() { 12_345 } else { rustix::process::geteuid().as_raw() };
    let group = if is_root() { 23_456 } else { fs::metadata(home.credentials()).expect("metadata").gid() };
    chown(home.credentials(), Some(owner), Some(group)).expect("chown");
    home.add("ours").expect("an update");
    let after = fs::metadata(home.credentials()).expect("metadata");
    assert_eq!((after.uid(), after.gid()), (owner, group));
}

#[test]
fn a_new_file_and_its_lock_belong_to_whom_the_folder_belongs_to() {
    let home = Home::new();
    let owner = if is_root() { 12_345 } else { rustix::process::geteuid().as_raw() };
    chown(home.path(".aws"), Some(owner), None).expect("chown");
    home.add("ours").expect("an update");
    for name in ["credentials", "credentials.lock"] {
        assert_eq!(fs::metadata(home.path(".aws").join(name)).expect("metadata").uid(), owner, "{name}");
    }
}

#[test]
fn extended_attributes_and_access_lists_stay() {
    // Version 2; owner rw, user 65534 r, group none, mask r, others none (acl(5), linux/posix_acl_xattr.h).
    let mut list = vec![2, 0, 0, 0];
    for (tag, rights, id) in
        [(1_u16, 6_u16, u32::MAX), (2, 4, 65_534), (4, 0, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)]
    {
        list.extend(tag.to_le_bytes().into_iter().chain(rights.to_le_bytes()).chain(id.to_le_bytes()));
    }
    for (name, value) in [("user.note", b"mine".as_slice()), ("user.empty", b""), ("system.posix_acl_access", &list)] {
        let home = Home::with("user\n");
        let set = rustix::fs::setxattr(home.credentials(), name, value, XattrFlags::empty());
        let done = add(&Target { file_mode: 0o640, ..home.target(&home.credentials()) }, "ours").expect("an update");
        assert_eq!(done.warnings, Vec::<String>::new());
        let mut buffer = [0; 256];
        let found = rustix::fs::getxattr(home.credentials(), name, &mut buffer[..]);
        match set {
            Ok(()) => assert_eq!(found.map(|length| &buffer[..length]), Ok(value), "{name}"),
            // A file system without them has none to lose.
            Err(error) => assert!(found.is_err() && error == rustix::io::Errno::OPNOTSUPP, "{name}: {error}"),
        }
    }
}

#[test]
fn what_killed_runs_left_is_cleaned_away_and_nothing_of_anybody_else() {
    let home = Home::with("user\n");
    let stale = ".credentials.evertoken-0123456789abcdef";
    let others = [
        ".credentials.evertoken-notes",
        ".credentials.evertoken-0123456789abcdef0",
        ".config.evertoken-0123456789abcdef",
    ];
    for name in others.iter().chain([&stale]) {
        fs::write(home.path(".aws").join(name), "x").expect("a file");
    }
    symlink("credentials", home.path(".aws/.credentials.evertoken-ffffffffffffffff")).expect("a link");
    assert!(!home.add("user").expect("an update").written);
    let mut expected: Vec<&str> = others
        .into_iter()
        .chain([".credentials.evertoken-ffffffffffffffff", "credentials", "credentials.lock"])
        .collect();
    expected.sort_unstable();
    assert_eq!(home.names(), expected);
}

#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    // Their own group is let in where nobody else is in it, which the group of root never is.
    let group = if is_root() { [0o770, 0o730].as_slice() } else { &[] };
    for bad in [0o777, 0o1777, 0o702].iter().chain(group) {
        let home = Home::with("user\n");
        fs::set_permissions(home.path(".aws"), Permissions::from_mode(*bad)).expect("set the mode");
        let message = home.add("ours").expect_err("no update").to_string();
        assert!(message.contains("chmod go-w") && message.contains(&format!("{bad:04o}")), "{message}");
        assert_eq!((text(&home.credentials()).as_str(), home.names().len()), ("user\n", 1));
    }
}

#[test]
fn a_missing_folder_is_created_only_in_a_home_that_is_there_and_ours() {
    let home = Home::new();
    fs::remove_dir(home.path(".aws")).expect("remove .aws");
    let untouched =
        update(&home.target(&home.credentials()), Known::default(), &mut |_| Ok(None)).expect("nothing to do");
    assert!(!untouched.written && !home.path(".aws").exists());
    home.add("ours").expect("an update");
    assert_eq!((mode(&home.path(".aws")), mode(&home.credentials())), (0o700, 0o600));

    let deep = home.path("a/b/credentials");
    let message = add(&home.target(&deep), "ours").expect_err("no update").to_string();
    assert!(message.contains("create it first") && !home.path("a").exists(), "{message}");

    let gone = home.path("gone");
    let target = Target { home: Some(folder::Home::at(&gone)), ..home.target(&gone.join(".aws/credentials")) };
    let message = add(&target, "ours").expect_err("no update").to_string();
    assert!(message.contains("does not exist") && !gone.exists(), "{message}");
    let message =
        folder::ensure_private(&gone.join("state"), Some(&folder::Home::at(&gone))).expect_err("no folder").to_string();
    assert!(message.contains("does not exist") && !gone.exists(), "{message}");

    // Root owns every home that it is given here; for everybody else, / is somebody else's.
    let foreign = if is_root() { home.path("foreign") } else { PathBuf::from("/") };
    if is_root() {
        fs::create_dir(&foreign).expect("a home");
        chown(&foreign, Some(12_345), None).expect("chown");
    }
    let target =
        Target { home: Some(folder::Home::at(&foreign)), ..home.target(&foreign.join("nothing-here/credentials")) };
    let message = add(&target, "ours").expect_err("no update").to_string();
    assert!(message.contains("somebody else") && !foreign.join("nothing-here").exists(), "{message}");
}

#[test]
fn a_hard_link_that_is_cut_is_told_once() {
    let home = Home::with("user\n");
    fs::hard_link(home.credentials(), home.path("dot")).expect("a second name");
    let warnings = home.add("ours").expect("an update").warnings;
    assert!(matches!(warnings.as_slice(), [one] if one.contains("had another name (a hard link)")), "{warnings:?}");
    assert_eq!(text(&home.path("dot")), "user\n");
    assert_eq!(home.add("more").expect("an update").warnings, Vec::<String>::new());
}

/// One that is unmounted leaves a folder of the same name, and of the same owner perhaps.
#[test]
fn nothing_is_created_in_what_a_home_leaves_behind() {
    let above = Home::new();
    let (home, away) = (above.path("me"), above.path("away"));
    fs::create_dir(&home).expect("a home");
    let first = folder::Home::at(&home);
    let target = Target { home: Some(first.clone()), ..above.target(&home.join(".aws/credentials")) };
    fs::rename(&home, &away).and_then(|()| fs::create_dir(&home)).expect("unmounted");
    for message in [
        add(&target, "ours").expect_err("no update").to_string(),
        folder::ensure_private(&home.join("state"), Some(&first)).expect_err("no folder").to_string(),
    ] {
        assert!(
            message.contains("is not the one that was there at the start (not mounted? if it is, restart evertoken)"),
            "{message}"
        );
    }
    assert_eq!(fs::read_dir(&home).expect("a look").count(), 0);
    fs::remove_dir(&home).and_then(|()| fs::rename(&away, &home)).expect("mounted again");
    assert!(add(&target, "ours").expect("an update").written);
}

#[test]
fn a_folder_of_our_own_is_kept_private() {
    let home = Home::new();
    let state = home.path(".local/state/evertoken/0123");
    folder::ensure_private(&state, Some(&folder::Home::at(home.0.path()))).expect("a folder");
    for folder in [".local", ".local/state", ".local/state/evertoken", ".local/state/evertoken/0123"] {
        assert_eq!(mode(&home.path(folder)), 0o700, "{folder}");
    }
    fs::set_permissions(&state, Permissions::from_mode(0o755)).expect("set the mode");
    folder::ensure_private(&state, Some(&folder::Home::at(home.0.path()))).expect("a folder");
    assert_eq!(mode(&state), 0o700);
    symlink(home.path(".aws"), home.path("link")).expect("a link");
    let message = folder::ensure_private(&home.path("link"), None).expect_err("a link").to_string();
    assert!(message.contains("symbolic link"), "{message}");
    fs::write(home.path("file"), "").expect("a file");
    assert!(folder::ensure_private(&home.path("file"), None).is_err());
    if is_root() {
        chown(&state, Some(12_345), None).expect("chown");
        let message = folder::ensure_private(&state, None).expect_err("foreign").to_string();
        assert!(message.contains("belongs to user 12345"), "{message}");
    }
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let home = Home::new();
    fs::create_dir(home.credentials()).expect("a folder");
    assert!(home.add("ours").is_err());
    fs::remove_dir(home.credentials()).expect("remove it");
    symlink("/dev/full", home.credentials()).expect("a link");
    assert!(home.add("ours").is_err());
    fs::remove_file(home.credentials()).expect("remove it");
    rustix::fs::mkfifoat(rustix::fs::CWD, home.credentials(), rustix::fs::Mode::RUSR).expect("a pipe");
    let message = home.add("ours").expect_err("a pipe").to_string();
    assert!(message.contains("not a regular file"), "{message}");
    fs::remove_dir_all(home.path(".aws")).expect("remove it");
    fs::write(home.path(".aws"), "").expect("a file");
    assert!(home.add("ours").is_err());
}

#[test]
fn many_writers_at_once_lose_nothing() {
    let home = Home::with("user\n");
    let (writers, rounds) = (8, 12);
    let start = Barrier::new(writers);
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let (home, start) = (&home, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..rounds {
                    home.add(&format!("{writer}-{round}")).expect("an update");
                }
            });
        }
    });
    let content = text(&home.credentials());
    let lines: std::collections::BTreeSet<&str> = content.lines().collect();
    assert_eq!((lines.len(), content.lines().count()), (1 + writers * rounds, 1 + writers * rounds));
    assert_eq!(home.names(), ["credentials", "credentials.lock"]);
}

#[test]
fn a_rewrite_in_place_is_waited_out() {
    let user = "[user]\nkey = value\n".repeat(20);
    let home = Home::with(&user);
    home.add("ours").expect("an update");
    let all = text(&home.credentials());
    let (half, rest) = all.split_at(all.len() / 2);
    // However late the machine lets the other program go on.
    let patience = Patience { lost: Duration::from_secs(60), settle: Duration::from_secs(90), ..SHORT };
    let target = Target { patience, ..home.target(&home.credentials()) };
    let emptied = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // As the AWS CLI does it, only slower.
            let mut file = OpenOptions::new().write(true).truncate(true).open(home.credentials()).expect("truncate");
            emptied.wait();
            std::thread::sleep(SHORT.lost / 2);
            file.write_all(half.as_bytes()).expect("write");
            std::thread::sleep(SHORT.lost / 2);
            file.write_all(format!("{rest}theirs\n").as_bytes()).expect("write");
        });
        emptied.wait();
        add(&target, "more").expect("an update");
    });
    assert_eq!(text(&home.credentials()), format!("{user}ours\ntheirs\nmore\n"));
}

/// On a machine that swaps a program may stand still for longer than anybody believes, between its cut and its write.
#[test]
#[cfg(target_os = "linux")]
fn whoever_stalls_in_the_middle_of_a_rewrite_is_waited_for() {
    let user = "[user]\nkey = value\n";
    let home = Home::with(user);
    home.add("ours").expect("an update");
    let mut file = OpenOptions::new().write(true).truncate(true).open(home.credentials()).expect("truncate");
    let impatient =
        Target { patience: Patience { settle: 3 * SHORT.lost, ..SHORT }, ..home.target(&home.credentials()) };
    let message = add(&impatient, "more").expect_err("not yet").to_string();
    let us = std::process::id();
    assert!(message.contains(&format!("process {us} has cut it short and still has it open")), "{message}");
    assert_eq!(text(&home.credentials()), "", "nothing is made of what is not whole");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| home.add("more").expect("an update"));
        std::thread::sleep(3 * SHORT.lost);
        file.write_all(user.as_bytes()).expect("write");
        drop(file);
        assert!(waiting.join().expect("no panic").written);
    });
    assert_eq!(text(&home.credentials()), format!("{user}more\n"));
}

/// A program that has the file open to append to it: ready once it has said so, and writes a line for each it is told.
#[cfg(target_os = "linux")]
struct Appender {
    program: Child,
    orders: ChildStdin,
}

#[cfg(target_os = "linux")]
impl Appender {
    fn of(path: &Path) -> Self {
        let script = r#"exec 3>>"$1"; echo ready; while read -r line; do echo "$line" >&3; done"#;
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = command.spawn().expect("a shell");
        let told = program.stdout.take().expect("a pipe");
        BufReader::new(told).read_line(&mut String::new()).expect("ready");
        let orders = program.stdin.take().expect("a pipe");
        Self { program, orders }
    }

    fn append(&mut self, line: &str) {
        writeln!(self.orders, "{line}").expect("it listens");
    }

    fn end(mut self) {
        drop(self.orders);
        assert!(self.program.wait().expect("its end").success());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn whoever_writes_with_pauses_is_waited_for_also_where_each_state_looks_whole() {
    for writes_before in [false, true] {
        let home = Home::with("user\n");
        let mut theirs = Appender::of(&home.credentials());
        if writes_before {
            theirs.append("first");
            assert!((0..3000).any(|_| text(&home.credentials()) == "user\nfirst\n" || pause_between(50)));
        }
        std::thread::scope(|scope| {
            let ours = scope.spawn(|| home.add("ours").expect("an update"));
            std::thread::sleep(3 * SHORT.lost);
            assert!(!ours.is_finished(), "what comes next would be lost");
            theirs.append("last");
            theirs.end();
            assert!(ours.join().expect("no panic").written);
        });
        let first = if writes_before { "first\n" } else { "" };
        assert_eq!(text(&home.credentials()), format!("user\n{first}last\nours\n"));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn who_only_keeps_the_file_open_is_named_and_does_not_stop_us_for_ever() {
    let home = Home::with("user\n");
    let theirs = Appender::of(&home.credentials());
    let process = theirs.program.id();
    let patience = Patience { settle: 2 * SHORT.quiet, held: 5 * SHORT.quiet, ..SHORT };
    let target = Target { patience, ..home.target(&home.credentials()) };
    let (mut known, mut refusals) = (Known::default(), 0);
    let updated = loop {
        match update(&target, known, &mut |bytes| adding(bytes, "ours")) {
            Err(UpdateError::Held { path, held }) => {
                refusals += 1;
                known.held = Some(*held);
                let message = UpdateError::Held { path, held }.to_string();
                assert!(message.contains(&format!("process {process} has it open to write it")), "{message}");
                assert_eq!(text(&home.credentials()), "user\n");
            }
            other => break other.expect("an update"),
        }
    };
    assert_eq!(refusals, 2, "the waits are taken together");
    assert_eq!(text(&home.credentials()), "user\nours\n");
    let [warning] = updated.warnings.as_slice() else { panic!("one warning: {:?}", updated.warnings) };
    assert!(warning.contains(&format!("process {process} has ")), "{warning}");
    assert!(add(&target, "more").expect("an update").warnings.is_empty(), "it has not the new file open");
    theirs.end();
    assert_eq!(home.names(), ["credentials", "credentials.lock"]);
}

#[test]
fn a_file_that_was_emptied_for_good_is_believed_in_the_end() {
    let home = Home::with("user\n");
    home.add("ours").expect("an update");
    fs::write(home.credentials(), "").expect("empty it");
    home.add("more").expect("an update");
    assert_eq!(text(&home.credentials()), "more\n");
    fs::remove_file(home.credentials()).expect("remove it");
    home.add("again").expect("an update");
    assert_eq!(text(&home.credentials()), "again\n");
}

#[test]
fn a_file_that_never_stands_still_is_left_alone() {
    let home = Home::with("user\n");
    // Between two of its writes no machine stands still for so long, and one that did would stop our clock as well.
    let patience = Patience { quiet: Duration::from_secs(1), settle: Duration::from_secs(3), ..SHORT };
    let target = Target { patience, ..home.target(&home.credentials()) };
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = OpenOptions::new().append(true).open(home.credentials()).expect("open");
            while !over.load(Ordering::Relaxed) {
                file.write_all(b"more\n").expect("write");
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let result = add(&target, "ours");
        over.store(true, Ordering::Relaxed);
        let message = result.expect_err("no update").to_string();
        assert!(message.contains("does not stand still"), "{message}");
    });
    assert!(!text(&home.credentials()).contains("ours"));
}

/// A program that truncates and rewrites in place, without a lock, again and again: whatever moment it hits, nothing
/// that it wrote is ever undone.
#[test]
fn a_hot_writer_in_place_loses_nothing_to_us() {
    // Two lines of fixed width: nothing but the moment between its cut and its write looks odd.
    let content = |theirs: usize, ours: usize| format!("theirs {theirs:08}\nours {ours:08}\n");
    let home = Home::with(&content(0, 0));
    let patience = Patience { quiet: Duration::ZERO, lost: Duration::from_secs(2), ..SHORT };
    let target = Target { patience, ..home.target(&home.credentials()) };
    let mark = |round: usize| {
        update(&target, Known::default(), &mut |bytes| {
            let theirs = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
            Ok(Some(Zeroizing::new([theirs, format!("\nours {round:08}\n").as_bytes()].concat())))
        })
    };
    // What was overtaken comes back at once, but not in the same moment.
    let comes_to_stand =
        |line: &str| (0..3000).any(|poll| text(&home.credentials()).starts_with(line) || pause_between(poll));
    let (over, replaced) = (AtomicBool::new(false), AtomicUsize::new(0));
    let undone = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| {
            for next in 1..=500_usize {
                let mut file =
                    OpenOptions::new().write(true).truncate(true).open(home.credentials()).expect("truncate");
                file.write_all(content(next, 0).as_bytes()).expect("write");
                drop(file);
                std::thread::sleep(Duration::from_micros(next as u64 * 379 % 3000));
                if !comes_to_stand(&content(next, 0)[..15]) {
                    return Some(next);
                }
            }
            None
        });
        scope.spawn(|| {
            for round in 1.. {
                // It may well be too hot to be written to.
                if mark(round).is_ok_and(|updated| updated.written) {
                    replaced.fetch_add(1, Ordering::Relaxed);
                }
                if over.load(Ordering::Acquire) {
                    break;
                }
            }
        });
        let undone = theirs.join();
        over.store(true, Ordering::Release);
        undone.expect("no panic")
    });
    assert_eq!(undone, None, "what they wrote was undone: {}", text(&home.credentials()));
    assert!(replaced.load(Ordering::Relaxed) > 0, "not one write of ours came between");
    assert_eq!(home.names(), ["credentials", "credentials.lock"]);
}

/// Between two looks, of which the first ones follow each other closely; always `false`.
fn pause_between(poll: usize) -> bool {
    std::thread::sleep(if poll < 50 { Duration::from_micros(200) } else { Duration::from_millis(10) });
    false
}

#[test]
fn what_is_no_regular_file_under_the_name_of_a_lock_holds_nobody_up() {
    let home = Home::new();
    let (pipe, link, folder) = (home.path("pipe.lock"), home.path("link.lock"), home.path("folder.lock"));
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).expect("a pipe");
    symlink(&pipe, &link).expect("a link");
    fs::create_dir(&folder).expect("a folder");
    let (sender, answers) = std::sync::mpsc::channel();
    // Not joined: whoever opens the pipe and waits would wait for ever.
    std::thread::spawn(move || {
        for path in [pipe, link, folder] {
            let answer = (lock::peek(&path), lock::holder(&path), FileLock::try_acquire(&path));
            sender.send((path, answer)).expect("the test waits");
        }
    });
    for _ in 0..3 {
        let (path, (note, holder, lock)) = answers.recv_timeout(SHORT.lock).expect("an answer");
        assert_eq!(note, lock::Note::default());
        for error in [holder.expect_err("no lock file"), lock.expect_err("no lock file")] {
            assert!(error.to_string().contains(path.to_str().expect("UTF-8")), "{error}");
        }
    }
}

#[test]
fn a_lock_says_who_holds_it_and_survives_the_removal_of_its_file() {
    let home = Home::new();
    let path = home.path("x.lock");
    assert_eq!(lock::holder(&path).expect("no file"), None);
    let held = FileLock::try_acquire(&path).expect("a lock file").expect("free");
    assert!(FileLock::try_acquire(&path).expect("a lock file").is_none());
    assert_eq!(lock::holder(&path).expect("a file").expect("held").holder, Some(std::process::id()));
    let error = FileLock::acquire(&path, Duration::from_millis(30)).expect_err("held");
    assert!(matches!(error, LockError::Held { holder: Some(pid), .. } if pid == std::process::id()), "{error}");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| FileLock::acquire(&path, SHORT.lock).expect("a lock"));
        held.remove().expect("remove the file");
        let second = waiting.join().expect("no panic");
        assert!(path.exists(), "the file of the lock that is held now");
        drop(second);
    });
    assert_eq!(lock::holder(&path).expect("a file"), None);
}

#[test]
fn nobody_holds_a_lock_whose_file_was_removed_beside_somebody_who_holds_the_new_one() {
    let home = Home::new();
    let (path, inside) = (home.path("x.lock"), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..300 {
                    let Some(lock) = FileLock::try_acquire(&path).expect("a lock file") else { continue };
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    lock.remove().expect("remove the file");
                }
            });
        }
    });
}

#[test]
fn a_held_write_lock_is_waited_for_and_then_named() {
    let home = Home::with("user\n");
    let held = FileLock::try_acquire(&lock_path(&home.credentials())).expect("a lock file").expect("free");
    let impatient = Patience { lock: Duration::from_millis(50), ..SHORT };
    let message =
        add(&Target { patience: impatient, ..home.target(&home.credentials()) }, "ours").expect_err("held").to_string();
    assert!(message.contains(&format!("process {} holds it", std::process::id())), "{message}");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| home.add("ours").expect("an update"));
        drop(held);
        assert!(waiting.join().expect("no panic").written);
    });
}

#[test]
fn a_file_of_our_own_is_replaced_in_one_step_and_private() {
    let home = Home::new();
    let path = home.path(".aws/status.json");
    for content in ["{}", "{\"version\":1}"] {
        replace_private(&path, content.as_bytes()).expect("a replacement");
        assert_eq!((text(&path).as_str(), mode(&path), home.names().len()), (content, 0o600, 1));
    }
    assert!(remove(&path).expect("removed") && !remove(&path).expect("gone already"));
    fs::create_dir(&path).expect("a folder in its place");
    let error = replace_private(&path, b"{}").expect_err("no replacement");
    assert_eq!((error.step, home.names().len()), ("rename", 1), "{error}");
}
