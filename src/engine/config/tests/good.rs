//! What a text without mistakes becomes.

use crate::engine::config::model::{CredentialSource, Entry, Operation, RoleRequest, Source, StoreKind};
use crate::engine::config::places::Place;
use crate::engine::config::tests::good;
use crate::engine::config::{Config, parse};
use crate::engine::names::ProfileName;
use std::time::Duration;

const EXAMPLE: &str = include_str!("../../../../config/evertoken.toml");

fn entry<'a>(config: &'a Config, profile: &str) -> &'a Entry {
    config.entry(profile).unwrap_or_else(|| panic!("no entry {profile}"))
}

fn request(entry: &Entry) -> &RoleRequest {
    match &entry.operation {
        Operation::AssumeRole(request) => request,
        other => panic!("{other:?} is no AssumeRole"),
    }
}

fn listed(name: &str) -> Source {
    Source::Listed(ProfileName::parse(name).expect("a profile name"))
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

#[test]
fn the_example_is_good_and_says_every_key() {
    let config = good(EXAMPLE);
    assert_eq!(config.entries.len(), 9);
    for place in [Place::Top, Place::Defaults, Place::Role, Place::MfaSession, Place::Network, Place::Hooks] {
        for key in place.keys() {
            let said = EXAMPLE.lines().any(|line| {
                line.split('=').next().is_some_and(|before| before.trim() == *key)
                    || line.trim_matches(['[', ']']) == *key
            });
            assert!(said, "{key} of {} is not in the example", place.name());
        }
    }
}

#[test]
fn the_example_means_what_it_says() {
    let config = good(EXAMPLE);
    assert_eq!(config.credentials_file.as_deref(), Some("~/.aws/credentials"));
    assert_eq!(config.aws_config_file.as_deref(), Some("~/.aws/config"));
    assert_eq!(config.file_mode, 0o600);
    assert_eq!(config.network.proxy.as_deref(), Some("http://proxy.example.com:3128"));
    assert_eq!(config.network.ca_bundle.as_deref(), Some("~/corporate-ca.pem"));
    assert_eq!(
        config.hooks.failed.as_deref(),
        Some(&["notify-send", "--app-name=evertoken", "AWS credentials: {profile}", "{message}"].map(String::from)[..])
    );
    assert!(config.hooks.refreshed.is_some() && config.hooks.recovered.is_some() && config.hooks.expiring.is_some());

    let dev = entry(&config, "dev");
    assert_eq!(dev.source, Source::Profile("base".into()));
    assert_eq!((dev.duration, dev.min_ttl), (hours(1), Some(hours(1) / 2)));
    assert_eq!((dev.region.as_deref(), dev.sts_region.as_deref()), (Some("eu-west-1"), Some("eu-west-1")));
    assert_eq!((dev.store, dev.adopt, &dev.mfa), (StoreKind::Shared, false, &None));
    assert_eq!(request(dev).session_name.as_str(), "{user}@{host}");

    let prod = entry(&config, "prod-read");
    assert_eq!(prod.source, listed("dev"));
    assert_eq!(request(prod).external_id.as_deref(), Some("example-external-id"));
    assert_eq!(request(prod).policy_arns, ["arn:aws:iam::aws:policy/ReadOnlyAccess"]);
    assert!(request(prod).policy.is_some());
    assert_eq!(request(prod).tags.get("cost-center").map(String::as_str), Some("1234"));
    assert_eq!(request(prod).transitive_tags, ["team"]);
    assert_eq!(request(prod).source_identity.as_deref(), Some("jane"));

    assert_eq!(entry(&config, "ci").source, Source::WebIdentity("/run/secrets/oidc".into()));
    assert_eq!(entry(&config, "on-ec2").source, Source::Provider(CredentialSource::Ec2InstanceMetadata));
    let admin = entry(&config, "admin").mfa.as_ref().expect("MFA");
    assert_eq!(admin.serial, "arn:aws:iam::111122223333:mfa/jane");
    assert!(!admin.unattended && admin.command.as_ref().is_some_and(|argv| argv[0] == "ykman"));
    let china = entry(&config, "china");
    assert_eq!((china.region.as_deref(), china.sts_region.as_deref()), (Some("cn-northwest-1"), Some("cn-north-1")));
    assert_eq!(china.sts_endpoint.as_deref(), Some("https://sts.cn-north-1.amazonaws.com.cn"));

    let legacy = entry(&config, "legacy");
    assert_eq!((&legacy.operation, &legacy.source), (&Operation::Publish, &Source::Profile("sso-dev".into())));
    let mfa = entry(&config, "base-mfa");
    assert_eq!((&mfa.operation, mfa.duration, mfa.store), (&Operation::GetSessionToken, hours(12), StoreKind::Private));
    assert!(mfa.needs_human());
    assert_eq!(entry(&config, "billing").source, listed("base-mfa"));
}

const ROLE: &str = "[[role]]\nprofile = \"dev\"\nrole_arn = \"arn:aws:iam::111122223333:role/Developer\"\n";

#[test]
fn a_role_that_says_nothing_more_gets_what_is_documented() {
    let config = good(ROLE);
    assert_eq!((config.file_mode, &config.credentials_file), (0o600, &None));
    let dev = entry(&config, "dev");
    assert_eq!(dev.source, Source::Profile("default".into()));
    assert_eq!((dev.duration, dev.min_ttl, &dev.region, &dev.sts_region), (hours(1), None, &None, &None));
    assert_eq!((dev.store, dev.adopt), (StoreKind::Shared, false));
    assert_eq!(request(dev).session_name.as_str(), "{user}@{host}");
}

#[test]
fn the_own_source_replaces_the_default_one_of_any_kind() {
    let defaults = "[defaults]\nweb_identity_token_file = \"/run/token\"\n";
    assert_eq!(entry(&good(&format!("{defaults}{ROLE}")), "dev").source, Source::WebIdentity("/run/token".into()));
    for (own, expected) in [
        ("source_profile = \"base\"", Source::Profile("base".into())),
        ("credential_source = \"EcsContainer\"", Source::Provider(CredentialSource::EcsContainer)),
        ("web_identity_token_file = \"/x\"", Source::WebIdentity("/x".into())),
    ] {
        assert_eq!(entry(&good(&format!("{defaults}{ROLE}{own}\n")), "dev").source, expected);
    }
}

#[test]
fn defaults_do_not_reach_what_cannot_have_them() {
    let text = r#"
[defaults]
source_profile = "base"
duration = "4h"
store = "shared"
external_id = "abc"
tags = { team = "web" }
transitive_tags = ["team"]
source_identity = "jane"
mfa_serial = "arn:aws:iam::111122223333:mfa/jane"
mfa_command = ["code"]
unattended = true
adopt = true

[[role]]
profile = "plain"
role_arn = "arn:aws:iam::111122223333:role/Developer"

[[role]]
profile = "web"
role_arn = "arn:aws:iam::111122223333:role/Developer"
web_identity_token_file = "/run/token"

[[role]]
profile = "copy"

[[mfa_session]]
profile = "mfa"

[[role]]
profile = "on-mfa"
role_arn = "arn:aws:iam::111122223333:role/Developer"
source_profile = "mfa"
"#;
    let config = good(text);
    let plain = entry(&config, "plain");
    assert_eq!((plain.duration, plain.adopt), (hours(4), true));
    assert!(plain.mfa.as_ref().is_some_and(|mfa| mfa.unattended) && request(plain).external_id.is_some());
    let web = entry(&config, "web");
    let asked = request(web);
    assert!(asked.external_id.is_none() && asked.tags.is_empty() && asked.source_identity.is_none());
    assert!(asked.transitive_tags.is_empty() && web.mfa.is_none());
    assert_eq!((&entry(&config, "copy").operation, &entry(&config, "copy").mfa), (&Operation::Publish, &None));
    let mfa = entry(&config, "mfa");
    assert_eq!((mfa.duration, mfa.store, mfa.adopt), (hours(12), StoreKind::Private, true));
    // The session below has passed MFA already; and it is no role, so that no role chaining shortens what is on top.
    let top = entry(&config, "on-mfa");
    assert_eq!((&top.mfa, top.duration), (&None, hours(4)));
}

#[test]
fn parents_come_before_children_and_else_the_file_decides() {
    let role = |profile: &str, source: &str| {
        format!(
            "[[role]]\nprofile = \"{profile}\"\nrole_arn = \"arn:aws:iam::111122223333:role/x\"\nsource_profile = \"{source}\"\n"
        )
    };
    let mfa = "[[mfa_session]]\nprofile = \"mfa\"\nsource_profile = \"base\"\nmfa_serial = \"GAHT12345678\"\n";
    let text = [role("z", "y"), role("a", "base"), mfa.to_owned(), role("y", "mfa"), role("b", "base")].concat();
    let names: Vec<String> = good(&text).entries.iter().map(|entry| entry.profile.to_string()).collect();
    assert_eq!(names, ["mfa", "y", "z", "a", "b"]);
    let text = [mfa.to_owned(), role("a", "base")].concat();
    assert_eq!(good(&text).entries[0].profile.as_str(), "mfa");
}

#[test]
fn every_end_of_every_range_is_good() {
    for line in [
        "duration = \"15m\"",
        "duration = \"12h\"",
        "min_ttl = \"54m\"",
        "external_id = \"ab\"",
        "source_identity = \"ab\"",
        "sts_endpoint = \"http://127.0.0.1:4566\"",
        "sts_endpoint = \"http://[::1]\"",
        "sts_endpoint = \"http://localhost:9000/sts\"",
        "region = \"minio\"\nsts_endpoint = \"https://minio.example.com\"",
        "mfa_serial = \"GAHT12345678\"",
        "credential_source = \"Environment\"",
        "tags = {}",
        "policy_arns = []",
    ] {
        good(&format!("{ROLE}{line}\n"));
    }
    for line in ["duration = \"15m\"", "duration = \"36h\""] {
        good(&format!("[[mfa_session]]\nprofile = \"m\"\nmfa_serial = \"GAHT12345678\"\n{line}\n"));
    }
    // What is published has the life that its source gives it.
    good("[[role]]\nprofile = \"copy\"\nmin_ttl = \"10h\"\n");
    for mode in ["600", "0600", "0640", "0660", "0o600"] {
        good(&format!("file_mode = \"{mode}\"\n{ROLE}"));
    }
}

#[test]
fn crlf_and_a_byte_order_mark_change_nothing() {
    let config = good(ROLE);
    assert_eq!(parse(&ROLE.replace('\n', "\r\n")).map(|parsed| parsed.config), Ok(config.clone()));
    assert_eq!(parse(&format!("\u{feff}{ROLE}")).map(|parsed| parsed.config), Ok(config));
}
