//! Unix signals become events in this file and nowhere else.

use crate::shell::files::whole;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::backend::{OwningSignalIterator, PollResult, SignalDelivery};
use signal_hook::iterator::exfiltrator::SignalOnly;
use signal_hook::low_level::{emulate_default_handler, pipe};
use std::future::{pending, poll_fn};
use std::io::{self, Read};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream as Waker;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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
    /// Whether a terminal that goes takes us along: not where it was told to spare us (nohup).
    ends_with_terminal: bool,
}

impl Signals {
    /// Takes over HUP, TERM, INT and USR1. Call it before any file is read. Needs a running tokio runtime.
    pub fn install() -> io::Result<Self> {
        let ends_with_terminal = has_terminal() && !is_ignored(SIGHUP);
        let stopping = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // In this order: the first one sets the flag after it was looked at, the second one finds it set.
            flag::register_conditional_shutdown(signal, 130, Arc::clone(&stopping))?;
            flag::register(signal, Arc::clone(&stopping))?;
        }
        let (read, write) = UnixStream::pair()?;
        let delivery =
            SignalDelivery::with_pipe(read, write.into_std()?, SignalOnly, [SIGHUP, SIGTERM, SIGINT, SIGUSR1])?;
        Ok(Self { delivery: OwningSignalIterator::new(delivery), ends_with_terminal })
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
            SIGHUP if self.ends_with_terminal && !has_terminal() => Order::Stop,
            SIGHUP => Order::Reload,
            SIGUSR1 => Order::RefreshAll,
            _ => Order::Stop,
        })
    }
}

/// Stops this process like TERM does as soon as nobody holds the other end of its standard input any more.
pub fn stop_with_stdin() {
    std::thread::spawn(|| {
        let _nothing_is_said_there = io::copy(&mut io::stdin(), &mut io::sink());
        let _cannot_fail = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM);
    });
}

/// A command was told to end before its work was done (INT, TERM, HUP).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupted {
    signal: i32,
}

impl Interrupted {
    /// The exit code that a shell tells for it.
    pub fn code(self) -> u8 {
        u8::try_from(128 + self.signal).unwrap_or(u8::MAX)
    }

    /// Ends the process by this signal, so that a shell knows. Nothing is left to be put back by then.
    pub fn end_the_process(self) {
        // An unknown signal cannot have come.
        let _unknown = emulate_default_handler(self.signal);
    }
}

/// Signals that tell a command to break off, which it notices when it looks: so that it can put away what it has made.
pub struct Interruption(Interrupts);

impl Interruption {
    /// Takes over INT, TERM and HUP. A second one ends the process at once, as it would have without this.
    ///
    /// # Errors
    /// When the operating system denies it.
    pub fn listen() -> io::Result<Self> {
        Interrupts::listen().map(Self)
    }

    /// The exit code for the signal that came, once one has.
    pub fn code(&self) -> Option<u8> {
        self.0.heard().map(Interrupted::code)
    }
}

/// While this lives INT, TERM and HUP are heard instead of ending the process: the first one, for a second one does. One at
/// a time.
struct Interrupts(Arc<Ears>);

/// What hears them; there is no way to take a handler back, so there is one for the life of the process.
struct Ears {
    /// Whether they end the process, as usual.
    usual: Arc<AtomicBool>,
    heard: Arc<AtomicUsize>,
    waker: Waker,
}

static EARS: Mutex<Option<Arc<Ears>>> = Mutex::new(None);

impl Interrupts {
    fn listen() -> io::Result<Self> {
        let mut ears = EARS.lock().unwrap_or_else(PoisonError::into_inner);
        let ears = match &*ears {
            Some(ears) => Arc::clone(ears),
            None => Arc::clone(ears.insert(Arc::new(Ears::open()?))),
        };
        ears.usual.store(false, Ordering::Relaxed);
        Ok(Self(ears))
    }

    fn heard(&self) -> Option<Interrupted> {
        self.0.heard()
    }

    async fn next(&self) -> io::Result<Interrupted> {
        let waker = UnixStream::from_std(self.0.waker.try_clone()?)?;
        loop {
            if let Some(interrupted) = self.heard() {
                return Ok(interrupted);
            }
            waker.readable().await?;
            self.0.calm_down();
            // The reactor goes by what it was asked to read itself.
            let _nothing_left = waker.try_read(&mut [0; 16]);
        }
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.0.usual.store(true, Ordering::Relaxed);
    }
}

