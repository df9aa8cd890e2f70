"""A simulated bottling line whose events go to the simulated S/4HANA. Imported by itself: from sap_runs import *

    line = Line(s4)                         # the demo's line, confirmations every 200 ms of four machines, one order a machine
    line.items(), line.account(), line.state(), line.settled()
"""
import base64
import json
import socket
import threading

from cases import defer, wait_for
from outbox_db import STATES, OutboxDb
from site_runs import Gateway

MACHINES = {"Filler": 1000100, "Capper": 1000101, "Labeller": 1000102, "Packer": 1000103}

EVENT = """  Packaging/Line 3/{machine}/confirmation:
    type: operations-performance
    every: {every}
    key: [ order, no ]
    fields:
      order: {{ value: "{order}" }}
      operation: {{ value: "0010" }}
      yield: {{ count: good-count }}
      unit: {{ value: PC }}
{fields}"""

SINK = """  sap:
    kind: sap-odata
    zone: plant-it
    server: "{address}"
    rate: 0
    settle: 1 s
    timeout: 4 s
    connect-timeout: 2 s
    follow-up: {follow}
    settings: [ "plant = 1010" ]
    post: [ "Packaging/**/confirmation -> production-confirmation" ]
{keys}"""

FLOW = """flows:
  bookings:
    what: [ "Packaging/**/confirmation" ]
    to: sap
    how: { every-sample: yes }
    why: production is booked in SAP
    owner: production-it
"""


FILLER = """
  bookings:
    what: "Packaging/**/confirmation"
    to: sap
    why: confirmations
    owner: production
events:
  Packaging/Line 3/Filler/confirmation:
    type: operations-performance
    every: 1 s
    key: [ order, no ]
    fields:
      order: {{ {order} }}
      operation: {{ value: "0010" }}
      yield: {{ count: good-count, unit: "1" }}
"""


def filler_confirms(text, s4, order, keys=""):
    """The demo's site file, with its flows and sinks, and its filler also confirms to s4. order: keys of that field. keys: further ones of the sink."""
    sink = (f'  sap: {{ kind: sap-odata, zone: plant-it, server: "{s4.address}", tls: no, user: PENSTOCK, rate: 0, settle: 1 s, {keys}'
            f'password-file: {s4.password_file}, settings: [ "plant = 1010" ], post: [ "**/confirmation -> production-confirmation" ] }}\n')
    return text.replace("  local-history:", sink + "  local-history:") + FILLER.format(order=order)


class Line(Gateway, OutboxDb):
    """keys: further lines of the sink. address: where it connects to, s4 itself unless told. more: text appended to the site file.
    fields: more fields of the events."""

    def __init__(self, s4, keys=(), address=None, every="200 ms", orders=None, more="", fields=(), edit=None, follow="never", **options):
        self.follow = follow
        self.s4, self.address = s4, address or s4.address
        self.keys, self.every, self.orders, self.more = list(keys), every, orders or MACHINES, more
        self.fields = "".join(f"      {field}\n" for field in fields)
        self.edit = edit or (lambda text: text)
        s4.orders(*({"id": o, "material": "BOTTLE-05", "quantity": 10000000} for o in self.orders.values()))
        if not s4.tls:
            self.keys.append("tls: no")
        super().__init__(s4.port, edit=self.booking, sim_options=("--seed", "3", "--skip", "2m", "--scale", "10"), **options)

    def booking(self, text):
        """The demo's site file with the sink sap alone."""
        head = text[:text.index("\nflows:")]
        lines = [line for line in head.splitlines() if "kind: mqtt" not in line and "kind: history" not in line]
        lines.insert(lines.index("sinks:") + 1, SINK.format(address=self.address, follow=self.follow, keys="".join(f"    {key}\n" for key in self.keys)))
        events = "".join(EVENT.format(machine=m, order=o, every=self.every, fields=self.fields) for m, o in self.orders.items())
        return self.edit("\n".join(lines) + "\nevents:\n" + events + FLOW + self.more)

    def told(self):
        """The sink's sentence for people."""
        return next((k["state"] for k in self.status()["sinks"] if k["sink"] == "sap"), "")

    def until_told(self, words, limit_s=20):
        try:
            return wait_for(lambda: words in self.told(), limit_s, f"\"{words}\" in the state of the sink", every_s=0.3)
        except AssertionError as problem:
            raise AssertionError(f"{problem}; it says: {self.told()}") from None

    def settled(self, limit_s=60):
        """Waits until nothing waits any more, and returns the account."""
        def empty():
            a = self.account()
            return a if a and a["taken"] and a["ready"] + a["sent"] == 0 else None
        try:
            return wait_for(empty, limit_s, "an outbox in which nothing waits", every_s=0.3)
        except AssertionError as problem:
            waits = [(i["state"], i["lane"], i["attempts"], i["code"], i["text"][:200]) for i in self.items() if i["state"] in ("ready", "sent")]
            raise AssertionError(f"{problem}: {self.account()}; {waits[:6]}") from None

    def booked(self):
        """Sum of what the confirmed events say was made."""
        return sum(json.loads(i["body"])["fields"]["yield"] for i in self.items() if i["state"] == "confirmed")


class Tunnel:
    """An HTTP proxy that only tunnels (CONNECT) and wants a log-on. `asked` are the targets it was asked for."""

    def __init__(self, user, password):
        self.wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.asked, self.refused = [], 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        defer(self.listener.close)

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client):
        head = b""
        while b"\r\n\r\n" not in head and (more := client.recv(4096)):
            head += more
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
        method, target, _ = first.split(" ")
        if method != "CONNECT" or headers.get("proxy-authorization") != self.wanted:
            self.refused += 1
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            client.close()
            return
        self.asked.append(target)
        host, _, port = target.partition(":")
        server = socket.create_connection((host, int(port)))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for a, b in ((client, server), (server, client)):
            threading.Thread(target=self._copy, args=(a, b), daemon=True).start()

    @staticmethod
    def _copy(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass


__all__ = ["Line", "MACHINES", "STATES", "Tunnel", "filler_confirms"]
