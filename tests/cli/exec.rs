//! A command with a session in its environment, and everything of its own: signals, terminal, exit code.

use crate::home::{CONFIG, CREDENTIALS, Ended, Home};
use evertoken::emulator::{Emulator, Settings};
use evertoken::shell::locks::InstanceLock;
#[cfg(target_os = "linux")]
use rustix::fs::{Mode, OFlags, open};
#[cfg(target_os = "linux")]
use rustix::process::{Pid, Signal, kill_process};
#[cfg(target_os = "linux")]
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs;
#[cfg(target_os = "linux")]
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

#[test]
fn exec_becomes_the_command_in_an_environment_without_shadows() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    let mut command = home.command("exec dev -- env");
    // What any SDK takes before the profile, or for a part of the keys it has found.
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_ACCESS_KEY",
        "AWS_SECRET_KEY",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_CREDENTIAL_SCOPE",
        "AWS_SESSION_EXPIRATION",
        "AWS_ACCOUNT_ID",
        "AWS_DEFAULT_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ] {
        command.env(name, "stale");
    }
    let kept = ["AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/", "AWS_REGION=eu-west-3", "MINE=kept"];
    command.env("AWS_PROFILE", "other").envs(kept.iter().filter_map(|pair| pair.split_once('=')));
    let ended = Ended::from(command.output().expect("a run"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ours = ["AWS_", "EVERTOKEN_", "MINE"];
    let mut found: Vec<&str> =
        ended.out.lines().filter(|line| ours.iter().any(|name| line.starts_with(name))).collect();
    found.sort_unstable();
    assert_eq!(found, [kept[0], "AWS_PROFILE=dev", kept[1], kept[2]]);
}

#[test]
fn exec_ends_as_the_command_does() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    let shell = |script: &str| home.command("exec dev -- sh -c").arg(script).status().expect("a run");
    assert_eq!(shell("exit 7").code(), Some(7));
    assert_eq!(shell("kill -TERM $$").signal(), Some(15));
    assert_eq!(shell("kill -KILL $$").signal(), Some(9));
    let code = |line: &str| home.run(line).code;
    assert_eq!(code("exec dev -- no-such-program"), Some(127));
    assert_eq!(code("exec dev -- /etc"), Some(126));
    assert_eq!(code("exec dev"), Some(2));
    // Words stay words, and standard input is the command's.
    let mut command = home.command("exec dev -- sh -c");
    command
        .args(["cat; printf '%s|' \"$@\"", "sh", "two words", "--config", "*"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("a child");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"typed ").expect("written");
    let output = child.wait_with_output().expect("an end");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "typed two words|--config|*|");
}

/// What a shell or a service manager sends to the process that it started reaches the command, and so does what is typed at
/// the terminal, which stays the command's. (HUP and INT are ignored below `nohup` and in the background of a script, and no
/// shell can trap what was ignored before it.)
#[cfg(target_os = "linux")]
#[test]
fn exec_hands_on_signals_and_the_terminal() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    let wait_for = |shown: &mut dyn Read, word: &str| {
        let mut text = String::new();
        let mut some = [0; 256];
        while !text.contains(word) {
            let length = shown.read(&mut some).unwrap_or_else(|error| panic!("{error} after {text:?}"));
            assert!(length > 0, "it ended after {text:?}");
            text.push_str(&String::from_utf8_lossy(&some[..length]));
        }
        text
    };
    for (name, signal) in [("TERM", Signal::TERM), ("USR1", Signal::USR1), ("USR2", Signal::USR2)] {
        let script = format!("trap 'exit 9' {name}; echo ready; for i in $(seq 600); do sleep 0.1; done");
        let mut command = home.command("exec dev -- sh -c");
        let mut child = command.arg(script).stdout(Stdio::piped()).spawn().expect("a child");
        wait_for(&mut child.stdout.take().expect("a pipe"), "ready");
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("sent");
        assert_eq!(child.wait().expect("an end").code(), Some(9), "{name}");
    }

    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&master).expect("a terminal");
    unlockpt(&master).expect("a terminal");
    let name = ptsname(&master, Vec::new()).expect("its name");
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = || Stdio::from(open(name.as_c_str(), flags, Mode::empty()).expect("its other side"));
    let exec = home.command("exec dev -- sh -c");
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(exec.get_program()).args(exec.get_args());
    command.arg("tty; echo ready; read word; [ \"$word\" = go ] && exit 9");
    command.env_clear().envs(exec.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = command.stdin(slave()).stdout(slave()).stderr(slave()).spawn().expect("a child");
    drop(command);
    let mut terminal = fs::File::from(master);
    let shown = wait_for(&mut terminal, "ready");
    assert!(shown.contains(&*name.to_string_lossy()), "{shown}");
    std::io::Write::write_all(&mut terminal, b"go\n").expect("typed");
    assert_eq!(child.wait().expect("an end").code(), Some(9));
}

