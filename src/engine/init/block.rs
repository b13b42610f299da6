//! One proposed entry as TOML: what it says, what was not carried over, and, where it cannot stand as it is, why it is
//! only a comment.

use crate::engine::config::{Severity, parse};

/// One `[[role]]` or `[[mfa_session]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Block {
    table: &'static str,
    profile: String,
    keys: Vec<(&'static str, String)>,
    remarks: Vec<String>,
    left_out: bool,
}

impl Block {
    pub(super) fn role(profile: &str) -> Self {
        Self::new("role", profile)
    }

    pub(super) fn mfa_session(profile: &str) -> Self {
        Self::new("mfa_session", profile)
    }

    fn new(table: &'static str, profile: &str) -> Self {
        let keys = vec![("profile", profile.to_owned())];
        Self { table, profile: profile.to_owned(), keys, remarks: Vec::new(), left_out: false }
    }

    pub(super) fn profile(&self) -> &str {
        &self.profile
    }

    pub(super) fn text(&mut self, key: &'static str, value: &str) {
        self.keys.push((key, value.to_owned()));
    }

    pub(super) fn remark(&mut self, text: &str) {
        self.remarks.push(text.to_owned());
    }

    /// Keeps it as a comment, and says why.
    pub(super) fn leave_out(&mut self, why: &str) {
        self.left_out = true;
        self.remarks.push(format!("not kept fresh: {why}"));
    }

    pub(super) fn is_left_out(&self) -> bool {
        self.left_out
    }

    /// Whatever the config would refuse becomes a comment with the reason.
    pub(super) fn unless_wrong(mut self) -> Self {
        if !self.left_out
            && let Err(findings) = parse(&self.render())
        {
            for finding in findings.iter().filter(|finding| finding.severity == Severity::Mistake) {
                self.leave_out(&finding.message);
            }
        }
        self
    }

    pub(super) fn render(&self) -> String {
        let mut lines: Vec<String> = self.remarks.iter().map(|remark| format!("# {}", in_a_comment(remark))).collect();
        let sign = if self.left_out { "# " } else { "" };
        lines.push(format!("{sign}[[{}]]", self.table));
        let width = self.keys.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        lines.extend(self.keys.iter().map(|(key, value)| format!("{sign}{key:width$} = {}", quoted(value))));
        lines.push(String::new());
        lines.join("\n")
    }
}

fn in_a_comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::Block;

    #[test]
    fn any_text_is_toml() {
        let mut block = Block::role("dev");
        block.text("role_arn", "arn:aws:iam::111122223333:role/Developer");
        block.text("external_id", "a\"b\\c\u{1b}\t");
        block.remark("two\nlines");
        let read: toml::Table = toml::from_str(&block.render()).expect("TOML");
        assert_eq!(read["role"][0]["external_id"].as_str(), Some("a\"b\\c\u{1b}\t"));
        assert!(block.clone().unless_wrong().is_left_out(), "no external id has such characters");
        assert!(block.unless_wrong().render().lines().all(|line| line.is_empty() || line.starts_with('#')));
    }
}
