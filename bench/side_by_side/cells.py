"""What is measured over time: each cell is one kind of traffic, the same for every rival."""
import dataclasses

GAP_MS = 20
# About 370 bytes an event, as long as those of real providers.
EVENT = "bytes=24,stamp=1"


@dataclasses.dataclass
class Cell:
    name: str
    title: str
    unit: str
    mock: str  # the mock's options, which go in the model's name
    arguments: list  # of the load
    front_tls: bool = False  # between load and proxy
    back_tls: bool = False  # between proxy and mock
    stream_ms: float = 0  # how long a stream takes if the offered rate is held; 0: closed loop
    is_counted: bool = False  # system calls and instructions as well
    for_relay: bool = True
    is_latency: bool = False
    is_sparse: bool = False  # little work: it may run ahead of everything else, so that nothing piles up
    settle_s: float = 0  # of a stream's cell, until all are under way; 0: the whole run counts

    def units_of(self, report):
        return report["content_events"] if self.stream_ms else report["completed"]

    def arguments_for(self, rival):
        if self.stream_ms or rival.slowness == 1:
            return self.arguments
        shorter = list(self.arguments)
        at = shorter.index("-n") + 1
        shorter[at] = max(shorter[at] // rival.slowness, 4)
        return shorter

    def fault_of(self, report):
        """Why this window says nothing; empty if it does."""
        if report["failed"] or report["unfinished"] or not report["completed"]:
            whats = {failure["what"] for failure in report.get("failures", [])}
            return f"{report['failed'] + report['unfinished']} failed ({', '.join(sorted(whats)) or 'unfinished'})"
        if self.stream_ms:
            late_ms = report["p90_e2el_ms"] - report["median_ttft_ms"] - self.stream_ms
            if late_ms > 0.03 * self.stream_ms + 50:
                return f"missed the offered rate (streams ended {late_ms:.0f} ms late)"
        return ""


def streams(name, title, streams_count, groups, seconds, settle_s, **more):
    """Streams that all run for `seconds` once they are settled."""
    tokens = int((seconds + settle_s) * 1000 / GAP_MS)
    return Cell(name, title, "chunk", f"tokens={tokens},gap={GAP_MS}ms,groups={groups},{EVENT}",
                ["-c", streams_count, "-n", streams_count, "--expect-tokens", tokens],
                stream_ms=tokens * GAP_MS, settle_s=settle_s, **more)


def requests(name, title, connections, count, *arguments, **more):
    return Cell(name, title, "request", "tokens=16", ["--no-stream", "-c", connections, "-n", count, *arguments], **more)


def all_cells(is_quick):
    part = 0.4 if is_quick else 1

    def some(count):
        return max(int(count * part), 4)
    return [
        streams("bursts", "streamed chunk, bursts of 32 (320 streams, 16 k/s)", 320, 10, 2 * part, 0.5, is_counted=True),
        streams("lone", "streamed chunk, alone (20 streams, 1 k/s)", 20, 20, 4 * part, 0.3, is_counted=True,
                is_sparse=True),
        requests("request", "small request, 16 kept connections", 16, some(15000), is_counted=True),
        requests("connect", "small request, each on a new connection", 16, some(6000), "--new-connections"),
        requests("body256k", "request of 256 KB, 4 connections", 4, some(800), "--prompt-bytes", 256 << 10),
        requests("body10m", "request of 10 MB, 1 connection", 1, some(20), "--prompt-bytes", 10 << 20),
        streams("tls-bursts", "streamed chunk, bursts of 32, TLS on both sides (64 streams, 3.2 k/s)", 64, 2, 3 * part, 1.5,
                front_tls=True, back_tls=True, for_relay=False),
        requests("tls-full", "small request, each on a new TLS connection, whole handshake", 1, some(1200),
                 "--new-connections", "--no-resumption", front_tls=True, for_relay=False),
        requests("tls-resumed", "small request, each on a new TLS connection, session resumed", 1, some(1500),
                 "--new-connections", front_tls=True, for_relay=False),
        streams("delay", "delay of a streamed chunk, alone", 20, 20, 4 * part, 0.3, is_latency=True, is_sparse=True),
    ]


# What is counted needs no long run, but two lengths: their difference is free of the start.
def counted(cell, length):
    """The cell's traffic for callgrind, slow enough for a program that runs fifty times slower."""
    if cell.name == "bursts":
        return Cell(cell.name, cell.title, cell.unit, f"tokens={length},gap=100ms,groups=1,{EVENT}",
                    ["-c", 32, "-n", 32], stream_ms=length * 100)
    if cell.name == "lone":
        return Cell(cell.name, cell.title, cell.unit, f"tokens={length},gap=80ms,groups=8,{EVENT}",
                    ["-c", 8, "-n", 8], stream_ms=length * 80)
    return requests(cell.name, cell.title, 16, 20 * length)


COUNTED_LENGTHS = (20, 80)
