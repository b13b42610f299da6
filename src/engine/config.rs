//! The config: the text of a TOML file becomes a valid [`Config`] or the list of all its mistakes. Never reads a file.

pub mod model;

pub use model::Config;
