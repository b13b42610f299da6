//! Paths as they are written in the config: what can be seen without looking at the disk. Never expands one.

use crate::engine::config::diagnostic::{Diagnostic, Severity, quoted};
use crate::engine::config::fields::Text;

/// Checks a path that the shell will open: absolute, or below `~/`. `relative` is what another one is: a mistake where every
/// evertoken process must mean the same file, in whichever folder it is started.
pub(super) fn check(key: &str, path: &Text, relative: Severity, findings: &mut Vec<Diagnostic>) {
    let text = path.get_ref().as_str();
    let hint = "write an absolute path, or one that begins with ~/";
    if text.trim().is_empty() {
        findings.push(Diagnostic::mistake(path.span(), format!("`{key}` is empty")).with_hint(hint));
    } else if text.contains('\0') {
        findings.push(Diagnostic::mistake(path.span(), format!("`{key}` has a zero byte in it")).with_hint(hint));
    } else if text.starts_with('$') || (text.starts_with('~') && !text.starts_with("~/")) {
        let message = format!("nothing is filled in for the beginning of {}", quoted(text));
        findings.push(Diagnostic::mistake(path.span(), message).with_hint(hint));
    } else if !text.starts_with('/') && !text.starts_with("~/") {
        let message = format!("{} depends on the folder that evertoken is started in", quoted(text));
        let finding = match relative {
            Severity::Mistake => Diagnostic::mistake(path.span(), message),
            Severity::Warning => Diagnostic::warning(path.span(), message),
        };
        findings.push(finding.with_hint(hint));
    }
}

/// Reads the mode that the credentials file may keep; 0600 unless said.
pub(super) fn file_mode(written: Option<&Text>, findings: &mut Vec<Diagnostic>) -> u32 {
    const OWNER_ONLY: u32 = 0o600;
    let Some(written) = written else { return OWNER_ONLY };
    let text = written.get_ref().as_str();
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let octal = (3..=4).contains(&digits.len()) && digits.bytes().all(|b| matches!(b, b'0'..=b'7'));
    let mode = u32::from_str_radix(digits, 8).ok().filter(|_| octal);
    let fault = match mode {
        None => Some("is no file mode"),
        Some(mode) if mode > 0o777 => Some("sets more than permissions"),
        Some(mode) if mode & 0o111 != 0 => Some("makes the credentials file executable"),
        Some(mode) if mode & 0o007 != 0 => Some("opens the credentials file to everybody"),
        Some(mode) if mode & 0o600 != 0o600 => Some("does not let the owner read and write"),
        Some(_) => None,
    };
    if let Some(fault) = fault {
        findings.push(
            Diagnostic::mistake(written.span(), format!("{} {fault}", quoted(text)))
                .with_hint("use \"0600\", or \"0640\" or \"0660\" when a group must read or write it too"),
        );
    }
    mode.unwrap_or(OWNER_ONLY)
}
