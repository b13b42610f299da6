//! Source credentials, from files in a miniature home and services on loopback.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "what the tests share may fail a test, and they make the files that the code reads"
)]

#[path = "../network/closed.rs"]
mod closed;
mod hostile;
mod login;
mod metadata;
mod process;
mod profiles;
#[path = "../network/proxy.rs"]
mod proxy;
mod renewals;
mod responder;
#[path = "../program/script.rs"]
mod script;
mod sso;
#[path = "../network/tls.rs"]
mod tls;

use evertoken::engine::config::model::Source;
use evertoken::engine::failure::{Fault, SourceFault};
use evertoken::engine::session::SourceCredentials;
use evertoken::engine::time::WallTime;
use evertoken::shell::clock;
use evertoken::shell::environment::Environment;
use evertoken::shell::http::{Http, HttpSettings};
use evertoken::shell::sources::{AwsFiles, Clocks, Sources};
use evertoken::shell::sts::{Identity, Sts};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// A home with AWS files in it.
struct Home {
    folder: TempDir,
    environment: BTreeMap<OsString, OsString>,
}

impl Home {
    fn new() -> Self {
        // Whoever runs this may let others write by default, and evertoken rightly refuses such folders.
        rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join(".aws/sso/cache")).expect("a cache");
        let path = ("PATH".into(), "/usr/bin:/bin".into());
        Self { folder, environment: [path].into() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    fn config(&self, content: &str) {
        self.write(".aws/config", content);
    }

    fn credentials(&self, content: &str) {
        self.write(".aws/credentials", content);
    }

    fn script(&self, name: &str, body: &str) -> PathBuf {
        let path = self.path(name);
        script::script(&path, &format!("#!/bin/sh\n{body}\n"));
        path
    }

    fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.into(), value.into());
    }

    fn sources(&self) -> Sources {
        self.sources_by(&HttpSettings::default())
    }

    fn sources_by(&self, settings: &HttpSettings) -> Sources {
        let http = Http::new(settings).expect("an HTTP client");
        let home = Some(self.folder.path().to_owned());
        let sts = Sts::new(&http, "0.0.0", home.clone());
        let files = AwsFiles { config: self.path(".aws/config"), credentials: self.path(".aws/credentials"), home };
        let identity = Identity { user: "me".to_owned(), host: "laptop".to_owned() };
        Sources::new(http, sts, files, identity, Arc::new(Environment::from_vars(self.environment.clone())))
    }

    async fn resolve(&self, profile: &str) -> Result<SourceCredentials, Fault> {
        self.resolve_at(profile, clock::now()).await
    }

    async fn resolve_at(&self, profile: &str, now: WallTime) -> Result<SourceCredentials, Fault> {
        self.sources().resolve(&Source::Profile(profile.to_owned()), "eu-west-1", by_one_clock(now)).await
    }
}

/// Ours and that of AWS are the same.
fn by_one_clock(now: WallTime) -> Clocks {
    Clocks { ours: now, sts: now }
}

fn source_fault(result: Result<SourceCredentials, Fault>) -> SourceFault {
    match result {
        Err(Fault::Source(fault)) => fault,
        other => panic!("no fault of a source: {other:?}"),
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("readable")
}
