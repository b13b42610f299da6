//! `evertoken exec PROFILE -- CMD…`: becomes CMD, in an environment where nothing shadows the profile. Hands over names
//! of profiles and files, never a key.
#![expect(clippy::disallowed_methods, reason = "the command replaces this process; there is no child to look after")]

use crate::commands::cli::ExecArgs;
use crate::commands::ending::{CANNOT_RUN, Ending, NOT_FOUND};
use crate::commands::fresh::{self, Reader};
use crate::commands::refresh::warn_of_other_config;
use crate::commands::setup::Setup;
use crate::engine::aws_config::{AwsConfig, AwsFile};
use crate::engine::config::asking::is_asked;
use crate::engine::config::clashes::{Clash, clashes, header};
use crate::engine::config::model::{Entry, StoreKind};
use crate::shell::environment::Environment;
use crate::shell::places::config_file;
use std::convert::Infallible;
use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

/// Variables that some SDK or tool prefers to the profile, or takes for belonging to it. Those of the container endpoint are
/// not among them: the SDKs ask it after the profile, and another profile may name it as its `credential_source`.
const SHADOWS: [&str; 15] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_CREDENTIAL_SCOPE",
    "AWS_SESSION_EXPIRATION",
    "AWS_ACCOUNT_ID",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CREDENTIAL_FILE",
];

/// Becomes the command; comes back only when that fails.
///
/// # Errors
/// 1 without a session of enough life, 2 for a profile that is not in the config, 126 and 127 as in a shell.
pub fn run(setup: &Setup, args: &ExecArgs, environment: &Arc<Environment>) -> Result<Infallible, Ending> {
    let entry = setup.entry(&args.profile)?;
    fresh::session(setup, entry, args.min_ttl, Reader::OfStore, environment)?;
    let Some((program, arguments)) = args.command.split_first() else {
        return Err(Ending::new(NOT_FOUND, "no command to run"));
    };
    let mut command = Command::new(program);
    command.args(arguments);
    for name in SHADOWS {
        command.env_remove(name);
    }
    warn_of_other_config(setup)?;
    let aws = setup.aws();
    warn_of_others(setup, entry, &aws)?;
    command.envs(additions(setup, entry, &aws));
    // Whoever asks evertoken from below the command shall be answered by the same config.
    if config_file(environment, None).ok().as_deref() != Some(&*setup.loaded.path) {
        command.env("EVERTOKEN_CONFIG", &setup.loaded.path);
    }
    let error = command.exec();
    let code = if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { CANNOT_RUN };
    Err(Ending::new(code, format!("failed to run {}: {error}", program.to_string_lossy())))
}

/// The command gets the name of the profile: what the AWS config has under it may lead programs to other credentials than
/// those that are fresh. That is the user's to say, and for them to know.
fn warn_of_others(setup: &Setup, entry: &Entry, aws: &AwsConfig) -> io::Result<()> {
    let name = entry.profile.as_str();
    for Clash { keys, outcome } in clashes(aws, AwsFile::Config, name) {
        let file = setup.places().aws_config().display();
        let section = header(name);
        writeln!(io::stderr(), "evertoken: {section} in {file} has {keys}: {outcome}; take {keys} out of it")?;
    }
    Ok(())
}

fn additions(setup: &Setup, entry: &Entry, aws: &AwsConfig) -> Vec<(&'static str, OsString)> {
    let mut set = vec![("AWS_PROFILE", OsString::from(entry.profile.as_str()))];
    if entry.store == StoreKind::Private && !is_asked(entry.profile.as_str(), aws) {
        // It stands in no file that the command would read by itself.
        set.push(("AWS_SHARED_CREDENTIALS_FILE", setup.places().private_store().into()));
    } else if setup.config().credentials_file.is_some() {
        set.push(("AWS_SHARED_CREDENTIALS_FILE", setup.places().credentials().into()));
    }
    if setup.config().aws_config_file.is_some() {
        set.push(("AWS_CONFIG_FILE", setup.places().aws_config().into()));
    }
    set
}
