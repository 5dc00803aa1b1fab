"""The command: prepares, measures in interleaved rounds, counts, weighs, and reports."""
import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import sys
import time

from . import cells, counted, memory, processes, report, rivals, timed
from .load import Load

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BEGIN, END = "<!-- side-by-side: begin -->", "<!-- side-by-side: end -->"
RIVALS = ("ringway", "nginx", "haproxy", "relay", "portkey", "direct")


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def arguments():
    parser = argparse.ArgumentParser(
        prog="bench/side-by-side", description="Measures ringway beside nginx, HAProxy, a raw TCP relay and Portkey.")
    parser.add_argument("--ringway", type=pathlib.Path, default=ROOT / "build/release/src/ringway",
                        help="the program to measure (build/release/src/ringway)")
    parser.add_argument("--tools", type=pathlib.Path, default=None, help="the program that is mock and load (the same)")
    parser.add_argument("--quick", action="store_true", help="short windows, 3 rounds, no callgrind")
    parser.add_argument("--cells", default="", help="only these, such as bursts,lone; counts and memory are cells as well")
    parser.add_argument("--rivals", default="", help=f"only these of {','.join(RIVALS)}")
    parser.add_argument("--rounds", type=int, default=0, help="of each cell (7; with --quick 3)")
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)), help="the processor that all share (the last one)")
    parser.add_argument("--no-install", action="store_true", help="install no packages: what is missing is left out")
    parser.add_argument("--report", type=pathlib.Path, help="measure nothing: write the tables of this raw data")
    parser.add_argument("--into", type=pathlib.Path, help="write the tables into this file, between its side-by-side marks")
    return parser.parse_args()


