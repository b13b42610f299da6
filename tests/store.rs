//! The two stores and the locks around them, as the daemon, `refresh` and `credential-process` use them side by side.
#![expect(clippy::disallowed_methods, reason = "these tests play the other programs that use the same files")]
#![expect(clippy::expect_used, reason = "a test says what it expects, also in what its tests share")]

use evertoken::engine::config::model::StoreKind;
use evertoken::engine::credentials_file::{Edit, Observation, Outcome, Publication};
use evertoken::engine::names::ProfileName;
use evertoken::engine::secret::Secret;
use evertoken::engine::session::{Keys, Session, SettingsDigest};
use evertoken::engine::time::WallTime;
use evertoken::shell::environment::Environment;
use evertoken::shell::files::lock::LockError;
use evertoken::shell::files::settle::Patience;
use evertoken::shell::locks::{InstanceLock, RefreshLock};
use evertoken::shell::places::Places;
use evertoken::shell::store::{Stores, move_private_store, write_status};
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(60);

fn places(home: &TempDir) -> Places {
    Places::find(&Environment::from_vars([("HOME", home.path())]), None, None).expect("places")
}

fn stores(home: &TempDir) -> Stores {
    Stores::new(places(home), 0o600)
}

fn profile(name: &str) -> ProfileName {
    ProfileName::parse(name).expect("a profile name")
}

fn session(token: &str) -> Session {
    Session {
        keys: Keys {
            access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: Some(Secret::new(token)),
        },
        account_id: Some("111122223333".to_owned()),
        issued: WallTime::from_unix_seconds(1_795_270_000),
        expiration: WallTime::from_unix_seconds(1_795_273_600),
        digest: SettingsDigest::parse("0123456789abcdef").expect("a digest"),
        allowed: None,
    }
}

fn put(name: &str, token: &str) -> Edit {
    Edit::Put(Box::new(Publication { profile: profile(name), session: session(token), region: None, adopt: false }))
}

fn found(stores: &Stores, store: StoreKind, name: &str) -> Observation {
    let sections = stores.observe(store, &[profile(name)]).sections.expect("a file that can be read");
    sections.into_iter().find(|(found, _)| found.as_str() == name).expect("the profile that was asked for").1
}

#[test]
fn what_is_stored_is_seen_in_its_own_store_alone() {
    let home = TempDir::new().expect("a home");
    let stores = stores(&home);
    for (store, other, name) in
        [(StoreKind::Shared, StoreKind::Private, "dev"), (StoreKind::Private, StoreKind::Shared, "mfa")]
    {
        assert_eq!(found(&stores, store, name), Observation::Absent);
        let stored = stores.apply(store, &[put(name, "token")]).expect("stored");
        assert_eq!(stored.outcomes, [(profile(name), Outcome::Written)]);
        assert_eq!(stored.warnings, Vec::<String>::new());
        assert_eq!(found(&stores, store, name), Observation::Ours(Box::new(session("token"))));
        assert_eq!(found(&stores, other, name), Observation::Absent);
    }
    let places = stores.places();
    for (path, mode) in [
        (places.credentials(), 0o600),
        (&places.private_store(), 0o600),
        (places.state(), 0o700),
        (places.credentials().parent().expect("a folder"), 0o700),
    ] {
        assert_eq!(fs::metadata(path).expect("metadata").mode() & 0o7777, mode, "{}", path.display());
    }
}

#[test]
fn what_stands_there_already_is_not_written_again() {
    let home = TempDir::new().expect("a home");
    let stores = stores(&home);
    stores.apply(StoreKind::Shared, &[put("dev", "token")]).expect("stored");
    let before = fs::metadata(stores.places().credentials()).expect("metadata");
    let again = stores.apply(StoreKind::Shared, &[put("dev", "token"), Edit::remove(profile("gone"))]).expect("stored");
    assert!(again.outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Unchanged), "{:?}", again.outcomes);
    let after = fs::metadata(stores.places().credentials()).expect("metadata");
    assert_eq!((before.ino(), before.ctime_nsec()), (after.ino(), after.ctime_nsec()));
}

