//! The traps of the shared credentials file, one test each.

use super::{Applied, Edit, Observation, Outcome, Publication, apply, observe};
use crate::engine::names::ProfileName;
use crate::engine::secret::Secret;
use crate::engine::session::{Keys, Session, SettingsDigest};
use crate::engine::time::WallTime;
use std::time::Duration;

const DEV: &str = "\
[dev]
aws_access_key_id = ASIAIOSFODNN7EXAMPLE
aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
aws_session_token = IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////==
aws_account_id = 111122223333
region = eu-west-1
x_security_token_expires = 2026-11-21T15:04:05Z
x_evertoken = 1 profile=dev digest=9f00aa11bb22cc33 issued=2026-11-21T14:04:05Z region=eu-west-1 check=d9da5214
";

fn name(text: &str) -> ProfileName {
    ProfileName::parse(text).expect("a profile name")
}

fn session() -> Session {
    Session {
        keys: Keys {
            access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: Some(Secret::new("IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////==")),
        },
        account_id: Some("111122223333".to_owned()),
        issued: WallTime::from_unix_seconds(1_795_269_845),
        expiration: WallTime::from_unix_seconds(1_795_273_445),
        digest: SettingsDigest::parse("9f00aa11bb22cc33").expect("a digest"),
        allowed: None,
    }
}

/// The session that follows on [`session`]: other keys, an hour later.
fn next_session() -> Session {
    let mut next = session();
    next.keys.access_key_id = "ASIAI44QH8DHBEXAMPLE".to_owned();
    next.keys.session_token = Some(Secret::new("FwoGZXIvYXdzEXAMPLETOKEN2"));
    next.issued = next.issued + Duration::from_secs(3600);
    next.expiration = next.expiration + Duration::from_secs(3600);
    next
}

fn publication(profile: &str) -> Publication {
    Publication { profile: name(profile), session: session(), region: Some("eu-west-1".to_owned()), adopt: false }
}

fn put(publication: Publication) -> Edit {
    Edit::Put(Box::new(publication))
}

fn edit(before: &str, edits: &[Edit]) -> (String, Vec<Outcome>) {
    let Applied { bytes, outcomes } = apply(before.as_bytes(), edits).expect("a file that can be edited");
    (String::from_utf8(bytes.to_vec()).expect("UTF-8"), outcomes)
}

/// Edits that must all be written.
fn written(before: &str, edits: &[Edit]) -> String {
    let (after, outcomes) = edit(before, edits);
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Written), "{outcomes:?}");
    after
}

/// An edit that must be refused, with the line and the reason.
fn refused(before: &str, wanted: Edit) -> (Option<usize>, String) {
    let (after, outcomes) = edit(before, &[wanted]);
    assert_eq!(after, before);
    match outcomes.as_slice() {
        [Outcome::Refused(reason)] => (reason.line, reason.text.clone()),
        other => panic!("not refused but {other:?}"),
    }
}

fn seen(file: &str, profile: &str) -> Observation {
    let found = observe(file.as_bytes(), &[name(profile)]).expect("a file that can be read");
    found.into_iter().next().expect("one observation").1
}

fn adopting(profile: &str) -> Edit {
    put(Publication { adopt: true, ..publication(profile) })
}

#[test]
fn a_new_section_is_written_as_every_sdk_reads_it() {
    assert_eq!(written("", &[put(publication("dev"))]), DEV);
    assert_eq!(seen(DEV, "dev"), Observation::Ours(Box::new(session())));
    let bare = Publication { region: None, session: Session { account_id: None, ..session() }, ..publication("dev") };
    let expected =
        DEV.replace("aws_account_id = 111122223333\nregion = eu-west-1\n", "").replace(" region=eu-west-1", "");
    assert_eq!(written("", &[put(bare)]), expected);
}

