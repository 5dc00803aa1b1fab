"""What a process takes of the machine's memory. Sockets' buffers, which are the kernel's, are not
in it."""

import time


def usage(pid):
    """Bytes: `rss`, `pss` (shared pages divided among those who share them) and `anonymous`."""
    fields = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file.readlines()[1:]:
            name, value = line.split(":")
            fields[name] = int(value.split()[0]) * 1024
    return {"rss": fields["Rss"], "pss": fields["Pss"], "anonymous": fields["Anonymous"]}


def settled(pid, seconds_max=30):
    """Usage once it has not fallen any more for three seconds."""
    lowest = usage(pid)
    since = began = time.monotonic()
    while time.monotonic() < min(since + 3, began + seconds_max):
        time.sleep(0.5)
        now = usage(pid)
        if now["pss"] < lowest["pss"] - 65536:
            since = time.monotonic()
        if now["pss"] < lowest["pss"]:
            lowest = now
    return lowest


def mib(size):
    return f"{size / 1048576:.1f} MiB"
