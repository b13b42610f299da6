//! A first config, proposed from what the AWS config and credentials files say: every role and every SSO profile under
//! the name that people use already. Never reads or writes a file, and never proposes what `parse` would refuse.

mod block;
mod changes;

use crate::engine::aws_config::{AwsConfig, Section};
use crate::engine::config::aws_profile::{Kind, has_sso};
use crate::engine::config::limits::CHAINED;
use crate::engine::config::model::{Config, CredentialSource, Source};
use crate::engine::config::{durations, parse};
use crate::engine::names::{ProfileName, SessionNameTemplate};
use block::Block;
use changes::Changes;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the two AWS files hold.
#[derive(Clone, Copy)]
pub struct AwsTexts<'a> {
    /// Of `~/.aws/config`.
    pub config: &'a str,
    /// Of `~/.aws/credentials`.
    pub credentials: &'a str,
}

/// What is wished for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish<'a> {
    /// The absolute path of evertoken, where programs are to ask it through `credential_process`.
    pub process: Option<&'a str>,
    /// The config there is: what it lists is not proposed again.
    pub listed: Option<&'a Config>,
}

/// A proposal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Proposal {
    /// The entries as TOML, with comments on what was not carried over.
    pub entries: String,
    /// What to change in the AWS files afterwards; empty when nothing is.
    pub changes: String,
    /// How many profiles are kept fresh by it.
    pub profiles: usize,
    /// How many are only in comments, which say why.
    pub left_out: usize,
}

/// Proposes entries for the profiles of the AWS files. `names` are the paths of the two files, for people.
pub fn propose(texts: AwsTexts<'_>, names: [&str; 2], wish: Wish<'_>) -> Proposal {
    let aws = AwsConfig::parse(texts.config, texts.credentials);
    let mut author = Author { aws: &aws, wish, mfa: BTreeMap::new(), taken: BTreeSet::new() };
    let mut changes = Changes::new(texts, names, wish.process);
    let mut proposal = Proposal::default();
    for (name, section) in &aws.profiles {
        if author.is_listed(name) {
            continue;
        }
        let role = section.contains_key("role_arn");
        let block = match (role, has_sso(section)) {
            (true, _) => author.role(name, section),
            (false, true) if !author.is_only_a_source(name, section) => {
                let (block, source) = author.published(name, section);
                if let Some(source) = source {
                    changes.add_source(&source, section);
                }
                block
            }
            _ => continue,
        };
        let block = block.unless_wrong();
        if block.is_left_out() {
            proposal.left_out += 1;
        } else {
            proposal.profiles += 1;
            changes.silence(block.profile());
        }
        proposal.entries.push('\n');
        proposal.entries.push_str(&block.render());
    }
    let sessions: String = author.mfa.values().map(|(_, block)| format!("\n{}", block.render())).collect();
    proposal.entries.insert_str(0, &sessions);
    proposal.changes = changes.render();
    proposal
}

struct Author<'a> {
    aws: &'a AwsConfig,
    wish: Wish<'a>,
    /// By source profile and serial: the name of the MFA session, and what it is written as.
    mfa: BTreeMap<(String, String), (String, Block)>,
    /// Names that were given away.
    taken: BTreeSet<String>,
}

