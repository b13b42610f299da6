//! One finding in the text of a config and how a person gets to see it. Never judges anything itself.

use crate::engine::config::excerpt::{Excerpt, LineNumbers, masked};
use std::fmt::Write;
use std::ops::Range;

/// Whether the config can be used all the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// It cannot.
    Mistake,
    /// It can.
    Warning,
}

/// A mistake or a warning, with its place in the text and the way out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Mistake or warning.
    pub severity: Severity,
    /// The bytes of the text that it is about.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write or do instead.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A mistake without a hint.
    pub(super) fn mistake(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Mistake, span, message: message.into(), hint: None }
    }

    /// A warning without a hint.
    pub(super) fn warning(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, span, message: message.into(), hint: None }
    }

    /// The same with the way out.
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// One block without a line break at its end: `path:line:column: message`, the line, carets under the span, the
    /// hint. Lines and columns count from 1, columns in characters. What looks like a secret is masked in the line.
    pub fn render(&self, path: &str, text: &str) -> String {
        self.render_in(path, text, &mut LineNumbers::of(text))
    }

    fn render_in(&self, path: &str, text: &str, lines: &mut LineNumbers<'_>) -> String {
        let excerpt = Excerpt::of(text, &self.span, lines.at(self.span.start));
        let mut block = self.headed(path, &excerpt);
        if !excerpt.quoted.trim().is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(block, "\n  {}\n  {}", excerpt.quoted, excerpt.marker);
        }
        if let Some(hint) = &self.hint {
            let _ = write!(block, "\nhint: {hint}");
        }
        block
    }

    fn headed(&self, path: &str, excerpt: &Excerpt) -> String {
        let kind = match self.severity {
            Severity::Mistake => "",
            Severity::Warning => "warning: ",
        };
        format!("{path}:{}:{}: {kind}{}", excerpt.line, excerpt.column, self.message)
    }

    fn line_in(&self, path: &str, text: &str, lines: &mut LineNumbers<'_>) -> String {
        let excerpt = Excerpt::of(text, &self.span, lines.at(self.span.start));
        let mut line = self.headed(path, &excerpt);
        for (place, part) in self.hint.iter().flat_map(|hint| hint.lines()).enumerate() {
            line.push_str(if place == 0 { "; " } else { " " });
            line.push_str(part.trim());
        }
        line
    }
}

/// All of them as [`Diagnostic::render`] shows each, in one walk through the text when they are in order.
pub fn render_all(findings: &[Diagnostic], path: &str, text: &str) -> Vec<String> {
    let mut lines = LineNumbers::of(text);
    findings.iter().map(|finding| finding.render_in(path, text, &mut lines)).collect()
}

/// Each of them as one line, for a log: `path:line:column: message; hint`.
pub fn lines_of(findings: &[Diagnostic], path: &str, text: &str) -> Vec<String> {
    let mut lines = LineNumbers::of(text);
    findings.iter().map(|finding| finding.line_in(path, text, &mut lines)).collect()
}

/// By position, each thing said once.
pub(super) fn put_in_order(findings: &mut Vec<Diagnostic>) {
    findings.sort_by(|a, b| {
        (a.span.start, a.span.end, a.severity, &a.message).cmp(&(b.span.start, b.span.end, b.severity, &b.message))
    });
    findings.dedup();
}

/// How every message about broken syntax begins.
pub(super) const NOT_TOML: &str = "not TOML: ";

/// Of what touches a place that is no TOML, whatever else seems wrong is an echo of that; so is what has no place at all.
pub(super) fn drop_echoes(findings: &mut Vec<Diagnostic>, broken: &[Range<usize>]) {
    if broken.is_empty() {
        return;
    }
    let touches = |span: &Range<usize>| broken.iter().any(|other| span.start <= other.end && other.start <= span.end);
    findings.retain(|finding| {
        finding.message.starts_with(NOT_TOML) || !(finding.span.is_empty() || touches(&finding.span))
    });
}

/// A text of the config in a message: on one line, bounded, in double quotes, and masked where it looks like a secret.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    let text: String = masked(text).into_iter().collect();
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("\"{}…\"", text[..cut].escape_debug()),
        None => format!("\"{}\"", text.escape_debug()),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed<T: AsRef<str>>(words: &[T], last: &str) -> String {
    match words {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [first @ .., end] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} {last} {}", first.join(", "), end.as_ref())
        }
    }
}
