//! Entries without a role: what their source gives is the session that is kept.

use super::Keeper;
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
        let kept = &self.kept[index];
        let Some(expiration) = source.expiration.filter(|_| source.keys.session_token.is_some()) else {
            return self.fail(index, Fault::Source(SourceFault::LongTerm), 1.0, now);
        };
        if expiration <= sts_now {
            let what = format!("the session that {} gives", kept.entry.source);
            return self.fail(index, Fault::Source(SourceFault::Ended { what, login: None }), 1.0, now);
        }
        let no_worse =
            |session: &&Session| session.expiration > sts_now && session.expiration >= expiration.whole_seconds();
        if let Some(session) = kept.current().filter(no_worse) {
            // The source hands out the session that we have, or one that ends before it: ask again when a quarter of
            // what is left has gone.
            let again = (session.left(sts_now) / 4).clamp(FLOOR, LONGEST_CALM);
            let end = session.expiration;
            let kept = &mut self.kept[index];
            kept.want = None;
            if kept.gate.trouble().is_some_and(|trouble| trouble.failure.class != Class::Store) {
                kept.gate.clear();
                self.news.recovered(&kept.entry, Some(end), now);
            }
            kept.gate.tried(now);
            kept.gate.hold_until(now + again);
            return;
        }
        let session = Session {
            keys: source.keys.clone(),
            account_id: source.account_id.clone(),
            issued: sts_now.whole_seconds(),
            expiration: expiration.whole_seconds(),
            digest: kept.entry.digest.clone(),
            allowed: None,
        };
        self.kept[index].gate.tried(now);
        self.accept(index, session, now);
    }
}
