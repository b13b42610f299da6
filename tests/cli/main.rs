//! The commands as a user runs them: the real binary in a miniature home of its own, without a daemon and without AWS.
#![expect(
    unreachable_pub,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a test binary, helpers included: it runs the binary, looks at files and fails loudly"
)]

mod check;
mod credential_process;
mod elsewhere;
mod exec;
mod home;
mod purge;
mod refresh;
mod status;
mod usage;
