use super::pick::{Origin, Tool};
use super::picture::{
    Answer, By, Exported, FileFacts, FileState, Instance, Keeping, KeyFacts, Nameless, OwnConfig, Picture, Platform,
    Selected,
};
use super::{Cause, Diagnosis, Mark, examine};
use crate::engine::aws_config::{AwsConfig, noted_end};
use crate::engine::config::parse;
use crate::engine::status::{Daemon, Status, VERSION};
use crate::engine::time::{Skew, WallTime};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const NOW: WallTime = WallTime::from_unix_seconds(1_795_273_445);

fn file(path: &str) -> FileFacts {
    FileFacts {
        path: path.to_owned(),
        named: None,
        link_to: None,
        state: FileState::Read,
        cut: false,
        mode: Some(0o600),
        foreign_owner: None,
        copied_by: None,
        unsafe_folder: None,
    }
}

fn keys(aws: &AwsConfig) -> KeyFacts {
    let Some(section) = aws.profiles.get("dev") else { return KeyFacts::default() };
    let id = section.get("aws_access_key_id").cloned();
    KeyFacts {
        long_term_id: id.as_deref().is_some_and(|id| id.starts_with("AKIA")),
        id,
        secret: section.contains_key("aws_secret_access_key"),
        token: section.contains_key("aws_session_token"),
        ends: noted_end(section),
        made: None,
        ours: section.contains_key("x_evertoken"),
    }
}

/// The profile `dev` of these two files, asked about by name.
fn picture(config: &str, credentials: &str) -> Picture {
    let (in_config, in_credentials) = (AwsConfig::parse(config, ""), AwsConfig::parse("", credentials));
    Picture {
        now: NOW,
        offline: false,
        selected: Selected { name: "dev".to_owned(), by: By::Argument },
        exported: Exported::default(),
        config_file: file("~/.aws/config"),
        credentials_file: file("~/.aws/credentials"),
        keys_in_config: keys(&in_config),
        keys_in_credentials: keys(&in_credentials),
        config: in_config,
        credentials: in_credentials,
        aws: AwsConfig::parse(config, credentials),
        answer: Answer::NotAsked,
        endpoint: None,
        unusable: None,
        sign_ins: BTreeMap::new(),
        tokens: BTreeMap::new(),
        missing_program: None,
        platform: Platform::default(),
        keeping: Keeping { config: OwnConfig::Missing, ..Keeping::default() },
    }
}

/// A role `dev` on evertoken's list, and how its daemon stands.
fn listed(picture: &mut Picture, daemon: Daemon) {
    let role =
        "[[role]]\nprofile = \"dev\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\nsource_profile = \"base\"\n";
    picture.keeping.config = OwnConfig::Read(Arc::new(parse(role).expect("a config").config));
    picture.keeping.config_path = "~/.config/evertoken/config.toml".to_owned();
    picture.keeping.status = Some(Status {
        version: 1,
        config: "/home/me/.config/evertoken/config.toml".to_owned(),
        credentials_file: "/home/me/.aws/credentials".to_owned(),
        clock_skew_seconds: 0,
        daemon,
        profiles: Vec::new(),
    });
}

fn accepted(skew: Option<Skew>) -> Answer {
    let arn = "arn:aws:sts::111122223333:assumed-role/dev/me".to_owned();
    Answer::Accepted { account: "111122223333".to_owned(), arn, skew }
}

fn marks(diagnosis: &Diagnosis, cause: Cause) -> Vec<Mark> {
    diagnosis.findings.iter().filter(|finding| finding.cause == cause).map(|finding| finding.mark).collect()
}

const SESSION: &str =
    "[dev]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token = y\n";
const BASE: &str = "[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
const ROLE: &str = "role_arn = arn:aws:iam::111122223333:role/R\nsource_profile = base\n";
const SSO: &str = "sso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n";

