"""The proxies that are compared, each configured as its manual advises for streams, with one worker.

`Rival.start()` writes the configuration and starts the program; `url()` says where it takes which traffic.
"""
import dataclasses
import http.client
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess

from . import load, processes

# With the versions of its libraries that it was released with: it breaks off streams with newer ones.
PORTKEY = {"private": True, "dependencies": {"@portkey-ai/gateway": "1.15.2"},
           "overrides": {"hono": "4.9.7", "@hono/node-server": "1.3.3"}}


@dataclasses.dataclass
class Upstream:
    """The mock, without and with TLS: their ports."""
    plain: int
    tls: int

    def tokens(self, by_tls):
        """How many the mock has sent so far."""
        if by_tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection("127.0.0.1", self.tls, timeout=10, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.plain, timeout=10)
        try:
            connection.request("GET", "/mock/stats")
            return json.loads(connection.getresponse().read())["tokens_written"]
        except OSError as error:
            raise processes.Trouble(f"the mock did not say what it sent: {error}") from error
        finally:
            connection.close()


@dataclasses.dataclass
class Place:
    """Where programs run and keep their files."""
    folder: pathlib.Path
    cpu: int
    certificate: pathlib.Path  # of mock and proxies
    key: pathlib.Path
    both: pathlib.Path  # in one file, as HAProxy wants it


