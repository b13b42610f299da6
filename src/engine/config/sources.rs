//! Which source signs for an entry: exactly one kind, its own before that of the defaults. Never resolves one.

use crate::engine::config::diagnostic::{Diagnostic, quoted};
use crate::engine::config::fields::Text;
use crate::engine::config::model::{CredentialSource, Source};
use crate::engine::config::places::Place;
use crate::engine::config::raw::Written;
use crate::engine::config::values::Section;
use std::ops::Range;

/// The profile that signs when nothing else is said, as with every AWS tool.
pub(super) const FALLBACK: &str = "default";

/// What was chosen for an entry.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) kind: Kind,
    /// Where to point: the key of the entry itself, else the entry.
    pub(super) span: Range<usize>,
}

/// The kinds of sources.
#[derive(Debug)]
pub(super) enum Kind {
    /// A profile, on the list or not.
    Profile(String),
    /// A file with a token.
    WebIdentity(String),
    /// `None` where the value is a mistake already told.
    Provider(Option<CredentialSource>),
}

impl Choice {
    /// The source, once it is known whether a profile of that name is on the list.
    pub(super) fn source(&self, listed: Option<&Section<'_>>) -> Option<Source> {
        Some(match (&self.kind, listed) {
            (Kind::Profile(_), Some(parent)) => Source::Listed(parent.profile.clone()?),
            (Kind::Profile(name), None) => Source::Profile(name.clone()),
            (Kind::WebIdentity(path), _) => Source::WebIdentity(path.clone()),
            (Kind::Provider(provider), _) => Source::Provider((*provider)?),
        })
    }

    /// The profile that it names.
    pub(super) fn profile(&self) -> Option<&str> {
        match &self.kind {
            Kind::Profile(name) => Some(name),
            Kind::WebIdentity(_) | Kind::Provider(_) => None,
        }
    }
}

/// Complains when a section names more than one kind of source.
pub(super) fn check_single(written: &Written, findings: &mut Vec<Diagnostic>) {
    let mut kinds = kinds(written);
    kinds.sort_by_key(|(_, text)| text.span().start);
    let [(first, _), others @ ..] = kinds.as_slice() else { return };
    for (key, text) in others {
        findings.push(
            Diagnostic::mistake(text.span(), format!("`{key}` beside `{first}`: there can be only one source"))
                .with_hint("keep one of source_profile, credential_source and web_identity_token_file"),
        );
    }
}

fn kinds(written: &Written) -> Vec<(&'static str, &Text)> {
    let kinds = [
        ("source_profile", &written.source_profile),
        ("credential_source", &written.credential_source),
        ("web_identity_token_file", &written.web_identity_token_file),
    ];
    kinds.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?))).collect()
}

/// The entry's own source, else that of the defaults, else the profile "default".
pub(super) fn choose(section: &Section<'_>, defaults: &Section<'_>) -> Choice {
    if let Some((kind, text)) = kind_of(section) {
        return Choice { kind, span: text.span() };
    }
    let kind = kind_of(defaults).map_or_else(|| Kind::Profile(FALLBACK.to_owned()), |(kind, _)| kind);
    Choice { kind, span: section.written.anchor() }
}

fn kind_of<'a>(section: &'a Section<'_>) -> Option<(Kind, &'a Text)> {
    let (key, text) = *kinds(section.written).first()?;
    let kind = match key {
        "source_profile" => Kind::Profile(text.get_ref().clone()),
        "credential_source" => Kind::Provider(section.credential_source),
        _ => Kind::WebIdentity(text.get_ref().clone()),
    };
    Some((kind, text))
}

/// Checks that the operation of an entry can be signed by its source. `parent` is the entry of the list that the source
/// is.
pub(super) fn check_fit(
    section: &Section<'_>,
    choice: &Choice,
    parent: Option<&Section<'_>>,
    findings: &mut Vec<Diagnostic>,
) {
    let written = section.written;
    let mut mistake = |message: String, hint: &str| {
        findings.push(Diagnostic::mistake(choice.span.clone(), message).with_hint(hint));
    };
    if let (Some(name), Some(own)) = (choice.profile(), &written.profile)
        && name == own.get_ref()
    {
        let hint = if written.source_profile.is_some() {
            "evertoken writes the session into this profile; keep the keys that sign in another one and name that"
        } else {
            "it has no source_profile of its own; name another profile that has the keys"
        };
        mistake(format!("profile {} would be its own source", quoted(name)), hint);
        return;
    }
    if written.place == Place::MfaSession {
        let temporary = match &choice.kind {
            Kind::Profile(name) if parent.is_some() => {
                Some(format!("{} of this list is a temporary session", quoted(name)))
            }
            Kind::Provider(Some(provider)) if *provider != CredentialSource::Environment => {
                Some(format!("{} gives temporary sessions", provider.as_str()))
            }
            Kind::WebIdentity(_) => Some("a web identity gives temporary sessions".to_owned()),
            Kind::Profile(_) | Kind::Provider(_) => None,
        };
        if let Some(temporary) = temporary {
            let hint = "GetSessionToken takes long-term keys only: name the profile that has them as source_profile";
            mistake(format!("{temporary} and cannot be the source of an MFA session"), hint);
        }
    } else if !written.has("role_arn") && matches!(choice.kind, Kind::WebIdentity(_)) {
        mistake(
            format!("a web identity token gives nothing without a role{}", written.owner()),
            "add role_arn, or name a source_profile instead",
        );
    }
}
