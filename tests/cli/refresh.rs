//! One pass as a person meets it: what is told of it, and what a dry run foretells.

use crate::home::{CONFIG, CREDENTIALS, Home};
use evertoken::emulator::{Emulator, Settings};
use evertoken::engine::time::Skew;
use evertoken::shell::clock;
use evertoken::shell::known_skew::KnownSkew;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

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
    for line in ["refresh base-mfa --min-ttl 13h", "refresh base-mfa --min-ttl 13h --dry-run"] {
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

/// `exec`, `refresh` and its dry run judge alike what there can be.
/// Whoever looks at a session next, and calls nobody, judges it by the clock that this one has learnt.
#[test]
fn what_sts_told_of_the_clock_is_kept_for_whoever_comes_next() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    sts.set_skew(7_200);
    let home = Home::new(&CONFIG.replace("http://127.0.0.1:1", &sts.url()));
    let ended = home.run("refresh dev");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let status: serde_json::Value = serde_json::from_str(&home.run("status --json").out).expect("JSON");
    let seconds = status["clock_skew_seconds"].as_i64().expect("a number");
    assert!((7_000..7_300).contains(&seconds), "{seconds}");
}

/// Only its source knows how long a session of a published source lasts.
#[test]
fn less_than_was_asked_for_is_no_success() {
    let home = Home::new(&format!("{CONFIG}[[role]]\nprofile = \"legacy\"\nsource_profile = \"tool\"\n"));
    let end = (clock::now() + Duration::from_secs(1_800)).whole_seconds();
    home.write(
        "printed.json",
        &format!(
            r#"{{"Version": 1, "AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": "SECRETEXAMPLE",
                "SessionToken": "TOKENEXAMPLE", "Expiration": "{end}"}}"#
        ),
    );
    let printed = home.path("printed.json");
    home.write(".aws/config", &format!("[profile tool]\ncredential_process = /bin/cat {}\n", printed.display()));
    let ended = home.run("refresh legacy --min-ttl 45m");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains(" is less than the 45m asked for: no more was granted\n"), "{}", ended.out);
    let ended = home.run("exec legacy --min-ttl 45m -- echo it ran");
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.err.ends_with(" left, which is less than 45m: no more was granted\n"), "{}", ended.err);
    assert_eq!(home.run("refresh legacy --min-ttl 20m").code, Some(0));
}

#[test]
fn all_of_its_duration_is_more_than_a_session_has_left() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let config = CONFIG.replace("http://127.0.0.1:1", &sts.url());
    let home = Home::new(&config);
    for line in ["exec dev --min-ttl 1h -- true", "refresh dev --min-ttl 1h --dry-run", "refresh dev --min-ttl 1h"] {
        let ended = home.run(line);
        let told = format!("{}{}", ended.out, ended.err);
        assert_eq!(ended.code, Some(1), "{line}: {told}");
        assert!(told.contains("a new session of 1h has a little less than 1h left, and 1h is its duration"), "{told}");
        assert!(told.contains("fix: ask for less than 1h, or raise duration for dev in the config\n"), "{told}");
    }
    for line in ["refresh dev --min-ttl 59m --dry-run", "refresh dev --min-ttl 59m", "exec dev --min-ttl 59m -- true"] {
        let ended = home.run(line);
        assert_eq!(ended.code, Some(0), "{line}: {ended:?}");
    }
    // What STS allows is known by the very pass that asks for it.
    sts.max_session("arn:aws:iam::111122223333:role/Developer", std::time::Duration::from_secs(3_600));
    home.write(".config/evertoken/config.toml", &config.replace("[defaults]", "[defaults]\nduration = \"4h\""));
    for line in ["refresh dev --min-ttl 2h", "refresh --min-ttl 2h"] {
        let ended = home.run(line);
        assert_eq!(ended.code, Some(1), "{line}: {ended:?}");
        let said =
            "no more than 1h can be granted, which is what STS allowed for this role\n  fix: ask for less than 1h, or";
        assert!(ended.out.contains(said), "{line}: {}", ended.out);
    }
}

