"""`ringway bench` as the load: one run of it at a time, and what it says of itself."""
import json
import os
import resource
import subprocess

from . import processes

KEY = "sk-side-by-side-0123456789abcdef"
TIME_MAX_S = 120


class Load:
    def __init__(self, ringway, cpu):
        self.ringway = ringway
        self.cpu = cpu
        self.child = None

    def begin(self, url, model, arguments, headers=(), policy=os.SCHED_BATCH):
        command = [self.ringway, "bench", url, "--model", model, "--key", KEY, "--insecure", "--smp", "1",
                   "--cpuset", self.cpu, "--json", "-", "--no-progress", "--allow-failures", *arguments]
        for header in headers:
            command += ["--header", header]
        self.child = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      preexec_fn=processes.placed(self.cpu, policy))

    def end(self):
        """Waits for the end of what began, and returns the report."""
        try:
            output, errors = self.child.communicate(timeout=TIME_MAX_S)
        except subprocess.TimeoutExpired:
            self.break_off()
            raise processes.Trouble("the load did not end in time")
        self.child = None
        if not output:
            raise processes.Trouble(f"the load failed: {errors.decode(errors='replace').strip()}")
        return json.loads(output)

    def run(self, *request, **options):
        self.begin(*request, **options)
        return self.end()

    def break_off(self):
        if self.child:
            self.child.kill()
            self.child.communicate()
            self.child = None

    def cpu_ns(self):
        """Of all runs, the present one included."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)  # of those that have ended
        ended_ns = (used.ru_utime + used.ru_stime) * 1e9
        return ended_ns + (processes.cpu_ns_of(self.child.pid) if self.child else 0)
