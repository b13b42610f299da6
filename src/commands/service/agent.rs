//! The launchd agent, made of the very file that is shipped: text in, text out. Runs nothing.

use super::blueprint::Blueprint;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The agent as it is shipped; `/Users/me` stands where the home of its owner goes.
pub const SHIPPED: &str = include_str!("../../../launchd/io.evertoken.agent.plist");

/// By which launchd knows it.
pub const LABEL: &str = "io.evertoken.agent";

/// Where the agent of a user stands.
pub fn file(home: &Path) -> PathBuf {
    home.join("Library/LaunchAgents").join(format!("{LABEL}.plist"))
}

/// Below the first line of whatever we write; without it a file is somebody else's.
pub const MARK: &str =
    "<!-- Written by `evertoken service install`, which replaces it, as `evertoken service uninstall` removes it. -->";

/// The flag after which the config is named.
const FLAG: &str = "        <string>--zero-if-final</string>\n";

/// Whether an agent is ours to replace and to remove.
pub fn is_ours(text: &str) -> bool {
    text.lines().nth(1) == Some(MARK)
}

/// The whole agent.
pub fn whole(blueprint: &Blueprint) -> String {
    let Some((first, _)) = SHIPPED.split_once('\n') else { return String::new() };
    let config = string(&blueprint.config);
    // The comment at the top tells how to do by hand what was just done.
    let body = SHIPPED.split_once("<plist").map_or("", |(_, body)| body);
    let body = body
        .replace(&string("/Users/me/.cargo/bin/evertoken"), &string(&blueprint.program))
        .replace(FLAG, &format!("{FLAG}        <string>--config</string>\n        {config}\n"))
        .replace(&string("/Users/me/.config/evertoken/config.toml"), &config)
        .replace(&string("/Users/me/Library/Logs/evertoken.log"), &string(&blueprint.log));
    let end = "</dict>\n</plist>\n";
    let body = body.strip_suffix(end).unwrap_or(&body);
    let doctype = SHIPPED.lines().nth(1).unwrap_or_default();
    format!("{first}\n{MARK}\n{doctype}\n<plist{body}{}{end}", variables(&blueprint.environment))
}

/// What an agent gives to the service, ours or one that somebody wrote by hand.
pub fn environment(text: &str) -> BTreeMap<String, String> {
    let inside = text.split_once("<key>EnvironmentVariables</key>").map_or("", |(_, rest)| rest);
    let inside = inside.split_once("</dict>").map_or("", |(inside, _)| inside);
    let mut found = BTreeMap::new();
    for pair in inside.split("<key>").skip(1) {
        let Some((name, rest)) = pair.split_once("</key>") else { continue };
        let value = rest.split_once("<string>").and_then(|(_, rest)| rest.split_once("</string>"));
        found.extend(value.map(|(value, _)| (unescaped(name), unescaped(value))));
    }
    found
}

fn variables(environment: &BTreeMap<String, String>) -> String {
    if environment.is_empty() {
        return String::new();
    }
    let mut text = "    <key>EnvironmentVariables</key>\n    <dict>\n".to_owned();
    for (name, value) in environment {
        let _cannot_fail = writeln!(text, "        <key>{}</key>\n        {}", escaped(name), string(value));
    }
    text.push_str("    </dict>\n");
    text
}

fn string(text: &str) -> String {
    format!("<string>{}</string>", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::{Blueprint, environment, is_ours, whole};
    use proptest::prelude::proptest;
    use std::collections::BTreeMap;

    fn blueprint(environment: BTreeMap<String, String>) -> Blueprint {
        Blueprint {
            program: "/opt/a & b/<evertoken>".to_owned(),
            config: "/Users/jane/\"c\".toml".to_owned(),
            environment,
            log: "/Users/jane/Library/Logs/evertoken.log".to_owned(),
        }
    }

    #[test]
    fn nothing_of_the_example_is_left_and_nothing_breaks_the_xml() {
        let text = whole(&blueprint(BTreeMap::from([("HTTPS_PROXY".to_owned(), "http://u:<&>@h".to_owned())])));
        assert!(is_ours(&text) && !is_ours(super::SHIPPED));
        assert!(!text.contains("/Users/me"), "{text}");
        let flat: String = text.lines().map(str::trim).collect();
        for part in [
            "<string>/opt/a &amp; b/&lt;evertoken&gt;</string><string>run</string>",
            "<string>--zero-if-final</string><string>--config</string><string>/Users/jane/\"c\".toml</string>",
            "<string>--bounded-log</string><string>/Users/jane/Library/Logs/evertoken.log</string></array>",
            "<key>WatchPaths</key><array><string>/Users/jane/\"c\".toml</string></array>",
            "<key>StandardErrorPath</key><string>/Users/jane/Library/Logs/evertoken.log</string>",
            "<key>HTTPS_PROXY</key><string>http://u:&lt;&amp;&gt;@h</string></dict></dict></plist>",
        ] {
            assert!(flat.contains(part), "{part} in {flat}");
        }
        assert!(text.starts_with("<?xml ") && text.contains("<!DOCTYPE plist "));
    }

    #[test]
    fn the_environment_is_read_as_people_write_it() {
        let agent = "<dict><key>PATH</key><string>/no</string><key>EnvironmentVariables</key>\n<dict><key>A</key>\
                     <string>x</string>\n<key>PATH</key>\n  <string>/a&amp;b:/c</string></dict></dict>";
        assert_eq!(environment(agent).remove("PATH").as_deref(), Some("/a&b:/c"));
        assert_eq!(environment("<dict><key>PATH</key><string>/no</string></dict>"), BTreeMap::new());
    }

    proptest! {
        #[test]
        fn every_value_comes_back_as_it_was(value in "[^\\p{Cc}]*", other in "[ -~\n\t]*") {
            let given = BTreeMap::from([("A".to_owned(), value), ("PATH".to_owned(), other)]);
            assert_eq!(environment(&whole(&blueprint(given.clone()))), given);
        }
    }
}
