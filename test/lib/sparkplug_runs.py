"""Recorded sessions of the sparkplug sink against a recording broker. Each is made once a program, by the first test that asks for it.

    run = five()            # MQTT 5, devices by source: births, rebirths, commands, a dead device, a cut, a stop, a restart
    run = three()           # MQTT 3.1.1, all tags metrics of the node, values on change
    run = hosts()           # a primary host at two brokers
    run = waiting()         # a primary host at one broker, devices by equipment

run.messages(): every Sparkplug message of the client as Message, in order. run.sessions(): the same, one Session a CONNECT.
"""
import functools
import json
import os
import time

import sparkplug_wire as wire
from cases import defer
from recorder import RecordingBroker
from site_runs import Gateway

TYPES = ("NBIRTH", "DBIRTH", "NDATA", "DDATA", "NDEATH", "DDEATH")


class Message:
    """A Sparkplug message as it was published."""

    def __init__(self, packet):
        self.packet, self.topic, self.number, self.at = packet, packet.topic, packet.number, packet.at
        parts = packet.topic.split("/")
        self.namespace, self.group, self.type, self.node = parts[:4]
        self.device = parts[4] if len(parts) == 5 else None
        self.parts = len(parts)
        self.payload = wire.decode(packet.payload)
        self.metrics, self.seq, self.timestamp = self.payload.metrics, self.payload.seq, self.payload.timestamp


class Session:
    """One MQTT connection of the edge node."""

    def __init__(self, run, conn):
        self.conn = conn
        self.connect = conn.connect
        self.packets = [p for p in run.packets if p.conn is conn and not p.sent and p.name != "GARBAGE"]
        self.publishes = [p for p in self.packets if p.name == "PUBLISH"]
        self.messages = [Message(p) for p in self.publishes if p.topic.startswith("spBv1.0/")]
        self.will = wire.decode(conn.connect.will["payload"]) if conn.connect.will else None
        self.filters = [f for p in self.packets if p.name == "SUBSCRIBE" for f in p.filters]
        self.disconnect = next((p for p in self.packets if p.name == "DISCONNECT"), None)

    def of(self, *types):
        return [m for m in self.messages if m.type in types]

    def known(self):
        """(message, metric, what the births before it said under its alias), of all data and births but the node's own metrics."""
        births = {}
        for m in self.of("NBIRTH", "DBIRTH", "NDATA", "DDATA"):
            if m.type == "NBIRTH":
                births = {}
            for x in m.metrics:
                if x.alias is not None and m.type in ("NBIRTH", "DBIRTH"):
                    births[x.alias] = x
                if x.alias is not None:
                    yield m, x, births[x.alias]

    def data(self, ending):
        """(message, metric) of data of tags whose name ends so."""
        return [(m, x) for m, x, b in self.known() if m.type in ("NDATA", "DDATA") and b.name.endswith(ending)]


class Run:
    def __init__(self):
        self.brokers, self.packets, self.violations, self.marks = [], [], [], {}
        self.spooled = []           # the samples of flow line-state, as `penstock spool dump` has them
        self.began_ms = int(time.time() * 1000)
        self.said = ""

    def broker(self):
        broker = RecordingBroker()
        defer(broker.stop)
        self.brokers.append(broker)
        return broker

    def end(self, gateway):
        """Everything stops: what was recorded is all there is."""
        gateway.stop()
        self.said += "\n".join(gateway.run.err)
        time.sleep(0.2)
        for broker in self.brokers:
            self.violations += broker.violations
        self.packets = sorted((p for b in self.brokers for p in b.packets), key=lambda p: p.at)
        self.ended_ms = int(time.time() * 1000)

    @functools.lru_cache
    def sessions(self):
        conns = list(dict.fromkeys(p.conn for p in self.packets if p.name == "CONNECT"))
        return [Session(self, c) for c in conns]

    @functools.lru_cache
    def messages(self, *types):
        return [m for s in self.sessions() for m in s.messages if not types or m.type in types]


