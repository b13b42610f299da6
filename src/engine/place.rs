//! Where STS is called for an entry: the region that signs, and the URL where it is not the one AWS documents.
//! Decides only; never resolves a name.

use crate::engine::config::model::Entry;
use std::fmt;

/// A region of STS, and an endpoint of one's own where the config names one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// The region that requests are signed for.
    pub region: String,
    /// `sts_endpoint`; the regional endpoint of AWS when `None`.
    pub endpoint: Option<String>,
}

impl Place {
    /// `sts_endpoint` as it is; the region is `sts_region`, else `region`, else the one that the role's partition always
    /// has switched on.
    pub fn of(entry: &Entry) -> Self {
        let partition = entry.role_arn().map_or("aws", |role| role.partition());
        let named = entry.sts_region.as_deref().or(entry.region.as_deref());
        Self { region: named.unwrap_or(home_region(partition)).to_owned(), endpoint: entry.sts_endpoint.clone() }
    }

    /// The URL that is called.
    pub fn url(&self) -> String {
        self.endpoint.clone().unwrap_or_else(|| format!("https://{self}"))
    }
}

impl fmt::Display for Place {
    /// What a person looks for in a firewall: the URL, else the host name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Some(url) => f.write_str(url),
            None if self.region == "aws-global" => f.write_str("sts.amazonaws.com"),
            None => write!(f, "sts.{}.{}", self.region, dns_suffix(&self.region)),
        }
    }
}

/// The region of a partition that nobody has to opt in to (AWS endpoint rules, `partitions`).
pub fn home_region(partition: &str) -> &'static str {
    match partition {
        "aws-us-gov" => "us-gov-west-1",
        "aws-cn" => "cn-north-1",
        "aws-iso" => "us-iso-east-1",
        "aws-iso-b" => "us-isob-east-1",
        "aws-iso-e" => "eu-isoe-west-1",
        "aws-iso-f" => "us-isof-south-1",
        "aws-eusc" => "eusc-de-east-1",
        _ => "us-east-1",
    }
}

/// The end of the host names of a region's partition (AWS endpoint rules, `partitions`).
pub fn dns_suffix(region: &str) -> &'static str {
    let known = [
        ("cn-", "amazonaws.com.cn"),
        ("us-iso-", "c2s.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("eusc-", "amazonaws.eu"),
    ];
    known.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("amazonaws.com", |(_, suffix)| suffix)
}

#[cfg(test)]
mod tests {
    use super::{Place, home_region};

    #[test]
    fn a_place_reads_as_the_host_to_reach() {
        let place = |region: &str, endpoint: Option<&str>| {
            Place { region: region.to_owned(), endpoint: endpoint.map(str::to_owned) }.to_string()
        };
        assert_eq!(place("eu-west-1", None), "sts.eu-west-1.amazonaws.com");
        assert_eq!(place("cn-north-1", None), "sts.cn-north-1.amazonaws.com.cn");
        assert_eq!(place(home_region("aws-us-gov"), None), "sts.us-gov-west-1.amazonaws.com");
        assert_eq!(place("eu-west-1", Some("http://127.0.0.1:4000")), "http://127.0.0.1:4000");
    }
}
