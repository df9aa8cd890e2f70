"""Nodes joined by links: a cell with a simulated line, a relay in the DMZ, an enterprise node. Imported by itself."""
import json
import os
import shutil
import signal

from cases import wait_for
from peers import Sim
from procs import Proc, free_port, penstock, program, temp_dir
from proxy import Proxy

TAGS = {"speed": ("holding 100 float32", "float32"), "good-count": ("holding 110 uint32", "uint32"), "state": ("holding 120 uint16", "uint16"),
        "batch": ("holding 160 string 16 chars", "string"), "blocked": ("holding 124.2", "bool")}
MACHINES = ("filler", "capper", "labeller", "packer")


class LinkNode:
    """One node: its site file, its state, its process."""

    def __init__(self, name, text, within=()):
        """within: words before the command, such as those of a namespace (nets.py)."""
        self.name = name
        self.within = within
        self.folder = temp_dir()
        self.state = os.path.join(self.folder, "state")
        self.site = os.path.join(self.folder, "site.yaml")
        with open(self.site, "w", encoding="utf-8") as f:
            f.write(text)
        self.run = None

    def start(self):
        self.run = Proc([*self.within, program(), "run", self.site, "--state", self.state], name="penstock " + self.name)
        self.run.wait_line("event=ready", 20)

    def cli(self, *words, **options):
        return penstock(*words, "--state", self.state, **options)

    def processes(self):
        done = self.cli("status", "--json")
        return {p["name"]: p for p in json.loads(done.stdout)["processes"]} if done.returncode == 0 else {}

    def kill(self, name):
        """A child, which its supervisor starts again."""
        before = self.processes()[name]
        os.kill(before["pid"], signal.SIGKILL)
        wait_for(lambda: (p := self.processes().get(name)) and p["state"] == "up" and p["restarts"] > before["restarts"], 15, f"{name} again")

    def kill_all(self):
        """The whole node, as a power cut would: its rings are gone."""
        os.kill(self.run.pid, signal.SIGKILL)
        self.run.wait(10)
        wait_for(lambda: not os.path.exists(os.path.join(self.state, "spool/lock")) or self.cli("status").returncode != 0, 10, "its end")

    def own(self, side):
        return os.path.join(self.state, "pki", side, "own/cert.der")

    def trust(self, side, other, other_side):
        """What `penstock cert trust` does: the other node's certificate into our list."""
        wait_for(lambda: os.path.exists(other.own(other_side)), 20, f"the certificate of {other.name}")
        folder = os.path.join(self.state, "pki", side, "trusted/certs")
        os.makedirs(folder, exist_ok=True)
        shutil.copy(other.own(other_side), os.path.join(folder, other.name + ".der"))

    def streams(self):
        root = os.path.join(self.state, "spool")
        return sorted(d for d in os.listdir(root) if "@" in d) if os.path.isdir(root) else []

    def dump(self, flow):
        """Every sample of a flow as (tag, source, server, arrival, status, flags, value), in order, as `penstock spool dump` gives them."""
        stream = next(s for s in self.streams() if s.startswith(flow + "@"))
        done = self.cli("spool", "dump", stream, "--json", limit_s=60)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def cell_text(sim, port, durability="each"):
    zones = "zones:\n  line: { level: 2 }\n  dmz: { level: 3.5 }\nconduits:\n  up: { from: line, to: dmz, initiator: from }\n"
    sources = "".join(f'  {m}-plc: {{ driver: modbus-tcp, zone: line, endpoint: "{sim.endpoints[m].address}", unit: 1 }}\n' for m in MACHINES)
    tags = "".join(f"      {t}: {{ at: {at}, scan: 50ms }}\n" for t, (at, _) in TAGS.items())
    machines = "".join(f"  Packaging/Line 3/{m.capitalize()}: {{ type: machine, source: {m}-plc }}\n" for m in MACHINES)
    return (f"site: {{ enterprise: Acme, name: Cell }}\n{zones}sources:\n{sources}sinks:\n"
            f'  up: {{ kind: link, zone: dmz, to: "127.0.0.1:{port}", peer: relay, name: cell, timeout: 3s }}\n'
            f"types:\n  machine:\n    tags:\n{tags}equipment:\n{machines}"
            f'flows:\n  line-state: {{ what: "Packaging/**", to: up, how: {{ every-sample: yes, durability: {durability} }}, why: test, owner: test }}\n')


