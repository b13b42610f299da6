//! Sources that the AWS SDK resolves: the container endpoint, IMDS, `aws login`.

use super::closed::ClosedPort;
use super::responder::Responder;
use super::{Home, by_one_clock, source_fault};
use evertoken::engine::config::model::{CredentialSource, Source};
use evertoken::engine::failure::{Fault, SourceFault};
use evertoken::engine::session::SourceCredentials;
use evertoken::shell::clock;
use std::time::Duration;

async fn resolve(home: &Home, provider: CredentialSource) -> Result<SourceCredentials, Fault> {
    home.sources().resolve(&Source::Provider(provider), "eu-west-1", by_one_clock(clock::now())).await
}

fn keys(token: &str) -> String {
    let end = clock::now() + Duration::from_secs(3600);
    format!(
        r#"{{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"SECRETEXAMPLE",
        "{token}":"TOKENEXAMPLE","Expiration":"{end}","LastUpdated":"2026-11-21T15:04:05Z","AccountId":"111122223333"}}"#
    )
}

#[tokio::test]
async fn the_container_endpoint_of_the_environment_is_asked_with_its_token() {
    let endpoint = Responder::start(|came| match came.header("authorization") {
        Some("word") => (200, keys("Token")),
        _ => (403, String::new()),
    });
    let mut home = Home::new();
    assert!(matches!(source_fault(resolve(&home, CredentialSource::EcsContainer).await), SourceFault::Missing(_)));
    home.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{}/creds", endpoint.url()));
    home.set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "word");
    let found = resolve(&home, CredentialSource::EcsContainer).await.expect("keys");
    assert_eq!(found.keys.access_key_id, "ASIAIOSFODNN7EXAMPLE");
    assert!(found.expiration.is_some());
    home.set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "wrong");
    assert!(resolve(&home, CredentialSource::EcsContainer).await.is_err());
}

#[tokio::test]
async fn a_token_file_of_the_container_is_read_again_each_time_and_goes_before_the_variable() {
    let endpoint = Responder::start(|_| (200, keys("Token")));
    let mut home = Home::new();
    let token = home.write("token", "first.word\n");
    home.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{}/creds", endpoint.url()));
    home.set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "of-the-variable");
    home.set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token.display().to_string());
    let sources = home.sources();
    let source = Source::Provider(CredentialSource::EcsContainer);
    for word in ["first.word", "second.word"] {
        home.write("token", word);
        sources.resolve(&source, "eu-west-1", by_one_clock(clock::now())).await.expect("keys");
        let came = endpoint.came();
        assert_eq!(came.last().and_then(|came| came.header("authorization")), Some(word));
    }
    for content in [None, Some(""), Some("two words\nin two lines")] {
        match content {
            Some(content) => drop(home.write("token", content)),
            None => std::fs::remove_file(&token).expect("removed"),
        }
        let fault = source_fault(sources.resolve(&source, "eu-west-1", by_one_clock(clock::now())).await);
        let SourceFault::Missing(told) = &fault else { panic!("{content:?}: {fault:?}") };
        assert!(
            told.contains("token for the container endpoint") && told.contains(&token.display().to_string()),
            "{told}"
        );
    }
    assert_eq!(endpoint.came().len(), 2, "asked without a token");
}

#[tokio::test]
async fn the_instance_profile_is_asked_for_by_the_second_version_of_the_protocol() {
    let service = Responder::start(|came| match (came.method.as_str(), came.target.trim_end_matches('/')) {
        ("PUT", "/latest/api/token") => (200, "imds-token".to_owned()),
        _ if came.header("x-aws-ec2-metadata-token") != Some("imds-token") => (401, String::new()),
        ("GET", path)
            if path.ends_with("/security-credentials") || path.ends_with("/security-credentials-extended") =>
        {
            (200, "instance-role".to_owned())
        }
        ("GET", path) if path.ends_with("/instance-role") => (200, keys("Token")),
        _ => (404, String::new()),
    });
    let home = Home::new();
    home.config(&format!("[default]\nec2_metadata_service_endpoint = {}\n", service.url()));
    let found = resolve(&home, CredentialSource::Ec2InstanceMetadata).await;
    let found = found.unwrap_or_else(|fault| panic!("{fault:?}: {:?}", service.came()));
    assert_eq!(found.keys.access_key_id, "ASIAIOSFODNN7EXAMPLE");

    let closed = ClosedPort::hold();
    home.config(&format!("[default]\nec2_metadata_service_endpoint = http://{}\n", closed.address()));
    assert!(resolve(&home, CredentialSource::Ec2InstanceMetadata).await.is_err());
}

#[tokio::test]
async fn a_console_login_that_was_never_made_names_the_command() {
    let home = Home::new();
    home.config("[profile console]\nlogin_session = arn:aws:iam::111122223333:user/me\n");
    let fault = source_fault(home.resolve("console").await);
    let SourceFault::Ended { login, what } = &fault else { panic!("{fault:?}") };
    assert_eq!(login.as_deref(), Some("aws login --profile console"));
    assert!(what.contains("console"), "{what}");
}

#[tokio::test]
async fn a_service_that_stumbles_is_an_outage_and_its_answer_is_never_shown() {
    let shown = keys("Token");
    for (status, is_outage) in [(500, true), (503, true), (429, true), (403, false), (404, false), (200, false)] {
        let answer = shown.trim_end_matches('}').to_owned();
        let service = Responder::start(move |came| match came.method.as_str() {
            "PUT" => (200, "imds-token".to_owned()),
            _ if came.target.trim_end_matches('/').ends_with("/security-credentials") => {
                (200, "instance-role".to_owned())
            }
            _ => (status, answer.clone()),
        });
        let mut home = Home::new();
        home.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{}/creds", service.url()));
        home.config(&format!("[default]\nec2_metadata_service_endpoint = {}\n", service.url()));
        for provider in [CredentialSource::EcsContainer, CredentialSource::Ec2InstanceMetadata] {
            let fault = resolve(&home, provider).await.expect_err("no keys");
            assert_eq!(matches!(fault, Fault::Transport { .. }), is_outage, "{status} {provider:?}: {fault:?}");
            let told = format!("{fault:?}");
            assert!(!told.contains("SECRETEXAMPLE") && !told.contains("TOKENEXAMPLE"), "{status} {provider:?}: {told}");
        }
    }
}
