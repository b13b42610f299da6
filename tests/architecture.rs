//! The rules of the code's shape that the compiler does not know: which half may name what, how long a file may get, and
//! that exemptions stand where they may.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "a test reads files and fails loudly"
)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`, with its path from the root and its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    found.sort();
    assert!(!found.is_empty(), "nothing below {folder}");
    let named = |path: PathBuf| {
        let name = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, text)
    };
    found.into_iter().map(named).collect()
}

/// A module: its root file and everything below it.
fn module(path: &str) -> Vec<(String, String)> {
    let (file, folder) = (format!("src/{path}.rs"), format!("src/{path}/"));
    sources("src").into_iter().filter(|(name, _)| *name == file || name.starts_with(&folder)).collect()
}

/// The lines that are code, with their numbers: a comment may say what the code must not do.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Everything before the tests that stand in the same file. Those in a file of their own may be named anywhere.
fn without_tests(text: &str) -> &str {
    let is_inline = |start: &usize| {
        let line = text[*start..].lines().nth(1).unwrap_or_default();
        line.trim_end().trim_end_matches('}').trim_end().ends_with('{')
    };
    let end = text.match_indices("#[cfg(test)]\nmod ").map(|(start, _)| start).find(is_inline);
    &text[..end.unwrap_or(text.len())]
}

fn is_test(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.contains("/tests/") || name.ends_with("_tests.rs")
}

/// `word` as a path segment or crate name, not as a part of a longer word.
fn names(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, found)| {
        let before = line[..start].chars().next_back();
        let after = line[start + found.len()..].chars().next();
        let open_end = found.ends_with(['_', ':']);
        !before.is_some_and(part) && (open_end || !after.is_some_and(part))
    })
}

fn offences(files: &[(String, String)], words: &[&str]) -> Vec<String> {
    assert!(!files.is_empty(), "a module without files");
    let mut found = Vec::new();
    for (name, text) in files {
        for (number, line) in code(text) {
            found.extend(words.iter().filter(|word| names(line, word)).map(|word| format!("{name}:{number}: {word}")));
        }
    }
    found
}

#[test]
fn the_engine_decides_and_never_acts() {
    let words = [
        "tokio",
        "use aws_config",
        "aws_sdk_sts",
        "aws_smithy_",
        "aws_credential_types",
        "aws_types",
        "aws_runtime",
        "std::fs",
        "std::env",
        "std::process",
        "std::net",
        "std::thread",
        "SystemTime",
        "Instant",
        "Timestamp::now",
        "Zoned::now",
        "tracing::",
        "fastrand",
        "rustix",
        "notify::",
        "sd_notify",
        "signal_hook",
        "hyper::",
        "crate::shell",
        "crate::daemon",
        "crate::commands",
        "crate::emulator",
    ];
    let found = offences(&module("engine"), &words);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_shell_knows_nobody_above_it() {
    let found = offences(&module("shell"), &["crate::commands", "crate::daemon", "crate::emulator", "clap"]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn only_the_demo_and_tests_use_the_emulator() {
    let mut found = Vec::new();
    for (name, text) in sources("src") {
        let allowed = name.starts_with("src/emulator") || name.starts_with("src/commands/demo") || is_test(&name);
        if !allowed && name != "src/lib.rs" {
            let text = without_tests(&text).to_owned();
            found.extend(offences(&[(name, text)], &["emulator"]));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_file_holds_one_noun() {
    let mut long = Vec::new();
    for (name, text) in sources("src").into_iter().chain(sources("tests")) {
        let lines = code(without_tests(&text)).filter(|(_, line)| !line.trim().is_empty()).count();
        if !is_test(&name) && !name.starts_with("tests/") && lines > 300 {
            long.push(format!("{name}: {lines} lines of code"));
        }
        assert!(is_test(&name) || text.starts_with("//!"), "{name} does not say why it exists");
        assert!(!name.ends_with("/mod.rs") || name.starts_with("tests/"), "{name}");
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn exemptions_have_a_reason_and_a_place() {
    let mut found = Vec::new();
    // In two parts, so that this file does not offend itself.
    let (bare, exemption) = (concat!("#", "[allow("), concat!("clippy::", "disallowed_"));
    for (name, text) in sources("src").into_iter().chain(sources("tests")) {
        let places = ["src/shell", "src/commands", "src/emulator", "src/daemon/tests.rs", "tests/"];
        let acts = places.iter().any(|place| name.starts_with(place));
        for (number, line) in code(&text) {
            if line.contains(bare) || line.contains(&bare.replace("#[", "#![")) || (line.contains(exemption) && !acts) {
                found.push(format!("{name}:{number}: {}", line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_test_is_skipped_and_nothing_is_left_to_do() {
    let words = [concat!("#[ig", "nore"), concat!("to", "do!("), concat!("unimple", "mented!("), concat!("FIX", "ME")];
    let mut found = Vec::new();
    for (name, text) in sources("src").into_iter().chain(sources("tests")) {
        for (index, line) in text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{name}:{}: {}", index + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_rules_of_this_file_can_be_broken() {
    let file = |text: &str| vec![("x.rs".to_owned(), text.to_owned())];
    assert_eq!(offences(&file("use tokio::net;"), &["tokio"]), ["x.rs:1: tokio"]);
    assert_eq!(offences(&file("// no tokio\nlet tokio_like = 1;"), &["tokio"]), Vec::<String>::new());
    assert_eq!(offences(&file("a(std::fs::read(x))"), &["std::fs"]), ["x.rs:1: std::fs"]);
    assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests {}\n"), "a\n");
    assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests {\n    b\n}\n"), "a\n");
    let elsewhere = "#[cfg(test)]\nmod tests;\na\n";
    assert_eq!(without_tests(elsewhere), elsewhere);
    assert_eq!(without_tests(&format!("{elsewhere}#[cfg(test)]\nmod more {{\n}}\n")), elsewhere);
}
