//! What the emulated AWS knows: long-term keys, roles and their conditions, MFA devices, web identity tokens, and the
//! sessions it has issued. It answers questions about them and never speaks on the wire.

use crate::emulator::refusal::Refusal;
use crate::emulator::request::Request;
use crate::emulator::signature::{Claim, hex};
use crate::engine::secret::Secret;
use crate::engine::time::WallTime;
use sha2::Digest;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

/// How many sessions are remembered; older ones are forgotten and then refused as unknown keys.
pub const MOST_SESSIONS: usize = 10_000;
/// How many used codes an MFA device remembers.
const MOST_CODES: usize = 1_000;

/// A long-term access key that the emulator accepts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LongTermKey {
    /// `AKIA…`.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The twelve digits.
    pub account: String,
    /// The ARN of its user; one that ends in `:root` is treated as AWS treats the account's root.
    pub arn: String,
}

/// A session that the emulator has issued.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IssuedSession {
    /// `ASIA…`.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The session token.
    pub session_token: Secret,
    /// The account of its role or user.
    pub account: String,
    /// Who it acts as: `arn:aws:sts::…:assumed-role/ROLE/SESSION`, or the user.
    pub arn: String,
    /// What kind of session it is.
    pub kind: SessionKind,
    /// The key that signed the request for it; `None` for a web identity.
    pub signed_by: Option<String>,
    /// When it was issued, in the emulator's time.
    pub issued: WallTime,
    /// When it ends, in the emulator's time.
    pub expiration: WallTime,
}

/// What a session acts as.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SessionKind {
    /// A user, by GetSessionToken.
    User {
        /// Whether an MFA code was given.
        mfa: bool,
    },
    /// A role, by AssumeRole or AssumeRoleWithWebIdentity.
    Role {
        /// The role itself.
        role_arn: String,
        /// The SourceIdentity, which a chained role inherits.
        source_identity: Option<String>,
    },
}

/// Who signed a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Caller {
    pub(super) access_key_id: String,
    pub(super) account: String,
    pub(super) arn: String,
    /// `None` for long-term keys.
    pub(super) session: Option<SessionKind>,
}

impl Caller {
    pub(super) fn is_root(&self) -> bool {
        self.arn.ends_with(":root")
    }

    pub(super) fn is_role(&self) -> bool {
        matches!(self.session, Some(SessionKind::Role { .. }))
    }

    pub(super) fn has_mfa(&self) -> bool {
        matches!(self.session, Some(SessionKind::User { mfa: true }))
    }

    /// The unique id that AWS would show for it.
    pub(super) fn user_id(&self) -> String {
        match &self.session {
            Some(SessionKind::Role { role_arn, .. }) => {
                let session_name = self.arn.rsplit('/').next().unwrap_or_default();
                format!("{}:{session_name}", stable_id("AROA", role_arn))
            }
            _ if self.is_root() => self.account.clone(),
            _ => stable_id("AIDA", &self.arn),
        }
    }
}

/// The conditions under which a role may be assumed. Without any, every key that is known may assume it.
#[derive(Clone, Default, Debug)]
pub(super) struct Role {
    pub(super) denial: Option<Refusal>,
    pub(super) max_session: Option<Duration>,
    pub(super) external_id: Option<String>,
    pub(super) mfa: bool,
}

/// A web identity token that is accepted.
#[derive(Clone, Debug)]
pub(super) struct WebIdentity {
    pub(super) subject: String,
    pub(super) expiration: WallTime,
}

/// A virtual MFA device.
pub(super) struct MfaDevice {
    check: Box<dyn Fn(&str) -> bool + Send>,
    used: VecDeque<String>,
}

impl fmt::Debug for MfaDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MfaDevice").field("used", &self.used.len()).finish_non_exhaustive()
    }
}

/// All of it.
#[derive(Default, Debug)]
pub(super) struct Directory {
    keys: HashMap<String, LongTermKey>,
    sessions: VecDeque<IssuedSession>,
    pub(super) roles: HashMap<String, Role>,
    devices: HashMap<String, MfaDevice>,
    web_identities: HashMap<String, WebIdentity>,
}

