//! The AWS config and credentials files as the SDKs merge them, for reading only: which profiles there are and what
//! stands behind them. Never edits (that is `credentials_file`) and never holds a secret key longer than a look-up.

pub mod chain;
pub(in crate::engine) mod lines;
mod services;

pub use services::services_endpoint;

use crate::engine::secret::Secret;
use crate::engine::session::{Keys, SourceCredentials};
use crate::engine::time::WallTime;
use lines::{Line, Lines};
use std::collections::{BTreeMap, BTreeSet};

/// The keys of one section, lower case, values trimmed; nested blocks (`s3 =`) are left out.
pub type Section = BTreeMap<String, String>;

/// What stands in place of a secret value: only that there is one is kept.
pub const HIDDEN: &str = "**";

/// The keys whose values are secrets.
const SECRET_KEYS: [&str; 3] = ["aws_secret_access_key", "aws_session_token", "aws_security_token"];

/// Keys under which tools note when temporary keys end, evertoken's own first.
const END_KEYS: [&str; 4] = ["x_security_token_expires", "aws_expiration", "expiration", "aws_session_expiration"];

/// `~/.aws/config` and `~/.aws/credentials`, merged: for a profile in both, keys of the credentials file win.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct AwsConfig {
    /// By profile name.
    pub profiles: BTreeMap<String, Section>,
    /// `[sso-session NAME]` by name.
    pub sso_sessions: BTreeMap<String, Section>,
    /// What makes some SDK refuse a whole file, for every profile in it.
    pub problems: Vec<Problem>,
    /// `[NAME]` in the AWS config, which no SDK takes for the profile NAME: it must be `[profile NAME]` there.
    pub unprefixed: BTreeSet<String>,
    /// Which keys of a profile stand in which of the two files.
    places: BTreeMap<String, BTreeSet<(AwsFile, String)>>,
}

/// One of the two files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AwsFile {
    /// `~/.aws/config`.
    Config,
    /// `~/.aws/credentials`.
    Credentials,
}

/// Something in a file that breaks it for some SDK.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Where.
    pub file: AwsFile,
    /// Counted from 1.
    pub line: usize,
    /// What kind of mistake.
    pub kind: ProblemKind,
    /// What is wrong, never a value.
    pub text: String,
}

/// What kind of mistake a [`Problem`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProblemKind {
    /// A section or a key stands there twice.
    Twice,
    /// A header that is meant for the other file, or has blanks at the ends of its name: not every SDK, or none, finds the
    /// section under the name that was meant.
    Header,
    /// A line that is no line of such a file.
    Line,
    /// A byte order mark, an indented comment, a header with something after it: some SDKs stumble over it, others do not.
    Oddity,
}

impl AwsConfig {
    /// Reads both texts. Tolerant: whatever is wrong goes into [`AwsConfig::problems`], the rest is used.
    pub fn parse(config: &str, credentials: &str) -> Self {
        let mut problems = Vec::new();
        let mut read = Self::default();
        let mut is_prefixed_default = false;
        for (name, section) in sections(config, AwsFile::Config, &mut problems) {
            if let Some(session) = named(&name, "sso-session") {
                read.sso_sessions.entry(session).or_default().extend(section);
            } else if let Some(profile) = named(&name, "profile") {
                // `[profile default]` makes `[default]` count for nothing (AWS SDK reference, shared config files).
                if profile == "default" && !is_prefixed_default {
                    is_prefixed_default = true;
                    read.profiles.remove("default");
                    read.places.remove("default");
                }
                read.add(AwsFile::Config, profile, section);
            } else if name == "default" && !is_prefixed_default {
                read.add(AwsFile::Config, name, section);
            } else if name != "default" && !name.contains(char::is_whitespace) {
                read.unprefixed.insert(name);
            }
        }
        for (name, section) in sections(credentials, AwsFile::Credentials, &mut problems) {
            // A header with a blank in it is no profile here: `[profile x]` belongs into the config.
            if !name.contains(char::is_whitespace) {
                read.add(AwsFile::Credentials, name, section);
            }
        }
        read.problems = problems;
        read
    }

