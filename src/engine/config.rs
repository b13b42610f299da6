//! The config: the text of a TOML file becomes a valid [`Config`] or the list of all its mistakes. Never reads a file.
//!
//! Three stages: as written (`raw`, with `fields` and `places`: where every value stands), checked by itself (`values`
//! and the nouns it asks: `limits`, `durations`, `regions`, `endpoints`, …), merged with the defaults and checked against
//! each other (`validate`, with `chains`, `sources` and `entry`). Every stage goes on after a mistake, so that one run
//! shows them all.

pub mod asking;
pub(in crate::engine) mod aws_profile;
mod chains;
pub mod clashes;
pub mod diagnostic;
mod digest;
pub mod durations;
mod endpoints;
mod entry;
mod excerpt;
mod fields;
mod hooks;
pub(in crate::engine) mod limits;
mod mfa;
pub mod model;
mod paths;
mod places;
mod policies;
mod raw;
mod regions;
mod sources;
pub(in crate::engine) mod spelling;
mod survey;
mod tags;
mod validate;
mod values;

#[cfg(test)]
mod tests;

pub use diagnostic::{Diagnostic, Severity};
pub use model::Config;
pub use survey::{LeftAlone, circles, left_alone, survey};

/// A config that can be worked with, and what is odd about it all the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parsed {
    /// The config.
    pub config: Config,
    /// In the order of their positions.
    pub warnings: Vec<Diagnostic>,
}

/// Reads the text of a config.
///
/// # Errors
/// All mistakes at once, in the order of their positions, with the warnings among them.
pub fn parse(text: &str) -> Result<Parsed, Vec<Diagnostic>> {
    let mut findings = Vec::new();
    let raw = raw::read(text, &mut findings);
    let config = validate::validate(&raw, text, &mut findings);
    diagnostic::drop_echoes(&mut findings, &raw.broken);
    diagnostic::put_in_order(&mut findings);
    match config {
        Some(config) if findings.iter().all(|finding| finding.severity == Severity::Warning) => {
            Ok(Parsed { config, warnings: findings })
        }
        _ => Err(findings),
    }
}
