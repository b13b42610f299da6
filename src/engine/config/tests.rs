//! Tables of texts and the whole report that each of them gets, and what a good text becomes.

mod any_text;
mod digests;
mod excerpts;
mod findings;
mod good;
mod relations;
mod surveys;
mod tables;
mod values;

use crate::engine::config::{Config, Diagnostic, parse};
use std::fmt::Write;

/// A text and everything that is said about it.
struct Case {
    name: &'static str,
    text: &'static str,
    report: &'static str,
}

fn check(cases: &[Case]) {
    let mut wrong = String::new();
    for case in cases {
        let report = report(case.text);
        if report != case.report {
            writeln!(wrong, "{}:\n{report}\ninstead of\n{}\n", case.name, case.report).expect("a String takes all");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// One rendered block after the other.
fn render(findings: &[Diagnostic], text: &str) -> String {
    findings.iter().map(|finding| finding.render("config.toml", text) + "\n").collect()
}

fn report(text: &str) -> String {
    match parse(text) {
        Ok(parsed) => render(&parsed.warnings, text),
        Err(findings) => render(&findings, text),
    }
}

/// A config that must be without mistakes and warnings.
fn good(text: &str) -> Config {
    let parsed = parse(text).unwrap_or_else(|findings| panic!("{}", render(&findings, text)));
    assert!(parsed.warnings.is_empty(), "{}", render(&parsed.warnings, text));
    parsed.config
}
