#!/usr/bin/python3
"""20,000 samples a second over two links for a minute, while every process is killed in turn and the ways are cut.

    test/link_soak.py [--seconds 60] [--calm]

What the three nodes hold in the end is the same, sample for sample, and each node's books balance.
"""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from links import *
from penstock import *

ARGS = argparse.ArgumentParser()
ARGS.add_argument("--seconds", type=int, default=60)
ARGS.add_argument("--calm", action="store_true", help="nothing is killed or cut")
OPTIONS = ARGS.parse_args()
sys.argv[1:] = []

DEVICES, REGISTERS = 10, 200


def load_cell(sim, port):
    names = sorted(sim.endpoints)[:DEVICES]
    tags = "".join(f"      r{i}: {{ at: holding {i} uint16, scan: 100ms }}\n" for i in range(REGISTERS))
    return ("site: { enterprise: Acme, name: Cell }\nzones:\n  line: { level: 2 }\n  dmz: { level: 3.5 }\n"
            "conduits:\n  up: { from: line, to: dmz, initiator: from }\nsources:\n"
            + "".join(f'  {n}: {{ driver: modbus-tcp, zone: line, endpoint: "{sim.endpoints[n].address}", unit: 1 }}\n' for n in names)
            + f'sinks:\n  up: {{ kind: link, zone: dmz, to: "127.0.0.1:{port}", peer: relay, name: cell, timeout: 5s }}\n'
            + f"types:\n  device:\n    tags:\n{tags}equipment:\n"
            + "".join(f"  Hall/Line/{n}: {{ type: device, source: {n} }}\n" for n in names)
            + 'flows:\n  line-state: { what: "Hall/**", to: up, how: { every-sample: yes, durability: interval }, why: soak, owner: test }\n')


def load_upper(name, zone, level, listen, peer, sink, above, names):
    zones = f"zones:\n  {zone}: {{ level: {level} }}\n"
    if above:
        zones += f"  {above[0]}: {{ level: {above[1]} }}\nconduits:\n  up: {{ from: {zone}, to: {above[0]}, initiator: from }}\n"
    types = equipment = ""
    for n in names:
        types += f"  {n}:\n    tags:\n" + "".join(f'      r{i}: {{ at: "line-state/Hall/Line/{n}/r{i} [type uint16]" }}\n' for i in range(REGISTERS))
        equipment += f"  Hall/Line/{n}: {{ type: {n}, source: below }}\n"
    return (f"site: {{ enterprise: Acme, name: {name} }}\n{zones}sources:\n"
            f'  below: {{ driver: link, zone: {zone}, endpoint: "127.0.0.1:{listen}", peer: {peer}, name: {name}, timeout: 5s }}\n'
            f"sinks:\n{sink.replace('ZONE', above[0] if above else zone)}types:\n{types}equipment:\n{equipment}"
            'flows:\n  line-state: { what: "Hall/**", to: out, how: { every-sample: yes, durability: interval }, why: soak, owner: test }\n')


class LoadChain(Chain):
    def __init__(self, broker_port):
        self.sim = Sim("load", "--devices", DEVICES, "--registers", REGISTERS)
        names = sorted(self.sim.endpoints)[:DEVICES]
        ports = free_port(), free_port()
        self.proxies = Proxy(ports[0]), Proxy(ports[1])
        out = f'  out: {{ kind: link, zone: ZONE, to: "127.0.0.1:{self.proxies[1].port}", peer: enterprise, name: relay, timeout: 5s }}\n'
        self.cell = LinkNode("cell", load_cell(self.sim, self.proxies[0].port))
        self.relay = LinkNode("relay", load_upper("relay", "dmz", 3.5, ports[0], "cell", out, ("it", 4), names))
        self.enterprise = LinkNode("enterprise", load_upper("enterprise", "it", 4, ports[1], "relay",
                                   f'  out: {{ kind: mqtt, zone: ZONE, broker: "127.0.0.1:{broker_port}" }}\n', None, names))
        self.nodes = self.cell, self.relay, self.enterprise
        self.join()


def fingerprint(node):
    stream = next(s for s in node.streams() if s.startswith("line-state@"))
    h, n = hashlib.sha256(), 0
    with subprocess.Popen([program(), "spool", "dump", stream, "--json", "--state", node.state], stdout=subprocess.PIPE) as p:
        for line in p.stdout:
            h.update(line)
            n += 1
    return h.hexdigest(), n


@timeout(OPTIONS.seconds * 3 + 240)
def test_a_minute_of_twenty_thousand_a_second():
    c = LoadChain(Mosquitto().port)
    wait_for(lambda: c.enterprise.streams(), 20, "a stream at the top")
    begin, kills = time.monotonic(), 0
    victims = [(n, p) for p in ("gate", "office", "field") for n in (c.relay, c.enterprise)]
    while time.monotonic() - begin < OPTIONS.seconds:
        time.sleep(3)
        if OPTIONS.calm:
            continue
        node, role = victims[kills % len(victims)]
        node.kill(next(n for n in node.processes() if n.split(":")[0] == role))
        if kills % 2:
            c.proxies[kills // 2 % 2].reset()
        kills += 1
    took = time.monotonic() - begin
    c.settle(90)
    behind = time.monotonic() - begin - took
    prints = [fingerprint(n) for n in c.nodes]
    print(f"{prints[0][1]} samples in {took:.0f} s, {prints[0][1] / took:.0f} a second, {kills} kills; all at the top {behind:.0f} s after the end")
    for node, p in zip(c.nodes, prints):
        equal(p, prints[0], f"what {node.name} holds")
        account = json.loads(node.cli("ledger", "--json").stdout)
        equal(account["balance"], 0, f"the balance of {node.name}")


main()
