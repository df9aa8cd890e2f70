#!/usr/bin/python3
"""Derived tags through the whole chain: from registers over the insight process and the gate to a broker."""
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from penstock import *

TAGS = """
      total:   { expr: "counter('good-count')" }
      wrapped: { expr: "counter(mod('good-count', 100), 100)" }
      pace:    { expr: mean(speed over 2s), scan: 500ms }
      hot:     { expr: "'motor-temperature' > 20 [K] and speed >= 0" }
"""
FLOW = """
  derived:
    what: [ "Packaging/**/total", "Packaging/**/wrapped", "Packaging/**/pace", "Packaging/**/hot" ]
    to: [ plant-broker, local-history ]
    how: { every-sample: yes }
    why: counts
    owner: production-it
"""
FILLER = "Packaging/Line 3/Filler/"


def derived(text):
    text = text.replace("      guard-closed:", TAGS.strip("\n") + "\n      guard-closed:")
    return text.replace("flows:\n", "flows:\n" + FLOW.strip("\n") + "\n")


def series(broker):
    """Path -> list of (time, value, status), in the order of arrival."""
    found = {}
    for p in broker.publishes():
        for group in json.loads(p.payload)["groups"]:
            at = group.get("source", group["arrival"])
            for s in group["samples"]:
                found.setdefault(s["n"], []).append((at, s["v"], s.get("q", "Good")))
    return found


def counted(samples):
    """Time -> what was counted up to it, from the readings; a smaller one is a reset."""
    total, last, out = 0, None, {}
    for at, value, _ in samples:
        if last is not None:
            total += value - last if value >= last else value
        last = value
        out[at] = total
    return out


def insight(gateway):
    return gateway.objects("insight").get("insight", {"derived": 0})


def test_counts_are_whole_though_insight_is_killed_and_values_are_right():
    broker = RecordingBroker()
    defer(broker.stop)
    g = Gateway(broker.port, edit=derived, sim_options=("--skip", "3m"))
    wait_for(lambda: insight(g)["derived"] > 300, 15, "derived samples")
    for _ in range(4):
        time.sleep(1.3)
        g.kill("insight")
        wait_for(lambda: insight(g)["derived"] > 100, 15, "derived samples of the new process", every_s=0.1)
    time.sleep(1)
    g.stop()
    got = series(broker)
    checked = most = 0
    for machine in ("Filler", "Capper", "Labeller", "Packer"):
        path = f"Packaging/Line 3/{machine}/"
        truth = counted(got[path + "good-count"])
        for name in ("total", "wrapped"):
            values = [(at, v) for at, v, q in got[path + name] if q == "Good"]
            wrong = [(at, v, truth.get(at)) for at, v in values if v != truth.get(at)]
            equal(wrong, [], f"{path}{name} against the readings themselves")
            at = [a for a, _ in values]
            assert at == sorted(at), f"{path}{name} is in order"
            assert len(set(at)) >= 0.97 * len(truth), (path, name, len(set(at)), len(truth))
            checked += len(values)
            most = max(most, max(v for _, v in values))
    assert checked > 500 and most > 20, (checked, most)
    equal({o for o in g.run.err if "batch_refused" in o}, set(), "batches that the gate refused")
    equal(g.cli("ledger", "--verify").returncode, 0, "exit status of ledger --verify")


