//! How people and programs have to call evertoken so that it goes by the config in use: with `--config` where a bare
//! `evertoken` would find another one, or none. Never decides which config that is.

/// What follows `evertoken` in the commands that people are told.
const COMMANDS: [&str; 10] =
    ["check", "doctor", "exec", "init", "login", "purge", "refresh", "run", "service", "status"];

/// This program, as people type it.
const NAME: &str = "evertoken";

/// What is to be said beside the name of the program.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Invocation {
    /// An absolute path.
    config: Option<String>,
}

impl Invocation {
    /// With `--config` and this absolute path.
    pub fn with_config(path: impl Into<String>) -> Self {
        Self { config: Some(path.into()) }
    }

    /// The text with every command of ours such that it can be followed to the letter. One that says already which config
    /// it means stays as it is.
    pub fn told(&self, text: &str) -> String {
        let mut told = String::new();
        let mut done = 0;
        for (at, _) in text.match_indices(NAME) {
            let end = at + NAME.len();
            if may_end_before_a_command(&text[..at]) && begins_with_a_command(&text[end..]) {
                told.push_str(&text[done..end]);
                told.push_str(&self.flag());
                done = end;
            }
        }
        told.push_str(&text[done..]);
        told
    }

    /// What a `credential_process` begins with, for the program at `path`.
    pub fn program(&self, path: &str) -> String {
        quoted(path) + &self.flag()
    }

    /// With the blank before it; nothing where a bare `evertoken` will do.
    fn flag(&self) -> String {
        self.config.as_ref().map(|config| format!(" --config {}", quoted(config))).unwrap_or_default()
    }
}

/// Not in the midst of a path, a quotation or another name.
fn may_end_before_a_command(text: &str) -> bool {
    text.chars().next_back().is_none_or(|last| last.is_whitespace() || matches!(last, '`' | '('))
}

fn begins_with_a_command(text: &str) -> bool {
    let Some(text) = text.strip_prefix(' ') else { return false };
    let command = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default();
    COMMANDS.contains(&command)
}

/// As one word of a shell, and of the AWS config, which is split by the same rules. A home that is written as `~` stays
/// one.
pub fn quoted(text: &str) -> String {
    if let Some(below) = text.strip_prefix("~/").filter(|below| !below.is_empty()) {
        return format!("~/{}", quoted(below));
    }
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:@%=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{Invocation, quoted};

    #[test]
    fn every_command_names_the_config_where_a_bare_one_finds_another() {
        let other = Invocation::with_config("/home/me/alt.toml");
        for (bare, whole) in [
            ("evertoken login base-mfa", "evertoken --config /home/me/alt.toml login base-mfa"),
            (
                "ask them; then: evertoken refresh a, evertoken refresh b",
                "ask them; then: evertoken --config /home/me/alt.toml refresh a, \
                 evertoken --config /home/me/alt.toml refresh b",
            ),
            ("(`evertoken init` writes one)", "(`evertoken --config /home/me/alt.toml init` writes one)"),
        ] {
            assert_eq!(other.told(bare), whole);
            assert_eq!(other.told(whole), whole, "it says so once");
            assert_eq!(Invocation::default().told(bare), bare);
        }
    }

    #[test]
    fn what_is_no_command_stays_as_it_is() {
        let other = Invocation::with_config("/home/me/alt.toml");
        for text in [
            "evertoken: failed to read it",
            "evertoken runs since 14:00",
            "evertoken --config /x/b.toml purge",
            "credential_process = /bin/evertoken credential-process dev",
            "/opt/evertoken login dev",
            "my-evertoken login dev",
            "systemctl --user start evertoken",
            "evertoken",
        ] {
            assert_eq!(other.told(text), text);
        }
    }

    #[test]
    fn a_path_is_one_word_for_a_shell_and_for_the_aws_config() {
        let odd = Invocation::with_config("/home/me/my files/it's.toml");
        assert_eq!(odd.told("evertoken check"), r"evertoken --config '/home/me/my files/it'\''s.toml' check");
        assert_eq!(
            odd.program("/opt/my bin/evertoken"),
            r"'/opt/my bin/evertoken' --config '/home/me/my files/it'\''s.toml'"
        );
        assert_eq!(Invocation::default().program("/opt/evertoken"), "/opt/evertoken");
        assert_eq!(Invocation::with_config("/a/$HOME").program("/b"), "/b --config '/a/$HOME'");
    }

    #[test]
    fn a_shell_still_puts_the_home_in_the_place_of_a_tilde() {
        assert_eq!(quoted("~/.aws/credentials"), "~/.aws/credentials");
        assert_eq!(quoted("~/my aws/cred file"), "~/'my aws/cred file'");
        assert_eq!(quoted("~you"), "'~you'");
    }
}
