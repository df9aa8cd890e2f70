#!/usr/bin/python3
"""Events through the whole chain: from registers over insight, its journal and the gate to a broker; and the handshake with a machine."""
import json
import os
import signal
import socket
import struct
import sys
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *

FILLER = "Packaging/Line 3/Filler/"
EVENTS = """
events:
  Packaging/Line 3/Filler/confirmation:
    type: operations-performance
    when: mod('good-count', 20) >= 10
    key: [unit, no]
    fields:
      yield: { count: good-count, required: yes }
      unit:  { value: PC }
      speed: { expr: mean(speed over 2s), unit: /h }
  Packaging/Line 3/Filler/minute:
    type: equipment-actual
    every: 1 s
    fields: { speed: { tag: speed, required: yes } }
"""
FLOW = """
  confirmations:
    what: [ "Packaging/**/confirmation", "Packaging/**/minute" ]
    to: [ plant-broker ]
    how: { every-sample: yes }
    why: orders are confirmed
    owner: production-it
"""

SPACE = uuid.UUID("5b0e2c9d-6174-4f3a-9c1e-d82740b5936a")
HANDSHAKE = """
site: {{ enterprise: Acme, name: Dresden }}
zones: {{ line: {{ level: 2 }}, dmz: {{ level: 3.5 }} }}
conduits: {{ up: {{ from: line, to: dmz }} }}
sources:
  plc: {{ driver: modbus-tcp, zone: line, endpoint: 127.0.0.1:{port}, unit: 1, writes: yes, timeout: 500 ms }}
sinks:
  broker: {{ kind: mqtt, zone: dmz, broker: 127.0.0.1:{broker}, tls: no }}
equipment:
  Line/Press:
    source: plc
    tags:
      request:     {{ at: coil 100, scan: 50 ms, writable: yes }}
      acknowledge: {{ at: coil 101, scan: 50 ms, writable: yes }}
      done:        {{ at: coil 102, scan: 50 ms }}
      number:      {{ at: holding 200 uint16, unit: "1", scan: 50 ms }}
      order:       {{ at: holding 202 uint32, scan: 50 ms }}
events:
  Line/Press/test:
    type: test-result
    request: request
    acknowledge: acknowledge
    timeout: 3 s
    key: [order, no]
    fields: {{ order: {{ tag: order, type: text, length: 12 }}, pieces: {{ count: number }} }}
  Line/Press/confirmation:
    type: operations-performance
    when: done
    key: [order, no]
    fields:
      order: {{ tag: order, range: [1, 99999999], required: yes }}
      pieces: {{ count: number }}
flows:
  events: {{ what: ["Line/Press/test", "Line/Press/confirmation"], to: broker, why: records, owner: production-it }}
requests:
  acknowledge: {{ what: Line/Press/acknowledge, from: [events, cli], why: handshake, owner: production-it, per-minute: 6000 }}
  machine: {{ what: [Line/Press/request], from: [cli], why: the test plays the machine, owner: the tests, per-minute: 6000 }}
"""


def with_events(text):
    return text.replace("flows:\n", EVENTS.strip("\n") + "\nflows:\n" + FLOW.strip("\n") + "\n", 1)


def samples(broker, name):
    """All samples of a tag, in the order of arrival; a repeated message counts once."""
    found = []
    for p in broker.publishes():
        for group in json.loads(p.payload)["groups"]:
            found += [s for s in group["samples"] if s["n"] == name]
    return found


def events(broker, name):
    """no -> event; one that came again must be the same."""
    found = {}
    for s in samples(broker, name):
        e = s["v"]
        assert found.setdefault(e["no"], e) == e, (found[e["no"]], e)
    return found


def whole(found):
    equal(sorted(found), list(range(1, len(found) + 1)), "the numbers")
    equal(len({e["key"] for e in found.values()}), len(found), "keys")
    equal(len({e["id"] for e in found.values()}), len(found), "ids")


def readings(broker, name):
    """Time -> value of the readings of a tag that crossed."""
    found = {}
    for p in broker.publishes():
        for group in json.loads(p.payload)["groups"]:
            found.update({group.get("source", group["arrival"]): s["v"] for s in group["samples"] if s["n"] == name and s["v"] is not None})
    return found


def counted_whole(broker, found):
    """What all events up to one say was made is what the counter went up by until the reading that this one names."""
    def read_at(e):
        return e["read"][FILLER + "good-count"][:26] + "Z"      # in microseconds, as the sink tells them
    newest = max(read_at(e) for e in found.values())
    wait_for(lambda: max(readings(broker, FILLER + "good-count")) >= newest, 20, "the readings that went into the events")
    read, total, began = readings(broker, FILLER + "good-count"), 0, {}
    for no, e in sorted(found.items()):
        total += e["fields"]["yield"]
        if read_at(e) in read:      # or it was lost when all were killed, before the gate had it
            began[no] = read[read_at(e)] - total
    assert len(began) >= len(found) - 2, (began, found)
    equal(set(began.values()), {began[min(began)]}, f"where counting began, by the number of each event: {began}")
    assert began[min(began)] in read.values(), (began, sorted(read.items())[:5])


