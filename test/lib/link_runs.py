"""Three nodes, each in a network namespace of its own, under load, while the cables between them and the processes in them are spoilt."""
import hashlib
import json
import subprocess
import time

from cases import equal, wait_for
from links import Chain, LinkNode
from nets import Cable, Net
from peers import Sim
from procs import program

PORT = 7433
TIMEOUT_S = 2                                   # of both ends: half-open connections are to be found out within the run


def _flow(sink):
    return (f'flows:\n  line-state: {{ what: "Hall/**", to: {sink}, how: {{ every-sample: yes, durability: interval }}, why: soak, owner: test }}\n')


def load_cell(sim, registers, to):
    tags = "".join(f"      r{i}: {{ at: holding {i} uint16, scan: 100ms }}\n" for i in range(registers))
    return ("site: { enterprise: Acme, name: Cell }\nzones:\n  line: { level: 2 }\n  dmz: { level: 3.5 }\n"
            "conduits:\n  up: { from: line, to: dmz, initiator: from }\nsources:\n"
            + "".join(f'  {n}: {{ driver: modbus-tcp, zone: line, endpoint: "{e.address}", unit: 1 }}\n' for n, e in sim.endpoints.items())
            + f'sinks:\n  up: {{ kind: link, zone: dmz, to: "{to}:{PORT}", peer: relay, name: cell, timeout: {TIMEOUT_S}s }}\n'
            + f"types:\n  device:\n    tags:\n{tags}equipment:\n"
            + "".join(f"  Hall/Line/{n}: {{ type: device, source: {n} }}\n" for n in sim.endpoints) + _flow("up"))


def load_upper(name, zones, listen, peer, sink, sim, registers):
    types = equipment = ""
    for n in sim.endpoints:
        types += f"  {n}:\n    tags:\n" + "".join(f'      r{i}: {{ at: "line-state/Hall/Line/{n}/r{i} [type uint16]" }}\n' for i in range(registers))
        equipment += f"  Hall/Line/{n}: {{ type: {n}, source: below }}\n"
    return (f"site: {{ enterprise: Acme, name: {name} }}\n{zones}sources:\n"
            f'  below: {{ driver: link, zone: {"dmz" if name == "relay" else "it"}, endpoint: "{listen}:{PORT}", peer: {peer}, name: {name}, '
            f'timeout: {TIMEOUT_S}s }}\n'
            f"sinks:\n  out: {sink}\ntypes:\n{types}equipment:\n{equipment}{_flow('out')}")


class NetChain(Chain):
    """cell ──cable── relay ──cable── enterprise, which keeps what it gets in its history."""

    def __init__(self, devices, registers):
        nets = [Net(n) for n in ("cell", "relay", "enterprise")]
        self.nets = nets
        self.cables = (Cable("low", (nets[0], "10.90.1.1"), (nets[1], "10.90.1.2")), Cable("high", (nets[1], "10.90.2.1"), (nets[2], "10.90.2.2")))
        self.sim = Sim("load", "--devices", devices, "--registers", registers, within=nets[0].within)
        up = f'{{ kind: link, zone: it, to: "10.90.2.2:{PORT}", peer: enterprise, name: relay, timeout: {TIMEOUT_S}s }}'
        relay_zones = "zones:\n  dmz: { level: 3.5 }\n  it: { level: 4 }\nconduits:\n  up: { from: dmz, to: it, initiator: from }\n"
        self.cell = LinkNode("cell", load_cell(self.sim, registers, "10.90.1.2"), nets[0].within)
        self.relay = LinkNode("relay", load_upper("relay", relay_zones, "10.90.1.2", "cell", up, self.sim, registers), nets[1].within)
        self.enterprise = LinkNode("enterprise", load_upper("enterprise", "zones:\n  it: { level: 4 }\n", "10.90.2.2", "relay",
                                                            "{ kind: history, zone: it }", self.sim, registers), nets[2].within)
        self.nodes = self.cell, self.relay, self.enterprise
        self.join()
        wait_for(lambda: all(self.admitted(n) > 0 for n in self.nodes), 30, "samples at every node")

    def admitted(self, node):
        done = node.cli("ledger", "--json")
        try:
            return sum(s["admitted"] for s in json.loads(done.stdout)["streams"])
        except (ValueError, KeyError):
            return 0                            # it is being started again

    def processor_s(self):
        """Processor time of each node's processes so far, by node and process."""
        return {n.name: {p["name"]: round(p["cpu_ns"] / 1e9, 1) for p in n.processes().values() if "cpu_ns" in p} for n in self.nodes}


