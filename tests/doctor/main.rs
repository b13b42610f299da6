//! `evertoken doctor`, one miniature home for each cause: the real binary against an STS on loopback. A folder below
//! `cases` is named for what happened; it holds a `home`, a `case.toml` with the rest, and what `doctor` says, word for word,
//! in `expected`. `EVERTOKEN_ACCEPT=1 cargo test --test doctor` writes that anew, to be read before it is committed.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "a test builds homes, runs the binary, and fails loudly"
)]

mod case;
mod daemon;
mod home;
mod mends;
mod metadata;
mod obstacles;
#[path = "../terminal/pair.rs"]
mod pair;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

macro_rules! cases {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                case::run(&stringify!($name).replace('_', "-"));
            }
        )*
    };
}

cases! {
    all_is_fresh
    another_program_undoes_the_writes
    aws_profile_is_empty
    aws_profile_is_missing
    aws_profile_names_another
    broken_header
    ca_bundle_is_missing
    clock_is_behind
    config_file_is_mistyped
    config_is_wrong
    container_does_not_answer
    container_gives_keys
    container_gives_nothing
    container_of_ecs
    credential_process_is_not_asked
    credential_process_of_another_program
    credentials_file_is_a_folder
    credentials_file_is_mistyped
    credentials_file_variable_is_empty
    daemon_does_not_keep_it
    daemon_does_not_respond
    daemon_fails
    daemon_goes_by_another_config
    daemon_is_not_running
    daemon_is_older
    daemon_keeps_another_file
    daemon_lacks_a_proxy_with_a_password
    daemon_sees_another_network
    dangling_link
    default_profile_variable
    duplicate_key
    duplicate_section
    endpoint_leads_elsewhere
    endpoint_of_a_role
    endpoint_of_a_services_block
    exported_keys_are_long_over
    exported_keys_are_valid
    fresh_but_sso_session_over
    function_of_lambda
    half_a_key_is_exported
    header_with_blanks
    home_is_not_expanded
    home_is_not_known
    hop_limit_and_not_signed_in
    instance_answers_late
    instance_behind_a_hop_limit
    instance_renews_by_itself
    instance_role_cannot_be_assumed
    instance_without_a_role
    key_is_unknown
    keys_are_long_term
    keys_are_tracked_by_git
    keys_lie_in_a_repository_that_cannot_be_read
    keys_lie_in_a_synced_folder
    links_go_in_a_circle
    mfa_session_over
    names_with_blanks
    no_credentials_at_all
    not_signed_in_to_the_console
    not_written_and_not_signed_in
    nothing_is_exported
    offline_and_fresh
    pod_identity_of_eks
    pod_of_eks
    prefixed_header
    private_profile_is_not_written
    profile_hides_the_role_of_the_function
    profile_hides_the_role_of_the_instance
    profile_hides_the_task_role
    profile_is_kept_in_another_file
    program_behind_it_fails
    program_is_not_there
    role_arn_hides_the_section
    role_session_and_sso_session_over
    section_cannot_be_written
    section_is_empty_and_not_signed_in
    section_is_left_alone
    section_is_left_alone_and_nothing_runs
    session_ended_without_a_note
    session_expired
    session_is_outdated
    source_keys_have_ended
    source_of_the_list_is_missing
    sso_session_over
    stale_token_is_exported
    sts_asks_for_patience
    token_beside_long_term_keys
    torn_file
    variable_names_no_file_and_another_is_kept
    web_identity_token_expired
    web_identity_token_of_another
    wide_mode
}

#[test]
fn the_readme_shows_what_doctor_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("the README");
    let said = fs::read_to_string(case::folder("role-session-and-sso-session-over").join("expected")).expect("a case");
    assert!(readme.contains(&format!("```text\n{said}```\n")), "{said}");
}

#[test]
fn every_folder_is_a_case() {
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/doctor/cases")).expect("the cases");
    let folders: BTreeSet<String> =
        folders.map(|entry| entry.expect("an entry").file_name().to_string_lossy().replace('-', "_")).collect();
    assert_eq!(folders, NAMES.iter().map(|name| (*name).to_owned()).collect());
}
