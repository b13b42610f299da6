//! An STS on loopback, so that the demo and the tests need no AWS account and can see every failure happen. Nothing
//! else uses it, and it never talks to AWS.
//!
//! It believes nobody: keys, session tokens, signatures, ages and parameters are checked as AWS checks them, and refused
//! in its words.

mod clock;
mod directory;
mod fault;
mod operations;
mod parameters;
mod record;
mod refusal;
mod reply;
mod request;
mod server;
mod signature;
mod world;

pub use directory::{IssuedSession, LongTermKey, MOST_SESSIONS, SessionKind};
pub use fault::{Expiration, Fault, Field, Operation, Rule};
pub use record::{Outcome, Recorded};
pub use server::Outage;

use crate::engine::secret::Secret;
use crate::engine::time::{Skew, WallTime};
use clock::Clock;
use directory::{Directory, Role, WebIdentity};
use record::Record;
use refusal::Refusal;
use server::{Order, Shared};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc as orders, watch};
use world::World;

/// How an emulator starts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The long-term keys that it accepts; more can be added later.
    pub keys: Vec<LongTermKey>,
    /// The life of every session, whatever was asked for; `None` grants what was asked for.
    pub life: Option<Duration>,
    /// The length of a session token in characters (AWS warns of up to 4096, and does not promise that).
    pub token_length: usize,
    /// The code for a signature that is more than five minutes too old or too new: `SignatureDoesNotMatch`, as STS does
    /// it, or `RequestExpired`, `RequestTimeTooSkewed`, `InvalidSignatureException` as other services do.
    pub stale_code: String,
    /// How many requests are remembered.
    pub record: usize,
}

impl Default for Settings {
    /// Accepts [`LongTermKey::example`] and grants what is asked for.
    fn default() -> Self {
        Self {
            keys: vec![LongTermKey::example()],
            life: None,
            token_length: 356,
            stale_code: "SignatureDoesNotMatch".to_owned(),
            record: 10_000,
        }
    }
}

impl LongTermKey {
    /// The key of the AWS documentation, of a user in account 111122223333.
    pub fn example() -> Self {
        Self {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            account: "111122223333".to_owned(),
            arn: "arn:aws:iam::111122223333:user/base".to_owned(),
        }
    }
}

