"""What `evertoken credential-process` leaves alone while enough is left of a session: it writes nothing, calls nobody and
starts no thread, so that a read-only mount of the home is all that it needs. Runs in a mount namespace of its own."""

import datetime
import json
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "emulator"))
from workstation import Sts, Workstation, demand, until

# Epoll, event and timer files belong to a runtime; a lock to whoever means to write. (A `poll` is left out: Rust's standard
# library asks at the start whether the three standard streams are open.)
FORBIDDEN = re.compile(
    r"\b(socket|socketpair|connect|bind|send\w*|recv\w*|clone3?|v?fork|epoll_\w+|eventfd2?|timerfd_\w+|select|io_uring_\w+"
    r"|flock|rename\w*|unlink\w*|mkdir\w*|link\w*|symlink\w*|f?ch(mod|own)\w*|f?truncate|utime\w*|f(data)?sync|pwrite\w*)\("
)
OPENED_TO_WRITE = re.compile(r"\bopen(at)?\(.*\bO_(WRONLY|RDWR|CREAT|TRUNC)\b")
WRITTEN = re.compile(r"\bwritev?\((?!1,)")


def ask(station, profile):
    answer = station.run("credential-process", profile)
    demand(answer.returncode == 0, f"credential-process {profile}: {answer.stderr}")
    return json.loads(answer.stdout)


def offences(trace):
    return [line for line in trace if FORBIDDEN.search(line) or OPENED_TO_WRITE.search(line) or WRITTEN.search(line)]


def trace(station, *arguments):
    log = station.path / "trace"
    answer = station.run(*arguments, before=["strace", "-f", "-o", str(log)])
    demand(answer.returncode == 0, f"{arguments} under strace: {answer.stderr}")
    lines = log.read_text().splitlines()
    log.unlink()
    demand(len(lines) > 20, f"strace saw nothing: {lines}")
    return lines


def main():
    sts = Sts(3600)
    station = Workstation(sts, profiles=("dev", "brief", "vault"))
    try:
        station.config.write_text(station.config.read_text() + 'store = "private"\n')
        # The first ones are written by the asker itself: here all that is forbidden must be seen, or nobody looked.
        seen = "\n".join(offences(trace(station, "credential-process", "dev")))
        for call in ("socket(", "clone", "flock(", "rename", "epoll_"):
            demand(call in seen, f"a refresh without {call}: strace does not see what it should")
        first = {profile: ask(station, profile) for profile in ("dev", "vault")}
        sts.order("life 12")
        brief = ask(station, "brief")
        calls = sts.calls()
        for profile in ("dev", "vault"):
            found = offences(trace(station, "credential-process", profile))
            demand(not found, f"an answer from the store is not silent: {found}")
        subprocess.run(["mount", "--bind", station.path, station.path], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", station.path], check=True)
        try:
            denied = subprocess.run(["touch", station.path / "x"], capture_output=True)
            demand(denied.returncode != 0, "the home is not read-only")
            again = {profile: ask(station, profile) for profile in ("dev", "vault")}
            demand(again == first, "a read-only home is answered otherwise")
            # With too little left it would like to refresh, and cannot: what is valid is handed out all the same.
            sts.order("outage on")
            ends = datetime.datetime.fromisoformat(brief["Expiration"]).timestamp()
            until("too little to be left", lambda: ends - time.time() < 5)
            demand(ask(station, "brief") == brief, "what is valid is not handed out")
            until("the end", lambda: time.time() > ends)
            late = station.run("credential-process", "brief")
            demand((late.returncode, late.stdout) == (1, ""), f"after the end: {late}")
            demand(sts.calls() == calls, "STS was called")
            # Once it can be asked nobody is kept from a session, though nothing can be locked or stored.
            sts.order("outage off")
            demand(ask(station, "brief")["AccessKeyId"] != brief["AccessKeyId"], "this is the session that has ended")
            demand(sts.calls() == calls + 1, "STS was asked otherwise than once")
        finally:
            subprocess.run(["umount", "-l", station.path], check=True)
    finally:
        station.remove()
        sts.stop()
    print("clients: credential-process writes nothing, calls nobody, starts no thread; a read-only home will do")


if __name__ == "__main__":
    main()
