use super::{AwsTexts, Proposal, Wish, propose};
use crate::engine::aws_config::AwsConfig;
use crate::engine::config::model::{Config, Entry, Operation, Source, StoreKind};
use crate::engine::config::{Severity, parse, survey};
use std::fmt::Write;
use std::time::Duration;

const CREDENTIALS: &str = "[me]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\
                           aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n\
                           [gov]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\n\
                           aws_secret_access_key = je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY\n";

/// A company: 40 accounts over SSO, ten roles on top of one of them, roles behind MFA, and a second partition.
fn company() -> String {
    let mut text = "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n\
                    sso_registration_scopes = sso:account:access\n"
        .to_owned();
    for account in 0..40 {
        let _ = write!(
            text,
            "[profile team{account:02}]\nsso_session = corp\nsso_account_id = {:012}\nsso_role_name = Developer\n\
             region = eu-west-1\noutput = json\n",
            111_122_220_000_u64 + account
        );
    }
    for role in 0..10 {
        let source = if role == 0 { "team00".to_owned() } else { format!("chain{}", role - 1) };
        let _ = write!(
            text,
            "[profile chain{role}]\nrole_arn = arn:aws:iam::4444555566{role:02}:role/Hop\nsource_profile = {source}\n\
             duration_seconds = 7200\nregion = eu-central-1\n"
        );
    }
    text.push_str(
        "[profile me]\nregion = eu-west-1\n\
         [profile admin]\nrole_arn = arn:aws:iam::111122223333:role/Admin\nsource_profile = me\n\
         mfa_serial = arn:aws:iam::111122223333:mfa/me\nexternal_id = abc-123\nduration_seconds = 14400\n\
         role_session_name = jane\n\
         [profile billing]\nrole_arn = arn:aws:iam::111122223333:role/Billing\nsource_profile = me\n\
         mfa_serial = arn:aws:iam::111122223333:mfa/me\n\
         [profile gov]\nregion = us-gov-west-1\n\
         [profile gov-ops]\nrole_arn = arn:aws-us-gov:iam::222233334444:role/Operator\nsource_profile = gov\n\
         region = us-gov-west-1\n\
         [profile worker]\nrole_arn = arn:aws:iam::111122223333:role/Worker\ncredential_source = EC2InstanceMetadata\n\
         [profile ci]\nrole_arn = arn:aws:iam::111122223333:role/CI\nweb_identity_token_file = /run/secrets/oidc\n",
    );
    text
}

fn proposed(config: &str, credentials: &str, wish: Wish<'_>) -> Proposal {
    propose(AwsTexts { config, credentials }, ["~/.aws/config", "~/.aws/credentials"], wish)
}

fn read(proposal: &Proposal) -> Config {
    parse(&proposal.entries).map(|parsed| parsed.config).unwrap_or_else(|findings| {
        panic!("{findings:#?}\n{}", proposal.entries);
    })
}

