"""Twenty roles whose sessions have all ended, as in the morning: how long each way takes to make them fresh again, what
it costs, and what somebody sees who reads the credentials file meanwhile. Prints a table in Markdown."""

import configparser
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import botocore.session
import psutil
from botocore.exceptions import ClientError

ROLES = [f"role-{number}" for number in range(20)]
ACCOUNT = "111122223333"
KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
BASE = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
SHORT, LONG = 2, 3600
BOUND = 180
SETTLE = 12

VENV, EVERTOKEN, EMULATOR = (pathlib.Path(argument).absolute() for argument in sys.argv[1:4])


class Sts:
    """The emulator, which takes one order per line."""

    def __init__(self):
        self.process = subprocess.Popen([EMULATOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def order(self, text):
        print(text, file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline().split()[1])

    def judge(self, triple):
        """What STS says of keys that somebody read: the role they are for, "expired", or "torn"."""
        id_, secret, token = triple
        session = botocore.session.Session()
        client = session.create_client(
            "sts", "eu-west-1", endpoint_url=self.url,
            aws_access_key_id=id_, aws_secret_access_key=secret, aws_session_token=token,
        )
        try:
            return client.get_caller_identity()["Arn"].split("/")[1]
        except ClientError as error:
            return "expired" if error.response["Error"]["Code"].startswith("Expired") else "torn"

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Home:
    """A home with a user's own keys, the roles in the AWS config, and the same roles in evertoken's config."""

    def __init__(self, sts, sections):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="others-"))
        self.sts, self.sections = sts, sections
        aws, own = self.path / ".aws", self.path / ".config/evertoken"
        for folder in (aws, own):
            folder.mkdir(parents=True, mode=0o700)
        self.credentials = aws / "credentials"
        self.credentials.write_text(f"# mine\n[base]\naws_access_key_id = {BASE[0]}\naws_secret_access_key = {BASE[1]}\n")
        self.credentials.chmod(0o600)
        self.env = {
            "HOME": str(self.path), "PATH": f"{VENV}/bin:/usr/bin:/bin", "TZ": "UTC", "USER": "me", "LANG": "C.UTF-8",
            "AWS_ENDPOINT_URL_STS": sts.url, "AWS_EC2_METADATA_DISABLED": "true",
        }

    def arn(self, role):
        return f"arn:aws:iam::{ACCOUNT}:role/{role}"

    def with_aws_config(self):
        lines = "".join(
            f"[profile {role}]\nrole_arn = {self.arn(role)}\nsource_profile = base\nregion = eu-west-1\n" for role in ROLES
        )
        (self.path / ".aws/config").write_text(lines)
        return self

    def with_evertoken_config(self):
        lines = "".join(f'[[role]]\nprofile = "{role}"\nrole_arn = "{self.arn(role)}"\n' for role in ROLES)
        defaults = f'[defaults]\nsource_profile = "base"\nregion = "eu-west-1"\nsts_endpoint = "{self.sts.url}"\n'
        (self.path / ".config/evertoken/config.toml").write_text(defaults + lines)
        return self

    def run(self, command, **more):
        return subprocess.run(command, env=self.env, cwd=self.path, check=True, capture_output=True, text=True, **more)

    def start(self, command):
        return subprocess.Popen(
            command, env=self.env, cwd=self.path, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def read(self):
        """What a strict reader finds, by role: its three keys, or why there are none."""
        text = self.credentials.read_text()
        parser = configparser.RawConfigParser(default_section=None)
        try:
            parser.read_string(text)
        except configparser.Error:
            return {role: "unreadable" for role in ROLES}
        if not parser.has_section("base"):
            return {role: "unreadable" for role in ROLES}
        found = {}
        for role in ROLES:
            section = self.sections(role)
            keys = [parser.get(section, key, fallback=None) if parser.has_section(section) else None for key in KEYS]
            found[role] = tuple(keys) if all(keys) else "missing"
        return found

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Reader(threading.Thread):
    """Reads every few milliseconds, and has STS judge afterwards what it read."""

    def __init__(self, home):
        super().__init__(daemon=True)
        self.home, self.seen, self.reads, self.over = home, {}, 0, threading.Event()

    def run(self):
        last, found = None, None
        while not self.over.is_set():
            status = os.stat(self.home.credentials)
            now = (status.st_ino, status.st_mtime_ns, status.st_size)
            if now != last:
                last, found = now, self.home.read()
            self.reads += 1
            for role, what in found.items():
                self.seen[role, what] = self.seen.get((role, what), 0) + 1
            time.sleep(0.003)

    def finish(self):
        self.over.set()
        self.join()
        counts, judged = {"expired": 0, "torn": 0, "missing": 0, "unreadable": 0}, {}
        for (role, what), times in self.seen.items():
            if what not in counts:
                verdict = judged.setdefault(what, None) or self.home.sts.judge(what)
                judged[what] = verdict
                what = "fresh" if verdict == role else verdict if verdict in counts else "torn"
            counts[what] = counts.get(what, 0) + times
        return counts


def refreshed(home, before):
    now = home.read()
    return all(isinstance(now[role], tuple) and now[role] != before[role] for role in ROLES)


def until(condition):
    end = time.monotonic() + BOUND
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("the roles do not become fresh")
        time.sleep(0.002)


def cpu_of(process):
    times = psutil.Process(process.pid).cpu_times()
    return sum(times[:4])


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def memory_of(process):
    """Resident memory of a process and whatever it has started, and what of it is no page of a file."""
    everybody = [psutil.Process(process.pid)]
    everybody += everybody[0].children(recursive=True)
    resident = sum(one.memory_info().rss for one in everybody)
    status = [pathlib.Path(f"/proc/{one.pid}/status").read_text() for one in everybody]
    own = sum(int(text.split("RssAnon:")[1].split()[0]) * 1024 for text in status)
    return f"{resident / 1e6:.1f} MB, {own / 1e6:.1f} MB of it data"


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait()


def measured(home, work):
    """Runs `work` with a reader beside it; gives the seconds, the calls and what was seen."""
    calls, reader = home.sts.order("requests"), Reader(home)
    reader.start()
    start = time.monotonic()
    work()
    seconds = time.monotonic() - start
    calls = home.sts.order("requests") - calls
    time.sleep(0.2)
    return seconds, calls, reader.finish(), reader.reads


def tell(way, seconds, cpu, calls, seen, reads, idle):
    def share(what):
        return f"{100 * seen[what] / (reads * len(ROLES)):.1f} %" if reads else "-"

    cells = [way, f"{seconds:.2f} s", f"{cpu:.2f} s", calls, reads or "-"]
    cells += [share(what) for what in ("expired", "missing", "torn", "unreadable")] + [idle]
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


RECIPE = """set -eu
for role in "$@"; do
    creds=$(aws sts assume-role --role-arn "arn:aws:iam::%s:role/$role" --role-session-name me \\
        --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text)
    set -- $creds
    aws configure set aws_access_key_id "$1" --profile "$role"
    aws configure set aws_secret_access_key "$2" --profile "$role"
    aws configure set aws_session_token "$3" --profile "$role"
done
""" % ACCOUNT


def recipe(sts):
    """The four commands of the guides, one role after the other."""
    home = Home(sts, str)
    home.env |= {"AWS_ACCESS_KEY_ID": BASE[0], "AWS_SECRET_ACCESS_KEY": BASE[1], "AWS_DEFAULT_REGION": "eu-west-1"}

    def once():
        home.run(["bash", "-c", RECIPE, "recipe", *ROLES])

    sts.order(f"life {SHORT}")
    once()
    time.sleep(SHORT + 1)
    sts.order(f"life {LONG}")
    cpu = cpu_of_children()
    figures = measured(home, once)
    tell("shell recipe", figures[0], cpu_of_children() - cpu, *figures[1:], "none runs")
    home.remove()


def awsume(sts):
    """`awsume -a` writes sections that the process `autoawsume` then keeps."""
    home = Home(sts, lambda role: f"autoawsume-{role}").with_aws_config()
    sts.order(f"life {SHORT}")
    for role in ROLES:
        home.run(["awsumepy", "-a", role])
    time.sleep(SHORT + 1)
    sts.order(f"life {LONG}")
    before, started = home.read(), []

    def daemon():
        started.append(home.start(["autoawsume"]))
        until(lambda: refreshed(home, before))

    figures = measured(home, daemon)
    cpu = cpu_of(started[0])
    time.sleep(SETTLE)
    tell("autoawsume", figures[0], cpu, *figures[1:], memory_of(started[0]))
    stop(started[0])
    home.remove()


FRESH = "import botocore.session, sys; botocore.session.Session(profile=sys.argv[1]).get_credentials().get_frozen_credentials()"


def botocore_alone(sts):
    """Every new process assumes its role by itself; nothing is kept."""
    home = Home(sts, str).with_aws_config()
    calls, cpu, start = sts.order("requests"), cpu_of_children(), time.monotonic()
    for role in ROLES:
        home.run(["python", "-c", FRESH, role])
    seconds, cpu = time.monotonic() - start, cpu_of_children() - cpu
    tell("botocore, 20 new processes", seconds, cpu, sts.order("requests") - calls, {}, 0, "none runs")
    home.remove()


def evertoken(sts):
    home = Home(sts, str).with_evertoken_config()
    sts.order(f"life {SHORT}")
    home.run([EVERTOKEN, "refresh"])
    time.sleep(SHORT + 1)
    sts.order(f"life {LONG}")
    before, cpu = home.read(), cpu_of_children()
    figures = measured(home, lambda: home.run([EVERTOKEN, "refresh"]))
    assert refreshed(home, before)
    tell("evertoken refresh", figures[0], cpu_of_children() - cpu, *figures[1:], "none runs")
    home.remove()

    # A home of its own: a shorter session takes no longer one's place.
    home = Home(sts, str).with_evertoken_config()
    sts.order(f"life {SHORT}")
    home.run([EVERTOKEN, "refresh"])
    time.sleep(SHORT + 1)
    sts.order(f"life {LONG}")
    before, started = home.read(), []

    def daemon():
        started.append(home.start([EVERTOKEN, "run"]))
        until(lambda: refreshed(home, before))

    figures = measured(home, daemon)
    time.sleep(SETTLE)
    idle, cpu = memory_of(started[0]), cpu_of(started[0])
    tell("evertoken run, from its start", figures[0], cpu, *figures[1:], idle)

    before = home.read()

    def again():
        started[0].send_signal(signal.SIGUSR1)
        until(lambda: refreshed(home, before))

    figures = measured(home, again)
    time.sleep(SETTLE)
    tell("evertoken run, the next wave", figures[0], cpu_of(started[0]) - cpu, *figures[1:], memory_of(started[0]))
    stop(started[0])
    home.remove()


WAYS = {"evertoken": evertoken, "awsume": awsume, "botocore": botocore_alone, "recipe": recipe}


def main():
    chosen = sys.argv[4:] or list(WAYS)
    unknown = [name for name in chosen if name not in WAYS]
    if unknown:
        raise SystemExit(f"no such way: {' '.join(unknown)}; there are: {' '.join(WAYS)}")
    print(f"{len(ROLES)} roles whose sessions have ended (but for the next wave: there they are renewed ahead)\n")
    print("| way | all fresh after | CPU | calls | reads | expired | missing | torn | unreadable | memory while idle |")
    print("|" + " --- |" * 10)
    sts = Sts()
    try:
        for name in chosen:
            WAYS[name](sts)
    finally:
        sts.close()


main()