#[test]
fn removing_from_a_file_that_is_not_there_creates_nothing() {
    let home = TempDir::new().expect("a home");
    stores(&home).apply(StoreKind::Shared, &[Edit::remove(profile("dev"))]).expect("nothing to do");
    assert_eq!(fs::read_dir(home.path()).expect("list").count(), 0);
}

#[test]
fn a_file_that_cannot_be_parsed_is_named_with_its_line_and_stays() {
    let home = TempDir::new().expect("a home");
    let stores = stores(&home);
    fs::create_dir(home.path().join(".aws")).expect("a folder");
    fs::set_permissions(home.path().join(".aws"), Permissions::from_mode(0o700)).expect("set the mode");
    let odd = "[user]\nno equals sign here\n";
    fs::write(stores.places().credentials(), odd).expect("write");
    let message = stores.apply(StoreKind::Shared, &[put("dev", "token")]).expect_err("not stored").to_string();
    assert!(message.contains("line 2"), "{message}");
    let message = stores.observe(StoreKind::Shared, &[profile("dev")]).sections.expect_err("cannot be read");
    assert!(message.contains("line 2") && message.contains(".aws/credentials"), "{message}");
    assert_eq!(fs::read_to_string(stores.places().credentials()).expect("read"), odd);
}

#[test]
fn a_wider_mode_is_narrowed_and_said_once() {
    let home = TempDir::new().expect("a home");
    let stores = stores(&home);
    stores.apply(StoreKind::Shared, &[put("dev", "one")]).expect("stored");
    fs::set_permissions(stores.places().credentials(), Permissions::from_mode(0o644)).expect("set the mode");
    let warnings = stores.apply(StoreKind::Shared, &[put("dev", "two")]).expect("stored").warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("0644") && warnings[0].contains("0600"), "{warnings:?}");
    assert_eq!(stores.apply(StoreKind::Shared, &[put("dev", "three")]).expect("stored").warnings, Vec::<String>::new());
}

#[test]
fn fifty_askers_make_one_call() {
    let home = TempDir::new().expect("a home");
    let (calls, start) = (AtomicUsize::new(0), Barrier::new(50));
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                // Each one as a process of its own would do it.
                let (places, stores) = (places(&home), stores(&home));
                start.wait();
                let _held = RefreshLock::acquire(&places, &profile("team/dev"), LONG).expect("the lock");
                if found(&stores, StoreKind::Private, "team/dev") == Observation::Absent {
                    calls.fetch_add(1, Ordering::Relaxed);
                    stores.apply(StoreKind::Private, &[put("team/dev", "token")]).expect("stored");
                }
            });
        }
    });
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[test]
fn the_refresh_locks_of_two_profiles_do_not_meet() {
    let home = TempDir::new().expect("a home");
    let places = places(&home);
    let held = RefreshLock::try_acquire(&places, &profile("dev")).expect("a lock file");
    assert!(held.is_some());
    assert!(RefreshLock::try_acquire(&places, &profile("dev")).expect("a lock file").is_none());
    assert!(RefreshLock::try_acquire(&places, &profile("Dev")).expect("a lock file").is_some());
    drop(held);
    assert!(RefreshLock::try_acquire(&places, &profile("dev")).expect("a lock file").is_some());
}

#[test]
fn one_daemon_for_each_credentials_file() {
    let home = TempDir::new().expect("a home");
    let places = places(&home);
    assert_eq!(InstanceLock::holder(&places).expect("no daemon, no folder"), None);
    let held = InstanceLock::acquire(&places).expect("the lock");
    assert_eq!(InstanceLock::holder(&places).expect("a lock file"), Some(Some(std::process::id())));
    let second = InstanceLock::acquire(&places).expect_err("held");
    assert!(matches!(second, LockError::Held { holder: Some(pid), .. } if pid == std::process::id()), "{second}");
    let mine = home.path().join("mine");
    let env = Environment::from_vars([("HOME", home.path()), ("AWS_SHARED_CREDENTIALS_FILE", &mine)]);
    let other = Places::find(&env, None, None).expect("places");
    InstanceLock::acquire(&other).expect("another file, another daemon");
    drop(held);
    assert_eq!(InstanceLock::holder(&places).expect("a lock file"), None);
    InstanceLock::acquire(&places).expect("free again");
}