/// Neither calls anybody nor changes a byte, in any of these.
fn foretold(home: &Home, line: &str) -> (Option<i32>, String) {
    let before = home.read(".aws/credentials");
    let ended = home.run(line);
    assert_eq!(home.read(".aws/credentials"), before, "{line}");
    assert_eq!(ended.err, "", "{line}");
    (ended.code, ended.out)
}

#[test]
fn a_dry_run_shows_every_call_and_every_section() {
    let home = Home::new(&format!(
        "{CONFIG}[[role]]\nprofile = \"ops\"\nrole_arn = \"arn:aws:iam::111122223333:role/Ops\"\nsource_profile = \"base\"\n"
    ));
    let (code, out) = foretold(&home, "refresh --dry-run");
    assert_eq!(code, Some(0), "{out}");
    for section in ["+ [dev]", "+ [ops]", "+ [vault]"] {
        assert_eq!(out.lines().filter(|line| *line == section).count(), 1, "{section}: {out}");
    }
    assert_eq!(out.lines().filter(|line| line.starts_with("call AssumeRole ")).count(), 3, "{out}");
    assert_eq!(out.matches("+ region = eu-west-1").count(), 3, "{out}");
    // Where the AWS config has a region, none is written beside it.
    home.write(".aws/config", "[profile dev]\nregion = eu-central-1\n");
    let (_, out) = foretold(&home, "refresh --dry-run dev");
    assert!(out.contains("+ [dev]") && !out.contains("+ region"), "{out}");
    for profile in ["dev", "ops", "vault"] {
        home.hold(profile, 6_000);
    }
    let fresh = (Some(0), "nothing to do: everything asked for is fresh\n".to_owned());
    assert_eq!(foretold(&home, "refresh --dry-run"), fresh);
    // By the clock of STS they have all ended.
    KnownSkew::default().record(&home.places(), Skew::from_millis(7_000_000)).expect("recorded");
    let (code, out) = foretold(&home, "refresh --dry-run dev");
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("call AssumeRole arn:aws:iam::111122223333:role/Developer"), "{out}");
}

#[test]
fn a_dry_run_tells_what_would_fail() {
    let more = format!(
        "[[mfa_session]]\nprofile = \"base-mfa\"\nsource_profile = \"base\"\nmfa_serial = \"{SERIAL}\"\n\
         [[role]]\nprofile = \"admin\"\nsource_profile = \"base-mfa\"\nrole_arn = \"arn:aws:iam::111122223333:role/Admin\"\n\
         [[role]]\nprofile = \"keys\"\nsource_profile = \"base\"\n\
         [[role]]\nprofile = \"lost\"\nsource_profile = \"nobody\"\n\
         [[role]]\nprofile = \"published\"\nsource_profile = \"tool\"\n"
    );
    let home = Home::new(&format!("{CONFIG}{more}"));
    home.write(".aws/config", "[profile tool]\ncredential_process = /bin/false\n");
    home.write(
        ".aws/credentials",
        &format!("{CREDENTIALS}[dev]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = mine\n"),
    );
    for (profile, said) in [
        ("dev", "dev: the section [dev] is left alone: "),
        ("base-mfa", "an MFA code is due for profile \"base-mfa\"\n  fix: evertoken login base-mfa\n"),
        ("admin", "admin: an MFA code is due for profile \"base-mfa\"\n  fix: evertoken login base-mfa\n"),
        ("keys", "have no end: there is nothing to keep fresh\n  fix: give profile \"keys\" a role_arn"),
        ("lost", "lost: there is no profile \"nobody\""),
    ] {
        let (code, out) = foretold(&home, &format!("refresh --dry-run {profile}"));
        assert_eq!(code, Some(1), "{profile}: {out}");
        assert!(out.contains(said) && !out.contains("nothing to do"), "{profile}: {out}");
        assert!(!out.contains("change "), "{profile}: {out}");
    }
    // What a source gives, only the source can tell.
    let (code, out) = foretold(&home, "refresh --dry-run published");
    assert_eq!(code, Some(0), "{out}");
    assert!(out.starts_with("resolve the credentials of profile tool\nwrite [published] in "), "{out}");
    assert!(out.ends_with("what its source gives, and until when, is known once it is resolved\n"), "{out}");
    // More than can be granted.
    let (code, out) = foretold(&home, "refresh --dry-run vault --min-ttl 3h");
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("vault: no session can have 3h left: no more than 1h can be granted"), "{out}");
}

