"""The cases of tests/disk/run; runs in a mount namespace of its own, as its root.

In each of them the daemon must stay up, say what is wrong with the step and the path, leave the file whole, and write as
soon as it can again."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "emulator"))
from workstation import SECRET, USER, Failed, Sts, Workstation, demand, until

LIFE = 8


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def umount(path):
    subprocess.run(["umount", "-l", path], check=True)


class Case(Workstation):
    """A workstation whose ~/.aws is a small disk of its own."""

    last = None

    def __init__(self, sts, options="size=64k", prepare=None):
        super().__init__(sts)
        self.told = ""
        Case.last = self
        self.mounted = options is not None
        if self.mounted:
            mount("-t", "tmpfs", "-o", f"{options},mode=700", "disk", self.folder)
            self.write(USER)
        if prepare:
            prepare(self)
        self.daemon = self.start()
        self.fresh()

    def fresh(self):
        until("a fresh session", lambda: self.run("status").returncode == 0)
        self.whole()

    def renewed(self):
        """Waits for another session than the one that stands there now."""
        before = self.token()
        until("the next session", lambda: self.token() != before)
        self.whole()

    def says(self, *words):
        until(f"{words} to be said", lambda: self.daemon.said(*words))

    def ends_well(self):
        demand(self.daemon.process.poll() is None, "the daemon is gone")
        demand(not self.daemon.said(SECRET), "a secret in the log")
        demand(self.daemon.stop() == 0, "no orderly end")
        self.whole()

    def remove(self):
        for daemon in self.daemons:
            daemon.kill()
            self.told = daemon.log.read_text()
        if self.mounted:
            umount(self.folder)
        super().remove()


def full(sts):
    """The disk fills up, to the last byte and to the last file, and is emptied again."""
    for options, what, step in (("size=64k", "bytes", "write"), ("size=1m,nr_inodes=8", "files", "create")):
        case = Case(sts, options)
        try:
            fillers = []

            def fill():
                try:
                    while len(fillers) < 1000:
                        fillers.append(case.folder / f"filler-{len(fillers)}")
                        fillers[-1].write_bytes(b"x" * (4096 if what == "bytes" else 0))
                except OSError:
                    pass

            def fails():
                # A write that was under way leaves the place of the old file behind.
                fill()
                return case.daemon.said(f"failed to {step} ", str(case.folder), "No space left on device")

            until("a full disk to be said", fails)
            case.whole()
            old = case.file.read_bytes()
            by_hand = case.run("refresh", "--force")
            demand(by_hand.returncode == 1 and "No space left" in by_hand.stdout, f"refresh: {by_hand}")
            status = case.run("status")
            demand(status.returncode == 1 and "No space left" in status.stdout, f"status: {status.stdout}")
            demand(case.file.read_bytes() == old, f"the old file changed on a disk without free {what}")
            for filler in fillers:
                filler.unlink(missing_ok=True)
            case.fresh()
            case.tidy()
            case.ends_well()
        finally:
            case.remove()
        print(f"disk: full of {what}: the old file stayed whole, it was said, and it healed")


def read_only(sts):
    case = Case(sts)
    try:
        # Refused as long as the daemon has a file open for writing.
        remount = ["mount", "-o", "remount,ro", case.folder]
        until("a disk to be read-only", lambda: subprocess.run(remount, stderr=subprocess.PIPE).returncode == 0)
        old = case.file.read_bytes()
        case.says("failed to ", str(case.folder), "Read-only file system")
        by_hand = case.run("refresh", "--force")
        demand(by_hand.returncode == 1 and "Read-only" in by_hand.stdout, f"refresh: {by_hand}")
        demand(case.file.read_bytes() == old, "the file changed")
        mount("-o", "remount,rw", case.folder)
        case.fresh()
        case.tidy()
        case.ends_well()
    finally:
        case.remove()
    print("disk: read-only: the old file stayed whole, it was said, and it healed")


def gone(sts):
    """The disk under the folder goes away, as one that is locked or pulled does, and comes back."""

    def behind_a_link(case):
        os.rename(case.folder, case.path / "disk")
        case.folder.symlink_to(case.path / "disk")

    case = Case(sts, None, behind_a_link)
    try:
        disk = case.path / "disk"
        away = case.path / "away"
        os.rename(disk, away)
        old = (away / "credentials").read_bytes()
        case.says("failed to ", str(case.folder))
        demand(not disk.exists(), "it made a folder where the disk belongs")
        demand((away / "credentials").read_bytes() == old, "the file changed while it was away")
        os.rename(away, disk)
        case.fresh()
        case.tidy()
        case.ends_well()
    finally:
        case.remove()
    print("disk: a folder that vanished and came back: it was said, nothing was made in its place, and it healed")


def unmounted(sts):
    """A mounted folder is unmounted, so that an empty one stands there, and mounted again."""
    case = Case(sts, None)
    try:
        disk = case.path / "disk"
        os.rename(case.folder, disk)
        case.folder.mkdir(mode=0o700)
        mount("--bind", disk, case.folder)
        case.fresh()
        umount(case.folder)
        old = (disk / "credentials").read_bytes()
        case.says("source", "base")
        demand((disk / "credentials").read_bytes() == old, "the file changed while it was away")
        mount("--bind", disk, case.folder)
        case.fresh()
        case.tidy()
        case.ends_well()
    finally:
        umount(case.folder)
        case.remove()
    print("disk: a folder that was unmounted for a while: the daemon stayed up, and it healed")


def later(sts):
    """A home that is mounted after the service has started: exit 1, so that the service manager tries again."""
    case = Case(sts, None)
    try:
        case.ends_well()
        away = case.path.with_name(case.path.name + "-away")
        os.rename(case.path, away)
        try:
            for home in ("missing", "empty"):
                if home == "empty":
                    case.path.mkdir(mode=0o700)
                for command in (["run"], ["refresh"]):
                    ended = case.run(*command)
                    demand(ended.returncode == 1, f"{command} in a {home} home: {ended.returncode} {ended.stderr}")
                    demand("config" in ended.stderr, f"{command} in a {home} home says: {ended.stderr}")
                demand(not case.path.exists() or not os.listdir(case.path), f"something was made in a {home} home")
            case.path.rmdir()
        finally:
            os.rename(away, case.path)
        case.daemon = case.start()
        case.fresh()
        case.renewed()
        case.ends_well()
    finally:
        case.remove()
    print("disk: a home that comes later: exit 1 and nothing made in its place; started again, it works")


def single_file(sts):
    """A container gets the one file mounted: it cannot be replaced."""
    case = Case(sts, None)
    try:
        case.ends_well()
        outside = case.path / "outside"
        outside.write_text(USER)
        outside.chmod(0o600)
        mount("--bind", outside, case.file)
        case.daemon = case.start()
        case.fresh()
        case.renewed()
        case.says("written in place", str(case.file))
        demand(os.path.samefile(outside, case.file), "it is another file")
        by_hand = case.run("refresh", "--force")
        demand(by_hand.returncode == 0, f"refresh: {by_hand}")
        case.tidy()
        case.ends_well()
        # Nowhere else: a file that can be replaced is replaced.
        umount(case.file)
        # Held open, so that no new file gets the number of the old one.
        with case.file.open("rb") as old:
            case.daemon = case.start()
            case.fresh()
            # The session that it left there before may have been good enough so far.
            case.renewed()
            demand(not os.path.samestat(os.fstat(old.fileno()), case.file.stat()), "written in place although it need not be")
        demand(not case.daemon.said("written in place"), "a warning that is not true")
        case.ends_well()
    finally:
        subprocess.run(["umount", "-l", case.file], check=False, stderr=subprocess.DEVNULL)
        case.remove()
    print("disk: a single file that is a mount: written in place, said, and nowhere else")


def file_size_limit(sts):
    """ulimit -f: the signal that comes with it must not end anybody."""
    case = Case(sts, None)
    try:
        case.ends_well()
        old = case.file.read_bytes()
        limited = ["sh", "-c", 'ulimit -f 0 && exec "$0" "$@"']
        by_hand = case.run("refresh", "--force", before=limited)
        demand(by_hand.returncode == 1 and "File too large" in by_hand.stdout, f"refresh: {by_hand}")
        demand(case.file.read_bytes() == old, "the file changed")
        demand(case.run("refresh", "--force").returncode == 0, "it does not heal")
        case.whole()
        case.tidy()
    finally:
        case.remove()
    print("disk: a limit on file sizes: a failed write, no death")


def main():
    started = time.monotonic()
    # Homes stand on a disk of this namespace, which goes with it.
    mount("-t", "tmpfs", "-o", "size=64m,mode=700", "homes", "/mnt")
    tempfile.tempdir = "/mnt"
    sts = Sts(LIFE)
    try:
        for case in (full, read_only, gone, unmounted, later, single_file, file_size_limit):
            case(sts)
    except Failed as failed:
        print(f"FAILED: {case.__name__}: {failed}\n{Case.last.told}", file=sys.stderr)
        return 1
    finally:
        sts.stop()
    print(f"disk: done in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
