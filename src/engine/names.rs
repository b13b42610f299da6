//! Names that are parsed once and are right from then on: profile names, role ARNs, session names.

use std::borrow::Borrow;
use std::fmt;

/// The name of a profile: a section of the credentials file that every SDK can select.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProfileName(String);

/// Why a text is no [`ProfileName`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadProfileName {
    /// Nothing there.
    #[error("a profile name cannot be empty")]
    Empty,
    /// A character that some SDK cannot read in a section header.
    #[error("{0:?} cannot stand in a profile name that every SDK can select")]
    Character(char),
    /// A name with a meaning of its own to some reader.
    #[error("{0:?} has a meaning of its own to some SDKs")]
    Reserved(String),
}

impl ProfileName {
    /// Letters, digits and `_ . / % @ : + -` are what every SDK reads alike; `DEFAULT`, `__proto__` and `constructor`
    /// are read by some as something else.
    pub fn parse(text: &str) -> Result<Self, BadProfileName> {
        if text.is_empty() {
            return Err(BadProfileName::Empty);
        }
        if let Some(odd) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !"_./%@:+-".contains(*c)) {
            return Err(BadProfileName::Character(odd));
        }
        if matches!(text, "DEFAULT" | "__proto__" | "constructor") {
            return Err(BadProfileName::Reserved(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A map by names can be asked with what is no name yet. They are equal, and in order, as their texts are.
impl Borrow<str> for ProfileName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RoleArn {
    text: String,
    partition_end: usize,
    account_start: usize,
    name_start: usize,
}

/// Why a text is no [`RoleArn`]; the message says what to write instead.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadRoleArn {
    /// Not of the form at all.
    #[error("not the ARN of an IAM role")]
    Form,
    /// An account that is not twelve digits.
    #[error("the account in a role ARN has 12 digits, this one has {0:?}")]
    Account(String),
    /// The ARN of a session instead of a role.
    #[error("this is the ARN of a session (assumed-role), not of a role")]
    AssumedRole,
    /// Longer than STS takes (20 to 2048 characters, STS API reference, AssumeRole, RoleArn).
    #[error("a role ARN has 20 to 2048 characters")]
    Length,
}

impl RoleArn {
    /// Parses the ARN of a role.
    pub fn parse(text: &str) -> Result<Self, BadRoleArn> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let &[arn, partition, service, region, account, resource] = parts.as_slice() else {
            return Err(BadRoleArn::Form);
        };
        if service == "sts" && resource.starts_with("assumed-role/") {
            return Err(BadRoleArn::AssumedRole);
        }
        let partition_fits = !partition.is_empty() && partition.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if arn != "arn" || !partition_fits || service != "iam" || !region.is_empty() {
            return Err(BadRoleArn::Form);
        }
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadRoleArn::Account(account.to_owned()));
        }
        let path_and_name = resource.strip_prefix("role/").ok_or(BadRoleArn::Form)?;
        let name = path_and_name.rsplit('/').next().unwrap_or_default();
        if name.is_empty() || !path_and_name.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(BadRoleArn::Form);
        }
        if !(20..=2048).contains(&text.len()) {
            return Err(BadRoleArn::Length);
        }
        let partition_end = "arn:".len() + partition.len();
        Ok(Self {
            partition_end,
            account_start: partition_end + ":iam::".len(),
            name_start: text.len() - name.len(),
            text: text.to_owned(),
        })
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `aws`, `aws-us-gov`, `aws-cn`, `aws-iso`…
    pub fn partition(&self) -> &str {
        &self.text["arn:".len()..self.partition_end]
    }

    /// The twelve digits.
    pub fn account(&self) -> &str {
        &self.text[self.account_start..self.account_start + 12]
    }

