//! Unix signals become events in this file and nowhere else.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::backend::{OwningSignalIterator, PollResult, SignalDelivery};
use signal_hook::iterator::exfiltrator::SignalOnly;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::UnixStream;

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// HUP: read the config again.
    Reload,
    /// TERM or INT, or HUP after the terminal that it was started on has gone: finish what is being written, and end.
    Stop,
    /// USR1: refresh everything now.
    RefreshAll,
}

/// The signals of this process. A second TERM or INT does not come through here: it ends the process at once (130).
pub struct Signals {
    delivery: OwningSignalIterator<UnixStream, SignalOnly>,
    on_terminal: bool,
}

impl Signals {
    /// Takes over HUP, TERM, INT and USR1. Call it before any file is read. Needs a running tokio runtime.
    pub fn install() -> io::Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // In this order: the first one sets the flag after it was looked at, the second one finds it set.
            flag::register_conditional_shutdown(signal, 130, Arc::clone(&stopping))?;
            flag::register(signal, Arc::clone(&stopping))?;
        }
        let (read, write) = UnixStream::pair()?;
        let delivery =
            SignalDelivery::with_pipe(read, write.into_std()?, SignalOnly, [SIGHUP, SIGTERM, SIGINT, SIGUSR1])?;
        Ok(Self { delivery: OwningSignalIterator::new(delivery), on_terminal: has_terminal() })
    }

    /// The next order. Signals that come while nobody looks are merged.
    pub async fn next(&mut self) -> io::Result<Order> {
        let signal = poll_fn(|context| {
            let mut drained = |stream: &mut UnixStream| {
                let mut byte = [0u8; 1];
                match Pin::new(stream).poll_read(context, &mut ReadBuf::new(&mut byte)) {
                    Poll::Pending => Ok(false),
                    Poll::Ready(read) => read.map(|()| true),
                }
            };
            match self.delivery.poll_signal(&mut drained) {
                PollResult::Signal(signal) => Poll::Ready(Ok(signal)),
                PollResult::Pending => Poll::Pending,
                PollResult::Closed => Poll::Ready(Err(io::Error::from(io::ErrorKind::UnexpectedEof))),
                PollResult::Err(error) => Poll::Ready(Err(error)),
            }
        })
        .await?;
        Ok(match signal {
            SIGHUP if self.on_terminal && !has_terminal() => Order::Stop,
            SIGHUP => Order::Reload,
            SIGUSR1 => Order::RefreshAll,
            _ => Order::Stop,
        })
    }
}

/// Signals that tell a command to break off, which it notices when it looks: so that it can put away what it has made.
#[derive(Debug)]
pub struct Interruption(Arc<AtomicUsize>);

impl Interruption {
    /// Takes over INT, TERM and HUP. A second one ends the process at once, as it would have without this.
    ///
    /// # Errors
    /// When the operating system denies it.
    pub fn listen() -> io::Result<Self> {
        let (came, which) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        for (signal, number) in [(SIGINT, 2), (SIGTERM, 15), (SIGHUP, 1)] {
            flag::register_conditional_default(signal, Arc::clone(&came))?;
            flag::register(signal, Arc::clone(&came))?;
            flag::register_usize(signal, Arc::clone(&which), number)?;
        }
        Ok(Self(which))
    }

    /// The exit code for the signal that came, as shells count: 130 after INT, 143 after TERM, 129 after HUP.
    pub fn code(&self) -> Option<u8> {
        let signal = self.0.load(Ordering::Relaxed);
        u8::try_from(signal).ok().filter(|signal| *signal > 0).map(|signal| 128 + signal)
    }
}

/// Stops this process like TERM does as soon as nobody holds the other end of its standard input any more.
pub fn stop_with_stdin() {
    std::thread::spawn(|| {
        let _nothing_is_said_there = io::copy(&mut io::stdin(), &mut io::sink());
        let _cannot_fail = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM);
    });
}

/// Lets a write beyond the limit on file sizes (`ulimit -f`) fail like one to a full disk; unhandled, the signal that comes
/// with it ends the process. A handler, not "ignored": programs that this one starts get the usual back.
///
/// # Errors
/// When the operating system denies it.
pub fn outlive_file_size_limit() -> io::Result<()> {
    flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false))).map(drop)
}

/// Whether the process has a controlling terminal that is still there.
fn has_terminal() -> bool {
    rustix::fs::open(
        "/dev/tty",
        rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC | rustix::fs::OFlags::NOCTTY,
        rustix::fs::Mode::empty(),
    )
    .is_ok()
}
