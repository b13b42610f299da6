//! `evertoken service` on a workstation whose service manager is a script that writes down what it is told: the real one
//! is asked in tests/systemd/run. The launchd half runs here as it would there.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a test runs the binary, makes its files and fails loudly"
)]

#[path = "program/script.rs"]
mod script;

use script::script;
use std::fs;
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const MANAGER: &str = r#"#!/bin/sh
echo "${0##*/} $*" >>"$HOME/told"
case "$*" in
*" show "*)
    [ ! -e "$HOME/.config/systemd/user/evertoken.service" ] || echo "FragmentPath=$HOME/.config/systemd/user/evertoken.service"
    [ ! -e "$HOME/packaged" ] || echo "FragmentPath=/usr/lib/systemd/user/evertoken.service"
    [ ! -e "$HOME/enabled" ] || echo UnitFileState=enabled
    [ ! -e "$HOME/active" ] || printf 'ActiveState=active\nSubState=running\nMainPID=4242\nExecMainStartTimestamp=%s\n' "$(cat "$HOME/active")"
    ;;
*" enable "*.service) : >"$HOME/enabled" ;;
*" start "* | *" restart "*)
    [ ! -e "$HOME/refuse" ] || { echo "Job for evertoken.service failed." >&2; exit 1; }
    date -u '+%a %Y-%m-%d %H:%M:%S UTC' >"$HOME/active"
    ;;
*" disable "*)
    [ ! -e "$HOME/stubborn" ] || { echo "Failed to disable unit: Connection timed out" >&2; exit 1; }
    rm -f "$HOME/enabled" "$HOME/active"
    ;;
print*)
    [ -e "$HOME/active" ] || { echo "Could not find service" >&2; exit 113; }
    printf '%s = {\n\tpath = %s\n\tstate = running\n\tpid = 1\n}\n' "$2" "$HOME/Library/LaunchAgents/io.evertoken.agent.plist"
    ;;
bootstrap*)
    # As it is while the old one is still going.
    [ -e "$HOME/tried" ] || { : >"$HOME/tried"; echo "Bootstrap failed: 5: Input/output error" >&2; exit 5; }
    : >"$HOME/active"
    ;;
bootout*) rm "$HOME/active" ;;
*lstart*) date -u '+%a %b %e %H:%M:%S %Y' ;;
*Linger*) echo Linger=no ;;
esac
"#;

const CONFIG: &str = "[[role]]\nprofile = \"dev\"\nrole_arn = \"arn:aws:iam::111122223333:role/Developer\"\n";

/// Where a program may stand that a service starts: in the folder of the build, or, where that is one for temporary files
/// or has a name that a unit has to quote, in the home of whoever runs this.
fn lasting_folder() -> TempDir {
    let build = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let fleeting = ["/tmp", "/var/tmp", "/private", "/dev/shm", "/run"].iter().any(|folder| build.starts_with(folder));
    let is_plain = build.to_string_lossy().chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let home = std::env::home_dir().expect("a home");
    tempfile::tempdir_in(if fleeting || !is_plain { &home } else { build }).expect("a folder")
}