#[test]
fn a_new_section_goes_to_the_end_and_leaves_with_everything_that_came_with_it() {
    let cases = [
        ("", ""),
        ("[a]\nk = v\n", "\n"),
        ("[a]\nk = v", "\n\n"),
        ("[a]\r\nk = v\r\n", "\r\n"),
        ("[a]\r\nk = v", "\r\n\r\n"),
        ("[a]\nk = v\n\n", ""),
        ("[a]\nk = v\n\n\n\n", ""),
        ("[a]\nk = v\n  \t", "\n"),
        ("# only a comment\n", "\n"),
        ("\n", ""),
        ("[a]\ns3 =\n  max_concurrent_requests = 20\n", "\n"),
    ];
    for (before, between) in cases {
        let after = written(before, &[put(publication("dev"))]);
        let section = after.strip_prefix(before).and_then(|rest| rest.strip_prefix(between)).expect("an addition");
        let ending = if before.contains("\r\n") { "\r\n" } else { "\n" };
        let lines: Vec<&str> = section.split_terminator(ending).collect();
        assert_eq!(lines[..lines.len() - 1], DEV.lines().collect::<Vec<_>>()[..lines.len() - 1], "{before:?}");
        assert!(!section.replace("\r\n", "").contains('\n') || ending == "\n");
        assert_eq!(written(&after, &[Edit::remove(name("dev"))]), before, "{before:?}");
        let twice = written(&after, &[put(publication("b")), put(publication("c"))]);
        let gone = written(&twice, &[Edit::remove(name("c")), Edit::remove(name("dev")), Edit::remove(name("b"))]);
        assert_eq!(gone, before, "{before:?}");
    }
}

#[test]
fn an_update_changes_our_lines_and_nothing_else() {
    let before = format!(
        "; mine \u{e9}\r\n[default]\naws_access_key_id=AKIAIOSFODNN7EXAMPLE\n  spaced   =  100% ; of # it \n\n\n\
         {}# below\nS3 =\n  max = 1\n\n  # deep\n\n[z]  ; last\nk: v\n[z]\nk=1",
        DEV.replace("aws_session_token", "output = json\nmfa = 1=2=3 ; x\naws_session_token")
    );
    let next = Publication { session: next_session(), ..publication("dev") };
    let expected = before
        .replace("ASIAIOSFODNN7EXAMPLE", "ASIAI44QH8DHBEXAMPLE")
        .replace("IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////==", "FwoGZXIvYXdzEXAMPLETOKEN2")
        .replace("T15:04:05Z", "T16:04:05Z")
        .replace("T14:04:05Z", "T15:04:05Z")
        .replace("check=d9da5214", "check=872f76cf");
    let after = written(&before, &[put(next.clone())]);
    assert_eq!(after, expected);
    assert_eq!(seen(&after, "dev"), Observation::Ours(Box::new(next_session())));
    assert_eq!(edit(&after, &[put(next)]), (expected.clone(), vec![Outcome::Unchanged]));
    let gone = written(&expected, &[Edit::remove(name("dev"))]);
    assert!(
        gone.contains("[dev]\noutput = json\nmfa = 1=2=3 ; x\n# below\nS3 =\n  max = 1\n\n  # deep\n\n[z]"),
        "{gone}"
    );
}

#[test]
fn the_same_session_again_changes_no_byte_however_the_lines_are_spaced() {
    for file in [DEV.to_owned(), DEV.replace(" = ", "="), DEV.replace('\n', "\r\n"), DEV.trim_end().to_owned()] {
        assert_eq!(edit(&file, &[put(publication("dev"))]), (file, vec![Outcome::Unchanged]));
    }
}