def edited(keys, *changes):
    """The demo's site with a sparkplug sink; changes: (old, new) texts."""
    def edit(text):
        text = text.replace("kind: mqtt,", f"kind: sparkplug, {keys},")
        assert "sparkplug" in text, text
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        return text
    return edit


def write_state(broker, host, online, timestamp, retain=False):
    broker.publish(f"spBv1.0/STATE/{host}", json.dumps({"online": online, "timestamp": timestamp}), 1, retain)


def once(make):
    """What it made is kept for all tests; what went wrong is said to each."""
    kept = []

    def get():
        if not kept:
            kept.append(None)
            kept[0] = make()
        assert kept[0] is not None, "the session could not be recorded, see the first test that failed"
        return kept[0]
    get.__name__ = make.__name__
    return get


RUNNING = ("--skip", "3m")      # of the simulated line: all machines turn
MORE_TAGS = ("      guard-closed:", "      broken: { at: holding 60000 uint16, scan: 1s }\n      guard-closed:")
MORE_FLOWS = ("  condition:\n", """  texts:
    what: [ "Packaging/**/batch", "Packaging/**/broken" ]
    to: [ plant-broker ]
    how: { on-change: any }
    why: to have a text and a bad value in the test
    owner: test

  condition:
""")


@once
def five():
    run = Run()
    broker = run.broker()
    keys = 'group: "Plant A", node: edge-5, rebirth-pause: 1 s'
    gateway = Gateway(broker.port, edited(keys, MORE_TAGS, MORE_FLOWS), RUNNING)
    ncmd, dcmd = "spBv1.0/Plant A/NCMD/edge-5", "spBv1.0/Plant A/DCMD/edge-5/filler-plc"
    devices = ("filler-plc", "capper-plc", "labeller-plc", "packer-plc")

    def births(since):
        for device in devices:
            broker.wait_publish(f"spBv1.0/+/DBIRTH/+/{device}", 20, since)

    births(0)
    for device in devices:
        broker.wait_publish(f"spBv1.0/+/DDATA/+/{device}", 20)
    time.sleep(2)                       # every tag has had a value, and the pause between births is over
    now = int(time.time() * 1000)

    run.marks["rebirth"] = broker.mark()
    broker.publish(ncmd, wire.rebirth_request(now))
    births(run.marks["rebirth"])
    run.marks["born again"] = broker.mark()
    for _ in range(5):
        broker.publish(ncmd, wire.rebirth_request(now))
    run.marks["asked often"] = broker.mark()
    broker.wait_publish("spBv1.0/+/NBIRTH/+", 10, run.marks["asked often"])
    births(run.marks["asked often"])
    time.sleep(1.5)
    run.marks["commands"] = broker.mark()
    broker.publish(ncmd, wire.encode_command(now, ("Node Control/Reboot", 11, True)))
    broker.publish(dcmd, wire.encode_command(now, ("Packaging/Line 3/Filler/speed", 3, 5)))
    broker.publish(ncmd, b"\xff\xff\xff")
    broker.wait(lambda: len(broker.publishes("spBv1.0/#", run.marks["asked often"])) > 280, 60, "more than 256 messages")

    run.marks["silence"] = broker.mark()
    gateway.sim.ask("fault filler silence")
    broker.wait_publish("spBv1.0/+/DDEATH/+/filler-plc", 30, run.marks["silence"])
    run.marks["dead"] = broker.mark()
    gateway.sim.ask("clear filler")
    broker.wait_publish("spBv1.0/+/DBIRTH/+/filler-plc", 30, run.marks["dead"])
    broker.wait_publish("spBv1.0/+/DDATA/+/filler-plc", 30, run.marks["dead"])

    broker.shut()
    run.marks["cut"] = broker.mark()
    broker.drop(reset=True)
    time.sleep(1.5)
    broker.open()
    births(run.marks["cut"])
    run.marks["back"] = broker.mark()
    broker.wait_publish("spBv1.0/+/DDATA/+/filler-plc", 20, run.marks["back"], 20)
    gateway.stop()
    run.said += "\n".join(gateway.run.err)
    run.marks["restart"] = broker.mark()
    gateway.start()
    births(run.marks["restart"])
    broker.wait_publish("penstock/#", 20, run.marks["restart"], 3)
    run.end(gateway)
    spool = os.path.join(gateway.state, "spool")
    stream = next(s for s in os.listdir(spool) if s.startswith("line-state@"))
    dumped = gateway.cli("spool", "dump", stream, "--json", limit_s=60)
    run.spooled = [json.loads(line) for line in dumped.stdout.splitlines() if line.startswith("{")]
    return run


