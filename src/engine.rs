//! The deciding half: no clock, no file, no network, no environment, no randomness, no logging.
//!
//! Time comes in as an argument and jitter as a number in an event, so that every behaviour can be replayed from a list
//! of events. The face of this module is [`keeper::Keeper`]: one event in, drain the actions, wait.

pub mod aws_config;
pub mod config;
pub mod credentials_file;
pub mod doctor;
pub mod failure;
pub mod headline;
pub mod init;
pub mod invocation;
pub mod keeper;
pub mod names;
pub mod obstacle;
pub mod place;
pub mod proxy;
pub mod reply;
pub mod schedule;
pub mod secret;
pub mod session;
pub mod status;
pub mod time;
pub mod url;
pub mod wording;
