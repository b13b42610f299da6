//! The values of one section, each checked by itself and parsed into what it means. Never compares two of them.

use crate::engine::config::diagnostic::{Diagnostic, Severity, listed, quoted};
use crate::engine::config::durations;
use crate::engine::config::endpoints::{BadUrl, Url};
use crate::engine::config::fields::Text;
use crate::engine::config::hooks;
use crate::engine::config::limits::{EXTERNAL_ID, MFA_SESSION_DURATION, ROLE_DURATION, SOURCE_IDENTITY, TextLimit};
use crate::engine::config::mfa;
use crate::engine::config::model::{CredentialSource, StoreKind};
use crate::engine::config::paths;
use crate::engine::config::places::Place;
use crate::engine::config::policies;
use crate::engine::config::raw::Written;
use crate::engine::config::regions;
use crate::engine::config::spelling::nearest;
use crate::engine::config::tags;
use crate::engine::names::{BadProfileName, BadRoleArn, ProfileName, RoleArn, SessionNameTemplate};
use std::time::Duration;

/// One section, with the values that are more than text.
pub(super) struct Section<'a> {
    pub(super) written: &'a Written,
    pub(super) profile: Option<ProfileName>,
    pub(super) role_arn: Option<RoleArn>,
    pub(super) duration: Option<Duration>,
    pub(super) min_ttl: Option<Duration>,
    pub(super) session_name: Option<SessionNameTemplate>,
    pub(super) credential_source: Option<CredentialSource>,
    pub(super) store: Option<StoreKind>,
}

impl<'a> Section<'a> {
    /// Checks every value that stands in `written`.
    pub(super) fn check(written: &'a Written, any_region: AnyRegion, findings: &mut Vec<Diagnostic>) -> Self {
        let mut checks = Checks { written, findings };
        checks.texts(any_region);
        Self {
            written,
            profile: checks.profile(),
            role_arn: checks.role_arn(),
            duration: checks.duration(),
            min_ttl: checks.min_ttl(),
            session_name: checks.session_name(),
            credential_source: checks.credential_source(),
            store: checks.store(),
        }
    }
}

/// Whether a region may have any form: with an endpoint of its own, a look-alike of STS names its regions as it likes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AnyRegion {
    Yes,
    No,
}

struct Checks<'a, 'f> {
    written: &'a Written,
    findings: &'f mut Vec<Diagnostic>,
}

impl Checks<'_, '_> {
    fn mistake(&mut self, at: &Text, message: impl Into<String>, hint: impl Into<String>) {
        self.findings.push(Diagnostic::mistake(at.span(), message).with_hint(hint));
    }

    fn warning(&mut self, at: &Text, message: impl Into<String>, hint: impl Into<String>) {
        self.findings.push(Diagnostic::warning(at.span(), message).with_hint(hint));
    }

    /// Those that stay what they are.
    fn texts(&mut self, any_region: AnyRegion) {
        let written = self.written;
        if let Some(source) = &written.source_profile
            && source.get_ref().trim().is_empty()
        {
            self.mistake(source, "`source_profile` is empty", "name a profile, or take it out for \"default\"");
        }
        for (key, region) in [("region", &written.region), ("sts_region", &written.sts_region)] {
            if let Some(region) = region {
                self.region(key, region, any_region);
            }
        }
        if let Some(endpoint) = &written.sts_endpoint {
            self.endpoint(endpoint);
        }
        self.limited("external_id", written.external_id.as_ref(), &EXTERNAL_ID);
        self.limited("source_identity", written.source_identity.as_ref(), &SOURCE_IDENTITY);
        if let Some(path) = &written.web_identity_token_file {
            paths::check("web_identity_token_file", path, Severity::Warning, self.findings);
        }
        if let Some(policy) = &written.policy {
            policies::check_inline(policy, self.findings);
        }
        if let Some(arns) = &written.policy_arns {
            policies::check_arns(arns, self.findings);
        }
        if let Some(pairs) = &written.tags {
            tags::check(pairs, self.findings);
        }
        if let Some(keys) = &written.transitive_tags {
            tags::check_transitive(keys, self.findings);
        }
        if let Some(serial) = &written.mfa_serial {
            mfa::check_serial(serial, self.findings);
        }
        if let Some(command) = &written.mfa_command {
            hooks::check_argv("mfa_command", command, self.findings);
        }
    }

    fn limited(&mut self, key: &str, text: Option<&Text>, limit: &TextLimit) {
        if let Some(text) = text
            && let Some(fault) = limit.fault(text.get_ref())
        {
            self.mistake(text, format!("`{key}` {}", fault.what), fault.hint);
        }
    }

    fn profile(&mut self) -> Option<ProfileName> {
        let written = self.written.profile.as_ref()?;
        match ProfileName::parse(written.get_ref()) {
            Ok(name) => Some(name),
            Err(error) => {
                let hint = match (&error, written.get_ref().strip_prefix("profile ")) {
                    (_, Some(name)) => format!("write the name alone: profile = {}", quoted(name.trim())),
                    (BadProfileName::Reserved(_), _) => "choose another name".to_owned(),
                    (BadProfileName::Empty | BadProfileName::Character(_), _) => {
                        "use letters, digits and _ . / % @ : + -".to_owned()
                    }
                };
                self.mistake(written, error.to_string(), hint);
                None
            }
        }
    }

    fn role_arn(&mut self) -> Option<RoleArn> {
        let written = self.written.role_arn.as_ref()?;
        match RoleArn::parse(written.get_ref()) {
            Ok(arn) => Some(arn),
            Err(error) => {
                let hint = match (&error, session_of(written.get_ref())) {
                    (BadRoleArn::AssumedRole, Some(role)) => {
                        format!("write {}, with the path of the role if it has one", quoted(&role))
                    }
                    _ => "write it like \"arn:aws:iam::111122223333:role/Developer\"".to_owned(),
                };
                self.mistake(written, format!("`role_arn`: {error}"), hint);
                None
            }
        }
    }