impl Author<'_> {
    fn is_listed(&self, name: &str) -> bool {
        self.wish.listed.is_some_and(|config| config.entry(name).is_some())
    }

    /// A profile that something on the list takes its credentials from, or that is there for that.
    fn is_only_a_source(&self, name: &str, section: &Section) -> bool {
        let used = self.wish.listed.is_some_and(|config| {
            config.entries.iter().any(|entry| matches!(&entry.source, Source::Profile(source) if source == name))
        });
        let twin = name.strip_suffix("-source").and_then(|twin| self.aws.profiles.get(twin));
        used || twin.is_some_and(|twin| sso_of(twin) == sso_of(section))
    }

    fn is_free(&self, name: &str) -> bool {
        !self.aws.profiles.contains_key(name) && !self.taken.contains(name) && !self.is_listed(name)
    }

    fn free_name(&mut self, wanted: &str) -> String {
        let numbered = (2..).map(|number| format!("{wanted}{number}"));
        let name = std::iter::once(wanted.to_owned()).chain(numbered).find(|name| self.is_free(name));
        let name = name.unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }

    /// An SSO profile, and the name of the profile that its definition has to move to, where it has to.
    fn published(&mut self, name: &str, section: &Section) -> (Block, Option<String>) {
        // The definition has moved already.
        let plain = name.strip_suffix("-source").filter(|plain| {
            !self.is_listed(plain)
                && self
                    .aws
                    .profiles
                    .get(*plain)
                    .is_none_or(|s| s.contains_key("x_evertoken") || Kind::of(s) == Kind::Nothing)
        });
        let twin = format!("{name}-source");
        let moved = self.aws.profiles.get(&twin).is_some_and(|twin| sso_of(twin) == sso_of(section));
        let (profile, source, to_add) = match plain {
            Some(plain) => (plain.to_owned(), name.to_owned(), None),
            None if moved => (name.to_owned(), twin, None),
            None => {
                let source = self.free_name(&twin);
                (name.to_owned(), source.clone(), Some(source))
            }
        };
        let mut block = Block::role(&profile);
        self.at_name(&mut block, &profile, section);
        block.text("source_profile", &source);
        self.common(&mut block, section);
        (block, to_add)
    }

    fn role(&mut self, name: &str, section: &Section) -> Block {
        let mut block = Block::role(name);
        self.at_name(&mut block, name, section);
        block.text("role_arn", value(section, "role_arn").unwrap_or_default());
        let source = value(section, "source_profile");
        let kinds = [source, value(section, "credential_source"), value(section, "web_identity_token_file")];
        if kinds.iter().flatten().count() > 1 {
            block.leave_out(
                "it names more than one source; keep source_profile, credential_source or web_identity_token_file",
            );
        }
        match kinds {
            [Some(source), ..] if self.is_circle(name) => {
                block.text("source_profile", source);
                block.leave_out("its sources go in a circle");
            }
            [Some(source), ..] => self.source(&mut block, source, value(section, "mfa_serial")),
            [None, Some(provider), _] => {
                let known = [
                    CredentialSource::Environment,
                    CredentialSource::Ec2InstanceMetadata,
                    CredentialSource::EcsContainer,
                ];
                let known = known.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(provider));
                block.text("credential_source", known.map_or(provider, |known| known.as_str()));
            }
            [None, None, Some(file)] => block.text("web_identity_token_file", file),
            [None, None, None] => block.leave_out("it names no source: add source_profile"),
        }
        if source.is_none()
            && let Some(serial) = value(section, "mfa_serial")
        {
            block.remark(&format!(
                "mfa_serial = {serial} was left out: only a user's own keys come with a second factor"
            ));
        }
        if let Some(id) = value(section, "external_id") {
            block.text("external_id", id);
        }
        if let Some(seconds) = value(section, "duration_seconds") {
            self.duration(&mut block, seconds, source);
        }
        match value(section, "role_session_name") {
            Some(session) if SessionNameTemplate::parse(session).is_ok() => block.text("session_name", session),
            Some(session) => {
                block.remark(&format!("role_session_name = {session} was left out: braces mean placeholders here"));
            }
            None => {}
        }
        self.common(&mut block, section);
        block
    }

    /// What stands in the way of writing a session under this name.
    fn at_name(&self, block: &mut Block, name: &str, section: &Section) {
        if ProfileName::parse(name).is_err() {
            block.leave_out("some SDKs cannot select a profile of this name; choose another one");
        }
        let Some(id) = section.get("aws_access_key_id").filter(|_| !section.contains_key("x_evertoken")) else {
            return;
        };
        let temporary = id.starts_with("ASIA")
            || ["aws_session_token", "aws_security_token"].iter().any(|key| section.contains_key(*key));
        if temporary {
            block.remark("this profile holds a session of another tool: adopt = true lets evertoken replace it");
        } else {
            block.leave_out(
                "this profile holds long-term keys, which evertoken never overwrites; choose another name for the role",
            );
        }
    }

    fn source(&mut self, block: &mut Block, source: &str, serial: Option<&str>) {
        let section = self.aws.profiles.get(source);
        if section.is_none() && !self.is_listed(source) {
            block.remark(&format!("there is no profile {source} in the AWS config"));
        }
        let Some(serial) = serial else { return block.text("source_profile", source) };
        match section.map(Kind::of) {
            Some(Kind::LongTerm) => {
                let session = self.session(source, serial, section);
                let session = session.unwrap_or_else(|| {
                    block.leave_out(&format!(
                        "evertoken cannot use the MFA device {serial}: it takes codes of six digits only"
                    ));
                    source.to_owned()
                });
                block.text("source_profile", &session);
            }
            _ => {
                block.text("source_profile", source);
                block.remark(&format!(
                    "mfa_serial = {serial} was left out: profile {source} has no long-term keys to make an [[mfa_session]] of"
                ));
            }
        }
    }

    /// The MFA session on top of long-term keys: one for all the roles that ask for it.
    fn session(&mut self, source: &str, serial: &str, section: Option<&Section>) -> Option<String> {
        let listed = self.wish.listed.and_then(|config| {
            let same = config.entries.iter().find(|entry| {
                entry.role_arn().is_none()
                    && entry.mfa.as_ref().is_some_and(|mfa| mfa.serial == serial)
                    && matches!(&entry.source, Source::Profile(profile) if profile == source)
            });
            Some(same?.profile.to_string())
        });
        let key = (source.to_owned(), serial.to_owned());
        if let Some(known) = listed.or_else(|| self.mfa.get(&key).map(|(name, _)| name.clone())) {
            return Some(known);
        }
        let name = self.free_name(&format!("{source}-mfa"));
        let mut block = Block::mfa_session(&name);
        block.text("source_profile", source);
        block.text("mfa_serial", serial);
        if let Some(region) = section.and_then(|section| section.get("region")) {
            block.text("region", region);
        }
        parse(&block.render()).is_ok_and(|_| self.mfa.insert(key, (name.clone(), block)).is_none()).then_some(name)
    }

    fn duration(&self, block: &mut Block, seconds: &str, source: Option<&str>) {
        let asked = seconds.parse().map(Duration::from_secs);
        let fits = asked.as_ref().is_ok_and(|asked| (900..=43_200).contains(&asked.as_secs()));
        let Some(asked) = asked.ok().filter(|_| fits) else {
            return block.remark(&format!("duration_seconds = {seconds} was left out: a role has 15m to 12h"));
        };
        let below = source.and_then(|source| self.aws.profiles.get(source));
        let chained = below.is_some_and(|section| Kind::of(section).is_role_session());
        if chained && asked > CHAINED {
            block.remark(&format!(
                "duration_seconds = {seconds} became 1h: AWS allows no more to a role on top of another one"
            ));
        }
        block.text("duration", &durations::show(if chained { asked.min(CHAINED) } else { asked }));
    }

    fn common(&self, block: &mut Block, section: &Section) {
        if let Some(region) = section.get("region").filter(|region| !region.is_empty()) {
            block.text("region", region);
        }
        if self.wish.process.is_some() {
            block.text("store", "private");
        }
    }

    fn is_circle(&self, start: &str) -> bool {
        let mut seen = vec![start];
        let mut at = start;
        while let Some(section) = self.aws.profiles.get(at).filter(|s| s.contains_key("role_arn")) {
            let Some(source) = section.get("source_profile") else { return false };
            // Keys in a profile that is a source win over its role.
            let keys = self.aws.profiles.get(source).is_some_and(|s| s.contains_key("aws_access_key_id"));
            if keys {
                return false;
            }
            if seen.contains(&source.as_str()) {
                return true;
            }
            seen.push(source);
            at = source;
        }
        false
    }
}

fn value<'a>(section: &'a Section, key: &str) -> Option<&'a str> {
    section.get(key).map(String::as_str).filter(|value| !value.is_empty())
}

fn sso_of(section: &Section) -> Vec<(&String, &String)> {
    section.iter().filter(|(key, _)| key.starts_with("sso_")).collect()
}

#[cfg(test)]
mod tests;
