//! When a session is due and when a failure is tried again: arithmetic only.
