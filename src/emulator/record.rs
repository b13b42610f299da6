//! The record of what arrived and what became of it, bounded, so that a test can ask afterwards. It never holds more
//! than the newest requests.

use crate::emulator::fault::Fault;
use crate::engine::time::WallTime;
use std::collections::{BTreeMap, VecDeque};

/// A request that arrived, with the answer that it was given or shall be given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// The first one has 1.
    pub number: u64,
    /// When it had arrived wholly, in the emulator's time.
    pub at: WallTime,
    /// `Action`, empty when there was none.
    pub operation: String,
    /// All parameters, `Action` and `Version` included, lists as on the wire (`Tags.member.1.Key`).
    pub parameters: BTreeMap<String, String>,
    /// The key that signed it, or claims to have.
    pub access_key_id: Option<String>,
    /// The region of the credential scope.
    pub region: Option<String>,
    /// The service of the credential scope.
    pub service: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// The request id of the answer.
    pub request_id: String,
    /// The fault that befell it.
    pub fault: Option<Fault>,
    /// What became of it.
    pub outcome: Outcome,
}

impl Recorded {
    /// A parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

/// What became of a request. A fault may still spoil the answer on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// A session was issued.
    Granted {
        /// Its access key id.
        access_key_id: String,
        /// Its true end, in the emulator's time.
        expiration: WallTime,
    },
    /// GetCallerIdentity was answered.
    Identified,
    /// It was refused, by STS's own rules or by a fault.
    Refused {
        /// HTTP status.
        status: u16,
        /// The code.
        code: String,
    },
    /// A fault came in before STS looked at it.
    Lost,
}

/// The newest requests.
#[derive(Debug)]
pub(super) struct Record {
    newest: VecDeque<Recorded>,
    capacity: usize,
    count: u64,
}

impl Record {
    pub(super) fn new(capacity: usize) -> Self {
        Self { newest: VecDeque::new(), capacity: capacity.max(1), count: 0 }
    }

    pub(super) fn add(&mut self, recorded: Recorded) {
        self.count += 1;
        if self.newest.len() == self.capacity {
            self.newest.pop_front();
        }
        self.newest.push_back(Recorded { number: self.count, ..recorded });
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Oldest first.
    pub(super) fn as_slice(&mut self) -> &[Recorded] {
        self.newest.make_contiguous()
    }
}
