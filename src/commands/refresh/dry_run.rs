//! `refresh --dry-run`: the real keeper is asked, and answered with made-up sessions. Nobody is called and nothing is
//! written; what it would have asked and changed is shown, and what would fail as far as that is known without a call.

use super::difference::between;
use super::limit::Beyond;
use super::{Wished, asked_entries, stuck};
use crate::commands::cli::RefreshArgs;
use crate::commands::ending::{Ending, FINE, NOT_FINE};
use crate::commands::output::Output;
use crate::commands::run::on_runtime;
use crate::commands::setup::Setup;
use crate::daemon::pass::Asked;
use crate::engine::aws_config::AwsConfig;
use crate::engine::aws_config::chain::{Base, Chain};
use crate::engine::config::model::{Operation, Source, StoreKind};
use crate::engine::credentials_file::{self, Edit, Outcome};
use crate::engine::failure::Fault;
use crate::engine::keeper::{Action, AssumeCall, Attendance, Event, Keeper, Mode, Reply};
use crate::engine::names::ProfileName;
use crate::engine::place::Place;
use crate::engine::schedule::ONE_HOUR;
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, SourceCredentials};
use crate::engine::time::WallTime;
use crate::shell::clock;
use crate::shell::environment::Environment;
use crate::shell::files::{resolve, snapshot};
use crate::shell::http::{Http, HttpSettings};
use crate::shell::known_skew::recall;
use crate::shell::sources::foresight;
use crate::shell::token_file;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Shows what a refresh would do. 1 when not everything would be fresh afterwards, whatever STS says.
///
/// # Errors
/// 1 when the network settings cannot be used, or a credentials file cannot be read or edited.
pub(super) fn run<W: Write>(
    setup: &Setup,
    args: &RefreshArgs,
    environment: &Environment,
    output: &mut Output<W>,
) -> Result<u8, Ending> {
    Http::new(&HttpSettings::of(&setup.config().network, environment)).map_err(Ending::failed)?;
    let now = clock::now();
    let mut rehearsal = Rehearsal {
        setup,
        environment,
        aws: setup.aws(),
        lines: Vec::new(),
        unknown: BTreeSet::new(),
        files: Vec::new(),
    };
    let keeper = rehearsal.play(args, now)?;
    let mut lines = rehearsal.lines;
    for file in &rehearsal.files {
        let changes = between(&file.old, &file.new);
        if !changes.is_empty() {
            lines.push(format!("change {}", file.path.display()));
            lines.extend(changes);
        }
    }
    let mut fine = true;
    let profiles = keeper.profiles(now);
    for entry in asked_entries(setup, &args.profiles) {
        let wished = Wished::of(setup, entry, args);
        let Some(profile) = profiles.iter().find(|profile| profile.profile == wished.entry.profile.as_str()) else {
            continue;
        };
        let name = &wished.entry.profile;
        let problem = match (&profile.error, &wished.beyond) {
            (Some(trouble), _) => Some(wished.trouble(trouble, now + keeper.skew())),
            (None, Some(Beyond { message, fix })) => Some(format!("{name}: {message}\n  fix: {fix}")),
            (None, None) if profile.expires_in_seconds.unwrap_or(0) <= 0 => Some(format!("{name}: no session")),
            (None, None) => None,
        };
        fine &= problem.is_none();
        lines.extend(problem.map(|problem| output.invocation().told(&problem)));
    }
    if lines.is_empty() {
        lines.push("nothing to do: everything asked for is fresh".to_owned());
    }
    for line in lines {
        output.text(&format!("{line}\n"))?;
    }
    Ok(if fine { FINE } else { NOT_FINE })
}

/// A pass in which the answers are made up.
struct Rehearsal<'a> {
    setup: &'a Setup,
    environment: &'a Environment,
    aws: AwsConfig,
    lines: Vec<String>,
    /// Profiles that publish what nobody knows before it is resolved.
    unknown: BTreeSet<ProfileName>,
    files: Vec<Rehearsed>,
}

