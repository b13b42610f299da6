//! The STS client against an STS that believes nobody.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "what the tests share may fail a test, and they make the files that the code reads"
)]

mod calls;
#[path = "../network/closed.rs"]
mod closed;
mod faults;
#[path = "../network/proxy.rs"]
mod proxy;
#[path = "../network/tls.rs"]
mod tls;
mod trust;

use evertoken::emulator::{Emulator, Settings};
use evertoken::engine::config::model::{Entry, Mfa, Operation, RoleRequest, Source, StoreKind};
use evertoken::engine::keeper::{AssumeCall, Reply};
use evertoken::engine::names::{ProfileName, RoleArn, SessionNameTemplate};
use evertoken::engine::secret::Secret;
use evertoken::engine::session::{Keys, SettingsDigest, SourceCredentials};
use evertoken::engine::time::WallTime;
use evertoken::shell::http::{Http, HttpSettings};
use evertoken::shell::sts::{Failed, Identity, Sts};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const ROLE: &str = "arn:aws:iam::111122223333:role/team/Developer";
const HOUR: Duration = Duration::from_secs(3600);

/// An emulator, a client, and an entry to be changed by the test.
struct World {
    emulator: Emulator,
    http: Http,
    sts: Sts,
    entry: Entry,
    source: Option<SourceCredentials>,
}

impl World {
    fn new() -> Self {
        Self::with(&HttpSettings::default())
    }

    fn with(settings: &HttpSettings) -> Self {
        let emulator = Emulator::start(Settings::default()).expect("an emulator");
        let http = Http::new(settings).expect("an HTTP client");
        let entry = entry(&emulator.url());
        Self { emulator, sts: Sts::new(&http, "9.8.7", None), http, entry, source: Some(base()) }
    }

    /// Calls STS with these settings from now on.
    fn speak_by(&mut self, settings: &HttpSettings) {
        self.http = Http::new(settings).expect("an HTTP client");
        self.sts = Sts::new(&self.http, "9.8.7", None);
    }

    fn request(&mut self) -> &mut RoleRequest {
        match &mut self.entry.operation {
            Operation::AssumeRole(request) => request,
            other => panic!("{other:?} has no parameters"),
        }
    }

    fn with_mfa(&mut self, serial: &str) {
        self.entry.mfa = Some(Mfa { serial: serial.to_owned(), command: None, unattended: false });
    }

    async fn call(&self, code: Option<&str>) -> Result<Reply, Failed> {
        let call = AssumeCall {
            attempt: 1,
            entry: Arc::new(self.entry.clone()),
            duration: self.entry.duration,
            source: self.source.clone(),
            adopt_issued_after: WallTime::from_unix_seconds(0),
            adopt_beyond: WallTime::from_unix_seconds(0),
            adopt_issued_until: WallTime::from_unix_seconds(i64::MAX / 2000),
        };
        let identity = Identity { user: "me".to_owned(), host: "laptop".to_owned() };
        self.sts.call(&call, &identity, code.map(Secret::new).as_ref()).await
    }
}

fn entry(endpoint: &str) -> Entry {
    Entry {
        profile: ProfileName::parse("dev").expect("a profile name"),
        operation: Operation::AssumeRole(Box::new(RoleRequest {
            role_arn: RoleArn::parse(ROLE).expect("a role ARN"),
            session_name: SessionNameTemplate::parse("{user}@{host}").expect("a template"),
            external_id: None,
            policy: None,
            policy_arns: Vec::new(),
            tags: BTreeMap::new(),
            transitive_tags: Vec::new(),
            source_identity: None,
        })),
        source: Source::Profile("base".to_owned()),
        duration: HOUR,
        min_ttl: None,
        region: Some("eu-west-1".to_owned()),
        sts_region: None,
        sts_endpoint: Some(endpoint.to_owned()),
        store: StoreKind::Shared,
        adopt: false,
        mfa: None,
        digest: SettingsDigest::parse("abcd").expect("a digest"),
    }
}

/// The long-term key that the emulator knows.
fn base() -> SourceCredentials {
    SourceCredentials {
        keys: Keys {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: None,
        },
        account_id: None,
        expiration: None,
        login_ends: None,
        skew: None,
    }
}
