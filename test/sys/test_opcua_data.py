#!/usr/bin/python3
"""Data from OPC UA servers through the whole chain: subscriptions, reads, restarts of the server, losses of the connection, history.

The peer is open62541's server (test/peers/ua_server); its bulk variables count their own changes, so a missed one can be told.
"""
import csv
import io
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from ua_peers import *

SITE = """\
site: {{ enterprise: Acme, name: Dresden, country: DE, time-zone: Europe/Berlin }}
zones:
  cell: {{ level: 2, sl-t: 1, description: machines }}
  plant: {{ level: 3, sl-t: 1, description: history }}
conduits:
  up: {{ from: cell, to: plant, initiator: from, description: the way out }}
sources:
  ua: {{ driver: opcua, zone: cell, endpoint: "{url}", security: [none]{keys} }}
sinks:
  local-history: {{ kind: history, zone: plant, keep: 30 d }}
tables: [tags.csv]
flows:
  all: {{ what: [ "Plant/**" ], to: local-history, how: {{ every-sample: yes }}, why: a test, owner: tests }}
"""


class Site:
    """A running penstock with one opcua source. tags: rows (name, at) or (name, at, scan)."""

    def __init__(self, url, tags, keys="", start=True):
        self.folder = temp_dir()
        self.state = os.path.join(self.folder, "state")
        self.site = os.path.join(self.folder, "site.yaml")
        with open(self.site, "w", encoding="utf-8") as f:
            f.write(SITE.format(url=url, keys=", " + keys if keys else ""))
        with open(os.path.join(self.folder, "tags.csv"), "w", encoding="utf-8", newline="") as f:
            out = csv.writer(f)
            out.writerow(["path", "at", "source", "scan"])
            for name, at, *scan in tags:
                out.writerow([f"Plant/Line/{name}", at, "ua", *(scan or ["1 s"])])
        if start:
            self.start()

    def start(self):
        self.run = start_penstock("run", self.site, "--state", self.state)
        self.run.wait_line("event=ready", 20)

    def cli(self, *words):
        return penstock(*words, "--state", self.state)

    def why(self, tag):
        done = self.cli("why", f"Plant/Line/{tag}", "--json")
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout)

    def wait_good(self, *tags, limit_s=20):
        wait_for(lambda: all(self.why(t)["status"] == "Good" for t in tags), limit_s, f"good values of {tags}", every_s=0.1)

    def rows(self, tag="**"):
        """What the history holds of a tag, ordered by its source's time: dictionaries with tag, time, value, status."""
        done = self.cli("trend", f"Plant/Line/{tag}" if tag != "**" else "**", "--raw", "--csv", "--last", "1h")
        if done.returncode == 1 and "the history has no tag" in done.stderr:    # nothing of it has come there yet
            return []
        equal(done.returncode, 0, done.stderr)
        return sorted(csv.DictReader(io.StringIO(done.stdout)), key=lambda row: (row["tag"], row["time"]))

    def good(self, tag):
        return [float(r["value"]) for r in self.rows(tag) if r["status"] == "Good"]

    def stop(self):
        equal(self.run.stop(), 0, "exit status")

    def pids(self):
        done = self.cli("status", "--json")
        return {p["name"]: p["pid"] for p in json.loads(done.stdout)["processes"] if "pid" in p}


def at(name):
    return f"[type float64] nsu={PLANT_URI};s={name}"


def bulk(n, scan="1 s"):
    return [(f"v{i}", at(f"v{i}"), scan) for i in range(n)]


