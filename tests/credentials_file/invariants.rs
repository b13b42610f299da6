//! What must hold for any file and any edits, for the property tests and the fuzzer alike.

#![expect(clippy::expect_used, clippy::panic, reason = "a broken promise is to end the test")]

use super::readers::{Sections, botocore, javascript};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_runtime::env_config::section::{EnvConfigSections, Profile};
use aws_runtime::env_config::source;
use aws_types::os_shim_internal::{Env, Fs};
use evertoken::engine::credentials_file::{Edit, Observation, Outcome, Publication, Reason, apply, observe};
use evertoken::engine::names::ProfileName;
use evertoken::engine::secret::Secret;
use evertoken::engine::session::{Keys, Session, SettingsDigest};
use evertoken::engine::time::WallTime;
use std::collections::BTreeMap;
use std::time::Duration;

/// The profiles that edits are about.
pub(crate) const NAMES: [&str; 4] = ["dev", "b", "default", "team/x.y"];

/// The keys that may change in a section of ours, as people would list them.
const OURS: [&str; 7] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
    "aws_account_id",
    "x_security_token_expires",
    "x_evertoken",
];

/// An edit made of a few small numbers, so that a fuzzer reaches all kinds of them.
pub(crate) fn edit(seed: u16) -> Edit {
    let profile = ProfileName::parse(NAMES[usize::from(seed) % NAMES.len()]).expect("a profile name");
    if seed & 0x18 == 0 {
        return Edit::remove(profile);
    }
    let bit = |bit: u16| seed & (1 << bit) != 0;
    let issued = WallTime::from_unix_seconds(1_795_269_845 + i64::from(bit(5)) * 3600);
    let session = Session {
        keys: Keys {
            access_key_id: if bit(5) { "ASIAI44QH8DHBEXAMPLE" } else { "ASIAIOSFODNN7EXAMPLE" }.to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: Some(Secret::new(if bit(6) { "Fwo;G#Z=EXAMPLE%==" } else { "IQoJb3JpZ2luEXAMPLE" })),
        },
        account_id: bit(7).then(|| "111122223333".to_owned()),
        issued,
        expiration: issued + Duration::from_secs(3600),
        digest: SettingsDigest::parse("9f00aa11bb22cc33").expect("a digest"),
        allowed: bit(8).then(|| Duration::from_secs(900)),
    };
    let region = bit(9).then(|| if bit(10) { "us-east-1" } else { "eu-west-1" }.to_owned());
    Edit::Put(Box::new(Publication { profile, session, region, adopt: bit(11) }))
}

/// Checks every promise of the editor on one file and one list of edits. Panics with what was broken.
pub(crate) fn check(before: &[u8], edits: &[Edit]) {
    let mut bytes = before.to_vec();
    let mut outcomes = Vec::new();
    for edit in edits {
        let (after, outcome) = check_one(&bytes, edit);
        bytes = after;
        outcomes.extend(outcome);
    }
    // Together they do what they do one after the other. (But for blank lines and for which ending most lines have,
    // where one edit would see what another has done, and for what the marks say of them.)
    let Ok(together) = apply(before, edits) else { return };
    let unlined = |outcomes: Vec<Outcome>| outcomes.into_iter().map(without_line).collect::<Vec<_>>();
    assert_eq!(unlined(together.outcomes), unlined(outcomes));
    let plain = |bytes: &[u8]| -> Vec<String> {
        let is_lead = |word: &&str| word.starts_with("lead=") || word.starts_with("completed=");
        let without_lead = |line: &str| match line.starts_with("x_evertoken") {
            true => line.split(' ').filter(|word| !is_lead(word)).collect::<Vec<_>>().join(" "),
            false => line.to_owned(),
        };
        text(bytes).lines().filter(|line| !line.trim().is_empty()).map(without_lead).collect()
    };
    assert_eq!(plain(&together.bytes), plain(&bytes));
}

/// As a failure shows it.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Line numbers change with what is written above.
fn without_line(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Refused(reason) => Outcome::Refused(Reason { line: None, ..reason }),
        other => other,
    }
}

