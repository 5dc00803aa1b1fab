"""Starts the programs a case needs, asks them for their numbers, and ends them."""

import http.client
import json
import os
import re
import resource
import signal
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def raise_descriptor_limit(wanted):
    """Programs inherit it. Root may raise the hard limit as well. Returns what there is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
        except (ValueError, OSError):
            pass  # only up to the hard limit, then
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return wanted if hard == resource.RLIM_INFINITY else hard


class Program:
    """A process of ours: ended by its own id, whatever happens."""

    def __init__(self, arguments, started_line, environment=None):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            arguments, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})})
        self.pid = self.process.pid
        self.started = self._wait_for(started_line)

    def _wait_for(self, pattern):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = re.findall(pattern, self.output())
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.stop()
        raise RuntimeError("did not start: " + self.output())

    def output(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self, timeout=20):
        """Returns the exit status; negative: the signal that ended it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def fetch(address, path):
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


class Mock(Program):
    def __init__(self, binary, *options, smp=1):
        super().__init__([binary, "mock", "--listen", "127.0.0.1:0", "--smp", str(smp),
                          "--stamp", "1", *options], r"listening on (\w+)://(\S+)")
        self.scheme, self.address = self.started[0]

    def url(self):
        return f"{self.scheme}://{self.address}/v1"

    def stats(self):
        return json.loads(fetch(self.address, "/mock/stats"))


class Gateway(Program):
    """`ringway serve` in front of one provider. `listen` is merged into the listener's object."""

    def __init__(self, binary, upstream, smp=2, provider=None, listen=None, config=None):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump({
            "listen": {"address": "127.0.0.1:0", **(listen or {})},
            "admin": {"listen": "127.0.0.1:0"},
            "providers": {"mock": {"kind": "openai", "base_url": upstream, **(provider or {})}},
            "telemetry": {"log_level": "error"},
            **(config or {}),
        }, self.file)
        self.file.flush()
        super().__init__([binary, "serve", "--config", self.file.name, "--smp", str(smp)],
                         r"(?s)listening on (\S+)\n.*metrics on http://([^/\s]+)")
        self.address, self.admin = self.started[0]
        self.is_tls = "tls" in (listen or {})

    def url(self):
        return f"{'https' if self.is_tls else 'http'}://{self.address}/v1"

    def metrics(self):
        """Each metric's values, summed over its labels."""
        sums = {}
        for line in fetch(self.admin, "/metrics").splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                name = name.split("{")[0]
                sums[name] = sums.get(name, 0) + float(value)
        return sums

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


def start_bench(binary, url, *options, model="mock/mock"):
    """A load generator under way; its report is the answer of finish_bench()."""
    return subprocess.Popen(
        [binary, "bench", url, "--model", model, "--no-progress", "--json", "-", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish_bench(bench, timeout=600):
    try:
        out, problem = bench.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        bench.kill()
        raise
    if not out:
        raise RuntimeError("bench: " + problem)
    return json.loads(out)


def run_bench(binary, url, *options, model="mock/mock", timeout=600):
    return finish_bench(start_bench(binary, url, *options, model=model), timeout)
