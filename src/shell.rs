//! The acting half: clocks, files, network, signals, children. It carries out and reports; it never decides.

pub mod child;
pub mod clock;
pub mod http;
pub mod logging;
pub mod service;
pub mod signals;
pub mod sources;
pub mod sts;
pub mod token_file;
pub mod watch;

pub(crate) mod exchange;
