//! What can go wrong, classified once and in one table: the class decides when to try again and what to tell a person.

mod context;
mod own_files;
mod source;
mod table;
mod text;

pub use context::{Context, Stage};
pub use own_files::Hindrance;
pub use text::plain;

use crate::engine::config::model::Source;
use crate::engine::time::WallTime;

/// The class of a failure; it decides the retry policy and the `class` in `status --json`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    /// STS was not reached, or something else answered in its place.
    Unreachable,
    /// STS asks for patience: throttling, 5xx.
    Busy,
    /// The source credentials are missing or have ended: a person is needed.
    Source,
    /// STS said no.
    Refused,
    /// The request itself cannot succeed as configured.
    Settings,
    /// The clocks are too far apart for the signature.
    Clock,
    /// STS calls the duration too long; the keeper falls back to one hour at once.
    TooLong,
    /// The credentials file could not be written.
    Store,
}

/// A fault as it happened, before anybody has judged it: what the shell reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// STS answered with an error.
    Service(ServiceError),
    /// No answer of STS came.
    Transport {
        /// Where it broke.
        layer: Layer,
        /// One line from the error chain, free of secrets.
        detail: String,
    },
    /// An answer came that is not one of STS, or not one to this request.
    Reply(ReplyFault),
    /// The source credentials could not be had.
    Source(SourceFault),
    /// Another evertoken process is refreshing the profile, and has not come to an end in time.
    Contended {
        /// Its process id, where that is known.
        holder: Option<u32>,
    },
    /// evertoken itself stumbled (a panic in a task): a failure of that task and of nothing else.
    Internal(String),
    /// The operating system denies what a task needs, such as a thread.
    Denied(String),
}

/// An error answer of STS (or of another AWS service on the way, SSO for instance).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceError {
    /// HTTP status.
    pub status: u16,
    /// The code, `None` when the body had none (HTML of a captive portal, an empty 503).
    pub code: Option<String>,
    /// The message as it came (control characters are stripped where it is shown).
    pub message: Option<String>,
    /// AWS request id.
    pub request_id: Option<String>,
}

/// The layer at which a connection broke.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layer {
    /// The name was not resolved.
    Dns,
    /// Refused, reset, unreachable, cut.
    Connect,
    /// The certificate is not trusted, or no TLS is spoken there.
    Tls,
    /// The proxy refused or is not there.
    Proxy,
    /// Nothing came in time.
    Timeout,
    /// Anything else below HTTP.
    Other,
}

/// What is wrong with an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReplyFault {
    /// Keys or Expiration missing, or the body cut off.
    Incomplete(String),
    /// Expiration lies in the past.
    Past(WallTime),
    /// A session for something that was not asked for.
    OtherRole {
        /// `ACCOUNT/ROLE/SESSION` as asked.
        asked: String,
        /// As it came.
        came: String,
    },
}

/// What is wrong with a source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SourceFault {
    /// The profile does not exist, or holds nothing that gives credentials.
    Missing(String),
    /// A web identity token that a profile of the AWS config names cannot be read, or is none.
    NoToken {
        /// The profile of the AWS config.
        profile: String,
        /// The file, as written.
        path: String,
        /// What is wrong with it.
        text: String,
    },
    /// They were there and have ended. `login` is the command that brings new ones, where there is one.
    Ended {
        /// What ended, as a noun: "the SSO session \"corp\"".
        what: String,
        /// The exact command.
        login: Option<String>,
    },
    /// A one-time code of a person is due.
    MfaDue {
        /// The profile to log in for.
        profile: String,
    },
    /// A profile of the AWS config asks for a second factor on the way, which only an MFA session of our own can give.
    MfaInChain {
        /// The profile of the AWS config.
        profile: String,
        /// Its `mfa_serial`.
        serial: String,
    },
    /// The AWS config is wrong.
    Config(String),
    /// A file that they stand in cannot be read, and a person has to see to it.
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        why: String,
    },
    /// The same, but it passes by itself: another program keeps writing to the file, or the system is short of something.
    Unsettled {
        /// The file.
        path: String,
        /// What the system said.
        why: String,
    },
    /// A `credential_process`, or an `mfa_command`, failed.
    Process(String),
    /// The source has no end: nothing to keep fresh.
    LongTerm,
}

/// A judged failure: what `status`, the log and the hooks tell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The class.
    pub class: Class,
    /// The code of STS, where it sent one.
    pub code: Option<String>,
    /// For a person: what happened and to what. One line, bounded, no control characters.
    pub message: String,
    /// The exact command or edit that mends it; `None` where waiting does.
    pub fix: Option<String>,
}