#[test]
fn each_family_of_tools_picks_by_its_own_order() {
    let all = |origin| [origin; 5];
    let (role, keys, sso, process) = (Origin::Role, Origin::CredentialsKeys, Origin::Sso, Origin::Process);
    let cases = [
        ("", SESSION, all(keys)),
        ("region = x\n", "", all(Origin::Nothing)),
        (ROLE, SESSION, all(role)),
        (SSO, SESSION, [sso, keys, keys, sso, sso]),
        ("credential_process = /bin/x\n", SESSION, [keys, keys, keys, process, process]),
        ("aws_access_key_id = ASIAX\naws_secret_access_key = x\n", "", all(Origin::ConfigKeys)),
        ("role_arn = arn:aws:iam::111122223333:role/R\nweb_identity_token_file = /t\n", "", all(Origin::WebIdentity)),
        ("login_session = x\n", "", all(Origin::Login)),
        (&format!("{ROLE}{SSO}"), "", [role, role, role, sso, role]),
        (&format!("{SSO}credential_process = /bin/x\n"), "", [sso, process, sso, sso, sso]),
        ("login_session = x\ncredential_process = /bin/x\n", "", {
            let login = Origin::Login;
            [login, process, login, login, login]
        }),
        ("login_session = x\n", SESSION, [keys, keys, keys, Origin::Login, Origin::Login]),
    ];
    for (config, credentials, expected) in cases {
        let picture = picture(&format!("[profile dev]\n{config}"), credentials);
        assert_eq!(Tool::ALL.map(|tool| tool.pick(&picture)), expected, "{config}{credentials}");
    }
}

#[test]
fn a_web_identity_of_the_environment_goes_before_that_of_the_profile_where_no_profile_is_named() {
    let web = "role_arn = arn:aws:iam::111122223333:role/R\nweb_identity_token_file = /t\n";
    let mut picture = picture(&format!("[profile dev]\n{web}"), "");
    picture.exported.web_identity = Some("/var/run/token".to_owned());
    let picks = |picture: &Picture| Tool::ALL.map(|tool| tool.pick(picture));
    assert_eq!(picks(&picture), [Origin::WebIdentity; 5]);
    picture.selected.by = By::Variable("AWS_PROFILE");
    let (variable, profile) = (Origin::WebIdentityVariable, Origin::WebIdentity);
    assert_eq!(picks(&picture), [variable, profile, variable, variable, profile]);
}

#[test]
fn exported_keys_go_before_a_profile_but_for_whom_it_is_named_to() {
    let takes = |by| Tool::ALL.map(|tool| tool.takes_exported_keys(by));
    assert_eq!(takes(By::Nobody), [true; 5]);
    assert_eq!(takes(By::Variable("AWS_PROFILE")), [true, false, true, true, true]);
    assert_eq!(takes(By::Argument), [false, false, false, true, true]);
}

#[test]
fn an_end_counts_by_the_clock_of_sts() {
    let end = NOW + Duration::from_secs(100);
    let mut picture = picture("", &format!("{SESSION}x_security_token_expires = {end}\n"));
    picture.answer = accepted(None);
    assert_eq!(examine(&picture).mark, Mark::Warning, "evertoken is not set up");
    picture.answer = accepted(Some(Skew::from_millis(200_000)));
    let diagnosis = examine(&picture);
    assert_eq!((diagnosis.cause, diagnosis.mark), (Cause::SessionExpired, Mark::Fault));
    assert_eq!(marks(&diagnosis, Cause::ClockSkew), [Mark::Warning]);
}

#[test]
fn a_mode_that_keeps_the_owner_out_is_the_cause_and_can_be_mended() {
    let mut picture = picture("[profile dev]\nregion = x\n", "");
    picture.credentials_file.mode = Some(0o200);
    picture.credentials_file.state = FileState::Unreadable("Permission denied (os error 13)".to_owned());
    let diagnosis = examine(&picture);
    assert_eq!((diagnosis.cause, diagnosis.mark), (Cause::FileMode, Mark::Fault));
    assert_eq!(diagnosis.fix, ["chmod 600 ~/.aws/credentials"]);
    assert!(diagnosis.findings.iter().any(|finding| finding.mend.is_some()));
}

#[test]
fn the_role_of_an_instance_is_only_missed_where_tools_fall_to_it() {
    let mut picture = picture("", "");
    picture.selected = Selected { name: "default".to_owned(), by: By::Nobody };
    for (instance, cause, mark) in [
        (Instance::NoToken, Cause::HopLimit, Mark::Fault),
        (Instance::NoRole, Cause::InstanceRole, Mark::Fault),
        (Instance::Silent, Cause::NoCredentials, Mark::Fault),
        (Instance::Role("web".to_owned()), Cause::PlatformRenews, Mark::Ok),
    ] {
        picture.platform.instance = instance.clone();
        let diagnosis = examine(&picture);
        assert_eq!((diagnosis.cause, diagnosis.mark), (cause, mark), "{instance:?}");
    }
    let keys = "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
    let mut with_keys = self::picture("", keys);
    with_keys.selected = Selected { name: "default".to_owned(), by: By::Nobody };
    with_keys.platform.instance = Instance::NoRole;
    with_keys.keys_in_credentials =
        KeyFacts { id: Some("AKIA…MPLE".to_owned()), long_term_id: true, secret: true, ..KeyFacts::default() };
    assert_eq!(examine(&with_keys).mark, Mark::Ok);
}

