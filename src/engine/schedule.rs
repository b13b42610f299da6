//! When a session is due and when a failure is tried again: arithmetic only, no state.

use crate::engine::failure::Class;
use crate::engine::session::Session;
use crate::engine::time::WallTime;
use std::time::Duration;

/// Nothing is done twice within this time, whatever any clock or Expiration says.
pub const FLOOR: Duration = Duration::from_secs(1);
/// A wave is stored this long after its first result at the latest: one slow role never holds up the others.
pub const WAVE: Duration = Duration::from_secs(1);
/// A section without keys is filled at once, but while more of its wave are on their way, not sooner than this after the
/// write before: each reads and writes the whole file.
pub const GATHER: Duration = Duration::from_millis(100);
/// At most so many calls are under way at once.
pub const CALLS_AT_ONCE: usize = 8;
/// A source that has not answered after this time no longer counts among them: one sign-in or program that hangs never
/// holds up the others.
pub const SLOW: Duration = Duration::from_secs(2);
/// At most so many sources are resolved at once, slow ones included: each may be a program that runs.
pub const SOURCES_AT_ONCE: usize = 64;
/// An end that a person has to do something about is announced this long before.
pub const ANNOUNCE_AHEAD: Duration = Duration::from_secs(3600);
/// What every role allows (IAM: MaxSessionDuration is at least one hour), and all that role chaining allows.
pub const ONE_HOUR: Duration = Duration::from_secs(3600);
/// From so long before the end botocore asks a `credential_process` again, on every request (botocore 1.44,
/// `RefreshableCredentials`); other SDKs ask later.
const ASKED_AGAIN: Duration = Duration::from_secs(15 * 60);

/// The life that whoever reads the file shall find: what is configured, but at most half of what STS granted.
pub fn effective_min_ttl(configured: Option<Duration>, life: Duration) -> Duration {
    configured.map_or(life / 2, |min_ttl| min_ttl.min(life / 2))
}

/// The life with which a session is handed out to a `credential_process` asker without a look at anything else.
pub fn enough_for_askers(configured: Option<Duration>, life: Duration) -> Duration {
    effective_min_ttl(configured, life).min(ASKED_AGAIN)
}

/// How long before the promise would break a refresh begins: a minute, or 5 % of a short life.
pub fn lead(life: Duration) -> Duration {
    Duration::from_secs(60).min(life / 20)
}

/// When a session is to be refreshed, in the time of STS.
pub fn due(session: &Session, min_ttl: Option<Duration>) -> WallTime {
    let life = session.life();
    let due = session.expiration - effective_min_ttl(min_ttl, life) - lead(life);
    due.max(session.issued + budget(life))
}

/// The shortest time between two successful calls for one profile: a quarter of the granted life.
pub fn budget(life: Duration) -> Duration {
    (life / 4).max(FLOOR)
}

/// Sessions that fall due within this time of each other go together. Half of the lead, so that going along never
/// costs a session more than it would lose by its own lead.
pub fn window(life: Duration) -> Duration {
    lead(life) / 2
}

/// How long to wait after the `attempts`-th failure in a row (the first is 1). `jitter` in `0.0..1.0` spreads it over
/// the upper half, so that many machines do not knock at once; `alive` tells whether the old session still holds.
pub fn backoff(class: Class, attempts: u32, alive: bool, jitter: f64) -> Duration {
    let (first, cap) = match class {
        Class::Unreachable | Class::Clock | Class::TooLong | Class::Store => (1, 30),
        Class::Busy if alive => (1, 60),
        Class::Busy => (1, 300),
        Class::Source => (30, 300),
        Class::Refused | Class::Settings => (300, 3600),
    };
    let seconds = (first << attempts.saturating_sub(1).min(12)).min(cap);
    let spread = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 1.0 };
    Duration::from_secs(seconds).mul_f64(0.5 + spread / 2.0).max(FLOOR)
}

/// The longest that [`backoff`] ever answers for a class: a time to try again that lies further ahead is the work of a
/// clock that was set.
pub fn longest_backoff(class: Class, alive: bool) -> Duration {
    backoff(class, u32::MAX, alive, 1.0)
}

