//! The value of `x_evertoken`: what makes a section ours and lets a restart resume without asking STS. Holds no secret.

use crate::engine::session::{Keys, SHORTEST_ASKED, SettingsDigest};
use crate::engine::time::WallTime;
use sha2::{Digest, Sha256};
use std::fmt;
use std::time::Duration;

/// The version of the format that this program writes, and the newest that it reads.
const VERSION: u64 = 1;

/// What a section's mark says. Everything that is `None` was missing or could not be read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Mark {
    /// The section that it was written into.
    pub(super) profile: String,
    /// The settings of the session.
    pub(super) digest: Option<SettingsDigest>,
    /// When STS issued it.
    pub(super) issued: Option<WallTime>,
    /// The duration that STS allowed, where it called the configured one too long.
    pub(super) allowed: Option<Duration>,
    /// The region that we wrote; a region line with another value is the user's.
    pub(super) region: Option<String>,
    /// What we put before the header, to be taken away with it.
    pub(super) lead: Lead,
    /// Of the keys, so that keys which somebody else put in their place are not taken for this session.
    pub(super) check: Option<String>,
}

/// What was put before a new section.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Lead {
    /// The last line had no ending.
    pub(super) ending: bool,
    /// A blank line.
    pub(super) blank: bool,
    /// Which line had no ending, as [`trace_of`] knows it; older marks do not tell.
    pub(super) completed: Option<u32>,
}

/// What the value of `x_evertoken` turned out to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Reading {
    /// Written by this version, perhaps damaged.
    Known(Box<Mark>),
    /// Written by a newer version.
    Newer,
    /// Nothing that evertoken writes.
    Alien,
}

/// Reads a mark. Fields that are not known are skipped, so that a later version may add some without a new format.
pub(super) fn read(value: &str) -> Reading {
    let mut words = value.split_ascii_whitespace();
    let is_number = |word: &&str| !word.starts_with('0') && word.bytes().all(|byte| byte.is_ascii_digit());
    match words.next().filter(is_number).map(str::parse) {
        None => return Reading::Alien,
        Some(Ok(VERSION)) => {}
        Some(Ok(_) | Err(_)) => return Reading::Newer,
    }
    let mut mark = Mark::default();
    for (key, value) in words.filter_map(|word| word.split_once('=')) {
        match key {
            "profile" => mark.profile = value.to_owned(),
            "digest" => mark.digest = SettingsDigest::parse(value),
            "issued" => mark.issued = WallTime::parse(value).ok().map(WallTime::whole_seconds),
            "allowed" => mark.allowed = allowed(value),
            "region" => mark.region = Some(value.to_owned()),
            "lead" => mark.lead = Lead { ending: value.contains('e'), blank: value.contains('b'), ..mark.lead },
            "completed" => mark.lead.completed = u32::from_str_radix(value, 16).ok(),
            "check" => mark.check = Some(value.to_owned()),
            _ => {}
        }
    }
    Reading::Known(Box::new(mark))
}

/// What STS never allows is no duration to ask for: each call would be refused.
fn allowed(seconds: &str) -> Option<Duration> {
    seconds.parse().ok().map(Duration::from_secs).filter(|allowed| *allowed >= SHORTEST_ASKED)
}

