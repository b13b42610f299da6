//! The log: one line per event on standard error, for a person, for journald, or as JSON. Never reads the environment
//! itself, and never holds a secret: what is logged is already redacted by its type.

pub mod bounded;
mod queue;

use crate::engine::time::WallTime;
use bounded::Bounded;
use queue::Queue;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::path::PathBuf;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// Where the SDK logs an answer of a metadata service or a container's agent as it came when it cannot use it, keys and
/// all. Whoever asked reports the failure in our own words; nothing of this is ever logged, at no level and by no filter.
const DUMPS: [&str; 2] = ["aws_config::meta::credentials", "aws_config::imds"];

/// How lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// For a person who looks at a file or a terminal: with the time.
    Text {
        /// Colour the level.
        colour: bool,
    },
    /// For journald: no time, which the journal has, and a priority in front as sd-daemon(3) wants it. Not its native
    /// protocol: `journalctl` shows nothing of fields, so that a line would no longer say which profile it is about.
    Journal,
    /// One JSON object per event.
    Json,
}

/// What to log, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// For evertoken's own events; those of the AWS SDK and of other crates show from `WARN` on.
    pub level: LevelFilter,
    /// `EVERTOKEN_LOG`: replaces all that, such as `evertoken=debug,aws_smithy_runtime=trace`.
    pub filter: Option<String>,
    /// How lines look.
    pub format: Format,
    /// Asks the clock.
    pub clock: fn() -> WallTime,
    /// The file that standard error leads to, where evertoken has to keep it small.
    pub bounded: Option<PathBuf>,
    /// Who waits for whoever reads it.
    pub writing: Writing,
}

/// Who waits where standard error is a pipe that nobody reads, or a terminal that is paused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writing {
    /// Whoever has something to say: no line is lost.
    Direct,
    /// A thread that does nothing else: what finds no room is counted.
    Queued,
}

/// The log of this process. What still waits to be written is written when this is dropped, also by a panic, if it is read
/// within a second.
#[derive(Debug)]
#[must_use]
pub struct Log(Option<Queue>);

impl Log {
    /// Waits until everything is written, but not for ever. Whether it was: where it was not, whoever writes to standard
    /// error now would wait.
    pub fn finish(mut self) -> bool {
        self.0.take().is_none_or(|queue| queue.finish())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            let _nobody_reads_it = queue.finish();
        }
    }
}

/// Whether standard error is the stream that journald gave us, as told by `JOURNAL_STREAM` (systemd.exec(5)). A child
/// whose standard error went elsewhere inherits the variable all the same, hence the comparison.
pub fn is_journal(journal_stream: Option<&str>) -> bool {
    // As texts, because the width of st_dev differs between systems.
    journal_stream.is_some_and(|told| {
        rustix::fs::fstat(io::stderr().as_fd()).is_ok_and(|stat| format!("{}:{}", stat.st_dev, stat.st_ino) == told)
    })
}

/// Starts logging to standard error; later calls change nothing. A filter that cannot be read is told in the log and
/// otherwise ignored: a daemon does not stay down for it.
pub fn start(options: &Options) -> Log {
    let (targets, complaint) = targets(options.level, options.filter.as_deref());
    // Where there is no thread to be had, everybody waits for himself.
    let queue = (options.writing == Writing::Queued).then(|| queue(options.bounded.clone()).ok()).flatten();
    let layer = match (&queue, options.bounded.clone()) {
        (Some(queue), _) => layer::<Registry, _>(options, queue.clone()),
        (None, Some(log)) => layer::<Registry, _>(options, Bounded::new(log)),
        (None, None) => layer::<Registry, _>(options, io::stderr),
    };
    let layer = layer.with_filter(targets);
    if tracing_subscriber::registry().with(layer).try_init().is_ok()
        && let Some(complaint) = complaint
    {
        tracing::warn!("{complaint}");
    }
    Log(queue)
}

fn queue(bounded: Option<PathBuf>) -> io::Result<Queue> {
    let bounded = bounded.map(Bounded::new);
    let write = move |lines: &[u8]| match &bounded {
        Some(bounded) => bounded.make_writer().write_all(lines),
        None => io::stderr().write_all(lines),
    };
    Queue::start(write, |lost| tracing::warn!("{lost} lines were lost: nobody read the log"))
}

fn layer<S, W>(options: &Options, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    match options.format {
        Format::Json => Box::new(
            tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
                .with_timer(Clock(options.clock))
                .with_writer(writer),
        ),
        Format::Text { .. } | Format::Journal => Box::new(
            tracing_subscriber::fmt::layer()
                .event_format(Line { format: options.format, clock: options.clock })
                .with_writer(writer),
        ),
    }
}

fn targets(level: LevelFilter, filter: Option<&str>) -> (Targets, Option<String>) {
    let usual = Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("evertoken", level);
    match filter.map(str::trim).filter(|text| !text.is_empty()) {
        None => (without_dumps(usual), None),
        Some(text) => match text.parse() {
            Ok(targets) => (without_dumps(targets), None),
            Err(error) => {
                (without_dumps(usual), Some(format!("EVERTOKEN_LOG is ignored, {text:?} is no filter: {error}")))
            }
        },
    }
}

fn without_dumps(targets: Targets) -> Targets {
    DUMPS.iter().fold(targets, |targets, dump| targets.with_target(*dump, LevelFilter::OFF))
}

struct Clock(fn() -> WallTime);

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", (self.0)())
    }
}

