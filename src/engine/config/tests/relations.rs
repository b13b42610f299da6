//! Mistakes that two keys or two entries make together. Each text with all that is said about it.

use crate::engine::config::tests::{Case, check};

const CASES: &[Case] = &[
    Case {
        name: "two kinds of sources",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
source_profile = "base"
credential_source = "Environment"
"#,
        report: r#"config.toml:5:21: `credential_source` beside `source_profile`: there can be only one source
  credential_source = "Environment"
                      ^^^^^^^^^^^^^
hint: keep one of source_profile, credential_source and web_identity_token_file
"#,
    },
    Case {
        name: "two kinds of default sources",
        text: r#"[defaults]
web_identity_token_file = "/x"
source_profile = "base"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:3:18: `source_profile` beside `web_identity_token_file`: there can be only one source
  source_profile = "base"
                   ^^^^^^
hint: keep one of source_profile, credential_source and web_identity_token_file
"#,
    },
    Case {
        name: "an empty source",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
source_profile = ""
"#,
        report: r#"config.toml:4:18: `source_profile` is empty
  source_profile = ""
                   ^^
hint: name a profile, or take it out for "default"
"#,
    },
    Case {
        name: "a target that is its own source",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
source_profile = "dev"
"#,
        report: r#"config.toml:4:18: profile "dev" would be its own source
  source_profile = "dev"
                   ^^^^^
hint: evertoken writes the session into this profile; keep the keys that sign in another one and name that
"#,
    },
    Case {
        name: "a target that is its own default source",
        text: r#"[defaults]
source_profile = "dev"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:4:11: profile "dev" would be its own source
  profile = "dev"
            ^^^^^
hint: it has no source_profile of its own; name another profile that has the keys
"#,
    },
    Case {
        name: "a target that is its own source when nothing is said",
        text: r#"[[role]]
profile = "default"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:2:11: profile "default" would be its own source
  profile = "default"
            ^^^^^^^^^
hint: it has no source_profile of its own; name another profile that has the keys
"#,
    },
    Case {
        name: "two entries with one profile",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"

[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:6:11: profile "dev" is on the list already, in line 2
  profile = "dev"
            ^^^^^
hint: one section can hold one session: give this one another profile
"#,
    },
    Case {
        name: "a role and an MFA session with one profile",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"

[[mfa_session]]
profile = "dev"
source_profile = "base"
mfa_serial = "arn:aws:iam::111122223333:mfa/me"
"#,
        report: r#"config.toml:6:11: profile "dev" is on the list already, in line 2
  profile = "dev"
            ^^^^^
hint: one section can hold one session: give this one another profile
"#,
    },
    Case {
        name: "a circle of two",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
source_profile = "top"

[[role]]
profile = "top"
role_arn = "arn:aws:iam::444455556666:role/ReadOnly"
source_profile = "dev"
"#,
        report: r#"config.toml:4:18: the sources go in a circle: dev → top → dev
  source_profile = "top"
                   ^^^^^
hint: one of them needs a source outside of this list, with keys of its own
"#,
    },
    Case {
        name: "a circle of three, told once",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
source_profile = "c"
[[role]]
profile = "b"
role_arn = "arn:aws:iam::111122223333:role/Developer"
source_profile = "dev"
[[role]]
profile = "c"
role_arn = "arn:aws:iam::111122223333:role/Developer"
source_profile = "b"
"#,
        report: r#"config.toml:4:18: the sources go in a circle: dev → c → b → dev
  source_profile = "c"
                   ^^^
hint: one of them needs a source outside of this list, with keys of its own
"#,
    },
    Case {
        name: "role chaining for more than an hour",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"

[[role]]
profile = "top"
role_arn = "arn:aws:iam::444455556666:role/ReadOnly"
source_profile = "dev"
duration = "2h"
"#,
        report: r#"config.toml:9:12: a session of 2h for profile "top" is too long: its source "dev" is a role, and role chaining allows 1h
  duration = "2h"
             ^^^^
hint: write duration = "1h" or less for this role
"#,
    },
    Case {
        name: "role chaining for more than an hour by default",
        text: r#"[defaults]
duration = "2h"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"

[[role]]
profile = "top"
role_arn = "arn:aws:iam::444455556666:role/ReadOnly"
source_profile = "dev"
"#,
        report: r#"config.toml:10:18: a session of 2h for profile "top" is too long: its source "dev" is a role, and role chaining allows 1h
  source_profile = "dev"
                   ^^^^^
hint: write duration = "1h" or less for this role
"#,
    },
    Case {
        name: "role chaining through a published profile",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"

[[role]]
profile = "copy"
source_profile = "dev"

[[role]]
profile = "top"
role_arn = "arn:aws:iam::444455556666:role/ReadOnly"
source_profile = "copy"
duration = "2h"
"#,
        report: r#"config.toml:13:12: a session of 2h for profile "top" is too long: its source "copy" is a role, and role chaining allows 1h
  duration = "2h"
             ^^^^
hint: write duration = "1h" or less for this role
"#,
    },
    Case {
        name: "nothing to assume",
        text: r#"[[role]]
profile = "legacy"
source_profile = "sso"
external_id = "abc"
duration = "1h"
session_name = "me"
"#,
        report: r#"config.toml:4:15: `external_id` has no use here; there is no role to assume: this entry publishes its source as it is
  external_id = "abc"
                ^^^^^
hint: take it out, or add role_arn
config.toml:5:12: `duration` has no use here; there is no role to assume: this entry publishes its source as it is
  duration = "1h"
             ^^^^
hint: take it out, or add role_arn
config.toml:6:16: `session_name` has no use here; there is no role to assume: this entry publishes its source as it is
  session_name = "me"
                 ^^^^
hint: take it out, or add role_arn
"#,
    },
    Case {
        name: "nothing to assume with a token file",
        text: r#"[[role]]
profile = "legacy"
web_identity_token_file = "/run/token"
"#,
        report: r#"config.toml:3:27: a web identity token gives nothing without a role for profile "legacy"
  web_identity_token_file = "/run/token"
                            ^^^^^^^^^^^^
hint: add role_arn, or name a source_profile instead
"#,
    },
    Case {
        name: "a web identity with what it cannot have",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
web_identity_token_file = "/run/token"
external_id = "abc"
tags = { a = "b" }
mfa_serial = "arn:aws:iam::111122223333:mfa/me"
"#,
        report: r#"config.toml:5:15: `external_id` has no use here; AssumeRoleWithWebIdentity does not take it
  external_id = "abc"
                ^^^^^
hint: take it out, or use a source_profile instead of the token file
config.toml:6:8: `tags` has no use here; AssumeRoleWithWebIdentity does not take it
  tags = { a = "b" }
         ^^^^^^^^^^^
hint: take it out, or use a source_profile instead of the token file
config.toml:7:14: `mfa_serial` has no use here; AssumeRoleWithWebIdentity does not take it
  mfa_serial = "arn:aws:iam::111122223333:mfa/me"
               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: take it out, or use a source_profile instead of the token file
"#,
    },
    Case {
        name: "an MFA session without a device",
        text: r#"[[mfa_session]]
profile = "mfa"
source_profile = "base"
"#,
        report: r#"config.toml:2:11: no `mfa_serial` for profile "mfa"
  profile = "mfa"
            ^^^^^
hint: add mfa_serial = "arn:aws:iam::111122223333:mfa/me"; `aws iam list-mfa-devices` shows yours
"#,
    },
    Case {
        name: "an MFA session on a role",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[[mfa_session]]
profile = "mfa"
source_profile = "dev"
mfa_serial = "arn:aws:iam::111122223333:mfa/me"
"#,
        report: r#"config.toml:6:18: "dev" of this list is a temporary session and cannot be the source of an MFA session
  source_profile = "dev"
                   ^^^^^
hint: GetSessionToken takes long-term keys only: name the profile that has them as source_profile
"#,
    },
    Case {
        name: "an MFA session on an instance profile",
        text: r#"[[mfa_session]]
profile = "mfa"
credential_source = "Ec2InstanceMetadata"
mfa_serial = "arn:aws:iam::111122223333:mfa/me"
"#,
        report: r#"config.toml:3:21: Ec2InstanceMetadata gives temporary sessions and cannot be the source of an MFA session
  credential_source = "Ec2InstanceMetadata"
                      ^^^^^^^^^^^^^^^^^^^^^
hint: GetSessionToken takes long-term keys only: name the profile that has them as source_profile
"#,
    },
    Case {
        name: "an MFA session on a default token file",
        text: r#"[defaults]
web_identity_token_file = "/run/token"
[[mfa_session]]
profile = "mfa"
mfa_serial = "arn:aws:iam::111122223333:mfa/me"
"#,
        report: r#"config.toml:4:11: a web identity gives temporary sessions and cannot be the source of an MFA session
  profile = "mfa"
            ^^^^^
hint: GetSessionToken takes long-term keys only: name the profile that has them as source_profile
"#,
    },
    Case {
        name: "a security key",
        text: r#"[[mfa_session]]
profile = "mfa"
source_profile = "base"
mfa_serial = "arn:aws:iam::111122223333:u2f/user/me/key-ABC"
"#,
        report: r#"config.toml:4:14: a FIDO security key or passkey gives no codes that STS takes
  mfa_serial = "arn:aws:iam::111122223333:u2f/user/me/key-ABC"
               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: register a virtual MFA device (TOTP) beside it and use that serial, arn:aws:iam::ACCOUNT:mfa/NAME
"#,
    },
    Case {
        name: "the ARN of a user as MFA device",
        text: r#"[[mfa_session]]
profile = "mfa"
source_profile = "base"
mfa_serial = "arn:aws:iam::111122223333:user/me"
"#,
        report: r#"config.toml:4:14: "arn:aws:iam::111122223333:user/me" is not the ARN of an MFA device
  mfa_serial = "arn:aws:iam::111122223333:user/me"
               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: write it like "arn:aws:iam::111122223333:mfa/me"; `aws iam list-mfa-devices` shows yours
"#,
    },
    Case {
        name: "an MFA serial that is too short",
        text: r#"[[mfa_session]]
profile = "mfa"
source_profile = "base"
mfa_serial = "GAHT1"
"#,
        report: r#"config.toml:4:14: `mfa_serial` has 5 characters
  mfa_serial = "GAHT1"
               ^^^^^^^
hint: STS takes 9 to 256 characters
"#,
    },
    Case {
        name: "an MFA command without a device",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
mfa_command = ["ykman"]
"#,
        report: r#"config.toml:4:15: `mfa_command` has no use without an MFA device
  mfa_command = ["ykman"]
                ^^^^^^^^^
hint: add mfa_serial, or take this out
"#,
    },
    Case {
        name: "unattended without a command",
        text: r#"[[mfa_session]]
profile = "mfa"
source_profile = "base"
mfa_serial = "arn:aws:iam::111122223333:mfa/me"
unattended = true
"#,
        report: r#"config.toml:5:14: `unattended` needs a command that prints the code
  unattended = true
               ^^^^
hint: add mfa_command, or take this out and run `evertoken login` when a code is due
"#,
    },
    Case {
        name: "an empty MFA command",
        text: r#"[[mfa_session]]
profile = "mfa"
source_profile = "base"
mfa_serial = "arn:aws:iam::111122223333:mfa/me"
mfa_command = []
"#,
        report: r#"config.toml:5:15: `mfa_command` names no program
  mfa_command = []
                ^^
hint: write mfa_command = ["program", "argument"]
"#,
    },
    Case {
        name: "an MFA device on a chained role",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"

[[role]]
profile = "top"
role_arn = "arn:aws:iam::444455556666:role/ReadOnly"
source_profile = "dev"
mfa_serial = "arn:aws:iam::111122223333:mfa/me"
"#,
        report: r#"config.toml:9:14: warning: the session of a role has no MFA device of its own
  mfa_serial = "arn:aws:iam::111122223333:mfa/me"
               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: put mfa_serial where the chain begins, best in an [[mfa_session]]
"#,
    },
];

#[test]
fn every_case_gets_its_report() {
    check(CASES);
}
