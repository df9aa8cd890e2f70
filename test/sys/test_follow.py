#!/usr/bin/python3
"""`penstock follow`: from the register of a simulated machine to the document in the simulated S/4HANA, by id, key, document and count."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from s4 import S4
from sap_runs import filler_confirms

COUNT = "Packaging/Line 3/Filler/good-count"


def edit_for(s4):
    return lambda text: filler_confirms(text, s4, 'value: "1000123"')


def started():
    s4 = S4(user="PENSTOCK")
    s4.orders({"id": "1000123", "material": "BOTTLE-05", "quantity": 100000000, "operations": ["0010"]})
    return Gateway(free_port(), sim_options=("--seed", "3", "--skip", "2m", "--scale", "20"), edit=edit_for(s4)), s4


def follow(g, *words):
    done = g.cli("follow", *words)
    return done.returncode, done.stdout, done.stderr


def readings(text):
    """What the register read before and at the event."""
    return [int(n) for n in re.findall(r"^ +(?:before|then +) ?(\d+) at", text, re.M)]


def stable(text):
    """Without what goes on while the line runs: receipts of later events."""
    return re.sub(r", newest receipt .*", "", text)


def test_one_event_is_followed_from_register_to_document():
    g, s4 = started()
    made = lambda: [d for d in s4.documents(set="ProdnOrdConf2")[1:] if float(d["ConfirmationYieldQuantity"]) > 0]
    document = wait_for(lambda: made()[2:], 40, "confirmations of what was made") and made()[0]
    status, text, said = follow(g, document["identity"])
    equal(status, 0, said)
    before, then = readings(text)
    yielded = int(float(document["ConfirmationYieldQuantity"]))
    equal(then - before, yielded, "what the register moved by, against what SAP has booked")
    no = re.search(r"key 1000123/(\d+)", text).group(1)
    for part in ("holding 110 uint32 of filler-plc (modbus-tcp", f"admitted by flow bookings as number {no}", "sap: taken",
                 "confirmed, by mapping production-confirmation", "post      done", document["ConfirmationGroup"]):
        assert part in text, (part, text)
    # By its key and by its document, with and without zeros, it is the same event.
    number = f'{document["ConfirmationGroup"]}/{document["ConfirmationCount"]}'
    short = "/".join(part.lstrip("0") for part in number.split("/"))
    for name in (f"1000123/{no}", number, short):
        equal(stable(follow(g, name)[1]), stable(text), f"what is shown of {name}")
    # One bottle: a count between the two readings went into this event.
    status, by_count, said = follow(g, COUNT, "--count", str(before + 1))
    equal(status, 0, said)
    assert f"{COUNT} reached {before + 1} at" in by_count and document["identity"] in by_count, by_count
    # Nothing that runs is needed.
    g.stop()
    equal(follow(g, f"1000123/{no}")[0], 0, "status of follow when nothing runs")


def test_a_dry_run_shows_the_message_that_would_leave():
    g, s4 = started()
    wait_for(lambda: any(float(d["ConfirmationYieldQuantity"]) > 0 for d in s4.documents(set="ProdnOrdConf2")), 40, "a confirmation")
    before = len(s4.documents(set="ProdnOrdConf2"))
    name = "Packaging/Line 3/Filler/confirmation"

    def tried():
        done = g.cli("event", "try", name, "--site", g.site, "--last", "1h", "--to", "sap")
        return done if '{"External' in done.stdout else None
    done = wait_for(tried, 20, "an event by the history, which takes a moment", every_s=0.3)
    equal(done.returncode, 0, done.stderr)
    lines = done.stdout.splitlines()
    records = [json.loads(l) for l in lines if l.startswith('{"id"')]
    bodies = [json.loads(l) for l in lines if l.startswith('{"External')]
    equal(len(bodies), len(records), "messages for the records")
    assert bodies and before > 0
    for record, body in zip(records, bodies):
        equal(body["ExternalSystemConfirmation"], record["id"], "identity")
        equal((body["OrderID"], int(body["ConfirmationYieldQuantity"])), ("000001000123", record["fields"]["yield"]), "what would be booked")
    assert f"POST {s4.url}/sap/opu/odata/sap/API_PROD_ORDER_CONFIRMATION_2_SRV/ProdnOrdConf2" in done.stdout, done.stdout[:500]
    plain = g.cli("event", "try", name, "--site", g.site, "--last", "1h", "--to", "local-history").stdout
    assert "delivers the record as it is" in plain, plain[:300]
    equal(g.cli("event", "try", name, "--site", g.site, "--last", "1h", "--to", "no-such").returncode, 2, "status for an unknown sink")


def test_the_document_of_the_site_lists_events_with_where_they_go():
    s4 = S4()
    g = Gateway(free_port(), start=False, edit=edit_for(s4))
    out = os.path.join(g.folder, "site.html")
    equal(penstock("doc", g.site, "-o", out).returncode, 0, "status of doc")
    with open(out, encoding="utf-8") as f:
        text = f.read()
    chapter = text[text.index("Business events"):]
    for part in ("Packaging/Line 3/Filler/confirmation", "operations-performance", "every 1 s", "good-count", "order / its number", "sap by bookings"):
        assert part in chapter, part


def test_what_is_not_there_is_said_with_what_to_do():
    g, s4 = started()
    wait_for(lambda: s4.documents(set="ProdnOrdConf2"), 30, "a confirmation")
    status, _, said = follow(g, "no-such")
    equal(status, 1, "status")
    assert "penstock outbox list" in said, said
    status, _, said = follow(g, COUNT, "--count", "4000000000")
    equal(status, 1, "status")
    assert "4000000000" in said, said
    equal(follow(g, COUNT, "--count", "x")[0], 2, "status for a count that is no number")
    done = penstock("follow", "x", "--state", temp_dir())
    equal(done.returncode, 2, "status without a plan")
    assert "--state" in done.stderr, done.stderr


if __name__ == "__main__":
    main()
