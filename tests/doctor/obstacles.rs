//! Whatever lies in the place of a file is a finding: `doctor` comes to its end, and answers in JSON.

use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A profile that stands on everything that is looked at.
const CONFIG: &str = "[profile dev]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Developer\n\
                      [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n";

/// What can lie where a file is looked for.
const OBSTACLES: [&str; 7] = ["circle", "folder", "pipe", "rubbish", "closed folder", "file above", "NUL bytes"];

/// Everywhere that it looks.
const PLACES: [&str; 6] = [
    ".aws/credentials",
    ".aws/config",
    ".config/evertoken/config.toml",
    ".git/index",
    ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json",
    "token",
];

fn home() -> TempDir {
    let home = tempfile::tempdir().expect("a home");
    for folder in [".aws/sso/cache", ".config/evertoken", ".git"] {
        fs::create_dir_all(home.path().join(folder)).expect("a folder");
    }
    fs::write(home.path().join(".aws/config"), CONFIG).expect("a file");
    home
}

fn doctor(home: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken"));
    command.args(["doctor", "dev", "--offline", "--json"]).env_clear().env("HOME", home.path()).stdin(Stdio::null());
    command.env("AWS_WEB_IDENTITY_TOKEN_FILE", home.path().join("token")).env("AWS_ROLE_ARN", "arn:aws:iam::1:role/x");
    command
}

fn put(what: &str, path: &Path) {
    let above = path.parent().expect("a folder");
    fs::create_dir_all(above).expect("a folder");
    if path.exists() && what != "closed folder" {
        fs::remove_file(path).expect("gone");
    }
    match what {
        "circle" => symlink(path.file_name().expect("a name"), path).expect("a link"),
        "folder" => fs::create_dir(path).expect("a folder"),
        "pipe" => assert!(Command::new("mkfifo").arg(path).status().expect("a run").success()),
        "rubbish" => {
            let mut seed = 1_u32;
            let mut next = || {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                seed.to_be_bytes()[0]
            };
            fs::write(path, (0..100_000).map(|_| next()).collect::<Vec<u8>>()).expect("a file");
        }
        "closed folder" => fs::set_permissions(above, fs::Permissions::from_mode(0o000)).expect("a mode"),
        "file above" => {
            fs::remove_dir_all(above).expect("gone");
            fs::write(above, "a file").expect("a file");
        }
        "NUL bytes" => fs::write(path, [0; 5_000]).expect("a file"),
        _ => panic!("no obstacle {what}"),
    }
}

#[test]
fn whatever_lies_in_the_place_of_a_file_is_a_finding() {
    for place in PLACES {
        for what in OBSTACLES {
            // The home itself is no folder to play with.
            if place == "token" && ["closed folder", "file above"].contains(&what) {
                continue;
            }
            let home = home();
            let path = home.path().join(place);
            put(what, &path);
            let output = doctor(&home).output().expect("a run");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if what == "closed folder" {
                let above = path.parent().expect("a folder");
                fs::set_permissions(above, fs::Permissions::from_mode(0o700)).expect("a mode");
            }
            let value: Value = serde_json::from_slice(&output.stdout)
                .unwrap_or_else(|error| panic!("{what} at {place}: {error}: {said}"));
            let findings = value["findings"].as_array().expect("findings");
            assert!(!findings.is_empty() && said.is_empty(), "{what} at {place}: {value:#}{said}");
            assert!(matches!(output.status.code(), Some(0 | 1)), "{what} at {place}");
            let told = findings.iter().any(|finding| {
                let what = finding["what"].as_str().unwrap_or_default();
                finding["mark"] != "ok" && what.contains(place)
            });
            // Root opens every folder, and nobody had a token cached for this sign-in anyway.
            let shows = place.starts_with(".aws/c") && what != "closed folder";
            assert!(told || !shows, "{what} at {place}: {value:#}");
        }
    }
}

/// As large as nobody's file is.
#[test]
fn a_large_file_is_looked_through() {
    let home = home();
    let path = home.path().join(".aws/credentials");
    let mut text = String::from("[dev]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n");
    for number in 0..20_000 {
        text.push_str(&format!("[section-{number}]\nregion = eu-west-1\n# of nobody\n"));
    }
    fs::write(&path, &text).expect("a file");
    let look = || doctor(&home).output().expect("a run");
    assert!(serde_json::from_slice::<Value>(&look().stdout).is_ok(), "{} bytes", text.len());
    let too_large = fs::File::options().write(true).open(&path).expect("a file");
    too_large.set_len(20 * 1024 * 1024).expect("a size");
    let value: Value = serde_json::from_slice(&look().stdout).expect("JSON");
    assert_eq!(value["cause"], "file-unreadable", "{value:#}");
}
