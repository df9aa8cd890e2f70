"""A running penstock whose sources are OPC UA servers.

    g = UaGateway({"press": (server.url, "security: [none]")}, tags={"v1": "nsu=urn:penstock:test:plant;s=v1"})
    g.up("press"); g.value("press", "v1"); g.cause("press")

Every source has the same tags, below equipment of its own name.
"""
import json
import os
import shutil

from cases import defer, wait_for
from procs import penstock, start_penstock, temp_dir

HEAD = """site: { enterprise: Acme, name: Dresden, country: DE, time-zone: Europe/Berlin }
zones:
  cell: { level: 2, sl-t: 1 }
  it: { level: 3, sl-t: 1 }
conduits:
  up: { from: cell, to: it, initiator: from }
sinks:
  local-history: { kind: history, zone: it, keep: 1 d }
"""
PLANT = "nsu=urn:penstock:test:plant;s="


class UaGateway:
    """sources: name -> (url, further keys as text); tags: name -> address (of float64, or events). `pki` is the folder of its certificates."""

    def __init__(self, sources, tags=None, start=True, scan="200ms"):
        self.folder = temp_dir()
        self.state = os.path.join(self.folder, "state")
        self.site = os.path.join(self.folder, "site.yaml")
        self.pki = os.path.join(self.state, "pki/ot")
        os.makedirs(os.path.join(self.pki, "trusted/certs"))
        self.tags = tags or {"v1": PLANT + "v1"}
        self.scan = scan
        self.run = None
        self.write(sources)
        if start:
            self.start()

    def write(self, sources):
        text = HEAD + "sources:\n"
        for name, (url, keys) in sources.items():
            text += f'  {name}: {{ driver: opcua, zone: cell, endpoint: "{url}"{", " + keys if keys else ""} }}\n'
        text += "types:\n  machine:\n    tags:\n"
        for tag, at in self.tags.items():
            kind = "" if at.startswith("events") else ", type: float64"
            text += f'      {tag}: {{ at: "{at}"{kind}, scan: {self.scan} }}\n'
        text += "equipment:\n" + "".join(f"  Hall/{n}: {{ type: machine, source: {n} }}\n" for n in sources)
        text += 'flows:\n  all: { what: ["Hall/**"], to: [local-history], how: { every-sample: yes }, why: test, owner: me }\n'
        with open(self.site, "w", encoding="utf-8") as f:
            f.write(text)

    def file(self, name, text):
        """A file beside the site file, for a password; returns its path."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o600)
        return path

    def trust(self, *certs):
        for cert in certs:
            shutil.copy(cert.der, os.path.join(self.pki, "trusted/certs"))

    def own(self):
        """Our own certificate, made if there is none: its path."""
        path = os.path.join(self.pki, "own/cert.der")
        if not os.path.exists(path):
            done = self.cli("cert", "new", "--side", "ot", "--site", "Dresden", "--bits", "2048")
            assert done.returncode == 0, done.stderr
        return path

    def start(self):
        self.run = start_penstock("run", self.site, "--state", self.state)
        self.run.wait_line("event=ready", 20)

    def stop(self):
        return self.run.stop()

    def cli(self, *words, **options):
        return penstock(*words, "--state", self.state, **options)

    def why(self, source, tag=None):
        done = self.cli("why", f"Hall/{source}/{tag or next(iter(self.tags))}", "--json")
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout.splitlines()[0])

    def cause(self, source):
        """Why there is no connection, "" while there is one."""
        return self.why(source)["link_cause"]

    def status(self, source, tag=None):
        return self.why(source, tag)["status"]

    def up(self, source, limit_s=15):
        """Waits until the source's first tag is good; returns its part of `why`."""
        def good():
            w = self.why(source)
            return w if w["link_state"] == "up" and w["status"] == "Good" else None
        try:
            return wait_for(good, limit_s, f"source {source}", 0.1)
        except AssertionError as problem:
            raise AssertionError(f"{problem}: {self.why(source)}") from None

    def refused(self, source, *words, limit_s=15):
        """Waits until the cause has all these words in it."""
        seen = [""]

        def says():
            seen[0] = self.cause(source)
            return all(w in seen[0] for w in words)
        try:
            wait_for(says, limit_s, f"source {source}", 0.1)
        except AssertionError:
            raise AssertionError(f"{source} says {seen[0]!r}, which lacks some of {words}") from None
        return seen[0]

    def field_pid(self):
        done = self.cli("status", "--json")
        return next(p["pid"] for p in json.loads(done.stdout)["processes"] if p["name"] == "field:cell")


def memory_kb(pid):
    """Resident memory of a process."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


__all__ = ["PLANT", "UaGateway", "defer", "descriptors", "memory_kb", "threads"]
