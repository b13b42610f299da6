//! The login that a URL of a proxy or an endpoint may hold, which nobody is to read over a shoulder. Takes no more of a
//! URL apart than that, and needs no scheme: proxies are often named without one.

use std::ops::Range;

/// Where `user:password@` stands.
fn login(url: &str) -> Option<Range<usize>> {
    let start = url.find("://").map_or(0, |at| at + 3);
    // Nothing but a slash ends it for sure, and the last @ does: people write passwords as they are.
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    url[start..end].rfind('@').map(|at| start..start + at + 1)
}

/// The URL without user and password.
pub fn without_login(url: &str) -> String {
    login(url).map_or_else(|| url.to_owned(), |login| format!("{}{}", &url[..login.start], &url[login.end..]))
}

/// The URL with `…` for its password, where it has one.
pub fn without_password(url: &str) -> Option<String> {
    let login = login(url)?;
    let (user, _) = url[login.clone()].split_once(':')?;
    Some(format!("{}{user}:…@{}", &url[..login.start], &url[login.end..]))
}

#[cfg(test)]
mod tests {
    use super::{without_login, without_password};

    #[test]
    fn a_password_is_never_shown() {
        for (url, expected) in [
            ("http://me:p@ss@proxy:3128/x", Some("http://me:…@proxy:3128/x")),
            ("http://me:p#s?s@proxy", Some("http://me:…@proxy")),
            ("me:word@proxy:3128", Some("me:…@proxy:3128")),
            ("http://proxy:3128", None),
            ("http://me@proxy", None),
            ("http://c:1/x:y@z", None),
            ("/usr/bin:/opt/node@20/bin", None),
        ] {
            assert_eq!(without_password(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn without_its_login_a_url_leads_to_the_same_place() {
        for (url, expected) in [
            ("http://me:p@ss@proxy:3128/x", "http://proxy:3128/x"),
            ("http://a:b@c:1/x@y", "http://c:1/x@y"),
            ("me:word@proxy:1", "proxy:1"),
            ("/opt/python@3.12/bin:/opt/node@20/bin", "/opt/python@3.12/bin:/opt/node@20/bin"),
        ] {
            assert_eq!(without_login(url), expected);
        }
    }
}
