#!/usr/bin/python3
"""Links between nodes: a cell, a relay in the DMZ, an enterprise node; nothing is lost, nothing comes twice, whatever dies."""
import contextlib
import json
import os
import random
import re
import shutil
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from links import *
from penstock import *

PROCESSES = (("cell", "gate"), ("cell", "office"), ("cell", "field:line"), ("relay", "gate"), ("relay", "office"), ("relay", "field:dmz"),
             ("enterprise", "gate"), ("enterprise", "field:it"), ("enterprise", "office"))


def samples_in(body):
    return sum(len(group["samples"]) for group in body["groups"])


def last_hash(node):
    """Of the last batch of the spool, read by the format in doc/spool-format.md."""
    folder = os.path.join(node.state, "spool", node.streams()[0])
    with open(os.path.join(folder, sorted(f for f in os.listdir(folder) if f.endswith(".seg"))[-1]), "rb") as f:
        data = f.read()
    at, found = 512, None
    while data[at:at + 4] == b"PBAT":
        found = data[at + 88:at + 120].hex()
        at += 120 + int.from_bytes(data[at + 12:at + 16], "little")
    return found


@timeout(120)
def test_nothing_is_lost_and_nothing_comes_twice_whatever_dies():
    broker = RecordingBroker()
    c = Chain(broker.port)
    nodes = {n.name: n for n in c.nodes}
    wait_for(lambda: c.enterprise.streams() and c.enterprise.dump("line-state"), 20, "samples at the top")
    rnd = random.Random(7)
    for name, process in PROCESSES:
        nodes[name].kill(process)
        time.sleep(rnd.random() * 0.3)
    for proxy in c.proxies:
        proxy.reset()
        time.sleep(0.3)
        proxy.half_open()
        time.sleep(3.5 if proxy is c.proxies[0] else 0.5)
        proxy.heal()
    for node in (c.relay, c.enterprise, c.cell):
        node.kill_all()
        node.start()
    wait_for(lambda: len(c.enterprise.dump("line-state")) > 2000, 20, "life after it")
    c.settle()
    n = c.compare()
    for node in c.nodes:
        done = node.cli("ledger", "--verify")
        equal(done.returncode, 0, node.name + ": " + done.stdout)
        equal(node.cli("spool", "verify").returncode, 0, node.name)
    for below, node in ((c.cell, c.relay), (c.relay, c.enterprise)):
        received = json.loads(node.cli("ledger", "--received", "--json").stdout)
        account = json.loads(below.cli("ledger", "--json").stdout)["streams"][0]
        equal((received["first"], received["last"], received["samples"]), (1, account["admitted"], account["admitted"]), f"receipts of {node.name}")
        equal(received["hash"], last_hash(below), f"the last hash at {node.name} and at {below.name}")
        equal((received["gaps"], received["unchained"], received["generations"]), (0, 0, 1), f"the chain that {node.name} has received")
    assert n > 2000, n
    # At the broker a message may come twice, under one key; its samples are those of the cell, each once.
    once = {}
    for p in broker.publishes():
        body = json.loads(p.payload)
        once.setdefault(body["key"], body)
    equal(sum(samples_in(body) for body in once.values()), n, "samples at the broker")


class Pair:
    """A cell and a relay that keeps what it gets."""

    def __init__(self, peer="cell", start=True, lower="", upper=""):
        """lower, upper: more keys of the sink and of the source."""
        self.sim = Sim("bottling", "--skip", "10m", "--scale", "10")
        self.port = port = free_port()
        self.cell = LinkNode("cell", cell_text(self.sim, port).replace("timeout: 3s", "timeout: 3s" + lower))
        self.relay = LinkNode("relay", upper_text("relay", "dmz", 3.5, port, peer, "  out: { kind: history, zone: ZONE }\n")
                              .replace("timeout: 3s", "timeout: 3s" + upper))
        if start:
            for n in (self.cell, self.relay):
                n.start()
            self.trust()

    def trust(self):
        self.relay.trust("ot", self.cell, "it")
        self.cell.trust("it", self.relay, "ot")


@timeout(60)
def test_a_trusted_certificate_of_another_name_is_refused():
    pair = Pair(peer="another")
    pair.relay.run.wait_line("event=link_peer_refused.*status=BadCertificateHostNameInvalid", 20)
    assert not pair.relay.dump("line-state"), "samples of a node that was not named"


