//! Entries without a role: what their source gives is the session that is kept.

use super::Keeper;
use super::clocks::was_issued;
use crate::engine::config::model::Entry;
use crate::engine::failure::{Class, Fault, SourceFault};
use crate::engine::schedule::FLOOR;
use crate::engine::session::{Session, SourceCredentials};
use crate::engine::time::WallTime;
use std::time::Duration;

/// A source that still hands out the session that we have is asked again after so long at the latest.
const LONGEST_CALM: Duration = Duration::from_secs(300);

impl Keeper {
    /// An entry without a role: what the source gave is the session.
    pub(super) fn publish(&mut self, index: usize, source: &SourceCredentials, now: WallTime) {
        let sts_now = self.sts_now(now);
        let begun = self.looked_at(index, now);
        let session = match session_of(source, &self.kept[index].entry, sts_now) {
            Ok(session) => session,
            Err(fault) => return self.fail(index, Fault::Source(fault), 1.0, begun, now),
        };
        let kept = &mut self.kept[index];
        kept.gate.tried(now);
        let no_worse = |ours: &&Session| ours.expiration > sts_now && ours.expiration >= session.expiration;
        let Some(ours) = kept.current().filter(no_worse).filter(|ours| was_issued(ours, sts_now)) else {
            return self.accept(index, session, now);
        };
        // The source hands out the session that we have, or one that ends before it: ask again when a quarter of what is
        // left has gone, or soon when something changed after it had been asked.
        let again = (ours.left(sts_now) / 4).clamp(FLOOR, LONGEST_CALM);
        let end = ours.expiration;
        kept.want = None;
        if kept.gate.trouble().is_some_and(|trouble| trouble.failure.class != Class::Store) {
            kept.gate.clear();
            self.news.recovered(&kept.entry, Some(end), now);
        }
        kept.gate.hold_until(now + again);
        if kept.gate.was_encouraged_since(begun) {
            kept.gate.ease(now);
        }
    }
}

/// What a source gave as a session, where it is one that can be kept, and written as every reader takes it.
fn session_of(source: &SourceCredentials, entry: &Entry, sts_now: WallTime) -> Result<Session, SourceFault> {
    let is_long_term = |id: &str| id.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("AKIA"));
    let expiration = source
        .expiration
        .filter(|_| source.keys.session_token.is_some() && !is_long_term(&source.keys.access_key_id))
        .ok_or(SourceFault::LongTerm)?
        .whole_seconds();
    if expiration <= sts_now {
        return Err(SourceFault::Ended { what: format!("the session that {} gives", entry.source), login: None });
    }
    let is_account = |id: &&String| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit());
    let session = Session {
        keys: source.keys.clone(),
        account_id: source.account_id.as_ref().filter(is_account).cloned(),
        issued: sts_now.whole_seconds(),
        expiration,
        digest: entry.digest.clone(),
        allowed: None,
    };
    // What is said to live longer than any session does is asked for anew in time.
    Ok(Session { expiration: expiration.min(session.latest_end()), ..session })
}
