"""Many paced streams at once: nothing lost, doubled or reordered, and what each takes of memory."""

import math
import time

from soak_cases import harness, memory
from soak_cases.connections import open_idle, warm_up


def check_integrity(verdict, report, streams, tokens):
    integrity = report["integrity"]
    faults = {name: count for name, count in integrity.items() if name != "is_good" and count}
    verdict.check(report["completed"] == streams and report["failed"] == 0,
                  f"{report['completed']:,} of {streams:,} streams complete, "
                  f"{report['failed']} failed {report['failures'] or ''}")
    verdict.check(report["content_events"] == streams * tokens,
                  f"{report['content_events']:,} of {streams * tokens:,} events")
    verdict.check(integrity["is_good"], f"none lost, doubled or reordered {faults or ''}")
    verdict.note(f"event delay p50 {report['median_event_delay_ms']:.2f} ms, "
                 f"p99 {report['p99_event_delay_ms']:.2f} ms; {'; '.join(report['notes'])}")


def watch(gateway, bench, streams):
    """Memory while all streams run, the middle of the samples, and how many ran at most. What their
    requests took at the start is given back within seconds."""
    samples, most = [], 0
    while bench.poll() is None:
        running = int(gateway.metrics().get("ringway_streams", 0))
        most = max(most, running)
        if running >= streams:
            samples.append(memory.usage(gateway.pid))
        time.sleep(1)
    samples.sort(key=lambda sample: sample["pss"])
    return samples[len(samples) // 2] if samples else None, most


def hold_streams(verdict, binary, streams, tokens, gap_ms, ramp_s, per_stream_max=None):
    with harness.Mock(binary, "--tokens", str(tokens), "--gap", f"{gap_ms}ms", "--jitter",
                      "20") as mock, harness.Gateway(binary, mock.url()) as gateway:
        verdict.note(f"{streams:,} streams of {tokens} events, one every {gap_ms} ms, 2 workers")
        time.sleep(1)
        idle = memory.usage(gateway.pid)
        warm_up(gateway)
        before = memory.settled(gateway.pid)
        began = time.monotonic()
        bench = harness.start_bench(
            binary, gateway.url(), "-c", str(streams), "-n", str(streams), "--ramp", f"{ramp_s}s",
            "--expect-tokens", str(tokens), "--drain", "120s", "--prompt-bytes", "200")
        during, most = watch(gateway, bench, streams)
        report = harness.finish_bench(bench)
        verdict.note(f"took {time.monotonic() - began:.0f} s")
        check_integrity(verdict, report, streams, tokens)
        verdict.check(during is not None, f"{most:,} streams ran at the same time")
        after = memory.settled(gateway.pid)
        for label, value in (("started", idle), ("idle", before), ("during", during or before),
                             ("after", after)):
            verdict.note(f"{label:8} rss {memory.mib(value['rss'])}, pss "
                         f"{memory.mib(value['pss'])}, anonymous {memory.mib(value['anonymous'])}")
        if during is not None:
            per_stream = (during["pss"] - before["pss"]) / streams
            verdict.at_most("user memory of an active stream", per_stream / 1024,
                            per_stream_max or math.inf, " KB", 1.0)
        verdict.at_most("memory kept after", (after["anonymous"] - before["anonymous"]) / 1048576, 8, " MiB", 2)
        left = gateway.metrics()
        verdict.check(left["ringway_streams"] == 0 and left["ringway_tasks"] == 0,
                      "no stream and no task left")


def five_thousand(verdict, options):
    streams = 500 if options.quick else 5000
    hold_streams(verdict, options.binary, streams, 20 if options.quick else 40, 500, 5)


def two_minutes(verdict, options):
    streams, tokens = (1000, 30) if options.quick else (9500, 240)
    hold_streams(verdict, options.binary, streams, tokens, 500, 10, per_stream_max=1.5)


def idle_connections(verdict, options):
    count = 1000 if options.quick else 9500
    with harness.Mock(options.binary, "--tokens", "4") as mock, \
            harness.Gateway(options.binary, mock.url()) as gateway:
        time.sleep(1)
        started = memory.usage(gateway.pid)
        verdict.at_most("idle rss with 2 workers", started["rss"] / 1048576, 16, " MiB", 8)
        warm_up(gateway)
        before = memory.settled(gateway.pid)
        for asks, label in ((False, "fresh"), (True, "after a request")):
            sockets = open_idle(gateway, count, asks)
            during = memory.settled(gateway.pid, 10)
            verdict.check(gateway.metrics()["ringway_client_connections"] >= count,
                          f"{count:,} connections open, {label}")
            verdict.at_most(f"user memory of an idle connection, {label}",
                            (during["pss"] - before["pss"]) / count / 1024, 0.6, " KB", 0.4)
            for connection in sockets:
                connection.close()
            time.sleep(1)
        after = memory.settled(gateway.pid)
        verdict.at_most("memory kept after", (after["anonymous"] - before["anonymous"]) / 1048576, 8, " MiB", 2)
