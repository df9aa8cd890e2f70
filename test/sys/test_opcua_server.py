#!/usr/bin/python3
"""The opcua-server sink through the whole chain, looked at by node-opcua's client."""
import glob
import os
import shutil
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from ua_peers import POLICIES, UaClient, UaLogins, UaPki

FAST = ("--seed", "3", "--skip", "2m", "--scale", "10")
SPACE = "urn:penstock:Acme-Beverages:Dresden"
SPEED = "Packaging/Line-3/Filler/speed"
STATE = "Packaging/Line-3/Filler/state"
SETPOINT = "Packaging/Line-3/Filler/speed-setpoint"


class Server:
    """The demo with an OPC UA server as a sink beside the local history."""

    def __init__(self, security="", users=True, writes=False):
        self.writes = writes
        self.port = free_port()
        self.url = f"opc.tcp://127.0.0.1:{self.port}"
        self.folder = temp_dir()
        self.passwords = os.path.join(self.folder, "opcua.passwd")
        self.set_password("scada", "geheim-123")
        self.set_password("maria", "geheim-456")
        self.pki = UaPki()
        self.client = self.pki.application("scada-client", "urn:test:scada") if hasattr(self.pki, "application") else None
        who = f'users: [ scada view, maria operate ], password-file: "{self.passwords}"' if users else "anonymous: yes"
        self.sink = f'  plant: {{ kind: opcua-server, zone: plant-it, listen: "127.0.0.1:{self.port}", {who}{security} }}\n'
        self.g = Gateway(free_port(), edit=self.edit, sim_options=FAST, folder=self.folder)
        wait_for(lambda: self.g.objects("sink")["plant"]["connected"], 20, "the server listens")

    def edit(self, text):
        lines = [line for line in text.replace("Line 3", "Line-3").splitlines() if "plant-broker:" not in line]
        text = "\n".join(lines).replace("[ plant-broker, local-history ]", "[ local-history, plant ]") + "\n"
        if self.writes:
            text = text.replace("scan: 1s, range: [0, 1200] }", "scan: 1s, range: [0, 1200], writable: yes }", 1)
            text = text.replace("initiator: from,", "initiator: from, requests: yes,", 1).replace('"Packaging/**/state"', f'"{SETPOINT}", "Packaging/**/state"')
            text = text.replace("unit: 1 }", "unit: 1, writes: yes }")
            text += (f'requests:\n  setpoint: {{ what: "{SETPOINT}", from: plant, role: operate, limits: [0, 900], why: speed of the filler,'
                     " owner: production }\n")
        return text.replace("sinks:\n", "sinks:\n" + self.sink, 1)

    def set_password(self, name, password):
        done = penstock("passwd", self.passwords, name, stdin=password + "\n")
        equal(done.returncode, 0, done.stderr)

    def trust(self, cert):
        folder = os.path.join(self.g.state, "pki/it/trusted/certs")
        shutil.copy(cert.der, folder)

    def connect(self, **options):
        c = UaClient(self.url, **{"cert": self.client, "policy": "Basic256Sha256", "user": "scada:geheim-123", "namespace": SPACE, **options})
        equal(c.refused, None, "the log-in")
        defer(c.stop)
        return c


def test_who_may_come_in():
    s = Server()
    logins = UaLogins()
    args = {"cert": s.client, "policy": "Basic256Sha256", "user": "scada:geheim-123"}
    why = logins.refused(s.url, **args)
    assert why is not None, "a certificate that nobody trusts was let in"
    line = s.g.run.wait_line("event=opcua_client_refused.*", 10).group(0)
    assert "status=BadCertificateUntrusted" in line and "scada-client" in line and "trusted" in line, line
    wait_for(lambda: glob.glob(os.path.join(s.g.state, "pki/it/rejected/*.der")), 5, "it is kept for review")
    s.trust(s.client)
    for policy in POLICIES:
        for mode in ("Sign", "SignAndEncrypt"):
            equal(logins.refused(s.url, **{**args, "policy": policy, "mode": mode}), None, f"{policy} {mode}")
    # Whom a trusted CA has signed needs that CA's revocation list.
    authority = s.pki.authority()
    signed = {**args, "cert": s.pki.application("signed-client", "urn:test:signed", signer=authority)}
    s.trust(authority)
    assert logins.refused(s.url, **signed) is not None, "a certificate was let in of which nobody knows whether it is revoked"
    s.g.run.wait_line("event=opcua_client_refused status=BadCertificateRevocationUnknown", 10)
    shutil.copy(s.pki.crl(authority), os.path.join(s.g.state, "pki/it/trusted/crl"))
    equal(logins.refused(s.url, **signed), None, "with the list")
    for what, change in {"no security": {"policy": "None", "cert": None}, "no user": {"user": None}, "a wrong password": {"user": "scada:geheim-124"},
                         "an unknown user": {"user": "eve:geheim-123"}}.items():
        assert logins.refused(s.url, **{**args, **change}) is not None, f"{what} was let in"
    s.g.run.wait_line('event=opcua_login_refused.*user="scada" why="wrong password"', 10)
    # Guessing closes the name for those who do not know the password, not for those who do.
    for _ in range(4):
        logins.refused(s.url, **{**args, "user": "scada:geheim-124"})
    s.g.run.wait_line("event=opcua_login_refused.*too many wrong passwords", 10)
    equal(logins.refused(s.url, **args), None, "the right password meanwhile")


