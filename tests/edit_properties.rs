//! For any file at all, the edit of the credentials file keeps its promises: it refuses, or it changes its own lines
//! and nothing else, and whoever could read the file before can read it after.

#[path = "credentials_file/invariants.rs"]
mod invariants;
#[path = "credentials_file/lines.rs"]
mod lines;
#[path = "credentials_file/readers.rs"]
mod readers;

use evertoken::engine::credentials_file::{Edit, apply};
use invariants::{check, edit};
use lines::LINES;
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;
use proptest::test_runner::FileFailurePersistence;
use std::fmt;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 600,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/credentials_file/regressions"))),
        ..ProptestConfig::default()
    }
}

/// A file that shows itself as text when a case fails.
#[derive(Clone)]
struct File(Vec<u8>);

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    vec(any::<u16>().prop_map(edit), 1..5)
}

fn line_ending() -> impl Strategy<Value = &'static str> {
    prop_oneof![20 => Just("\n"), 4 => Just("\r\n"), 1 => Just("\r")]
}

/// Lines in any order, the last one perhaps without an ending.
fn soup() -> impl Strategy<Value = File> {
    (vec((select(LINES.as_slice()), line_ending()), 0..16), any::<bool>()).prop_map(|(lines, complete)| {
        let mut text: String = lines.iter().flat_map(|(line, ending)| [*line, *ending]).collect();
        if !complete {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        File(text.into_bytes())
    })
}

/// The same with only lines that all readers can read, so that the interesting half is not refused at once.
fn tidy() -> impl Strategy<Value = File> {
    let harmless: Vec<&str> = LINES.into_iter().filter(|line| !["[b", "[]", "junk", "= v"].contains(line)).collect();
    let headers = select(vec!["[dev]", "[b]", "[default]", "[dev] ; note", "[other]", "[team/x.y]"]);
    let section = (headers, vec(select(harmless), 0..7));
    (vec(section, 0..4), select(vec!["\n", "\r\n"]), any::<bool>()).prop_map(|(sections, ending, complete)| {
        let lines = sections.iter().flat_map(|(header, lines)| [*header].into_iter().chain(lines.iter().copied()));
        let mut text = lines.collect::<Vec<_>>().join(ending);
        if complete {
            text.push_str(ending);
        }
        File(text.into_bytes())
    })
}

/// A file that we wrote, on which somebody has laid hands since: lines gone, doubled, moved, inserted, cut short.
fn meddled() -> impl Strategy<Value = File> {
    let hands = vec((any::<u8>(), any::<u16>(), select(LINES.as_slice())), 0..5);
    (tidy(), edits(), hands).prop_map(|(file, edits, hands)| {
        let written = apply(&file.0, &edits).map_or(file.0, |applied| applied.bytes.to_vec());
        let mut lines: Vec<Vec<u8>> = written.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        for (kind, place, line) in hands {
            let place = usize::from(place) % (lines.len() + 1);
            match kind % 5 {
                0 if place < lines.len() => drop(lines.remove(place)),
                1 if place < lines.len() => lines.push(lines[place].clone()),
                2 if place < lines.len() => lines.swap(place, usize::from(kind) % (place + 1)),
                3 if place < lines.len() => {
                    let cut = lines[place].len() / 2;
                    lines[place].truncate(cut);
                }
                _ => lines.insert(place, format!("{line}\n").into_bytes()),
            }
        }
        File(lines.concat())
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..120), edits in edits()) {
        check(&bytes, &edits);
    }

    #[test]
    fn any_text_of_the_characters_that_matter(text in "[\\[\\]=:#; \t\r\n\"adevb_é\u{a0}\u{feff}]{0,60}", edits in edits()) {
        check(text.as_bytes(), &edits);
    }

    #[test]
    fn any_soup_of_lines(file in soup(), edits in edits()) {
        check(&file.0, &edits);
    }

    #[test]
    fn any_file_in_good_order(file in tidy(), edits in edits()) {
        check(&file.0, &edits);
    }

    #[test]
    fn any_file_of_ours_that_others_have_changed(file in meddled(), edits in edits()) {
        check(&file.0, &edits);
    }
}
