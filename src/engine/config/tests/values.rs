//! Mistakes in one value, wherever it stands. Each text with all that is said about it.

use crate::engine::config::tests::{Case, check};

const CASES: &[Case] = &[
    Case {
        name: "a profile name with a blank",
        text: r#"[[role]]
profile = "my dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:2:11: ' ' cannot stand in a profile name that every SDK can select
  profile = "my dev"
            ^^^^^^^^
hint: use letters, digits and _ . / % @ : + -
"#,
    },
    Case {
        name: "a profile name as the AWS config writes it",
        text: r#"[[role]]
profile = "profile dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:2:11: ' ' cannot stand in a profile name that every SDK can select
  profile = "profile dev"
            ^^^^^^^^^^^^^
hint: write the name alone: profile = "dev"
"#,
    },
    Case {
        name: "an empty profile name",
        text: r#"[[role]]
profile = ""
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:2:11: a profile name cannot be empty
  profile = ""
            ^^
hint: use letters, digits and _ . / % @ : + -
"#,
    },
    Case {
        name: "a reserved profile name",
        text: r#"[[role]]
profile = "DEFAULT"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:2:11: "DEFAULT" has a meaning of its own to some SDKs
  profile = "DEFAULT"
            ^^^^^^^^^
hint: choose another name
"#,
    },
    Case {
        name: "no profile",
        text: r#"[[role]]
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:1:1: this [[role]] has no `profile`
  [[role]]
  ^^^^^^^^
hint: add profile = "NAME": the section to keep fresh
"#,
    },
    Case {
        name: "no profile, but something like it",
        text: r#"[[role]]
profil = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:2:1: unknown key "profil" in [[role]]
  profil = "dev"
  ^^^^^^
hint: did you mean `profile`?
"#,
    },
    Case {
        name: "a role ARN that is none",
        text: r#"[[role]]
profile = "dev"
role_arn = "Developer"
"#,
        report: r#"config.toml:3:12: `role_arn`: not the ARN of an IAM role
  role_arn = "Developer"
             ^^^^^^^^^^^
hint: write it like "arn:aws:iam::111122223333:role/Developer"
"#,
    },
    Case {
        name: "the ARN of a session",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:sts::111122223333:assumed-role/Developer/me"
"#,
        report: r#"config.toml:3:12: `role_arn`: this is the ARN of a session (assumed-role), not of a role
  role_arn = "arn:aws:sts::111122223333:assumed-role/Developer/me"
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: write "arn:aws:iam::111122223333:role/Developer", with the path of the role if it has one
"#,
    },
    Case {
        name: "an account with eleven digits",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::11112222333:role/Developer"
"#,
        report: r#"config.toml:3:12: `role_arn`: the account in a role ARN has 12 digits, this one has "11112222333"
  role_arn = "arn:aws:iam::11112222333:role/Developer"
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: write it like "arn:aws:iam::111122223333:role/Developer"
"#,
    },
    Case {
        name: "a duration without its unit",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
duration = "3600"
"#,
        report: r#"config.toml:4:12: `duration`: "3600" is no duration
  duration = "3600"
             ^^^^^^
hint: write the unit too: "3600s" for seconds, "3600m" for minutes
"#,
    },
    Case {
        name: "a duration that is none",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
duration = "soon"
"#,
        report: r#"config.toml:4:12: `duration`: "soon" is no duration
  duration = "soon"
             ^^^^^^
hint: write it like "1h", "1h 30m", "45m" or "3600s"
"#,
    },
    Case {
        name: "a duration with a fraction",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
duration = "900.5s"
"#,
        report: r#"config.toml:4:12: `duration`: "900.5s" is no duration
  duration = "900.5s"
             ^^^^^^^^
hint: write whole seconds; STS counts in them
"#,
    },
    Case {
        name: "a duration that is too long",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
duration = "13h"
"#,
        report: r#"config.toml:4:12: a session of 13h for profile "dev" is longer than AWS allows
  duration = "13h"
             ^^^^^
hint: use 15m to 12h, and no more than the role's own maximum
"#,
    },
    Case {
        name: "a duration that is too short",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
duration = "5m"
"#,
        report: r#"config.toml:4:12: a session of 5m for profile "dev" is shorter than AWS allows
  duration = "5m"
             ^^^^
hint: use 15m to 12h, and no more than the role's own maximum
"#,
    },
    Case {
        name: "a default duration that is too long",
        text: r#"[defaults]
duration = "13h"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[[role]]
profile = "two"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:2:12: a session of 13h is longer than AWS allows
  duration = "13h"
             ^^^^^
hint: use 15m to 12h, and no more than the role's own maximum
"#,
    },
    Case {
        name: "an MFA session that is too long",
        text: r#"[[mfa_session]]
profile = "mfa"
source_profile = "base"
mfa_serial = "arn:aws:iam::111122223333:mfa/me"
duration = "37h"
"#,
        report: r#"config.toml:5:12: a session of 37h for profile "mfa" is longer than AWS allows
  duration = "37h"
             ^^^^^
hint: use 15m to 36h; sessions of the root user last 1h at most
"#,
    },
    Case {
        name: "a min_ttl of zero",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
min_ttl = "0s"
"#,
        report: r#"config.toml:4:11: `min_ttl` is zero, so credentials could be read that end at once
  min_ttl = "0s"
            ^^^^
hint: write min_ttl = "30m", for instance, or take it out for half of the life of the session
"#,
    },
    Case {
        name: "a min_ttl above 90 %",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
min_ttl = "55m"
"#,
        report: r#"config.toml:4:11: a min_ttl of 55m for profile "dev" is more than 90 % of the duration of 1h
  min_ttl = "55m"
            ^^^^^
hint: use 54m or less, or a longer duration
"#,
    },
    Case {
        name: "a default min_ttl above 90 %",
        text: r#"[defaults]
min_ttl = "55m"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[[role]]
profile = "two"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:2:11: a min_ttl of 55m is more than 90 % of the duration of 1h
  min_ttl = "55m"
            ^^^^^
hint: use 54m or less, or a longer duration
"#,
    },
    Case {
        name: "a duration too short for the default min_ttl",
        text: r#"[defaults]
min_ttl = "30m"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
duration = "15m"
"#,
        report: r#"config.toml:6:12: a min_ttl of 30m for profile "dev" is more than 90 % of the duration of 15m
  duration = "15m"
             ^^^^^
hint: use 13m 30s or less, or a longer duration
"#,
    },
    Case {
        name: "a placeholder that does not exist",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
session_name = "{usr}"
"#,
        report: r#"config.toml:4:16: {usr} is no placeholder of a session name
  session_name = "{usr}"
                 ^^^^^^^
hint: use {user}, {host} and {profile}
"#,
    },
    Case {
        name: "an unfit character in a session name",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
session_name = "my laptop"
"#,
        report: r#"config.toml:4:16: warning: STS does not take ' ' in a session name; it becomes "-"
  session_name = "my laptop"
                 ^^^^^^^^^^^
hint: use letters, digits and _ + = , . @ -
"#,
    },
    Case {
        name: "a session name that is cut",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
session_name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
"#,
        report: r#"config.toml:4:16: warning: this session name is cut to 64 characters
  session_name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: choose a shorter one
"#,
    },
    Case {
        name: "an external id with a blank",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
external_id = "a b"
"#,
        report: r#"config.toml:4:15: `external_id` has the character ' ', which STS does not take
  external_id = "a b"
                ^^^^^
hint: use letters, digits and _ + = , . @ : / -
"#,
    },
    Case {
        name: "an external id of one character",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
external_id = "a"
"#,
        report: r#"config.toml:4:15: `external_id` has 1 character
  external_id = "a"
                ^^^
hint: STS takes 2 to 1224 characters
"#,
    },
    Case {
        name: "a source identity with a colon",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
source_identity = "a:b"
"#,
        report: r#"config.toml:4:19: `source_identity` has the character ':', which STS does not take
  source_identity = "a:b"
                    ^^^^^
hint: use letters, digits and _ + = , . @ -
"#,
    },
    Case {
        name: "a policy that is not JSON",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
policy = '{"Version": }'
"#,
        report: r#"config.toml:4:10: `policy` is not JSON
  policy = '{"Version": }'
           ^^^^^^^^^^^^^^^
hint: expected value at line 1 column 13 of the policy
"#,
    },
    Case {
        name: "a policy that is no object",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
policy = '[]'
"#,
        report: r#"config.toml:4:10: `policy` is JSON, but no object
  policy = '[]'
           ^^^^
hint: write policy = '{"Version": "2012-10-17", "Statement": […]}'
"#,
    },
    Case {
        name: "a policy with a character that STS does not take",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
policy = '{"a": "日"}'
"#,
        report: r#"config.toml:4:10: `policy` has the character '日', which STS does not take
  policy = '{"a": "日"}'
           ^^^^^^^^^^^^
hint: use characters up to U+00FF
"#,
    },
    Case {
        name: "policies that are too long together",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
policy = '{"a": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}'
"#,
        report: r#"config.toml:4:10: warning: the policies have 2057 characters together
  policy = '{"a": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: STS refuses more than 2048; leave out blanks, or use policy_arns
"#,
    },
    Case {
        name: "a policy ARN that is none",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
policy_arns = ["ReadOnlyAccess"]
"#,
        report: r#"config.toml:4:16: "ReadOnlyAccess" is not the ARN of a managed policy
  policy_arns = ["ReadOnlyAccess"]
                 ^^^^^^^^^^^^^^^^
hint: write it like "arn:aws:iam::aws:policy/ReadOnlyAccess"
"#,
    },
    Case {
        name: "eleven policy ARNs",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
policy_arns = ["arn:aws:iam::aws:policy/P0", "arn:aws:iam::aws:policy/P1", "arn:aws:iam::aws:policy/P2", "arn:aws:iam::aws:policy/P3", "arn:aws:iam::aws:policy/P4", "arn:aws:iam::aws:policy/P5", "arn:aws:iam::aws:policy/P6", "arn:aws:iam::aws:policy/P7", "arn:aws:iam::aws:policy/P8", "arn:aws:iam::aws:policy/P9", "arn:aws:iam::aws:policy/P10"]
"#,
        report: r#"config.toml:4:15: 11 policy ARNs are more than STS takes
  policy_arns = ["arn:aws:iam::aws:policy/P0", "arn:aws:iam::aws:policy/P1", "arn:aws:iam::aws:policy/P2", "arn:…
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: use at most 10
"#,
    },
    Case {
        name: "a tag key with a bad character",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
tags = { "a!" = "b" }
"#,
        report: r#"config.toml:4:10: the tag key "a!" has the character '!', which STS does not take
  tags = { "a!" = "b" }
           ^^^^
hint: use letters, digits, spaces and _ . : / = + - @
"#,
    },
    Case {
        name: "a tag value with a bad character",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
tags = { a = "b!" }
"#,
        report: r#"config.toml:4:14: the value of the tag "a" has the character '!', which STS does not take
  tags = { a = "b!" }
               ^^^^
hint: use letters, digits, spaces and _ . : / = + - @
"#,
    },
    Case {
        name: "a tag key of AWS",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
tags = { "aws:a" = "b" }
"#,
        report: r#"config.toml:4:10: the tag key "aws:a" begins with "aws:"
  tags = { "aws:a" = "b" }
           ^^^^^^^
hint: AWS keeps these names for itself; choose another
"#,
    },
    Case {
        name: "two tags that are one",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
tags = { team = "a", Team = "b" }
"#,
        report: r#"config.toml:4:22: STS takes "Team" and "team" for one tag
  tags = { team = "a", Team = "b" }
                       ^^^^
hint: keep one of them
"#,
    },
    Case {
        name: "fifty-one tags",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
tags = { t0 = "", t1 = "", t2 = "", t3 = "", t4 = "", t5 = "", t6 = "", t7 = "", t8 = "", t9 = "", t10 = "", t11 = "", t12 = "", t13 = "", t14 = "", t15 = "", t16 = "", t17 = "", t18 = "", t19 = "", t20 = "", t21 = "", t22 = "", t23 = "", t24 = "", t25 = "", t26 = "", t27 = "", t28 = "", t29 = "", t30 = "", t31 = "", t32 = "", t33 = "", t34 = "", t35 = "", t36 = "", t37 = "", t38 = "", t39 = "", t40 = "", t41 = "", t42 = "", t43 = "", t44 = "", t45 = "", t46 = "", t47 = "", t48 = "", t49 = "", t50 = "" }
"#,
        report: r#"config.toml:4:8: 51 tags are more than STS takes
  tags = { t0 = "", t1 = "", t2 = "", t3 = "", t4 = "", t5 = "", t6 = "", t7 = "", t8 = "", t9 = "", t10 = "", t…
         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: use at most 50
"#,
    },
    Case {
        name: "a transitive tag that is no tag",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
tags = { team = "a" }
transitive_tags = ["team", "cost"]
"#,
        report: r#"config.toml:5:28: warning: "cost" is no tag of this role
  transitive_tags = ["team", "cost"]
                             ^^^^^^
hint: add it to `tags`, or take it out; tags that come from the source session stay transitive by themselves
"#,
    },
    Case {
        name: "a region that is none",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
region = "europe"
"#,
        report: r#"config.toml:4:10: `region`: "europe" is no region
  region = "europe"
           ^^^^^^^^
hint: a region looks like "eu-west-1"
"#,
    },
    Case {
        name: "an availability zone",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
region = "eu-west-1a"
"#,
        report: r#"config.toml:4:10: `region`: "eu-west-1a" is no region
  region = "eu-west-1a"
           ^^^^^^^^^^^^
hint: did you mean "eu-west-1"?
"#,
    },
    Case {
        name: "an STS region in capitals",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
sts_region = "EU-West-1"
"#,
        report: r#"config.toml:4:14: `sts_region`: "EU-West-1" is no region
  sts_region = "EU-West-1"
               ^^^^^^^^^^^
hint: did you mean "eu-west-1"?
"#,
    },
    Case {
        name: "a region of another partition",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
region = "us-gov-west-1"
"#,
        report: r#"config.toml:4:10: the role is in the partition aws, the region "us-gov-west-1" in aws-us-gov
  region = "us-gov-west-1"
           ^^^^^^^^^^^^^^^
hint: write region = "eu-west-1", for instance, for this role
"#,
    },
    Case {
        name: "a default region of another partition",
        text: r#"[defaults]
region = "eu-west-1"
[[role]]
profile = "dev"
role_arn = "arn:aws-us-gov:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:5:12: the role is in the partition aws-us-gov, the region "eu-west-1" in aws
  role_arn = "arn:aws-us-gov:iam::111122223333:role/Developer"
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: write region = "us-gov-west-1", for instance, for this role
"#,
    },
    Case {
        name: "no region for another partition",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws-cn:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:3:12: warning: no region for a role in the partition aws-cn
  role_arn = "arn:aws-cn:iam::111122223333:role/Developer"
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: add region = "cn-north-1", or whichever you use: the partition has an STS of its own
"#,
    },
    Case {
        name: "an endpoint over http",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
sts_endpoint = "http://sts.example.com"
"#,
        report: r#"config.toml:4:16: `sts_endpoint` would send credentials unencrypted
  sts_endpoint = "http://sts.example.com"
                 ^^^^^^^^^^^^^^^^^^^^^^^^
hint: use https://, or http:// to 127.0.0.1 only
"#,
    },
    Case {
        name: "an endpoint that is no URL",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
sts_endpoint = "sts.example.com"
"#,
        report: r#"config.toml:4:16: `sts_endpoint`: the URL does not begin with http:// or https://
  sts_endpoint = "sts.example.com"
                 ^^^^^^^^^^^^^^^^^
hint: write it like "https://sts.eu-west-1.amazonaws.com"
"#,
    },
    Case {
        name: "an endpoint with a password",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
sts_endpoint = "https://me:hunter2@sts.example.com"
"#,
        report: r#"config.toml:4:16: `sts_endpoint`: the URL has a user name or password in it
  sts_endpoint = "https://**********@sts.example.com"
                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: no secret belongs here; take out everything up to the @
"#,
    },
    Case {
        name: "a store that does not exist",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
store = "privat"
"#,
        report: r#"config.toml:4:9: `store` cannot be "privat"
  store = "privat"
          ^^^^^^^^
hint: did you mean "private"?
"#,
    },
    Case {
        name: "a credential_source that does not exist",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
credential_source = "Ec2"
"#,
        report: r#"config.toml:4:21: `credential_source` cannot be "Ec2"
  credential_source = "Ec2"
                      ^^^^^
hint: did you mean "Ec2InstanceMetadata"?
"#,
    },
    Case {
        name: "a credential_source in small letters",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
credential_source = "environment"
"#,
        report: r#"config.toml:4:21: `credential_source` cannot be "environment"
  credential_source = "environment"
                      ^^^^^^^^^^^^^
hint: did you mean "Environment"?
"#,
    },
    Case {
        name: "a file mode that is none",
        text: r#"file_mode = "rw"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:1:13: "rw" is no file mode
  file_mode = "rw"
              ^^^^
hint: use "0600", or "0640" or "0660" when a group must read or write it too
"#,
    },
    Case {
        name: "a file mode for everybody",
        text: r#"file_mode = "0644"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:1:13: "0644" opens the credentials file to everybody
  file_mode = "0644"
              ^^^^^^
hint: use "0600", or "0640" or "0660" when a group must read or write it too
"#,
    },
    Case {
        name: "an executable file mode",
        text: r#"file_mode = "0700"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:1:13: "0700" makes the credentials file executable
  file_mode = "0700"
              ^^^^^^
hint: use "0600", or "0640" or "0660" when a group must read or write it too
"#,
    },
    Case {
        name: "a file mode that shuts out the owner",
        text: r#"file_mode = "0060"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:1:13: "0060" does not let the owner read and write
  file_mode = "0060"
              ^^^^^^
hint: use "0600", or "0640" or "0660" when a group must read or write it too
"#,
    },
    Case {
        name: "a file mode with more than permissions",
        text: r#"file_mode = "4600"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:1:13: "4600" sets more than permissions
  file_mode = "4600"
              ^^^^^^
hint: use "0600", or "0640" or "0660" when a group must read or write it too
"#,
    },
    Case {
        name: "a path with a variable",
        text: r#"credentials_file = "$HOME/.aws/credentials"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:1:20: nothing is filled in for the beginning of "$HOME/.aws/credentials"
  credentials_file = "$HOME/.aws/credentials"
                     ^^^^^^^^^^^^^^^^^^^^^^^^
hint: write an absolute path, or one that begins with ~/
"#,
    },
    Case {
        name: "an empty path",
        text: r#"credentials_file = ""
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:1:20: `credentials_file` is empty
  credentials_file = ""
                     ^^
hint: write an absolute path, or one that begins with ~/
"#,
    },
    Case {
        name: "relative paths, and what else is wrong",
        text: r#"credentials_file = "credentials"
aws_config_file = "../config"
[network]
ca_bundle = "corp.pem"
[[role]]
profile = "dev"
role_arn = "Developer"
"#,
        report: r#"config.toml:1:20: "credentials" depends on the folder that evertoken is started in
  credentials_file = "credentials"
                     ^^^^^^^^^^^^^
hint: write an absolute path, or one that begins with ~/
config.toml:2:19: "../config" depends on the folder that evertoken is started in
  aws_config_file = "../config"
                    ^^^^^^^^^^^
hint: write an absolute path, or one that begins with ~/
config.toml:4:13: warning: "corp.pem" depends on the folder that evertoken is started in
  ca_bundle = "corp.pem"
              ^^^^^^^^^^
hint: write an absolute path, or one that begins with ~/
config.toml:7:12: `role_arn`: not the ARN of an IAM role
  role_arn = "Developer"
             ^^^^^^^^^^^
hint: write it like "arn:aws:iam::111122223333:role/Developer"
"#,
    },
    Case {
        name: "one file for both",
        text: r#"credentials_file = "/x"
aws_config_file = "/x"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
"#,
        report: r#"config.toml:2:19: `aws_config_file` is the same file as `credentials_file`
  aws_config_file = "/x"
                    ^^^^
hint: AWS tools keep them apart: ~/.aws/config and ~/.aws/credentials
"#,
    },
    Case {
        name: "a proxy with a password",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[network]
proxy = "http://me:hunter2@proxy.corp:3128"
"#,
        report: r#"config.toml:5:9: `proxy`: the URL has a user name or password in it
  proxy = "http://**********@proxy.corp:3128"
          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: no secret belongs here; take it out and set HTTPS_PROXY in the environment of the service
"#,
    },
    Case {
        name: "a proxy that is no URL",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[network]
proxy = "proxy.corp:3128"
"#,
        report: r#"config.toml:5:9: `proxy`: the URL does not begin with http:// or https://
  proxy = "proxy.corp:3128"
          ^^^^^^^^^^^^^^^^^
hint: write it like "http://proxy.corp:3128"
"#,
    },
    Case {
        name: "a proxy with a path",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[network]
proxy = "http://proxy.corp/x"
"#,
        report: r#"config.toml:5:9: `proxy`: the URL has a path, which a proxy does not
  proxy = "http://proxy.corp/x"
          ^^^^^^^^^^^^^^^^^^^^^
hint: write it like "http://proxy.corp:3128"
"#,
    },
    Case {
        name: "a CA bundle in somebody's home",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[network]
ca_bundle = "~me/ca.pem"
"#,
        report: r#"config.toml:5:13: nothing is filled in for the beginning of "~me/ca.pem"
  ca_bundle = "~me/ca.pem"
              ^^^^^^^^^^^^
hint: write an absolute path, or one that begins with ~/
"#,
    },
    Case {
        name: "a hook that is empty",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[hooks]
failed = []
"#,
        report: r#"config.toml:5:10: `failed` names no program
  failed = []
           ^^
hint: write failed = ["program", "argument"]
"#,
    },
    Case {
        name: "a hook whose program is empty",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[hooks]
failed = [""]
"#,
        report: r#"config.toml:5:11: `failed` names no program
  failed = [""]
            ^^
hint: write failed = ["program", "argument"]
"#,
    },
    Case {
        name: "a hook for a shell",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[hooks]
failed = ["notify-send oh"]
"#,
        report: r#"config.toml:5:11: warning: no shell splits this into words: it is the name of one program
  failed = ["notify-send oh"]
            ^^^^^^^^^^^^^^^^
hint: write failed = ["notify-send", "oh"]
"#,
    },
    Case {
        name: "a hook as a string",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[hooks]
failed = "notify-send oh"
"#,
        report: r#"config.toml:5:10: `failed` is a list of strings, this is a string
  failed = "notify-send oh"
           ^^^^^^^^^^^^^^^^
hint: write failed = ["…", "…"]
"#,
    },
    Case {
        name: "an unknown hook",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[hooks]
fail = ["x"]
"#,
        report: r#"config.toml:5:1: unknown key "fail" in [hooks]
  fail = ["x"]
  ^^^^
hint: did you mean `failed`?
"#,
    },
    Case {
        name: "an unknown placeholder in a hook",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[hooks]
failed = ["x", "{mesage}"]
"#,
        report: r#"config.toml:5:16: warning: {mesage} is no placeholder and stays as it is
  failed = ["x", "{mesage}"]
                 ^^^^^^^^^^
hint: did you mean {message}?
"#,
    },
    Case {
        name: "text of a server in the middle of an argument",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[hooks]
failed = ["sh", "-c", "echo {message}"]
"#,
        report: r#"config.toml:5:23: {message} can only be a whole argument
  failed = ["sh", "-c", "echo {message}"]
                        ^^^^^^^^^^^^^^^^
hint: it may hold text from a server: write "{message}" as an argument of its own, or read EVERTOKEN_MESSAGE in the program
"#,
    },
    Case {
        name: "text of a server behind short options in one word",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[hooks]
failed = ["bash", "-lc", "{message}"]
recovered = ["bash", "-ec", "{message}"]
expiring = ["perl", "-lne", "{message}"]
refreshed = ["terminal-notifier", "-title", "AWS", "-message", "{message}"]
"#,
        report: r#"config.toml:5:26: what stands behind -lc is run, and {message} may come from a server
  failed = ["bash", "-lc", "{message}"]
                           ^^^^^^^^^^^
hint: hand it over as an argument of its own behind the program text, or read EVERTOKEN_MESSAGE in it
config.toml:6:29: what stands behind -ec is run, and {message} may come from a server
  recovered = ["bash", "-ec", "{message}"]
                              ^^^^^^^^^^^
hint: hand it over as an argument of its own behind the program text, or read EVERTOKEN_MESSAGE in it
config.toml:7:29: what stands behind -lne is run, and {message} may come from a server
  expiring = ["perl", "-lne", "{message}"]
                              ^^^^^^^^^^^
hint: hand it over as an argument of its own behind the program text, or read EVERTOKEN_MESSAGE in it
"#,
    },
    Case {
        name: "text of a server as the program",
        text: r#"[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
[hooks]
failed = ["{message}"]
recovered = ["osascript", "-e", "{message}"]
expiring = ["notify-send", "{fix}"]
"#,
        report: r#"config.toml:5:11: {message} cannot be part of the program to run
  failed = ["{message}"]
            ^^^^^^^^^^^
hint: write the program as it is; placeholders are for its arguments
config.toml:6:33: what stands behind -e is run, and {message} may come from a server
  recovered = ["osascript", "-e", "{message}"]
                                  ^^^^^^^^^^^
hint: hand it over as an argument of its own behind the program text, or read EVERTOKEN_MESSAGE in it
config.toml:7:28: warning: {fix} is empty for `expiring`: only a failure has one
  expiring = ["notify-send", "{fix}"]
                             ^^^^^^^
hint: write "{message}", which says what to do where there is something to do
"#,
    },
];

#[test]
fn every_case_gets_its_report() {
    check(CASES);
}
