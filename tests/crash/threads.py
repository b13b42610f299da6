#!/usr/bin/env python3
"""The daemon on a machine that gives no more threads, as at the limit of `ulimit -u` or of a container.

While each clone fails with EAGAIN: its config is saved again and again, its sessions fall due, a whole wave fails. It
stays, says once what is the matter, and leaves the file whole. Then there are threads again: it heals by itself, within
what its back-off allows, and takes over what was saved meanwhile.

Called by tests/crash/run. Needs strace, and to be root or to be allowed to become it in a namespace of one's own.
Time: half a minute; whatever hangs is given up after two.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "emulator"))
from workstation import SECRET, Failed, Sts, Workstation, build, demand, until

# Seconds that a session lives, and that there are no threads: each falls due in that time, and none ends.
LIFE = 30
WITHOUT = 20
LACK = "the operating system gives no more threads"
BUG = ("please report it", "stumbled")


def main():
    if os.geteuid() != 0:
        # evertoken lets nobody but root look into it.
        os.execvp("unshare", ["unshare", "-Ur", sys.executable, *sys.argv])
    build()
    sts = Sts(LIFE)
    station = Workstation(sts, ("dev", "ops"))
    tracer = None
    try:
        daemon = station.start()
        until("the first sessions", lambda: station.token("dev") and station.token("ops"))
        # The threads that made them end when nobody needs them.
        tasks = f"/proc/{daemon.process.pid}/task"
        until("the threads to end", lambda: len(os.listdir(tasks)) <= 2)
        old = station.token("dev")
        log = station.path / "strace"
        deny = ["-e", "trace=clone,clone3", "-e", "inject=clone,clone3:error=EAGAIN"]
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", log, *deny, "-p", str(daemon.process.pid)])
        end = time.monotonic() + WITHOUT
        more = station.config.read_text(encoding="utf-8")
        for number in range(WITHOUT):
            more += f"# saved again {number}\n"
            station.config.write_text(more, encoding="utf-8")
            time.sleep(max(0.0, min(1.0, end - time.monotonic())))
            demand(daemon.process.poll() is None, "the daemon has ended")
            station.whole()
        denied = log.read_text(encoding="utf-8").count("EAGAIN")
        demand(denied >= 5, f"only {denied} threads were denied")
        demand(station.token("dev") == old, "a session came although there was no thread to store it in")
        more += '\n[[role]]\nprofile = "late"\nrole_arn = "arn:aws:iam::111122223333:role/late"\n'
        station.config.write_text(more, encoding="utf-8")
        tracer.send_signal(signal.SIGINT)
        tracer.wait(timeout=60)
        healed = time.monotonic()
        until("new sessions", lambda: station.token("dev") != old and station.token("late"))
        healed = time.monotonic() - healed
        station.profiles = ("dev", "ops", "late")
        station.whole()
        demand(daemon.stop() == 0, "no orderly end")
        text = daemon.log.read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if "ERROR" in line and LACK in line and "profile=" not in line]
        demand(len(lines) == 1, f"it was said {len(lines)} times")
        demand(not any(word in text for word in BUG), "taken for a bug")
        demand(SECRET not in text, "a secret in the log")
    except Failed as failed:
        print(f"FAILED: threads: {failed}\n{daemon.log.read_text(encoding='utf-8')}", file=sys.stderr)
        return 1
    finally:
        if tracer and tracer.poll() is None:
            tracer.kill()
            tracer.wait()
        station.remove()
        sts.stop()
    print(f"threads: {denied} denied in {WITHOUT} s, said once; the daemon stayed, and was fresh {healed:.1f} s later")
    return 0


if __name__ == "__main__":
    sys.exit(main())
