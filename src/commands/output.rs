//! Standard output as the commands see it: a terminal or not, colours or not, and a closed pipe that ends quietly.
//! Never decides what is said.

use crate::engine::invocation::Invocation;
use std::io::{self, ErrorKind, IsTerminal, Write};

/// How wide a table may be where the terminal does not tell.
pub const USUAL_WIDTH: usize = 80;

/// What the reader's side can show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Surface {
    /// A person looks at it: tables, local times. Otherwise plain lines for tools.
    pub terminal: bool,
    /// Escape sequences for colours are welcome.
    pub colour: bool,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Surface {
    /// A pipe or a file.
    pub const PLAIN: Self = Self { terminal: false, colour: false, width: USUAL_WIDTH, height: usize::MAX };

    /// What standard output is connected to. `no_colour` is whether the environment wants none.
    pub fn of_stdout(no_colour: bool) -> Self {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return Self::PLAIN;
        }
        let size = rustix::termios::tcgetwinsize(&stdout).ok();
        let or = |cells: Option<u16>, usual: usize| cells.map_or(usual, usize::from);
        Self {
            terminal: true,
            colour: !no_colour,
            // Narrower than any table; no terminal that somebody reads.
            width: or(size.map(|s| s.ws_col).filter(|&n| n > 0), USUAL_WIDTH).max(20),
            height: or(size.map(|s| s.ws_row).filter(|&n| n > 0), 24),
        }
    }
}

/// Breaks between words so that each line fits into `width`; every line begins with `indent`. A word that is longer than a
/// line stays whole.
pub fn wrap(indent: &str, text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let length = lines.last().map_or(0, |line| line.chars().count());
        if length > 0 && indent.chars().count() + length + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else if let Some(last) = lines.last_mut() {
            if length > 0 {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines.iter().map(|line| format!("{indent}{line}\n")).collect()
}

/// Where a command writes. Once the reader has gone, whatever else is written goes nowhere, without an error.
#[derive(Debug)]
pub struct Output<W> {
    inner: W,
    closed: bool,
    invocation: Invocation,
}

impl<W: Write> Output<W> {
    /// Wraps a writer.
    pub fn new(inner: W) -> Self {
        Self { inner, closed: false, invocation: Invocation::default() }
    }

    /// The same for readers who have to call evertoken like this.
    #[must_use]
    pub fn for_callers(self, invocation: Invocation) -> Self {
        Self { invocation, ..self }
    }

    /// How the reader has to call evertoken.
    pub const fn invocation(&self) -> &Invocation {
        &self.invocation
    }

    /// Writes what is said to a person, whose commands are such that they can be followed to the letter, and flushes.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        let told = self.invocation.told(text);
        self.text(&told)
    }

    /// Writes and flushes.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.write_all(text.as_bytes())?;
        self.flush()
    }

    /// Whether the reader has gone.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    fn settle<T>(&mut self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(instead)
            }
            other => other,
        }
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        let result = self.inner.write(bytes);
        self.settle(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let result = self.inner.flush();
        self.settle(result, ())
    }
}

#[cfg(test)]
mod tests {
    use super::Output;
    use std::io::{Error, ErrorKind, Result, Write};

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> Result<usize> {
            Err(Error::from(self.0))
        }
        fn flush(&mut self) -> Result<()> {
            Err(Error::from(self.0))
        }
    }

    #[test]
    fn a_closed_pipe_is_no_error_and_a_full_disk_is_one() {
        let mut gone = Output::new(Failing(ErrorKind::BrokenPipe));
        assert!(gone.text("one\n").is_ok());
        assert!(gone.is_closed());
        assert!(gone.text("two\n").is_ok());

        let mut full = Output::new(Failing(ErrorKind::StorageFull));
        assert_eq!(full.text("one\n").map_err(|e| e.kind()), Err(ErrorKind::StorageFull));
        assert!(!full.is_closed());
    }
}
