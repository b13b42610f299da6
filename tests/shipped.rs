//! What is shipped beside the binary: the units, the README, the licences. Each is read as its reader will read it.
#![expect(clippy::disallowed_methods, clippy::panic, reason = "a test reads files and fails loudly")]

use clap::CommandFactory;
use evertoken::commands::cli::Cli;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A unit file as sections of keys; a line that is neither panics.
fn unit(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut sections: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut section = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = Some(name.to_owned());
        } else {
            let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("not a setting: {line}"));
            let section = section.clone().unwrap_or_else(|| panic!("outside of a section: {line}"));
            let old = sections.entry(section).or_default().insert(key.to_owned(), value.to_owned());
            assert_eq!(old, None, "{key} is set twice");
        }
    }
    sections
}

#[test]
fn the_systemd_unit_starts_reloads_and_never_gives_up() {
    let unit = unit(&read("systemd/evertoken.service"));
    let value = |section: &str, key: &str| unit.get(section).and_then(|s| s.get(key)).map(String::as_str);
    assert_eq!(unit.keys().map(String::as_str).collect::<Vec<_>>(), ["Install", "Service", "Unit"]);
    assert_eq!(value("Unit", "StartLimitIntervalSec"), Some("0"));
    assert_eq!(value("Service", "Type"), Some("notify"));
    assert_eq!(value("Service", "ExecStart"), Some("%h/.cargo/bin/evertoken run"));
    assert_eq!(value("Service", "ExecReload"), Some("/bin/sh -c \"kill -HUP $MAINPID\""));
    assert_eq!(value("Service", "Restart"), Some("on-failure"));
    assert_eq!(value("Service", "RestartPreventExitStatus"), Some("78 75"));
    assert_eq!(value("Service", "LimitCORE"), Some("0"));
    assert_eq!(value("Install", "WantedBy"), Some("default.target"));
    assert!(value("Service", "RestartSec").and_then(|text| text.parse::<u32>().ok()).is_some_and(|pause| pause >= 2));
    // READY comes after ten seconds at the latest, and a start may wait for a lock before.
    assert!(
        value("Service", "TimeoutStartSec").and_then(|text| text.parse::<u32>().ok()).is_some_and(|wait| wait > 20)
    );
    // In a user unit these imply NoNewPrivileges, which breaks setgid credential_process programs, or hide sockets.
    for key in unit["Service"].keys() {
        let sandbox = ["NoNewPriv", "Private", "Protect", "Restrict", "SystemCall", "Lock", "Memory", "Read", "Root"];
        assert!(!sandbox.iter().any(|name| key.starts_with(name)), "{key}");
    }
}

#[test]
fn the_hardened_drop_in_leaves_what_evertoken_writes_writable() {
    let text = read("systemd/hardened.conf");
    let writable = text.lines().find_map(|line| line.strip_prefix("ReadWritePaths=")).expect("what is writable");
    for place in ["%h/.aws", "%h/.local/state"] {
        assert!(writable.split(' ').any(|path| path.trim_start_matches('-') == place), "{place}");
    }
}

/// What launchd.plist(5) documents, of which this is the part that an agent of ours could need.
const LAUNCHD_KEYS: [&str; 24] = [
    "Label",
    "Disabled",
    "UserName",
    "GroupName",
    "LimitLoadToSessionType",
    "Program",
    "ProgramArguments",
    "RunAtLoad",
    "KeepAlive",
    "WorkingDirectory",
    "EnvironmentVariables",
    "Umask",
    "TimeOut",
    "ExitTimeOut",
    "ThrottleInterval",
    "WatchPaths",
    "StandardInPath",
    "StandardOutPath",
    "StandardErrorPath",
    "SoftResourceLimits",
    "HardResourceLimits",
    "Nice",
    "ProcessType",
    "AbandonProcessGroup",
];