def test_yields_add_up_though_every_process_is_killed():
    broker = RecordingBroker()
    defer(broker.stop)
    gateway = Gateway(broker.port, with_events, sim_options=("--skip", "3m"))
    wait_for(lambda: len(events(broker, FILLER + "confirmation")) >= 3, 40, "events")
    for name in ("insight", "gate", "office", "insight", "field:line-3", "gate", "insight"):
        before = len(events(broker, FILLER + "confirmation"))
        gateway.kill(name)
        wait_for(lambda: len(events(broker, FILLER + "confirmation")) > before + 1, 40, "events after " + name)
    # All at once: the gateway is killed, and what it read meanwhile is lost to it, but not to the counter.
    pids = gateway.pids()
    gateway.run.send_signal(signal.SIGKILL)
    for pid in pids.values():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_for(lambda: not any(alive(pid) for pid in pids.values()), 10, "all to be gone")
    before = len(events(broker, FILLER + "confirmation"))
    gateway.start()
    wait_for(lambda: len(events(broker, FILLER + "confirmation")) > before + 2, 40, "events after all")
    found = events(broker, FILLER + "confirmation")
    whole(found)
    whole(events(broker, FILLER + "minute"))
    equal([e["fault"] for e in found.values() if "fault" in e], [], "faults")
    listed = [json.loads(line) for line in gateway.cli("event", "list", "--json").stdout.splitlines()]
    equal(sorted(e["event"] for e in listed), [FILLER + "confirmation", FILLER + "minute"])
    # The machine's own counter is the witness: from the first reading on, nothing was left out and nothing counted twice.
    counted_whole(broker, found)
    gateway.stop()
    assert all(a["fields"]["unit"] == "PC" and a["units"]["speed"] == "/h" for a in found.values())


def test_a_dry_run_prints_the_record_that_would_leave():
    folder = temp_dir()
    site, data = os.path.join(folder, "site.yaml"), os.path.join(folder, "data.csv")
    with open(site, "w", encoding="utf-8") as f:
        f.write(HANDSHAKE.format(port=502, broker=1883))
    rows = [("number", 0, 10), ("order", 0, 1000123), ("done", 0, "false"), ("number", 5, 17), ("done", 6, "true"), ("done", 7, "false"),
            ("number", 8, 3), ("done", 9, "true"), ("order", 10, 0), ("done", 10, "false"), ("done", 11, "true")]
    with open(data, "w", encoding="utf-8") as f:
        f.write("tag,time,value,status\n")
        for tag, second, value in rows:
            f.write(f"Line/Press/{tag},2026-11-22T06:00:{second:02}Z,{value},Good\n")
    done = penstock("event", "try", "Line/Press/confirmation", "--site", site, "--csv", data)
    equal(done.returncode, 1, done.stderr)      # one has a fault
    got = [json.loads(line) for line in done.stdout.splitlines()]
    equal([e["fields"]["pieces"] for e in got], [7, 3, 0], "pieces, over a reset of the counter")
    equal([e["key"] for e in got], ["1000123/1", "1000123/2", "0/3"], "keys")
    equal(got[0]["id"], str(uuid.uuid5(SPACE, "Acme\0Dresden\0Line/Press/confirmation\0" + "1000123/1\0")), "the id by another program")
    assert "fault" not in got[0] and got[2]["fault"]["code"] == "range" and "order" in got[2]["fault"]["text"], got[2]
    equal(penstock("event", "try", "Line/Press/none", "--site", site, "--csv", data).returncode, 2, "an event that is not declared")


class Machine:
    """The program of a machine: another Modbus client of the same server, which raises its request and waits for the acknowledge."""

    def __init__(self, server):
        self.server = server
        self.socket = socket.create_connection(("127.0.0.1", server.port), 60)
        self.count = 200        # what register 200 holds at the start
        self.made = 0

    def ask(self, pdu):
        self.socket.sendall(struct.pack(">HHHB", 1, 0, len(pdu) + 1, 1) + pdu)
        head = self.read(7)
        return self.read(struct.unpack(">H", head[4:6])[0] - 1)

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            assert more, "the server has gone"
            data += more
        return data

    def coil(self, number, value=None):
        if value is None:
            return self.ask(struct.pack(">BHH", 1, number, 1))[2] & 1
        return self.ask(struct.pack(">BHH", 5, number, 0xFF00 if value else 0))

    def seen(self):
        """Waits until the gateway has read all that stands there now: registers and coils are a request each, two a scan."""
        before = self.server.stats()["reads"]
        wait_for(lambda: self.server.stats()["reads"] >= before + 6, 30, "two scans and more")

    def produce(self, pieces):
        self.count += pieces
        self.made += pieces
        self.ask(struct.pack(">BHH", 6, 200, self.count))

    def cycle(self, pieces, disturb=None):
        self.produce(pieces)
        self.seen()             # the machine has its data in place before it asks
        self.coil(100, True)
        if disturb:
            disturb()
        wait_for(lambda: self.coil(101) == 1, 30, "the acknowledge")
        self.coil(100, False)
        wait_for(lambda: self.coil(101) == 0, 30, "the acknowledge to be reset")