fn observed_without_line(observation: Observation) -> Observation {
    match observation {
        Observation::Foreign(reason) => Observation::Foreign(Reason { line: None, ..reason }),
        Observation::Untouchable(reason) => Observation::Untouchable(Reason { line: None, ..reason }),
        other => other,
    }
}

/// One edit of one file; returns the new file, and the outcome unless the file is malformed.
fn check_one(before: &[u8], edit: &Edit) -> (Vec<u8>, Option<Outcome>) {
    let name = edit.profile();
    let names: Vec<ProfileName> = NAMES.iter().filter_map(|name| ProfileName::parse(name).ok()).collect();
    let (applied, seen) = match (apply(before, std::slice::from_ref(edit)), observe(before, &names)) {
        (Ok(applied), Ok(seen)) => (applied, seen),
        (Err(malformed), Err(same)) => {
            assert_eq!(malformed, same);
            assert_silent(&malformed.text);
            return (before.to_vec(), None);
        }
        _ => panic!("malformed for one, not for the other"),
    };
    let after: &[u8] = &applied.bytes;
    let outcome = applied.outcomes.first().expect("one outcome for one edit").clone();
    let stood =
        |seen: &[(ProfileName, Observation)]| seen.iter().find(|(n, _)| n == name).expect("an answer").1.clone();
    assert_eq!(outcome == Outcome::Written, after != before, "{outcome:?}");
    if let Outcome::Refused(reason) = &outcome {
        assert_silent(&reason.text);
        assert!(reason.line.is_none_or(|line| (1..=before.split(|byte| *byte == b'\n').count()).contains(&line)));
        assert!(!matches!(stood(&seen), Observation::Ours(_) | Observation::Absent | Observation::Fillable));
    }
    if outcome != Outcome::Written {
        if let (Outcome::Unchanged, Edit::Put(publication)) = (&outcome, edit) {
            assert_eq!(stood(&seen), Observation::Ours(Box::new(publication.session.clone())));
        }
        return (after.to_vec(), Some(outcome));
    }
    assert!(!matches!(stood(&seen), Observation::Untouchable(_) | Observation::NewerFormat));
    check_owner(before, edit);
    let again = apply(after, std::slice::from_ref(edit)).expect("a file that can be edited again");
    assert_eq!(text(&again.bytes), text(after));
    assert!(again.outcomes == [Outcome::Unchanged] || matches!(edit, Edit::Remove { .. }), "{:?}", again.outcomes);

    let now = observe(after, &names).expect("a file that can be read again");
    let others = |seen: &[(ProfileName, Observation)]| -> Vec<(ProfileName, Observation)> {
        let others = seen.iter().filter(|(n, _)| n != name).cloned();
        others.map(|(name, observation)| (name, observed_without_line(observation))).collect()
    };
    assert_eq!(others(&seen), others(&now));
    match edit {
        Edit::Put(publication) => {
            assert_eq!(stood(&now), Observation::Ours(Box::new(publication.session.clone())));
            assert!(stood(&seen) != Observation::Absent || is_addition(before, after), "an addition that is none");
            let kept = bystanders(before, before, edit);
            let still = bystanders(after, before, edit);
            let added = still.strip_prefix(kept.as_slice());
            assert!(
                added.is_some_and(|added| stood(&seen) == Observation::Absent || added.is_empty() || is_ending(added))
            );
            if stood(&seen) == Observation::Absent {
                let gone = apply(after, &[Edit::remove(name.clone())]).expect("a file that can be edited back");
                assert_eq!(text(&gone.bytes), text(before), "not put back");
                let section = javascript(after).remove(name.as_str()).unwrap_or_default();
                assert_eq!(section.get("region"), publication.region.as_ref());
            }
        }
        Edit::Remove { .. } => {
            assert!(!matches!(stood(&now), Observation::Ours(_) | Observation::Damaged));
            assert!(
                is_less(
                    &bystanders(before, before, edit),
                    &bystanders(after, before, edit),
                    text(before).contains(" completed=")
                ),
                "took more than ours"
            );
        }
    }
    check_readers(before, after, edit);
    (after.to_vec(), Some(outcome))
}

