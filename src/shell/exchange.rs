//! One HTTP exchange of our own, for the few AWS requests that need no signature. Bounded in time, and by the client in
//! size; knows nothing of what is asked.

use crate::engine::failure::{Fault, Layer, ServiceError};
use crate::engine::time::Skew;
use crate::shell::clock;
use crate::shell::http::{CALL_TIMEOUT, Http, MAX_ANSWER, TOO_LONG};
use crate::shell::secret_json::SecretJson;
use crate::shell::sts::{behind_a_proxy, chain_of, fault_of_connector, skew_told};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use zeroize::Zeroizing;

/// What is sent.
pub(crate) struct Question<'a> {
    pub(crate) method: &'static str,
    pub(crate) uri: &'a str,
    pub(crate) header: (&'static str, &'a str),
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// What came back. The body may hold secrets.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// How far AWS is ahead of our clock, where it told.
    pub(crate) skew: Option<Skew>,
    is_proxied: bool,
    error_type: Option<String>,
    request_id: Option<String>,
    body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// The body as JSON, where it is some.
    pub(crate) fn json(&self) -> Option<SecretJson> {
        SecretJson::parse(&self.body)
    }

    /// The body as text, where it is some.
    pub(crate) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }

    /// The fault that the answer tells: of the service that sent it, or of a proxy on the way.
    pub(crate) fn as_fault(&self) -> Fault {
        let fault = Fault::Service(self.as_error());
        if self.is_proxied { behind_a_proxy(fault) } else { fault }
    }

    fn as_error(&self) -> ServiceError {
        let json = self.json();
        let text = |names: &[&str]| {
            let found = |json: &SecretJson| names.iter().find_map(|name| json.text(name).map(str::to_owned));
            json.as_ref().and_then(found)
        };
        // `UnauthorizedException:http://internal.amazon.com/…`
        let short = |code: String| code.split(':').next().unwrap_or_default().to_owned();
        ServiceError {
            status: self.status,
            code: self.error_type.clone().or_else(|| text(&["error", "__type", "code"])).map(short),
            message: text(&["error_description", "message", "Message"]),
            request_id: self.request_id.clone(),
        }
    }
}

/// Asks, and waits for the whole answer.
pub(crate) async fn exchange(http: &Http, question: Question<'_>) -> Result<Answer, Fault> {
    let host = question.uri.split('/').nth(2).unwrap_or_default().to_owned();
    let broken = |layer: Layer, detail: &str| Fault::Transport { layer, detail: format!("{host}: {detail}") };
    let mut request = HttpRequest::new(SdkBody::from(question.body.to_vec()));
    let (name, value) = question.header;
    let made = request
        .set_method(question.method)
        .and_then(|()| request.set_uri(question.uri))
        .and_then(|()| request.headers_mut().try_insert(name, value.to_owned()).map(|_| ()));
    if made.is_err() {
        return Err(broken(Layer::Other, "this is no URL that can be asked"));
    }
    if !question.body.is_empty() {
        request.headers_mut().insert("content-type", "application/json");
        request.headers_mut().insert("content-length", question.body.len().to_string());
    }
    let asking = async {
        let response = http.connector().call(request).await.map_err(|error| fault_of_connector(&host, &error))?;
        let header = |name: &str| response.headers().get(name).map(str::to_owned);
        let (error_type, request_id) = (header("x-amzn-errortype"), header("x-amzn-requestid"));
        let status = response.status().as_u16();
        let skew = skew_told(response.headers(), clock::now());
        let mut stream = ByteStream::new(response.into_body());
        // Room for all of it from the start: a vector that grows leaves copies behind that nobody wipes.
        let mut body = Zeroizing::new(Vec::with_capacity(MAX_ANSWER));
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| {
                if chain_of(&error).contains(TOO_LONG) {
                    broken(Layer::Other, TOO_LONG)
                } else {
                    broken(Layer::Connect, "the answer was cut off")
                }
            })?;
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, skew, is_proxied: http.is_proxied(question.uri), error_type, request_id, body })
    };
    match tokio::time::timeout(CALL_TIMEOUT, Box::pin(asking)).await {
        Ok(answer) => answer,
        Err(_) => Err(broken(Layer::Timeout, "no answer in time")),
    }
}
