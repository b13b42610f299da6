"""The long-running half of tests/clients/run. Arguments: the folder with `aws` and a Python that has boto3, the folder with
the JS modules.

Each program is one process from the first second to the last; `aws` is one process after the other. The daemon keeps
sessions of seconds, is restarted on the way, and is gone for the last two lives: whoever asks through credential_process
must not notice any of it."""

import json
import os
import pathlib
import random
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "emulator"))
from workstation import EVERTOKEN, ROOT, TARGET, Sts, Workstation, demand, until

HERE = pathlib.Path(__file__).resolve().parent
LIFE = 12
LIVES = 10
ALONE = 2
# botocore's first window, for a session of an hour a quarter of it.
WINDOW = LIFE / 4


class Program:
    """One program with one profile, until told to stop."""

    def __init__(self, name, command, profile, window=None):
        self.name, self.command, self.profile, self.window = name, command, profile, window
        self.asks = profile.endswith("-asks")

    def start(self, environment):
        more = {"AWS_PROFILE": self.profile} | ({"EXPIRY_WINDOW": str(self.window)} if self.window else {})
        self.process = subprocess.Popen(
            self.command, env=environment | more, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def stop(self):
        out, _ = self.process.communicate(timeout=60)
        demand(self.process.returncode == 0, f"{self.name} with {self.profile} ended with {self.process.returncode}")
        self.told = json.loads(out)


class Loop(Program):
    """A command, again and again: a new process for each call."""

    def start(self, environment):
        self.told = {"calls": 0, "failed": 0, "first": None}
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(environment | {"AWS_PROFILE": self.profile},))
        self.thread.start()

    def run(self, environment):
        start = time.monotonic()
        while not self.stopped.is_set():
            self.told["calls"] += 1
            ended = subprocess.run(self.command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            if ended.returncode != 0:
                self.told["failed"] += 1
                code = re.search(r"\((\w+)\)", ended.stderr)
                self.told["first"] = self.told["first"] or [time.monotonic() - start, code.group(1) if code else ended.stderr]
            self.stopped.wait(random.random() * 1.5)

    def stop(self):
        self.stopped.set()
        self.thread.join(timeout=60)


def programs(tools, modules):
    python = [tools / "python", HERE / "client.py"]
    javascript = ["node", HERE / "client.mjs", modules]
    rust = [TARGET / "debug" / "examples" / "rust-client"]
    cli = [tools / "aws", "sts", "get-caller-identity"]
    boto, js, sdk = versions(tools, modules)
    return [
        Program(boto, python, "boto3-asks"),
        Program(f"{boto}, windows to scale", python, "boto3-scaled-asks", WINDOW),
        Program(js, javascript, "js-asks"),
        Program(f"{sdk}, window to scale", rust, "rust-asks", LIFE * 10 / 3600 + 1),
        Loop(f"AWS CLI {version(tools, 'awscli')}, a process for each call", cli, "cli-asks"),
        Program(boto, python, "boto3-reads"),
        Program(js, javascript, "js-reads"),
        Program(sdk, rust, "rust-reads"),
        Loop(f"AWS CLI {version(tools, 'awscli')}, a process for each call", cli, "cli-reads"),
    ]


def version(tools, package):
    code = f"import importlib.metadata; print(importlib.metadata.version('{package}'))"
    return subprocess.run([tools / "python", "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def versions(tools, modules):
    js = json.loads((modules / "node_modules/@aws-sdk/client-sts/package.json").read_text())["version"]
    lock = (ROOT / "Cargo.lock").read_text()
    rust = re.search(r'name = "aws-config"\nversion = "(.*?)"', lock).group(1)
    return f"boto3 {version(tools, 'boto3')}", f"SDK for JavaScript {js}", f"SDK for Rust, aws-config {rust}"


def furnish(sts, asking, reading):
    station = Workstation(sts, profiles=(*asking, *reading))
    asked = station.path / "asked"
    # Counts, then becomes evertoken.
    wrapper = station.path / "ask"
    wrapper.write_text(f'#!/bin/sh\necho "$1" >>{asked}\nexec "{EVERTOKEN}" credential-process "$1"\n')
    wrapper.chmod(0o700)
    config = f'[defaults]\nsource_profile = "base"\nregion = "eu-west-1"\nsts_endpoint = "{sts.url}"\n'
    aws = ""
    for profile in (*asking, *reading):
        config += f'\n[[role]]\nprofile = "{profile}"\nrole_arn = "arn:aws:iam::111122223333:role/{profile}"\n'
        if profile in asking:
            config += 'store = "private"\n'
            aws += f"[profile {profile}]\nregion = eu-west-1\ncredential_process = {wrapper} {profile}\n\n"
    station.config.write_text(config)
    (station.folder / "config").write_text(aws)
    return station, asked


def daemon_comes_and_goes(station):
    """The daemon while the programs run."""
    start = time.monotonic()
    passed = lambda lives: time.monotonic() - start > lives * LIFE
    until("half of the lives", lambda: passed(LIVES / 2), bound=LIFE * LIVES)
    demand(station.daemons[-1].stop() == 0, "no orderly end")
    station.start()
    until("the other half", lambda: passed(LIVES), bound=LIFE * LIVES)


def main():
    everything = programs(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
    asking = [program for program in everything if program.asks]
    reading = [program for program in everything if not program.asks]
    sts = Sts(LIFE)
    station, asked = furnish(sts, [one.profile for one in asking], [one.profile for one in reading])
    try:
        station.start()
        until("every session", lambda: station.run("status").returncode == 0)
        environment = station.environment() | {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL_STS": sts.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": "eu-west-1",
        }
        for program in everything:
            program.start(environment)
        daemon_comes_and_goes(station)
        for program in reading:
            program.stop()
        # Who asks needs no daemon: evertoken then refreshes as it is asked.
        demand(station.daemons[-1].stop() == 0, "no orderly end")
        end = time.monotonic() + ALONE * LIFE
        until("the lives without a daemon", lambda: time.monotonic() > end)
        for program in asking:
            program.stop()
        judge(sts, asking, reading, asked)
    finally:
        for program in everything:
            if isinstance(getattr(program, "process", None), subprocess.Popen) and program.process.poll() is None:
                program.process.kill()
            if isinstance(program, Loop) and hasattr(program, "stopped"):
                program.stopped.set()
        station.remove()
        sts.stop()


def judge(sts, asking, reading, asked):
    times = asked.read_text().split()
    wrong = []
    print(f"\n{'program':<62} {'calls':>5} {'failed':>6} {'first failure':<24} {'sessions':>8} {'asked':>5}")
    for program in asking + reading:
        told = program.told
        sts.process.stdin.write(f"used {program.profile}\n")
        sts.process.stdin.flush()
        used, refused = map(int, re.findall(r"\d+", sts.process.stdout.readline()))
        first = f"after {told['first'][0]:.0f} s, {told['first'][1][:60]}" if told["first"] else "none"
        by = "credential_process" if program.asks else "the file"
        name = f"{program.name}, {by}"
        print(f"{name:<62} {told['calls']:>5} {told['failed']:>6} {first:<24} {used:>8} {times.count(program.profile):>5}")
        keeps = program.asks or isinstance(program, Loop)
        if keeps and (told["failed"] or refused):
            wrong.append(f"{name}: {told['failed']} calls failed, {refused} were refused")
        if keeps and used < LIVES:
            wrong.append(f"{name}: only {used} sessions were used")
        # What the README says of the others must stay so too.
        if not keeps and (not told["first"] or told["first"][1] not in ("ExpiredToken", "ExpiredTokenException")):
            wrong.append(f"{name}: does not go stale any more, the README says so")
    demand(not wrong, "; ".join(wrong))
    print(f"\nclients: ok, {LIVES + ALONE} session lives of {LIFE} s")


if __name__ == "__main__":
    main()
