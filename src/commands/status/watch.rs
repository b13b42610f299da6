//! `status --watch`: the report on a screen of its own, drawn again where it changes, until somebody has seen enough. Says
//! nothing while nothing changes, and leaves the terminal as it was.

use crate::commands::ending::{Ending, FINE};
use crate::commands::output::{Output, Surface};
use crate::shell::terminal::Hushed;
use signal_hook::consts::{SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::low_level::{emulate_default_handler, pipe};
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// The alternate screen, so that the history above stays as it was, without a cursor. No line is continued on the next
/// row either: the page must not scroll.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Draws until `q`, Ctrl-C, TERM, or the terminal has gone, and ends with what was drawn last: `draw` gives the page and the
/// exit code that goes with it. The surface is asked for each time, since windows change.
pub(super) fn run<W: Write>(
    surface: impl Fn() -> Surface,
    draw: impl Fn(Surface) -> (String, u8),
    output: &mut Output<W>,
) -> Result<u8, Ending> {
    let failed = |error: io::Error| Ending::failed(format!("watch on this terminal: {error}"));
    let mut wishes = Wishes::listen().map_err(failed)?;
    let mut hushed = Hushed::start().map_err(failed)?;
    output.text(ENTER)?;
    let mut canvas = Canvas::default();
    let mut code = FINE;
    let ended = loop {
        let surface = surface();
        if !surface.terminal || output.is_closed() {
            break Ok(code);
        }
        let page;
        (page, code) = draw(surface);
        let change = canvas.change(&page, surface);
        if let Err(error) = if change.is_empty() { Ok(()) } else { output.text(&change) } {
            break Err(Ending::from(error));
        }
        match wishes.wait(&hushed) {
            Ok(Wish::Look) => {}
            Ok(Wish::End) => break Ok(code),
            Ok(Wish::Suspend) => {
                output.text(LEAVE)?;
                drop(hushed);
                emulate_default_handler(SIGTSTP).map_err(failed)?;
                hushed = Hushed::start().map_err(failed)?;
                output.text(ENTER)?;
                canvas = Canvas::default();
            }
            Err(error) => break Err(failed(error)),
        }
    };
    output.text(LEAVE)?;
    ended
}

/// What stands on the screen.
#[derive(Default)]
struct Canvas {
    size: (usize, usize),
    rows: Vec<String>,
}

impl Canvas {
    /// What to send so that the screen shows this text, as far as there are rows: only the rows that differ, and nothing
    /// when none does. Each row is cleared before it is written: behind a full row the cursor stands on its last column.
    fn change(&mut self, text: &str, surface: Surface) -> String {
        let rows: Vec<String> = text.lines().take(surface.height).map(str::to_owned).collect();
        let mut change = String::new();
        if self.size != (surface.width, surface.height) {
            // The terminal may have moved what stood there.
            change.push_str("\x1b[H\x1b[2J");
            self.rows.clear();
            self.size = (surface.width, surface.height);
        }
        for (index, row) in rows.iter().enumerate().filter(|(index, row)| self.rows.get(*index) != Some(row)) {
            // Writing to a String cannot fail.
            let _ = write!(change, "\x1b[{};1H\x1b[2K{row}", index + 1);
        }
        if rows.len() < self.rows.len() {
            let _ = write!(change, "\x1b[{};1H\x1b[J", rows.len() + 1);
        }
        self.rows = rows;
        change
    }
}

/// What the person in front of the screen wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wish {
    /// Nothing: look again. The window may have another size.
    Look,
    /// The shell back, for a while.
    Suspend,
    /// The shell back.
    End,
}

/// The signals that carry wishes.
struct Wishes {
    waker: UnixStream,
    end: Arc<AtomicBool>,
    suspend: Arc<AtomicBool>,
}

impl Wishes {
    fn listen() -> io::Result<Self> {
        let (end, suspend) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        for (signal, wish) in [(SIGINT, &end), (SIGTERM, &end), (SIGTSTP, &suspend)] {
            signal_hook::flag::register(signal, Arc::clone(wish))?;
        }
        let (waker, writer) = UnixStream::pair()?;
        // After the flags: whoever is woken finds them set.
        for signal in [SIGINT, SIGTERM, SIGTSTP, SIGWINCH] {
            pipe::register(signal, writer.try_clone()?)?;
        }
        waker.set_nonblocking(true)?;
        Ok(Self { waker, end, suspend })
    }

    /// Waits for a wish, but not longer than the pause.
    fn wait(&mut self, hushed: &Hushed) -> io::Result<Wish> {
        let key = hushed.key_or(self.waker.as_fd(), PAUSE)?;
        while matches!(self.waker.read(&mut [0; 64]), Ok(1..)) {}
        let is_set = |wish: &AtomicBool| wish.swap(false, Ordering::Relaxed);
        Ok(if is_set(&self.end) || matches!(key, Some(b'q' | b'Q')) {
            Wish::End
        } else if is_set(&self.suspend) {
            Wish::Suspend
        } else {
            Wish::Look
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Canvas, Surface};

    fn surface(height: usize) -> Surface {
        Surface { terminal: true, colour: false, width: 80, height }
    }

    #[test]
    fn only_what_changed_is_sent_and_nothing_scrolls() {
        let mut canvas = Canvas::default();
        let first = "\x1b[H\x1b[2J\x1b[1;1H\x1b[2Ka\x1b[2;1H\x1b[2Kb\x1b[3;1H\x1b[2Kc";
        assert_eq!(canvas.change("a\nb\nc\nd\n", surface(3)), first);
        assert_eq!(canvas.change("a\nb\nc\nd\n", surface(3)), "");
        assert_eq!(canvas.change("a\nB\nc\nd\n", surface(3)), "\x1b[2;1H\x1b[2KB");
        assert_eq!(canvas.change("a\n", surface(3)), "\x1b[2;1H\x1b[J");
        assert_eq!(canvas.change("a\n", surface(4)), "\x1b[H\x1b[2J\x1b[1;1H\x1b[2Ka");
    }
}
