//! The lines of a credentials file without loss: their text, their ending, and what every reader takes them for. Never
//! judges what a line means for a profile.

use super::types::Malformed;

/// What a line is at first sight. Readers agree on these; where they do not, the file is malformed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Nothing but space.
    Blank,
    /// `#` or `;` in the first column.
    Comment,
    /// A header in the first column.
    Header,
    /// `key = value` (or `key: value`, which botocore takes as well) in the first column.
    Key,
    /// Anything that starts with space: the value above goes on, or a nested block, or a comment, or a key, depending
    /// on who reads it.
    Indented,
}

/// One line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Without its ending.
    pub(super) text: &'a str,
    /// `\n`, `\r\n`, or nothing at the end of the file.
    pub(super) ending: &'a str,
    /// What it is.
    pub(super) kind: Kind,
}

impl<'a> Line<'a> {
    /// The key in lower case and the value, both trimmed, as the most generous reader takes them.
    pub(super) fn key_and_value(&self) -> Option<(String, &'a str)> {
        let at = self.text.find(['=', ':'])?;
        Some((self.text[..at].trim().to_lowercase(), self.text[at + 1..].trim()))
    }

    /// Whether it is written as all readers take it alike: `key`, then `=`, then the value, with at most plain space
    /// between.
    pub(super) fn is_plainly(&self, key: &str) -> bool {
        let separator = self.text.strip_prefix(key).map(|rest| rest.trim_start_matches([' ', '\t']));
        let value = separator.and_then(|rest| rest.strip_prefix('='));
        value.is_some_and(|value| value.trim() == value.trim_matches([' ', '\t']))
    }

    /// Whether it is a comment that does not start in the first column: skipped by some, part of the value above to
    /// others.
    pub(super) fn is_indented_comment(&self) -> bool {
        self.kind == Kind::Indented && self.text.trim_start().starts_with(['#', ';'])
    }
}

/// Splits a file into its lines. The whole file is refused where some readers would refuse it as a whole, or where they
/// do not even agree on where its lines end.
pub(super) fn split(bytes: &[u8]) -> Result<Vec<Line<'_>>, Malformed> {
    let text = decode(bytes)?;
    let mut lines = Vec::with_capacity(bytes.iter().filter(|byte| **byte == b'\n').count() + 1);
    let mut in_section = false;
    for (index, whole) in text.split_inclusive('\n').enumerate() {
        let end = whole.trim_end_matches('\n');
        let text = if end.len() < whole.len() { end.strip_suffix('\r').unwrap_or(end) } else { end };
        let line = Line { text, ending: &whole[text.len()..], kind: kind(text) };
        check(&line, in_section).map_err(|text| Malformed { line: index + 1, text: text.to_owned() })?;
        in_section |= line.kind == Kind::Header;
        lines.push(line);
    }
    Ok(lines)
}

fn kind(text: &str) -> Kind {
    match text.chars().next() {
        _ if text.trim().is_empty() => Kind::Blank,
        Some('#' | ';') => Kind::Comment,
        Some('[') => Kind::Header,
        Some(first) if first.is_whitespace() => Kind::Indented,
        _ => Kind::Key,
    }
}

fn decode(bytes: &[u8]) -> Result<&str, Malformed> {
    let malformed = |at: usize, text: &str| Malformed {
        line: bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1,
        text: text.to_owned(),
    };
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(malformed(at, "the file holds NUL bytes (is it saved as UTF-16?); save it as UTF-8 text"));
    }
    std::str::from_utf8(bytes)
        .map_err(|error| malformed(error.valid_up_to(), "a character that is not UTF-8; save the file as UTF-8"))
}

fn check(line: &Line<'_>, in_section: bool) -> Result<(), &'static str> {
    let text = line.text;
    if text.starts_with('\u{feff}') {
        return Err("a byte order mark, which some tools cannot read; save the file as UTF-8 without it");
    }
    if text.contains('\r') {
        return Err("a carriage return that ends the line for some tools only; end every line alike");
    }
    if text.chars().any(|c| c.is_ascii_control() && c != '\t') {
        return Err("a control character; remove it");
    }
    match line.kind {
        Kind::Blank | Kind::Comment => Ok(()),
        Kind::Header => match text.rfind(']') {
            None => Err("a header without its closing bracket; write [name]"),
            Some(1) => Err("a header without a name; write [name]"),
            Some(_) => Ok(()),
        },
        Kind::Indented if in_section || line.is_indented_comment() => Ok(()),
        Kind::Key | Kind::Indented if !in_section => Err("a line before the first [section]; move it below one"),
        _ => match line.key_and_value() {
            None => Err("neither a [section] nor `key = value`; complete the line, remove it, or start it with #"),
            Some((key, _)) if key.is_empty() => Err("a value without a key; write `key = value`"),
            Some(_) => Ok(()),
        },
    }
}