#[test]
fn a_daemon_starts_although_others_ask_for_it_all_the_time() {
    let home = TempDir::new().expect("a home");
    let places = places(&home);
    InstanceLock::acquire(&places).expect("the lock");
    let over = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while over.load(Ordering::Relaxed) == 0 {
                InstanceLock::holder(&places).expect("a lock file");
            }
        });
        for _ in 0..20 {
            assert!(InstanceLock::acquire(&places).inspect_err(|_| over.store(1, Ordering::Relaxed)).is_ok());
        }
        over.store(1, Ordering::Relaxed);
    });
}

#[test]
fn the_status_is_written_whole_and_private() {
    let home = TempDir::new().expect("a home");
    let places = places(&home);
    write_status(&places, b"{}").expect("written");
    write_status(&places, b"{\"version\": 1}").expect("written");
    assert_eq!(fs::read_to_string(places.status_file()).expect("read"), "{\"version\": 1}");
    assert_eq!(fs::metadata(places.status_file()).expect("metadata").mode() & 0o777, 0o600);
}

#[test]
fn a_region_of_the_aws_config_is_not_written_again() {
    let home = TempDir::new().expect("a home");
    fs::create_dir(home.path().join(".aws")).expect("create");
    fs::set_permissions(home.path().join(".aws"), Permissions::from_mode(0o700)).expect("narrow");
    fs::write(home.path().join(".aws/config"), "[profile dev]\nregion = us-west-2\n").expect("write");
    let put = |name: &str| {
        let region = Some("eu-west-1".to_owned());
        Edit::Put(Box::new(Publication { profile: profile(name), session: session("token"), region, adopt: false }))
    };
    let stores = stores(&home);
    let edits = stores.without_known_regions(StoreKind::Shared, vec![put("dev"), put("ops")]);
    stores.apply(StoreKind::Shared, &edits).expect("stored");
    let text = fs::read_to_string(home.path().join(".aws/credentials")).expect("read");
    let (dev, ops) = text.split_once("[ops]").expect("both sections");
    assert!(!dev.contains("region = ") && ops.contains("region = eu-west-1"), "{text}");
}

#[test]
fn a_region_counts_also_while_the_aws_config_is_being_written_anew() {
    let home = tempfile::tempdir().expect("a home");
    let stores = stores(&home);
    let config = home.path().join(".aws/config");
    fs::create_dir(home.path().join(".aws")).expect("create");
    // Cut short, as many tools leave it until they have written the rest.
    let mut half_written = fs::File::create(&config).expect("create");
    let edits = std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            half_written.write_all(b"[profile dev]\nregion = us-west-2\n").expect("write");
        });
        let publication = Publication {
            profile: profile("dev"),
            session: session("token"),
            region: Some("eu-west-1".to_owned()),
            adopt: false,
        };
        stores.without_known_regions(StoreKind::Shared, vec![Edit::Put(Box::new(publication))])
    });
    assert!(matches!(&edits[..], [Edit::Put(put)] if put.region.is_none()), "{edits:?}");
}

