//! Gathers the picture that `engine::doctor` judges: files, variables, sign-ins, the platform, and what STS says. The one
//! place of the program that asks STS where the *tools* would ask it: `AWS_ENDPOINT_URL` and the network settings of the
//! shell count here, and nowhere else. Every question is bounded in time; nothing is changed, but that a sign-in which
//! can be renewed is renewed, as by any AWS tool.

mod copies;
mod files;
mod git;
mod instance;
mod keeping;
mod platform;
mod tokens;
mod tools;

pub use files::narrow;
pub use keeping::{Own, gather as keeping};

use crate::engine::aws_config::chain::{Base as ChainBase, Chain};
use crate::engine::aws_config::{AwsConfig, AwsFile, Section, StaticKeys, noted_end, services_endpoint, static_keys};
use crate::engine::doctor::picture::{
    Answer, By, Endpoint, Exported, Keeping, KeyFacts, Nameless, Picture, Selected, Unusable,
};
use crate::engine::doctor::{Base, End, base_of, may_be_instance, short_id};
use crate::engine::proxy::PROXY;
use crate::engine::time::WallTime;
use crate::engine::url::without_login;
use crate::shell::clock;
use crate::shell::environment::Environment;
use crate::shell::http::HttpError;
use crate::shell::places::Places;
use crate::shell::sources::missing_program;
use files::Look;
use std::sync::Arc;
use tools::Tools;

/// Whether anybody may be asked over the network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Network {
    /// Yes.
    Ask,
    /// `--offline`.
    Offline,
}

/// Which profile is meant: the one that was named, else the one that a variable names, else `default`.
pub fn selected(environment: &Environment, named: Option<&str>) -> Selected {
    let variables = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
    let of_variable = || variables.iter().find_map(|name| Some((environment.text(name)?, By::Variable(name))));
    let (name, by) = match named {
        Some(name) => (name, By::Argument),
        None => of_variable().unwrap_or(("default", By::Nobody)),
    };
    Selected { name: name.to_owned(), by }
}

/// Gathers everything. `places` are those of the tools: by the variables of the shell, not by evertoken's config. Whatever
/// cannot be read or used is part of the picture, and stops nothing.
pub async fn gather(
    environment: &Arc<Environment>,
    places: &Places,
    selected: Selected,
    keeping: Keeping,
    network: Network,
) -> Picture {
    let mut config = files::look(places.aws_config(), AwsFile::Config, environment);
    let mut credentials = files::look(places.credentials(), AwsFile::Credentials, environment);
    let aws = AwsConfig::merged(&config.content, &credentials.content);
    let now = clock::now();
    let name = selected.name.clone();
    let mut picture = Picture {
        now,
        offline: network == Network::Offline,
        selected,
        exported: exported(environment),
        config: std::mem::take(&mut config.content),
        credentials: std::mem::take(&mut credentials.content),
        aws,
        keys_in_config: KeyFacts::default(),
        keys_in_credentials: KeyFacts::default(),
        answer: Answer::NotAsked,
        endpoint: None,
        unusable: None,
        sign_ins: std::collections::BTreeMap::new(),
        tokens: std::collections::BTreeMap::new(),
        missing_program: None,
        platform: platform::look(environment),
        keeping,
        config_file: config.facts.clone(),
        credentials_file: credentials.facts.clone(),
    };
    let keys = Keys::of(&config, &credentials, &name);
    picture.keys_in_config = facts(&keys.in_config, picture.config.profiles.get(&name), &name);
    picture.keys_in_credentials = facts(&keys.in_credentials, picture.credentials.profiles.get(&name), &name);
    let endpoint = endpoint(environment, &picture.aws, &config.text, &name);
    picture.endpoint =
        endpoint.as_ref().map(|(url, variable)| Endpoint { url: without_login(url), variable: *variable });
    let base = base_of(picture.own_config(), &picture.aws, &name);
    (picture.sign_ins, picture.tokens) =
        tokens::look(&base, picture.exported.web_identity.as_deref(), environment, now).await;
    picture.missing_program = missing_program_of(&base, environment);
    let tools = match Tools::new(environment, places, &picture, endpoint.map(|(url, _)| url)) {
        Ok(tools) => tools,
        Err(error) => {
            picture.unusable = Some(unusable(&error, environment, &picture));
            return picture;
        }
    };
    if network == Network::Ask {
        if platform::is_like_ec2(environment) || may_be_instance(&picture) {
            picture.platform.instance =
                instance::ask(tools.http(), environment, &picture.aws, picture.platform.instance).await;
        }
        let (answer, of_exported) = tokio::join!(tools.ask(&picture, &keys), tools.ask_for_exported(environment));
        picture.answer = answer;
        picture.exported.answer = of_exported;
        picture.now = clock::now();
    }
    picture
}

/// The program of the `credential_process` at the end, where it is not there.
fn missing_program_of(base: &Base, environment: &Environment) -> Option<String> {
    match &base.end {
        End::Chain(Chain { base: ChainBase::Process { command, .. }, .. }) => missing_program(command, environment),
        End::Chain(_) | End::Token(_) | End::Provider(_) | End::Fault(_) => None,
    }
}

