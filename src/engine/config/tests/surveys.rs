//! What is said of a good config beside an AWS config.

use crate::engine::aws_config::AwsConfig;
use crate::engine::config::survey;
use crate::engine::config::tests::{good, render};

/// `[name] key=value, key=value`, one section a line, of the AWS config; after `in credentials:` of the other file.
fn aws(sections: &[&str]) -> AwsConfig {
    let (mut config, mut credentials) = (String::new(), String::new());
    for section in sections {
        let (text, section, prefix) = match section.strip_prefix("in credentials: ") {
            Some(section) => (&mut credentials, section, ""),
            None if section.starts_with("[sso-session ") => (&mut config, *section, ""),
            None => (&mut config, *section, "profile "),
        };
        let (name, keys) = section[1..].split_once(']').expect("a header");
        *text += &format!("[{prefix}{name}]\n");
        for key in keys.split(", ") {
            *text += &format!("{}\n", key.trim().replacen('=', " = ", 1));
        }
    }
    AwsConfig::parse(&config, &credentials)
}

fn report(text: &str, sections: &[&str]) -> String {
    render(&survey(text, &good(text), &aws(sections)), text)
}

const BASE: &str = "[base] aws_access_key_id=AKIAIOSFODNN7EXAMPLE";

const DEV: &str = r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
source_profile = "base"
"#;

#[test]
fn nothing_is_said_of_what_fits() {
    for sections in [
        &[BASE][..],
        &["[base] credential_process=/usr/bin/keys"],
        &["[base] sso_session=corp, sso_account_id=111122223333, sso_role_name=Dev", "[sso-session corp] sso_region=x"],
        &["[base] role_arn=arn, source_profile=keys", "[keys] aws_access_key_id=AKIAIOSFODNN7EXAMPLE"],
        // Keys go before the role of a profile that another one names as its source: no circle.
        &["[base] role_arn=arn, source_profile=mid", "[mid] role_arn=arn, source_profile=base, aws_access_key_id=AKIA"],
        // Nor is what a program with another list is asked for.
        &["[base] credential_process=/usr/bin/evertoken --config /x.toml credential-process dev"],
        // A profile that signs with the keys in its own section is no circle.
        &["[base] role_arn=arn, source_profile=base, aws_access_key_id=AKIAIOSFODNN7EXAMPLE"],
        &["[base] web_identity_token_file=/run/token"],
        &["[base] login_session=arn"],
        &[BASE, "[dev] region=eu-west-1"],
        // What evertoken wrote itself.
        &[BASE, "[dev] aws_access_key_id=ASIAIOSFODNN7EXAMPLE, aws_session_token=x, x_evertoken=1"],
    ] {
        assert_eq!(report(DEV, sections), "", "{sections:?}");
    }
    let private = format!("{DEV}store = \"private\"\n");
    assert_eq!(report(&private, &[BASE, "[dev] credential_process=/usr/bin/evertoken credential-process dev"]), "");
    // What keeps a section from being written is told by what is seen in that file.
    for section in ["role_arn=arn", "aws_access_key_id=AKIAIOSFODNN7EXAMPLE"] {
        assert_eq!(report(DEV, &[BASE, &format!("in credentials: [dev] {section}")]), "");
    }
}

/// As `init` leaves it: keys typed in by hand are not what it lacks.
#[test]
fn a_source_that_sso_keys_have_yet_to_move_to_is_told_as_that() {
    let text = "[[role]]\nprofile = \"ok\"\nsource_profile = \"ok-source\"\n";
    let sso =
        "[ok] sso_start_url=https://corp.awsapps.com/start, sso_region=eu-west-1, sso_account_id=1, sso_role_name=Dev";
    let told = report(text, &[sso]);
    let hint = "hint: move the sso_* keys of [profile ok] in ~/.aws/config to [profile ok-source]; `evertoken init --missing` \
                prints the lines\n";
    assert!(told.contains(hint) && !told.contains("aws configure"), "{told}");
    assert!(report(text, &[]).contains("hint: `aws configure --profile ok-source` makes it\n"));
}

