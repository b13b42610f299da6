#!/usr/bin/env python3
"""Kills and fails the write of the real `evertoken refresh`, and of the daemon, against the STS emulator.

 1. SIGKILL at each system call from taking the write lock to giving it back, of whatever thread makes it: the file is
    the old one or the new one, whole, 0600; the next run succeeds and leaves no other file behind.
 2. ENOSPC, EIO, EDQUOT, EROFS from each call that opens, reads, writes, syncs, locks or renames there: the old file
    stays whole, the exit code is 1, the message names the step and the path; the next run succeeds.
 3. The daemon with such an error in its first write: it says so, stays up, and its next attempt succeeds.

The program has several threads, so strace is attached to one of them, while this script holds the write lock and the
thread waits for it: from there on each run makes the same calls. What was hit is read from the log all the same.

Called by tests/crash/run. usage: tests/crash/refresh.py [--long], which takes every error where otherwise one of the
four in turn befalls a call. Needs strace, and to be root or to be allowed to become it in a namespace of one's own.
Time: about one minute; whatever hangs is given up after a quarter of an hour.
"""

import collections
import fcntl
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "emulator"))
from workstation import EVERTOKEN, SECRET, Failed, Sts, Workstation, build, demand, until

LONG = "--long" in sys.argv[1:]
BUDGET = 900
ERRORS = {"ENOSPC": "No space left", "EIO": "Input/output", "EDQUOT": "quota exceeded", "EROFS": "Read-only file system"}
# clock_nanosleep, on x86-64 and on arm64.
SLEEPING = ("230 ", "115 ")
FAILING = ["openat", "read", "write", "pwrite64", "fsync", "fdatasync", "flock", "rename", "renameat2", "fchmod"]
# What the look for programs that have the file open does as often as there are programs.
WANDERING = ["openat", "close"]
started = time.monotonic()

Call = collections.namedtuple("Call", "label name number")


def window(station, log):
    """The calls that touch the folder up to giving the write lock back, and those in which something was injected; the
    labels mean the same in each run."""
    counts, labels, calls, injected = collections.Counter(), collections.Counter(), [], []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        found = re.match(r"(?:\d+ +)?(\w+)\((.*)", line)
        if not found:
            continue
        name, rest = found.groups()
        counts[name] += 1
        path = re.search(re.escape(str(station.folder)) + r'(/[^">]*)?', rest)
        label = "elsewhere"
        if path:
            what = re.sub(r"evertoken-[0-9a-f]{16}", "evertoken-RANDOM", path[1] or "/")
            what += " (old)" if "(deleted)" in rest else ""
            labels[name, what] += 1
            label = f"{name} {what} #{labels[name, what]}"
            calls.append(Call(label, name, counts[name]))
        if "(INJECTED)" in rest:
            injected.append(label)
        if label == "close /credentials.lock #1":
            break
    return calls, injected


def traced(station, process, *options):
    """Traces the writing thread of a process from the moment in which it gets the write lock, which the caller holds:
    gives the tracer, once the process runs on. `station.lock` is given back then."""

    def writing_thread():
        demand(process.poll() is None, f"ended before its write with {process.returncode}")
        for thread in os.listdir(f"/proc/{process.pid}/task"):
            try:
                with open(f"/proc/{process.pid}/task/{thread}/syscall", encoding="ascii") as call:
                    if call.read().startswith(SLEEPING):
                        return thread
            except (FileNotFoundError, ProcessLookupError):
                # One that has ended since it was listed.
                continue
        return None

    def attached():
        with open(f"/proc/{process.pid}/task/{thread}/status", encoding="ascii") as status:
            return int(re.search(r"TracerPid:\s*(\d+)", status.read())[1]) == tracer.pid

    until("the write", writing_thread)
    # Between two looks at the lock, so that what comes next is a whole look.
    while True:
        os.kill(process.pid, signal.SIGSTOP)
        thread = writing_thread()
        if thread:
            break
        os.kill(process.pid, signal.SIGCONT)
    command = ["strace", "-qq", "-y", "-s", "16", "-o", str(station.path / "strace"), *options, "-p", thread]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until("strace", lambda: tracer.poll() is not None or attached())
    demand(tracer.poll() is None, f"strace: {tracer.poll()}")
    station.lock.close()
    os.kill(process.pid, signal.SIGCONT)
    return tracer


