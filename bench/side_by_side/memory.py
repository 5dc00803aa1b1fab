"""Memory in the process, from smaps: what a stream and an idle client cost, and what an idle program takes.

The kernel's own memory for sockets is in none of these numbers. The price of one is the slope between two sizes, which
leaves out what a program sets aside at its start.
"""
import json
import socket
import time

from . import cells, load as load_module, processes

SIZES = (500, 2500)
RAMP_S = 4  # streams do not all begin at once: what that takes for a moment is not theirs to keep
SETTLE_S = 5


def streams_cell(count):
    # Two events a second each.
    return cells.Cell("memory", "", "stream", f"tokens=60,gap=500ms,groups=100,{cells.EVENT}",
                      ["-c", count, "-n", count, "--ramp", f"{RAMP_S}s", "--drain", "1s"], stream_ms=30000)


def per_stream(rival, load, sizes=SIZES):
    """Bytes of the process for each stream that is under way."""
    points = []
    for count in sizes:
        cell = streams_cell(count)
        load.begin(rival.url(cell), rival.model(cell), cell.arguments, headers=rival.headers)
        try:
            time.sleep(RAMP_S + SETTLE_S)
            points.append((count, rival.program.memory_kib()))
        finally:
            load.break_off()
        time.sleep(1)
    return slope(rival, "stream", points)


def request_bytes(rival, cell):
    body = json.dumps({"model": rival.model(cell), "messages": [{"role": "user", "content": "hello"}]})
    headers = "".join(f"{header}\r\n" for header in rival.headers)
    return (f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{rival.port}\r\nauthorization: Bearer {load_module.KEY}\r\n"
            f"content-type: application/json\r\n{headers}content-length: {len(body)}\r\n\r\n{body}").encode()


def ask_once(client, request):
    client.sendall(request)
    received = b""
    while True:
        piece = client.recv(65536)
        received += piece
        if not piece or not received.startswith(b"HTTP/1.1 200"):
            raise processes.Trouble(f"a request was answered with {received[:60]!r}")
        head, end, body = received.partition(b"\r\n\r\n")
        length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), None)
        if end and length and len(body) >= int(length.split(b":")[1]):
            return
        if end and length is None and body.endswith(b"0\r\n\r\n"):
            return


def per_idle_client(rival, cell, sizes=SIZES):
    """Bytes of the process for each client that had an answer, stays connected and asks nothing."""
    request, clients, points = request_bytes(rival, cell), [], []
    try:
        for count in sizes:
            while len(clients) < count:
                clients.append(socket.create_connection(("127.0.0.1", rival.port), timeout=20))
                ask_once(clients[-1], request)
            time.sleep(SETTLE_S)
            points.append((count, rival.program.memory_kib()))
    finally:
        for client in clients:
            client.close()
    return slope(rival, "idle client", points)


def slope(rival, what, points):
    (few, before), (many, after) = points
    return {"rival": rival.name, "what": what, "points": points,
            "bytes": (after["Pss"] - before["Pss"]) * 1024 / (many - few)}


def idle(rival):
    """Of a program with two workers that has just started."""
    time.sleep(SETTLE_S)
    memory = rival.program.memory_kib()
    return {"rival": rival.name, "what": "idle, 2 workers", "rss_mib": memory["Rss"] / 1024, "pss_mib": memory["Pss"] / 1024}