    /// The role's name without its path.
    pub fn role_name(&self) -> &str {
        &self.text[self.name_start..]
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The session name as configured, with `{user}`, `{host}` and `{profile}` still in it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SessionNameTemplate(String);

/// A placeholder that does not exist, or a brace that does not close.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{{{0}}} is no placeholder of a session name")]
pub struct BadSessionName(pub String);

impl SessionNameTemplate {
    /// What is used when the config says nothing.
    pub const DEFAULT: &str = "{user}@{host}";
    /// The longest RoleSessionName that STS takes (STS API reference, AssumeRole).
    pub const MAX_LENGTH: usize = 64;

    /// Checks the placeholders; everything else is made to fit when the name is rendered.
    pub fn parse(text: &str) -> Result<Self, BadSessionName> {
        let mut rest = text;
        while let Some(start) = rest.find('{') {
            match rest[start + 1..].split_once('}') {
                Some(("user" | "host" | "profile", after)) => rest = after,
                Some((inside, _)) => return Err(BadSessionName(inside.to_owned())),
                None => return Err(BadSessionName(rest[start + 1..].to_owned())),
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The template itself: digests are made of it, so that a laptop that is renamed does not start anew.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The session name: placeholders filled in, unfit characters made `-`, cut to 64, never under 2 characters.
    pub fn render(&self, user: &str, host: &str, profile: &ProfileName) -> String {
        let mut rest = self.0.as_str();
        let mut filled = String::new();
        while let Some(start) = rest.find('{') {
            let end = rest[start..].find('}').map_or(rest.len(), |offset| start + offset + 1);
            filled.push_str(&rest[..start]);
            filled.push_str(match &rest[start..end] {
                "{user}" => user,
                "{host}" => host,
                _ => profile.as_str(),
            });
            rest = &rest[end..];
        }
        filled.push_str(rest);
        let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        let mut name: String = filled.chars().map(|c| if fits(c) { c } else { '-' }).take(Self::MAX_LENGTH).collect();
        while name.len() < 2 {
            name.push('-');
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::{BadProfileName, BadRoleArn, BadSessionName, ProfileName, RoleArn, SessionNameTemplate};

    #[test]
    fn a_profile_name_is_one_that_every_sdk_can_select() {
        for name in ["dev", "a/b.c_d@e:f+g-h%", "123"] {
            assert_eq!(ProfileName::parse(name).map(|n| n.to_string()), Ok(name.to_owned()));
        }
        assert_eq!(ProfileName::parse(""), Err(BadProfileName::Empty));
        assert_eq!(ProfileName::parse("a b"), Err(BadProfileName::Character(' ')));
        assert_eq!(ProfileName::parse("dev]\n[x"), Err(BadProfileName::Character(']')));
        assert_eq!(ProfileName::parse("é"), Err(BadProfileName::Character('é')));
        for name in ["DEFAULT", "__proto__", "constructor"] {
            assert!(matches!(ProfileName::parse(name), Err(BadProfileName::Reserved(_))), "{name}");
        }
    }

    #[test]
    fn a_role_arn_knows_its_parts() {
        let arn = RoleArn::parse("arn:aws-us-gov:iam::111122223333:role/team/x/Developer").expect("a role ARN");
        assert_eq!((arn.partition(), arn.account(), arn.role_name()), ("aws-us-gov", "111122223333", "Developer"));
        let cases = [
            ("arn:aws:iam::1111:role/x", BadRoleArn::Account("1111".into())),
            ("arn:aws:sts::111122223333:assumed-role/x/y", BadRoleArn::AssumedRole),
            ("arn:aws:iam::111122223333:user/x", BadRoleArn::Form),
            ("arn:aws:iam::111122223333:role/", BadRoleArn::Form),
            ("arn:aws:iam::111122223333:role/a\nb", BadRoleArn::Form),
            ("Developer", BadRoleArn::Form),
        ];
        for (text, expected) in cases {
            assert_eq!(RoleArn::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_session_name_always_fits_what_sts_takes() {
        let profile = ProfileName::parse("a/b").expect("a profile name");
        let name = |template: &str| {
            SessionNameTemplate::parse(template).expect("a template").render("jo é", "laptop.local", &profile)
        };
        assert_eq!(name("{user}@{host}"), "jo--@laptop.local");
        assert_eq!(name("x-{profile}-y"), "x-a-b-y");
        assert_eq!(name(""), "--");
        assert_eq!(name(&"é".repeat(100)), "-".repeat(64));
        // A placeholder that does not exist, and braces that do not close.
        for (template, named) in [("{usr}", "usr"), ("{user}@{host", "host"), ("x{", "")] {
            assert_eq!(SessionNameTemplate::parse(template), Err(BadSessionName(named.to_owned())), "{template}");
        }
    }
}
