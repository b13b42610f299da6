//! A first config, proposed from what the AWS config and credentials files say: every role and every SSO profile under
//! the name that people use already. Never reads or writes a file, and never proposes what `parse` would refuse.

mod author;
mod block;
mod changes;

use crate::engine::aws_config::AwsConfig;
use crate::engine::config::aws_profile::{Kind, asks_evertoken, has_sso};
use crate::engine::config::model::{Config, Source, StoreKind};
use author::Author;
use changes::{Changes, Told};

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
    /// What to change in the AWS files, also for what is listed already; empty when nothing is.
    pub changes: String,
    /// How many profiles are kept fresh by it.
    pub profiles: usize,
    /// How many MFA sessions it has.
    pub sessions: usize,
    /// How many are only in comments, which say why.
    pub left_out: usize,
}

/// Proposes entries for the profiles of the AWS files. `names` are the paths of the two files, for people.
pub fn propose(texts: AwsTexts<'_>, names: [&str; 2], wish: Wish<'_>) -> Proposal {
    let aws = AwsConfig::parse(texts.config, texts.credentials);
    let mut author = Author::new(&aws, wish);
    let mut changes = Changes::new(texts, names, wish.process);
    let mut proposal = Proposal::default();
    for (name, section) in &aws.profiles {
        if let Some(entry) = wish.listed.and_then(|config| config.entry(name)) {
            // What was to be changed when it was proposed may not have been changed yet.
            if let Source::Profile(source) = &entry.source
                && has_sso(section)
                && !aws.profiles.contains_key(source)
            {
                changes.add_source(source, section);
            }
            changes.silence(name, section, entry.store, Told::Again);
            continue;
        }
        let role = section.contains_key("role_arn");
        let mut moved = None;
        let block = match (role, has_sso(section)) {
            (true, _) => author.role(name, section),
            (false, true) if !author.is_only_a_source(name, section) => {
                let (block, source) = author.published(name, section);
                moved = source;
                block
            }
            (false, false) if Kind::of(section) == Kind::Process && asks_evertoken(section).is_none() => {
                match author.process(name, section) {
                    Some(block) => block,
                    None => continue,
                }
            }
            _ => {
                author.user(name, section);
                continue;
            }
        };
        let block = block.unless_wrong();
        if block.is_left_out() {
            proposal.left_out += 1;
        } else {
            proposal.profiles += 1;
            if let Some(source) = moved {
                changes.add_source(&source, section);
            }
            let section = aws.profiles.get(block.profile()).unwrap_or(section);
            let store = if wish.process.is_some() { StoreKind::Private } else { StoreKind::Shared };
            changes.silence(block.profile(), section, store, Told::First);
        }
        proposal.entries.push('\n');
        proposal.entries.push_str(&block.render());
    }
    proposal.sessions = author.count_of_sessions();
    proposal.entries.insert_str(0, &author.sessions());
    proposal.changes = changes.render();
    proposal
}

#[cfg(test)]
mod tests;
