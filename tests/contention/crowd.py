"""Lets a crowd loose on one credentials file, and counts what got lost. Arguments: the folder of the AWS CLI, and
perhaps `--long SECONDS`.

1. Only evertoken writes: the daemon and two loops of `refresh --force`. No reader may see a torn file, ever.
2. The AWS CLI and a shell rewrite the file too, as they do it: read all, cut to nothing, write all, without a lock. (They
   take turns between themselves: what those two do to each other is none of evertoken's doing.) Readers see their
   half-written files. Such a read is put down to them only when the very file that was read torn, looked at through the
   same descriptor, becomes whole a moment later: evertoken never writes into a file that has a name, so one that it had
   torn would stay torn. And at the end every value that they wrote must be there, and every other byte.

A session that the CLI or the shell overwrites with what they had read before is their loss; evertoken must notice and
write it again.
"""

import os
import pathlib
import random
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "emulator"))
from workstation import KEYS, SECRET, USER, Failed, Sts, Workstation, build, demand, parse, until

import botocore.configloader
import botocore.exceptions

PROFILES = ("dev", "ops", "prod")
LIFE = 12
ALONE = 15
TOGETHER = 40
# What the shell does: a section of its own gets another value, everything else stays, and the file keeps its inode.
REWRITE = """
text=$(sed "/^\\[shell\\]/,/^\\[/ s/^turn = .*/turn = $2/" "$1"; echo .)
printf %s "${text%.}" >"$1"
"""
USERS = USER + """
[shell]
turn = TURN

[cli]
aws_secret_access_key = CLI
# the end of mine
"""
# What a refresh may say that did not get its turn; it says so and leaves everything as it is.
OUTDONE = ("it does not stand still", "another program changed it", "holds it")


class Reader(threading.Thread):
    """Reads the file again and again as botocore does, and judges each content."""

    def __init__(self, path, over):
        super().__init__()
        self.path, self.over = path, over
        self.reads, self.theirs, self.ours = 0, 0, []
        self.sessions, self.last, self.undone = set(), {}, 0

    def run(self):
        while not self.over.is_set():
            with open(self.path, "rb") as file:
                content = file.read()
                self.reads += 1
                fault = self.judge(content)
                if fault:
                    self.attribute(file, content, fault)
            time.sleep(random.uniform(0, 0.004))

    def attribute(self, file, content, fault):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            time.sleep(0.001)
            file.seek(0)
            later = file.read()
            if later != content and not self.judge(later):
                self.theirs += 1
                return
        self.ours.append(f"{fault} and never whole: {content!r}")

    def judge(self, content):
        """What is wrong with it; nothing when it is whole."""
        try:
            found = parse(content.decode())
        except Exception as error:
            return f"not to be parsed: {error}"
        if not content.endswith(b"\n"):
            return "cut off"
        for name in ("base", "other", "shell", "cli"):
            if name not in found:
                return f"without [{name}]"
        if found["base"].get("aws_secret_access_key") != SECRET or content.count(b"# the end of mine\n") != 1:
            return "without the user's bytes"
        for profile in PROFILES:
            if not all(found.get(profile, {}).get(key) for key in KEYS):
                return f"without all of [{profile}]"
        for profile in PROFILES:
            session = found[profile]["aws_session_token"]
            if session != self.last.get(profile):
                # One that was there before and had been replaced.
                self.undone += session in self.sessions
                self.sessions.add(session)
                self.last[profile] = session
        return None


class Loop(threading.Thread):
    """Does something again and again."""

    def __init__(self, over, pause, work):
        super().__init__()
        self.over, self.pause, self.work = over, pause, work
        self.done, self.outdone, self.failure = 0, [], None

    def run(self):
        while not self.over.is_set():
            try:
                refusal = self.work(self.done + 1)
            except Exception as error:
                self.failure = error
                return
            if refusal:
                self.outdone.append(refusal)
            else:
                self.done += 1
            self.over.wait(random.uniform(*self.pause))


def refresh(station, profile):
    def once(_):
        done = station.run("refresh", "--force", profile)
        said = done.stdout + done.stderr
        demand(done.returncode == 0 or (done.returncode == 1 and any(word in said for word in OUTDONE)), said)
        return None if done.returncode == 0 else said

    return once


def crowd(station, seconds, loops):
    """Lets the loops run beside two readers; gives the readers when all have ended."""
    over, reading_over = threading.Event(), threading.Event()
    readers = [Reader(station.file, reading_over) for _ in range(2)]
    started = [Loop(over, pause, work) for pause, work in loops]
    for thread in readers + started:
        thread.start()
    over.wait(seconds)
    over.set()
    for loop in started:
        loop.join()
    reading_over.set()
    for reader in readers:
        reader.join()
    for loop in started:
        demand(loop.failure is None, f"a loop stumbled: {loop.failure!r}")
    return readers, started


def all_fresh(station):
    return station.run("status").returncode == 0


