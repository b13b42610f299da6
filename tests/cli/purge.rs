//! What `purge` takes back, and what it leaves alone.

use crate::home::{CONFIG, CREDENTIALS, Ended, Home};
use evertoken::engine::names::ProfileName;
use evertoken::shell::locks::{InstanceLock, RefreshLock};
use evertoken::shell::places::Places;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn purge_takes_back_what_is_ours_and_nothing_else() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    home.hold("vault", 3_000);
    let before = home.read(".aws/credentials");
    let state = home.places().state().to_owned();
    home.places().ensure_refresh_locks().expect("a state folder");
    let places = home.places();
    let name = ProfileName::parse("dev").expect("a name");
    let state_files = [places.status_file(), places.clock_file(), places.instance_lock(), places.refresh_lock(&name)];
    for path in &state_files {
        fs::write(path, "{}").expect("a file of the state");
    }

    let dry = home.run("purge --dry-run");
    assert_eq!(dry.code, Some(0), "{dry:?}");
    for text in
        ["would remove the keys of profile dev from", "would remove the keys of profile vault from", "status.json"]
    {
        assert!(dry.out.contains(text), "{text}: {}", dry.out);
    }
    assert_eq!(home.read(".aws/credentials"), before);

    let one = home.run("purge vault");
    assert_eq!(one.code, Some(0), "{one:?}");
    assert!(one.out.contains("removed the keys of profile vault from"), "{}", one.out);
    assert_eq!(home.read(".aws/credentials"), before);
    assert!(state.exists());

    let all = home.run("purge");
    assert_eq!(all.code, Some(0), "{all:?}");
    assert_eq!(home.read(".aws/credentials"), CREDENTIALS);
    assert_eq!(fs::read_dir(home.path(".aws")).expect("a folder").count(), 1, "{}", all.out);
    assert!(!home.path(".local/state/evertoken").exists(), "{}", all.out);
    for path in state_files.iter().chain([&places.private_store(), &places.write_lock()]) {
        assert!(all.out.contains(&format!("removed {}\n", path.display())), "{}: {}", path.display(), all.out);
    }
    assert_eq!(home.run("purge").out, "nothing to remove\n");
    assert!(!home.path(".local/state/evertoken").exists());
}

#[test]
fn purge_of_everything_leaves_no_lock_of_its_own() {
    let home = Home::new(CONFIG);
    home.hold("vault", 3_000);
    let ended = home.run("purge");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
    assert!(!home.path(".local/state/evertoken").exists(), "{}", ended.out);
    assert_eq!(fs::read_dir(home.path(".aws")).expect("a folder").count(), 1);
}

#[test]
fn purge_takes_a_link_away_and_nothing_behind_it() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    home.write("mine/thesis.lock", "years of work");
    let locks = home.places().refresh_locks();
    home.places().ensure_state().expect("a state folder");
    std::os::unix::fs::symlink(home.path("mine"), &locks).expect("a link");
    let dry = home.run("purge --dry-run");
    assert!(!dry.out.contains("thesis"), "{dry:?}");
    let ended = home.run("purge");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains(&format!("removed {}\n", locks.display())), "{}", ended.out);
    assert_eq!(home.read("mine/thesis.lock"), "years of work");
    assert!(!home.path(".local/state/evertoken").exists(), "{}", ended.out);
    // The folder above it may be one too; then nobody can tell whose the rest is.
    let state = home.places().state().to_owned();
    fs::create_dir_all(state.parent().expect("a folder")).expect("a folder");
    std::os::unix::fs::symlink(home.path("mine"), &state).expect("a link");
    let dry = home.run("purge --dry-run");
    assert!(!dry.out.contains("thesis"), "{dry:?}");
    home.run("purge");
    assert_eq!(home.read("mine/thesis.lock"), "years of work");
}

/// What a home has below itself, as paths.
fn below(home: &Home) -> Vec<String> {
    let listed = Command::new("find").arg(home.folder()).args(["-mindepth", "1", "-printf", "%P\n"]).output();
    let text = String::from_utf8(listed.expect("find").stdout).expect("paths");
    let mut paths: Vec<String> = text.lines().map(str::to_owned).collect();
    paths.sort();
    paths
}

#[test]
fn purge_takes_away_a_file_and_a_folder_that_were_not_there_before() {
    let home = Home::new(CONFIG);
    fs::remove_dir_all(home.path(".aws")).expect("no folder");
    let before = below(&home);
    home.hold("dev", 3_000);
    assert!(home.read(".aws/credentials").contains("[dev]"));
    let dry = home.run("purge --dry-run").out;
    assert!(dry.ends_with(&format!("would remove {}\n", home.path(".aws").display())), "{dry}");
    assert_eq!(home.run("purge").code, Some(0));
    assert_eq!(
        below(&home).iter().filter(|path| !before.contains(path)).collect::<Vec<_>>(),
        [".local", ".local/state"]
    );
}

