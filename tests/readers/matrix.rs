//! Writes credentials files, before and after an edit, for the real readers of `tests/readers/run` to read. Never reads
//! any file, and writes only into the folder that it is given.
#![expect(clippy::disallowed_methods, reason = "a tool for tests, beside the program and not in it")]

#[path = "../credentials_file/invariants.rs"]
mod invariants;
#[path = "../credentials_file/lines.rs"]
mod lines;
#[path = "../credentials_file/readers.rs"]
mod readers;

use evertoken::engine::credentials_file::{Edit, Outcome, apply};
use lines::LINES;
use readers::{Sections, botocore, javascript};
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;

/// Files as people have them, with the profile to be edited in place of `@`.
const FILES: [(&str, &str); 10] = [
    ("nothing", ""),
    ("one other", "[other]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = s/+=EXAMPLE\n"),
    ("no final newline", "[other]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = sEXAMPLE"),
    ("windows", "[other]\r\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\r\naws_secret_access_key = sEXAMPLE\r\n"),
    (
        "comments",
        "# top\n[@]\n; mine\nregion = eu-west-1 \n\n# of other\n[other]  # note\naws_access_key_id=AKIAIOSFODNN7EXAMPLE\naws_secret_access_key=%#;=EXAMPLE\n",
    ),
    (
        "nested",
        "[@]\ns3 =\n  max_concurrent_requests = 20\n  max_queue_size = 10\n[other]\ns3 =\n    addressing_style = path\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = sEXAMPLE\n",
    ),
    (
        "indented",
        "[other]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = sEXAMPLE\n[@]\n  output = json\n\n[z]\nk = v\n",
    ),
    (
        "foreign",
        "[@]\nAWS_ACCESS_KEY_ID = ASIAOLDEXAMPLE\naws_secret_access_key=oldEXAMPLE\naws_session_token=oldEXAMPLE\naws_security_token = oldEXAMPLE\n[other]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = sEXAMPLE\n",
    ),
    ("long-term", "[@]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = sEXAMPLE\n"),
    (
        "twice",
        "[@]\nregion = x\n[other]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = sEXAMPLE\n[@]\nregion = y\n",
    ),
];

/// How many files of random lines come on top.
const RANDOM: u64 = 400;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: edit-matrix FOLDER")?;
    let mut cases = Vec::new();
    for (title, file) in FILES {
        for profile in invariants::NAMES {
            let seed = invariants::NAMES.iter().position(|name| *name == profile).unwrap_or_default();
            let put = invariants::edit(u16::try_from(seed)? | 0b1010_1000_1000);
            cases.push((true, format!("{title} {profile}"), file.replace('@', profile), put));
        }
    }
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for number in 0..RANDOM {
        // Most of the odd lines break the file for somebody; a few at a time leave something to compare.
        let mut file = String::from("[dev]\n");
        for _ in 0..dice.roll(9) {
            file.push_str(LINES[dice.roll(LINES.len())]);
            file.push_str(if dice.roll(8) == 0 { "\r\n" } else { "\n" });
        }
        let edit = invariants::edit(u16::try_from(dice.roll(1 << 16))?);
        cases.push((false, format!("random {number}"), file, edit));
    }
    for (number, (curated, title, before, edit)) in cases.iter().enumerate() {
        write(&Path::new(&folder).join(format!("{number:03}")), *curated, title, before, edit)?;
    }
    Ok(())
}

fn write(folder: &Path, curated: bool, title: &str, before: &str, edit: &Edit) -> Result<(), Box<dyn Error>> {
    // This also has the Rust SDK read both.
    invariants::check(before.as_bytes(), std::slice::from_ref(edit));
    let (after, outcome) = match apply(before.as_bytes(), std::slice::from_ref(edit)) {
        Ok(applied) => (applied.bytes.to_vec(), applied.outcomes.first().map_or("", word)),
        Err(_) => (before.as_bytes().to_vec(), "malformed"),
    };
    let (profile, keys) = match edit {
        Edit::Remove { profile, .. } => (profile, None),
        Edit::Put(publication) => (&publication.profile, Some(&publication.session.keys)),
    };
    let keys = keys.map(|keys| {
        json!({
            "aws_access_key_id": keys.access_key_id,
            "aws_secret_access_key": keys.secret_access_key.expose(),
            "aws_session_token": keys.session_token.as_ref().map(|token| token.expose()),
        })
    });
    let case = json!({
        "title": title,
        "curated": curated,
        "profile": profile.as_str(),
        "outcome": outcome,
        "keys": keys,
        "before": model(before.as_bytes()),
        "after": model(&after),
    });
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("before"), before)?;
    std::fs::write(folder.join("after"), after)?;
    std::fs::write(folder.join("case.json"), case.to_string())?;
    Ok(())
}

/// What our own models of the readers find, so that the real ones can be compared with them.
fn model(bytes: &[u8]) -> Value {
    json!({ "botocore": botocore(bytes).ok().map(with_defaults), "javascript": javascript(bytes) })
}

/// Everything under `[DEFAULT]` is a default of every section, and no section itself.
fn with_defaults(mut sections: Sections) -> Sections {
    for (key, value) in sections.remove("DEFAULT").unwrap_or_default() {
        for section in sections.values_mut() {
            section.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    sections
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Written => "written",
        Outcome::Unchanged => "unchanged",
        Outcome::Refused(_) => "refused",
    }
}

/// The same numbers on every run (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % sides
    }
}
