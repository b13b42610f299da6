//! One pass as a person meets it: what is told of it.

use crate::home::{CONFIG, Home};
use evertoken::emulator::{Emulator, Settings};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const SERIAL: &str = "arn:aws:iam::111122223333:mfa/me";

#[test]
fn an_old_session_is_told_to_hold_only_where_one_stands_in_the_file() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let home = Home::new(&CONFIG.replace("http://127.0.0.1:1", &sts.url()));
    // No writer replaces a file in a folder that everybody can write.
    fs::set_permissions(home.path(".aws"), fs::Permissions::from_mode(0o777)).expect("a mode");
    let ended = home.run("refresh dev");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.starts_with("dev: a new session could not be stored: failed to "), "{}", ended.out);
    assert!(!ended.out.contains("the old session"), "there is none: {}", ended.out);
    fs::set_permissions(home.path(".aws"), fs::Permissions::from_mode(0o755)).expect("a mode");
    home.hold("dev", 1_000);
    fs::set_permissions(home.path(".aws"), fs::Permissions::from_mode(0o777)).expect("a mode");
    let ended = home.run("refresh dev");
    assert!(ended.out.starts_with("dev: a new session could not be stored: failed to "), "{}", ended.out);
    assert!(ended.out.contains(" (the old session holds for another 16m)\n"), "{}", ended.out);
    // A call that failed: nothing new, and what stood there stands there still.
    fs::set_permissions(home.path(".aws"), fs::Permissions::from_mode(0o755)).expect("a mode");
    sts.deny_role("arn:aws:iam::111122223333:role/Developer", "AccessDenied", "not you");
    let ended = home.run("refresh dev");
    assert!(ended.out.contains("(the old session holds for another 16m)"), "{}", ended.out);
    assert!(!ended.out.contains("could not be stored"), "{}", ended.out);
}

#[test]
fn a_living_session_with_a_code_is_not_renewed_for_more_than_can_be_granted() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let mfa = format!(
        "[[mfa_session]]\nprofile = \"base-mfa\"\nsource_profile = \"base\"\nmfa_serial = \"{SERIAL}\"\nduration = \"12h\"\n"
    );
    let home = Home::new(&format!("{}{mfa}", CONFIG.replace("http://127.0.0.1:1", &sts.url())));
    home.hold("base-mfa", 40_000);
    for line in ["refresh base-mfa --min-ttl 13h"] {
        let ended = home.run(line);
        assert_eq!(ended.code, Some(1), "{line}: {ended:?}");
        assert!(ended.out.contains("no more than 12h can be granted"), "{line}: {}", ended.out);
        assert!(!ended.out.contains("evertoken login"), "{line}: a login gives no more: {}", ended.out);
    }
    // What a code would bring is told as before.
    let ended = home.run("refresh base-mfa --min-ttl 11h 30m");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let ended = home.run("refresh base-mfa --min-ttl 11h30m");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("fix: evertoken login base-mfa"), "{}", ended.out);
    assert_eq!(sts.request_count(), 0);
}
