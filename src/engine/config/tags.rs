//! Session tags, the transitive ones among them. Never asks what the tags mean.

use crate::engine::config::diagnostic::{Diagnostic, quoted};
use crate::engine::config::fields::{Pairs, Texts};
use crate::engine::config::limits::{TAG_KEY, TAG_VALUE, TAGS};

/// Checks the tags of one section.
pub(super) fn check(tags: &Pairs, findings: &mut Vec<Diagnostic>) {
    if tags.get_ref().len() > TAGS {
        findings.push(
            Diagnostic::mistake(tags.span(), format!("{} tags are more than STS takes", tags.get_ref().len()))
                .with_hint(format!("use at most {TAGS}")),
        );
    }
    for (index, (key, value)) in tags.get_ref().iter().enumerate() {
        let name = quoted(key.get_ref());
        if let Some(fault) = TAG_KEY.fault(key.get_ref()) {
            findings.push(
                Diagnostic::mistake(key.span(), format!("the tag key {name} {}", fault.what)).with_hint(fault.hint),
            );
        }
        if let Some(fault) = TAG_VALUE.fault(value.get_ref()) {
            findings.push(
                Diagnostic::mistake(value.span(), format!("the value of the tag {name} {}", fault.what))
                    .with_hint(fault.hint),
            );
        }
        if key.get_ref().to_lowercase().starts_with("aws:") {
            findings.push(
                Diagnostic::mistake(key.span(), format!("the tag key {name} begins with \"aws:\""))
                    .with_hint("AWS keeps these names for itself; choose another"),
            );
        }
        // STS tells tag keys apart without regard to case (STS API reference, AssumeRole, Tags).
        let twin = tags.get_ref()[..index]
            .iter()
            .find(|(other, _)| other.get_ref().to_lowercase() == key.get_ref().to_lowercase());
        if let Some((twin, _)) = twin {
            findings.push(
                Diagnostic::mistake(key.span(), format!("STS takes {name} and {} for one tag", quoted(twin.get_ref())))
                    .with_hint("keep one of them"),
            );
        }
    }
}

/// Checks the keys of the transitive tags of one section.
pub(super) fn check_transitive(keys: &Texts, findings: &mut Vec<Diagnostic>) {
    for key in keys.get_ref() {
        if let Some(fault) = TAG_KEY.fault(key.get_ref()) {
            let message = format!("the tag key {} {}", quoted(key.get_ref()), fault.what);
            findings.push(Diagnostic::mistake(key.span(), message).with_hint(fault.hint));
        }
    }
    if keys.get_ref().len() > TAGS {
        let message = format!("{} transitive tags are more than STS takes", keys.get_ref().len());
        findings.push(Diagnostic::mistake(keys.span(), message).with_hint(format!("use at most {TAGS}")));
    }
}

/// Checks that transitive tags are tags.
pub(super) fn check_subset(keys: &Texts, tags: Option<&Pairs>, findings: &mut Vec<Diagnostic>) {
    let known = |key: &str| tags.is_some_and(|tags| tags.get_ref().iter().any(|(tag, _)| tag.get_ref() == key));
    for key in keys.get_ref().iter().filter(|key| !known(key.get_ref())) {
        findings.push(
            Diagnostic::warning(key.span(), format!("{} is no tag of this role", quoted(key.get_ref())))
                .with_hint("add it to `tags`, or take it out; tags that come from the source session stay transitive by themselves"),
        );
    }
}
