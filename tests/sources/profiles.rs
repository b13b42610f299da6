//! Profiles of the AWS files: keys as they stand there, and roles on the way.

use super::{Home, by_one_clock, source_fault, text};
use evertoken::emulator::{Emulator, Settings};
use evertoken::engine::config::model::{CredentialSource, Source};
use evertoken::engine::failure::{Fault, ServiceError, SourceFault};
use evertoken::shell::clock;
use std::time::Duration;

const KEYS: &str = "[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\
    aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n";

#[tokio::test]
async fn static_keys_are_read_again_each_time() {
    let home = Home::new();
    home.credentials(KEYS);
    let sources = home.sources();
    let id = async || {
        let found = sources.resolve(&Source::Profile("base".to_owned()), "eu-west-1", by_one_clock(clock::now())).await;
        found.expect("keys").keys.access_key_id
    };
    assert_eq!(id().await, "AKIAIOSFODNN7EXAMPLE");
    home.credentials(&KEYS.replace("AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE"));
    assert_eq!(id().await, "AKIAI44QH8DHBEXAMPLE");
}

#[tokio::test]
async fn temporary_keys_that_have_ended_are_told_from_those_that_last() {
    let home = Home::new();
    let temporary = |end: &str| format!("{KEYS}aws_session_token = TOKEN\nx_security_token_expires = {end}\n");
    let now = clock::now();
    home.credentials(&temporary(&(now + Duration::from_secs(60)).to_string()));
    let found = home.resolve_at("base", now).await.expect("keys");
    assert!(found.expiration.is_some_and(|end| end > now));
    home.credentials(&temporary(&(now - Duration::from_secs(60)).to_string()));
    let fault = source_fault(home.resolve_at("base", now).await);
    assert!(matches!(&fault, SourceFault::Ended { what, login: None } if what.contains("base")), "{fault:?}");
}

