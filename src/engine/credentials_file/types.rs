//! What an edit is asked for and what it answers.

use crate::engine::names::ProfileName;
use crate::engine::session::Session;
use crate::engine::time::WallTime;
use zeroize::Zeroizing;

/// What stands under a profile's name in a credentials file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Observation {
    /// No such section.
    Absent,
    /// A section that evertoken wrote, with a mark that it can read and a whole session.
    Ours(Box<Session>),
    /// A section that evertoken wrote, but keys, expiration or mark are damaged or incomplete: to be written again.
    Damaged,
    /// A section with the mark of a newer version of evertoken: to be left alone.
    NewerFormat,
    /// A section without our mark that holds nothing that gives credentials (only the likes of `region`): may be filled.
    Fillable,
    /// A section without our mark that holds temporary credentials; may be taken over with `adopt = true`.
    Foreign(Reason),
    /// A section that must never be written to, whatever the config says.
    Untouchable(Reason),
}

/// Why a section or a file is not touched: a fragment that reads well after "left alone:", with the line where it helps.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text}")]
pub struct Reason {
    /// Counted from 1.
    pub line: Option<usize>,
    /// What is the matter; behind the first semicolon what to do about it. Never holds a value of the file, only names
    /// of keys and sections.
    pub text: String,
}

impl Reason {
    /// What is the matter, and the way out.
    pub fn parts(&self) -> (&str, Option<&str>) {
        self.text.split_once("; ").map_or((&self.text, None), |(cause, way_out)| (cause, Some(way_out)))
    }

    /// That of [`Observation::NewerFormat`].
    pub fn newer_format(profile: &ProfileName) -> Self {
        Self { line: None, text: format!("[{profile}] was written by a newer version of evertoken; update evertoken") }
    }
}

/// The whole file cannot be edited without risk; it stays as it is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {text}")]
pub struct Malformed {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong and what to do, never the content of the line.
    pub text: String,
}

/// A session to be written into a profile's section.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Publication {
    /// The section.
    pub profile: ProfileName,
    /// What goes into it.
    pub session: Session,
    /// Written when the section has no `region` of its own. `None` also where the AWS config already has one.
    pub region: Option<String>,
    /// Whether a [`Observation::Foreign`] section may be taken over.
    pub adopt: bool,
}

/// One change that is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Edit {
    /// Write a session.
    Put(Box<Publication>),
    /// Take our keys out of the section, and the header too if nothing else is left. Only where the section is ours.
    Remove {
        /// Whose keys.
        profile: ProfileName,
        /// Only where the session that stands there by then has ended by this time, in the time of STS: another process
        /// may have renewed it. `None`: whatever stands there.
        ended_by: Option<WallTime>,
    },
}

impl Edit {
    /// Takes our keys out, whatever the end of their session.
    pub fn remove(profile: ProfileName) -> Self {
        Self::Remove { profile, ended_by: None }
    }

    /// Whose section it is about.
    pub fn profile(&self) -> &ProfileName {
        match self {
            Self::Put(publication) => &publication.profile,
            Self::Remove { profile, .. } => profile,
        }
    }
}

/// What became of one [`Edit`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The bytes changed.
    Written,
    /// It stood there already; or what is to be taken out is not there, or has not ended.
    Unchanged,
    /// The section is not ours to change.
    Refused(Reason),
}

/// The answer to a list of edits.
#[derive(Clone, PartialEq, Eq)]
pub struct Applied {
    /// The new content of the file (equal to the old one when nothing was [`Outcome::Written`]).
    pub bytes: Zeroizing<Vec<u8>>,
    /// One for each edit, in their order.
    pub outcomes: Vec<Outcome>,
}
