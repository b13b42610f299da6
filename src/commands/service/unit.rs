//! The systemd unit, made of the very file that is shipped: text in, text out. Runs nothing.

use super::blueprint::Blueprint;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The unit as it is shipped.
pub const SHIPPED: &str = include_str!("../../../systemd/evertoken.service");

/// By which systemd knows it.
pub const NAME: &str = "evertoken.service";

/// The first line of whatever we write; without it a file is somebody else's.
pub const MARK: &str = "# Written by `evertoken service install`, which replaces it, as `evertoken service uninstall` \
                        removes it. Changes of yours: systemctl --user edit evertoken";

/// Whether a unit or a drop-in is ours to replace and to remove.
pub fn is_ours(text: &str) -> bool {
    text.lines().next() == Some(MARK)
}

/// The whole unit.
pub fn whole(blueprint: &Blueprint) -> String {
    let mut text = format!("{MARK}\n\n");
    // The head of the shipped file tells how to do by hand what was just done.
    for line in SHIPPED.lines().skip_while(|line| !line.starts_with('[')) {
        if line.starts_with("ExecStart=") {
            text.push_str(&command(blueprint));
            text.push_str(&environment_lines(&blueprint.environment));
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// What is added to a unit that a package has brought: that one starts its own program, with its own path.
pub fn drop_in(blueprint: &Blueprint) -> String {
    let mut environment = blueprint.environment.clone();
    environment.insert("EVERTOKEN_CONFIG".to_owned(), blueprint.config.clone());
    format!("{MARK}\n\n[Service]\n{}", environment_lines(&environment))
}

/// What a unit or drop-in gives to the service, ours or one that somebody wrote by hand. Specifiers stay.
pub fn environment(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("Environment="));
    let words = lines.flat_map(words);
    words.filter_map(|word| word.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned()))).collect()
}

/// The words of a setting, without their quotes (systemd.syntax(7)).
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote) = (None::<String>, None);
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match quote {
            None if c.is_whitespace() => words.extend(word.take()),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            Some(open) if c == open => quote = None,
            _ => {
                let word = word.get_or_insert_default();
                word.push(c);
                // Whatever it escapes ends nothing.
                word.extend((c == '\\').then(|| rest.next()).flatten());
            }
        }
    }
    words.extend(word);
    words.iter().map(|word| unquoted(word)).collect()
}

fn command(blueprint: &Blueprint) -> String {
    let words = [blueprint.program.as_str(), "run", "--config", &blueprint.config];
    // With a colon in front systemd looks for no variables in the line; it cannot be told to in the program's own path.
    let as_it_stands = if words.iter().any(|word| word.contains('$')) { ":" } else { "" };
    let words: Vec<String> = words.iter().map(|word| word_of(word)).collect();
    format!("ExecStart={as_it_stands}{}\n", words.join(" "))
}

fn word_of(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { format!("\"{}\"", quoted(text)) }
}

fn environment_lines(environment: &BTreeMap<String, String>) -> String {
    environment.iter().fold(String::new(), |mut lines, (name, value)| {
        let _cannot_fail = writeln!(lines, "Environment=\"{}\"", quoted(&format!("{name}={value}")));
        lines
    })
}

/// For between two double quotes (systemd.syntax(7)), where a `%` would begin a specifier.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for c in text.chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '%' => quoted.push_str("%%"),
            other => quoted.push(other),
        }
    }
    quoted
}

fn unquoted(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (c, rest.clone().next()) {
            ('\\', Some(escaped)) => {
                rest.next();
                plain.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                });
            }
            ('%', Some('%')) => {
                rest.next();
                plain.push('%');
            }
            _ => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{Blueprint, MARK, drop_in, environment, is_ours, whole};
    use proptest::prelude::{prop_assert_eq, proptest};
    use std::collections::BTreeMap;

    fn blueprint(program: &str, config: &str, environment: &[(&str, &str)]) -> Blueprint {
        Blueprint {
            program: program.to_owned(),
            config: config.to_owned(),
            environment: environment.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect(),
            log: String::new(),
        }
    }

    #[test]
    fn the_unit_is_the_shipped_one_with_the_program_and_the_config() {
        let made = blueprint("/home/me/.cargo/bin/evertoken", "/home/me/.config/evertoken/config.toml", &[]);
        let text = whole(&made);
        assert!(is_ours(&text) && !is_ours(super::SHIPPED));
        let start = "ExecStart=/home/me/.cargo/bin/evertoken run --config /home/me/.config/evertoken/config.toml\n";
        let body = super::SHIPPED.split_once("\n[Unit]").expect("a first section").1;
        let expected = body.replace("ExecStart=%h/.cargo/bin/evertoken run\n", start);
        assert_eq!(text, format!("{MARK}\n\n[Unit]{expected}"));
    }

    #[test]
    fn what_systemd_would_read_otherwise_is_escaped() {
        let odd =
            blueprint("/opt/a b/50%/evertoken", "/home/\"q\"/c\\d.toml", &[("HTTPS_PROXY", "http://u:p%41$@h\n")]);
        let text = whole(&odd);
        let line = |start: &str| text.lines().find(|line| line.starts_with(start)).map(str::to_owned);
        let start = r#"ExecStart="/opt/a b/50%%/evertoken" run --config "/home/\"q\"/c\\d.toml""#;
        assert_eq!(line("ExecStart=").as_deref(), Some(start));
        assert_eq!(line("Environment=").as_deref(), Some(r#"Environment="HTTPS_PROXY=http://u:p%%41$@h\n""#));
        let dollar = whole(&blueprint("/opt/$x/evertoken", "/c.toml", &[]));
        assert!(dollar.contains("\nExecStart=:\"/opt/$x/evertoken\" run --config /c.toml\n"), "{dollar}");
    }

    #[test]
    fn a_unit_of_a_package_gets_what_it_lacks_and_keeps_its_program() {
        let text = drop_in(&blueprint("/usr/bin/evertoken", "/c.toml", &[("PATH", "/a:/b")]));
        assert_eq!(
            text,
            format!("{MARK}\n\n[Service]\nEnvironment=\"EVERTOKEN_CONFIG=/c.toml\"\nEnvironment=\"PATH=/a:/b\"\n")
        );
    }

    #[test]
    fn the_environment_is_read_as_people_write_it() {
        let path = |line: &str| environment(line).remove("PATH");
        for (line, expected) in [
            ("Environment=PATH=/a:/b", Some("/a:/b")),
            (" Environment=\"PATH=/a b:/c\" \"X=y\"", Some("/a b:/c")),
            ("Environment=X=y 'Z=a b' PATH=/a", Some("/a")),
            ("Environment=PATH=\"/a b\" X=y", Some("/a b")),
            ("Environment=\"PATH=/a\\\"b\\\\\"", Some("/a\"b\\")),
            ("Environment=PATH=/a\nEnvironment=PATH=/b", Some("/b")),
            ("Environment=MYPATH=/a", None),
            ("Environment=", None),
            ("ExecStart=/bin/evertoken run", None),
        ] {
            assert_eq!(path(line).as_deref(), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn every_value_comes_back_as_it_was(value in "[^\r]*", other in "[ -~\n\t]*") {
            let given = BTreeMap::from([("A".to_owned(), value), ("PATH".to_owned(), other)]);
            let made = Blueprint { environment: given.clone(), ..blueprint("/p", "/c", &[]) };
            prop_assert_eq!(environment(&whole(&made)), given);
        }
    }
}
