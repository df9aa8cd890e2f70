"""A plant that confirms to the simulated S/4HANA: machines, a gateway, a network in between, the simulator. Imported by itself.

Everything is real but SAP and the machines: `penstock run` with its processes, TLS with a log-on, $batch if asked.
"""
import datetime
import json
import os
import signal
import uuid

from brokers import Certificates, Mosquitto
from cases import equal, wait_for
from outbox_db import OutboxDb
from procs import penstock, run, start_penstock, temp_dir
from proxy import Proxy
from s4 import S4

TAGS = """      request:  { at: coil 0, scan: 50ms }
      ack:      { at: coil 1, scan: 50ms, writable: yes }
      good:     { at: holding 0 uint32, unit: "1", scan: 50ms }
      bad:      { at: holding 2 uint16, unit: "1", scan: 50ms }
      portions: { at: holding 3 uint16, unit: "1", scan: 50ms }
      order:    { at: holding 4 uint32, scan: 50ms }
"""
FIELDS = """order: { tag: order, type: text, length: 12, required: yes }, operation: { value: "0010" },
      yield: { count: good }, scrap: { count: bad, modulo: 65536 }, unit: { value: PC }"""


def site_text(machines, sinks, to="sap", fields=FIELDS, extra=""):
    """Site file of machines.Machines: one event a portion, taken by sinks (lines of that section)."""
    sources = equipment = events = ""
    for m in machines.all:
        sources += f'  plc{m.number}: {{ driver: modbus-tcp, zone: line, endpoint: "127.0.0.1:{m.port}", unit: 1, writes: yes }}\n'
        equipment += f"  Hall/Machine {m.number}: {{ type: machine, source: plc{m.number} }}\n"
        when = "request: request, acknowledge: ack" if m.handshake else 'when: "changed(portions)"'
        events += f"  Hall/Machine {m.number}/confirmation: {{ type: operations-performance, {when}, key: [order, no], fields: {{\n      {fields} }} }}\n"
    return ("site: { enterprise: Acme, name: Campaign, time-zone: UTC }\nzones:\n  line: { level: 2 }\n  it: { level: 3.5 }\n"
            "conduits:\n  up: { from: line, to: it, initiator: from }\n"
            f"sources:\n{sources}sinks:\n{sinks}types:\n  machine:\n    tags:\n{TAGS}equipment:\n{equipment}events:\n{events}"
            'requests:\n  handshakes: { what: "Hall/**/ack", from: [events], per-minute: 60000, why: acknowledge of a report, owner: test }\n'
            f'flows:\n  confirmations: {{ what: "Hall/**/confirmation", to: {to}, how: {{ every-sample: yes }}, why: test, owner: test }}\n{extra}')


class Outbox(OutboxDb):
    """The outbox of sink sap below .state, and what the node says of itself."""

    def cli(self, *words, **options):
        return penstock(*words, "--state", self.state, **options)

    def ask(self, *words, limit_s=30):
        """A command with --json; {} while nobody answers."""
        done = self.cli(*words, "--json", limit_s=limit_s)
        try:
            return json.loads(done.stdout) if done.returncode in (0, 1) else {}
        except ValueError:
            return {}

    def processes(self):
        return {p["name"]: p for p in self.ask("status").get("processes", [])}

class SapPlant(Outbox):
    """machines: Machines. keys: further keys of the sink. The office reaches the simulator through .network, a Proxy."""

    def __init__(self, machines, keys="", s4_words=(), tls=True, fields=FIELDS, post="Hall/**/confirmation -> production-confirmation"):
        self.machines = machines
        self.s4 = S4(tls=Certificates() if tls else None, user="MES", words=s4_words)
        self.network = Proxy(self.s4.port)
        self.folder = temp_dir()
        self.state = os.path.join(self.folder, "state")
        self.site = os.path.join(self.folder, "site.yaml")
        trust = f"ca-file: {self.s4.tls.ca}, " if tls else "tls: no, "
        sink = (f'  sap: {{ kind: sap-odata, zone: it, server: "localhost:{self.network.port}", {trust}user: MES, '
                f'password-file: {self.s4.password_file}, client: "100", post: ["{post}"], {keys} }}\n')
        with open(self.site, "w", encoding="utf-8") as f:
            f.write(site_text(machines, sink, fields=fields))
        self.run = None

    def start(self):
        self.run = start_penstock("run", self.site, "--state", self.state)
        self.run.wait_line("event=ready", 20)

    def kill(self, name, wait=True):
        """A child, which its supervisor starts again."""
        before = wait_for(lambda: self.processes().get(name), 10, f"{name} to be seen")
        if "pid" not in before:
            return
        os.kill(before["pid"], signal.SIGKILL)
        if wait:
            wait_for(lambda: (p := self.processes().get(name)) and p["state"] == "up" and p["restarts"] > before["restarts"], 15, f"{name} again")