#[test]
fn what_aws_calls_ended_is_believed_over_the_note_in_the_file() {
    let end = NOW + Duration::from_secs(3600);
    let mut picture = picture("", &format!("{SESSION}x_security_token_expires = {end}\n"));
    picture.answer =
        Answer::Refused { code: "ExpiredToken".to_owned(), message: "it is expired".to_owned(), skew: None };
    let diagnosis = examine(&picture);
    assert_eq!(diagnosis.cause, Cause::SessionExpired);
    assert_eq!(diagnosis.verdict, "profile dev: AWS says that the session has ended");
}

const ENDED: &str = "x_security_token_expires = 2020-01-01T00:00:00Z\n";

/// The same where evertoken has this config, and a daemon that runs.
fn kept(mut picture: Picture, config: &str) -> Picture {
    let daemon = Daemon { running: true, responding: true, ..Daemon::default() };
    picture.keeping.config = OwnConfig::Read(Arc::new(parse(config).expect("a config").config));
    picture.keeping.status = Some(Status {
        version: VERSION,
        config: String::new(),
        credentials_file: String::new(),
        clock_skew_seconds: 0,
        daemon,
        profiles: Vec::new(),
    });
    picture
}

#[test]
fn a_session_that_has_ended_is_renewed_by_whoever_can() {
    let role =
        "[[role]]\nprofile = \"dev\"\nrole_arn = \"arn:aws:iam::111122223333:role/dev\"\nsource_profile = \"base\"\n";
    let mfa = "mfa_serial = \"arn:aws:iam::111122223333:mfa/me\"\n";
    let session = format!("[[mfa_session]]\nprofile = \"dev\"\nsource_profile = \"base\"\nstore = \"shared\"\n{mfa}");
    for (config, cause, fix) in [
        (role.to_owned(), Cause::SessionExpired, "evertoken refresh dev"),
        (format!("{role}{mfa}"), Cause::SessionExpired, "evertoken login dev"),
        (session, Cause::MfaSessionOver, "evertoken login dev"),
    ] {
        let picture = kept(picture("", &format!("{SESSION}{ENDED}{BASE}")), &config);
        let findings = examine(&picture).findings;
        let found = findings.iter().find(|finding| finding.cause == cause).expect("the session has ended");
        assert_eq!((found.mark, found.fix.as_slice()), (Mark::Fault, [fix.to_owned()].as_slice()), "{config}");
    }
}

#[test]
fn keys_that_lack_a_part_are_no_session() {
    for missing in ["aws_session_token", "aws_secret_access_key", "aws_access_key_id"] {
        let torn: String = SESSION.split_inclusive('\n').filter(|line| !line.starts_with(missing)).collect();
        let diagnosis = examine(&picture("", &torn));
        assert_eq!(marks(&diagnosis, Cause::KeysIncomplete), [Mark::Fault], "{missing}: {diagnosis:#?}");
    }
}

#[test]
fn what_would_matter_later_is_a_fault_where_the_session_is_over_by_the_word_of_aws_alone() {
    let mut picture = picture("", SESSION);
    picture.keeping.config = OwnConfig::Wrong("config.toml:1:1: what?".to_owned());
    assert_eq!(marks(&examine(&picture), Cause::ConfigWrong), [Mark::Warning]);
    picture.answer = Answer::Refused { code: "ExpiredToken".to_owned(), message: "it is".to_owned(), skew: None };
    assert_eq!(marks(&examine(&picture), Cause::ConfigWrong), [Mark::Fault]);
}

#[test]
fn the_environment_of_this_shell_says_nothing_of_that_of_a_daemon() {
    let config = "[[role]]\nprofile = \"dev\"\nrole_arn = \"arn:aws:iam::111122223333:role/dev\"\n\
                  credential_source = \"Environment\"\n";
    let mut picture = kept(picture("", SESSION), config);
    assert_eq!(marks(&examine(&picture), Cause::SourceFails), []);
    picture.keeping.status = None;
    assert_eq!(marks(&examine(&picture), Cause::SourceFails).len(), 1);
}

