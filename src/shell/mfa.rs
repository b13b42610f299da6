//! MFA codes: from the command that the config names, or from the person at the keyboard. A code is never used twice.

use crate::engine::config::model::Mfa;
use crate::engine::failure::{Fault, SourceFault};
use crate::engine::names::ProfileName;
use crate::engine::secret::Secret;
use crate::shell::child::{Child, run};
use crate::shell::environment::Environment;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A person may have to touch a key, or unlock a password manager.
const PATIENCE: Duration = Duration::from_secs(60);
/// A code lives 30 s: this is how long a new one is waited for, and how often it is asked for.
const NEXT_CODE: Duration = Duration::from_secs(35);
const ASK_AGAIN: Duration = Duration::from_secs(3);

/// Where codes come from.
pub struct Codes {
    environment: Arc<Environment>,
    /// The code that a person gave, by profile (or for all).
    given: Mutex<Option<Secret>>,
    /// By serial number.
    used: Mutex<BTreeMap<String, Secret>>,
}

impl Codes {
    /// `environment` is handed on to the commands.
    pub fn new(environment: Arc<Environment>) -> Self {
        Self { environment, given: Mutex::new(None), used: Mutex::new(BTreeMap::new()) }
    }

    /// A code that a person has typed; it is used once.
    pub fn give(&self, code: Secret) {
        *self.given.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
    }

    /// A code for one request.
    ///
    /// # Errors
    /// [`SourceFault::MfaDue`] when only a person has one, [`SourceFault::Process`] when the command gives none.
    pub async fn code(&self, profile: &ProfileName, mfa: &Mfa) -> Result<Secret, Fault> {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(code) = given {
            self.note_used(mfa, &code);
            return Ok(code);
        }
        let Some(command) = &mfa.command else {
            return Err(Fault::Source(SourceFault::MfaDue { profile: profile.to_string() }));
        };
        let mut waited = Duration::ZERO;
        loop {
            let code = self.ask(profile, command).await?;
            if self.note_used(mfa, &code) {
                return Ok(code);
            }
            if waited >= NEXT_CODE {
                let what = format!("the mfa_command of {profile} gave a code again that was used already");
                return Err(Fault::Source(SourceFault::Process(what)));
            }
            tokio::time::sleep(ASK_AGAIN).await;
            waited += ASK_AGAIN;
        }
    }

    /// Whether the code is a new one.
    fn note_used(&self, mfa: &Mfa, code: &Secret) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.insert(mfa.serial.clone(), code.clone()).as_ref() != Some(code)
    }

    async fn ask(&self, profile: &ProfileName, command: &[String]) -> Result<Secret, Fault> {
        let failed =
            |what: String| Fault::Source(SourceFault::Process(format!("the mfa_command of {profile}: {what}")));
        let child = Child { argv: command.to_vec(), environment: self.environment.variables(), limit: PATIENCE };
        let output = run(child).await.map_err(|error| failed(error.to_string()))?;
        if !output.is_success() {
            let said = output.first_complaint().unwrap_or_else(|| "it failed and said nothing".to_owned());
            return Err(failed(said));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        parse_code(&text).ok_or_else(|| failed("it printed something else than a code of six digits".to_owned()))
    }
}

/// A code as STS takes it: six digits (STS API reference, AssumeRole, TokenCode), with white space around at most.
pub fn parse_code(text: &str) -> Option<Secret> {
    let code = text.trim();
    (code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())).then(|| Secret::new(code))
}
