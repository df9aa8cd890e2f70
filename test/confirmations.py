#!/usr/bin/python3
"""N confirmations to a simulated S/4HANA, while it loses answers, processes are killed, and the network drops: N documents, each once.

    test/confirmations.py [--confirmations 10000] [--machines 100] [--seed N] [--calm] [--batch N]

Machines of the test's own count pieces and raise a request after each portion (test/lib/machines.py); the gateway reads them by Modbus, makes
an event of each request, acknowledges it once it is durable, and posts it to the simulator (test/peers/s4_server.py, NOT a real SAP) over
TLS. At the end: a document for each portion, no identity twice, the quantities of each order equal to what its machine counted and to the
simulator's own totals, nothing waits, outbox and ledger balance.
"""
import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from machines import *
from penstock import *
from sap_site import *

ARGS = argparse.ArgumentParser()
ARGS.add_argument("--confirmations", type=int, default=10000)
ARGS.add_argument("--machines", type=int, default=100)
ARGS.add_argument("--seed", type=int, default=int(time.time()))
ARGS.add_argument("--calm", action="store_true", help="nothing goes wrong: how fast it is")
ARGS.add_argument("--batch", type=int, default=1)
ARGS.add_argument("--limit", type=int, default=1800, help="seconds")
OPTIONS = ARGS.parse_args()
sys.argv[1:] = []

RATES = ("lost-answer=0.02,cut-within=0.01,cut-after=0.01,cut-before=0.01,gateway-timeout=0.005,bad-gateway=0.005,throttle=0.01,"
         "unavailable=0.005,stale=0.01,locked=0.01,dump=0.003,bad-json=0.005,empty=0.003,slow=0.02,slow-before=0.02")


