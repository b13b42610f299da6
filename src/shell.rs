//! The acting half: clocks, files, network, signals, children. It carries out and reports; it never decides.

pub mod child;
pub mod clock;
pub mod config_file;
pub mod core_dumps;
pub mod environment;
pub(crate) mod exchange;
pub mod executor;
pub mod files;
pub mod foreground;
pub mod hooks;
pub mod http;
pub mod known_skew;
pub mod leftovers;
pub mod locks;
pub mod logging;
pub mod mfa;
pub mod places;
pub mod service;
pub mod signals;
pub mod sources;
pub mod store;
pub mod sts;
pub mod terminal;
pub mod token_file;
pub mod watch;
