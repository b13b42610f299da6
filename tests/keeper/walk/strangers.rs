//! Other programs that write the credentials files, and know nothing of evertoken.

use crate::world::{World, profile};
use evertoken::engine::credentials_file::{Observation, Reason};
use evertoken::engine::secret::Secret;
use evertoken::engine::session::{Keys, Session, SettingsDigest};
use evertoken::engine::time::WallTime;
use std::time::Duration;

/// What a stranger does to a section.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blow {
    /// The section goes.
    Remove,
    /// Our keys go out of it.
    Strip,
    /// Half of it goes.
    Damage,
    /// The end of our session is set to another time.
    OtherEnd,
    /// The time at which our session was issued is set to one that is still to come.
    Issued,
    /// What stood there before is written back.
    WriteBack,
    /// Another evertoken that has other settings for the profile.
    OtherSettings,
    /// A newer evertoken.
    NewerFormat,
    /// Temporary keys of another tool.
    Temporary,
    /// The long-term keys of somebody.
    LongTerm,
}

impl Blow {
    pub fn draw(mut below: impl FnMut(u64) -> u64) -> Self {
        let all = [
            Self::Remove,
            Self::Strip,
            Self::Damage,
            Self::OtherEnd,
            Self::Issued,
            Self::WriteBack,
            Self::OtherSettings,
            Self::NewerFormat,
            Self::Temporary,
            Self::LongTerm,
        ];
        all[below(all.len() as u64) as usize]
    }

    /// What stands in the section afterwards; `None` when nothing does.
    fn leaves(self, world: &World, name: &str) -> Option<Observation> {
        let reason = |text: &str| Reason { line: Some(7), text: text.to_owned() };
        let there = world.read(name);
        let ours = |session: Session| Observation::Ours(Box::new(session));
        match self {
            Self::Remove => None,
            Self::Strip => Some(Observation::Fillable),
            Self::Damage => Some(Observation::Damaged),
            Self::OtherEnd => {
                let there = there?;
                let end = there.expiration + Duration::from_secs(7200);
                Some(ours(Session { expiration: end, ..there.clone() }))
            }
            Self::Issued => {
                let there = there?;
                Some(ours(Session { issued: there.expiration - Duration::from_secs(1), ..there.clone() }))
            }
            Self::WriteBack => world.written.get(name)?.front().cloned().map(ours),
            Self::OtherSettings => Some(ours(strange(world.now, SettingsDigest::parse("ff").expect("hex")))),
            Self::NewerFormat => Some(Observation::NewerFormat),
            Self::Temporary => Some(Observation::Foreign(reason("aws_session_token that evertoken did not write"))),
            Self::LongTerm => Some(Observation::Untouchable(reason("long-term keys"))),
        }
    }

    pub fn strike(self, world: &mut World, name: &str) {
        let store = world.config.entry(name).expect("a listed profile").store as usize;
        match self.leaves(world, name) {
            Some(found) => world.files[store].insert(profile(name), found),
            None => world.files[store].remove(name),
        };
    }
}

/// A session that somebody else has put there.
pub fn strange(now: WallTime, digest: SettingsDigest) -> Session {
    Session {
        keys: Keys {
            access_key_id: format!("ASIASTRANGER{}", now.unix_millis()),
            secret_access_key: Secret::new("secret"),
            session_token: Some(Secret::new("token")),
        },
        account_id: None,
        issued: now.whole_seconds(),
        expiration: (now + Duration::from_secs(3600)).whole_seconds(),
        digest,
        allowed: None,
    }
}

/// Whether the section is somebody else's, and not to be touched.
pub fn is_theirs(world: &World, name: &str) -> bool {
    world.files.iter().any(|file| file.get(name).is_some_and(is_strange))
}

pub fn is_strange(found: &Observation) -> bool {
    matches!(found, Observation::NewerFormat | Observation::Foreign(_) | Observation::Untouchable(_))
}

/// Whether nothing of somebody else's stands in the way of a profile, or of what signs for it.
pub fn is_in_our_hands(world: &World, name: &str) -> bool {
    let entry = world.config.entry(name).expect("a listed profile");
    !is_theirs(world, name) && entry.parent().is_none_or(|parent| is_in_our_hands(world, parent.as_str()))
}

/// Every stranger takes away what was put in our place.
pub fn leave(world: &mut World) {
    for file in &mut world.files {
        file.retain(|_, found| !is_strange(found));
    }
}
