//! Workstations as `status` may find them: one profile, a handful, forty; with the troubles of a usual Monday.

use evertoken::engine::failure::{Context, Fault, Layer, ServiceError, SourceFault, classify};
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

/// A trouble in the words that evertoken has for such a fault of an entry of the config.
fn judged(entry: &str, fault: &Fault) -> Trouble {
    let parsed = evertoken::engine::config::parse(entry).expect("a config");
    let failure = classify(fault, &Context::of(parsed.config.entries.first().expect("an entry")));
    trouble(failure.class.as_str(), failure.code.as_deref(), &failure.message, failure.fix.as_deref())
}

fn role(profile: &str, arn: &str) -> String {
    format!("[[role]]\nprofile = \"{profile}\"\nrole_arn = \"{arn}\"\nregion = \"eu-west-1\"\n")
}

fn refusal(status: u16, code: &str, message: String) -> Fault {
    Fault::Service(ServiceError { status, code: Some(code.to_owned()), message: Some(message), request_id: None })
}

fn sso() -> Trouble {
    let login = Some("aws sso login --sso-session corp".to_owned());
    let ended = SourceFault::Ended { what: "the SSO session \"corp\"".to_owned(), login };
    judged("[[role]]\nprofile = \"sso-admin\"\nsource_profile = \"acme-sso\"\n", &Fault::Source(ended))
}

fn denied(profile: &str, name: &str) -> Trouble {
    let arn = format!("arn:aws:iam::444455556666:role/{name}");
    let message = format!(
        "User: arn:aws:iam::111122223333:user/jane is not authorized to perform: sts:AssumeRole on resource: {arn}"
    );
    let denied = judged(&role(profile, &arn), &refusal(403, "AccessDenied", message));
    Trouble { since: at(-4_080), attempts: 3, ..denied }
}

fn offline() -> Trouble {
    let detail = "io error: client error (Connect): dns error: failed to lookup address information: Name or service not \
                  known";
    let detail = detail.to_owned();
    let offline = judged(
        &role("billing", "arn:aws:iam::111122223333:role/Billing"),
        &Fault::Transport { layer: Layer::Dns, detail },
    );
    Trouble { since: at(-95), attempts: 9, ..offline }
}

fn too_long() -> Trouble {
    let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".to_owned();
    let fault = refusal(400, "ValidationError", message);
    let too_long = judged(&role("nightly", "arn:aws:iam::111122223333:role/team/Nightly"), &fault);
    Trouble { since: at(-1_200), attempts: 1, ..too_long }
}

/// The morning after somebody has tidied up the trust policies.
pub(crate) fn twenty() -> Status {
    let refused = |number: u32| {
        let name = format!("team-{number:02}");
        let (arn, denied) = (format!("arn:aws:iam::444455556666:role/{name}"), denied(&name, &name));
        let profile =
            profile(&name, &name, State::Refused, number.is_multiple_of(2).then_some(900 + 60 * i64::from(number)));
        with(Trouble { attempts: 3 + number % 2, ..denied }, Profile { role_arn: Some(arn), ..profile })
    };
    status(running(), (1..=20).map(refused).chain([profile("dev", "Developer", State::Fresh, Some(2_639))]).collect())
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

/// No daemon, a private store that cannot be read, and a section that another tool has written.
pub(crate) fn unwritten() -> Status {
    let seen = |class, message, fix| Trouble { attempts: 0, since: at(0), ..trouble(class, None, message, fix) };
    let torn = "failed to read /home/me/.local/state/evertoken/d7b84800f57f/credentials: line 5: neither a [section] nor \
                `key = value`; complete the line, remove it, or start it with #";
    let foreign = "the section is left alone: [dev] holds `aws_access_key_id` that evertoken did not write (line 9 of the \
                   credentials file)";
    let fix = "set adopt = true for the role to take the section over, or give the role another profile name";
    let private = |name| Profile { store: "private".to_owned(), ..profile(name, "Vault", State::Expired, None) };
    let never = |profile| Profile { next_refresh: None, last_refresh: None, ..profile };
    status(
        Daemon::default(),
        vec![
            with(seen("settings", foreign, Some(fix)), never(profile("dev", "Developer", State::Refused, None))),
            with(seen("store", torn, None), never(private("vault"))),
            with(seen("store", torn, None), never(private("safe"))),
        ],
    )
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
            with(denied("prod-audit", "Audit"), from("base-mfa", never)),
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
    profiles.push(with(denied("prod-audit", "Audit"), profile("prod-audit", "Audit", State::Refused, None)));
    profiles.push(with(too_long(), profile("nightly", "Nightly", State::Refused, Some(2_100))));
    profiles.push(profile("renamed", "Renamed", State::Outdated, Some(900)));
    profiles.push(with(offline(), profile("forgotten", "Forgotten", State::Expired, Some(-259_200))));
    let token = "/var/run/secrets/kubernetes.io/serviceaccount/日本語/token";
    profiles.push(from(token, profile("ci", "CI", State::Fresh, Some(200))));
    profiles.push(from("Ec2InstanceMetadata", profile("worker", "Worker", State::Fresh, Some(20_000))));
    let mfa = Profile { role_arn: None, store: "private".to_owned(), ..profile("base-mfa", "", State::Waiting, None) };
    let due = Fault::Source(SourceFault::MfaDue { profile: "base-mfa".to_owned() });
    let due = judged(&role("base-mfa", "arn:aws:iam::111122223333:role/Base"), &due);
    profiles.push(with(
        Trouble { since: at(-600), attempts: 1, ..due },
        Profile { expires: Some(at(3_000)), expires_in_seconds: Some(3_000), ..mfa },
    ));
    profiles.push(from("base-mfa", profile("admin", "Admin", State::Fresh, Some(1_800))));
    profiles.push(from("base-mfa", profile("billing", "Billing", State::Fresh, Some(3_300))));
    assert_eq!(profiles.len(), 40);
    status(running(), profiles)
}