/// What was written to must have been ours, empty of credentials, or temporary and to be adopted.
fn check_owner(before: &[u8], edit: &Edit) {
    let name = edit.profile().as_str();
    let id = javascript(before).remove(name).and_then(|mut section| section.remove("aws_access_key_id"));
    assert!(!id.is_some_and(|id| id.starts_with("AKIA")), "wrote over long-term keys");
    let Some(section) = botocore(before).ok().and_then(|mut sections| sections.remove(name)) else { return };
    let get = |key: &str| section.get(key).map_or("", String::as_str);
    let (id, mark) = (get("aws_access_key_id"), get("x_evertoken"));
    assert!(!id.starts_with("AKIA"), "wrote over long-term keys");
    let mut words = mark.split_ascii_whitespace();
    let ours = words.next() == Some("1") && words.any(|word| word.strip_prefix("profile=") == Some(name));
    if !ours {
        let adopt = matches!(edit, Edit::Put(publication) if publication.adopt);
        let tokens = [get("aws_session_token"), get("aws_security_token")];
        assert!(id.is_empty() || (adopt && tokens.iter().any(|token| !token.is_empty())), "wrote over foreign keys");
        assert!(mark.split_ascii_whitespace().next() != Some("2"), "wrote over a newer format");
        assert!(["role_arn", "credential_process"].iter().all(|key| !section.contains_key(*key)), "wrote in vain");
    }
}

/// All secrets and key ids here have this word in them; no message may.
fn assert_silent(text: &str) {
    assert!(!text.contains("EXAMPLE") && !text.contains('\n') && !text.is_empty(), "{text}");
}

fn is_ending(bytes: &[u8]) -> bool {
    matches!(bytes, b"\n" | b"\r\n")
}

/// Whether a file only grew at its end, by at most an ending, a blank line and a section.
fn is_addition(before: &[u8], after: &[u8]) -> bool {
    after.strip_prefix(before).is_some_and(|added| {
        let text = String::from_utf8_lossy(added).replace("\r\n", "\n");
        let section = text.trim_start_matches('\n');
        text.len() - section.len() <= 2
            && section.starts_with('[')
            && !section.contains("\n\n")
            && section.ends_with('\n')
    })
}

/// Whether `less` is `more` without at most one blank line somewhere and, where one was noted, at most the last line ending.
fn is_less(more: &[u8], less: &[u8], is_noted: bool) -> bool {
    let lines: Vec<&[u8]> = more.split_inclusive(|byte| *byte == b'\n').collect();
    let blank = |line: &[u8]| String::from_utf8_lossy(line).trim().is_empty();
    let without = |skip: Option<usize>| -> Vec<u8> {
        lines
            .iter()
            .enumerate()
            .filter(|(index, _)| Some(*index) != skip)
            .flat_map(|(_, line)| *line)
            .copied()
            .collect()
    };
    let blanks = lines.iter().enumerate().filter(|(_, line)| blank(line)).map(|(index, _)| Some(index));
    blanks
        .chain([None])
        .map(without)
        .any(|rest| rest == less || (is_noted && rest.strip_prefix(less).is_some_and(is_ending)))
}

/// The bytes of all lines that an edit of the file `before` has no business with.
fn bystanders(bytes: &[u8], before: &[u8], edit: &Edit) -> Vec<u8> {
    let header = format!("[{}]", edit.profile());
    let mut inside = false;
    let mut kept = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        if text.starts_with('[') {
            inside = text.trim_end() == header
                || text.starts_with(&format!("{header} "))
                || text.starts_with(&format!("{header}\t"));
            if inside && (matches!(edit, Edit::Remove { .. }) || text.trim_end() == header) {
                continue;
            }
        }
        let key = text.split(['=', ':']).next().unwrap_or_default().trim().to_lowercase();
        let region = text.starts_with("region") && key == "region" && is_ours_region(before, &text, edit);
        if inside && !text.starts_with([' ', '\t', '#', ';']) && (OURS.contains(&key.as_str()) || region) {
            continue;
        }
        kept.extend_from_slice(line);
    }
    kept
}

