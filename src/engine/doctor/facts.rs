//! The single facts of a picture: keys without their secrets, files, sign-ins, tokens, platforms, and what STS answered.

use crate::engine::time::{Skew, WallTime};

/// Keys without what is secret about them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KeyFacts {
    /// The access key id, shortened (see [`super::short_id`]).
    pub id: Option<String>,
    /// Whether the id is one of long-term keys (`AKIA…`).
    pub long_term_id: bool,
    /// Whether there is a secret access key.
    pub secret: bool,
    /// Whether there is a session token.
    pub token: bool,
    /// When they end, where somebody has noted it.
    pub ends: Option<WallTime>,
    /// When they were made, where somebody has noted it.
    pub made: Option<WallTime>,
    /// Whether evertoken wrote them.
    pub ours: bool,
}

impl KeyFacts {
    /// Whether anything of keys is there.
    pub fn any(&self) -> bool {
        self.id.is_some() || self.secret
    }

    /// Id and secret.
    pub fn whole(&self) -> bool {
        self.id.is_some() && self.secret
    }

    /// Whether they are a session rather than keys that do not end.
    pub fn temporary(&self) -> bool {
        self.any() && !self.long_term_id && (self.token || self.id.as_deref().is_some_and(|id| id.starts_with("ASIA")))
    }

    /// Whether they have ended at `now` (in the time of STS).
    pub fn ended(&self, now: WallTime) -> bool {
        self.token && self.ends.is_some_and(|end| end <= now)
    }
}

/// What STS says to some credentials.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Answer {
    /// There are none, or nobody was to be asked.
    #[default]
    NotAsked,
    /// They are accepted.
    Accepted {
        /// The account.
        account: String,
        /// As whom.
        arn: String,
        /// How far STS is ahead, where it told.
        skew: Option<Skew>,
    },
    /// They are refused.
    Refused {
        /// The code of STS.
        code: String,
        /// Its words.
        message: String,
        /// How far STS is ahead, where it told.
        skew: Option<Skew>,
    },
    /// STS was not reached: one line, and what mends it.
    Unreached {
        /// What happened.
        message: String,
    },
    /// The credentials could not be had, so STS was not asked.
    Unresolved {
        /// Why.
        message: String,
        /// The command that brings new ones, where the source has ended.
        login: Option<String>,
    },
}

impl Answer {
    /// How far STS is ahead, where its answer told.
    pub fn skew(&self) -> Option<Skew> {
        match self {
            Self::Accepted { skew, .. } | Self::Refused { skew, .. } => *skew,
            Self::NotAsked | Self::Unreached { .. } | Self::Unresolved { .. } => None,
        }
    }

    /// Whether STS said that the session has ended (ExpiredToken; ExpiredTokenException of services beside it).
    pub fn is_expired(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code.starts_with("ExpiredToken"))
    }

    /// Whether they are accepted.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }
}

/// One of the two AWS files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileFacts {
    /// As the user names it, the home as `~`.
    pub path: String,
    /// The variable that names it, where one does and not the usual place counts.
    pub named: Option<Named>,
    /// The file behind it where `path` is a link, the home as `~`.
    pub link_to: Option<String>,
    /// How reading it went.
    pub state: FileState,
    /// Whether its last line has no end, as when a write was cut off.
    pub cut: bool,
    /// Permission bits.
    pub mode: Option<u32>,
    /// The owner where that is not us.
    pub foreign_owner: Option<u32>,
    /// Who copies it elsewhere.
    pub copied_by: Option<Copier>,
    /// Why the folder is not safe.
    pub unsafe_folder: Option<String>,
}

/// Who names a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// The variable.
    pub variable: &'static str,
    /// What follows `~/` in it, where it begins with that.
    pub below_home: Option<String>,
}

/// What a variable is set to that names nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nameless {
    /// To nothing.
    Empty,
    /// To what is no UTF-8 text.
    NoText,
}

/// Who copies a file elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Copier {
    /// A program that syncs its folder: "Dropbox".
    Program(String),
    /// A git repository that tracks it.
    Git,
    /// Perhaps one: its index cannot be read, for this reason.
    PerhapsGit(String),
}

/// How reading a file went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FileState {
    /// It is not there.
    Missing,
    /// It would be below the home, which nobody knows.
    Homeless,
    /// A link that leads to nothing.
    Dangling,
    /// It is there and cannot be read: why.
    Unreadable(String),
    /// It is empty.
    Empty,
    /// It was read.
    Read,
}

/// Why no program that is started here can call AWS, wherever it would.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unusable {
    /// What cannot be used.
    pub what: String,
    /// What mends it.
    pub fix: String,
}

/// An endpoint that is not the one of AWS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// The URL, without a password in it.
    pub url: String,
    /// The variable that names it; the AWS config when `None`.
    pub variable: Option<&'static str>,
}

/// The cached token of a sign-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignIn {
    /// There is none, or it cannot be read: nobody has signed in.
    Missing,
    /// There is one.
    Token {
        /// When it ends.
        ends: Option<WallTime>,
        /// Whether tools can renew it by themselves.
        renewable: bool,
    },
}

impl SignIn {
    /// Whether a person has to sign in again.
    pub fn is_over(self, now: WallTime) -> bool {
        match self {
            Self::Missing => true,
            Self::Token { ends, renewable } => !renewable && ends.is_none_or(|end| end <= now),
        }
    }
}

/// A file with a web identity token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TokenFile {
    /// It cannot be read: why.
    Unreadable(String),
    /// It was read; a token that is no JWT, or one without `exp`, has no end that can be seen.
    Read {
        /// `exp`.
        ends: Option<WallTime>,
    },
}

/// Where this runs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Platform {
    /// A container of ECS, or a pod of EKS with a pod identity.
    pub container: Option<Container>,
    /// The function's name.
    pub lambda: Option<String>,
    /// The metadata service of an instance.
    pub instance: Instance,
}

/// Who answers for a container's credentials.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Container {
    /// The agent of ECS.
    Ecs,
    /// The agent of EKS Pod Identity.
    EksPod,
}

/// What the metadata service said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Instance {
    /// Nothing points to EC2, so nobody was asked.
    #[default]
    NotAsked,
    /// `AWS_EC2_METADATA_DISABLED`.
    Disabled,
    /// Nobody is there.
    Silent,
    /// It is there, and does not give a token: the hop limit keeps its answer out of this container.
    NoToken,
    /// It is there and has no role.
    NoRole,
    /// It gives the credentials of a role.
    Role(String),
}
