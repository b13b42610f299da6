//! The second factor of an entry: which device, and who types the code. Never asks for one.

use crate::engine::config::diagnostic::{Diagnostic, quoted};
use crate::engine::config::fields::{Flag, Text, Texts};
use crate::engine::config::limits::MFA_SERIAL;
use crate::engine::config::model::Mfa;
use serde_spanned::Spanned;

/// Checks the serial of a device by itself.
pub(super) fn check_serial(serial: &Text, findings: &mut Vec<Diagnostic>) {
    let text = serial.get_ref().as_str();
    if text.contains(":u2f/") || text.contains(":fido/") {
        findings.push(
            Diagnostic::mistake(serial.span(), "a FIDO security key or passkey gives no codes that STS takes")
                .with_hint(
                    "register a virtual MFA device (TOTP) beside it and use that serial, arn:aws:iam::ACCOUNT:mfa/NAME",
                ),
        );
    } else if let Some(fault) = MFA_SERIAL.fault(text) {
        findings.push(Diagnostic::mistake(serial.span(), format!("`mfa_serial` {}", fault.what)).with_hint(fault.hint));
    } else if text.starts_with("arn:") && !text.contains(":mfa/") {
        findings.push(
            Diagnostic::mistake(serial.span(), format!("{} is not the ARN of an MFA device", quoted(text))).with_hint(
                "write it like \"arn:aws:iam::111122223333:mfa/me\"; `aws iam list-mfa-devices` shows yours",
            ),
        );
    }
}

/// What the entry itself says, or the defaults say for it.
#[derive(Clone, Copy)]
pub(super) struct MfaKeys<'a> {
    pub(super) serial: Option<&'a Text>,
    pub(super) command: Option<&'a Texts>,
    pub(super) unattended: Option<&'a Flag>,
}

/// Puts the keys of an entry together; complains about its own ones that hang in the air.
pub(super) fn merge(own: MfaKeys<'_>, defaults: MfaKeys<'_>, findings: &mut Vec<Diagnostic>) -> Option<Mfa> {
    let serial = own.serial.or(defaults.serial);
    let command = own.command.or(defaults.command);
    if serial.is_none()
        && let Some(command) = own.command
    {
        findings.push(
            Diagnostic::mistake(command.span(), "`mfa_command` has no use without an MFA device")
                .with_hint("add mfa_serial, or take this out"),
        );
    }
    if command.is_none()
        && let Some(flag) = own.unattended.filter(|flag| *flag.get_ref())
    {
        findings.push(
            Diagnostic::mistake(flag.span(), "`unattended` needs a command that prints the code")
                .with_hint("add mfa_command, or take this out and run `evertoken login` when a code is due"),
        );
    }
    let unattended = own.unattended.or(defaults.unattended).is_some_and(|flag| *flag.get_ref());
    Some(Mfa {
        serial: serial?.get_ref().clone(),
        command: command.map(|argv| argv.get_ref().iter().map(Spanned::get_ref).cloned().collect()),
        unattended: unattended && command.is_some(),
    })
}