#[test]
fn purge_leaves_what_others_have_made_or_filled() {
    let home = Home::new(CONFIG);
    // An empty file that was there.
    home.write(".aws/credentials", "");
    home.hold("dev", 3_000);
    assert_eq!(home.run("purge").code, Some(0));
    assert_eq!(home.read(".aws/credentials"), "");
    // One that was made for them to fill.
    fs::remove_file(home.path(".aws/credentials")).expect("removed");
    home.hold("dev", 3_000);
    let own = home.read(".aws/credentials") + "[mine]\n";
    home.write(".aws/credentials", &own);
    let removed = |dry: &str, name: &str| dry.contains(&format!("would remove {}\n", home.path(name).display()));
    assert!(!removed(&home.run("purge --dry-run").out, ".aws/credentials"), "their section stands in it");
    assert_eq!(home.run("purge").code, Some(0));
    assert_eq!(home.read(".aws/credentials"), "[mine]\n");
    // A dotfile behind a link, though it was not there yet.
    fs::remove_file(home.path(".aws/credentials")).expect("removed");
    fs::create_dir(home.path("dotfiles")).expect("a folder");
    std::os::unix::fs::symlink("../dotfiles/aws", home.path(".aws/credentials")).expect("a link");
    home.hold("dev", 3_000);
    assert_eq!(home.run("purge").code, Some(0));
    assert!(home.path(".aws/credentials").is_symlink());
    assert_eq!(home.read("dotfiles/aws"), "");
}

#[test]
fn purge_tells_of_no_folder_that_others_have_filled() {
    let home = Home::new(CONFIG);
    fs::remove_dir_all(home.path(".aws")).expect("no folder");
    home.hold("dev", 3_000);
    home.write(".aws/cli/alias", "[toplevel]\n");
    let removed = |out: &str, verb: &str, name: &str| out.contains(&format!("{verb} {}\n", home.path(name).display()));
    let dry = home.run("purge --dry-run").out;
    assert!(removed(&dry, "would remove", ".aws/credentials") && !removed(&dry, "would remove", ".aws"), "{dry}");
    let done = home.run("purge").out;
    assert!(removed(&done, "removed", ".aws/credentials") && !removed(&done, "removed", ".aws"), "{done}");
    assert_eq!(home.read(".aws/cli/alias"), "[toplevel]\n");
}

#[test]
fn purge_takes_back_a_section_of_ours_that_somebody_has_damaged() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    let text = home.read(".aws/credentials");
    let damaged: String =
        text.split_inclusive('\n').filter(|line| !line.starts_with("x_security_token_expires")).collect();
    assert_ne!(damaged, text);
    home.write(".aws/credentials", &damaged);
    let ended = home.run("purge");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("removed the keys of profile dev from"), "{}", ended.out);
    assert_eq!(home.read(".aws/credentials"), CREDENTIALS);
}

/// What a daemon of a config has written down for a credentials file.
fn recorded(home: &Home, credentials: &str, config: &str) -> Places {
    let file = home.path(credentials).display().to_string();
    let places = Places::find(&home.environment(), Some(&file), None).expect("places");
    let status = format!(
        r#"{{"version": 1, "config": "{config}", "credentials_file": "{file}", "clock_skew_seconds": 0, "profiles": [],
            "daemon": {{"running": false, "responding": false, "pid": null, "version": null, "since": null, "next_wakeup": null}}}}"#
    );
    places.ensure_state().expect("a state folder");
    fs::write(places.status_file(), status).expect("a status");
    places
}

#[test]
fn purge_follows_the_config_to_the_files_that_it_named_before() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    home.write("old", &("# old\n".to_owned() + &home.read(".aws/credentials")));
    home.write("theirs", &home.read(".aws/credentials"));
    home.write("other.toml", CONFIG);
    let config = home.path(".config/evertoken/config.toml").display().to_string();
    let old = recorded(&home, "old", &config);
    let gone = recorded(&home, "gone", &home.path("gone.toml").display().to_string());
    let unmounted = recorded(&home, "unmounted", "/nowhere/config.toml");
    let other = home.path("other.toml").display().to_string();
    let theirs = recorded(&home, "theirs", &other);
    let unknown = old.state().with_file_name("0123456789ab");
    fs::create_dir(&unknown).expect("a folder");

    let dry = home.run("purge --dry-run").out;
    assert!(
        dry.contains(&format!("would remove the keys of profile dev from {}", home.path("old").display())),
        "{dry}"
    );
    assert!(old.state().exists() && home.read("old").contains("[dev]"));

    let ended = home.run("purge");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(home.read("old"), format!("# old\n{CREDENTIALS}"));
    assert!(!old.state().exists() && !gone.state().exists() && theirs.state().exists() && unknown.exists());
    assert!(unmounted.state().exists(), "its config may come back");
    assert!(home.read("theirs").contains("[dev]"));
    assert!(ended.out.contains(&format!("fix: evertoken --config {other} purge\n")), "{}", ended.out);
    assert!(ended.out.contains(&format!("rm -r {}\n", unknown.display())), "{}", ended.out);

    let running = recorded(&home, "old", &config);
    let held = InstanceLock::acquire(&running).expect("the lock");
    assert!(home.run("purge").out.contains("which is kept fresh\nfix: stop"));
    drop(held);
}

