"""A home folder, an STS emulator as a process, and the real evertoken, for the scripts under tests/. Ends only what it
started itself, and leaves nothing behind."""

import configparser
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
EVERTOKEN = TARGET / "debug" / "evertoken"
KEYS = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "x_security_token_expires", "x_evertoken"]
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
USER = f"""# mine, and not to be touched
[base]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = {SECRET}

[other]
region=eu-west-1
"""


# Whoever runs this may let others write by default, and evertoken rightly refuses such folders.
os.umask(0o022)


class Failed(Exception):
    """What must be so is not so."""


def demand(fact, message):
    if not fact:
        raise Failed(message)


def until(what, is_so, bound=60):
    """Waits for a condition; the bound is for machines that are busy with something else."""
    end = time.monotonic() + bound
    while True:
        found = is_so()
        if found:
            return found
        demand(time.monotonic() < end, f"waited {bound} s for {what}")
        time.sleep(0.05)


def build():
    command = ["cargo", "build", "--locked", "--quiet", "--bins", "--example", "sts-emulator", "--example", "store-once"]
    subprocess.run(command, cwd=ROOT, check=True)


class Sts:
    """The emulator; its orders are those of tests/suspend/emulator.rs."""

    def __init__(self, life):
        program = TARGET / "debug" / "examples" / "sts-emulator"
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        demand(self.url.startswith("http://127.0.0.1:"), f"the emulator does not start: {self.url}")
        self.order(f"life {life}")

    def order(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        demand(answer.startswith("requests "), f"{words}: {answer}")
        return int(answer.split()[1])

    def calls(self):
        return self.order("requests")

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)


class Workstation:
    """A home with a config for these profiles, and a credentials file in which the user has sections too."""

    def __init__(self, sts, profiles=("dev",), above=None):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="evertoken-test-", dir=above))
        self.folder = self.path / ".aws"
        self.file = self.folder / "credentials"
        self.profiles = profiles
        self.daemons = []
        self.folder.mkdir(mode=0o700)
        self.write(USER)
        config = f'[defaults]\nsource_profile = "base"\nregion = "eu-west-1"\nsts_endpoint = "{sts.url}"\n'
        for profile in profiles:
            config += f'\n[[role]]\nprofile = "{profile}"\nrole_arn = "arn:aws:iam::111122223333:role/{profile}"\n'
        self.config = self.path / ".config" / "evertoken" / "config.toml"
        self.config.parent.mkdir(parents=True)
        self.config.write_text(config)

    def write(self, text):
        self.file.write_text(text)
        self.file.chmod(0o600)

    def environment(self):
        return {"HOME": str(self.path), "USER": "me", "PATH": "/usr/bin:/bin"}

    def run(self, *arguments, before=(), **more):
        """evertoken with these arguments, to its end; `before` is what to run it under."""
        command = [*before, EVERTOKEN, *arguments]
        return subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=60, **more)

    def start(self, *before):
        """The daemon."""
        daemon = Daemon(self, before)
        self.daemons.append(daemon)
        return daemon

    def sections(self):
        """The file as the strictest of its readers sees it."""
        return parse(self.file.read_text())

    def token(self, profile="dev"):
        return self.sections().get(profile, {}).get("aws_session_token")

    def whole(self, user=USER):
        """All of the user's bytes, our sections whole and once, and nobody else can read it."""
        text = self.file.read_text()
        demand(text.startswith(user), f"bytes of the user are lost: {text!r}")
        for profile, keys in parse(text).items():
            if profile in self.profiles:
                demand(all(keys.get(key) for key in KEYS), f"half a section {profile}: {text!r}")
        demand(text.endswith("\n"), f"cut off: {text!r}")
        mode = stat.S_IMODE(self.file.stat().st_mode)
        demand(mode == 0o600, f"mode {mode:o}")

    def tidy(self):
        names = sorted(path.name for path in self.folder.iterdir())
        demand(names in (["credentials"], ["credentials", "credentials.lock"]), f"left behind: {names}")

    def remove(self):
        for daemon in self.daemons:
            daemon.kill()
        shutil.rmtree(self.path)


class Daemon:
    """`evertoken run`, perhaps under another program."""

    def __init__(self, station, before):
        self.log = station.path / f"log-{len(station.daemons)}"
        command = [*before, EVERTOKEN, "run"]
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                command, env=station.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
            )

    def said(self, *words):
        text = self.log.read_text(encoding="utf-8")
        return all(word in text for word in words)

    def stop(self, pid=None):
        """As a service manager would; gives the exit code."""
        os.kill(pid or self.process.pid, signal.SIGTERM)
        return self.process.wait(timeout=60)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def parse(text):
    """Strictly: a section or a key that stands there twice is an error, as it is for botocore."""
    parsed = configparser.RawConfigParser(strict=True, default_section="\0none")
    parsed.read_string(text)
    return {name: dict(parsed.items(name)) for name in parsed.sections()}
