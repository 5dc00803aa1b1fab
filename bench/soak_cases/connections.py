"""Plain sockets that speak just enough HTTP."""

import json
import socket


def request(stream=True, model="mock/mock", path="/v1/chat/completions", extra=None):
    body = json.dumps({"model": model, "stream": stream,
                       "messages": [{"role": "user", "content": "Say something."}],
                       **(extra or {})}).encode()
    return (f"POST {path} HTTP/1.1\r\nhost: soak\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n").encode() + body


def connect(address):
    host, port = address.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_answer(connection):
    """Head and body of one answer that is not a stream."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += receive(connection)
    head, body = data.split(b"\r\n\r\n", 1)
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                   if line.lower().startswith(b"content-length:")), None)
    while (length is not None and len(body) < length) or \
            (length is None and not body.endswith(b"0\r\n\r\n")):
        body += receive(connection)
    return head, body


def read_stream(connection, until=None):
    """What comes until `until` has come, or to the end of the connection."""
    data = b""
    while until is None or until not in data:
        piece = connection.recv(65536)
        if not piece:
            if until is None:
                break
            raise RuntimeError(f"the stream ended early: {data[-300:]!r}")
        data += piece
    return data


def receive(connection):
    data = connection.recv(65536)
    if not data:
        raise RuntimeError("the connection ended early")
    return data


def warm_up(gateway, requests=20):
    """Code and data that any request touches are not the memory of a connection."""
    connections = [connect(gateway.address) for _ in range(requests)]
    for connection in connections:
        connection.sendall(request(False, model="mock/mock:tokens=2,gap=1ms"))
    for connection in connections:
        read_answer(connection)
        connection.sendall(request(True, model="mock/mock:tokens=2,gap=1ms"))
    for connection in connections:
        while b"[DONE]" not in receive(connection):
            pass
        connection.close()


def open_idle(gateway, count, asks):
    """Connections that wait; `asks`: after one request and answer each."""
    sockets = []
    for _ in range(count):
        connection = connect(gateway.address)
        if asks:
            connection.sendall(request(False))
            read_answer(connection)
        sockets.append(connection)
    return sockets