/// A credentials file, as it is and as it would be.
struct Rehearsed {
    store: StoreKind,
    path: PathBuf,
    old: Zeroizing<Vec<u8>>,
    new: Zeroizing<Vec<u8>>,
}

impl Rehearsal<'_> {
    /// The keeper when everything is done.
    fn play(&mut self, args: &RefreshArgs, now: WallTime) -> Result<Keeper, Ending> {
        let stores = self.setup.stores();
        // As a pass begins: what counts is the time of STS.
        let recalled = recall(self.setup.places());
        let keeper = Keeper::new(self.setup.config(), Mode::OnePass, Attendance::Alone).with_skew(recalled.skew);
        let mut keeper = if recalled.may_be_behind { keeper.doubting_the_clock() } else { keeper };
        let sts_now = now + keeper.skew();
        let names: Vec<_> = self.setup.config().entries.iter().map(|entry| entry.profile.clone()).collect();
        for store in [StoreKind::Shared, StoreKind::Private] {
            keeper.handle(Event::Observed(stores.observe(store, &names)), now);
        }
        let asked = Asked { anew: stuck::profiles(self.setup, args), ..Asked::by(args) };
        asked.questions().for_each(|question| keeper.handle(question, now));
        while let Some(action) = keeper.poll_action() {
            let event = match action {
                Action::Resolve { source, .. } => self.resolve(source, now, sts_now)?,
                Action::Assume(call) => {
                    self.lines.push(described(&call));
                    match self.token_fault(&call)? {
                        Some(fault) => failure(&call, fault),
                        None => answer(&call, sts_now),
                    }
                }
                Action::Store { store, edits } => {
                    let edits = stores.without_known_regions(store, edits);
                    let outcomes = self.store(store, &edits)?;
                    Event::Stored { store, outcomes }
                }
                Action::Tell(_) | Action::GiveUp { .. } | Action::Observe | Action::Report => continue,
            };
            keeper.handle(event, now);
        }
        Ok(keeper)
    }

    /// Why the web identity token of a call cannot be had; `None` where it can, or the call needs none.
    fn token_fault(&self, call: &AssumeCall) -> Result<Option<Fault>, Ending> {
        let Source::WebIdentity(path) = &call.entry.source else { return Ok(None) };
        on_runtime(async { Ok(token_file::read(token_file::WEB_IDENTITY, path, self.environment.home()).await.err()) })
    }

    /// What is known of a source without asking anybody; for all else it is taken to give a session.
    fn resolve(&mut self, source: Source, now: WallTime, sts_now: WallTime) -> Result<Event, Ending> {
        self.lines.push(format!("resolve {}", named(&source)));
        let mut credentials = made_up(sts_now);
        let chain = match &source {
            Source::Profile(name) => Chain::of(&self.aws, name).map(Some).map_err(Fault::Source),
            Source::Listed(_) | Source::WebIdentity(_) | Source::Provider(_) => Ok(None),
        };
        let fault = match (&chain, &source) {
            (Err(fault), _) => Some(fault.clone()),
            (Ok(Some(chain)), _) => {
                on_runtime(async { Ok(foresight::fault(&chain.base, self.environment, now).await) })?
            }
            (Ok(None), Source::Provider(provider)) => foresight::of_provider(*provider, self.environment),
            (Ok(None), _) => None,
        };
        if let Some(fault) = fault {
            return Ok(Event::ResolveFailed { source, fault, jitter: 0.0 });
        }
        if let Ok(Some(Chain { base: Base::Static { profile }, hops })) = &chain
            && hops.is_empty()
            && !self.aws.profiles.get(profile).is_some_and(|keys| keys.contains_key("aws_session_token"))
        {
            (credentials.keys.session_token, credentials.expiration) = (None, None);
            return Ok(Event::Resolved { source, credentials });
        }
        let entries = self.setup.config().entries.iter();
        let publish = entries.filter(|entry| entry.operation == Operation::Publish && entry.source == source);
        self.unknown.extend(publish.map(|entry| entry.profile.clone()));
        Ok(Event::Resolved { source, credentials })
    }

    /// Makes the edits in memory, but for those of sessions that nobody knows yet.
    fn store(&mut self, store: StoreKind, edits: &[Edit]) -> Result<Vec<(ProfileName, Outcome)>, Ending> {
        let (unknown, known): (Vec<Edit>, Vec<Edit>) =
            edits.iter().cloned().partition(|edit| self.unknown.contains(edit.profile()));
        let file = self.file(store)?;
        let malformed = |malformed| Ending::failed(format!("edit {}: {malformed}", file.path.display()));
        let all = credentials_file::apply(&file.new, edits).map_err(malformed)?;
        file.new = credentials_file::apply(&file.new, &known).map_err(malformed)?.bytes;
        let path = file.path.display().to_string();
        self.lines.extend(unknown.iter().map(|edit| {
            let profile = edit.profile();
            format!("write [{profile}] in {path}: what its source gives, and until when, is known once it is resolved")
        }));
        Ok(edits.iter().map(|edit| edit.profile().clone()).zip(all.outcomes).collect())
    }

    fn file(&mut self, store: StoreKind) -> Result<&mut Rehearsed, Ending> {
        if let Some(at) = self.files.iter().position(|file| file.store == store) {
            return Ok(&mut self.files[at]);
        }
        let path = match store {
            StoreKind::Shared => self.setup.places().credentials().to_owned(),
            StoreKind::Private => self.setup.places().private_store(),
        };
        let found = resolve(&path).and_then(|resolved| snapshot::read(&resolved)).map_err(Ending::failed)?;
        self.files.push(Rehearsed { store, path, old: found.bytes.clone(), new: found.bytes });
        let last = self.files.len() - 1;
        Ok(&mut self.files[last])
    }
}