def test_one_bad_item_among_a_thousand_hurts_only_itself():
    server = UaServer(variables=1000, change_ms=200)
    tags = bulk(1000)
    tags[500] = ("v500", at("nobody"), "1 s")
    tags[501] = ("v501", f"[type float64] nsu={PLANT_URI};i=4711", "1 s")
    tags[502] = ("v502", "[type float64] nsu=urn:no:such;s=x", "1 s")
    tags[503] = ("v503", f"[type float64] /nsu={PLANT_URI};Plant/nsu={PLANT_URI};Gone/nsu={PLANT_URI};v503", "1 s")
    site = Site(server.url, tags)
    site.wait_good("v0", "v499", "v504", "v999")
    for tag, status, text in (("v500", "BadNodeIdUnknown", "knows no such node"), ("v501", "BadNodeIdUnknown", "knows no such node"),
                              ("v502", "BadNodeIdUnknown", "urn:no:such"), ("v503", "BadNoMatch", "Gone")):
        wait_for(lambda: site.why(tag)["detail"].get("attempts", 0) > 0, 20, f"trouble of {tag}")
        why = site.why(tag)
        assert text in json.dumps(why), why
        assert status in json.dumps(why) or why["status"] == "Bad", why
    equal(int(server.stats()["items"]), 996, "monitored items")
    site.stop()


# The server writes such a variable every 250 ms and looks at it every 100 ms; when it was held up, it looks before it writes on. So it sees each value, on a busy
# machine too, and tells each.
COUNTED = {"history": 8, "history_ms": 250}


def counted():
    return [(f"h{i}", at(f"h{i}"), "100 ms") for i in range(8)]


def test_every_change_arrives_once_with_its_times():
    server = UaServer(variables=1, **COUNTED)
    site = Site(server.url, counted(), keys="publishing: 500 ms")
    site.wait_good("h0", "h7")
    wait_for(lambda: len(site.good("h7")) > 20, 20, "values", every_s=0.5)
    site.stop()
    tags = [name for name, *_ in counted()]
    counts_without_a_hole(site, tags)
    for tag in tags:
        times = [r["time"] for r in site.rows(tag) if r["status"] == "Good"]
        assert len(set(times)) == len(times), times


def test_a_server_restarted_with_its_namespaces_moved_is_right_again_by_itself():
    server = UaServer(variables=10000, change_ms=1000)
    site = Site(server.url, bulk(10000), keys="keep-alive: 2 s, retry-max: 1 s")
    site.wait_good("v0", "v9999", limit_s=30)
    pids = site.pids()
    server.restart(namespaces=f"urn:other:one,urn:other:two,{PLANT_URI}")
    begin = time.time()
    wait_for(lambda: int(server.stats()["items"]) == 10000, 40, "all items monitored again", every_s=0.1)
    site.wait_good("v0", "v5000", "v9999", limit_s=20)
    print(f"all items were back after {time.time() - begin:.1f} s")
    equal(site.pids(), pids, "processes: none was started anew")
    time.sleep(2.5)
    site.stop()
    good = {r["tag"] for r in site.rows() if r["status"] == "Good"}
    equal(len(good), 10000, "tags with values")


def test_deadbands_are_the_servers_and_a_refused_one_is_explained():
    server = UaServer(variables=10, change_ms=100, analog=2)
    site = Site(server.url, [
        ("absolute", f"[deadband 5, type float64] nsu={PLANT_URI};s=v1", "100 ms"),
        ("percent", f"[deadband 10 %, type float64] nsu={PLANT_URI};s=v2", "100 ms"),      # it has no EURange
        ("plain", at("v3"), "100 ms")])
    site.wait_good("absolute", "plain")
    wait_for(lambda: "EURange" in json.dumps(site.why("percent")), 20, "an explanation")
    wait_for(lambda: len(site.good("plain")) > 20 and len(site.good("absolute")) >= 3, 20, "values", every_s=0.5)
    site.stop()
    wide, all_of_them = site.good("absolute"), site.good("plain")
    assert len(all_of_them) > 2 * len(wide), (all_of_them, wide)
    assert all(b - a > 5 for a, b in zip(wide[1:], wide[2:])), wide


