//! Text made to fit a terminal: measured in columns, cut with an ellipsis, broken between words, without control
//! characters. Knows nothing of what it says.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// A line is a line, and a terminal is not told what to do, whatever stands in `status.json`.
pub(super) fn clean(text: &str) -> String {
    let is_unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if is_unseen(c) { ' ' } else { c }).collect()
}

/// Its beginning and its end with `…` between, where it is wider than `width`: names that differ at either side stay
/// apart.
pub(super) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let head = taken(text.chars(), room.div_ceil(2));
    let tail = taken(text.chars().rev(), room - columns(&head));
    let ellipsis = if width == 0 { "" } else { "…" };
    head + ellipsis + &tail.chars().rev().collect::<String>()
}

/// As many characters as fit into `width` columns.
fn taken(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

/// What is done with a word that is wider than a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LongWord {
    /// It is cut.
    Cut,
    /// It stays whole, to be copied.
    Keep,
}

/// Breaks between words so that each line, `indent` included, fits into `width` columns.
pub(super) fn wrap(indent: &str, text: &str, width: usize, long: LongWord) -> Vec<String> {
    let room = width.saturating_sub(columns(indent)).max(1);
    let mut lines = vec![String::new()];
    let text = clean(text);
    let words: Vec<String> = match long {
        LongWord::Cut => text.split_whitespace().map(|word| cut(word, room)).collect(),
        LongWord::Keep => words(&text).map(str::to_owned).collect(),
    };
    for word in words {
        let Some(line) = lines.last_mut() else { continue };
        if line.is_empty() {
            line.push_str(&word);
        } else if columns(line) + 1 + columns(&word) <= room {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines.iter().map(|line| format!("{indent}{line}")).collect()
}

/// The words of a text. What stands between two quotes or backticks is one, as it is for a shell.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let (mut open, mut before) = (None, ' ');
    let apart = text.split(move |c: char| {
        match open {
            // Not the apostrophe of a word.
            None if matches!(c, '\'' | '`') && !before.is_alphanumeric() => open = Some(c),
            Some(quote) if c == quote => open = None,
            _ => {}
        }
        before = c;
        open.is_none() && c.is_whitespace()
    });
    apart.filter(|word| !word.is_empty())
}

/// `a, b, c and 35 more`, as many of them as one line of `width` columns can hold.
pub(super) fn enumerated(names: &[&str], width: usize) -> String {
    let all = names.join(", ");
    if columns(&all) <= width {
        return all;
    }
    let some = (1..names.len()).map(|told| format!("{} and {} more", names[..told].join(", "), names.len() - told));
    some.take_while(|line| columns(line) <= width).last().unwrap_or_else(|| cut(&all, width))
}

#[cfg(test)]
mod tests {
    use super::{LongWord, clean, columns, cut, enumerated, wrap};

    #[test]
    fn a_text_is_measured_in_columns_and_cut_in_its_middle() {
        assert_eq!(cut("acme-production-readonly", 24), "acme-production-readonly");
        assert_eq!(cut("acme-production-readonly", 12), "acme-p…donly");
        assert_eq!(cut("abc", 1), "…");
        assert_eq!(cut("abc", 0), "");
        // Two columns a character.
        assert_eq!((columns("日本語"), cut("日本語日本語", 6)), (6, "日…語".to_owned()));
        for width in 0..30 {
            assert!(columns(&cut("日本語abcдеф日本語abcдеф", width)) <= width, "{width}");
        }
    }

    #[test]
    fn lines_are_broken_between_words_and_long_words_cut_or_kept() {
        let text = "ask the owner of arn:aws:iam::111122223333:role/x";
        assert_eq!(wrap("  ", text, 20, LongWord::Cut), ["  ask the owner of", "  arn:aws:i…3:role/x"]);
        assert_eq!(wrap("", text, 20, LongWord::Keep)[1], "arn:aws:iam::111122223333:role/x");
        assert_eq!(wrap("", "", 20, LongWord::Cut), [""]);
        let text = "run `evertoken --config '/a  b' login`, or ask evertoken's owner";
        let lines = ["run", "`evertoken --config '/a  b' login`,", "or ask evertoken's", "owner"];
        assert_eq!(wrap("", text, 20, LongWord::Keep), lines);
    }

    #[test]
    fn a_terminal_is_not_told_what_to_do() {
        assert_eq!(clean("a\x1b[2J\u{202e}b\nc\u{9b}m"), "a [2J b c m");
    }

    #[test]
    fn names_are_told_as_far_as_the_line_goes() {
        let names = ["alpha", "beta", "gamma", "delta"];
        assert_eq!(enumerated(&names, 80), "alpha, beta, gamma, delta");
        assert_eq!(enumerated(&names, 24), "alpha, beta and 2 more");
        assert_eq!(enumerated(&names, 17), "alpha and 3 more");
        assert_eq!(enumerated(&names, 8), "alph…lta");
    }
}
