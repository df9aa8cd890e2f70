#!/usr/bin/python3
"""An event whose answer was lost is looked up where it was posted, or by a person: asked elsewhere, "not there" would prove nothing."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from s4 import *
from sap_site import *

LOST = "SELECT seq FROM item WHERE state=1 AND unknown=1"


class Posting(EventNode):
    """A node that has lost two answers, and cannot ask for them yet: .there was booked, .gone never arrived."""

    def __init__(self, keys="", prepare=lambda node: None):
        self.s4 = S4()
        super().__init__(self.s4, keys)
        prepare(self)
        self.s4.fault("dump", method="GET", path="filter=", times=1000000)
        self.there, self.gone = self.lose("lost-answer", "1000123"), self.lose("cut-before", "1000130")

    def lose(self, fault, order):
        n = len(self.rows(LOST))
        self.s4.fault(fault, method="POST", path="ProdnOrdConf2")
        e = event(order=order)
        self.send(e)
        wait_for(lambda: len(self.rows(LOST)) > n, 20, "a lost answer")
        return e

    def looked_up(self):
        return self.s4.ask("requests")["counts"].get("GET ProdnOrdConf2", 0)

    def documents(self):
        totals = self.s4.totals()
        equal(totals["duplicates"], {}, "identities that occur twice")
        return totals["documents"].get("ProdnOrdConf2", 0)

    def person(self, verb, event):
        seq = next(i["seq"] for i in self.items() if i["id"] == event["id"])
        done = self.cli("outbox", verb, seq, "--reason", "CO14 was looked at")
        equal(done.returncode, 0, f"{verb}: {done.stdout}{done.stderr}")

    def have_moved(self, asked):
        for e in (self.there, self.gone):
            item = self.ends(e, "refused")
            equal(item["code"], "moved", item["text"])
            assert f"http://{self.s4.address}{CONFIRMATION}/ProdnOrdConf2?" in item["text"] and e["id"] in item["text"], item["text"]
        equal((self.looked_up(), self.documents()), (asked, 1), "questions asked elsewhere, and documents")


def own_mapping(folder):
    """The ready mapping, with another question."""
    text = penstock("mapping", "production-confirmation").stdout
    with open(os.path.join(folder, "own.yaml"), "w", encoding="utf-8") as f:
        f.write(text.replace("document: [Conf", "lookup: { where: [OrderID, ExternalSystemConfirmation] }\ndocument: [Conf", 1))
    return folder


@timeout(90)
def test_a_mapping_that_asks_otherwise_leaves_it_to_a_person():
    p = Posting()
    p.run.stop()
    p.s4.calm()
    asked = p.looked_up()
    p.change("tls: no,", f"tls: no, mappings: {own_mapping(temp_dir())},")
    p.start()
    p.have_moved(asked)
    p.person("retry", p.there)          # does not send it either
    p.have_moved(asked)
    p.person("resend", p.gone)
    p.ends(p.gone, "confirmed")
    equal(p.documents(), 2, "documents after the person's word")
    p.person("cancel", p.there)
    p.ends(p.there, "cancelled")
    e = event(order="1000123")          # its order goes on
    p.send(e)
    p.ends(e, "confirmed")
    equal(p.documents(), 3, "documents")


@timeout(90)
def test_another_server_is_not_asked_and_the_one_it_was_posted_to_is_when_it_is_back():
    p = Posting()
    p.run.stop()
    p.s4.calm()
    asked, ours, other = p.looked_up(), f'server: "{p.s4.address}"', f'server: "localhost:{p.s4.port}"'
    p.change(ours, other)
    p.start()
    p.have_moved(asked)
    p.change(other, ours)
    p.restart()
    for e in (p.there, p.gone):
        p.person("retry", e)
    for e in (p.there, p.gone):
        p.ends(e, "confirmed")
    equal(p.documents(), 2, "documents: one was there, the other was posted once more")
    assert p.looked_up() > asked, "nobody asked"


@timeout(90)
def test_another_client_that_is_applied_while_it_runs_is_not_asked():
    p = Posting()
    p.change("tls: no,", 'tls: no, client: "100",')
    asked = p.looked_up()
    done = p.cli("apply", p.site)
    equal(done.returncode, 0, f"apply: {done.stdout}{done.stderr}")
    for e in (p.there, p.gone):
        equal(p.ends(e, "refused", 40)["code"], "moved", "its code")
    p.s4.calm()
    assert p.looked_up() - asked <= 2, "the old questions may have gone once more before the change was in force"
    p.person("resend", p.gone)
    p.ends(p.gone, "confirmed")
    equal(p.documents(), 2, "documents")


@timeout(90)
def test_the_same_site_written_otherwise_has_not_moved():
    def by_name(node):
        node.change(f'"{node.s4.address}"', f'"localhost:{node.s4.port}"')
        node.restart()

    p = Posting('settings: ["plant = 1010", "reporter = PENSTOCK"], connections: 3', by_name)
    p.run.stop()
    p.s4.calm()
    p.change('settings: ["plant = 1010", "reporter = PENSTOCK"], connections: 3', 'connections: 2, settings: ["reporter = PENSTOCK", "plant = 1010"]')
    p.change(f'"localhost:{p.s4.port}", tls: no,', f'"LocalHost:{p.s4.port}",')
    p.change("rate: 0,", "rate: 0, tls: no,")
    p.start()
    for e in (p.there, p.gone):
        p.ends(e, "confirmed")
    equal(p.documents(), 2, "documents")


if __name__ == "__main__":
    main()
