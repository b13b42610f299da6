//! Before all else: whether the variables that name the two files lead to any. Where they do not, whatever else is missing
//! is missing because of it.

use super::finding::{Cause, Finding, Mend};
use super::pick::{Origin, origin};
use super::picture::{By, FileFacts, FileState, Nameless, Picture};
use super::selection::exists;
use crate::engine::aws_config::{AwsConfig, AwsFile};
use crate::engine::config::model::StoreKind;

pub(super) fn findings(picture: &Picture) -> Vec<Finding> {
    let files = [(AwsFile::Config, &picture.config_file), (AwsFile::Credentials, &picture.credentials_file)];
    let named = files.into_iter().filter_map(|(which, file)| finding(which, file, picture));
    named.chain(picture.exported.nameless.iter().filter_map(|(name, set)| nameless(name, *set, picture))).collect()
}

/// A variable that is set to what names nothing. botocore 1.43 takes it for the name all the same.
fn nameless(variable: &str, set: Nameless, picture: &Picture) -> Option<Finding> {
    let what = match set {
        Nameless::Empty => format!("{variable} is set and empty"),
        Nameless::NoText => format!("{variable} is set to what is no UTF-8 text"),
    };
    let (profile, exported) = (picture.profile(), &picture.exported);
    let has = |content: &AwsConfig| content.profiles.contains_key(profile);
    let (cause, is_fault, looked_for) = match variable {
        // The first of the two that is set counts, and neither beside `--profile`.
        "AWS_PROFILE" | "AWS_DEFAULT_PROFILE" => {
            let names_first = |name: &&(&str, Nameless)| name.0 == "AWS_DEFAULT_PROFILE";
            let is_passed_by = variable == "AWS_PROFILE"
                && (exported.default_profile.is_some() || exported.nameless.iter().any(|name| names_first(&name)));
            if is_passed_by {
                return None;
            }
            (Cause::MissingProfile, picture.selected.by != By::Argument, "look for a profile of that name")
        }
        "AWS_CONFIG_FILE" => {
            let only_there = has(&picture.config) && !has(&picture.credentials);
            (Cause::FileNotThere, only_there, "look for a file of that name instead of ~/.aws/config")
        }
        _ => {
            let keys_there = origin(picture) == Origin::CredentialsKeys;
            (Cause::FileNotThere, keys_there, "look for a file of that name instead of ~/.aws/credentials")
        }
    };
    let finding = if is_fault { Finding::fault } else { Finding::warning };
    let why = format!("the AWS CLI and boto3 {looked_for}, and find none; other SDKs take it for not set");
    Some(finding(cause, what).why(why).fix(format!("unset {variable}")))
}

/// Whether the file is not there although a variable says so.
pub(super) fn leads_nowhere(file: &FileFacts) -> bool {
    file.named.is_some() && file.state == FileState::Missing
}

fn finding(which: AwsFile, file: &FileFacts, picture: &Picture) -> Option<Finding> {
    let named = file.named.as_ref()?;
    let (variable, path) = (named.variable, &file.path);
    if leads_nowhere(file) {
        return nowhere(which, variable, file, picture);
    }
    let below = named.below_home.as_ref().filter(|_| file.state != FileState::Homeless)?;
    // aws/aws-sdk-go-v2#3330; botocore and the SDKs for Java, JavaScript and Rust put the home in its place themselves.
    let what = format!("{variable} begins with ~, which no shell has put the home in place of");
    let why = format!("the SDK for Go does not do it either, and reads nothing; other tools read {path}");
    let finding = Finding::warning(Cause::FileNotThere, what).why(why);
    Some(finding.fix(format!("export {variable}=\"$HOME/{below}\"")))
}

fn nowhere(which: AwsFile, variable: &str, file: &FileFacts, picture: &Picture) -> Option<Finding> {
    let to_be_written = which == AwsFile::Credentials
        && picture.kept_elsewhere().is_none()
        && picture.entry().is_some_and(|entry| entry.store == StoreKind::Shared);
    let running = picture.keeping.status.as_ref().is_some_and(|status| status.daemon.running);
    if to_be_written && running {
        // It is that daemon's to make it, and `selection` says that it has not yet.
        return None;
    }
    let finding = if exists(picture) { Finding::warning } else { Finding::fault };
    let usual = match which {
        AwsFile::Config => "~/.aws/config",
        AwsFile::Credentials => "~/.aws/credentials",
    };
    let finding = finding(Cause::FileNotThere, format!("{variable} points to {}, which does not exist", file.path))
        .why(format!("every AWS program that is started here looks there instead of in {usual}"))
        .fix(format!("unset {variable}"));
    let name = picture.profile();
    Some(if to_be_written {
        finding.fix(format!("evertoken refresh {name}")).mend(Mend::Refresh(name.to_owned()))
    } else {
        finding
    })
}
