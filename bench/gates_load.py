"""The load of the gates: a provider and its clients in one process, which hand the gateway exactly one thing at a time.

Nothing here depends on time: a round sends, then waits for all that must come of it, so the same rounds always give the
gateway the same work. Gateway and load share one processor, and the gateway's threads are SCHED_BATCH, which do not
interrupt the load when they wake: what a round sends is there, all of it, when the gateway gets to run.
"""
import ctypes
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

KEY = "sk-gates-0123456789abcdef"
PATIENCE_S = 120  # under valgrind, on a busy machine

WORDS = ["The", " quick", " brown", " fox", " jumps", " over", " the", " lazy", " dog", ".\\n"]


def chunk_of(text):
    return b"%x\r\n%b\r\n" % (len(text), text)


def event(number):
    """One content event as OpenAI streams it when usage was asked for, in a chunk of its own."""
    return chunk_of(
        b'data: {"id":"chatcmpl-C0ffee0123456789abcdefghijkl","object":"chat.completion.chunk","created":1760000000,'
        b'"model":"gpt-4o-mini-2024-07-18","system_fingerprint":"fp_560af6e559","choices":[{"index":0,"delta":'
        b'{"content":"%b"},"logprobs":null,"finish_reason":null}],"usage":null}\n\n' % WORDS[number % len(WORDS)].encode())


EVENTS = [event(number) for number in range(len(WORDS))]
STREAM_HEAD = (b"HTTP/1.1 200 OK\r\ndate: Tue, 01 Jul 2025 10:00:00 GMT\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
               b"x-request-id: req_0123456789abcdef\r\ntransfer-encoding: chunked\r\n\r\n")
STREAM_END = (chunk_of(b'data: {"id":"chatcmpl-C0ffee0123456789abcdefghijkl","object":"chat.completion.chunk",'
                       b'"created":1760000000,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"delta":{},'
                       b'"finish_reason":"stop"}],"usage":null}\n\n') +
              chunk_of(b'data: {"id":"chatcmpl-C0ffee0123456789abcdefghijkl","object":"chat.completion.chunk",'
                       b'"created":1760000000,"model":"gpt-4o-mini-2024-07-18","choices":[],"usage":{"prompt_tokens":21,'
                       b'"completion_tokens":300,"total_tokens":321}}\n\n') +
              chunk_of(b"data: [DONE]\n\n") + b"0\r\n\r\n")
ANSWER_BODY = (b'{"id":"chatcmpl-C0ffee0123456789abcdefghijkl","object":"chat.completion","created":1760000000,'
               b'"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"Hello!",'
               b'"refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":21,'
               b'"completion_tokens":3,"total_tokens":24,"prompt_tokens_details":{"cached_tokens":0}}}')
ANSWER = (b"HTTP/1.1 200 OK\r\ndate: Tue, 01 Jul 2025 10:00:00 GMT\r\ncontent-type: application/json\r\n"
          b"x-request-id: req_0123456789abcdef\r\ncontent-length: %d\r\n\r\n" % len(ANSWER_BODY)) + ANSWER_BODY


