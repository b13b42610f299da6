//! What `check` says of a config and of what surrounds it.

use crate::home::{CONFIG, CREDENTIALS, Ended, Home};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

#[test]
fn check_says_what_will_happen() {
    let home = Home::new(CONFIG);
    let ended = home.run("check");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let expected = format!(
        "{}: fine; it keeps 2 roles fresh in {} and {}\n\
         evertoken is not running: `evertoken refresh` tries the config once, `evertoken service install` keeps it running\n",
        home.path(".config/evertoken/config.toml").display(),
        home.path(".aws/credentials").display(),
        home.places().private_store().display()
    );
    assert_eq!((ended.out, ended.err), (expected, String::new()));
    assert!(!home.path(".local").exists(), "check changes nothing");
}

#[test]
fn check_tells_every_mistake_at_its_line_and_ends_with_78() {
    let home = Home::new("[[role]]\nprofile = \"dev\"\nrole_arm = \"x\"\nduration = \"13h\"\n");
    let ended = home.run("check");
    assert_eq!(ended.code, Some(78), "{ended:?}");
    let path = home.path(".config/evertoken/config.toml");
    for line in [3, 4] {
        assert!(ended.err.contains(&format!("{}:{line}:", path.display())), "{}", ended.err);
    }
    // The same for every command that needs the config.
    for line in ["status", "credential-process dev", "exec dev -- true", "purge"] {
        assert_eq!(home.run(line).code, Some(78), "{line}");
    }
}

#[test]
fn a_config_that_is_missing_ends_with_1() {
    let home = Home::new(CONFIG);
    fs::remove_file(home.path(".config/evertoken/config.toml")).expect("removed");
    let ended = home.run("status");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.starts_with("evertoken: there is no config at "), "{}", ended.err);
    let elsewhere = home.path("other.toml");
    home.write("other.toml", CONFIG);
    assert_eq!(home.run(&format!("check --config {}", elsewhere.display())).code, Some(0));
    let mut named = home.command("check");
    named.env("EVERTOKEN_CONFIG", &elsewhere);
    assert_eq!(named.status().expect("a run").code(), Some(0));
}

#[test]
fn check_warns_of_what_surrounds_the_config() {
    let home = Home::new(CONFIG);
    home.write(".aws/credentials", &format!("{CREDENTIALS}\n[dev]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY\n"));
    fs::set_permissions(home.path(".aws/credentials"), fs::Permissions::from_mode(0o644)).expect("a mode");
    let ended = home.run("check");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains(" has mode 0644 and will get 0600 "), "{}", ended.out);
    assert!(
        ended.out.contains("config.toml:7:11: warning: the section of \"dev\" will be left alone: "),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("config.toml: 2 warnings; it keeps "), "{}", ended.out);
    assert!(ended.out.contains(&format!(
        "; it keeps 2 roles fresh in {} and {}\n",
        home.path(".aws/credentials").display(),
        home.places().private_store().display()
    )));
    assert!(!ended.out.contains("je7MtGbClwBF"), "a secret of the user's");
    fs::set_permissions(home.path(".aws"), fs::Permissions::from_mode(0o777)).expect("a mode");
    let ended = home.run("check");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let fix = format!("run: chmod go-w {}\n", home.path(".aws").display());
    assert!(ended.out.contains("warning: evertoken will not write: failed to use ") && ended.out.contains(&fix));
}

const TEMPORARY: &str =
    "aws_access_key_id = ASIAI44QH8DHBEXAMPLE\naws_secret_access_key = fake\naws_session_token = fake\n";