fn unusable(error: &HttpError, environment: &Environment, picture: &Picture) -> Unusable {
    let (what, variables) = match error {
        HttpError::Proxy => ("the proxy of this shell is no URL: write it as http://host:port".to_owned(), &PROXY[..]),
        HttpError::Trust(error) => (format!("failed to {error}"), &["AWS_CA_BUNDLE"][..]),
    };
    let fix = match variables.iter().find(|name| environment.get(name).is_some()) {
        Some(name) => format!("unset {name}"),
        None => format!("correct ca_bundle of {} in {}", picture.profile(), picture.config_file.path),
    };
    Unusable { what, fix }
}

/// The keys of the profile, secrets and all, for the one question to STS.
struct Keys {
    in_config: StaticKeys,
    in_credentials: StaticKeys,
}

impl Keys {
    fn of(config: &Look, credentials: &Look, profile: &str) -> Self {
        Self {
            in_config: static_keys(&config.text, "", profile),
            in_credentials: static_keys("", &credentials.text, profile),
        }
    }
}

fn facts(keys: &StaticKeys, section: Option<&Section>, profile: &str) -> KeyFacts {
    let empty = Section::new();
    let section = section.unwrap_or(&empty);
    let value = |key: &str| section.get(key).filter(|value| !value.is_empty());
    let id = match keys {
        StaticKeys::Whole(found) => Some(found.keys.access_key_id.clone()),
        StaticKeys::Half(_) | StaticKeys::None => value("aws_access_key_id").cloned(),
    };
    let mark = value("x_evertoken");
    let fields: Vec<&str> = mark.map(|mark| mark.split_ascii_whitespace().collect()).unwrap_or_default();
    let of_mark = |key: &str| fields.iter().find_map(|field| field.strip_prefix(key));
    KeyFacts {
        long_term_id: id.as_deref().is_some_and(|id| id.starts_with("AKIA")),
        id: id.as_deref().map(short_id),
        secret: value("aws_secret_access_key").is_some(),
        token: value("aws_session_token").or_else(|| value("aws_security_token")).is_some(),
        ends: noted_end(section),
        made: of_mark("issued=").and_then(|issued| WallTime::parse(issued).ok()),
        ours: of_mark("profile=") == Some(profile),
    }
}

fn exported(environment: &Environment) -> Exported {
    let text = |name: &str| environment.text(name).map(str::to_owned);
    let id = environment.text("AWS_ACCESS_KEY_ID");
    let end = environment.text("AWS_CREDENTIAL_EXPIRATION").and_then(|end| WallTime::parse(end).ok());
    Exported {
        keys: KeyFacts {
            id: id.map(short_id),
            long_term_id: id.is_some_and(|id| id.starts_with("AKIA")),
            secret: environment.get("AWS_SECRET_ACCESS_KEY").is_some(),
            token: environment.get("AWS_SESSION_TOKEN").is_some(),
            ends: end,
            made: None,
            ours: false,
        },
        answer: Answer::NotAsked,
        profile: text("AWS_PROFILE"),
        default_profile: text("AWS_DEFAULT_PROFILE"),
        nameless: nameless(environment),
        web_identity: text("AWS_WEB_IDENTITY_TOKEN_FILE").filter(|_| environment.get("AWS_ROLE_ARN").is_some()),
    }
}

/// The variables that are set to what names nothing: not every tool takes them for unset.
fn nameless(environment: &Environment) -> Vec<(&'static str, Nameless)> {
    let variables = ["AWS_DEFAULT_PROFILE", "AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"];
    let look = |name: &'static str| {
        let (_, value) = environment.all().find(|(found, _)| *found == name)?;
        match value.to_str() {
            Some("") => Some((name, Nameless::Empty)),
            // A file may have such a name.
            None if name.ends_with("PROFILE") => Some((name, Nameless::NoText)),
            Some(_) | None => None,
        }
    };
    variables.into_iter().filter_map(look).collect()
}

/// The endpoint that tools would call STS at, and the variable that names it, in the order of the SDKs (AWS SDK reference,
/// "Service-specific endpoints"). The URL as it is: it may hold a password.
fn endpoint(
    environment: &Environment,
    aws: &AwsConfig,
    config: &str,
    profile: &str,
) -> Option<(String, Option<&'static str>)> {
    let section = aws.profiles.get(profile);
    let of_profile = |key: &str| section?.get(key).map(String::as_str).filter(|value| !value.is_empty());
    let ignored = environment.text("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    let ignored = ignored.or_else(|| of_profile("ignore_configured_endpoint_urls"));
    if ignored.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return None;
    }
    let variables = ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"];
    let of_variable = variables.iter().find_map(|name| Some((environment.text(name)?.to_owned(), Some(*name))));
    let of_service = || services_endpoint(config, of_profile("services")?, "sts");
    let of_config = || of_service().or_else(|| of_profile("endpoint_url").map(str::to_owned)).map(|url| (url, None));
    of_variable.or_else(of_config)
}