def orderly(station, daemon, users, more=()):
    """What must be so once everybody has left."""
    until("all to be fresh", lambda: all_fresh(station), bound=90)
    demand(daemon.process.poll() is None, "the daemon is gone")
    demand(daemon.stop() == 0, "the daemon did not end in order")
    station.whole(users)
    station.tidy()
    text = station.file.read_text()
    sections = [line[1:-1] for line in text.splitlines() if line.startswith("[")]
    demand(sorted(sections) == sorted(["base", "other", "shell", "cli", *PROFILES, *more]), f"sections: {sections}")
    try:
        botocore.configloader.raw_config_parse(str(station.file))
    except botocore.exceptions.ConfigParseError as error:
        raise Failed(f"botocore cannot read it: {error}") from error


def opened(sts):
    """A workstation whose daemon has written its first sessions."""
    station = Workstation(sts, PROFILES)
    station.write(USERS)
    daemon = station.start()
    until("the first sessions", lambda: all_fresh(station))
    return station, daemon


def tell(who, readers, refreshes):
    sessions = set().union(*(reader.sessions for reader in readers))
    reads, by_hand = sum(reader.reads for reader in readers), sum(loop.done for loop in refreshes)
    demand(by_hand > 0 and len(sessions) > len(PROFILES), f"nothing happened: {by_hand} refreshes")
    print(f"{who}: {by_hand} refreshes by hand beside the daemon, {len(sessions)} sessions seen in {reads} reads")


def alone(sts):
    station, daemon = opened(sts)
    try:
        readers, loops = crowd(station, ALONE, [((0.05, 0.3), refresh(station, name)) for name in PROFILES[:2]])
        for loop in loops:
            demand(not loop.outdone, f"refresh failed: {loop.outdone}")
        for reader in readers:
            demand(not reader.ours and not reader.theirs, f"torn, with nobody there but us: {reader.ours}")
            demand(not reader.undone, f"{reader.undone} sessions were undone, with nobody there but us")
        orderly(station, daemon, USERS)
        tell("evertoken alone", readers, loops)
        print("  torn reads: 0, sessions undone: 0")
    except Failed as failed:
        raise Failed(f"{failed}\n{daemon.log.read_text()}") from failed
    finally:
        station.remove()


def together(sts, programs, seconds):
    station, daemon = opened(sts)
    environment = {"HOME": str(station.path), "PATH": f"{programs}:/usr/bin:/bin"}
    turns = threading.Lock()

    def carry_out(*command):
        with turns:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        demand(done.returncode == 0, f"{command}: {done.stderr}")

    def configure(number):
        """Every other time a section of its own, which it adds at the end; else a new value in place."""
        command = [f"{programs}/aws", "configure", "set"]
        if number % 2:
            carry_out(*command, "aws_access_key_id", f"v{number}", "--profile", f"cli-{number}")
        else:
            carry_out(*command, "aws_secret_access_key", f"v{number}", "--profile", "cli")

    def rewrite(number):
        carry_out("sh", "-c", REWRITE, "sh", str(station.file), str(number))

    try:
        loops = [((0.3, 1.0), refresh(station, name)) for name in PROFILES[:2]]
        loops += [((0.2, 1.2), configure), ((0.2, 1.2), rewrite)]
        readers, (*refreshes, cli, shell) = crowd(station, seconds, loops)
        for reader in readers:
            demand(not reader.ours, f"torn by us: {reader.ours}")
        demand(cli.done > 5 and shell.done > 5, f"nobody else wrote: {cli.done} {shell.done}")
        users = USERS.replace("TURN", str(shell.done)).replace("CLI", f"v{cli.done // 2 * 2}")
        added = [f"cli-{number}" for number in range(1, cli.done + 1, 2)]
        orderly(station, daemon, users, added)
        sections = station.sections()
        lost = [name for name in added if sections[name] != {"aws_access_key_id": name.replace("cli-", "v")}]
        demand(not lost, f"lost: {lost}")
        tell("together", readers, refreshes)
        outdone = sum(len(loop.outdone) for loop in refreshes)
        print(f"  refreshes that said that they did not get their turn: {outdone}")
        print(f"  written by `aws configure set`: {cli.done}, by the shell: {shell.done}, lost of these: 0")
        theirs, undone = sum(reader.theirs for reader in readers), max(reader.undone for reader in readers)
        print(f"  reads torn by evertoken: 0, by the CLI or the shell: {theirs}")
        print(f"  sessions that the CLI or the shell undid, seen by a reader: {undone}; all is fresh at the end")
    except Failed as failed:
        raise Failed(f"{failed}\n{daemon.log.read_text()}") from failed
    finally:
        station.remove()


def main():
    programs, *rest = sys.argv[1:]
    seconds = int(rest[1]) if rest[:1] == ["--long"] else TOGETHER
    started = time.monotonic()
    build()
    sts = Sts(LIFE)
    try:
        alone(sts)
        together(sts, programs, seconds)
    except Failed as failed:
        print(f"FAILED: {failed}", file=sys.stderr)
        return 1
    finally:
        sts.stop()
    print(f"contention: done in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
