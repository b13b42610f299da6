//! Orders by signal: they are followed at once, whatever is under way.

use crate::responder::Responder;
use crate::script::script;
use crate::workstation::{BOUND, Workstation, let_pass, signal_to, within};
use evertoken::emulator::{Fault, Rule};
use rustix::process::{Pid, Signal, test_kill_process};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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
    let terminal = workstation.launch_on_a_terminal(&[]);
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

/// `nohup` says that it is to stay.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_goes_does_not_take_a_daemon_along_that_was_told_to_stay() {
    let mut workstation = Workstation::new(600).role("dev").furnish();
    let terminal = workstation.launch_on_a_terminal(&["nohup"]);
    workstation.wait("the session", || workstation.holds("dev"));
    drop(terminal);
    workstation.wait("the reload", || workstation.logged(&["the config says the same as before"]));
    assert_eq!(workstation.status()["daemon"]["running"], true);
    assert_eq!(workstation.stop().0, Some(0));
}

/// A program that never ends, and says which process it is.
fn hanging_script(path: &Path) {
    // Ends with the home of this test.
    let body = "#!/bin/sh\necho $$ > \"$HOME/pid.new\"\nmv \"$HOME/pid.new\" \"$HOME/pid\"\n\
                while [ -e \"$0\" ]; do sleep 0.2; done\n";
    script(path, body);
}

/// A role whose source is a program that never ends, and a child of it.
fn with_a_program_that_hangs() -> Workstation {
    let workstation = Workstation::new(600).role("dev").role_with("slow", "source_profile = \"tool\"");
    let tool = workstation.path("tool");
    hanging_script(&tool);
    fs::write(workstation.path(".aws/config"), format!("[profile tool]\ncredential_process = {}\n", tool.display()))
        .expect("written");
    workstation
}

/// Whether it ends, or has ended.
fn ends(workstation: &Workstation) -> bool {
    let text = fs::read_to_string(workstation.path("pid")).expect("a number");
    let pid = Pid::from_raw(text.trim().parse().expect("a number")).expect("a process");
    within(BOUND, || test_kill_process(pid).is_err())
}

#[test]
fn a_command_goes_on_at_signals_that_were_to_mean_nothing_to_it() {
    let workstation = with_a_program_that_hangs().furnish();
    let refresh = workstation.command(&["refresh", "slow"]);
    // As nohup does it, and a script that puts it into the background.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "trap '' INT HUP; exec \"$0\" \"$@\""]).arg(refresh.get_program()).args(refresh.get_args());
    shell.env_clear().envs(refresh.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut refresh = shell.spawn().expect("it runs");
    assert!(within(BOUND, || workstation.path("pid").exists()), "the program runs");
    for signal in [Signal::INT, Signal::HUP] {
        signal_to(refresh.id(), signal);
    }
    // Time to end for who does not go on.
    let_pass(0.5);
    signal_to(refresh.id(), Signal::TERM);
    assert_eq!(refresh.wait().expect("it ends").signal(), Some(Signal::TERM.as_raw()));
    assert!(ends(&workstation));
}

#[test]
fn a_command_that_is_interrupted_ends_by_that_signal_and_leaves_no_program_running() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let workstation = with_a_program_that_hangs().furnish();
        let mut refresh = workstation.command(&["refresh", "slow"]).spawn().expect("it runs");
        assert!(within(BOUND, || workstation.path("pid").exists()), "the program runs");
        signal_to(refresh.id(), signal);
        assert_eq!(refresh.wait().expect("it ends").signal(), Some(signal.as_raw()));
        assert!(ends(&workstation), "{signal:?}");
    }
}

#[test]
fn two_orders_to_stop_leave_no_program_running() {
    let mut workstation = with_a_program_that_hangs().furnish();
    workstation.launch();
    workstation.wait("the program", || workstation.path("pid").exists());
    two_orders_end_it(&mut workstation);
}

