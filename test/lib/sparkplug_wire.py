"""Reads Sparkplug B payloads, from the field numbers of the specification (3.0.0, chapter 6) and nothing else.

    payload = decode(packet.payload)
    payload.timestamp, payload.seq, payload.metrics[0].name, .alias, .value, .properties["Quality"].value

What was not on the wire is None (is_null, is_historical: False). Unknown fields, wrong wire types and bytes left over are
errors: a test should not pass over them. encode_command() makes what a host sends.
"""
import dataclasses
import struct

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

# 6.4.16 and 6.4.17: datatype -> (name, member of the oneof, bits if it is a signed integer).
DATATYPES = {1: ("Int8", "int", 8), 2: ("Int16", "int", 16), 3: ("Int32", "int", 32), 4: ("Int64", "long", 64),
             5: ("UInt8", "int", 0), 6: ("UInt16", "int", 0), 7: ("UInt32", "int", 0), 8: ("UInt64", "long", 0),
             9: ("Float", "float", 0), 10: ("Double", "double", 0), 11: ("Boolean", "boolean", 0),
             12: ("String", "string", 0), 13: ("DateTime", "long", 0), 14: ("Text", "string", 0),
             15: ("UUID", "string", 0), 17: ("Bytes", "bytes", 0), **{n: ("Array", "bytes", 0) for n in range(22, 35)}}

METRIC_VALUES = {10: ("int", VARINT), 11: ("long", VARINT), 12: ("float", FIXED32), 13: ("double", FIXED64),
                 14: ("boolean", VARINT), 15: ("string", BYTES), 16: ("bytes", BYTES)}
PROPERTY_VALUES = {3: ("int", VARINT), 4: ("long", VARINT), 5: ("float", FIXED32), 6: ("double", FIXED64),
                   7: ("boolean", VARINT), 8: ("string", BYTES)}


class Malformed(Exception):
    """The bytes are no Sparkplug payload."""


@dataclasses.dataclass
class Property:
    type: int = None
    is_null: bool = False
    field: str = None
    value: object = None


@dataclasses.dataclass
class Metric:
    name: str = None
    alias: int = None
    timestamp: int = None
    datatype: int = None
    is_historical: bool = False
    is_transient: bool = False
    is_null: bool = False
    nkeys: int = 0              # as they stood on the wire
    nvalues: int = 0
    properties: dict = dataclasses.field(default_factory=dict)
    field: str = None           # which member of the oneof was on the wire
    value: object = None        # as it was there
    numbers: tuple = ()         # the field numbers that were there

    def quality(self):
        return self.properties["Quality"].value if "Quality" in self.properties else 192

    def typed(self, datatype=None):
        """The value as its datatype (or one known from a birth) says."""
        _, field, signed = DATATYPES[datatype or self.datatype]
        if self.is_null:
            return None
        if field != self.field:
            raise Malformed(f"{self.name or self.alias} has a {self.field} value, its type wants {field}")
        if signed:
            value = self.value & (1 << signed) - 1
            return value - (1 << signed) if value >> signed - 1 else value
        return self.value


@dataclasses.dataclass
class Payload:
    timestamp: int = None
    metrics: list = dataclasses.field(default_factory=list)
    seq: int = None

    def metric(self, name):
        found = [m for m in self.metrics if m.name == name]
        if len(found) != 1:
            raise Malformed(f"{len(found)} metrics are called {name}")
        return found[0]


def read_varint(data, at):
    value = 0
    for shift in range(0, 70, 7):
        if at == len(data):
            raise Malformed("a varint ends early")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise Malformed("a varint of more than ten bytes")


def fields(data):
    """Yields (field number, wire type, value)."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        wire = tag & 7
        if wire == VARINT:
            value, at = read_varint(data, at)
        else:
            size = {FIXED64: 8, FIXED32: 4}.get(wire)
            if wire == BYTES:
                size, at = read_varint(data, at)
            if size is None:
                raise Malformed(f"wire type {wire}")
            if at + size > len(data):
                raise Malformed("a field ends early")
            value, at = bytes(data[at:at + size]), at + size
        yield tag >> 3, wire, value


def scalar(kind, value):
    if kind == "float":
        return struct.unpack("<f", value)[0]
    if kind == "double":
        return struct.unpack("<d", value)[0]
    if kind == "string":
        return value.decode("utf-8")
    return bool(value) if kind == "boolean" else value


def expect(wire, want, what):
    if wire != want:
        raise Malformed(f"{what} has wire type {wire}, want {want}")


def read_property(data):
    out = Property()
    for number, wire, value in fields(data):
        if number in (1, 2):
            expect(wire, VARINT, "property")
            if number == 1:
                out.type = value
            else:
                out.is_null = bool(value)
        elif number in PROPERTY_VALUES:
            out.field, want = PROPERTY_VALUES[number]
            expect(wire, want, "property value")
            out.value = scalar(out.field, value)
        else:
            raise Malformed(f"field {number} in a property")
    return out


def read_metric(data):
    out, keys, values, numbers = Metric(), [], [], []
    names = {1: "name", 2: "alias", 3: "timestamp", 4: "datatype", 5: "is_historical", 6: "is_transient", 7: "is_null"}
    for number, wire, value in fields(data):
        numbers.append(number)
        if number in names:
            expect(wire, BYTES if number == 1 else VARINT, names[number])
            value = value.decode("utf-8") if number == 1 else bool(value) if number >= 5 else value
            setattr(out, names[number], value)
        elif number == 9:
            expect(wire, BYTES, "properties")
            for inner, kind, content in fields(value):
                expect(kind, BYTES, "property set")
                if inner == 1:
                    keys.append(content.decode("utf-8"))
                elif inner == 2:
                    values.append(read_property(content))
                else:
                    raise Malformed(f"field {inner} in a property set")
        elif number in METRIC_VALUES:
            if out.field is not None:
                raise Malformed("two values in one metric")
            out.field, want = METRIC_VALUES[number]
            expect(wire, want, "value")
            out.value = scalar(out.field, value)
        else:
            raise Malformed(f"field {number} in a metric")
    out.nkeys, out.nvalues, out.numbers = len(keys), len(values), tuple(numbers)
    out.properties = dict(zip(keys, values))
    return out


def decode(data):
    out = Payload()
    for number, wire, value in fields(data):
        if number == 2:
            expect(wire, BYTES, "metrics")
            out.metrics.append(read_metric(value))
        elif number in (1, 3):
            expect(wire, VARINT, "timestamp or seq")
            setattr(out, "timestamp" if number == 1 else "seq", value)
        else:
            raise Malformed(f"field {number} in a payload")
    return out


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_command(timestamp, *metrics):
    """metrics: (name, datatype, value) with a bool, int or str."""
    out = b"\x08" + varint(timestamp)
    for name, datatype, value in metrics:
        m = b"\x0a" + varint(len(name.encode())) + name.encode() + b"\x18" + varint(timestamp) + b"\x20" + varint(datatype)
        if isinstance(value, bool):
            m += b"\x70" + varint(value)
        elif isinstance(value, str):
            m += b"\x7a" + varint(len(value.encode())) + value.encode()
        else:
            m += b"\x50" + varint(value & 0xFFFFFFFF)
        out += b"\x12" + varint(len(m)) + m
    return out


def rebirth_request(timestamp):
    return encode_command(timestamp, ("Node Control/Rebirth", 11, True))


__all__ = ["DATATYPES", "Malformed", "Metric", "Payload", "Property", "decode", "encode_command", "rebirth_request"]