def output_of(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout


class Rival:
    name = ""
    has_tls = True
    headers = ()
    runs_in_callgrind = True
    slowness = 1  # by which closed loops are shortened
    may_run_ahead = True  # of everything else: only what waits for no thread of its own in a loop

    def __init__(self, place, upstream):
        self.place = place
        self.upstream = upstream
        self.program = None
        self.port = self.tls_port = self.tls_both_port = 0

    def prepare(self):
        """Raises Trouble if it cannot run here. Returns its version."""
        raise NotImplementedError

    def command(self, folder, workers, is_single):
        """Writes configurations into `folder`; a single one makes no child processes."""
        raise NotImplementedError

    def environment(self):
        return {}

    def start(self, workers=1, wrapper=(), cpu=None):
        folder = self.place.folder / self.name
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self.tls_port, self.tls_both_port = (processes.free_port() for _ in range(3))
        command = self.command(folder, workers, bool(wrapper))
        self.program = processes.Program(self.name, [*wrapper, *command], self.place.cpu if cpu is None else cpu,
                                         folder / "log", self.environment())
        self.program.wait_for_port(self.port, timeout_s=60 if wrapper else 30)
        return self.program

    def stop(self):
        if self.program:
            self.program.stop()
            self.program = None

    def url(self, cell):
        if cell.front_tls:
            return f"https://127.0.0.1:{self.tls_both_port if cell.back_tls else self.tls_port}/v1"
        return f"http://127.0.0.1:{self.port}/v1"

    def model(self, cell):
        return f"mock:{cell.mock}"


class Direct(Rival):
    """No proxy: what there is without one."""
    name = "direct"
    runs_in_callgrind = False

    def prepare(self):
        return ""

    def start(self, workers=1, wrapper=(), cpu=None):
        return None

    def url(self, cell):
        return f"http://127.0.0.1:{self.upstream.plain}/v1"


class Ringway(Rival):
    """With everything on: keys, aliases, limits on models, metrics, the log, the scan for usage."""
    name = "ringway"

    def __init__(self, place, upstream, path):
        super().__init__(place, upstream)
        self.path = path
        self.aliases = {}

    def prepare(self):
        return output_of(self.path, "version").strip().removeprefix("ringway ")

    def know(self, cell):
        provider = "secure" if cell.back_tls else "plain"
        self.aliases[self.model(cell)] = f"{provider}/mock:{cell.mock}"

    def model(self, cell):
        words = re.sub(r"[^a-z0-9]+", "-", cell.mock.lower())
        return f"chat-{'tls-' if cell.back_tls else ''}{words}"

    def command(self, folder, workers, is_single):
        idle = {"max": 0, "idle_max": 4096}
        config = {
            "listen": [f"127.0.0.1:{self.port}",
                       {"address": f"127.0.0.1:{self.tls_port}",
                        "tls": {"cert": str(self.place.certificate), "key": str(self.place.key)}}],
            "admin": {"listen": f"127.0.0.1:{processes.free_port()}"},
            "runtime": {"workers": workers},
            "providers": {
                "plain": {"base_url": f"http://127.0.0.1:{self.upstream.plain}/v1", "api_key": "sk-of-the-upstream",
                          "models": ["mock*"], "pool": idle},
                "secure": {"base_url": f"https://127.0.0.1:{self.upstream.tls}/v1", "api_key": "sk-of-the-upstream",
                           "tls": {"ca_file": str(self.place.certificate)}, "pool": idle},
            },
            "models": self.aliases,
            "keys": [{"name": f"other-{i}", "team": "others", "key": f"sk-other-{i}"} for i in range(100)]
                    + [{"name": "bench", "team": "tests", "key": load.KEY, "models": ["chat-*"]}],
        }
        (folder / "ringway.json").write_text(json.dumps(config, indent=1))
        return [self.path, "serve", "--config", folder / "ringway.json"]

    def url(self, cell):
        return super().url(dataclasses.replace(cell, back_tls=False))  # one listener: the model decides


NGINX = """
daemon off; worker_processes {workers}; master_process {master}; worker_rlimit_nofile 20000;
pid {folder}/pid; error_log {folder}/error.log warn;
events {{ worker_connections 16384; }}
http {{
  access_log off; tcp_nodelay on; keepalive_timeout 75s; keepalive_requests 1000000000;
  client_max_body_size 0; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_request_buffering off;
  proxy_read_timeout 600s; proxy_ssl_protocols TLSv1.2 TLSv1.3; proxy_ssl_verify on; proxy_ssl_name localhost;
  proxy_ssl_server_name on; proxy_ssl_trusted_certificate {certificate};
  upstream plain  {{ server 127.0.0.1:{plain}; keepalive 4096; keepalive_requests 1000000000; }}
  upstream secure {{ server 127.0.0.1:{tls}; keepalive 4096; keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:{port} backlog=4096 reuseport; location / {{ proxy_pass http://plain; }} }}
  server {{ listen 127.0.0.1:{tls_port} ssl backlog=4096 reuseport; location / {{ proxy_pass http://plain; }} }}
  server {{ listen 127.0.0.1:{tls_both_port} ssl backlog=4096 reuseport; location / {{ proxy_pass https://secure; }} }}
}}
"""


class Nginx(Rival):
    """Unbuffered both ways, HTTP/1.1 and kept connections to the upstream, no log."""
    name = "nginx"

    def prepare(self):
        self.path = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        if not self.path:
            raise processes.Trouble("nginx is not installed")
        return re.search(r"nginx/(\S+)", output_of(self.path, "-v"))[1]

    def command(self, folder, workers, is_single):
        (folder / "nginx.conf").write_text(NGINX.format(
            workers=workers, master="off" if is_single else "on", folder=folder, certificate=self.place.certificate,
            key=self.place.key, plain=self.upstream.plain, tls=self.upstream.tls, port=self.port,
            tls_port=self.tls_port, tls_both_port=self.tls_both_port))
        return [self.path, "-p", folder, "-c", folder / "nginx.conf"]


HAPROXY = """
global
  nbthread {workers}
  maxconn 9000
  ssl-default-bind-options ssl-min-ver TLSv1.2
  ssl-default-server-options ssl-min-ver TLSv1.2
defaults
  mode {mode}
  timeout connect 5s
  timeout client 600s
  timeout server 600s
"""
HAPROXY_HTTP = """
  timeout http-keep-alive 75s
  option http-no-delay
  http-reuse always
frontend plain
  bind 127.0.0.1:{port} backlog 4096
  default_backend plain
frontend tls
  bind 127.0.0.1:{tls_port} backlog 4096 ssl crt {both} alpn http/1.1
  default_backend plain
frontend tls_both
  bind 127.0.0.1:{tls_both_port} backlog 4096 ssl crt {both} alpn http/1.1
  default_backend secure
backend plain
  server mock 127.0.0.1:{plain}
backend secure
  server mock 127.0.0.1:{tls} ssl verify required verifyhost localhost ca-file {certificate} alpn http/1.1
"""
HAPROXY_TCP = """
listen relay
  bind 127.0.0.1:{port} backlog 4096
  server mock 127.0.0.1:{plain}
"""


class HAProxy(Rival):
    """HTTP mode, no delay, connections of the upstream shared by all clients, no log."""
    name = "haproxy"
    mode, sections = "http", HAPROXY_HTTP

    def prepare(self):
        self.path = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
        if not self.path:
            raise processes.Trouble("haproxy is not installed")
        return re.search(r"version (\S+?)-", output_of(self.path, "-v"))[1]

    def command(self, folder, workers, is_single):
        (folder / "haproxy.cfg").write_text((HAPROXY + self.sections).format(
            workers=workers, mode=self.mode, port=self.port, tls_port=self.tls_port,
            tls_both_port=self.tls_both_port, both=self.place.both, certificate=self.place.certificate,
            plain=self.upstream.plain, tls=self.upstream.tls))
        return [self.path, "-db", "-f", folder / "haproxy.cfg"]


class Relay(HAProxy):
    """HAProxy in TCP mode: passes bytes on and understands none of them."""
    name = "relay"
    has_tls = False
    mode, sections = "tcp", HAPROXY_TCP


class Portkey(Rival):
    """Portkey's open-source gateway for Node.js, told by headers where the mock is."""
    name = "portkey"
    has_tls = False
    runs_in_callgrind = False
    slowness = 20
    may_run_ahead = False

    def prepare(self):
        folder = self.place.folder.parent / "portkey-package"
        self.script = folder / "node_modules/@portkey-ai/gateway/build/start-server.js"
        if not shutil.which("node") or not shutil.which("npm"):
            raise processes.Trouble("node and npm are not installed")
        if not self.script.exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "package.json").write_text(json.dumps(PORTKEY))
            subprocess.run(["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if not self.script.exists():
                raise processes.Trouble("npm could not install it")
        package = json.loads((self.script.parent.parent / "package.json").read_text())
        self.headers = ("x-portkey-provider: openai", f"x-portkey-custom-host: http://127.0.0.1:{self.upstream.plain}/v1")
        return f"{package['version']} on Node.js {output_of('node', '--version').strip()}"

    def environment(self):
        return {"NODE_ENV": "production"}

    def command(self, folder, workers, is_single):
        return ["node", self.script, f"--port={self.port}", "--headless"]


def make_certificate(folder):
    """One certificate for mock and proxies, ECDSA on P-256, good for 127.0.0.1 and localhost."""
    certificate, key, both = folder / "cert.pem", folder / "key.pem", folder / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", key, "-out", certificate], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    both.write_text(certificate.read_text() + key.read_text())
    return certificate, key, both


def make_mock(ringway, place):
    """Starts the upstream of all rivals, without and with TLS. Returns both and their programs."""
    programs = []
    upstream = Upstream(processes.free_port(), processes.free_port())
    tls = ["--tls-cert", place.certificate, "--tls-key", place.key]
    for port, more in ((upstream.plain, []), (upstream.tls, tls)):
        command = [ringway, "mock", "--listen", f"127.0.0.1:{port}", "--smp", "1", *more]
        programs.append(processes.Program("mock", command, place.cpu, place.folder / "mock.log"))
        programs[-1].wait_for_port(port)
    return upstream, programs
