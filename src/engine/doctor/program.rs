//! The last step: when nothing is wrong on this machine, it is the program, which read the file once and goes on with an
//! old token. Says how it would renew by itself.

use super::finding::{Cause, Finding, Mark};
use super::pick::{Origin, origin};
use super::picture::Picture;
use super::selection::process_lines;
use crate::engine::config::aws_profile::asks_evertoken;
use crate::engine::config::model::StoreKind;

pub(super) fn finding(picture: &Picture, others: &[Finding]) -> Option<Finding> {
    if others.iter().any(|other| other.mark == Mark::Fault) {
        return None;
    }
    let name = picture.profile();
    let reads_once = matches!(origin(picture), Origin::CredentialsKeys | Origin::ConfigKeys);
    let temporary = picture.keys_in_credentials.temporary() || picture.keys_in_config.temporary();
    if !reads_once || !temporary {
        let asks = picture.aws.profiles.get(name).is_some_and(|section| asks_evertoken(section).is_some());
        return asks.then(|| {
            Finding::ok(
                Cause::ProgramHoldsOldToken,
                "programs ask evertoken again as the end comes near (credential_process)",
            )
        });
    }
    let what = "a program that was started earlier and still says ExpiredToken holds an old token: start it again";
    let finding = Finding::ok(Cause::ProgramHoldsOldToken, what);
    let path = &picture.config_file.path;
    Some(match picture.entry() {
        None => finding.why("SDKs read the credentials file once per process, and never again"),
        Some(entry) => {
            let why = "SDKs read the credentials file once per process, and ask a credential_process again and again";
            let finding = finding.why(why);
            match entry.store {
                StoreKind::Private => {
                    finding.fix(format!("write these lines into {path}")).lines(process_lines(picture, name))
                }
                // Keys of the same name in the credentials file would go before it.
                StoreKind::Shared => {
                    let second = format!("{name}-live");
                    let fix = format!("write these lines into {path}, and start it with AWS_PROFILE={second}");
                    finding.fix(fix).lines(process_lines(picture, &second))
                }
            }
        }
    })
}
