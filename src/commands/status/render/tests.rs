//! Whole reports, as a person or a script sees them.

use super::{Style, render};
use crate::commands::output::Surface;
use crate::engine::status::{Daemon, Profile, State, Status, Trouble, VERSION};
use crate::engine::time::WallTime;
use jiff::tz::{TimeZone, offset};

const TERMINAL: Surface = Surface { terminal: true, colour: false, width: 80, height: 24 };

fn show(status: &Status, surface: Surface) -> String {
    let now = WallTime::parse("2026-11-21T14:20:00Z").expect("a time");
    render(status, now, &Style { surface, zone: TimeZone::fixed(offset(1)), version: "0.1.0" })
}

fn profile(name: &str, state: State, left: Option<i64>, error: Option<Trouble>) -> Profile {
    let now = WallTime::parse("2026-11-21T14:20:00Z").expect("a time");
    Profile {
        profile: name.to_owned(),
        role_arn: Some("arn:aws:iam::111122223333:role/team/Developer".to_owned()),
        source: "base".to_owned(),
        store: "shared".to_owned(),
        state,
        expires: left.map(|left| WallTime::from_unix_seconds(now.unix_seconds() + left).to_string()),
        expires_in_seconds: left,
        next_refresh: Some("2026-11-21T14:50:00Z".to_owned()),
        last_refresh: Some("2026-11-21T14:00:00Z".to_owned()),
        error,
    }
}

fn trouble(class: &str, code: Option<&str>, message: &str, fix: Option<&str>, attempts: u32) -> Trouble {
    Trouble {
        class: class.to_owned(),
        code: code.map(str::to_owned),
        message: message.to_owned(),
        fix: fix.map(str::to_owned),
        since: "2026-11-21T13:12:00Z".to_owned(),
        attempts,
    }
}

fn status(daemon: Daemon, profiles: Vec<Profile>) -> Status {
    Status {
        version: VERSION,
        config: "/home/me/.config/evertoken/config.toml".to_owned(),
        credentials_file: "/home/me/.aws/credentials".to_owned(),
        clock_skew_seconds: 0,
        daemon,
        profiles,
    }
}

fn running() -> Daemon {
    Daemon {
        running: true,
        responding: true,
        pid: Some(4242),
        version: Some("0.1.0".to_owned()),
        since: Some("2026-11-21T08:12:00Z".to_owned()),
        next_wakeup: Some("2026-11-21T14:50:00Z".to_owned()),
    }
}

fn morning() -> Status {
    let login = || trouble("source", None, "the SSO session corp is over", Some("aws sso login --sso-session corp"), 4);
    let denied = "User: arn:aws:iam::111122223333:user/me is not authorized to perform: sts:AssumeRole on resource: \
                  arn:aws:iam::111122223333:role/team/Developer";
    let denied = trouble("refused", Some("AccessDenied"), denied, None, 1);
    let mut publish = profile("sso-admin", State::Expired, Some(-300), Some(login()));
    publish.role_arn = None;
    publish.source = "sso-admin-source".to_owned();
    let mut never = profile("never", State::Refused, None, Some(denied));
    never.next_refresh = None;
    status(
        running(),
        vec![
            profile("dev", State::Fresh, Some(2_639), None),
            profile("prod-read", State::Waiting, Some(7_559), Some(login())),
            never,
            publish,
            profile("ci", State::Fresh, Some(59), None),
        ],
    )
}

#[test]
fn a_terminal_gets_a_table_by_urgency_and_troubles_by_cause() {
    assert_eq!(
        show(&morning(), TERMINAL),
        "\
PROFILE    STATE    LEFT    UNTIL     NEXT   ROLE
sso-admin  expired  ended   15:15:00  15:50  from sso-admin-source
prod-read  waiting  2h 05m  17:25     15:50  Developer in 111122223333
never      refused  none    -         -      Developer in 111122223333
ci         fresh    59s     15:20:59  15:50  Developer in 111122223333
dev        fresh    43m     16:03     15:50  Developer in 111122223333

sso-admin, prod-read: source since 14:12, 4 attempts
  the SSO session corp is over
  fix: aws sso login --sso-session corp

never: refused (AccessDenied) since 14:12, 1 attempt
  User: arn:aws:iam::111122223333:user/me is not authorized to perform:
  sts:AssumeRole on resource: arn:aws:iam::111122223333:role/team/Developer

evertoken 0.1.0 is running since 09:12 (pid 4242), wakes at 15:50.
"
    );
}

