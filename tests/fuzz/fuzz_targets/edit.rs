//! Any bytes as a credentials file, edited twice: the promises of the property tests, looked for by coverage instead of
//! by chance. The last four bytes of the input say which edits.
#![no_main]

#[path = "../../credentials_file/invariants.rs"]
mod invariants;
#[path = "../../credentials_file/readers.rs"]
mod readers;

use evertoken::engine::credentials_file::Edit;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (file, seeds) = data.split_at(data.len().saturating_sub(4));
    let seeds = seeds.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let edits: Vec<Edit> = seeds.map(invariants::edit).collect();
    invariants::check(file, &edits);
});
