//! `status --watch`: the report once a second on a terminal of its own, until somebody has seen enough. Leaves the
//! terminal as it was.

use crate::commands::ending::{Ending, FINE};
use crate::commands::output::{Output, Surface};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// The alternate screen, so that the history above stays as it was.
/// No line is continued on the next row either: the frame must not scroll.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Draws until Ctrl-C, TERM, or the terminal has gone. The surface is asked for each time, since windows change.
pub(super) fn run<W: Write>(
    surface: impl Fn() -> Surface,
    draw: impl Fn(Surface) -> String,
    output: &mut Output<W>,
) -> Result<u8, Ending> {
    let mut enough = signals().map_err(|error| Ending::failed(format!("wait for Ctrl-C: {error}")))?;
    output.text(ENTER)?;
    loop {
        let surface = surface();
        output.text(&frame(&draw(surface), surface.height))?;
        if output.is_closed() || came(&mut enough)? {
            break;
        }
    }
    output.text(LEAVE)?;
    Ok(FINE)
}

/// One screen: from the top left, every line cleared to its end, nothing that would scroll.
fn frame(text: &str, height: usize) -> String {
    let mut frame = "\x1b[H".to_owned();
    for row in text.lines().take(height.saturating_sub(1)) {
        frame.push_str(row);
        frame.push_str("\x1b[K\n");
    }
    frame.push_str("\x1b[J");
    frame
}

fn signals() -> io::Result<UnixStream> {
    let (reader, writer) = UnixStream::pair()?;
    for signal in [SIGINT, SIGTERM] {
        pipe::register(signal, writer.try_clone()?)?;
    }
    reader.set_read_timeout(Some(PAUSE))?;
    Ok(reader)
}

/// Waits for a signal, but not longer than the pause.
fn came(signals: &mut UnixStream) -> io::Result<bool> {
    match signals.read(&mut [0]) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::frame;

    #[test]
    fn a_frame_never_scrolls() {
        assert_eq!(frame("a\nb\nc\n", 3), "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
        assert_eq!(frame("", 3), "\x1b[H\x1b[J");
    }
}
