//! STS in trouble: what is good stays byte for byte, the status says what is wrong, and it heals by itself.

use crate::workstation::{Workstation, arn, text};
use evertoken::emulator::{Expiration, Fault, Field, Outage, Rule};
use rustix::process::Signal;
use std::thread;

/// What goes wrong.
enum Trouble {
    Answers(Fault),
    Network(Outage),
}

struct Case {
    name: &'static str,
    trouble: Trouble,
    class: &'static str,
    /// Whether waiting mends it; else a person who asks again does.
    by_itself: bool,
}

fn half_an_answer() -> Fault {
    let body = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA".to_owned();
    Fault::Http { status: 200, headers: Vec::new(), body }
}

fn cases() -> Vec<Case> {
    let case = |name, class, fault| Case { name, trouble: Trouble::Answers(fault), class, by_itself: true };
    let network =
        |name, outage| Case { name, trouble: Trouble::Network(outage), class: "unreachable", by_itself: true };
    let other_role = format!("arn:aws:sts::999999999999:assumed-role/{}/me", "dev");
    vec![
        network("an outage", Outage::Refused),
        network("connections that are dropped", Outage::Dropped),
        case("a storm of 503", "busy", Fault::code("ServiceUnavailable")),
        case("500 without a word", "busy", Fault::bare(500)),
        case("throttling", "busy", Fault::code("Throttling")),
        case("a connection cut before the answer", "unreachable", Fault::CutBefore),
        case("a connection cut within the answer", "unreachable", Fault::CutInside),
        case("a captive portal", "unreachable", Fault::portal()),
        case("a proxy that wants a password", "unreachable", Fault::proxy_password()),
        case("no answer at all", "unreachable", Fault::Hang),
        case("half an answer", "unreachable", half_an_answer()),
        case(
            "an Expiration that nobody can read",
            "unreachable",
            Fault::Expiration(Expiration::Text("soon".to_owned())),
        ),
        case("no Expiration", "unreachable", Fault::Without(Field::Expiration)),
        case("no session token", "unreachable", Fault::Without(Field::SessionToken)),
        case(
            "an Expiration in the past",
            "busy",
            Fault::Expiration(Expiration::Past(std::time::Duration::from_secs(5))),
        ),
        Case { by_itself: false, ..case("a reply for another role", "refused", Fault::AssumedAs(other_role)) },
    ]
}

