//! What STS takes for each parameter. All numbers and characters are those of the service model of STS (API version
//! 2011-06-15, operations AssumeRole and GetSessionToken), unless said. Never decides what is done about a value.

use std::ops::RangeInclusive;
use std::time::Duration;

/// DurationSeconds of AssumeRole and AssumeRoleWithWebIdentity.
pub(super) const ROLE_DURATION: RangeInclusive<Duration> = Duration::from_secs(900)..=Duration::from_secs(43_200);
/// DurationSeconds of GetSessionToken.
pub(super) const MFA_SESSION_DURATION: RangeInclusive<Duration> =
    Duration::from_secs(900)..=Duration::from_secs(129_600);
/// The longest session of a role that was assumed with the session of another role (IAM user guide, "Role chaining").
pub(in crate::engine) const CHAINED: Duration = Duration::from_secs(3600);
/// Tags in one call.
pub(super) const TAGS: usize = 50;
/// Managed policies in one call (STS API reference, AssumeRole, PolicyArns).
pub(super) const POLICY_ARNS: usize = 10;
/// Characters of the inline policy and of the policy ARNs together (STS API reference, AssumeRole, Policy).
pub(super) const POLICY_TEXT: usize = 2048;

/// A limit on a text.
pub(super) struct TextLimit {
    length: RangeInclusive<usize>,
    fits: fn(char) -> bool,
    /// For a person.
    allowed: &'static str,
}

/// What a text breaks.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Fault {
    /// Reads on after the name of the parameter.
    pub(super) what: String,
    /// What to write instead.
    pub(super) hint: String,
}

fn word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn tag(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}

/// ExternalId.
pub(super) const EXTERNAL_ID: TextLimit = TextLimit {
    length: 2..=1224,
    fits: |c| word(c) || "+=,.@:/-".contains(c),
    allowed: "letters, digits and _ + = , . @ : / -",
};
/// SourceIdentity.
pub(super) const SOURCE_IDENTITY: TextLimit = TextLimit {
    length: 2..=64,
    fits: |c| word(c) || "+=,.@-".contains(c),
    allowed: "letters, digits and _ + = , . @ -",
};
/// SerialNumber.
pub(super) const MFA_SERIAL: TextLimit = TextLimit {
    length: 9..=256,
    fits: |c| word(c) || "+=/:,.@-".contains(c),
    allowed: "letters, digits and _ + = / : , . @ -",
};
/// Tags, Key; also TransitiveTagKeys.
pub(super) const TAG_KEY: TextLimit =
    TextLimit { length: 1..=128, fits: tag, allowed: "letters, digits, spaces and _ . : / = + - @" };
/// Tags, Value.
pub(super) const TAG_VALUE: TextLimit =
    TextLimit { length: 0..=256, fits: tag, allowed: "letters, digits, spaces and _ . : / = + - @" };
/// PolicyArns, arn.
pub(super) const POLICY_ARN: TextLimit =
    TextLimit { length: 20..=2048, fits: |c| c.is_ascii_graphic(), allowed: "printable characters without spaces" };
/// Policy. Its length is another matter: see [`POLICY_TEXT`].
pub(super) const POLICY: TextLimit = TextLimit {
    length: 1..=usize::MAX,
    fits: |c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}'),
    allowed: "characters up to U+00FF",
};

impl TextLimit {
    /// What `text` breaks, if anything.
    pub(super) fn fault(&self, text: &str) -> Option<Fault> {
        if let Some(odd) = text.chars().find(|c| !(self.fits)(*c)) {
            return Some(Fault {
                what: format!("has the character {odd:?}, which STS does not take"),
                hint: format!("use {}", self.allowed),
            });
        }
        let length = text.chars().count();
        (!self.length.contains(&length)).then(|| {
            let s = if length == 1 { "" } else { "s" };
            Fault {
                what: format!("has {length} character{s}"),
                hint: format!("STS takes {} to {} characters", self.length.start(), self.length.end()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{EXTERNAL_ID, MFA_SERIAL, SOURCE_IDENTITY, TAG_KEY, TAG_VALUE, TextLimit};

    #[test]
    fn both_ends_of_every_length_are_taken_and_nothing_beyond() {
        let cases: [(&TextLimit, usize, usize); 5] = [
            (&EXTERNAL_ID, 2, 1224),
            (&SOURCE_IDENTITY, 2, 64),
            (&MFA_SERIAL, 9, 256),
            (&TAG_KEY, 1, 128),
            (&TAG_VALUE, 0, 256),
        ];
        for (limit, least, most) in cases {
            assert_eq!(limit.fault(&"a".repeat(least)), None);
            assert_eq!(limit.fault(&"a".repeat(most)), None);
            assert!(limit.fault(&"a".repeat(most + 1)).is_some());
            assert!(least == 0 || limit.fault(&"a".repeat(least - 1)).is_some());
        }
    }

    #[test]
    fn characters_are_those_of_the_service_model() {
        assert_eq!(EXTERNAL_ID.fault("a_B9+=,.@:/-"), None);
        assert_eq!(SOURCE_IDENTITY.fault("a_B9+=,.@-"), None);
        assert_eq!(TAG_KEY.fault("Größe 日本 _.:/=+-@"), None);
        assert!(EXTERNAL_ID.fault("a b").is_some());
        assert!(SOURCE_IDENTITY.fault("a:b").is_some());
        assert!(TAG_KEY.fault("a\tb").is_some());
        assert!(TAG_VALUE.fault("a!b").is_some());
        // Counted in characters, as the model does, not in bytes.
        assert_eq!(TAG_KEY.fault(&"ß".repeat(128)), None);
    }
}
