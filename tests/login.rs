//! `evertoken login` as a person meets it: codes given, typed at a terminal and printed by a command, against the
//! emulator; and sign-ins through an `aws` that only notes what it was asked for.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a test runs the binary, looks at files and fails loudly"
)]

#[path = "terminal/pair.rs"]
mod pair;
#[path = "program/script.rs"]
mod script;

use evertoken::emulator::{Emulator, Settings};
use evertoken::shell::clock;
use pair::pair;
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::tcgetattr;
use script::script;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const SERIAL: &str = "arn:aws:iam::111122223333:mfa/me";
/// Far above what anything takes, for a machine that is busy with something else.
const BOUND: Duration = Duration::from_secs(60);

/// A home with long-term keys, an MFA session and a role on top of it, and an AWS where codes that start with 1 are good.
struct Home {
    folder: tempfile::TempDir,
    emulator: Emulator,
}

impl Home {
    fn new(more: &str) -> Self {
        // Whoever runs this may let others write by default, and evertoken rightly refuses such folders.
        rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
        let emulator = Emulator::start(Settings::default()).expect("an emulator");
        emulator.add_mfa_device(SERIAL, |code| code.starts_with('1'));
        emulator.require_mfa("arn:aws:iam::111122223333:role/Admin");
        let home = Self { folder: tempfile::tempdir().expect("a folder"), emulator };
        home.write(
            ".config/evertoken/config.toml",
            &format!(
                "[defaults]\nregion = \"eu-west-1\"\nsts_endpoint = \"{}\"\n\
                 [[mfa_session]]\nprofile = \"base-mfa\"\nsource_profile = \"base\"\nmfa_serial = \"{SERIAL}\"\n{more}\n\
                 [[role]]\nprofile = \"admin\"\nrole_arn = \"arn:aws:iam::111122223333:role/Admin\"\n\
                 source_profile = \"base-mfa\"\n",
                home.emulator.url()
            ),
        );
        home.write(
            ".aws/credentials",
            "[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\
             aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
        );
        home
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
    }

    /// A program that is found by its name.
    fn program(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path("bin")).expect("a folder");
        script(&self.path("bin").join(name), text);
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken"));
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        command.args(line.split_whitespace()).env_clear().env("HOME", self.folder.path()).env("PATH", path);
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, line: &str) -> (Option<i32>, String, String) {
        told(self.command(line).output().expect("a run"))
    }

    fn codes_sent(&self) -> Vec<String> {
        let requests = self.emulator.requests();
        requests.iter().filter_map(|request| request.parameter("TokenCode").map(str::to_owned)).collect()
    }

    /// Runs it at a terminal where `answers` are typed, each when it is asked for. Gives what was shown there, too.
    fn at_a_terminal(&self, line: &str, answers: &[&str]) -> (Option<i32>, String, String) {
        let (master, slave) = pair();
        let mut command = self.command(line);
        command.stdin(Stdio::from(slave.try_clone().expect("a copy"))).stdout(Stdio::piped()).stderr(slave);
        let child = command.spawn().expect("a run");
        drop(command);
        let mut terminal = File::from(master);
        let (mut shown, mut answered) = (String::new(), 0);
        let mut some = [0; 1024];
        // The end of the child is an error of the terminal.
        while let Ok(length @ 1..) = terminal.read(&mut some) {
            shown.push_str(&String::from_utf8_lossy(&some[..length]));
            let asked = shown.matches("mfa/me): ").count();
            if asked > answers.len() {
                break;
            }
            while answered < asked {
                terminal.write_all(answers[answered].as_bytes()).expect("typed");
                answered += 1;
            }
        }
        // A terminal that goes ends whoever still asks.
        drop(terminal);
        let (code, out, _) = told(child.wait_with_output().expect("an end"));
        (code, out, shown)
    }
}

/// A daemon that ends with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Whatever went wrong: it is gone.
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

