//! How a line is quoted: caret below the span whatever stands in the line, and no secret in sight.

use crate::engine::config::diagnostic::{Diagnostic, render_all};
use crate::engine::config::tests::report;

/// The block for the first `part` of `text`.
fn shown(text: &str, part: &str) -> String {
    let start = text.find(part).expect("the part stands in the text");
    Diagnostic::mistake(start..start + part.len(), "odd").render("x", text)
}

#[test]
fn the_caret_stands_below_the_span() {
    assert_eq!(shown("a = 1\nb = 22\n", "22"), "x:2:5: odd\n  b = 22\n      ^^");
    // Tabs are as wide as the terminal makes them, so the caret line has the same ones.
    assert_eq!(shown("\ta\t= 1", "1"), "x:1:6: odd\n  \ta\t= 1\n  \t \t  ^");
    // Columns count characters.
    assert_eq!(shown("ä = \"é\"\r\n", "\"é\""), "x:1:5: odd\n  ä = \"é\"\n      ^^^");
    // A span over several lines is marked to the end of its first one.
    assert_eq!(shown("a = '''x\ny'''\n", "'''x\ny'''"), "x:1:5: odd\n  a = '''x\n      ^^^^");
    // Beyond the end, and where there is nothing to quote.
    assert_eq!(Diagnostic::mistake(99..120, "odd").render("x", "a"), "x:1:2: odd\n  a\n   ^");
    assert_eq!(Diagnostic::mistake(0..0, "odd").render("x", ""), "x:1:1: odd");
}

#[test]
fn a_long_line_is_cut_around_the_span() {
    let text = format!("a = [{}, BAD, {}]", vec!["1"; 100].join(", "), vec!["2"; 100].join(", "));
    let block = shown(&text, "BAD");
    let lines: Vec<&str> = block.lines().collect();
    assert!(lines[1].starts_with("  …") && lines[1].ends_with('…'), "{block}");
    assert!(lines[1].chars().count() < 120, "{block}");
    let caret = lines[2].chars().position(|c| c == '^').expect("a caret");
    assert_eq!(lines[1].chars().skip(caret).take(3).collect::<String>(), "BAD");
    assert_eq!(lines[2].trim(), "^^^");
}

#[test]
fn no_control_character_reaches_the_terminal() {
    let block = shown("a = \u{1b}[31m\u{7} BAD", "BAD");
    assert!(!block.contains(['\u{1b}', '\u{7}']), "{block}");
}

#[test]
fn what_looks_like_a_secret_is_masked_in_every_quoted_line() {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    for line in [
        format!("aws_secret_access_key = \"{secret}\" BAD"),
        format!("aws_secret_access_key = {secret} BAD"),
        format!("\"Secret-Thing\" : '{secret}' BAD"),
        format!("role = {{ aws_session_token='{secret}', BAD = 1 }}"),
        format!("external_id = \"{secret}\" # BAD"),
        format!("BAD # {secret}"),
        format!("proxy = \"http://me:{secret}@proxy:3128\""),
    ] {
        let part = if line.contains("BAD") { "BAD" } else { "proxy" };
        let start = line.find(part).expect("the part stands in the line");
        let block = Diagnostic::mistake(start..start + 1, "odd").render("x", &line);
        assert!(!block.contains("wJalr") && !block.contains("EXAMPLEKEY"), "{block}");
    }
    // Nor does it show in the message.
    let text = format!("[[role]]\nprofile = \"a\"\ncredential_source = \"{secret}\"\nregion = \"x://me:{secret}@y\"\n");
    let report = report(&text);
    assert!(report.contains("`credential_source`") && report.contains("`region`"), "{report}");
    assert!(!report.contains("wJalr") && !report.contains("EXAMPLEKEY"), "{report}");
    // What only is long is not.
    let arn = "role_arn = \"arn:aws:iam::111122223333:role/some/Path/ToALongRoleName\"";
    assert!(shown(arn, "role_arn").contains(arn));
}

#[test]
fn all_findings_are_shown_as_each_alone_in_whichever_order() {
    let text = "a\nü\n\nc = 1\r\nlast";
    let mut findings: Vec<Diagnostic> = (0..=text.len()).map(|at| Diagnostic::mistake(at..at + 1, "odd")).collect();
    let each = |findings: &[Diagnostic]| findings.iter().map(|finding| finding.render("x", text)).collect::<Vec<_>>();
    assert_eq!(render_all(&findings, "x", text), each(&findings));
    assert!(each(&findings).last().is_some_and(|block| block.starts_with("x:5:")), "{:?}", each(&findings));
    findings.reverse();
    assert_eq!(render_all(&findings, "x", text), each(&findings));
}
