use super::fault::{behind_a_proxy, element};
use super::{Failed, Sts};
use crate::engine::failure::{Fault, Layer, ServiceError};
use crate::engine::place::Place;
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, SourceCredentials};
use crate::shell::http::Http;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use std::sync::{Arc, Mutex};

/// Notes where requests would go, and sends none.
#[derive(Clone, Debug, Default)]
struct Noted(Arc<Mutex<Vec<String>>>);

impl HttpConnector for Noted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.0.lock().expect("no panic").push(request.uri().to_owned());
        HttpConnectorFuture::ready(Err(ConnectorError::io("no network here".into())))
    }
}

#[tokio::test]
async fn each_region_is_called_at_the_address_of_its_partition() {
    let keys = Keys {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        session_token: None,
    };
    let credentials = SourceCredentials { keys, account_id: None, expiration: None, login_ends: None, skew: None };
    for (region, host) in [
        ("eu-west-1", "sts.eu-west-1.amazonaws.com"),
        ("us-east-1", "sts.us-east-1.amazonaws.com"),
        ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        ("cn-northwest-1", "sts.cn-northwest-1.amazonaws.com.cn"),
        ("us-iso-east-1", "sts.us-iso-east-1.c2s.ic.gov"),
        ("us-isob-east-1", "sts.us-isob-east-1.sc2s.sgov.gov"),
        ("eu-isoe-west-1", "sts.eu-isoe-west-1.cloud.adc-e.uk"),
        ("us-isof-south-1", "sts.us-isof-south-1.csp.hci.ic.gov"),
        ("eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu"),
    ] {
        let noted = Noted::default();
        let sts = Sts::new(&Http::over(SharedHttpConnector::new(noted.clone())), "0.0.0", None);
        let place = Place { region: region.to_owned(), endpoint: None };
        let answer = sts.whoami(&credentials, &place).await;
        assert!(matches!(answer, Err(Failed { fault: Fault::Transport { .. }, .. })), "{region}: {answer:?}");
        assert_eq!(*noted.0.lock().expect("no panic"), [format!("https://{host}/")], "{region}");
    }
}

#[test]
fn an_answer_of_the_proxy_is_not_taken_for_one_of_aws() {
    let answer = |status: u16, code: Option<&str>| {
        let code = code.map(str::to_owned);
        Fault::Service(ServiceError { status, code, message: None, request_id: None })
    };
    for status in 502..=504 {
        let fault = behind_a_proxy(answer(status, None));
        assert!(matches!(fault, Fault::Transport { layer: Layer::Proxy, .. }), "{status}: {fault:?}");
    }
    for of_aws in [answer(503, Some("ServiceUnavailable")), answer(500, None), answer(403, None)] {
        assert_eq!(behind_a_proxy(of_aws.clone()), of_aws);
    }
}

#[test]
fn an_error_in_the_older_form_is_read_too() {
    let body = b"<?xml version=\"1.0\"?>\n<ErrorResponse><Errors><Error><Code>AccessDenied</Code>\
                 <Message>User: x is not authorized</Message></Error></Errors></ErrorResponse>";
    assert_eq!(element(body, "Code").as_deref(), Some("AccessDenied"));
    assert_eq!(element(body, "Message").as_deref(), Some("User: x is not authorized"));
    for other in [&b"<html><Code>AccessDenied</Code></html>"[..], b"<Errors><Error><Code>Acc", b"", b"\xff"] {
        assert_eq!(element(other, "Code"), None);
    }
}
