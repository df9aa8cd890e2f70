#!/usr/bin/python3
"""The way back over OPC UA, whole: writes with readback, calls, acknowledgements from the command line; a SCADA client's write through our own server."""
import json
import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from ua_peers import *

NODE = f"nsu={PLANT_URI};s="
BY = "why: a test, owner: the tests"
HEAD = """site: { enterprise: Acme, name: Dresden, country: DE }
zones: { line: { level: 2, sl-t: 1 }, plant-it: { level: 3.5, sl-t: 1 } }
conduits: { up: { from: line, to: plant-it, initiator: from, requests: yes } }
"""
TAGS = f"""equipment:
  Line/Press:
    source: plc
    tags:
      setpoint: {{ at: "{NODE}w.clamp", type: float64, unit: Cel, range: [-1000, 1000], scan: 100 ms, writable: yes }}
      other:    {{ at: "{NODE}v1", type: float64, scan: 100 ms, writable: yes }}
      fixed:    {{ at: "{NODE}v2", type: float64, scan: 100 ms }}
      count:    {{ at: "{NODE}t.Int32", type: float64, scan: 100 ms, writable: yes }}
      ignores:  {{ at: "{NODE}w.ignore", type: float64, scan: 100 ms, writable: yes }}
      refuses:  {{ at: "{NODE}w.refuse", type: float64, scan: 100 ms, writable: yes }}
      readonly: {{ at: "{NODE}w.readonly", type: float64, scan: 100 ms, writable: yes }}
"""
ADD, FAIL = f"{NODE}Machine -> {NODE}Add", f"{NODE}Machine -> {NODE}Fail"
ASKED = f"""requests:
  sp:   {{ what: Line/Press/setpoint, from: cli, limits: [0, 100], {BY} }}
  rest: {{ what: [Line/Press/count, Line/Press/ignores, Line/Press/refuses, Line/Press/readonly], from: cli, limits: [-1000, 1000], {BY} }}
  add:  {{ kind: call, source: plc, method: "{ADD}", arguments: ["0..10", "-5..5"], from: cli, {BY} }}
  fail: {{ kind: call, source: plc, method: "{FAIL}", from: cli, {BY} }}
"""


class Plant:
    """A running penstock and the server that it writes to. more: sinks and flows."""

    def __init__(self, server, requests, tags=TAGS, more="", folder=None):
        self.server = server
        self.folder = folder or temp_dir()
        self.state = os.path.join(self.folder, "state")
        self.site = os.path.join(self.folder, "site.yaml")
        self.text = (HEAD + f'sources:\n  plc: {{ driver: opcua, zone: line, endpoint: "{server.url}", security: none, writes: yes, calls: yes,\n'
                     "         timeout: 3 s, retry-max: 1 s }\n" + tags + more)
        self.write(requests)
        self.run = start_penstock("run", self.site, "--state", self.state)
        self.run.wait_line("event=ready", 20)
        self.run.wait_line("event=link_up", 20)

    def write(self, requests):
        with open(self.site, "w", encoding="utf-8") as f:
            f.write(self.text + requests)

    def cli(self, *words):
        return penstock(*words, "--state", self.state, limit_s=40)

    def request(self, *words):
        """The last answer of `penstock request ... --wait`."""
        done = self.cli("request", *words, "--wait", "--json")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return lines[-1] if lines else {"state": "nothing", "why": done.stderr}

    def set(self, tag, value, *words):
        return self.request("write", f"Line/Press/{tag}", str(value), *words)

    def good(self, *tags):
        """Waits until each has a value."""
        for tag in tags:
            wait_for(lambda: json.loads(self.cli("why", f"Line/Press/{tag}", "--json").stdout)["status"] == "Good", 15, f"a value of {tag}")

    def now(self, tag):
        return json.loads(self.cli("read", f"Line/Press/{tag}", "--json").stdout.splitlines()[-1])["value"]

    def audit(self):
        return [json.loads(line) for line in self.cli("audit", "show", "--json").stdout.splitlines()]

    def outcomes(self):
        return [e["entry"] for e in self.audit() if e["kind"] == "outcome"]

    def whole(self):
        done = self.cli("audit", "verify", "--json")
        equal((done.returncode, json.loads(done.stdout)["findings"]), (0, []), "the audit log")


def scalar(server, node):
    """The value that the server itself says it has."""
    got = server.get(node)
    return got["value"] if "value" in got else got["Value"]["Body"]


def written(server, node="w.clamp"):
    """The values that clients wrote, as the server tells it."""
    return [w["value"]["Body"] if isinstance(w["value"], dict) else w["value"] for w in server.writes(node)]


