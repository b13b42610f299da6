//! The real binary on a workstation of its own against an STS that believes nobody: what users are promised, one story
//! for each promise. Waits are for conditions, with a generous bound; loopback only, nothing of the user's touched.

#![expect(
    unreachable_pub,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "a test binary: what its stories share may fail them, and plays the programs and the people around evertoken"
)]

mod askers;
mod configs;
mod endurance;
mod faults;
mod files;
mod hooks;
mod log;
mod neighbours;
mod network;
#[cfg(target_os = "linux")]
#[path = "../terminal/pair.rs"]
mod pair;
mod promise;
#[path = "../network/proxy.rs"]
mod proxy;
mod reader;
#[path = "../sources/responder.rs"]
mod responder;
#[path = "../program/script.rs"]
mod script;
mod signals;
mod sources;
mod start;
#[path = "../network/tls.rs"]
mod tls;
mod waits;
mod workstation;
