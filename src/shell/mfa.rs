//! MFA codes: from the command that the config names, or from the person at the keyboard. A code is never used twice.

use crate::engine::config::model::Mfa;
use crate::engine::failure::{Fault, SourceFault};
use crate::engine::names::ProfileName;
use crate::engine::secret::Secret;
use crate::shell::child::{Child, run, run_on_the_terminal};
use crate::shell::environment::expand;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A person may have to touch a key, or unlock a password manager.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// A code lives 30 s: a new one is asked for as often as that takes, with a pause between.
const ASKED: u32 = 12;
const PAUSE: Duration = Duration::from_secs(3);

/// Where codes come from.
pub struct Codes {
    home: Option<PathBuf>,
    environment: Vec<(OsString, OsString)>,
    /// Whether a person sits before the terminal that we were started on.
    attended: AtomicBool,
    /// The code that a person gave, by serial number.
    given: Mutex<BTreeMap<String, Secret>>,
    /// The last one of each device, by serial number.
    used: Mutex<BTreeMap<String, Secret>>,
    patience: Duration,
    pause: Duration,
}

impl Codes {
    /// `environment` is that of the commands, `home` what a leading `~/` of their program stands for.
    pub fn new(environment: Vec<(OsString, OsString)>, home: Option<PathBuf>) -> Self {
        Self {
            home,
            environment,
            attended: AtomicBool::new(false),
            given: Mutex::new(BTreeMap::new()),
            used: Mutex::new(BTreeMap::new()),
            patience: PATIENCE,
            pause: PAUSE,
        }
    }

    /// From now on a command may use the terminal: tell what to touch, ask for a passphrase.
    pub fn share_the_terminal(&self) {
        self.attended.store(true, Ordering::Relaxed);
    }

    /// A code that a person has typed, for the next request with the device of `serial`. `false`, and not taken, when
    /// that device's last request had the same one.
    pub fn give(&self, serial: &str, code: Secret) -> bool {
        if held(&self.used).get(serial) == Some(&code) {
            return false;
        }
        held(&self.given).insert(serial.to_owned(), code);
        true
    }

    /// A code for one request.
    ///
    /// # Errors
    /// [`SourceFault::MfaDue`] when only a person has one, [`SourceFault::Process`] when the command gives none.
    pub async fn code(&self, profile: &ProfileName, mfa: &Mfa) -> Result<Secret, Fault> {
        let given = held(&self.given).remove(&mfa.serial);
        if let Some(code) = given {
            self.note_used(mfa, &code);
            return Ok(code);
        }
        let Some(command) = &mfa.command else {
            return Err(Fault::Source(SourceFault::MfaDue { profile: profile.to_string() }));
        };
        for asked in 1..=ASKED {
            let code = self.ask(profile, command).await?;
            if self.note_used(mfa, &code) {
                return Ok(code);
            }
            if asked < ASKED {
                tokio::time::sleep(self.pause).await;
            }
        }
        let what = format!("the mfa_command of {profile} gave a code again that was used already");
        Err(Fault::Source(SourceFault::Process(what)))
    }

    /// Whether the code is a new one.
    fn note_used(&self, mfa: &Mfa, code: &Secret) -> bool {
        held(&self.used).insert(mfa.serial.clone(), code.clone()).as_ref() != Some(code)
    }

    async fn ask(&self, profile: &ProfileName, command: &[String]) -> Result<Secret, Fault> {
        let failed =
            |what: String| Fault::Source(SourceFault::Process(format!("the mfa_command of {profile}: {what}")));
        let mut argv = command.to_vec();
        if let Some(program) = argv.first_mut() {
            *program = expand(program, self.home.as_deref()).to_string_lossy().into_owned();
        }
        let child = Child { argv, environment: self.environment.clone(), limit: self.patience };
        let attended = self.attended.load(Ordering::Relaxed);
        let output = if attended { run_on_the_terminal(child).await } else { run(child).await };
        let output = output.map_err(|error| failed(error.to_string()))?;
        if !output.is_success() {
            let silent = if attended { "it failed" } else { "it failed and said nothing" };
            return Err(failed(output.first_complaint().unwrap_or_else(|| silent.to_owned())));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        parse_code(&text).ok_or_else(|| failed("it printed something else than a code of six digits".to_owned()))
    }
}

fn held(codes: &Mutex<BTreeMap<String, Secret>>) -> MutexGuard<'_, BTreeMap<String, Secret>> {
    codes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A code as STS takes it: six digits (STS API reference, AssumeRole, TokenCode), with white space around at most.
pub fn parse_code(text: &str) -> Option<Secret> {
    let code = text.trim();
    (code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())).then(|| Secret::new(code))
}

#[cfg(test)]
mod tests {
    use super::{Codes, parse_code};
    use crate::engine::config::model::Mfa;
    use crate::engine::failure::{Fault, SourceFault};
    use crate::engine::names::ProfileName;
    use crate::engine::secret::Secret;
    use crate::shell::clock;
    use rustix::fs::{Mode, OFlags, open};
    use rustix::io::read;
    use std::time::Duration;

    const SERIAL: &str = "arn:aws:iam::111122223333:mfa/me";

    fn codes() -> Codes {
        Codes::new(vec![("PATH".into(), "/usr/bin:/bin".into())], None)
    }