/// In the same words as the refresh itself, for which nobody has to be asked either.
#[test]
fn a_dry_run_tells_what_a_look_at_the_source_shows() {
    let role = |name: &str, source: &str| {
        format!("[[role]]\nprofile = \"{name}\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n{source}\n")
    };
    let config = [
        role("sso", "source_profile = \"corp\""),
        role("console", "source_profile = \"login\""),
        role("program", "source_profile = \"tool\""),
        role("token", "source_profile = \"web\""),
        role("exported", "credential_source = \"Environment\""),
        role("container", "credential_source = \"EcsContainer\""),
    ]
    .concat();
    let home = Home::new(&format!("[defaults]\nsts_endpoint = \"http://127.0.0.1:1\"\n{config}"));
    home.write(
        ".aws/config",
        "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n\
         [profile corp]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Developer\n\
         [profile login]\nlogin_session = arn:aws:iam::111122223333:user/me\n\
         [profile tool]\ncredential_process = ~/give-keys --quietly\n\
         [profile web]\nrole_arn = arn:aws:iam::111122223333:role/W\nweb_identity_token_file = ~/token\n",
    );
    for (profile, said) in [
        ("sso", "the SSO session \"corp\" ended\n  fix: aws sso login --sso-session corp\n"),
        ("console", "the console login of profile \"login\" ended\n  fix: aws login --profile login\n"),
        ("program", "the credential_process of profile \"tool\": "),
        ("token", "token cannot be read: "),
        ("exported", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set in the environment of evertoken\n"),
        ("container", "this is no container of ECS or EKS: "),
    ] {
        let (code, out) = foretold(&home, &format!("refresh --dry-run {profile}"));
        assert!(code == Some(1) && out.contains(said), "{profile}: {out}");
        let ended = home.run(&format!("refresh {profile}"));
        assert!(ended.code == Some(1) && ended.out.contains(said), "{profile}: {ended:?}");
    }

    home.write("token", "eyJhbGciOi.fake.token");
    home.write("give-keys", "#!/bin/sh\n");
    fs::set_permissions(home.path("give-keys"), fs::Permissions::from_mode(0o700)).expect("a mode");
    let over = "\"2026-01-01T00:00:00Z\"";
    let alive = format!("\"{}\"", clock::now() + Duration::from_secs(600));
    let sso = |end: &str| {
        let token = format!("{{\"accessToken\": \"x\", \"expiresAt\": {end}}}");
        home.write(".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json", &token);
    };
    let console = |end: &str| {
        let keys = "\"accessKeyId\": \"ASIA\", \"secretAccessKey\": \"x\", \"sessionToken\": \"x\"";
        let saved = format!("{{\"accessToken\": {{{keys}, \"expiresAt\": {end}}}, \"refreshToken\": \"x\"}}");
        home.write(".aws/login/cache/6eeec053fe13079aaf7fd81065ec5ecbdb93674f20700e51842d0c769b240c8a.json", &saved);
    };
    for (end, code) in [(over, 1), (alive.as_str(), 0)] {
        sso(end);
        console(end);
        for profile in ["sso", "console"] {
            let (ended, out) = foretold(&home, &format!("refresh --dry-run {profile}"));
            assert_eq!(ended, Some(code), "{profile}: {out}");
        }
    }
    for profile in ["program", "token"] {
        let (code, out) = foretold(&home, &format!("refresh --dry-run {profile}"));
        assert_eq!(code, Some(0), "{profile}: {out}");
    }
    let mut exported = home.command("refresh --dry-run exported");
    exported.env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE").env("AWS_SECRET_ACCESS_KEY", "x");
    assert_eq!(exported.output().expect("a run").status.code(), Some(0));
}

#[test]
fn a_dry_run_ends_as_the_refresh_would() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let config = CONFIG.replace("http://127.0.0.1:1", &sts.url());
    let home = Home::new(&config);
    let path = ".config/evertoken/config.toml";
    let both = |code: i32, said: &str| {
        for line in ["refresh dev --dry-run", "refresh dev"] {
            let ended = home.run(line);
            let told = format!("{}{}", ended.out, ended.err);
            assert_eq!(ended.code, Some(code), "{line}: {told}");
            assert!(told.contains(said), "{line}: {told}");
        }
    };
    home.write(path, &format!("{config}[hooks]\nfailed = [\"true\"]\n"));
    fs::set_permissions(home.path(path), fs::Permissions::from_mode(0o666)).expect("a mode");
    both(78, "this config has hooks");
    home.write(path, &format!("{config}[network]\nca_bundle = \"~/none.pem\"\n"));
    both(1, "none.pem");
    let token = "web_identity_token_file = \"~/token\"";
    home.write(path, &config.replacen("source_profile = \"base\"", token, 1));
    both(1, "web_identity_token_file of profile \"dev\"");
    home.write("token", "eyJhbGciOi.fake.token");
    assert_eq!(home.run("refresh dev --dry-run").code, Some(0));
    assert_eq!(sts.request_count(), 0);
}

