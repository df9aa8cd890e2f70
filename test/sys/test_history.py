#!/usr/bin/python3
"""The local history through the whole chain: what was delivered is there, once, over kills and restarts, and can be drawn."""
import csv
import io
import json
import os
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *

FAST = ("--seed", "3", "--skip", "2m", "--scale", "10")


def only_history(text):
    """The demo's site file with the history as its only sink."""
    lines = [line for line in text.splitlines() if "plant-broker:" not in line]
    return "\n".join(lines).replace("[ plant-broker, local-history ]", "local-history") + "\n"


def rows(g, *words):
    done = g.cli("trend", *words, "--csv")
    equal(done.returncode, 0, done.stderr)
    return list(csv.DictReader(io.StringIO(done.stdout)))


def ledger_delivered(g):
    return {s["flow"]: sink["delivered"] for s in g.ledger()["streams"] for sink in s["sinks"]}


def test_every_sample_stands_there_once_over_kills_and_restarts():
    g = Gateway(free_port(), edit=only_history, sim_options=FAST)

    def more(count):
        goal = ledger_delivered(g).get("line-state", 0) + count
        wait_for(lambda: ledger_delivered(g).get("line-state", 0) >= goal, 20, f"{goal} samples in the history", every_s=0.2)
    for name in ("office", "gate", "office"):
        more(200)
        g.kill(name)
    more(200)
    equal(g.stop(), 0, "exit status")
    g.start()
    more(200)
    equal(g.stop(), 0, "exit status")
    delivered = ledger_delivered(g)
    found = rows(g, "**", "--raw", "--last", "1h")
    equal(len(found), sum(delivered.values()), "samples in the history")
    equal(len({(r["tag"], r["time"]) for r in found}), len(found), "different samples")
    assert all(r["status"] == "Good" for r in found), [r for r in found if r["status"] != "Good"][:3]
    # The roll-ups count the same samples (numbers only; the flows carry no texts).
    for step in ("1s", "1min", "1h"):
        counted = sum(int(r["count"]) + int(r["bad"]) for r in rows(g, "**", "--by", step, "--last", "1h"))
        equal(counted, len(found), f"samples counted by {step}")


def test_values_are_what_the_machine_says():
    g = Gateway(free_port(), edit=only_history, sim_options=FAST)
    wait_for(lambda: ledger_delivered(g).get("line-state", 0) > 300, 20, "samples in the history", every_s=0.3)
    g.sim.ask("pause")
    want = json.loads(g.sim.ask("truth"))["machines"]["filler"]["good-count"]

    def values():
        return [int(r["value"]) for r in rows(g, "Packaging/Line 3/Filler/good-count", "--raw", "--last", "5min")]
    wait_for(lambda: values()[-1] == want, 20, "what the machine says", every_s=0.3)
    counts = values()
    equal(counts, sorted(counts), "a counter never falls")


def test_a_device_that_goes_away_is_a_gap_and_bad_in_the_history():
    g = Gateway(free_port(), edit=only_history, sim_options=FAST)
    wait_for(lambda: ledger_delivered(g).get("line-state", 0) > 300, 20, "samples", every_s=0.3)
    g.sim.ask("fault filler silence 30s")
    bad = wait_for(lambda: [r for r in rows(g, "Packaging/Line 3/Filler/speed", "--raw", "--last", "1min") if r["status"] != "Good"], 20,
                   "bad samples in the history", every_s=0.3)
    assert all(r["value"] == "" and r["status"].startswith("Bad") for r in bad), bad[:3]


def test_a_chart_and_json_are_printed_and_mistakes_named():
    g = Gateway(free_port(), edit=only_history, sim_options=FAST)
    wait_for(lambda: ledger_delivered(g).get("line-state", 0) > 200, 20, "samples", every_s=0.3)
    done = g.cli("trend", "**/Filler/speed", "--last", "1min", env={"COLUMNS": "80"})
    equal(done.returncode, 0, done.stderr)
    assert "Packaging/Line 3/Filler/speed [/min]" in done.stdout and "max" in done.stdout, done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80, done.stdout
    points = json.loads(g.cli("trend", "**/Filler/speed", "--raw", "--json").stdout)
    assert points and set(points[0]) == {"tag", "t", "v", "status"}, points[:1]
    equal(g.cli("trend", "No/Such/Tag").returncode, 1, "exit status for an unknown tag")
    equal(g.cli("trend", "**", "--last", "soon").returncode, 2, "exit status for a wrong span")
    equal(penstock("trend", "**", "--state", temp_dir()).returncode, 2, "exit status without a history")


def test_a_text_of_a_device_is_one_cell_and_no_formula():
    g = Gateway(free_port(), edit=only_history, sim_options=FAST)
    wait_for(lambda: ledger_delivered(g).get("line-state", 0) > 0, 20, "a history", every_s=0.3)
    equal(g.stop(), 0, "exit status")
    text, now = b'=1+1,"x"', time.time_ns()
    # A chunk as src/sink/history/chunk.h describes it: one sample, Good, a string.
    chunk, step = bytearray([1, 13, 2]), now << 1
    while step >= 0x80:
        chunk.append(step & 0x7f | 0x80)
        step >>= 7
    chunk += bytes([step, len(text)]) + text
    with sqlite3.connect(os.path.join(g.state, "office/local-history/history.db")) as db:
        db.execute("insert into series values(9999, 'f', 'by/hand', 13, '', '', null, null)")
        db.execute("insert into raw values(999999, 9999, ?, ?, 1, 0, 1, 1, ?)", (now, now, bytes(chunk)))
    equal([r["value"] for r in rows(g, "by/hand", "--raw", "--last", "1h")], ["'" + text.decode()], "cells")


if __name__ == "__main__":
    main()