def request_of(streams):
    body = json.dumps({"model": "gates", "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Say hello, and then count from one to a hundred, one number to a line."}],
        **({"stream": True} if streams else {})}).encode()
    return (b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:8080\r\nuser-agent: gates\r\naccept: */*\r\n"
            b"content-type: application/json\r\nauthorization: Bearer %b\r\ncontent-length: %d\r\n\r\n"
            % (KEY.encode(), len(body))) + body


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def prepare_gateway():
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it does not outlive the load, whatever ends that


class Connection:
    """A socket with what was read beyond the message at hand."""

    def __init__(self, sock):
        sock.settimeout(PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = sock
        self.rest = b""

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, count):
        """Exactly `count` bytes."""
        while len(self.rest) < count:
            self.more()
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def receive_until(self, mark):
        while mark not in self.rest:
            self.more()
        return self.receive(self.rest.index(mark) + len(mark))

    def receive_message(self):
        """A head, and as much body as its Content-Length says."""
        head = self.receive_until(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        return head, self.receive(int(length[1])) if length else b""

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the gateway closed a connection; it had sent: " + repr(self.rest[-300:]))
        self.rest += data


class Gateway:
    """`ringway serve` with one worker in front of the load's own provider, all features on."""

    def __init__(self, program, prefix=()):
        self.upstream = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.upstream.settimeout(PATIENCE_S)
        self.directory = tempfile.TemporaryDirectory(prefix="ringway-gates-")
        self.processors = os.sched_getaffinity(0)
        processor = min(self.processors)
        self.port, self.admin_port = free_ports(2)
        config = pathlib.Path(self.directory.name) / "ringway.json"
        config.write_text(json.dumps({
            "listen": f"127.0.0.1:{self.port}", "admin": {"listen": f"127.0.0.1:{self.admin_port}"},
            "runtime": {"workers": 1, "cpuset": str(processor)},
            "providers": {"mock": {"kind": "openai", "base_url": f"http://127.0.0.1:{self.upstream.getsockname()[1]}/v1",
                                   "api_key": "sk-upstream"}},
            "models": {"gates": {"targets": ["mock/gpt-4o-mini"]}},
            "keys": [{"name": "gates", "team": "bench", "key": KEY, "models": ["gates"]}],
        }))
        os.sched_setaffinity(0, {processor})
        log = self.log = open(pathlib.Path(self.directory.name) / "log", "w+b")
        self.process = subprocess.Popen(
            [*prefix, program, "serve", "--config", config], stdout=log, stderr=log,
            preexec_fn=prepare_gateway)
        self.await_start()

    def await_start(self):
        """Not by what it prints: under valgrind only the worker is sure to get on."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and self.process.poll() is None:
            try:
                self.metrics()
                return
            except OSError:
                time.sleep(0.02)
        said = pathlib.Path(self.log.name).read_text(errors="replace")
        self.stop()
        raise RuntimeError(f"the gateway did not start:\n{said}")

    def connect(self):
        return Connection(socket.create_connection(("127.0.0.1", self.port), PATIENCE_S))

    def accept(self):
        return Connection(self.upstream.accept()[0])

    def metrics(self):
        """Its metrics, summed over labels."""
        sums = {}
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/metrics", timeout=PATIENCE_S) as page:
            for line in page.read().decode().splitlines():
                if line and not line.startswith("#"):
                    name, value = re.fullmatch(r"(\w+)(?:\{.*\})? (\S+)", line).groups()
                    sums[name] = sums.get(name, 0) + float(value)
        return sums

    def stop(self):
        self.process.kill()  # valgrind's would not hear of a SIGTERM
        self.process.wait()
        os.sched_setaffinity(0, self.processors)
        self.upstream.close()
        self.log.close()
        self.directory.cleanup()


class Streams:
    """`count` streams at once; a round is one event on each."""

    def __init__(self, gateway, count):
        self.pairs = []
        self.sent = 0
        for _ in range(count):
            client = gateway.connect()
            client.send(request_of(streams=True))
            upstream = gateway.accept()
            upstream.receive_message()
            upstream.send(STREAM_HEAD + EVENTS[0])
            client.receive_until(b"\r\n\r\n")
            assert client.receive(len(EVENTS[0])) == EVENTS[0]
            self.pairs.append((client, upstream))
        self.units = self.reads = count

    def round(self):
        self.sent += 1
        piece = EVENTS[self.sent % len(EVENTS)]
        for _, upstream in self.pairs:
            upstream.socket.send(piece)
        for client, _ in self.pairs:
            if client.receive(len(piece)) != piece:
                raise RuntimeError("an event came out changed")

    def end(self):
        for client, upstream in self.pairs:
            upstream.send(STREAM_END)
            client.receive_until(b"[DONE]\n\n\r\n0\r\n\r\n")


class Requests:
    """`count` clients on kept connections; a round is one small request of each."""

    pieces = [ANSWER]

    def __init__(self, gateway, count, streams=False):
        self.units = count
        self.reads = count * len(self.pieces)
        self.request = request_of(streams)
        self.clients = [gateway.connect() for _ in range(count)]
        self.upstreams = []
        for client in self.clients:
            client.send(self.request)
            self.upstreams.append(gateway.accept())
        self.answer()

    def round(self):
        for client in self.clients:
            client.socket.send(self.request)
        self.answer()

    def answer(self):
        for upstream in self.upstreams:
            upstream.receive_message()
        for upstream in self.upstreams:
            upstream.socket.send(ANSWER)
        for client in self.clients:
            if client.receive_message()[1] != ANSWER_BODY:
                raise RuntimeError("an answer came out changed")

    def end(self):
        pass


class StreamedRequests(Requests):
    """Requests whose answers are streams: a head and an event, then the rest, whose usage event is dropped."""

    def __init__(self, gateway, count):
        self.pieces = [STREAM_HEAD + EVENTS[0], STREAM_END]
        super().__init__(gateway, count, streams=True)

    def answer(self):
        for upstream in self.upstreams:
            upstream.receive_message()
        for piece, mark in zip(self.pieces, [b"}\n\n\r\n", b"\r\n0\r\n\r\n"]):
            for upstream in self.upstreams:
                upstream.socket.send(piece)
            for client in self.clients:
                client.receive_until(mark)


# load: who makes it, how many at once, rounds to count
LOADS = {
    "chunk, lone": (Streams, 1, 500),
    "chunk, 32 at once": (Streams, 32, 50),
    "request, lone": (Requests, 1, 200),
    "request, 16 at once": (Requests, 16, 20),
    "streamed request": (StreamedRequests, 1, 200),
}
