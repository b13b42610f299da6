//! One entry of the list: its own keys, the defaults behind them, and what they say together. Never looks at other
//! entries but the one it is chained to.

use crate::engine::config::diagnostic::Diagnostic;
use crate::engine::config::digest;
use crate::engine::config::fields::{Text, Texts};
use crate::engine::config::mfa::{self, MfaKeys};
use crate::engine::config::model::{Entry, Mfa, Operation, RoleRequest, StoreKind};
use crate::engine::config::places::Place;
use crate::engine::config::raw::Written;
use crate::engine::config::sources::{self, Choice, Kind};
use crate::engine::config::values::Section;
use crate::engine::names::SessionNameTemplate;
use crate::engine::session::SettingsDigest;
use std::time::Duration;

mod checks;

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

/// What is to be asked of STS, as far as the keys tell.
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
}

fn texts(list: Option<&Texts>) -> Vec<String> {
    list.into_iter().flat_map(|list| list.get_ref()).map(|text| text.get_ref().clone()).collect()
}