#[cfg(test)]
mod tests {
    use super::{backoff, budget, due, effective_min_ttl, enough_for_askers, lead, longest_backoff, window};
    use crate::engine::failure::Class;
    use crate::engine::secret::Secret;
    use crate::engine::session::{Keys, Session, SettingsDigest};
    use crate::engine::time::WallTime;
    use proptest::prelude::{Strategy, any, prop_assert, proptest};
    use std::time::Duration;

    const ISSUED: WallTime = WallTime::from_unix_seconds(1_795_273_445);

    fn session(life: Duration) -> Session {
        Session {
            keys: Keys {
                access_key_id: "ASIAIOSFODNN7EXAMPLE".into(),
                secret_access_key: Secret::new("x"),
                session_token: Some(Secret::new("y")),
            },
            account_id: None,
            issued: ISSUED,
            expiration: ISSUED + life,
            digest: SettingsDigest::parse("0a").expect("hex"),
            allowed: None,
        }
    }

    #[test]
    fn an_hour_is_refreshed_a_minute_before_half_of_it_is_gone() {
        let hour = Duration::from_secs(3600);
        assert_eq!(due(&session(hour), None), ISSUED + Duration::from_secs(1800 - 60));
        assert_eq!(due(&session(hour), Some(Duration::from_secs(600))), ISSUED + Duration::from_secs(3600 - 660));
        let six = Duration::from_secs(6);
        assert_eq!(due(&session(six), None), ISSUED + Duration::from_millis(2700));
    }

    #[test]
    fn askers_get_a_quarter_of_an_hour_or_what_the_daemon_keeps_where_that_is_less() {
        let enough = |configured: Option<u64>, life| {
            enough_for_askers(configured.map(Duration::from_secs), Duration::from_secs(life)).as_secs()
        };
        assert_eq!(enough(None, 43_200), 900);
        assert_eq!(enough(Some(3_000), 3_600), 900);
        assert_eq!(enough(Some(300), 3_600), 300);
        assert_eq!(enough(None, 1_200), 600);
    }

    #[test]
    fn nothing_that_sts_may_answer_makes_a_hot_loop() {
        for life in [Duration::ZERO, Duration::from_secs(1), Duration::MAX] {
            assert!(due(&session(life), None) >= ISSUED + Duration::from_secs(1), "{life:?}");
        }
    }

    #[test]
    fn each_class_has_its_patience() {
        let waits = |class, alive| [1, 2, 3, 6, 100].map(|attempt| backoff(class, attempt, alive, 1.0).as_secs());
        assert_eq!(waits(Class::Unreachable, false), [1, 2, 4, 30, 30]);
        assert_eq!(waits(Class::Busy, true), [1, 2, 4, 32, 60]);
        assert_eq!(waits(Class::Busy, false), [1, 2, 4, 32, 300]);
        assert_eq!(waits(Class::Source, true), [30, 60, 120, 300, 300]);
        assert_eq!(waits(Class::Refused, true), [300, 600, 1200, 3600, 3600]);
    }

    fn classes() -> impl Strategy<Value = Class> {
        proptest::sample::select(vec![
            Class::Unreachable,
            Class::Busy,
            Class::Source,
            Class::Refused,
            Class::Settings,
            Class::Clock,
            Class::TooLong,
            Class::Store,
        ])
    }

    proptest! {
        #[test]
        fn a_backoff_lies_between_the_floor_and_the_cap(class in classes(), attempts in any::<u32>(), alive in any::<bool>(), jitter in any::<f64>()) {
            let wait = backoff(class, attempts, alive, jitter);
            prop_assert!(wait >= Duration::from_secs(1));
            prop_assert!(wait <= longest_backoff(class, alive));
        }

        #[test]
        fn a_session_is_due_within_its_life_and_within_the_budget(seconds in 4u64..200_000, min_ttl in proptest::option::of(1u64..200_000)) {
            let life = Duration::from_secs(seconds);
            let session = session(life);
            let min_ttl = min_ttl.map(Duration::from_secs);
            let due = due(&session, min_ttl);
            prop_assert!(due >= ISSUED + budget(life));
            prop_assert!(due + lead(life) + effective_min_ttl(min_ttl, life) <= session.expiration);
            prop_assert!(due - window(life) >= ISSUED + life / 4);
        }
    }
}