/// A home with a program of its own and scripts for a service manager.
struct Home {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Home {
    fn new() -> Self {
        // Whoever runs this may let others write by default, and evertoken rightly refuses such folders.
        rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
        let home = Self { folder: lasting_folder(), variables: Vec::new() };
        for folder in [".cargo/bin", "tools", ".config/evertoken"] {
            fs::create_dir_all(home.path(folder)).expect("a folder");
        }
        symlink(env!("CARGO_BIN_EXE_evertoken"), home.path(".cargo/bin/evertoken")).expect("a program");
        for tool in ["systemctl", "loginctl", "launchctl", "ps"] {
            script(&home.path("tools").join(tool), MANAGER);
        }
        fs::write(home.path(".config/evertoken/config.toml"), CONFIG).expect("a config");
        home
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    fn search_path(&self) -> String {
        format!("{}:{}:/usr/bin:/bin", self.path("tools").display(), self.path(".cargo/bin").display())
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.path(".cargo/bin/evertoken"));
        command.args(arguments).env_clear().current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("HOME", self.folder.path()).env("USER", "me").env("PATH", self.search_path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.output().expect("evertoken runs")
    }

    /// Runs `service …`, which must end with this code: what it said.
    fn service(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(&[&["service"], arguments].concat());
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    }

    /// What the service manager was told since the last time, questions left out.
    fn told(&self) -> Vec<String> {
        let told = fs::read_to_string(self.path("told")).unwrap_or_default();
        let _nothing_yet = fs::remove_file(self.path("told"));
        let is_order = |line: &&str| !line.contains(" show") && !line.contains(" print ");
        told.lines().filter(is_order).map(str::to_owned).collect()
    }

    fn unit(&self) -> PathBuf {
        self.path(".config/systemd/user/evertoken.service")
    }

    fn agent(&self) -> PathBuf {
        self.path("Library/LaunchAgents/io.evertoken.agent.plist")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn no_password_of_a_proxy_is_shown_however_it_is_written() {
    for proxy in [
        "http://me:hun\"ter\\@proxy:3128",
        "me:hunter@proxy:3128",
        "http://me:hun#ter?@proxy",
        "http://me:hun/t@r@proxy",
    ] {
        for manager in ["systemd", "launchd"] {
            let home = Home::new().with("HTTPS_PROXY", proxy);
            let said = home.service(&["--manager", manager, "install", "--dry-run"], 0);
            assert!(said.contains("HTTPS_PROXY holds a password") && said.contains("me:…@proxy"), "{said}");
            assert!(!said.contains("hun"), "{said}");
        }
    }
}

#[test]
fn a_service_manager_that_hangs_does_not_hold_up_those_who_only_look() {
    let home = Home::new();
    script(&home.path("tools/systemctl"), "#!/bin/sh\nexec sleep 60\n");
    let said = home.service(&["status"], 1);
    assert!(said.contains("cannot be told: systemctl gave no answer within 10 s"), "{said}");
}

#[test]
fn installs_starts_does_nothing_twice_and_leaves_nothing_behind() {
    let home = Home::new().with("HTTPS_PROXY", "http://me:hunter%40two@proxy:3128").with("AWS_CONFIG_FILE", "aws.conf");
    let said = home.service(&["install", "--dry-run"], 0);
    assert!(said.contains("would write ") && said.contains("ExecStart="), "{said}");
    assert!(!home.unit().exists() && home.told().is_empty());
    assert!(said.contains("HTTPS_PROXY holds a password") && !said.contains("hunter"), "{said}");

    let said = home.service(&["install"], 0);
    assert!(
        said.contains("loginctl enable-linger") && said.contains("journalctl") && !said.contains("hunter"),
        "{said}"
    );
    let shown = said.find("and AWS_CONFIG_FILE=").expect("what is carried");
    assert!(shown < said.find("wrote ").expect("what is written"), "{said}");
    let reload = "systemctl --user daemon-reload";
    let [enable, start, restart] =
        ["enable", "start", "restart"].map(|v| format!("systemctl --user {v} evertoken.service"));
    assert_eq!(home.told(), [reload, &enable, &start]);
    let unit = fs::read_to_string(home.unit()).expect("a unit");
    let root = home.folder.path().display();
    assert!(unit.contains(&format!(
        "ExecStart={root}/.cargo/bin/evertoken run --config {root}/.config/evertoken/config.toml\n"
    )));
    assert!(unit.contains(&format!("Environment=\"AWS_CONFIG_FILE={root}/aws.conf\"\n")), "{unit}");
    assert!(unit.contains("Environment=\"HTTPS_PROXY=http://me:hunter%%40two@proxy:3128\"\n"), "{unit}");
    assert!(unit.contains(&format!("Environment=\"PATH={}\"\n", home.search_path())), "{unit}");
    assert_eq!(fs::metadata(home.unit()).expect("a unit").permissions().mode() & 0o777, 0o600);

    assert!(home.service(&["install"], 0).starts_with("nothing to do"));
    assert_eq!(home.told(), Vec::<String>::new());
    let said = home.service(&["status"], 0);
    assert!(said.contains("enabled    yes") && !said.contains("differs"), "{said}");
    let said = text(&home.run(&["--config", "/srv/b.toml", "service", "status"]).stdout);
    assert!(said.contains("installed  by evertoken service install, "), "{said}");
    assert!(said.contains("differs    config: the service goes by another one than /srv/b.toml; "), "{said}");
    assert!(said.contains("; evertoken --config /srv/b.toml service install makes it this one"), "{said}");

    let home = home.with("AWS_CA_BUNDLE", "/etc/corp.pem");
    let said = home.service(&["status"], 0);
    assert!(said.contains("differs    AWS_CA_BUNDLE: the service has nothing, this shell /etc/corp.pem"), "{said}");
    home.service(&["install"], 0);
    assert_eq!(home.told(), [reload, &restart]);

    let purged = text(&home.run(&["purge"]).stdout);
    assert!(purged.contains("fix: evertoken service uninstall"), "{purged}");
    home.told();
    home.service(&["uninstall"], 0);
    let told = home.told();
    assert_eq!(told[..2], ["systemctl --user disable --now evertoken.service", reload]);
    assert!(!home.path(".config/systemd").exists());
    assert!(home.service(&["uninstall"], 0).starts_with("nothing to do"));
    assert!(home.service(&["status"], 1).contains("installed  no"));
    assert!(!text(&home.run(&["purge"]).stdout).contains("uninstall"));
}

#[test]
fn a_new_program_behind_the_same_path_is_started() {
    let home = Home::new();
    home.service(&["install"], 0);
    home.told();
    fs::write(home.path("active"), "Thu 2020-01-02 03:04:05 UTC").expect("a start long ago");
    home.service(&["install"], 0);
    assert_eq!(home.told(), ["systemctl --user restart evertoken.service"]);
    assert!(home.service(&["install"], 0).starts_with("nothing to do"));
}

#[test]
fn a_unit_of_somebody_else_is_never_touched() {
    let home = Home::new();
    fs::create_dir_all(home.path(".config/systemd/user")).expect("a folder");
    fs::write(home.unit(), "[Service]\nExecStart=/mine\n").expect("a unit");
    for verb in ["install", "uninstall"] {
        let said = home.service(&[verb], 1);
        assert!(said.contains("was not written by `evertoken service install`"), "{said}");
    }
    assert!(home.service(&["status"], 1).contains("by hand, "));
    assert_eq!(fs::read_to_string(home.unit()).expect("a unit"), "[Service]\nExecStart=/mine\n");
    assert_eq!(home.told(), Vec::<String>::new());
    // A masked unit is a link to nothing.
    fs::remove_file(home.unit()).expect("removed");
    symlink("/dev/null", home.unit()).expect("a mask");
    home.service(&["install"], 1);
    assert!(home.unit().is_symlink());
}

#[test]
fn the_unit_of_a_package_is_enabled_and_told_of_the_environment() {
    let home = Home::new();
    fs::write(home.path("packaged"), "").expect("a package");
    let said = home.service(&["install"], 0);
    assert!(said.contains("starts the unit /usr/lib/systemd/user/evertoken.service of a package"), "{said}");
    let drop_in = home.path(".config/systemd/user/evertoken.service.d/50-evertoken-service-install.conf");
    let text = fs::read_to_string(&drop_in).expect("a drop-in");
    assert!(text.contains("Environment=\"EVERTOKEN_CONFIG=") && !text.contains("ExecStart"), "{text}");
    assert!(!home.unit().exists() && home.path("enabled").exists());
    assert!(home.service(&["status"], 0).contains("by a package, "));
    assert!(home.service(&["install"], 0).starts_with("nothing to do"));
    assert!(home.service(&["uninstall"], 0).contains("stays: it goes with its package"));
    assert!(!drop_in.exists() && !home.path("enabled").exists());
}

#[test]
fn what_would_not_start_is_told_before_anything_is_written() {
    let home = Home::new();
    fs::write(home.path(".config/evertoken/config.toml"), "[[role]]\n").expect("a config");
    assert!(home.service(&["install"], 78).contains("config.toml:"));
    assert!(!home.unit().exists());
    fs::remove_file(home.path(".config/evertoken/config.toml")).expect("removed");
    assert!(home.service(&["install"], 0).contains("there is no config at "));
    assert!(home.told().contains(&"systemctl --user start --no-block evertoken.service".to_owned()));

    let home = Home::new();
    fs::write(home.path("refuse"), "").expect("a refusal");
    let said = home.service(&["install"], 1);
    assert!(said.contains("Job for evertoken.service failed.") && said.contains("journalctl"), "{said}");

    // Not every folder that cargo builds into has its mark.
    fs::create_dir_all(home.path("target/debug")).expect("a folder");
    fs::write(home.path("target/CACHEDIR.TAG"), "").expect("a mark");
    symlink(env!("CARGO_BIN_EXE_evertoken"), home.path("target/debug/evertoken")).expect("a program");
    let output = Command::new(home.path("target/debug/evertoken"))
        .args(["service", "install"])
        .env_clear()
        .env("HOME", home.folder.path())
        .env("PATH", "/usr/bin:/bin")
        .output()
        .expect("evertoken runs");
    assert!(text(&output.stderr).contains("is a build that the next cargo command replaces"), "{output:?}");
}

#[test]
fn what_stands_in_the_place_of_the_unit_is_named_with_a_way_out() {
    let home = Home::new();
    fs::create_dir_all(home.unit()).expect("a folder");
    for verb in ["install", "uninstall"] {
        let said = home.service(&[verb], 1);
        assert!(said.contains("evertoken.service was not written by ") && said.contains("\nfix: keep it"), "{said}");
    }
    assert!(home.service(&["status"], 1).contains("by hand, "));
    fs::remove_dir(home.unit()).expect("removed");
    rustix::fs::mkfifoat(rustix::fs::CWD, home.unit(), rustix::fs::Mode::RWXU).expect("a pipe");
    assert!(home.service(&["install"], 1).contains("was not written by "));

    let home = Home::new();
    symlink("dotfiles/systemd", home.path(".config/systemd")).expect("a link to nothing");
    let said = home.service(&["install"], 1);
    assert!(
        said.contains("systemd: it is a link to dotfiles/systemd, which is not there; create that folder"),
        "{said}"
    );
    // With it all is well, and what was there before stays.
    fs::create_dir_all(home.path(".config/dotfiles/systemd/user")).expect("a folder");
    home.service(&["install"], 0);
    home.service(&["uninstall"], 0);
    assert!(home.path(".config/dotfiles/systemd/user").is_dir() && !home.unit().exists());
}

#[test]
fn status_names_the_command_that_starts_it_here() {
    let home = Home::new();
    let status = || text(&home.run(&["status"]).stdout);
    assert!(status().ends_with("# daemon: not running: evertoken service install\n"), "{}", status());
    home.service(&["install"], 0);
    assert!(status().ends_with("# daemon: not running: systemctl --user start evertoken\n"), "{}", status());
}

#[test]
fn an_uninstall_goes_on_where_the_service_manager_does_not() {
    let home = Home::new();
    home.service(&["install"], 0);
    let wanted = home.path(".config/systemd/user/default.target.wants/evertoken.service");
    fs::create_dir(wanted.parent().expect("a folder")).expect("a folder");
    symlink("../evertoken.service", &wanted).expect("a link as systemd makes it");
    fs::write(home.path("stubborn"), "").expect("a refusal");
    home.told();
    let said = home.service(&["uninstall"], 1);
    assert!(said.contains("disable --now evertoken.service failed: Failed to disable"), "{said}");
    assert!(said.contains("\nshould it still run: kill 4242\n"), "{said}");
    assert!(!home.unit().exists() && !wanted.is_symlink(), "{said}");
    assert!(home.told().contains(&"systemctl --user daemon-reload".to_owned()));
}

/// launchd never shortens a log; whether it opens it to append or not, nothing but the size of it changes.
#[test]
fn a_log_that_launchd_would_let_grow_is_moved_away() {
    let home = Home::new();
    let log = home.path("evertoken.log");
    let config = format!("[defaults]\nsts_endpoint = \"http://127.0.0.1:1\"\n{CONFIG}");
    fs::write(home.path(".config/evertoken/config.toml"), config).expect("a config");
    fs::create_dir(home.path(".aws")).expect("a folder");
    for append in [true, false] {
        let _not_there = fs::remove_file(home.path("evertoken.log.1"));
        fs::write(&log, "x".repeat(1 << 20)).expect("a log");
        let mut file = fs::OpenOptions::new().write(true).append(append).open(&log).expect("the log");
        file.seek(SeekFrom::End(0)).expect("its end");
        let mut command = Command::new(home.path(".cargo/bin/evertoken"));
        command.args(["run", "--bounded-log"]).arg(&log).env_clear().env("HOME", home.folder.path());
        let mut daemon = command.stdin(Stdio::null()).stderr(file).spawn().expect("a daemon");
        let size = || fs::metadata(&log).expect("the log").len();
        let moved = (0..300).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            home.path("evertoken.log.1").exists() && (1..1 << 20).contains(&size())
        });
        daemon.kill().expect("killed");
        daemon.wait().expect("its end");
        assert!(moved, "append {append}: {} bytes", size());
        let text = fs::read_to_string(&log).expect("text");
        assert!(text.lines().all(|line| line.starts_with("20")), "append {append}: {text}");
        let older = fs::read_to_string(home.path("evertoken.log.1")).expect("text");
        assert!(older.starts_with(&"x".repeat(1 << 20)));
    }
}

#[test]
fn a_file_that_is_not_the_log_is_never_cut() {
    let home = Home::new();
    let config = format!("[defaults]\nsts_endpoint = \"http://127.0.0.1:1\"\n{CONFIG}");
    fs::write(home.path(".config/evertoken/config.toml"), config).expect("a config");
    fs::create_dir(home.path(".aws")).expect("a folder");
    let (log, theirs) = (home.path("evertoken.log"), home.path("theirs"));
    fs::write(&log, "").expect("a log");
    fs::write(&theirs, "x".repeat(1 << 20)).expect("a file");
    let file = fs::OpenOptions::new().append(true).open(&theirs).expect("the file");
    let mut command = Command::new(home.path(".cargo/bin/evertoken"));
    command.args(["run", "--bounded-log"]).arg(&log).env_clear().env("HOME", home.folder.path());
    let mut daemon = command.stdin(Stdio::null()).stderr(file).spawn().expect("a daemon");
    let told = (0..300).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        fs::metadata(&theirs).expect("the file").len() > 1 << 20
    });
    daemon.kill().expect("killed");
    daemon.wait().expect("its end");
    assert!(told, "nothing was added to it");
    assert!(fs::read_to_string(&theirs).expect("text").starts_with(&"x".repeat(1 << 20)));
    assert!(!home.path("evertoken.log.1").exists() && !home.path("theirs.1").exists());
}

