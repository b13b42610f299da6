//! The sign-ins in a browser: which of them are over, and the AWS CLI's own command for each. Never opens a browser itself.

use crate::commands::ending::Ending;
use crate::commands::output::Output;
use crate::commands::setup::Setup;
use crate::daemon::station::Station;
use crate::engine::aws_config::AwsConfig;
use crate::engine::aws_config::chain::{Base, Chain};
use crate::engine::config::model::{Entry, Source};
use crate::engine::failure::{Class, Context, Fault, SourceFault, classify};
use crate::engine::invocation::quoted;
use crate::engine::place::Place;
use crate::shell::foreground;
use crate::shell::known_skew::recall;
use crate::shell::signals::until_interrupted;
use crate::shell::sources::Clocks;
use std::io::{ErrorKind, Write};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct SignedIn {
    /// A sign-in was over, and is not any more.
    pub(super) did_something: bool,
    /// One of them is still over, or nobody knows.
    pub(super) failed: bool,
}

/// One sign-in, on which many profiles may stand.
struct SignIn<'a> {
    /// A noun for the person, unlike that of any other.
    what: String,
    /// A profile that shows whether it is over.
    profile: String,
    /// The arguments of `aws`.
    arguments: Vec<String>,
    /// The first entry that needs it.
    entry: &'a Entry,
}

/// Looks at every sign-in that the entries stand on, and runs the command for those that are over.
pub(super) fn run<W: Write>(
    setup: &Setup,
    entries: &[Arc<Entry>],
    runtime: &Runtime,
    station: &Station,
    output: &mut Output<W>,
) -> Result<SignedIn, Ending> {
    let mut signed_in = SignedIn::default();
    let skew = recall(setup.places()).skew;
    for sign_in in sign_ins(entries, &setup.aws()) {
        let what = &sign_in.what;
        let sources = &station.tools().sources;
        let source = Source::Profile(sign_in.profile.clone());
        let region = Place::of(sign_in.entry).region;
        let look = || {
            let resolved = sources.resolve(&source, &region, Clocks::now(skew));
            runtime.block_on(until_interrupted(resolved)).map(Result::err)
        };
        let Some(fault) = look()? else { continue };
        if !is_over(&fault) {
            let failure = classify(&fault, &Context::of_source(sign_in.entry));
            // A role that is not given out is another matter than a sign-in that is over.
            if failure.class != Class::Refused {
                signed_in.failed = true;
                output.text(&format!("{what}: {}\n", failure.message))?;
            }
            continue;
        }
        let words: Vec<String> = sign_in.arguments.iter().map(|word| quoted(word)).collect();
        let command = format!("aws {}", words.join(" "));
        output.text(&format!("{what} is over: {command}\n"))?;
        match foreground::run("aws", &sign_in.arguments, sources.for_a_child()) {
            // What hinders us just now is no sign that it is still over.
            Ok(status) if status.success() && !look()?.is_some_and(|fault| is_over(&fault)) => {
                signed_in.did_something = true;
            }
            Ok(status) if status.success() => {
                signed_in.failed = true;
                output.text(&format!(
                    "{what} is still over: `{command}` ended well, but left no token that can be used\n"
                ))?;
            }
            Ok(status) => {
                signed_in.failed = true;
                output.text(&format!("{what} is still over: `{command}` ended with {status}\n"))?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                signed_in.failed = true;
                output.text(&format!("{what} is still over: the AWS CLI is not installed, or not in PATH\n"))?;
            }
            Err(error) => {
                signed_in.failed = true;
                output.text(&format!("{what} is still over: aws cannot be started: {error}\n"))?;
            }
        }
    }
    Ok(signed_in)
}

fn is_over(fault: &Fault) -> bool {
    matches!(fault, Fault::Source(SourceFault::Ended { login: Some(_), .. }))
}

/// Each once, in the order of the config.
fn sign_ins<'a>(entries: &'a [Arc<Entry>], aws: &AwsConfig) -> Vec<SignIn<'a>> {
    let mut found: Vec<SignIn<'a>> = Vec::new();
    for entry in entries {
        let Source::Profile(profile) = &entry.source else { continue };
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        // What is wrong with a chain is told by `check` and `status`.
        let (what, profile, arguments) = match Chain::of(aws, profile).map(|chain| chain.base) {
            Ok(Base::Sso(sso)) => match &sso.session {
                Some(session) => (
                    format!("SSO session {session:?}"),
                    sso.profile.clone(),
                    words(&["sso", "login", "--sso-session", session]),
                ),
                None => (
                    format!("the SSO sign-in at {}", sso.start_url),
                    sso.profile.clone(),
                    words(&["sso", "login", "--profile", &sso.profile]),
                ),
            },
            Ok(Base::Login { profile, session, .. }) => {
                let arguments = words(&["login", "--profile", &profile]);
                (format!("the sign-in as {session}"), profile, arguments)
            }
            Ok(Base::Static { .. } | Base::Process { .. } | Base::WebIdentity { .. } | Base::Provider(_)) | Err(_) => {
                continue;
            }
        };
        if !found.iter().any(|known| known.what == what) {
            found.push(SignIn { what, profile, arguments, entry });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::sign_ins;
    use crate::engine::aws_config::AwsConfig;
    use crate::engine::config::parse;

    #[test]
    fn many_profiles_on_one_sso_session_need_one_login() {
        let aws = AwsConfig::parse(
            "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n\
             [profile a]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev\n\
             [profile b]\nsso_session = corp\nsso_account_id = 444455556666\nsso_role_name = Dev\n\
             [profile old]\nsso_start_url = https://old.awsapps.com/start\nsso_region = us-east-1\n\
             sso_account_id = 444455556666\nsso_role_name = Dev\n\
             [profile console]\nlogin_session = arn:aws:iam::111122223333:user/me\nregion = eu-west-1\n\
             [profile keys]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n",
            "",
        );
        let config: String = ["a", "b", "old", "console", "keys", "missing"]
            .map(|source| {
                format!(
                    "[[role]]\nprofile = \"{source}-x\"\nsource_profile = \"{source}\"\n\
                     role_arn = \"arn:aws:iam::111122223333:role/Developer\"\n"
                )
            })
            .concat();
        let entries = parse(&config).expect("a config").config.entries;
        let found: Vec<String> = sign_ins(&entries, &aws).into_iter().map(|found| found.arguments.join(" ")).collect();
        let expected = ["sso login --sso-session corp", "sso login --profile old", "login --profile console"];
        assert_eq!(found, expected);
    }
}
