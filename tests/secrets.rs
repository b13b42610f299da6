//! No secret reaches the log, at any level, whatever goes wrong: everything that anybody logs is captured here.

#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "what the test shares may fail it, and it makes the files that the code reads"
)]

use evertoken::emulator::{Emulator, Fault, Field, Rule, Settings};
use evertoken::engine::config::model::Source;
use evertoken::engine::secret::Secret;
use evertoken::engine::time::Skew;
use evertoken::shell::environment::Environment;
use evertoken::shell::http::{Http, HttpSettings};
use evertoken::shell::sources::{AwsFiles, Clocks, Sources};
use evertoken::shell::sts::{Identity, Sts};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing_subscriber::filter::LevelFilter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const LONG_TERM: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const WEB_TOKEN: &str = "header.payload.signature-example";
const CUT: &str = "CUTOFFrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE";
const PRINTED: &str = "PRINTEDrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE";

#[tokio::test]
async fn nothing_that_is_logged_at_any_level_holds_a_secret() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .try_init()
        .expect("the only subscriber of this process");

    let emulator = Emulator::start(Settings::default()).expect("an emulator");
    emulator.add_web_identity(WEB_TOKEN, "me", Duration::from_secs(3600));
    let home = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).expect("written");
    let url = emulator.url();
    write("token", WEB_TOKEN);
    let printed = format!(r#"{{"Version":1,"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"{PRINTED}"}}"#);
    write("printed", &printed);
    write(
        "credentials",
        &format!("[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {LONG_TERM}\n"),
    );
    write(
        "config",
        &format!(
            "[profile role]\nrole_arn = arn:aws:iam::111122223333:role/R\nsource_profile = base\nendpoint_url = {url}\n\
             [profile web]\nrole_arn = arn:aws:iam::111122223333:role/W\nweb_identity_token_file = ~/token\n\
             endpoint_url = {url}\n[profile process]\ncredential_process = /bin/cat {0}/printed\n\
             [profile failing]\ncredential_process = /bin/sh -c 'cat {0}/printed; cat {0}/printed >&2; exit 1'\n",
            home.path().display()
        ),
    );
    let http = Http::new(&HttpSettings::default()).expect("an HTTP client");
    let sts = Sts::new(&http, "0.0.0", None);
    let files = AwsFiles {
        config: home.path().join("config"),
        credentials: home.path().join("credentials"),
        home: Some(home.path().to_owned()),
    };
    let identity = Identity { user: "me".to_owned(), host: "laptop".to_owned() };
    let environment = Environment::from_vars([("PATH", "/usr/bin:/bin")]);
    let sources = Sources::new(http, sts, files, identity, Arc::new(environment));

    // A whole HTTP answer whose XML ends in the midst of the keys: the Debug of the SDK's error repeats it.
    let cut = format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>{CUT}</SecretAccessKey><SessionToken>{CUT}"
    );
    let faults = [
        None,
        Some(Fault::Http { status: 200, headers: Vec::new(), body: cut.clone() }),
        Some(Fault::Http { status: 403, headers: Vec::new(), body: cut }),
        Some(Fault::Without(Field::SessionToken)),
        Some(Fault::Without(Field::Expiration)),
        Some(Fault::CutInside),
        Some(Fault::CutBefore),
        Some(Fault::code("SignatureDoesNotMatch")),
        Some(Fault::portal()),
    ];
    let mut told = String::new();
    for fault in faults {
        emulator.clear();
        fault.into_iter().for_each(|fault| emulator.inject(Rule::always(fault)));
        for profile in ["base", "role", "web", "process", "failing"] {
            let source = Source::Profile(profile.to_owned());
            let answer = sources.resolve(&source, "eu-west-1", Clocks::now(Skew::default())).await;
            told.push_str(&format!("{profile}: {answer:?}\n"));
        }
    }

    let issued = emulator.sessions();
    assert!(issued.len() >= 4, "{} sessions", issued.len());
    let log = String::from_utf8_lossy(&log.0.lock().expect("no panic")).into_owned();
    assert!(log.contains("evertoken::audit") && log.contains("TRACE"), "nothing was captured");
    let expose = |secret: &Secret| secret.expose().to_owned();
    let mut secrets: Vec<String> = [LONG_TERM, WEB_TOKEN, CUT, PRINTED].map(str::to_owned).into();
    secrets.extend(issued.iter().flat_map(|one| [expose(&one.secret_access_key), expose(&one.session_token)]));
    for secret in secrets {
        // Also in parts: a token that is cut, or encoded for a URL.
        let part: String = secret.chars().take(16).collect();
        assert!(!told.contains(&part), "a fault shows a secret");
        assert!(!log.contains(&part), "the log shows a secret: {:?}", log.lines().find(|line| line.contains(&part)));
    }
}
