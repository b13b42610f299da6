//! A shell with the exports of some other project: nothing of it may lead us elsewhere.

use super::Home;
use evertoken::emulator::{Emulator, Settings};
use evertoken::shell::clock;
use std::time::Duration;

const INSIDE: &str = "HOSTILE_SHELL";
const THIS_TEST: &str = "hostile::a_hostile_shell_changes_nothing";

/// Runs itself again with the exports, because the SDK reads the environment of its process.
#[tokio::test]
async fn a_hostile_shell_changes_nothing() {
    if std::env::var_os(INSIDE).is_some() {
        resolve_everything().await;
        return;
    }
    let elsewhere = Home::new();
    elsewhere.config("[default]\naws_access_key_id = AKIAHOSTILE\naws_secret_access_key = HOSTILE\n");
    let config = elsewhere.path(".aws/config");
    let mut inside = std::process::Command::new(std::env::current_exe().expect("this test"));
    inside.args(["--exact", THIS_TEST, "--nocapture"]).env(INSIDE, "1");
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC"] {
        inside.env(name, "http://127.0.0.1:9");
    }
    let hostile = [
        ("AWS_ENDPOINT_URL_SIGNIN", "http://127.0.0.1:9"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ACCESS_KEY_ID", "AKIAHOSTILE"),
        ("AWS_SECRET_ACCESS_KEY", "HOSTILE"),
        ("AWS_SESSION_TOKEN", "HOSTILE"),
        ("AWS_PROFILE", "hostile"),
        ("AWS_DEFAULT_PROFILE", "hostile"),
        ("AWS_REGION", "hostile-1"),
        ("AWS_DEFAULT_REGION", "hostile-1"),
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
        ("AWS_MAX_ATTEMPTS", "9"),
        ("AWS_STS_REGIONAL_ENDPOINTS", "legacy"),
        ("AWS_ROLE_ARN", "arn:aws:iam::999999999999:role/Hostile"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/no/such/file"),
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("http_proxy", "http://127.0.0.1:9"),
        ("HTTPS_PROXY", "http://127.0.0.1:9"),
    ];
    inside.envs(hostile).env("AWS_CONFIG_FILE", &config).env("AWS_SHARED_CREDENTIALS_FILE", &config);
    let output = inside.output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("1 passed"), "the test was not found under its name: {told}");
}

async fn resolve_everything() {
    let emulator = Emulator::start(Settings::default()).expect("an emulator");
    emulator.add_web_identity("header.payload.example", "me", Duration::from_secs(3600));
    let mut home = Home::new();
    home.environment = std::env::vars_os().collect();
    home.write("token", "header.payload.example");
    let url = emulator.url();
    let printed = r#"{"Version":1,"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}"#;
    let tool = home.script(
        "tool",
        &format!("env | grep -q HOSTILE= && exit 3\ntest \"$AWS_PROFILE$AWS_ACCESS_KEY_ID\" = '' && echo '{printed}'"),
    );
    home.credentials(
        "[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\
         aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
    );
    home.config(&format!(
        "[profile role]\nrole_arn = arn:aws:iam::111122223333:role/R\nsource_profile = base\nendpoint_url = {url}\n\
         [profile web]\nrole_arn = arn:aws:iam::111122223333:role/R\nweb_identity_token_file = ~/token\nendpoint_url = {url}\n\
         [profile process]\ncredential_process = {}\n\
         [profile console]\nlogin_session = arn:aws:iam::111122223333:user/me\n",
        tool.display()
    ));
    let now = clock::now();
    for profile in ["base", "role", "web", "process"] {
        let found = home.resolve_at(profile, now).await.unwrap_or_else(|fault| panic!("{profile}: {fault:?}"));
        assert!(!found.keys.access_key_id.contains("HOSTILE"), "{profile}");
    }
    let sent: Vec<_> = emulator.requests().into_iter().map(|sent| (sent.operation, sent.region)).collect();
    let expected = [("AssumeRole", Some("eu-west-1".to_owned())), ("AssumeRoleWithWebIdentity", None)];
    assert_eq!(sent, expected.map(|(operation, region)| (operation.to_owned(), region)));
    assert!(home.resolve_at("console", now).await.is_err(), "nobody logged in, and no exported key stands in");

    // Last, with a cached console login: it is read from our home, whatever is exported.
    let end = now + Duration::from_secs(3600);
    std::fs::create_dir_all(home.path(".aws/login/cache")).expect("a cache");
    // `printf arn:aws:iam::111122223333:user/me | sha256sum`
    let name = "6eeec053fe13079aaf7fd81065ec5ecbdb93674f20700e51842d0c769b240c8a";
    home.write(
        &format!(".aws/login/cache/{name}.json"),
        &format!(
            r#"{{"accessToken":{{"accessKeyId":"ASIAIOSFODNN7EXAMPLE","secretAccessKey":"SECRETEXAMPLE","sessionToken":"TOKENEXAMPLE","accountId":"111122223333","expiresAt":"{end}"}},"tokenType":"aws_sigv4","refreshToken":"refresh","idToken":"id","clientId":"arn:aws:signin:::devtools/same-device","dpopKey":"key"}}"#
        ),
    );
    let found = home.resolve_at("console", now).await.expect("the cached login");
    assert_eq!(found.keys.access_key_id, "ASIAIOSFODNN7EXAMPLE");
}