    fn duration(&mut self) -> Option<Duration> {
        let written = self.written.duration.as_ref()?;
        let duration = self.parse_duration("duration", written)?;
        let (allowed, hint) = match self.written.place {
            Place::MfaSession => (MFA_SESSION_DURATION, "use 15m to 36h; sessions of the root user last 1h at most"),
            _ => (ROLE_DURATION, "use 15m to 12h, and no more than the role's own maximum"),
        };
        if allowed.contains(&duration) {
            return Some(duration);
        }
        let way = if duration > *allowed.end() { "longer" } else { "shorter" };
        let session = format!("a session of {}{}", durations::show(duration), self.written.owner());
        self.mistake(written, format!("{session} is {way} than AWS allows"), hint);
        None
    }

    fn min_ttl(&mut self) -> Option<Duration> {
        let written = self.written.min_ttl.as_ref()?;
        let min_ttl = self.parse_duration("min_ttl", written)?;
        if min_ttl.is_zero() {
            self.mistake(
                written,
                "`min_ttl` is zero, so credentials could be read that end at once",
                "write min_ttl = \"30m\", for instance, or take it out for half of the life of the session",
            );
            return None;
        }
        Some(min_ttl)
    }

    fn parse_duration(&mut self, key: &str, written: &Text) -> Option<Duration> {
        match durations::parse(written.get_ref()) {
            Ok(duration) => Some(duration),
            Err(error) => {
                let message = format!("`{key}`: {} is no duration", quoted(written.get_ref()));
                self.mistake(written, message, error.to_string());
                None
            }
        }
    }

    fn session_name(&mut self) -> Option<SessionNameTemplate> {
        let written = self.written.session_name.as_ref()?;
        let template = match SessionNameTemplate::parse(written.get_ref()) {
            Ok(template) => template,
            Err(error) => {
                self.mistake(written, error.to_string(), "use {user}, {host} and {profile}");
                return None;
            }
        };
        let mut literal = written.get_ref().clone();
        for placeholder in ["{user}", "{host}", "{profile}"] {
            literal = literal.replace(placeholder, "");
        }
        if let Some(odd) = literal.chars().find(|c| !c.is_ascii_alphanumeric() && !"_+=,.@-".contains(*c)) {
            self.warning(
                written,
                format!("STS does not take {odd:?} in a session name; it becomes \"-\""),
                "use letters, digits and _ + = , . @ -",
            );
        } else if literal.len() > SessionNameTemplate::MAX_LENGTH {
            let message = format!("this session name is cut to {} characters", SessionNameTemplate::MAX_LENGTH);
            self.warning(written, message, "choose a shorter one");
        }
        Some(template)
    }

    fn credential_source(&mut self) -> Option<CredentialSource> {
        const ALL: [CredentialSource; 3] =
            [CredentialSource::Environment, CredentialSource::Ec2InstanceMetadata, CredentialSource::EcsContainer];
        self.one_of("credential_source", self.written.credential_source.as_ref(), &ALL, CredentialSource::as_str)
    }

    fn store(&mut self) -> Option<StoreKind> {
        let all = [StoreKind::Shared, StoreKind::Private];
        self.one_of("store", self.written.store.as_ref(), &all, StoreKind::as_str)
    }

    fn one_of<T: Copy>(
        &mut self,
        key: &str,
        written: Option<&Text>,
        all: &[T],
        name: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let written = written?;
        let found = all.iter().copied().find(|value| name(*value) == written.get_ref());
        if found.is_none() {
            let names: Vec<&str> = all.iter().map(|value| name(*value)).collect();
            let hint = match nearest(written.get_ref(), names.iter().copied()) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => format!("use {}", listed(&names.iter().map(|name| quoted(name)).collect::<Vec<_>>(), "or")),
            };
            self.mistake(written, format!("`{key}` cannot be {}", quoted(written.get_ref())), hint);
        }
        found
    }

    fn region(&mut self, key: &str, region: &Text, any_region: AnyRegion) {
        let text = region.get_ref().as_str();
        if regions::has_form(text) || (any_region == AnyRegion::Yes && regions::has_fit_characters(text)) {
            return;
        }
        let hint = match regions::correction(text) {
            Some(correction) => format!("did you mean \"{correction}\"?"),
            None => "a region looks like \"eu-west-1\"".to_owned(),
        };
        self.mistake(region, format!("`{key}`: {} is no region", quoted(text)), hint);
    }

    fn endpoint(&mut self, endpoint: &Text) {
        match Url::parse(endpoint.get_ref()) {
            Ok(url) if !url.https && !url.is_loopback() => self.mistake(
                endpoint,
                "`sts_endpoint` would send credentials unencrypted",
                "use https://, or http:// to 127.0.0.1 only",
            ),
            Ok(_) => {}
            Err(error) => {
                let hint = match error {
                    BadUrl::UserInfo => "no secret belongs here; take out everything up to the @",
                    _ => "write it like \"https://sts.eu-west-1.amazonaws.com\"",
                };
                self.mistake(endpoint, format!("`sts_endpoint`: the URL {error}"), hint);
            }
        }
    }
}

/// The role behind the ARN of a session: `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`.
fn session_of(arn: &str) -> Option<String> {
    let mut parts = arn.splitn(6, ':').skip(1);
    let (partition, account) = (parts.next()?, parts.nth(2)?);
    let name = parts.next()?.strip_prefix("assumed-role/")?.split('/').next()?;
    Some(format!("arn:{partition}:iam::{account}:role/{name}"))
}
