"""A small MQTT broker for tests (3.1.1 and 5.0, QoS 0 and 1) that records every packet and misbehaves on command.

    with RecordingBroker() as broker:
        ... a client connects to 127.0.0.1, broker.port ...
        birth = broker.wait_publish("spBv1.0/+/NBIRTH/#")
        broker.publish("spBv1.0/g/NCMD/e", payload)         # as another client would
        broker.behave.ack = "none"                          # from now on

It runs in a thread of its own; every method may be called from the test. What clients do against the standard is kept
in `violations` (a test that cares asserts that it is empty) and ends their connection, as 4.13 asks.
"""
import asyncio
import dataclasses
import socket
import struct
import threading
import time

import mqtt_wire as wire
from cases import PATIENCE
from procs import free_port
from proxy import end_tasks

QUEUE_MAX = 100_000             # messages kept for one absent or slow client


@dataclasses.dataclass
class Packet:
    """One packet as it went over the wire. Its parsed fields read as attributes: p.topic, p.payload, p.mid."""
    number: int                 # position in broker.packets
    at: float                   # time.monotonic()
    conn: "Connection"
    sent: bool                  # by the broker
    name: str                   # CONNECT, PUBLISH, ...; GARBAGE for bytes that are no packet
    raw: bytes
    fields: dict

    def __getattr__(self, key):
        try:
            return self.__dict__["fields"][key]
        except KeyError:
            raise AttributeError(f"{self.name} has no {key}") from None


@dataclasses.dataclass
class Behaviour:
    """What the broker does; change it at any time, it holds from the next packet on."""
    refuse: int = 0             # CONNACK with this code, then close: 5 or 0x87 not authorised, 3 or 0x88 unavailable
    connack: bool = True        # False: never answers CONNECT
    connack_raw: bytes = b""    # sent in place of CONNACK, whatever it is
    session_present: bool = None  # what CONNACK claims; None: the truth
    connack_props: dict = dataclasses.field(default_factory=dict)  # MQTT 5, e.g. {"receive_maximum": 3}
    ack: str = "yes"            # PUBACK: yes, none, twice, wrong-id (an id that was never used)
    ack_code: int = 0           # MQTT 5 reason in PUBACK: 0x10 nobody listens, 0x87, 0x97 quota exceeded ...
    ack_delay_s: float = 0
    suback_code: int = -1       # other than -1: the answer to every filter (0x80 refused)
    pingresp: bool = True
    read: bool = True           # False: stops taking bytes, so that the client's sends fill up
    close_after: int = 0        # close without a word after so many more PUBLISH, before acknowledging the last
    route: bool = True          # False: acknowledges, but delivers to nobody


class Connection:
    """One client. `alive` tells whether it still is; `connect` is its CONNECT packet."""

    def __init__(self, broker, reader, writer, number):
        self.broker, self.reader, self.writer, self.number = broker, reader, writer, number
        self.version = 4
        self.connect = None
        self.session = None
        self.will = None
        self.alive = True
        self.clean_end = False
        self.aliases = {}
        self.open_mids = set()  # QoS 1 messages of this client that are not acknowledged
        self.heard = time.monotonic()

    @property
    def client_id(self):
        return self.connect.client_id if self.connect else None

    def send(self, data, name=None, fields=None):
        if self.alive:
            self.broker.record(self, True, name or wire.NAMES.get(data[0] >> 4, "GARBAGE"), data, fields or {})
            self.writer.write(data)

    def close(self, reset=False):
        if reset:
            sock = self.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        else:
            self.writer.close()