/// Also those of a config that another one has replaced since, for which everything was opened anew.
#[test]
fn two_orders_to_stop_leave_no_hook_of_an_earlier_config_running() {
    let workstation = Workstation::new(600).role("dev");
    let hook = workstation.path("hook");
    hanging_script(&hook);
    let workstation = workstation.entry(&format!("[hooks]\nrefreshed = [{:?}]", hook.display().to_string()));
    let mut workstation = workstation.start();
    workstation.wait("the hook", || workstation.path("pid").exists());
    let other = format!("file_mode = \"0640\"\n{}", workstation.config().replace("refreshed", "expiring"));
    fs::write(workstation.config_path(), other).expect("written");
    workstation.wait("the other config", || workstation.lines(&["keeping sessions fresh"]) == 2);
    two_orders_end_it(&mut workstation);
}

fn two_orders_end_it(workstation: &mut Workstation) {
    // A call that hangs keeps the first order busy for a second.
    workstation.wait("the session", || workstation.holds("dev"));
    workstation.sts.inject(Rule::always(Fault::Hang));
    workstation.signal(Signal::USR1);
    workstation.wait("a hanging call", || workstation.sts.in_flight() == 1);
    workstation.signal(Signal::TERM);
    workstation.wait("the first order to be heard", || workstation.log().contains("stopping"));
    workstation.signal(Signal::TERM);
    let (code, log) = workstation.ended();
    assert_eq!(code, Some(130), "{log}");
    assert!(ends(workstation));
}

#[test]
fn an_order_to_stop_kills_a_program_and_is_done() {
    let mut workstation = with_a_program_that_hangs().furnish();
    workstation.launch();
    workstation.wait("the program", || workstation.path("pid").exists());
    workstation.signal(Signal::TERM);
    let (code, log) = workstation.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("WARN"), "nobody needs to be told: {log}");
    assert!(ends(&workstation));
}

/// `printf corp | sha1sum`
const SSO_CACHE: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

#[test]
fn an_order_to_stop_in_the_middle_of_a_renewal_does_not_lose_the_new_sign_in() {
    // The old refresh token is void as soon as the new one was made.
    let stopping = Arc::new(AtomicBool::new(false));
    let (asked, go_on) = (Arc::new(AtomicBool::new(false)), Arc::clone(&stopping));
    let was_asked = Arc::clone(&asked);
    let center = Responder::start(move |came| {
        if came.target != "/token" {
            return (403, r#"{"message":"No access","__type":"ForbiddenException"}"#.to_owned());
        }
        asked.store(true, Ordering::SeqCst);
        within(BOUND, || go_on.load(Ordering::SeqCst));
        (200, r#"{"accessToken":"renewed","expiresIn":28800,"refreshToken":"next"}"#.to_owned())
    });
    let workstation = Workstation::new(600).entry("[[role]]\nprofile = \"dev\"\nsource_profile = \"corp-dev\"");
    let now = workstation.sts.now();
    fs::create_dir_all(workstation.path(".aws/sso/cache")).expect("a cache");
    let token = format!(
        r#"{{"accessToken":"ending","expiresAt":"{}","clientId":"client","clientSecret":"secret","refreshToken":"refresh",
        "registrationExpiresAt":"{}"}}"#,
        now + Duration::from_secs(100),
        now + Duration::from_secs(100_000)
    );
    fs::write(workstation.path(SSO_CACHE), token).expect("written");
    let config = format!(
        "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n\
         [profile corp-dev]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev\n\
         endpoint_url = {}\n",
        center.url()
    );
    fs::write(workstation.path(".aws/config"), config).expect("written");
    let mut workstation = workstation.start();
    workstation.wait("the renewal", || was_asked.load(Ordering::SeqCst));
    workstation.signal(Signal::TERM);
    workstation.wait("the order to be heard", || workstation.log().contains("stopping"));
    stopping.store(true, Ordering::SeqCst);
    let (code, log) = workstation.ended();
    assert_eq!(code, Some(0), "{log}");
    let saved = fs::read_to_string(workstation.path(SSO_CACHE)).expect("a token");
    assert!(saved.contains("renewed") && saved.contains("next"), "{saved}\n{log}");
}
