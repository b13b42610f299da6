//! One table of the config while it is read: gives out its values with their places and complains about what is not of
//! the right type or not known. Never judges what a value says.

use crate::engine::config::diagnostic::{Diagnostic, quoted};
use crate::engine::config::places::{Place, looks_secret};
use serde_spanned::Spanned;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A text and where it stands.
pub(super) type Text = Spanned<String>;
/// Texts, each where it stands.
pub(super) type Texts = Spanned<Vec<Text>>;
/// `{ key = "value" }`, each part where it stands.
pub(super) type Pairs = Spanned<Vec<(Text, Text)>>;
/// A yes or no and where it stands.
pub(super) type Flag = Spanned<bool>;

/// A table that is being read.
pub(super) struct Fields<'a, 'i> {
    table: &'a DeTable<'i>,
    place: Place,
    findings: &'a mut Vec<Diagnostic>,
    /// Known keys that an unknown one of this table was probably meant to be.
    pub(super) meant: Vec<&'static str>,
}

impl<'a, 'i> Fields<'a, 'i> {
    /// Starts to read, and complains about every key that `place` does not take.
    pub(super) fn new(table: &'a DeTable<'i>, place: Place, findings: &'a mut Vec<Diagnostic>) -> Self {
        let mut meant = Vec::new();
        for key in table.keys() {
            let name: &str = key.get_ref();
            if place.takes(name) {
                continue;
            }
            findings.push(if looks_secret(name) {
                Diagnostic::mistake(key.span(), format!("`{name}` is a secret or a part of one")).with_hint(
                    "no secret belongs here; put it in the credentials file and name the profile as source_profile",
                )
            } else {
                let message = match place {
                    Place::Top => format!("unknown key {}", quoted(name)),
                    _ => format!("unknown key {} in {}", quoted(name), place.name()),
                };
                Diagnostic::mistake(key.span(), message).with_hint(place.hint(name))
            });
            meant.extend(place.meant(name));
        }
        Self { table, place, findings, meant }
    }

    /// A string.
    pub(super) fn text(&mut self, key: &'static str) -> Option<Text> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(Spanned::new(value.span(), text.to_string())),
            other => {
                let hint = match other {
                    DeValue::Integer(number) if matches!(key, "duration" | "min_ttl") => {
                        format!("write it with its unit: {key} = \"{}s\"", number.as_str())
                    }
                    _ if matches!(key, "duration" | "min_ttl") => format!("write {key} = \"1h\", for instance"),
                    _ if key == "file_mode" => "write file_mode = \"0600\"".to_owned(),
                    DeValue::Array(_) | DeValue::Table(_) => format!("write {key} = \"…\""),
                    _ => format!("put it in quotes: {key} = \"…\""),
                };
                self.wrong_type(key, value, "a string", hint);
                None
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str) -> Option<Flag> {
        let value = self.value(key)?;
        if let DeValue::Boolean(flag) = value.get_ref() {
            return Some(Spanned::new(value.span(), *flag));
        }
        self.wrong_type(key, value, "true or false", format!("write {key} = true or {key} = false, without quotes"));
        None
    }

    /// A list of strings, without those that are none: they are complained about, and the others are checked further.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Texts> {
        let value = self.value(key)?;
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong_type(key, value, "a list of strings", format!("write {key} = [\"…\", \"…\"]"));
            return None;
        };
        let mut texts = Vec::new();
        for item in array.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push(Spanned::new(item.span(), text.to_string())),
                _ => self.wrong_type(key, item, "a list of strings", "put it in quotes".to_owned()),
            }
        }
        Some(Spanned::new(value.span(), texts))
    }

    /// A table of strings, in the same way.
    pub(super) fn pairs(&mut self, key: &'static str) -> Option<Pairs> {
        let value = self.value(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(key, value, "a table of strings", format!("write {key} = {{ team = \"web\" }}"));
            return None;
        };
        let mut pairs = Vec::new();
        for (name, item) in table.iter() {
            match item.get_ref() {
                DeValue::String(text) => pairs.push((
                    Spanned::new(name.span(), name.get_ref().to_string()),
                    Spanned::new(item.span(), text.to_string()),
                )),
                _ => self.wrong_type(key, item, "a table of strings", "put it in quotes".to_owned()),
            }
        }
        pairs.sort_by_key(|(name, _)| name.span().start);
        Some(Spanned::new(value.span(), pairs))
    }

    /// A table, to be read by `read`.
    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        place: Place,
        read: impl FnOnce(Fields<'_, 'i>) -> T,
    ) -> Option<T> {
        let value = self.value(key)?;
        if let DeValue::Table(table) = value.get_ref() {
            return Some(read(Fields::new(table, place, self.findings)));
        }
        self.wrong_type(key, value, "a table", format!("write [{key}] on a line of its own"));
        None
    }

    /// A list of tables, each read by `read` with the place where it begins.
    pub(super) fn tables<T>(
        &mut self,
        key: &'static str,
        place: Place,
        read: impl Fn(Fields<'_, 'i>, Range<usize>) -> T,
    ) -> Vec<T> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let hint = || format!("write [[{key}]] on a line of its own, once for each");
        let mut read_all = Vec::new();
        match value.get_ref() {
            DeValue::Array(array) => {
                for item in array.iter() {
                    match item.get_ref() {
                        DeValue::Table(table) => {
                            read_all.push(read(Fields::new(table, place, self.findings), item.span()));
                        }
                        _ => self.wrong_type(key, item, "a list of tables", hint()),
                    }
                }
            }
            DeValue::Table(table) => {
                // Read it all the same: what is wrong inside shall show now and not next time.
                read_all.push(read(Fields::new(table, place, self.findings), value.span()));
                self.wrong_type(key, value, "a list of tables", hint());
            }
            _ => self.wrong_type(key, value, "a list of tables", hint()),
        }
        read_all
    }

    /// The known keys that stand here, whatever their values are.
    pub(super) fn present(&self) -> Vec<String> {
        self.table.keys().filter(|key| self.place.takes(key.get_ref())).map(|key| key.get_ref().to_string()).collect()
    }

    fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'i>>> {
        if self.place.takes(key) { self.table.get(key) } else { None }
    }

    fn wrong_type(&mut self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str, hint: String) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let message = format!("`{key}` is {expected}, this is {found}");
        self.findings.push(Diagnostic::mistake(value.span(), message).with_hint(hint));
    }
}