/// Once, at the profile in the config, with one way out; `status` has the same.
#[test]
fn a_section_that_is_left_alone_is_told_once_and_with_the_same_way_out_everywhere() {
    let long_term = "aws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = fake\n";
    for (section, line, cause, way_out) in [
        (
            format!("[dev]\n{TEMPORARY}"),
            7,
            "holds `aws_access_key_id` that evertoken did not write",
            "set adopt = true for the role to take the section over, or give the role another profile name",
        ),
        (
            format!("[dev]\n{long_term}"),
            7,
            "holds long-term keys, which evertoken never replaces",
            "give the role another profile name",
        ),
        (
            "[dev]\nrole_arn = arn:aws:iam::111122223333:role/X\nsource_profile = base\n".to_owned(),
            7,
            "gets its credentials through `role_arn`",
            "take that line out, or give the role another profile name",
        ),
        (
            "[dev]\nregion = eu-west-1\n\n[dev]\noutput = json\n".to_owned(),
            9,
            "a second section [dev]",
            "merge it into the first",
        ),
        (
            format!("[dev]\n{TEMPORARY}x_evertoken = 2 profile=dev\n"),
            0,
            "was written by a newer version",
            "update evertoken",
        ),
    ] {
        let home = Home::new(CONFIG);
        home.write(".aws/credentials", &format!("{CREDENTIALS}\n{section}"));
        let checked = home.run("check");
        assert_eq!(checked.code, Some(0), "{checked:?}");
        let file = home.path(".aws/credentials").display().to_string();
        let place = if line == 0 { format!("({file})") } else { format!("(line {line} of {file})") };
        assert!(
            checked.out.contains("config.toml:7:11: warning: the section of \"dev\" will be left alone: "),
            "{checked:?}"
        );
        assert!(checked.out.contains(cause) && checked.out.contains(&place), "{checked:?}");
        assert!(checked.out.contains(&format!("hint: {way_out}\n")), "{checked:?}");
        assert_eq!(checked.out.matches(way_out).count(), 1, "{}", checked.out);
        assert!(checked.out.contains("config.toml: 1 warning; it keeps "), "{}", checked.out);
        assert!(!checked.out.contains("the AWS config"), "{}", checked.out);

        let status = home.run("status --json");
        let status: serde_json::Value = serde_json::from_str(&status.out).expect("JSON");
        let error = &status["profiles"][0]["error"];
        assert_eq!(error["fix"], way_out, "{status}");
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(cause) && !text.contains(way_out)),
            "{error}"
        );
    }
}

/// What stands below it is nobody's, so nothing can be said of it: not that it stands there twice, say.
#[test]
fn a_broken_header_is_told_at_its_line_and_nothing_else_is() {
    let home = Home::new(CONFIG);
    home.write(".aws/credentials", &format!("{CREDENTIALS}\n[other\n{TEMPORARY}{TEMPORARY}"));
    home.write(".aws/config", &format!("[profile work]\nregion = x\n[profile next] x\n{TEMPORARY}"));
    let checked = home.run("check");
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.out.contains(".aws/credentials:6: a section header without its closing bracket; "), "{checked:?}");
    assert!(checked.out.contains(".aws/config:3: something stands after a section header, "), "{checked:?}");
    assert!(!checked.out.contains("twice") && !checked.out.contains("before the first section"), "{checked:?}");
    assert!(checked.out.contains("config.toml: 3 warnings; it keeps "), "{}", checked.out);
}

/// A line that sends SDKs elsewhere is told with the file that it stands in.
#[test]
fn a_line_that_hides_the_session_is_named_with_its_file() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    assert!(home.run("check").out.contains("config.toml: fine; "));
    let role = "role_arn = arn:aws:iam::111122223333:role/X\n";
    let held = home.read(".aws/credentials");
    home.write(".aws/credentials", &held.replace("[dev]\n", &format!("[dev]\n{role}")));
    let checked = home.run("check");
    assert!(checked.out.contains("warning: the credentials file has role_arn for \"dev\" too: "), "{checked:?}");
    assert!(checked.out.contains("hint: take role_arn out of [dev] in ~/.aws/credentials, or "), "{checked:?}");
    home.write(".aws/credentials", &held);
    home.write(".aws/config", &format!("[profile dev]\n{role}"));
    let checked = home.run("check");
    assert!(checked.out.contains("warning: the AWS config has role_arn for \"dev\" too: "), "{checked:?}");
    assert!(checked.out.contains("hint: take role_arn out of [profile dev] in ~/.aws/config, or "), "{checked:?}");
    fs::rename(home.path(".aws/config"), home.path("team config")).expect("another place");
    let checked = home.command("check").env("AWS_CONFIG_FILE", home.path("team config")).output().expect("a run");
    let checked = Ended::from(checked);
    assert!(checked.out.contains("hint: take role_arn out of [profile dev] in ~/team config, or "), "{checked:?}");
}