def hold_lock(station):
    """Takes the write lock, as another evertoken would."""
    station.lock = open(f"{station.file}.lock", "a", encoding="ascii")
    os.chmod(station.lock.name, 0o600)
    fcntl.flock(station.lock, fcntl.LOCK_EX)


class Runs:
    """Refreshes in one home."""

    def __init__(self, sts):
        self.station = Workstation(sts)
        self.heals()
        done, self.calls, _ = self.refresh()
        demand(done.returncode == 0, f"an undisturbed run failed: {done.stdout} {done.stderr}")
        demand(len(self.calls) > 40, f"only {len(self.calls)} calls were seen")

    def refresh(self, *options):
        """One, traced; gives how it ended, the calls of the write, and what was hit."""
        demand(time.monotonic() - started < BUDGET, f"more than {BUDGET} s")
        hold_lock(self.station)
        command = [EVERTOKEN, "refresh", "--force", "dev"]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, env=self.station.environment(), stdout=pipe, stderr=pipe, text=True)
        try:
            tracer = traced(self.station, process, *options)
            out, err = process.communicate(timeout=60)
            tracer.communicate(timeout=60)
        finally:
            self.station.lock.close()
            if process.poll() is None:
                process.kill()
                process.wait()
        done = subprocess.CompletedProcess(command, process.returncode, out, err)
        return done, *window(self.station, self.station.path / "strace")

    def inject(self, call, what):
        """Lets something befall the call. How many files a write opens besides hangs on which programs run just then: where
        the path is known, only the calls for that path are counted."""
        # Neither that of the temporary file is known, nor one that was taken away meanwhile.
        known = re.fullmatch(r"\w+ (/[^ ]*) #(\d+)", call.label)
        if call.name in WANDERING and known and "RANDOM" not in call.label:
            named = str(self.station.folder) + known[1].rstrip("/")
            return self.refresh("-P", named, "-e", f"inject={call.name}:{what}:when={known[2]}")
        return self.refresh("-e", f"inject={call.name}:{what}:when={call.number}")

    def heals(self):
        again = self.station.run("refresh", "--force", "dev")
        demand(again.returncode == 0, f"the next run failed: {again.stdout} {again.stderr}")
        self.station.whole()
        self.station.tidy()


