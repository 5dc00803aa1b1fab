"""Many keep-alive requests, of which some are given up: nothing may be left of any."""

import time

from soak_cases import harness, memory
from soak_cases.connections import warm_up

GAUGES = ("ringway_client_connections", "ringway_inflight_requests", "ringway_streams",
          "ringway_upstream_connections", "ringway_block_bytes_in_use",
          "ringway_pooled_bytes_in_use", "ringway_tasks", "ringway_timers")


def counts(gateway):
    found = gateway.metrics()
    # The request for the metrics itself is a connection to the gateway while it is served.
    return {**{name: found[name] for name in GAUGES}, "descriptors": gateway.descriptors()}


def settled_counts(gateway, wanted):
    """Sockets that linger and idle upstream connections take their time to go."""
    deadline = time.monotonic() + 20
    now = counts(gateway)
    while now != wanted and time.monotonic() < deadline:
        time.sleep(0.5)
        now = counts(gateway)
    return now


def random_aborts(verdict, options):
    requests = options.requests or (4000 if options.quick else 100_000)
    with harness.Mock(options.binary, "--tokens", "40", "--gap", "1ms", "--jitter", "50") as mock, \
            harness.Gateway(options.binary, mock.url(),
                            provider={"pool": {"idle_time": "2s"}}) as gateway:
        warm_up(gateway)
        time.sleep(4)
        before, memory_before = counts(gateway), memory.settled(gateway.pid, 10)
        for streams, share in (("--stream", 0.5), ("--no-stream", 0.5)):
            report = harness.run_bench(
                options.binary, gateway.url(), "-c", "200", "-n", str(int(requests * share)),
                "--abort-percent", "20", "--max-tokens", "40", streams, "--drain", "60s", "--allow-failures")
            verdict.note(f"{streams[2:]}: {report['completed']:,} complete, "
                         f"{report['aborted']:,} aborted, {report['failed']} failed "
                         f"{report['failures'] or ''}, {report['request_throughput']:,.0f}/s")
            verdict.check(report["failed"] == 0 and report["integrity"]["is_good"] and
                          report["completed"] + report["aborted"] == int(requests * share),
                          "every request that was not aborted got its whole answer")
        after = settled_counts(gateway, before)
        for name, value in after.items():
            verdict.check(value == before[name], f"{name} {before[name]:,.0f} before, {value:,.0f} "
                          "after")
        verdict.check(mock.stats()["connections_open"] <= 1,
                      "the mock has no connection left but ours")
        memory_after = memory.settled(gateway.pid)
        if not options.is_sanitized:
            verdict.at_most("memory kept after", (memory_after["anonymous"] - memory_before["anonymous"]) /
                            1048576, 8, " MiB", 2)
        status = gateway.stop(60)
        verdict.check(status == 0, f"it ends with status 0 ({status})")
        if status != 0 or "Sanitizer" in gateway.output():
            verdict.check(False, gateway.output()[-3000:])
