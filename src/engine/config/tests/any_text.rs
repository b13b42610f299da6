//! Whatever the text: an answer, and findings that can be shown.

use crate::engine::aws_config::AwsConfig;
use crate::engine::config::diagnostic::Diagnostic;
use crate::engine::config::{Severity, parse, survey};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest};

fn answer(text: &str) {
    match parse(text) {
        Ok(parsed) => {
            assert!(!parsed.config.entries.is_empty());
            assert!(parsed.warnings.iter().all(|finding| finding.severity == Severity::Warning));
            survey(text, &parsed.config, &AwsConfig::default());
        }
        Err(findings) => {
            assert!(findings.iter().any(|finding| finding.severity == Severity::Mistake));
            assert!(findings.is_sorted_by_key(|finding| finding.span.start));
            for finding in findings {
                assert!(!finding.render("config.toml", text).is_empty());
            }
        }
    }
}

/// Lines that nearly make a config, so that more than the syntax is reached.
fn nearly_a_config() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("[[role]]".to_owned()),
        Just("[[mfa_session]]".to_owned()),
        Just("[defaults]".to_owned()),
        Just("[hooks]".to_owned()),
        Just("[network]".to_owned()),
        ("(profile|source_profile)", "[abc]").prop_map(|(key, value)| format!("{key} = \"{value}\"")),
        "(role_arn = \"arn:aws:iam::111122223333:role/[a-z]\")",
        "(duration|min_ttl) = \"[0-9]{1,3}[hms]\"",
        "(region|sts_region|store|external_id|policy|sts_endpoint|proxy|failed|tags|adopt|mfa_serial) = .{0,20}",
        "(region|session_name|file_mode|credential_source|web_identity_token_file) = \"[^\"\\\\]{0,20}\"",
        any::<String>(),
    ];
    proptest::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn any_text_gets_an_answer(text in any::<String>()) {
        answer(&text);
    }

    #[test]
    fn any_text_that_is_nearly_a_config_gets_an_answer(text in nearly_a_config()) {
        answer(&text);
    }

    #[test]
    fn any_span_can_be_shown(text in "(?s).{0,200}", start in 0..300_usize, length in 0..300_usize) {
        let finding = Diagnostic::mistake(start..start + length, "odd");
        prop_assert!(finding.render("x", &text).starts_with("x:"));
    }
}