#[test]
fn a_daemon_that_keeps_another_file_than_the_tools_read_is_a_fault() {
    let role =
        "[[role]]\nprofile = \"dev\"\nrole_arn = \"arn:aws:iam::111122223333:role/dev\"\nsource_profile = \"base\"\n";
    let mut picture = kept(picture("", &format!("{SESSION}{BASE}")), role);
    picture.keeping.other_file = Some("~/other".to_owned());
    let diagnosis = examine(&picture);
    assert_eq!((diagnosis.cause, diagnosis.mark), (Cause::OtherFile, Mark::Fault), "{diagnosis:#?}");
    assert_eq!(diagnosis.fix, ["export AWS_SHARED_CREDENTIALS_FILE=~/other"]);
}

#[test]
fn a_folder_into_which_evertoken_will_not_write_is_told_where_keys_lie_in_it() {
    let mut picture = picture("", SESSION);
    let reason = Some("others can write into ~/.aws".to_owned());
    picture.config_file.unsafe_folder = reason.clone();
    assert_eq!(marks(&examine(&picture), Cause::FilePlace), []);
    picture.credentials_file.unsafe_folder = reason;
    assert_eq!(marks(&examine(&picture), Cause::FilePlace), [Mark::Warning]);
}

#[test]
fn a_line_hides_nothing_of_evertoken_where_it_keeps_nothing() {
    let config = format!("[profile dev]\n{ROLE}");
    let credentials = format!("{SESSION}{BASE}");
    assert_eq!(marks(&examine(&picture(&config, &credentials)), Cause::SectionHidden), []);
    let ours = format!("{SESSION}x_evertoken = something\n{BASE}");
    assert_eq!(marks(&examine(&picture(&config, &ours)), Cause::SectionHidden), [Mark::Fault]);
}

#[test]
fn how_a_file_lies_there_is_no_cause_beside_what_ends_the_session() {
    let mut picture = picture("", SESSION);
    picture.credentials_file.mode = Some(0o644);
    let diagnosis = examine(&picture);
    assert_eq!(marks(&diagnosis, Cause::FileMode), [Mark::Warning]);
    assert_eq!((diagnosis.cause, diagnosis.mark), (Cause::NotKept, Mark::Warning));
}

#[test]
fn of_several_faults_the_deepest_is_the_cause() {
    let mut picture = picture("", &format!("{SESSION}x_security_token_expires = 2020-01-01T00:00:00Z\n{SESSION}"));
    let diagnosis = examine(&picture);
    assert_eq!(diagnosis.cause, Cause::Duplicate, "{diagnosis:#?}");
    picture.selected.name = "nobody".to_owned();
    picture.selected.by = By::Variable("AWS_PROFILE");
    picture.credentials.problems.clear();
    assert_eq!(examine(&picture).cause, Cause::MissingProfile);
}

#[test]
fn a_daemon_with_a_variable_that_this_shell_lacks_is_told_with_the_export_of_it() {
    let base = "[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
    let mut picture = picture("", base);
    listed(&mut picture, Daemon::default());
    picture.keeping.other_daemons = vec!["~/project/credentials".to_owned()];
    let diagnosis = examine(&picture);
    assert_eq!((diagnosis.cause, diagnosis.mark), (Cause::OtherFile, Mark::Fault), "{diagnosis:#?}");
    assert_eq!(diagnosis.fix, ["export AWS_SHARED_CREDENTIALS_FILE=~/project/credentials"]);
}

#[test]
fn of_two_nameless_profile_variables_the_first_one_is_told() {
    let mut picture = picture("[profile dev]\nregion = x\n", SESSION);
    let default = ("AWS_DEFAULT_PROFILE", Nameless::Empty);
    for (by, nameless, told) in [
        (By::Nobody, vec![("AWS_PROFILE", Nameless::NoText)], vec![Mark::Fault]),
        (By::Argument, vec![("AWS_PROFILE", Nameless::Empty)], vec![Mark::Warning]),
        (By::Nobody, vec![default, ("AWS_PROFILE", Nameless::Empty)], vec![Mark::Fault]),
        (By::Variable("AWS_PROFILE"), vec![default], vec![Mark::Fault]),
    ] {
        picture.selected.by = by;
        picture.exported.nameless = nameless;
        assert_eq!(marks(&examine(&picture), Cause::MissingProfile), told, "{by:?}");
    }
    picture.exported.nameless = vec![("AWS_PROFILE", Nameless::Empty)];
    picture.exported.default_profile = Some("dev".to_owned());
    assert_eq!(marks(&examine(&picture), Cause::MissingProfile), []);
}
