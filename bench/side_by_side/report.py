"""The Markdown tables, from the raw data of a run."""
import statistics

from . import profile, statistics_of

CPU_TARGETS = {  # (cell, rival): target, stretch
    ("bursts", "nginx"): (0.85, 0.75), ("bursts", "haproxy"): (0.70, 0.62),
    ("lone", "nginx"): (0.85, 0.78), ("lone", "haproxy"): (0.75, 0.68),
    ("request", "nginx"): (0.82, 0.70), ("connect", "nginx"): (0.90, 0.80), ("body256k", "nginx"): (0.85, 0.70),
}
DELAY_TARGETS = {"nginx": (0.90, 0.80), "relay": (1.15, 1.05)}
SYSCALL_TARGETS = {"lone": (1.05, 1.0), "bursts": (0.10, 0.05)}
INSTRUCTION_TARGETS = {"bursts": (1000, 600), "lone": (1000, 600), "request": (10000, 7000)}
MEMORY_TARGETS = {"stream": (1536, 1024), "idle client": (614, 410)}
RSS_TARGET_MIB = (16, 8)
NAMES = {"ringway": "ringway", "nginx": "nginx", "haproxy": "HAProxy", "relay": "raw relay", "portkey": "Portkey",
         "direct": "direct"}


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(str(part) for part in row) + " |" for row in rows])


def number(value):
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def verdict(value, target):
    if value <= target[1]:
        return "stretch met"
    return "met" if value <= target[0] else "**missed**"