@once
def three():
    run = Run()
    broker = run.broker()
    keys = 'version: "3.1.1", devices: node, group: "Plant A", node: edge-3'
    gateway = Gateway(broker.port, edited(keys, MORE_TAGS, MORE_FLOWS, ("{ every-sample: yes }", "{ on-change: any }"),
                                          ("{ on-change: 0.5 %, at-least-every: 10 s }", "{ on-change: any }")), RUNNING)
    broker.wait_publish("spBv1.0/+/NDATA/+", 20, count=40)
    time.sleep(1)
    run.end(gateway)
    return run


@once
def hosts():
    run = Run()
    one, two = run.broker(), run.broker()
    run.one, run.two = one, two
    gateway = Gateway(one.port, edited(f'primary-host: scada, fallback-brokers: "127.0.0.1:{two.port}", group: G, node: edge-h'))
    one.wait_packet("SUBSCRIBE", 20, count=3)
    write_state(two, "scada", False, 5, retain=True)
    time.sleep(0.7)
    run.marks["nobody"] = one.mark()
    write_state(one, "other", True, 50)
    time.sleep(0.5)
    run.marks["other"] = one.mark()
    write_state(one, "scada", True, 1000)
    one.wait_publish("spBv1.0/+/DDATA/#", 20, run.marks["other"], 5)
    run.marks["online"] = one.mark()
    write_state(one, "scada", False, 999)
    one.wait_publish("spBv1.0/+/DDATA/#", 20, run.marks["online"], 20)
    run.marks["offline"] = one.mark()
    write_state(one, "scada", False, 1000)
    two.wait_packet("CONNECT", 20)
    one.wait_packet("CONNECT", 20, run.marks["offline"])    # the second broker says offline too: back to the first
    one.wait_packet("SUBSCRIBE", 20, run.marks["offline"], 3)
    time.sleep(0.3)
    run.marks["again"] = one.mark()
    write_state(one, "scada", True, 2000)
    one.wait_publish("spBv1.0/+/DDATA/#", 20, run.marks["again"], 20)
    run.end(gateway)
    return run


@once
def waiting():
    run = Run()
    broker = run.broker()
    gateway = Gateway(broker.port, edited("primary-host: scada, devices: equipment, group: G, node: edge-w"))
    broker.wait_packet("SUBSCRIBE", 20, count=3)
    for name, state in (("offline", (False, 100)), ("older", (True, 99))):
        write_state(broker, "scada", *state)
        time.sleep(0.5)
        run.marks[name] = broker.mark()
    for garbage in (b"", b"ONLINE", b"{}", b'{"online":"yes","timestamp":200}', b"\xff" * 5000):
        broker.publish("spBv1.0/STATE/scada", garbage, 1)
    time.sleep(0.5)
    run.marks["garbage"] = broker.mark()
    write_state(broker, "scada", True, 100)
    broker.wait_publish("spBv1.0/+/DDATA/#", 20, run.marks["garbage"], 5)
    run.end(gateway)
    return run


__all__ = ["Message", "Run", "Session", "TYPES", "edited", "five", "hosts", "three", "waiting", "write_state"]