fn told(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_given_code_opens_the_session_and_the_role_on_top_of_it() {
    let home = Home::new("");
    let (code, out, err) = home.run("login admin --code 123456");
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.starts_with("base-mfa: logged in, valid until "), "{out}");
    assert!(out.contains("`evertoken refresh` renews"), "no daemon runs: {out}");
    assert_eq!(home.codes_sent(), ["123456"]);
    assert_eq!(home.run("refresh").0, Some(0));
    // Half a day is left: nothing is due, but whoever names the session gets a new one.
    assert_eq!(home.run("login"), (Some(0), "nothing is due\n".to_owned(), String::new()));
    assert_eq!(home.run("login base-mfa --code 123457").0, Some(0));
    assert_eq!(home.codes_sent(), ["123456", "123457"]);
    // Nor does a session of other settings last, however long it would.
    let config = fs::read_to_string(home.path(".config/evertoken/config.toml")).expect("the config");
    let changed = config.replace("[[role]]", "duration = \"6h\"\n[[role]]");
    home.write(".config/evertoken/config.toml", &changed);
    assert_eq!(home.run("login --code 123458").0, Some(0));
    assert_eq!(home.codes_sent(), ["123456", "123457", "123458"]);
}

#[test]
fn no_code_is_spent_where_the_session_could_not_be_stored() {
    let home = Home::new("store = \"shared\"");
    fs::write(home.path(".aws/credentials"), "no header\n").expect("a file that no tool can read");
    let (code, out, err) = home.run("login --code 123456");
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(err.contains("line 1"), "{err}");
    assert_eq!(home.codes_sent(), Vec::<String>::new());
}

#[test]
fn who_stands_on_a_session_that_could_not_be_opened_is_not_asked_for_a_code() {
    let twice = format!(
        "[[role]]\nprofile = \"twice\"\nrole_arn = \"arn:aws:iam::111122223333:role/Twice\"\n\
         source_profile = \"base-mfa\"\nmfa_serial = \"{SERIAL}\"\n"
    );
    let home = Home::new(&twice);
    let (code, out, err) = home.run("login");
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(out.contains("base-mfa: an MFA code is due, and there is no terminal to ask on\n"), "{out}");
    assert!(out.contains("twice: waits for base-mfa\n"), "{out}");
}

#[test]
fn a_code_needs_exactly_one_use() {
    let second =
        format!("[[mfa_session]]\nprofile = \"other-mfa\"\nsource_profile = \"base\"\nmfa_serial = \"{SERIAL}\"\n");
    let home = Home::new(&second);
    let (code, _, err) = home.run("login --code 123456");
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("codes are due for base-mfa, other-mfa: name one of them"), "{err}");
    assert_eq!(home.run("login --code 12345").0, Some(2));
    assert_eq!(home.run("login nobody").0, Some(2));
    assert_eq!(home.codes_sent(), Vec::<String>::new());
    assert_eq!(home.run("login base-mfa --code 123456").0, Some(0));
    assert_eq!(home.run("login other-mfa --code 123457").0, Some(0));
    let (code, _, err) = home.run("login --code 123458");
    assert_eq!(code, Some(2));
    assert!(err.contains("no MFA code is due"), "{err}");
}

#[test]
fn a_wrong_code_says_so_and_leaves_the_file_alone() {
    let home = Home::new("");
    let before = fs::read(home.path(".aws/credentials")).expect("a file");
    let (code, out, _) = home.run("login --code 999999");
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("base-mfa: the MFA code for profile \"base-mfa\" was wrong, or was used before"), "{out}");
    assert_eq!(fs::read(home.path(".aws/credentials")).expect("a file"), before);
    let (code, out, _) = home.run("login");
    assert_eq!(code, Some(1));
    assert!(out.contains("no terminal to ask on\n  fix: evertoken login base-mfa --code CODE"), "{out}");
}

