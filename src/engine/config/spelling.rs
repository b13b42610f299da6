//! The nearest of some known words, for "did you mean". Never guesses wildly: a third of a word may differ, or its end be
//! missing.

/// The known word that `written` was probably meant to be.
pub(in crate::engine) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase().replace('-', "_");
    let allowed = (written.chars().count() / 3).clamp(1, 3);
    let known: Vec<&str> = known.into_iter().collect();
    let close = known
        .iter()
        .map(|&word| (distance(&written, &word.to_lowercase().replace('-', "_")), word))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word);
    let begins = |word: &&&str| written.len() >= 3 && word.to_lowercase().starts_with(&written);
    close.or_else(|| known.iter().find(begins).copied())
}

/// Letters to insert, drop, replace or swap with their neighbour to make `a` of `b`.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    // Nothing that long is a slip of the finger, and the table below grows with the product.
    if a.len().abs_diff(b.len()) > 3 || a.len() > 256 {
        return usize::MAX;
    }
    let width = b.len() + 1;
    let mut table: Vec<usize> = (0..width).collect();
    for (i, &from) in a.iter().enumerate() {
        let row = table.len();
        table.push(i + 1);
        for (j, &to) in b.iter().enumerate() {
            let above = table[row + j + 1 - width];
            let diagonal = table[row + j - width];
            let mut best = (above + 1).min(table[row + j] + 1).min(diagonal + usize::from(from != to));
            if i > 0 && j > 0 && a[i - 1] == to && from == b[j - 1] {
                best = best.min(table[row + j - 1 - 2 * width] + 1);
            }
            table.push(best);
        }
    }
    table.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn counts_slips_of_the_finger() {
        for (a, b, expected) in [
            ("", "", 0),
            ("role", "role", 0),
            ("roel", "role", 1),
            ("rle", "role", 1),
            ("rolle", "role", 1),
            ("roke", "role", 1),
            ("erol", "role", 2),
            ("", "abc", 3),
            ("abc", "", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn finds_the_word_that_was_meant_and_no_other() {
        let known = ["role_arn", "region", "duration", "min_ttl"];
        assert_eq!(nearest("role_arm", known), Some("role_arn"));
        assert_eq!(nearest("Role-ARN", known), Some("role_arn"));
        assert_eq!(nearest("regoin", known), Some("region"));
        assert_eq!(nearest("minttl", known), Some("min_ttl"));
        assert_eq!(nearest("dur", known), Some("duration"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("x", known), None);
    }
}
