//! `evertoken doctor`: why a program gets ExpiredToken. Has everything gathered and judged, draws the answer, and mends what
//! is safe to mend when asked to. Works without a config, and decides nothing itself.

mod mend;
pub mod render;

use crate::commands::cli::DoctorArgs;
use crate::commands::ending::{Ending, FINE, NOT_FINE, USAGE};
use crate::commands::output::{Output, Surface};
use crate::commands::run::on_runtime;
use crate::commands::service;
use crate::commands::service_manager::{Verb, command};
use crate::commands::setup::Setup;
use crate::commands::status;
use crate::engine::doctor::{Diagnosis, Finding, Mark, examine, is_unknown};
use crate::engine::invocation::Invocation;
use crate::shell::config_file::{LoadError, load};
use crate::shell::doctor::{Network, Own, gather, keeping, selected};
use crate::shell::environment::Environment;
use crate::shell::places::{Places, config_file};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How to set the clock by those of the network.
pub const SET_CLOCK: &str =
    if cfg!(target_os = "macos") { "sudo sntp -sS time.apple.com" } else { "sudo timedatectl set-ntp true" };

/// How the daemon comes to run where it is no service yet.
const INSTALL: &str = "evertoken service install";

/// Carries the command out.
///
/// # Errors
/// 2 for a profile that stands nowhere; 1 when the answer cannot be written.
pub fn run<W: Write>(
    args: &DoctorArgs,
    given: Option<&Path>,
    environment: &Arc<Environment>,
    output: &mut Output<W>,
) -> Result<u8, Ending> {
    let looking = Looking { args, given, environment, invocation: output.invocation().clone() };
    let (diagnosis, setup) = looking.look()?;
    if args.json {
        let json = render::json(&diagnosis).map_err(|error| Ending::failed(format!("write JSON: {error}")))?;
        output.text(&(json + "\n"))?;
        return Ok(verdict(&diagnosis));
    }
    let surface = Surface::of_stdout(environment.wants_plain());
    output.text(&render::text(&diagnosis, surface))?;
    if !args.fix {
        return Ok(verdict(&diagnosis));
    }
    output.text("\n")?;
    if !mend::run(&diagnosis, setup, args, environment, output)? {
        return Ok(verdict(&diagnosis));
    }
    output.text("\nlooking again:\n\n")?;
    let (diagnosis, _) = looking.look()?;
    output.text(&render::text(&diagnosis, surface))?;
    Ok(verdict(&diagnosis))
}

fn verdict(diagnosis: &Diagnosis) -> u8 {
    if diagnosis.mark == Mark::Fault { NOT_FINE } else { FINE }
}

/// What a look needs.
struct Looking<'a> {
    args: &'a DoctorArgs,
    given: Option<&'a Path>,
    environment: &'a Arc<Environment>,
    invocation: Invocation,
}

impl Looking<'_> {
    /// Gathers and judges; also evertoken's own config where it can be used.
    fn look(&self) -> Result<(Diagnosis, Option<Setup>), Ending> {
        let environment = self.environment;
        let selected = selected(environment, self.args.profile.as_deref());
        let tools = Places::of_tools(environment);
        let (path, loaded) = match config_file(environment, self.given) {
            Ok(path) => {
                let loaded = load(environment, &path);
                (path, loaded.map(|loaded| Setup { loaded }))
            }
            Err(error) => (PathBuf::from("~/.config/evertoken/config.toml"), Err(LoadError::Place(error))),
        };
        let start = if service::installed(environment).is_some() { command(Verb::Start) } else { INSTALL };
        let own = Own {
            path: &path,
            loaded: loaded.as_ref().map(|setup| &setup.loaded),
            status: loaded.as_ref().ok().map(status::gather),
            commands: [start, command(Verb::Restart), SET_CLOCK],
        };
        let keeping = keeping(environment, &tools, own, &selected.name);
        let network = if self.args.offline { Network::Offline } else { Network::Ask };
        let gathering = gather(environment, &tools, selected, keeping, network);
        let picture = on_runtime(async { Ok(Box::pin(gathering).await) })?;
        if is_unknown(&picture) {
            let listed = picture.own_config().into_iter().flat_map(|config| &config.entries);
            let mut known: BTreeSet<&str> = listed.map(|entry| entry.profile.as_str()).collect();
            known.extend(picture.aws.profiles.keys().map(String::as_str));
            let known: Vec<&str> = known.into_iter().collect();
            let known =
                if known.is_empty() { "there are none".to_owned() } else { format!("there are {}", known.join(", ")) };
            let name = picture.profile();
            return Err(Ending::new(
                USAGE,
                format!("there is no profile {name}, neither in the AWS files nor on evertoken's list: {known}"),
            ));
        }
        Ok((told(examine(&picture), &self.invocation), loaded.ok()))
    }
}

/// The same with commands that go by this config.
fn told(mut diagnosis: Diagnosis, invocation: &Invocation) -> Diagnosis {
    let Diagnosis { verdict, fix, lines, findings, .. } = &mut diagnosis;
    let of_findings = findings.iter_mut().flat_map(|Finding { what, why, fix, lines, .. }| {
        std::iter::once(what).chain(why.as_mut()).chain(fix).chain(lines)
    });
    for text in std::iter::once(verdict).chain(fix).chain(lines).chain(of_findings) {
        *text = invocation.told(text);
    }
    diagnosis
}
