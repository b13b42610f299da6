//! What `doctor` says: findings with a mark, a cause that tools can rely on, and the commands that mend it. Values only.

/// How a finding is marked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Mark {
    /// As it should be.
    Ok,
    /// Works now, and may be the cause for some program, or later.
    Warning,
    /// Does not work.
    Fault,
}

impl Mark {
    /// As `--json` spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What a finding is about. Those that can be faults stand in the order of their depth: of several faults the
        /// first one here is the cause, the later ones follow from it or matter less.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Cause {
            $($(#[$doc])* $name,)*
        }

        impl Cause {
            /// As `--json` spells it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

causes! {
    /// A variable names a file of AWS that is not there, or not for every tool.
    FileNotThere = "file-not-there",
    /// A file of AWS is there and cannot be read.
    FileUnreadable = "file-unreadable",
    /// A link that leads to no file.
    DanglingLink = "dangling-link",
    /// A file whose mode keeps its owner out, or lets others in.
    FileMode = "file-mode",
    /// Half of a file: somebody is writing it, or died doing so.
    FileTorn = "file-torn",
    /// A section or a key stands there twice.
    Duplicate = "duplicate",
    /// A line that is no line of such a file.
    FileBroken = "file-broken",
    /// `[profile x]` in the credentials file, or `[x]` in the config.
    ProfileHeader = "profile-header",
    /// The profile that is selected does not exist.
    MissingProfile = "missing-profile",
    /// evertoken keeps another file fresh than the one that the tools read here.
    OtherFile = "other-file",
    /// A `credential_process` that asks evertoken is never asked: keys of the same name stand in the credentials file.
    ProcessHidden = "process-hidden",
    /// `role_arn` or `sso_*` in the AWS config goes before the section that evertoken keeps.
    SectionHidden = "section-hidden",
    /// Exported keys go before the profile.
    ExportedKeys = "exported-keys",
    /// A session token beside long-term keys.
    TokenBesideLongTermKeys = "token-beside-long-term-keys",
    /// Not all parts of the keys are there.
    KeysIncomplete = "keys-incomplete",
    /// The clock of this machine is off.
    ClockSkew = "clock-skew",
    /// A proxy or a CA bundle that no program can use.
    NetworkSettings = "network-settings",
    /// A variable or the AWS config sends calls to somebody else than AWS.
    Endpoint = "endpoint",
    /// The key is not known, or not this one: nothing that a renewal of a session would mend.
    KeyInvalid = "key-invalid",
    /// The profile goes before the platform, which would renew by itself.
    PlatformShadowed = "platform-shadowed",
    /// The metadata service does not reach into this container.
    HopLimit = "hop-limit",
    /// The metadata service has no role to give.
    InstanceRole = "instance-role",
    /// The web identity token has ended.
    WebIdentityExpired = "web-identity-expired",
    /// The MFA session has ended.
    MfaSessionOver = "mfa-session-over",
    /// The SSO session has ended.
    SsoSessionOver = "sso-session-over",
    /// The session has ended, and so have the credentials that it is made from.
    SourceExpired = "source-expired",
    /// A `credential_process` or another source fails.
    SourceFails = "source-fails",
    /// evertoken's config is wrong.
    ConfigWrong = "config-wrong",
    /// The daemon goes by another config.
    DaemonConfig = "daemon-config",
    /// The daemon was started with another environment.
    DaemonEnvironment = "daemon-environment",
    /// The daemon tries, and fails.
    DaemonFailing = "daemon-failing",
    /// The daemon runs, and does not wake.
    DaemonNotResponding = "daemon-not-responding",
    /// No daemon runs.
    DaemonNotRunning = "daemon-not-running",
    /// evertoken does not keep this profile.
    NotKept = "not-kept",
    /// The session has ended.
    SessionExpired = "session-expired",
    /// The session was issued for other settings than those of evertoken's config.
    SessionOutdated = "session-outdated",
    /// evertoken has the profile on its list, and has not written it to any file yet.
    NotWritten = "not-written",
    /// There is nothing that gives credentials.
    NoCredentials = "no-credentials",
    /// Another profile is selected than the one that was asked about.
    OtherProfile = "other-profile",
    /// The tools disagree about which credentials are meant.
    Disagreement = "disagreement",
    /// STS could not be asked.
    Unreachable = "unreachable",
    /// STS refuses for another reason.
    Refused = "refused",
    /// The running daemon is older than this binary.
    DaemonOutdated = "daemon-outdated",
    /// The folder of the file is synced, tracked by git or open to others.
    FilePlace = "file-place",
    /// Everything is fresh: a program holds what it read before.
    ProgramHoldsOldToken = "program-holds-old-token",
    /// Which credentials are picked.
    Picked = "picked",
    /// Which profile is selected.
    Profile = "profile",
    /// A file as it should be.
    File = "file",
    /// A session or keys as they should be.
    Session = "session",
    /// What STS answered.
    Identity = "identity",
    /// What stands behind, as it should be.
    Source = "source",
    /// The platform renews.
    PlatformRenews = "platform-renews",
    /// evertoken keeps it.
    Kept = "kept",
}

/// What `--fix` may do by itself, after asking.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Mend {
    /// Give the file the mode 0600.
    Narrow(String),
    /// One refresh of this profile.
    Refresh(String),
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// How it is.
    pub mark: Mark,
    /// What it is about.
    pub cause: Cause,
    /// What was found: a whole sentence without its full stop, beginning in lower case, so that others can quote it.
    pub what: String,
    /// Why it matters, where that is not plain.
    pub why: Option<String>,
    /// Commands or edits that mend it, each one line; several are alternatives.
    pub fix: Vec<String>,
    /// Lines that belong together into a file, which `fix` or `why` names.
    pub lines: Vec<String>,
    /// What `--fix` does about it.
    pub mend: Option<Mend>,
    /// The same in few words, for the sentence that tells the cause.
    pub(super) short: Option<String>,
    /// How it reads after "the session ended 14 min ago, and".
    pub(super) after: Option<String>,
}

impl Finding {
    /// One with nothing but its sentence.
    pub fn new(mark: Mark, cause: Cause, what: impl Into<String>) -> Self {
        Self {
            mark,
            cause,
            what: what.into(),
            why: None,
            fix: Vec::new(),
            lines: Vec::new(),
            mend: None,
            short: None,
            after: None,
        }
    }

    pub(super) fn ok(cause: Cause, what: impl Into<String>) -> Self {
        Self::new(Mark::Ok, cause, what)
    }

    pub(super) fn warning(cause: Cause, what: impl Into<String>) -> Self {
        Self::new(Mark::Warning, cause, what)
    }

    pub(super) fn fault(cause: Cause, what: impl Into<String>) -> Self {
        Self::new(Mark::Fault, cause, what)
    }

    pub(super) fn why(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }

    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix.push(fix.into());
        self
    }

    pub(super) fn fixes(mut self, fixes: impl IntoIterator<Item = String>) -> Self {
        self.fix.extend(fixes);
        self
    }

    pub(super) fn lines<T: Into<String>>(mut self, lines: impl IntoIterator<Item = T>) -> Self {
        self.lines.extend(lines.into_iter().map(Into::into));
        self
    }

    pub(super) fn short(self, short: impl Into<String>) -> Self {
        Self { short: Some(short.into()), ..self }
    }

    pub(super) fn after(self, after: impl Into<String>) -> Self {
        Self { after: Some(after.into()), ..self }
    }

    pub(super) fn mend(self, mend: Mend) -> Self {
        Self { mend: Some(mend), ..self }
    }
}

/// The whole answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnosis {
    /// The profile that was examined.
    pub profile: String,
    /// The worst mark.
    pub mark: Mark,
    /// The cause that explains it.
    pub cause: Cause,
    /// That cause in one sentence.
    pub verdict: String,
    /// What mends it.
    pub fix: Vec<String>,
    /// Lines of a file that `fix` names.
    pub lines: Vec<String>,
    /// In the order of looking.
    pub findings: Vec<Finding>,
}
