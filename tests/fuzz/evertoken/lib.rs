//! The deciding half of the program as a library of the same name, so that fuzzing builds neither the AWS SDK's clients
//! nor TLS. It holds nothing of its own: its module is a link.

pub mod engine;