/// Botocore takes keys before it asks a program, and never renews them.
#[test]
fn check_warns_of_keys_beside_a_question_to_evertoken_and_prints_the_right_lines() {
    let home = Home::new(CONFIG);
    let asking = |name: &str, asked: &str| {
        format!(
            "[profile {name}]\nregion = eu-west-3\ncredential_process = /opt/evertoken credential-process {asked}\n"
        )
    };
    home.write(".aws/config", &(asking("vault", "vault") + &asking("else", "nobody")));
    let ended = home.run("check");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.out.contains("warning: profile \"else\" of the AWS config asks evertoken for \"nobody\""),
        "{ended:?}"
    );
    assert!(ended.out.contains("config.toml: 1 warning; it keeps "), "{ended:?}");

    home.write(".aws/config", &asking("dev", "dev"));
    let ended = home.run("check");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for expected in [
        "config.toml:7:11: warning: the AWS config has programs ask evertoken for \"dev\"",
        "hint: add store = \"private\" to this entry",
        "\n  [profile dev-live]\n  region = eu-west-3\n  credential_process = /opt/evertoken credential-process dev\n",
        "config.toml: 1 warning; it keeps ",
    ] {
        assert!(ended.out.contains(expected), "{expected}: {}", ended.out);
    }
    // Which is what it takes.
    home.write(".aws/config", &asking("dev-live", "dev"));
    assert!(home.run("check").out.contains("config.toml: fine; "));
}

/// The others are kept fresh all the same.
#[test]
fn an_mfa_session_that_nobody_gets_is_a_warning_that_says_so() {
    let home = Home::new(&format!(
        "{CONFIG}\n[[mfa_session]]\nprofile = \"base-mfa\"\nsource_profile = \"corp\"\n\
         mfa_serial = \"arn:aws:iam::111122223333:mfa/me\"\n"
    ));
    home.write(
        ".aws/config",
        "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n\
         [profile corp]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Developer\n",
    );
    let ended = home.run("check");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let expected = "warning: profile \"corp\" gives temporary sessions and cannot be the source of an MFA session: \
                    \"base-mfa\" will get none\n";
    assert!(ended.out.contains(expected), "{}", ended.out);
}