/// Whether a region line is the one that a mark in the file, or the edit itself, knows of.
fn is_ours_region(bytes: &[u8], line: &str, edit: &Edit) -> bool {
    let value = line.split_once('=').map_or("", |(_, value)| value.trim());
    let asked = matches!(edit, Edit::Put(publication) if publication.region.as_deref() == Some(value));
    asked || String::from_utf8_lossy(bytes).contains(&format!(" region={value}"))
}

/// Whoever could read the file before can read it after, finds our keys in our section and everything else as it was.
fn check_readers(before: &[u8], after: &[u8], edit: &Edit) {
    let name = edit.profile().as_str();
    let without = |mut sections: Sections| {
        sections.remove(name);
        sections
    };
    if let Ok(read) = botocore(before) {
        let now = botocore(after).unwrap_or_else(|error| panic!("botocore no longer reads it: {error}"));
        assert_eq!(without(read), without(now.clone()));
        check_values(edit, |key| now.get(name).and_then(|section| section.get(key)).cloned());
    }
    let now = javascript(after);
    assert_eq!(without(javascript(before)), without(now.clone()));
    check_values(edit, |key| now.get(name).and_then(|section| section.get(key)).cloned());
    if let Some(read) = rust_sdk(before) {
        let now = rust_sdk(after).expect("the Rust SDK no longer reads it");
        let others = |all: &BTreeMap<String, Profile>| -> BTreeMap<String, Profile> {
            all.iter()
                .filter(|(n, _)| *n != name && !is_spaced(before, n))
                .map(|(n, profile)| (n.clone(), profile.clone()))
                .collect()
        };
        assert!(others(&read) == others(&now), "the Rust SDK reads another profile differently");
        check_values(edit, |key| now.get(name).and_then(|profile| profile.get(key)).map(str::to_owned));
    }
}

/// Whether a header names a section with space around the name: the Rust SDK merges it with the other, now in one
/// order, now in the other.
fn is_spaced(bytes: &[u8], name: &str) -> bool {
    let headers = text(bytes);
    let mut inner = headers.lines().filter_map(|line| line.strip_prefix('[')?.split(']').next());
    inner.any(|inner| inner != name && inner.trim() == name)
}

fn check_values(edit: &Edit, get: impl Fn(&str) -> Option<String>) {
    let Edit::Put(publication) = edit else {
        assert!(OURS.iter().all(|key| get(key).is_none()), "a key of ours is left");
        return;
    };
    let Session { keys, account_id, expiration, .. } = &publication.session;
    let token = keys.session_token.as_ref().map(|token| token.expose().to_owned());
    assert_eq!(get("aws_access_key_id").as_ref(), Some(&keys.access_key_id));
    assert_eq!(get("aws_secret_access_key").as_deref(), Some(keys.secret_access_key.expose()));
    assert_eq!(get("aws_session_token"), token);
    assert_eq!(get("aws_account_id"), *account_id);
    assert_eq!(get("x_security_token_expires"), Some(expiration.to_string()));
    assert_eq!(get("aws_security_token"), None);
    assert!(get("x_evertoken").is_some_and(|mark| mark.starts_with("1 ")));
}

/// The profiles that the Rust SDK's own parser finds; `None` when it refuses the file.
fn rust_sdk(bytes: &[u8]) -> Option<BTreeMap<String, Profile>> {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    }
    let text = String::from_utf8(bytes.to_vec()).ok()?;
    let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Credentials, text).build();
    let (env, fs) = (Env::from_slice(&[]), Fs::from_slice(&[]));
    let source = RUNTIME.with(|runtime| runtime.block_on(source::load(&env, &fs, &files))).expect("contents that load");
    let sections = EnvConfigSections::parse(source).ok()?;
    let names = sections.profiles().map(str::to_owned);
    Some(names.filter_map(|name| sections.get_profile(&name).cloned().map(|profile| (name, profile))).collect())
}