#[test]
fn our_own_writes_are_no_news_and_those_of_others_always_are() {
    let home = TempDir::new().expect("a home");
    let (ours, theirs) = (stores(&home), stores(&home));
    let list = [profile("dev"), profile("ops")];
    let news = |of: &Stores| of.observe_changes(StoreKind::Shared, &list).is_some();
    assert!(news(&ours), "a file that is not there yet is looked for each time");
    ours.apply(StoreKind::Shared, &[put("dev", "one")]).expect("stored");
    assert!(news(&ours), "nobody has looked into this file yet");
    until(|| !news(&ours));
    ours.apply(StoreKind::Shared, &[put("dev", "two")]).expect("stored");
    assert!(!news(&ours), "only our own session is new in it");

    theirs.apply(StoreKind::Shared, &[put("ops", "three")]).expect("stored");
    assert!(news(&ours));
    // Only what was relied on can be relied on by mistake.
    until(|| !news(&ours));
    theirs.apply(StoreKind::Shared, &[put("ops", "four")]).expect("stored");
    ours.apply(StoreKind::Shared, &[put("dev", "five")]).expect("stored");
    assert!(news(&ours), "our write came after theirs, but theirs was never looked at");
    until(|| !news(&ours));
}

#[test]
fn a_private_store_moves_only_to_where_there_is_none() {
    let (old, new) = (TempDir::new().expect("a home"), TempDir::new().expect("a home"));
    assert!(!move_private_store(&places(&old), &places(&new)).expect("nothing to move"));
    stores(&old).apply(StoreKind::Private, &[put("dev", "old")]).expect("stored");
    stores(&new).apply(StoreKind::Private, &[put("dev", "new")]).expect("stored");
    let read = |home: &TempDir| fs::read_to_string(places(home).private_store()).ok();
    let before = (read(&old), read(&new));
    assert!(!move_private_store(&places(&old), &places(&new)).expect("a look"));
    assert_eq!((read(&old), read(&new)), before);
    fs::remove_file(places(&new).private_store()).expect("removed");
    assert!(move_private_store(&places(&old), &places(&new)).expect("moved"));
    assert_eq!((read(&old), read(&new)), (None, before.0));
}

/// Long-term keys that were rotated in it mend what was refused, a session that we put into it does not.
#[test]
fn what_others_keep_beside_our_sections_is_told_to_have_changed_once() {
    let home = TempDir::new().expect("a home");
    let stores = stores(&home);
    let path = stores.places().credentials().to_owned();
    let changed = |text: Option<&str>| {
        if let Some(text) = text {
            fs::write(&path, text).expect("written");
        }
        stores.observe(StoreKind::Shared, &[profile("dev")]);
        stores.others_changed()
    };
    stores.apply(StoreKind::Shared, &[put("dev", "one")]).expect("stored");
    assert!(!changed(None), "nothing was known before");
    stores.apply(StoreKind::Shared, &[put("dev", "two"), put("ops", "one")]).expect("stored");
    assert!(!changed(None), "our own writes");
    let with_keys =
        format!("[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n{}", fs::read_to_string(&path).expect("read"));
    assert!(changed(Some(&with_keys)));
    assert!(!changed(None), "it was told");
    assert!(changed(Some(&with_keys.replace("IOSFODNN7", "I44QH8DHB"))));
}

#[test]
fn a_change_that_comes_at_once_and_leaves_the_size_is_news_too() {
    let home = TempDir::new().expect("a home");
    let at_once = Patience { quiet: Duration::ZERO, lost: Duration::ZERO, ..Patience::default() };
    let ours = stores(&home).with_patience(at_once);
    let list = [profile("dev")];
    let file = home.path().join(".aws/credentials");
    let news = || ours.observe_changes(StoreKind::Shared, &list);
    ours.apply(StoreKind::Shared, &[put("dev", "ours")]).expect("stored");
    for word in ["mine", "your", "hers"] {
        until(|| news().is_none());
        ours.apply(StoreKind::Shared, &[put("dev", "ours")]).expect("stored");
        let text = fs::read_to_string(&file).expect("the file");
        fs::write(&file, text.replace("ours", word)).expect("written in place");
        assert!(news().is_some(), "{word}");
    }
}

