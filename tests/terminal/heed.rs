//! What whoever runs the tests does with signals, kept from the programs that the tests start.

use signal_hook::consts::{SIGHUP, SIGINT};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once};

/// Whoever runs the tests may ignore these signals, as a shell does for what it puts into the background; evertoken leaves that
/// so, and would not hear of the tests' signals. What is started by a process that handles a signal begins with the default.
pub(crate) fn heed_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in [SIGHUP, SIGINT] {
            // To the tests themselves it does what it does by default.
            let always = Arc::new(AtomicBool::new(true));
            signal_hook::flag::register_conditional_default(signal, always).expect("a handler");
        }
    });
}
