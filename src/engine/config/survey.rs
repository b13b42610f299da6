//! What only shows beside the AWS config: circles through it, profiles that it defines too, sources that it does not
//! have. Never reads that file: its content comes in as a value.

use crate::engine::aws_config::{AwsConfig, AwsFile};
use crate::engine::config::asking::unheard;
use crate::engine::config::aws_profile::{Chain, Kind, follow, has_sso, role_session_below};
use crate::engine::config::clashes::{Clash, clashes, header};
use crate::engine::config::diagnostic::{Diagnostic, Severity, put_in_order, quoted};
use crate::engine::config::durations;
use crate::engine::config::limits::CHAINED;
use crate::engine::config::model::{Config, Entry, Operation, Source, StoreKind};
use crate::engine::config::raw;
use crate::engine::config::spelling::nearest;
use crate::engine::invocation;
use crate::engine::names::ProfileName;
use crate::engine::obstacle::Obstacle;
use std::ops::Range;

/// Findings about `config`, whose text is `text`, beside the AWS config, in the order of their positions.
///
/// A mistake here is a circle, with which nothing can begin. Everything else leaves the other entries as they are, and
/// another edit of the AWS files may be about to mend it: a warning, also where its own entry will get no session.
pub fn survey(text: &str, config: &Config, aws: &AwsConfig) -> Vec<Diagnostic> {
    // The config has been parsed: whatever is odd about its text was told then.
    let raw = raw::read(text, &mut Vec::new());
    let mut findings = at_each_entry(&raw, config, aws, |look| {
        look.at_target();
        look.at_chain();
        look.at_source();
        look.at_duration();
    });
    for found in unheard(config, aws) {
        let named = |written: &&raw::Written| {
            let profile = written.profile.as_ref().map(|profile| profile.get_ref().as_str());
            profile == Some(found.profile.as_str()) || profile == Some(found.asked.as_str())
        };
        // What concerns nobody on the list has no place in this text.
        let Some(span) = raw.entries.iter().find(named).map(raw::Written::anchor) else { continue };
        findings.push(Diagnostic::warning(span, found.message).with_hint(found.mend));
    }
    put_in_order(&mut findings);
    findings
}

/// The circles alone.
pub fn circles(text: &str, config: &Config, aws: &AwsConfig) -> Vec<Diagnostic> {
    let raw = raw::read(text, &mut Vec::new());
    let mut findings = at_each_entry(&raw, config, aws, |look| look.at_chain());
    findings.retain(|finding| finding.severity == Severity::Mistake);
    put_in_order(&mut findings);
    findings
}

/// A section that evertoken will not write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftAlone {
    /// Whose it is.
    pub profile: ProfileName,
    /// The path of the file that it stands in.
    pub file: String,
    /// Why, and the way out.
    pub obstacle: Obstacle,
}

/// Warnings of such sections, at their profiles in the text of the config.
pub fn left_alone(text: &str, sections: &[LeftAlone]) -> Vec<Diagnostic> {
    let raw = raw::read(text, &mut Vec::new());
    let told = |LeftAlone { profile, file, obstacle }: &LeftAlone| {
        let named = |written: &&raw::Written| {
            written.profile.as_ref().is_some_and(|name| name.get_ref().as_str() == profile.as_str())
        };
        let span = raw.entries.iter().find(named).map_or(0..0, raw::Written::anchor);
        let place = match obstacle.line {
            Some(line) => format!("line {line} of {file}"),
            None => file.clone(),
        };
        let profile = quoted(profile.as_str());
        let message = format!("the section of {profile} will be left alone: {} ({place})", obstacle.cause);
        Diagnostic { hint: obstacle.way_out.clone(), ..Diagnostic::warning(span, message) }
    };
    sections.iter().map(told).collect()
}

fn at_each_entry(raw: &raw::Raw, config: &Config, aws: &AwsConfig, what: fn(&mut Look<'_>)) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for entry in &config.entries {
        let named = |profile: &serde_spanned::Spanned<String>| profile.get_ref() == entry.profile.as_str();
        let written = raw.entries.iter().find(|written| written.profile.as_ref().is_some_and(named));
        let anchor = written.map_or(0..0, raw::Written::anchor);
        let source = written.and_then(|written| written.source_profile.as_ref());
        let duration = written.and_then(|written| written.duration.as_ref());
        let source = source.map_or_else(|| anchor.clone(), serde_spanned::Spanned::span);
        let duration = duration.map_or_else(|| source.clone(), serde_spanned::Spanned::span);
        what(&mut Look { entry, config, aws, anchor, source, duration, findings: &mut findings });
    }
    findings
}