fn entry<'a>(config: &'a Config, name: &str) -> &'a Entry {
    config.entry(name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn a_whole_company_is_proposed_without_a_mistake() {
    let company = company();
    let proposal = proposed(&company, CREDENTIALS, Wish::default());
    let config = read(&proposal);
    assert_eq!((proposal.profiles, proposal.left_out), (55, 0));
    assert_eq!(config.entries.len(), 56, "and one MFA session");
    assert_eq!(entry(&config, "team07").operation, Operation::Publish);
    assert_eq!(entry(&config, "team07").source, Source::Profile("team07-source".to_owned()));
    assert_eq!(entry(&config, "chain0").parent().map(|parent| parent.as_str()), Some("team00"));
    let last = entry(&config, "chain9");
    assert_eq!(last.parent().map(|parent| parent.as_str()), Some("chain8"));
    assert_eq!((last.duration, last.region.as_deref()), (Duration::from_secs(3600), Some("eu-central-1")));
    let admin = entry(&config, "admin");
    assert_eq!(admin.parent().map(|parent| parent.as_str()), Some("me-mfa"));
    assert_eq!(admin.parent(), entry(&config, "billing").parent(), "one code for both");
    assert_eq!(admin.duration, Duration::from_secs(14_400));
    assert_eq!(entry(&config, "me-mfa").source, Source::Profile("me".to_owned()));
    assert!(proposal.entries.contains("external_id    = \"abc-123\"\n"), "{}", proposal.entries);
    assert!(proposal.entries.contains("session_name   = \"jane\"\n"));
    assert!(proposal.entries.contains("# duration_seconds = 7200 became 1h: "));
    assert!(proposal.entries.contains("credential_source = \"Ec2InstanceMetadata\"\n"));
    assert!(proposal.entries.contains("web_identity_token_file = \"/run/secrets/oidc\"\n"));
    assert!(!proposal.entries.contains("wJalrXUtn") && !proposal.changes.contains("AKIA"));
}

/// What a person makes of the AWS config who does as told.
fn obey(config: &str, changes: &str) -> String {
    let mut lines: Vec<String> = config.lines().map(str::to_owned).collect();
    let mut added = Vec::new();
    let mut header = String::new();
    let mut is_adding = false;
    for line in changes.lines() {
        if line.starts_with(|c: char| c.is_ascii_digit()) {
            is_adding = line.contains("Add these sections");
        } else if is_adding {
            added.push(line.to_owned());
        } else if line.starts_with('[') {
            header = line.to_owned();
        } else if let Some((number, text)) = line.strip_prefix("  line ").and_then(|rest| rest.split_once(": ")) {
            let number: usize = number.parse().expect("a number");
            assert_eq!(text, format!("# {}", lines[number - 1]), "line {number}");
            lines[number - 1] = text.to_owned();
        } else if let Some(text) = line.strip_prefix("  and add: ") {
            let place = lines.iter().position(|line| *line == header).expect("the section");
            // On the same line of the list, so that the numbers of the lines below stay.
            lines[place] = format!("{header}\n{text}");
        }
    }
    lines.extend(added);
    lines.join("\n")
}

#[test]
fn whoever_does_as_told_has_sources_that_resolve_and_nothing_in_the_way() {
    let company = company();
    for process in [None, Some("/home/me/.cargo/bin/evertoken")] {
        let proposal = proposed(&company, CREDENTIALS, Wish { process, listed: None });
        let config = read(&proposal);
        let before = survey(&proposal.entries, &config, &AwsConfig::parse(&company, CREDENTIALS));
        assert!(before.iter().all(|finding| finding.severity == Severity::Warning) && !before.is_empty());
        let changed = AwsConfig::parse(&obey(&company, &proposal.changes), CREDENTIALS);
        assert_eq!(survey(&proposal.entries, &config, &changed), [], "{process:?}");
        for entry in &config.entries {
            assert!(!changed.profiles.get(entry.profile.as_str()).is_some_and(|s| s.contains_key("role_arn")));
            let wanted = process.map(|program| format!("{program} credential-process {}", entry.profile));
            let found = changed.profiles.get(entry.profile.as_str()).and_then(|s| s.get("credential_process"));
            if entry.operation != Operation::GetSessionToken {
                assert_eq!(found, wanted.as_ref(), "{}", entry.profile);
                assert_eq!(entry.store == StoreKind::Private, process.is_some(), "{}", entry.profile);
            }
        }
        // Whoever asks again, with that config and without, is told nothing new.
        let again = obey(&company, &proposal.changes);
        let nothing = proposed(&again, CREDENTIALS, Wish { process, listed: Some(&config) });
        assert_eq!((nothing.entries.as_str(), nothing.changes.as_str()), ("", ""), "{process:?}");
    }
}

#[test]
fn a_definition_that_has_moved_keeps_the_plain_name() {
    let sso = "sso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n\
               sso_account_id = 111122223333\nsso_role_name = Developer\n";
    let moved = format!("[profile dev]\nregion = eu-west-1\n[profile dev-source]\n{sso}");
    let half = format!("[profile dev]\n{sso}[profile dev-source]\n{sso}");
    let taken = format!("[profile dev]\n{sso}[profile dev-source]\nregion = eu-west-1\n");
    for (text, source) in [(moved, "dev-source"), (half, "dev-source"), (taken, "dev-source2")] {
        let proposal = proposed(&text, "", Wish::default());
        let config = read(&proposal);
        assert_eq!(config.entries.len(), 1, "{text}");
        assert_eq!(entry(&config, "dev").source, Source::Profile(source.to_owned()), "{text}");
        assert_eq!(proposal.changes.contains("[profile dev-source2]"), source == "dev-source2", "{}", proposal.changes);
    }
}

#[test]
fn no_line_below_a_broken_header_is_to_be_changed() {
    let role = "role_arn = arn:aws:iam::111122223333:role/Worker\nsource_profile = me\n";
    let config = format!("[profile worker]\n{role}[profile other\n{role}");
    let changes = proposed(&config, CREDENTIALS, Wish::default()).changes;
    assert!(changes.contains("line 2: # role_arn") && changes.contains("line 3: # source_profile"), "{changes}");
    assert!(!changes.contains("line 5") && !changes.contains("line 6"), "{changes}");
}

#[test]
fn what_cannot_be_carried_over_says_why() {
    let config = "[profile own]\nrole_arn = arn:aws:iam::111122223333:role/A\nsource_profile = own\n\
                  [profile a b]\nrole_arn = arn:aws:iam::111122223333:role/A\nsource_profile = base\n\
                  [profile x]\nrole_arn = arn:aws:iam::111122223333:role/A\nsource_profile = y\n\
                  [profile y]\nrole_arn = arn:aws:iam::111122223333:role/A\nsource_profile = x\n\
                  [profile typo]\nrole_arn = arn:aws:iam::1111:role/A\nsource_profile = base\n\
                  [profile key]\nrole_arn = arn:aws:iam::111122223333:role/A\nsource_profile = base\n\
                  mfa_serial = arn:aws:iam::111122223333:u2f/user/me/key\n\
                  [profile none]\nrole_arn = arn:aws:iam::111122223333:role/A\n\
                  [profile fine]\nrole_arn = arn:aws:iam::111122223333:role/A\nsource_profile = base\n\
                  duration_seconds = soon\nrole_session_name = {x}\n";
    let keys = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
    let proposal = proposed(config, &format!("[own]\n{keys}[base]\n{keys}"), Wish::default());
    let config = read(&proposal);
    assert_eq!(config.entries.iter().map(|entry| entry.profile.as_str()).collect::<Vec<_>>(), ["fine"]);
    assert_eq!((proposal.profiles, proposal.left_out), (1, 7));
    for why in [
        "holds long-term keys",
        "some SDKs cannot select",
        "go in a circle",
        "has 12 digits",
        "takes codes of six digits only",
        "it names no source",
        "duration_seconds = soon was left out",
        "role_session_name = {x} was left out",
    ] {
        assert!(proposal.entries.contains(why), "{why}\n{}", proposal.entries);
    }
    assert!(!proposal.changes.contains("own"), "what is not kept fresh stays as it is: {}", proposal.changes);
}

#[test]
fn a_program_is_left_to_those_who_run_it_unless_somebody_wants_its_keys_in_the_file() {
    let config = "[profile vault]\ncredential_process = /usr/bin/vault --token VAULT-SECRET\nregion = eu-west-1\n\
                  [profile below]\ncredential_process = /usr/bin/vault\n\
                  [profile top]\nrole_arn = arn:aws:iam::111122223333:role/Top\nsource_profile = below\n\
                  [profile ours]\ncredential_process = /usr/bin/evertoken credential-process ours\n";
    let proposal = proposed(config, "", Wish::default());
    assert_eq!((proposal.profiles, proposal.left_out), (1, 1), "{}", proposal.entries);
    assert!(proposal.entries.contains("# not kept fresh: programs run its credential_process"), "{}", proposal.entries);
    assert!(!proposal.entries.contains("VAULT-SECRET") && !proposal.changes.contains("vault"), "{}", proposal.changes);
    // Whoever does as the comment says has an entry that resolves, and nothing in the way.
    let wanted: String = proposal.entries.lines().map(|line| line.strip_prefix("# ").unwrap_or(line)).fold(
        String::new(),
        |text, line| {
            if line.starts_with("not kept fresh") { text } else { text + line + "\n" }
        },
    );
    let listed = parse(&wanted).expect("a config").config;
    assert_eq!(entry(&listed, "vault").operation, Operation::Publish);
    let renamed = config.replace("[profile vault]", "[profile vault-source]");
    let silenced = obey(&renamed, &proposal.changes);
    assert_eq!(survey(&wanted, &listed, &AwsConfig::parse(&silenced, "")), []);
    assert_eq!(proposed(&silenced, "", Wish { process: None, listed: Some(&listed) }).entries, "");
}

#[test]
fn endpoints_of_the_aws_config_are_told_and_fips_is_carried_over() {
    let role = |name: &str, more: &str| {
        format!("[profile {name}]\nrole_arn = arn:aws:iam::111122223333:role/A\nsource_profile = me\n{more}\n")
    };
    let config = [
        role("local", "endpoint_url = http://localhost:4566\nservices = lab"),
        role("fips", "use_fips_endpoint = true\nregion = us-east-2"),
        role("nowhere", "use_fips_endpoint = true\nregion = eu-west-1"),
        role("plain", "use_fips_endpoint = false\nregion = us-east-1"),
        role("unknown", "use_fips_endpoint = true"),
        "[profile gov-fips]\nrole_arn = arn:aws-us-gov:iam::222233334444:role/A\nsource_profile = gov\n\
         use_fips_endpoint = true\nregion = us-gov-west-1\n"
            .to_owned(),
        "[services lab]\nsts =\n  endpoint_url = http://localhost:4566\n".to_owned(),
    ]
    .concat();
    let proposal = proposed(&config, CREDENTIALS, Wish::default());
    let config = read(&proposal);
    assert_eq!((proposal.profiles, proposal.left_out), (6, 0), "{}", proposal.entries);
    for told in [
        "# use_fips_endpoint was left out: the profile has no region",
        "# endpoint_url = http://localhost:4566 was left out: ",
        "# services = lab was left out: ",
        "# use_fips_endpoint was left out: STS has no such endpoint there",
    ] {
        assert_eq!(proposal.entries.matches(told).count(), 1, "{told}\n{}", proposal.entries);
    }
    let endpoint = |name: &str| entry(&config, name).sts_endpoint.as_deref();
    assert_eq!(endpoint("fips"), Some("https://sts-fips.us-east-2.amazonaws.com"));
    assert_eq!(["local", "nowhere", "plain", "unknown", "gov-fips"].map(endpoint), [None; 5]);
}

#[test]
fn fips_endpoints_are_those_that_there_are() {
    // botocore 1.44.5, endpoints.json, service sts: all variants with the tag fips.
    for (region, exists) in [
        ("us-east-1", true),
        ("us-east-2", true),
        ("us-west-1", true),
        ("us-west-2", true),
        ("ca-central-1", false),
        ("ca-west-1", false),
        ("mx-central-1", false),
        ("us-iso-east-1", false),
    ] {
        let config = format!(
            "[profile fips]\nrole_arn = arn:aws:iam::111122223333:role/A\nsource_profile = me\n\
             use_fips_endpoint = true\nregion = {region}\n"
        );
        let proposal = proposed(&config, CREDENTIALS, Wish::default());
        let name = format!("sts_endpoint = \"https://sts-fips.{region}.amazonaws.com\"");
        let spaced = proposal.entries.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(spaced.contains(&name), exists, "{region}\n{}", proposal.entries);
    }
}

#[test]
fn keys_with_a_second_factor_of_their_own_get_its_session() {
    let config = "[profile me]\nmfa_serial = arn:aws:iam::111122223333:mfa/me\nregion = eu-west-1\n\
                  [profile gov]\nmfa_serial = arn:aws-us-gov:iam::222233334444:u2f/user/me/key\n";
    let proposal = proposed(config, CREDENTIALS, Wish::default());
    let config = read(&proposal);
    assert_eq!(config.entries.len(), 1, "{}", proposal.entries);
    assert_eq!(entry(&config, "me-mfa").operation, Operation::GetSessionToken);
}

#[test]
fn nobody_is_told_to_make_a_source_for_what_is_left_out() {
    let sso = "sso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev\n";
    let config = format!(
        "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n\
         [profile My Team]\n{sso}[profile ok]\n{sso}"
    );
    let proposal = proposed(&config, CREDENTIALS, Wish::default());
    assert_eq!((proposal.profiles, proposal.left_out), (1, 1), "{}", proposal.entries);
    assert!(proposal.changes.contains("[profile ok-source]"), "{}", proposal.changes);
    assert!(!proposal.changes.contains("My Team-source"), "{}", proposal.changes);
}

#[test]
fn what_has_not_been_changed_yet_is_told_again() {
    let company = company();
    for process in [None, Some("/home/me/.cargo/bin/evertoken")] {
        let first = proposed(&company, CREDENTIALS, Wish { process, listed: None });
        let config = read(&first);
        let again = proposed(&company, CREDENTIALS, Wish { process, listed: Some(&config) });
        assert_eq!(again.entries, "");
        let sorted = |changes: &str| {
            let mut lines: Vec<String> = changes.lines().map(str::to_owned).collect();
            lines.sort_unstable();
            lines
        };
        assert_eq!(sorted(&again.changes), sorted(&first.changes), "{process:?}");
    }
}

#[test]
fn whoever_asks_evertoken_already_keeps_doing_so() {
    let asks = "credential_process = /opt/evertoken credential-process dev\n";
    let text = format!("[profile dev]\nrole_arn = arn:aws:iam::111122223333:role/Dev\nsource_profile = me\n{asks}");
    let role =
        "[[role]]\nprofile = \"dev\"\nrole_arn = \"arn:aws:iam::111122223333:role/Dev\"\nsource_profile = \"me\"\n";
    for store in ["private", "shared"] {
        let listed = parse(&format!("{role}store = \"{store}\"\n")).expect("a config").config;
        for process in [None, Some("/opt/evertoken")] {
            let changes = proposed(&text, CREDENTIALS, Wish { process, listed: Some(&listed) }).changes;
            assert!(changes.contains("line 2: # role_arn = "), "{changes}");
            assert!(!changes.contains("credential_process"), "{store} {process:?}: {changes}");
        }
    }
}