#[test]
fn a_store_that_cannot_be_read_is_told_before_any_code_is_due() {
    let mfa = format!(
        "[[mfa_session]]\nprofile = \"base-mfa\"\nsource_profile = \"base\"\nmfa_serial = \"{SERIAL}\"\nstore = \"private\"\n"
    );
    let home = Home::new(&format!("{CONFIG}{mfa}"));
    home.hold("base-mfa", 3_000);
    fs::write(home.places().private_store(), "garbage\n").expect("written");
    for line in ["refresh base-mfa", "exec base-mfa -- true", "login base-mfa --code 123456"] {
        let ended = home.run(line);
        let told = format!("{}{}", ended.out, ended.err);
        assert_eq!(ended.code, Some(1), "{line}: {told}");
        assert!(told.contains("failed to ") && told.contains("line 1"), "{line}: {told}");
        assert!(!told.contains("MFA code") && !told.contains("evertoken login"), "{line}: {told}");
    }
}

#[test]
fn a_state_folder_that_cannot_be_used_is_told_with_its_way_out_and_keeps_nobody_from_a_session() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let home = Home::new(&CONFIG.replace("http://127.0.0.1:1", &sts.url()));
    let state = home.path(".local/state");
    fs::create_dir_all(home.path(".local")).expect("a folder");
    fs::create_dir(home.path("elsewhere")).expect("a folder");
    let refreshed = |said: &str, fix: &str| {
        let ended = home.run("refresh dev --force");
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.out.contains("dev: refreshed, valid until"), "{ended:?}");
        assert!(ended.err.contains(said) && ended.err.contains(fix), "{ended:?}");
        for line in ["credential-process dev", "exec dev -- true"] {
            assert_eq!(home.run(line).code, Some(0), "{line}");
        }
    };
    fs::write(&state, "").expect("a file");
    refreshed("going on without refresh locks", &format!("put a folder in its place: mv {0} {0}.old", state.display()));
    fs::remove_file(&state).expect("removed");
    fs::create_dir(&state).expect("a folder");
    symlink("../../elsewhere", state.join("evertoken")).expect("a link");
    refreshed("this is a symbolic link where", &format!("remove the link: rm {}/evertoken", state.display()));
    fs::remove_file(state.join("evertoken")).expect("removed");
    assert_eq!(home.run("refresh dev --force").err, "");
}

#[test]
fn a_duration_that_sts_calls_too_long_is_said_by_whoever_meets_it() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let config = CONFIG.replace("http://127.0.0.1:1", &sts.url());
    let home = Home::new(&config.replace("[defaults]", "[defaults]\nduration = \"4h\""));
    sts.max_session("arn:aws:iam::111122223333:role/Developer", std::time::Duration::from_secs(3_600));
    let ended = home.run("refresh");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("dev: refreshed, valid until "), "{}", ended.out);
    assert!(ended.err.starts_with("dev: STS does not allow a session of 14400 s for this role"), "{}", ended.err);
    assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
    // It is remembered, and so is what can be done about it.
    assert_eq!(home.run("refresh").err, "");
    let note = "\n# note: dev: STS does not allow sessions of 4h; they last 1h\n# fix: write duration = \"1h\", or ";
    let told = home.run("status").out;
    assert!(told.contains(note), "{told}");
    // As configured, all is as it should be.
    home.write(".config/evertoken/config.toml", &config);
    assert!(!home.run("status").out.contains("# note"));
}