const WARNINGS: &[(&str, &[&str], &str)] = &[
    (
        "",
        &[
            "[base] role_arn=arn, source_profile=mid, duration_seconds=7200",
            "[mid] role_arn=arn, source_profile=keys, duration_seconds=7200",
            "[keys] aws_access_key_id=AKIAIOSFODNN7EXAMPLE",
        ],
        r#"config.toml:4:18: warning: duration_seconds = 7200 of profile "base" in the AWS config is too long: role chaining allows 1h, which is asked for instead
  source_profile = "base"
                   ^^^^^^
hint: write duration_seconds = 3600 there
"#,
    ),
    (
        "",
        &[],
        r#"config.toml:4:18: warning: there is no profile "base" in the AWS config or the credentials file
  source_profile = "base"
                   ^^^^^^
hint: `aws configure --profile base` makes it
"#,
    ),
    (
        "",
        &["[bsae] aws_access_key_id=AKIAIOSFODNN7EXAMPLE"],
        r#"config.toml:4:18: warning: there is no profile "base" in the AWS config or the credentials file
  source_profile = "base"
                   ^^^^^^
hint: did you mean "bsae"?
"#,
    ),
    (
        "",
        &["[base] region=eu-west-1"],
        r#"config.toml:4:18: warning: profile "base" has nothing that gives credentials
  source_profile = "base"
                   ^^^^^^
hint: `aws configure --profile base` or `aws configure sso --profile base` adds it
"#,
    ),
    (
        "",
        &["[base] aws_access_key_id=AKIAIOSFODNN7EXAMPLE", "[dev] role_arn=arn, source_profile=base"],
        r#"config.toml:2:11: warning: the AWS config has role_arn for "dev" too: most SDKs then assume that role themselves and ignore the session written here
  profile = "dev"
            ^^^^^
hint: take role_arn out of [profile dev] in ~/.aws/config, or choose another profile here
"#,
    ),
    (
        "",
        &["[base] aws_access_key_id=AKIAIOSFODNN7EXAMPLE", "[dev] sso_session=corp, sso_account_id=1"],
        r#"config.toml:2:11: warning: the AWS config has sso_* keys for "dev" too: SDKs disagree on whether those or the session written here win
  profile = "dev"
            ^^^^^
hint: take sso_* keys out of [profile dev] in ~/.aws/config, or choose another profile here
"#,
    ),
    (
        "",
        &["[base] aws_access_key_id=AKIAIOSFODNN7EXAMPLE", "[dev] credential_process=/usr/bin/keys"],
        r#"config.toml:2:11: warning: the AWS config has credential_process for "dev" too: SDKs disagree on whether that or the session written here wins
  profile = "dev"
            ^^^^^
hint: take credential_process out of [profile dev] in ~/.aws/config, or choose another profile here
"#,
    ),
    (
        "",
        &[
            "[base] aws_access_key_id=AKIAIOSFODNN7EXAMPLE",
            "[dev] region=eu-west-3, credential_process=/usr/bin/evertoken credential-process dev",
        ],
        r#"config.toml:2:11: warning: the AWS config has programs ask evertoken for "dev", but the keys written here go into the credentials file under that name: botocore and most SDKs take those and never renew them
  profile = "dev"
            ^^^^^
hint: add store = "private" to this entry: then all of them ask. Or keep this entry for programs that read the file, and take credential_process out of its section of ~/.aws/config into one of its own:
  [profile dev-live]
  region = eu-west-3
  credential_process = /usr/bin/evertoken credential-process dev
"#,
    ),
    (
        "",
        &[
            "[base] aws_access_key_id=AKIAIOSFODNN7EXAMPLE",
            "[live] credential_process=/usr/bin/evertoken credential-process dev, aws_access_key_id=ASIAIOSFODNN7EXAMPLE",
        ],
        r#"config.toml:2:11: warning: the AWS config has programs ask evertoken for "live", but keys stand under that name too: botocore and most SDKs take those and never ask
  profile = "dev"
            ^^^^^
hint: take aws_access_key_id, aws_secret_access_key and aws_session_token out of [live] in ~/.aws/credentials. Or leave them, and let programs ask under another name in ~/.aws/config:
  [profile dev-live]
  credential_process = /usr/bin/evertoken credential-process dev
"#,
    ),
    (
        "store = \"private\"\n",
        &[
            "[base] aws_access_key_id=AKIAIOSFODNN7EXAMPLE",
            "[dev] credential_process=evertoken credential-process dev, aws_access_key_id=ASIAIOSFODNN7EXAMPLE, x_evertoken=1",
        ],
        r#"config.toml:2:11: warning: keys that evertoken wrote for "dev" still stand in the credentials file: until they end, programs take those instead of asking
  profile = "dev"
            ^^^^^
hint: nothing to do: the daemon takes them out when they end
"#,
    ),
    (
        "store = \"private\"\n",
        &[
            "[base] aws_access_key_id=AKIAIOSFODNN7EXAMPLE",
            "[dev] credential_process=evertoken credential-process dve",
            "[other] credential_process=evertoken credential-process nobody",
            "[more] credential_process=evertoken --config /etc/other.toml credential-process nobody",
        ],
        r#"config.toml:2:11: warning: profile "dev" of the AWS config asks evertoken for "dve", which the list does not have
  profile = "dev"
            ^^^^^
hint: add a [[role]] for it (`evertoken init --missing` prints one), or take credential_process out of ~/.aws/config
"#,
    ),
    (
        "",
        &[
            "[base] aws_access_key_id=AKIAIOSFODNN7EXAMPLE",
            "in credentials: [dev] aws_access_key_id=ASIAIOSFODNN7EXAMPLE, x_evertoken=1, role_arn=arn, sso_region=x",
        ],
        r#"config.toml:2:11: warning: the credentials file has role_arn for "dev" too: most SDKs then assume that role themselves and ignore the session written here
  profile = "dev"
            ^^^^^
hint: take role_arn out of [dev] in ~/.aws/credentials, or choose another profile here
config.toml:2:11: warning: the credentials file has sso_* keys for "dev" too: SDKs disagree on whether those or the session written here win
  profile = "dev"
            ^^^^^
hint: take sso_* keys out of [dev] in ~/.aws/credentials, or choose another profile here
"#,
    ),
    (
        "",
        &["[base] role_arn=arn, source_profile=dev"],
        r#"config.toml:4:18: the sources go in a circle through the AWS config: dev → base → dev
  source_profile = "base"
                   ^^^^^^
hint: change source_profile here, or in ~/.aws/config, so that the chain ends at keys of its own
"#,
    ),
    (
        "",
        &["[base] role_arn=arn, source_profile=mid", "[mid] role_arn=arn, source_profile=dev"],
        r#"config.toml:4:18: the sources go in a circle through the AWS config: dev → base → mid → dev
  source_profile = "base"
                   ^^^^^^
hint: change source_profile here, or in ~/.aws/config, so that the chain ends at keys of its own
"#,
    ),
    (
        "",
        &["[base] role_arn=arn, source_profile=base"],
        r#"config.toml:4:18: the sources go in a circle through the AWS config: base → base
  source_profile = "base"
                   ^^^^^^
hint: change source_profile here, or in ~/.aws/config, so that the chain ends at keys of its own
"#,
    ),
    (
        "",
        &["[base] role_arn=arn, source_profile=mid", "[mid] role_arn=arn, source_profile=base"],
        r#"config.toml:4:18: the sources go in a circle through the AWS config: base → mid → base
  source_profile = "base"
                   ^^^^^^
hint: change source_profile here, or in ~/.aws/config, so that the chain ends at keys of its own
"#,
    ),
    (
        "",
        &["[base] credential_process=/usr/bin/evertoken --quiet credential-process dev"],
        r#"config.toml:4:18: the sources go in a circle through the AWS config: dev → base → dev
  source_profile = "base"
                   ^^^^^^
hint: change source_profile here, or in ~/.aws/config, so that the chain ends at keys of its own
"#,
    ),
    (
        "",
        &["[base] role_arn=arn, source_profile=kyes", "[keys] aws_access_key_id=AKIAIOSFODNN7EXAMPLE"],
        r#"config.toml:4:18: warning: the AWS config names "kyes" as source of "base"
  source_profile = "base"
                   ^^^^^^
hint: there is no such profile; did you mean "keys"?
"#,
    ),
    (
        "",
        &[
            "[base] role_arn=arn, source_profile=keys, mfa_serial=arn:aws:iam::1:mfa/me",
            "[keys] aws_access_key_id=AKIAIOSFODNN7EXAMPLE",
        ],
        r#"config.toml:4:18: warning: profile "base" of the AWS config asks for an MFA code, which a daemon cannot type
  source_profile = "base"
                   ^^^^^^
hint: put its role on this list, on top of an [[mfa_session]]
"#,
    ),
    (
        "",
        &["[base] sso_session=corp"],
        r#"config.toml:4:18: warning: profile "base" names the SSO session "corp", which does not exist
  source_profile = "base"
                   ^^^^^^
hint: add [sso-session corp] to ~/.aws/config, or correct the name
"#,
    ),
    (
        "",
        &["[base] aws_access_key_id=ASIAIOSFODNN7EXAMPLE, aws_session_token=x, x_evertoken=1"],
        r#"config.toml:4:18: warning: profile "base" was written by evertoken and has left the list: its session will end
  source_profile = "base"
                   ^^^^^^
hint: put it on the list again, or name another source_profile
"#,
    ),
    (
        r#"duration = "4h"
"#,
        &["[base] sso_account_id=1"],
        r#"config.toml:5:12: warning: a session of 4h for profile "dev" is too long: the keys of its source "base" are the session of a role, and role chaining allows 1h
  duration = "4h"
             ^^^^
hint: write duration = "1h" for this role; STS refuses more, and 1h is asked for then
"#,
    ),
    (
        r#"duration = "4h"
"#,
        &["[base] role_arn=arn, source_profile=keys", "[keys] aws_access_key_id=AKIAIOSFODNN7EXAMPLE"],
        r#"config.toml:5:12: warning: a session of 4h for profile "dev" is too long: the keys of its source "base" are the session of a role, and role chaining allows 1h
  duration = "4h"
             ^^^^
hint: write duration = "1h" for this role; STS refuses more, and 1h is asked for then
"#,
    ),
    (
        r#"
[[role]]
profile = "copy"
source_profile = "sso"

[[role]]
profile = "top"
role_arn = "arn:aws:iam::111122223333:role/Top"
source_profile = "copy"
duration = "2h"
"#,
        &["[base] aws_access_key_id=AKIAIOSFODNN7EXAMPLE", "[sso] sso_account_id=1"],
        r#"config.toml:14:12: warning: a session of 2h for profile "top" is too long: the keys of its source "sso" are the session of a role, and role chaining allows 1h
  duration = "2h"
             ^^^^
hint: write duration = "1h" for this role; STS refuses more, and 1h is asked for then
"#,
    ),
    (
        r#"
[[role]]
profile = "copy"
source_profile = "base"
"#,
        &["[base] aws_access_key_id=AKIAIOSFODNN7EXAMPLE"],
        r#"config.toml:8:18: warning: profile "base" has long-term keys: they do not end, so there is nothing to keep fresh
  source_profile = "base"
                   ^^^^^^
hint: add role_arn, or use that profile itself and take this entry out
"#,
    ),
    (
        r#"
[[mfa_session]]
profile = "mfa"
source_profile = "corp"
mfa_serial = "GAHT12345678"
"#,
        &["[base] aws_access_key_id=AKIAIOSFODNN7EXAMPLE", "[corp] sso_account_id=1"],
        r#"config.toml:8:18: warning: profile "corp" gives temporary sessions and cannot be the source of an MFA session: "mfa" will get none
  source_profile = "corp"
                   ^^^^^^
hint: GetSessionToken takes long-term keys only: name the profile that has them
"#,
    ),
    (
        r#"
[[role]]
profile = "two"
role_arn = "arn:aws:iam::111122223333:role/Two"
source_profile = "other"
"#,
        &["[base] role_arn=arn, source_profile=two", "[other] role_arn=arn, source_profile=dev"],
        r#"config.toml:4:18: the sources go in a circle through the AWS config: dev → base → two → other → dev
  source_profile = "base"
                   ^^^^^^
hint: change source_profile here, or in ~/.aws/config, so that the chain ends at keys of its own
"#,
    ),
];

#[test]
fn every_case_gets_its_report() {
    let mut wrong = String::new();
    for (extra, sections, expected) in WARNINGS {
        let text = format!("{DEV}{extra}");
        let report = report(&text, sections);
        if report != *expected {
            wrong += &format!("{extra} {sections:?}:\n{report}\ninstead of\n{expected}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