class Press:
    """A running penstock with the press, a libmodbus server that stands for its controller, and a broker."""

    def __init__(self, edit=lambda text: text):
        self.folder = temp_dir()
        self.state = os.path.join(self.folder, "state")
        self.log = os.path.join(self.folder, "writes")
        self.server = ModbusServer(log_writes=self.log)
        self.broker = RecordingBroker()
        defer(self.broker.stop)
        self.site = os.path.join(self.folder, "site.yaml")
        with open(self.site, "w", encoding="utf-8") as f:
            f.write(edit(HANDSHAKE.format(port=self.server.port, broker=self.broker.port)))
        self.machine = Machine(self.server)
        self.run = start_penstock("run", self.site, "--state", self.state)
        self.run.wait_line("event=ready", 20)
        self.run.wait_line("event=link_up", 20)
        self.machine.seen()

    kill = Gateway.kill
    processes = Gateway.processes
    status = Gateway.status
    cli = Gateway.cli


def test_a_handshake_makes_one_event_a_request_though_processes_die_in_it():
    press = Press()
    machine = press.machine
    cycles = 0
    for name in (None, "insight", None, "gate", "field:line", None, "insight", "office", "gate", None):
        for pieces in (3, 5):
            machine.cycle(pieces, (lambda: press.kill(name)) if name and pieces == 5 else None)
            cycles += 1
    wait_for(lambda: len(events(press.broker, "Line/Press/test")) >= cycles, 20, "the events at the broker")
    found = events(press.broker, "Line/Press/test")
    whole(found)
    equal(len(found), cycles, "events")
    equal(sum(e["fields"]["pieces"] for e in found.values()), machine.made, "pieces")
    audit = [json.loads(line) for line in press.cli("audit", "show", "--json", "--last", "10000").stdout.splitlines()]
    asked = [e for e in audit if e.get("kind") == "request"]
    assert len(asked) >= 2 * cycles and all('"events"' in json.dumps(e) and "Line/Press/acknowledge" in json.dumps(e) for e in asked), asked[:1]
    shown = press.cli("event", "show", "Line/Press/test", "--json")
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    equal(rows[0]["handshake"], "idle", shown.stdout)
    equal(press.run.stop(), 0, "exit status")


def test_a_machine_that_never_lowers_its_request_is_told():
    press = Press()
    press.machine.produce(4)
    press.machine.seen()
    press.machine.coil(100, True)
    wait_for(lambda: press.machine.coil(101) == 1, 20, "the acknowledge")
    press.run.wait_line("event=handshake_late.*does not lower its request", 20)
    equal(json.loads(press.cli("event", "list", "Line/Press/test", "--json").stdout)["handshake"], "acknowledged", "its state")
    press.machine.coil(100, False)
    wait_for(lambda: press.machine.coil(101) == 0, 20, "the acknowledge to be reset")
    equal(len(events(press.broker, "Line/Press/test")), 1, "events")


def test_an_order_is_entered_by_hand_and_stays_over_a_kill():
    def edit(text):
        text = text.replace("sinks:\n", "  desk: { driver: manual, zone: line }\nsinks:\n", 1)
        text = text.replace("order:       { at: holding 202 uint32, scan: 50 ms }", "order: { source: desk, at: order string, writable: yes }")
        text = text.replace("{ tag: order, range: [1, 99999999], required: yes }", "{ tag: order, required: yes }")
        return text + "  order: { what: Line/Press/order, from: [cli], why: the order that runs, owner: production-it }\n"

    press = Press(edit)

    def done():
        before = len(events(press.broker, "Line/Press/confirmation"))
        press.machine.coil(102, False)
        press.machine.seen()
        press.machine.coil(102, True)
        wait_for(lambda: len(events(press.broker, "Line/Press/confirmation")) > before, 20, "an event")
        return events(press.broker, "Line/Press/confirmation")[before + 1]

    wait_for(lambda: press.cli("read", "Line/Press/order").stdout.find("BadWaitingForInitialData") >= 0, 10, "a tag that waits")
    time.sleep(11)      # until then an event would wait for the first value
    first = done()
    equal((first["fields"]["order"], first["fault"]["code"], first["fault"]["field"]), (None, "required", "order"), first)
    answer = press.cli("request", "write", "Line/Press/order", "A/4711", "--wait", "--json", limit_s=30)
    equal(json.loads(answer.stdout.splitlines()[-1])["state"], "applied", answer.stdout)
    second = done()
    assert "fault" not in second and second["key"] == "A%2F4711/2", second
    press.kill("field:line")
    wait_for(lambda: "A/4711" in press.cli("read", "Line/Press/order").stdout, 10, "the order after a kill")
    third = done()
    equal(third["fields"]["order"], "A/4711", third)


main()