def _cut(c, k, _):
    c.cables[k].cut()
    time.sleep(1.5)
    c.cables[k].mend()
    return "cable cut for 1.5 s"


def _kill_connection(c, k, _):
    return f"{c.nets[k + 1].kill_connections(PORT)} connection killed"


def _half_open_up(c, k, _):
    c.cables[k].lose("a")
    time.sleep(TIMEOUT_S + 1.5)
    c.cables[k].lose("a", 0)
    return "what goes up lost without a word"


def _half_open_down(c, k, _):
    c.cables[k].lose("b")
    time.sleep(TIMEOUT_S + 1.5)
    c.cables[k].lose("b", 0)
    return "what comes down lost without a word"


def _kill_process(c, k, turn):
    node, role = c.nodes[k + 1], ("gate", "office", "field")[turn % 3]
    node.kill(next(n for n in node.processes() if n.split(":")[0] == role))
    return f"{role} of {node.name} killed"


FAULTS = (_cut, _kill_connection, _half_open_up, _half_open_down, _kill_process)


def campaign(c, seconds, faults=FAULTS, calm_s=5):
    """Faults in turn, on both cables, packets reordered throughout; the last seconds are calm, apart from the reordering. Returns what was done."""
    begin, done, turn = time.monotonic(), [], 0
    for cable in c.cables:
        cable.reorder()
    while faults and time.monotonic() - begin < seconds - calm_s:
        done.append(faults[turn % len(faults)](c, (turn + turn // len(faults)) % 2, turn // len(faults)))
        print(f"  {time.monotonic() - begin:5.1f} s: {done[-1]}; admitted {[c.admitted(n) for n in c.nodes]}", flush=True)
        turn += 1
        time.sleep(0.5)
    time.sleep(max(0.0, seconds - (time.monotonic() - begin)))
    return done


def lag_s(c, limit_s=90):
    """How long until the top has all that the bottom has now, while more is measured."""
    have, begin = c.admitted(c.cell), time.monotonic()
    wait_for(lambda: c.admitted(c.enterprise) >= have, limit_s, "the top to catch up", 0.1)
    return time.monotonic() - begin


def fingerprint(node):
    """A hash over all samples, in order, and their number."""
    stream = next(s for s in node.streams() if s.startswith("line-state@"))
    h, n = hashlib.sha256(), 0
    with subprocess.Popen([program(), "spool", "dump", stream, "--json", "--state", node.state], stdout=subprocess.PIPE) as p:
        for line in p.stdout:
            h.update(line)
            n += 1
    return h.hexdigest(), n


def prove(c):
    """All nodes hold the same samples, each once; books balance; what each upper node can prove is what the one below has. Returns how many samples."""
    prints = [fingerprint(n) for n in c.nodes]
    for node, p in zip(c.nodes, prints):
        equal(p, prints[0], f"what {node.name} holds")
        account = json.loads(node.cli("ledger", "--json").stdout)
        equal(account["balance"], 0, f"the balance of {node.name}")
        equal(sum(s["lost_before_admission"] for s in account["streams"]), 0, f"what {node.name} says is lost")
        done = node.cli("ledger", "--verify", limit_s=60)
        equal(done.returncode, 0, f"{node.name}: {done.stdout}")
    for below, node in zip(c.nodes, c.nodes[1:]):
        received = json.loads(node.cli("ledger", "--received", "--json").stdout)
        equal((received["first"], received["last"], received["samples"]), (1, prints[0][1], prints[0][1]), f"receipts of {node.name} for {below.name}")
        equal((received["gaps"], received["unchained"], received["generations"]), (0, 0, 1), f"the chain that {node.name} has received")
    return prints[0][1]


__all__ = ["FAULTS", "NetChain", "campaign", "lag_s", "prove"]