/// Also when a pass had to be made first, with its runtime and its threads.
#[cfg(target_os = "linux")]
#[test]
fn exec_leaves_the_command_the_usual_signals_and_its_core_files() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let home = Home::new(&CONFIG.replace("http://127.0.0.1:1", &sts.url()));
    home.hold("dev", 3_000);
    let script = ["-c", "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status; ulimit -c"];
    let usual = |output: Output| -> Vec<String> {
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(text.starts_with("SigBlk:"), "{text}");
        // 32 and 33 belong to the threads of the C library, in whoever started this and in evertoken.
        let mask = |line: &str| Some(u64::from_str_radix(line.split_once('\t')?.1, 16).ok()? & 0x7fff_ffff);
        text.lines().map(|line| mask(line).map_or(line.to_owned(), |mask| format!("{mask:x}"))).collect()
    };
    let plain = usual(Command::new("sh").args(script).output().expect("a run"));
    assert_eq!(usual(home.command("exec dev -- sh").args(script).output().expect("a run")), plain);
    assert_eq!(sts.request_count(), 0);
    home.hold("dev", -10);
    assert_eq!(usual(home.command("exec dev -- sh").args(script).output().expect("a run")), plain);
    assert_eq!(sts.request_count(), 1);
}

/// A program below it that asks evertoken must not be answered by another config.
#[test]
fn exec_hands_on_the_config_that_was_named() {
    let home = Home::new(CONFIG);
    home.write("other.toml", CONFIG);
    home.hold("dev", 3_000);
    let named = format!("EVERTOKEN_CONFIG={}", home.path("other.toml").display());
    let line = format!("exec dev --config {} -- env", home.path("other.toml").display());
    assert!(home.run(&line).out.lines().any(|line| line == named));
    assert!(!home.run("exec dev -- env").out.contains("EVERTOKEN_CONFIG"));
}

#[test]
fn exec_finds_the_files_that_the_config_names() {
    let home = Home::new(&format!("credentials_file = \"~/.aws/credentials\"\n{CONFIG}"));
    home.hold("dev", 3_000);
    let shared = format!("AWS_SHARED_CREDENTIALS_FILE={}", home.path(".aws/credentials").display());
    assert!(home.run("exec dev -- env").out.lines().any(|line| line == shared));
    // A private session stands in no file that the command would read by itself.
    home.hold("vault", 3_000);
    let private = format!("AWS_SHARED_CREDENTIALS_FILE={}", home.places().private_store().display());
    assert!(home.run("exec vault -- env").out.lines().any(|line| line == private));
    home.write(".aws/config", "[profile vault]\ncredential_process = evertoken credential-process vault\n");
    assert!(!home.run("exec vault -- env").out.lines().any(|line| line == private));
    let config = home.path("aws.conf").display().to_string();
    home.write("aws.conf", "");
    home.write(".config/evertoken/config.toml", &format!("aws_config_file = {config:?}\n{CONFIG}"));
    assert!(home.run("exec dev -- env").out.lines().any(|line| line == format!("AWS_CONFIG_FILE={config}")));
}

/// Another program, evertoken asked for another profile, and keys of the same name give other credentials than those that
/// were asked for.
#[test]
fn exec_takes_a_private_session_from_the_store_unless_evertoken_is_asked_for_it() {
    let home = Home::new(CONFIG);
    home.hold("vault", 3_000);
    let private = format!("AWS_SHARED_CREDENTIALS_FILE={}", home.places().private_store().display());
    let process = |line: &str| format!("[profile vault]\ncredential_process = {line}\n");
    let asks = process("evertoken credential-process vault");
    let keys = format!("{CREDENTIALS}[vault]\naws_access_key_id = AKIAIOSFODNN7OTHERS1\naws_secret_access_key = x\n");
    for (config, credentials, from_store) in [
        (&asks, CREDENTIALS, false),
        (&asks, &keys, true),
        (&process("/opt/other-tool vault"), CREDENTIALS, true),
        (&process("evertoken credential-process dev"), CREDENTIALS, true),
    ] {
        home.write(".aws/config", config);
        home.write(".aws/credentials", credentials);
        let ended = home.run("exec vault -- env");
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.out.lines().any(|line| line == private), from_store, "{config}\n{credentials}");
    }
}

