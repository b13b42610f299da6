//! A program that runs for days, with the Rust SDK as its documentation says: the default chain of providers, one client.
//! Asks the STS of `AWS_ENDPOINT_URL_STS` who it is, at odd moments, until standard input ends; then prints one line of
//! JSON. `EXPIRY_WINDOW` sets how many seconds before the end it asks for credentials again; the SDK's own are 10.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "plays a user's program")]

use aws_config::BehaviorVersion;
use aws_config::identity::IdentityCache;
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};
use serde_json::json;
use std::io::Read;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

static STOPPED: AtomicBool = AtomicBool::new(false);

/// The SDK's client for plain HTTP: the emulator has no certificate.
fn plain_http() -> impl aws_smithy_runtime_api::client::http::HttpClient + 'static {
    let connector = OnceLock::<SharedHttpConnector>::new();
    http_client_fn(move |settings, components| {
        let build = || {
            let mut builder = Connector::builder().connector_settings(settings.clone());
            builder.set_sleep_impl(components.sleep_impl());
            SharedHttpConnector::new(builder.build_http())
        };
        connector.get_or_init(build).clone()
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    std::thread::spawn(|| {
        let _until_its_end = std::io::stdin().read_to_end(&mut Vec::new());
        STOPPED.store(true, Ordering::Relaxed);
    });
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(plain_http());
    if let Some(window) = std::env::var("EXPIRY_WINDOW").ok().and_then(|text| text.parse().ok()) {
        let cache = IdentityCache::lazy().buffer_time(Duration::from_secs_f64(window));
        loader = loader.identity_cache(cache.build());
    }
    let client = aws_sdk_sts::Client::new(&loader.load().await);
    let start = Instant::now();
    let (mut calls, mut failed, mut first) = (0, 0, None);
    while !STOPPED.load(Ordering::Relaxed) {
        calls += 1;
        if let Err(error) = client.get_caller_identity().send().await {
            failed += 1;
            let code = error.code().map_or_else(|| format!("{error:?}"), str::to_owned);
            first.get_or_insert((start.elapsed().as_secs_f64(), code));
        }
        tokio::time::sleep(Duration::from_secs_f64(fastrand::f64() * 1.5)).await;
    }
    println!("{}", json!({"calls": calls, "failed": failed, "first": first}));
}