def test_a_window_is_uncertain_until_it_is_full_and_a_dead_machine_makes_it_bad():
    broker = RecordingBroker()
    defer(broker.stop)
    g = Gateway(broker.port, edit=derived, sim_options=("--skip", "3m"))
    def seen(name):
        return {q for _, _, q in series(broker).get(FILLER + name, [])}
    wait_for(lambda: "Good" in seen("pace"), 20, "a full window", every_s=0.2)
    g.sim.ask("fault filler refuse")
    wait_for(lambda: any(q.startswith("Bad") for q in seen("pace")) and "UncertainLastUsableValue" in seen("total"), 20, "what is bad now", every_s=0.2)
    g.stop()
    got = series(broker)
    pace = got[FILLER + "pace"]
    quality = [q for _, _, q in pace]
    assert "UncertainSubNormal" in quality and "Good" in quality and any(q.startswith("Bad") for q in quality), quality
    assert quality.index("UncertainSubNormal") < quality.index("Good"), quality
    readings = {at: v for at, v, q in got[FILLER + "speed"] if q == "Good"}
    for at, v, q in pace:
        if q == "Good":
            assert min(readings.values()) <= v <= max(readings.values()), (at, v)
    # The total of what was counted is still told, as kept.
    assert ("UncertainLastUsableValue" in {q for _, _, q in got[FILLER + "total"]}), got[FILLER + "total"][-3:]


def test_a_reload_keeps_what_did_not_change():
    broker = RecordingBroker()
    defer(broker.stop)
    g = Gateway(broker.port, edit=derived, sim_options=("--skip", "3m"))
    wait_for(lambda: insight(g)["derived"] > 300, 15, "derived samples")
    g.write(lambda t: derived(t).replace("over 2s), scan: 500ms", "over 3s), scan: 500ms"))
    equal(g.cli("apply", g.site).returncode, 0, "exit status of apply")
    time.sleep(2)
    g.stop()
    got = series(broker)
    truth = counted(got[FILLER + "good-count"])
    for name in ("total", "wrapped"):
        wrong = [(at, v, truth.get(at)) for at, v, q in got[FILLER + name] if q == "Good" and v != truth.get(at)]
        equal(wrong, [], f"{name} over the reload")


def test_a_tail_goes_on_with_a_process_that_was_started_anew_while_others_have_news():
    g = Gateway(free_port(), edit=derived, sim_options=("--skip", "3m"))
    tail = start_tail("Packaging/Line 3/Filler/*", g.state)

    def told(name):
        return sum(json.loads(line)["tag"] == FILLER + name for line in list(tail.out))
    wait_for(lambda: told("speed") > 3 and told("total") > 3, 20, "samples of both processes")
    g.kill("field:line-3")
    before = told("total")
    wait_for(lambda: told("total") > before + 20, 20, "derived samples, which come from the ring that stays")
    before = told("speed")
    wait_for(lambda: told("speed") > before + 3, 20, "samples of the process that was started anew")


def test_what_runs_can_be_asked_and_tried():
    g = Gateway(free_port(), edit=derived, sim_options=("--skip", "3m"))
    wait_for(lambda: insight(g)["derived"] > 300, 15, "derived samples")
    why = json.loads(g.cli("why", FILLER + "total", "--json").stdout)
    equal(why["expr"], "counter('good-count')", "expression")
    equal([i["tag"] for i in why["inputs"]], [FILLER + "good-count"], "inputs")
    read = g.cli("read", FILLER + "total")
    assert read.returncode == 1 and "derived" in read.stderr, read.stderr
    done = g.cli("eval", "'good-count' - prev('good-count') >= 0", "--at", FILLER.rstrip("/"))
    equal(done.returncode, 0, done.stdout + done.stderr)
    assert done.stdout.rstrip().endswith("= true"), done.stdout
    done = g.cli("eval", "total * 2", "--at", FILLER.rstrip("/"), "--json")    # of a derived tag, from the ring of insight
    equal(json.loads(done.stdout)["steps"][0]["status"], "Good", done.stdout)
    wait_for(lambda: g.cli("eval", "max(speed over 20)", "--at", FILLER.rstrip("/"), "--last", "1min").returncode == 0, 10,
             "the history to have it")
    done = g.cli("eval", "speed + 'motor-temperature'", "--at", FILLER.rstrip("/"))
    assert done.returncode == 1 and "measures something else" in done.stderr, done.stderr
    assert "total" in g.cli("tail", FILLER + "total", "--count", "1").stdout


main()
