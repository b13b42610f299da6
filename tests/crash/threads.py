#!/usr/bin/env python3
"""The daemon on a machine that gives no more threads, as at the limit of `ulimit -u` or of a container.

While each clone fails with EAGAIN: its config is saved again and again, its sessions fall due, a whole wave fails. It
stays, says once what is the matter, and leaves the file whole. Then there are threads again: it heals by itself, within
what its back-off allows, and takes over what was saved meanwhile.

Called by tests/crash/run. Needs strace, and to be root or to be allowed to become it in a namespace of one's own.
Time: one minute; whatever is waited for longer than that is given up.
"""

import datetime
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "emulator"))
from workstation import SECRET, Failed, Sts, Workstation, build, demand, until

# Seconds that a session lives, and that there are no threads: each falls due in that time.
LIFE = 40
WITHOUT = 24
LACK = "the operating system gives no more threads"
BUG = ("please report it", "stumbled")


def role(name):
    return f'\n[[role]]\nprofile = "{name}"\nrole_arn = "arn:aws:iam::111122223333:role/{name}"\n'


def lasts(station, profile):
    """Seconds until its session ends."""
    end = station.sections()[profile]["x_security_token_expires"]
    return datetime.datetime.fromisoformat(end.replace("Z", "+00:00")).timestamp() - time.time()


class Lack:
    """No more threads for a daemon, until this is over."""

    def __init__(self, station, daemon):
        self.tasks = pathlib.Path(f"/proc/{daemon.process.pid}/task")
        self.log = station.path / "strace"
        self.log.write_text("")
        deny = ["-e", "trace=clone,clone3", "-e", "inject=clone,clone3:error=EAGAIN"]
        command = ["strace", "-f", "-qq", "-A", "-o", self.log, *deny, "-p", str(daemon.process.pid)]
        self.tracer = subprocess.Popen(command)
        # Those that it has end when nobody needs them, but for the loop, the watch of files and the log.
        until("the threads to end", lambda: self.holds_all() and len(os.listdir(self.tasks)) <= 3)

    def holds_all(self):
        demand(self.tracer.poll() is None, "strace cannot trace the daemon")
        try:
            texts = [(task / "status").read_text(encoding="ascii") for task in self.tasks.iterdir()]
        except (FileNotFoundError, ProcessLookupError):
            # One that has just ended.
            return False
        return all(f"TracerPid:\t{self.tracer.pid}\n" in text for text in texts)

    def denied(self):
        return self.log.read_text(encoding="utf-8").count("EAGAIN")

    def end(self):
        if self.tracer.poll() is None:
            self.tracer.send_signal(signal.SIGINT)
            self.tracer.wait(timeout=60)


def everything_fails_and_heals(sts, station, daemon):
    lack = Lack(station, daemon)
    old, config = station.token("dev"), station.config.read_text(encoding="utf-8")
    try:
        for number in range(WITHOUT):
            config += f"# saved again {number}\n"
            station.config.write_text(config, encoding="utf-8")
            time.sleep(1)
            demand(daemon.process.poll() is None, "the daemon has ended")
            station.whole()
        demand(lack.denied() >= 5, f"only {lack.denied()} threads were denied")
        demand(station.token("dev") == old, "a session came although there was no thread to store it in")
        station.config.write_text(config + role("late"), encoding="utf-8")
        sts.order("life 3600")
    finally:
        lack.end()
    said = [line for line in daemon.log.read_text(encoding="utf-8").splitlines() if "ERROR" in line and LACK in line]
    demand(len(said) == 1, f"it was said {len(said)} times")
    since = time.monotonic()
    until("new sessions", lambda: station.token("dev") != old and station.token("late"))
    return lack.denied(), time.monotonic() - since


def what_was_saved_is_not_forgotten(station, daemon):
    """With nothing else to wake it: the sessions are long now."""
    until("long sessions", lambda: all(lasts(station, profile) > 600 for profile in station.profiles))
    lack = Lack(station, daemon)
    try:
        config = station.config.read_text(encoding="utf-8")
        station.config.write_text(config + role("later"), encoding="utf-8")
        until("a look that there is no thread for", lack.denied)
    finally:
        lack.end()
    until("the new role", lambda: station.token("later"))


def main():
    if os.geteuid() != 0:
        # evertoken lets nobody but root look into it.
        os.execvp("unshare", ["unshare", "-Ur", sys.executable, *sys.argv])
    build()
    sts = Sts(LIFE)
    station = Workstation(sts, ("dev", "ops"))
    daemon = station.start()
    try:
        until("the first sessions", lambda: station.token("dev") and station.token("ops"))
        denied, healed = everything_fails_and_heals(sts, station, daemon)
        station.profiles = ("dev", "ops", "late")
        what_was_saved_is_not_forgotten(station, daemon)
        station.profiles = ("dev", "ops", "late", "later")
        station.whole()
        demand(daemon.stop() == 0, "no orderly end")
        text = daemon.log.read_text(encoding="utf-8")
        demand(not any(word in text for word in BUG), "taken for a bug")
        demand(SECRET not in text, "a secret in the log")
    except Failed as failed:
        print(f"FAILED: threads: {failed}\n{daemon.log.read_text(encoding='utf-8')}", file=sys.stderr)
        return 1
    finally:
        station.remove()
        sts.stop()
    print(f"threads: {denied} denied in {WITHOUT} s, said once; the daemon stayed, and was fresh {healed:.1f} s later")
    return 0


if __name__ == "__main__":
    sys.exit(main())
