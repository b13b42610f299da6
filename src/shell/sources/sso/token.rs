//! The token of a sign-in, in the cache that all AWS tools share. Never asks anybody for one.

use super::caches;
use crate::engine::failure::Fault;
use crate::engine::time::WallTime;
use crate::shell::secret_json::SecretJson;
use std::path::Path;
use zeroize::Zeroizing;

/// What stands in the cache. The whole of it is kept, so that keys which only other tools know survive.
pub(super) struct Token(SecretJson);

impl Token {
    /// `None` when there is none.
    pub(super) async fn load(cache: &Path) -> Result<Option<Self>, Fault> {
        Ok(caches::read(cache).await?.map(Self))
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        SecretJson::parse(bytes).map(Self)
    }

    /// Whether both are of the same sign-in and renewal.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.text("accessToken") == other.text("accessToken")
    }

    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.0.to_bytes()
    }

    /// The same sign-in with a new token.
    pub(super) fn renewed(&self, access: &str, refresh: Option<&str>, until: WallTime) -> Self {
        let mut fields = self.0.clone();
        fields.set("accessToken", access);
        fields.set("expiresAt", &until.to_string());
        if let Some(refresh) = refresh {
            fields.set("refreshToken", refresh);
        }
        Self(fields)
    }

    /// A text of it; empty where there is none.
    pub(super) fn text(&self, key: &str) -> &str {
        self.0.text(key).unwrap_or_default()
    }

    fn time(&self, key: &str) -> Option<WallTime> {
        // Older CLIs wrote `2020-06-17T10:02:08UTC`.
        WallTime::parse(&self.0.text(key)?.replace("UTC", "Z")).ok()
    }

    pub(super) fn lasts_until(&self) -> Option<WallTime> {
        self.0.text("accessToken").and(self.time("expiresAt"))
    }

    pub(super) fn is_alive(&self, now: WallTime) -> bool {
        self.lasts_until().is_some_and(|end| end > now)
    }

    pub(super) fn can_be_renewed(&self, now: WallTime) -> bool {
        ["refreshToken", "clientId", "clientSecret"].iter().all(|key| self.0.text(key).is_some())
            && self.time("registrationExpiresAt").is_some_and(|end| end > now)
    }
}