fn named(source: &Source) -> String {
    match source {
        Source::Listed(profile) => format!("the session of {profile}"),
        Source::Profile(name) => format!("the credentials of profile {name}"),
        Source::WebIdentity(path) => format!("the token in {path}"),
        Source::Provider(provider) => format!("the credentials of {}", provider.as_str()),
    }
}

fn described(call: &AssumeCall) -> String {
    let entry = &call.entry;
    let what = match (&entry.operation, &entry.source) {
        (Operation::AssumeRole(role), Source::WebIdentity(_)) => {
            format!("AssumeRoleWithWebIdentity {}", role.role_arn)
        }
        (Operation::AssumeRole(role), _) => format!("AssumeRole {}", role.role_arn),
        (Operation::GetSessionToken | Operation::Publish, _) => "GetSessionToken".to_owned(),
    };
    let (signed, place) = (named(&entry.source), Place::of(entry));
    format!("call {what} for {} s as {}, with {signed}, at {place}", call.duration.as_secs(), entry.profile)
}

fn made_up(sts_now: WallTime) -> SourceCredentials {
    let keys = Keys {
        access_key_id: "ASIADRYRUN".to_owned(),
        secret_access_key: Secret::new("dry-run"),
        session_token: Some(Secret::new("dry-run")),
    };
    SourceCredentials { keys, account_id: None, expiration: Some(sts_now + ONE_HOUR), login_ends: None, skew: None }
}

fn failure(call: &AssumeCall, fault: Fault) -> Event {
    let (profile, attempt) = (call.entry.profile.clone(), call.attempt);
    Event::AssumeFailed { profile, attempt, fault, skew: None, jitter: 0.0 }
}

fn answer(call: &AssumeCall, sts_now: WallTime) -> Event {
    let session_name = "dry-run".to_owned();
    let reply = Reply {
        keys: Some(made_up(sts_now).keys),
        expiration: Some(sts_now + call.duration),
        assumed_role_arn: call.entry.role_arn().map(|role| {
            let (partition, account, name) = (role.partition(), role.account(), role.role_name());
            format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}")
        }),
        session_name,
        skew: None,
        request_id: None,
    };
    Event::Assumed { profile: call.entry.profile.clone(), attempt: call.attempt, reply, jitter: 0.0 }
}