#[test]
fn the_launchd_agent_is_what_launchd_documents_and_reaches_the_keychain() {
    let text = read("launchd/io.evertoken.agent.plist");
    let agent = plist::Value::from_reader_xml(text.as_bytes()).expect("a property list");
    let agent = agent.as_dictionary().expect("a dictionary");
    for key in agent.keys() {
        assert!(LAUNCHD_KEYS.contains(&key.as_str()), "launchd knows no {key}");
    }
    let string = |key: &str| agent.get(key).and_then(plist::Value::as_string);
    let number = |key: &str| agent.get(key).and_then(plist::Value::as_unsigned_integer);
    assert_eq!(string("Label"), Some("io.evertoken.agent"));
    assert_eq!(string("LimitLoadToSessionType"), Some("Aqua"));
    assert_eq!(string("ProcessType"), Some("Background"));
    assert_eq!(string("StandardErrorPath"), Some("/Users/me/Library/Logs/evertoken.log"));
    assert_eq!(agent.get("RunAtLoad"), Some(&plist::Value::Boolean(true)));
    assert_eq!(number("Umask"), Some(0o077));
    assert!(number("ThrottleInterval").is_some_and(|pause| pause >= 10));
    // A wrong config ends it with success, which is not started again until the config is saved.
    let alive = agent.get("KeepAlive").and_then(plist::Value::as_dictionary).expect("conditions");
    assert_eq!(alive.get("SuccessfulExit"), Some(&plist::Value::Boolean(false)));
    assert_eq!(alive.len(), 1);
    let list = |key: &str| -> Vec<&str> {
        let values = agent.get(key).and_then(plist::Value::as_array).expect("a list");
        values.iter().map(|value| value.as_string().expect("text")).collect()
    };
    let log = "/Users/me/Library/Logs/evertoken.log";
    let arguments = ["/Users/me/.cargo/bin/evertoken", "run", "--zero-if-final", "--bounded-log", log];
    assert_eq!(list("ProgramArguments"), arguments);
    assert_eq!(list("WatchPaths"), ["/Users/me/.config/evertoken/config.toml"]);
}

/// The content of each fenced block of a language.
fn snippets(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(opened) = line.trim().strip_prefix("```").filter(|name| !name.is_empty()) {
            let block: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
            if opened == language {
                found.push(block.join("\n") + "\n");
            }
        }
    }
    found
}