#[test]
fn what_is_missing_doubled_or_old_in_our_section_is_mended() {
    let line = |key: &str| format!("{}\n", DEV.lines().find(|line| line.starts_with(key)).expect("a line"));
    let damaged = [
        DEV.replace(&line("aws_access_key_id"), ""),
        DEV.replace(&line("aws_session_token"), ""),
        DEV.replace(&line("x_security_token_expires"), ""),
        DEV.replace("T15:04:05Z", "soon"),
        DEV.replace("digest=9f00aa11bb22cc33 ", ""),
        DEV.replace("issued=", "issued=not"),
        DEV.replace("issued=2026-11-21T14:04:05Z", "issued=2026-11-21T15:04:05Z"),
        DEV.replace("issued=2026", "issued=2027"),
        DEV.replace("expires = 2026", "expires = 2030"),
        DEV.replace("aws_access_key_id", "AWS_ACCESS_KEY_ID"),
        DEV.replace("aws_access_key_id = ", "aws_access_key_id: "),
        format!("{DEV}Aws_Session_Token = x\n"),
        format!("{DEV}x_evertoken = 1 profile=dev\n"),
        DEV.replace("IQoJb3JpZ2lu", "another"),
        DEV.replace("aws_account_id = 111122223333", "aws_account_id ="),
    ];
    for file in damaged {
        assert_eq!(seen(&file, "dev"), Observation::Damaged, "{file}");
        let mended = written(&file, &[put(publication("dev"))]);
        assert_eq!(seen(&mended, "dev"), Observation::Ours(Box::new(session())), "{mended}");
        let lines = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&mended), lines(DEV));
    }
    let old_name = DEV.replace("region = eu", "aws_security_token = x\nregion = eu");
    assert_eq!(seen(&old_name, "dev"), Observation::Ours(Box::new(session())));
    assert_eq!(written(&old_name, &[put(publication("dev"))]), DEV);
}

#[test]
fn the_region_of_the_user_is_never_ours() {
    let without = Publication { region: None, ..publication("dev") };
    let elsewhere = Publication { region: Some("us-east-1".to_owned()), ..publication("dev") };
    // Ours: changed and taken away again.
    assert_eq!(written(DEV, &[put(elsewhere.clone())]), DEV.replace("eu-west-1", "us-east-1"));
    let bare = DEV.replace("region = eu-west-1\n", "").replace(" region=eu-west-1", "");
    assert_eq!(written(DEV, &[put(without.clone())]), bare);
    assert_eq!(written(&bare, &[put(publication("dev"))]).lines().count(), DEV.lines().count());
    // The user's: from the start, or because the user changed ours.
    for users in [
        DEV.replace("region = eu-west-1", "region = ap-south-1"),
        DEV.replace("region = eu-west-1", "REGION = eu-west-1"),
        DEV.replace("region = eu-west-1", "region = eu-west-1\nregion = eu-west-1"),
        DEV.replace("region = eu-west-1\n", "region = eu-west-1\n  # indented\n"),
        DEV.replace("region = eu-west-1\n", "output = json\n  region = x\n"),
    ] {
        let expected = users.replace(" region=eu-west-1", "");
        for publication in [&without, &elsewhere, &publication("dev")] {
            assert_eq!(edit(&users, &[put(publication.clone())]).0, expected);
        }
        let left = written(&users, &[Edit::remove(name("dev"))]);
        assert!(left.starts_with("[dev]\n") && left.to_lowercase().contains("region = "), "{left}");
    }
    let filled = written("[dev]\nregion = eu-west-1\n", &[put(publication("dev"))]);
    assert_eq!(written(&filled, &[Edit::remove(name("dev"))]), "[dev]\nregion = eu-west-1\n");
}

#[test]
fn a_section_without_credentials_is_filled_in_place() {
    let keys = DEV.strip_prefix("[dev]\n").expect("a header");
    let without_region = keys.replace("region = eu-west-1\n", "").replace(" region=eu-west-1", "");
    let cases = [
        ("[dev]", format!("[dev]\n{keys}")),
        ("[dev] ; mine\n\n\n[b]\n", format!("[dev] ; mine\n{keys}\n\n[b]\n")),
        ("[dev]\nregion = eu-west-1", format!("[dev]\n{without_region}region = eu-west-1")),
        ("[dev]\ns3 =\n  a = b\n", format!("[dev]\n{keys}s3 =\n  a = b\n")),
        ("[dev]\n# note\noutput = json\n", format!("[dev]\n{keys}# note\noutput = json\n")),
        ("[dev]\n  region = x", format!("[dev]\n  region = x\n{without_region}")),
        // Below an indented line nothing may come that it would be taken as a part of.
        ("[dev]\n  output = json\n\n  # c\n[b]\n", format!("[dev]\n  output = json\n\n  # c\n{keys}[b]\n")),
        ("[dev]\n\n# c\n\toutput = json", format!("[dev]\n\n# c\n\toutput = json\n{keys}")),
    ];
    for (before, after) in cases {
        assert_eq!(seen(before, "dev"), Observation::Fillable, "{before:?}");
        assert_eq!(written(before, &[put(publication("dev"))]), after, "{before:?}");
    }
    assert_eq!(edit("[dev]\nregion = x\n", &[Edit::remove(name("dev"))]).1, [Outcome::Unchanged]);
    assert_eq!(edit("", &[Edit::remove(name("dev"))]), (String::new(), vec![Outcome::Unchanged]));
}

