//! One entry of the list: its own keys, the defaults behind them, and what they say together. Never looks at other
//! entries but the one it is chained to.

use crate::engine::config::diagnostic::{Diagnostic, quoted};
use crate::engine::config::digest;
use crate::engine::config::durations;
use crate::engine::config::fields::Text;
use crate::engine::config::limits::CHAINED;
use crate::engine::config::mfa::{self, MfaKeys};
use crate::engine::config::model::{Entry, Mfa, Operation, RoleRequest, StoreKind};
use crate::engine::config::places::Place;
use crate::engine::config::policies;
use crate::engine::config::raw::Written;
use crate::engine::config::regions;
use crate::engine::config::sources::{self, Choice, Kind};
use crate::engine::config::tags;
use crate::engine::config::values::Section;
use crate::engine::names::SessionNameTemplate;
use crate::engine::session::SettingsDigest;
use std::time::Duration;

const ROLE_DURATION: Duration = Duration::from_secs(3600);
const MFA_SESSION_DURATION: Duration = Duration::from_secs(12 * 3600);

/// The entry of the list that an entry is chained to.
#[derive(Clone, Copy)]
pub(super) struct Parent<'a> {
    pub(super) section: &'a Section<'a>,
    /// `None` when it has mistakes of its own.
    pub(super) entry: Option<&'a Entry>,
    /// Whether its keys are the session of a role, so that a role on top of it is role chaining.
    pub(super) role_session: bool,
}

/// What is needed to make an entry of a section.
pub(super) struct Maker<'a> {
    pub(super) own: &'a Section<'a>,
    pub(super) defaults: &'a Section<'a>,
    pub(super) choice: &'a Choice,
    pub(super) parent: Option<Parent<'a>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    Role,
    WebIdentityRole,
    SessionToken,
    Publish,
}

