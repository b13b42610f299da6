//! Addresses that only a cloud has: the requests for them are caught before they leave.

use super::container;
use crate::shell::http::{Http, HttpSettings};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use std::sync::{Arc, Mutex};

/// The URL of a request, and what it is authorized by.
type Asked = (String, Option<String>);

/// A way that requests may go. Notes them, and answers with keys.
#[derive(Clone, Debug, Default)]
struct Way(Arc<Mutex<Vec<Asked>>>);

impl HttpConnector for Way {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let authorization = request.headers().get("authorization").map(str::to_owned);
        self.0.lock().expect("no panic").push((request.uri().to_owned(), authorization));
        let keys = r#"{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"SECRETEXAMPLE","Token":"TOKENEXAMPLE",
            "Expiration":"2099-11-21T15:04:05Z"}"#;
        let status = 200_u16.try_into().expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(keys))))
    }
}

#[tokio::test]
async fn the_endpoints_of_ecs_and_eks_are_asked_where_they_are_and_never_through_a_proxy() {
    let cases = [
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1234", "http://169.254.170.2/v2/credentials/1234"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/get?a=b", "http://169.254.170.2/get?a=b"),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://169.254.170.23/v1/credentials",
            "http://169.254.170.23/v1/credentials",
        ),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "https://169.254.170.23/v1/credentials",
            "https://169.254.170.23/v1/credentials",
        ),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://[fd00:ec2::23]/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
        ),
    ];
    for (name, value, asked) in cases {
        let (direct, through) = (Way::default(), Way::default());
        let settings = HttpSettings { proxy: Some("http://proxy.corp:3128".to_owned()), ..HttpSettings::default() };
        let ways = [&direct, &through].map(|way| SharedHttpConnector::new(way.clone()));
        let [to, by] = ways;
        let http = Http::over_both(&settings, to, by).expect("a client");
        let variables = [(name, value), ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "word")];
        let look_up = |asked: &str| variables.iter().find(|(name, _)| *name == asked).map(|(_, value)| *value);
        let found = container(&http, look_up).await.unwrap_or_else(|fault| panic!("{value}: {fault:?}"));
        assert_eq!(found.keys.access_key_id, "ASIAIOSFODNN7EXAMPLE");
        let expected = [(asked.to_owned(), Some("word".to_owned()))];
        assert_eq!(*direct.0.lock().expect("no panic"), expected, "{value}");
        assert_eq!(*through.0.lock().expect("no panic"), [], "{value} went to the proxy");
    }
}

#[tokio::test]
async fn keys_are_fetched_in_the_clear_from_nowhere_but_a_metadata_service() {
    let way = Way::default();
    let http = Http::over(SharedHttpConnector::new(way.clone()));
    let look_up = |name: &str| (name == "AWS_CONTAINER_CREDENTIALS_FULL_URI").then_some("http://10.0.0.1/credentials");
    assert!(container(&http, look_up).await.is_err());
    assert_eq!(*way.0.lock().expect("no panic"), []);
}
