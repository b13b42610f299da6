//! Mistakes in the shape of the file: keys, types, syntax. Each text with all that is said about it.

use crate::engine::config::tests::{Case, check};

const CASES: &[Case] = &[
    Case {
        name: "an empty file",
        text: r#""#,
        report: r#"config.toml:1:1: the list has no role and no MFA session
hint: add a [[role]] with profile and role_arn; `evertoken init` writes one from ~/.aws/config
"#,
    },
    Case {
        name: "a file without a role or MFA session",
        text: r#"[defaults]
region = "eu-west-1"
"#,
        report: r#"config.toml:3:1: the list has no role and no MFA session
hint: add a [[role]] with profile and role_arn; `evertoken init` writes one from ~/.aws/config
"#,
    },
    Case {
        name: "an unknown key at the top",
        text: r#"credential_file = "/x"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:1:1: unknown key "credential_file"
  credential_file = "/x"
  ^^^^^^^^^^^^^^^
hint: did you mean `credentials_file`?
"#,
    },
    Case {
        name: "an unknown key that nothing resembles",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
colour = "red"
"#,
        report: r#"config.toml:4:1: unknown key "colour" in [[role]]
  colour = "red"
  ^^^^^^
hint: [[role]] takes `profile`, `role_arn`, `source_profile`, `credential_source`, `web_identity_token_file`, `region`, `sts_region`, `sts_endpoint`, `duration`, `min_ttl`, `session_name`, `external_id`, `policy`, `policy_arns`, `tags`, `transitive_tags`, `source_identity`, `mfa_serial`, `mfa_command`, `unattended`, `store` and `adopt`
"#,
    },
    Case {
        name: "an unknown key in a small table",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[network]
colour = "red"
"#,
        report: r#"config.toml:5:1: unknown key "colour" in [network]
  colour = "red"
  ^^^^^^
hint: [network] takes `proxy` and `ca_bundle`
"#,
    },
    Case {
        name: "a key in the wrong table",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[network]
region = "eu-west-1"
"#,
        report: r#"config.toml:5:1: unknown key "region" in [network]
  region = "eu-west-1"
  ^^^^^^
hint: `region` belongs in [defaults], [[role]] or [[mfa_session]]
"#,
    },
    Case {
        name: "a role key in the defaults",
        text: r#"[defaults]
profile = "x"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:2:1: unknown key "profile" in [defaults]
  profile = "x"
  ^^^^^^^
hint: `profile` belongs in [[role]] or [[mfa_session]]
"#,
    },
    Case {
        name: "a role key in an MFA session",
        text: r#"[[mfa_session]]
profile = "mfa"
source_profile = "base"
mfa_serial = "arn:aws:iam::111122223333:mfa/me"
external_id = "abc"
"#,
        report: r#"config.toml:5:1: unknown key "external_id" in [[mfa_session]]
  external_id = "abc"
  ^^^^^^^^^^^
hint: `external_id` belongs in [defaults] or [[role]]
"#,
    },
    Case {
        name: "a key of the AWS config",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
credential_process = "x"
"#,
        report: r#"config.toml:4:1: unknown key "credential_process" in [[role]]
  credential_process = "x"
  ^^^^^^^^^^^^^^^^^^
hint: `credential_process` belongs in ~/.aws/config; name the profile that has it as source_profile
"#,
    },
    Case {
        name: "the AWS name of a key",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
role_session_name = "x"
"#,
        report: r#"config.toml:4:1: unknown key "role_session_name" in [[role]]
  role_session_name = "x"
  ^^^^^^^^^^^^^^^^^
hint: did you mean `session_name`?
"#,
    },
    Case {
        name: "a secret",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
aws_secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
"#,
        report: r#"config.toml:4:1: `aws_secret_access_key` is a secret or a part of one
  aws_secret_access_key = "****************************************"
  ^^^^^^^^^^^^^^^^^^^^^
hint: no secret belongs here; put it in the credentials file and name the profile as source_profile
"#,
    },
    Case {
        name: "a secret in a quoted key",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"aws_session_token" = 'FwoGZXIvYXdzEXAMPLE'
"#,
        report: r#"config.toml:4:1: `aws_session_token` is a secret or a part of one
  "aws_session_token" = '*******************'
  ^^^^^^^^^^^^^^^^^^^
hint: no secret belongs here; put it in the credentials file and name the profile as source_profile
"#,
    },
    Case {
        name: "a secret in an inline table",
        text: r#"network = { secret = "hunter2", proxy = 3 }
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:1:13: `secret` is a secret or a part of one
  network = { secret = "*******"* ***** * * *
              ^^^^^^
hint: no secret belongs here; put it in the credentials file and name the profile as source_profile
config.toml:1:41: `proxy` is a string, this is a number
  network = { secret = "*******"* ***** * * *
                                          ^
hint: put it in quotes: proxy = "…"
"#,
    },
    Case {
        name: "a role table that is not a list",
        text: r#"[role]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:1:1: `role` is a list of tables, this is a table
  [role]
  ^^^^^^
hint: write [[role]] on a line of its own, once for each
"#,
    },
    Case {
        name: "a role that is no table",
        text: r#"role = "dev"
"#,
        report: r#"config.toml:1:8: `role` is a list of tables, this is a string
  role = "dev"
         ^^^^^
hint: write [[role]] on a line of its own, once for each
config.toml:2:1: the list has no role and no MFA session
hint: add a [[role]] with profile and role_arn; `evertoken init` writes one from ~/.aws/config
"#,
    },
    Case {
        name: "a list of roles with something else in it",
        text: r#"role = [ "dev" ]
"#,
        report: r#"config.toml:1:10: `role` is a list of tables, this is a string
  role = [ "dev" ]
           ^^^^^
hint: write [[role]] on a line of its own, once for each
config.toml:2:1: the list has no role and no MFA session
hint: add a [[role]] with profile and role_arn; `evertoken init` writes one from ~/.aws/config
"#,
    },
    Case {
        name: "defaults that are a list",
        text: r#"[[defaults]]
region = "eu-west-1"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:1:1: `defaults` is a table, this is a list
  [[defaults]]
  ^^^^^^^^^^^^
hint: write [defaults] on a line of its own
"#,
    },
    Case {
        name: "a number for a duration",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
duration = 3600
"#,
        report: r#"config.toml:4:12: `duration` is a string, this is a number
  duration = 3600
             ^^^^
hint: write it with its unit: duration = "3600s"
"#,
    },
    Case {
        name: "a list for a duration",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
duration = ["1h"]
"#,
        report: r#"config.toml:4:12: `duration` is a string, this is a list
  duration = ["1h"]
             ^^^^^^
hint: write duration = "1h", for instance
"#,
    },
    Case {
        name: "a number for a string",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
external_id = 5555
"#,
        report: r#"config.toml:4:15: `external_id` is a string, this is a number
  external_id = 5555
                ^^^^
hint: put it in quotes: external_id = "…"
"#,
    },
    Case {
        name: "a table for a string",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
region = {}
"#,
        report: r#"config.toml:4:10: `region` is a string, this is a table
  region = {}
           ^^
hint: write region = "…"
"#,
    },
    Case {
        name: "a string for a flag",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
adopt = "true"
"#,
        report: r#"config.toml:4:9: `adopt` is true or false, this is a string
  adopt = "true"
          ^^^^^^
hint: write adopt = true or adopt = false, without quotes
"#,
    },
    Case {
        name: "a string for a list",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
policy_arns = "arn:aws:iam::aws:policy/ReadOnlyAccess"
"#,
        report: r#"config.toml:4:15: `policy_arns` is a list of strings, this is a string
  policy_arns = "arn:aws:iam::aws:policy/ReadOnlyAccess"
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: write policy_arns = ["…", "…"]
"#,
    },
    Case {
        name: "a number in a list",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
transitive_tags = ["a", 1]
"#,
        report: r#"config.toml:4:20: warning: "a" is no tag of this role
  transitive_tags = ["a", 1]
                     ^^^
hint: add it to `tags`, or take it out; tags that come from the source session stay transitive by themselves
config.toml:4:25: `transitive_tags` is a list of strings, this is a number
  transitive_tags = ["a", 1]
                          ^
hint: put it in quotes
"#,
    },
    Case {
        name: "a list for tags",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
tags = ["a"]
"#,
        report: r#"config.toml:4:8: `tags` is a table of strings, this is a list
  tags = ["a"]
         ^^^^^
hint: write tags = { team = "web" }
"#,
    },
    Case {
        name: "a number in tags",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
tags = { a = 1 }
"#,
        report: r#"config.toml:4:14: `tags` is a table of strings, this is a number
  tags = { a = 1 }
               ^
hint: put it in quotes
"#,
    },
    Case {
        name: "a number for a file mode",
        text: r#"file_mode = 600
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:1:13: `file_mode` is a string, this is a number
  file_mode = 600
              ^^^
hint: write file_mode = "0600"
"#,
    },
    Case {
        name: "the same key twice",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
adopt = true
adopt = false
"#,
        report: r#"config.toml:5:1: not TOML: duplicate key
  adopt = false
  ^^^^^
hint: keep one of them
"#,
    },
    Case {
        name: "a mode with a leading zero and no quotes",
        text: r#"file_mode = 0600
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:1:13: not TOML: unexpected leading zero, expected nothing
  file_mode = 0600
              ^
hint: put the value in quotes, like file_mode = "0600"
"#,
    },
];

#[test]
fn every_case_gets_its_report() {
    check(CASES);
}
