//! The lines of the AWS files that a person has to change, so that every SDK uses what evertoken keeps fresh. Never
//! changes them, and never shows a line that may hold a secret.

use super::AwsTexts;
use crate::engine::aws_config::lines::{Line, Lines};
use crate::engine::aws_config::{Section, named};
use crate::engine::config::aws_profile::asks_evertoken;
use crate::engine::config::model::StoreKind;
use std::fmt::Write;

/// Keys that lead some SDKs past the session that stands under the profile's name.
const IN_THE_WAY: [&str; 8] = [
    "role_arn",
    "source_profile",
    "credential_source",
    "web_identity_token_file",
    "external_id",
    "mfa_serial",
    "duration_seconds",
    "role_session_name",
];

/// Whether somebody has been told of a profile's lines before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Told {
    /// Its entry is just being proposed.
    First,
    /// It is on the list.
    Again,
}

/// Collects what to change.
pub(super) struct Changes<'a> {
    texts: AwsTexts<'a>,
    names: [&'a str; 2],
    process: Option<&'a str>,
    sources: String,
    lines: [String; 2],
}

impl<'a> Changes<'a> {
    pub(super) fn new(texts: AwsTexts<'a>, names: [&'a str; 2], process: Option<&'a str>) -> Self {
        Self { texts, names, process, sources: String::new(), lines: [String::new(), String::new()] }
    }

    /// The definition of an SSO profile is needed under another name too.
    pub(super) fn add_source(&mut self, name: &str, section: &Section) {
        // Writing to a String cannot fail.
        let _ = write!(self.sources, "\n[profile {name}]\n");
        for (key, value) in section.iter().filter(|(key, _)| key.starts_with("sso_")) {
            let _ = writeln!(self.sources, "{key} = {value}");
        }
    }

    /// What stands in the way of the session of `profile`, whose section is `section`, becomes a comment.
    pub(super) fn silence(&mut self, profile: &str, section: &Section, store: StoreKind, told: Told) {
        let asks = asks_evertoken(section) == Some(profile);
        // Beside keys in the file nobody would ask; for an entry that is listed, `check` tells both ways out of that.
        let keeps_asking = asks && (store == StoreKind::Private || told == Told::Again);
        for (file, text) in [self.texts.config, self.texts.credentials].into_iter().enumerate() {
            let is_it = |header: &str| match file {
                0 => {
                    named(header, "profile").map_or(header == "default" && profile == "default", |name| name == profile)
                }
                _ => header == profile,
            };
            let mut header = "";
            let mut found = String::new();
            for (number, line) in Lines::of(text) {
                match line {
                    Line::Header { name, .. } => header = name,
                    Line::NoHeader(..) => header = "",
                    Line::Pair { key, value } if is_it(header) => {
                        let lower = key.to_ascii_lowercase();
                        if IN_THE_WAY.contains(&lower.as_str()) || lower.starts_with("sso_") {
                            let _ = writeln!(found, "  line {number}: # {key} = {value}");
                        } else if lower == "credential_process" && !keeps_asking {
                            let _ = writeln!(found, "  line {number}: # {key} …");
                        }
                    }
                    Line::Pair { .. } | Line::Broken(_) | Line::Odd(_) => {}
                }
            }
            let is_to_ask = file == 0 && store == StoreKind::Private && !asks;
            if let Some(program) = self.process.filter(|_| is_to_ask) {
                let _ = writeln!(found, "  and add: credential_process = {program} credential-process {profile}");
            }
            if !found.is_empty() {
                let header = match (file, profile) {
                    (0, name) if name != "default" => format!("profile {name}"),
                    _ => profile.to_owned(),
                };
                let _ = write!(self.lines[file], "\n[{header}]\n{found}");
            }
        }
    }

    pub(super) fn render(self) -> String {
        let mut text = String::new();
        let mut step = 0;
        if !self.sources.is_empty() {
            step += 1;
            let path = self.names[0];
            let _ = write!(
                text,
                "{step}. Add these sections to {path}: evertoken takes its credentials from them, and nothing else uses \
                 them.\n{}\n",
                self.sources
            );
        }
        for (lines, path) in self.lines.iter().zip(self.names) {
            if !lines.is_empty() {
                step += 1;
                let why = match self.process {
                    Some(_) => "so that every program asks evertoken",
                    None => "because several SDKs prefer them to the fresh keys under the same name",
                };
                let _ = write!(text, "{step}. In {path}, turn these lines into comments, {why}.\n{lines}\n");
            }
        }
        text
    }
}
