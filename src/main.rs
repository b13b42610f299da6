//! The `evertoken` binary.

fn main() {}
