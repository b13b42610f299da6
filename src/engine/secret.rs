//! The one type that holds a secret: it has no `Display`, a redacted `Debug`, one loud door, and is wiped on drop.

use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A secret access key, session token, MFA code or web identity token. Clones share one text, which is wiped with the last
/// of them: however often a session is handed on, its keys are in memory once.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes the text in; the caller's copy, if it kept one, is the caller's to wipe.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// The one door. Open it only where the credentials file, the `credential_process` JSON or a request is made.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("**redacted**")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn is_in_memory_once_however_often_it_is_handed_on() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let handed_on = secret.clone();
        assert_eq!((handed_on.expose().as_ptr(), &handed_on), (secret.expose().as_ptr(), &secret));
    }

    #[test]
    fn never_shows_itself() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "**redacted** Some(\n    **redacted**,\n)");
        assert_eq!(secret.expose().len(), 40);
    }
}