impl Maker<'_> {
    /// The entry, or `None` when a mistake, told now or before, leaves it without something it must have.
    pub(super) fn make(&self, findings: &mut Vec<Diagnostic>) -> Option<Entry> {
        let ask = self.ask();
        self.check_presence(findings);
        sources::check_fit(self.own, self.choice, self.parent.map(|parent| parent.section), findings);
        self.check_useless_keys(ask, findings);
        self.check_chained_duration(ask, findings);
        self.check_min_ttl(ask, findings);
        self.check_partition(ask, findings);
        self.check_together(ask, findings);
        let mfa = self.mfa(ask, findings);

        let written = self.own.written;
        let region = self.text(|written| written.region.as_ref());
        let mut entry = Entry {
            profile: self.own.profile.clone()?,
            operation: self.operation(ask)?,
            source: self.choice.source(self.parent.map(|parent| parent.section))?,
            duration: self.duration(ask).0,
            min_ttl: self.own.min_ttl.or(self.defaults.min_ttl),
            sts_region: self.text(|written| written.sts_region.as_ref()).or_else(|| region.clone()),
            region,
            sts_endpoint: self.text(|written| written.sts_endpoint.as_ref()),
            store: match ask {
                Ask::SessionToken => self.own.store.unwrap_or(StoreKind::Private),
                _ => self.own.store.or(self.defaults.store).unwrap_or(StoreKind::Shared),
            },
            adopt: written.adopt.as_ref().or(self.defaults.written.adopt.as_ref()).is_some_and(|flag| *flag.get_ref()),
            mfa,
            digest: SettingsDigest::parse("0")?,
        };
        let parent = self.parent.and_then(|parent| parent.entry);
        entry.digest = digest::of(&entry, parent.map(|parent| &parent.digest))?;
        Some(entry)
    }

    fn ask(&self) -> Ask {
        match (self.own.written.place, &self.choice.kind) {
            (Place::MfaSession, _) => Ask::SessionToken,
            (_, Kind::WebIdentity(_)) if self.own.written.has("role_arn") => Ask::WebIdentityRole,
            _ if self.own.written.has("role_arn") => Ask::Role,
            _ => Ask::Publish,
        }
    }

    fn pick<T>(&self, key: impl Fn(&Written) -> Option<&T>) -> Option<&T> {
        key(self.own.written).or_else(|| key(self.defaults.written))
    }

    fn text(&self, key: impl Fn(&Written) -> Option<&Text>) -> Option<String> {
        self.pick(key).map(|text| text.get_ref().clone())
    }

    fn operation(&self, ask: Ask) -> Option<Operation> {
        match ask {
            Ask::SessionToken => return Some(Operation::GetSessionToken),
            Ask::Publish => return Some(Operation::Publish),
            Ask::Role | Ask::WebIdentityRole => {}
        }
        let session_name = self.own.session_name.as_ref().or(self.defaults.session_name.as_ref()).cloned();
        let mut request = RoleRequest {
            role_arn: self.own.role_arn.clone()?,
            session_name: session_name.or_else(|| SessionNameTemplate::parse(SessionNameTemplate::DEFAULT).ok())?,
            external_id: None,
            policy: self.text(|written| written.policy.as_ref()),
            policy_arns: texts(self.pick(|written| written.policy_arns.as_ref())),
            tags: Default::default(),
            transitive_tags: Vec::new(),
            source_identity: None,
        };
        // AssumeRoleWithWebIdentity has no parameters for these; the defaults are for the other roles then.
        if ask == Ask::Role {
            request.external_id = self.text(|written| written.external_id.as_ref());
            request.source_identity = self.text(|written| written.source_identity.as_ref());
            request.transitive_tags = texts(self.pick(|written| written.transitive_tags.as_ref()));
            let pairs = self.pick(|written| written.tags.as_ref());
            let pairs = pairs.into_iter().flat_map(|pairs| pairs.get_ref());
            request.tags = pairs.map(|(key, value)| (key.get_ref().clone(), value.get_ref().clone())).collect();
        }
        Some(Operation::AssumeRole(Box::new(request)))
    }

    /// The duration, and where it is said.
    fn duration(&self, ask: Ask) -> (Duration, Option<&Text>) {
        let own = self.own.duration.map(|duration| (duration, self.own.written.duration.as_ref()));
        match ask {
            Ask::SessionToken => own.unwrap_or((MFA_SESSION_DURATION, None)),
            _ => {
                own.or_else(|| self.defaults.duration.map(|duration| (duration, None))).unwrap_or((ROLE_DURATION, None))
            }
        }
    }

    fn mfa(&self, ask: Ask, findings: &mut Vec<Diagnostic>) -> Option<Mfa> {
        fn keys(written: &Written) -> MfaKeys<'_> {
            MfaKeys {
                serial: written.mfa_serial.as_ref(),
                command: written.mfa_command.as_ref(),
                unattended: written.unattended.as_ref(),
            }
        }
        if matches!(ask, Ask::WebIdentityRole | Ask::Publish) {
            return None;
        }
        let own = keys(self.own.written);
        let mut defaults = keys(self.defaults.written);
        // The device belongs to the user behind the long-term keys; a session of this list has passed it already.
        if ask == Ask::Role && self.parent.is_some() {
            defaults.serial = None;
            if let (Some(serial), Some(Parent { role_session: true, .. })) = (own.serial, self.parent) {
                findings.push(
                    Diagnostic::warning(serial.span(), "the session of a role has no MFA device of its own")
                        .with_hint("put mfa_serial where the chain begins, best in an [[mfa_session]]"),
                );
            }
        }
        mfa::merge(own, defaults, findings)
    }

    fn check_presence(&self, findings: &mut Vec<Diagnostic>) {
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
    fn check_useless_keys(&self, ask: Ask, findings: &mut Vec<Diagnostic>) {
        let written = self.own.written;
        let spanned = |text: &Option<Text>| text.as_ref().map(serde_spanned::Spanned::span);
        let keys = [
            ("external_id", spanned(&written.external_id)),
            ("source_identity", spanned(&written.source_identity)),
            ("tags", written.tags.as_ref().map(serde_spanned::Spanned::span)),
            ("transitive_tags", written.transitive_tags.as_ref().map(serde_spanned::Spanned::span)),
            ("mfa_serial", spanned(&written.mfa_serial)),
            ("mfa_command", written.mfa_command.as_ref().map(serde_spanned::Spanned::span)),
            ("unattended", written.unattended.as_ref().map(serde_spanned::Spanned::span)),
            ("duration", spanned(&written.duration)),
            ("session_name", spanned(&written.session_name)),
            ("policy", spanned(&written.policy)),
            ("policy_arns", written.policy_arns.as_ref().map(serde_spanned::Spanned::span)),
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

    fn check_chained_duration(&self, ask: Ask, findings: &mut Vec<Diagnostic>) {
        let (duration, said) = self.duration(ask);
        let Some(parent) = self.parent.filter(|parent| parent.role_session) else { return };
        if ask == Ask::Role && duration > CHAINED {
            let owner = self.own.written.owner();
            let parent = quoted(parent.section.written.profile.as_ref().map_or("", |name| name.get_ref()));
            let message = format!(
                "a session of {}{owner} is too long: its source {parent} is a role, and role chaining allows 1h",
                durations::show(duration)
            );
            let span = said.map_or_else(|| self.choice.span.clone(), serde_spanned::Spanned::span);
            findings
                .push(Diagnostic::mistake(span, message).with_hint("write duration = \"1h\" or less for this role"));
        }
    }

    fn check_min_ttl(&self, ask: Ask, findings: &mut Vec<Diagnostic>) {
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

    fn check_partition(&self, ask: Ask, findings: &mut Vec<Diagnostic>) {
        let (Ask::Role | Ask::WebIdentityRole, Some(arn)) = (ask, &self.own.role_arn) else { return };
        let Some(example) = regions::example(arn.partition()) else { return };
        if self.pick(|written| written.sts_endpoint.as_ref()).is_some() {
            return;
        }
        let region = self.pick(|written| written.region.as_ref()).map(|text| ("region", text));
        let called = self.pick(|written| written.sts_region.as_ref()).map(|text| ("sts_region", text)).or(region);
        let Some((key, called)) = called else {
            if arn.partition() != "aws" {
                let message = format!("no region is said for a role of the partition {}", arn.partition());
                findings.push(Diagnostic::warning(self.role_span(), message).with_hint(format!(
                    "add region = \"{example}\", or whichever you use: the partition has an STS of its own"
                )));
            }
            return;
        };
        let other = regions::partition(called.get_ref());
        if other != arn.partition() && regions::has_form(called.get_ref()) {
            let message = format!(
                "the role is one of the partition {}, the region {} one of {other}",
                arn.partition(),
                quoted(called.get_ref())
            );
            let own = self.own.written.region.as_ref().or(self.own.written.sts_region.as_ref()).is_some();
            let span = if own { called.span() } else { self.role_span() };
            findings.push(
                Diagnostic::mistake(span, message)
                    .with_hint(format!("write {key} = \"{example}\", for instance, for this role")),
            );
        }
    }

    fn role_span(&self) -> std::ops::Range<usize> {
        self.own.written.role_arn.as_ref().map_or_else(|| self.own.written.anchor(), serde_spanned::Spanned::span)
    }

    fn check_together(&self, ask: Ask, findings: &mut Vec<Diagnostic>) {
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

fn texts(list: Option<&crate::engine::config::fields::Texts>) -> Vec<String> {
    list.into_iter().flat_map(|list| list.get_ref()).map(|text| text.get_ref().clone()).collect()
}