class Session:
    """What outlives a connection: subscriptions, and messages at QoS 1 that are not acknowledged yet."""

    def __init__(self):
        self.filters = {}       # filter -> granted QoS
        self.pending = {}       # packet id -> (topic, payload, retain, props)
        self.next_mid = 0
        self.conn = None
        self.keep = False

    def take_mid(self):
        self.next_mid = self.next_mid % 65535 + 1
        return self.next_mid

    def deliver(self, topic, payload, qos, retain, props):
        granted = [q for f, q in self.filters.items() if wire.matches(f, topic)]
        if not granted:
            return
        qos = min(qos, max(granted))
        mid = None
        if qos:
            if len(self.pending) >= QUEUE_MAX:
                return
            mid = self.take_mid()
            self.pending[mid] = (topic, payload, retain, props)
        if self.conn is not None:
            self.conn.send(wire.publish(self.conn.version, topic, payload, qos, retain, mid, props=props), "PUBLISH",
                           {"topic": topic, "payload": payload, "qos": qos, "retain": retain, "mid": mid, "dup": False})

    def resend(self):
        for mid, (topic, payload, retain, props) in self.pending.items():
            self.conn.send(wire.publish(self.conn.version, topic, payload, 1, retain, mid, True, props), "PUBLISH",
                           {"topic": topic, "payload": payload, "qos": 1, "retain": retain, "mid": mid, "dup": True})


