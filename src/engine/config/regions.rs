//! Regions: their form, and the partition that each belongs to. Never knows which of them exist: new ones come every year.

/// The form of a region: `eu-west-1`, `us-gov-west-1`, `eusc-de-east-1`.
pub(super) fn has_form(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [first, middle @ .., number] = parts.as_slice() else { return false };
    let letters = |part: &str| part.len() >= 2 && part.bytes().all(|b| b.is_ascii_lowercase());
    letters(first)
        && !middle.is_empty()
        && middle.iter().all(|part| letters(part))
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// The characters that can stand in a region, and so in a host name, of whatever look-alike.
pub(super) fn has_fit_characters(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// What was probably meant by a text that is no region.
pub(super) fn correction(text: &str) -> Option<String> {
    let spelled = text.trim().to_ascii_lowercase().replace(['_', ' '], "-");
    let zone = spelled.strip_suffix(|c: char| c.is_ascii_lowercase());
    [Some(spelled.as_str()), zone].into_iter().flatten().find(|text| has_form(text)).map(str::to_owned)
}

/// Partitions other than `aws`, how their regions begin, and one of them (AWS SDKs, partitions.json).
const PARTITIONS: [(&str, &str, &str); 7] = [
    ("aws-cn", "cn-", "cn-north-1"),
    ("aws-us-gov", "us-gov-", "us-gov-west-1"),
    ("aws-iso", "us-iso-", "us-iso-east-1"),
    ("aws-iso-b", "us-isob-", "us-isob-east-1"),
    ("aws-iso-e", "eu-isoe-", "eu-isoe-west-1"),
    ("aws-iso-f", "us-isof-", "us-isof-south-1"),
    ("aws-eusc", "eusc-", "eusc-de-east-1"),
];

/// The partition of a region.
pub(super) fn partition(region: &str) -> &'static str {
    PARTITIONS.iter().find(|(_, prefix, _)| region.starts_with(prefix)).map_or("aws", |(partition, _, _)| partition)
}

/// A region of a partition, to show how they look; `None` for a partition that is not known here.
pub(super) fn example(partition: &str) -> Option<&'static str> {
    let other = PARTITIONS.iter().find(|(name, _, _)| *name == partition).map(|(_, _, example)| *example);
    other.or_else(|| (partition == "aws").then_some("eu-west-1"))
}

#[cfg(test)]
mod tests {
    use super::{correction, example, has_form, partition};

    #[test]
    fn knows_the_form_of_a_region_and_its_partition() {
        for (region, expected) in [
            ("eu-west-1", "aws"),
            ("us-east-1", "aws"),
            ("ap-southeast-7", "aws"),
            ("us-gov-west-1", "aws-us-gov"),
            ("cn-northwest-1", "aws-cn"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert!(has_form(region), "{region}");
            assert_eq!(partition(region), expected, "{region}");
            assert_eq!(example(expected).map(partition), Some(expected));
        }
        for text in ["", "eu", "eu-west", "eu-west-", "eu-west-1a", "EU-west-1", "eu west 1", "eu--1", "1-eu-1", "-"] {
            assert!(!has_form(text), "{text}");
        }
    }

    #[test]
    fn sees_what_was_meant() {
        assert_eq!(correction("EU-West-1").as_deref(), Some("eu-west-1"));
        assert_eq!(correction("eu_west_1").as_deref(), Some("eu-west-1"));
        assert_eq!(correction("eu-west-1a").as_deref(), Some("eu-west-1"));
        assert_eq!(correction("europe"), None);
    }
}
