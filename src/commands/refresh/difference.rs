//! What changes between two versions of a credentials file, as lines for a person. Never shows a secret.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Keys of a section whose values are never shown.
const SECRET: [&str; 5] =
    ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token", "x_evertoken"];

/// A line as it is shown, and what tells it from others.
type Line = (String, u64);

/// The lines that would go and come, with every secret left out.
pub(super) fn between(old: &[u8], new: &[u8]) -> Vec<String> {
    difference(&redacted(old), &redacted(new))
}

/// The lines of a file, those that are kept and those of secrets told apart from new ones by nothing but a mark.
fn redacted(bytes: &[u8]) -> Vec<Line> {
    let text = String::from_utf8_lossy(bytes);
    let line = |line: &str| {
        let key = line.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
        let shown = if SECRET.contains(&key.as_str()) { format!("{key} = …") } else { line.to_owned() };
        (shown, fingerprint(line))
    };
    text.lines().map(line).collect()
}

fn fingerprint(line: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

/// What is only in the old lines with `-`, what is only in the new ones with `+`, headers of sections for orientation.
fn difference(old: &[Line], new: &[Line]) -> Vec<String> {
    let kept = common(old, new);
    let mut lines = Vec::new();
    let (mut at_old, mut at_new) = (0, 0);
    for (in_old, in_new) in kept.into_iter().chain([(old.len(), new.len())]) {
        lines.extend(old[at_old..in_old].iter().map(|(line, _)| format!("- {line}")));
        lines.extend(new[at_new..in_new].iter().map(|(line, _)| format!("+ {line}")));
        if let Some((line, _)) = new.get(in_new).filter(|(line, _)| line.starts_with('[')) {
            lines.push(format!("  {line}"));
        }
        (at_old, at_new) = (in_old + 1, in_new + 1);
    }
    // A header under which nothing changes says nothing.
    let changed: BTreeSet<usize> = (0..lines.len()).filter(|at| !lines[*at].starts_with("  [")).collect();
    let useful = |at: usize| changed.contains(&at) || changed.contains(&(at + 1));
    (0..lines.len()).filter(|at| useful(*at)).map(|at| lines[at].clone()).collect()
}

/// What both have in the same order, as pairs of positions. Only what lies between the first and the last change costs more
/// than a look: a file may have thousands of lines, of which a refresh changes a few.
fn common(old: &[Line], new: &[Line]) -> Vec<(usize, usize)> {
    let same = |((_, a), (_, b)): &(&Line, &Line)| a == b;
    let before = old.iter().zip(new).take_while(same).count();
    let (old_rest, new_rest) = (&old[before..], &new[before..]);
    let after = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(same).count();
    let (old_end, new_end) = (old.len() - after, new.len() - after);
    let middle = subsequence(&old[before..old_end], &new[before..new_end]);
    let head = (0..before).map(|at| (at, at));
    let middle = middle.into_iter().map(|(i, j)| (before + i, before + j));
    head.chain(middle).chain((0..after).map(|at| (old_end + at, new_end + at))).collect()
}

/// The longest common subsequence, as pairs of positions.
fn subsequence(old: &[Line], new: &[Line]) -> Vec<(usize, usize)> {
    let mut lengths = vec![vec![0u32; new.len() + 1]; old.len() + 1];
    for (i, (_, a)) in old.iter().enumerate().rev() {
        for (j, (_, b)) in new.iter().enumerate().rev() {
            lengths[i][j] = if a == b { lengths[i + 1][j + 1] + 1 } else { lengths[i + 1][j].max(lengths[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < old.len() && j < new.len() {
        if old[i].1 == new[j].1 {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[i + 1][j] >= lengths[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::{between, common, redacted};

    #[test]
    fn shows_what_changes_and_no_secret() {
        let old = b"# mine\n[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\n[dev]\naws_secret_access_key = old\nregion = x\n";
        let new = b"# mine\n[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\n[dev]\naws_secret_access_key = new\nregion = x\nk = v\n";
        let lines = between(old, new);
        assert_eq!(lines, ["  [dev]", "- aws_secret_access_key = …", "+ aws_secret_access_key = …", "+ k = v"]);
        assert!(between(old, old).is_empty());
    }

    #[test]
    fn pairs_what_stays_around_and_between_changes() {
        let pairs = |old: &str, new: &str| common(&redacted(old.as_bytes()), &redacted(new.as_bytes()));
        assert_eq!(pairs("a\nb\nc\nd\n", "a\nx\nc\ny\nd\n"), [(0, 0), (2, 2), (3, 4)]);
        // What repeats belongs to the beginning or to the end, and is never counted for both.
        assert_eq!(pairs("a\na\n", "a\na\na\n"), [(0, 0), (1, 1)]);
        assert_eq!(pairs("a\nb\na\n", "a\n"), [(0, 0)]);
        assert_eq!(pairs("", "a\n"), []);
    }

    /// A square of all lines against all lines would not fit into any memory.
    #[test]
    fn a_long_file_costs_no_more_than_its_changes() {
        let old: String = (0..300_000).map(|line| format!("key_{line} = {line}\n")).collect();
        let new = old.replace("key_150000 = 150000\n", "key_150000 = other\n");
        let lines = between(old.as_bytes(), new.as_bytes());
        assert_eq!(lines, ["- key_150000 = 150000", "+ key_150000 = other"]);
    }
}
