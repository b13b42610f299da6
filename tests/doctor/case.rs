//! One case: its folder becomes a home, `doctor` looks at it, and what it says is compared.

use crate::home::{Case, Home};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of a case.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/doctor/cases").join(name)
}

/// Its `case.toml`.
pub(crate) fn read(name: &str) -> Case {
    let text = fs::read_to_string(folder(name).join("case.toml")).expect("case.toml");
    toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(crate) fn run(name: &str) {
    let case = read(name);
    let home = Home::furnish(&case, &folder(name).join("home"));
    let arguments: Vec<&str> = std::iter::once("doctor").chain(case.arguments.iter().map(String::as_str)).collect();
    let output = home.command(&arguments).output().expect("a run");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(complained, "", "{name}");
    let emptied = home.emptied(&said);
    let path = folder(name).join("expected");
    if std::env::var_os("EVERTOKEN_ACCEPT").is_some() {
        fs::write(&path, &emptied).expect("written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(emptied, expected, "{name}: {}", path.display());
    assert_eq!(output.status.code(), Some(case.exit), "{name}: {said}");

    let in_json = home.command(&[arguments.as_slice(), &["--json"]].concat()).output().expect("a run");
    let value: Value = serde_json::from_slice(&in_json.stdout).expect("JSON");
    assert_eq!(value["cause"], case.cause.as_str(), "{name}: {value:#}");
    assert_eq!(in_json.status.code(), Some(case.exit), "{name}");
    let told = said + &String::from_utf8_lossy(&in_json.stdout);
    for secret in home.secrets() {
        let part: String = secret.chars().take(16).collect();
        assert!(!told.contains(&part), "{name} shows a secret");
    }
}
