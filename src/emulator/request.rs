//! A request as it arrived, taken apart once: headers, query, body, and the parameters of the query protocol. It never
//! judges what it finds.

use std::collections::BTreeMap;

/// A request that was read to its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    /// Names in lower case, in the order of arrival.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Of query and body together.
    pub(super) parameters: BTreeMap<String, String>,
}

impl Request {
    pub(super) fn new(method: &str, path: &str, query: &str, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(&body));
        let parameters = pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        Self { method: method.to_owned(), path: path.to_owned(), query: query.to_owned(), headers, body, parameters }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// `name.member.1`, `name.member.2`… (with `suffix` behind each), until the first that is missing.
    pub(super) fn list<'a>(&'a self, name: &str, suffix: &str) -> Vec<&'a str> {
        (1..).map_while(|n| self.parameter(&format!("{name}.member.{n}{suffix}"))).collect()
    }
}
