//! The tests play the program that changes the files.
#![expect(clippy::disallowed_methods, reason = "the tests play the program that changes the files")]

use super::way::{News, Ways};
use super::{Concern, Eyes, Watched, Watcher};
use crate::shell::files::snapshot::Identity;
use crate::shell::own_writes::OwnWrites;
use notify::event::{AccessKind, CreateKind, DataChange, Flag, ModifyKind, RemoveKind};
use notify::{Event, EventKind};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

async fn next(watcher: &mut Watcher) -> Vec<Concern> {
    let wait = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let told = watcher.changed().await;
            // Only a complaint: of a kernel that watches enough already, so that files are polled.
            if !told.is_empty() {
                return told;
            }
            let _told_elsewhere = watcher.complaint();
        }
    });
    wait.await.expect("a change is noticed").into_iter().collect()
}

fn on_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

async fn watcher(folder: &Path) -> Watcher {
    let mut watcher = Watcher::new();
    watcher.watch(list(folder)).await;
    watcher
}

fn list(folder: &Path) -> Vec<Watched> {
    vec![
        Watched { path: folder.join("config.toml"), concern: Concern::Config },
        Watched { path: folder.join(".aws/credentials"), concern: Concern::Credentials },
        Watched { path: folder.join(".aws/sso/cache"), concern: Concern::Sources },
    ]
}

#[test]
fn notices_whichever_way_a_file_changes() {
    let home = tempfile::tempdir().expect("a folder");
    let config = home.path().join("config.toml");
    on_runtime(async {
        let mut watcher = watcher(home.path()).await;
        fs::write(&config, "a").expect("write");
        assert_eq!(next(&mut watcher).await, [Concern::Config]);
        fs::write(home.path().join("new"), "longer").expect("write");
        fs::rename(home.path().join("new"), &config).expect("rename");
        assert_eq!(next(&mut watcher).await, [Concern::Config]);
        fs::remove_file(&config).expect("remove");
        assert_eq!(next(&mut watcher).await, [Concern::Config]);
    });
}

#[test]
fn notices_that_the_same_file_has_got_another_place() {
    let home = tempfile::tempdir().expect("a folder");
    let path = |below: &str| home.path().join(below);
    fs::create_dir(path(".aws")).expect("create");
    fs::write(path(".aws/credentials"), "x").expect("write");
    on_runtime(async {
        let mut watcher = watcher(home.path()).await;
        fs::rename(path(".aws"), path("dotfiles")).expect("rename");
        std::os::unix::fs::symlink("dotfiles", path(".aws")).expect("a link");
        assert_eq!(next(&mut watcher).await, [Concern::Credentials]);
    });
}

#[test]
fn notices_files_in_folders_that_did_not_exist() {
    let home = tempfile::tempdir().expect("a folder");
    on_runtime(async {
        let mut watcher = watcher(home.path()).await;
        fs::create_dir_all(home.path().join(".aws/sso")).expect("create");
        fs::write(home.path().join(".aws/credentials"), "x").expect("write");
        assert_eq!(next(&mut watcher).await, [Concern::Credentials]);
        fs::create_dir(home.path().join(".aws/sso/cache")).expect("create");
        assert_eq!(next(&mut watcher).await, [Concern::Sources]);
        fs::write(home.path().join(".aws/sso/cache/token.json"), "{}").expect("write");
        assert_eq!(next(&mut watcher).await, [Concern::Sources]);
    });
}

#[test]
fn what_we_wrote_ourselves_is_no_news_and_what_comes_after_it_is() {
    let home = tempfile::tempdir().expect("a folder");
    let cache = home.path().join(".aws/sso/cache");
    fs::create_dir_all(&cache).expect("create");
    let token = cache.join("token.json");
    fs::write(&token, "theirs").expect("write");
    let ours = OwnWrites::default();
    on_runtime(async {
        let mut watcher = watcher(home.path()).await;
        watcher.ignore(ours.clone());
        let temporary = cache.join("token.tmp");
        fs::write(&temporary, "ours, renewed").expect("write");
        ours.note(&token, Identity::of(&fs::metadata(&temporary).expect("a file")));
        fs::rename(&temporary, &token).expect("rename");
        watcher.look().await;
        assert!(watcher.unsaid.is_empty());
        fs::write(&token, "theirs again, longer").expect("write");
        assert_eq!(next(&mut watcher).await, [Concern::Sources]);
        ours.note(&token, Identity::of(&fs::metadata(&token).expect("a file")));
        fs::remove_file(&token).expect("remove");
        assert_eq!(next(&mut watcher).await, [Concern::Sources]);
    });
}

