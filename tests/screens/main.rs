//! What `status` shows, as files beside this one that a person can read: each is what the real renderer makes of a
//! workstation at a fixed time. `EVERTOKEN_WRITE_SCREENS=1 cargo test --test screens` writes them anew; then look at them.
#![expect(clippy::disallowed_methods, clippy::expect_used, reason = "a test reads files and fails loudly")]

mod scenes;

use evertoken::commands::output::Surface;
use evertoken::commands::status::render::{Style, render};
use evertoken::engine::invocation::Invocation;
use evertoken::engine::status::{Daemon, State, Status};
use jiff::tz::{TimeZone, offset};
use scenes::{five, forty, now, one, profile, retrying, running, status, trouble, twenty, unwritten, with};
use std::path::Path;
use std::{env, fs};
use unicode_width::UnicodeWidthStr;

fn terminal(width: usize) -> Surface {
    Surface { terminal: true, colour: false, width, height: 24 }
}

fn show(status: &Status, surface: Surface, rows: Option<usize>) -> String {
    let start = "systemctl --user start evertoken";
    let (zone, invocation) = (TimeZone::fixed(offset(1)), Invocation::default());
    render(status, &[], now(), &Style { surface, rows, zone, version: "0.1.0", start, invocation })
}

/// Escape sequences as words, so that the file can be read.
fn spelled(text: &str) -> String {
    let inks = [
        ("\x1b[0m", "</>"),
        ("\x1b[1m", "<bold>"),
        ("\x1b[2m", "<dim>"),
        ("\x1b[31m", "<red>"),
        ("\x1b[32m", "<green>"),
        ("\x1b[33m", "<yellow>"),
        ("\x1b[1;31m", "<bold red>"),
        ("\x1b[1;33m", "<bold yellow>"),
    ];
    inks.iter().fold(text.to_owned(), |text, (sequence, word)| text.replace(sequence, word))
}

fn bare(text: &str) -> String {
    let mut bare = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        bare.push_str(before);
        rest = after.split_once('m').expect("the end of a sequence").1;
    }
    bare + rest
}

/// Compares with the file; the commands that it names are those of Linux.
fn compare(name: &str, shown: &str) {
    let shown = shown
        .replace("launchctl kickstart -k gui/$(id -u)/io.evertoken.agent", "systemctl --user restart evertoken")
        .replace("launchctl kickstart gui/$(id -u)/io.evertoken.agent", "systemctl --user start evertoken");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens").join(name);
    if env::var_os("EVERTOKEN_WRITE_SCREENS").is_some() {
        fs::write(&path, &shown).expect("a written screen");
    }
    let expected = fs::read_to_string(&path).expect("a screen");
    assert!(shown == expected, "{name} is not what it was, but\n{shown}");
}

#[test]
fn every_screen_looks_as_it_was_judged_good() {
    for (profiles, status) in [(1, one()), (5, five()), (20, twenty()), (40, forty())] {
        for width in [60, 80, 120] {
            let plain = show(&status, terminal(width), None);
            compare(&format!("{profiles}-at-{width}.txt"), &plain);
            let coloured = show(&status, Surface { colour: true, ..terminal(width) }, None);
            assert_eq!(bare(&coloured), plain, "colours move nothing");
            compare(&format!("{profiles}-at-{width}-colour.txt"), &spelled(&coloured));
        }
        compare(&format!("{profiles}-in-a-pipe.txt"), &show(&status, Surface::PLAIN, None));
    }
}

#[test]
fn a_watched_screen_never_needs_more_rows_than_there_are() {
    compare("40-watched-in-24-rows.txt", &show(&forty(), terminal(80), Some(24)));
    for status in [one(), five(), twenty(), forty()] {
        let whole = show(&status, terminal(80), None);
        for rows in 12..100 {
            let shown = show(&status, terminal(80), Some(rows));
            let height = shown.lines().count();
            assert!(height <= rows, "{rows}: {height}\n{shown}");
            assert_eq!(shown == whole, whole.lines().count() <= rows, "{rows}:\n{shown}");
            assert!(shown.contains("evertoken 0.1.0 runs"), "{rows}:\n{shown}");
        }
    }
}