#[tokio::test]
async fn what_is_missing_is_named_with_the_files_looked_into() {
    let home = Home::new();
    let fault = source_fault(home.resolve("base").await);
    let SourceFault::Missing(told) = &fault else { panic!("{fault:?}") };
    for word in ["\"base\"", ".aws/config", ".aws/credentials"] {
        assert!(told.contains(word), "{told}");
    }
    home.credentials("[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n");
    let fault = source_fault(home.resolve("base").await);
    assert!(matches!(&fault, SourceFault::Missing(told) if told.contains("aws_secret_access_key")), "{fault:?}");
    std::fs::write(home.path(".aws/credentials"), b"[base]\n\xff\n").expect("written");
    let fault = source_fault(home.resolve("base").await);
    assert!(matches!(&fault, SourceFault::Config(told) if told.contains("line 2")), "{fault:?}");
    home.credentials(&KEYS.replace("wJalr", "\u{e9}"));
    assert!(matches!(source_fault(home.resolve("base").await), SourceFault::Config(_)));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_pipe_in_the_place_of_a_file_holds_nothing_up() {
    use rustix::fs::{CWD, Mode, mkfifoat};
    let home = Home::new();
    let bound = Duration::from_secs(30);
    for name in [".aws/credentials", "token"] {
        mkfifoat(CWD, home.path(name), Mode::RUSR | Mode::WUSR).expect("a pipe");
    }
    let told = tokio::time::timeout(bound, home.resolve("base")).await.map(source_fault);
    assert!(matches!(&told, Ok(SourceFault::Unreadable { why, .. }) if why.contains("not a regular file")), "{told:?}");
    std::fs::remove_file(home.path(".aws/credentials")).expect("removed");
    home.config(&format!(
        "[profile web]\nrole_arn = arn:aws:iam::111122223333:role/Web\nweb_identity_token_file = {}\n",
        home.path("token").display()
    ));
    let told = tokio::time::timeout(bound, home.resolve("web")).await.map(source_fault);
    assert!(matches!(&told, Ok(SourceFault::NoToken { text, .. }) if text.contains("not a regular file")), "{told:?}");
}

/// A home whose profile `top` is two roles above `base`.
fn chained(emulator: &Emulator) -> Home {
    let home = Home::new();
    home.credentials(KEYS);
    let url = emulator.url();
    home.config(&format!(
        "[profile middle]\nrole_arn = arn:aws:iam::111122223333:role/Middle\nsource_profile = base\n\
         endpoint_url = {url}\nrole_session_name = named\nduration_seconds = 900\n\
         [profile top]\nrole_arn = arn:aws:iam::444455556666:role/Top\nsource_profile = middle\n\
         endpoint_url = {url}\nexternal_id = external\nregion = eu-central-1\n"
    ));
    home
}

#[tokio::test]
async fn roles_on_the_way_are_assumed_one_after_the_other() {
    let emulator = Emulator::start(Settings::default()).expect("an emulator");
    let home = chained(&emulator);
    let found = home.resolve("top").await.expect("credentials");
    assert_eq!(found.account_id.as_deref(), Some("444455556666"));
    assert!(found.expiration.is_some() && found.keys.session_token.is_some());
    let sent = emulator.requests();
    let [middle, top] = sent.as_slice() else { panic!("{} requests", sent.len()) };
    assert_eq!(middle.access_key_id.as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
    assert_eq!(middle.parameter("RoleSessionName"), Some("named"));
    assert_eq!(middle.parameter("DurationSeconds"), Some("900"));
    assert_eq!(middle.region.as_deref(), Some("eu-west-1"));
    assert_ne!(top.access_key_id, middle.access_key_id);
    assert_eq!(top.parameter("ExternalId"), Some("external"));
    assert_eq!(top.parameter("RoleSessionName"), Some("me@laptop"));
    assert_eq!(top.parameter("DurationSeconds"), None);
    assert_eq!(top.region.as_deref(), Some("eu-central-1"));
}

#[tokio::test]
async fn durations_on_the_way_are_those_of_the_aws_config_as_far_as_sts_gives_them() {
    let emulator = Emulator::start(Settings::default()).expect("an emulator");
    let home = chained(&emulator);
    let config = text(&home.path(".aws/config")).replace("duration_seconds = 900", "duration_seconds = 43200");
    home.config(&config.replace("external_id = external", "duration_seconds = 7200"));
    emulator.max_session("arn:aws:iam::111122223333:role/Middle", Duration::from_secs(7200));
    home.resolve("top").await.expect("credentials");
    let sent: Vec<_> = emulator.requests();
    let asked: Vec<_> = sent.iter().map(|sent| sent.parameter("DurationSeconds")).collect();
    assert_eq!(
        asked,
        [Some("43200"), None, Some("3600")],
        "refused, an hour by default, and the most on top of a role"
    );
}

#[tokio::test]
async fn a_role_on_the_way_that_is_denied_is_told_with_its_code() {
    let emulator = Emulator::start(Settings::default()).expect("an emulator");
    let home = chained(&emulator);
    emulator.deny_role("arn:aws:iam::111122223333:role/Middle", "AccessDenied", "no");
    let fault = home.resolve("top").await.expect_err("denied");
    assert!(
        matches!(&fault, Fault::Service(ServiceError { code: Some(code), .. }) if code == "AccessDenied"),
        "{fault:?}"
    );
}

#[tokio::test]
async fn a_second_factor_on_the_way_is_told_and_nothing_is_asked() {
    let emulator = Emulator::start(Settings::default()).expect("an emulator");
    let home = chained(&emulator);
    let config = text(&home.path(".aws/config"));
    home.config(&config.replace("external_id = external", "mfa_serial = arn:aws:iam::111122223333:mfa/me"));
    let fault = source_fault(home.resolve("top").await);
    assert!(matches!(&fault, SourceFault::MfaInChain { profile, .. } if profile == "top"), "{fault:?}");
    assert_eq!(emulator.request_count(), 0);
}

#[tokio::test]
async fn a_web_identity_profile_trades_its_token() {
    let emulator = Emulator::start(Settings::default()).expect("an emulator");
    emulator.add_web_identity("header.payload.example", "me", Duration::from_secs(3600));
    let home = Home::new();
    home.write("token", "header.payload.example\n");
    home.config(&format!(
        "[profile web]\nrole_arn = arn:aws:iam::111122223333:role/Web\nweb_identity_token_file = ~/token\n\
         endpoint_url = {}\n",
        emulator.url()
    ));
    let found = home.resolve("web").await.expect("credentials");
    assert_eq!(found.account_id.as_deref(), Some("111122223333"));
    assert_eq!(emulator.requests().pop().map(|sent| sent.operation), Some("AssumeRoleWithWebIdentity".to_owned()));
}

#[tokio::test]
async fn exported_keys_count_where_they_are_asked_for_and_only_there() {
    let mut home = Home::new();
    home.set("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE");
    home.set("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    home.set("AWS_SESSION_TOKEN", "TOKEN");
    home.set("AWS_CREDENTIAL_EXPIRATION", "2026-11-21T15:04:05Z");
    let source = Source::Provider(CredentialSource::Environment);
    let found = home.sources().resolve(&source, "eu-west-1", by_one_clock(clock::now())).await.expect("keys");
    assert_eq!(found.keys.access_key_id, "ASIAIOSFODNN7EXAMPLE");
    assert!(found.expiration.is_some() && found.keys.session_token.is_some());
    assert!(matches!(source_fault(home.resolve("base").await), SourceFault::Missing(_)));
    let bare = Home::new();
    let result = bare.sources().resolve(&source, "eu-west-1", by_one_clock(clock::now())).await;
    assert!(matches!(source_fault(result), SourceFault::Missing(_)));
}
