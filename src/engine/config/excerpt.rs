//! The line that a finding quotes, cut around its span and with carets under it. Never shows what looks like a secret.

use crate::engine::config::places::looks_secret;
use std::ops::Range;

/// Longer lines are cut.
const WIDEST: usize = 110;
/// What is kept of a cut line before the span.
const BEFORE: usize = 40;

/// A quoted line.
#[derive(Debug)]
pub(super) struct Excerpt {
    /// From 1.
    pub(super) line: usize,
    /// From 1, in characters.
    pub(super) column: usize,
    /// The line.
    pub(super) quoted: String,
    /// Carets under the span.
    pub(super) marker: String,
}

impl Excerpt {
    /// The line where `span` begins, of which `line` is the number. Spans that reach beyond the line or the text are cut.
    pub(super) fn of(text: &str, span: &Range<usize>, line: usize) -> Self {
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |offset| start + offset);
        let end = text.floor_char_boundary(span.end.clamp(start, line_end));
        let from = text[line_start..start].chars().count();
        let chars = masked(text[line_start..line_end].trim_end_matches('\r'));
        let begin = if chars.len() > WIDEST { from.saturating_sub(BEFORE).min(chars.len() - WIDEST) } else { 0 };
        let stop = chars.len().min(begin + WIDEST);

        let mut quoted: String = chars[begin..stop].iter().collect();
        let mut marker: String =
            chars[begin..from.clamp(begin, stop)].iter().map(|&c| if c == '\t' { '\t' } else { ' ' }).collect();
        if begin > 0 {
            quoted.insert(0, '…');
            marker.insert(0, ' ');
        }
        if stop < chars.len() {
            quoted.push('…');
        }
        let width = text[start..end].trim_end().chars().count().min(stop.saturating_sub(from)).max(1);
        marker.extend(std::iter::repeat_n('^', width));
        Self { line, column: from + 1, quoted, marker }
    }
}

/// The numbers of the lines in which places of a text stand, asked for in their order: the text is walked once for all.
pub(super) struct LineNumbers<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> LineNumbers<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, at: 0, line: 1 }
    }

    /// From 1. A place before the last one is found too, from the start again.
    pub(super) fn at(&mut self, place: usize) -> usize {
        let place = place.min(self.text.len());
        if place < self.at {
            *self = Self::of(self.text);
        }
        self.line += self.text.as_bytes()[self.at..place].iter().filter(|byte| **byte == b'\n').count();
        self.at = place;
        self.line
    }
}

/// The characters of a text, as many as it has: what may be a secret is `*`, control characters cannot reach a terminal.
pub(super) fn masked(text: &str) -> Vec<char> {
    let mut chars: Vec<char> =
        text.chars().map(|c| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }).collect();
    mask_values_of_secret_keys(&mut chars);
    mask_passwords_in_urls(&mut chars);
    mask_key_material(&mut chars);
    chars
}

fn mask(chars: &mut [char]) {
    for c in chars {
        if !c.is_whitespace() && !matches!(c, '"' | '\'') {
            *c = '*';
        }
    }
}

fn mask_values_of_secret_keys(chars: &mut [char]) {
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut at = 0;
    while at < chars.len() {
        let end = at + chars[at..].iter().take_while(|&&c| in_word(c)).count();
        let word: String = chars[at..end].iter().collect();
        if looks_secret(&word) {
            let gap = chars[end..].iter().take_while(|&&c| c.is_whitespace() || matches!(c, '"' | '\'')).count();
            if matches!(chars.get(end + gap), Some('=' | ':')) {
                mask(&mut chars[end + gap + 1..]);
                return;
            }
        }
        at = end.max(at + 1);
    }
}

fn mask_passwords_in_urls(chars: &mut [char]) {
    let mut at = 0;
    while at + 3 <= chars.len() {
        if chars[at..at + 3] == [':', '/', '/'] {
            let start = at + 3;
            let authority =
                chars[start..].iter().take_while(|&&c| !matches!(c, '/' | '"' | '\'') && !c.is_whitespace()).count();
            if let Some(user_info) = chars[start..start + authority].iter().rposition(|&c| c == '@') {
                mask(&mut chars[start..start + user_info]);
            }
        }
        at += 1;
    }
}

/// Runs as long as a secret access key (40 characters), as mixed as random ones are.
fn mask_key_material(chars: &mut [char]) {
    const SHORTEST: usize = 40;
    let in_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let mut at = 0;
    while at < chars.len() {
        let run = chars[at..].iter().take_while(|&&c| in_base64(c)).count();
        let found = &mut chars[at..at + run];
        let mixed = found.iter().any(char::is_ascii_uppercase)
            && found.iter().any(char::is_ascii_lowercase)
            && found.iter().any(char::is_ascii_digit);
        if run >= SHORTEST && mixed {
            mask(found);
        }
        at += run.max(1);
    }
}
