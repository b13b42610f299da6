//! Writes one proposed entry after the other: what a profile of the AWS files becomes, and what of it cannot be carried
//! over. Never writes what has to be changed in the AWS files.

use super::Wish;
use super::block::Block;
use crate::engine::aws_config::{AwsConfig, Section};
use crate::engine::config::aws_profile::Kind;
use crate::engine::config::limits::CHAINED;
use crate::engine::config::model::{CredentialSource, Source};
use crate::engine::config::{durations, parse};
use crate::engine::names::{ProfileName, SessionNameTemplate};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Regions of the partition aws where STS has a FIPS endpoint (AWS General Reference, "AWS Security Token Service endpoints
/// and quotas"; the same in `endpoints.json` of botocore 1.44.5). The rules of the SDKs make a name for every region, which
/// is found nowhere in the others.
const FIPS_REGIONS: [&str; 4] = ["us-east-1", "us-east-2", "us-west-1", "us-west-2"];

/// Who writes the entries.
pub(super) struct Author<'a> {
    aws: &'a AwsConfig,
    wish: Wish<'a>,
    /// By source profile and serial: the name of the MFA session, and what it is written as.
    mfa: BTreeMap<(String, String), (String, Block)>,
    /// Names that were given away.
    taken: BTreeSet<String>,
}

impl<'a> Author<'a> {
    pub(super) fn new(aws: &'a AwsConfig, wish: Wish<'a>) -> Self {
        Self { aws, wish, mfa: BTreeMap::new(), taken: BTreeSet::new() }
    }

    /// The MFA sessions that the roles turned out to need.
    pub(super) fn sessions(&self) -> String {
        self.mfa.values().map(|(_, block)| format!("\n{}", block.render())).collect()
    }

    pub(super) fn count_of_sessions(&self) -> usize {
        self.mfa.len()
    }

    pub(super) fn is_listed(&self, name: &str) -> bool {
        self.wish.listed.is_some_and(|config| config.entry(name).is_some())
    }

    /// A profile that something on the list takes its credentials from, or that is there for that.
    pub(super) fn is_only_a_source(&self, name: &str, section: &Section) -> bool {
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
    pub(super) fn published(&mut self, name: &str, section: &Section) -> (Block, Option<String>) {
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

    /// A profile with a program of its own. Every SDK asks that by itself as often as it needs to, and it may ask a person:
    /// it is listed only by whoever wants its keys in the file.
    pub(super) fn process(&self, name: &str, section: &Section) -> Option<Block> {
        let is_source = |other: &Section| value(other, "source_profile") == Some(name);
        if self.is_only_a_source(name, section) || self.aws.profiles.values().any(is_source) {
            return None;
        }
        let mut block = Block::role(name);
        block.leave_out(&format!(
            "programs run its credential_process by themselves, whenever they need new keys. For a tool that reads keys from \
             the file only: rename [profile {name}] in the AWS config to [profile {name}-source], so that evertoken takes \
             the keys from there and no SDK has to choose between the two, and take the signs off the lines below"
        ));
        block.text("source_profile", &format!("{name}-source"));
        self.common(&mut block, section);
        Some(block)
    }

    /// Long-term keys that other tools use with a second factor: the session of it is worth keeping.
    pub(super) fn user(&mut self, name: &str, section: &Section) {
        if let (Kind::LongTerm, Some(serial)) = (Kind::of(section), value(section, "mfa_serial")) {
            // One with a device that has no codes is told at the roles that want it.
            let _name = self.session(name, serial, Some(section));
        }
    }

    pub(super) fn role(&mut self, name: &str, section: &Section) -> Block {
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
        endpoints(&mut block, section);
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

/// Where the SDKs would call STS for a role, if not at its region's own endpoint.
fn endpoints(block: &mut Block, section: &Section) {
    for key in ["endpoint_url", "services"] {
        if let Some(value) = value(section, key) {
            block.remark(&format!(
                "{key} = {value} was left out: it may be meant for other services than STS; if STS is to be called elsewhere, \
                 add sts_endpoint"
            ));
        }
    }
    if value(section, "use_fips_endpoint").is_none_or(|value| !value.eq_ignore_ascii_case("true")) {
        return;
    }
    match value(section, "region") {
        // There every endpoint of STS is one (same sources).
        Some(region) if region.starts_with("us-gov-") => {}
        Some(region) if FIPS_REGIONS.contains(&region) => {
            block.text("sts_endpoint", &format!("https://sts-fips.{region}.amazonaws.com"));
        }
        Some(_) => block
            .remark("use_fips_endpoint was left out: STS has no such endpoint there; add sts_endpoint to choose one"),
        None => block.remark("use_fips_endpoint was left out: the profile has no region; add region and sts_endpoint"),
    }
}

fn value<'a>(section: &'a Section, key: &str) -> Option<&'a str> {
    section.get(key).map(String::as_str).filter(|value| !value.is_empty())
}

fn sso_of(section: &Section) -> Vec<(&String, &String)> {
    section.iter().filter(|(key, _)| key.starts_with("sso_")).collect()
}
