//! Orders by signal: they are followed at once, whatever is under way.

use crate::workstation::{Workstation, let_pass};
use evertoken::emulator::{Fault, Rule};
use rustix::process::Signal;

#[test]
fn an_order_to_stop_does_not_wait_for_a_hanging_call() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
        let before = workstation.fingerprint();
        workstation.sts.inject(Rule::always(Fault::Hang));
        workstation.signal(Signal::USR1);
        workstation.wait("a hanging call", || workstation.sts.in_flight() == 1);
        workstation.signal(signal);
        workstation.wait("the order to be heard", || workstation.log().contains("stopping"));
        let (code, log) = workstation.ended();
        assert_eq!(code, Some(0), "{log}");
        // It gave up the call, instead of waiting for its bound: that would have been a failure to tell.
        assert!(!log.contains("unreachable"), "{log}");
        assert_eq!(workstation.fingerprint(), before);
        let status = workstation.status();
        assert_eq!(status["daemon"]["running"], false, "{status:#}");
        assert_eq!(workstation.evertoken(&["status"]).status.code(), Some(3));
    }
}

#[test]
fn a_second_order_to_stop_ends_it_at_once() {
    let mut workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    let before = workstation.fingerprint();
    workstation.sts.inject(Rule::always(Fault::Hang));
    workstation.signal(Signal::USR1);
    workstation.wait("a hanging call", || workstation.sts.in_flight() == 1);
    // The call keeps the first order busy for a second. Signals of a kind merge while they are pending, hence the two.
    workstation.signal(Signal::INT);
    workstation.wait("the first order to be heard", || workstation.log().contains("stopping"));
    workstation.signal(Signal::INT);
    let (code, log) = workstation.ended();
    assert_eq!(code, Some(130), "{log}");
    assert_eq!(workstation.fingerprint(), before, "the file is whole");
}

#[test]
fn usr1_refreshes_everything_now() {
    let workstation = Workstation::new(600).role("dev").role("ops").chained("prod", "dev");
    let workstation = workstation.start_with(&["dev", "ops", "prod"]);
    let names = ["dev", "ops", "prod"];
    let before = names.map(|name| workstation.key_of(name));
    workstation.signal(Signal::USR1);
    workstation.wait("new sessions", || {
        names.iter().zip(&before).all(|(name, old)| workstation.holds(name) && workstation.key_of(name) != *old)
    });
    let_pass(1.0);
    assert_eq!(names.map(|name| workstation.granted(name)), [2, 2, 2]);
}

#[test]
fn hup_reloads_and_the_daemon_stays() {
    let workstation = Workstation::new(600).role("dev").start_with(&["dev"]);
    let before = (workstation.fingerprint(), workstation.sts.request_count());
    workstation.signal(Signal::HUP);
    workstation.wait("the reload", || workstation.logged(&["the config says the same as before"]));
    workstation.wait("a status", || workstation.status()["daemon"]["running"] == true);
    assert_eq!((workstation.fingerprint(), workstation.sts.request_count()), before);
}

/// Started by hand in a terminal it is no service: who closes the window wants it gone. Nobody else's HUP means that.
#[cfg(target_os = "linux")]
#[test]
fn hup_reloads_while_the_terminal_is_there_and_stops_once_it_has_gone() {
    let mut workstation = Workstation::new(600).role("dev").furnish();
    let terminal = workstation.launch_on_a_terminal();
    workstation.wait("the session", || workstation.holds("dev"));
    workstation.signal(Signal::HUP);
    workstation.wait("the reload", || workstation.logged(&["the config says the same as before"]));
    let before = workstation.fingerprint();
    // The kernel tells the leader of the session.
    drop(terminal);
    let (code, log) = workstation.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopping"), "{log}");
    assert_eq!(workstation.fingerprint(), before);
    assert_eq!(workstation.status()["daemon"]["running"], false);
}
