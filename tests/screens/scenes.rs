//! Workstations as `status` may find them: one profile, a handful, forty; with the troubles of a usual Monday.

use evertoken::engine::status::{Daemon, Profile, State, Status, Trouble, VERSION};
use evertoken::engine::time::WallTime;

/// When all this is looked at: Monday, 15:20 on the reader's wall.
pub(crate) const NOW: &str = "2026-11-23T14:20:00Z";

pub(crate) fn now() -> WallTime {
    WallTime::parse(NOW).expect("a time")
}

/// A time so many seconds from now.
fn at(seconds: i64) -> String {
    WallTime::from_unix_seconds(now().unix_seconds() + seconds).to_string()
}

pub(crate) fn running() -> Daemon {
    Daemon {
        running: true,
        responding: true,
        pid: Some(4242),
        version: Some("0.1.0".to_owned()),
        since: Some("2026-11-23T07:58:12Z".to_owned()),
        next_wakeup: Some(at(1_200)),
    }
}

pub(crate) fn status(daemon: Daemon, profiles: Vec<Profile>) -> Status {
    Status {
        version: VERSION,
        config: "/home/me/.config/evertoken/config.toml".to_owned(),
        credentials_file: "/home/me/.aws/credentials".to_owned(),
        clock_skew_seconds: 0,
        daemon,
        profiles,
    }
}

/// A profile that stands on long-term keys; `left` in seconds.
pub(crate) fn profile(name: &str, role: &str, state: State, left: Option<i64>) -> Profile {
    Profile {
        profile: name.to_owned(),
        role_arn: Some(format!("arn:aws:iam::111122223333:role/team/{role}")),
        source: "base".to_owned(),
        store: "shared".to_owned(),
        state,
        expires: left.map(at),
        expires_in_seconds: left,
        next_refresh: Some(at(left.unwrap_or(0).max(3_000) / 2)),
        last_refresh: Some(at(-1_200)),
        error: None,
        expiring: None,
    }
}

pub(crate) fn with(error: Trouble, mut profile: Profile) -> Profile {
    profile.error = Some(error);
    profile
}

fn from(source: &str, mut profile: Profile) -> Profile {
    source.clone_into(&mut profile.source);
    profile
}

pub(crate) fn trouble(class: &str, code: Option<&str>, message: &str, fix: Option<&str>) -> Trouble {
    Trouble {
        class: class.to_owned(),
        code: code.map(str::to_owned),
        message: message.to_owned(),
        fix: fix.map(str::to_owned),
        since: "2026-11-20T17:02:00Z".to_owned(),
        attempts: 4,
    }
}

fn sso() -> Trouble {
    trouble("source", None, "the SSO session \"corp\" ended", Some("aws sso login --sso-session corp"))
}

fn denied(role: &str) -> Trouble {
    let message = format!(
        "no access to role arn:aws:iam::444455556666:role/{role} (AccessDenied): User: \
         arn:aws:iam::111122223333:user/jane is not authorized to perform: sts:AssumeRole on resource: \
         arn:aws:iam::444455556666:role/{role}"
    );
    let fix = format!(
        "ask the owner of arn:aws:iam::444455556666:role/{role} to let arn:aws:iam::111122223333:user/jane assume it (its \
         trust policy, and sts:AssumeRole for arn:aws:iam::111122223333:user/jane); then: evertoken refresh prod-audit"
    );
    let denied = trouble("refused", Some("AccessDenied"), &message, Some(&fix));
    Trouble { since: at(-4_080), attempts: 3, ..denied }
}

fn offline() -> Trouble {
    let message = "STS in eu-west-1 is not found (DNS): is this machine online? sts.eu-west-1.amazonaws.com: Temporary \
                   failure in name resolution";
    Trouble { since: at(-95), attempts: 9, ..trouble("unreachable", None, message, None) }
}

fn too_long() -> Trouble {
    let message =
        "STS calls the duration too long for role arn:aws:iam::111122223333:role/team/Nightly; 1h is asked for instead";
    let fix = "write duration = \"1h\" for profile \"nightly\", or raise the role's MaxSessionDuration";
    Trouble { since: at(-1_200), attempts: 1, ..trouble("settings", None, message, Some(fix)) }
}