/// Eight hex digits of SHA-256 over the keys: too few to learn anything of a secret, enough to notice other keys.
pub(super) fn check_of(keys: &Keys) -> String {
    let token = keys.session_token.as_ref().map_or("", |token| token.expose());
    let mut hasher = Sha256::new();
    for part in [keys.access_key_id.as_str(), keys.secret_access_key.expose(), token] {
        hasher.update(part);
        hasher.update([0]);
    }
    hasher.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// By what a line is known again, given it and those above it, upwards: by its text and the header that it stands below.
/// Four bytes of SHA-256 tell nothing of a secret in it.
pub(super) fn trace_of<'a>(upwards: impl Iterator<Item = &'a [u8]>) -> Option<u32> {
    let mut upwards = upwards.peekable();
    let line = *upwards.peek()?;
    let header = upwards.find(|line| line.starts_with(b"[")).unwrap_or_default();
    let mut hasher = Sha256::new();
    hasher.update(header);
    hasher.update([0]);
    hasher.update(line);
    hasher.finalize().first_chunk().copied().map(u32::from_be_bytes)
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VERSION} profile={}", self.profile)?;
        if let Some(digest) = &self.digest {
            write!(f, " digest={digest}")?;
        }
        if let Some(issued) = self.issued {
            write!(f, " issued={issued}")?;
        }
        if let Some(allowed) = self.allowed {
            write!(f, " allowed={}", allowed.as_secs())?;
        }
        if let Some(region) = &self.region {
            write!(f, " region={region}")?;
        }
        if self.lead.ending || self.lead.blank {
            let letters = (if self.lead.ending { "e" } else { "" }, if self.lead.blank { "b" } else { "" });
            write!(f, " lead={}{}", letters.0, letters.1)?;
        }
        if let Some(completed) = self.lead.completed {
            write!(f, " completed={completed:08x}")?;
        }
        match &self.check {
            Some(check) => write!(f, " check={check}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lead, Mark, Reading, check_of, read, trace_of};
    use crate::engine::secret::Secret;
    use crate::engine::session::{Keys, SettingsDigest};
    use crate::engine::time::WallTime;
    use std::time::Duration;

    #[test]
    fn is_read_as_it_was_written() {
        let full = Mark {
            profile: "team/dev%1@x".to_owned(),
            digest: SettingsDigest::parse("9f00aa11bb22cc33"),
            issued: Some(WallTime::from_unix_seconds(1_795_269_845)),
            allowed: Some(Duration::from_secs(3600)),
            region: Some("eu-west-1".to_owned()),
            lead: Lead { ending: true, blank: true, completed: Some(0xeb) },
            check: Some("01234567".to_owned()),
        };
        assert_eq!(
            full.to_string(),
            "1 profile=team/dev%1@x digest=9f00aa11bb22cc33 issued=2026-11-21T14:04:05Z allowed=3600 \
             region=eu-west-1 lead=eb completed=000000eb check=01234567"
        );
        let older = Mark { lead: Lead { completed: None, ..full.lead }, ..full.clone() };
        assert_eq!(read(&full.to_string().replace(" completed=000000eb", "")), Reading::Known(Box::new(older)));
        for mark in [full, Mark { profile: "dev".to_owned(), ..Mark::default() }] {
            assert_eq!(read(&mark.to_string()), Reading::Known(Box::new(mark)));
        }
    }

    #[test]
    fn a_newer_format_is_recognised_and_a_new_field_is_no_obstacle() {
        for newer in ["2", "2 anything at=all", "99999999999999999999999 x"] {
            assert_eq!(read(newer), Reading::Newer, "{newer}");
        }
        for alien in ["", "0 profile=dev", "01 profile=dev", "hello", "1.5 profile=dev", "-1", "v1 profile=dev"] {
            assert_eq!(read(alien), Reading::Alien, "{alien}");
        }
        let expected = Mark { profile: "dev".to_owned(), ..Mark::default() };
        assert_eq!(read("1 word colour=blue profile=dev digest=XYZ issued=soon"), Reading::Known(Box::new(expected)));
    }

    #[test]
    fn a_duration_that_sts_never_allows_is_not_believed() {
        let read_back = |allowed: &str| match read(&format!("1 profile=dev allowed={allowed}")) {
            Reading::Known(mark) => mark.allowed.map(|allowed| allowed.as_secs()),
            Reading::Newer | Reading::Alien => None,
        };
        for impossible in ["0", "1", "899", "-3600", "1h", ""] {
            assert_eq!(read_back(impossible), None, "{impossible}");
        }
        assert_eq!(["900", "3600", "43200"].map(read_back), [Some(900), Some(3600), Some(43_200)]);
    }

    #[test]
    fn a_line_is_known_by_its_text_and_its_header() {
        let of = |lines: &[&str]| trace_of(lines.iter().rev().map(|line| line.as_bytes()));
        assert_eq!(of(&["# x", "[a]", "y = z", "k = v"]), of(&["[b]", "[a]", "k = v"]));
        let others = [&["[a]", "k = v"][..], &["[b]", "k = v"], &["k = v"], &["[a]", "k = v "], &["[a]"], &[]];
        assert_eq!(others.iter().map(|lines| of(lines)).collect::<std::collections::BTreeSet<_>>().len(), others.len());
    }

    #[test]
    fn the_check_sees_every_part_of_the_keys() {
        let keys = |id: &str, secret: &str, token: Option<&str>| {
            check_of(&Keys {
                access_key_id: id.to_owned(),
                secret_access_key: Secret::new(secret),
                session_token: token.map(Secret::new),
            })
        };
        let all =
            [keys("a", "b", Some("c")), keys("x", "b", Some("c")), keys("ab", "", Some("c")), keys("a", "b", None)];
        assert!(all.iter().all(|check| check.len() == 8));
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
    }
}