/// A service does not have the PATH of anybody's shell.
#[cfg(target_os = "linux")]
#[test]
fn check_looks_for_helpers_and_hooks_where_the_service_will() {
    let home = Home::new(&format!(
        "{CONFIG}\n[hooks]\nfailed = [\"notify-me\", \"{{message}}\"]\nrefreshed = [\"sh\", \"x\"]\nrecovered = [\"~/bin/gone\"]\n\
         expiring = [\"bin/notify-me\"]\n\n[[mfa_session]]\nprofile = \"base-mfa\"\nsource_profile = \"base\"\n\
         mfa_serial = \"arn:aws:iam::111122223333:mfa/me\"\nmfa_command = [\"print-code\"]\nunattended = true\n\n\
         [[role]]\nprofile = \"by-process\"\nrole_arn = \"arn:aws:iam::111122223333:role/X\"\nsource_profile = \"keys\"\n"
    ));
    home.write(".aws/config", "[profile keys]\ncredential_process = 'give-keys' --quietly\n");
    for name in ["notify-me", "print-code", "give-keys"] {
        home.write(&format!("bin/{name}"), "#!/bin/sh\n");
        fs::set_permissions(home.path(&format!("bin/{name}")), fs::Permissions::from_mode(0o700)).expect("a mode");
    }
    let bin = home.path("bin").display().to_string();
    let check = || {
        let mut command = home.command("check");
        Ended::from(command.env("PATH", format!("{bin}:/usr/bin:/bin")).output().expect("a run"))
    };
    let ended = check();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let of_systemd = "which is in no folder of the service's PATH: /usr/local/bin:/usr/bin:/bin (what systemd gives to a service; yours \
         may add to it: systemctl --user show-environment)";
    for (key, name) in [
        ("the hook `failed`", "notify-me"),
        ("mfa_command of profile base-mfa", "print-code"),
        ("credential_process of profile keys in the AWS config", "give-keys"),
    ] {
        let expected = format!("warning: {key} starts {name}, {of_systemd}\nhint: write {bin}/{name} instead, or ");
        assert!(ended.out.contains(&expected), "{expected}\n{}", ended.out);
    }
    assert!(ended.out.contains(&format!("starts {bin}/gone, which is not there or cannot be run")), "{}", ended.out);
    assert!(ended.out.contains("`expiring` starts bin/notify-me, a path that depends on where"), "{}", ended.out);
    assert!(!ended.out.contains("`refreshed`"), "sh is everywhere: {}", ended.out);

    // What an installed unit carries counts instead, and what is changed there wins.
    home.write(".config/systemd/user/evertoken.service", "[Service]\nEnvironment=\"PATH=/usr/bin:/bin\"\n");
    let unit = home.path(".config/systemd/user/evertoken.service").display().to_string();
    assert!(check().out.contains(&format!("the service's PATH: /usr/bin:/bin ({unit})")), "{}", check().out);
    home.write(
        ".config/systemd/user/evertoken.service.d/50.conf",
        "[Service]\nEnvironment=A=b PATH=%h/bin:/usr/bin:/bin\n",
    );
    let ended = check();
    assert!(!ended.out.contains("service's PATH"), "{}", ended.out);
}

/// Also where it concerns nobody on the list, and where it keeps others from their work.
#[test]
fn every_hint_names_the_aws_config_that_was_read() {
    let home = Home::new(CONFIG);
    let run = |line: &str| {
        let mut command = home.command(line);
        Ended::from(command.env("AWS_CONFIG_FILE", home.path("team/config")).output().expect("a run"))
    };
    home.write("team/config", "[profile else]\ncredential_process = /opt/evertoken credential-process nobody\n");
    let checked = run("check");
    assert!(checked.out.contains("or take credential_process out of ~/team/config\n"), "{checked:?}");
    home.write("team/config", "[profile base]\nrole_arn = arn:aws:iam::111122223333:role/Base\nsource_profile = dev\n");
    home.write(".aws/credentials", "");
    for told in [run("check").out, run("refresh").err] {
        assert!(told.contains("hint: change source_profile here, or in ~/team/config, so that "), "{told}");
    }
}

#[test]
fn a_path_with_a_blank_stays_one_word_of_a_command() {
    let home = Home::new(CONFIG);
    home.write("my config/list.toml", &format!("{CONFIG}\n[hooks]\nrecovered = [\"~/my bin/gone\"]\n"));
    let config = home.path("my config/list.toml");
    let check = || Ended::from(home.command("check --config").arg(&config).output().expect("a run")).out;
    let told = format!("hint: correct the path, or: chmod +x '{}'\n", home.path("my bin/gone").display());
    assert!(check().contains(&told), "{told}\n{}", check());
    fs::set_permissions(&config, fs::Permissions::from_mode(0o602)).expect("a mode");
    let told = format!("hint: chmod go-w '{}'\n", config.display());
    assert!(check().contains(&told), "{told}\n{}", check());
}

