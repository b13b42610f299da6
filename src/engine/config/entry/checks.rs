//! What the keys of one entry and the defaults say together, and what of it cannot be. Never changes anything.

use crate::engine::config::diagnostic::{Diagnostic, quoted};
use crate::engine::config::durations;
use crate::engine::config::entry::{Ask, Maker};
use crate::engine::config::fields::Text;
use crate::engine::config::limits::CHAINED;
use crate::engine::config::places::Place;
use crate::engine::config::policies;
use crate::engine::config::regions;
use crate::engine::config::tags;
use serde_spanned::Spanned;
use std::ops::Range;
use std::time::Duration;

impl Maker<'_> {
    pub(super) fn check_presence(&self, findings: &mut Vec<Diagnostic>) {
        let written = self.own.written;
        if !written.has("profile") {
            let message = format!("this {} has no `profile`", written.place.name());
            let hint = "add profile = \"NAME\": the section to keep fresh";
            findings.push(Diagnostic::mistake(written.span.clone(), message).with_hint(hint));
        }
        let serial = written.has("mfa_serial") || self.defaults.written.mfa_serial.is_some();
        if written.place == Place::MfaSession && !serial {
            let message = format!("no `mfa_serial`{}", written.owner());
            let hint = "add mfa_serial = \"arn:aws:iam::111122223333:mfa/me\"; `aws iam list-mfa-devices` shows yours";
            findings.push(Diagnostic::mistake(written.anchor(), message).with_hint(hint));
        }
    }

    /// Keys that the entry says itself and that have no place in what is asked for it.
    pub(super) fn check_useless_keys(&self, ask: Ask, findings: &mut Vec<Diagnostic>) {
        let written = self.own.written;
        let spanned = |text: &Option<Text>| text.as_ref().map(Spanned::span);
        let keys = [
            ("external_id", spanned(&written.external_id)),
            ("source_identity", spanned(&written.source_identity)),
            ("tags", written.tags.as_ref().map(Spanned::span)),
            ("transitive_tags", written.transitive_tags.as_ref().map(Spanned::span)),
            ("mfa_serial", spanned(&written.mfa_serial)),
            ("mfa_command", written.mfa_command.as_ref().map(Spanned::span)),
            ("unattended", written.unattended.as_ref().map(Spanned::span)),
            ("duration", spanned(&written.duration)),
            ("session_name", spanned(&written.session_name)),
            ("policy", spanned(&written.policy)),
            ("policy_arns", written.policy_arns.as_ref().map(Spanned::span)),
        ];
        let (count, why, hint) = match ask {
            Ask::Role | Ask::SessionToken => return,
            Ask::WebIdentityRole => (
                7,
                "AssumeRoleWithWebIdentity does not take it",
                "take it out, or use a source_profile instead of the token file",
            ),
            Ask::Publish => (
                keys.len(),
                "there is no role to assume: this entry publishes its source as it is",
                "take it out, or add role_arn",
            ),
        };
        for (key, span) in keys.into_iter().take(count) {
            if let Some(span) = span {
                findings.push(Diagnostic::mistake(span, format!("`{key}` has no use here; {why}")).with_hint(hint));
            }
        }
    }

    pub(super) fn check_chained_duration(&self, ask: Ask, findings: &mut Vec<Diagnostic>) {
        let (duration, said) = self.duration(ask);
        let Some(parent) = self.parent.filter(|parent| parent.role_session) else { return };
        if ask == Ask::Role && duration > CHAINED {
            let owner = self.own.written.owner();
            let parent = quoted(parent.section.written.profile.as_ref().map_or("", |name| name.get_ref()));
            let message = format!(
                "a session of {}{owner} is too long: its source {parent} is a role, and role chaining allows 1h",
                durations::show(duration)
            );
            let span = said.map_or_else(|| self.choice.span.clone(), Spanned::span);
            findings
                .push(Diagnostic::mistake(span, message).with_hint("write duration = \"1h\" or less for this role"));
        }
    }

    pub(super) fn check_min_ttl(&self, ask: Ask, findings: &mut Vec<Diagnostic>) {
        // What is published has the life that its source gives it.
        if ask == Ask::Publish {
            return;
        }
        let Some(min_ttl) = self.own.min_ttl.or(self.defaults.min_ttl) else { return };
        let (duration, said) = self.duration(ask);
        let most = Duration::from_secs(duration.as_secs() * 9 / 10);
        // A duration out of bounds is told by itself, and hides what would fit.
        let bad_duration = self.own.written.duration.is_some() && self.own.duration.is_none();
        if min_ttl <= most || bad_duration {
            return;
        }
        let own = self.own.written.min_ttl.as_ref();
        let (span, owner) = match (own, said, &self.defaults.written.min_ttl) {
            (Some(own), _, _) => (own.span(), self.own.written.owner()),
            (None, Some(said), _) => (said.span(), self.own.written.owner()),
            // Nothing of it is the entry's own: told once, where the defaults say it.
            (None, None, Some(default)) => (default.span(), String::new()),
            (None, None, None) => return,
        };
        let message = format!(
            "a min_ttl of {}{owner} is more than 90 % of the duration of {}",
            durations::show(min_ttl),
            durations::show(duration)
        );
        let hint = format!("use {} or less, or a longer duration", durations::show(most));
        findings.push(Diagnostic::mistake(span, message).with_hint(hint));
    }

    pub(super) fn check_partition(&self, ask: Ask, findings: &mut Vec<Diagnostic>) {
        let (Ask::Role | Ask::WebIdentityRole, Some(arn)) = (ask, &self.own.role_arn) else { return };
        let Some(example) = regions::example(arn.partition()) else { return };
        if self.pick(|written| written.sts_endpoint.as_ref()).is_some() {
            return;
        }
        let region = self.pick(|written| written.region.as_ref()).map(|text| ("region", text));
        let called = self.pick(|written| written.sts_region.as_ref()).map(|text| ("sts_region", text)).or(region);
        let Some((key, called)) = called else {
            if arn.partition() != "aws" {
                let message = format!("no region for a role in the partition {}", arn.partition());
                findings.push(Diagnostic::warning(self.role_span(), message).with_hint(format!(
                    "add region = \"{example}\", or whichever you use: the partition has an STS of its own"
                )));
            }
            return;
        };
        let other = regions::partition(called.get_ref());
        if other != arn.partition() && regions::has_form(called.get_ref()) {
            let message = format!(
                "the role is in the partition {}, the region {} in {other}",
                arn.partition(),
                quoted(called.get_ref())
            );
            let own = [&self.own.written.region, &self.own.written.sts_region].into_iter().flatten();
            let own = own.into_iter().any(|text| text.span() == called.span());
            let span = if own { called.span() } else { self.role_span() };
            findings.push(
                Diagnostic::mistake(span, message)
                    .with_hint(format!("write {key} = \"{example}\", for instance, for this role")),
            );
        }
    }

    fn role_span(&self) -> Range<usize> {
        self.own.written.role_arn.as_ref().map_or_else(|| self.own.written.anchor(), Spanned::span)
    }

    pub(super) fn check_together(&self, ask: Ask, findings: &mut Vec<Diagnostic>) {
        if !matches!(ask, Ask::Role | Ask::WebIdentityRole) {
            return;
        }
        let (policy, arns) =
            (self.pick(|written| written.policy.as_ref()), self.pick(|written| written.policy_arns.as_ref()));
        policies::check_length(policy, arns, findings);
        if let (Ask::Role, Some(keys)) = (ask, self.pick(|written| written.transitive_tags.as_ref())) {
            tags::check_subset(keys, self.pick(|written| written.tags.as_ref()), findings);
        }
    }
}
