#!/usr/bin/python3
"""The example sites: each checks clean and can be documented; each has a broken twin whose findings are asserted, one by one."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *

SITES = os.path.join(TOP, "etc/sites")

# Site -> edits of its twin: what is replaced, by what, and the finding that it must bring (rule, beginning of its cause).
TWINS = {
    "body-shop": [
        ("owner: functional safety, networks", "networks", "Z1", "zone safety"),
        ("line-2-up: { from: line-2, to: dmz,", "line-2-up: { from: line-2, to: dmz, initiator: to,", "Z5", "conduit line-2-up"),
        ("safety-up: { from: safety, to: dmz,", "safety-up: { from: safety, to: dmz, requests: yes,", "Z7", "conduit safety-up"),
        ("eno2 line-2 10.11.2.2/24", "eno2 line-2 10.12.2.2/24", "N1", "node edge-body-1"),
        ("Body/Line 1/Cell 20: { kind: work-cell", "Body/Line 1/Cell 20: { kind: unit", "H2", "equipment Body/Line 1/Cell 20"),
        ("2024-03-01..2025-01-30", "2024-03-01..2025-02-15", "A2", "asset R-4712"),
        ("    bridges: 3 d\n", "", "F2", "flow production"),
        ("    role: [operate]\n", "", "Z10", "request robot-speed"),
        ("conduits:\n", "conduits:\n  spare: { from: dmz, to: line-2, initiator: to, owner: nobody }\n", "Z2", "conduit spare"),
        ("\nsinks:\n", "\nsinks:\n  spare: { kind: opcua-server, zone: dmz, listen: \"10.19.0.2:4841\", users: [\"mes view\"], password-file: secrets/ua-users }\n",
         "Z15", "sink spare"),
    ],
    "refinery": [
        ("dmz-up:     { from: dmz, to: office, owner: it }", "dmz-up:     { from: tankage, to: office, owner: it }", "Z3", "conduit dmz-up"),
        ("via: [tankage-up, dmz-up]", "via: [dmz-up]", None, None),
        ("broker: 10.29.0.20, tls: yes", "broker: 10.29.0.20", "F3", "flow process"),
        ("networks: [10.21.0.0/24]", "networks: [10.21.0.0/24, 0.0.0.0/0]", "Z11", "zone dcs"),
        ("sl-t: 3, owner: process control", "sl-t: 3, sl-c: 2, owner: process control", "Z17", "zone dcs"),
        ("Tank Farm/Crude Tanks/T-301:\n    kind: storage-unit", "Tank Farm/Crude Tanks/T-301:\n    kind: area", "H1", "equipment Tank Farm"),
        ("dcs-up:     { from: dcs, to: dmz,", "dcs-up:     { from: dcs, to: dmz, one-way: yes,", "Z14", "flow process"),
        ("    use-case: UC-2 stock balance\n", "", "F1", "flow stocks"),
        ("driver: modbus-rtu, zone: tankage, endpoint: /dev/ttyS1,", "driver: modbus-tcp, zone: tankage, endpoint: \"10.22.0.5:8883\",", "Z4", "flow stocks"),
        ("10.29.0.6:636\", owner", "10.29.0.6:636\", shared-with: [office], owner", "Z12", "service people"),
    ],
    "bottling": [
        ("line-3: { level: 2,   sl-t: 2, owner: packaging maintenance,", "line-3: { level: 2,   sl-t: 2,", "Z1", "zone line-3"),
        ("initiator: from, requests: yes,", "initiator: from, requests: yes, sl-t: 2,", "Z9", "conduit line-3-up"),
        ("quota: 50 GiB", "quota: 1 MiB", "F2", "flow line-state"),
        ("zone: line-3, endpoint: 10.3.1.11, unit: 1", "zone: line-3, endpoint: 10.3.1.11, unit: 1, attached: wireless", "Z8", "source capper-plc"),
        ("without: [names, directory, malware]", "without: [names, malware]", "Z13", "node edge-line-3"),
        ("filler-plc: { driver: modbus-tcp, zone: line-3, endpoint: 10.3.1.10,", "filler-plc: { driver: modbus-tcp, zone: line-3, endpoint: 8.8.4.4,",
         "Z11", "source filler-plc"),
        ("2023-05-01.. Packaging/Line 3/Filler", "2023-05-01.. Packaging/Line 3/Rinser", "A1", "asset F-0815"),
        ("\nassets:", "\nexceptions: { old: { rule: Z3, where: conduit x, reason: was needed once, owner: me, expires: 2025-01-31 } }\nassets:", "X1",
         "exception old"),
    ],
}


def text_of(name):
    with open(os.path.join(SITES, name + ".yaml"), encoding="utf-8") as f:
        return f.read()


def findings(text):
    path = os.path.join(temp_dir(), "site.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return json.loads(penstock("check", path, "--json").stdout)


def test_every_example_is_clean_and_can_be_documented_and_fenced_in():
    equal(sorted(f[:-5] for f in os.listdir(SITES) if f.endswith(".yaml")), sorted(TWINS), "example sites and their twins")
    for name in TWINS:
        path = os.path.join(SITES, name + ".yaml")
        done = penstock("check", path, "--strict")
        equal(done.returncode, 0, done.stdout + done.stderr)
        assert "enforce" in text_of(name), "an example shows the rules at their strictest"
        page = penstock("doc", path)
        equal(page.returncode, 0, page.stderr)
        node = text_of(name).split("nodes:\n")[1].split(":")[0].strip()
        rules = penstock("firewall", path, node)
        assert rules.returncode == 0 and "policy drop" in rules.stdout, rules.stderr


def test_each_fault_alone_is_found_where_it_is():
    for name, edits in TWINS.items():
        text = text_of(name)
        for old, new, rule, cause in edits:
            assert text.count(old) == 1, (name, old, text.count(old))
            if rule in (None, "Z3"):
                continue        # these need others of the twin
            found = findings(text.replace(old, new))
            equal([f["rule"] for f in found if f["severity"] == "error"], [rule], (name, old, found))
            assert found[0]["cause"].startswith(cause) and found[0]["line"] > 0 and found[0]["remedy"], found


def test_the_broken_twin_says_it_all_at_once():
    for name, edits in TWINS.items():
        text = text_of(name)
        for old, new, _, _ in edits:
            text = text.replace(old, new)
        found = {(f["rule"], f["cause"]) for f in findings(text)}
        for _, _, rule, cause in edits:
            assert rule is None or any(r == rule and c.startswith(cause) for r, c in found), (name, rule, cause, sorted(found))


def advice(text, flow, sink):
    path = os.path.join(temp_dir(), "site.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    done = penstock("advise", path, "--json")
    equal(done.returncode, 0, done.stderr)
    return next(a for a in json.loads(done.stdout) if (a["flow"], a["sink"]) == (flow, sink))


def test_advice_follows_release_volume_and_direction():
    text = text_of("bottling")
    a = advice(text, "line-state", "plant-broker")
    equal((a["rule"], a["followed"]), ("stream", True), "without SAP")
    # Each filler and capper has 7 tags of line-state at 100 ms, the packer one at 500 and one at 100 ms.
    equal(round(a["values_a_day"]), 86400 * (14 * 10 + 2 + 10), "values a day")
    for release, change, flow, rule, followed in (
            ("s4", None, "line-state", "confirm-many", False),
            ("s4", ("scan: 100ms", "scan: 60 s"), "line-state", "confirm", False),
            ("s4", ("exchange: performance", "exchange: schedule"), "line-state", "orders-down", False),
            ("ecc6", None, "line-state", "confirm-ecc", False),
            ("s4-cloud", None, "condition", "condition-apm", False),
            ("s4-cloud", ("scan: 1s", "scan: 60 s"), "condition", "notify", False),
            ("s4-cloud", ("    category: maintenance\n", "    bulk: yes\n"), "condition", "store", True)):
        edited = text.replace("site: {", "site: { sap: %s," % release)
        for old in (change[0], "scan: 100 ms", "scan: 500 ms") if change and "scan" in change[0] else (change[0],) if change else ():
            edited = edited.replace(old, change[1])
        a = advice(edited, flow, "plant-broker")
        equal((a["rule"], a["followed"]), (rule, followed), (release, change))
    a = advice(text_of("body-shop"), "production", "ua")
    equal((a["rule"], a["followed"]), ("supervise", True), "a sink through which requests come back")


if __name__ == "__main__":
    main()
