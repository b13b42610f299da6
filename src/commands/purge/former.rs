//! The credentials files that evertoken kept fresh before: each has left a state folder. Tells those that are this
//! config's own from those that another config may still want; removes nothing.

use super::ground::{Ground, recorded};
use crate::engine::status::Status;
use crate::shell::environment::Environment;
use crate::shell::leftovers;
use crate::shell::locks::InstanceLock;
use crate::shell::places::Places;
use std::path::PathBuf;

/// A state folder of another credentials file than that of the config.
pub(super) enum Former {
    /// Nobody else's: the config named that file once, or the one that did is gone.
    Ours(Places),
    /// Perhaps somebody's: why, and what to do about it.
    Left {
        /// The state folder.
        folder: PathBuf,
        /// A fragment.
        why: String,
        /// The command.
        fix: String,
    },
}

/// All of them.
pub(super) fn find(ground: &Ground, environment: &Environment) -> Vec<Former> {
    leftovers::siblings(&ground.places).into_iter().map(|folder| judge(ground, environment, folder)).collect()
}

fn judge(ground: &Ground, environment: &Environment, folder: PathBuf) -> Former {
    let Some(Status { config, credentials_file, .. }) = recorded(&folder.join("status.json")) else {
        let fix = format!("if nothing else uses it: rm -r {}", folder.display());
        return Former::Left { folder, why: "the state of an unknown credentials file".to_owned(), fix };
    };
    let places = Places::find(environment, Some(&credentials_file), None).ok().filter(|found| found.state() == folder);
    let is_ours = ground.may_take(&config);
    match places {
        Some(places) if is_ours => match InstanceLock::holder(&places) {
            Ok(None) => Former::Ours(places),
            _ => {
                let fix = "stop the evertoken that keeps it fresh, and try again".to_owned();
                Former::Left { folder, why: format!("the state of {credentials_file}, which is kept fresh"), fix }
            }
        },
        // A link that led to another file then.
        None if is_ours => {
            let fix = format!("if nothing else uses it: rm -r {}", folder.display());
            Former::Left { folder, why: format!("the state of a file that {credentials_file} led to"), fix }
        }
        _ => {
            let why = format!("the state of {credentials_file}, which belongs to {config}");
            Former::Left { folder, why, fix: format!("evertoken --config {config} purge") }
        }
    }
}