#[test]
fn a_file_whose_times_may_not_show_the_next_change_is_read_each_time() {
    let home = TempDir::new().expect("a home");
    let ours = stores(&home);
    let list = [profile("dev")];
    let news = || ours.observe_changes(StoreKind::Shared, &list).is_some();
    ours.apply(StoreKind::Shared, &[put("dev", "one")]).expect("stored");
    until(|| !news());
    // A file system of another machine, whose clock is an hour ahead.
    let file = fs::File::options().write(true).open(home.path().join(".aws/credentials")).expect("the file");
    file.set_modified(SystemTime::now() + Duration::from_secs(3600)).expect("its time is set");
    // Who has it open to write it would be waited for.
    drop(file);
    assert!(news() && news() && news());
    ours.apply(StoreKind::Shared, &[put("dev", "two")]).expect("stored");
    assert!(news(), "what was there before our write is not known for sure");
    until(|| !news());
}

/// Waits for what the time of a file's last change has to be past for.
fn until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "it never came about");
    }
}

#[test]
fn a_write_of_another_program_in_the_moment_of_ours_is_never_taken_for_ours() {
    let home = TempDir::new().expect("a home");
    let ours = stores(&home).with_patience(Patience { quiet: Duration::ZERO, ..Patience::default() });
    let list = [profile("dev")];
    ours.apply(StoreKind::Shared, &[put("dev", "token-000")]).expect("stored");
    ours.observe(StoreKind::Shared, &list);
    let path = home.path().join(".aws/credentials");
    for turn in 1..=40 {
        let (before, old) = (fs::metadata(&path).expect("a file").ino(), fs::read(&path).expect("a file"));
        std::thread::scope(|scope| {
            // As a shell does it: what it had read before goes into the file that has the name now, with the same length.
            let other = scope.spawn(|| {
                while fs::metadata(&path).expect("a file").ino() == before {
                    std::hint::spin_loop();
                }
                fs::write(&path, &old).expect("written in place");
            });
            ours.apply(StoreKind::Shared, &[put("dev", &format!("token-{turn:03}"))]).expect("stored");
            other.join().expect("the other program");
        });
        // They came while we were at it, and we wrote again; or after that, and it is news.
        let is_ours = fs::read_to_string(&path).expect("a file").contains(&format!("token-{turn:03}"));
        let is_news = ours.observe_changes(StoreKind::Shared, &list).is_some();
        assert!(is_ours || is_news, "turn {turn}");
    }
}

#[test]
fn what_another_process_stored_is_found_also_below_our_own_write() {
    let home = TempDir::new().expect("a home");
    let (ours, theirs) = (stores(&home), stores(&home));
    let found = |name: &str| {
        let of_interest = |digest: &SettingsDigest, _, end| *digest == session("").digest && end > session("").issued;
        ours.session_of_interest(StoreKind::Shared, &profile(name), of_interest)
            .map(|session| session.keys.session_token)
    };
    let token = |text: &str| Some(Some(Secret::new(text)));
    assert_eq!(found("dev"), None);
    theirs.apply(StoreKind::Shared, &[put("dev", "one")]).expect("stored");
    assert_eq!(found("dev"), token("one"));
    ours.apply(StoreKind::Shared, &[put("ops", "two"), Edit::remove(profile("dev"))]).expect("stored");
    assert_eq!((found("dev"), found("ops")), (None, token("two")));
    // Only what was relied on can be relied on by mistake.
    until(|| {
        let never = |_: &SettingsDigest, _, _| false;
        ours.session_of_interest(StoreKind::Shared, &profile("dev"), never).is_none()
            && ours.has_none_of_interest(StoreKind::Shared, &profile("dev"), never)
    });
    theirs.apply(StoreKind::Shared, &[put("dev", "three")]).expect("stored");
    ours.apply(StoreKind::Shared, &[put("ops", "four")]).expect("stored");
    assert_eq!((found("dev"), found("ops")), (token("three"), token("four")));
    let never = ours.session_of_interest(StoreKind::Shared, &profile("dev"), |_, _, _| false);
    assert_eq!(never, None);
}
