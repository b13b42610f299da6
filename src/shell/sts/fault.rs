//! Turns what an AWS crate or the connector reports into a [`Fault`]. Reads codes, messages and the `Display` of the
//! chain of causes only: the `Debug` of an SDK error can print the whole reply.

use crate::engine::failure::{Fault, Layer, ReplyFault, ServiceError};
use crate::shell::http::TOO_LONG;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use std::error::Error;

/// How a web page starts that has no doctype.
const PAGE: &str = "<html";

/// The fault behind an error of an AWS crate.
pub(crate) fn fault_of<E>(error: &SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
    SdkError<E, HttpResponse>: RequestId,
{
    match error {
        SdkError::TimeoutError(_) => Fault::Transport { layer: Layer::Timeout, detail: "no answer in time".to_owned() },
        SdkError::DispatchFailure(failure) => {
            let detail = failure.as_connector_error().map_or_else(|| chain_of(error), |error| chain_of(error));
            let layer = if failure.is_timeout() { Layer::Timeout } else { layer_of(&detail) };
            Fault::Transport { layer, detail }
        }
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let meta = service.err();
            let body = service.raw().body().bytes().unwrap_or_default();
            let code = meta.code().map(str::to_owned).or_else(|| element(body, "Code"));
            let is_page = code.is_none() && looks_like_a_page(service.raw());
            if code.is_none() && (200..300).contains(&status) && !is_page {
                return Fault::Reply(ReplyFault::Incomplete("it is cut off, or is not XML".to_owned()));
            }
            Fault::Service(ServiceError {
                status,
                message: meta.message().map(str::to_owned).filter(|_| !is_page).or_else(|| {
                    // Never beside a code that the SDK has read: then it has read the message too.
                    if meta.code().is_none() { element(body, "Message").filter(|_| code.is_some()) } else { None }
                }),
                code,
                request_id: error.request_id().map(str::to_owned),
            })
        }
        SdkError::ResponseError(_) if chain_of(error).contains(TOO_LONG) => {
            Fault::Transport { layer: Layer::Other, detail: TOO_LONG.to_owned() }
        }
        SdkError::ResponseError(_) => Fault::Reply(ReplyFault::Incomplete("it is cut off, or is not XML".to_owned())),
        other => Fault::Transport { layer: Layer::Other, detail: chain_of(other) },
    }
}

/// The same when a proxy stands between: an answer of AWS has a code, so one of these without is the proxy's own.
pub(crate) fn behind_a_proxy(fault: Fault) -> Fault {
    match fault {
        Fault::Service(ServiceError { status: status @ 502..=504, code: None, .. }) => {
            Fault::Transport { layer: Layer::Proxy, detail: format!("it answered with status {status} itself") }
        }
        other => other,
    }
}

/// The fault behind a request of our own that never got an answer.
pub(crate) fn fault_of_connector(host: &str, error: &ConnectorError) -> Fault {
    let chain = chain_of(error);
    let layer = if error.is_timeout() { Layer::Timeout } else { layer_of(&chain) };
    Fault::Transport { layer, detail: format!("{host}: {chain}") }
}

/// The text of an element of an error in the older form, `<Errors><Error>…`, which some services that stand in for STS
/// send, and the SDK cannot read.
pub(super) fn element(body: &[u8], name: &str) -> Option<String> {
    let (_, error) = std::str::from_utf8(body).ok()?.split_once("<Errors><Error>")?;
    let (_, rest) = error.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.to_owned())
}

fn looks_like_a_page(response: &HttpResponse) -> bool {
    let says_so = response.headers().get("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    let start = response.body().bytes().map(|body| body.trim_ascii_start()).unwrap_or_default();
    let start = start.get(..start.len().min(16)).unwrap_or_default().to_ascii_lowercase();
    says_so || start.starts_with(b"<!doctype html") || start.starts_with(PAGE.as_bytes())
}

/// The chain of causes on one line, each said once.
pub(crate) fn chain_of(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = error.source();
    }
    line
}

/// The layer that a chain of causes names: the connector reports all of them as "io error".
pub(crate) fn layer_of(chain: &str) -> Layer {
    let chain = chain.to_ascii_lowercase();
    let names = |words: &[&str]| words.iter().any(|word| chain.contains(word));
    if names(&["tunnel", "proxy"]) {
        Layer::Proxy
    } else if names(&["dns error", "failed to lookup address"]) {
        Layer::Dns
    } else if names(&["certificate", "tls", "handshake", "unknownissuer"]) {
        Layer::Tls
    } else if names(&["timed out", "timeout"]) {
        Layer::Timeout
    } else if names(&[
        "connect",
        "refused",
        "reset",
        "unreachable",
        "broken pipe",
        "closed",
        "incomplete message",
        "eof",
        "sendrequest",
    ]) {
        Layer::Connect
    } else {
        Layer::Other
    }
}
