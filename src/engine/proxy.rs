//! Which variables of an environment name a proxy, and which of them counts: one rule for the calls, for what the daemon
//! writes down, and for `doctor`. Never looks at the value.

/// The proxy of https. Where both spellings are set the lower case counts, as for curl, the AWS CLI and boto3.
pub const PROXY: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// The hosts that are reached without it.
pub const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The first of these variables that is set to something.
pub fn first_set<'a>(names: &[&str], get: impl Fn(&str) -> Option<&'a str>) -> Option<&'a str> {
    names.iter().find_map(|name| get(name).filter(|value| !value.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::{NO_PROXY, PROXY, first_set};

    #[test]
    fn lower_case_counts_before_upper_case_and_https_before_all() {
        for (set, expected) in [
            (&[("HTTPS_PROXY", "upper"), ("https_proxy", "lower")][..], Some("lower")),
            (&[("HTTPS_PROXY", "upper"), ("https_proxy", " ")], Some("upper")),
            (&[("all_proxy", "all"), ("HTTPS_PROXY", "upper")], Some("upper")),
            (&[("ALL_PROXY", "ALL"), ("all_proxy", "all")], Some("all")),
            (&[("http_proxy", "plain"), ("no_proxy", "corp")], None),
        ] {
            let get = |name: &str| set.iter().find(|(have, _)| *have == name).map(|(_, value)| *value);
            assert_eq!(first_set(&PROXY, get), expected, "{set:?}");
        }
        assert_eq!(first_set(&NO_PROXY, |name| (name == "NO_PROXY").then_some("corp")), Some("corp"));
    }
}