#[test]
fn a_pipe_gets_lines_with_whole_times() {
    assert_eq!(
        show(&morning(), Surface::PLAIN),
        "\
sso-admin expired expires=2026-11-21T14:15:00Z expires_in_seconds=-300 next_refresh=2026-11-21T14:50:00Z store=shared source=sso-admin-source
prod-read waiting expires=2026-11-21T16:25:59Z expires_in_seconds=7559 next_refresh=2026-11-21T14:50:00Z store=shared source=base role_arn=arn:aws:iam::111122223333:role/team/Developer
never refused store=shared source=base role_arn=arn:aws:iam::111122223333:role/team/Developer
ci fresh expires=2026-11-21T14:20:59Z expires_in_seconds=59 next_refresh=2026-11-21T14:50:00Z store=shared source=base role_arn=arn:aws:iam::111122223333:role/team/Developer
dev fresh expires=2026-11-21T15:03:59Z expires_in_seconds=2639 next_refresh=2026-11-21T14:50:00Z store=shared source=base role_arn=arn:aws:iam::111122223333:role/team/Developer
trouble: sso-admin,prod-read: source since 2026-11-21T13:12:00Z, 4 attempts: the SSO session corp is over
fix: aws sso login --sso-session corp
trouble: never: refused (AccessDenied) since 2026-11-21T13:12:00Z, 1 attempt: User: arn:aws:iam::111122223333:user/me is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/team/Developer
daemon: running, pid 4242
"
    );
}

#[test]
fn colours_stand_around_the_state_and_nothing_else_moves() {
    let coloured = show(&morning(), Surface { colour: true, ..TERMINAL });
    assert!(coloured.contains("sso-admin  \x1b[1;31mexpired\x1b[0m  ended "), "{coloured}");
    let mut bare = coloured;
    for code in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[1;31m", "\x1b[1;33m"] {
        bare = bare.replace(code, "");
    }
    assert_eq!(bare, show(&morning(), TERMINAL));
}

#[test]
fn a_line_of_the_table_fits_the_terminal() {
    let mut long = profile(&"p".repeat(64), State::Retrying, Some(86_399), None);
    long.next_refresh = Some("2026-11-24T14:50:00Z".to_owned());
    long.expires = Some("2026-12-24T14:50:00Z".to_owned());
    long.role_arn = Some(format!("arn:aws:iam::111122223333:role/{}", "R".repeat(64)));
    for width in [40, 80, 100, 200] {
        let text = show(&status(running(), vec![long.clone()]), Surface { width, ..TERMINAL });
        let widest = text.lines().take(2).map(|line| line.chars().count()).max();
        assert!(widest <= Some(width.max(72)), "{width}: {text}");
    }
    assert_eq!(
        show(&status(running(), vec![long]), TERMINAL).lines().nth(1),
        Some("ppppppppppppppppppppppppppp…  retrying  23h 59m  2026-12-24  Tue 15:50")
    );
}

#[test]
fn a_daemon_that_is_down_or_stuck_or_old_is_said_with_the_command() {
    let tail = |daemon: Daemon| {
        let text = show(&status(daemon, vec![profile("dev", State::Fresh, Some(2_639), None)]), TERMINAL);
        text.split_once("\n\n").map(|(_, tail)| tail.to_owned()).unwrap_or_default()
    };
    let (start, restart) = if cfg!(target_os = "macos") {
        let start = "launchctl kickstart gui/$(id -u)/io.evertoken.agent";
        (start, "launchctl kickstart -k gui/$(id -u)/io.evertoken.agent")
    } else {
        ("systemctl --user start evertoken", "systemctl --user restart evertoken")
    };
    let down = format!("evertoken is not running: nothing is refreshed.\n  fix: {start}\n");
    assert_eq!(tail(Daemon::default()), down);
    assert_eq!(
        tail(Daemon { responding: false, next_wakeup: Some("2026-11-21T14:15:00Z".to_owned()), ..running() }),
        format!("evertoken 0.1.0 (pid 4242) is not responding: it meant to wake at 15:15:00.\n  fix: {restart}\n")
    );
    assert_eq!(
        tail(Daemon { version: Some("0.0.9".to_owned()), ..running() }),
        format!(
            "evertoken 0.0.9 is running since 09:12 (pid 4242), wakes at 15:50.\n\
             It is still version 0.0.9, this binary is 0.1.0.\n  fix: {restart}\n"
        )
    );
    for newer in ["0.1.0", "0.10.0", "1.0.0"] {
        assert!(!tail(Daemon { version: Some(newer.to_owned()), ..running() }).contains("still"), "{newer}");
    }
}

#[test]
fn a_clock_that_is_off_is_said_and_the_terminal_is_not_told_what_to_do() {
    let odd = trouble("refused", None, "no\x1b]0;title\x07 way\nat all", None, 2);
    let mut status = status(running(), vec![profile("dev", State::Refused, Some(2_639), Some(odd))]);
    status.clock_skew_seconds = -180;
    let text = show(&status, TERMINAL);
    assert!(text.contains("  no ]0;title way at all\n"), "{text}");
    assert!(text.ends_with("The clock of this machine is 3m 00s ahead of that of AWS.\n"), "{text}");
    assert!(!show(&status, Surface::PLAIN).contains(['\x1b', '\x07']));
}