def test_cyclic_reads():
    server = UaServer(variables=700, change_ms=100, nodes_per_read=150)
    names = [f"v{i}" for i in range(699)] + ["nobody"]
    tags = [(name, f"[mode read, type float64] nsu={PLANT_URI};s={name}", "500 ms") for name in names]
    site = Site(server.url, tags)
    site.wait_good("v0", "v698")
    wait_for(lambda: "BadNodeIdUnknown" in json.dumps(site.why("nobody")) or "no such node" in json.dumps(site.why("nobody")), 20,
             "the bad item's trouble")
    equal(int(server.stats()["items"]), 0, "monitored items")
    skipped = lambda: site.why("v0")["detail"]["reads"]["skipped"]
    left_out = []
    while 0 not in left_out:    # a busy machine costs a round now and then; too many nodes for one would in each of these times
        before = skipped()
        time.sleep(3)
        left_out.append(skipped() - before)
        assert len(left_out) < 6, f"rounds left out in 3 s: {left_out}"
    site.stop()
    values = site.good("v698")
    assert len(values) >= 5, values
    assert all(b > a for a, b in zip(values, values[1:])), values


def counts_without_a_hole(site, tags):
    """Each of these variables counts up by one; every number between its first and last good value was delivered, once."""
    for tag in tags:
        values = site.good(tag)
        first, last = int(values[0]), int(values[-1])
        equal(values, [float(n) for n in range(first, last + 1)], f"values of {tag}")


def test_subscriptions_are_taken_over_after_a_loss_and_nothing_is_lost():
    server = UaNodeServer(variables=20, change_ms=500)          # node-opcua hands subscriptions over to the same user, also anonymous ones
    proxy = Proxy(server.port)
    site = Site(f"opc.tcp://127.0.0.1:{proxy.port}", bulk(20, "100 ms"),
                keys="publishing: 200 ms, queue: 500, keep-alive: 1 s, retry-max: 1 s")
    site.wait_good("v0", "v19")
    for _ in range(2):
        time.sleep(1)
        connects = site.why("v0")["detail"]["connects"]
        proxy.cut()
        time.sleep(2.5)
        proxy.heal()
        wait_for(lambda: site.why("v0")["detail"]["connects"] > connects, 40, "a connection", every_s=0.1)
        site.wait_good("v0", "v19")
    time.sleep(1)
    site.run.wait_line("event=opcua_subscription_transferred", 1)
    why = site.why("v0")["detail"]["subscription"]
    equal(why["lost"], 0, "messages lost")
    site.stop()
    counts_without_a_hole(site, ("v0", "v7", "v19"))


def test_where_a_transfer_is_refused_all_is_made_anew():
    server = UaServer(variables=200, change_ms=100)             # it refuses anonymous users
    proxy = Proxy(server.port)
    site = Site(f"opc.tcp://127.0.0.1:{proxy.port}", bulk(200, "100 ms"), keys="publishing: 200 ms, keep-alive: 1 s, retry-max: 1 s")
    site.wait_good("v0", "v199")
    proxy.cut()
    time.sleep(2)
    proxy.heal()
    site.run.wait_line("event=opcua_session.*same_server=1", 20)
    site.wait_good("v0", "v199")
    site.run.wait_line("event=opcua_transfer_refused", 1)
    time.sleep(1)
    site.stop()
    values = site.good("v100")
    assert all(b > a for a, b in zip(values, values[1:])), values


def test_gaps_are_filled_from_the_servers_history():
    server = UaServer(variables=1, **COUNTED, values_per_history=7)
    proxy = Proxy(server.port)
    site = Site(f"opc.tcp://127.0.0.1:{proxy.port}", counted(),
                keys="publishing: 200 ms, queue: 50, keep-alive: 1 s, retry-max: 1 s, transfer: no")
    site.wait_good("h0", "h7")
    time.sleep(3)                                   # the nodes' attributes are read in the background
    proxy.cut()
    time.sleep(4)
    proxy.heal()
    site.wait_good("h0", "h7")
    wait_for(lambda: all(site.why(f"h{i}")["detail"].get("history", {}).get("values_filled", 0) > 10 for i in (0, 7)), 40,
             "a fill, in more than one answer of the server", every_s=0.2)
    time.sleep(2)
    site.stop()
    # The server writes one value more each time: a hole or a repeat would show.
    counts_without_a_hole(site, [name for name, *_ in counted()])


if __name__ == "__main__":
    main()