fn play(case: &Case) {
    let name = case.name;
    let workstation = Workstation::new(12).role("dev").chained("prod", "dev").start_with(&["dev", "prod"]);
    workstation.wait("a calm status", || workstation.status_of("prod")["state"] == "fresh");
    // `prod` may be told apart, when it is asked for a moment later, and its words may name `dev`.
    let of_dev =
        |line: &&str| line.split_once(" profile=").is_some_and(|(_, who)| who.trim_matches('"').starts_with("dev"));
    let told = || workstation.log().lines().filter(|line| line.contains(" class=")).filter(of_dev).count();
    // A machine that is busy with something else may have had a trouble of its own at the start.
    let told_before = told();
    match &case.trouble {
        Trouble::Answers(fault) => workstation.sts.inject(Rule::always(fault.clone())),
        Trouble::Network(outage) => workstation.sts.outage(*outage).expect("an outage"),
    }
    workstation.signal(Signal::USR1);
    let mut seen = serde_json::Value::Null;
    let mut attempts = 0;
    let mut before = None;
    workstation.wait(&format!("the status during {name}"), || {
        seen = workstation.status_of("dev");
        if seen["error"]["class"] != case.class {
            return false;
        }
        // From here on nothing can be under way any more that was granted before.
        before.get_or_insert_with(|| workstation.credentials());
        attempts = seen["error"]["attempts"].as_u64().unwrap_or(0);
        attempts >= 2 || !case.by_itself
    });
    let alive = seen["expires_in_seconds"].as_i64().is_some_and(|left| left > 0);
    let expected = if case.class == "refused" {
        "refused"
    } else if alive {
        "retrying"
    } else {
        "expired"
    };
    // The last second may have gone between two looks at the clock.
    assert!(seen["state"] == expected || (!alive && seen["state"] == "retrying"), "{name}: {seen:#}");
    assert!(seen["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{name}: {seen:#}");
    assert_eq!(before, Some(workstation.credentials()), "{name}: the file was touched");

    match &case.trouble {
        Trouble::Answers(_) => workstation.sts.clear(),
        Trouble::Network(_) => workstation.sts.outage(Outage::None).expect("the end of the outage"),
    }
    if !case.by_itself {
        workstation.signal(Signal::USR1);
    }
    workstation.wait(&format!("the end of {name}"), || {
        let [dev, prod] = ["dev", "prod"].map(|name| workstation.status_of(name));
        dev["state"] == "fresh" && prod["state"] == "fresh" && workstation.holds("dev") && workstation.holds("prod")
    });
    workstation.wait("the recovery", || workstation.logged(&["the trouble is over"]));
    assert_eq!(told() - told_before, 1, "{name} is told once:\n{}", workstation.log());
}

#[test]
fn whatever_befalls_sts_good_sessions_stay_and_it_heals() {
    let cases = cases();
    // Four at a time: each is a daemon of its own.
    for some in cases.chunks(4) {
        thread::scope(|scope| {
            for case in some {
                scope.spawn(move || play(case));
            }
        });
    }
}

#[test]
fn a_clock_that_is_wrong_is_learned_and_told() {
    let workstation = Workstation::new(12).role("dev").start_with(&["dev"]);
    workstation.sts.set_skew(600);
    workstation.signal(Signal::USR1);
    workstation.wait("sessions in the time of STS", || {
        let status = workstation.status();
        let skew = status["clock_skew_seconds"].as_i64().unwrap_or(0);
        (595..=605).contains(&skew) && status["profiles"][0]["state"] == "fresh" && workstation.holds("dev")
    });
    workstation.wait("a line about the clock", || workstation.logged(&["the clock of this machine is", "behind"]));
    let granted = workstation.granted("dev");
    workstation.wait("refreshes to go on", || workstation.granted("dev") >= granted + 2);
    workstation.sts.set_skew(0);
    workstation.signal(Signal::USR1);
    workstation.wait("the clocks to agree", || {
        let status = workstation.status();
        status["clock_skew_seconds"] == 0 && status["profiles"][0]["state"] == "fresh" && workstation.holds("dev")
    });
}

#[test]
fn a_date_that_nobody_can_believe_ends_no_good_session() {
    let workstation = Workstation::new(12).role("dev").start_with(&["dev"]);
    // Only the header is wrong: a proxy with a clock of its own.
    workstation.sts.inject(Rule::always(Fault::DateAhead(600)));
    workstation.signal(Signal::USR1);
    workstation.wait("a call", || workstation.granted("dev") >= 2);
    let key = workstation.key_of("dev");
    assert!(key.is_some_and(|key| key.starts_with("ASIA")));
    workstation.sts.clear();
    workstation.wait("it to heal", || {
        let status = workstation.status();
        status["profiles"][0]["state"] == "fresh" && status["clock_skew_seconds"] == 0 && workstation.holds("dev")
    });
}

#[test]
fn the_fix_that_is_told_of_a_refusal_is_tried_at_once_however_long_the_session_lives() {
    let workstation = Workstation::new(3_600).role("dev").role("ops").start_with(&["dev", "ops"]);
    workstation.sts.deny_role(&arn("dev"), "AccessDenied", "not you");
    workstation.signal(Signal::USR1);
    workstation.wait("the refusal", || workstation.status_of("dev")["state"] == "refused");
    workstation.wait("the other one", || workstation.status_of("ops")["state"] == "fresh");
    let call = ["asked STS", "profile=dev", "operation=AssumeRole", "outcome=AccessDenied", "request_id="];
    workstation.wait("the line that each call leaves, refusals included", || workstation.logged(&call));
    let fix = workstation.status_of("dev")["error"]["fix"].to_string();
    assert!(fix.contains("then: evertoken refresh dev"), "{fix}");
    let asked = || ["dev", "ops"].map(|profile| workstation.asked(profile));
    let before = asked();

    // Whoever names the life that is wanted has it.
    let enough = workstation.evertoken(&["refresh", "--min-ttl", "30m", "dev"]);
    assert_eq!((enough.status.code(), asked()), (Some(0), before), "{}", text(&enough.stdout));
    // Not mended yet: that is what the person wants to know.
    let vain = workstation.evertoken(&["refresh", "dev"]);
    assert_eq!(vain.status.code(), Some(1), "{}", text(&vain.stdout));
    assert!(text(&vain.stdout).contains("not you"), "{}", text(&vain.stdout));
    assert_eq!(asked(), [before[0] + 1, before[1]]);

    workstation.sts.allow_role(&arn("dev"));
    let foretold = workstation.evertoken(&["refresh", "--dry-run"]);
    let foretold = text(&foretold.stdout);
    assert_eq!(foretold.lines().filter(|line| line.starts_with("call ")).count(), 1, "{foretold}");
    let mended = workstation.evertoken(&["refresh"]);
    let told = text(&mended.stdout);
    assert_eq!(mended.status.code(), Some(0), "{told}");
    assert!(told.contains("dev: refreshed") && told.contains("ops: fresh"), "{told}");
    assert_eq!(asked(), [before[0] + 2, before[1]]);
    workstation.wait("the daemon to notice", || workstation.logged(&["the trouble is over", "dev"]));
    workstation.wait("a calm status", || workstation.status_of("dev")["state"] == "fresh");
    assert_eq!(asked(), [before[0] + 2, before[1]], "the daemon takes over what was fetched");
}
