//! What a sentence about one profile says of any: its name and its role taken out, so that the same trouble of twenty
//! roles is told once. Looks at names only, never at what the sentence means.

/// Stands for the role, and for the profile; no sentence for a person has control characters in it.
const ROLE: &str = "\u{1}";
const PROFILE: &str = "\u{2}";

/// Commands that end with the profile, and do it for all that need it when none is named.
const COMMANDS: [&str; 2] = ["evertoken refresh ", "evertoken login "];

/// Whom a sentence is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subject<'a> {
    /// The profile.
    pub profile: &'a str,
    /// The ARN of its role, where it has one.
    pub role: Option<&'a str>,
}

/// A sentence without the names of its subject: two that are equal say the same of two profiles.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wording(String);

impl Wording {
    /// Takes the names out.
    pub fn of(text: &str, subject: Subject<'_>) -> Self {
        let mut text = subject.role.map_or_else(|| text.to_owned(), |role| text.replace(role, ROLE));
        // Only where it is clear that it is a profile: its name may be any word.
        text = text.replace(&format!("{:?}", subject.profile), PROFILE);
        for command in COMMANDS {
            text = without_name(&text, command, subject.profile);
        }
        Self(text)
    }

    /// The sentence as it is said of several at once, who are named beside it.
    pub fn of_many(&self) -> String {
        let mut text = COMMANDS
            .iter()
            .fold(self.0.clone(), |text, command| text.replace(&format!("{command}{PROFILE}"), command.trim_end()));
        for (one, many) in [
            ("no access to role \u{1}", "no access to these roles"),
            ("role \u{1}", "each of these roles"),
            ("profile \u{2}", "each of these profiles"),
            (ROLE, "each of these roles"),
            (PROFILE, "each of these profiles"),
        ] {
            text = text.replace(one, many);
        }
        text
    }
}

fn without_name(text: &str, command: &str, profile: &str) -> String {
    let named = format!("{command}{profile}");
    let mut parts = text.split(&named);
    let mut found = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // The name of another profile may begin with this one.
        let is_whole = part.chars().next().is_none_or(|next| matches!(next, ' ' | ';' | ',' | ')'));
        found.push_str(command);
        found.push_str(if is_whole { PROFILE } else { profile });
        found.push_str(part);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Subject, Wording};

    const AUDIT: &str = "arn:aws:iam::444455556666:role/Audit";

    fn wording(text: &str, profile: &str, role: &str) -> Wording {
        Wording::of(&text.replace("ROLE", role), Subject { profile, role: Some(role) })
    }

    #[test]
    fn the_same_of_two_profiles_is_one_wording() {
        let audit = wording("ask the owner of ROLE; then: evertoken refresh prod", "prod", AUDIT);
        let other = wording("ask the owner of ROLE; then: evertoken refresh dev", "dev", "arn:aws:iam::1:role/Dev");
        assert_eq!(audit, other);
        assert_eq!(audit.of_many(), "ask the owner of each of these roles; then: evertoken refresh");
        assert_ne!(audit, wording("ask the owner of ROLE; then: evertoken refresh dev", "prod", AUDIT));
        assert_ne!(audit, wording("ask the owner of ROLE; then: evertoken refresh prod-2", "prod", AUDIT));
    }

    #[test]
    fn a_sentence_about_many_is_still_one() {
        for (one, many) in [
            ("no access to role ROLE (AccessDenied)", "no access to these roles (AccessDenied)"),
            ("role ROLE wants a second factor", "each of these roles wants a second factor"),
            ("correct profile \"dev\" in evertoken's config", "correct each of these profiles in evertoken's config"),
            ("evertoken login dev", "evertoken login"),
            ("dev is a name that says nothing by itself", "dev is a name that says nothing by itself"),
            ("evertoken refresh dev-2, evertoken refresh dev, now", "evertoken refresh dev-2, evertoken refresh, now"),
        ] {
            assert_eq!(wording(one, "dev", AUDIT).of_many(), many);
        }
    }
}
