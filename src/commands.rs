//! One small file per subcommand, and what they share. Commands talk to people; they decide nothing about sessions.

pub mod cli;
pub mod humane;
pub mod output;
pub mod service_manager;
pub mod status;