#[test]
fn a_person_may_mistype_and_is_never_shown_what_was_typed() {
    let second =
        format!("[[mfa_session]]\nprofile = \"other-mfa\"\nsource_profile = \"base\"\nmfa_serial = \"{SERIAL}\"\n");
    let home = Home::new(&second);
    // Too short; wrong; corrected while typing; then, for the other session of the device, the same one, and the next.
    let typed = ["12345\r", "999999\r", "1289\x7f\x7f3456\r", "123456\r", "123457\r"];
    let (code, out, shown) = home.at_a_terminal("login", &typed);
    assert_eq!(code, Some(0), "{out}\n{shown}");
    assert!(shown.starts_with(&format!("MFA code for base-mfa ({SERIAL}): ")), "{shown}");
    for said in ["six digits", "was wrong, or was used before", "works only once: wait for the next one"] {
        assert_eq!(shown.matches(said).count(), 1, "{said}: {shown}");
    }
    assert!(!["999", "1234", "3456"].iter().any(|part| shown.contains(part) || out.contains(part)), "{shown}");
    assert_eq!(home.codes_sent(), ["999999", "123456", "123457"]);
    assert_eq!(out.matches(": logged in, valid until ").count(), 2, "{out}");
}

#[test]
fn three_wrong_codes_are_enough_and_ctrl_c_ends_it() {
    let home = Home::new("");
    let (code, out, shown) = home.at_a_terminal("login", &["999991\r", "999992\r", "999993\r", "123456\r"]);
    assert_eq!(code, Some(1), "{out}\n{shown}");
    assert_eq!(home.codes_sent(), ["999991", "999992", "999993"]);
    let (code, out, shown) = home.at_a_terminal("login", &["12\x03"]);
    assert_eq!((code, out.as_str()), (Some(130), ""), "{shown}");
}

#[test]
fn ctrl_c_ends_all_of_it_and_ctrl_d_only_the_question() {
    let second =
        format!("[[mfa_session]]\nprofile = \"other-mfa\"\nsource_profile = \"base\"\nmfa_serial = \"{SERIAL}\"\n");
    let home = Home::new(&second);
    let (code, out, shown) = home.at_a_terminal("login", &["12\x03", "123456\r"]);
    assert_eq!((code, out.as_str()), (Some(130), ""), "{shown}");
    assert!(!shown.contains("MFA code for other-mfa"), "{shown}");
    assert_eq!(home.codes_sent(), Vec::<String>::new());
    let (code, out, shown) = home.at_a_terminal("login", &["12\x04", "123456\r"]);
    assert_eq!(code, Some(1), "{out}\n{shown}");
    assert!(out.starts_with("base-mfa: no code was given\nother-mfa: logged in"), "{out}");
    assert_eq!(home.codes_sent(), ["123456"]);
}

#[test]
fn a_signal_at_the_question_leaves_the_terminal_as_it_was() {
    let home = Home::new("");
    let (master, slave) = pair();
    let before = tcgetattr(&slave).expect("a terminal").local_modes;
    let mut command = home.command("login");
    let (stdin, stderr) = (slave.try_clone().expect("a copy"), slave.try_clone().expect("a copy"));
    let mut child = command.stdin(Stdio::from(stdin)).stdout(Stdio::null()).stderr(stderr).spawn().expect("a run");
    let mut terminal = File::from(master);
    let (mut shown, mut some) = (String::new(), [0; 1024]);
    while !shown.contains("mfa/me): ") {
        let length = terminal.read(&mut some).expect("a question");
        shown.push_str(&String::from_utf8_lossy(&some[..length]));
    }
    assert_ne!(tcgetattr(&slave).expect("a terminal").local_modes, before);
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a number")).expect("a process");
    kill_process(pid, Signal::TERM).expect("it is there");
    assert_eq!(child.wait().expect("an end").signal(), Some(Signal::TERM.as_raw()));
    assert_eq!(tcgetattr(&slave).expect("a terminal").local_modes, before);
}

#[test]
fn a_command_that_prints_codes_is_asked_instead_of_a_person() {
    let home = Home::new("mfa_command = [\"pass-code\"]\n");
    home.program("pass-code", "#!/bin/sh\necho 123456\n");
    let (code, out, shown) = home.at_a_terminal("login", &[]);
    assert_eq!((code, shown.as_str()), (Some(0), ""), "{out}");
    assert_eq!(home.codes_sent(), ["123456"]);
    home.program("pass-code", "#!/bin/sh\necho no key found >&2\nexit 1\n");
    let (code, out, _) = home.run("login base-mfa");
    assert_eq!(code, Some(1));
    assert!(out.contains("the mfa_command of base-mfa: no key found"), "{out}");
}

