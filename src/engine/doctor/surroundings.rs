//! The variables on which it depends whether the daemon comes to the same answer as a shell: what the daemon records when
//! it starts, and what `doctor` compares with that. Never holds a password: only that a proxy has one.

use super::picture::Difference;
use crate::engine::proxy::{self, first_set};
use crate::engine::url::proxy_without_login;
use std::collections::BTreeMap;

/// By the name of the variable, those that are set.
pub type Surroundings = BTreeMap<String, String>;

/// Under which key `status.json` keeps them.
pub const KEY: &str = "environment";

/// Variables that are compared as they are.
const PLAIN: [&str; 5] =
    ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "AWS_LOGIN_CACHE_DIRECTORY", "PATH"];
/// The proxy in use, whichever variable it came from.
pub(super) const PROXY: &str = "HTTPS_PROXY";
const NO_PROXY: &str = "NO_PROXY";

/// Takes them out of an environment.
pub fn surroundings<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Surroundings {
    let plain = PLAIN.iter().filter_map(|name| Some(((*name).to_owned(), get(name)?.to_owned())));
    let proxy = first_set(&proxy::PROXY, &get).map(|url| (PROXY.to_owned(), proxy_without_login(url)));
    let no_proxy = first_set(&proxy::NO_PROXY, &get).map(|hosts| (NO_PROXY.to_owned(), hosts.to_owned()));
    plain.chain(proxy).chain(no_proxy).collect()
}

/// What the daemon has another value of. `PATH` differs nearly always and matters only to a program that is looked up in
/// it: it is left out unless `path_matters`.
pub fn differences(daemon: &Surroundings, here: &Surroundings, path_matters: PathMatters) -> Vec<Difference> {
    let names = [PROXY, NO_PROXY].into_iter().chain(PLAIN);
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
            r#"{"HTTPS_PROXY": "http://…@proxy.corp:3128", "PATH": "/opt/node@20/bin:/bin"}"#
        );
    }

    #[test]
    fn a_path_counts_only_where_something_is_looked_up_in_it() {
        let (daemon, here) = (surroundings(|n| (n == "PATH").then_some("/a")), surroundings(|_| None));
        assert_eq!(differences(&daemon, &here, PathMatters::No), []);
        assert_eq!(differences(&daemon, &here, PathMatters::Yes).len(), 1);
    }
}
