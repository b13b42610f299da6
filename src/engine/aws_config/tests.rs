use super::{AwsConfig, AwsFile, HIDDEN, ProblemKind, StaticKeys, static_keys};
use crate::engine::time::WallTime;

const CONFIG: &str = "\
# mine
[default]
region = eu-west-1
[profile dev]   ; comment
ROLE_ARN = arn:aws:iam::111122223333:role/Dev   # why
source_profile=base
s3 =
  max_concurrent_requests = 20
  # indented below a key
region = us-east-1
[profile \"two words\"]
region = us-west-2
[sso-session corp]
sso_region = eu-west-1
[services local]
sts =
  endpoint_url = http://localhost
[unprefixed]
region = x
";

const CREDENTIALS: &str = "\
[base]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY

[dev]
region = ap-south-1
[profile odd]
region = x
";

fn value<'a>(read: &'a AwsConfig, profile: &str, key: &str) -> Option<&'a str> {
    read.profiles.get(profile)?.get(key).map(String::as_str)
}

#[test]
fn both_files_are_merged_as_the_sdks_do() {
    let read = AwsConfig::parse(CONFIG, CREDENTIALS);
    let names: Vec<&str> = read.profiles.keys().map(String::as_str).collect();
    assert_eq!(names, ["base", "default", "dev", "two words"]);
    assert_eq!(value(&read, "dev", "role_arn"), Some("arn:aws:iam::111122223333:role/Dev"));
    assert_eq!(value(&read, "dev", "source_profile"), Some("base"));
    assert_eq!(value(&read, "dev", "region"), Some("ap-south-1"));
    assert_eq!(value(&read, "dev", "max_concurrent_requests"), None);
    assert_eq!(read.sso_sessions.get("corp").and_then(|s| s.get("sso_region")).map(String::as_str), Some("eu-west-1"));
    let told: Vec<_> = read.problems.iter().map(|problem| (problem.file, problem.line, problem.kind)).collect();
    assert_eq!(told, [(AwsFile::Credentials, 7, ProblemKind::Header)], "[profile odd]");
    assert_eq!(read.unprefixed.iter().map(String::as_str).collect::<Vec<_>>(), ["unprefixed"]);
}

#[test]
fn a_prefixed_default_makes_the_bare_one_count_for_nothing() {
    for config in ["[default]\na = 1\n[profile default]\nb = 2\n", "[profile default]\nb = 2\n[default]\na = 1\n"] {
        let read = AwsConfig::parse(config, "");
        assert_eq!((value(&read, "default", "a"), value(&read, "default", "b")), (None, Some("2")), "{config}");
    }
}

#[test]
fn no_secret_is_kept() {
    let read = AwsConfig::parse("", &format!("{CREDENTIALS}[t]\naws_session_token = SECRETEXAMPLE\n"));
    assert_eq!(value(&read, "base", "aws_secret_access_key"), Some(HIDDEN));
    assert_eq!(value(&read, "t", "aws_session_token"), Some(HIDDEN));
    assert_eq!(value(&read, "base", "aws_access_key_id"), Some("AKIAIOSFODNN7EXAMPLE"));
}

#[test]
fn what_breaks_some_sdk_is_told_with_its_line() {
    let cases = [
        ("[a]\nx = 1\n[a]\ny = 2\n", 3),
        ("[a]\nx = 1\nX = 2\n", 3),
        ("\u{feff}[a]\n", 1),
        ("[a]\n  # note\n", 2),
        ("[a]\nrubbish\n", 2),
        ("x = 1\n[a]\n", 1),
        ("[a\nx = 1\n", 1),
        ("[a] b\n", 1),
        ("[a]\n= 1\n", 2),
    ];
    for (text, line) in cases {
        let read = AwsConfig::parse("", text);
        let told: Vec<(AwsFile, usize)> = read.problems.iter().map(|p| (p.file, p.line)).collect();
        assert!(told.contains(&(AwsFile::Credentials, line)), "{text:?}: {told:?}");
    }
    assert_eq!(AwsConfig::parse("[a\n", "").problems.first().map(|p| p.file), Some(AwsFile::Config));
    assert_eq!(AwsConfig::parse("\r\n[default]\r\nregion = x\r\n", "").problems, []);
}

#[test]
fn keys_come_whole_from_one_file_with_the_end_that_some_tool_noted() {
    let temporary = "[t]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = SECRET\n\
        aws_security_token = TOKEN\naws_expiration = 2026-11-21T15:04:05Z\n";
    let StaticKeys::Whole(found) = static_keys("", temporary, "t") else { panic!("keys") };
    assert_eq!(found.expiration, Some(WallTime::from_unix_seconds(1_795_273_445)));
    assert_eq!(found.keys.session_token.map(|token| token.expose().to_owned()).as_deref(), Some("TOKEN"));

    let half = "[b]\naws_access_key_id = AKIAOTHER\n";
    let whole = "[profile b]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = SECRET\n";
    let StaticKeys::Whole(found) = static_keys(whole, half, "b") else { panic!("keys") };
    assert_eq!(found.keys.access_key_id, "AKIAIOSFODNN7EXAMPLE");
    assert_eq!(static_keys("", half, "b"), StaticKeys::Half("aws_secret_access_key"));
    assert_eq!(static_keys(whole, half, "absent"), StaticKeys::None);
    let default = "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = SECRET\n";
    assert!(matches!(static_keys(default, "", "default"), StaticKeys::Whole(_)));
    assert_eq!(static_keys(default.replace("default", "b").as_str(), "", "b"), StaticKeys::None);
}

#[test]
fn what_was_parsed_apart_is_merged_as_if_it_had_been_parsed_together() {
    let odd = "[default]\nregion = x\n[base]\n[base]\nregion = y\nregion = z\n";
    let profile_default = "[profile default]\nregion = a\n[default]\nregion = b\noutput = c\n";
    for (config, credentials) in [
        (CONFIG, CREDENTIALS),
        (CONFIG, odd),
        (odd, CREDENTIALS),
        (profile_default, odd),
        ("", odd),
        (odd, ""),
        ("", ""),
    ] {
        let merged = AwsConfig::merged(&AwsConfig::parse(config, ""), &AwsConfig::parse("", credentials));
        assert!(merged == AwsConfig::parse(config, credentials), "{config}{credentials}");
    }
}
