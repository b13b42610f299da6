//! `credential_process`: runs the command as botocore does, without a shell, and reads the JSON that it prints. What it
//! prints is never quoted.

use crate::engine::failure::{Fault, SourceFault};
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, SourceCredentials};
use crate::engine::time::WallTime;
use crate::shell::child::{Child, Seat, run_on};
use crate::shell::environment::{Environment, expand};
use crate::shell::program::{can_be_run, in_own_path};
use serde::Deserialize;
use std::borrow::Cow;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// Long enough for a person to answer a passphrase dialog.
const LIMIT: Duration = Duration::from_secs(60);

/// The JSON of a process (AWS SDK reference, process credential provider).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed<'a> {
    version: u32,
    access_key_id: String,
    // Borrowed from the output, which is wiped.
    #[serde(borrow)]
    secret_access_key: Cow<'a, str>,
    #[serde(borrow)]
    session_token: Option<Cow<'a, str>>,
    expiration: Option<String>,
    account_id: Option<String>,
}

pub(super) async fn run(
    seat: Seat,
    profile: &str,
    command: &str,
    environment: Vec<(OsString, OsString)>,
    home: Option<&Path>,
    now: WallTime,
) -> Result<SourceCredentials, Fault> {
    let failed = |what: &str| failed(profile, what);
    let mut argv = split_words(command).ok_or_else(|| failed("a quotation mark in it is not closed"))?;
    if let Some(program) = argv.first_mut() {
        *program = expand(program, home).to_string_lossy().into_owned();
    }
    let output = run_on(seat, Child { argv, environment, limit: LIMIT }).await;
    let output = output.map_err(|error| failed(&error.to_string()))?;
    if !output.is_success() {
        let end =
            output.code.map_or_else(|| "it was killed".to_owned(), |code| format!("it ended with exit code {code}"));
        let complaint = output.first_complaint().map_or_else(String::new, |line| format!(" and said: {line}"));
        return Err(failed(&format!("{end}{complaint}")));
    }
    // The parser's own message quotes what it read.
    let printed: Printed<'_> = serde_json::from_slice(&output.stdout)
        .map_err(|_| failed("it printed no credentials in the form that AWS asks for"))?;
    if printed.version != 1 {
        return Err(failed("it printed credentials of another version than 1"));
    }
    let expiration = match printed.expiration.as_deref().filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(WallTime::parse(text).map_err(|_| failed("it printed an Expiration that is no timestamp"))?),
    };
    if let Some(end) = expiration.filter(|end| *end <= now) {
        let what = format!("the session that the credential_process of profile {profile:?} printed (until {end})");
        return Err(Fault::Source(SourceFault::Ended { what, login: None }));
    }
    if printed.access_key_id.is_empty() || printed.secret_access_key.is_empty() {
        return Err(failed("it printed empty keys"));
    }
    Ok(SourceCredentials {
        keys: Keys {
            access_key_id: printed.access_key_id,
            secret_access_key: Secret::new(printed.secret_access_key),
            session_token: printed.session_token.filter(|token| !token.is_empty()).map(Secret::new),
        },
        account_id: printed.account_id,
        expiration,
        login_ends: None,
        skew: None,
    })
}

pub(super) fn failed(profile: &str, what: &str) -> Fault {
    Fault::Source(SourceFault::Process(format!("the credential_process of profile {profile:?}: {what}")))
}

/// The program of a command as it is written there, where it is not there to be run. What only a shell would understand,
/// and a path that depends on where it is started, is taken to be well.
pub(crate) fn missing_program(command: &str, environment: &Environment) -> Option<String> {
    let program = split_words(command)?.into_iter().next()?;
    let is_for_a_shell = program.contains(|c: char| "$`=;|&<>(){}*?".contains(c));
    let path = expand(&program, environment.home());
    let is_there = if path.is_absolute() {
        can_be_run(&path)
    } else {
        program.contains('/') || in_own_path(&path, environment.get("PATH")).is_some()
    };
    (!is_for_a_shell && !is_there).then_some(program)
}

/// Splits a command into words by the rules of a POSIX shell for quotes and backslashes, and none of its others. `None`
/// when a quotation mark is not closed.
pub fn split_words(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = command.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let inside = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => inside.push(c),
                    }
                }
            }
            '"' => {
                let inside = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => match chars.next()? {
                            c @ ('"' | '\\') => inside.push(c),
                            c => inside.extend(['\\', c]),
                        },
                        c => inside.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next()?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::split_words;

    #[test]
    fn a_command_is_split_as_botocore_does() {
        let cases: [(&str, &[&str]); 7] = [
            ("/bin/tool  --user me", &["/bin/tool", "--user", "me"]),
            ("'/opt/my tool' \"a b\"c ''", &["/opt/my tool", "a bc", ""]),
            (r#"x "say \"hi\" \n" it\ is"#, &["x", r#"say "hi" \n"#, "it is"]),
            ("x '$HOME' $HOME | y", &["x", "$HOME", "$HOME", "|", "y"]),
            ("", &[]),
            (" \t ", &[]),
            (r"x '\'", &["x", r"\"]),
        ];
        for (command, expected) in cases {
            assert_eq!(split_words(command).expect("closed quotes"), expected, "{command}");
        }
        for open in ["x 'y", "x \"y", "x \\"] {
            assert_eq!(split_words(open), None, "{open}");
        }
    }
}