/// All is well.
pub(crate) fn one() -> Status {
    status(running(), vec![profile("dev", "Developer", State::Fresh, Some(2_639))])
}

/// Offline for a minute and a half.
pub(crate) fn retrying() -> Status {
    let dev = profile("dev", "Developer", State::Fresh, Some(2_639));
    status(running(), vec![dev, with(offline(), profile("billing", "Billing", State::Retrying, Some(1_499)))])
}

/// One of each kind, the calm ones first.
pub(crate) fn five() -> Status {
    let published = Profile { role_arn: None, ..profile("sso-admin", "", State::Waiting, Some(-300)) };
    let never = Profile { next_refresh: None, ..profile("prod-audit", "Audit", State::Refused, None) };
    let retrying = with(offline(), profile("billing", "Billing", State::Retrying, Some(1_499)));
    status(
        running(),
        vec![
            profile("dev", "Developer", State::Fresh, Some(2_639)),
            with(sso(), from("sso-admin-source", published)),
            with(denied("Audit"), from("base-mfa", never)),
            from("/run/secrets/oidc", profile("ci", "CI", State::Fresh, Some(59))),
            retrying,
        ],
    )
}

/// The Monday after the SSO session ended, at a company with many accounts.
pub(crate) fn forty() -> Status {
    let mut profiles = Vec::new();
    for (number, account) in ["prod", "staging", "sandbox", "data", "edge"].iter().enumerate() {
        for (place, role) in ["admin", "readonly", "deploy", "support", "billing", "oncall"].iter().enumerate() {
            let name = format!("acme-{account}-{role}");
            let left = 2_000 + 37 * i64::try_from(number * 6 + place).unwrap_or(0);
            let fresh = profile(&name, &format!("Acme{account}{role}"), State::Fresh, Some(left));
            profiles.push(match *account {
                "prod" | "data" => {
                    let ended = place % 2 == 0;
                    let left = if ended { -7_200 } else { left };
                    let waiting = Profile { expires: Some(at(left)), expires_in_seconds: Some(left), ..fresh };
                    with(sso(), from("acme-sso", Profile { state: State::Waiting, ..waiting }))
                }
                "edge" if place < 4 => with(offline(), Profile { state: State::Retrying, ..fresh }),
                _ => from("acme-base", fresh),
            });
        }
    }
    let long = "AdministratorAccess-111122223333-with-a-name-that-nobody-can-remember";
    profiles.push(from("AdministratorAccess-111122223333-sso-source", profile(long, long, State::Fresh, Some(28_800))));
    profiles.push(with(denied("Audit"), profile("prod-audit", "Audit", State::Refused, None)));
    profiles.push(with(too_long(), profile("nightly", "Nightly", State::Refused, Some(2_100))));
    profiles.push(profile("renamed", "Renamed", State::Outdated, Some(900)));
    profiles.push(with(offline(), profile("forgotten", "Forgotten", State::Expired, Some(-259_200))));
    let token = "/var/run/secrets/kubernetes.io/serviceaccount/日本語/token";
    profiles.push(from(token, profile("ci", "CI", State::Fresh, Some(200))));
    profiles.push(from("Ec2InstanceMetadata", profile("worker", "Worker", State::Fresh, Some(20_000))));
    let mfa = Profile { role_arn: None, store: "private".to_owned(), ..profile("base-mfa", "", State::Waiting, None) };
    let due = trouble("source", None, "an MFA code is due for profile \"base-mfa\"", Some("evertoken login base-mfa"));
    profiles.push(with(
        Trouble { since: at(-600), attempts: 1, ..due },
        Profile { expires: Some(at(3_000)), expires_in_seconds: Some(3_000), ..mfa },
    ));
    profiles.push(from("base-mfa", profile("admin", "Admin", State::Fresh, Some(1_800))));
    profiles.push(from("base-mfa", profile("billing", "Billing", State::Fresh, Some(3_300))));
    assert_eq!(profiles.len(), 40);
    status(running(), profiles)
}
