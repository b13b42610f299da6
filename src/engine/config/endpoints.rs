//! URLs of endpoints and proxies, as far as they must be right to be safe. Never resolves a name.

use core::net::{Ipv4Addr, Ipv6Addr};

/// Why a text is no URL to call; reads on after "the URL".
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum BadUrl {
    /// Not http nor https.
    #[error("does not begin with http:// or https://")]
    Scheme,
    /// No host, or an odd one.
    #[error("has no host that can be called")]
    Host,
    /// Not a number from 1 to 65535.
    #[error("has a port that is no number from 1 to 65535")]
    Port,
    /// `user:password@`.
    #[error("has a user name or password in it")]
    UserInfo,
    /// `?` or `#`, or a character that must be escaped.
    #[error("has a character in it that has no place there")]
    Character,
}

/// A URL to call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Url {
    /// Whether it is encrypted on the way.
    pub(super) https: bool,
    /// Without brackets.
    pub(super) host: String,
    /// `/…`, empty when there is none.
    pub(super) path: String,
}

impl Url {
    /// Reads `http[s]://host[:port][/path]`.
    pub(super) fn parse(text: &str) -> Result<Self, BadUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(BadUrl::Scheme)?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(BadUrl::Scheme),
        };
        let split = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(split);
        if authority.contains('@') {
            return Err(BadUrl::UserInfo);
        }
        if !path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&b)) {
            return Err(BadUrl::Character);
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) = bracketed.split_once(']').ok_or(BadUrl::Host)?;
                host.parse::<Ipv6Addr>().map_err(|_| BadUrl::Host)?;
                match after.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if after.is_empty() => (host, None),
                    None => return Err(BadUrl::Host),
                }
            }
            None => {
                let (host, port) = match authority.split_once(':') {
                    Some((host, port)) => (host, Some(port)),
                    None => (authority, None),
                };
                let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
                if host.is_empty() || host.starts_with('.') || !host.bytes().all(fits) {
                    return Err(BadUrl::Host);
                }
                (host, port)
            }
        };
        if let Some(port) = port
            && (!port.bytes().all(|b| b.is_ascii_digit()) || !port.parse::<u16>().is_ok_and(|port| port > 0))
        {
            return Err(BadUrl::Port);
        }
        Ok(Self { https, host: host.to_owned(), path: path.to_owned() })
    }

    /// Whether it leads to this machine itself: 127.0.0.0/8, `::1`, `localhost`.
    pub(super) fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
            || self.host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::{BadUrl, Url};

    #[test]
    fn knows_what_stays_on_this_machine() {
        for url in [
            "http://127.0.0.1:4566",
            "https://127.9.9.9/x",
            "http://[::1]:80",
            "http://localhost",
            "HTTP://LocalHost:1/",
        ] {
            assert!(Url::parse(url).expect(url).is_loopback(), "{url}");
        }
        for url in [
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
            "https://sts.amazonaws.com",
            "http://[::2]",
            "http://0.0.0.0",
            "http://2130706433",
        ] {
            assert!(!Url::parse(url).expect(url).is_loopback(), "{url}");
        }
    }

    #[test]
    fn refuses_what_is_no_url_to_call() {
        for (url, expected) in [
            ("", BadUrl::Scheme),
            ("sts.amazonaws.com", BadUrl::Scheme),
            ("ftp://x", BadUrl::Scheme),
            ("http://", BadUrl::Host),
            ("http://:80", BadUrl::Host),
            ("http://a b", BadUrl::Host),
            ("http://[::1", BadUrl::Host),
            ("http://[x]", BadUrl::Host),
            ("http://[::1]80", BadUrl::Host),
            ("http://a:", BadUrl::Port),
            ("http://a:0", BadUrl::Port),
            ("http://a:+1", BadUrl::Port),
            ("http://a:65536", BadUrl::Port),
            ("http://me:pw@a", BadUrl::UserInfo),
            ("http://localhost@evil.example", BadUrl::UserInfo),
            ("http://a/?x", BadUrl::Character),
            ("http://a#x", BadUrl::Character),
            ("http://a\\@localhost", BadUrl::UserInfo),
        ] {
            assert_eq!(Url::parse(url), Err(expected), "{url}");
        }
    }
}