/// `2026-11-21T15:04:05Z WARN  message key=value`.
struct Line {
    format: Format,
    clock: fn() -> WallTime,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let level = *event.metadata().level();
        match self.format {
            Format::Journal => write!(to, "<{}>", priority(level))?,
            Format::Text { colour: true } => {
                write!(to, "\x1b[2m{}\x1b[0m {}{level:<5}\x1b[0m ", (self.clock)(), colour(level))?;
            }
            Format::Text { colour: false } | Format::Json => write!(to, "{} {level:<5} ", (self.clock)())?,
        }
        let mut words = Words::default();
        event.record(&mut words);
        // Our own events say what they are about; those of others need the name of the speaker.
        let target = event.metadata().target();
        if target != "evertoken" && !target.starts_with("evertoken::") {
            write!(to, "{target}: ")?;
        }
        writeln!(to, "{}{}", words.message, words.fields)
    }
}

/// syslog(3).
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        _ => "\x1b[2m",
    }
}

#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

impl Words {
    fn put(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            one_line(&mut self.message, value);
            return;
        }
        self.fields.push(' ');
        self.fields.push_str(field.name());
        self.fields.push('=');
        if value.is_empty() || value.contains([' ', '"', '=']) {
            self.fields.push('"');
            one_line(&mut self.fields, &value.replace('"', "'"));
            self.fields.push('"');
        } else {
            one_line(&mut self.fields, value);
        }
    }
}

/// One event is one line, whatever a server has put into its message.
fn one_line(to: &mut String, text: &str) {
    to.extend(text.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }));
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // Writing to a String does not fail; a Debug that does leaves what it has written.
        let _ = write!(text, "{value:?}");
        self.put(field, &text);
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, Options, Writing, layer, targets};
    use crate::engine::time::WallTime;
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex, PoisonError};
    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format, filter: Option<&str>) -> String {
        let memory = Memory::default();
        let writer = memory.clone();
        let clock = || WallTime::from_unix_seconds(1_795_273_445);
        let filter = filter.map(str::to_owned);
        let options =
            Options { level: LevelFilter::INFO, filter, format, clock, bounded: None, writing: Writing::Direct };
        let (targets, _) = targets(options.level, options.filter.as_deref());
        let subscriber =
            tracing_subscriber::registry().with(layer(&options, move || writer.clone()).with_filter(targets));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "evertoken::daemon", profile = "dev", attempt = 3, "refreshed");
            tracing::warn!(target: "evertoken", reason = %"two words", "an answer\nwith \x1b[31mcontrols");
            tracing::debug!(target: "evertoken", "not at this level");
            tracing::info!(target: "aws_config::profile", "SDK chatter");
            tracing::error!(target: "aws_config::profile", "an SDK's complaint");
            tracing::error!(target: "aws_config::meta::credentials::chain", "an answer with keys in it");
            tracing::error!(target: "aws_config::imds::client", "an answer with keys in it");
        });
        let bytes = memory.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn text_is_one_line_per_event_whatever_is_in_it() {
        assert_eq!(
            logged(Format::Text { colour: false }, None),
            "2026-11-21T15:04:05Z INFO  refreshed profile=dev attempt=3\n\
             2026-11-21T15:04:05Z WARN  an answer with  [31mcontrols reason=\"two words\"\n\
             2026-11-21T15:04:05Z ERROR aws_config::profile: an SDK's complaint\n"
        );
    }

    #[test]
    fn colours_only_where_they_are_asked_for() {
        let first = logged(Format::Text { colour: true }, None).lines().next().unwrap_or_default().to_owned();
        assert_eq!(first, "\x1b[2m2026-11-21T15:04:05Z\x1b[0m \x1b[32mINFO \x1b[0m refreshed profile=dev attempt=3");
    }

    #[test]
    fn journald_gets_priorities_and_no_time() {
        assert_eq!(
            logged(Format::Journal, None),
            "<6>refreshed profile=dev attempt=3\n\
             <4>an answer with  [31mcontrols reason=\"two words\"\n\
             <3>aws_config::profile: an SDK's complaint\n"
        );
    }

    #[test]
    fn json_is_one_object_per_event() {
        let text = logged(Format::Json, None);
        let events: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
        assert_eq!(events.len(), 3);
        assert_eq!(events[0]["message"], "refreshed");
        assert_eq!(events[0]["profile"], "dev");
        assert_eq!(events[0]["timestamp"], "2026-11-21T15:04:05Z");
    }

    #[test]
    fn a_filter_replaces_the_usual_and_a_bad_one_is_told() {
        let text = logged(Format::Journal, Some("evertoken::daemon=info"));
        assert_eq!(text, "<6>refreshed profile=dev attempt=3\n");
        // What would show answers as they came stays out, whatever is asked for.
        for filter in ["trace", "aws_config=trace", "aws_config::meta::credentials=trace", "aws_config::imds=trace"] {
            let text = logged(Format::Journal, Some(filter));
            assert!(!text.contains("keys in it"), "{filter}: {text}");
        }
        let (_, complaint) = targets(LevelFilter::INFO, Some("evertoken=loud"));
        assert!(complaint.is_some_and(|text| text.starts_with("EVERTOKEN_LOG is ignored, \"evertoken=loud\"")));
        assert_eq!(targets(LevelFilter::INFO, Some(" ")), (targets(LevelFilter::INFO, None).0, None));
    }

    #[test]
    fn another_stream_than_the_told_one_is_not_the_journal() {
        for told in [None, Some(""), Some("8"), Some("8:x"), Some("0:0")] {
            assert!(!super::is_journal(told), "{told:?}");
        }
    }
}
