use super::{Base, Chain, SsoProfile};
use crate::engine::aws_config::AwsConfig;
use crate::engine::config::model::CredentialSource;
use crate::engine::failure::SourceFault;
use std::time::Duration;

const KEYS: &str = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = SECRET\n";

fn chain(config: &str, profile: &str) -> Result<Chain, SourceFault> {
    Chain::of(&AwsConfig::parse(&config.replace("KEYS\n", KEYS), ""), profile)
}

fn base(config: &str) -> Base {
    chain(config, "x").expect("a chain").base
}

fn of_static(profile: &str) -> Base {
    Base::Static { profile: profile.to_owned() }
}

#[test]
fn each_kind_of_profile_is_recognised() {
    assert_eq!(base("[profile x]\nKEYS\n"), of_static("x"));
    assert_eq!(
        base("[profile x]\ncredential_process = /bin/tool --flag\n"),
        Base::Process { profile: "x".to_owned(), command: "/bin/tool --flag".to_owned(), account_id: None }
    );
    assert_eq!(
        base("[profile x]\nlogin_session = arn:aws:iam::111122223333:user/me\n"),
        Base::Login {
            profile: "x".to_owned(),
            session: "arn:aws:iam::111122223333:user/me".to_owned(),
            region: None,
            endpoint: None
        }
    );
    let web = base("[profile x]\nweb_identity_token_file = /t\nrole_arn = arn:aws:iam::111122223333:role/R\n");
    assert!(matches!(web, Base::WebIdentity { token_file, .. } if token_file == "/t"));
    let sso = base(
        "[profile x]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev\n\
         [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n",
    );
    let expected = SsoProfile {
        profile: "x".to_owned(),
        session: Some("corp".to_owned()),
        start_url: "https://corp.awsapps.com/start".to_owned(),
        region: "eu-west-1".to_owned(),
        account_id: "111122223333".to_owned(),
        role_name: "Dev".to_owned(),
        endpoint: None,
    };
    assert_eq!(expected.login(), "aws sso login --sso-session corp");
    assert_eq!(expected.cache_name(), "corp");
    assert_eq!(sso, Base::Sso(expected));
    let legacy = base(
        "[profile x]\nsso_region = eu-west-1\nsso_start_url = https://s\nsso_account_id = 1\nsso_role_name = Dev\n",
    );
    assert!(
        matches!(legacy, Base::Sso(sso) if sso.login() == "aws sso login --profile x" && sso.cache_name() == "https://s")
    );
}

#[test]
fn source_profiles_are_followed_to_their_end() {
    let config = "[profile x]\nrole_arn = arn:aws:iam::111122223333:role/X\nsource_profile = y\nexternal_id = e\n\
        duration_seconds = 900\nregion = eu-west-1\n\
        [profile y]\nrole_arn = arn:aws:iam::111122223333:role/Y\nsource_profile = z\n[profile z]\nKEYS\n";
    let chain = chain(config, "x").expect("a chain");
    assert_eq!(chain.base, of_static("z"));
    let roles: Vec<&str> = chain.hops.iter().map(|hop| hop.role_arn.role_name()).collect();
    assert_eq!(roles, ["Y", "X"]);
    let last = chain.hops.last().expect("a hop");
    assert_eq!((last.external_id.as_deref(), last.duration), (Some("e"), Some(Duration::from_secs(900))));
}

#[test]
fn static_keys_win_in_a_source_and_the_role_in_the_first_profile() {
    let role = "role_arn = arn:aws:iam::111122223333:role/X\n";
    let itself = chain(&format!("[profile x]\n{role}source_profile = x\nKEYS\n"), "x").expect("a chain");
    assert_eq!((itself.base, itself.hops.len()), (of_static("x"), 1));
    let second = format!("[profile x]\n{role}source_profile = y\n[profile y]\n{role}source_profile = gone\nKEYS\n");
    let second = chain(&second, "x").expect("a chain");
    assert_eq!((second.base, second.hops.len()), (of_static("y"), 1));
    let metadata = chain(&format!("[profile x]\n{role}credential_source = Ec2InstanceMetadata\n"), "x");
    let metadata = metadata.expect("a chain");
    assert_eq!((metadata.base, metadata.hops.len()), (Base::Provider(CredentialSource::Ec2InstanceMetadata), 1));
}

#[test]
fn what_cannot_work_is_said_before_it_is_tried() {
    let role = "role_arn = arn:aws:iam::111122223333:role/X\n";
    let config = |text: &str| matches!(chain(text, "x"), Err(SourceFault::Config(_)));
    let missing = |text: &str| matches!(chain(text, "x"), Err(SourceFault::Missing(_)));
    assert!(missing("[profile y]\nKEYS\n"));
    assert!(missing("[profile x]\nregion = eu-west-1\n"));
    assert!(missing(&format!("[profile x]\n{role}source_profile = gone\n")));
    assert!(config(&format!("[profile x]\n{role}source_profile = y\n[profile y]\n{role}source_profile = x\n")));
    assert!(config(&format!("[profile x]\n{role}")));
    assert!(config(&format!("[profile x]\n{role}source_profile = y\ncredential_source = Environment\n")));
    assert!(config(&format!("[profile x]\n{role}credential_source = Elsewhere\n")));
    assert!(config("[profile x]\nrole_arn = nonsense\nsource_profile = y\n"));
    assert!(config("[profile x]\nsso_session = gone\nsso_account_id = 1\nsso_role_name = Dev\n"));
    assert!(config("[profile x]\nsso_account_id = 1\nsso_role_name = Dev\nsso_start_url = s\nsso_region = a/b\n"));
}

#[test]
fn a_second_factor_in_the_chain_is_never_ignored() {
    let config = "[profile x]\nrole_arn = arn:aws:iam::111122223333:role/X\nsource_profile = y\n\
        mfa_serial = arn:aws:iam::111122223333:mfa/me\n[profile y]\nKEYS\n";
    let expected =
        SourceFault::MfaInChain { profile: "x".to_owned(), serial: "arn:aws:iam::111122223333:mfa/me".to_owned() };
    assert_eq!(chain(config, "x"), Err(expected));
}
