#!/usr/bin/python3
"""Driver mqtt: what is published is a sample, at least once, whoever dies; events of one node go on from another to SAP (simulated)."""
import json
import os
import signal
import sys
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from machines import *
from penstock import *
from s4 import *
from sap_site import *

TOPIC = "acme/dresden/filler/confirmation"


class Node:
    """A node whose source is a broker, and whose flow goes to a sink."""

    def __init__(self, broker, sink="history: { kind: history, zone: it }", to="history", keys="", tls=None):
        self.folder = temp_dir()
        self.state, self.site = os.path.join(self.folder, "state"), os.path.join(self.folder, "site.yaml")
        with open(self.site, "w", encoding="utf-8") as f:
            f.write("site: { enterprise: Acme, name: Upper }\nzones: { it: { level: 4 } }\n"
                    f'sources: {{ events: {{ driver: mqtt, zone: it, endpoint: "127.0.0.1:{broker}"{keys} }} }}\n'
                    f"sinks:\n  {sink}\nequipment:\n  Hall/Events: {{ source: events, tags: {{\n"
                    '    confirmation: { at: "acme/+/+/confirmation" }, other: { at: nobody/here } } }\n'
                    f'flows: {{ events: {{ what: [Hall/Events/confirmation, Hall/Events/other], to: {to}, how: {{ every-sample: yes }}, why: test, owner: test }} }}\n')
        self.run = None
        self.start()

    def start(self):
        self.run = start_penstock("run", self.site, "--state", self.state)
        self.run.wait_line("event=ready", 20)
        self.run.wait_line("event=link_up", 20)

    def cli(self, *words):
        return penstock(*words, "--state", self.state)

    def processes(self):
        return {p["name"]: p for p in json.loads(self.cli("status", "--json").stdout)["processes"]}

    def kill(self, role):
        name = next(n for n in self.processes() if n.split(":")[0] == role)
        before = self.processes()[name]
        os.kill(before["pid"], signal.SIGKILL)
        wait_for(lambda: (p := self.processes()[name])["state"] == "up" and p["restarts"] > before["restarts"], 15, f"{name} again")

    def got(self):
        """Values of the flow's samples, as its spool has them."""
        root = os.path.join(self.state, "spool")
        stream = next((s for s in os.listdir(root) if s.startswith("events@")), None)
        done = self.cli("spool", "dump", stream, "--json") if stream else None
        return [json.loads(line)["value"] for line in done.stdout.splitlines() if line.startswith("{")] if done else []


def message(**more):
    return json.dumps({"id": str(uuid.uuid4()), "time": "2026-11-22T22:40:12.123Z", **more})


def test_objects_become_samples_and_what_is_none_is_told():
    broker = Mosquitto()
    n = Node(broker.port)
    for payload in (message(n=1), "[1]", "{", "", message(n=2), '{"no":"id"}', '{"no":"id"}'):
        broker.publish(TOPIC, payload, "-q", "1")
    wait_for(lambda: len(n.got()) == 4, 10, "the objects")
    values = [json.loads(v) if isinstance(v, str) else v for v in n.got()]
    equal([v.get("n", v.get("no")) for v in values], [1, 2, "id", "id"], "values in their order")
    n.run.wait_line("event=mqtt_message_refused.*no JSON object", 5)
    same = message(n=3)
    for _ in range(3):
        broker.publish(TOPIC, same, "-q", "1")
    broker.publish(TOPIC, message(n=4), "-q", "1")
    wait_for(lambda: len(n.got()) == 6, 10, "one of the three that are the same, and the last")


def test_the_broker_keeps_what_comes_while_this_node_is_away():
    broker = Mosquitto(persist=True)
    n = Node(broker.port, keys=", version: 3.1.1")
    n.run.stop()
    for i in range(30):
        broker.publish(TOPIC, message(n=i), "-q", "1")
    n.start()
    wait_for(lambda: len(n.got()) == 30, 15, "what was published meanwhile")


@timeout(120)
def test_nothing_is_lost_when_processes_die():
    broker = Mosquitto(persist=True)
    n = Node(broker.port)
    sent = 0
    for role in ("field", "gate", "field", "gate"):
        for _ in range(25):
            broker.publish(TOPIC, message(n=sent), "-q", "1")
            sent += 1
            if sent % 25 == 12:
                n.kill(role)
    wait_for(lambda: {json.loads(v)["n"] if isinstance(v, str) else v["n"] for v in n.got()} == set(range(sent)), 30, "each of them at least once")


def test_a_gate_that_does_not_move_leaves_messages_with_the_broker():
    broker = Mosquitto()
    n = Node(broker.port)
    pid = n.processes()["gate"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    broker.publish(TOPIC, message(n=1), "-q", "1")
    time.sleep(1)
    assert not any("Received PUBACK" in line for line in broker.proc.err), "acknowledged before it was durable"
    os.kill(pid, signal.SIGCONT)
    broker.proc.wait_line("Received PUBACK", 10)
    equal(len(n.got()), 1, "samples")


@timeout(120)
def test_events_go_over_a_broker_and_from_another_node_to_sap():
    """The third mechanism: event -> sink mqtt -> broker -> source mqtt of a node on the IT side -> sink sap-odata (simulated SAP)."""
    broker, s4 = Mosquitto(persist=True), S4(user="MES")
    machines = Machines(["1000123", "1000124"], 20)
    folder = temp_dir()
    site, state = os.path.join(folder, "site.yaml"), os.path.join(folder, "state")
    with open(site, "w", encoding="utf-8") as f:
        f.write(site_text(machines, f'  broker: {{ kind: mqtt, zone: it, broker: "127.0.0.1:{broker.port}", payload: tag, '
                          'topic: "acme/{site}/{flow}/confirmation", payload-template: "${value}" }\n', to="broker"))
    upper = Node(broker.port, 'sap: { kind: sap-odata, zone: it, tls: no, server: "127.0.0.1:%d", user: MES, password-file: %s, rate: 0, '
                 'settle: 1s, post: ["Hall/** -> production-confirmation"] }' % (s4.port, s4.password_file), to="sap")
    lower = start_penstock("run", site, "--state", state)
    lower.wait_line("event=ready", 20)
    wait_for(machines.watched, 20, "the machines to be read")
    machines.go()
    upper.kill("field")
    broker.stop()              # in good order: one that is killed forgets what it has promised to keep
    broker.start()
    upper.kill("office")
    try:
        wait_for(lambda: s4.totals()["documents"].get("ProdnOrdConf2", 0) >= 20, 60, "the documents")
    except AssertionError as problem:
        raise AssertionError(f"{problem}: {machines.made()} made; {s4.totals()}; {upper.cli('outbox', 'list').stdout} "
                             f"{penstock('ledger', '--state', state).stdout} {upper.cli('ledger').stdout}") from None
    time.sleep(1)
    totals = s4.totals()
    equal((totals["documents"], totals["duplicates"]), ({"ProdnOrdConf2": 20}, {}), "documents")
    for m in machines.all:
        booked = totals["orders"][str(m.order).zfill(12)]
        equal((float(booked["yield"]), float(booked["scrap"])), (float(m.good), float(m.bad)), f"what is booked for order {m.order}")


if __name__ == "__main__":
    main()