@timeout(60)
def test_strangers_who_connect_and_say_nothing_hold_no_link_up():
    pair = Pair(start=False)
    pair.relay.start()
    pair.cell.start()
    wait_for(lambda: os.path.exists(pair.relay.own("ot")), 20, "a port")
    strangers = []
    defer(lambda: [s.close() for s in strangers])

    def stranger():
        with contextlib.suppress(OSError):
            strangers.append(socket.create_connection(("127.0.0.1", pair.port), 2))
    for _ in range(40):
        stranger()
    pair.trust()

    def arrives():
        stranger()
        return len(pair.relay.dump("line-state")) > 300 if pair.relay.streams() else False
    wait_for(arrives, 15, "samples above", 0.1)


def findings(node):
    """What `penstock check` says of it: "LINE:COLUMN rule" a finding, and the whole text."""
    done = penstock("check", node.site)
    text = done.stdout + done.stderr
    with open(node.site, encoding="utf-8") as f:
        lines = f.read().splitlines()

    def at(line, column):
        return lines[int(line) - 1][int(column) - 1:].split(" ", 1)[0]
    found = re.finditer(r"site\.yaml:(\d+):(\d+): error: [^\n]*\n[^\n]*\[(listens-in-ot|link-role)\]", text)
    return [(at(*m.group(1, 2)), m.group(3)) for m in found], text


@timeout(60)
def test_who_opens_the_session_is_judged_by_zone_and_conduit():
    sinks = "  out: { kind: history, zone: ZONE }\n"
    sim = Sim("bottling")
    upper = upper_text("line", "line", 2, 7433, "cell", sinks)
    lower = cell_text(sim, 7433)
    for name, text, want in (
            ("a source in an OT zone connects if nothing is said", upper, []),
            ("and may not listen", upper.replace("timeout: 3s", "role: listen"), [("listen", "listens-in-ot")]),
            ("a sink towards a less trusted zone connects", lower, []),
            ("and may not listen in OT", lower.replace("timeout: 3s", "role: listen"), [("listen", "listens-in-ot")]),
            ("nor against the conduit", lower.replace("level: 2", "level: 3.5").replace("timeout: 3s", "role: listen"), [("listen", "link-role")]),
            ("the other end of the conduit may open it", lower.replace("level: 2", "level: 3.5").replace("initiator: from", "initiator: to"), [])):
        found, output = findings(LinkNode("line", text))
        equal([(word.rstrip(","), rule) for word, rule in found], want, f"{name}: {output}")


@timeout(60)
def test_the_node_above_may_open_the_session():
    pair = Pair(start=False, upper=", role: connect")
    with open(pair.cell.site, encoding="utf-8") as f:
        text = f.read()
    with open(pair.cell.site, "w", encoding="utf-8") as f:
        f.write(text.replace("level: 2", "level: 3.5").replace("initiator: from", "initiator: to"))
    pair.relay.start()
    pair.cell.start()
    pair.trust()
    wait_for(lambda: pair.relay.streams() and len(pair.relay.dump("line-state")) > 300, 20, "samples above")
    pair.cell.kill("office")
    pair.relay.kill("field:dmz")
    before = len(pair.relay.dump("line-state"))
    wait_for(lambda: len(pair.relay.dump("line-state")) > before + 300, 20, "life after it")


@timeout(60)
def test_numbers_that_a_node_gives_anew_are_no_repeats():
    pair = Pair()
    wait_for(lambda: len(pair.relay.dump("line-state")) > 300, 20, "samples above")
    pair.cell.kill_all()
    before = len(pair.relay.dump("line-state"))
    shutil.rmtree(os.path.join(pair.cell.state, "spool"))       # as if the disk had lost what was not synced, all of it
    pair.cell.start()
    pair.relay.run.wait_line("event=link_numbers_given_anew", 20)
    wait_for(lambda: len(pair.relay.dump("line-state")) > before + 300, 20, "what was measured since")
    pair.sim.stop()
    time.sleep(1)
    wait_for(lambda: (n := pair.cell.dump("line-state")) == [{**s, "n": i + 1} for i, s in enumerate(pair.relay.dump("line-state")[-len(n):])], 15,
             "all of the second life, unchanged and once")


main()