def test_the_plant_is_seen_with_types_units_and_states():
    s = Server()
    s.trust(s.client)
    c = s.connect()
    names = {r["name"].split(":")[-1] for r in c.ask("browse", "Packaging/Line-3/")["references"]}
    equal(names, {"Filler", "Capper", "Labeller", "Packer"}, "machines")
    below = {r["name"].split(":")[-1]: r for r in c.ask("browse", "Packaging/Line-3/Filler/")["references"]}
    assert below["speed"]["node"].endswith(";s=" + SPEED), below["speed"]
    equal(below["speed"]["type"], "ns=0;i=2368", "AnalogItemType")
    equal(below["state"]["type"], "ns=0;i=11238", "MultiStateValueDiscreteType")
    wait_for(lambda: c.read(SPEED)[0]["status"] == 0, 15, "a value")
    speed = c.read(SPEED)[0]
    equal(speed["type"], "Float", "type of the speed")
    wait_for(lambda: c.read(STATE)[0]["status"] == 0, 15, "a state")
    text = c.read(STATE + "//ValueAsText")[0]
    equal(text["type"], "LocalizedText", "ValueAsText")
    unit = c.read(SPEED + "//EngineeringUnits")[0]["value"]
    assert "4405556" in str(unit) or "C94" in str(unit), unit     # reciprocal minute
    refused = c.write(SPEED, "Float", 1)
    assert refused >> 31 == 1, f"writing gave {refused:#x}"


def test_what_arrives_is_what_was_admitted_and_what_the_history_has():
    s = Server(users=False, security=", security: none")
    c = UaClient(s.url, namespace=SPACE)
    defer(c.stop)
    wait_for(lambda: c.read(SPEED)[0]["status"] == 0, 15, "a value")
    began = time.time()
    equal(c.ask("watch", 1000, 1000, SPEED)["refused"], 0, "refused items")
    time.sleep(4)
    got = c.ask("counts")
    last = c.ask("last", SPEED)["value"]
    s.g.sim.ask("pause")
    time.sleep(2)
    values = c.ask("history", SPEED, int(began * 1000) - 60000, int(time.time() * 1000) + 60000)["values"]
    assert len(values) > 20, len(values)
    assert any(v["source"] == last["source"] and v["value"] == last["value"] for v in values), (last, values[-3:])
    newest = c.ask("counts")
    assert newest["values"] >= got["values"] > 20, (got, newest)
    equal(newest["overflow"], 0, "overflows")
    # From the last value that stood there when the watch began, each sample of the history was notified.
    equal(newest["values"], sum(1 for v in values if v["source"] >= first_of(c, values, newest["values"])), "notifications")
    done = c.ask("processed", SPEED, int(began * 1000) - 60000, int(time.time() * 1000), 10000, "Count")["values"]
    assert sum(v["value"] or 0 for v in done) > 20, done


def first_of(_c, values, n):
    """The source time of the n-th value from the end."""
    return values[-n]["source"]


def text_of(s):
    return struct.pack("<i", -1) if s is None else struct.pack("<i", len(s)) + s


def request_header():
    return b"\0\0" + struct.pack("<qIIiI", 0, 1, 0, -1, 10000) + b"\0\0\0"


class RawChannel:
    """A channel without security by hand (OPC 10000-6, 6.7 and 7.1), for asking GetEndpoints as often as one likes."""

    def __init__(self, port):
        self.url = f"opc.tcp://127.0.0.1:{port}".encode()
        self.s = socket.create_connection(("127.0.0.1", port), 10)
        hello = struct.pack("<IIIII", 0, 65536, 65536, 0, 0) + text_of(self.url)
        self.s.sendall(b"HELF" + struct.pack("<I", 8 + len(hello)) + hello)
        assert self.message()[:3] == b"ACK"
        body = (text_of(b"http://opcfoundation.org/UA/SecurityPolicy#None") + text_of(None) + text_of(None) + struct.pack("<II", 1, 1) +
                struct.pack("<BBH", 1, 0, 446) + request_header() + struct.pack("<IIIiI", 0, 0, 1, -1, 3600000))
        self.s.sendall(b"OPNF" + struct.pack("<II", 12 + len(body), 0) + body)
        self.channel = self.message()[8:12]
        self.sequence = 1

    def exactly(self, n):
        got = b""
        while len(got) < n:
            more = self.s.recv(n - len(got))
            assert more, "the connection ended"
            got += more
        return got

    def message(self):
        head = self.exactly(8)
        return head + self.exactly(struct.unpack("<I", head[4:])[0] - 8)

    def ask_endpoints(self, times):
        out = b""
        for _ in range(times):
            self.sequence += 1
            body = (struct.pack("<I", 1) + struct.pack("<II", self.sequence, self.sequence) + struct.pack("<BBH", 1, 0, 428) + request_header() +
                    text_of(self.url) + struct.pack("<ii", -1, -1))
            out += b"MSGF" + struct.pack("<I", 12 + len(body)) + self.channel + body
        self.s.sendall(out)


def rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024


def test_a_write_goes_the_way_of_requests():
    s = Server(writes=True)
    s.trust(s.client)
    viewer, maria = s.connect(), s.connect(user="maria:geheim-456")
    wait_for(lambda: maria.read(SETPOINT)[0]["status"] == 0, 15, "a set-point")
    before = maria.value(SETPOINT)
    equal(viewer.write(SETPOINT, "Float", 500), 0x801F0000, "BadUserAccessDenied for a viewer")
    equal(maria.write(SPEED, "Float", 500), 0x803B0000, "BadNotWritable for a tag that no entry admits")
    equal(maria.write(SETPOINT, "Float", 950), 0x002E0000, "GoodCompletesAsynchronously, and gate refuses it")
    s.g.run.wait_line("event=opcua_write_not_applied .*state=refused", 10)
    equal(maria.value(SETPOINT), before, "the set-point after a refusal")
    equal(maria.write(SETPOINT, "Float", 432), 0x002E0000, "GoodCompletesAsynchronously")
    wait_for(lambda: maria.value(SETPOINT) == 432, 15, "the machine has the new set-point")
    done = s.g.cli("audit", "show")
    assert "maria" in done.stdout and "scada" not in done.stdout, done.stdout


def test_hostile_clients_hold_up_nobody():
    s = Server(users=False, security=", security: [ none, sign-and-encrypt ]")
    office = s.g.processes()["office"]["pid"]
    c = UaClient(s.url, namespace=SPACE)
    defer(c.stop)
    wait_for(lambda: c.read(SPEED)[0]["status"] == 0, 15, "a value")
    delivered = s.g.objects("sink")["local-history"]["delivered"]
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"HELF\xff\xff\xff\xff" + b"\0" * 64, b"MSGF\x10\0\0\0" + b"\0" * 8, b"OPNF" + b"\xff" * 400,
                    b"HELF" + struct.pack("<I", 32) + b"\xff" * 24, os.urandom(3000)):
        with socket.create_connection(("127.0.0.1", s.port), 10) as k:
            k.sendall(garbage)
            k.settimeout(0.3)
            try:
                k.recv(1000)
            except OSError:
                pass
    # Connections that say nothing, more than there are channels: those without a session go, those with one stay.
    idle = [socket.create_connection(("127.0.0.1", s.port), 10) for _ in range(400)]
    equal(c.read(SPEED)[0]["type"], "Float", "the client's answer beside 400 silent connections")
    # One that asks and never reads. The library's own way to send would wait for it.
    raw = RawChannel(s.port)
    raw.s.settimeout(5)
    try:
        for _ in range(200):
            raw.ask_endpoints(50)
            if _ % 40 == 0:
                equal(c.read(SPEED)[0]["type"], "Float", "the client's answer beside one that does not read")
    except OSError:
        pass    # cut, or no more is taken from it
    equal(c.read(SPEED)[0]["type"], "Float", "the client's answer afterwards")
    for k in idle:
        k.close()
    raw.s.close()
    equal(s.g.processes()["office"]["pid"], office, "the office process")
    assert rss_mib(office) < 200, rss_mib(office)
    wait_for(lambda: s.g.objects("sink")["local-history"]["delivered"] > delivered + 20, 10, "the history goes on")


def test_a_renewed_certificate_is_shown_without_a_restart():
    s = Server()
    s.trust(s.client)
    c = s.connect()
    for word in ("--stage", "--activate"):
        done = s.g.cli("cert", "renew", word, "--side", "it")
        equal(done.returncode, 0, done.stderr)
    s.g.run.wait_line("event=opcua_server_certificate_renewed", 15)
    new = os.path.join(s.g.state, "pki/it/own/cert.der")
    logins = UaLogins()
    args = {"cert": s.client, "policy": "Basic256Sha256", "user": "scada:geheim-123"}
    equal(wait_for(lambda: [logins.refused(s.url, **args, trust=[new])] == [None], 15, "a client that believes the new one alone"), True)
    wait_for(lambda: c.events("back") or c.read(SPEED), 20, "the client from before")


def test_a_restart_brings_values_back_and_clients_too():
    s = Server(users=False, security=", security: none")
    c = UaClient(s.url, namespace=SPACE)
    defer(c.stop)
    wait_for(lambda: c.read(SPEED)[0]["status"] == 0, 15, "a value")
    s.g.sim.ask("pause")
    equal(s.g.stop(), 0, "exit status")
    s.g.start()
    wait_for(lambda: s.g.objects("sink")["plant"]["connected"], 20, "the server listens again")
    d = UaClient(s.url, namespace=SPACE)
    equal(d.refused, None, "the log-in")
    defer(d.stop)
    wait_for(lambda: d.read(SPEED)[0]["source"] is not None, 10, "a value from before")


if __name__ == "__main__":
    main()
