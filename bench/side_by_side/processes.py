"""Starts programs on one processor, and reads what they used."""
import os
import pathlib
import signal
import socket
import subprocess
import time

FIFO_PRIORITY = 10


class Trouble(Exception):
    """Something that ends one measurement, or one rival; the text says what."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def placed(cpu, policy):
    """What a child does to itself before it runs: all threads to come stay on `cpu`."""
    def place():
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        set_policy(0, policy)
    return place


def set_policy(thread, policy):
    priority = FIFO_PRIORITY if policy == os.SCHED_FIFO else 0
    os.sched_setscheduler(thread, policy, os.sched_param(priority))


def may_use_fifo():
    """Whether this process may let its children run ahead of everything else."""
    try:
        return subprocess.run(["true"], preexec_fn=lambda: set_policy(0, os.SCHED_FIFO)).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def cpu_ns_of(pid):
    """Time on a processor, kernel included, of all threads of a process."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(task.read_text().split()[0])
        except OSError:
            pass  # the thread has ended
    return total


class Program:
    """A program that runs until stop(), with all the processes it made."""

    def __init__(self, name, command, cpu, log, environment=None):
        self.name = name
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env={**os.environ, **(environment or {})}, preexec_fn=placed(cpu, os.SCHED_BATCH))

    def pids(self):
        found, pids = [self.process.pid], []
        while found:
            pid = found.pop()
            pids.append(pid)
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
                try:
                    found += [int(child) for child in (task / "children").read_text().split()]
                except OSError:
                    pass
        return pids

    def threads(self):
        return [int(task.name) for pid in self.pids() for task in pathlib.Path(f"/proc/{pid}/task").glob("*")]

    def set_policy(self, policy):
        for thread in self.threads():
            try:
                set_policy(thread, policy)
            except ProcessLookupError:
                pass

    def cpu_ns(self):
        return sum(cpu_ns_of(pid) for pid in self.pids())

    def memory_kib(self):
        """Of all its processes: resident, and resident with shared pages counted by their share."""
        totals = {"Rss": 0, "Pss": 0}
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
                key, value = line.split()[:2]
                if key[:-1] in totals:
                    totals[key[:-1]] += int(value)
        return totals

    def wait_for_port(self, port, timeout_s=30):
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        tail = self.log.read_text(errors="replace").splitlines()[-3:]
        self.stop()
        raise Trouble(f"{self.name} did not start: {' / '.join(tail)}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                for pid in self.pids():
                    os.kill(pid, signal.SIGKILL)
                self.process.wait()


def busy_ns(cpu):
    """Of one processor since it started: time at work, and time that the host took away."""
    tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    for line in pathlib.Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{cpu}":
            user, nice, system, _idle, _iowait, irq, softirq, steal = (int(tick) for tick in ticks[:8])
            return (user + nice + system + irq + softirq) * tick_ns, steal * tick_ns
    raise Trouble(f"there is no processor {cpu}")
