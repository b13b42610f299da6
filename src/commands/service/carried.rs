//! What a service does not inherit from the shell and its helpers need: which variables, and in which form. Sets none.

use super::blueprint::can_be_written;
use crate::engine::url::proxy_without_password;
use crate::shell::environment::Environment;
use std::collections::BTreeMap;
use std::path::Path;

/// Where helpers are found, where the AWS files and our state lie, and how the network is reached.
const NAMES: [&str; 14] = [
    "PATH",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CA_BUNDLE",
    "AWS_LOGIN_CACHE_DIRECTORY",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "XDG_STATE_HOME",
];
/// Those that name a file or a folder, which the service would look for in a folder of its own.
const FILES: [&str; 4] =
    ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "AWS_LOGIN_CACHE_DIRECTORY"];

/// What goes into the unit.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Carried {
    /// By name.
    pub values: BTreeMap<String, String>,
    /// What a person should know about them; one sentence each.
    pub remarks: Vec<String>,
}

/// Takes from the environment what the service needs.
pub fn gather(environment: &Environment) -> Carried {
    let mut carried = Carried::default();
    for name in NAMES {
        let Some(value) = environment.get(name) else { continue };
        let Some(value) = value.to_str().filter(|value| can_be_written(value)) else {
            carried.remarks.push(format!("{name} is left out: it holds what no unit can hold"));
            continue;
        };
        let value = match name {
            "PATH" => path(value, &mut carried.remarks),
            name if FILES.contains(&name) => absolute(value),
            _ => value.to_owned(),
        };
        if shown(name, &value) != value {
            let who = "only you can read the file that it is written to (mode 0600)";
            carried.remarks.push(format!("{name} holds a password; {who}"));
        }
        carried.values.insert(name.to_owned(), value);
    }
    carried
}

/// The value of a variable for the eyes of whoever looks over a shoulder.
pub fn shown(name: &str, value: &str) -> String {
    let is_proxy = name.to_ascii_uppercase().ends_with("_PROXY");
    let hidden = if is_proxy { proxy_without_password(value) } else { None };
    hidden.unwrap_or_else(|| value.to_owned())
}

/// Each folder once, and none that depends on where one stands.
fn path(value: &str, remarks: &mut Vec<String>) -> String {
    let mut folders: Vec<&str> = Vec::new();
    for folder in value.split(':') {
        if !folder.starts_with('/') {
            remarks.push(format!("PATH without {folder:?}: a service stands in no folder of yours"));
        } else if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders.join(":")
}

fn absolute(value: &str) -> String {
    if value.starts_with('~') {
        return value.to_owned();
    }
    let path = std::path::absolute(Path::new(value)).ok();
    path.and_then(|path| path.into_os_string().into_string().ok()).unwrap_or_else(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::gather;
    use crate::shell::environment::Environment;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn takes_what_helpers_need_and_nothing_else() {
        let carried = gather(&Environment::from_vars([
            ("PATH", "/a:.:/b::/a"),
            ("AWS_CONFIG_FILE", "conf"),
            ("AWS_SHARED_CREDENTIALS_FILE", "~/creds"),
            ("HTTPS_PROXY", "http://me:p@ss@proxy:3128/"),
            ("no_proxy", "corp"),
            ("AWS_LOGIN_CACHE_DIRECTORY", "/logins"),
            ("HTTP_PROXY", ""),
            ("all_proxy", "http://proxy:3128"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            ("AWS_PROFILE", "dev"),
        ]));
        let names: Vec<&str> = carried.values.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "AWS_CONFIG_FILE",
                "AWS_LOGIN_CACHE_DIRECTORY",
                "AWS_SHARED_CREDENTIALS_FILE",
                "HTTPS_PROXY",
                "PATH",
                "all_proxy",
                "no_proxy"
            ]
        );
        assert_eq!(carried.values["PATH"], "/a:/b");
        assert_eq!(carried.values["AWS_SHARED_CREDENTIALS_FILE"], "~/creds");
        assert!(
            carried.values["AWS_CONFIG_FILE"].starts_with('/') && carried.values["AWS_CONFIG_FILE"].ends_with("/conf")
        );
        assert_eq!(carried.values["HTTPS_PROXY"], "http://me:p@ss@proxy:3128/");
        let told = |words: &str| carried.remarks.iter().any(|remark| remark.contains(words));
        assert!(told("PATH without \".\"") && told("HTTPS_PROXY holds a password"), "{:?}", carried.remarks);
    }

    #[test]
    fn what_no_unit_can_hold_is_left_out_and_told() {
        let odd = [OsString::from_vec(vec![b'/', 0xff]), OsString::from("/a\u{1b}b")];
        for value in odd {
            let carried = gather(&Environment::from_vars([(OsString::from("PATH"), value)]));
            assert!(carried.values.is_empty());
            assert_eq!(carried.remarks.len(), 1);
        }
    }
}
