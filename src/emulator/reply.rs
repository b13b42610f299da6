//! The answers of STS as XML. Every field of a session is a text that may be missing, so that a fault can spoil exactly
//! one of them; nothing is decided here.

use crate::emulator::refusal::Refusal;
use std::fmt::Write;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// What an operation answers when it succeeds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Reply {
    Session(SessionReply),
    Identity { arn: String, user_id: String, account: String },
}

/// An answer with credentials in it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct SessionReply {
    pub(super) operation: &'static str,
    pub(super) access_key_id: Option<String>,
    pub(super) secret_access_key: Option<String>,
    pub(super) session_token: Option<String>,
    pub(super) expiration: Option<String>,
    /// AssumedRoleId and Arn.
    pub(super) assumed: Option<(String, String)>,
    /// What else stands beside them, in order.
    pub(super) more: Vec<(&'static str, String)>,
}

impl Reply {
    pub(super) fn to_xml(&self, request_id: &str) -> String {
        match self {
            Self::Session(session) => wrap(session.operation, &session.result(), request_id),
            Self::Identity { arn, user_id, account } => {
                let fields = [("Arn", arn), ("UserId", user_id), ("Account", account)];
                let result: String = fields.iter().map(|(name, value)| element(name, value)).collect();
                wrap("GetCallerIdentity", &result, request_id)
            }
        }
    }
}

impl SessionReply {
    fn result(&self) -> String {
        let mut xml = String::new();
        if let Some((id, arn)) = &self.assumed {
            let user = element("AssumedRoleId", id) + &element("Arn", arn);
            let _ = write!(xml, "<AssumedRoleUser>{user}</AssumedRoleUser>");
        }
        let keys = [
            ("AccessKeyId", &self.access_key_id),
            ("SecretAccessKey", &self.secret_access_key),
            ("SessionToken", &self.session_token),
            ("Expiration", &self.expiration),
        ];
        let keys = keys.iter().filter_map(|(name, value)| value.as_ref().map(|value| element(name, value)));
        let _ = write!(xml, "<Credentials>{}</Credentials>", keys.collect::<String>());
        xml.extend(self.more.iter().map(|(name, value)| element(name, value)));
        xml
    }
}

/// The error answer.
pub(super) fn error_xml(refusal: &Refusal, request_id: &str) -> String {
    let error =
        element("Type", refusal.kind()) + &element("Code", &refusal.code) + &element("Message", &refusal.message);
    let request_id = element("RequestId", request_id);
    format!("<ErrorResponse xmlns=\"{NAMESPACE}\">\n  <Error>{error}</Error>\n  {request_id}\n</ErrorResponse>\n")
}

fn wrap(operation: &str, result: &str, request_id: &str) -> String {
    let metadata = element("RequestId", request_id);
    format!(
        "<{operation}Response xmlns=\"{NAMESPACE}\">\n  <{operation}Result>{result}</{operation}Result>\n  \
         <ResponseMetadata>{metadata}</ResponseMetadata>\n</{operation}Response>\n"
    )
}

fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escaped(text))
}

fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            control if control.is_control() => {
                let _ = write!(xml, "&#{};", u32::from(control));
            }
            other => xml.push(other),
        }
    }
    xml
}