impl Class {
    /// As `status --json` spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Busy => "busy",
            Self::Source => "source",
            Self::Refused => "refused",
            Self::Settings | Self::TooLong => "settings",
            Self::Clock => "clock",
            Self::Store => "store",
        }
    }

    /// Whether it is a trouble of what many profiles stand on: the network, the service, a source, a clock or a file. What
    /// STS refuses is refused to one role.
    pub const fn is_shared(self) -> bool {
        matches!(self, Self::Unreachable | Self::Busy | Self::Source | Self::Clock | Self::Store)
    }

    /// Whether waiting alone can mend it.
    pub const fn passes_by_itself(self) -> bool {
        matches!(self, Self::Unreachable | Self::Busy | Self::Clock | Self::Store)
    }
}

/// Whether STS said that the session asked for is longer than it gives: then an hour, which every role allows, is left.
pub fn asks_too_much(fault: &Fault) -> bool {
    matches!(fault, Fault::Service(error) if error.message.as_deref().is_some_and(table::is_too_long))
}

/// Judges a fault: its class, what to tell a person, and what that person can do about it.
pub fn classify(fault: &Fault, context: &Context) -> Failure {
    match fault {
        Fault::Service(error) => table::service(error, context),
        Fault::Transport { layer, detail } => transport(*layer, detail, context),
        Fault::Reply(fault) => reply(fault, context),
        Fault::Source(fault) => source::fault(fault, context),
        Fault::Contended { holder } => {
            let process = holder.map_or_else(String::new, |pid| format!(" (process {pid})"));
            let message = format!("another evertoken{process} is refreshing this profile and has not finished yet");
            Failure::new(Class::Busy, message, None)
        }
        Fault::Denied(what) => Failure::new(Class::Busy, plain(what), None),
        Fault::Internal(what) => Failure::new(Class::Busy, format!("evertoken itself stumbled: {}", plain(what)), None),
    }
}

impl Failure {
    fn new(class: Class, message: String, fix: Option<String>) -> Self {
        Self { class, code: None, message, fix }
    }
}

fn transport(layer: Layer, detail: &str, context: &Context) -> Failure {
    // Many profiles may stand on what cannot be reached, and whoever waits for it hears of it in the same words: once.
    let whom = match (context.stage, &context.source) {
        (Stage::Resolve, Source::Profile(_)) => "what gives the source credentials".to_owned(),
        _ => context.whom(),
    };
    let detail = plain(detail);
    // What the layers above have to say of it tells nobody anything.
    let detail = ["dns error: ", "tcp connect error: "]
        .iter()
        .fold(detail.as_str(), |detail, layer| detail.rsplit(layer).next().unwrap_or_default());
    let (message, fix) = match layer {
        Layer::Dns => (format!("{whom} is not found (DNS): is this machine online? {detail}"), None),
        Layer::Connect => (format!("{whom} cannot be connected to: {detail}"), None),
        Layer::Timeout => (format!("{whom} gave no answer in time: {detail}"), None),
        Layer::Tls => (
            format!("the TLS certificate that came for {whom} is not trusted: {detail}"),
            Some(
                "if a proxy of your company answers with its own certificate, name its root in evertoken's config: \
                 [network] ca_bundle = \"~/corp.pem\""
                    .to_owned(),
            ),
        ),
        Layer::Proxy => (
            format!("the proxy does not connect to {whom}: {detail}"),
            Some(
                "correct the proxy: [network] proxy = \"http://host:port\" in evertoken's config or, where that has none, \
                 HTTPS_PROXY in the environment that evertoken was started with"
                    .to_owned(),
            ),
        ),
        Layer::Other => (format!("{whom} cannot be reached: {detail}"), None),
    };
    Failure::new(Class::Unreachable, message, fix)
}

fn reply(fault: &ReplyFault, context: &Context) -> Failure {
    let whom = context.whom();
    match fault {
        ReplyFault::Incomplete(what) => {
            let message = format!("the answer of {whom} is not whole: {}; nothing was written", plain(what));
            Failure::new(Class::Unreachable, message, None)
        }
        ReplyFault::Past(end) => {
            let message = format!("{whom} answered with a session that ended at {end} already; nothing was written");
            Failure::new(Class::Busy, message, None)
        }
        ReplyFault::OtherRole { asked, came } => {
            let (asked, came) = (plain(asked), plain(came));
            let message = format!("{whom} answered for {came} instead of {asked}; nothing was written");
            let fix = match &context.place.endpoint {
                Some(_) => "correct or remove sts_endpoint in evertoken's config".to_owned(),
                None => format!("find out who answers for {whom}: this is not AWS"),
            };
            Failure::new(Class::Refused, message, Some(fix))
        }
    }
}

#[cfg(test)]
mod tests;