#[test]
fn notices_a_file_whose_size_and_time_are_those_of_the_one_before() {
    let home = tempfile::tempdir().expect("a folder");
    let config = home.path().join("config.toml");
    fs::write(&config, "one").expect("write");
    let time = fs::metadata(&config).and_then(|metadata| metadata.modified()).expect("a time");
    let of = || Identity::of(&fs::metadata(&config).expect("a file"));
    let before = of();
    on_runtime(async {
        let mut watcher = watcher(home.path()).await;
        // As `cp -p` and `rsync --inplace -t` do; again while the kernel's clock has not ticked, which nobody can see.
        while of().changed == before.changed {
            fs::write(&config, "two").expect("write");
            let file = fs::File::options().write(true).open(&config).expect("open");
            file.set_modified(time).expect("set");
        }
        assert_eq!(Identity { changed: before.changed, ..of() }, before);
        assert_eq!(next(&mut watcher).await, [Concern::Config]);
    });
}

#[test]
fn notices_what_a_symlink_leads_to() {
    let home = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(home.path().join("dotfiles")).expect("create");
    fs::write(home.path().join("dotfiles/c"), "x").expect("write");
    std::os::unix::fs::symlink(home.path().join("dotfiles/c"), home.path().join("config.toml")).expect("link");
    on_runtime(async {
        let mut watcher = watcher(home.path()).await;
        fs::write(home.path().join("dotfiles/c"), "longer").expect("write");
        assert_eq!(next(&mut watcher).await, [Concern::Config]);
    });
}

#[test]
fn tells_nothing_where_nothing_changed_and_keeps_what_was_seen_while_nobody_listened() {
    let home = tempfile::tempdir().expect("a folder");
    on_runtime(async {
        let mut watcher = watcher(home.path()).await;
        // Dropped in the midst of a look, as the loop does whenever something else comes first.
        let dropped = tokio::time::timeout(Duration::ZERO, watcher.changed()).await;
        assert_eq!(dropped.ok(), None);
        fs::write(home.path().join("config.toml"), "a").expect("write");
        let _dropped = tokio::time::timeout(Duration::from_millis(1), watcher.changed()).await;
        let list = vec![Watched { path: home.path().join("other"), concern: Concern::Sources }];
        fs::write(home.path().join("other"), "a").expect("write");
        watcher.watch(list).await;
        fs::write(home.path().join("other"), "longer").expect("write");
        let mut told = next(&mut watcher).await;
        if told == [Concern::Config] {
            told = next(&mut watcher).await;
        }
        assert!(told.contains(&Concern::Sources), "{told:?}");
    });
}

#[test]
fn being_asked_again_is_no_reason_to_look_again_nor_to_wait_longer() {
    let home = tempfile::tempdir().expect("a folder");
    on_runtime(async {
        let mut watcher = watcher(home.path()).await;
        let asked = tokio::time::timeout(Duration::ZERO, watcher.changed()).await;
        assert_eq!(asked.ok(), None);
        assert!(matches!(watcher.eyes, Eyes::Resting(_)), "nothing has happened since the first look");

        watcher.polled = true;
        let mut deadlines = BTreeSet::new();
        for _ in 0..3 {
            let asked = tokio::time::timeout(Duration::from_millis(5), watcher.changed()).await;
            assert_eq!(asked.ok(), None);
            deadlines.insert(watcher.pause.as_ref().expect("the next look is waited for").deadline());
        }
        assert_eq!(deadlines.len(), 1, "whoever is asked often looks no later for it");
    });
}

