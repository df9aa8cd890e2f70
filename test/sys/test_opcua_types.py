#!/usr/bin/python3
"""Values of every OPC UA type of two foreign servers, by node and by browse path, parts of structures, attributes; writes and method calls."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from ua_peers import *

HEAD = """site: { enterprise: Acme, name: Test, country: DE, time-zone: Europe/Berlin }
zones:
  line: { level: 2, sl-t: 1 }
"""
NODE = f"nsu={PLANT_URI};s="
POINT, POINT2 = {"x": 1, "y": 2, "z": -3}, {"x": 4, "y": 5, "z": 6}
NUMBERS = {     # as the servers' sources state them
    "t.Boolean": True, "t.SByte": -8, "t.Byte": 200, "t.Int16": -1600, "t.UInt16": 60000, "t.Int32": -320000, "t.UInt32": 4000000000,
    "t.Int64": -9007199254740993, "t.UInt64": 18446744073709551615, "t.Float": 1.5, "t.Double": -0.1, "t.Duration": 1250,
    "t.StatusCode": 0x80340000, "t.Mode": 2, "a.Int32": [-1, 0, 1], "a.Double": [0.5, 1.5, 2.5], "a.Boolean": [True, False, True],
}
OTHERS = {
    "t.String": "Füller €", "t.DateTime": "2026-11-22T12:34:56.789012300Z", "t.Guid": "72962b91-fa75-4ae6-8d28-b404dc7daf63",
    "t.ByteString": "AP8Q", "t.XmlElement": "<a/>", "t.NodeId": NODE + "v0", "t.ExpandedNodeId": "nsu=urn:elsewhere;i=7",
    "t.QualifiedName": f"nsu={PLANT_URI};Filler", "t.LocalizedText": "Füllstand", "a.String": ["a", "", "c"],
    "m.Double": {"Array": [1, 2, 3, 4, 5, 6], "Dimensions": [2, 3]},
}
TYPES = {"t.Boolean": "bool", "t.SByte": "int8", "t.Byte": "uint8", "t.Int16": "int16", "t.UInt16": "uint16", "t.Int32": "int32",
         "t.UInt32": "uint32", "t.Int64": "int64", "t.UInt64": "uint64", "t.Float": "float32", "t.Double": "float64", "t.Duration": "float64",
         "t.StatusCode": "uint32", "t.Mode": "int32", "a.Int32": "int32[]", "a.Double": "float64[]", "a.Boolean": "bool[]", "t.String": "string",
         "t.DateTime": "datetime", "t.Guid": "string", "t.ByteString": "bytes", "t.XmlElement": "string", "t.NodeId": "string",
         "t.ExpandedNodeId": "string", "t.QualifiedName": "string", "t.LocalizedText": "string"}     # all others: json
STRUCTURES = {
    "t.Point": POINT, "t.Batch": {"id": -7, "weight": 998.5}, "t.Choice": {"text": "left"}, "a.Points": [POINT, POINT2],
    "t.Recipe": {"name": "Apfelschorle", "number": 4711, "mode": "Cleaning_3", "temperatures": [72.5, 85, 4], "start": POINT, "valid": True},
}


class Site:
    """A running penstock with one OPC UA source. tags: name -> (address, more keys)."""

    def __init__(self, server, tags, keys="", requests=""):
        self.folder = temp_dir()
        self.state = os.path.join(self.folder, "state")
        self.site = os.path.join(self.folder, "site.yaml")
        text = HEAD + f'sources:\n  plc: {{ zone: line, driver: opcua, endpoint: "{server.url}", security: none{keys} }}\n'
        text += "types:\n  device:\n    tags:\n"
        text += "".join(f"      {name}: {{ at: {json.dumps(at)}, scan: 100 ms{more} }}\n" for name, (at, more) in tags.items())
        text += "equipment:\n  Line/plc: { type: device, source: plc }\n" + ("requests:\n" + requests if requests else "")
        with open(self.site, "w", encoding="utf-8") as f:
            f.write(text)
        self.run = start_penstock("run", self.site, "--state", self.state)
        self.run.wait_line("event=ready", 20)

    def cli(self, *words, **options):
        return penstock(*words, "--state", self.state, **options)

    def now(self, name):
        """The newest sample of a tag, read on demand; what it says while there is none."""
        done = self.cli("read", f"Line/plc/{name}", "--json", limit_s=20)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return lines[-1] if lines else {"value": None, "status": done.stderr}

    def request(self, *words):
        done = self.cli("request", *words, "--wait", "--json", limit_s=40)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return lines[-1] if lines else {"state": "nothing", "why": done.stderr}

    def why(self, name):
        return json.loads(self.cli("why", f"Line/plc/{name}", "--json").stdout)

    def value(self, name, want, limit_s=15):
        try:
            wait_for(lambda: self.now(name).get("value") == want, limit_s, f"{name} to be {want}", every_s=0.2)
        except AssertionError as problem:
            raise AssertionError(f"{problem}; it is {self.now(name)}, and why says {self.why(name)}") from None


def expect_all(server, wanted):
    """Every name of wanted is a tag that must come with this value."""
    site = Site(server, {name.replace(".", "-"): (f"[type {TYPES.get(name, 'json')}] {NODE}{name}", "") for name in wanted})
    for name, want in wanted.items():
        site.value(name.replace(".", "-"), want)
    return site


def test_every_built_in_type_of_open62541():
    expect_all(UaServer(variables=10), {**NUMBERS, **OTHERS})


def test_structures_by_their_definitions_of_open62541():
    # It tells no names of an enumeration.
    recipe = {**STRUCTURES["t.Recipe"], "mode": 3}
    expect_all(UaServer(variables=10), {**STRUCTURES, "t.Recipe": recipe})


def test_every_type_and_structure_of_node_opcua():
    # JavaScript's times end with milliseconds.
    expect_all(UaNodeServer(variables=10), {**NUMBERS, **OTHERS, **STRUCTURES, "t.DateTime": "2026-11-22T12:34:56.789000000Z"})


def test_parts_paths_attributes_and_declared_types():
    server = UaServer(variables=10, namespaces=f"urn:other,{PLANT_URI}")
    path = f"/nsu={PLANT_URI};Plant/Types/"
    site = Site(server, {
        "field": (f"[field start.z] {NODE}t.Recipe", ", type: float64"), "element": (f"[field temperatures.1] {NODE}t.Recipe", ", type: float64"),
        "enumeration": (f"[field mode] {NODE}t.Recipe", ", type: int32"), "array-of": (f"[field 1.y] {NODE}a.Points", ", type: float64"),
        "range": (f"[index 1:2, type float64[]] {NODE}a.Double", ""), "name": (f"[attribute DisplayName] {NODE}t.Point", ""),
        "by-path": (f"{path}t&.Int64", ", type: int64"), "path-part": (f"{path}t&.Point [field x]", ", type: float64"),
        "widened": (f"{NODE}t.Byte", ", type: float64"), "declared": (f"[type int64] {NODE}t.Int32", ""),
        "scaled": (f"{NODE}t.UInt16", ", factor: 0.01, offset: -1"), "as-json": (f"[type json] {NODE}t.Int16", ""),
        "no-fit": (f"[type uint8] {NODE}t.Int32", ""), "no-field": (f"[field start.w] {NODE}t.Recipe", ", type: float64"),
        "absent": (f"[field note] {NODE}t.Batch", ", type: string"), "unsaid-array": (f"{NODE}a.Double", ", type: float64"),
    })
    for name, want in {"field": -3, "element": 85, "enumeration": 3, "array-of": 5, "range": [1.5, 2.5], "name": "t.Point",
                       "by-path": -9007199254740993, "path-part": 1, "widened": 200, "declared": -320000, "scaled": 599, "as-json": -1600}.items():
        site.value(name, want)
    for name, word in {"no-fit": "does not fit", "no-field": "no such field", "absent": "optional field", "unsaid-array": "is an array"}.items():
        wait_for(lambda: word in json.dumps(site.why(name)) and site.now(name)["value"] is None, 10, f"{name}: {word}", every_s=0.2)


BY = "from: cli, why: a test, owner: the tests"
RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767), "uint16": (0, 65535), "int32": (-9e8, 9e8),
          "uint32": (0, 4e9), "int64": (-9e18, 9e18), "uint64": (0, 1.8e19), "float32": (-100, 100), "float64": (-100, 100)}


def check_writes(server):
    """Each type is written in exactly its own type, refused where the server refuses, and read back."""
    kinds = {"t.Boolean": ("bool", "false", False), "t.SByte": ("int8", -128, -128), "t.Byte": ("uint8", 255, 255), "t.Int16": ("int16", -5, -5),
             "t.UInt16": ("uint16", 65535, 65535), "t.Int32": ("int32", 77, 77), "t.UInt32": ("uint32", 3000000000, 3000000000),
             "t.Int64": ("int64", 9007199254740993, 9007199254740993), "t.UInt64": ("uint64", 18000000000000000001, 18000000000000000001),
             "t.Float": ("float32", 2.5, 2.5), "t.Double": ("float64", -7.25, -7.25), "t.Mode": ("int32", 1, 1)}
    tags, entries = {}, ""
    for node, (kind, _, _) in kinds.items():
        name = node.replace(".", "-")
        tags[name] = (NODE + node, f", type: {kind}, writable: yes")
        allowed = "values: [yes, no]" if kind == "bool" else f"limits: [{RANGES[kind][0]:.0f}, {RANGES[kind][1]:.0f}]"
        entries += f"  {name}: {{ what: Line/plc/{name}, {allowed}, {BY} }}\n"
    for node in ("w.refuse", "w.readonly", "w.clamp"):
        name = node.replace(".", "-")
        tags[name] = (NODE + node, ", type: float64, writable: yes")
        entries += f"  {name}: {{ what: Line/plc/{name}, limits: [-1000, 1000], {BY} }}\n"
    tags["scaled"] = (NODE + "q0", ", factor: 0.1, offset: -3, writable: yes")
    entries += f"  scaled: {{ what: Line/plc/scaled, limits: [-1000, 1000], {BY} }}\n"
    site = Site(server, tags, ", writes: yes", entries)
    site.value("t-Float", 1.5)
    for node, (_, value, want) in kinds.items():
        a = site.request("write", f"Line/plc/{node.replace('.', '-')}", str(value))
        equal((a["state"], a.get("readback")), ("applied", want), f"{node}: {a}")
    a = site.request("write", "Line/plc/scaled", "9.3")
    equal((a["state"], a.get("readback")), ("applied", 9.3), a)
    for name, word in (("w-refuse", "BadUserAccessDenied"), ("w-readonly", "")):
        a = site.request("write", f"Line/plc/{name}", "5")
        equal(a["state"], "refused", a)
        if word not in json.dumps(a):
            raise AssertionError(f"{a} does not say {word}")
    clamped = site.request("write", "Line/plc/w-clamp", "500")
    if clamped["state"] == "applied":
        raise AssertionError(f"the server kept another value: {clamped}")
    return site


def test_writes_to_open62541():
    check_writes(UaServer(variables=10))


def test_writes_to_node_opcua():
    check_writes(UaNodeServer(variables=10))


def check_calls(server):
    add, fail = f"{NODE}Machine -> {NODE}Add", f"/nsu={PLANT_URI};Plant/Machine/Fail"
    site = Site(server, {"x": (NODE + "t.Float", ", type: float32")}, ", calls: yes",
                f'  add: {{ kind: call, source: plc, method: "{add}", arguments: ["0..10", "-5..5"], {BY} }}\n'
                f'  fail: {{ kind: call, source: plc, method: "{fail}", {BY} }}\n')
    site.value("x", 1.5)
    a = site.request("call", "plc", add, "2.5", "-4")
    equal((a["state"], a.get("results", a.get("outputs"))), ("applied", [-1.5]), a)
    b = site.request("call", "plc", fail)
    equal(b["state"], "refused", b)
    if "BadInvalidState" not in json.dumps(b):
        raise AssertionError(b)


def test_calls_of_open62541():
    check_calls(UaServer(variables=10))


def test_calls_of_node_opcua():
    check_calls(UaNodeServer(variables=10))


if __name__ == "__main__":
    main()