#[test]
fn under_launchd_what_starting_again_would_not_mend_ends_with_success() {
    let home = Home::new();
    fs::write(home.path(".config/evertoken/config.toml"), "[[role]]\n").expect("a config");
    for (arguments, code) in [(["run"].as_slice(), 78), (&["run", "--zero-if-final"], 0)] {
        let output = home.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(text(&output.stderr).contains("config.toml:"), "{output:?}");
    }
    // What may be there later is worth another start.
    fs::remove_file(home.path(".config/evertoken/config.toml")).expect("removed");
    assert_eq!(home.run(&["run", "--zero-if-final"]).status.code(), Some(1));
}

#[test]
fn without_a_service_manager_it_says_what_to_do() {
    let home = Home::new();
    fs::remove_file(home.path("tools/systemctl")).expect("removed");
    let output = Command::new(home.path(".cargo/bin/evertoken"))
        .args(["service", "install"])
        .env_clear()
        .env("HOME", home.folder.path())
        .env("PATH", home.path("tools"))
        .output()
        .expect("evertoken runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("does not answer: systemctl cannot be started"), "{output:?}");
    assert!(!home.unit().exists());
}

#[test]
fn the_agent_is_loaded_once_and_taken_away_with_its_log() {
    let home = Home::new();
    let launchd = ["--manager", "launchd"];
    let service = |verb: &str, code| home.service(&[&[verb], launchd.as_slice()].concat(), code);
    service("install", 0);
    let domain = format!("gui/{}", rustix::process::getuid().as_raw());
    let bootstrap = format!("launchctl bootstrap {domain} {}", home.agent().display());
    let enable = format!("launchctl enable {domain}/io.evertoken.agent");
    assert_eq!(home.told(), [&enable, &bootstrap, &bootstrap].map(String::as_str));
    let plist = fs::read_to_string(home.agent()).expect("an agent");
    assert!(plist.contains(&format!("<string>{}</string>", home.path(".cargo/bin/evertoken").display())), "{plist}");
    assert!(service("install", 0).starts_with("nothing to do"));
    assert!(service("status", 0).contains("running"));
    let log = home.path("Library/Logs/evertoken.log");
    fs::create_dir_all(home.path("Library/Logs")).expect("a folder");
    let older = home.path("Library/Logs/evertoken.log.1");
    for log in [&log, &older] {
        fs::write(log, "").expect("a log");
    }
    service("uninstall", 0);
    assert!(!home.agent().exists() && !log.exists() && !older.exists());
    assert!(service("status", 1).contains("installed  no"));
}
