"""Which functions the instructions went to, from a file of callgrind.

The linker's layout hides a program's symbols from valgrind 3.19, which then names functions by their address: those
are looked up here.
"""
import bisect
import collections
import re
import subprocess

FAR = 1 << 16  # bytes from the nearest symbol: that one is none of its own


def symbols_of(program):
    """Addresses in order, and their names."""
    done = subprocess.run(["nm", "-C", "-n", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found = [re.match(r"([0-9a-f]+) [tTwW] (.*)", line) for line in done.stdout.splitlines()]
    return [(int(match[1], 16), match[2]) for match in found if match]


def self_costs(file):
    """Instructions of each function, without what it called. Source: Callgrind Format Specification."""
    names, costs = {}, collections.Counter()
    function, is_call = "", False
    for line in file.read_text(errors="replace").splitlines():
        if match := re.match(r"(c?)fn=\((\d+)\)(?: (.*))?", line):
            if match[3]:
                names[match[2]] = match[3]
            if not match[1]:
                function = match[2]
        elif line.startswith("calls="):
            is_call = True  # the next line is the cost of the call
        elif match := re.match(r"[+\-*]?\w* (\d+)$", line):
            if not is_call:
                costs[function] += int(match[1])
            is_call = False
    return {names.get(number, number): cost for number, cost in costs.items()}


def short_name(name):
    """Without arguments, and what compilers add."""
    name = name.replace("(anonymous namespace)::", "").replace("ringway::", "")
    return re.sub(r"(?<=.)\(.*|\.llvm\..*| \[clone.*", "", name)


def top(file, program, count=12):
    """The most expensive functions with their part of all instructions."""
    symbols = symbols_of(program)
    addresses = [address for address, _ in symbols]
    costs = collections.Counter()
    for name, cost in self_costs(file).items():
        if name.startswith("0x") and symbols:
            address = int(name, 16)
            at = bisect.bisect_right(addresses, address) - 1
            is_near = at >= 0 and address - addresses[at] < FAR
            name = symbols[at][1] if is_near else "(no symbol)"
        costs[short_name(name)] += cost
    total = sum(costs.values())
    return [(name, cost / total) for name, cost in costs.most_common(count)] if total else []
