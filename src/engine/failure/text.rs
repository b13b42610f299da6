//! Makes text of others fit to be shown: one line, bounded, no control characters, nothing that may be a token.

/// The most characters of somebody else's text that are shown.
const MAX_CHARS: usize = 300;
/// From this many characters of the base64 alphabets in a row on, a word is taken for a token.
const TOKEN_LENGTH: usize = 80;

/// One line of at most 300 characters, without control characters, with long encoded words replaced by `…`.
pub fn plain(text: &str) -> String {
    let mut shown = String::new();
    let clean: String = text.chars().map(|c| if c.is_control() || is_unseen(c) { ' ' } else { c }).collect();
    for word in clean.split_whitespace() {
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(&without_tokens(word));
    }
    match shown.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

fn without_tokens(word: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "+/=_-".contains(c);
    let mut shown = String::new();
    let mut run = String::new();
    for c in word.chars().map(Some).chain([None]) {
        match c {
            Some(c) if is_part(c) => run.push(c),
            other => {
                shown.push_str(if run.len() >= TOKEN_LENGTH { "…" } else { &run });
                run.clear();
                shown.extend(other);
            }
        }
    }
    shown
}

/// Characters that turn the direction of a line or cannot be seen at all.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn text_of_others_is_one_bounded_line_without_surprises() {
        assert_eq!(plain("a\u{1b}[31m\r\n b\t\u{202e}c\u{7}"), "a [31m b c");
        assert_eq!(plain(&"é ".repeat(1000)).chars().count(), 301);
        let token = "FwoGZXIvYXdz".repeat(20);
        assert_eq!(plain(&format!("x-amz-security-token:{token} end")), "x-amz-security-token:… end");
        let arn = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/me@example.com";
        assert_eq!(plain(arn), arn);
    }
}
