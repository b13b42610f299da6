//! The whole config, put together and checked: every section by itself, then with the defaults and with each other.
//! Never stops at a mistake, and gives out a config only where nothing is missing.

use crate::engine::config::chains;
use crate::engine::config::diagnostic::{Diagnostic, Severity, quoted};
use crate::engine::config::endpoints::{BadUrl, Url};
use crate::engine::config::entry::{Maker, Parent};
use crate::engine::config::excerpt::LineNumbers;
use crate::engine::config::fields::Text;
use crate::engine::config::hooks;
use crate::engine::config::model::{Config, Entry, Network};
use crate::engine::config::paths;
use crate::engine::config::places::Place;
use crate::engine::config::raw::{Raw, Written};
use crate::engine::config::sources::{self, Choice};
use crate::engine::config::values::{AnyRegion, Section};
use std::collections::HashMap;
use std::sync::Arc;

/// Collects what is wrong and makes a [`Config`] of the rest, `None` when something of it is missing.
pub(super) fn validate(raw: &Raw, text: &str, findings: &mut Vec<Diagnostic>) -> Option<Config> {
    let file_mode = check_files(raw, findings);
    let network = check_network(raw, findings);
    let hooks = hooks::check(&raw.hooks, findings);
    let any_region = |section: &Written| {
        let endpoint = section.sts_endpoint.is_some() || raw.defaults.sts_endpoint.is_some();
        if endpoint { AnyRegion::Yes } else { AnyRegion::No }
    };
    let defaults = Section::check(&raw.defaults, any_region(&raw.defaults), findings);
    let sections: Vec<Section<'_>> =
        raw.entries.iter().map(|section| Section::check(section, any_region(section), findings)).collect();
    for section in raw.entries.iter().chain([&raw.defaults]) {
        sources::check_single(section, findings);
    }
    // Where the text is broken, what is missing may be what could not be read.
    if !raw.broken.is_empty() {
        return None;
    }
    let entries = check_entries(&sections, &defaults, text, findings);
    Some(Config {
        credentials_file: written(&raw.credentials_file),
        aws_config_file: written(&raw.aws_config_file),
        file_mode,
        entries: entries?,
        network,
        hooks,
    })
}

fn written(text: &Option<Text>) -> Option<String> {
    text.as_ref().map(|text| text.get_ref().clone())
}

fn check_files(raw: &Raw, findings: &mut Vec<Diagnostic>) -> u32 {
    for (key, path) in [("credentials_file", &raw.credentials_file), ("aws_config_file", &raw.aws_config_file)] {
        if let Some(path) = path {
            paths::check(key, path, Severity::Mistake, findings);
        }
    }
    if let (Some(credentials), Some(config)) = (&raw.credentials_file, &raw.aws_config_file)
        && credentials.get_ref() == config.get_ref()
    {
        findings.push(
            Diagnostic::mistake(config.span(), "`aws_config_file` is the same file as `credentials_file`")
                .with_hint("AWS tools keep them apart: ~/.aws/config and ~/.aws/credentials"),
        );
    }
    paths::file_mode(raw.file_mode.as_ref(), findings)
}

fn check_network(raw: &Raw, findings: &mut Vec<Diagnostic>) -> Network {
    if let Some(proxy) = &raw.proxy {
        let fault = match Url::parse(proxy.get_ref()) {
            Ok(url) => {
                (!matches!(url.path.as_str(), "" | "/")).then(|| "has a path, which a proxy does not".to_owned())
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(fault) = fault {
            let hint = if fault == BadUrl::UserInfo.to_string() {
                "no secret belongs here; take it out and set HTTPS_PROXY in the environment of the service"
            } else {
                "write it like \"http://proxy.corp:3128\""
            };
            findings.push(Diagnostic::mistake(proxy.span(), format!("`proxy`: the URL {fault}")).with_hint(hint));
        }
    }
    if let Some(path) = &raw.ca_bundle {
        paths::check("ca_bundle", path, Severity::Warning, findings);
    }
    Network { proxy: written(&raw.proxy), ca_bundle: written(&raw.ca_bundle) }
}

fn check_entries(
    sections: &[Section<'_>],
    defaults: &Section<'_>,
    text: &str,
    findings: &mut Vec<Diagnostic>,
) -> Option<Vec<Arc<Entry>>> {
    if sections.is_empty() {
        findings.push(
            Diagnostic::mistake(text.len()..text.len(), "the list has no role and no MFA session")
                .with_hint("add a [[role]] with profile and role_arn; `evertoken init` writes one from ~/.aws/config"),
        );
        return None;
    }
    let by_name = by_name(sections, text, findings);
    let choices: Vec<Choice> = sections.iter().map(|section| sources::choose(section, defaults)).collect();
    let parents: Vec<Option<usize>> =
        choices.iter().map(|choice| choice.profile().and_then(|name| by_name.get(name).copied())).collect();
    check_circles(sections, &choices, &parents, findings);

    let mut made: Vec<Option<Arc<Entry>>> = vec![None; sections.len()];
    let order = chains::order(&parents);
    for &index in &order {
        let parent = parents[index].filter(|&parent| parent != index).map(|parent| Parent {
            section: &sections[parent],
            entry: made[parent].as_deref(),
            role_session: is_role_session(parent, sections, &parents),
        });
        let maker = Maker { own: &sections[index], defaults, choice: &choices[index], parent };
        made[index] = maker.make(findings).map(Arc::new);
    }
    order.into_iter().map(|index| made[index].clone()).collect()
}

/// Entries by the name of their profile; a name that is taken is a mistake where it stands again.
fn by_name<'a>(sections: &[Section<'a>], text: &str, findings: &mut Vec<Diagnostic>) -> HashMap<&'a str, usize> {
    let mut by_name = HashMap::new();
    let mut lines = LineNumbers::of(text);
    for (index, section) in sections.iter().enumerate() {
        let Some(profile) = &section.written.profile else { continue };
        if let Some(&first) = by_name.get(profile.get_ref().as_str()) {
            let first: &Section<'_> = &sections[first];
            let line = lines.at(first.written.anchor().start);
            let message = format!("profile {} is on the list already, in line {line}", quoted(profile.get_ref()));
            findings.push(
                Diagnostic::mistake(profile.span(), message)
                    .with_hint("one section can hold one session: give this one another profile"),
            );
        } else {
            by_name.insert(profile.get_ref().as_str(), index);
        }
    }
    by_name
}

fn check_circles(
    sections: &[Section<'_>],
    choices: &[Choice],
    parents: &[Option<usize>],
    findings: &mut Vec<Diagnostic>,
) {
    for circle in chains::circles(parents) {
        let name = |index: usize| sections[index].written.profile.as_ref().map_or("", |name| name.get_ref());
        let first = circle.first().copied();
        let around: Vec<&str> = circle.iter().copied().chain(first).map(name).collect();
        let span = first.map_or(0..0, |index| choices[index].span.clone());
        findings.push(
            Diagnostic::mistake(span, format!("the sources go in a circle: {}", around.join(" → ")))
                .with_hint("one of them needs a source outside of this list, with keys of its own"),
        );
    }
}

/// Whether the keys of an entry are the session of a role, as far as this list tells.
fn is_role_session(start: usize, sections: &[Section<'_>], parents: &[Option<usize>]) -> bool {
    let mut at = Some(start);
    // As many steps as there are entries: a circle must not make this endless.
    for _ in sections {
        let Some(index) = at else { return false };
        let written = sections[index].written;
        if written.place == Place::MfaSession {
            return false;
        }
        if written.has("role_arn") {
            return true;
        }
        at = parents[index];
    }
    false
}
