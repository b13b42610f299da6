//! The programs of others that the daemon will start: whether the service will find them where it looks. Starts none.

use crate::commands::service::search_path::ServicePath;
use crate::commands::setup::Setup;
use crate::engine::aws_config::AwsConfig;
use crate::engine::aws_config::chain::{Base, Chain};
use crate::engine::config::model::Source;
use crate::engine::invocation::quoted;
use crate::shell::environment::Environment;
use crate::shell::program::in_own_path;
use crate::shell::sources::split_words;
use std::collections::BTreeSet;

/// A program that a config names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Helper {
    /// The key, and whose.
    key: String,
    program: String,
}

/// One warning for each program that the service would not find.
pub(super) fn missing(setup: &Setup, aws: &AwsConfig, environment: &Environment) -> Vec<String> {
    let path = ServicePath::find(environment);
    let mut warnings = Vec::new();
    for Helper { key, program } in helpers(setup, aws) {
        let Some(place) = environment.expand_home(&program).filter(|place| !path.has(place)) else { continue };
        let ServicePath { value, origin } = &path;
        let shown = place.display();
        let text = if place.is_absolute() {
            format!(
                "{key} starts {shown}, which is not there or cannot be run\nhint: correct the path, or: chmod +x {}",
                quoted(&shown.to_string())
            )
        } else if program.contains('/') {
            format!(
                "{key} starts {program}, a path that depends on where the service is started\nhint: write the absolute path"
            )
        } else {
            let hint = match in_own_path(&place, environment.get("PATH")) {
                Some(found) => {
                    format!("write {} instead, or put its folder into the PATH of the unit", found.display())
                }
                None => "install it, or write its absolute path".to_owned(),
            };
            format!(
                "{key} starts {program}, which is in no folder of the service's PATH: {value} ({origin})\nhint: {hint}"
            )
        };
        warnings.push(text);
    }
    warnings
}

/// In which folders, where there was anything to look for by its name.
pub(super) fn looked_for(setup: &Setup, aws: &AwsConfig, environment: &Environment) -> Option<String> {
    let is_name = |helper: &Helper| !helper.program.contains('/');
    helpers(setup, aws).iter().any(is_name).then(|| {
        let ServicePath { value, origin } = ServicePath::find(environment);
        format!("programs were looked for in the PATH of the service: {value} ({origin})")
    })
}

fn helpers(setup: &Setup, aws: &AwsConfig) -> BTreeSet<Helper> {
    let config = setup.config();
    let mut found = BTreeSet::new();
    let mut add = |key: String, program: Option<&String>| {
        found.extend(program.map(|program| Helper { key, program: program.clone() }));
    };
    let hooks = &config.hooks;
    for (name, argv) in [
        ("refreshed", &hooks.refreshed),
        ("failed", &hooks.failed),
        ("recovered", &hooks.recovered),
        ("expiring", &hooks.expiring),
    ] {
        add(format!("the hook `{name}`"), argv.as_ref().and_then(|argv| argv.first()));
    }
    for entry in &config.entries {
        // Without `unattended` only `evertoken login` runs it, in the shell of whoever logs in.
        if let Some(mfa) = entry.mfa.as_ref().filter(|mfa| mfa.unattended) {
            let program = mfa.command.as_ref().and_then(|argv| argv.first());
            add(format!("mfa_command of profile {}", entry.profile), program);
        }
        if let Source::Profile(source) = &entry.source
            && let Ok(Chain { base: Base::Process { profile, command, .. }, .. }) = Chain::of(aws, source)
        {
            let words = split_words(&command).unwrap_or_default();
            add(format!("credential_process of profile {profile} in the AWS config"), words.first());
        }
    }
    found
}
