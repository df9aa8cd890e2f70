#!/usr/bin/python3
"""The ready mappings, tried as an engineer tries one: penstock mapping. What they make is taken by SAP's mock server and by our simulator."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from odata_peers import *
from penstock import *
from s4 import *

ID = "6f1c2d3e-4a5b-5c6d-8e7f-0a1b2c3d4e5f"
LOT = {"lot": "30000001", "operation-id": "1", "characteristic": "10"}
# mapping: type of event, fields, units. Master data as the simulator has it.
EVENTS = {
    "production-confirmation": ("operations-performance", {"order": "1000123", "operation": "10", "yield": 120, "scrap": 2, "final": False,
                                "component-1-material": "CAP-28", "component-1-quantity": 122}, {"yield": "1", "scrap": "1", "component-1-quantity": "1"}),
    "process-confirmation": ("operations-performance", {"order": "2000123", "operation": "10", "yield": 12.5}, {"yield": "L"}),
    "inspection-value": ("test-result", {**LOT, "value": 499.51, "valuation": True}, {"value": "mL"}),
    "inspection-result": ("test-result", {**LOT, "mean": 500.25, "maximum": 501, "minimum": 499, "count": 5, "valuation": "A"}, {"mean": "mL"}),
    "sample-result": ("test-result", {**LOT, "subset": "1", "mean": 500.25, "valuation": "A"}, {"mean": "mL"}),
    "usage-decision": ("test-result", {"lot": "30000001", "decision": "A", "decision-group": "01"}, {}),
    "maintenance-notification": ("maintenance-request", {"equipment-number": "10000301", "text": "Lager läuft heiß", "item-text": "Lager", "cause": "0001",
                                 "cause-group": "PM"}, {}),
    "measurement-document": ("equipment-actual", {"measuring-point": "502", "reading": 4.5}, {"reading": "mm/s"}),
    "material-document": ("material-actual", {"material": "BOTTLE-05", "movement": "received", "order": "1000123", "quantity": 2, "serial-1": "S1",
                          "serial-2": "S2"}, {"quantity": "1"}),
    "batch": ("material-actual", {"material": "BOTTLE-05", "batch": "B4711", "made": "2026-11-22T06:00:00Z"}, {}),
    "batch-characteristic": ("test-result", {"material": "BOTTLE-05", "batch": "B4711", "characteristic-id": "12", "value": 3.25}, {}),
}
SETTINGS = ["plant=1010", "decision-set=WB01", "batch-plant=1010", "notification-type=M1"]


def service_of(name):
    text = penstock("mapping", name).stdout
    return next(line.split()[1] for line in text.splitlines() if line.startswith("service: "))


def made(name, **fields):
    """(path, body, lookup) of the message that a mapping makes of its event here."""
    kind, given, units = EVENTS[name]
    event = {"id": ID, "event": "Packaging/Line 3/Filler/done", "type": kind, "key": "k/1", "no": 1, "time": "2026-11-22T06:00:00.000Z",
             "fields": {**given, **fields}, "units": units, "status": {}, "from": {}}
    path = os.path.join(temp_dir(), "event.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(event, f)
    words = [word for setting in SETTINGS for word in ("--setting", setting)]
    done = penstock("mapping", name, "--event", path, *words)
    equal((done.returncode, done.stderr), (0, ""), f"{name}: {done.stdout}")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("POST "), lines
    return lines[0][5:], json.loads(lines[1]), lines[3].partition("GET ")[2]


def rows(answer):
    """The rows of an answer, of a list or of one entity, of either version."""
    body = answer.json()
    body = body.get("d", body)
    return body.get("results", body.get("value", [body])) if isinstance(body, dict) else body


class _Plain:
    """A foreign server as Client sees the simulator."""
    tls = None

    def __init__(self, port):
        self.port = port


def post_and_find(server, name):
    client = Client(server, service_of(name))
    path, body, lookup = made(name)
    answer = client.post(path, body)
    equal(answer.status, 201, f"{name}: {answer.body.decode()[:400]}")
    assert lookup, f"{name} cannot be looked up"
    found = client.get(lookup)
    equal((found.status, len(rows(found))), (200, 1), f"{name}: {lookup}: {found.body.decode()[:400]}")
    return answer


def test_saps_mock_server_takes_what_the_ready_mappings_make():
    """Foreign: it knows types and keys, and nothing of the business."""
    services = sorted({service_of(name).rpartition("/")[2] for name in EVENTS if name != "measurement-document"})
    server = _Plain(OdataMock(*services, "api_measurementdocument").port)
    for name in EVENTS:
        post_and_find(server, name)


def test_the_simulator_takes_what_the_ready_mappings_make():
    s4 = S4()
    for name in EVENTS:
        post_and_find(s4, name)
    equal(s4.totals()["orders"]["000001000123"], {"confirmations": 1, "yield": "120.000", "scrap": "2.000"}, "what was booked")


def test_metadata_that_servers_give_is_what_the_mappings_fit():
    s4 = S4()
    names = [line.split()[0] for line in penstock("mapping").stdout.splitlines()]
    equal(len(names), 20, "mappings")
    for name in names:
        answer = Client(s4, service_of(name)).get("$metadata", Accept="application/xml")
        equal(answer.status, 200, name)
        path = os.path.join(temp_dir(), "metadata.xml")
        with open(path, "wb") as f:
            f.write(answer.body)
        done = penstock("mapping", name, "--metadata", path)
        equal((done.returncode, done.stdout, done.stderr), (0, "", ""), name)


def test_one_of_ones_own_is_tried_before_it_is_put_in_force():
    folder = temp_dir()
    with open(os.path.join(folder, "mine.yaml"), "w", encoding="utf-8") as f:
        f.write(penstock("mapping", "usage-decision").stdout.replace("mapping: usage-decision", "mapping: mine").replace("from: lot,", "form: lot,"))
    done = penstock("mapping", "--mappings", folder)
    equal(done.returncode, 1, "a wrong one")
    assert "mine.yaml:12:38: error: InspectionLot has no key \"form\"; did you mean \"from\"?" in done.stderr, done.stderr
    done = penstock("mapping", "usage-decison")
    equal(done.returncode, 2, "no such")
    assert "did you mean 'usage-decision'" in done.stderr, done.stderr
    hostile = os.path.join(folder, "hostile.xml")
    with open(hostile, "w", encoding="utf-8") as f:
        f.write('<!DOCTYPE l [<!ENTITY a "lol">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 20)) + "]><l>&a19;</l>")
    done = penstock("mapping", "usage-decision", "--metadata", hostile)
    equal(done.returncode, 2, "a billion laughs")
    assert "document type" in done.stderr, done.stderr


if __name__ == "__main__":
    main()
