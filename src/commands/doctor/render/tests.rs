use super::{json, text};
use crate::commands::output::Surface;
use crate::engine::doctor::{Cause, Diagnosis, Finding, Mark};

fn finding(mark: Mark, what: &str, why: Option<&str>, fix: &[&str], lines: &[&str]) -> Finding {
    let mut finding = Finding::new(mark, Cause::SessionExpired, what);
    finding.why = why.map(str::to_owned);
    finding.fix = fix.iter().map(|fix| (*fix).to_owned()).collect();
    finding.lines = lines.iter().map(|line| (*line).to_owned()).collect();
    finding
}

fn diagnosis() -> Diagnosis {
    Diagnosis {
        profile: "dev".to_owned(),
        mark: Mark::Fault,
        cause: Cause::SessionExpired,
        verdict: "profile dev: the session ended 14 min ago".to_owned(),
        fix: vec!["evertoken login".to_owned()],
        lines: Vec::new(),
        findings: vec![
            finding(Mark::Ok, "the profile is dev", None, &[], &[]),
            finding(
                Mark::Fault,
                "the session\x1b[2J ended",
                Some("a reason"),
                &["evertoken login", "aws sso login"],
                &[],
            ),
            finding(Mark::Warning, "a block", None, &["write these lines"], &["[a]", "b = c"]),
        ],
    }
}

#[test]
fn a_pipe_gets_one_line_for_each_thing() {
    let expected = "✗ profile dev: the session ended 14 min ago\n    fix: evertoken login\n\n\
                    ✓ the profile is dev\n\
                    ✗ the session [2J ended\n    a reason\n    fix: evertoken login\n    or:  aws sso login\n\
                    ! a block\n    fix: write these lines\n         [a]\n         b = c\n";
    assert_eq!(text(&diagnosis(), Surface::PLAIN), expected);
}

#[test]
fn a_terminal_gets_lines_that_fit_and_colours_only_where_they_are_welcome() {
    let narrow = Surface { terminal: true, colour: false, width: 24, height: 40 };
    let drawn = text(&diagnosis(), narrow);
    assert!(drawn.starts_with("✗ profile dev: the\n  session ended 14 min\n  ago\n"), "{drawn}");
    assert!(!drawn.contains('\x1b'), "{drawn}");
    let coloured = text(&diagnosis(), Surface { colour: true, ..narrow });
    assert!(coloured.contains("\x1b[1;31m✗\x1b[0m") && coloured.contains("\x1b[32m✓\x1b[0m"), "{coloured}");
}

#[test]
fn tools_get_the_same_as_values() {
    let value: serde_json::Value = serde_json::from_str(&json(&diagnosis()).expect("JSON")).expect("JSON");
    assert_eq!((value["version"].as_u64(), value["cause"].as_str()), (Some(1), Some("session-expired")));
    assert_eq!(value["findings"][1]["fix"][1], "aws sso login");
    assert_eq!(value["findings"][0]["why"], serde_json::Value::Null);
    assert_eq!(value["findings"][1]["what"], "the session [2J ended");
}
