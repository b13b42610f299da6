//! The login that a URL of a proxy or an endpoint may hold, which nobody is to read over a shoulder. Takes no more of a
//! URL apart than that, and needs no scheme: proxies are often named without one.

use std::ops::Range;

/// Where the part behind the scheme begins.
fn start(url: &str) -> usize {
    url.find("://").map_or(0, |at| at + 3)
}

/// Where `user:password@` stands in the URL of a proxy. It has no path, so the last @ ends it for sure, whatever signs a
/// person has left as they are in a password.
fn login_of_proxy(url: &str) -> Option<Range<usize>> {
    let start = start(url);
    url[start..].rfind('@').map(|at| start..start + at + 1)
}

/// The same in any other URL, whose path may hold an @ too: it begins at the first slash, if a host stands before that.
fn login(url: &str) -> Option<Range<usize>> {
    let start = start(url);
    let before = url[start..].split('/').next().unwrap_or_default();
    let (_, port) = before.rsplit_once(':').unwrap_or((before, ""));
    match before.rfind('@') {
        Some(at) => Some(start..start + at + 1),
        None if port.bytes().all(|byte| byte.is_ascii_digit()) || before.ends_with(']') => None,
        // What should be a port is the beginning of a password.
        None => login_of_proxy(url),
    }
}

/// The URL without user and password.
pub fn without_login(url: &str) -> String {
    login(url).map_or_else(|| url.to_owned(), |login| format!("{}{}", &url[..login.start], &url[login.end..]))
}

/// The URL of a proxy with `…` for user and password, where it has them.
pub fn proxy_without_login(url: &str) -> String {
    let hidden = |login: Range<usize>| format!("{}…@{}", &url[..login.start], &url[login.end..]);
    login_of_proxy(url).map_or_else(|| url.to_owned(), hidden)
}

/// The URL of a proxy with `…` for its password, where it has one.
pub fn proxy_without_password(url: &str) -> Option<String> {
    let login = login_of_proxy(url)?;
    let (user, _) = url[login.clone()].split_once(':')?;
    Some(format!("{}{user}:…@{}", &url[..login.start], &url[login.end..]))
}

#[cfg(test)]
mod tests {
    use super::{proxy_without_login, proxy_without_password, without_login};

    #[test]
    fn a_password_of_a_proxy_is_never_shown() {
        for (url, password, login) in [
            ("http://me:p@ss@proxy:3128", Some("http://me:…@proxy:3128"), "http://…@proxy:3128"),
            ("http://me:p#s?s@proxy", Some("http://me:…@proxy"), "http://…@proxy"),
            ("http://me:p/s@s/x@proxy:3128/", Some("http://me:…@proxy:3128/"), "http://…@proxy:3128/"),
            ("http://me:12/34@proxy", Some("http://me:…@proxy"), "http://…@proxy"),
            ("http://me:a://b@proxy", Some("http://me:…@proxy"), "http://…@proxy"),
            ("me:word@proxy:3128", Some("me:…@proxy:3128"), "…@proxy:3128"),
            ("http://proxy:3128", None, "http://proxy:3128"),
            ("http://token@proxy", None, "http://…@proxy"),
        ] {
            assert_eq!(proxy_without_password(url).as_deref(), password, "{url}");
            assert_eq!(proxy_without_login(url), login, "{url}");
        }
    }

    #[test]
    fn without_its_login_a_url_leads_to_the_same_place() {
        for (url, expected) in [
            ("http://me:p@ss@sts:3128/x", "http://sts:3128/x"),
            ("http://a:b@c:1/x@y", "http://c:1/x@y"),
            ("http://me:p/s@sts:4000", "http://sts:4000"),
            ("http://[::1]/x@y", "http://[::1]/x@y"),
            ("http://sts/x:y@z", "http://sts/x:y@z"),
            ("http://sts:4000/x:y@z", "http://sts:4000/x:y@z"),
            ("me:word@sts:1", "sts:1"),
        ] {
            assert_eq!(without_login(url), expected);
        }
    }
}
