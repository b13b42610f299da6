//! Source credentials that change, end or need a person.

use crate::responder::Responder;
use crate::workstation::{KEY, SECRET, Workstation, arn, let_pass, text};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

const SERIAL: &str = "arn:aws:iam::111122223333:mfa/me";

fn script(workstation: &Workstation, name: &str, body: &str) -> String {
    let path = workstation.path(name);
    crate::script::script(&path, &format!("#!/bin/sh\n{body}\n"));
    path.display().to_string()
}

#[test]
fn rotated_source_keys_are_noticed_without_a_signal() {
    let mut workstation = Workstation::new(8).role("dev").entry(
        "[[role]]\nprofile = \"steady\"\nrole_arn = \"arn:aws:iam::111122223333:role/steady\"\nsource_profile = \"second\"",
    );
    workstation.sts.add_key(
        "AKIAI44QH8DHBEXAMPLE",
        "second-EXAMPLEKEY",
        "111122223333",
        "arn:aws:iam::111122223333:user/two",
    );
    let good = format!(
        "{}[second]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = second-EXAMPLEKEY\n",
        workstation.credentials()
    );
    workstation.replace_credentials(&good.replace(SECRET, "a-wrong-secret-EXAMPLEKEY"));
    let start = Instant::now();
    workstation = workstation.start_with(&["steady"]);
    workstation.wait("the wrong secret to be told", || workstation.logged(&["WARN", "profile=dev", "class=source"]));
    workstation.wait("a status", || workstation.status_of("dev")["state"] == "waiting");
    assert!(workstation.status_of("dev")["error"]["fix"].as_str().is_some_and(|fix| fix.contains("base")));
    // Our own writes for the other role are no news of the source.
    let (asked, granted) = (workstation.asked("dev"), workstation.granted("steady"));
    workstation.wait("refreshes of the other role", || workstation.granted("steady") >= granted + 3);
    // A slow machine comes to the tries that are due anyway, the first one 15 s after the refusal.
    let by_time = start.elapsed().as_secs() / 15;
    let more = (workstation.asked("dev") - asked) as u64;
    assert!(more <= by_time, "our own writes were taken for a change of the source: {more}, by time {by_time}");

    let mended = workstation.credentials().replace("a-wrong-secret-EXAMPLEKEY", SECRET);
    workstation.replace_credentials(&mended);
    workstation.wait("it to heal by itself", || workstation.holds("dev"));
    workstation.wait("a status", || workstation.status_of("dev")["state"] == "fresh");
    assert_eq!(workstation.lines(&["WARN", "profile=dev", "class=source"]), 1, "{}", workstation.log());
}

#[test]
fn an_mfa_session_needs_nobody_when_its_command_may_run_unattended() {
    let workstation = Workstation::new(600).default("source_profile = \"base-mfa\"").role("dev");
    workstation.sts.add_mfa_device(SERIAL, |code| code == "123456");
    workstation.sts.require_mfa(&arn("dev"));
    let command = script(&workstation, "code", "echo 123456");
    let workstation = workstation
        .entry(&format!(
            "[[mfa_session]]\nprofile = \"base-mfa\"\nsource_profile = \"base\"\nmfa_serial = \"{SERIAL}\"\n\
             mfa_command = [{command:?}]\nunattended = true"
        ))
        .start_with(&["dev"]);
    assert_eq!(workstation.key_of("base-mfa"), None, "an MFA session is private unless said");
    let operations: Vec<String> = workstation.sts.requests().into_iter().map(|request| request.operation).collect();
    assert_eq!(operations, ["GetSessionToken", "AssumeRole"]);
}

#[test]
fn an_mfa_session_that_needs_a_person_waits_and_says_for_what() {
    let workstation = Workstation::new(600).default("source_profile = \"base-mfa\"").role("dev");
    workstation.sts.add_mfa_device(SERIAL, |code| code == "123456");
    let command = script(&workstation, "code", "echo ran >> ~/ran; echo 123456");
    let workstation = workstation
        .entry(&format!(
            "[[mfa_session]]\nprofile = \"base-mfa\"\nsource_profile = \"base\"\nmfa_serial = \"{SERIAL}\"\n\
             mfa_command = [{command:?}]"
        ))
        .start();
    workstation.wait("it to wait", || {
        workstation.status_of("dev")["state"] == "waiting" && workstation.status_of("base-mfa")["state"] == "waiting"
    });
    for profile in ["dev", "base-mfa"] {
        let error = workstation.status_of(profile)["error"].clone();
        assert_eq!(error["fix"], "evertoken login base-mfa", "{error:#}");
    }
    assert!(workstation.logged(&["WARN", "evertoken login base-mfa"]), "{}", workstation.log());
    let_pass(1.0);
    assert_eq!(workstation.sts.request_count(), 0);
    assert!(!workstation.path("ran").exists(), "the command ran without leave");
    assert_eq!(workstation.lines(&["WARN", "evertoken login"]), 1, "once for all profiles:\n{}", workstation.log());
}

