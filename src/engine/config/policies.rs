//! Session policies: inline and by ARN. Never judges what a policy allows.

use crate::engine::config::diagnostic::{Diagnostic, quoted};
use crate::engine::config::fields::{Text, Texts};
use crate::engine::config::limits::{POLICY, POLICY_ARN, POLICY_ARNS, POLICY_TEXT};

/// Checks an inline policy.
pub(super) fn check_inline(policy: &Text, findings: &mut Vec<Diagnostic>) {
    let text = policy.get_ref().as_str();
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) if value.is_object() => {}
        Ok(_) => findings.push(
            Diagnostic::mistake(policy.span(), "`policy` is JSON, but no object")
                .with_hint(r#"write policy = '{"Version": "2012-10-17", "Statement": […]}'"#),
        ),
        Err(error) => findings.push(
            Diagnostic::mistake(policy.span(), "`policy` is not JSON").with_hint(format!("{error} of the policy")),
        ),
    }
    if let Some(fault) = POLICY.fault(text) {
        findings.push(Diagnostic::mistake(policy.span(), format!("`policy` {}", fault.what)).with_hint(fault.hint));
    }
}

/// Checks the ARNs of managed policies.
pub(super) fn check_arns(arns: &Texts, findings: &mut Vec<Diagnostic>) {
    if arns.get_ref().len() > POLICY_ARNS {
        let message = format!("{} policy ARNs are more than STS takes", arns.get_ref().len());
        findings.push(Diagnostic::mistake(arns.span(), message).with_hint(format!("use at most {POLICY_ARNS}")));
    }
    for arn in arns.get_ref() {
        let text = arn.get_ref().as_str();
        if !text.starts_with("arn:") || !text.contains(":policy/") {
            findings.push(
                Diagnostic::mistake(arn.span(), format!("{} is not the ARN of a managed policy", quoted(text)))
                    .with_hint("write it like \"arn:aws:iam::aws:policy/ReadOnlyAccess\""),
            );
        } else if let Some(fault) = POLICY_ARN.fault(text) {
            let message = format!("the policy ARN {}", fault.what);
            findings.push(Diagnostic::mistake(arn.span(), message).with_hint(fault.hint));
        }
    }
}

/// Checks the length of all of it together.
pub(super) fn check_length(policy: Option<&Text>, arns: Option<&Texts>, findings: &mut Vec<Diagnostic>) {
    let inline = policy.map_or(0, |policy| policy.get_ref().chars().count());
    let by_arn = arns.map_or(0, |arns| arns.get_ref().iter().map(|arn| arn.get_ref().chars().count()).sum());
    let span = policy.map(serde_spanned::Spanned::span).or_else(|| arns.map(serde_spanned::Spanned::span));
    if let Some(span) = span.filter(|_| inline + by_arn > POLICY_TEXT) {
        findings.push(
            Diagnostic::warning(span, format!("the policies have {} characters together", inline + by_arn))
                .with_hint(format!("STS refuses more than {POLICY_TEXT}; leave out blanks, or use policy_arns")),
        );
    }
}