class Campaign:
    def __init__(self):
        self.rng = random.Random(OPTIONS.seed)
        orders = [str(6000001 + i) for i in range(OPTIONS.machines)]
        self.machines = Machines(orders, OPTIONS.confirmations, seed=OPTIONS.seed)
        self.plant = SapPlant(self.machines, f"connections: 8, rate: 0, batch: {OPTIONS.batch}, settle: 2s, timeout: 5s, follow-up: never, "
                              "rules: [\"/IWFND/CM_MGW/099 -> retry after 1 s\"]", s4_words=("--set", "slow-ms=700", "--set", "posting-ms=2"))
        self.plant.s4.orders(*[{"id": o} for o in orders])
        self.done, self.faults = {}, {}

    def note(self, what):
        self.done[what] = self.done.get(what, 0) + 1

    # ---- what goes wrong, one at a time ----

    def office_killed(self):
        self.plant.kill("office")

    def gate_killed(self):
        self.plant.kill("gate")

    def insight_killed(self):
        self.plant.kill(next(n for n in self.plant.processes() if n.startswith("insight")))

    def network_reset(self):
        self.plant.network.reset()

    def network_down(self):
        self.plant.network.cut()
        time.sleep(self.rng.uniform(0.5, 3))
        self.plant.network.heal()

    def network_silent(self):
        self.plant.network.half_open()
        time.sleep(self.rng.uniform(0.5, 7))
        self.plant.network.reset()
        self.plant.network.heal()

    def network_cut_within(self):
        self.plant.network.cut_after(self.rng.randrange(1, 5000))

    def maintenance(self):
        self.plant.s4.settings(maintenance=True)
        time.sleep(self.rng.uniform(0.5, 3))
        self.plant.s4.settings(maintenance=False)

    def count_faults(self):
        """What the simulator did wrong; it forgets that when it dies."""
        for name, n in self.plant.s4.ask("requests")["faults"].items():
            self.faults[name] = self.faults.get(name, 0) + n

    def s4_killed(self):
        self.count_faults()
        self.plant.s4.kill()
        time.sleep(self.rng.uniform(0, 1))
        self.plant.s4.start()
        self.plant.s4.rates(f"seed={self.rng.randrange(10**6)},{RATES}")

    def logged_out(self):
        self.plant.s4.ask("revoke", {})

    TROUBLE = ("office_killed", "network_reset", "network_down", "office_killed", "maintenance", "network_silent", "gate_killed",
               "network_cut_within", "s4_killed", "office_killed", "insight_killed", "logged_out")

    def trouble(self):
        """Until the machines have made all their portions, one thing after another; each kind at least once."""
        at = 0
        while self.machines.busy() or at < len(self.TROUBLE):
            name = self.TROUBLE[at % len(self.TROUBLE)]
            getattr(self, name)()
            self.note(name)
            at += 1
            time.sleep(self.rng.uniform(0.2, 2))

    # ---- the account ----

    def progress(self, seconds):
        totals = self.plant.s4.totals()
        print(f"  {seconds:4.0f} s: {self.machines.made()} portions made, {sum(totals['documents'].values())} documents", flush=True)

    def settled(self):
        book = self.plant.account()
        return book != {} and book["taken"] == OPTIONS.confirmations and book["ready"] == book["sent"] == 0

    def delivered(self):
        """The ledger, once nothing waits in it."""
        book = self.plant.ask("ledger")
        return book if book and not any(s["pending"] for stream in book["streams"] for s in stream["sinks"]) else None

    def judge(self):
        want = OPTIONS.confirmations
        s4, totals = self.plant.s4, self.plant.s4.totals()
        equal(totals["documents"], {"ProdnOrdConf2": want}, "documents")
        equal((totals["identities"], totals["duplicates"]), (want, {}), "identities, and those that occur twice")
        for m in self.machines.all:
            booked = totals["orders"][str(m.order).zfill(12)]
            equal((booked["confirmations"], float(booked["yield"]), float(booked["scrap"])), (m.done, float(m.good), float(m.bad)),
                  f"what is booked for order {m.order}")
        orders = {e["ManufacturingOrder"]: e["MfgOrderConfirmedYieldQty"] for e in s4.ask("entity?set=A_ProductionOrder_2")}
        for order, booked in totals["orders"].items():
            equal(orders[order], booked["yield"], f"the quantity in order {order} itself")
        book = self.plant.account()
        equal({n: book[n] for n in ("taken", "confirmed", "refused", "quarantined", "cancelled", "ready", "sent")},
              {"taken": want, "confirmed": want, "refused": 0, "quarantined": 0, "cancelled": 0, "ready": 0, "sent": 0}, "the outbox")
        known = {i["id"]: i["document"] for i in self.plant.items("confirmed")}
        there = {d["identity"]: "/".join(d["key"]) for d in s4.documents()}
        equal(len(known), want, "items of the outbox")
        for identity, document in there.items():
            equal(known[identity], document, f"the document that the outbox knows of event {identity}")
        # Office tells gate of what the outbox has taken a moment later.
        ledger = wait_for(self.delivered, 30, "a ledger in which nothing waits")
        equal(ledger["balance"], 0, "the balance of the ledger")
        equal(sum(stream["admitted"] for stream in ledger["streams"]), want, "events admitted")


@timeout(OPTIONS.limit)
def test_each_confirmation_is_booked_once():
    c = Campaign()
    if not OPTIONS.calm:
        c.plant.s4.rates(f"seed={OPTIONS.seed},{RATES}")
    c.plant.start()
    wait_for(c.machines.watched, 60, "the machines to be read")
    began = time.monotonic()
    c.machines.go()
    if OPTIONS.calm:
        wait_for(lambda: not c.machines.busy(), OPTIONS.limit, "the machines")
    else:
        c.trouble()
    made = time.monotonic() - began
    c.progress(made)
    c.plant.s4.calm()
    wait_for(c.settled, 300, "all to be booked", every_s=0.5)
    took = time.monotonic() - began
    c.judge()
    c.count_faults()
    print(f"{OPTIONS.confirmations} confirmations of {OPTIONS.machines} machines, each booked once, quantities equal (simulated SAP); seed {OPTIONS.seed}")
    print(f"made in {made:.0f} s, all booked after {took:.0f} s; trouble: " + ", ".join(f"{n} {k}" for k, n in sorted(c.done.items())))
    print("faults of the simulator: " + ", ".join(f"{k} {n}" for k, n in sorted(c.faults.items())))


main()
