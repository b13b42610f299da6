//! `evertoken init`: a first config from what the AWS files say. Never overwrites one, and changes nothing else.

use crate::commands::cli::InitArgs;
use crate::commands::ending::{Ending, FINE, NOT_FINE};
use crate::commands::output::Output;
use crate::commands::setup::Setup;
use crate::engine::init::{AwsTexts, Proposal, Wish, propose};
use crate::shell::environment::Environment;
use crate::shell::files::{FileError, create_private, folder, resolve, whole};
use crate::shell::places::{Caller, Places, config_file, invocation};
use std::io::{ErrorKind, Write};
use std::path::Path;
use zeroize::Zeroizing;

const OPENING: &str = "\
# Written by `evertoken init` from the AWS config. `evertoken check` says whether it is right, `evertoken run` keeps these
# profiles fresh. Take out what you do not use: each entry is refreshed around the clock.
";

const SMALLEST: &str = "\
[[role]]
profile        = \"dev\"     # the section to keep fresh
role_arn       = \"arn:aws:iam::111122223333:role/Developer\"
source_profile = \"base\"    # a profile with credentials of its own";

/// Writes the config, or prints what it lacks.
///
/// # Errors
/// 1 when there is a config already, when there is nothing to put into one, and when a file cannot be read or written.
pub fn run<W: Write>(
    args: &InitArgs,
    given: Option<&Path>,
    environment: &Environment,
    output: &mut Output<W>,
) -> Result<u8, Ending> {
    let path = config_file(environment, given).map_err(Ending::failed)?;
    let program = if args.process { Some(program(environment, &path)?) } else { None };
    if args.missing {
        let setup = Setup::load(environment, given)?;
        let wish = Wish { process: program.as_deref(), listed: Some(setup.config()) };
        let proposal = look(setup.places(), wish)?;
        output.text(proposal.entries.trim_start_matches('\n'))?;
        if !proposal.changes.is_empty() {
            writeln!(std::io::stderr(), "{}", proposal.changes.trim_end())?;
        }
        return Ok(FINE);
    }
    if path.symlink_metadata().is_ok() {
        return Err(exists(&path));
    }
    let places = Places::find(environment, None, None).map_err(Ending::failed)?;
    let proposal = look(&places, Wish { process: program.as_deref(), listed: None })?;
    if proposal.profiles + proposal.sessions == 0 {
        let why = format!(
            "there is no profile in {} that evertoken can keep fresh as it stands: one with role_arn, or of SSO{}\nfix: \
             `aws configure sso` adds one; or write {} yourself, such as:\n\n{SMALLEST}",
            places.aws_config().display(),
            if proposal.entries.is_empty() { String::new() } else { format!("\n{}", proposal.entries.trim_end()) },
            path.display()
        );
        return Err(Ending::new(NOT_FINE, why));
    }
    if let Some(above) = path.parent().filter(|above| !above.exists()) {
        folder::ensure_private(above, environment.home().map(folder::Home::at).as_ref()).map_err(Ending::failed)?;
    }
    let text = format!("{OPENING}{}", proposal.entries);
    if !create_private(&path, text.as_bytes()).map_err(Ending::failed)? {
        return Err(exists(&path));
    }
    output.say(&told(&path, &proposal))?;
    Ok(FINE)
}

fn exists(path: &Path) -> Ending {
    let path = path.display();
    Ending::new(
        NOT_FINE,
        format!(
            "{path} exists already and stays as it is\nfix: `evertoken init --missing` prints what it does not list yet, and what \
             is still to be changed in the AWS files"
        ),
    )
}

fn told(path: &Path, proposal: &Proposal) -> String {
    let left_out = match proposal.left_out {
        0 => String::new(),
        some => format!("; {some} more as comments that say why"),
    };
    let changes = match proposal.changes.as_str() {
        "" => String::new(),
        changes => format!(
            "\nUntil you change the following nothing is different for your tools, and `evertoken check` warns of it.\n\n{changes}"
        ),
    };
    let counted = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let listed = match (proposal.profiles, proposal.sessions) {
        (0, sessions) => counted(sessions, "MFA session"),
        (profiles, _) => counted(profiles, "profile"),
    };
    format!("wrote {} with {listed}{left_out}\n{changes}", path.display())
}

fn look(places: &Places, wish: Wish<'_>) -> Result<Proposal, Ending> {
    let (config, credentials) = (text(places.aws_config())?, text(places.credentials())?);
    let names = [places.aws_config(), places.credentials()].map(|path| path.display().to_string());
    let texts = AwsTexts { config: &config, credentials: &credentials };
    Ok(propose(texts, [&names[0], &names[1]], wish))
}

/// A file that is not there is empty.
fn text(path: &Path) -> Result<Zeroizing<String>, Ending> {
    let resolved = resolve(path).map_err(Ending::failed)?;
    let bytes = match whole::read(&resolved) {
        Err(error) if error.kind() == ErrorKind::NotFound => Zeroizing::default(),
        read => read.map_err(FileError::at("read", &resolved)).map_err(Ending::failed)?,
    };
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Ending::failed(format!("read {}: it is not UTF-8 text", path.display())))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// What a `credential_process` begins with: programs that were started anywhere are to be answered by this config.
fn program(environment: &Environment, config: &Path) -> Result<String, Ending> {
    let failed = |why: std::io::Error| Ending::failed(format!("find this program: {why}"));
    let path = std::env::current_exe().map_err(failed)?;
    let path = path.into_os_string().into_string().map_err(|_| failed(ErrorKind::InvalidData.into()))?;
    Ok(invocation(environment, config, Caller::Anywhere).program(&path))
}
