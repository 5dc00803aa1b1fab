"""Processor time per unit, and delays: one window of one cell at one rival.

Proxy, mock and load share one processor under SCHED_BATCH: nobody runs beside the others, so each takes what has
piled up meanwhile, the same for every rival. The time that a rival's threads spent on the processor is divided by the
units that passed. Windows of all rivals take turns, so that what else the machine does hits all alike.

Cells with little work run under SCHED_FIFO where that is permitted: a chunk that is alone stays alone then, whatever
else wants the processor. Of streams only the middle is measured, without the connections' beginning and end.
"""
import contextlib
import os
import time

from . import processes


@contextlib.contextmanager
def scheduled(cell, rival, mocks, fifo):
    """While this lasts the programs run as the cell wants it; gives the policy for the load."""
    programs = [*mocks, *([rival.program] if rival.program else [])]
    policy = os.SCHED_FIFO if cell.is_sparse and fifo and rival.may_run_ahead else os.SCHED_BATCH
    for program in programs:
        program.set_policy(policy)
    try:
        yield policy
    finally:
        for program in programs:
            program.set_policy(os.SCHED_BATCH)


class Reading:
    """What the programs have used up to now."""

    def __init__(self, cell, rival, load, mocks):
        self.at = time.monotonic()
        self.rival_ns = rival.program.cpu_ns() if rival.program else 0
        self.mock_ns = sum(mock.cpu_ns() for mock in mocks)
        self.tokens = rival.upstream.tokens(cell.back_tls) if cell.settle_s else 0
        self.load_ns = load.cpu_ns()
        self.busy_ns, self.stolen_ns = processes.busy_ns(load.cpu)


def measure(cell, rival, load, mocks, fifo):
    """Returns what the window showed, as plain values."""
    with scheduled(cell, rival, mocks, fifo) as policy:
        before = Reading(cell, rival, load, mocks)
        load.begin(rival.url(cell), rival.model(cell), cell.arguments_for(rival), rival.headers, policy)
        after = None
        if cell.settle_s:
            time.sleep(cell.settle_s)
            before = Reading(cell, rival, load, mocks)
            # The streams run a little longer than this, however late they began.
            time.sleep(cell.stream_ms / 1000 - cell.settle_s - 0.1)
            after = Reading(cell, rival, load, mocks)
        report = load.end()
        after = after or Reading(cell, rival, load, mocks)
    units = after.tokens - before.tokens if cell.settle_s else cell.units_of(report)
    passed_s = after.at - before.at

    def per_unit(name):
        return (getattr(after, name) - getattr(before, name)) / 1000 / units if units else None

    ours_ns = sum(getattr(after, name) - getattr(before, name) for name in ("rival_ns", "mock_ns", "load_ns"))
    window = {
        "cell": cell.name, "rival": rival.name, "units": units, "seconds": round(passed_s, 3),
        "fault": cell.fault_of(report), "cpu_us": per_unit("rival_ns"), "mock_cpu_us": per_unit("mock_ns"),
        "load_cpu_us": per_unit("load_ns"), "units_per_s": units / passed_s,
        "foreign_share": max(after.busy_ns - before.busy_ns - ours_ns, 0) / 1e9 / passed_s,
        "stolen_share": (after.stolen_ns - before.stolen_ns) / 1e9 / passed_s,
        "tls_handshakes": report["tls_handshakes"], "tls_resumed": report["tls_resumed"],
        "is_fifo": policy == os.SCHED_FIFO,
    }
    for quantile in ("median", "p90", "p99"):
        for latency in ("event_delay", "ttft", "e2el"):
            window[f"{quantile}_{latency}_ms"] = report.get(f"{quantile}_{latency}_ms")
    return window
