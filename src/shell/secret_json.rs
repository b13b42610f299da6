//! JSON with secrets in it. Every text of it is wiped on drop, and it is written into one buffer that is wiped too.

use serde_json::Value;
use std::io::{self, Write};
use zeroize::{Zeroize, Zeroizing};

/// A JSON value. No `Debug`: it holds secrets.
#[derive(Clone)]
pub(crate) struct SecretJson(Value);

impl SecretJson {
    pub(crate) fn new(value: Value) -> Self {
        Self(value)
    }

    /// `None` when it is no JSON. The parser's own message would quote it.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(Self)
    }

    pub(crate) fn value(&self) -> &Value {
        &self.0
    }

    /// A text that is not empty.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// Sets a text of an object; whatever was there before is wiped.
    pub(crate) fn set(&mut self, key: &str, text: &str) {
        if let Value::Object(fields) = &mut self.0 {
            drop(fields.insert(key.to_owned(), text.into()).map(Self));
        }
    }

    /// The same object with what `other` has in place of its own.
    pub(crate) fn overlaid_with(&self, other: &Self) -> Self {
        let mut both = self.clone();
        if let (Value::Object(fields), Value::Object(theirs)) = (&mut both.0, &other.0) {
            for (key, value) in theirs {
                drop(fields.insert(key.clone(), value.clone()).map(Self));
            }
        }
        both
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Room for all of it from the start: a vector that grows leaves copies behind that nobody wipes.
        let mut length = Length(0);
        let counted = serde_json::to_writer(&mut length, &self.0);
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
        // Neither can fail: the keys are texts, and memory takes every write.
        let _written = counted.and_then(|()| serde_json::to_writer(&mut *bytes, &self.0));
        bytes
    }
}

impl Drop for SecretJson {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Only counts.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{SecretJson, wipe};
    use serde_json::json;

    #[test]
    fn every_text_of_it_is_wiped() {
        let mut value = json!({"a": "SECRETEXAMPLE", "b": [{"c": "SECRETEXAMPLE"}, 1, null]});
        wipe(&mut value);
        assert_eq!(value, json!({"a": "", "b": [{"c": ""}, 1, null]}));
    }

    #[test]
    fn is_written_whole_into_a_buffer_that_never_grew() {
        let mut json = SecretJson::parse(br#"{"kept":[1,"\u00fc"],"old":"x"}"#).expect("JSON");
        json.set("old", "new");
        let bytes = json.to_bytes();
        assert_eq!(bytes.as_slice(), "{\"kept\":[1,\"ü\"],\"old\":\"new\"}".as_bytes());
        assert_eq!(bytes.capacity(), bytes.len());
        assert_eq!((json.text("old"), json.text("kept"), json.text("none")), (Some("new"), None, None));
        assert!(SecretJson::parse(b"{").is_none());
        let both = json.overlaid_with(&SecretJson::new(json!({"old": {"er": 1}, "more": "x"})));
        assert_eq!(both.value(), &json!({"kept": [1, "ü"], "old": {"er": 1}, "more": "x"}));
    }
}
