//! From the text of a config to the list that the keeper works with.

use crate::material::config_text;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use evertoken::engine::config::{self, diagnostic::render_all};

#[divan::bench(args = [10, 100, 1_000, 10_000], sample_count = 10)]
fn parse(bencher: Bencher<'_, '_>, roles: usize) {
    let text = config_text(roles);
    bencher
        .counter(BytesCount::of_str(text.as_str()))
        .bench_local(|| config::parse(&text).expect("a config").config.entries.len());
}

/// Every role with a mistake of its own: all of them are to be found, and shown with their lines.
#[divan::bench(args = [10, 100, 1_000, 10_000], sample_count = 3)]
fn parse_and_show_mistakes(bencher: Bencher<'_, '_>, roles: usize) {
    let text = config_text(roles).replace("external_id", "externalid");
    bencher.counter(ItemsCount::new(roles)).bench_local(|| {
        let findings = config::parse(&text).expect_err("mistakes");
        assert_eq!(findings.len(), roles);
        render_all(&findings, "config.toml", &text).len()
    });
}
