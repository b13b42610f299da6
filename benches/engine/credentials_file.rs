//! The edit of a credentials file, and the look into one.

use crate::material::{file, profile, put};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use evertoken::engine::credentials_file::{Edit, Outcome, apply, observe};

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];

fn all_written(bytes: &[u8], edits: &[Edit]) -> usize {
    let applied = apply(bytes, edits).expect("a plain file");
    assert!(applied.outcomes.iter().all(|outcome| *outcome == Outcome::Written));
    applied.bytes.len()
}

/// One session into a file with so many others.
#[divan::bench(args = SIZES, sample_count = 10)]
fn one_into(bencher: Bencher<'_, '_>, sections: usize) {
    let bytes = file(sections);
    let edits = [put(sections / 2, sections + 1)];
    bencher.counter(BytesCount::of_slice(bytes.as_slice())).bench_local(|| all_written(&bytes, &edits));
}

/// As many new sessions as the file has sections.
#[divan::bench(args = SIZES, sample_count = 10)]
fn all_into(bencher: Bencher<'_, '_>, sections: usize) {
    let bytes = file(sections);
    let edits: Vec<Edit> = (0..sections).map(|role| put(role, sections + role)).collect();
    bencher.counter(ItemsCount::new(sections)).bench_local(|| all_written(&bytes, &edits));
}

/// As many new sections into a file that has none of ours yet.
#[divan::bench(args = SIZES, sample_count = 10)]
fn all_new(bencher: Bencher<'_, '_>, sections: usize) {
    let bytes = file(0);
    let edits: Vec<Edit> = (0..sections).map(|role| put(role, role)).collect();
    bencher.counter(ItemsCount::new(sections)).bench_local(|| all_written(&bytes, &edits));
}

/// Everything of ours out again.
#[divan::bench(args = SIZES, sample_count = 10)]
fn all_out(bencher: Bencher<'_, '_>, sections: usize) {
    let bytes = file(sections);
    let edits: Vec<Edit> = (0..sections).map(|role| Edit::remove(profile(role))).collect();
    bencher.counter(ItemsCount::new(sections)).bench_local(|| all_written(&bytes, &edits));
}

/// New sessions for sections that are all the user's: each refused with its line.
#[divan::bench(args = SIZES, sample_count = 10)]
fn half_refused(bencher: Bencher<'_, '_>, sections: usize) {
    let bytes: Vec<u8> = (0..sections)
        .flat_map(|role| {
            match role % 2 {
                0 => format!("[team-{role}]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n"),
                _ => format!("[team-{role}]\nregion = eu-west-1\n"),
            }
            .into_bytes()
        })
        .collect();
    let edits: Vec<Edit> = (0..sections).map(|role| put(role, role)).collect();
    bencher.counter(ItemsCount::new(sections)).bench_local(|| apply(&bytes, &edits).expect("a plain file").bytes.len());
}

/// What stands under each name.
#[divan::bench(args = SIZES, sample_count = 10)]
fn look(bencher: Bencher<'_, '_>, sections: usize) {
    let bytes = file(sections);
    let profiles: Vec<_> = (0..sections).map(profile).collect();
    bencher
        .counter(BytesCount::of_slice(bytes.as_slice()))
        .bench_local(|| observe(&bytes, &profiles).expect("a plain file").len());
}