#[test]
fn a_credential_process_is_a_source_with_roles_on_top() {
    let workstation = Workstation::new(12).default("source_profile = \"tool\"").role("dev").chained("prod", "dev");
    let answer = format!(r#"{{"Version": 1, "AccessKeyId": "{KEY}", "SecretAccessKey": "{SECRET}"}}"#);
    fs::write(workstation.path("answer"), answer).expect("written");
    let command = script(&workstation, "tool", "echo run >> \"$HOME/runs\"; cat \"$HOME/answer\"");
    fs::write(workstation.path(".aws/config"), format!("[profile tool]\ncredential_process = {command}\n"))
        .expect("written");
    let workstation = workstation.start_with(&["dev", "prod"]);
    let granted = workstation.granted("prod");
    workstation.wait("refreshes", || workstation.granted("prod") >= granted + 2);
    let signers = workstation.sts.requests().into_iter().filter(|r| r.parameter("RoleArn") == Some(&arn("prod")));
    assert!(signers.into_iter().all(|request| request.access_key_id.as_deref() != Some(KEY)), "prod is chained to dev");
    let runs = fs::read_to_string(workstation.path("runs")).expect("it ran").lines().count();
    // The call for the last run may be on its way yet.
    assert!(runs <= workstation.asked("dev") + 1, "{runs} runs for {} calls", workstation.asked("dev"));
}

#[test]
fn the_private_store_is_read_only_through_credential_process() {
    let workstation = Workstation::new(600).role_with("hidden", "store = \"private\"");
    let before = workstation.fingerprint();
    let workstation = workstation.start();
    workstation.wait("the session", || workstation.status_of("hidden")["state"] == "fresh");
    let output = workstation.evertoken(&["credential-process", "hidden"]);
    assert!(output.status.success(), "{output:?}");
    let issued = workstation.sts.sessions();
    assert_eq!(issued.len(), 1);
    let session = &issued[0];
    let expected = format!(
        "{{\"Version\":1,\"AccessKeyId\":\"{}\",\"SecretAccessKey\":\"{}\",\"SessionToken\":\"{}\",\
         \"Expiration\":\"{}\",\"AccountId\":\"111122223333\"}}\n",
        session.access_key_id,
        session.secret_access_key.expose(),
        session.session_token.expose(),
        evertoken::engine::time::WallTime::from_unix_seconds(session.expiration.unix_seconds()),
    );
    assert_eq!(text(&output.stdout), expected);
    assert_eq!(text(&output.stderr), "");
    assert_eq!(workstation.fingerprint(), before, "the shared file was touched");
    let stores = workstation.state_files("credentials");
    assert_eq!(stores.len(), 1);
    assert_eq!(fs::metadata(&stores[0]).expect("the store").permissions().mode() & 0o7777, 0o600);
    assert_eq!(workstation.asked("hidden"), 1);
}

/// `printf corp | sha1sum`
const SSO_CACHE: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

#[test]
fn our_own_renewal_of_a_sign_in_is_no_news_of_it() {
    // A sign-in whose tokens never last for long: it is renewed, and saved, each time that it is looked at.
    let center = Responder::start(|came| match (came.method.as_str(), came.header("x-amz-sso_bearer_token")) {
        ("POST", None) if came.body.contains("refresh_token") => {
            (200, r#"{"accessToken":"renewed","expiresIn":100,"refreshToken":"next"}"#.to_owned())
        }
        _ => (403, r#"{"message":"No access","__type":"ForbiddenException"}"#.to_owned()),
    });
    let workstation = Workstation::new(600).entry("[[role]]\nprofile = \"dev\"\nsource_profile = \"corp-dev\"");
    let now = workstation.sts.now();
    fs::create_dir_all(workstation.path(".aws/sso/cache")).expect("a cache");
    let name = workstation.path(SSO_CACHE);
    let token = format!(
        r#"{{"accessToken":"ending","expiresAt":"{}","clientId":"client","clientSecret":"secret","refreshToken":"refresh",
        "registrationExpiresAt":"{}"}}"#,
        now + Duration::from_secs(100),
        now + Duration::from_secs(100_000)
    );
    fs::write(&name, &token).expect("written");
    fs::write(
        workstation.path(".aws/config"),
        format!(
            "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n\
             [profile corp-dev]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev\n\
             endpoint_url = {}\n",
            center.url()
        ),
    )
    .expect("written");
    let workstation = workstation.start();
    let asked = || center.came().iter().filter(|came| came.target != "/token").count();
    workstation.wait("the refusal", || workstation.logged(&["WARN", "profile=dev", "ForbiddenException"]));
    assert!(fs::read_to_string(&name).expect("a token").contains("renewed"), "it was not renewed");
    let_pass(3.0);
    assert_eq!(asked(), 1, "our own write was taken for a new sign-in:\n{}", workstation.log());
    // A person signs in.
    fs::write(&name, token.replace("ending", "signed-in-again")).expect("written");
    workstation.wait("a try with the new sign-in", || asked() == 2);
}
