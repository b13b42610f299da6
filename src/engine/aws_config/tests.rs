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
        ("a]\nx = 1\n", 1),
        ("[]\nx = 1\n", 1),
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

const KEYS: &str = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = SECRET\n";
const OTHER_KEYS: &str = "aws_access_key_id = AKIAOTHER\naws_secret_access_key = OTHERSECRET\nrole_arn = x\n";

fn key_id(credentials: &str, profile: &str) -> Option<String> {
    match static_keys("", credentials, profile) {
        StaticKeys::Whole(found) => Some(found.keys.access_key_id),
        StaticKeys::Half(_) | StaticKeys::None => None,
    }
}

#[test]
fn what_stands_below_a_broken_header_is_nobodys() {
    let headers = [
        ("[other", ProblemKind::Line),
        ("other]", ProblemKind::Line),
        ("profile other]", ProblemKind::Line),
        ("[]", ProblemKind::Line),
        ("[ ]", ProblemKind::Oddity),
        ("[other = x", ProblemKind::Oddity),
        ("[other] [more]", ProblemKind::Oddity),
        ("  [other]", ProblemKind::Oddity),
        ("\t[other", ProblemKind::Oddity),
    ];
    for (header, kind) in headers {
        let text = format!("[work]\n{KEYS}{header}\n{OTHER_KEYS}  [again]\n[last]\n{KEYS}");
        for profile in ["work", "last"] {
            assert_eq!(key_id(&text, profile).as_deref(), Some("AKIAIOSFODNN7EXAMPLE"), "{text}");
        }
        assert_eq!(key_id(&text, "other"), None, "{text}");
        let read = AwsConfig::parse("", &text);
        assert_eq!(read.profiles.keys().collect::<Vec<_>>(), ["last", "work"], "{text}");
        assert_eq!(value(&read, "work", "role_arn"), None, "{text}");
        // The header is told, and nothing is said of the section above that is not so.
        let told: Vec<_> = read.problems.iter().map(|p| (p.line, p.kind)).collect();
        assert_eq!(told, [(4, kind), (8, ProblemKind::Oddity)], "{text}: {:?}", read.problems);
        let config = text.replace("[work]", "[profile work]").replace("[last]", "[profile last]");
        assert_eq!(AwsConfig::parse(&config, "").profiles.keys().collect::<Vec<_>>(), ["last", "work"], "{config}");
    }
    // Before the first section there is nobody else whom they could be taken from.
    assert_eq!(AwsConfig::parse("", &format!("[other\n{KEYS}")).problems.len(), 1);
}

#[test]
fn a_header_with_something_after_it_begins_a_section_as_for_the_aws_cli() {
    let text = format!("[work]\n{KEYS}[other] x\n{OTHER_KEYS}");
    assert_eq!(key_id(&text, "work").as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
    assert_eq!(key_id(&text, "other").as_deref(), Some("AKIAOTHER"));
    let read = AwsConfig::parse("", &text);
    assert_eq!((value(&read, "work", "role_arn"), value(&read, "other", "role_arn")), (None, Some("x")));
    let told: Vec<_> = read.problems.iter().map(|problem| (problem.line, problem.kind)).collect();
    assert_eq!(told, [(4, ProblemKind::Oddity)]);
    let read = AwsConfig::parse("[profile a]\nregion = x\n[profile b] y\nrole_arn = z\n", "");
    assert_eq!((value(&read, "a", "role_arn"), value(&read, "b", "role_arn")), (None, Some("z")));
}

/// As botocore 1.43 finds them.
#[test]
fn a_header_with_blanks_at_the_ends_of_its_name_is_not_found_by_every_tool() {
    let told = |config: &str, credentials: &str| -> Vec<ProblemKind> {
        AwsConfig::parse(config, credentials).problems.iter().map(|problem| problem.kind).collect()
    };
    for header in ["[ dev ]", "[dev ]", "[\tdev]"] {
        assert_eq!(told("", header), [ProblemKind::Header], "{header}");
    }
    for header in ["[ profile dev ]", "[ default ]", "[default ]", "[ profile dev]"] {
        assert_eq!(told(header, ""), [ProblemKind::Header], "{header}");
    }
    for header in ["[profile dev ]", "[profile  dev]", "[default]", "[sso-session corp ]"] {
        assert_eq!(told(header, ""), [], "{header}");
    }
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