#[test]
fn a_config_that_others_can_write_may_name_no_programs() {
    let hooks = "\n[hooks]\nfailed = [\"true\"]\n";
    let mfa = "\n[[mfa_session]]\nprofile = \"m\"\nsource_profile = \"base\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/me\"\n\
               mfa_command = [\"true\"]\n";
    for (more, what) in [(hooks, "hooks"), (mfa, "an mfa_command")] {
        let home = Home::new(&format!("{CONFIG}{more}"));
        assert_eq!(home.run("check").code, Some(0), "{:?}", home.run("check"));
        for (path, good, bad) in [(".config/evertoken/config.toml", 0o600, 0o602), (".config", 0o700, 0o777)] {
            let mode = |mode| fs::set_permissions(home.path(path), fs::Permissions::from_mode(mode)).expect("a mode");
            mode(bad);
            let shown = home.path(path).display().to_string();
            let checked = home.run("check");
            assert_eq!(checked.code, Some(78), "{checked:?}");
            let told = format!(
                "{what}, programs to run, and others can write to {shown} (mode 0{bad:o})\nhint: chmod go-w {shown}"
            );
            assert!(checked.out.contains(&told), "{told}\n{}", checked.out);
            for line in ["run", "refresh", "login"] {
                let ended = home.run(line);
                assert_eq!(ended.code, Some(78), "{line}: {ended:?}");
                assert!(ended.err.contains(&told), "{line}: {told}\n{}", ended.err);
            }
            // Nothing is run by these.
            assert_eq!(home.run("status").code, Some(3));
            mode(good);
        }
        // Others may put files of their own there, and not touch this one.
        fs::set_permissions(home.path(".config"), fs::Permissions::from_mode(0o1777)).expect("a mode");
        assert_eq!(home.run("check").code, Some(0));
        fs::set_permissions(home.path(".config"), fs::Permissions::from_mode(0o700)).expect("a mode");
        // A link is only as good as the folder of what it leads to.
        home.write("shared/config.toml", &home.read(".config/evertoken/config.toml"));
        fs::set_permissions(home.path("shared"), fs::Permissions::from_mode(0o777)).expect("a mode");
        fs::remove_file(home.path(".config/evertoken/config.toml")).expect("removed");
        std::os::unix::fs::symlink(home.path("shared/config.toml"), home.path(".config/evertoken/config.toml"))
            .expect("a link");
        assert_eq!(home.run("check").code, Some(78));
        // Nor is one that belongs to somebody else.
        if rustix::process::geteuid().is_root() {
            fs::set_permissions(home.path("shared"), fs::Permissions::from_mode(0o700)).expect("a mode");
            assert_eq!(home.run("check").code, Some(0));
            chown(home.path("shared/config.toml"), Some(12_345), None).expect("another owner");
            let checked = home.run("check");
            assert_eq!(checked.code, Some(78), "{checked:?}");
            assert!(
                checked.out.contains("shared/config.toml belongs to user 12345\nhint: sudo chown "),
                "{}",
                checked.out
            );
        }
        // Without programs nobody is the worse for it.
        home.write("shared/config.toml", CONFIG);
        assert_eq!(home.run("check").code, Some(0));
    }
}

#[test]
fn check_tells_a_hard_link_that_will_be_cut() {
    let home = Home::new(CONFIG);
    std::fs::hard_link(home.path(".aws/credentials"), home.path("dot")).expect("a second name");
    let ended = home.run("check");
    assert!(ended.code == Some(0) && ended.out.contains("has another name (a hard link)"), "{ended:?}");
}