/// A running emulator. It stops, and its connections end, when this is dropped.
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    orders: orders::UnboundedSender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Starts one on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no thread, runtime or port can be had.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let mut directory = Directory::default();
        settings.keys.into_iter().for_each(|key| directory.add_key(key));
        let world = World {
            directory,
            rules: Vec::new(),
            record: Record::new(settings.record),
            life: settings.life,
            token_length: settings.token_length,
            stale_code: settings.stale_code,
            in_flight: 0,
            most_in_flight: 0,
        };
        let shared = Arc::new(Shared {
            clock: Clock::default(),
            world: Mutex::new(world),
            arrived: Condvar::new(),
            count: watch::Sender::new(0),
            gate: watch::Sender::new(0),
        });
        let (orders, received) = orders::unbounded_channel();
        let (ready, listening) = mpsc::channel();
        let server = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("sts-emulator".to_owned())
            .spawn(move || server::run(&server, received, &ready))?;
        let address = listening.recv().map_err(|_| stopped())??;
        Ok(Self { address, shared, orders, thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The emulator's own idea of now.
    pub fn now(&self) -> WallTime {
        self.shared.clock.now()
    }

    /// Sets the emulator's clock `seconds` ahead of this machine's (negative: behind): its `Date`, the age of
    /// signatures and every Expiration follow.
    pub fn set_skew(&self, seconds: i64) {
        self.shared.clock.set_ahead(Skew::from_millis(seconds.saturating_mul(1000)));
    }

    /// Grants this life to every session from now on, whatever is asked for; `None` grants what is asked for.
    pub fn set_life(&self, life: impl Into<Option<Duration>>) {
        self.shared.world().life = life.into();
    }

    /// Accepts another long-term key.
    pub fn add_key(&self, access_key_id: &str, secret_access_key: &str, account: &str, arn: &str) {
        self.shared.world().directory.add_key(LongTermKey {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: Secret::new(secret_access_key),
            account: account.to_owned(),
            arn: arn.to_owned(),
        });
    }

    /// Accepts this web identity token for so long from now.
    pub fn add_web_identity(&self, token: &str, subject: &str, life: Duration) {
        let identity = WebIdentity { subject: subject.to_owned(), expiration: self.now() + life };
        self.shared.world().directory.add_web_identity(token, identity);
    }

    /// Adds an MFA device, whose codes are good when `check` says so, and only once.
    pub fn add_mfa_device(&self, serial: &str, check: impl Fn(&str) -> bool + Send + 'static) {
        self.shared.world().directory.add_device(serial, Box::new(check));
    }

    /// Refuses this role with a code and a message of AWS (403 when the code is not a known one).
    pub fn deny_role(&self, role_arn: &str, code: &str, message: &str) {
        let known = Fault::codes().any(|have| have == code);
        let status = if known { Refusal::of(code).status } else { 403 };
        self.with_role(role_arn, |role| role.denial = Some(Refusal::new(status, code, message)));
    }

    /// Takes back everything that was said about this role: every known key may assume it for up to 12 hours.
    pub fn allow_role(&self, role_arn: &str) {
        self.shared.world().directory.roles.remove(role_arn);
    }

    /// The role's MaxSessionDuration. A longer DurationSeconds is an error, it is not cut.
    pub fn max_session(&self, role_arn: &str, longest: Duration) {
        self.with_role(role_arn, |role| role.max_session = Some(longest));
    }

    /// The role is assumed with this ExternalId only.
    pub fn require_external_id(&self, role_arn: &str, external_id: &str) {
        self.with_role(role_arn, |role| role.external_id = Some(external_id.to_owned()));
    }

    /// The role is assumed with an MFA code only, or by a session that was had with one.
    pub fn require_mfa(&self, role_arn: &str) {
        self.with_role(role_arn, |role| role.mfa = true);
    }

    fn with_role(&self, role_arn: &str, change: impl FnOnce(&mut Role)) {
        change(self.shared.world().directory.roles.entry(role_arn.to_owned()).or_default());
    }

    /// The sessions that were issued and are remembered, oldest first, ended ones included.
    pub fn sessions(&self) -> Vec<IssuedSession> {
        self.shared.world().directory.sessions().cloned().collect()
    }

    /// Forgets a long-term key or a session: from now on it is `InvalidClientTokenId`.
    pub fn revoke(&self, access_key_id: &str) {
        self.shared.world().directory.revoke(access_key_id);
    }

    /// Ends a session at once: from now on it is `ExpiredToken`.
    pub fn expire(&self, access_key_id: &str) {
        let now = self.now();
        self.shared.world().directory.expire(access_key_id, now);
    }

    /// Lets a fault befall requests. Of several rules the first that matches holds.
    pub fn inject(&self, rule: impl Into<Rule>) {
        self.shared.world().rules.push(rule.into());
    }

    /// Takes all rules back. What is held or hangs stays so.
    pub fn clear(&self) {
        self.shared.world().rules.clear();
    }

    /// Lets all answers go that [`Fault::Held`] holds back now.
    pub fn release(&self) {
        self.shared.gate.send_modify(|count| *count += 1);
    }

    /// Makes STS unreachable, or reachable again. The connections that are open end when an outage begins.
    ///
    /// # Errors
    /// When the port cannot be listened on again.
    pub fn outage(&self, outage: Outage) -> io::Result<()> {
        let (done, changed) = mpsc::channel();
        self.orders.send(Order::Outage(outage, done)).map_err(|_| stopped())?;
        changed.recv().map_err(|_| stopped())?
    }

    /// What has arrived, oldest first, as far as it is remembered.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.world().record.as_slice().to_vec()
    }

    /// How many requests have arrived, the forgotten ones included.
    pub fn request_count(&self) -> u64 {
        self.shared.world().record.count()
    }

    /// How many requests are being answered now, held and hanging ones included.
    pub fn in_flight(&self) -> usize {
        self.shared.world().in_flight
    }

    /// The most requests that were ever in flight together.
    pub fn most_in_flight(&self) -> usize {
        self.shared.world().most_in_flight
    }

    /// Blocks until `enough` says so of what has arrived, or until `bound` has passed; whether it said so. An
    /// asynchronous asker in the same thread would be blocked too: see [`Emulator::arrived`].
    pub fn wait_until(&self, bound: Duration, enough: impl Fn(&[Recorded]) -> bool) -> bool {
        let world = self.shared.world();
        let waited = self.shared.arrived.wait_timeout_while(world, bound, |world| !enough(world.record.as_slice()));
        waited.is_ok_and(|(_, timeout)| !timeout.timed_out())
    }

    /// Waits until `enough` says so of what has arrived, for as long as it takes.
    pub async fn arrived(&self, enough: impl Fn(&[Recorded]) -> bool) {
        let mut count = self.shared.count.subscribe();
        while !enough(self.shared.world().record.as_slice()) {
            // The sender lives as long as this borrow.
            let _ = count.changed().await;
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn stopped() -> io::Error {
    io::Error::other("the STS emulator has stopped")
}