#[test]
fn where_the_kernel_refuses_it_is_said_once_and_changes_are_noticed_all_the_same() {
    let home = tempfile::tempdir().expect("a folder");
    let (_sender, messages) = tokio::sync::mpsc::channel(1);
    let refused = Err(notify::Error::generic("no space left on device (the limit on inotify watches)"));
    on_runtime(async {
        let mut watcher = Watcher::with(refused, messages, News::default());
        watcher.watch(list(home.path())).await;
        assert!(watcher.complaint().is_some_and(|complaint| complaint.contains("inotify watches")));
        for text in ["a", "longer"] {
            fs::write(home.path().join("config.toml"), text).expect("write");
            assert_eq!(next(&mut watcher).await, [Concern::Config]);
            assert_eq!(watcher.complaint(), None, "said twice");
        }
    });
}

#[test]
fn a_look_that_panics_costs_the_kernel_and_no_change() {
    let home = tempfile::tempdir().expect("a folder");
    on_runtime(async {
        let mut watcher = watcher(home.path()).await;
        watcher.eyes = Eyes::Looking(tokio::task::spawn_blocking(|| panic!("on purpose")));
        fs::write(home.path().join("config.toml"), "meanwhile").expect("write");
        // Anything may have changed, so everything is said to have.
        assert_eq!(next(&mut watcher).await, [Concern::Config, Concern::Credentials, Concern::Sources]);
        assert!(watcher.complaint().is_some_and(|complaint| complaint.contains("panicked")));
        fs::write(home.path().join("config.toml"), "longer than before").expect("write");
        assert_eq!(next(&mut watcher).await, [Concern::Config]);
        assert_eq!(watcher.complaint(), None, "said twice");
    });
}

/// The folder of the credentials with a file in it, and what it is replaced by.
fn folder_of_credentials(home: &Path) -> (PathBuf, PathBuf) {
    for folder in [".aws", "backup"] {
        fs::create_dir(home.join(folder)).expect("create");
        fs::write(home.join(folder).join("credentials"), folder).expect("write");
    }
    (home.join(".aws"), home.join("backup"))
}

/// Of nothing but the credentials, so that no folder is watched for the sake of another file.
async fn watcher_of_credentials(home: &Path) -> Watcher {
    let mut watcher = Watcher::new();
    watcher.watch(vec![Watched { path: home.join(".aws/credentials"), concern: Concern::Credentials }]).await;
    watcher
}

/// Changes the credentials again and again in ways that another program would, each of which is noticed.
async fn notices_later_changes(watcher: &mut Watcher, credentials: &Path) {
    for text in ["changed", "changed again"] {
        fs::write(credentials, text).expect("write");
        assert_eq!(next(watcher).await, [Concern::Credentials], "{text}");
    }
}

#[test]
fn notices_a_folder_that_is_replaced_under_its_path_and_what_changes_in_the_new_one() {
    type Swap = fn(&Path, &Path);
    let swaps: [(&str, Swap); 3] = [
        ("moved away", |folder, new| {
            fs::rename(folder, folder.with_file_name("old")).expect("rename");
            fs::rename(new, folder).expect("rename");
        }),
        ("removed", |folder, new| {
            fs::remove_dir_all(folder).expect("remove");
            fs::rename(new, folder).expect("rename");
        }),
        // Many file systems give the new folder the inode of the old one.
        ("removed and made anew", |folder, _| {
            fs::remove_dir_all(folder).expect("remove");
            fs::create_dir(folder).expect("create");
            fs::write(folder.join("credentials"), "new").expect("write");
        }),
    ];
    for (name, swap) in swaps {
        let home = tempfile::tempdir().expect("a folder");
        let (folder, new) = folder_of_credentials(home.path());
        on_runtime(async {
            let mut watcher = watcher_of_credentials(home.path()).await;
            swap(&folder, &new);
            assert_eq!(next(&mut watcher).await, [Concern::Credentials], "{name}");
            notices_later_changes(&mut watcher, &folder.join("credentials")).await;
        });
    }
}

#[test]
fn a_folder_that_is_moved_away_and_back_is_watched_as_before() {
    let home = tempfile::tempdir().expect("a folder");
    let (folder, elsewhere) = folder_of_credentials(home.path());
    fs::remove_dir_all(&elsewhere).expect("remove");
    on_runtime(async {
        let mut watcher = watcher_of_credentials(home.path()).await;
        for from_and_to in [[&folder, &elsewhere], [&elsewhere, &folder]] {
            fs::rename(from_and_to[0], from_and_to[1]).expect("rename");
        }
        // The look that this is a reason for finds nothing, unless it is taken between the two.
        let _seen_at_most = tokio::time::timeout(Duration::from_millis(500), watcher.changed()).await;
        notices_later_changes(&mut watcher, &folder.join("credentials")).await;
    });
}