#[test]
fn purge_waits_for_the_daemon_to_be_stopped() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    let before = home.read(".aws/credentials");
    let _running = InstanceLock::acquire(&home.places()).expect("the lock");
    let ended = home.run("purge");
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""));
    assert!(ended.err.contains(&format!("kill {}", std::process::id())), "{}", ended.err);
    assert_eq!(home.run("purge dev").code, Some(1));
    // Stopping it would not help.
    let ended = home.run("purge nobody");
    assert!(ended.code == Some(2) && ended.err.contains("profile nobody is neither in the config"), "{ended:?}");
    let dry = home.run("purge --dry-run");
    assert_eq!(dry.code, Some(0), "{dry:?}");
    assert!(dry.out.contains("would remove the keys of profile dev from"), "{dry:?}");
    assert_eq!(home.read(".aws/credentials"), before);
}

/// It makes its lock anew within moments, and until then it is found by the file that it still has open.
#[cfg(target_os = "linux")]
#[test]
fn purge_finds_the_daemon_also_just_after_its_state_folder_was_removed() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    let before = home.read(".aws/credentials");
    let _running = InstanceLock::acquire(&home.places()).expect("the lock");
    fs::remove_dir_all(home.path(".local")).expect("removed");
    let ended = home.run("purge");
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.err.contains(&format!("kill {}", std::process::id())), "{}", ended.err);
    assert_eq!(home.read(".aws/credentials"), before);
    assert!(!home.path(".local").exists());
}

/// A session that comes back from STS after the keys were removed would stand there again.
#[test]
fn purge_waits_for_a_refresh_that_is_under_way() {
    let home = Home::new(CONFIG);
    let refreshing =
        RefreshLock::try_acquire(&home.places(), &ProfileName::parse("dev").expect("a name")).expect("a lock file");
    let purge = home.command("purge").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a purge");
    std::thread::sleep(Duration::from_millis(500));
    home.hold("dev", 3_000);
    drop(refreshing);
    let ended = Ended::from(purge.wait_with_output().expect("its end"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("removed the keys of profile dev"), "{ended:?}");
    assert_eq!(home.read(".aws/credentials"), CREDENTIALS);
    assert!(!home.path(".local/state/evertoken").exists(), "{}", ended.out);
}

/// The keys and the state that it led to can still be removed.
#[test]
fn purge_needs_no_config_that_is_gone() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    home.hold("vault", 3_000);
    // Another file that the config once named: its state knows which config that was.
    let config = home.path(".config/evertoken/config.toml");
    home.write("other", &home.read(".aws/credentials"));
    recorded(&home, "other", &config.display().to_string());

    let wrong = format!("{CONFIG}colour = 1\n");
    home.write(".config/evertoken/config.toml", &wrong);
    let refused = home.run("purge");
    assert_eq!(refused.code, Some(78), "{refused:?}");
    let hint = format!("hint: to purge without it, move {} away and run `evertoken purge` again\n", config.display());
    assert!(refused.err.contains("unknown key") && refused.err.ends_with(&hint), "{}", refused.err);

    fs::remove_file(&config).expect("removed");
    let named = home.run(&format!("purge --config {}", config.display()));
    assert_eq!(named.code, Some(1), "a name that leads nowhere is a slip: {named:?}");
    let mut named = home.command("purge");
    let named = Ended::from(named.env("EVERTOKEN_CONFIG", home.path("typo.toml")).output().expect("a run"));
    assert_eq!((named.code, named.out.as_str()), (Some(1), ""), "so is one in the environment: {named:?}");
    assert!(named.err.contains("typo.toml"), "{}", named.err);
    assert!(home.read(".aws/credentials").contains("[dev]"));
    assert_eq!(home.run("purge nobody").code, Some(2));

    // Another config may still want what stands in the default place.
    home.write("theirs.toml", CONFIG);
    let theirs = home.path("theirs.toml").display().to_string();
    recorded(&home, ".aws/credentials", &theirs);
    let before = home.read(".aws/credentials");
    let refused = home.run("purge");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains(&format!("fix: evertoken --config {theirs} purge\n")), "{}", refused.err);
    assert_eq!(home.read(".aws/credentials"), before);
    fs::remove_file(&theirs).expect("removed");

    let all = home.run("purge");
    assert_eq!((all.code, all.err.as_str()), (Some(0), ""), "{}", all.out);
    assert!(all.out.starts_with(&format!("there is no config at {}", config.display())), "{}", all.out);
    assert_eq!([home.read(".aws/credentials"), home.read("other")], [CREDENTIALS, CREDENTIALS]);
    assert!(!home.path(".local/state/evertoken").exists(), "{}", all.out);
    assert!(home.run("purge").out.ends_with("nothing to remove\n"));
}
