#!/usr/bin/python3
"""penstock outbox against a running site whose events go to a simulated S/4HANA: what people see, what they do, and that the audit log has it first."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *
from s4 import *
from sap_runs import *

ORDER = 1000100


def closed(s4):
    s4.orders({"id": ORDER, "status": "closed"})


def opened(s4):
    s4.orders({"id": ORDER, "material": "BOTTLE-05", "quantity": 10000000})


def refusing():
    """A line whose one order is closed: its first event is refused and holds the rest."""
    s4 = S4()
    line = Line(s4, start=False, orders={"Filler": ORDER})
    closed(s4)
    line.start()
    refused = wait_for(lambda: outbox(line, "list", "--state", "refused")[1:], 30, "a refusal", every_s=0.5)
    return s4, line, refused[0]


def outbox(line, *words):
    done = line.cli("outbox", *words, "--json")
    assert done.returncode in (0, 1), done.stderr
    return [json.loads(text) for text in done.stdout.splitlines()]


def entries(line):
    done = line.cli("audit", "show", "--json")
    assert done.returncode == 0, done.stderr
    return [e for e in map(json.loads, done.stdout.splitlines()) if "outbox" in json.dumps(e)]


def test_a_refused_event_is_seen_mended_and_booked_and_the_audit_log_has_it():
    s4, line, item = refusing()
    equal((item["code"] != "", "closed" in item["text"].lower(), str(ORDER) in item["lane"]), (True, True, True), f"words of the far end: {item}")
    number = str(item["id"])
    shown = outbox(line, "show", number)[0]
    assert "ExternalSystemConfirmation" in shown["message"] and shown["history"][-1]["verdict"] == "refused", shown
    text = line.cli("outbox", "show", number).stdout
    assert "what goes out:" in text and "refused" in text, text
    done = line.cli("outbox", "edit", number, "yield=7")
    equal((done.returncode, "--reason" in done.stderr), (2, True), "without a reason")
    equal(entries(line), [], "entries before anything was done")
    opened(s4)
    did = outbox(line, "edit", number, "yield=7", "--reason", "counted by hand")
    equal([(d["id"], d["field"], d["after"]) for d in did], [(item["id"], "yield", "7")], "what was done")
    log = json.dumps(entries(line))
    for word in ("counted by hand", "edit", "sap", '"yield"'):
        assert word.strip('"') in log, f"{word} in {log}"
    wait_for(lambda: outbox(line, "show", number)[0]["state"] == "confirmed", 30, "a booking")
    found = s4.documents(identity=shown["event_id"])
    equal([float(d["ConfirmationYieldQuantity"]) for d in found], [7.0], "what was booked")
    change = outbox(line, "show", number)[0]["changes"][0]
    equal((change["verb"], change["why"], change["after"]), ("edit", "counted by hand", "7"), "the record")
    equal(line.cli("outbox", "retry", number, "--reason", "again").returncode, 1, "a second booking")
    equal(line.cli("audit", "verify").returncode, 0, "the chain of the log")


def test_all_that_were_refused_for_one_cause_are_sent_again_or_cancelled():
    s4, line, item = refusing()
    equal(outbox(line, "retry", "all", "--code", "XX/999", "--reason", "none")[0]["count"], 0, "another code")
    cancelled = outbox(line, "cancel", str(item["id"]), "--reason", "booked by hand")
    assert "never sent" in cancelled[0]["did"], cancelled
    wait_for(lambda: outbox(line, "list", "--state", "refused")[1:], 30, "the next of its order, refused")
    opened(s4)
    equal(outbox(line, "retry", "all", "--code", item["code"], "--reason", "order is open again")[0]["count"], 1, "events sent again")
    wait_for(lambda: line.account()["confirmed"] > 2, 30, "bookings")
    ledger = json.loads(line.cli("ledger", "--json").stdout)["outboxes"][0]
    equal(sum(ledger[state] for state in STATES), ledger["taken"], "the account")
    equal((ledger["sink"], ledger["cancelled"]), ("sap", 1), "the account in the ledger")
    assert "outbox:" in line.cli("status").stdout and "1 cancelled" in line.cli("status").stdout
    equal(len(s4.documents(identity=item["event_id"])), 0, "documents of the cancelled one")


def test_what_cannot_be_done_says_why_and_changes_nothing():
    _, line, item = refusing()
    number = str(item["id"])
    for words, code, said in ((("retry", "999999"), 1, "no such event"), (("retry", "x"), 1, "no number"),
                              (("edit", number, "speed=1"), 1, "no field"), (("edit", number, "yield=many"), 1, "a number"),
                              (("seen", number), 1, "no complaint"), (("resume",), 1, "not suspended"),
                              (("cancel", number, "--sink", "nobody"), 1, "no sink nobody")):
        done = line.cli("outbox", *words, "--reason", "try")
        assert done.returncode == code and said in done.stdout + done.stderr, f"{words}: {done.returncode} {done.stdout} {done.stderr}"
    equal(entries(line), [], "entries of what was not done")
    equal(outbox(line, "list", "--state", "refused")[1]["id"], item["id"], "the refused one")
    line.stop()
    equal(outbox(line, "show", number)[0]["state"], "refused", "what stands in the file while nothing runs")
    equal(line.cli("outbox", "cancel", number, "--reason", "x").returncode, 2, "acting while nothing runs")


def test_a_damaged_file_is_put_aside_and_nothing_is_sent_until_a_person_has_looked():
    s4, line, item = refusing()
    wait_for(lambda: line.account()["ready"] > 10, 30, "events that wait")
    line.stop()
    path = os.path.join(line.state, "office/sap/outbox.db")
    before = line.account()["taken"]
    for name in (path + "-wal", path + "-shm"):
        if os.path.exists(name):
            os.unlink(name)
    with open(path, "r+b") as f:
        f.write(b"not a database" * 1000)
    opened(s4)
    line.start()
    account = wait_for(lambda: next((o for o in json.loads(line.cli("ledger", "--json").stdout)["outboxes"] if o["suspended"]), None), 20,
                       "a suspended outbox")
    assert any(name.startswith("outbox.db.damaged-") for name in os.listdir(os.path.dirname(path))), "what was put aside"
    assert "SUSPENDED" in line.cli("status").stdout and before > 10
    equal(s4.totals()["documents"], {}, "documents while nobody has looked")
    assert "goes on" in outbox(line, "resume", "--reason", "compared with SAP")[0]["did"]
    wait_for(lambda: line.account()["confirmed"] > 5, 30, "bookings after it")
    assert "compared with SAP" in json.dumps(entries(line)), "the entry of the log"
    equal(account["confirmed"], 0, "confirmed of what was carried over")


if __name__ == "__main__":
    main()