class Report:
    def __init__(self, data):
        self.data = data
        self.windows = data["windows"]
        self.cells = {cell["name"]: cell for cell in data["cells"]}
        measured = {window["cell"] for window in self.windows}
        self.timed = {name: cell for name, cell in self.cells.items() if name in measured}
        self.rivals = [name for name in data["versions"] if name != "direct"]

    def values(self, cell, rival, key="cpu_us"):
        return statistics_of.values(self.windows, cell, rival, key)

    def text(self):
        parts = [self.head(), "#### Targets", self.targets(), "#### Processor time", self.cpu()]
        for title, part in (("Where ringway loses", self.losses()), ("Delay", self.delay()), ("TLS handshakes", self.handshakes()), ("Counts", self.counts()),
                            ("Where ringway's instructions go", self.profile()),
                            ("Memory", self.memory()), ("Void windows", self.void()), ("Not measured", self.skipped())):
            if part:
                parts += [f"#### {title}", part]
        return "\n\n".join(parts) + "\n"

    def head(self):
        versions = ", ".join(f"{NAMES[name]} {version}" for name, version in self.data["versions"].items() if version)
        foreign = [window["foreign_share"] for window in self.windows if "foreign_share" in window]
        stolen = [window["stolen_share"] for window in self.windows]
        noise = ""
        if foreign:
            noise = (f" Others used {statistics.median(foreign):.0%} of the processor in the median window "
                     f"({max(foreign):.0%} at most), and the host took {statistics.median(stolen):.0%}.")
        return (f"{self.data['date']}, {self.data['rounds']} rounds. {versions}. {self.data['machine']}.{noise}")

    # What was asked for ----------------------------------------------------------------------------
    def targets(self):
        rows = []
        for (cell, rival), target in CPU_TARGETS.items():
            found = statistics_of.ratio(self.values(cell, "ringway"), self.values(cell, rival))
            if cell in self.timed:
                rows.append(self.target_row(f"CPU, {self.cells[cell]['title']}: ringway / {NAMES[rival]}", target, found))
        base = self.values("delay", "direct", "median_event_delay_ms")
        for rival, target in DELAY_TARGETS.items():
            ours, theirs = (self.values("delay", name, "median_event_delay_ms") for name in ("ringway", rival))
            if "delay" in self.timed:
                rows.append(self.target_row(f"added p50 of a token: ringway / {NAMES[rival]}", target,
                                            statistics_of.ratio(ours, theirs, base) if base else None))
        for cell, target in SYSCALL_TARGETS.items():
            rows += self.plain_rows("syscalls", f"system calls, {cell}", cell, target)
        for cell, target in INSTRUCTION_TARGETS.items():
            rows += self.plain_rows("instructions", f"user instructions, {cell}", cell, target)
        for entry in self.data["memory"]:
            if entry["rival"] != "ringway":
                continue
            if "bytes" in entry:
                target = MEMORY_TARGETS[entry["what"]]
                rows.append([f"user memory per {entry['what']}", f"<= {target[0]} B", f"{target[1]} B",
                             f"{entry['bytes']:.0f} B", verdict(entry["bytes"], target)])
            else:
                rows.append(["idle RSS, 2 workers", f"<= {RSS_TARGET_MIB[0]} MiB", f"{RSS_TARGET_MIB[1]} MiB",
                             f"{entry['rss_mib']:.1f} MiB", verdict(entry["rss_mib"], RSS_TARGET_MIB)])
        return table(["metric", "target", "stretch", "measured", ""], rows)

    def target_row(self, title, target, found):
        if not found:
            return [title, f"<= {target[0]:.2f}", f"{target[1]:.2f}", "-", "not measured"]
        low, high = found["interval"]
        return [title, f"<= {target[0]:.2f}", f"{target[1]:.2f}", f"{found['median']:.2f} ({low:.2f}-{high:.2f})",
                verdict(found["median"], target)]

    def plain_rows(self, key, title, cell, target):
        return [[f"{title}: ringway, per {self.cells[cell]['unit']}", f"<= {target[0]:,}", f"{target[1]:,}",
                 f"{entry[key]:.3f}" if key == "syscalls" else number(entry[key]), verdict(entry[key], target)]
                for entry in self.data[key] if entry["cell"] == cell and entry["rival"] == "ringway"]

    # What was measured -----------------------------------------------------------------------------
    def cpu(self):
        """Medians with their spread; then ringway's ratios, round against round."""
        others = [name for name in self.rivals if name != "ringway"]
        rows, ratios = [], []
        for name, cell in self.timed.items():
            if cell["is_latency"]:
                continue
            rows.append([f"{cell['title']}"] + [self.median_text(name, rival) for rival in self.rivals]
                        + [self.load_text(name)])
            found = [statistics_of.ratio(self.values(name, "ringway"), self.values(name, rival)) for rival in others]
            ratios.append([cell["title"]] + [f"{ratio['median']:.2f} ({ratio['interval'][0]:.2f}-{ratio['interval'][1]:.2f})"
                                             if ratio else "-" for ratio in found])
        heads = [NAMES[rival] for rival in self.rivals]
        return ("Microseconds of processor time per unit, kernel included: median (least-most).\n\n"
                + table(["unit"] + heads + ["the load's own"], rows)
                + "\n\nringway / rival, median of the ratios of pairs (90 % interval); below 1 ringway is cheaper.\n\n"
                + table(["unit"] + [NAMES[rival] for rival in others], ratios))

    def median_text(self, cell, rival):
        good = list(self.values(cell, rival).values())
        if good:
            return f"{number(statistics.median(good))} ({number(min(good))}-{number(max(good))})"
        void = list(statistics_of.values(self.windows, cell, rival, with_faults=True).values())
        return f"[{number(statistics.median(void))}]" if void else "-"

    def load_text(self, cell):
        used = [window["load_cpu_us"] for window in self.windows
                if window["cell"] == cell and window["rival"] == "ringway" and window["load_cpu_us"]]
        return number(statistics.median(used)) if used else "-"

    def losses(self):
        """Against those that understand HTTP, beyond doubt or not."""
        lines = []
        for name, cell in self.timed.items():
            for rival in ("nginx", "haproxy", "portkey"):
                key = "median_event_delay_ms" if cell["is_latency"] else "cpu_us"
                found = statistics_of.ratio(self.values(name, "ringway", key), self.values(name, rival, key))
                if found and found["median"] > 1:
                    doubt = "" if found["interval"][0] > 1 else ", which may be chance"
                    lines.append(f"* {cell['title']}: {found['median']:.2f} of {NAMES[rival]}'s{doubt}")
        for key, what in (("syscalls", "system calls"), ("instructions", "user instructions")):
            for name in self.cells:
                found = {entry["rival"]: entry[key] for entry in self.data[key] if entry["cell"] == name}
                lines += [f"* {what}, {name}: {number(found['ringway'])}, {NAMES[rival]} {number(found[rival])}"
                          for rival in ("nginx", "haproxy") if rival in found and found.get("ringway", 0) > found[rival]]
        for what in ("stream", "idle client"):
            found = {entry["rival"]: entry["bytes"] for entry in self.data["memory"] if entry["what"] == what}
            lines += [f"* bytes per {what}: {number(found['ringway'])}, {NAMES[rival]} {number(found[rival])}"
                      for rival in ("nginx", "haproxy") if rival in found and found.get("ringway", 0) > found[rival]]
        return "\n".join(lines)

    def delay(self):
        if "delay" not in self.timed:
            return ""
        rows = []
        base = self.values("delay", "direct", "median_event_delay_ms")
        for rival in ["direct", *self.rivals]:
            row = [NAMES[rival]]
            for key in ("median_event_delay_ms", "p99_event_delay_ms"):
                found = list(self.values("delay", rival, key).values())
                row.append(number(statistics.median(found) * 1000) if found else "-")
            ours = self.values("delay", rival, "median_event_delay_ms")
            added = [ours[at] - base[at] for at in ours if at in base]
            row.append(number(statistics.median(added) * 1000) if added and rival != "direct" else "-")
            rows.append(row)
        how = "ahead of all else (SCHED_FIFO)" if any(window.get("is_fifo") for window in self.windows) else "SCHED_BATCH"
        return (f"From the mock's send to the load's receipt, microseconds, medians over the rounds; on one processor, {how}.\n\n"
                + table(["", "p50", "p99", "added p50"], rows))

    def handshakes(self):
        rows = []
        for cell in ("tls-full", "tls-resumed"):
            for rival in self.rivals:
                cpu = list(self.values(cell, rival).values())
                if not cpu:
                    continue
                made = sum(self.values(cell, rival, "tls_handshakes").values())
                resumed = sum(self.values(cell, rival, "tls_resumed").values())
                rows.append([self.cells[cell]["title"], NAMES[rival], number(statistics.median(cpu)),
                             number(1e6 / statistics.median(cpu)), f"{resumed / made:.0%}" if made else "-"])
        if not rows:
            return ""
        return table(["each with a small request", "", "us of processor time", "per second of one processor", "resumed"], rows)

    def counts(self):
        rows = []
        for key, title in (("syscalls", "system calls"), ("instructions", "user instructions")):
            for name, cell in self.cells.items():
                found = {entry["rival"]: entry[key] for entry in self.data[key] if entry["cell"] == name}
                if found:
                    rows.append([f"{title} per {cell['title']}"] + [
                        "-" if rival not in found else f"{found[rival]:.3f}" if key == "syscalls" else number(found[rival])
                        for rival in self.rivals])
        return table([""] + [NAMES[rival] for rival in self.rivals], rows) if rows else ""

    def profile(self):
        """Where to look first."""
        lines = []
        for entry in self.data["instructions"]:
            parts = ", ".join(f"`{profile.short_name(name)}` {part:.0%}" for name, part in entry.get("top", [])[:10])
            if parts:
                lines.append(f"* {entry['cell']}: {parts}")
        return "\n".join(lines)

    def memory(self):
        rows = []
        for what in ("stream", "idle client"):
            found = {entry["rival"]: entry["bytes"] for entry in self.data["memory"] if entry["what"] == what}
            if found:
                rows.append([f"bytes per {what} (PSS)"] + [number(found.get(rival)) for rival in self.rivals])
        for key, title in (("rss_mib", "RSS"), ("pss_mib", "PSS")):
            found = {entry["rival"]: entry[key] for entry in self.data["memory"] if key in entry}
            if found:
                rows.append([f"idle, 2 workers, MiB ({title})"] + [number(found.get(rival)) for rival in self.rivals])
        return table([""] + [NAMES[rival] for rival in self.rivals], rows) if rows else ""

    def void(self):
        lines = {}
        for window in self.windows:
            if window["fault"]:
                lines.setdefault((window["cell"], window["rival"]), []).append(window["fault"])
        return "\n".join(f"* {cell}, {NAMES[rival]}: {len(faults)} of {self.data['rounds']}, such as: {faults[0]}"
                         for (cell, rival), faults in lines.items())

    def skipped(self):
        return "\n".join(f"* {line}" for line in self.data["skipped"])