#[test]
fn long_term_keys_are_never_touched_whoever_claims_them() {
    let long_term = [
        "[dev]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n".to_owned(),
        "[dev]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_session_token = x\n".to_owned(),
        "[dev]\nAWS_ACCESS_KEY_ID = \"akiaIOSFODNN7EXAMPLE\"\n".to_owned(),
        "[dev]\naws_access_key_id = minio\naws_secret_access_key = x\n".to_owned(),
        "[dev]\naws_secret_access_key = x\n".to_owned(),
        "[dev]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\naws_session_token =\n".to_owned(),
        DEV.replace("ASIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        format!("{DEV}aws_access_key_id: AKIAIOSFODNN7EXAMPLE\n"),
        DEV.replace("ASIAIOSFODNN7EXAMPLE", "minio").replace("aws_session_token", "token"),
    ];
    for file in long_term {
        assert!(matches!(seen(&file, "dev"), Observation::Untouchable(_)), "{file}");
        for wanted in [put(publication("dev")), adopting("dev"), Edit::remove(name("dev"))] {
            let (line, text) = refused(&file, wanted);
            assert!(line.is_some() && text.contains("long-term keys") && !text.contains("AKIA"), "{text}");
        }
    }
}

#[test]
fn a_foreign_section_is_taken_over_only_on_demand() {
    let keys = "[dev]\n# of saml\naws_access_key_id=ASIAOLDOLDOLDEXAMPLE\n\
                aws_secret_access_key=old\nAWS_SESSION_TOKEN=old\naws_security_token=old\noutput=json\n";
    assert!(matches!(seen(keys, "dev"), Observation::Foreign(_)));
    let (line, text) = refused(keys, put(publication("dev")));
    assert_eq!((line, text.contains("adopt = true")), (Some(3), true), "{text}");
    refused(keys, Edit::remove(name("dev")));
    let taken = written(keys, &[adopting("dev")]);
    assert_eq!(seen(&taken, "dev"), Observation::Ours(Box::new(session())));
    assert_eq!(written(&taken, &[Edit::remove(name("dev"))]), "[dev]\n# of saml\noutput=json\n");

    for key in
        ["role_arn", "credential_process", "sso_session", "Source_Profile", "web_identity_token_file", "login_session"]
    {
        let elsewhere = format!("[dev]\nregion = x\n{key} = value\n");
        assert!(matches!(seen(&elsewhere, "dev"), Observation::Untouchable(_)), "adopt is no way out: {elsewhere}");
        for wanted in [put(publication("dev")), adopting("dev"), Edit::remove(name("dev"))] {
            let (line, text) = refused(&elsewhere, wanted);
            assert_eq!((line, text.contains(&key.to_lowercase())), (Some(3), true), "{text}");
        }
    }
}

#[test]
fn a_section_that_was_copied_with_its_mark_is_not_ours() {
    let copied = DEV.replace("[dev]", "[dev-copy]");
    assert!(matches!(seen(&copied, "dev-copy"), Observation::Foreign(_)));
    assert_eq!(observe(copied.as_bytes(), &[]), Ok(vec![]));
    refused(&copied, put(publication("dev-copy")));
    refused(&copied, Edit::remove(name("dev-copy")));
    let taken = written(&copied, &[adopting("dev-copy")]);
    assert_eq!(seen(&taken, "dev-copy"), Observation::Ours(Box::new(session())));
}

#[test]
fn a_mark_of_a_newer_format_is_left_alone() {
    let newer = DEV.replace("x_evertoken = 1 ", "x_evertoken = 2 ");
    assert_eq!(seen(&newer, "dev"), Observation::NewerFormat);
    assert_eq!(seen(&format!("{DEV}x_evertoken = 2 x\n"), "dev"), Observation::NewerFormat);
    for wanted in [adopting("dev"), Edit::remove(name("dev"))] {
        assert!(refused(&newer, wanted).1.contains("newer version"));
    }
}

#[test]
fn sections_with_our_mark_are_found_without_being_asked_for() {
    let copied = DEV.replace("[dev]", "[copy]");
    let file = format!("{}\n{copied}\n[b]\nk = v\n{DEV}\n[n]\nx_evertoken = 7\n", DEV.replace("dev", "old"));
    let found = observe(file.as_bytes(), &[name("b"), name("c")]).expect("a file that can be read");
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["b", "c", "old", "dev", "n"]);
    assert_eq!(found[0].1, Observation::Fillable);
    assert_eq!(found[1].1, Observation::Absent);
    assert!(matches!((&found[2].1, &found[3].1), (Observation::Ours(_), Observation::Ours(_))));
    assert_eq!(found[4].1, Observation::NewerFormat);
}

