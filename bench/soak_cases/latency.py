"""What the gateway adds must never be the 40 ms of Nagle's algorithm waiting for a delayed ACK.

A send that waits for the ACK of the one before waits until the other side's delayed-ACK timer runs
out: 40 ms on Linux. It shows as a mode of its own, far above all else, whatever the load."""

import os
import subprocess
import tempfile
import time
import ssl

from soak_cases import harness
from soak_cases.connections import connect, read_answer, read_stream, request

MODE_MS = (30.0, 60.0)


def certificate(directory):
    """For 127.0.0.1, good for a day."""
    chain, key = os.path.join(directory, "chain.pem"), os.path.join(directory, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj",
                    "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                    "-out", chain], check=True, capture_output=True)
    return chain, key


def ask(connection, streams):
    """Two pieces, as clients write that send head and body apart: what Nagle would hold back."""
    head, body = request(streams, extra={"max_tokens": 4}).split(b"\r\n\r\n", 1)
    began = time.monotonic()
    connection.sendall(head + b"\r\n\r\n")
    connection.sendall(body)
    if streams:
        read_stream(connection, until=b"0\r\n\r\n")
    else:
        read_answer(connection)
    return (time.monotonic() - began) * 1e3


def sample(address, streams, reuses, count, context):
    times = []
    connection = None
    for _ in range(count):
        if connection is None:
            connection = connect(address)
            if context is not None:
                connection = context.wrap_socket(connection, server_hostname="127.0.0.1")
        times.append(ask(connection, streams))
        if not reuses:
            connection.close()
            connection = None
    if connection is not None:
        connection.close()
    return times


def histogram(times):
    edges = [0.5, 1, 2, 5, 10, 20, 30, 60, 100]
    counts = [sum(low <= value < high for value in times)
              for low, high in zip([0] + edges, edges + [1e9])]
    labels = [f"<{edge}" for edge in edges] + ["more"]
    return ", ".join(f"{label} ms: {count}" for label, count in zip(labels, counts) if count)


def run_sides(verdict, options, is_tls, directory):
    count = 100 if options.quick else 500
    # Tokens come 3 ms apart, so that a send meets the one before on its way.
    flags = ["--gap", "3ms", "--tokens", "4"]
    listen = provider = context = None
    if is_tls:
        chain, key = certificate(directory)
        flags += ["--tls-cert", chain, "--tls-key", key]
        listen = {"tls": {"cert": chain, "key": key}}
        provider = {"tls": {"ca_file": chain}}
        context = ssl.create_default_context(cafile=chain)
    with harness.Mock(options.binary, *flags) as mock, \
            harness.Gateway(options.binary, mock.url(), provider=provider,
                            listen=listen) as gateway:
        for streams in (False, True):
            for reuses in (True, False):
                name = (f"{'tls' if is_tls else 'tcp'}, {'stream' if streams else 'plain'}, "
                        f"{'reused' if reuses else 'new'}")
                through = sample(gateway.address, streams, reuses, count, context)
                direct = sample(mock.address, streams, reuses, count, context)
                middle = sorted(direct)[count // 2]
                added = [max(value - middle, 0) for value in through]
                verdict.note(f"{name}: added {histogram(added)} (direct p50 {middle:.1f} ms)")
                late = sum(MODE_MS[0] <= value <= MODE_MS[1] for value in added)
                verdict.check(late <= count // 100,
                              f"{name}: {late} of {count} between 30 and 60 ms more")


def no_delay_mode(verdict, options):
    with tempfile.TemporaryDirectory() as directory:
        for is_tls in (False, True):
            run_sides(verdict, options, is_tls, directory)