/// No daemon and no other try helps whoever asks for more than there can be.
#[test]
fn exec_says_at_once_that_more_was_asked_for_than_can_be_granted() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let config = CONFIG.replace("http://127.0.0.1:1", &sts.url());
    let home = Home::new(&config);
    let ended = home.run("exec dev --min-ttl 2h -- true");
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{ended:?}");
    let expected = "evertoken: profile dev: no session can have 2h left: no more than 1h can be granted, its duration in the \
                    config\nfix: ask for less than 1h, or raise duration for dev in the config\n";
    assert_eq!(ended.err, expected);
    assert_eq!(sts.request_count(), 0);
    // What STS allows less than the config says is known once it was asked.
    sts.max_session("arn:aws:iam::111122223333:role/Developer", std::time::Duration::from_secs(3_600));
    home.write(".config/evertoken/config.toml", &config.replace("[defaults]", "[defaults]\nduration = \"4h\""));
    for calls in [2, 2] {
        let ended = home.run("exec dev --min-ttl 2h -- true");
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let said =
            "no more than 1h can be granted, which is what STS allowed for this role\nfix: ask for less than 1h, or";
        assert!(ended.err.contains(said), "{}", ended.err);
        assert_eq!(sts.request_count(), calls, "asked for four hours, and then for one");
    }
    assert_eq!(home.run("exec dev --min-ttl 50m -- true").code, Some(0));
}

/// A daemon takes over what was edited, but not with a config that it must not trust, nor with one that is not its own.
#[test]
fn exec_waits_for_no_daemon_that_will_not_follow() {
    let sts = Emulator::start(Settings::default()).expect("an emulator");
    let config = CONFIG.replace("http://127.0.0.1:1", &sts.url());
    let home = Home::new(&config);
    home.hold("dev", 3_000);
    let _running = InstanceLock::acquire(&home.places()).expect("the lock");
    let edited = config.replace("role/Developer", "role/Other");
    home.write(".config/evertoken/config.toml", &format!("{edited}[hooks]\nfailed = [\"true\"]\n"));
    let path = home.path(".config/evertoken/config.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("a mode");
    let started = Instant::now();
    let ended = home.run("exec dev -- true");
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert_eq!(sts.request_count(), 0);

    home.write(".config/evertoken/config.toml", &edited);
    let status = format!(
        r#"{{"version": 1, "config": "{}", "credentials_file": "", "clock_skew_seconds": 0, "profiles": [],
            "daemon": {{"running": true, "responding": true, "pid": null, "version": null, "since": null, "next_wakeup": null}}}}"#,
        home.path("other.toml").display()
    );
    fs::write(home.places().status_file(), status).expect("a status");
    let ended = home.run("exec dev -- true");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(sts.request_count(), 1);
    assert!(started.elapsed() < Duration::from_secs(10), "it waited");
    let other = home.path("other.toml").display().to_string();
    let told = format!("the daemon goes by {other}, and not by {}", path.display());
    assert!(ended.err.contains(&told), "{ended:?}");
    assert!(home.run("refresh dev").err.contains(&told));
    let noted = format!("# note: the daemon: goes by {other}, and not by this config");
    assert!(home.run("status").out.contains(&noted), "{:?}", home.run("status"));
    assert!(home.run("status").out.contains(&format!("# fix: evertoken --config {other} status\n")));
}

#[test]
fn too_little_life_in_an_outage_is_told_as_such() {
    // Nobody answers there.
    let home = Home::new(CONFIG);
    home.hold("dev", 40);
    let ended = home.run("exec dev --min-ttl 1m -- true");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let err = ended.err;
    assert!(err.starts_with("evertoken: the session of profile dev has "), "{err}");
    assert!(err.contains(" left, which is less than 1m 00s: ") && err.contains("cannot be connected to"), "{err}");
}

#[test]
fn exec_says_what_leads_programs_to_other_credentials_than_those_of_the_profile() {
    let home = Home::new(CONFIG);
    home.hold("dev", 3_000);
    let run = || home.run("exec dev -- true");
    assert_eq!(run().err, "");
    for (line, keys) in [
        ("role_arn = arn:aws:iam::111122223333:role/Other\nsource_profile = base", "role_arn"),
        ("sso_session = corp\nsso_account_id = 111122223333", "sso_* keys"),
        ("credential_process = /opt/other", "credential_process"),
    ] {
        fs::write(home.path(".aws/config"), format!("[profile dev]\n{line}\n")).expect("an AWS config");
        let ended = run();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.err.contains(&format!("[profile dev] in {} has {keys}: ", home.path(".aws/config").display())));
        assert!(ended.err.trim_end().ends_with(&format!("; take {keys} out of it")), "{ended:?}");
    }
    fs::write(home.path(".aws/config"), "[profile dev]\nregion = eu-west-1\n").expect("an AWS config");
    assert_eq!(run().err, "");
}