def upper_text(name, zone, level, listen, peer, sinks, above=None, durability="each"):
    zones = f"zones:\n  {zone}: {{ level: {level} }}\n"
    target = zone
    if above:
        zones += f"  {above[0]}: {{ level: {above[1]} }}\nconduits:\n  up: {{ from: {zone}, to: {above[0]}, initiator: from }}\n"
        target = above[0]
    tags = "".join(f'      {t}: {{ at: "line-state/Packaging/Line 3/${{machine}}/{t} [type {type_}]" }}\n' for t, (_, type_) in TAGS.items())
    types = ""
    machines = ""
    for m in MACHINES:
        types += f"  {m}:\n    tags:\n" + tags.replace("${machine}", m.capitalize())
        machines += f"  Packaging/Line 3/{m.capitalize()}: {{ type: {m}, source: below }}\n"
    return (f"site: {{ enterprise: Acme, name: {name} }}\n{zones}sources:\n"
            f'  below: {{ driver: link, zone: {zone}, endpoint: "127.0.0.1:{listen}", peer: {peer}, name: {name}, timeout: 3s }}\n'
            f"sinks:\n{sinks.replace('ZONE', target)}types:\n{types}equipment:\n{machines}"
            f'flows:\n  line-state: {{ what: "Packaging/**", to: out, how: {{ every-sample: yes, durability: {durability} }}, why: test, owner: test }}\n')


class Chain:
    """cell -> proxy -> relay -> proxy -> enterprise -> broker."""

    def __init__(self, broker_port, durability="each"):
        self.sim = Sim("bottling", "--skip", "10m", "--scale", "10")
        ports = free_port(), free_port()
        self.proxies = Proxy(ports[0]), Proxy(ports[1])
        self.cell = LinkNode("cell", cell_text(self.sim, self.proxies[0].port, durability))
        self.relay = LinkNode("relay", upper_text("relay", "dmz", 3.5, ports[0], "cell",
                              f'  out: {{ kind: link, zone: ZONE, to: "127.0.0.1:{self.proxies[1].port}", peer: enterprise, name: relay, timeout: 3s }}\n',
                              ("it", 4), durability))
        self.enterprise = LinkNode("enterprise", upper_text("enterprise", "it", 4, ports[1], "relay",
                                   f'  out: {{ kind: mqtt, zone: ZONE, broker: "127.0.0.1:{broker_port}" }}\n', None, durability))
        self.nodes = self.cell, self.relay, self.enterprise
        self.join()

    def join(self):
        """Start all, and let each trust its neighbours."""
        for n in self.nodes:
            n.start()
        self.relay.trust("ot", self.cell, "it")
        self.cell.trust("it", self.relay, "ot")
        self.enterprise.trust("ot", self.relay, "it")
        self.relay.trust("it", self.enterprise, "ot")

    def settle(self, limit_s=30):
        """No more is measured; all that was is at the top."""
        self.sim.stop()
        before = [-1]

        def quiet():
            accounts = [json.loads(n.cli("ledger", "--json").stdout)["streams"] for n in self.nodes]
            pending = sum(s["pending"] for streams in accounts for st in streams for s in st["sinks"])
            admitted = [st["admitted"] for streams in accounts for st in streams]
            still, before[:] = admitted == before, admitted
            return pending == 0 and still and len(set(admitted)) == 1
        wait_for(quiet, limit_s, "all that was measured to be at the top")

    def compare(self):
        """Every sample of the cell, in its order, unchanged, once, at each node above it."""
        truth = self.cell.dump("line-state")
        for n in self.nodes[1:]:
            got = n.dump("line-state")
            for i, (a, b) in enumerate(zip(truth, got)):
                assert a == b, f"{n.name}, number {i + 1}: {b}, but the cell has {a}"
            assert len(got) == len(truth), f"{n.name} has {len(got)} samples, the cell {len(truth)}"
        return len(truth)


__all__ = ["Chain", "LinkNode", "cell_text", "upper_text"]
