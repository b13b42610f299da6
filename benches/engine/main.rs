//! What the deciding half costs by itself, and how that grows with the list: all of it should be linear in what it
//! reads, and an event of the keeper should not care for how many others the list holds.
//!
//! `cargo bench --bench engine`

#![expect(clippy::expect_used, clippy::panic, reason = "ends when something that it built is not what it seems")]

mod config;
mod credentials_file;
mod keeper;
mod material;

fn main() {
    divan::main();
}