#[test]
fn a_circle_through_the_aws_config_is_a_mistake() {
    let home = Home::new(CONFIG);
    home.write(".aws/config", "[profile base]\nrole_arn = arn:aws:iam::111122223333:role/Base\nsource_profile = dev\n");
    home.write(".aws/credentials", "");
    let circle = "the sources go in a circle through the AWS config: dev → base → dev";
    let ended = home.run("check");
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.out.contains(circle) && ended.out.contains("config.toml: 1 mistake"), "{}", ended.out);
    for command in ["run", "refresh", "refresh --dry-run"] {
        let ended = home.run(command);
        assert_eq!((ended.code, ended.out.as_str()), (Some(78), ""), "{command}: {ended:?}");
        assert!(ended.err.contains(circle), "{command}: {}", ended.err);
    }
    // What is wrong for other programs alone keeps evertoken from nothing.
    home.write(".aws/config", "[profile dev]\ncredential_process = /usr/bin/evertoken credential-process dev\n");
    home.write(".aws/credentials", CREDENTIALS);
    assert_eq!(home.run("check").code, Some(0));
    let ended = home.run("refresh dev");
    assert!(ended.code == Some(1) && ended.out.contains("127.0.0.1:1"), "{ended:?}");
    // The keys of a profile that another one names as its source go before its role: no circle.
    home.write(
        ".aws/config",
        "[profile base]\nrole_arn = arn:aws:iam::111122223333:role/Base\nsource_profile = mid\n\
         [profile mid]\nrole_arn = arn:aws:iam::111122223333:role/Mid\nsource_profile = base\n",
    );
    home.write(".aws/credentials", &CREDENTIALS.replace("[base]", "[mid]"));
    let ended = home.run("check");
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

/// Without its state folder no daemon starts, and no refresh begins.
#[test]
fn check_looks_at_the_state_folder_and_leaves_it_as_it_is() {
    let blocked = |block: &dyn Fn(&Home), reason: &str| {
        let home = Home::new(CONFIG);
        block(&home);
        let ended = home.run("check");
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.out.contains("warning: evertoken cannot do its work as things are: failed to "), "{ended:?}");
        assert!(ended.out.contains(reason), "{reason}: {ended:?}");
    };
    blocked(&|home| home.write(".local/state", "a file"), "Not a directory");
    blocked(
        &|home| {
            let state = home.places().state().to_owned();
            fs::create_dir_all(state.parent().expect("a parent")).expect("a folder");
            std::os::unix::fs::symlink(home.path(".aws"), state).expect("a link");
        },
        "this is a symbolic link where evertoken keeps its own folder",
    );
    blocked(
        &|home| {
            fs::create_dir_all(home.path(".local")).expect("a folder");
            std::os::unix::fs::symlink("/nowhere", home.path(".local/state")).expect("a link");
        },
        "it is a link to /nowhere, which is not there",
    );
    if !rustix::process::geteuid().is_root() {
        blocked(
            &|home| {
                fs::create_dir_all(home.path(".local/state")).expect("a folder");
                fs::set_permissions(home.path(".local/state"), fs::Permissions::from_mode(0o500)).expect("a mode");
            },
            "Permission denied",
        );
    }
    let home = Home::new(CONFIG);
    fs::create_dir_all(home.places().state()).expect("a folder");
    assert!(home.run("check").out.contains("config.toml: fine; "));
}

#[test]
fn a_bundle_that_cannot_be_used_is_named_with_its_certificate() {
    let good = include_str!("../network/root.pem");
    let home = Home::new(&format!("[network]\nca_bundle = \"~/corp.pem\"\n{CONFIG}"));
    home.write("corp.pem", &format!("{good}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
    let named = format!("use the CA bundle {}: certificate 2 in it cannot be parsed", home.path("corp.pem").display());
    let ended = home.run("check");
    assert!(ended.code == Some(78) && ended.out.contains(&named), "{ended:?}");
    let ended = home.run("refresh");
    assert!(ended.code == Some(1) && ended.err.contains(&named), "{ended:?}");
    home.write("corp.pem", good);
    assert_eq!(home.run("check").code, Some(0));
}