#[test]
fn no_line_is_wider_than_the_terminal_but_what_is_to_be_copied() {
    for width in 20..=200 {
        for status in [one(), five(), twenty(), forty()] {
            let shown = show(&status, terminal(width), None);
            let fixes = |line: &&str| !line.trim_start().starts_with('→') && !line.starts_with("    ");
            for line in shown.lines().filter(fixes) {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }
}

#[test]
fn a_command_is_told_in_one_line_however_long() {
    let mut status = unwritten();
    let command = "evertoken --config '/srv/a rather long  name/with blanks in it.toml' login base-mfa";
    for fix in [command.to_owned(), format!("ask the owner of the role to let you assume it; then: {command}")] {
        for trouble in status.profiles.iter_mut().filter_map(|profile| profile.error.as_mut()) {
            trouble.fix = Some(fix.clone());
        }
        let shown = show(&status, terminal(40), None);
        assert!(shown.lines().any(|line| line.ends_with(command)), "{shown}");
    }
}

#[test]
fn a_daemon_that_is_down_or_stuck_or_old_is_said_with_the_command() {
    let stuck = Daemon { responding: false, next_wakeup: Some("2026-11-23T14:15:00Z".to_owned()), ..running() };
    let old = Daemon { version: Some("0.0.9".to_owned()), ..running() };
    for (name, daemon) in [("down", Daemon::default()), ("stuck", stuck), ("old", old)] {
        let status = Status { daemon, ..retrying() };
        compare(&format!("daemon-{name}.txt"), &show(&status, terminal(80), None));
        compare(&format!("daemon-{name}-in-a-pipe.txt"), &show(&status, Surface::PLAIN, None));
    }
    for newer in ["0.1.0", "0.10.0", "1.0.0"] {
        let daemon = Daemon { version: Some(newer.to_owned()), ..running() };
        assert!(!show(&status(daemon, Vec::new()), terminal(80), None).contains("still"), "{newer}");
    }
}

#[test]
fn what_is_only_seen_in_the_files_has_no_beginning_and_no_attempts() {
    let status = unwritten();
    compare("unwritten.txt", &show(&status, terminal(80), None));
    compare("unwritten-in-a-pipe.txt", &show(&status, Surface::PLAIN, None));
}

#[test]
fn a_clock_that_is_off_is_said_and_the_terminal_is_not_told_what_to_do() {
    let odd = trouble("refused", None, "no\x1b]0;title\x07 way\nat all", None);
    let mut status = status(running(), vec![with(odd, profile("dev", "Developer", State::Refused, Some(2_639)))]);
    status.clock_skew_seconds = -180;
    let text = show(&status, terminal(80), None);
    assert!(text.contains("no ]0;title way at all: dev is refused since Fri 18:02"), "{text}");
    assert!(text.ends_with("The clock of this machine is 3m 00s ahead of that of AWS.\n"), "{text}");
    assert!(!show(&status, Surface::PLAIN, None).contains(['\x1b', '\x07']));
}

#[test]
fn the_same_refusal_of_twenty_roles_is_one_trouble() {
    for surface in [terminal(80), Surface::PLAIN] {
        let text = show(&twenty(), surface, None);
        assert_eq!(text.matches("is not authorized").count(), 1, "{text}");
        assert!(!text.contains("evertoken refresh team"), "{text}");
    }
    // One of them alone is told in its own words.
    let mut status = twenty();
    status.profiles.drain(1..20);
    assert!(show(&status, Surface::PLAIN, None).contains("then: evertoken refresh team-01\n"));
}

/// The columns that scripts count on, whatever there is to tell.
#[test]
fn a_pipe_gets_the_same_columns_for_every_profile() {
    let keys = ["expires", "expires_in_seconds", "next_refresh", "store", "role_arn", "source"];
    for status in [one(), five(), twenty(), forty()] {
        let text = show(&status, Surface::PLAIN, None);
        let (rows, comments): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| !line.starts_with('#'));
        assert_eq!(rows.len(), status.profiles.len());
        assert!(comments.iter().all(|line| line.starts_with("# ")));
        for row in rows {
            let words: Vec<&str> = row.splitn(8, ' ').collect();
            let named: Vec<&str> = words[2..].iter().filter_map(|word| Some(word.split_once('=')?.0)).collect();
            assert_eq!(named, keys, "{row}");
        }
    }
}
