//! temp
use crate::engine::{
    config::model::Entry,
    failure::{Fault, ReplyFault},
    keeper::Reply,
    session::Session,
    time::WallTime,
};
use std::time::Duration;
/// temp
pub fn accept(reply: &Reply, entry: &Entry, _asked: Duration, now: WallTime) -> Result<Session, Fault> {
    let (Some(keys), Some(expiration)) = (reply.keys.clone(), reply.expiration) else {
        return Err(Fault::Reply(ReplyFault::Incomplete("x".into())));
    };
    if expiration <= now {
        return Err(Fault::Reply(ReplyFault::Past(expiration)));
    }
    Ok(Session {
        keys,
        account_id: None,
        issued: now.whole_seconds(),
        expiration: expiration.whole_seconds(),
        digest: entry.digest.clone(),
        allowed: None,
    })
}