def main():
    options = arguments()
    if options.report:
        return publish(json.loads(options.report.read_text()), options.report.parent, options.into)
    options.tools = (options.tools or options.ringway).resolve()
    options.ringway = options.ringway.resolve()
    for program in (options.ringway, options.tools):
        if not program.exists():
            sys.exit(f"there is no {program}: scripts/build release, or --ringway PATH")
    if not options.no_install:
        subprocess.run([ROOT / "scripts/install-packages", "--bench"], check=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # whoever started this: what it started must end
    run = Run(options)
    try:
        run.measure()
    except KeyboardInterrupt:
        say("interrupted: what was measured is kept")
    finally:
        run.end()
    return publish(run.data, run.folder, options.into)


def publish(data, folder, into):
    text = report.Report(data).text()
    (folder / "report.md").write_text(text)
    if into:
        old = into.read_text()
        if BEGIN not in old or END not in old:
            sys.exit(f"{into} has no marks {BEGIN} and {END}")
        into.write_text(old[:old.index(BEGIN) + len(BEGIN)] + "\n" + text + old[old.index(END):])
    print(text)
    say(f"raw data and tables: {folder}")
    return 0


def machine():
    model = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    congestion = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    return f"{os.cpu_count()} processors, {model}; Linux {platform.release()}; TCP congestion control {congestion}"


class Run:
    def __init__(self, options):
        self.options = options
        self.folder = ROOT / "build/side-by-side" / time.strftime("%Y%m%d-%H%M%S")
        self.folder.mkdir(parents=True)
        self.rounds = options.rounds or (3 if options.quick else 7)
        wanted = [name for name in options.cells.split(",") if name]
        known = cells.all_cells(options.quick)
        names = [cell.name for cell in known] + ["syscalls", "instructions", "memory"]
        for name in wanted:
            if name not in names:
                sys.exit(f"no such cell: {name} ({', '.join(names)})")
        self.wants = lambda name: not wanted or name in wanted
        self.known = known
        self.cells = [cell for cell in known if self.wants(cell.name)]
        self.load = Load(options.tools, options.cpu)
        self.fifo = processes.may_use_fifo()
        self.rivals, self.mocks = [], []
        self.data = {"date": datetime.date.today().isoformat(), "machine": machine(), "rounds": self.rounds,
                     "quick": options.quick, "versions": {}, "windows": [], "syscalls": [], "instructions": [],
                     "memory": [], "skipped": [], "cells": [dataclasses.asdict(cell) for cell in known]}

    def save(self):
        (self.folder / "raw.json").write_text(json.dumps(self.data, indent=1))

    def skip(self, text):
        self.data["skipped"].append(text)
        say(f"left out: {text}")

    def measure(self):
        self.prepare()
        for rival in self.rivals:
            rival.start()
        self.measure_windows()
        if self.wants("syscalls"):
            self.count_syscalls()
        for rival in self.rivals:
            rival.stop()
        if self.wants("instructions") and not (self.options.quick and not self.options.cells):
            self.count_instructions()
        if self.wants("memory"):
            self.weigh()

    def end(self):
        self.load.break_off()
        for rival in self.rivals:
            rival.stop()
        for mock in self.mocks:
            mock.stop()
        self.save()

    def prepare(self):
        place = rivals.Place(self.folder, self.options.cpu, *rivals.make_certificate(self.folder))
        upstream, self.mocks = rivals.make_mock(self.options.tools, place)
        all_rivals = [rivals.Ringway(place, upstream, self.options.ringway)]
        all_rivals += [kind(place, upstream) for kind in (rivals.Nginx, rivals.HAProxy, rivals.Relay, rivals.Portkey, rivals.Direct)]
        wanted = [name for name in self.options.rivals.split(",") if name] or RIVALS
        for rival in all_rivals:
            if rival.name not in wanted:
                continue
            try:
                self.data["versions"][rival.name] = rival.prepare()
                self.rivals.append(rival)
            except processes.Trouble as trouble:
                self.skip(f"{report.NAMES[rival.name]}: {trouble}")
        ours = all_rivals[0]
        for cell in self.known:
            ours.know(cell)
        for cell in self.known:
            for length in cells.COUNTED_LENGTHS if cell.is_counted else ():
                ours.know(cells.counted(cell, length))
        ours.know(memory.streams_cell(1))

    def rivals_of(self, cell):
        return [rival for rival in self.rivals
                if (rival.has_tls or not cell.front_tls) and (rival.name != "relay" or cell.for_relay)
                and (rival.name != "direct" or cell.is_latency)]

    def measure_windows(self):
        for cell in self.cells:
            those = self.rivals_of(cell)
            hopeless = {}
            for round_number in range(self.rounds):
                order = those if round_number % 2 == 0 else those[::-1]
                line = []
                for rival in order:
                    if hopeless.get(rival.name, 0) >= 2:  # what cannot hold the rate need not show it seven times
                        continue
                    try:
                        window = timed.measure(cell, rival, self.load, self.mocks, self.fifo)
                    except processes.Trouble as trouble:
                        self.load.break_off()
                        window = {"cell": cell.name, "rival": rival.name, "fault": str(trouble), "cpu_us": None,
                                  "load_cpu_us": None, "stolen_share": 0}
                    window["round"] = round_number
                    self.data["windows"].append(window)
                    if window["fault"]:
                        hopeless[rival.name] = hopeless.get(rival.name, 0) + 1
                    value = window.get("median_event_delay_ms") if cell.is_latency else window["cpu_us"]
                    value = "-" if value is None else f"{value * (1000 if cell.is_latency else 1):.1f}"
                    line.append(f"{rival.name} {value}" + (f" VOID: {window['fault']}" if window["fault"] else ""))
                say(f"{cell.name} {round_number + 1}/{self.rounds}  us per {cell.unit}: {', '.join(line)}")
                self.save()

    def count_syscalls(self):
        if reason := counted.why_not_syscalls():
            return self.skip(f"system calls: {reason}")
        for cell in (cell for cell in self.known if cell.is_counted):
            for rival in self.rivals_of(cell):
                try:
                    entry = counted.syscalls(cell, rival, self.load, self.mocks, self.fifo)
                except processes.Trouble as trouble:
                    self.load.break_off()
                    self.skip(f"system calls, {cell.name}, {rival.name}: {trouble}")
                    continue
                if entry["fault"]:
                    self.skip(f"system calls, {cell.name}, {report.NAMES[rival.name]}: {entry['fault']}")
                    continue
                self.data["syscalls"].append(entry)
                say(f"system calls per {cell.unit}, {cell.name}: {rival.name} {entry['syscalls']:.3f}")
        self.save()

    def weigh(self):
        small = next(cell for cell in self.known if cell.name == "request")
        for rival in (rival for rival in self.rivals if rival.name != "direct"):
            for what, workers in (("stream", 1), ("idle client", 1), ("idle", 2)):
                try:
                    rival.start(workers=workers)
                    if what == "stream":
                        entry = memory.per_stream(rival, self.load)
                    elif what == "idle client":
                        entry = memory.per_idle_client(rival, small)
                    else:
                        entry = memory.idle(rival)
                    self.data["memory"].append(entry)
                    value = f"{entry['bytes']:.0f} B" if "bytes" in entry else f"{entry['rss_mib']:.1f} MiB"
                    say(f"memory, {entry['what']}: {rival.name} {value}")
                except (processes.Trouble, OSError) as trouble:
                    self.skip(f"memory, {what}, {report.NAMES[rival.name]}: {trouble}")
                finally:
                    rival.stop()
        self.save()

    def count_instructions(self):
        if not shutil.which("valgrind"):
            return self.skip("user instructions: valgrind is not installed")
        for rival in (rival for rival in self.rivals if rival.runs_in_callgrind):
            callgrind = None
            try:
                callgrind = counted.Callgrind(rival)
                for cell in (cell for cell in self.known if cell.is_counted):
                    entry = callgrind.instructions(cell, self.load)
                    self.data["instructions"].append(entry)
                    say(f"user instructions per {cell.unit}, {cell.name}: {rival.name} {entry['instructions']:.0f}")
            except (processes.Trouble, OSError, subprocess.SubprocessError) as trouble:
                self.skip(f"user instructions, {report.NAMES[rival.name]}: {trouble}")
            finally:
                self.load.break_off()
                if callgrind:
                    callgrind.stop()
            self.save()
