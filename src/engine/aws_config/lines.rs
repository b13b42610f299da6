//! The lines of an AWS config file, one at a time. Nested blocks and comments are passed over; nothing is ever changed.

/// A line that means something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::engine) enum Line<'a> {
    /// `[name]`.
    Header(&'a str),
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
        if is_indented && self.is_below_key {
            return None;
        }
        if is_indented && trimmed.starts_with(['#', ';']) {
            return Some(Line::Odd("an indented comment, which some SDKs take for a part of the line above"));
        }
        if let Some(inside) = trimmed.strip_prefix('[') {
            self.is_below_key = false;
            let Some((name, after)) = inside.split_once(']') else {
                return Some(Line::Broken("a section header without its closing bracket"));
            };
            let after = after.trim();
            if !(after.is_empty() || after.starts_with(['#', ';'])) {
                return Some(Line::Broken("something stands after a section header"));
            }
            return Some(Line::Header(name.trim()));
        }
        match trimmed.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                self.is_below_key = true;
                Some(Line::Pair { key: key.trim(), value: without_comment(value.trim()) })
            }
            Some(_) => Some(Line::Broken("a line without a key before its equals sign")),
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