    fn add(&mut self, file: AwsFile, profile: String, section: Section) {
        self.places.entry(profile.clone()).or_default().extend(section.keys().map(|key| (file, key.clone())));
        self.profiles.entry(profile).or_default().extend(section);
    }

    /// The keys of a profile that stand in this file.
    pub fn keys_in<'a>(&'a self, file: AwsFile, profile: &str) -> impl Iterator<Item = &'a str> {
        let places = self.places.get(profile).into_iter().flatten();
        places.filter(move |(place, _)| *place == file).map(|(_, key)| key.as_str())
    }

    /// What [`AwsConfig::parse`] makes of both texts, from what it made of each alone.
    pub fn merged(config: &Self, credentials: &Self) -> Self {
        let mut merged = config.clone();
        for (name, section) in &credentials.profiles {
            let pairs = section.iter().map(|(key, value)| (key.clone(), value.clone()));
            merged.profiles.entry(name.clone()).or_default().extend(pairs);
        }
        for (name, places) in &credentials.places {
            merged.places.entry(name.clone()).or_default().extend(places.iter().cloned());
        }
        merged.problems.extend(credentials.problems.iter().cloned());
        merged
    }
}

/// When temporary keys of a section end, where a tool has noted it beside them.
pub fn noted_end(section: &Section) -> Option<WallTime> {
    END_KEYS.iter().filter_map(|key| section.get(*key)).find_map(|text| WallTime::parse(text).ok())
}

/// What static keys of a profile look like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StaticKeys {
    /// There are none.
    None,
    /// One of the two is missing; its name.
    Half(&'static str),
    /// All there. The expiration is what some tool noted beside them.
    Whole(SourceCredentials),
}

/// Takes the keys of one profile out of the texts. Id, secret and token come from the same file, the credentials file
/// first, so that two half-written profiles never make one that was not meant.
pub fn static_keys(config: &str, credentials: &str, profile: &str) -> StaticKeys {
    let mut found = StaticKeys::None;
    let headers = [profile.to_owned()];
    let prefixed = [format!("profile {profile}"), profile.to_owned()];
    let is_default = profile == "default";
    for (text, names) in
        [(credentials, &headers[..]), (config, if is_default { &prefixed[..] } else { &prefixed[..1] })]
    {
        for wanted in names {
            match keys_of(&section_of(text, wanted)) {
                StaticKeys::None => {}
                StaticKeys::Half(missing) => found = StaticKeys::Half(missing),
                whole @ StaticKeys::Whole(_) => return whole,
            }
        }
    }
    found
}

fn keys_of(section: &Section) -> StaticKeys {
    let value = |key: &str| section.get(key).filter(|value| !value.is_empty());
    let (id, secret) = (value("aws_access_key_id"), value("aws_secret_access_key"));
    let (Some(id), Some(secret)) = (id, secret) else {
        return match (id, secret) {
            (Some(_), None) => StaticKeys::Half("aws_secret_access_key"),
            (None, Some(_)) => StaticKeys::Half("aws_access_key_id"),
            _ => StaticKeys::None,
        };
    };
    let token = value("aws_session_token").or_else(|| value("aws_security_token"));
    let end = noted_end(section);
    StaticKeys::Whole(SourceCredentials {
        keys: Keys {
            access_key_id: id.clone(),
            secret_access_key: Secret::new(secret.as_str()),
            session_token: token.map(|token| Secret::new(token.as_str())),
        },
        account_id: value("aws_account_id").cloned(),
        // An end beside long-term keys is a left-over of something else.
        expiration: end.filter(|_| token.is_some()),
        login_ends: end.filter(|_| token.is_some()),
        skew: None,
    })
}

fn hide(key: &str, value: &str) -> String {
    if SECRET_KEYS.contains(&key) && !value.is_empty() { HIDDEN.to_owned() } else { value.to_owned() }
}

