//! The log of a process that must not wait for its reader: a pipe that nobody reads, or a terminal that is paused, holds up
//! whoever writes to it. One thread waits in its place; the others hand their lines over, and go on.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// So many lines wait for a reader at most: far more than one round of a long list says.
const MOST: usize = 1000;
/// A thread that formats a line and writes it needs no more.
const STACK: usize = 256 << 10;
/// How long the end of the process waits for a reader.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Lines on their way to the log. Cheap to clone; all clones are one queue.
#[derive(Clone, Debug)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// There is something to write.
    filled: Condvar,
    /// There is nothing left to write.
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    /// How many found no room, and were not told of yet.
    lost: u64,
    /// One is being written.
    is_writing: bool,
}

impl Waiting {
    fn is_over(&self) -> bool {
        self.lines.is_empty() && self.lost == 0 && !self.is_writing
    }
}

/// What the writing thread does next.
enum Next {
    Write(Vec<u8>),
    Tell(u64),
}

impl Queue {
    /// Starts the thread. It writes each line by `write`, and tells by `tell` how many were lost, once there is room again.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(super) fn start(
        mut write: impl FnMut(&[u8]) -> io::Result<()> + Send + 'static,
        tell: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Self(Arc::default());
        let theirs = queue.clone();
        let writing = move || {
            loop {
                match theirs.next() {
                    // What cannot be written is dropped, as by whoever writes for himself: there is nobody to tell.
                    Next::Write(line) => drop(write(&line)),
                    // This comes back as a line.
                    Next::Tell(lost) => tell(lost),
                }
            }
        };
        thread::Builder::new().name("log".to_owned()).stack_size(STACK).spawn(writing)?;
        Ok(queue)
    }

    /// Waits until everything is written, but not for ever; whether it was.
    pub(super) fn finish(&self) -> bool {
        let waiting = self.waiting();
        let ended = self.0.emptied.wait_timeout_while(waiting, LAST_WORDS, |waiting| !waiting.is_over());
        ended.unwrap_or_else(PoisonError::into_inner).0.is_over()
    }

    fn next(&self) -> Next {
        let mut waiting = self.waiting();
        waiting.is_writing = false;
        if waiting.is_over() {
            self.0.emptied.notify_all();
        }
        let nothing = |waiting: &mut Waiting| waiting.is_over();
        waiting = self.0.filled.wait_while(waiting, nothing).unwrap_or_else(PoisonError::into_inner);
        waiting.is_writing = true;
        // Told with room to spare, so that it is not lost itself, nor said of each line where they come too fast.
        if waiting.lost > 0 && waiting.lines.len() <= MOST / 2 {
            return Next::Tell(std::mem::take(&mut waiting.lost));
        }
        Next::Write(waiting.lines.pop_front().unwrap_or_default())
    }

    fn push(&self, line: &[u8]) {
        let mut waiting = self.waiting();
        if waiting.lines.len() < MOST {
            waiting.lines.push_back(line.to_owned());
            self.0.filled.notify_one();
        } else {
            waiting.lost = waiting.lost.saturating_add(1);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes one line: the subscriber writes each event at once.
pub(super) struct Place<'a>(&'a Queue);

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Place<'a>;

    fn make_writer(&'a self) -> Place<'a> {
        Place(self)
    }
}

impl Write for Place<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Queue};
    use std::sync::mpsc::{channel, sync_channel};
    use std::time::Duration;

    const BOUND: Duration = Duration::from_secs(30);

    #[test]
    fn nobody_waits_for_a_reader_and_what_found_no_room_is_counted() {
        // A reader who takes a line only when he is asked to.
        let (written, reader) = sync_channel::<String>(0);
        let (told, lost) = channel();
        let write =
            move |line: &[u8]| written.send(String::from_utf8_lossy(line).into_owned()).map_err(std::io::Error::other);
        let queue = Queue::start(write, move |lines| told.send(lines).expect("the test listens")).expect("a thread");
        queue.push(b"0");
        while !queue.waiting().lines.is_empty() {
            std::thread::yield_now();
        }
        let kept = MOST + 1;
        for number in 1..kept + 250 {
            queue.push(number.to_string().as_bytes());
        }
        assert!(!queue.finish(), "nobody has read anything");
        for number in 0..kept {
            assert_eq!(reader.recv_timeout(BOUND), Ok(number.to_string()));
        }
        assert_eq!(lost.recv_timeout(BOUND), Ok(250));
        assert!((0..30).any(|_| queue.finish()), "everything is written");
        queue.push(b"later");
        assert_eq!(reader.recv_timeout(BOUND).as_deref(), Ok("later"));
    }
}
