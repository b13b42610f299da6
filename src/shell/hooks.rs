//! Runs the hooks of the config: one argv each, no shell, thirty seconds, and never in the way of a refresh.

use crate::engine::config::model::Hooks;
use crate::engine::keeper::{Notice, NoticeKind};
use crate::shell::child::{Child, run_with_followers};
use crate::shell::environment::{Environment, expand};
use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

/// A hook that takes longer is killed with its children.
const LIMIT: Duration = Duration::from_secs(30);
/// Hooks at once; the others wait for their turn.
const AT_ONCE: usize = 4;
/// The longest text that is handed to a hook, in characters.
const LONGEST: usize = 500;

/// The hooks of a config.
pub struct HookRunner {
    hooks: Hooks,
    environment: Arc<Environment>,
    turns: Arc<Semaphore>,
    limit: Duration,
    running: Mutex<Vec<AbortHandle>>,
}

impl HookRunner {
    /// `environment` is handed on to the hooks.
    pub fn new(hooks: Hooks, environment: Arc<Environment>) -> Self {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Self { hooks, environment, turns, limit: LIMIT, running: Mutex::default() }
    }

    /// Takes over the hooks of a new config.
    pub fn replace(&mut self, hooks: Hooks) {
        self.hooks = hooks;
    }

    /// Runs the hook for a notice, if there is one, and returns at once.
    pub fn run(&self, notice: &Notice, state: &str) {
        let (name, argv) = match notice.kind {
            NoticeKind::Refreshed => ("refreshed", &self.hooks.refreshed),
            NoticeKind::Failed => ("failed", &self.hooks.failed),
            NoticeKind::Recovered => ("recovered", &self.hooks.recovered),
            NoticeKind::Expiring => ("expiring", &self.hooks.expiring),
            NoticeKind::Kept | NoticeKind::Removed | NoticeKind::Remark => return,
        };
        let Some(argv) = argv else { return };
        let values = values(notice, state);
        let mut environment: Vec<(OsString, OsString)> = self.environment.variables();
        environment.extend(values.iter().map(|(key, value)| {
            (OsString::from(format!("EVERTOKEN_{}", key.to_ascii_uppercase())), OsString::from(value))
        }));
        let mut argv: Vec<String> = argv.iter().map(|word| filled(word, &values)).collect();
        if let Some(program) = argv.first_mut() {
            *program = expand(program, self.environment.home()).to_string_lossy().into_owned();
        }
        let child = Child { argv, environment, limit: self.limit };
        let turns = Arc::clone(&self.turns);
        let task = tokio::spawn(async move {
            let Ok(turn) = turns.acquire().await else { return };
            match run_with_followers(child).await {
                Ok((output, followers)) => {
                    // What it has left running must not keep others waiting.
                    drop(turn);
                    if output.is_success() {
                        tracing::debug!(hook = name, "hook done");
                    } else {
                        let said = output.first_complaint().unwrap_or_default();
                        tracing::warn!(hook = name, code = output.code, "hook failed: {said}");
                    }
                    followers.until_the_limit().await;
                }
                Err(error) => tracing::warn!(hook = name, "hook failed: {error}"),
            }
        });
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|hook| !hook.is_finished());
        running.push(task.abort_handle());
    }

    /// Kills the hooks that run, and lets none begin any more.
    pub fn stop(&self) {
        self.turns.close();
        self.running.lock().unwrap_or_else(PoisonError::into_inner).drain(..).for_each(|hook| hook.abort());
    }
}

fn values(notice: &Notice, state: &str) -> [(&'static str, String); 6] {
    let profiles: Vec<&str> = notice.profiles.iter().map(|profile| profile.as_str()).collect();
    let expiration = notice.expiration.map(|time| time.to_string()).unwrap_or_default();
    let fix = notice.failure.as_ref().and_then(|failure| failure.fix.clone()).unwrap_or_default();
    [
        ("profile", fit(&profiles.join(", "))),
        ("role_arn", fit(&notice.role_arn.clone().unwrap_or_default())),
        ("expiration", expiration),
        ("state", state.to_owned()),
        ("message", fit(&notice.message)),
        ("fix", fit(&fix)),
    ]
}

/// Without control characters, and not too long.
fn fit(text: &str) -> String {
    // Direction marks and the like turn what a person reads around.
    let is_unseen = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_unseen(c) { ' ' } else { c }).take(LONGEST).collect()
}

/// One argument with its placeholders filled in, in a single pass: what a server sent is never looked at again. It can
/// not become an option of the program.
fn filled(word: &str, values: &[(&'static str, String)]) -> String {
    let mut text = String::new();
    let mut rest = word;
    'next: while let Some(start) = rest.find('{') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        for (key, value) in values {
            if let Some(after) =
                rest.strip_prefix('{').and_then(|rest| rest.strip_prefix(key)).and_then(|rest| rest.strip_prefix('}'))
            {
                text.push_str(value);
                rest = after;
                continue 'next;
            }
        }
        text.push('{');
        rest = &rest[1..];
    }
    text.push_str(rest);
    if text.starts_with('-') && !word.starts_with('-') { format!(" {text}") } else { text }
}

#[cfg(test)]
mod tests;
