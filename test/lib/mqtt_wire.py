"""MQTT 3.1.1 and 5.0 packets, both ways, as the broker side needs them. Bytes in, dictionaries out; no sockets.

Clause numbers are those of the OASIS text of MQTT 5.0; 3.1.1 has the same order of fields without properties.
"""
import struct

NAMES = {1: "CONNECT", 2: "CONNACK", 3: "PUBLISH", 4: "PUBACK", 5: "PUBREC", 6: "PUBREL", 7: "PUBCOMP", 8: "SUBSCRIBE",
         9: "SUBACK", 10: "UNSUBSCRIBE", 11: "UNSUBACK", 12: "PINGREQ", 13: "PINGRESP", 14: "DISCONNECT", 15: "AUTH"}
TYPES = {name: code for code, name in NAMES.items()}

# 2.2.2.2: identifier -> (name, kind).
PROPERTIES = {
    0x01: ("payload_format", "byte"), 0x02: ("message_expiry_s", "u32"), 0x03: ("content_type", "text"),
    0x08: ("response_topic", "text"), 0x09: ("correlation_data", "bytes"), 0x0B: ("subscription_id", "var"),
    0x11: ("session_expiry_s", "u32"), 0x12: ("assigned_client_id", "text"), 0x13: ("server_keep_alive_s", "u16"),
    0x15: ("auth_method", "text"), 0x16: ("auth_data", "bytes"), 0x17: ("request_problem_info", "byte"),
    0x18: ("will_delay_s", "u32"), 0x19: ("request_response_info", "byte"), 0x1A: ("response_info", "text"),
    0x1C: ("server_reference", "text"), 0x1F: ("reason", "text"), 0x21: ("receive_maximum", "u16"),
    0x22: ("topic_alias_maximum", "u16"), 0x23: ("topic_alias", "u16"), 0x24: ("maximum_qos", "byte"),
    0x25: ("retain_available", "byte"), 0x26: ("user", "pair"), 0x27: ("maximum_packet_size", "u32"),
    0x28: ("wildcard_available", "byte"), 0x29: ("subscription_id_available", "byte"),
    0x2A: ("shared_available", "byte"),
}
PROPERTY_IDS = {name: (code, kind) for code, (name, kind) in PROPERTIES.items()}
REPEATABLE = {"user", "subscription_id"}
# 2.1.3: the flags that each packet must carry.
FIXED_FLAGS = {6: 2, 8: 2, 10: 2}


class Malformed(Exception):
    """The bytes are not what the standard says they must be."""


