"""The last proof of the demo: what the simulated SAP has booked against what the spool holds.

    penstock spool dump bookings --json | booked.py DOCUMENTS READINGS

DOCUMENTS: what the simulator says it has booked (/sim/documents). READINGS: the filler's counter as the spool holds it, one sample a line.
Every document must be one event, once, with its quantities; what has no document yet must be the newest.
"""
import json
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        documents = json.load(f)
    with open(sys.argv[2], encoding="utf-8") as f:
        readings = [(s["source"] if "source" in s else s["arrival"], s["value"]) for s in map(json.loads, f)]
    events = [json.loads(line)["value"] for line in sys.stdin]
    confirmations = [e for e in events if e["type"] == "operations-performance"]
    booked = [d for d in documents if d["set"] == "ProdnOrdConf2"]
    notifications = [d for d in documents if d["set"] == "MaintenanceNotification"]
    by_id = {d["identity"]: d for d in booked}
    done = [e for e in confirmations if e["id"] in by_id]
    wrong = [e["key"] for e in done if float(by_id[e["id"]]["ConfirmationYieldQuantity"]) != e["fields"]["yield"]]
    last = done[-1]["time"] if done else ""
    counted = [n for at, n in readings if at <= last]
    moved = counted[-1] - counted[0] if counted else 0
    total = sum(int(float(d["ConfirmationYieldQuantity"])) for d in booked)

    print(f"\n{len(confirmations)} confirmations of {len(events)} events in the spool; SAP has {len(booked)} of them, "
          f"{len(booked) - len(by_id)} twice, {len(wrong)} with another quantity, and {len(notifications)} notifications")
    print(f"the filler's register moved by {moved}; SAP has booked {total}")
    if len(confirmations) > len(done):
        print(f"{len(confirmations) - len(done)} of the newest had not gone out when Penstock was stopped; they wait in the outbox or the spool")
    good = (done and len(booked) == len(by_id) == len(done) and not wrong and moved == total and len(confirmations) - len(done) <= 3 and
            confirmations[:len(done)] == done)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