/// All keys of the sections of one name, secrets included: no other section's value is ever copied.
fn section_of(text: &str, wanted: &str) -> Section {
    let mut section = Section::new();
    let mut is_inside = false;
    for (_, line) in Lines::of(text) {
        match line {
            Line::Header { name, .. } => is_inside = name == wanted || squeezed(name) == wanted,
            Line::NoHeader(..) => is_inside = false,
            Line::Pair { key, value } if is_inside => {
                section.insert(key.to_ascii_lowercase(), value.to_owned());
            }
            Line::Pair { .. } | Line::Broken(_) | Line::Odd(_) => {}
        }
    }
    section
}

/// `NAME` of `[KIND NAME]`, with or without quotes around it.
pub(in crate::engine) fn named(header: &str, kind: &str) -> Option<String> {
    let name = header.strip_prefix(kind)?.strip_prefix(char::is_whitespace)?.trim();
    let quoted = ['"', '\''].iter().find_map(|quote| name.strip_prefix(*quote)?.strip_suffix(*quote));
    let name = quoted.unwrap_or(name);
    (!name.is_empty()).then(|| name.to_owned())
}

fn squeezed(header: &str) -> String {
    named(header, "profile").map_or_else(|| header.to_owned(), |name| format!("profile {name}"))
}

/// All sections in order, those of the same name one after the other.
fn sections(text: &str, file: AwsFile, problems: &mut Vec<Problem>) -> Vec<(String, Section)> {
    let mut found: Vec<(String, Section)> = Vec::new();
    let mut headers = BTreeSet::new();
    let mut keys = BTreeSet::new();
    let mut is_nobodys = false;
    let mut report = |line: usize, kind: ProblemKind, text: String| problems.push(Problem { file, line, kind, text });
    if text.starts_with('\u{feff}') {
        report(
            1,
            ProblemKind::Oddity,
            "the file starts with a byte order mark, which some SDKs take for a part of the first line".to_owned(),
        );
    }
    for (number, line) in Lines::of(text) {
        match line {
            Line::Header { name, raw, oddity } => {
                if let Some(what) = oddity {
                    report(number, ProblemKind::Oddity, what.to_owned());
                }
                // botocore splits what follows the kind of a section, and takes every other name as it stands.
                let is_split = file == AwsFile::Config && name.contains(char::is_whitespace);
                if raw.trim_start() != raw || (raw != name && !is_split) {
                    let text = format!("for the blanks in [{raw}] the AWS CLI and boto3 find no section [{name}]");
                    report(number, ProblemKind::Header, text);
                }
                if !headers.insert(name.to_owned()) {
                    let text = format!("a second section [{name}]; botocore refuses the whole file");
                    report(number, ProblemKind::Twice, text);
                }
                if let (AwsFile::Credentials, Some(profile)) = (file, named(name, "profile")) {
                    let text = format!("the header [{name}] belongs into the AWS config; here it must be [{profile}]");
                    report(number, ProblemKind::Header, text);
                }
                keys.clear();
                is_nobodys = false;
                found.push((name.to_owned(), Section::new()));
            }
            Line::NoHeader(kind, what) => {
                report(number, kind, format!("{what}; evertoken uses nothing of what stands below it"));
                is_nobodys = true;
            }
            Line::Pair { .. } if is_nobodys => {}
            Line::Pair { key, value } => {
                let key = key.to_ascii_lowercase();
                let Some((name, section)) = found.last_mut() else {
                    report(number, ProblemKind::Line, format!("the key {key:?} stands before the first section"));
                    continue;
                };
                if !keys.insert(key.clone()) {
                    report(
                        number,
                        ProblemKind::Twice,
                        format!("the key {key:?} stands twice in [{name}]; botocore refuses the whole file"),
                    );
                }
                let value = hide(&key, value);
                section.insert(key, value);
            }
            Line::Broken(what) => report(number, ProblemKind::Line, what.to_owned()),
            Line::Odd(what) => report(number, ProblemKind::Oddity, what.to_owned()),
        }
    }
    found
}

#[cfg(test)]
mod tests;
