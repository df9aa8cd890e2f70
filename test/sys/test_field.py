#!/usr/bin/python3
"""The field process on real input: foreign Modbus servers over TCP and a serial line, read back through rings and status."""
import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *

HEAD = """site: { enterprise: Acme, name: Test, country: DE, time-zone: Europe/Berlin }
zones:
  line: { level: 2, sl-t: 1 }
"""


class Field:
    """A running penstock with sources only. sources: name -> text of its keys; tags: name -> text of its keys."""

    def __init__(self, sources, tags):
        self.folder = temp_dir()
        self.state = os.path.join(self.folder, "state")
        self.site = os.path.join(self.folder, "site.yaml")
        self.write(sources, tags)
        self.run = start_penstock("run", self.site, "--state", self.state)
        self.run.wait_line("event=ready", 20)

    def write(self, sources, tags):
        text = HEAD + "sources:\n"
        text += "".join(f"  {name}: {{ zone: line, {keys} }}\n" for name, keys in sources.items())
        text += "types:\n  device:\n    tags:\n"
        text += "".join(f"      {name}: {{ {keys} }}\n" for name, keys in tags.items())
        text += "equipment:\n" + "".join(f"  Line/{name}: {{ type: device, source: {name} }}\n" for name in sources)
        with open(self.site, "w", encoding="utf-8") as f:
            f.write(text)

    def cli(self, *words, **options):
        return penstock(*words, "--state", self.state, **options)

    def tail(self, pattern, count):
        done = self.cli("tail", pattern, "--json", "--count", str(count), limit_s=20)
        equal(done.returncode, 0, f"exit status of tail: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def why(self, tag):
        return json.loads(self.cli("why", tag, "--json").stdout)

    def source(self, name):
        status = json.loads(self.cli("status", "--json").stdout)
        found = [o for p in status["processes"] for o in p["objects"] if o["kind"] == "source" and o["name"] == name]
        return found[0] if found else {"samples": 0, "scans": 0}


def tcp(server, more=""):
    return f'driver: modbus-tcp, endpoint: "127.0.0.1:{server.port}", unit: 1, timeout: 300 ms{more}'


def latest(samples):
    return {s["tag"].rsplit("/", 1)[1]: s for s in samples}


def test_values_of_a_foreign_server_arrive_with_type_time_and_status():
    server = ModbusServer(size=2000)    # holding i is i, input i is i + 10000
    f = Field({"plc": tcp(server)}, {
        "word": "at: holding 1234 uint16, scan: 50ms",
        "signed": "at: input 55 int16, scan: 50ms",
        "double-word": "at: holding 100 uint32, scan: 50ms",
        "swapped": "at: holding 100 uint32 cdab, scan: 50ms",
        "scaled": "at: holding 50 uint16, factor: 0.5, offset: 1, unit: Cel, scan: 50ms",
        "coil": "at: coil 3, scan: 50ms",
        "bit": "at: holding 6.1, scan: 50ms",
    })
    got = latest(f.tail("Line/plc/*", 14))
    equal(got["word"]["value"], 1234)
    equal(got["signed"]["value"], 10055)
    equal(got["double-word"]["value"], 100 * 65536 + 101)
    equal(got["swapped"]["value"], 101 * 65536 + 100)
    equal((got["scaled"]["value"], got["scaled"]["unit"]), (26, "Cel"))
    equal((got["coil"]["value"], got["bit"]["value"]), (True, True))
    assert all(s["status"] == "Good" and s["arrival"].endswith("Z") for s in got.values()), got


def test_an_illegal_address_is_isolated_and_its_neighbours_stay_good():
    server = ModbusServer(size=200, illegal="holding:15")
    f = Field({"plc": tcp(server)}, {f"r{i}": f"at: holding {i} uint16, scan: 50ms" for i in range(30)})
    wait_for(lambda: f.source("plc").get("isolated") == 1, 10, "the bad register to be isolated")
    got = latest(f.tail("Line/plc/*", 60))
    bad = sorted(name for name, s in got.items() if s["status"] != "Good")
    equal(bad, ["r15"], "bad tags")
    why = f.why("Line/plc/r15")
    equal(why["detail"]["exception"], 2, "the device's exception")
    assert "request" in why["detail"] and "reply" in why["detail"], why
    equal(f.why("Line/plc/r14")["verdict"], "nothing is wrong with it")


def test_scans_keep_their_rate_without_drift():
    server = ModbusServer(size=100)
    f = Field({"plc": tcp(server)}, {"a": "at: holding 1 uint16, scan: 20ms"})
    got = f.tail("Line/plc/a", 100)
    skipped = f.source("plc")["skipped"]        # scans that a busy machine has cost; they are counted, and shift nothing
    seconds = [float(s["arrival"][17:-1]) + 60 * float(s["arrival"][14:16]) for s in got]
    took = (seconds[-1] - seconds[0]) % 3600
    assert 1.9 < took < 2.3 + 0.02 * skipped, f"99 periods of 20 ms took {took} s, {skipped} scans were skipped"


def test_a_server_that_dies_is_bad_and_comes_back_by_itself():
    port = free_port()
    server = ModbusServer(size=100, port=port)
    f = Field({"plc": tcp(server)}, {"a": "at: holding 7 uint16, scan: 50ms"})
    f.tail("Line/plc/a", 3)
    server.stop()
    wait_for(lambda: f.why("Line/plc/a")["status"] == "BadNoCommunication", 5, "the tag to be bad")
    wait_for(lambda: "nothing listens on this port" in f.why("Line/plc/a")["verdict"], 5, "the cause in words")
    equal(f.why("Line/plc/a")["last_good"], 7, "last good value")
    wait_for(lambda: re.search(r"^plc +away ", f.cli("status").stdout, re.M), 3, "the source to be shown as away")
    ModbusServer(size=100, port=port)
    wait_for(lambda: f.why("Line/plc/a")["status"] == "Good", 10, "the tag to be good again")
    wait_for(lambda: f.source("plc")["reconnects"] >= 1, 5, "the reconnect to be counted")


def test_a_half_open_connection_is_found_by_its_silence():
    server = ModbusServer(size=100)
    proxy = Proxy(server.port)
    f = Field({"plc": tcp(proxy)}, {"a": "at: holding 7 uint16, scan: 50ms"})
    f.tail("Line/plc/a", 3)
    proxy.half_open()
    wait_for(lambda: f.why("Line/plc/a")["status"] != "Good", 5, "the tag to be bad")
    proxy.heal()
    wait_for(lambda: f.why("Line/plc/a")["status"] == "Good", 15, "the tag to be good again")


def test_a_dead_unit_on_a_serial_line_costs_its_neighbours_little():
    lines = SerialPair()
    server = ModbusServer(serial=lines.a, baud=115200, parity="E", units="1-4", size=100)
    equal(server.port, 0)
    bus = 'driver: modbus-rtu, endpoint: "{}", unit: {}, baud: 115200, timeout: 200 ms'
    f = Field({f"u{u}": bus.format(lines.b, u) for u in (1, 2, 3, 4, 9)}, {"a": "at: holding 5 uint16, scan: 100ms"})
    wait_for(lambda: f.source("u9").get("state") in (2, 3), 10, "the dead unit to be demoted")
    before, start = {u: f.source(f"u{u}") for u in (1, 4, 9)}, time.monotonic()
    time.sleep(6)
    after, took = {u: f.source(f"u{u}") for u in (1, 4, 9)}, time.monotonic() - start
    # What it costs is the time in which the line waits for it; a busy machine costs scans of its own.
    waited = 0.2 * (after[9]["timeouts"] - before[9]["timeouts"])
    assert waited <= 0.1 * took, f"the line waited {waited:.1f} of {took:.1f} s for a unit that is not there"
    for u in (1, 4):
        assert after[u]["scans"] > before[u]["scans"] + 10, (before[u], after[u])
    equal({s["value"] for s in f.tail("Line/u4/a", 3)}, {5})
    why = f.why("Line/u9/a")
    assert "never answered" in why["verdict"], why["verdict"]


def test_a_new_plan_leaves_untouched_sources_their_connection_and_their_scans():
    first, second = ModbusServer(size=100), ModbusServer(size=100)
    tags = {"a": "at: holding 7 uint16, scan: 50ms"}
    f = Field({"one": tcp(first), "two": tcp(second)}, tags)
    f.tail("Line/one/a", 3)
    missed = []
    while 0 not in missed:      # a busy machine costs a scan now and then; what a change costs, each would
        before = f.source("one")["skipped"]
        f.write({"one": tcp(first), "two": tcp(second, f", gap-limit: {3 + len(missed)}"), "three": tcp(second)}, tags)
        equal(f.cli("apply", f.site).returncode, 0, "exit status of apply")
        wait_for(lambda: {s["tag"].split("/")[1] for s in f.tail("Line/*/a", 60)} == {"one", "two", "three"}, 10, "samples of all")
        missed.append(f.source("one")["skipped"] - before)
        assert len(missed) < 6, f"scans missed at each change: {missed}"
    equal(first.stats()["accepted"], 1, "connections to the untouched source")
    equal(f.source("one")["reconnects"], 0, "reconnects")


def test_a_tag_is_read_on_demand_and_a_source_is_traced():
    server = ModbusServer(size=100)
    f = Field({"plc": tcp(server)}, {"slow": "at: holding 9 uint16, scan: 1h", "a": "at: holding 7 uint16, scan: 100ms"})
    f.tail("Line/plc/a", 1)
    done = f.cli("read", "Line/plc/slow", "Line/plc/a")
    equal(done.returncode, 0, done.stderr)
    assert "Line/plc/slow  9  Good" in done.stdout, done.stdout
    done = f.cli("read", "Line/plc/slwo")
    equal(done.returncode, 1, "exit status for an unknown tag")
    trace = start_penstock("trace", "plc", "--json", "--state", f.state)
    trace.wait_line('"dir":"in"', 5)
    frames = [json.loads(line) for line in list(trace.out)]
    trace.stop()
    out = next(x for x in frames if x["dir"] == "out")
    equal(out["hex"].split()[7:12], "03 00 07 00 01".split(), "request on the wire")
    assert "read holding 7" in out["text"], out


def test_scan_tries_a_device_without_a_site_file():
    server = ModbusServer(size=3)
    done = penstock("scan", f"127.0.0.1:{server.port}", "--at", "holding 2", "--at", "coil 0", "--json")
    equal(done.returncode, 0, done.stderr)
    equal([json.loads(line)["value"] for line in done.stdout.splitlines()], [2, True])
    done = penstock("scan", f"127.0.0.1:{server.port}", "--at", "holding 3")
    equal(done.returncode, 1, "exit status for an address that the device refuses")
    done = penstock("scan", f"127.0.0.1:{free_port()}")
    equal(done.returncode, 2, "exit status without a device")
    assert "nothing listens on this port" in done.stderr, done.stderr
    done = penstock("scan", f"127.0.0.1:{server.port}", "--unit", "9", "--set", "timeout=200ms", "--at", "holding 0")
    equal(done.returncode, 2, "exit status for a unit that is not there")
    assert "does not answer" in done.stderr, done.stderr


def test_scan_says_who_the_device_is():
    sim = Sim("bottling")
    done = penstock("scan", sim.endpoints["filler"].address)
    equal(done.returncode, 0, done.stderr)
    assert "vendor " in done.stdout and "revision " in done.stdout, done.stdout


def test_scan_finds_units_and_readable_addresses():
    server = ModbusServer(size=150, units="2,5", illegal="holding:100-120", unknown_unit="exception")
    where = f"127.0.0.1:{server.port}"
    done = penstock("scan", where, "--units", "1-6")
    equal([line.split()[1] for line in done.stdout.splitlines() if line.startswith("  unit")], ["2", "5"], "units that answer")
    done = penstock("scan", where, "--unit", "2")
    lines = {line.split()[0]: line.split(": ", 1)[1] for line in done.stdout.splitlines() if "can be read" in line}
    equal(lines, {"coil": "0..149", "discrete": "0..149", "input": "0..149", "holding": "0..99, 121..149"})


def test_a_stop_makes_nothing_bad():
    server = ModbusServer(size=100)
    f = Field({"plc": tcp(server)}, {"a": "at: holding 7 uint16, scan: 50ms"})
    tail = start_tail("Line/plc/a", f.state)
    tail.wait_line('"status"', 10)
    equal(f.run.stop(), 0, "exit status")
    tail.wait()
    equal({json.loads(line)["status"] for line in tail.out}, {"Good"}, "statuses until the end")


main()
