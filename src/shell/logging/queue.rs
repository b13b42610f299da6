//! The log of a process that must not wait for its reader: a pipe that nobody reads, or a terminal that is paused, holds up
//! whoever writes to it. One thread waits in its place; the others hand their lines over, and go on.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// So many lines wait for a reader at most: far more than one round of a long list says.
const MOST: usize = 1000;
/// Lines that come so soon after another are written with it: to wake the thread for each of them cost a sixth of the
/// processor time of a refresh.
const GATHERED: Duration = Duration::from_millis(2);
/// A thread that writes lines needs no more.
const STACK: usize = 256 << 10;
/// How long the end of the process waits for a reader.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Lines on their way to the log. Cheap to clone; all clones are one queue.
#[derive(Clone, Debug)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// There is something to write, for a thread that sleeps; or it shall not gather any more.
    filled: Condvar,
    /// There is nothing left to write.
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    text: Vec<u8>,
    /// How many lines that is.
    lines: usize,
    /// How many found no room, and were not told of yet.
    lost: u64,
    /// What was taken out is being written.
    is_writing: bool,
    /// The thread sleeps until it is woken.
    is_asleep: bool,
    /// Somebody waits for the end.
    is_hurried: bool,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.lines == 0 && self.lost == 0
    }

    fn is_over(&self) -> bool {
        self.is_empty() && !self.is_writing
    }
}

impl Queue {
    /// Starts the thread. It writes lines by `write`, whole ones, and tells by `tell` how many were lost, once there is room
    /// again.
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
                let (text, lost) = theirs.next();
                if lost > 0 {
                    // This comes back as a line, the first one after those that found room.
                    tell(lost);
                }
                // What cannot be written is dropped, as by whoever writes for himself: there is nobody to tell.
                drop(write(&text));
            }
        };
        thread::Builder::new().name("log".to_owned()).stack_size(STACK).spawn(writing)?;
        Ok(queue)
    }

    /// Waits until everything is written, but not for ever; whether it was.
    pub(super) fn finish(&self) -> bool {
        let mut waiting = self.waiting();
        waiting.is_hurried = true;
        self.0.filled.notify_one();
        let ended = self.0.emptied.wait_timeout_while(waiting, LAST_WORDS, |waiting| !waiting.is_over());
        ended.unwrap_or_else(PoisonError::into_inner).0.is_over()
    }

    /// What is to be written next, and how many lines were lost after it.
    fn next(&self) -> (Vec<u8>, u64) {
        let mut waiting = self.waiting();
        waiting.is_writing = false;
        if waiting.is_empty() {
            self.0.emptied.notify_all();
        }
        waiting.is_asleep = true;
        waiting =
            self.0.filled.wait_while(waiting, |waiting| waiting.is_empty()).unwrap_or_else(PoisonError::into_inner);
        waiting.is_asleep = false;
        let gathers = |waiting: &mut Waiting| !waiting.is_hurried;
        let gathered = self.0.filled.wait_timeout_while(waiting, GATHERED, gathers);
        (waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        waiting.is_writing = true;
        waiting.lines = 0;
        (std::mem::take(&mut waiting.text), std::mem::take(&mut waiting.lost))
    }

    fn push(&self, line: &[u8]) {
        let mut waiting = self.waiting();
        if waiting.lines < MOST {
            waiting.text.extend_from_slice(line);
            waiting.lines += 1;
            if waiting.is_asleep {
                waiting.is_asleep = false;
                self.0.filled.notify_one();
            }
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
    use std::sync::mpsc::{Receiver, channel, sync_channel};
    use std::time::Duration;

    const BOUND: Duration = Duration::from_secs(30);

    /// A reader who takes what was written only when he is asked to, and who is told how many lines were lost.
    fn slow_reader() -> (Queue, Receiver<String>, Receiver<u64>) {
        let (written, reader) = sync_channel::<String>(0);
        let (told, lost) = channel();
        let write =
            move |text: &[u8]| written.send(String::from_utf8_lossy(text).into_owned()).map_err(std::io::Error::other);
        let queue = Queue::start(write, move |lines| told.send(lines).expect("the test listens")).expect("a thread");
        (queue, reader, lost)
    }

    #[test]
    fn nobody_waits_for_a_reader_and_what_found_no_room_is_counted() {
        let (queue, reader, lost) = slow_reader();
        queue.push(b"first\n");
        while queue.waiting().lines > 0 {
            std::thread::yield_now();
        }
        for number in 0..MOST + 250 {
            queue.push(format!("{number}\n").as_bytes());
        }
        assert!(!queue.finish(), "nobody has read anything");
        assert_eq!(reader.recv_timeout(BOUND).as_deref(), Ok("first\n"));
        let found_room: String = (0..MOST).map(|number| format!("{number}\n")).collect();
        assert_eq!(reader.recv_timeout(BOUND), Ok(found_room));
        assert_eq!(lost.recv_timeout(BOUND), Ok(250));
        assert!((0..30).any(|_| queue.finish()), "everything is written");
        queue.push(b"later\n");
        assert_eq!(reader.recv_timeout(BOUND).as_deref(), Ok("later\n"));
    }

    #[test]
    fn every_line_is_written_once_and_in_order_however_the_writers_and_the_thread_meet() {
        let (queue, reader, _) = slow_reader();
        let reading = std::thread::spawn(move || {
            let mut text = String::new();
            while !text.contains("last") {
                text += &reader.recv_timeout(BOUND).expect("lines come");
            }
            text
        });
        let mut told = String::new();
        for number in 0..500 {
            let line = format!("{number}\n");
            queue.push(line.as_bytes());
            told += &line;
            if number % 50 == 0 {
                // Sleeps on both sides of the time in which lines are gathered.
                std::thread::sleep(Duration::from_millis(number / 50));
            }
        }
        queue.push(b"last\n");
        assert_eq!(reading.join().expect("it reads"), told + "last\n");
    }
}