class Cursor:
    """Unread bytes of one packet."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        if count > self.left():
            raise Malformed(f"{count} bytes wanted, {self.left()} left")
        self.at += count
        return self.data[self.at - count:self.at]

    def u8(self):
        return self.take(1)[0]

    def u16(self):
        return struct.unpack(">H", self.take(2))[0]

    def u32(self):
        return struct.unpack(">I", self.take(4))[0]

    def bytes(self):
        return self.take(self.u16())

    def text(self):
        try:
            text = self.bytes().decode("utf-8")
        except UnicodeDecodeError as bad:
            raise Malformed(f"text is not UTF-8: {bad}") from bad
        if "\0" in text:
            raise Malformed("text holds U+0000")
        return text

    def var(self):
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Malformed("variable length integer of more than four bytes")

    def properties(self):
        inner = Cursor(self.take(self.var()))
        props = {}
        while inner.left():
            code = inner.var()
            if code not in PROPERTIES:
                raise Malformed(f"property 0x{code:02x} does not exist")
            name, kind = PROPERTIES[code]
            value = {"byte": inner.u8, "u16": inner.u16, "u32": inner.u32, "text": inner.text, "bytes": inner.bytes,
                     "var": inner.var, "pair": lambda: (inner.text(), inner.text())}[kind]()
            if name in REPEATABLE:
                props.setdefault(name, []).append(value)
            elif name in props:
                raise Malformed(f"property {name} comes twice")
            else:
                props[name] = value
        return props

    def end(self):
        if self.left():
            raise Malformed(f"{self.left()} bytes too many")


def parse_connect(c):
    """3.1"""
    if c.text() != "MQTT":
        raise Malformed("protocol name is not MQTT")
    version, flags = c.u8(), c.u8()
    if version not in (4, 5):
        raise Malformed(f"protocol version {version}")
    if flags & 1:
        raise Malformed("reserved connect flag is set")
    out = {"version": version, "clean": bool(flags & 2), "keepalive_s": c.u16(), "will": None,
           "username": None, "password": None}
    out["props"] = c.properties() if version == 5 else {}
    out["client_id"] = c.text()
    if flags & 4:
        props = c.properties() if version == 5 else {}
        out["will"] = {"props": props, "topic": c.text(), "payload": c.bytes(), "qos": flags >> 3 & 3,
                       "retain": bool(flags & 0x20)}
    elif flags & 0x38:
        raise Malformed("will flags without a will")
    if flags & 0x80:
        out["username"] = c.text()
    if flags & 0x40:
        out["password"] = c.bytes()
    return out


def parse_publish(c, flags, version):
    """3.3"""
    out = {"dup": bool(flags & 8), "qos": flags >> 1 & 3, "retain": bool(flags & 1), "topic": c.text(), "mid": None}
    if out["qos"] == 3:
        raise Malformed("QoS 3")
    if "+" in out["topic"] or "#" in out["topic"]:
        raise Malformed(f"published to a wildcard: {out['topic']}")
    if out["qos"]:
        out["mid"] = c.u16()
        if out["mid"] == 0:
            raise Malformed("packet identifier 0")
    out["props"] = c.properties() if version == 5 else {}
    if not out["topic"] and "topic_alias" not in out["props"]:
        raise Malformed("no topic")
    out["payload"] = c.take(c.left())
    return out


def parse_ack(c, version):
    """3.4: PUBACK and its like, where the reason and the properties may be left out."""
    out = {"mid": c.u16(), "code": 0, "props": {}}
    if version == 5 and c.left():
        out["code"] = c.u8()
        if c.left():
            out["props"] = c.properties()
    return out


def parse_subscribe(c, version, options):
    """3.8 and 3.10"""
    out = {"mid": c.u16(), "props": c.properties() if version == 5 else {}, "filters": []}
    while c.left():
        name = c.text()
        out["filters"].append((name, c.u8()) if options else name)
    if not out["filters"]:
        raise Malformed("no topic filter")
    return out


def parse_disconnect(c, version):
    """3.14"""
    out = {"code": 0, "props": {}}
    if version == 5 and c.left():
        out["code"] = c.u8()
        if c.left():
            out["props"] = c.properties()
    return out


def parse(header, body, version):
    """One packet from its first byte and what follows the remaining length. Returns (name, fields)."""
    kind, flags = header >> 4, header & 15
    if kind not in NAMES:
        raise Malformed(f"packet type {kind}")
    if kind != 3 and flags != FIXED_FLAGS.get(kind, 0):
        raise Malformed(f"flags {flags} of {NAMES[kind]}")
    c = Cursor(body)
    if kind == 1:
        out = parse_connect(c)
    elif kind == 3:
        out = parse_publish(c, flags, version)
    elif kind in (4, 5, 6, 7):
        out = parse_ack(c, version)
    elif kind in (8, 10):
        out = parse_subscribe(c, version, kind == 8)
    elif kind == 14:
        out = parse_disconnect(c, version)
    elif kind == 12:
        out = {}
    else:
        raise Malformed(f"a client sends no {NAMES[kind]}")
    c.end()
    return NAMES[kind], out


def var(value):
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">H", len(data)) + data


def properties(props):
    out = b""
    for name, value in (props or {}).items():
        code, kind = PROPERTY_IDS[name]
        for one in value if name in REPEATABLE else [value]:
            out += var(code)
            if kind == "pair":
                out += text(one[0]) + text(one[1])
            else:
                out += {"byte": lambda v: bytes([v]), "u16": lambda v: struct.pack(">H", v),
                        "u32": lambda v: struct.pack(">I", v), "text": text, "bytes": text, "var": var}[kind](one)
    return var(len(out)) + out


def packet(name, flags, body):
    return bytes([TYPES[name] << 4 | flags]) + var(len(body)) + body


def connack(version, code, session_present=False, props=None):
    return packet("CONNACK", 0, bytes([session_present, code]) + (properties(props) if version == 5 else b""))


def publish(version, topic, payload, qos=0, retain=False, mid=None, dup=False, props=None):
    body = text(topic) + (struct.pack(">H", mid) if qos else b"") + (properties(props) if version == 5 else b"")
    return packet("PUBLISH", dup << 3 | qos << 1 | retain, body + payload)


def puback(version, mid, code=0):
    return packet("PUBACK", 0, struct.pack(">H", mid) + (bytes([code]) if version == 5 and code else b""))


def suback(version, mid, codes):
    return packet("SUBACK", 0, struct.pack(">H", mid) + (b"\0" if version == 5 else b"") + bytes(codes))


def unsuback(version, mid, count):
    return packet("UNSUBACK", 0, struct.pack(">H", mid) + (b"\0" + bytes(count) if version == 5 else b""))


def disconnect(code, props=None):
    return packet("DISCONNECT", 0, bytes([code]) + (properties(props) if props else b""))


def matches(pattern, topic):
    """4.7: does a topic filter match a topic?"""
    if topic.startswith("$") and pattern[:1] in ("+", "#"):
        return False
    want, have = pattern.split("/"), topic.split("/")
    for i, level in enumerate(want):
        if level == "#":
            return True
        if i >= len(have) or level not in ("+", have[i]):
            return False
    return len(want) == len(have)
