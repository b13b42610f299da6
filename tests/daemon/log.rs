//! A log that nobody reads: a pipe whose reader is busy, a terminal that is paused.

use crate::workstation::{BOUND, Workstation, signal_to, within};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::Signal;
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write, pipe};
use std::process::{Child, Stdio};

/// A pipe in which there is no room.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = pipe().expect("a pipe");
    let flags = fcntl_getfl(&writer).expect("its flags");
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("it can be seen to be full");
    while writer.write(&[b'\n'; 512]).is_ok() {}
    fcntl_setfl(&writer, flags).expect("as it was");
    (reader, writer)
}

fn launch(workstation: &Workstation, log: PipeWriter) -> Child {
    workstation.command(&["run"]).stdout(Stdio::null()).stderr(log).spawn().expect("evertoken starts")
}

fn end(mut daemon: Child) -> Option<i32> {
    signal_to(daemon.id(), Signal::TERM);
    let mut ended = None;
    if !within(BOUND, || {
        ended = daemon.try_wait().expect("a child");
        ended.is_some()
    }) {
        daemon.kill().and_then(|()| daemon.wait()).expect("it ends");
    }
    ended.and_then(|status| status.code())
}

#[test]
fn a_log_that_nobody_reads_stops_neither_the_refreshes_nor_the_end() {
    let workstation = Workstation::new(600).role("dev").furnish();
    let (_unread, log) = full_pipe();
    let daemon = launch(&workstation, log);
    let refreshed = within(BOUND, || workstation.holds("dev"));
    assert_eq!(end(daemon), Some(0));
    assert!(refreshed, "the session was never stored");
}

#[test]
fn what_nobody_has_read_yet_is_read_later_to_the_last_line() {
    let workstation = Workstation::new(600).role("dev").furnish();
    let (unread, log) = full_pipe();
    let daemon = launch(&workstation, log);
    workstation.wait("the session", || workstation.holds("dev"));
    let reading = std::thread::spawn(move || {
        BufReader::new(unread).lines().map_while(Result::ok).filter(|line| !line.is_empty()).collect::<Vec<_>>()
    });
    assert_eq!(end(daemon), Some(0));
    let lines = reading.join().expect("no panic");
    assert!(lines.first().is_some_and(|line| line.contains("keeping sessions fresh")), "{lines:?}");
    // The order of these two is that of two threads: the session stands in the file before it is told.
    let last = &lines[lines.len().saturating_sub(2)..];
    for word in ["stopping", "fresh profile=dev"] {
        assert!(last.iter().any(|line| line.contains(word)), "{word}: {lines:?}");
    }
}