#[test]
fn a_header_that_tools_read_differently_is_not_written_under() {
    let cases = [
        ("[ dev ]\n", 1),
        ("[a]\nk = v\n [dev]\n", 3),
        ("[dev]# c\n", 1),
        ("[dev] word\n", 1),
        ("[dev] # see [x]\n", 1),
        ("[profile dev]\n", 1),
        ("[dev]\nregion = x\n[profile dev]\n", 3),
        ("[\"dev\"]\n", 1),
        ("[dev]\nregion = x\n\n[dev]\n", 4),
        ("[dev]\nregion = x\n[b]# c\n", 3),
        ("[dev]\nregion = x\n  [b]\n", 3),
        ("[dev]\nregion = x\n  aws_session_token = x\n", 3),
        ("[dev]\n\taws_access_key_id = AKIAIOSFODNN7EXAMPLE\n", 2),
        ("[dev]\naws_session_token = x\n\n  more\n", 4),
        ("[dev]\nx_evertoken = 1 profile=dev\n# c\n  # c\n", 4),
    ];
    for (before, expected) in cases {
        assert!(matches!(seen(before, "dev"), Observation::Untouchable(_)), "{before:?}");
        for wanted in [adopting("dev"), Edit::remove(name("dev"))] {
            let (line, text) = refused(before, wanted);
            assert_eq!(line, Some(expected), "{before:?}: {text}");
        }
        // Only this profile is refused; the others get theirs, in the same pass.
        let (after, outcomes) = edit(before, &[adopting("dev"), put(publication("other"))]);
        assert!(matches!(outcomes.as_slice(), [Outcome::Refused(_), Outcome::Written]), "{outcomes:?}");
        assert!(after.starts_with(before) && after.contains("\n[other]\n"));
    }
    // A profile is another one in another case.
    assert_eq!(written("[DEV]\n[Dev]\n\n", &[put(publication("dev"))]), format!("[DEV]\n[Dev]\n\n{DEV}"));
}

