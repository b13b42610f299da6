//! The lines of an AWS config file, one at a time. Nested blocks and comments are passed over; nothing is ever changed.

use super::ProblemKind;

/// A line that means something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::engine) enum Line<'a> {
    /// `[name]`; as it stands between the brackets, and with what is odd about it, if some SDKs see no header there.
    Header { name: &'a str, raw: &'a str, oddity: Option<&'static str> },
    /// What a person means as a header, and whose name is not certain. The section above ends, and none begins: keys that
    /// may be another profile's are nobody's.
    NoHeader(ProblemKind, &'static str),
    /// `key = value`.
    Pair { key: &'a str, value: &'a str },
    /// A line that breaks the file for some SDK.
    Broken(&'static str),
    /// A line that some SDKs read as something else.
    Odd(&'static str),
}

/// Iterates over the lines that mean something, with their numbers from 1.
pub(in crate::engine) struct Lines<'a> {
    rest: std::iter::Enumerate<std::str::Lines<'a>>,
    /// Whether an indented line belongs to the key above it.
    is_below_key: bool,
}

impl<'a> Lines<'a> {
    pub(in crate::engine) fn of(text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { rest: text.lines().enumerate(), is_below_key: false }
    }

    fn read(&mut self, line: &'a str) -> Option<Line<'a>> {
        let trimmed = line.trim();
        let is_indented = line.starts_with([' ', '\t']);
        if trimmed.is_empty() || line.starts_with(['#', ';']) {
            return None;
        }
        if let Some(inside) = trimmed.strip_prefix('[') {
            let is_nested = is_indented && self.is_below_key;
            self.is_below_key = false;
            return Some(if is_nested { nested_header() } else { header(inside, is_indented) });
        }
        if is_indented && self.is_below_key {
            return None;
        }
        if is_indented && trimmed.starts_with(['#', ';']) {
            return Some(Line::Odd("an indented comment, which some SDKs take for a part of the line above"));
        }
        match trimmed.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                self.is_below_key = true;
                Some(Line::Pair { key: key.trim(), value: without_comment(value.trim()) })
            }
            Some(_) => Some(Line::Broken("a line without a key before its equals sign")),
            None if trimmed.ends_with(']') => {
                self.is_below_key = false;
                Some(Line::NoHeader(ProblemKind::Line, "a section header without its opening bracket"))
            }
            None => Some(Line::Broken("a line without an equals sign")),
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, Line<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (index, line) = self.rest.next()?;
            if let Some(line) = self.read(line) {
                return Some((index + 1, line));
            }
        }
    }
}

/// Reads what stands behind the opening bracket of a header. The AWS CLI and boto3 pass over what comes after the last
/// closing bracket (Python's configparser); the SDK for Rust refuses the file then, and that for JavaScript sees no header.
fn header(inside: &str, is_indented: bool) -> Line<'_> {
    let Some((name, after)) = inside.split_once(']') else {
        // With a separator in it, configparser takes it for a key and reads on.
        let kind = if inside.contains(['=', ':']) { ProblemKind::Oddity } else { ProblemKind::Line };
        return Line::NoHeader(kind, "a section header without its closing bracket");
    };
    if name.trim().is_empty() {
        let kind = if name.is_empty() { ProblemKind::Line } else { ProblemKind::Oddity };
        return Line::NoHeader(kind, "a section header without a name");
    }
    let after = after.trim();
    let is_comment = after.starts_with(['#', ';']);
    if after.contains(']') && !is_comment {
        return Line::NoHeader(ProblemKind::Oddity, "a section header with a second closing bracket");
    }
    let oddity = match (after.is_empty() || is_comment, is_indented) {
        (false, _) => Some("something stands after a section header, which some SDKs then do not take for one"),
        (true, true) => Some("an indented section header, which some SDKs do not take for one"),
        (true, false) => None,
    };
    Line::Header { name: name.trim(), raw: name, oddity }
}

/// The SDK for JavaScript sees a header there, all others a part of the value above.
fn nested_header() -> Line<'static> {
    Line::NoHeader(ProblemKind::Oddity, "an indented section header, which some SDKs take for a part of the line above")
}

/// A blank and `#` or `;` start a comment (AWS SDK reference, shared config file format).
fn without_comment(value: &str) -> &str {
    let starts = value
        .char_indices()
        .zip(value.chars().skip(1))
        .find(|((_, before), next)| before.is_whitespace() && matches!(next, '#' | ';'));
    match starts {
        Some(((index, _), _)) => value[..index].trim_end(),
        None => value,
    }
}
