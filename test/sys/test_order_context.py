#!/usr/bin/python3
"""The order that runs: read from SAP (simulated), kept as a tag that no device has, and confirmed by what the machine counts from then on."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from s4 import S4
from sap_runs import filler_confirms

TAG = "Packaging/Line 3/Filler/order"
REQUESTS = """
requests:
  amount: { what: ["Packaging/Line 3/Filler/planned-quantity"], from: [ sap ], limits: [0, 5000], why: what one order may be, owner: production }
  context: { what: ["Packaging/Line 3/Filler/order"], from: [ sap, cli ], why: the order that runs, owner: production }
"""


def site(s4):
    """The demo's line with a desk that keeps the order, and an SAP that is asked for it."""
    def edit(text):
        text = text.replace("sources:\n", "sources:\n  desk: { driver: manual, zone: line-3 }\n", 1)
        text = text.replace("initiator: from,", "initiator: from, requests: yes,", 1)
        text = text.replace("Packaging/Line 3/Filler:   { type: packaging-machine, source: filler-plc }",
                            "Packaging/Line 3/Filler:   { type: packaging-machine, source: filler-plc, tags: { order: { source: desk, at: order string, writable: yes }, "
                            "planned-quantity: { source: desk, at: planned-quantity float64, writable: yes } } }")
        return filler_confirms(text, s4, "tag: order, length: 12, required: yes", 'poll: 5 s, on-refusal: pass, '
                               'read: [ "production-orders material=BOTTLE-10 -> Packaging/Line 3/Filler" ], ') + REQUESTS
    return edit


def booked(s4, order):
    return sum(float(d["ConfirmationYieldQuantity"]) for d in s4.documents(set="ProdnOrdConf2", order=order))


@timeout(120)
def test_an_order_of_sap_becomes_the_context_of_what_is_counted():
    s4 = S4(user="PENSTOCK")
    g = Gateway(free_port(), sim_options=("--seed", "3", "--skip", "2m", "--scale", "20"), edit=site(s4))
    # Without an order an event has a fault: it waits in the outbox's quarantine for a person, and books nothing.
    wait_for(lambda: '"quarantined"' in g.cli("outbox", "list", "--all", "--json").stdout, 20, "an event without an order")
    equal(s4.documents(set="ProdnOrdConf2"), [], "documents before there is an order")
    # A row of which gate refuses a part does not become the order that runs: its number beside the old quantity would be a lie.
    s4.orders({"id": "1000776", "material": "BOTTLE-10", "quantity": 9000, "operations": ["0010"]})
    g.run.wait_line("event=value_from_sap_refused .*planned-quantity", 30)
    g.run.wait_line("event=value_from_sap_refused .*Filler/order.* code=row", 30)
    assert "1000776" not in g.cli("read", TAG).stdout, "an order whose quantity was refused"
    s4.orders({"id": "1000777", "material": "BOTTLE-10", "quantity": 4000, "operations": ["0010"]})
    wait_for(lambda: "1000777" in g.cli("read", TAG).stdout, 30, "the order in its tag", every_s=0.5)
    wait_for(lambda: booked(s4, "1000777") > 0, 30, "a confirmation of the order")
    assert "order" in g.cli("audit", "show").stdout, "the audit log does not speak of it"
    # The next order is entered by a person; what is counted from then on is for it.
    s4.orders({"id": "1000778", "material": "BOTTLE-05", "quantity": 1000000, "operations": ["0010"]})
    done = g.cli("request", "write", TAG, "1000778", "--wait")
    equal(done.returncode, 0, done.stdout + done.stderr)
    wait_for(lambda: booked(s4, "1000778") > 0, 30, "a confirmation of the second order")
    equal(s4.totals()["duplicates"], {}, "documents that were made twice")


if __name__ == "__main__":
    main()