#[test]
fn a_broken_header_lends_no_keys_to_the_section_above_and_takes_none_from_it() {
    let others = DEV.strip_prefix("[dev]\n").expect("a header");
    let ours = DEV.replace("ASIAIOSFODNN7EXAMPLE", "ASIAI44QH8DHBEXAMPLE");
    let short = "[dev]\nregion = eu-west-1\n";
    for header in ["[other] word", "[other]]", "[other] [dev]", "  [other]", "\t[other", "  [other = x"] {
        for above in [&*ours, short] {
            let file = format!("{above}{header}\n{others}");
            let line = above.lines().count() + 1;
            assert!(
                matches!(seen(&file, "dev"), Observation::Untouchable(reason) if reason.line == Some(line)),
                "{file}"
            );
            assert!(!matches!(seen(&file, "other"), Observation::Ours(_) | Observation::Damaged), "{file}");
            for wanted in [put(publication("dev")), adopting("dev"), Edit::remove(name("dev"))] {
                assert_eq!(refused(&file, wanted).0, Some(line), "{file}");
            }
        }
    }
    for header in ["[other", "other]", "[]"] {
        let file = format!("{ours}{header}\n{others}");
        assert_eq!(observe(file.as_bytes(), &[]).expect_err("a broken file").line, 9, "{file}");
        assert_eq!(
            apply(file.as_bytes(), &[Edit::remove(name("dev"))]).map(|_| ()).expect_err("a broken file").line,
            9
        );
    }
}

#[test]
fn a_file_that_some_reader_refuses_as_a_whole_is_not_touched() {
    let cases: [(&[u8], usize, &str); 16] = [
        (b"\xef\xbb\xbf[dev]\n", 1, "byte order mark"),
        (b"[a]\n\xef\xbb\xbf[dev]\n", 2, "byte order mark"),
        (b"\xff\xfe[\0d\0e\0v\0]\0", 1, "UTF-16"),
        (b"[a]\nk = v\n# caf\xe9\n", 3, "not UTF-8"),
        (b"[a]\nk = v\0\n", 2, "NUL"),
        (b"[a]\nk = v\x1b[0m\n", 2, "control character"),
        (b"[a]\rk = v\r", 1, "carriage return"),
        (b"[a]\nk = v\r\r\n", 2, "carriage return"),
        (b"[a]\nk = v\r", 2, "carriage return"),
        (b"k = v\n[a]\n", 1, "before the first [section]"),
        (b"  k = v\n[a]\n", 1, "before the first [section]"),
        (b" [a]\nk = v\n", 1, "before the first [section]"),
        (b"[a]\nk = v\njunk\n", 3, "neither"),
        (b"[a]\n= v\n", 2, "without a key"),
        (b"[a]\n[b\n", 2, "closing bracket"),
        (b"[]\n", 1, "without a name"),
    ];
    for (bytes, line, word) in cases {
        let shown = String::from_utf8_lossy(bytes);
        let malformed = apply(bytes, &[put(publication("dev"))]).map(|_| ()).expect_err(&shown);
        assert_eq!((malformed.line, malformed.text.contains(word)), (line, true), "{shown:?}: {malformed}");
        assert_eq!(observe(bytes, &[]), Err(malformed.clone()), "{shown:?}");
        assert_eq!(apply(bytes, &[]).map(|_| ()), Err(malformed), "{shown:?}");
    }
    for bytes in ["", "\n\n", "  # c\n[a]\n", "[a]\nk: v\n", "[a]\nk = \u{a0}\u{e9}\n", "[a]\n\u{a0}k = v\n"] {
        assert!(observe(bytes.as_bytes(), &[]).is_ok(), "{bytes:?}");
    }
}

#[test]
fn values_that_a_reader_would_take_apart_are_not_written() {
    let with = |change: &dyn Fn(&mut Publication)| {
        let mut publication = publication("dev");
        change(&mut publication);
        put(publication)
    };
    let token = |text: &'static str| move |p: &mut Publication| p.session.keys.session_token = Some(Secret::new(text));
    let edits = [
        with(&token("")),
        with(&token("a b")),
        with(&token("a\nrole_arn = x")),
        with(&token("a\r")),
        with(&token("\u{e9}")),
        with(&token("#x")),
        with(&token("\"x\"")),
        with(&|p| p.session.keys.session_token = None),
        with(&|p| p.session.keys.access_key_id = "AKIAIOSFODNN7EXAMPLE".to_owned()),
        with(&|p| p.session.keys.access_key_id = String::new()),
        with(&|p| p.session.keys.secret_access_key = Secret::new("tab\t")),
        with(&|p| p.session.account_id = Some("1 2".to_owned())),
        with(&|p| p.region = Some("eu west".to_owned())),
    ];
    for wanted in edits {
        let (line, text) = refused(DEV, wanted);
        assert!(line.is_none() && text.contains("[dev]"), "{text}");
    }
}

