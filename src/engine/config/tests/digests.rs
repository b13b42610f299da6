//! Which settings the digest covers, and that it stays what it is from release to release.

use crate::engine::config::tests::good;

const BASE: &str = r#"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/Developer"
source_profile = "base"
region = "eu-west-1"
tags = { team = "web" }
"#;

const TOP: &str = r#"
[[role]]
profile = "top"
role_arn = "arn:aws:iam::444455556666:role/ReadOnly"
source_profile = "dev"
"#;

fn digest(text: &str, profile: &str) -> String {
    good(text).entry(profile).expect("the entry").digest.to_string()
}

#[test]
fn is_pinned() {
    // These stand in the marks of people's credentials files: a change makes every session outdated once.
    let text = format!(
        "{BASE}{TOP}[[role]]\nprofile = \"copy\"\nsource_profile = \"sso\"\n[[mfa_session]]\nprofile = \"mfa\"\nmfa_serial = \"GAHT12345678\"\n"
    );
    assert_eq!(digest(&text, "dev"), "103fa59ca05aef30");
    assert_eq!(digest(&text, "top"), "1c15aa0dec7f06c6");
    assert_eq!(digest(&text, "copy"), "10527c14139e8b5d");
    assert_eq!(digest(&text, "mfa"), "82b4bf6a69835cc8");
}

#[test]
fn changes_with_whatever_sts_would_issue() {
    let with = |line: &str| format!("{BASE}{line}\n");
    let texts = [
        BASE.to_owned(),
        BASE.replace("Developer", "Other"),
        BASE.replace("\"base\"", "\"other\""),
        BASE.replace("source_profile = \"base\"", "credential_source = \"Environment\""),
        BASE.replace("source_profile = \"base\"", "credential_source = \"EcsContainer\""),
        BASE.replace("source_profile = \"base\"\n", "web_identity_token_file = \"/base\"\n").replace("tags", "# tags"),
        BASE.replace("eu-west-1", "eu-west-2"),
        BASE.replace("web", "api"),
        BASE.replace("team", "group"),
        BASE.replace("tags = { team = \"web\" }", ""),
        with("duration = \"2h\""),
        with("session_name = \"{user}\""),
        with("external_id = \"abc\""),
        with("source_identity = \"abc\""),
        with("policy = \"{}\""),
        with("policy_arns = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]"),
        with("transitive_tags = [\"team\"]"),
        with("mfa_serial = \"GAHT12345678\""),
        with("sts_region = \"us-east-1\""),
        with("sts_endpoint = \"https://sts.example.com\""),
        BASE.replace("role_arn", "# role_arn").replace("tags", "# tags"),
    ];
    let mut digests: Vec<String> = texts.iter().map(|text| digest(text, "dev")).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), texts.len());
    // A child asks for something else as soon as one of its parents does.
    let child = digest(&format!("{BASE}{TOP}"), "top");
    assert_ne!(digest(&format!("{}{TOP}", BASE.replace("Developer", "Other")), "top"), child);
}

#[test]
fn stays_with_whatever_only_concerns_the_file_the_schedule_and_the_way() {
    let expected = digest(BASE, "dev");
    for line in [
        "min_ttl = \"30m\"",
        "store = \"private\"",
        "adopt = true",
        "duration = \"60m\"",
        "session_name = \"{user}@{host}\"",
        "sts_region = \"eu-west-1\"",
        "[network]\nproxy = \"http://proxy:1\"",
        "[hooks]\nfailed = [\"x\"]",
    ] {
        assert_eq!(digest(&format!("{BASE}{line}\n"), "dev"), expected, "{line}");
    }
    // The region of the file, when STS is called elsewhere.
    let elsewhere = |region: &str| BASE.replace("eu-west-1", region) + "sts_region = \"us-east-1\"\n";
    assert_eq!(digest(&elsewhere("eu-west-1"), "dev"), digest(&elsewhere("eu-west-2"), "dev"));
    // The same thing said in the defaults.
    let defaults =
        "[defaults]\nsource_profile = \"base\"\n".to_owned() + &BASE.replace("source_profile = \"base\"\n", "");
    assert_eq!(digest(&defaults, "dev"), expected);
    // The command that prints the code.
    let mfa = format!("{BASE}mfa_serial = \"GAHT12345678\"\n");
    let command = format!("{mfa}mfa_command = [\"code\"]\nunattended = true\n");
    assert_eq!(digest(&mfa, "dev"), digest(&command, "dev"));
}

#[test]
fn no_value_passes_for_another_setting() {
    let with = |line: &str| digest(&format!("{BASE}{line}\n"), "dev");
    assert_ne!(with("policy = \"{}\"\nexternal_id = \"abc\""), with("policy = \"{ }\"\nexternal_id = \"abc\""),);
    assert_ne!(with("external_id = \"abcd\""), with("source_identity = \"abcd\""));
}
