//! The acting half: clocks, files, network, signals, children. It carries out and reports; it never decides.

pub mod child;
pub mod clock;
pub mod environment;
pub(crate) mod exchange;
pub mod files;
pub mod http;
pub mod locks;
pub mod logging;
pub mod places;
pub mod service;
pub mod signals;
pub mod sources;
pub mod store;
pub mod sts;
pub mod token_file;
pub mod watch;


