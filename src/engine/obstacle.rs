//! What keeps evertoken from writing the section of a profile, and the way out: the same words on every screen.

use crate::engine::config::model::Entry;
use crate::engine::credentials_file::{Observation, Reason};

/// Why a section is left alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Obstacle {
    /// The line of the file that it is about, counted from 1.
    pub line: Option<usize>,
    /// What is the matter: a fragment that reads well after "left alone:".
    pub cause: String,
    /// What to do about it, as an order; never to delete keys that evertoken did not write.
    pub way_out: Option<String>,
}

impl Obstacle {
    /// What keeps the section of an entry from being written, when this stands in the file.
    pub fn before(entry: &Entry, found: &Observation) -> Option<Self> {
        match found {
            Observation::Foreign(_) if entry.adopt => None,
            Observation::Foreign(reason) | Observation::Untouchable(reason) => Some(reason.into()),
            Observation::NewerFormat => Some(Self::from(&Reason::newer_format(&entry.profile))),
            Observation::Absent | Observation::Ours(_) | Observation::Damaged | Observation::Fillable => None,
        }
    }
}

impl From<&Reason> for Obstacle {
    fn from(reason: &Reason) -> Self {
        let (cause, way_out) = reason.parts();
        Self { line: reason.line, cause: cause.to_owned(), way_out: way_out.map(str::to_owned) }
    }
}

#[cfg(test)]
mod tests {
    use super::Obstacle;
    use crate::engine::config::parse;
    use crate::engine::credentials_file::find;

    const TEMPORARY: &str = "aws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_session_token = fake\n";
    const LONG_TERM: &str = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n";

    fn obstacle(file: &str, more: &str) -> Option<Obstacle> {
        let role = format!("[[role]]\nprofile = \"dev\"\nrole_arn = \"arn:aws:iam::111122223333:role/Dev\"\n{more}");
        let config = parse(&role).expect("a config").config;
        let entry = config.entry("dev").expect("an entry");
        Obstacle::before(entry, &find(file.as_bytes(), &entry.profile).expect("a file"))
    }

    #[test]
    fn every_obstacle_has_one_way_out() {
        let rename = "give the role another profile name";
        let adopt = format!("set adopt = true for the role to take the section over, or {rename}");
        let take_out = format!("take that line out, or {rename}");
        for (file, way_out) in [
            (format!("[dev]\n{TEMPORARY}"), adopt.as_str()),
            (format!("[dev]\n{LONG_TERM}"), rename),
            (format!("[dev]\n{LONG_TERM}x_evertoken = 1 profile=dev\n"), rename),
            ("[dev]\nrole_arn = arn\n".to_owned(), &take_out),
            ("[dev]\nsso_session = corp\n".to_owned(), &take_out),
            (format!("[dev]\n{TEMPORARY}credential_process = keys\n"), &take_out),
            ("[dev]\n[dev]\n".to_owned(), "merge it into the first"),
            ("[dev]\nx_evertoken = 2 profile=dev\n".to_owned(), "update evertoken"),
        ] {
            let found = obstacle(&file, "").expect("an obstacle");
            assert_eq!(found.way_out.as_deref(), Some(way_out), "{file}");
            assert!(!found.cause.contains(';'), "{file}: {}", found.cause);
        }
        assert_eq!(obstacle(&format!("[dev]\n{TEMPORARY}"), "adopt = true\n"), None);
        // Such keys are never adopted.
        assert!(obstacle(&format!("[dev]\n{LONG_TERM}"), "adopt = true\n").is_some());
        assert_eq!(obstacle("[dev]\nregion = eu-west-1\n", ""), None);
    }
}