class RecordingBroker:
    def __init__(self, port=0, tls=None):
        """port 0: a free one; tls: an ssl.SSLContext for the server side."""
        self.port = port or free_port()     # kept while it does not listen
        self.tls = tls
        self.behave = Behaviour()
        self.packets = []
        self.violations = []
        self.retained = {}
        self.connections = []   # all, in the order they came
        self.sessions = {}
        self._news = threading.Condition()
        self._server = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="broker")
        self._thread.start()
        self.open()

    # What a test calls.

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def open(self):
        """Listens (again), on the port it had."""
        self._call(self._open())

    def shut(self):
        """Stops listening, so that connecting is refused; connections stay."""
        self._call(self._shut())

    def stop(self):
        if self._loop.is_closed():
            return
        self._call(asyncio.sleep(0.02))         # closing a server in the middle of an accept confuses asyncio
        self._call(self._shut())
        self._call(self._drop(lambda conn: True, False, will=False))
        self._call(end_tasks(lambda: [conn.writer for conn in self.connections]))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def drop(self, client_id=None, reset=False):
        """Closes connections without a word: one client's, or all. reset: with RST instead of FIN."""
        self._call(self._drop(lambda conn: client_id in (None, conn.client_id), reset))

    def disconnect(self, code=0x8B, client_id=None):
        """MQTT 5: says DISCONNECT with a reason first (0x8B shutting down, 0x8E session taken over)."""
        self._call(self._say(wire.disconnect(code), client_id))
        self.drop(client_id)

    def send_raw(self, data, client_id=None):
        """Sends any bytes: garbage, half a packet, an acknowledgement that nobody asked for."""
        self._call(self._say(data, client_id))

    def close_mid_packet(self, client_id=None):
        """Sends the first half of a PUBLISH, then closes."""
        half = wire.publish(4, "half/a/packet", b"x" * 64)[:20]
        self.send_raw(half, client_id)
        self.drop(client_id)

    def publish(self, topic, payload, qos=0, retain=False, props=None):
        """Publishes as another client would."""
        data = payload.encode() if isinstance(payload, str) else payload

        async def do():
            self._route(topic, data, qos, retain, props)
        self._call(do())

    def live(self, client_id=None):
        return [c for c in self.connections if c.alive and c.connect and client_id in (None, c.client_id)]

    def received(self, name=None, topic=None, since=0):
        """Packets from clients: of one name, PUBLISH to topics that match a filter, from position `since` on."""
        found = [p for p in list(self.packets)[since:] if not p.sent and (name is None or p.name == name)]
        if topic is not None:
            found = [p for p in found if p.name == "PUBLISH" and wire.matches(topic, p.topic)]
        return found

    def publishes(self, topic="#", since=0):
        found = self.received("PUBLISH", None, since)
        return [p for p in found if topic == "#" or wire.matches(topic, p.topic)]

    def wait(self, found, timeout=10, what="a packet"):
        """Returns the first true result of found(), which is called whenever something new was recorded. Stretched by PATIENCE."""
        end = time.monotonic() + timeout * PATIENCE
        with self._news:
            while True:
                result = found()
                if result:
                    return result
                left = end - time.monotonic()
                if left <= 0:
                    tail = "\n".join(self.describe(p) for p in self.packets[-15:])
                    raise AssertionError(f"{what} did not come within {timeout * PATIENCE:.0f} s; the last packets were:\n{tail}")
                self._news.wait(min(left, 0.5))

    def wait_publish(self, topic, timeout=10, since=0, count=1):
        """The count-th PUBLISH to a topic filter from position `since` on."""
        def found():
            hits = self.publishes(topic, since)
            return hits[count - 1] if len(hits) >= count else None
        return self.wait(found, timeout, f"PUBLISH number {count} to {topic}")

    def wait_packet(self, name, timeout=10, since=0, count=1):
        def found():
            hits = self.received(name, None, since)
            return hits[count - 1] if len(hits) >= count else None
        return self.wait(found, timeout, f"{name} number {count}")

    def mark(self):
        """A position in `packets`, for `since`."""
        return len(self.packets)

    @staticmethod
    def describe(p):
        what = {k: v for k, v in p.fields.items() if k in ("client_id", "topic", "mid", "qos", "code", "filters")}
        return f"  {p.at:.3f} {'->' if p.sent else '<-'} client {p.conn.number} {p.name} {what} {len(p.raw)} bytes"

    # The broker itself, in its own thread.

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    async def _open(self):
        self._server = await asyncio.start_server(self._client, "127.0.0.1", self.port, ssl=self.tls, backlog=128)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _shut(self):
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _drop(self, which, reset, will=True):
        gone = [c for c in self.connections if c.alive and which(c)]
        for conn in gone:
            if not will:
                conn.will = None
            conn.close(reset)
        for _ in range(200):
            if not any(c.alive for c in gone):
                return
            await asyncio.sleep(0.01)

    async def _say(self, data, client_id):
        for conn in self.live(client_id):
            conn.send(data)

    def record(self, conn, sent, name, raw, fields):
        with self._news:
            p = Packet(len(self.packets), time.monotonic(), conn, sent, name, bytes(raw), fields)
            self.packets.append(p)
            self._news.notify_all()
        return p

    async def _client(self, reader, writer):
        conn = Connection(self, reader, writer, len(self.connections))
        self.connections.append(conn)
        watch = asyncio.ensure_future(self._keep_alive(conn))
        try:
            while await self._packet(conn):
                pass
        except wire.Malformed as bad:
            self.violations.append(f"client {conn.number} ({conn.client_id}): {bad}")
            if conn.version == 5:
                conn.send(wire.disconnect(0x81))
        except (ConnectionError, asyncio.IncompleteReadError, OSError):
            pass
        finally:
            watch.cancel()
            self._ended(conn)

    async def _keep_alive(self, conn):
        """3.1.2.10: one and a half times the keep alive without a packet ends the connection."""
        while True:
            await asyncio.sleep(0.1)
            if not conn.connect or not conn.connect.keepalive_s or not self.behave.read:
                continue
            if time.monotonic() - conn.heard > 1.5 * conn.connect.keepalive_s:
                self.violations.append(f"client {conn.number} ({conn.client_id}): silent for 1.5 keep alives")
                conn.close()
                return

    async def _read_packet(self, conn):
        header = await conn.reader.readexactly(1)
        raw = bytearray(header)
        length = shift = 0
        while True:
            byte = (await conn.reader.readexactly(1))[0]
            raw.append(byte)
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift > 21:
                raise wire.Malformed("remaining length of more than four bytes")
        body = await conn.reader.readexactly(length)
        return header[0], raw + body, body

    async def _packet(self, conn):
        """Takes one packet and acts on it; False when the connection is to end."""
        header, raw, body = await self._read_packet(conn)
        while not self.behave.read:
            await asyncio.sleep(0.01)
        conn.heard = time.monotonic()
        try:
            name, fields = wire.parse(header, body, conn.version)
        except wire.Malformed:
            self.record(conn, False, "GARBAGE", raw, {})
            raise
        if name == "PUBLISH" and conn.connect:
            self._resolve_alias(conn, fields)
        packet = self.record(conn, False, name, raw, fields)
        if (conn.connect is None) != (name == "CONNECT"):
            raise wire.Malformed(f"{name} {'before CONNECT' if conn.connect is None else 'twice'}")
        again = await getattr(self, "_on_" + name.lower())(conn, packet)
        await conn.writer.drain()
        return again

    def _resolve_alias(self, conn, fields):
        alias = fields["props"].get("topic_alias")
        if alias is None:
            return
        if not 0 < alias <= self.behave.connack_props.get("topic_alias_maximum", 0):
            raise wire.Malformed(f"topic alias {alias} is more than was allowed")
        if fields["topic"]:
            conn.aliases[alias] = fields["topic"]
        elif alias not in conn.aliases:
            raise wire.Malformed(f"topic alias {alias} was never set")
        fields["topic"] = conn.aliases[alias]

    async def _on_connect(self, conn, p):
        conn.version = p.version
        conn.connect = p
        if not self.behave.connack:
            return True
        if self.behave.refuse:
            conn.send(wire.connack(conn.version, self.behave.refuse, props={}))
            await conn.writer.drain()
            return False
        await self._take_over(conn)
        present = self._attach_session(conn, p)
        conn.will = p.will
        props = dict(self.behave.connack_props)
        if conn.version == 5:
            props.setdefault("maximum_qos", 1)
            if not p.client_id:
                props.setdefault("assigned_client_id", f"auto-{conn.number}")
        claim = present if self.behave.session_present is None else self.behave.session_present
        conn.send(self.behave.connack_raw or wire.connack(conn.version, 0, claim, props), "CONNACK",
                  {"code": 0, "session_present": claim})
        conn.session.resend()
        return True

    async def _take_over(self, conn):
        """3.1.4: a second connection of one client id ends the first."""
        for other in self.connections:
            if other is not conn and other.alive and other.client_id == conn.client_id and conn.client_id:
                if other.version == 5:
                    other.send(wire.disconnect(0x8E))
                other.close()
                self._ended(other)

    def _attach_session(self, conn, p):
        old = self.sessions.get(p.client_id) if p.client_id else None
        present = old is not None and old.keep and not p.clean
        conn.session = old if present else Session()
        conn.session.conn = conn
        conn.session.keep = p.props.get("session_expiry_s", 0) > 0 if conn.version == 5 else not p.clean
        if p.client_id:
            self.sessions[p.client_id] = conn.session
        return present

    async def _on_publish(self, conn, p):
        if p.qos == 2:
            raise wire.Malformed("QoS 2, although 1 is the most on offer")
        if self.behave.close_after:
            self.behave.close_after -= 1
            if self.behave.close_after == 0:
                return False
        if self.behave.route and self.behave.ack_code < 0x80:
            self._route(p.topic, p.payload, p.qos, p.retain,
                        {k: v for k, v in p.props.items() if k != "topic_alias"}, conn)
        if p.qos == 0:
            return True
        self._open_mid(conn, p)
        if self.behave.ack == "none":
            return True
        mid = p.mid if self.behave.ack != "wrong-id" else (p.mid + 30000) % 65535 + 1
        times = 2 if self.behave.ack == "twice" else 1
        if self.behave.ack_delay_s:
            self._loop.call_later(self.behave.ack_delay_s, self._acknowledge, conn, mid, self.behave.ack_code, times)
        else:
            self._acknowledge(conn, mid, self.behave.ack_code, times)
        return True

    def _open_mid(self, conn, p):
        """2.2.1 and 4.9: an id is in use until it is acknowledged, and no more are open than were allowed."""
        if p.mid in conn.open_mids:
            self.violations.append(f"client {conn.number} ({conn.client_id}): packet id {p.mid} is still in use")
        conn.open_mids.add(p.mid)
        most = self.behave.connack_props.get("receive_maximum", 65535)
        if conn.version == 5 and len(conn.open_mids) > most:
            raise wire.Malformed(f"{len(conn.open_mids)} messages open, {most} were allowed")

    @staticmethod
    def _acknowledge(conn, mid, code, times):
        conn.open_mids.discard(mid)
        for _ in range(times):
            conn.send(wire.puback(conn.version, mid, code), "PUBACK", {"mid": mid, "code": code})

    def _route(self, topic, payload, qos, retain, props, source=None):
        if retain:
            self.retained.pop(topic, None)
            if payload:
                self.retained[topic] = (payload, qos, props)
        for session in set(self.sessions.values()) | {c.session for c in self.connections if c.session and c.alive}:
            session.deliver(topic, payload, qos, False, props)

    async def _on_puback(self, conn, p):
        if conn.session.pending.pop(p.mid, None) is None:
            self.violations.append(f"client {conn.number} ({conn.client_id}): PUBACK for {p.mid}, which is not open")
        return True

    async def _on_subscribe(self, conn, p):
        codes = []
        for pattern, options in p.filters:
            granted = min(options & 3, 1) if self.behave.suback_code < 0 else self.behave.suback_code
            codes.append(granted)
            if granted < 0x80:
                conn.session.filters[pattern] = granted
        conn.send(wire.suback(conn.version, p.mid, codes), "SUBACK", {"mid": p.mid, "codes": codes})
        for topic, (payload, qos, props) in list(self.retained.items()):
            for (pattern, options), code in zip(p.filters, codes):
                if code < 0x80 and options >> 4 & 3 != 2 and wire.matches(pattern, topic):
                    self._send_retained(conn, topic, payload, min(qos, code), props)
        return True

    @staticmethod
    def _send_retained(conn, topic, payload, qos, props):
        mid = conn.session.take_mid() if qos else None
        if qos:
            conn.session.pending[mid] = (topic, payload, True, props)
        conn.send(wire.publish(conn.version, topic, payload, qos, True, mid, props=props), "PUBLISH",
                  {"topic": topic, "payload": payload, "qos": qos, "retain": True, "mid": mid, "dup": False})

    async def _on_unsubscribe(self, conn, p):
        for pattern in p.filters:
            conn.session.filters.pop(pattern, None)
        conn.send(wire.unsuback(conn.version, p.mid, len(p.filters)), "UNSUBACK", {"mid": p.mid})
        return True

    async def _on_pingreq(self, conn, _):
        if self.behave.pingresp:
            conn.send(wire.packet("PINGRESP", 0, b""))
        return True

    async def _on_disconnect(self, conn, p):
        """3.14.2.1: every reason but 0x04 takes the will back."""
        conn.clean_end = p.code != 4
        return False

    async def _on_pubrec(self, conn, p):
        raise wire.Malformed(f"{p.name}, although nothing was sent at QoS 2")

    _on_pubrel = _on_pubcomp = _on_auth = _on_pubrec

    def _ended(self, conn):
        """The connection is over: its will goes out unless it was taken back, its session goes unless it is to stay."""
        if not conn.alive:
            return
        conn.alive = False
        conn.writer.close()
        if conn.session is not None and conn.session.conn is conn:
            conn.session.conn = None
            if not conn.session.keep and self.sessions.get(conn.client_id) is conn.session:
                del self.sessions[conn.client_id]
        will = None if conn.clean_end else conn.will
        if will is not None:
            with self._news:
                self.packets.append(Packet(len(self.packets), time.monotonic(), conn, True, "WILL", b"", dict(will)))
            self._route(will["topic"], will["payload"], will["qos"], will["retain"],
                        {k: v for k, v in will["props"].items() if k != "will_delay_s"})
        with self._news:
            self._news.notify_all()
