//! The variables on which it depends whether the daemon comes to the same answer as a shell: what the daemon records when
//! it starts, and what `doctor` compares with that. Never holds a password: what stands before the @ of a proxy is cut.

use super::picture::Difference;
use crate::engine::url::without_login;
use std::collections::BTreeMap;

/// By the name of the variable, those that are set.
pub type Surroundings = BTreeMap<String, String>;

/// Under which key `status.json` keeps them.
pub const KEY: &str = "environment";

/// What is compared. A proxy may be spelled in lower case; upper case stands for both.
const NAMES: [(&str, &str); 7] = [
    ("AWS_CONFIG_FILE", ""),
    ("AWS_SHARED_CREDENTIALS_FILE", ""),
    ("AWS_CA_BUNDLE", ""),
    ("HTTPS_PROXY", "https_proxy"),
    ("ALL_PROXY", "all_proxy"),
    ("NO_PROXY", "no_proxy"),
    ("PATH", ""),
];

/// Takes them out of an environment.
pub fn surroundings<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Surroundings {
    let value = |(name, other): &(&str, &str)| get(name).or_else(|| get(other).filter(|_| !other.is_empty()));
    let kept = NAMES.iter().filter_map(|names| Some((names.0.to_owned(), without_login(value(names)?))));
    kept.collect()
}

/// What the daemon has another value of. `PATH` differs nearly always and matters only to a program that is looked up in
/// it: it is left out unless `path_matters`.
pub fn differences(daemon: &Surroundings, here: &Surroundings, path_matters: PathMatters) -> Vec<Difference> {
    let names = NAMES.iter().map(|(name, _)| *name);
    let asked = names.filter(|name| *name != "PATH" || path_matters == PathMatters::Yes);
    let pairs = asked.map(|name| (name, daemon.get(name), here.get(name)));
    let differ = pairs.filter(|(_, daemon, here)| daemon != here);
    differ
        .map(|(name, daemon, here)| Difference { name: name.to_owned(), daemon: daemon.cloned(), here: here.cloned() })
        .collect()
}

/// Whether a program on the way is looked up in `PATH`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathMatters {
    /// A `credential_process` without a folder in its name.
    Yes,
    /// Nothing is looked up.
    No,
}

#[cfg(test)]
mod tests {
    use super::{PathMatters, differences, surroundings};

    #[test]
    fn only_what_matters_is_taken_and_no_password() {
        let all = |name: &str| match name {
            "https_proxy" => Some("http://me:word@proxy.corp:3128"),
            "PATH" => Some("/opt/node@20/bin:/bin"),
            "AWS_SECRET_ACCESS_KEY" => Some("secret"),
            _ => None,
        };
        let taken = surroundings(all);
        assert_eq!(
            format!("{taken:?}"),
            r#"{"HTTPS_PROXY": "http://proxy.corp:3128", "PATH": "/opt/node@20/bin:/bin"}"#
        );
    }

    #[test]
    fn a_path_counts_only_where_something_is_looked_up_in_it() {
        let (daemon, here) = (surroundings(|n| (n == "PATH").then_some("/a")), surroundings(|_| None));
        assert_eq!(differences(&daemon, &here, PathMatters::No), []);
        assert_eq!(differences(&daemon, &here, PathMatters::Yes).len(), 1);
    }
}
