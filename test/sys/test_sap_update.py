#!/usr/bin/python3
"""Updates: what SAP (simulated) leaves blank is filled in under the entity's ETag, once, and nothing that others have written is written over.

A batch stands in the simulator, as a goods receipt makes it; events with its dates are published to a broker, and a node posts them.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from s4 import *
from sap_site import *

SERVICE = ODATA + "API_BATCH_SRV"
MADE, EXPIRES = "2026-11-20", "2027-11-20"


class Dates(EventNode):
    """A node that fills in the dates of batches."""

    def __init__(self, keys=""):
        self.s4 = S4(user="MES")
        self.sap = self.s4.client(SERVICE, headers=basic(self.s4))
        super().__init__(self.s4, f'settings: ["batch-plant = 1010"], on-refusal: pass{", " if keys else ""}{keys}', post="batch-dates")

    @staticmethod
    def at(batch):
        return f"Batch(Material='BOTTLE-05',BatchIdentifyingPlant='1010',Batch='{batch}')"

    def made(self, batch, **more):
        """By a goods receipt, which knows no dates."""
        reply = self.sap.post("Batch", {"Material": "BOTTLE-05", "BatchIdentifyingPlant": "1010", "Batch": batch, **more})
        equal(reply.status, 201, f"a batch of the simulator: {reply.body}")

    def has(self, batch):
        d = self.sap.get(self.at(batch)).json()["d"]
        return {n: d[n] for n in ("ManufactureDate", "ShelfLifeExpirationDate", "Supplier")}

    def dates(self, batch, **more):
        e = event(kind="material-actual", plain={"material": "BOTTLE-05", "batch": batch, "made": f"{MADE}T10:00:00Z", "expires": f"{EXPIRES}T10:00:00Z", **more})
        self.send(e)
        return e

    def changes(self):
        """Those that reached the service, of this node alone."""
        return [r for r in self.s4.ask("requests")["recent"] if r["method"] == "PATCH" and "x-mine" not in r["headers"]]


def basic(s4):
    import base64
    return {"Authorization": "Basic " + base64.b64encode(f"{s4.user}:{s4.password}".encode()).decode(), "X-Mine": "yes"}


def v2_day(text):
    return f"/Date({int(time.mktime(time.strptime(text + ' UTC', '%Y-%m-%d %Z')) - time.timezone) * 1000})/"


def test_what_is_blank_is_filled_in_under_its_etag_once():
    n = Dates()
    n.made("B1")
    etag = n.sap.get(n.at("B1")).json()["d"]["__metadata"]["etag"]
    item = n.ends(n.dates("B1", supplier="17300001"), "confirmed")
    equal(item["document"], "BOTTLE-05/B1", "its document")
    equal(n.has("B1"), {"ManufactureDate": v2_day(MADE), "ShelfLifeExpirationDate": v2_day(EXPIRES), "Supplier": "17300001"}, "the batch in SAP")
    equal([r["headers"].get("if-match") for r in n.changes()], [etag], "ETags of the changes that arrived")
    # The same again, by another event: nothing is to be written.
    item = n.ends(n.dates("B1"), "confirmed")
    assert "already" in item["text"], item
    equal(len(n.changes()), 1, "changes after what was there already")


def test_what_others_have_written_stays_and_a_person_is_asked():
    n = Dates()
    n.made("B2", Supplier="4711")
    item = n.ends(n.dates("B2", supplier="17300001"), "refused")
    equal((item["code"], item["target"]), ("taken", "Supplier"), item["text"])
    assert "4711" in item["text"] and "17300001" in item["text"], item["text"]
    equal((n.has("B2")["Supplier"], n.changes()), ("4711", []), "the supplier in SAP, and changes")
    # It was a mistake there: blanked, the event may go.
    equal(n.sap.post(n.at("B2"), {"Supplier": ""}, method="PATCH", If_Match="*").status, 204, "blanked")
    equal(n.cli("outbox", "retry", item["seq"], "--reason", "blanked in SAP").returncode, 0, "retry")
    wait_for(lambda: n.has("B2")["Supplier"] == "17300001", 20, "the supplier of the event")


def changed_between(n, batch):
    """The item of an event whose batch somebody changes while the answer to its reading is on the way."""
    n.made(batch)
    n.s4.fault("slow", method="GET", path=f"Batch='{batch}'")
    e = n.dates(batch)
    wait_for(lambda: any(batch in r["target"] and r["method"] == "GET" and "x-mine" not in r["headers"] for r in n.s4.ask("requests")["recent"]), 20, "it is read")
    time.sleep(0.3)
    equal(n.sap.post(n.at(batch), {"Supplier": "4711"}, method="PATCH", If_Match="*").status, 204, "somebody else's change")
    return n.ends(e, "confirmed", 40)


@timeout(200)
def test_what_somebody_changes_between_reading_and_writing_is_read_again():
    n = Dates()
    n.s4.settings(slow_ms=1500)
    for batch in ("C1", "C2", "C3", "C4"):      # on a slow machine the reading may come after the change
        n.s4.ask("faults", {"clear": True})
        before = len(n.changes())
        item = changed_between(n, batch)
        equal(n.has(batch), {"ManufactureDate": v2_day(MADE), "ShelfLifeExpirationDate": v2_day(EXPIRES), "Supplier": "4711"}, "both changes stand")
        if item["attempts"] == 2:
            tags = [r["headers"].get("if-match") for r in n.changes()[before:]]
            assert len(tags) == 2 and tags[0] != tags[1], tags
            return
    raise AssertionError("no change met the one of somebody else")


def test_a_lost_answer_of_a_change_is_asked_about_and_not_repeated():
    n = Dates()
    n.made("B4")
    n.s4.fault("lost-answer", method="PATCH", path="Batch")
    n.ends(n.dates("B4"), "confirmed")
    equal(len(n.changes()), 1, "changes that arrived")
    n.made("B5")
    n.s4.fault("cut-before", method="PATCH", path="Batch")
    n.ends(n.dates("B5"), "confirmed")
    equal((n.has("B5")["ManufactureDate"], len(n.changes())), (v2_day(MADE), 3), "the batch, and changes: one of them never arrived")


def test_what_is_not_there_yet_is_waited_for_by_a_rule_or_a_person():
    n = Dates()
    item = n.ends(n.dates("B6"), "refused")
    equal(item["code"], "not-there", item["text"])
    assert "retry" in item["text"], item["text"]
    n.stop()
    n = Dates('rules: ["not-there -> retry after 1 s"]')
    e = n.dates("B7")
    wait_for(lambda: any("B7" in r["target"] for r in n.s4.ask("requests")["recent"]), 20, "it is looked for")
    n.made("B7")
    n.ends(e, "confirmed", 30)
    equal(n.has("B7")["ManufactureDate"], v2_day(MADE), "the batch in SAP")


if __name__ == "__main__":
    main()