    fn device(script: Option<&str>) -> Mfa {
        let command = script.map(|script| ["/bin/sh", "-c", script].map(str::to_owned).to_vec());
        Mfa { serial: SERIAL.to_owned(), command, unattended: false }
    }

    async fn code(codes: &Codes, mfa: &Mfa) -> Result<String, String> {
        let profile = ProfileName::parse("base-mfa").expect("a name");
        match codes.code(&profile, mfa).await {
            Ok(code) => Ok(code.expose().to_owned()),
            Err(Fault::Source(SourceFault::Process(what))) => Err(what),
            Err(other) => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn a_code_is_six_digits() {
        let read = |text| parse_code(text).map(|code| code.expose().to_owned());
        for good in ["123456", " 123456\n", "123456\r\n"] {
            assert_eq!(read(good).as_deref(), Some("123456"), "{good:?}");
        }
        for bad in ["", "12345", "1234567", "12345a", "123 456", "１２３４５６", "123456\n654321"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[tokio::test]
    async fn a_given_code_is_used_once_and_for_its_own_device() {
        let codes = codes();
        let other = Mfa { serial: "GAHT12345678".to_owned(), ..device(None) };
        assert!(codes.give(SERIAL, Secret::new("123456")));
        assert!(code(&codes, &other).await.is_err_and(|why| why.contains("MfaDue")));
        assert_eq!(code(&codes, &device(None)).await.as_deref(), Ok("123456"));
        assert!(code(&codes, &device(None)).await.is_err_and(|why| why.contains("MfaDue")));
        assert!(!codes.give(SERIAL, Secret::new("123456")), "it was used");
        assert!(codes.give("GAHT12345678", Secret::new("123456")), "another device may show the same one");
        assert!(codes.give(SERIAL, Secret::new("654321")));
    }

    #[tokio::test]
    async fn a_command_is_believed_only_when_it_prints_a_code() {
        let codes = codes();
        assert_eq!(code(&codes, &device(Some("echo '  123456 '"))).await.as_deref(), Ok("123456"));
        let cases = [
            ("echo 12345", "the mfa_command of base-mfa: it printed something else than a code of six digits"),
            ("echo 123456; echo no key found >&2; exit 1", "the mfa_command of base-mfa: no key found"),
            ("exit 1", "the mfa_command of base-mfa: it failed and said nothing"),
        ];
        for (script, expected) in cases {
            assert_eq!(code(&codes, &device(Some(script))).await, Err(expected.to_owned()), "{script}");
        }
        let missing = Mfa { command: Some(vec!["/no/such/program".to_owned()]), ..device(None) };
        assert!(code(&codes, &missing).await.is_err_and(|why| why.contains("/no/such/program cannot be started")));
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_killed_with_its_children() {
        hang(|codes| codes).await;
    }

    #[tokio::test]
    async fn and_so_is_one_that_may_use_the_terminal() {
        let at_the_terminal = |codes: Codes| {
            codes.share_the_terminal();
            codes
        };
        hang(at_the_terminal).await;
    }

    async fn hang(seated: impl Fn(Codes) -> Codes) {
        let folder = tempfile::tempdir().expect("a folder");
        let fifo = folder.path().join("fifo");
        assert!(code(&codes(), &device(Some(&format!("mkfifo '{}'", fifo.display())))).await.is_err());
        let reader = open(&fifo, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).expect("the fifo");
        // The grandchild holds the fifo open for as long as it lives.
        let script = format!("(echo alive; sleep 300; sleep 300) >'{}' & wait", fifo.display());
        let mut heard = Vec::new();
        // On a machine that is busy with something else its time may be over before it has said a word.
        for (millis, told) in [(500, "0.5 s"), (5_000, "5 s"), (30_000, "30 s")] {
            let codes = seated(Codes { patience: Duration::from_millis(millis), ..codes() });
            let why = code(&codes, &device(Some(&script))).await.expect_err("no code");
            assert!(why.ends_with(&format!("gave no answer within {told} and was stopped")), "{why}");
            let started = clock::stopwatch();
            loop {
                let mut some = [0; 16];
                match read(&reader, &mut some) {
                    Ok(0) => break,
                    Ok(length) => heard.extend_from_slice(&some[..length]),
                    Err(_) => assert!(started.elapsed() < Duration::from_secs(60), "a grandchild is alive"),
                }
            }
            if !heard.is_empty() {
                break;
            }
        }
        assert_eq!(heard, b"alive\n");
    }

    #[tokio::test]
    async fn a_command_that_repeats_itself_is_asked_again_until_the_next_code() {
        let codes = Codes { pause: Duration::ZERO, ..codes() };
        let folder = tempfile::tempdir().expect("a folder");
        let script = format!(
            "echo x >>'{0}'; [ $(wc -l <'{0}') -lt 3 ] && echo 123456 || echo 654321",
            folder.path().join("n").display()
        );
        let mfa = device(Some(&script));
        assert_eq!(code(&codes, &mfa).await.as_deref(), Ok("123456"));
        assert_eq!(code(&codes, &mfa).await.as_deref(), Ok("654321"));
        let stuck = device(Some("echo 654321"));
        assert!(code(&codes, &stuck).await.is_err_and(|why| why.contains("gave a code again that was used already")));
    }
}