def check_writes(p):
    server = p.server
    p.good("setpoint", "count", "ignores", "refuses", "readonly")
    a = p.set("setpoint", 42.5)
    equal((a["state"], a.get("readback")), ("applied", 42.5), a)
    equal(written(server), [42.5], "writes at the server")
    a = p.set("ignores", 7)         # the server says Good, and does nothing
    equal((a["state"], a.get("readback")), ("unknown", 1), a)
    for tag, value, reason, word in (("setpoint", 100.5, "limit", "100"), ("setpoint", "warm", "type", "float64"), ("other", 5, "no-entry", ""),
                                     ("fixed", 5, "no-entry", ""), ("count", 1.5, "device", "fit"), ("refuses", 5, "device", "BadUserAccessDenied"),
                                     ("readonly", 5, "device", "")):
        a = p.set(tag, value)
        equal((a["state"], a.get("reason")), ("refused", reason), f"{tag} {value}: {a}")
        assert word in a["why"] and a["why"] != "", a
    equal(len(server.writes("w.clamp")), 1, "writes at the server")
    equal(scalar(server, "t.Int32"), -320000, "what was not written")
    sixty = p.cli("request", "write", "Line/Press/setpoint", "60", "--wait")
    equal(sixty.returncode, 0, sixty.stdout + sixty.stderr)
    assert "applied" in sixty.stdout and "read back" in sixty.stdout, sixty.stdout
    p.whole()


def check_calls(p):
    a = p.request("call", "plc", ADD, "2.5", "-4")
    equal((a["state"], a.get("results")), ("applied", [-1.5]), a)
    shown = p.cli("request", "show", str(a["id"]))
    assert "results" in shown.stdout and "-1.5" in shown.stdout, shown.stdout
    b = p.request("call", "plc", FAIL)
    equal((b["state"], b["reason"]), ("refused", "device"), b)
    assert "BadInvalidState" in b["why"], b
    equal(p.request("call", "plc", ADD, "2.5", "-6")["reason"], "arguments", "an argument that the entry does not admit")
    equal(p.request("call", "plc", f"{NODE}Machine -> {NODE}Other")["reason"], "no-entry", "a method that no entry admits")
    p.whole()


def below(client, node, name):
    """The node of that browse name below a node, as the server says."""
    return next(r["node"] for r in client.ask("browse", node)["references"] if r["name"].split(":")[-1] == name)


def check_acknowledgement(p):
    server = p.server
    operator = UaClient(server.url, namespace=PLANT_URI)
    acked = below(operator, below(operator, below(operator, "Tank", "LevelAlarm"), "AckedState"), "Id")
    tail = start_tail("Line/Press/alarms", p.state)
    wait_for(lambda: server.stats()["items"] >= 8, 15, "all items")
    server.set("Tank.level", 92)
    wait_for(lambda: any('"ActiveState":true' in line and '"AckedState":false' in line for line in list(tail.out)), 15, "the alarm")
    equal(operator.value(acked), False, "AckedState before")
    a = p.request("ack", "Line/Press/alarms", "", "--note", "seen by the tests")
    equal(a["state"], "applied", a)
    equal(operator.value(acked), True, "AckedState at the server")
    equal([e["comment"] for e in server.events("acknowledged")], ["seen by the tests"], "the server's own word")
    p.whole()


def test_writes_and_calls_of_open62541():
    p = Plant(UaServer(variables=10), ASKED)
    check_writes(p)
    check_calls(p)


def test_writes_calls_and_acknowledgements_of_node_opcua():
    p = Plant(UaNodeServer(variables=10), ASKED + f"  ack: {{ kind: ack, what: Line/Press/alarms, from: cli, {BY} }}\n",
              TAGS + f'      alarms:   {{ at: "events of {NODE}Tank" }}\n')
    check_writes(p)
    check_calls(p)
    check_acknowledgement(p)


def test_what_was_not_written_in_its_time_is_never_written():
    server = UaServer(variables=10)
    p = Plant(server, ASKED)
    p.good("setpoint")
    # It hangs: its kernel still takes all that we send, and it reads it when it goes on.
    pid = server.proc.proc.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        a = p.set("setpoint", 11, "--ttl", "1s")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert a["state"] in ("expired", "unknown"), a
    server.ask("stats")             # it goes on
    # Whatever came before this one has been answered when this one is: a channel keeps the order.
    wait_for(lambda: p.set("setpoint", 12)["state"] == "applied", 15, "a write to the server that goes on", every_s=0.3)
    equal(written(server), [12], "writes of the server that hung")
    # It is gone, first unnoticed maybe, and comes back.
    server.stop()
    a = p.set("setpoint", 13, "--ttl", "1s")
    assert a["state"] in ("expired", "unknown", "refused"), a
    b = p.set("setpoint", 14, "--ttl", "1s")
    equal(b["state"] in ("expired", "refused"), True, b)
    server.restart()
    wait_for(lambda: p.set("setpoint", 15)["state"] == "applied", 20, "a write to the server that is back", every_s=0.3)
    equal(written(server), [15], "writes of the server that is back")
    p.whole()


