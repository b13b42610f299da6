//! The config as written: every value with its place, nothing merged, nothing judged. Collects what is no TOML, unknown
//! or of the wrong type, and never stops at the first of them.
//!
//! Deriving this from serde would stop at the first mistake, so the spanned table is walked by hand.

use crate::engine::config::diagnostic::{Diagnostic, NOT_TOML, quoted};
use crate::engine::config::fields::{Fields, Flag, Pairs, Text, Texts};
use crate::engine::config::places::Place;
use std::ops::Range;
use toml::de::DeTable;

/// The whole file.
#[derive(Debug)]
pub(super) struct Raw {
    /// Where it is no TOML. If there is such a place, nothing can be said about what seems to be missing.
    pub(super) broken: Vec<Range<usize>>,
    pub(super) credentials_file: Option<Text>,
    pub(super) aws_config_file: Option<Text>,
    pub(super) file_mode: Option<Text>,
    pub(super) defaults: Written,
    /// `[[role]]` and `[[mfa_session]]` in the order of the file.
    pub(super) entries: Vec<Written>,
    pub(super) proxy: Option<Text>,
    pub(super) ca_bundle: Option<Text>,
    /// By name.
    pub(super) hooks: Vec<(&'static str, Texts)>,
}

/// One `[defaults]`, `[[role]]` or `[[mfa_session]]`.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) place: Place,
    /// Its header.
    pub(super) span: Range<usize>,
    /// Known keys that an unknown one was probably meant to be.
    pub(super) meant: Vec<&'static str>,
    pub(super) profile: Option<Text>,
    pub(super) role_arn: Option<Text>,
    pub(super) source_profile: Option<Text>,
    pub(super) credential_source: Option<Text>,
    pub(super) web_identity_token_file: Option<Text>,
    pub(super) region: Option<Text>,
    pub(super) sts_region: Option<Text>,
    pub(super) sts_endpoint: Option<Text>,
    pub(super) duration: Option<Text>,
    pub(super) min_ttl: Option<Text>,
    pub(super) session_name: Option<Text>,
    pub(super) external_id: Option<Text>,
    pub(super) policy: Option<Text>,
    pub(super) policy_arns: Option<Texts>,
    pub(super) tags: Option<Pairs>,
    pub(super) transitive_tags: Option<Texts>,
    pub(super) source_identity: Option<Text>,
    pub(super) mfa_serial: Option<Text>,
    pub(super) mfa_command: Option<Texts>,
    pub(super) unattended: Option<Flag>,
    pub(super) store: Option<Text>,
    pub(super) adopt: Option<Flag>,
    /// Keys that stand here with a value of the wrong type: not missing, only unreadable.
    pub(super) present: Vec<String>,
}

impl Written {
    fn read(mut fields: Fields<'_, '_>, place: Place, span: Range<usize>) -> Self {
        Self {
            place,
            span,
            profile: fields.text("profile"),
            role_arn: fields.text("role_arn"),
            source_profile: fields.text("source_profile"),
            credential_source: fields.text("credential_source"),
            web_identity_token_file: fields.text("web_identity_token_file"),
            region: fields.text("region"),
            sts_region: fields.text("sts_region"),
            sts_endpoint: fields.text("sts_endpoint"),
            duration: fields.text("duration"),
            min_ttl: fields.text("min_ttl"),
            session_name: fields.text("session_name"),
            external_id: fields.text("external_id"),
            policy: fields.text("policy"),
            policy_arns: fields.texts("policy_arns"),
            tags: fields.pairs("tags"),
            transitive_tags: fields.texts("transitive_tags"),
            source_identity: fields.text("source_identity"),
            mfa_serial: fields.text("mfa_serial"),
            mfa_command: fields.texts("mfa_command"),
            unattended: fields.flag("unattended"),
            store: fields.text("store"),
            adopt: fields.flag("adopt"),
            present: fields.present(),
            meant: fields.meant,
        }
    }

    fn nothing(place: Place) -> Self {
        Self::read(Fields::new(&DeTable::new(), place, &mut Vec::new()), place, 0..0)
    }

    /// Whether the key stands here, readable or not, or misspelled.
    pub(super) fn has(&self, key: &str) -> bool {
        self.present.iter().any(|present| present == key) || self.meant.contains(&key)
    }

    /// Where to point for something that concerns the whole entry.
    pub(super) fn anchor(&self) -> Range<usize> {
        self.profile.as_ref().map_or_else(|| self.span.clone(), serde_spanned::Spanned::span)
    }

    /// ` for profile "prod"`, or nothing in the defaults.
    pub(super) fn owner(&self) -> String {
        match &self.profile {
            Some(profile) => format!(" for profile {}", quoted(profile.get_ref())),
            None => String::new(),
        }
    }
}

/// Reads all that can be read.
pub(super) fn read(text: &str, findings: &mut Vec<Diagnostic>) -> Raw {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut broken = Vec::new();
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        broken.push(span.clone());
        let finding = Diagnostic::mistake(span, format!("{NOT_TOML}{}", error.message()));
        findings.push(match way_out(error.message()) {
            Some(hint) => finding.with_hint(hint),
            None => finding,
        });
    }
    let mut top = Fields::new(document.get_ref(), Place::Top, findings);
    let credentials_file = top.text("credentials_file");
    let aws_config_file = top.text("aws_config_file");
    let file_mode = top.text("file_mode");
    let defaults = top.table("defaults", Place::Defaults, |fields| Written::read(fields, Place::Defaults, 0..0));
    let mut entries = top.tables("role", Place::Role, |fields, span| Written::read(fields, Place::Role, span));
    entries.extend(
        top.tables("mfa_session", Place::MfaSession, |fields, span| Written::read(fields, Place::MfaSession, span)),
    );
    entries.sort_by_key(|entry| entry.span.start);
    let network = top.table("network", Place::Network, |mut fields| (fields.text("proxy"), fields.text("ca_bundle")));
    let (proxy, ca_bundle) = network.unwrap_or_default();
    let hooks = top.table("hooks", Place::Hooks, |mut fields| {
        let mut hooks = Vec::new();
        for name in Place::Hooks.keys() {
            hooks.extend(fields.texts(name).map(|argv| (*name, argv)));
        }
        hooks
    });
    Raw {
        broken,
        credentials_file,
        aws_config_file,
        file_mode,
        defaults: defaults.unwrap_or_else(|| Written::nothing(Place::Defaults)),
        entries,
        proxy,
        ca_bundle,
        hooks: hooks.unwrap_or_default(),
    }
}

/// What to do about the slips that people coming from INI files make, by how the parser names them.
fn way_out(message: &str) -> Option<&'static str> {
    let ways = [
        ("must be quoted", "put the value in quotes: key = \"value\""),
        ("duplicate key", "keep one of them"),
        ("leading zero", "put the value in quotes, like file_mode = \"0600\""),
    ];
    ways.into_iter().find(|(part, _)| message.contains(part)).map(|(_, hint)| hint)
}
