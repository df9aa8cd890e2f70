#!/usr/bin/python3
"""Events and alarms of foreign servers: they come in order with their fields, alarms are refreshed on each connect, acknowledged from above."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from ua_peers import *

HEAD = """site: { enterprise: Acme, name: Test, country: DE, time-zone: Europe/Berlin }
zones:
  line: { level: 2, sl-t: 1 }
"""


class Site:
    """A running penstock that follows events of one server; tags: name -> address. Its tail is kept running."""

    def __init__(self, server, tags, keys="", requests="", url=None):
        self.folder = temp_dir()
        self.state = os.path.join(self.folder, "state")
        self.site = os.path.join(self.folder, "site.yaml")
        text = HEAD + f'sources:\n  plc: {{ zone: line, driver: opcua, endpoint: "{url or server.url}", security: none, retry-max: 1 s{keys} }}\n'
        text += "types:\n  device:\n    tags:\n"
        text += "".join(f"      {name}: {{ at: {json.dumps(at)} }}\n" for name, at in tags.items())
        text += "equipment:\n  Line/plc: { type: device, source: plc }\n" + ("requests:\n" + requests if requests else "")
        with open(self.site, "w", encoding="utf-8") as f:
            f.write(text)
        self.run = start_penstock("run", self.site, "--state", self.state)
        self.run.wait_line("event=ready", 20)
        self.tail = start_tail("Line/plc/*", self.state)

    def samples(self, tag=None):
        lines = [json.loads(line) for line in list(self.tail.out) if line.startswith("{")]
        return [s for s in lines if tag is None or s["tag"] == f"Line/plc/{tag}"]

    def events(self, tag=None):
        return [s["value"] for s in self.samples(tag) if s["value"] is not None]

    def wait(self, found, what, tag=None, limit_s=15):
        return wait_for(lambda: next((e for e in self.events(tag) if found(e)), None), limit_s, what, every_s=0.1)

    def why(self, name):
        return json.loads(penstock("why", f"Line/plc/{name}", "--json", "--state", self.state).stdout)

    def ack(self, tag, event):
        done = penstock("request", "ack", f"Line/plc/{tag}", event, "--note", "seen by the tests", "--wait", "--json", "--state", self.state,
                        limit_s=40)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return lines[-1] if lines else {"state": "nothing", "why": done.stderr}

    def monitored(self, server, count):
        wait_for(lambda: server.stats()["items"] >= count, 15, f"{count} monitored items", every_s=0.1)


def test_plain_events_come_complete_and_in_order():
    server = UaServer(variables=10)
    site = Site(server, {"all": "events", "severe": "[severity 500] events", "kind": "[kind SystemEventType] events"})
    site.monitored(server, 3)
    for i in range(50):
        server.ask("event", 100 + 10 * i, f"number-{i}")
    site.wait(lambda e: e.get("Message") == "number-49", "the last event", "severe")
    site.wait(lambda e: e.get("Message") == "number-49", "the last event", "all")
    equal([e["Message"] for e in site.events("all") if e.get("Message", "").startswith("number-")], [f"number-{i}" for i in range(50)])
    first = next(e for e in site.events("all") if e["Message"] == "number-0")
    equal((first["Severity"], first["EventType"], first["SourceNode"]), (100, "i=2041", "i=2253"))
    sample = next(s for s in site.samples("all") if s["value"] and s["value"]["Message"] == "number-0")
    equal(sample["status"], "Good")
    equal(sample["source_time"][:23], first["Time"][:23])
    severe = [e["Message"] for e in site.events("severe") if e.get("Message", "").startswith("number-")]
    equal(severe, [f"number-{i}" for i in range(40, 50)])
    equal([e for e in site.events("kind") if e.get("Message", "").startswith("number-")], [])


def test_alarms_of_node_opcua_come_with_their_states():
    server = UaNodeServer(variables=10)
    site = Site(server, {"tank": f"events of nsu={PLANT_URI};s=Tank", "by-path": f"events of /nsu={PLANT_URI};Plant/Tank"})
    site.monitored(server, 2)
    server.set("Tank.level", 92)
    high = site.wait(lambda e: e.get("ActiveState") is True, "the alarm", "tank")
    equal((high["ConditionName"], high["AckedState"], high["Retain"], high["EnabledState"]), ("LevelAlarm", False, True, True))
    equal(high["ConditionId"].rsplit(";", 1)[1], "s=Tank.LevelAlarm")
    if not re.fullmatch(r"[A-Za-z0-9+/]+=*", high["EventId"]):
        raise AssertionError(f"no base64: {high['EventId']}")
    equal(high["LimitState"], "High")
    site.wait(lambda e: e.get("ActiveState") is True, "the alarm by its path", "by-path")
    server.set("Tank.level", 50)
    site.wait(lambda e: e.get("ActiveState") is False and e.get("ConditionName") == "LevelAlarm" and e["Time"] > high["Time"],
              "the end of the alarm", "tank")


def test_an_alarm_is_acknowledged_from_above():
    server = UaNodeServer(variables=10)
    site = Site(server, {"tank": f"events of nsu={PLANT_URI};s=Tank"}, ", calls: yes",
                "  ack: { kind: ack, what: Line/plc/tank, from: cli, why: a test, owner: the tests }\n")
    site.monitored(server, 1)
    server.set("Tank.level", 92)
    alarm = site.wait(lambda e: e.get("AckedState") is False and e.get("ActiveState") is True, "the alarm")
    unknown = site.ack("tank", "bm8gc3VjaCBldmVudA==")
    equal(unknown["state"], "refused", unknown)
    a = site.ack("tank", alarm["EventId"])
    equal(a["state"], "applied", a)
    site.wait(lambda e: e.get("AckedState") is True, "the acknowledged state")
    told = wait_for(lambda: server.events("acknowledged"), 10, "the server's own word")
    equal(len(told), 1)
    again = site.ack("tank", alarm["EventId"])
    if again["state"] == "applied":
        raise AssertionError(f"twice: {again}")


def test_an_alarm_that_began_before_is_told_by_the_refresh():
    server = UaNodeServer(variables=10)
    server.set("Tank.level", 97)
    proxy = Proxy(server.port)
    proxy.cut()             # until somebody looks
    site = Site(server, {"all": "[kind AlarmConditionType] events"}, url=f"opc.tcp://127.0.0.1:{proxy.port}")
    proxy.heal()
    told = site.wait(lambda e: e.get("ConditionName") == "LevelAlarm", "the alarm of before", "all")
    equal((told.get("Refresh"), told["ActiveState"], told["LimitState"]), (True, True, "HighHigh"))
    # What begins now is no refresh.
    server.set("Tank.level", 50)
    site.wait(lambda e: e.get("ActiveState") is False and "Refresh" not in e, "its end", "all")


def test_after_a_restart_events_come_again_and_what_may_be_lost_is_said():
    server = UaServer(variables=10)
    site = Site(server, {"all": "events"})
    site.monitored(server, 1)
    server.ask("event", 500, "before")
    site.wait(lambda e: e.get("Message") == "before", "the event before")
    server.restart()
    site.monitored(server, 1)
    server.ask("event", 500, "after")
    site.wait(lambda e: e.get("Message") == "after", "the event after")
    lost = site.wait(lambda e: e.get("Overflow") is True, "the hole")
    messages = [e.get("Message") for e in site.events()]
    if not messages.index("before") < messages.index(lost["Message"]) < messages.index("after"):
        raise AssertionError(f"out of order: {messages}")


def test_what_is_no_notifier_says_so():
    server = UaServer(variables=10)
    site = Site(server, {"none": f"events of nsu={PLANT_URI};s=v0", "missing": f"events of nsu={PLANT_URI};s=nowhere", "all": "events"})
    wait_for(lambda: "notifier" in json.dumps(site.why("none")), 15, "why of a variable as notifier", every_s=0.2)
    wait_for(lambda: "BadNodeIdUnknown" in json.dumps(site.why("missing")), 15, "why of a missing node", every_s=0.2)
    site.monitored(server, 1)
    server.ask("event", 500, "still")
    site.wait(lambda e: e.get("Message") == "still", "the others' events", "all")


if __name__ == "__main__":
    main()