#[test]
fn a_command_that_prints_codes_sees_nothing_that_misleads_and_may_use_the_terminal_of_a_person() {
    let home = Home::new("mfa_command = [\"pass-code\"]\n");
    let noting = "env >\"$HOME/seen\"; ps -o pgid= -p $$ >\"$HOME/group\"; ps -o pgid= -p $PPID >>\"$HOME/group\"\n\
                  cat; echo touch the key >&2; echo 123456";
    home.program("pass-code", &format!("#!/bin/sh\n{noting}\n"));
    let groups = || -> Vec<String> {
        let text = fs::read_to_string(home.path("group")).expect("it ran");
        text.split_whitespace().map(str::to_owned).collect()
    };
    let mut command = home.command("login base-mfa");
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"] {
        command.env(name, "misleading");
    }
    let (code, out, err) = told(command.env("KEPT", "yes").output().expect("a run"));
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let seen = fs::read_to_string(home.path("seen")).expect("it ran");
    assert!(!seen.contains("misleading"), "{seen}");
    for line in ["KEPT=yes", "EVERTOKEN_CHILD=1", &format!("HOME={}", home.folder.path().display())] {
        assert!(seen.lines().any(|seen| seen == line), "{line}: {seen}");
    }
    assert!(seen.contains("PATH=") && seen.contains("AWS_CONFIG_FILE="), "{seen}");
    let apart = groups();
    assert_ne!(apart[0], apart[1], "without a person it has a group of its own, which is killed as a whole");

    home.program("pass-code", &format!("#!/bin/sh\n{}\n", noting.replace("123456", "123457")));
    let (code, out, shown) = home.at_a_terminal("login base-mfa", &[]);
    assert_eq!((code, shown.trim()), (Some(0), "touch the key"), "{out}");
    let together = groups();
    assert_eq!(together[0], together[1], "only the group in front may read from a terminal");
}

#[test]
fn a_credential_process_may_use_the_terminal_of_a_person_and_has_none_otherwise() {
    let home = Home::new(
        "[[role]]\nprofile = \"tool\"\nsource_profile = \"asking\"\n\
                          role_arn = \"arn:aws:iam::111122223333:role/Tool\"\n",
    );
    let printed = "{\"Version\":1,\"AccessKeyId\":\"AKIAIOSFODNN7EXAMPLE\",\
                   \"SecretAccessKey\":\"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"}";
    home.program(
        "asking",
        &format!(
            "#!/bin/sh\nps -o pgid= -p $$ >\"$HOME/group\"; ps -o pgid= -p $PPID >>\"$HOME/group\"\n\
             echo touch the key >&2; echo '{printed}'\n"
        ),
    );
    home.write(".aws/config", "[profile asking]\ncredential_process = asking\n");
    let groups = || -> Vec<String> {
        let text = fs::read_to_string(home.path("group")).expect("it ran");
        text.split_whitespace().map(str::to_owned).collect()
    };
    let (code, out, err) = told(home.command("refresh --force tool").output().expect("a run"));
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let apart = groups();
    assert_ne!(apart[0], apart[1]);
    let (code, out, shown) = home.at_a_terminal("refresh --force tool", &[]);
    assert_eq!((code, shown.trim()), (Some(0), "touch the key"), "{out}");
    let together = groups();
    assert_eq!(together[0], together[1], "only the group in front may read from a terminal");
}

#[test]
fn a_running_daemon_goes_on_by_itself() {
    let home = Home::new("");
    let _daemon = Running(home.command("run").stderr(Stdio::null()).spawn().expect("a daemon"));
    let started = clock::stopwatch();
    let wait_for = |what: &str, is_so: &dyn Fn() -> bool| {
        while !is_so() {
            assert!(started.elapsed() < BOUND, "waited for {what}");
            std::thread::yield_now();
        }
    };
    wait_for("the daemon to wait", &|| home.run("status").1.contains("base-mfa waiting"));
    let (code, out, _) = home.run("login --code 123456");
    assert_eq!((code, out.lines().count()), (Some(0), 1), "{out}");
    wait_for("the role on top to be fresh", &|| home.run("status").0 == Some(0));
}