#[test]
fn removing_takes_the_header_only_when_nothing_else_needs_it() {
    let cases = [
        (DEV.to_owned(), ""),
        (format!("{DEV}\n"), "\n"),
        (format!("[a]\n{DEV}[b]\n"), "[a]\n[b]\n"),
        (format!("[a]\n\n{DEV}\n# of b\n[b]\n"), "[a]\n\n\n# of b\n[b]\n"),
        (format!("{DEV}# of dev\n\n# of b\n[b]\n"), "[dev]\n# of dev\n\n# of b\n[b]\n"),
        (DEV.replace("aws_session", "# mine\naws_session"), "[dev]\n# mine\n"),
        (format!("{DEV}output = json"), "[dev]\noutput = json"),
        (DEV.trim_end().to_owned(), ""),
    ];
    for (before, after) in cases {
        assert_eq!(written(&before, &[Edit::remove(name("dev"))]), after, "{before}");
        assert_eq!(edit(after, &[Edit::remove(name("dev"))]).1, [Outcome::Unchanged]);
    }
    // What came with the section stays where something was built upon it since.
    let after = written("[a]\nk = v", &[put(publication("dev"))]);
    assert_eq!(written(&format!("{after}\n[b]\n"), &[Edit::remove(name("dev"))]), "[a]\nk = v\n\n[b]\n");
    assert_eq!(written(&after.replace("\n\n[dev]", "\n[dev]"), &[Edit::remove(name("dev"))]), "[a]\nk = v\n");
    // Two that leave together take the ending along only if it was missing where the user's lines end.
    let cut = written("[a]\nk = v\n", &[put(publication("dev"))]).trim_end().to_owned();
    let both = written(&cut, &[put(publication("b"))]);
    assert_eq!(written(&both, &[Edit::remove(name("dev")), Edit::remove(name("b"))]), "[a]\nk = v\n");
    let both = written("[a]\nk = v", &[put(publication("dev")), put(publication("b"))]);
    assert_eq!(written(&both, &[Edit::remove(name("dev")), Edit::remove(name("b"))]), "[a]\nk = v");
    let both = written("", &[put(publication("dev")), put(publication("b"))]);
    assert_eq!(written(&both, &[Edit::remove(name("dev")), put(publication("c"))]).matches("x_evertoken").count(), 2);
}

#[test]
fn what_the_user_puts_above_our_section_keeps_its_ending_and_its_blank_lines() {
    let ours = written("[a]\nk = v", &[put(publication("dev"))]);
    assert!(ours.contains(" lead=eb completed="), "{ours}");
    let between = |lines: &str| ours.replace("k = v\n\n", &format!("k = v\n{lines}"));
    for lines in [
        "\n[b]\nx = y\n\n",
        "\n[b]\nx = y\n",
        "\n[b]\nk = v\n\n",
        "[b]\nk = v\n\n",
        "j = w\n\n",
        "# mine\n   \n",
        "# mine\n\n",
        "   \n",
        "\n\n",
    ] {
        let expected = match lines {
            // Of two blank lines one is ours, but what was completed does not stand right above.
            "\n\n" => "[a]\nk = v\n\n\n".to_owned(),
            _ => format!("[a]\nk = v\n{lines}"),
        };
        assert_eq!(written(&between(lines), &[Edit::remove(name("dev"))]), expected, "{lines:?}");
        // A mark that does not tell which line was completed gives no ending back, and takes nothing but a blank line.
        let older = without_note(&between(lines));
        let rest = written(&older, &[Edit::remove(name("dev"))]);
        assert!(rest == expected || format!("{rest}\n") == expected, "{lines:?}: {rest:?}");
    }
    assert_eq!(written(&ours, &[Edit::remove(name("dev"))]), "[a]\nk = v");
    assert_eq!(written(&ours.replace("k = v", "k = w"), &[Edit::remove(name("dev"))]), "[a]\nk = w\n\n");
    assert_eq!(written(&without_note(&ours), &[Edit::remove(name("dev"))]), "[a]\nk = v\n");
    // What is noted stays when the session is renewed, or the file gets other line endings.
    let next = put(Publication { session: next_session(), ..publication("dev") });
    let renewed = written(&ours, &[next]);
    assert_eq!(written(&renewed, &[Edit::remove(name("dev"))]), "[a]\nk = v");
    assert_eq!(written(&renewed.replace('\n', "\r\n"), &[Edit::remove(name("dev"))]), "[a]\r\nk = v");
}

