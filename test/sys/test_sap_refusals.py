#!/usr/bin/python3
"""What SAP (simulated) or our own side cannot book ends as a clear refusal with its remedy, and the rest goes on.

Events are made by hand and published to a broker; a node whose source is that broker posts them (driver mqtt, sink sap-odata).
"""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from s4 import *
from sap_site import *


class Posting(EventNode):
    """A node that posts what send() publishes, one event after the other."""

    def __init__(self, s4=None, keys="", **options):
        self.s4 = s4 or S4(user="MES", **options)
        super().__init__(self.s4, keys)

    def goes_on(self, order="1000130"):
        """An event of another order is booked meanwhile."""
        e = event(order=order)
        self.send(e)
        self.ends(e, "confirmed")


@timeout(150)
def test_what_sap_refuses_bears_its_code_its_words_and_the_field():
    p = Posting(keys='settings: ["plant = 1010"], on-refusal: pass')
    cases = (
        (event(order="1000901"), "RU/154", "closed", "OrderID"),
        (event(order="1000900"), "RU/152", "not released", "OrderID"),
        (event(order="999"), "CO/017", "does not exist", "OrderID"),
        (event(operation="0099"), "RU/013", "does not exist", "OrderOperation"),
        (event(unit="KG"), "BM/302", "cannot be converted", "ConfirmationUnit"),
        (event(unit="XYZ"), "BM/201", "not known", "ConfirmationUnit"),
        (event(**{"yield": -1}), "RU/511", "negative", "ConfirmationYieldQuantity"),
        (event(posting_time="2025-03-01T12:00:00.000Z"), "M7/053", "posting period", "PostingDate"),
        (event({"receipt-quantity": "1"}, receipt_material="GOLD", receipt_quantity=5), "M3/305", "does not exist", "Material"))
    for e, *_ in cases:
        p.send(e)
    for e, code, words, target in cases:
        item = p.ends(e, "refused")
        equal((item["code"], item["target"]), (code, target), f"code and field of {item['text']}")
        assert words in item["text"], item["text"]
    for code, remedy in (("M7/053", "MMPV"), ("M3/305", "material master")):
        text = next(i["text"] for i in p.items("refused") if i["code"] == code)
        assert remedy in text, f"no remedy in: {text}"
    p.goes_on()
    equal(p.s4.totals()["documents"], {"ProdnOrdConf2": 1}, "documents")


def test_what_cannot_become_a_message_is_quarantined_before_anything_is_sent():
    p = Posting(keys="on-refusal: pass")
    before = p.s4.ask("requests")["counts"].get("POST ProdnOrdConf2", 0)
    for e, code, target in (
            (event(order="12345678901234"), "too-long", "OrderID"), (event(unit="PIECES"), "too-long", "ConfirmationUnit"),
            (event(**{"yield": None}), "missing", "ConfirmationYieldQuantity"), (event(order=None), "missing", "OrderID"),
            (event(**{"yield": "many"}), "number", "ConfirmationYieldQuantity"), (event(**{"yield": 1e30}), "number", "ConfirmationYieldQuantity")):
        p.send(e)
        item = p.ends(e, "quarantined")
        equal((item["code"], item["target"]), (code, target), f"code and field of {item['text']}")
        assert re.search(r"[:;,] .{10}", item["text"]), f"no remedy in: {item['text']}"
    equal(p.s4.ask("requests")["counts"].get("POST ProdnOrdConf2", 0), before, "postings")
    p.goes_on()


def test_what_is_no_event_is_told_and_passed():
    p = Posting()
    for payload in ("{", "[]", "null", "{}", '{"id":"x"}', '{"id":1,"event":2,"type":3,"key":4,"time":5}', "\x00", '{"a":' * 200 + "1" + "}" * 200,
                    json.dumps({**event(), "type": "no-such-type"}), json.dumps({**event(), "time": "yesterday"})):
        p.publish(payload)
    p.goes_on()
    equal(p.s4.totals()["documents"], {"ProdnOrdConf2": 1}, "documents")
    equal([i["state"] for i in p.items() if i["state"] in ("ready", "sent")], [], "what waits")


@timeout(120)
def test_answers_that_cannot_be_read_are_looked_up_and_nothing_is_booked_twice():
    p = Posting()
    for fault in ("bad-json", "bad-xml", "empty", "login-page", "gateway-timeout", "cut-within", "filtered", "redirected"):
        p.s4.fault(fault, method="POST", path="ProdnOrdConf2")
        e = event()
        p.send(e)
        p.ends(e, "confirmed", 30)
    equal((p.s4.totals()["documents"], p.s4.totals()["duplicates"]), ({"ProdnOrdConf2": 8}, {}), "documents")


def test_a_condition_that_fails_is_waited_for_and_an_etag_that_is_wanted_is_a_refusal():
    p = Posting()
    p.s4.fault("changed", method="POST", path="ProdnOrdConf2", times=2)
    e = event()
    p.send(e)
    item = p.ends(e, "confirmed")
    equal((item["attempts"], p.s4.totals()["documents"]), (3, {"ProdnOrdConf2": 1}), "postings, and what came of them")
    p.s4.fault("precondition", method="POST", path="ProdnOrdConf2")
    e = event()
    p.send(e)
    item = p.ends(e, "refused")
    assert "look in SAP what is there" in item["text"] and "/IWFND/CM_MGW_RT/185" == item["code"], item
    equal(p.s4.totals()["documents"], {"ProdnOrdConf2": 1}, "documents after the refusal")
    done = p.cli("outbox", "retry", item["seq"], "--reason", "the service was mended")
    equal(done.returncode, 0, f"retry: {done.stdout}{done.stderr}")
    wait_for(lambda: p.items("confirmed")[1:], 20, "the booking after a retry")
    equal((p.s4.totals()["documents"], p.s4.totals()["duplicates"]), ({"ProdnOrdConf2": 2}, {}), "documents")
    equal([r for r in p.s4.ask("requests")["recent"] if "if-match" in r["headers"]], [], "requests with an ETag")


@timeout(240)
def test_hostile_metadata_stops_nothing_but_itself():
    for kind in ("bomb", "entity", "deep", "huge", "cut", "html", "empty", "binary", "other"):
        p = Posting(words=("--set", f"metadata={kind}", "--set", "huge-mb=32"))
        office = p.processes()["office"]["pid"]
        e = event()
        p.send(e)
        wait_for(lambda: p.items(), 20, f"the event, with metadata {kind}")
        wait_for(lambda: p.s4.ask("requests")["counts"].get("GET $metadata", 0) > 0, 20, f"a look at metadata {kind}")
        p.s4.settings(metadata="good")
        p.ends(e, "confirmed", 30)
        equal(p.processes()["office"]["pid"], office, f"the office after metadata {kind}")
        p.stop()


if __name__ == "__main__":
    main()