/// A person may look for the key for a minute. Whoever comes meanwhile waits for that, and neither asks for a second code
/// nor calls it a failure: longer than any call without a person could take.
#[test]
fn whoever_comes_while_a_person_is_asked_for_a_code_waits_for_that_one() {
    let home = Home::new("mfa_command = [\"~/bin/code\"]");
    home.program(
        "code",
        "#!/bin/sh\necho run >>\"$HOME/runs\"\nuntil [ -e \"$HOME/touched\" ]; do sleep 0.1; done\necho 123456\n",
    );
    let start = |line: &str| home.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a run");
    let first = start("login base-mfa");
    let started = clock::stopwatch();
    while !home.path("runs").exists() {
        assert!(started.elapsed() < BOUND, "the command is not asked");
        std::thread::yield_now();
    }
    let second = start("login base-mfa");
    std::thread::sleep(Duration::from_secs(21));
    home.write("touched", "");
    for run in [first, second] {
        let (code, out, err) = told(run.wait_with_output().expect("an end"));
        assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
        assert!(out.starts_with("base-mfa: logged in, valid until "), "{out}");
    }
    assert_eq!(home.codes_sent(), ["123456"]);
    assert_eq!(fs::read_to_string(home.path("runs")).expect("runs").lines().count(), 1);
}

#[test]
fn a_sign_in_that_is_over_is_renewed_by_the_aws_cli() {
    let home = Home::new("");
    home.write(
        ".aws/config",
        "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n\
         sso_registration_scopes = sso:account:access\n\
         [profile corp-dev]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev\n\
         endpoint_url = http://127.0.0.1:1\n",
    );
    home.write(
        ".config/evertoken/config.toml",
        "[[role]]\nprofile = \"dev\"\nsource_profile = \"corp-dev\"\n[[role]]\nprofile = \"dev2\"\n\
         source_profile = \"corp-dev\"\nrole_arn = \"arn:aws:iam::111122223333:role/Developer\"\n",
    );
    let (code, out, _) = told(home.command("login").env("PATH", home.path("bin")).output().expect("a run"));
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("SSO session \"corp\" is over: aws sso login --sso-session corp\n"), "{out}");
    assert!(out.contains("the AWS CLI is not installed"), "{out}");
    home.program(
        "aws",
        "#!/bin/sh\necho \"$* $AWS_PROFILE $AWS_CONFIG_FILE\" >>\"$HOME/asked\"\n\
         [ -e \"$HOME/token\" ] && mkdir -p \"$HOME/.aws/sso/cache\" && \
         mv \"$HOME/token\" \"$HOME/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json\"\n\
         exit $(cat \"$HOME/code\")\n",
    );
    home.write("code", "0");
    // It says that it has signed in, but for another session.
    let (code, out, _) = home.run("login");
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("is still over: `aws sso login --sso-session corp` ended well, but left no token"), "{out}");
    fs::remove_file(home.path("asked")).expect("what aws was asked");
    home.write(
        "token",
        "{\"startUrl\": \"https://corp.awsapps.com/start\", \"region\": \"eu-west-1\", \"accessToken\": \"AN-ACCESS-TOKEN\", \
         \"expiresAt\": \"2099-11-21T15:04:05Z\"}",
    );
    let told = told(home.command("login").env("AWS_PROFILE", "elsewhere").output().expect("a run"));
    assert_eq!(told.0, Some(0), "{told:?}");
    let asked = fs::read_to_string(home.path("asked")).expect("what aws was asked");
    assert_eq!(asked, format!("sso login --sso-session corp  {}\n", home.path(".aws/config").display()));
    home.write("code", "255");
    fs::remove_dir_all(home.path(".aws/sso")).expect("signed out");
    let (code, out, _) = home.run("login dev2");
    assert_eq!(code, Some(1));
    assert!(out.contains("is still over: `aws sso login --sso-session corp` ended with exit status: 255"), "{out}");
}
