"""One end of a stream goes away in the middle: what the other end sees, and how soon."""

import random
import re
import socket
import struct
import time

from soak_cases import harness, memory
from soak_cases.connections import connect, read_stream, request


def abort(connection, resets):
    if resets:  # unread bytes are thrown away, as when a process is killed
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def client_killed(verdict, options):
    tries = 50 if options.quick else 200
    chance = random.Random(1)
    delays = []
    with harness.Mock(options.binary, "--tokens", "100000", "--gap", "5ms") as mock, \
            harness.Gateway(options.binary, mock.url()) as gateway:
        for number in range(tries):
            connection = connect(gateway.address)
            connection.sendall(request())
            read_stream(connection, until=b'"content"')
            time.sleep(chance.uniform(0, 0.02))
            gone_before = mock.stats()["clients_gone"]
            began = time.monotonic_ns()
            abort(connection, number % 2 == 0)
            deadline = time.monotonic() + 5
            stats = mock.stats()
            while stats["clients_gone"] == gone_before and time.monotonic() < deadline:
                stats = mock.stats()
            if stats["clients_gone"] == gone_before:
                verdict.check(False, f"try {number}: the upstream was not closed within 5 s")
                return
            delays.append((stats["last_client_gone_ns"] - began) / 1e6)
        delays.sort()
        verdict.note(f"{tries} clients, half closed and half reset: upstream closed after p50 "
                     f"{delays[len(delays) // 2]:.3f} ms, p99 {delays[len(delays) * 99 // 100]:.3f}"
                     f" ms")
        # One late try on a machine that others use is the scheduler; a slow path would show in all.
        late = sum(delay >= 5 for delay in delays)
        verdict.at_most("p50", delays[len(delays) // 2], 5, " ms")
        verdict.at_most("p95", delays[len(delays) * 95 // 100], 5, " ms")
        verdict.note(f"max {delays[-1]:.3f} ms, {late} of {tries} at 5 ms or more")
        left = gateway.metrics()
        verdict.check(left["ringway_inflight_requests"] == 0 and
                      left["ringway_upstream_connections"] == 0,
                      "no request and no upstream connection left")


def upstream_killed(verdict, options):
    tries = 3 if options.quick else 10
    for number in range(tries):
        with harness.Mock(options.binary, "--tokens", "100000", "--gap", "2ms") as mock, \
                harness.Gateway(options.binary, mock.url()) as gateway:
            apis = {"/v1/chat/completions": (b'data: {"error":', b"[DONE]", {}),
                    "/v1/messages": (b"event: error", b"message_stop",
                                     {"max_tokens": 100000}),
                    "/v1/responses": (b"event: error", b"response.completed",
                                      {"input": "Say something."})}
            streams = []
            for path, (error, end, extra) in apis.items():
                if path == "/v1/messages":
                    continue  # another kind of provider
                connection = connect(gateway.address)
                connection.sendall(request(path=path, extra=extra))
                read_stream(connection, until=b"mock_seq")
                streams.append((path, error, end, connection))
            time.sleep(0.02)
            mock.kill()
            for path, error, end, connection in streams:
                rest = read_stream(connection)
                if number == 0:
                    verdict.note(f"{path} ends in {rest.strip()[-170:]!r}")
                is_typed = error in rest and end not in rest and rest.endswith(b"0\r\n\r\n")
                if not is_typed or number == 0:
                    verdict.check(is_typed, f"{path}: a typed error event, no {end.decode()}")
                connection.close()
    verdict.note(f"{tries} upstreams killed")


def slow_client(verdict, options):
    """An upstream that floods, and clients that hardly read: what is in between is bounded."""
    clients = 20 if options.quick else 100
    with harness.Mock(options.binary, "--tokens", "2000000", "--bytes", "200") as mock, \
            harness.Gateway(options.binary, mock.url()) as gateway:
        before = memory.settled(gateway.pid, 5)
        connections = []
        for _ in range(clients):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            host, port = gateway.address.rsplit(":", 1)
            connection.connect((host, int(port)))
            connection.sendall(request())
            connections.append(connection)
        time.sleep(3)
        written = mock.stats()["tokens_written"]
        peak = memory.usage(gateway.pid)
        heard = [bytearray() for _ in connections]
        for _ in range(20):  # a little at a time
            for connection, data in zip(connections, heard):
                data += connection.recv(512)
            time.sleep(0.1)
            now = memory.usage(gateway.pid)
            if now["pss"] > peak["pss"]:
                peak = now
        went_on = mock.stats()["tokens_written"] - written
        counted = gateway.metrics()
        # What is kept of each answer, and one turn's worth read on top; and for all of them, what two
        # workers lend the kernel at once to receive into.
        bound = clients * 192 / 1024 + 8
        verdict.at_most(f"memory for {clients} slow clients", (peak["pss"] - before["pss"]) / 1048576, bound, " MiB")
        verdict.check(counted["ringway_slow_client_pauses_total"] >= clients,
                      f"{counted['ringway_slow_client_pauses_total']:.0f} upstreams were paused")
        verdict.at_most("tokens that a paused upstream wrote in 2 s, each",
                        went_on / clients, 2000)
        deadline = time.monotonic() + 10
        data = heard[0]
        while len(data) < 2_000_000 and time.monotonic() < deadline:  # one wakes up
            data += connections[0].recv(65536)
        numbers = stamps(payload(data))
        verdict.check(len(numbers) > 1000 and
                      numbers == list(range(numbers[0], numbers[0] + len(numbers))),
                      f"a client that reads again gets all in order: {len(numbers):,} events")
        for connection in connections:
            connection.close()
        time.sleep(1)
        after = memory.settled(gateway.pid)
        verdict.at_most("memory kept after", (after["anonymous"] - before["anonymous"]) / 1048576, 8, " MiB", 2)


def payload(data):
    """The whole chunks of the body of a chunked answer."""
    at = data.index(b"\r\n\r\n") + 4
    body = bytearray()
    while (end := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:end], 16)
        if end + 4 + size > len(data):
            break
        body += data[end + 2:end + 2 + size]
        at = end + 4 + size
    return bytes(body)


def stamps(data):
    """The numbers of the events that are whole in `data`."""
    return [int(found) for found in re.findall(rb'"mock_seq":(\d+) *,', data)]
