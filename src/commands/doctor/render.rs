//! The answer as people and tools read it: a value goes in, text comes out. Asks nothing.

use crate::commands::output::{Surface, wrap};
use crate::engine::doctor::{Diagnosis, Finding, Mark};
use serde_json::{Value, json};

/// The version of the shape of the JSON; it changes when a field changes its meaning.
const VERSION: u32 = 1;

/// The cause first, then what was looked at, in the order of looking.
pub fn text(diagnosis: &Diagnosis, surface: Surface) -> String {
    let page = Page { surface };
    let mut text = page.lines(Some(diagnosis.mark), "", &diagnosis.verdict, BOLD);
    // How a healthy program would renew by itself stands in the list alone.
    if diagnosis.mark != Mark::Ok {
        text.push_str(&page.fixes(&diagnosis.fix, &diagnosis.lines));
    }
    text.push('\n');
    for finding in &diagnosis.findings {
        text.push_str(&page.finding(finding));
    }
    text
}

/// The same for tools.
///
/// # Errors
/// Those of the JSON writer.
pub fn json(diagnosis: &Diagnosis) -> Result<String, serde_json::Error> {
    let finding = |finding: &Finding| {
        json!({
            "mark": finding.mark.as_str(),
            "cause": finding.cause.as_str(),
            "what": clean(&finding.what),
            "why": finding.why.as_deref().map(clean),
            "fix": lines(&finding.fix),
            "lines": lines(&finding.lines),
        })
    };
    let findings: Vec<Value> = diagnosis.findings.iter().map(finding).collect();
    serde_json::to_string_pretty(&json!({
        "version": VERSION,
        "profile": clean(&diagnosis.profile),
        "mark": diagnosis.mark.as_str(),
        "cause": diagnosis.cause.as_str(),
        "verdict": clean(&diagnosis.verdict),
        "fix": lines(&diagnosis.fix),
        "lines": lines(&diagnosis.lines),
        "findings": findings,
    }))
}

fn lines(fixes: &[String]) -> Vec<String> {
    fixes.iter().map(|fix| clean(fix)).collect()
}

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "";

/// A line is a line, and a terminal is not told what to do, whatever stands in a file or came from a server.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

struct Page {
    surface: Surface,
}

impl Page {
    fn finding(&self, finding: &Finding) -> String {
        let mut text = self.lines(Some(finding.mark), "", &finding.what, PLAIN);
        if let Some(why) = &finding.why {
            text.push_str(&self.lines(None, "  ", why, DIM));
        }
        text.push_str(&self.fixes(&finding.fix, &finding.lines));
        text
    }

    /// Each in one line, however long, so that it can be copied.
    fn fixes(&self, fixes: &[String], lines: &[String]) -> String {
        let heads = std::iter::once("fix:").chain(std::iter::repeat("or: "));
        let fixes = fixes.iter().zip(heads);
        let fixes = fixes.map(|(fix, head)| format!("    {} {}\n", self.paint(BOLD, head), clean(fix)));
        fixes.chain(lines.iter().map(|line| format!("         {}\n", clean(line)))).collect()
    }

    /// Wrapped on a terminal, one line in a pipe.
    fn lines(&self, mark: Option<Mark>, indent: &str, text: &str, paint: &str) -> String {
        let text = clean(text);
        let wrapped = if self.surface.terminal {
            let width = self.surface.width.saturating_sub(2 + indent.len());
            wrap("", &text, width)
        } else {
            format!("{text}\n")
        };
        let mut lines = String::new();
        for (number, line) in wrapped.lines().enumerate() {
            let head = match mark.filter(|_| number == 0) {
                Some(mark) => self.mark(mark),
                None => " ".to_owned(),
            };
            lines.push_str(&format!("{head} {indent}{}\n", self.paint(paint, line)));
        }
        lines
    }

    fn mark(&self, mark: Mark) -> String {
        match mark {
            Mark::Ok => self.paint("\x1b[32m", "✓"),
            Mark::Warning => self.paint("\x1b[1;33m", "!"),
            Mark::Fault => self.paint("\x1b[1;31m", "✗"),
        }
    }

    fn paint(&self, paint: &str, text: &str) -> String {
        if self.surface.colour && !paint.is_empty() { format!("{paint}{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests;