impl Ears {
    fn open() -> io::Result<Self> {
        let (usual, heard) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
        let (waker, writer) = Waker::pair()?;
        waker.set_nonblocking(true)?;
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            // Whoever started us may want it to mean nothing: nohup, a job in the background of a script.
            if is_ignored(signal) {
                continue;
            }
            flag::register_conditional_default(signal, Arc::clone(&usual))?;
            flag::register_usize(signal, Arc::clone(&heard), usize::try_from(signal).unwrap_or_default())?;
            // The next one is not waited for.
            flag::register(signal, Arc::clone(&usual))?;
            pipe::register(signal, writer.try_clone()?)?;
        }
        Ok(Self { usual, heard, waker })
    }

    fn heard(&self) -> Option<Interrupted> {
        i32::try_from(self.heard.load(Ordering::Relaxed))
            .ok()
            .filter(|signal| *signal != 0)
            .map(|signal| Interrupted { signal })
    }

    fn calm_down(&self) {
        while matches!((&self.waker).read(&mut [0; 16]), Ok(1..)) {}
    }
}

/// Does the work, or drops it when a signal says so. Whoever calls this cleans up then, and ends by that signal.
///
/// # Errors
/// With the signal.
pub async fn until_interrupted<T>(work: impl Future<Output = T>) -> Result<T, Interrupted> {
    // Without ears the signals do what they always do.
    let ears = Interrupts::listen().ok();
    let interrupted = async {
        match &ears {
            Some(ears) => match ears.next().await {
                Ok(interrupted) => interrupted,
                Err(_) => {
                    ears.0.usual.store(true, Ordering::Relaxed);
                    pending().await
                }
            },
            None => pending().await,
        }
    };
    tokio::select! {
        biased;
        interrupted = interrupted => Err(interrupted),
        done = work => Ok(done),
    }
}

/// The signal that has ended the work, once one has.
pub fn interrupted() -> Option<Interrupted> {
    EARS.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.heard()
}

/// Hears the signals while somebody waits for keys without tokio.
pub(crate) struct Doorbell(Option<Interrupts>);

impl Doorbell {
    /// Where there is none the signals do what they always do.
    pub(crate) fn listen() -> Self {
        Self(Interrupts::listen().ok())
    }

    /// Waits until there is something to read.
    ///
    /// # Errors
    /// With the signal that came instead.
    pub(crate) fn wait_for(&self, keys: BorrowedFd<'_>) -> Result<(), Interrupted> {
        loop {
            let mut ready = vec![PollFd::from_borrowed_fd(keys, PollFlags::IN)];
            ready.extend(self.0.as_ref().map(|it| PollFd::new(&it.0.waker, PollFlags::IN)));
            let polled = poll(&mut ready, None);
            if let Some(interrupted) = self.0.as_ref().and_then(Interrupts::heard) {
                return Err(interrupted);
            }
            match polled {
                Err(Errno::INTR) => {}
                // What is wrong with the keys is told to whoever reads them.
                Err(_) => return Ok(()),
                Ok(_) if ready[0].revents().is_empty() => {}
                Ok(_) => return Ok(()),
            }
        }
    }
}

/// Whether a signal was ignored already when this process was started, where the kernel tells (proc(5)).
fn is_ignored(signal: i32) -> bool {
    let status = whole::read(Path::new("/proc/self/status")).unwrap_or_default();
    ignores(&String::from_utf8_lossy(&status), signal)
}

fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask & (1 << (signal - 1)) != 0
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

#[cfg(test)]
mod tests {
    use super::{SIGHUP, SIGINT, SIGTERM, ignores};

    #[test]
    fn the_kernel_tells_which_signals_are_ignored() {
        let status =
            "Name:\tevertoken\nSigBlk:\t0000000000000003\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000004002\n";
        assert_eq!([SIGHUP, SIGINT, SIGTERM].map(|signal| ignores(status, signal)), [true, false, false]);
        assert!(!ignores("", SIGHUP));
    }
}