class Chain(Plant):
    """A device, penstock, and SCADA clients of penstock's own server: scada may look, maria may operate."""

    def __init__(self, requests):
        folder = temp_dir()
        self.port = free_port()
        self.url = f"opc.tcp://127.0.0.1:{self.port}"
        passwords = os.path.join(folder, "opcua.passwd")
        for name in ("scada", "maria"):
            equal(penstock("passwd", passwords, name, stdin=f"secret-of-{name}\n").returncode, 0, "passwd")
        self.cert = UaPki().application("scada-client", "urn:test:scada")
        super().__init__(UaServer(variables=10), requests, more=(
            f'sinks:\n  ua: {{ kind: opcua-server, zone: plant-it, listen: "127.0.0.1:{self.port}", users: [scada view, maria operate],\n'
            f'        password-file: "{passwords}" }}\n'
            "flows:\n  all: { what: Line/Press/*, to: ua, how: { every-sample: yes }, why: SCADA, owner: the tests }\n"), folder=folder)
        self.run.wait_line("event=opcua_server_up", 30)
        trusted = os.path.join(self.state, "pki/it/trusted/certs")
        wait_for(lambda: os.path.isdir(trusted), 20, "the list of trusted certificates")
        shutil.copy(self.cert.der, trusted)

    def client(self, user):
        c = UaClient(self.url, cert=self.cert, policy="Basic256Sha256", user=f"{user}:secret-of-{user}", namespace="urn:penstock:Acme:Dresden")
        equal(c.refused, None, f"the log-in of {user}")
        wait_for(lambda: c.read("Line/Press/setpoint")[0]["status"] == 0, 15, "a value at our server")
        return c


ENTRY = "requests:\n  sp: {{ what: Line/Press/setpoint, from: [ua], role: operate, limits: [0, 100], {by} }}\n".format(by=BY)
ACCESS_DENIED, NOT_WRITABLE, ASYNCHRONOUS = 0x801F0000, 0x803B0000, 0x002E0000


def test_a_write_at_our_server_goes_through_the_gate_to_the_device():
    c = Chain(ENTRY)
    maria, scada = c.client("maria"), c.client("scada")
    equal(scada.write("Line/Press/setpoint", "Double", 50), ACCESS_DENIED, "who may only look")
    equal(maria.write("Line/Press/other", "Double", 50), NOT_WRITABLE, "a tag without an entry")
    equal(c.server.writes(), [], "writes at the device")
    equal(maria.write("Line/Press/setpoint", "Double", 43.25), ASYNCHRONOUS, "an admitted write")
    wait_for(lambda: scalar(c.server, "w.clamp") == 43.25, 10, "the device has it")
    wait_for(lambda: scada.value("Line/Press/setpoint") == 43.25, 10, "and shows it to everybody")
    wait_for(lambda: c.outcomes(), 10, "an outcome")
    equal(maria.write("Line/Press/setpoint", "Double", 100.5), ASYNCHRONOUS, "one that the gate refuses")
    wait_for(lambda: len(c.outcomes()) == 2, 10, "a second outcome")
    # The entry goes, and the gate judges by the plan in force, whatever the server still shows.
    c.write("")
    done = c.cli("apply", c.site)
    equal(done.returncode, 0, done.stdout + done.stderr)
    if maria.write("Line/Press/setpoint", "Double", 44) == ASYNCHRONOUS:
        equal(wait_for(lambda: c.outcomes()[2:], 10, "a third outcome")[0]["reason"], "no-entry", "without the entry")
    equal(written(c.server, None), [43.25], "writes at the device")
    asked = [e["entry"] for e in c.audit() if e["kind"] == "request"]
    equal({(e["from"], e["user"]) for e in asked}, {("ua", "maria")}, f"who asked: {asked}")
    equal([(e["state"], e.get("reason")) for e in c.outcomes()][:2], [("applied", None), ("refused", "limit")], "outcomes")
    shown = c.cli("audit", "show").stdout
    assert "maria" in shown and "scada" not in shown, shown
    c.whole()


def test_without_an_entry_nothing_is_written_through_our_server():
    c = Chain("")
    maria = c.client("maria")
    equal(maria.write("Line/Press/setpoint", "Double", 50), NOT_WRITABLE, "the write")
    equal(c.server.writes(), [], "writes at the device")
    c.whole()


if __name__ == "__main__":
    main()