class EventNode(Outbox):
    """A node whose source is a broker and whose sink is a far end of OData: what is published as an event is posted.

    far: an S4, or another server with .address. keys: further ones of the sink. post: which mapping.
    """

    def __init__(self, far, keys="", post="production-confirmation"):
        logon = f"user: {far.user}, password-file: {far.password_file}, " if getattr(far, "user", None) else ""
        self.broker = Mosquitto()
        self.folder = temp_dir()
        self.state = os.path.join(self.folder, "state")
        self.site = os.path.join(self.folder, "site.yaml")
        with open(self.site, "w", encoding="utf-8") as f:
            f.write("site: { enterprise: Acme, name: Upper, time-zone: UTC }\nzones: { it: { level: 4 } }\n"
                    f'sources: {{ events: {{ driver: mqtt, zone: it, endpoint: "127.0.0.1:{self.broker.port}" }} }}\n'
                    f'sinks:\n  sap: {{ kind: sap-odata, zone: it, server: "{far.address}", tls: no, {logon}'
                    f'rate: 0, settle: 1 s, timeout: 5 s, follow-up: never, post: ["Hall/** -> {post}"], {keys} }}\n'
                    "equipment:\n  Hall/Events: { source: events, tags: { all: { at: events } } }\n"
                    "flows: { events: { what: Hall/Events/all, to: sap, how: { every-sample: yes }, why: test, owner: test } }\n")
        self.start()

    def start(self):
        self.run = start_penstock("run", self.site, "--state", self.state)
        self.run.wait_line("event=ready", 20)
        self.run.wait_line("event=link_up", 20)

    def change(self, old, new):
        """Another site file, which is in force after a restart or an apply."""
        with open(self.site, encoding="utf-8") as f:
            text = f.read()
        assert old in text, f"no {old} in {text}"
        with open(self.site, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))

    def restart(self):
        self.run.stop()
        self.start()

    def publish(self, payload):
        done = run("mosquitto_pub", "-h", "127.0.0.1", "-p", self.broker.port, "-q", "1", "-t", "events", "-s", stdin=payload)
        assert done.returncode == 0, done.stderr

    def send(self, event):
        self.publish(json.dumps(event))

    def ends(self, event, state, limit_s=20):
        """Waits until the event has come to rest, which must be in this state; returns its item."""
        def there():
            found = next((i for i in self.items() if i["id"] == event["id"]), None)
            return found if found and found["state"] not in ("ready", "sent") else None
        try:
            item = wait_for(there, limit_s, "the end of an event", every_s=0.1)
        except AssertionError as problem:
            raise AssertionError(f"{problem}: {event}; there are {[(i['id'], i['state'], i['text']) for i in self.items()]}") from None
        equal(item["state"], state, f"state of {event['fields']}: {item['code']} {item['text']}")
        return item

    def stop(self):
        self.run.stop()
        self.broker.stop()


def now_text():
    """Now, as events say it: the day of a posting is that of its event, and SAP books none in the future."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event(units=None, kind="operations-performance", plain=None, **fields):
    """An event as insight makes it. plain: its fields; not given: a confirmation of order 1000123, changed by fields (None: without it)."""
    body = {"order": "1000123", "operation": "0010", "yield": 5, "unit": "PC", **{n.replace("_", "-"): v for n, v in fields.items()}}
    ident = str(uuid.uuid4())
    return {"id": ident, "event": "Hall/Machine/confirmation", "type": kind, "key": ident, "no": 1, "time": now_text(),
            "fields": plain or {n: v for n, v in body.items() if v is not None}, "units": units or {}, "from": {}}


__all__ = ["EventNode", "Outbox", "event", "FIELDS", "SapPlant", "site_text"]