impl Directory {
    pub(super) fn add_key(&mut self, key: LongTermKey) {
        self.keys.insert(key.access_key_id.clone(), key);
    }

    pub(super) fn add_device(&mut self, serial: &str, check: Box<dyn Fn(&str) -> bool + Send>) {
        self.devices.insert(serial.to_owned(), MfaDevice { check, used: VecDeque::new() });
    }

    pub(super) fn add_web_identity(&mut self, token: &str, identity: WebIdentity) {
        self.web_identities.insert(token.to_owned(), identity);
    }

    pub(super) fn web_identity(&self, token: &str) -> Option<&WebIdentity> {
        self.web_identities.get(token)
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = &IssuedSession> {
        self.sessions.iter()
    }

    pub(super) fn remember(&mut self, session: IssuedSession) {
        if self.sessions.len() == MOST_SESSIONS {
            self.sessions.pop_front();
        }
        self.sessions.push_back(session);
    }

    /// Forgets a key or a session, as when it was deleted or deactivated.
    pub(super) fn revoke(&mut self, access_key_id: &str) {
        self.keys.remove(access_key_id);
        self.sessions.retain(|session| session.access_key_id != access_key_id);
    }

    /// Lets a session end at once.
    pub(super) fn expire(&mut self, access_key_id: &str, now: WallTime) {
        for session in self.sessions.iter_mut().filter(|session| session.access_key_id == access_key_id) {
            session.expiration = now;
        }
    }

    /// Who signed this request, after everything that AWS checks about a signature. `stale` is the code for one that
    /// is too old or too new.
    pub(super) fn authenticate(
        &self,
        claim: &Claim,
        request: &Request,
        now: WallTime,
        stale: &str,
    ) -> Result<Caller, Refusal> {
        let unknown = || Refusal::of("InvalidClientTokenId");
        let token = request.header("x-amz-security-token");
        let access_key_id = claim.access_key_id.clone();
        if let Some(key) = self.keys.get(&access_key_id) {
            if token.is_some() {
                return Err(unknown());
            }
            claim.verify(request, key.secret_access_key.expose(), now, stale)?;
            return Ok(Caller { access_key_id, account: key.account.clone(), arn: key.arn.clone(), session: None });
        }
        let issued = self.sessions.iter().rev().find(|session| session.access_key_id == access_key_id);
        let session = issued.filter(|session| token == Some(session.session_token.expose())).ok_or_else(unknown)?;
        if now >= session.expiration {
            return Err(Refusal::of("ExpiredToken"));
        }
        claim.verify(request, session.secret_access_key.expose(), now, stale)?;
        Ok(Caller {
            access_key_id,
            account: session.account.clone(),
            arn: session.arn.clone(),
            session: Some(session.kind.clone()),
        })
    }

    /// Checks an MFA code and uses it up. `Ok(false)` when none was given.
    pub(super) fn use_code(&mut self, serial: Option<&str>, code: Option<&str>) -> Result<bool, Refusal> {
        let (serial, code) = match (serial, code) {
            (None, None) => return Ok(false),
            (Some(serial), Some(code)) => (serial, code),
            _ => {
                let message =
                    "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.";
                return Err(Refusal::denied(message));
            }
        };
        let device = self.devices.get_mut(serial).ok_or_else(|| {
            Refusal::denied(
                "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number \
                 is valid and associated with this user.",
            )
        })?;
        if device.used.iter().any(|used| used == code) || !(device.check)(code) {
            let message = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
            return Err(Refusal::denied(message));
        }
        if device.used.len() == MOST_CODES {
            device.used.pop_front();
        }
        device.used.push_back(code.to_owned());
        Ok(true)
    }
}

/// An id such as `AROA` and 17 more characters, always the same for the same ARN.
pub(super) fn stable_id(prefix: &str, arn: &str) -> String {
    let digest = hex(&sha2::Sha256::digest(arn)).to_uppercase();
    format!("{prefix}{}", &digest[..17])
}