#[test]
#[cfg(target_os = "linux")]
fn notices_a_folder_that_goes_while_a_program_is_still_in_it() {
    let home = tempfile::tempdir().expect("a folder");
    let (folder, new) = folder_of_credentials(home.path());
    // As a shell does whose working folder it is: the kernel then says nothing of the end of the folder itself.
    let _a_program = fs::File::open(&folder).expect("open");
    on_runtime(async {
        let mut watcher = watcher_of_credentials(home.path()).await;
        fs::remove_dir_all(&folder).expect("remove");
        assert_eq!(next(&mut watcher).await, [Concern::Credentials]);
        fs::rename(&new, &folder).expect("rename");
        assert_eq!(next(&mut watcher).await, [Concern::Credentials]);
        notices_later_changes(&mut watcher, &folder.join("credentials")).await;
    });
}

#[test]
#[cfg(target_os = "linux")]
fn notices_a_link_to_a_folder_that_is_switched_and_what_changes_behind_it() {
    let home = tempfile::tempdir().expect("a folder");
    let dotfiles = home.path().join("dotfiles");
    for generation in ["one", "two"] {
        fs::create_dir_all(dotfiles.join(generation)).expect("create");
        fs::write(dotfiles.join(generation).join("credentials"), generation).expect("write");
    }
    let link = home.path().join(".aws");
    let point_to = |target: &str| {
        std::os::unix::fs::symlink(target, home.path().join("new")).expect("link");
        fs::rename(home.path().join("new"), &link).expect("rename");
    };
    point_to("dotfiles/one");
    on_runtime(async {
        let mut watcher = watcher_of_credentials(home.path()).await;
        point_to("dotfiles/../dotfiles/two");
        assert_eq!(next(&mut watcher).await, [Concern::Credentials]);
        notices_later_changes(&mut watcher, &dotfiles.join("two/credentials")).await;
        // A link that leads nowhere for a while.
        point_to("dotfiles/three");
        assert_eq!(next(&mut watcher).await, [Concern::Credentials]);
        fs::rename(dotfiles.join("two"), dotfiles.join("three")).expect("rename");
        assert_eq!(next(&mut watcher).await, [Concern::Credentials]);
        notices_later_changes(&mut watcher, &link.join("credentials")).await;
    });
}

#[test]
#[cfg(target_os = "linux")]
fn what_concerns_no_name_on_the_way_is_no_reason_to_look() {
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path().canonicalize().expect("a folder");
    fs::create_dir_all(home.join(".aws/sso/cache")).expect("create");
    let news = News::default();
    let paths = list(&home).into_iter().map(|watched| watched.path).collect::<Vec<_>>();
    news.follow(Ways::to(paths.iter().map(PathBuf::as_path)));
    let made = EventKind::Create(CreateKind::File);
    let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    let heard = |kind, name: &str| news.hear(&Ok(Event::new(kind).add_path(home.join(name))));

    for (kind, name) in [(written, ".bash_history"), (made, ".lock"), (made, "x.json"), (made, ".aws/credentials.lock")]
    {
        assert!(!heard(kind, name), "{name}");
    }
    assert!(!heard(EventKind::Access(AccessKind::Any), ".aws/credentials"));
    for name in [".aws/credentials", "config.toml", ".aws/sso/cache/token.json"] {
        assert!(heard(written, name), "{name}");
    }
    assert!(!news.is_shaken());
    for folder in [".aws", ".aws/sso/cache"] {
        assert!(heard(EventKind::Remove(RemoveKind::Other), folder) && news.is_shaken(), "{folder}");
    }
    assert!(!news.is_shaken(), "said twice");
    assert!(news.hear(&Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan))) && news.is_shaken());
    assert!(news.hear(&Err(notify::Error::generic("a broken queue"))) && news.is_shaken());
}
