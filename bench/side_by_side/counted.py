"""What needs no clock: system calls by perf, user instructions by callgrind.

Both are hardly disturbed by what else runs. Callgrind counts what the program does outside the kernel, on the
processor that valgrind plays (which has AVX2 and no AVX-512); the difference of two lengths has no connecting in it.
"""
import re
import shutil
import signal
import subprocess
import time

from . import cells, processes, profile, timed

EVENT = "raw_syscalls:sys_enter"


def why_not_syscalls():
    """Why system calls cannot be counted here; empty if they can."""
    if not shutil.which("perf"):
        return "perf is not installed"
    done = subprocess.run(["perf", "stat", "-e", EVENT, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return "" if done.returncode == 0 else "perf may not count system calls here"


def syscalls(cell, rival, load, mocks, fifo):
    """Of one window, per unit."""
    pids = ",".join(str(pid) for pid in rival.program.pids())
    perf = subprocess.Popen(["perf", "stat", "-x", ",", "-e", EVENT, "-p", pids], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(0.3)
    try:
        with timed.scheduled(cell, rival, mocks, fifo) as policy:
            report = load.run(rival.url(cell), rival.model(cell), cell.arguments_for(rival), headers=rival.headers,
                              policy=policy)
    finally:
        perf.send_signal(signal.SIGINT)
        text = perf.communicate()[1]
    found = re.search(rf"^(\d+),,{EVENT}", text, re.MULTILINE)
    if not found:
        raise processes.Trouble("perf gave no count")
    units = cell.units_of(report)
    return {"cell": cell.name, "rival": rival.name, "units": units, "syscalls": int(found[1]) / units,
            "fault": cell.fault_of(report)}


class Callgrind:
    """A rival under callgrind, which writes what it has counted whenever it is asked."""

    def __init__(self, rival):
        self.rival = rival
        self.files = rival.place.folder / rival.name
        self.dumps = 0
        self.program = rival.start(
            wrapper=["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={self.files / 'callgrind'}"])

    def count(self, cell, load):
        """Instructions outside the kernel while this runs."""
        self.dump()
        report = load.run(self.rival.url(cell), self.rival.model(cell), cell.arguments, headers=self.rival.headers)
        if report["failed"] or report["unfinished"]:
            raise processes.Trouble(f"{report['failed'] + report['unfinished']} requests failed under callgrind")
        return cell.units_of(report), self.dump()

    def dump(self):
        """Returns the count since the last one."""
        subprocess.run(["vgdb", f"--pid={self.program.process.pid}", "dump"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        self.dumps += 1
        file = self.files / f"callgrind.{self.dumps}"
        found = re.search(r"^totals: (\d+)", file.read_text(errors="replace"), re.MULTILINE) if file.exists() else None
        if not found:
            raise processes.Trouble("callgrind wrote no result")
        return int(found[1])

    def instructions(self, cell, load):
        """Per unit, the difference of two lengths."""
        short, long = (cells.counted(cell, length) for length in cells.COUNTED_LENGTHS)
        self.count(short, load)  # what is done once
        (few, few_cost), (many, many_cost) = self.count(short, load), self.count(long, load)
        entry = {"cell": cell.name, "rival": self.rival.name, "units": many - few,
                 "instructions": (many_cost - few_cost) / (many - few)}
        if self.rival.name == "ringway":
            entry["top"] = profile.top(self.files / f"callgrind.{self.dumps}", self.rival.path)
        return entry

    def stop(self):
        # A program that sleeps in its ring holds valgrind's lock: it would not hear an order to end.
        self.program.process.kill()
        self.rival.stop()
