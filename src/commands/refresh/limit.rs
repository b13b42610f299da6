//! The longest life that a session of an entry can have, whatever is asked for. Asks nobody: how long a source's own session
//! lasts, only the source knows.

use crate::engine::config::Config;
use crate::engine::config::durations::show;
use crate::engine::config::model::{Entry, Operation};
use crate::engine::schedule::ONE_HOUR;
use crate::engine::session::Session;
use std::time::Duration;

/// More life was asked for than can be granted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::commands) struct Beyond {
    /// What can be granted, and why no more.
    pub(in crate::commands) message: String,
    /// What to do.
    pub(in crate::commands) fix: String,
}

/// Whether no session of `entry` ever has `wanted` left. `held` is the one in the store: it knows what STS allowed.
pub(in crate::commands) fn beyond(
    config: &Config,
    entry: &Entry,
    held: Option<&Session>,
    wanted: Duration,
) -> Option<Beyond> {
    if entry.operation == Operation::Publish {
        return None;
    }
    let allowed = held.filter(|session| session.digest == entry.digest).and_then(|session| session.allowed);
    let most = allowed.map_or(entry.duration, |allowed| allowed.min(entry.duration));
    if wanted < most {
        return None;
    }
    let (asked, shown) = (show(wanted), show(most));
    let message = |too_much: &str, all_of_it: &str| {
        // A session has lost something of its life when it gets here.
        if wanted == most {
            format!("a new session of {shown} has a little less than {asked} left, and {shown} is {all_of_it}")
        } else {
            format!("no session can have {asked} left: no more than {shown} can be granted{too_much}")
        }
    };
    let parent = entry.parent().and_then(|parent| config.entry(parent.as_str()));
    let is_chained = parent.is_some_and(|parent| parent.role_arn().is_some());
    Some(if most < entry.duration {
        Beyond {
            message: message(", which is what STS allowed for this role", "what STS allowed for this role"),
            fix: format!("ask for less than {shown}, or have the maximum session duration of the role raised"),
        }
    } else if is_chained && most >= ONE_HOUR {
        Beyond {
            message: message(" to a role on top of another one", "the most for a role on top of another one"),
            fix: format!("ask for less than {shown}"),
        }
    } else {
        Beyond {
            message: message(", its duration in the config", "its duration in the config"),
            fix: format!("ask for less than {shown}, or raise duration for {} in the config", entry.profile),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::beyond;
    use crate::engine::config::parse;
    use crate::engine::secret::Secret;
    use crate::engine::session::{Keys, Session};
    use crate::engine::time::WallTime;
    use std::time::Duration;

    const CONFIG: &str = r#"
[[role]]
profile = "dev"
role_arn = "arn:aws:iam::111122223333:role/dev"
duration = "2h"
[[role]]
profile = "chained"
role_arn = "arn:aws:iam::111122223333:role/chained"
source_profile = "dev"
[[role]]
profile = "published"
source_profile = "sso-dev"
"#;

    #[test]
    fn what_cannot_be_granted_is_told_with_what_raises_it() {
        let config = parse(CONFIG).expect("a config").config;
        let told = |profile: &str, allowed: Option<u64>, minutes: u64| {
            let entry = config.entry(profile).expect("an entry");
            let held = Session {
                keys: Keys {
                    access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
                    secret_access_key: Secret::new("x"),
                    session_token: Some(Secret::new("y")),
                },
                account_id: None,
                issued: WallTime::from_unix_seconds(0),
                expiration: WallTime::from_unix_seconds(3600),
                digest: entry.digest.clone(),
                allowed: allowed.map(Duration::from_secs),
            };
            beyond(&config, entry, Some(&held), Duration::from_secs(minutes * 60))
                .map(|beyond| format!("{}; {}", beyond.message, beyond.fix))
        };
        assert_eq!(told("dev", None, 119), None);
        let expected = "no session can have 3h left: no more than 2h can be granted, its duration in the config; \
                        ask for less than 2h, or raise duration for dev in the config";
        assert_eq!(told("dev", None, 180).as_deref(), Some(expected));
        assert_eq!(told("dev", Some(3600), 59), None);
        let expected = "no session can have 1h 30m left: no more than 1h can be granted, which is what STS allowed for this \
                        role; ask for less than 1h, or have the maximum session duration of the role raised";
        assert_eq!(told("dev", Some(3600), 90).as_deref(), Some(expected));
        let expected = "no session can have 2h left: no more than 1h can be granted to a role on top of another one; ask for \
                        less than 1h";
        assert_eq!(told("chained", None, 120).as_deref(), Some(expected));
        // All of its life is never left either.
        let expected = "a new session of 2h has a little less than 2h left, and 2h is its duration in the config; ask for less \
                        than 2h, or raise duration for dev in the config";
        assert_eq!(told("dev", None, 120).as_deref(), Some(expected));
        let expected = "a new session of 1h has a little less than 1h left, and 1h is the most for a role on top of another \
                        one; ask for less than 1h";
        assert_eq!(told("chained", None, 60).as_deref(), Some(expected));
        assert_eq!(told("chained", None, 59), None);
        assert_eq!(told("published", None, 6000), None, "only its source knows");
    }
}
