//! Hooks and other commands in the config: one argv each. Never runs one.

use crate::engine::config::diagnostic::{Diagnostic, quoted};
use crate::engine::config::fields::{Text, Texts};
use crate::engine::config::model::Hooks;
use crate::engine::config::spelling::nearest;
use std::ops::Range;

const PLACEHOLDERS: [&str; 6] = ["profile", "role_arn", "expiration", "state", "message", "fix"];
/// Can hold text that came from a server.
const FOREIGN: [&str; 2] = ["message", "fix"];

/// Checks an argv: there is a program, and nobody expects a shell.
pub(super) fn check_argv(key: &str, argv: &Texts, findings: &mut Vec<Diagnostic>) {
    let no_program = |at: Range<usize>| {
        Diagnostic::mistake(at, format!("`{key}` names no program"))
            .with_hint(format!("write {key} = [\"program\", \"argument\"]"))
    };
    let [program, arguments @ ..] = argv.get_ref().as_slice() else {
        findings.push(no_program(argv.span()));
        return;
    };
    if program.get_ref().trim().is_empty() {
        findings.push(no_program(program.span()));
    } else if arguments.is_empty() && program.get_ref().contains(char::is_whitespace) {
        let words: Vec<String> = program.get_ref().split_whitespace().map(quoted).collect();
        findings.push(
            Diagnostic::warning(program.span(), "no shell splits this into words: it is the name of one program")
                .with_hint(format!("write {key} = [{}]", words.join(", "))),
        );
    }
    for word in argv.get_ref().iter().filter(|word| word.get_ref().contains('\0')) {
        findings.push(Diagnostic::mistake(word.span(), "an argument cannot have a zero byte in it"));
    }
}

/// Checks all hooks.
pub(super) fn check(hooks: &[(&'static str, Texts)], findings: &mut Vec<Diagnostic>) -> Hooks {
    let mut checked = Hooks::default();
    for (name, argv) in hooks {
        check_argv(name, argv, findings);
        for (place, word) in argv.get_ref().iter().enumerate() {
            check_placeholders(word, findings);
            let before = place.checked_sub(1).and_then(|before| argv.get_ref().get(before));
            check_place(word, before, findings);
            if *name != "failed" && word.get_ref().contains("{fix}") {
                findings.push(
                    Diagnostic::warning(word.span(), format!("{{fix}} is empty for `{name}`: only a failure has one"))
                        .with_hint("write \"{message}\", which says what to do where there is something to do"),
                );
            }
        }
        let words = Some(argv.get_ref().iter().map(|word| word.get_ref().clone()).collect());
        match *name {
            "refreshed" => checked.refreshed = words,
            "failed" => checked.failed = words,
            "recovered" => checked.recovered = words,
            _ => checked.expiring = words,
        }
    }
    checked
}

/// Where nothing from outside may stand: as the program, and where an interpreter takes its next argument for a program.
fn check_place(word: &Text, before: Option<&Text>, findings: &mut Vec<Diagnostic>) {
    let text = word.get_ref().as_str();
    let is = |name: &&&str| text.contains(&format!("{{{name}}}"));
    match before.map(|before| before.get_ref().as_str()) {
        None => {
            if let Some(name) = PLACEHOLDERS.iter().find(is) {
                findings.push(
                    Diagnostic::mistake(word.span(), format!("{{{name}}} cannot be part of the program to run"))
                        .with_hint("write the program as it is; placeholders are for its arguments"),
                );
            }
        }
        Some(option) if takes_a_program(option) => {
            if let Some(name) = FOREIGN.iter().find(|name| text == format!("{{{name}}}")) {
                findings.push(
                    Diagnostic::mistake(
                        word.span(),
                        format!("what stands behind {option} is run, and {{{name}}} may come from a server"),
                    )
                    .with_hint(format!(
                        "hand it over as an argument of its own behind the program text, or read EVERTOKEN_{} in it",
                        name.to_ascii_uppercase()
                    )),
                );
            }
        }
        Some(_) => {}
    }
}

/// Whether an interpreter runs what stands behind this option: `-c` of shells and Python, `-e` of Perl, Ruby and Node, also
/// as the last of several short options in one word. Such a bundle names none twice, unlike `-message` of a tool that
/// writes long options with one dash.
fn takes_a_program(option: &str) -> bool {
    if matches!(option, "--eval" | "--command") {
        return true;
    }
    let Some(letters) = option.strip_prefix('-').filter(|letters| letters.ends_with(['c', 'e'])) else { return false };
    let mut seen = String::new();
    letters.chars().all(|letter| {
        let is_new = letter.is_ascii_alphanumeric() && !seen.contains(letter);
        seen.push(letter);
        is_new
    })
}

fn check_placeholders(word: &Text, findings: &mut Vec<Diagnostic>) {
    let text = word.get_ref().as_str();
    for (start, _) in text.match_indices('{') {
        let Some((name, _)) = text[start + 1..].split_once('}') else { continue };
        if FOREIGN.contains(&name) && text.len() != name.len() + 2 {
            findings.push(
                Diagnostic::mistake(word.span(), format!("{{{name}}} can only be a whole argument"))
                    .with_hint(format!(
                        "it may hold text from a server: write \"{{{name}}}\" as an argument of its own, or read EVERTOKEN_{} in the program",
                        name.to_ascii_uppercase()
                    )),
            );
        }
        let looks_meant = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if looks_meant && !PLACEHOLDERS.contains(&name) {
            let hint = match nearest(name, PLACEHOLDERS) {
                Some(meant) => format!("did you mean {{{meant}}}?"),
                None => "there are {profile}, {role_arn}, {expiration}, {state}, {message} and {fix}".to_owned(),
            };
            findings.push(
                Diagnostic::warning(word.span(), format!("{{{name}}} is no placeholder and stays as it is"))
                    .with_hint(hint),
            );
        }
    }
}
