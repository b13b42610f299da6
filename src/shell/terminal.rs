//! Asks the person at the terminal for something that nobody else shall see. Puts the terminal back as it was.

use crate::engine::secret::Secret;
use crate::shell::signals::{Doorbell, Interrupted};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, IsTerminal, Stdin, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;
use zeroize::Zeroizing;

/// The longest answer that is taken.
const LONGEST: usize = 256;

/// Whether there is a person to ask: standard input is a terminal.
pub fn is_there() -> bool {
    io::stdin().is_terminal()
}

/// What a person answered.
#[derive(Debug)]
pub enum Answer {
    /// This.
    Typed(Secret),
    /// Nothing (Ctrl-D), or nobody is there any more.
    Nothing,
    /// That all of this shall end (Ctrl-C).
    Stop,
}

/// Asks, without showing what is typed. The question goes to standard error. A signal that ends the process ends it only
/// once the terminal is as it was.
///
/// # Errors
/// When standard input is no terminal, or has gone.
pub fn ask_secretly(question: &str) -> io::Result<Answer> {
    let mut stderr = io::stderr();
    let doorbell = Doorbell::listen();
    // Ctrl-C must not end the process while it is so: the terminal would stay as it is then.
    let quiet = Quiet::start(io::stdin())?;
    stderr.write_all(question.as_bytes())?;
    stderr.flush()?;
    let answer = quiet.line(&doorbell);
    drop(quiet);
    stderr.write_all(b"\n")?;
    answer.unwrap_or_else(|interrupted| {
        interrupted.end_the_process();
        Ok(Answer::Stop)
    })
}

/// Asks a question that is answered by yes or no; anything but `y` or `yes` is a no. The question goes to standard error.
///
/// # Errors
/// When the terminal has gone.
pub fn agrees(question: &str) -> io::Result<bool> {
    let mut stderr = io::stderr();
    stderr.write_all(format!("{question} [y/N] ").as_bytes())?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// A terminal that does not show what is typed and hands keys on one by one, until this is dropped. Ctrl-C works on.
#[derive(Debug)]
pub struct Hushed(Option<Quiet>);

impl Hushed {
    /// Where standard input is no terminal there is nothing to do.
    ///
    /// # Errors
    /// When the terminal has gone.
    pub fn start() -> io::Result<Self> {
        if !is_there() {
            return Ok(Self(None));
        }
        Quiet::without(io::stdin(), LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON).map(|it| Self(Some(it)))
    }

    /// Waits until `other` can be read, a key is typed, or the time is over, and answers with the key.
    ///
    /// # Errors
    /// When the terminal has gone.
    pub fn key_or(&self, other: BorrowedFd<'_>, limit: Duration) -> io::Result<Option<u8>> {
        let limit = Timespec::try_from(limit).ok();
        let mut ready = vec![PollFd::from_borrowed_fd(other, PollFlags::IN)];
        ready.extend(self.0.as_ref().map(|quiet| PollFd::new(&quiet.stdin, PollFlags::IN)));
        match poll(&mut ready, limit.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let (Some(quiet), Some(keys)) = (&self.0, ready.get(1)) else { return Ok(None) };
        if !keys.revents().contains(PollFlags::IN) {
            return Ok(None);
        }
        let mut key = [0];
        match read(&quiet.stdin, &mut key) {
            Ok(1) => Ok(Some(key[0])),
            Ok(_) | Err(Errno::INTR | Errno::AGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A terminal without echo, and with keys that come one by one.
#[derive(Debug)]
struct Quiet {
    stdin: Stdin,
    before: Termios,
}

impl Quiet {
    fn start(stdin: Stdin) -> io::Result<Self> {
        Self::without(stdin, LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG)
    }

    fn without(stdin: Stdin, modes: LocalModes) -> io::Result<Self> {
        let before = tcgetattr(&stdin)?;
        let mut after = before.clone();
        after.local_modes -= modes;
        // What was typed ahead was shown: it is no answer to this question.
        tcsetattr(&stdin, OptionalActions::Flush, &after)?;
        Ok(Self { stdin, before })
    }

    fn line(&self, doorbell: &Doorbell) -> Result<io::Result<Answer>, Interrupted> {
        // Never grows: a copy left behind would not be wiped.
        let mut typed = Zeroizing::new(String::with_capacity(LONGEST));
        let mut key = Zeroizing::new([0_u8]);
        loop {
            doorbell.wait_for(self.stdin.as_fd())?;
            match read(&self.stdin, key.as_mut_slice()) {
                Err(Errno::INTR) => continue,
                Err(error) => return Ok(Err(error.into())),
                Ok(0) => return Ok(Ok(Answer::Nothing)),
                Ok(_) => {}
            }
            match key[0] {
                b'\r' | b'\n' => return Ok(Ok(Answer::Typed(Secret::new(typed.as_str())))),
                // Ctrl-C.
                3 => return Ok(Ok(Answer::Stop)),
                // Ctrl-D.
                4 => return Ok(Ok(Answer::Nothing)),
                // Backspace, delete.
                8 | 127 => drop(typed.pop()),
                // Ctrl-U.
                21 => typed.clear(),
                byte if byte.is_ascii() && typed.len() < LONGEST => typed.push(char::from(byte)),
                _ => {}
            }
        }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing put back.
        let _gone = tcsetattr(&self.stdin, OptionalActions::Now, &self.before);
    }
}
