//! What the whole report says for a text with several mistakes.

use crate::engine::config::tests::report;

#[test]
fn four_mistakes_of_four_kinds_show_in_one_run() {
    let text = r#"
[[role]]
profile = "a"
role_arn = "arn:aws:iam::111122223333:role/Developer"
source_profile = "b"
durration = "1h"

[[role]]
profile = "b"
role_arn = "arn:aws:iam::111122223333:role/Developer"
source_profile = "a"

[[role]]
profile = "prod"
role_arn = "arn:aws:iam::111122223333:role/Developer"
duration = "13h"

[[role]]
profile = "prod"
role_arn = "arn:aws:iam::111122223333:role/Other"
"#;
    let expected = r#"config.toml:5:18: the sources go in a circle: a → b → a
  source_profile = "b"
                   ^^^
hint: one of them needs a source outside of this list, with keys of its own
config.toml:6:1: unknown key "durration" in [[role]]
  durration = "1h"
  ^^^^^^^^^
hint: did you mean `duration`?
config.toml:16:12: a session of 13h for profile "prod" is longer than AWS allows
  duration = "13h"
             ^^^^^
hint: use 15m to 12h, and no more than the role's own maximum
config.toml:19:11: profile "prod" is on the list already, in line 14
  profile = "prod"
            ^^^^^^
hint: one section can hold one session: give this one another profile
"#;
    assert_eq!(report(text), expected);
}

#[test]
fn what_is_no_toml_hides_nothing_on_the_other_lines() {
    let text = r#"[[role]]
profile = "a
role_arn = x
duration = "13h"
region = = 3
aws_secret_access_key = wJalrXUtnFEMI/K7MDENG
"#;
    let expected = r#"config.toml:2:13: not TOML: invalid basic string, expected `"`
  profile = "a
              ^
config.toml:3:12: not TOML: string values must be quoted, expected literal string
  role_arn = x
             ^
hint: put the value in quotes: key = "value"
config.toml:4:12: a session of 13h for profile "a" is longer than AWS allows
  duration = "13h"
             ^^^^^
hint: use 15m to 12h, and no more than the role's own maximum
config.toml:5:10: not TOML: extra `=`, expected nothing
  region = = 3
           ^
config.toml:5:12: not TOML: unexpected key or value, expected newline, `#`
  region = = 3
             ^
config.toml:6:1: `aws_secret_access_key` is a secret or a part of one
  aws_secret_access_key = *********************
  ^^^^^^^^^^^^^^^^^^^^^
hint: no secret belongs here; put it in the credentials file and name the profile as source_profile
config.toml:6:25: not TOML: string values must be quoted, expected literal string
  aws_secret_access_key = *********************
                          ^^^^^^^^^^^^^^^^^^^^^
hint: put the value in quotes: key = "value"
"#;
    assert_eq!(report(text), expected);
}