#[test]
fn the_readme_and_the_program_know_the_same_commands() {
    let known: BTreeSet<String> = Cli::command().get_subcommands().map(|c| c.get_name().to_owned()).collect();
    let readme = read("README.md");
    let row = |line: &str| {
        line.strip_prefix("| `evertoken ").map(|rest| rest.split([' ', '`']).next().unwrap_or_default().to_owned())
    };
    let table: BTreeSet<String> = readme.lines().filter_map(row).collect();
    assert_eq!(table, known);
    for (index, _) in readme.match_indices("`evertoken ") {
        let word: String = readme[index + 11..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
        assert!(word.is_empty() || known.contains(&word), "the README speaks of `evertoken {word}`");
    }
    for block in snippets(&readme, "sh").iter().chain(&snippets(&readme, "ini")) {
        for (start, program) in block.match_indices("evertoken ") {
            // At the start of a line, or by its path: elsewhere it is the name of a unit or a folder.
            if start == 0 || block[..start].ends_with(['\n', '/']) {
                let word = block[start + program.len()..].split_whitespace().next().unwrap_or_default();
                assert!(known.contains(word), "the README runs `evertoken {word}`");
            }
        }
    }
}

#[test]
fn the_help_of_every_command_fits_a_terminal_and_says_something() {
    fn visit(command: &mut clap::Command) {
        let name = command.get_name().to_owned();
        assert!(command.get_about().is_some(), "{name} says nothing");
        let hidden = |id: &str| id == "help" || id == "version";
        for argument in command.get_arguments().filter(|argument| !hidden(argument.get_id().as_str())) {
            assert!(argument.get_help().is_some(), "{name}: {} says nothing", argument.get_id());
        }
        let text = command.render_long_help().to_string();
        for line in text.lines() {
            assert!(line.chars().count() <= 110, "{name}: {line}");
        }
        for below in command.get_subcommands_mut().filter(|below| below.get_name() != "help") {
            visit(below);
        }
    }
    let mut command = Cli::command();
    command.build();
    visit(&mut command);
}

#[test]
fn both_licences_are_whole() {
    assert!(read("LICENSE-APACHE").contains("END OF TERMS AND CONDITIONS"));
    assert!(read("LICENSE-MIT").contains("Permission is hereby granted, free of charge"));
}

#[test]
fn every_toml_snippet_is_a_config_without_mistakes() {
    let readme = read("README.md");
    let blocks = snippets(&readme, "toml");
    assert!(blocks.len() >= 3, "{}", blocks.len());
    let base = "[[role]]\nprofile = \"base-role\"\nrole_arn = \"arn:aws:iam::111122223333:role/Base\"\n";
    for text in blocks.iter().map(|block| format!("{block}\n{base}")).chain([read("config/evertoken.toml")]) {
        if let Err(findings) = evertoken::engine::config::parse(&text) {
            let findings: Vec<String> = findings.iter().map(|finding| finding.render("snippet", &text)).collect();
            panic!("{}", findings.join("\n\n"));
        }
    }
}

/// Those of macOS stand in comments: as hooks they are right too, and hand the text over behind the script.
#[test]
fn the_hooks_of_the_example_hand_the_message_over_as_an_argument_of_its_own() {
    let example = read("config/evertoken.toml");
    let (_, hooks) = example.split_once("\n[hooks]\n").expect("hooks");
    let of_macos: Vec<&str> = hooks.lines().filter_map(|line| line.strip_prefix("# ")).collect();
    let of_macos: Vec<&str> = of_macos.into_iter().filter(|line| line.contains("[\"osascript\"")).collect();
    assert_eq!(of_macos.len(), 3);
    let role = "[[role]]\nprofile = \"dev\"\nrole_arn = \"arn:aws:iam::111122223333:role/Developer\"\n[hooks]\n";
    let parsed = evertoken::engine::config::parse(&format!("{role}{}\n", of_macos.join("\n"))).expect("a config");
    assert_eq!(parsed.warnings, []);
    let of_linux = evertoken::engine::config::parse(&example).expect("a config").config.hooks;
    for (program, hooks) in [("osascript", parsed.config.hooks), ("notify-send", of_linux)] {
        for argv in [hooks.failed, hooks.recovered, hooks.expiring].map(|argv| argv.expect("a hook")) {
            assert_eq!(argv[0], program);
            // What names nothing but a placeholder, or begins with text of ours, comes last; before it only fixed words.
            let fixed = argv.iter().position(|word| word.contains('{')).expect("a placeholder");
            assert!(argv[1..fixed].iter().all(|word| !word.contains(['{', '}'])), "{argv:?}");
            if program == "osascript" {
                let script: Vec<&str> = argv[1..7].iter().map(String::as_str).collect();
                let display = "display notification (item 2 of argv) with title (item 1 of argv)";
                assert_eq!(script, ["-e", "on run argv", "-e", display, "-e", "end run"]);
                assert_eq!(argv.len(), 9, "a title and a text: {argv:?}");
            } else {
                assert_eq!(argv.len(), 4, "an option, a title and a text: {argv:?}");
            }
        }
    }
}

#[test]
fn the_screens_in_the_readme_are_real() {
    let screens = snippets(&read("README.md"), "text");
    assert!(
        screens.contains(&read("tests/screens/5-at-80.txt")),
        "the screen of `status` is not that of tests/screens"
    );
    // Of a run of the demo; the times are those of that run, the columns those of today.
    let head = read("tests/screens/1-at-120.txt").lines().next().map(|head| head.split_whitespace().count());
    let demo = screens.iter().find(|screen| screen.contains("== What the reader saw")).expect("the end of the demo");
    assert_eq!(demo.lines().next().map(|head| head.split_whitespace().count()), head);
}

#[test]
fn whatever_the_readme_links_to_is_there() {
    let readme = read("README.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| !link.starts_with("http")) {
        match link.strip_prefix('#') {
            // As it is made of a heading: lower case, words joined by hyphens, without punctuation.
            Some(anchor) => {
                let of = |heading: &str| -> String {
                    let kept = heading.trim_start_matches(['#', ' ']).to_lowercase();
                    kept.chars()
                        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                        .collect::<String>()
                        .replace(' ', "-")
                };
                assert!(readme.lines().any(|line| line.starts_with('#') && of(line) == anchor), "{link}");
            }
            None => assert!(root.join(link).exists(), "{link}"),
        }
    }
    for path in readme.split('`').filter(|text| text.starts_with("tests/") || text.starts_with("src/")) {
        assert!(root.join(path).exists(), "{path}");
    }
}
