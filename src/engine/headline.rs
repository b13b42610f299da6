//! The whole report in one sentence, for the one line that a service manager shows. Never asks the clock.

use crate::engine::status::{Profile, State, Status, Trouble};
use crate::engine::time::WallTime;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Profiles that are named for one cause; more are counted.
const NAMED: usize = 3;
/// Causes that are named; more are counted.
const CAUSES: usize = 3;
/// The longest that is quoted of a trouble, in characters.
const QUOTED: usize = 70;

/// `5 fresh, next refresh 14:05; prod: access denied`.
pub fn headline(status: &Status, now: WallTime, zone: &TimeZone) -> String {
    let fresh = status.profiles.iter().filter(|profile| profile.state == State::Fresh).count();
    // A new attempt after a failure is no refresh that anybody waits for. RFC 3339 in UTC sorts as text.
    let well = status.profiles.iter().filter(|profile| profile.error.is_none());
    let next = well.filter_map(|profile| profile.next_refresh.as_deref()).min();
    let next = next.and_then(|text| WallTime::parse(text).ok());
    let next = next.map(|next| format!(", next refresh {}", on_the_wall(next, now, zone))).unwrap_or_default();
    let mut parts = vec![format!("{fresh} fresh{next}")];
    let mut causes: Vec<(String, Vec<&str>)> = Vec::new();
    for profile in &status.profiles {
        let Some(cause) = cause(profile) else { continue };
        match causes.iter_mut().find(|(other, _)| *other == cause) {
            Some((_, profiles)) => profiles.push(&profile.profile),
            None => causes.push((cause, vec![&profile.profile])),
        }
    }
    let more = causes.len().saturating_sub(CAUSES);
    parts.extend(causes.into_iter().take(CAUSES).map(|(cause, profiles)| format!("{}: {cause}", names(&profiles))));
    if more > 0 {
        parts.push(format!("{more} more troubles"));
    }
    parts.join("; ")
}

/// What is worth a word about a profile.
fn cause(profile: &Profile) -> Option<String> {
    match (&profile.error, profile.state) {
        (Some(trouble), _) => Some(words(trouble)),
        (None, State::Expired) if profile.expires.is_none() => Some("no session yet".to_owned()),
        (None, State::Expired) => Some("ended".to_owned()),
        (None, State::Outdated) => Some("made with older settings".to_owned()),
        (None, _) => None,
    }
}

fn words(trouble: &Trouble) -> String {
    let code = trouble.code.as_deref().unwrap_or_default();
    let words = match trouble.class.as_str() {
        "unreachable" => "AWS is out of reach",
        // Without a code it may be this machine that is: the words tell.
        "busy" if trouble.code.is_some() => "AWS is busy",
        "refused" if code.starts_with("AccessDenied") => "access denied",
        "clock" => "the clock of this machine is off",
        "store" => "the credentials file cannot be written",
        _ => return quoted(&trouble.message),
    };
    words.to_owned()
}

/// One line, however it came, and not too much of it.
fn quoted(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

fn names(profiles: &[&str]) -> String {
    let named = profiles[..profiles.len().min(NAMED)].join(", ");
    match profiles.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// With the day where it is not today's.
fn on_the_wall(time: WallTime, now: WallTime, zone: &TimeZone) -> String {
    let local = |time: WallTime| Timestamp::from_second(time.unix_seconds()).map(|at| at.to_zoned(zone.clone()));
    let (Ok(then), Ok(today)) = (local(time), local(now)) else { return time.to_string() };
    then.strftime(if then.date() == today.date() { "%H:%M" } else { "%a %H:%M" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::headline;
    use crate::engine::status::{Daemon, Profile, State, Status, Trouble};
    use crate::engine::time::WallTime;
    use jiff::tz::{TimeZone, offset};

    fn profile(name: &str, state: State, error: Option<(&str, Option<&str>, &str)>) -> Profile {
        let error = error.map(|(class, code, message)| Trouble {
            class: class.to_owned(),
            code: code.map(str::to_owned),
            message: message.to_owned(),
            fix: None,
            since: "2026-11-21T13:00:00Z".to_owned(),
            attempts: 1,
        });
        let next_refresh = (state == State::Fresh).then(|| "2026-11-21T13:05:00Z".to_owned());
        Profile {
            profile: name.to_owned(),
            role_arn: None,
            source: "base".to_owned(),
            store: "shared".to_owned(),
            state,
            expires: (state != State::Expired).then(|| "2026-11-21T14:00:00Z".to_owned()),
            expires_in_seconds: None,
            next_refresh,
            last_refresh: None,
            error,
            expiring: None,
        }
    }

    fn sentence(profiles: Vec<Profile>, now: &str) -> String {
        let status = Status {
            version: 1,
            config: String::new(),
            credentials_file: String::new(),
            clock_skew_seconds: 0,
            daemon: Daemon::default(),
            profiles,
        };
        headline(&status, WallTime::parse(now).expect("a time"), &TimeZone::fixed(offset(1)))
    }

    const NOON: &str = "2026-11-21T12:00:00Z";

    #[test]
    fn says_what_is_fresh_when_it_goes_on_and_what_is_wrong() {
        let mut profiles: Vec<Profile> = ["a", "b", "c", "d", "e"].map(|n| profile(n, State::Fresh, None)).into();
        assert_eq!(sentence(profiles.clone(), NOON), "5 fresh, next refresh 14:05");
        assert_eq!(sentence(profiles.clone(), "2026-11-20T12:00:00Z"), "5 fresh, next refresh Sat 14:05");
        profiles.push(profile("prod", State::Refused, Some(("refused", Some("AccessDenied"), "no access to role …"))));
        assert_eq!(sentence(profiles, NOON), "5 fresh, next refresh 14:05; prod: access denied");
        assert_eq!(sentence(vec![profile("dev", State::Expired, None)], NOON), "0 fresh; dev: no session yet");
    }

    #[test]
    fn says_that_aws_is_busy_only_where_aws_said_so() {
        let busy = |code| vec![profile("dev", State::Expired, Some(("busy", code, "no more threads")))];
        assert_eq!(sentence(busy(Some("Throttling")), NOON), "0 fresh; dev: AWS is busy");
        assert_eq!(sentence(busy(None), NOON), "0 fresh; dev: no more threads");
    }

    #[test]
    fn names_each_cause_once_and_stays_one_bounded_line() {
        let over = Some(("source", None, "the SSO session\n\"corp\" ended"));
        let waiting = (0..38).map(|n| profile(&format!("p{n}"), State::Waiting, over));
        assert_eq!(
            sentence(waiting.collect(), NOON),
            "0 fresh; p0, p1, p2 and 35 more: the SSO session \"corp\" ended"
        );
        let long = "ü".repeat(500);
        let many = (0..9).map(|n| {
            let message = format!("{n}{long}");
            profile(&format!("p{n}"), State::Refused, Some(("settings", None, &message)))
        });
        let line = sentence(many.collect(), NOON);
        assert!(line.ends_with("; 6 more troubles") && line.chars().count() < 300 && !line.contains('\n'), "{line}");
    }
}
