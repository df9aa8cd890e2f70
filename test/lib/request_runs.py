"""A gateway with a device that may be written: a libmodbus server that notes every write, and what the site file admits."""
import json
import os
import socket
import struct

from peers import ModbusServer
from procs import penstock, start_penstock, temp_dir

SITE = """site: {{ enterprise: Acme, name: Requests, country: DE }}
zones: {{ line: {{ level: 2, sl-t: 1 }} }}
enums: {{ mode: {{ 0: stop, 1: run, 2: clean }} }}
sources:
  plc: {{ driver: modbus-tcp, zone: line, endpoint: "127.0.0.1:{port}", unit: 1, writes: yes, timeout: {timeout} }}
equipment:
  Line/Oven:
    source: plc
    tags:
      setpoint: {{ at: holding 100 uint16, unit: Cel, range: [0, 1000], scan: {scan}, writable: yes }}
      scaled:   {{ at: holding 101 int16, unit: Cel, factor: 0.1, range: [-100, 100], scan: {scan}, writable: yes }}
      float:    {{ at: holding 102 float32, unit: kW, range: [0, 50], scan: {scan}, writable: yes }}
      mode:     {{ at: holding 104 uint16, enum: mode, scan: {scan}, writable: yes }}
      bit:      {{ at: holding 105.3, scan: {scan}, writable: yes }}
      coil:     {{ at: coil 7, scan: {scan}, writable: yes }}
      ready:    {{ at: coil 8, scan: {scan} }}
      actual:   {{ at: holding 110 uint16, unit: Cel, range: [0, 1000], scan: {scan} }}
      other:    {{ at: holding 111 uint16, range: [0, 1000], scan: {scan}, writable: yes }}
requests:
{requests}"""

BY = "why: a test, owner: the tests"


def logged(path):
    """The writes that modbus_server --log-writes has noted: (boot ns, PDU)."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="ascii") as f:
        rows = [line.split() for line in f if line.endswith("\n")]
    return [(int(row[0]), bytes.fromhex(row[2])) for row in rows]


class Plant:
    """A running penstock and its device. requests: lines of the section; words: of the run command."""

    def __init__(self, requests, timeout="300 ms", scan="100 ms", via=None, start=True):
        self.folder = temp_dir()
        self.state = os.path.join(self.folder, "state")
        self.site = os.path.join(self.folder, "site.yaml")
        self.log = os.path.join(self.folder, "writes")
        self.server = ModbusServer(log_writes=self.log)
        self.port = via(self.server.port) if via else self.server.port
        self.timeout, self.scan = timeout, scan
        self.write(requests)
        self.run = None
        if start:
            self.start()

    def write(self, requests):
        with open(self.site, "w", encoding="utf-8") as f:
            f.write(SITE.format(port=self.port, requests=requests, timeout=self.timeout, scan=self.scan))

    def start(self):
        self.run = start_penstock("run", self.site, "--state", self.state)
        self.run.wait_line("event=ready", 20)
        self.run.wait_line("event=link_up", 20)

    def cli(self, *words, **options):
        return penstock(*words, "--state", self.state, **options)

    def request(self, *words, wait=True):
        """The last answer of `penstock request ...` as a dictionary."""
        done = self.cli("request", *words, *(["--wait"] if wait else []), "--json", limit_s=40)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return lines[-1] if lines else {"state": "", "error": done.stderr}

    def set(self, tag, value, *words, **options):
        return self.request("write", f"Line/Oven/{tag}", str(value), *words, **options)

    def writes(self):
        """What arrived at the device: (boot ns, PDU)."""
        return logged(self.log)

    def audit(self, *words):
        done = self.cli("audit", "show", "--json", *words)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def verify(self, *words):
        done = self.cli("audit", "verify", "--json", *words)
        return done.returncode, json.loads(done.stdout)

    def processes(self):
        status = json.loads(self.cli("status", "--json").stdout)
        return {p["name"]: p for p in status["processes"]}


def control(state, *words, limit_s=10):
    """What `penstock VERB ...` says on the control socket, without the program: the answer's lines. OSError: it could not be said."""
    body = b""
    for word in words:
        data, n = word.encode(), len(word.encode())
        while n >= 0x80:
            body += bytes([n & 0x7F | 0x80])
            n >>= 7
        body += bytes([n]) + data
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(limit_s)
        s.connect(os.path.join(state, "control.sock"))
        s.sendall(struct.pack("<I", len(body)) + body)
        answer = b""
        try:
            while data := s.recv(65536):
                answer += data
        except OSError:         # what was said stays said
            pass
    return [json.loads(line) for line in answer.split(b"\n") if line.startswith(b"{") and line.endswith(b"}")]