/// The file as a version wrote it that did not note which line it completed.
fn without_note(file: &str) -> String {
    let start = file.find(" completed=").expect("a note");
    format!("{}{}", &file[..start], &file[start + " completed=01234567".len()..])
}

#[test]
fn a_removal_of_what_has_ended_leaves_what_was_renewed_since() {
    let end = session().expiration;
    let remove = |ended_by: WallTime| Edit::Remove { profile: name("dev"), ended_by: Some(ended_by) };
    assert_eq!(written(DEV, &[remove(end)]), "");
    for early in [end - Duration::from_millis(1), session().issued] {
        assert_eq!(edit(DEV, &[remove(early)]), (DEV.to_owned(), vec![Outcome::Unchanged]));
    }
    let renewed = written(DEV, &[put(Publication { session: next_session(), ..publication("dev") })]);
    assert_eq!(edit(&renewed, &[remove(end)]), (renewed.clone(), vec![Outcome::Unchanged]));
    // The same within one list of edits.
    let next = put(Publication { session: next_session(), ..publication("dev") });
    let (after, outcomes) = edit(DEV, &[next, remove(end), remove(next_session().expiration)]);
    assert_eq!((after.as_str(), outcomes), ("", vec![Outcome::Written, Outcome::Unchanged, Outcome::Written]));
    // Nobody knows the end of what is damaged; a person may have it out all the same.
    let damaged = DEV.replace("T15:04:05Z", "soon");
    assert_eq!(edit(&damaged, &[remove(WallTime::MAX)]), (damaged.clone(), vec![Outcome::Unchanged]));
    assert_eq!(written(&damaged, &[Edit::remove(name("dev"))]), "");
}

#[test]
fn edits_of_one_profile_follow_each_other() {
    let edits = [put(publication("dev")), Edit::remove(name("dev")), put(publication("dev")), put(publication("dev"))];
    let (after, outcomes) = edit("", &edits);
    assert_eq!(after, DEV);
    assert_eq!(outcomes, [Outcome::Written, Outcome::Written, Outcome::Written, Outcome::Unchanged]);
}

#[test]
fn a_refusal_names_the_line_of_the_new_file() {
    let before = "[dev]\n\n[b]\nregion = x\nrole_arn = x\n";
    let edits = [put(publication("b")), put(publication("dev")), Edit::remove(name("dev")), Edit::remove(name("b"))];
    let (after, outcomes) = edit(before, &edits[..2]);
    let lines = outcomes.iter().map(|outcome| match outcome {
        Outcome::Refused(reason) => reason.line,
        _ => None,
    });
    assert_eq!(lines.collect::<Vec<_>>(), [Some(12), None]);
    assert_eq!(after.lines().nth(11), Some("role_arn = x"));
    let (after, outcomes) = edit(before, &edits);
    assert_eq!(after, "\n[b]\nregion = x\nrole_arn = x\n");
    assert!(matches!(&outcomes[0], Outcome::Refused(reason) if reason.line == Some(4)), "{outcomes:?}");
    assert!(matches!(&outcomes[3], Outcome::Refused(reason) if reason.line == Some(4)), "{outcomes:?}");
}