/// One entry beside the AWS config.
struct Look<'a> {
    entry: &'a Entry,
    config: &'a Config,
    aws: &'a AwsConfig,
    /// Of the profile's name.
    anchor: Range<usize>,
    /// Of the source's name, or of the profile's.
    source: Range<usize>,
    /// Of the duration, or of the source's name.
    duration: Range<usize>,
    findings: &'a mut Vec<Diagnostic>,
}

impl Look<'_> {
    fn warning(&mut self, span: &Range<usize>, message: String, hint: impl Into<String>) {
        self.findings.push(Diagnostic::warning(span.clone(), message).with_hint(hint));
    }

    fn mistake(&mut self, span: &Range<usize>, message: String, hint: impl Into<String>) {
        self.findings.push(Diagnostic::mistake(span.clone(), message).with_hint(hint));
    }

    /// The section that the session is to be written to, as it is now.
    fn at_target(&mut self) {
        let name = self.entry.profile.as_str();
        let Some(section) = self.aws.profiles.get(name) else { return };
        if self.entry.store == StoreKind::Private {
            return;
        }
        self.at_clashes(AwsFile::Config, "the AWS config", &format!("{} in ~/.aws/config", header(name)));
        // Elsewhere in that file it keeps evertoken from writing: told where the section is looked at.
        if section.contains_key("x_evertoken") {
            let place = format!("[{name}] in ~/.aws/credentials");
            self.at_clashes(AwsFile::Credentials, "the credentials file", &place);
        }
    }

    /// Lines of a file that send SDKs elsewhere.
    fn at_clashes(&mut self, file: AwsFile, shown: &str, place: &str) {
        let name = self.entry.profile.as_str();
        let anchor = self.anchor.clone();
        for Clash { keys, outcome } in clashes(self.aws, file, name) {
            let message = format!("{shown} has {keys} for {} too: {outcome}", quoted(name));
            let hint = format!("take {keys} out of {place}, or choose another profile here");
            self.warning(&anchor, message, hint);
        }
    }

    /// The chain of sources, through the list and the AWS config.
    fn at_chain(&mut self) {
        // A circle is told once, at its first entry; one that only leads there from outside is not told again.
        let source = self.source.clone();
        let chain = follow(self.entry.profile.as_str(), self.config, self.aws);
        match &chain {
            Chain::Circle(circle) => {
                let first = self.config.entries.iter().find(|entry| circle.contains(&entry.profile.as_str()));
                if first.is_none_or(|first| first.profile == self.entry.profile) {
                    let message = format!("the sources go in a circle through the AWS config: {}", circle.join(" → "));
                    let hint =
                        "change source_profile here, or in ~/.aws/config, so that the chain ends at keys of its own";
                    self.mistake(&source, message, hint);
                }
            }
            Chain::Ends(path) => {
                for pair in path.windows(2) {
                    let &[from, to] = pair else { continue };
                    let known = self.config.entry(to).is_some() || self.aws.profiles.contains_key(to);
                    // The entry's own source is another matter: `at_source`.
                    if self.config.entry(from).is_none() && !known {
                        let message = format!("the AWS config names {} as source of {}", quoted(to), quoted(from));
                        let hint = format!("there is no such profile{}", self.suggestion(to));
                        self.warning(&source, message, hint);
                    }
                }
            }
        }
    }

    /// The profile that signs, as the AWS files have it.
    fn at_source(&mut self) {
        let Source::Profile(name) = &self.entry.source else { return };
        let span = self.source.clone();
        let profile = quoted(name);
        let Some(section) = self.aws.profiles.get(name) else {
            let message = format!("there is no profile {profile} in the AWS config or the credentials file");
            let own = self.aws.profiles.get(self.entry.profile.as_str());
            let hint = match self.suggestion(name).as_str() {
                // As after `init`: the definition has yet to move.
                _ if own.is_some_and(has_sso) && name.starts_with(&format!("{}-source", self.entry.profile)) => {
                    format!(
                        "move the sso_* keys of {} in ~/.aws/config to [profile {name}]; `evertoken init --missing` prints the lines",
                        header(self.entry.profile.as_str())
                    )
                }
                "" => format!("`aws configure --profile {}` makes it", invocation::quoted(name)),
                suggestion => suggestion.trim_start_matches("; ").to_owned(),
            };
            self.warning(&span, message, hint);
            return;
        };
        let kind = Kind::of(section);
        self.at_durations_below(name);
        if kind == Kind::Role && section.contains_key("mfa_serial") {
            let message =
                format!("profile {profile} of the AWS config asks for an MFA code, which a daemon cannot type");
            self.warning(&span, message, "put its role on this list, on top of an [[mfa_session]]");
        }
        if let Some(session) = section.get("sso_session").filter(|name| !self.aws.sso_sessions.contains_key(*name)) {
            let message = format!("profile {profile} names the SSO session {}, which does not exist", quoted(session));
            self.warning(&span, message, format!("add [sso-session {session}] to ~/.aws/config, or correct the name"));
        }
        if kind == Kind::Temporary && section.contains_key("x_evertoken") {
            let message =
                format!("profile {profile} was written by evertoken and has left the list: its session will end");
            self.warning(&span, message, "put it on the list again, or name another source_profile");
        }
        match (&self.entry.operation, kind) {
            (Operation::GetSessionToken, Kind::Role | Kind::Sso | Kind::Temporary) => {
                let message = format!(
                    "profile {profile} gives temporary sessions and cannot be the source of an MFA session: {} will get none",
                    quoted(self.entry.profile.as_str())
                );
                let hint = "GetSessionToken takes long-term keys only: name the profile that has them";
                self.warning(&span, message, hint);
            }
            (Operation::Publish, Kind::LongTerm) => {
                let message =
                    format!("profile {profile} has long-term keys: they do not end, so there is nothing to keep fresh");
                self.warning(&span, message, "add role_arn, or use that profile itself and take this entry out");
            }
            (_, Kind::Nothing) if !section.contains_key("web_identity_token_file") => {
                let message = format!("profile {profile} has nothing that gives credentials");
                self.warning(
                    &span,
                    message,
                    format!(
                        "`aws configure --profile {0}` or `aws configure sso --profile {0}` adds it",
                        invocation::quoted(name)
                    ),
                );
            }
            _ => {}
        }
    }

    /// A `duration_seconds` that no role on top of another one is given.
    fn at_durations_below(&mut self, name: &str) {
        let mut at = name;
        // As many steps as there are profiles, whatever circles there are.
        for _ in 0..self.aws.profiles.len() {
            let Some(section) = self.aws.profiles.get(at).filter(|section| Kind::of(section) == Kind::Role) else {
                return;
            };
            let Some(below) = section.get("source_profile") else { return };
            let chained = self.aws.profiles.get(below).is_some_and(|section| Kind::of(section).is_role_session());
            let seconds = section.get("duration_seconds").and_then(|text| text.parse::<u64>().ok());
            if let Some(seconds) = seconds.filter(|seconds| chained && *seconds > CHAINED.as_secs()) {
                let span = self.source.clone();
                let message = format!(
                    "duration_seconds = {seconds} of profile {} in the AWS config is too long: role chaining allows 1h, \
                     which is asked for instead",
                    quoted(at)
                );
                self.warning(&span, message, "write duration_seconds = 3600 there");
            }
            at = below;
        }
    }

    fn at_duration(&mut self) {
        let Operation::AssumeRole(_) = &self.entry.operation else { return };
        if self.entry.duration <= CHAINED {
            return;
        }
        if let Some(below) = role_session_below(self.entry, self.config, self.aws) {
            let span = self.duration.clone();
            let message = format!(
                "a session of {} for profile {} is too long: the keys of its source {} are the session of a role, and role \
                 chaining allows 1h",
                durations::show(self.entry.duration),
                quoted(self.entry.profile.as_str()),
                quoted(below)
            );
            self.warning(
                &span,
                message,
                "write duration = \"1h\" for this role; STS refuses more, and 1h is asked for then",
            );
        }
    }

    /// `; did you mean "x"?`, or nothing.
    fn suggestion(&self, name: &str) -> String {
        let meant = nearest(name, self.aws.profiles.keys().map(String::as_str));
        meant.map_or_else(String::new, |meant| format!("; did you mean \"{meant}\"?"))
    }
}
