//! What ends a wait: a role that was refused is asked for again after minutes, but at once when a file changes that a
//! source lives in, and whenever somebody asks. Without that none of these would end within the bound.

use crate::workstation::{Workstation, arn, let_pass, text};
use rustix::process::Signal;
use std::fs;
use std::time::Instant;

fn refuse(workstation: &Workstation) {
    workstation.sts.deny_role(&arn("dev"), "AccessDenied", "User is not authorized to perform: sts:AssumeRole");
    workstation.signal(Signal::USR1);
    workstation.wait("the refusal", || workstation.status_of("dev")["state"] == "refused");
    workstation.sts.allow_role(&arn("dev"));
}

/// A file that appears or changes, as a program does it.
type Change = fn(&Workstation);

fn write(workstation: &Workstation, below: &str, text: &str) {
    let path = workstation.path(below);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("written");
}

fn rename(workstation: &Workstation, below: &str, text: &str) {
    write(workstation, "elsewhere", text);
    let path = workstation.path(below);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::rename(workstation.path("elsewhere"), path).expect("renamed");
}

#[test]
fn a_change_of_any_file_that_a_source_lives_in_ends_the_wait() {
    let mut workstation = Workstation::new(600).role("dev");
    let logins = workstation.path("logins").display().to_string();
    workstation = workstation.env("AWS_LOGIN_CACHE_DIRECTORY", &logins).entry(&format!(
        "[[role]]\nprofile = \"ci\"\nrole_arn = \"{}\"\nweb_identity_token_file = \"~/tokens/oidc\"",
        arn("ci")
    ));
    let workstation = workstation.start_with(&["dev"]);
    let changes: [(&str, Change); 11] = [
        ("a sign-in where there was no cache", |w| write(w, ".aws/sso/cache/a.json", "{}")),
        ("a sign-in that is renewed", |w| rename(w, ".aws/sso/cache/a.json", "{ }")),
        ("a first `aws login`", |w| write(w, ".aws/login/cache/b.json", "{}")),
        ("a second one", |w| rename(w, ".aws/login/cache/b.json", "{ }")),
        ("one in a folder that the environment names", |w| write(w, "logins/c.json", "{}")),
        ("a token where there was no folder", |w| write(w, "tokens/oidc", "a.b.c")),
        ("a token that is renewed", |w| rename(w, "tokens/oidc", "a.b.d")),
        ("an AWS config where there was none", |w| write(w, ".aws/config", "[profile x]\nregion = eu-west-1\n")),
        ("an AWS config from an editor", |w| rename(w, ".aws/config", "[profile x]\nregion = eu-west-2\n")),
        ("a new key", |w| {
            w.replace_credentials(&w.credentials().replace("# mine\n", "# mine\n[new]\naws_access_key_id = x\n"));
        }),
        ("a key written in place", |w| {
            fs::write(w.credentials_path(), w.credentials().replace("[new]\n", "[newer]\n")).expect("written");
        }),
    ];
    for (what, change) in changes {
        // The kernel may tell of one change twice, the second time late.
        let waits = (0..10).any(|_| {
            refuse(&workstation);
            let asked = workstation.asked("dev");
            let_pass(0.3);
            workstation.asked("dev") == asked
        });
        assert!(waits, "before {what} it does not wait");
        let (asked, old) = (workstation.asked("dev"), workstation.key_of("dev"));
        let changed = Instant::now();
        change(&workstation);
        workstation.wait(what, || workstation.holds("dev") && workstation.key_of("dev") != old);
        // No bound: how long it takes is for whoever looks at it (--nocapture).
        println!("fresh {} ms after {what}", changed.elapsed().as_millis());
        assert!(workstation.asked("dev") > asked, "{what}");
        workstation.wait("a fresh session", || workstation.status_of("dev")["state"] == "fresh");
    }
}

#[test]
fn whoever_asks_ends_the_wait() {
    let commands: [&[&str]; 4] = [
        &["refresh", "dev"],
        &["exec", "dev", "--", "/bin/true"],
        &["exec", "dev", "--min-ttl", "5m", "--", "/bin/true"],
        &["credential-process", "dev"],
    ];
    for command in commands {
        let mut workstation = Workstation::new(600).role("dev").role("other").furnish();
        workstation.sts.deny_role(&arn("dev"), "AccessDenied", "no");
        workstation.launch();
        workstation.wait("the refusal", || workstation.status_of("dev")["state"] == "refused");
        workstation.wait("the other role", || workstation.holds("other"));
        workstation.sts.allow_role(&arn("dev"));
        let output = workstation.evertoken(command);
        assert_eq!(output.status.code(), Some(0), "{command:?}: {}", text(&output.stderr));
        assert!(workstation.holds("dev"), "{command:?}");
        workstation.wait("the daemon to know", || workstation.status_of("dev")["state"] == "fresh");
        assert_eq!((workstation.asked("dev"), workstation.asked("other")), (2, 1), "{command:?}");
    }
}

/// Of a token that only a profile of the AWS config names, also one that names it since a moment ago.
#[test]
fn a_token_behind_a_profile_of_the_aws_config_ends_the_wait() {
    let workstation = Workstation::new(600).role_with("dev", "source_profile = \"web\"");
    let web = |token: &str| {
        format!(
            "[profile web]\nrole_arn = {}\nweb_identity_token_file = {}\nendpoint_url = {}\n",
            arn("web"),
            workstation.path(token).display(),
            workstation.sts.url()
        )
    };
    let config = [web("tokens/one"), web("more/two")];
    write(&workstation, ".aws/config", &config[0]);
    let workstation = workstation.start();
    workstation.wait("the word on it", || workstation.logged(&["WARN", "tokens/one cannot be read", "fix="]));
    let fix = workstation.status_of("dev")["error"]["fix"].to_string();
    assert!(fix.contains("let whatever issues the token write"), "{fix}");
    write(&workstation, ".aws/config", &config[1]);
    workstation
        .wait("the word on the other", || workstation.status_of("dev")["error"].to_string().contains("more/two"));
    // More than it takes to list the files anew, and less than the next try by itself.
    let_pass(1.0);
    let changed = Instant::now();
    write(&workstation, "more/two", "a.b.c");
    workstation.wait("the session", || workstation.holds("dev") || workstation.asked("web") > 0);
    assert!(changed.elapsed().as_secs() < 10, "it waited for its next try");
}