def kill_everywhere(runs):
    station, hit, kills, old, new = runs.station, set(), 0, 0, 0
    wanted = {call.label for call in runs.calls}
    for _ in range(3):
        for call in runs.calls:
            if call.label in hit:
                continue
            before = station.token()
            done, calls, _ = runs.inject(call, "signal=KILL")
            try:
                station.whole()
                if done.returncode != 0:
                    kills += 1
                    # Where it died: the last call that the window saw.
                    hit.update(found.label for found in calls[-1:])
                if station.token() == before:
                    old += 1
                else:
                    new += 1
                runs.heals()
            except Failed as failed:
                raise Failed(f"killed at {call.label}: {failed}") from failed
        if wanted <= hit:
            break
    missed = sorted(wanted - hit)
    demand(len(missed) <= len(wanted) // 20, f"not hit: {missed}")
    demand(old > 10 and new > 3, f"the kills missed the rename: {old} before, {new} after")
    print(
        f"refresh: killed {kills} times, at {len(wanted & hit)} of {len(wanted)} calls of the write: "
        f"{old} times the old file, {new} times the new one, always whole, always healed"
    )


def must_fail(label):
    """Whether the write cannot go on without this call: it can without the look at what killed runs have left, the note
    in the lock file, the fsync of the folder, and what comes after the rename."""
    name, what, _ = label.split(" ", 2)
    if name in ("write", "fsync", "fchmod"):
        return ".evertoken-" in what
    return name in ("rename", "renameat2", "flock") or (name == "openat" and what != "/")


def fail_everywhere(runs):
    station, failures, hits, missed = runs.station, 0, 0, []
    renamed = next(index for index, call in enumerate(runs.calls) if call.name.startswith("rename"))
    calls = [(index, call) for index, call in enumerate(runs.calls) if call.name in FAILING]
    for index, call in calls:
        # Otherwise they take turns; each of the calls without which nothing can be written meets them all.
        errors = list(ERRORS) if LONG or (must_fail(call.label) and index <= renamed) else [list(ERRORS)[index % 4]]
        for error in errors:
            for _ in range(12):
                before = station.token()
                done, seen, injected = runs.inject(call, f"error={error}")
                # Its number, as it was just now.
                call = next((found for found in seen if found.label == call.label), call)
                said = done.stdout + done.stderr
                try:
                    station.whole()
                    station.tidy()
                    demand(SECRET not in said, "a secret in the message")
                    wrote = station.token() != before
                    if injected == [call.label]:
                        hits += 1
                        if done.returncode == 0:
                            demand(wrote, "it claims to have written")
                            demand(index > renamed or not must_fail(call.label), "nothing was said")
                        else:
                            failures += 1
                            demand(done.returncode == 1, f"exit code {done.returncode}")
                            demand(not wrote, "it claims to have failed")
                            shape = rf"failed to [a-z][a-z ]* {re.escape(str(station.folder))}[^ ]*: .*{ERRORS[error]}"
                            demand(re.search(shape, said), "it does not name the step")
                    runs.heals()
                except Failed as failed:
                    raise Failed(f"{error} from {call.label} (hit {injected}): {failed}; it said: {said}") from failed
                if injected == [call.label]:
                    break
            else:
                missed.append((error, call.label))
    demand(len(missed) <= len(calls) // 10, f"not hit: {missed}")
    demand(failures >= 5 * len(ERRORS), f"only {failures} failures")
    print(
        f"refresh: {hits} errors in {len(calls)} calls; {failures} of them fatal to the write: always whole, said, healed"
    )


def daemon_lives_on(runs, sts):
    fatal = [call for call in runs.calls if must_fail(call.label)]
    fatal = fatal[: next(index for index, call in enumerate(fatal) if call.name.startswith("rename")) + 1]
    cases = [(call, list(ERRORS)[index % 4]) for index, call in enumerate(fatal)]
    for call, error in cases:
        station = Workstation(sts)
        try:
            # With its section there already, its calls are those of a refresh.
            first = station.run("refresh")
            demand(first.returncode == 0, f"the first session: {first.stderr}")
            hold_lock(station)
            daemon = station.start()
            until("the daemon", lambda: daemon.said("keeping sessions fresh"))
            before = station.token()
            daemon.process.send_signal(signal.SIGUSR1)
            tracer = traced(station, daemon.process, "-e", f"inject={call.name}:error={error}:when={call.number}")
            until(f"{error} from {call.label} to be said", lambda: daemon.said("failed to ", ERRORS[error]))
            until("the next attempt", lambda: station.token() != before)
            station.whole()
            demand(daemon.stop() == 0, "no orderly end")
            tracer.communicate(timeout=60)
            station.tidy()
            demand(not daemon.said(SECRET), "a secret in the log")
        except Failed as failed:
            raise Failed(f"daemon, {error} from {call.label}: {failed}\n{daemon.log.read_text()}") from failed
        finally:
            station.lock.close()
            station.remove()
    print(f"daemon: lived through {len(cases)} failed writes, said so, and wrote when it could")


def main():
    if os.geteuid() != 0:
        # evertoken lets nobody but root look into it.
        os.execvp("unshare", ["unshare", "-Ur", sys.executable, *sys.argv])
    build()
    sts = Sts(3600)
    runs = None
    try:
        runs = Runs(sts)
        kill_everywhere(runs)
        fail_everywhere(runs)
        daemon_lives_on(runs, sts)
    except Failed as failed:
        print(f"FAILED: {failed}", file=sys.stderr)
        return 1
    finally:
        if runs:
            runs.station.remove()
        sts.stop()
    print(f"refresh: done in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
