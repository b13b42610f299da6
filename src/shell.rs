//! The acting half: clocks, files, network, signals, children. It carries out and reports; it never decides.

pub mod clock;
pub mod logging;
pub mod service;
pub mod signals;
pub mod watch;
